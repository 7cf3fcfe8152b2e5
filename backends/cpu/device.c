/* SPDX-License-Identifier: Apache-2.0 */
/* What the cpu device says of itself: name, cost, power. */
#include <stdio.h>
#include <string.h>
#include "cpu/cpu.h"

/* Power of one busy core: the prime core of a Snapdragon 888 at its highest clock under CoreMark, 1.636 W.
 * Source: freqbench by kdrag0n, results for sm8350, core 7 at 2841.6 MHz. A stand-in until the machine's own
 * table or its counters are read; figures made of it say "modelled". */
#define ACTIVE_POWER_UW 1635907u

/* Costs before any launch has been measured, for one core; completions correct them. Conservative, so that a
 * planner does not starve other devices on a promise: streaming 8 GiB/s, and 8 or 40 Gflop/s. */
#define NS_PER_MIB         122000u
#define NS_PER_MFLOP_PLAIN 125000u
#define NS_PER_MFLOP_WIDE  25000u
/* Handing work to a worker that may sleep. */
#define LAUNCH_NS 5000u

#if defined(__x86_64__)
#include <cpuid.h>

/* The 48 characters of the brand string. Source: Intel SDM volume 2, CPUID leaves 80000002h to 80000004h. */
static void model_name(char out_text[HD_NAME_BYTES]) {
  uint32_t words[12] = {0}, highest = (uint32_t)__get_cpuid_max(0x80000000u, NULL);
  for (uint32_t leaf = 0; leaf < 3 && highest >= 0x80000004u; leaf++)
    __get_cpuid(0x80000002u + leaf, &words[4 * leaf], &words[4 * leaf + 1], &words[4 * leaf + 2],
                &words[4 * leaf + 3]);
  memcpy(out_text, words, HD_NAME_BYTES);
  out_text[HD_NAME_BYTES - 1] = 0;
}
#else
static void model_name(char out_text[HD_NAME_BYTES]) {
  snprintf(out_text, HD_NAME_BYTES, "%s", "aarch64");
}
#endif

/* Cuts blanks at both ends, and what says only that it is a processor. */
static void tidy(char *text) {
  char *end, *word = strstr(text, "-Core");
  if (word) {
    *word = 0;
    word = strrchr(text, ' '); /* the core count before it */
    if (word) *word = 0;
  }
  word = strstr(text, " Processor");
  if (word) *word = 0;
  size_t blanks = strspn(text, " ");
  memmove(text, text + blanks, strlen(text + blanks) + 1);
  for (end = text + strlen(text); end > text && end[-1] == ' ';)
    *--end = 0;
}

void hdi_cpu_describe(const hdb_kernels *kernels, char out_text[HD_NAME_BYTES]) {
  char name[HD_NAME_BYTES];
  model_name(name);
  tidy(name);
  snprintf(out_text, HD_NAME_BYTES, "%.34s, %.10s", name[0] ? name : "CPU", kernels->name);
}

hd_status hdi_cpu_probe(void *backend, uint32_t index, hd_device_props *out_props) {
  const hdi_cpu *cpu = backend;
  if (index != 0) return HD_E_NOT_FOUND;
  bool plain = strcmp(cpu->kernels.name, "c") == 0;
  *out_props = (hd_device_props){
      .size = sizeof *out_props,
      .kind = HD_DEVICE_CPU,
      .name = "cpu",
      .flags = HD_DEVICE_STOPS_AT_OP,
      .capacity = cpu->capacity,
      .max_in_flight = cpu->slot_count,
      .launch_ns = LAUNCH_NS,
      .ns_per_mib = NS_PER_MIB,
      .ns_per_mflop = plain ? NS_PER_MFLOP_PLAIN : NS_PER_MFLOP_WIDE,
      .active_power_uw = ACTIVE_POWER_UW,
  };
  memcpy(out_props->description, cpu->description, sizeof out_props->description);
  return HD_OK;
}

uint64_t hdi_cpu_energy_uj(uint64_t elapsed_ns, uint32_t width) {
  /* uW * us = 1e-6 uJ. Microseconds of work fit 64 bits for centuries. */
  return elapsed_ns * width / 1000 * ACTIVE_POWER_UW / 1000000;
}

hd_status hdi_cpu_sense(void *backend, uint32_t index, int32_t *out_mdegc) {
  (void)backend;
  (void)index;
  (void)out_mdegc;
  return HD_E_UNSUPPORTED; /* the thermal zones of kernel_shims tell it for the whole SoC */
}
