/* SPDX-License-Identifier: Apache-2.0 */
/* Finding, starting and reading the programs of the bench. Their line is described in
 * bench/harness/harness.h. */
#include "bench_programs.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "bench/floor/floor.h"
#include "bench/harness/harness.h"
#include "bench/peers/threads.h"
#include "bench/runtime/ours.h"

/* A measurement takes some 20 ms; on a machine that is busy, or emulated, far longer. */
#define PATIENCE_S 60

#define NS_PER_MS UINT64_C(1000000)

static const char *const peers[] = {"tbb", "openmp", "pthreadpool", "boost", "starpu"};

/* Where peers may lie, seen from the command's own folder: in a build folder, and installed. */
static const char *const folders[] = {"../bench/peers", ".", "../libexec/heddle"};

/* ---- a program's output ---- */

static void run_child(const hdt_program *program, const char *figure, uint32_t ms, int out) {
  char budget[16];
  if (program->inside != NULL) {
    FILE *stream = fdopen(out, "w");
    _exit(stream == NULL ? 1 : hb_program_run(program->inside, figure, ms * NS_PER_MS, stream));
  }
  int nowhere = open("/dev/null", O_RDWR);
  snprintf(budget, sizeof(budget), "%u", (unsigned)ms);
  if (nowhere < 0 || dup2(nowhere, STDIN_FILENO) < 0 || dup2(nowhere, STDERR_FILENO) < 0) _exit(1);
  if (dup2(out, STDOUT_FILENO) < 0) _exit(1);
  if (figure == NULL) {
    execl(program->path, program->path, "--list", (char *)NULL);
  } else {
    execl(program->path, program->path, figure, "--ms", budget, (char *)NULL);
  }
  _exit(127);
}

/* Reads until the end, or until patience is over; `text` gets what fits. */
static bool read_all(int in, char *text, size_t size) {
  size_t length = 0;
  time_t until = time(NULL) + PATIENCE_S;
  for (;;) {
    struct pollfd ready = {.fd = in, .events = POLLIN};
    int left_ms = (int)(until - time(NULL)) * 1000;
    int count = poll(&ready, 1, left_ms > 0 ? left_ms : 0);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    char rest[64];
    bool room = length + 1 < size;
    ssize_t got = read(in, room ? text + length : rest, room ? size - length - 1 : sizeof(rest));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    if (room) length += (size_t)got;
  }
  text[length] = '\0';
  return true;
}

/* What the program prints for `figure` (NULL: its list). False when it fails or hangs. */
static bool ask(const hdt_program *program, const char *figure, uint32_t ms, char *text, size_t size) {
  int ends[2];
  int status = 0;
  fflush(NULL); /* else the child would print it once more */
  if (pipe2(ends, O_CLOEXEC) != 0) return false;
  pid_t child = fork();
  if (child == 0) run_child(program, figure, ms, ends[1]);
  close(ends[1]);
  bool done = child > 0 && read_all(ends[0], text, size);
  close(ends[0]);
  if (child <= 0) return false;
  if (!done) kill(child, SIGKILL);
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return done && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* ---- finding ---- */

static bool find_peer(const char *base, const char *name, hdt_program *out_program) {
  char list[sizeof(out_program->figures)];
  memset(out_program, 0, sizeof(*out_program));
  for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
    int length = snprintf(out_program->path, sizeof(out_program->path), "%s/%s/heddle-bench-%s", base,
                          folders[i], name);
    if (length < 0 || (size_t)length >= sizeof(out_program->path)) continue;
    if (access(out_program->path, X_OK) != 0 || !ask(out_program, NULL, 0, list, sizeof(list) - 2)) continue;
    snprintf(out_program->figures, sizeof(out_program->figures), ",%.*s", (int)sizeof(list) - 2, list);
    for (char *c = out_program->figures; *c != '\0'; c++) {
      if (*c == '\n') *c = ',';
    }
    return true;
  }
  return false;
}

uint32_t hdt_programs_find(hdt_program out_programs[HDT_PROGRAMS_MAX]) {
  const struct hb_program *inside[] = {&hb_ours, &hb_floor, &hb_threads};
  char base[512];
  uint32_t count = 0;
  for (size_t i = 0; i < sizeof(inside) / sizeof(inside[0]); i++) {
    memset(&out_programs[count], 0, sizeof(out_programs[count]));
    out_programs[count++].inside = inside[i];
  }
  ssize_t length = readlink("/proc/self/exe", base, sizeof(base) - 1);
  if (length <= 0) return count;
  base[length] = '\0';
  char *slash = strrchr(base, '/');
  if (slash != NULL) *slash = '\0';
  for (size_t i = 0; i < sizeof(peers) / sizeof(peers[0]); i++) {
    if (find_peer(base, peers[i], &out_programs[count])) count++;
  }
  return count;
}

bool hdt_program_has(const hdt_program *program, const char *figure) {
  char wanted[64];
  if (program->inside != NULL) return hb_program_has(program->inside, figure);
  snprintf(wanted, sizeof(wanted), ",%s,", figure);
  return strstr(program->figures, wanted) != NULL;
}

/* ---- measuring ---- */

/* One line; the figure's name in front has been checked. */
static void read_answer(const char *line, hdt_answer_fn answer, void *arg) {
  char who[24], unit[8];
  double value, instructions = -1;
  if (strncmp(line, "none ", 5) == 0) {
    answer(arg, "none", 0, -1, line + 5);
  } else if (sscanf(line, "%23s %lf %7s %lf", who, &value, unit, &instructions) >= 3) {
    answer(arg, who, value, instructions, NULL);
  }
}

bool hdt_program_measure(const hdt_program *program, const char *figure, uint32_t ms, hdt_answer_fn answer,
                         void *arg) {
  char text[2048];
  char *rest = NULL;
  size_t length = strlen(figure);
  bool answered = false;
  if (!ask(program, figure, ms, text, sizeof(text))) return false;
  for (char *line = strtok_r(text, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
    if (strncmp(line, figure, length) != 0 || line[length] != ' ') continue;
    read_answer(line + length + 1, answer, arg);
    answered = true;
  }
  return answered;
}
