/* SPDX-License-Identifier: Apache-2.0 */
/* Text tables: cells go in, aligned columns come out. */
#ifndef HEDDLE_TOOLS_TABLE_H
#define HEDDLE_TOOLS_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define HDT_COLUMNS_MAX 12u

typedef struct hdt_table {
  const char *align; /* one letter a column: 'l' or 'r' */
  size_t columns;
  size_t count, capacity; /* cells */
  char **cells;           /* row by row */
  bool has_header, failed;
} hdt_table;

/* `align` outlives the table; its length is the number of columns, at most HDT_COLUMNS_MAX. */
void hdt_table_init(hdt_table *table, const char *align);
void hdt_table_finish(hdt_table *table);

/* The first row is a header, printed faint. Call before the first cell. `titles` has one entry a column. */
void hdt_table_header(hdt_table *table, const char *const *titles);
/* The next cell, row by row. */
#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
void hdt_table_cell(hdt_table *table, const char *format, ...);

/* Prints with two blanks before each row and between columns; columns that are empty everywhere are left out.
 * False: memory ran out while cells were added, and nothing was printed. */
bool hdt_table_print(const hdt_table *table, FILE *stream);

/* Columns that a UTF-8 text takes; every character counts one (no wide ones in what heddle prints). */
size_t hdt_text_width(const char *text);

#endif
