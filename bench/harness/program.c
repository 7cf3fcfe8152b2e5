/* SPDX-License-Identifier: Apache-2.0 */
/* How a program of the bench is called, where it runs and how it answers. */
#include "harness.h"

#include <dirent.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* Enough that a run is not put aside for what else the machine does; the runs are short. */
#define BETTER_NICE (-12)

#define NS_PER_MS UINT64_C(1000000)

static const hb_figure *find(const hb_program *program, const char *name) {
  for (const hb_figure *figure = program->figures; figure->name != NULL; figure++) {
    if (strcmp(figure->name, name) == 0) return figure;
  }
  return NULL;
}

bool hb_program_has(const hb_program *program, const char *figure) {
  return find(program, figure) != NULL;
}

/* The last cores that the process may use: the first one usually answers the interrupts. */
static bool confine(hb_run *run, uint32_t wanted) {
  cpu_set_t usable, chosen;
  uint32_t found = 0;
  CPU_ZERO(&chosen);
  if (sched_getaffinity(0, sizeof usable, &usable) != 0) return false;
  for (uint32_t cpu = CPU_SETSIZE; cpu-- > 0 && found < wanted;) {
    if (!CPU_ISSET(cpu, &usable)) continue;
    run->cores[found++] = cpu;
    CPU_SET(cpu, &chosen);
  }
  run->core_count = found;
  return found == wanted && sched_setaffinity(0, sizeof chosen, &chosen) == 0;
}

int hb_program_run(const hb_program *program, const char *name, uint64_t budget_ns, FILE *out) {
  hb_run run = {.figure = name, .budget_ns = budget_ns, .out = out};
  const hb_figure *figure = find(program, name);
  if (figure == NULL) {
    hb_say_none(&run, "there is no such thing here");
  } else if (!confine(&run, figure->cores)) {
    hb_say_none(&run, figure->cores > 1 ? "needs two cores" : "the core cannot be chosen");
  } else {
    (void)setpriority(PRIO_PROCESS, 0, BETTER_NICE);
    figure->measure(&run);
  }
  return fflush(out) == 0 ? 0 : 1;
}

int hb_program_main(const hb_program *program, int argc, char **argv) {
  uint64_t budget_ns = 20 * NS_PER_MS;
  if (argc == 2 && strcmp(argv[1], "--list") == 0) {
    for (const hb_figure *figure = program->figures; figure->name != NULL; figure++)
      puts(figure->name);
    return 0;
  }
  if (argc == 4 && strcmp(argv[2], "--ms") == 0) {
    unsigned long ms = strtoul(argv[3], NULL, 10);
    budget_ns = (ms > 0 && ms < 100000 ? ms : 20) * NS_PER_MS;
  } else if (argc != 2) {
    fprintf(stderr, "usage: %s FIGURE [--ms N] | --list\n", program->name);
    return 2;
  }
  return hb_program_run(program, argv[1], budget_ns, stdout);
}

void hb_say(hb_run *run, const char *who, double value, const char *unit, double instructions) {
  fprintf(run->out, "%s %s %.4f %s", run->figure, who, value, unit);
  if (instructions >= 0) fprintf(run->out, " %.1f", instructions);
  fputc('\n', run->out);
}

void hb_say_none(hb_run *run, const char *reason) {
  fprintf(run->out, "%s none %s\n", run->figure, reason);
}

static void pin(pid_t thread, uint32_t cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  (void)sched_setaffinity(thread, sizeof set, &set);
}

void hb_pin(const hb_run *run, uint32_t index) {
  pin(0, run->cores[index % run->core_count]);
}

void hb_spread(const hb_run *run, uint32_t first) {
  DIR *tasks = opendir("/proc/self/task");
  struct dirent *entry;
  if (tasks == NULL) return;
  while ((entry = readdir(tasks)) != NULL) {
    pid_t thread = (pid_t)strtol(entry->d_name, NULL, 10);
    if (thread <= 0) continue;
    bool is_main = thread == getpid();
    pin(thread, run->cores[is_main ? 0 : first++ % run->core_count]);
  }
  closedir(tasks);
}
