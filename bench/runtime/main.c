/* SPDX-License-Identifier: Apache-2.0 */
/* heddle's side as a program, for profilers and for looking at one figure alone. */
#include "ours.h"

int main(int argc, char **argv) {
  return hb_program_main(&hb_ours, argc, argv);
}
