/* SPDX-License-Identifier: Apache-2.0 */
/* The two output streams: who reads them, how an error line looks, and when the reader has gone. */
#ifndef HEDDLE_TOOLS_CONSOLE_H
#define HEDDLE_TOOLS_CONSOLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include "exit_code.h"

typedef enum hdt_style { HDT_PLAIN, HDT_BOLD, HDT_DIM } hdt_style;

/* Gives every closed standard stream a descriptor that refuses to be used, so that no file that is opened
 * later gets its number and with it what is meant for the stream. Call first of all. */
void hdt_console_guard(void);

/* Looks at the streams once; colours are for terminals only, and not with --no-color, NO_COLOR (no-color.org)
 * or TERM=dumb. Call before anything is printed. */
void hdt_console_init(bool no_color);

bool hdt_is_terminal(const FILE *stream);
/* Columns of the terminal behind `stream`; 80 where it does not tell. */
unsigned hdt_columns(const FILE *stream);

/* The escape sequence that begins `style` on `stream`, and the one that ends it; "" where colours are off. */
const char *hdt_style_on(const FILE *stream, hdt_style style);
const char *hdt_style_off(const FILE *stream, hdt_style style);

/* Control characters become '?': what is shown may come from a hostile file and must not steer the terminal.
 * Line feeds and tabs stay when `keep_lines`. */
void hdt_tame(char *text, size_t bytes, bool keep_lines);

/* A title line on stdout: `name` in bold, then the rest. */
#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
void
hdt_print_title(const char *name, const char *format, ...);

/* One line "heddle COMMAND: ..." on stderr; control characters become '?'. Returns `code`, so that a failing
 * function ends with `return hdt_fail(HDT_USAGE, "run", ...)`. `command` NULL: the heddle command itself. */
#if defined(__GNUC__)
__attribute__((format(printf, 3, 4)))
#endif
hdt_exit
hdt_fail(hdt_exit code, const char *command, const char *format, ...);

/* Writes to stdout and flushes. False when that failed, now or before. */
bool hdt_out_write(const void *bytes, size_t size);
/* False once a write to stdout has failed. */
bool hdt_out_ok(void);
/* Flushes stdout and says how it went: `code` when all is written or the reader has left (EPIPE: it has had
 * enough, which is no failure), else one line and HDT_FAILED. */
hdt_exit hdt_out_finish(hdt_exit code, const char *command);

#endif
