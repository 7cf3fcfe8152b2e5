/* SPDX-License-Identifier: Apache-2.0 */
/* Status codes: each value says what the caller can do about it. */
#ifndef HEDDLE_STATUS_H
#define HEDDLE_STATUS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* 0 is success, negative values are failures. No function of heddle aborts, exits or sets errno as its
 * answer. */
typedef int32_t hd_status;

enum {
  HD_OK = 0,
  HD_E_AGAIN = -1,       /* busy at the moment: call again, after the retry time where one is given */
  HD_E_INVALID = -2,     /* an argument breaks the contract: mend the call */
  HD_E_NO_MEMORY = -3,   /* the host's allocator said no: free something, then call again */
  HD_E_UNSUPPORTED = -4, /* this device cannot do it: choose another one */
  HD_E_DEVICE = -5,      /* the device failed: run the work elsewhere */
  HD_E_CANCELLED = -6,   /* somebody cancelled it: stop, and report nothing */
  HD_E_TIMEOUT = -7,     /* the time given ran out: give more, or give up */
  HD_E_LIMIT = -8,       /* over a configured limit: ask for less, or raise the limit */
  HD_E_NOT_FOUND = -9,   /* no such name, index or file: name another */
  HD_E_IO = -10,         /* the operating system refused a read or a write: see the text */
  HD_E_FORMAT = -11,     /* the bytes are not what they claim to be: replace the file */
  HD_E_REFUSED = -12,    /* not allowed to this caller: do not retry */
  HD_E_CLOSED = -13,     /* the object is shutting down: stop using it */
  HD_E_INTERNAL = -14,   /* a defect of heddle: report it */
  HD_STATUS_COUNT = 15
};

/* The longest error line, terminator included. Longer ones are cut. */
#define HD_ERROR_TEXT_BYTES 256

/* One clear line: what, where, why. Filled only on failure; owned by the caller; always terminated. */
typedef struct hd_error {
  char text[HD_ERROR_TEXT_BYTES];
} hd_error;

/* The constant's name without prefix in lower case, e.g. "no memory". Never NULL, also for unknown values.
 * Threads: any. Ownership: static text. */
const char *hd_status_text(hd_status status);

/* Writes a printf-formatted line into `out_error` (NULL is allowed) and returns `status`, so that a failing
 * function can end with `return hd_fail(err, HD_E_FORMAT, "...", ...)`. Control characters in the result are
 * replaced by '?', because the arguments may come from a hostile file. Threads: any. */
#if defined(__GNUC__)
__attribute__((format(printf, 3, 4)))
#endif
hd_status
hd_fail(hd_error *out_error, hd_status status, const char *format, ...);

#ifdef __cplusplus
}
#endif
#endif
