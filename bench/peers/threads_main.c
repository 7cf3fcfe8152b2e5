/* SPDX-License-Identifier: Apache-2.0 */
/* Kernel threads as a program. */
#include "threads.h"

int main(int argc, char **argv) {
  return hb_program_main(&hb_threads, argc, argv);
}
