/* SPDX-License-Identifier: Apache-2.0 */
/* The floor as a program. */
#include "floor.h"

int main(int argc, char **argv) {
  return hb_program_main(&hb_floor, argc, argv);
}
