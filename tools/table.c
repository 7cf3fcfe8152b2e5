/* SPDX-License-Identifier: Apache-2.0 */
/* Text tables: cells go in, aligned columns come out. */
#include "table.h"

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include "console.h"

void hdt_table_init(hdt_table *table, const char *align) {
  memset(table, 0, sizeof(*table));
  table->align = align;
  table->columns = strlen(align);
  assert(table->columns > 0 && table->columns <= HDT_COLUMNS_MAX);
}

void hdt_table_finish(hdt_table *table) {
  for (size_t i = 0; i < table->count; i++)
    free(table->cells[i]);
  free(table->cells);
  memset(table, 0, sizeof(*table));
}

void hdt_table_cell(hdt_table *table, const char *format, ...) {
  if (table->failed) return;
  if (table->count == table->capacity) {
    size_t capacity = table->capacity ? 2 * table->capacity : 64;
    char **cells = realloc(table->cells, capacity * sizeof(*cells));
    if (cells == NULL) {
      table->failed = true;
      return;
    }
    table->cells = cells;
    table->capacity = capacity;
  }
  char text[512];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof(text), format, args);
  va_end(args);
  hdt_tame(text, strlen(text), false);
  char *copy = strdup(text);
  if (copy == NULL) {
    table->failed = true;
    return;
  }
  table->cells[table->count++] = copy;
}

void hdt_table_header(hdt_table *table, const char *const *titles) {
  assert(table->count == 0);
  for (size_t i = 0; i < table->columns; i++)
    hdt_table_cell(table, "%s", titles[i]);
  table->has_header = true;
}

size_t hdt_text_width(const char *text) {
  size_t width = 0;
  for (; *text != '\0'; text++)
    width += ((unsigned char)*text & 0xc0u) != 0x80u; /* not a continuation byte */
  return width;
}

/* The width of each column; 0 for one that holds nothing but its title. Returns the last column that is
 * printed. */
static size_t measure(const hdt_table *table, size_t *widths) {
  size_t last = 0;
  for (size_t c = 0; c < table->columns; c++) {
    bool empty = true;
    widths[c] = 0;
    for (size_t i = c; i < table->count; i += table->columns) {
      size_t width = hdt_text_width(table->cells[i]);
      if (width > widths[c]) widths[c] = width;
      if (width > 0 && (i >= table->columns || !table->has_header)) empty = false;
    }
    if (empty) widths[c] = 0;
    if (widths[c] > 0) last = c;
  }
  return last;
}

static void print_row(const hdt_table *table, size_t first, const size_t *widths, size_t last, FILE *stream) {
  for (size_t c = 0; c <= last; c++) {
    const char *text = first + c < table->count ? table->cells[first + c] : "";
    if (widths[c] == 0 || (c == last && *text == '\0')) continue;
    int pad = (int)(widths[c] - hdt_text_width(text));
    if (table->align[c] == 'r') {
      fprintf(stream, "  %*s%s", pad, "", text);
    } else {
      fprintf(stream, "  %s%*s", text, c == last ? 0 : pad, "");
    }
  }
}

bool hdt_table_print(const hdt_table *table, FILE *stream) {
  size_t widths[HDT_COLUMNS_MAX] = {0};
  if (table->failed) return false;
  size_t last = measure(table, widths);
  for (size_t i = 0; i < table->count; i += table->columns) {
    hdt_style style = table->has_header && i == 0 ? HDT_DIM : HDT_PLAIN;
    fputs(hdt_style_on(stream, style), stream);
    print_row(table, i, widths, last, stream);
    fprintf(stream, "%s\n", hdt_style_off(stream, style));
  }
  return true;
}
