/* SPDX-License-Identifier: Apache-2.0 */
/* The two output streams: who reads them, how an error line looks, and when the reader has gone. */
#include "console.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* A process has one stdout and one stderr, so what is known of them is the process's too. */
static struct {
  bool out_terminal, error_terminal, colour;
  int out_errno; /* of the first write to stdout that failed */
} console;

void hdt_console_guard(void) {
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
    if (fcntl(fd, F_GETFD) >= 0) continue;
    int refusing =
        open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY); /* the lowest number is free: fd */
    if (refusing < 0) return;
  }
}

void hdt_console_init(bool no_color) {
  const char *wish = getenv("NO_COLOR");
  const char *term = getenv("TERM");
  bool dumb = term == NULL || strcmp(term, "dumb") == 0;
  console.out_terminal = isatty(STDOUT_FILENO) == 1;
  console.error_terminal = isatty(STDERR_FILENO) == 1;
  console.colour = !no_color && !dumb && (wish == NULL || wish[0] == '\0');
}

bool hdt_is_terminal(const FILE *stream) {
  return stream == stdout ? console.out_terminal : stream == stderr && console.error_terminal;
}

unsigned hdt_columns(const FILE *stream) {
  struct winsize size = {0};
  int fd = stream == stdout ? STDOUT_FILENO : STDERR_FILENO;
  return ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80u;
}

const char *hdt_style_on(const FILE *stream, hdt_style style) {
  static const char *const codes[] = {"", "\033[1m", "\033[2m"}; /* ECMA-48 SGR: bold, faint */
  return console.colour && hdt_is_terminal(stream) ? codes[style] : "";
}

const char *hdt_style_off(const FILE *stream, hdt_style style) {
  return style != HDT_PLAIN && console.colour && hdt_is_terminal(stream) ? "\033[0m" : "";
}

void hdt_tame(char *text, size_t bytes, bool keep_lines) {
  for (size_t i = 0; i < bytes; i++) {
    bool kept = keep_lines && (text[i] == '\n' || text[i] == '\t');
    if (((unsigned char)text[i] < 0x20 && !kept) || text[i] == 0x7f) text[i] = '?';
  }
}

void hdt_print_title(const char *name, const char *format, ...) {
  char line[256];
  va_list args;
  snprintf(line, sizeof(line), "%s", name);
  hdt_tame(line, strlen(line), false);
  printf("  %s%s%s  ", hdt_style_on(stdout, HDT_BOLD), line, hdt_style_off(stdout, HDT_BOLD));
  va_start(args, format);
  vsnprintf(line, sizeof(line), format, args);
  va_end(args);
  hdt_tame(line, strlen(line), false);
  puts(line);
}

hdt_exit hdt_fail(hdt_exit code, const char *command, const char *format, ...) {
  char line[1024];
  va_list args;
  va_start(args, format);
  vsnprintf(line, sizeof(line), format, args);
  va_end(args);
  hdt_tame(line, strlen(line), false);
  fflush(stdout);
  fprintf(stderr, "heddle%s%s: %s\n", command ? " " : "", command ? command : "", line);
  return code;
}

bool hdt_out_write(const void *bytes, size_t size) {
  if (!hdt_out_ok()) return false;
  errno = 0;
  if (fwrite(bytes, 1, size, stdout) != size || fflush(stdout) != 0) console.out_errno = errno ? errno : EIO;
  return console.out_errno == 0;
}

bool hdt_out_ok(void) {
  if (console.out_errno == 0 && ferror(stdout)) console.out_errno = errno ? errno : EIO;
  return console.out_errno == 0;
}

hdt_exit hdt_out_finish(hdt_exit code, const char *command) {
  errno = 0;
  if (console.out_errno == 0 && (fflush(stdout) != 0 || ferror(stdout)))
    console.out_errno = errno ? errno : EIO;
  if (console.out_errno == 0 || console.out_errno == EPIPE) return code;
  return hdt_fail(HDT_FAILED, command, "standard output: %s", strerror(console.out_errno));
}
