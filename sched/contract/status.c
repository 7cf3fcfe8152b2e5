/* SPDX-License-Identifier: Apache-2.0 */
/* The texts of status codes, and the one way to write an error line. */
#include "heddle/status.h"

#include <stdarg.h>
#include <stdio.h>

static const char *const TEXTS[HD_STATUS_COUNT] = {
    "ok",
    "busy, try again",
    "invalid argument",
    "no memory",
    "unsupported",
    "device failed",
    "cancelled",
    "timeout",
    "over a limit",
    "not found",
    "i/o error",
    "bad format",
    "not permitted",
    "closed",
    "internal error",
};

const char *hd_status_text(hd_status status) {
  if (status > 0 || status <= -(hd_status)HD_STATUS_COUNT) return "unknown status";
  return TEXTS[-status];
}

hd_status hd_fail(hd_error *out_error, hd_status status, const char *format, ...) {
  if (out_error == NULL) return status;
  va_list args;
  va_start(args, format);
  int length = vsnprintf(out_error->text, sizeof out_error->text, format, args);
  va_end(args);
  if (length < 0) out_error->text[0] = '\0';
  for (char *c = out_error->text; *c != '\0'; c++) {
    /* A terminal must not obey a file's bytes; bytes of 0x80 and up stay, they are UTF-8. */
    unsigned char byte = (unsigned char)*c;
    if (byte < 0x20 || byte == 0x7f) *c = '?';
  }
  return status;
}
