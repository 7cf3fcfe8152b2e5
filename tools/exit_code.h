/* SPDX-License-Identifier: Apache-2.0 */
/* What the command's exit code says. */
#ifndef HEDDLE_TOOLS_EXIT_CODE_H
#define HEDDLE_TOOLS_EXIT_CODE_H

#include "heddle/status.h"

typedef enum hdt_exit {
  HDT_DONE = 0,
  HDT_FAILED = 1,
  HDT_USAGE = 2,         /* the command line is wrong */
  HDT_TRY_AGAIN = 75,    /* EX_TEMPFAIL of sysexits.h: refused for now, the same call may succeed later */
  HDT_INTERRUPTED = 130, /* 128 + SIGINT, as a shell reports it */
  HDT_TERMINATED = 143   /* 128 + SIGTERM */
} hdt_exit;

/* The exit code that a library status asks for. */
hdt_exit hdt_exit_of(hd_status status);

/* As hdt_exit_of, for a call whose only input was the command line: a bad name or text there is wrong usage.
 */
hdt_exit hdt_exit_of_usage(hd_status status);

#endif
