/* SPDX-License-Identifier: Apache-2.0 */
/* Reads a command line by a table of options; getopt_long(3) does the splitting. */
#include "options.h"

#include <assert.h>
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "console.h"

enum { OPTIONS_MAX = 48, LONG_BASE = 256 /* codes of options without a letter, beyond every char */ };

/* The table in the form that getopt_long wants. */
typedef struct getopt_table {
  const hdt_option *options[OPTIONS_MAX];
  size_t count;
  char letters[2 * OPTIONS_MAX + 4];
  struct option longs[OPTIONS_MAX + 2];
} getopt_table;

static void add_long(getopt_table *table, size_t *long_count, const char *name, bool has_argument, int code) {
  struct option entry = {name, has_argument ? required_argument : no_argument, NULL, code};
  table->longs[(*long_count)++] = entry;
}

static void build_table(const hdt_usage *usage, getopt_table *table) {
  size_t letter_count = 0, long_count = 0;
  memset(table, 0, sizeof(*table));
  table->letters[letter_count++] = ':'; /* tell a missing argument from an unknown option */
  table->letters[letter_count++] = 'h';
  add_long(table, &long_count, "help", false, 'h');
  for (size_t g = 0; g < usage->group_count; g++) {
    for (size_t i = 0; i < usage->groups[g].count; i++) {
      const hdt_option *option = &usage->groups[g].options[i];
      assert(table->count < OPTIONS_MAX);
      int code = option->letter ? option->letter : LONG_BASE + (int)table->count;
      if (option->letter) {
        table->letters[letter_count++] = option->letter;
        if (option->argument) table->letters[letter_count++] = ':';
      }
      if (option->name) add_long(table, &long_count, option->name, option->argument != NULL, code);
      table->options[table->count++] = option;
    }
  }
}

static const hdt_option *find_option(const getopt_table *table, int code) {
  if (code >= LONG_BASE) return table->options[code - LONG_BASE];
  for (size_t i = 0; i < table->count; i++) {
    if (table->options[i]->letter == code) return table->options[i];
  }
  return NULL;
}

/* How an option is called in an error line: "-n" or "--temp". */
static const char *spelling(const hdt_option *option, char *out, size_t bytes) {
  if (option->name) {
    snprintf(out, bytes, "--%s", option->name);
  } else {
    snprintf(out, bytes, "-%c", option->letter);
  }
  return out;
}

static hdt_exit wrong_value(const hdt_usage *usage, const hdt_option *option, const char *text) {
  char name[40];
  spelling(option, name, sizeof(name));
  if (option->kind == HDT_OPTION_U64) {
    return hdt_fail(HDT_USAGE, usage->command, "%s wants a whole number from 0 on, not '%s'", name, text);
  }
  return hdt_fail(HDT_USAGE, usage->command, "%s wants a %s from %.15g to %.15g, not '%s'", name,
                  option->kind == HDT_OPTION_COUNT ? "whole number" : "number", option->min, option->max,
                  text);
}

static bool parse_u64(const char *text, uint64_t *out_value) {
  char *end;
  if (text[0] < '0' || text[0] > '9') return false; /* strtoull would take "-1" and " 1" */
  errno = 0;
  unsigned long long value = strtoull(text, &end, 10);
  if (errno != 0 || *end != '\0') return false;
  *out_value = value;
  return true;
}

static bool parse_real(const char *text, double *out_value) {
  char *end;
  double value = strtod(text, &end);
  if (end == text || *end != '\0' || !isfinite(value)) return false;
  *out_value = value;
  return true;
}

static hdt_exit store(const hdt_usage *usage, const hdt_option *option, const char *text) {
  uint64_t whole;
  double real;
  switch (option->kind) {
  case HDT_OPTION_FLAG:
    *(bool *)option->target = true;
    break;
  case HDT_OPTION_TEXT:
    *(const char **)option->target = text;
    break;
  case HDT_OPTION_COUNT:
    if (!parse_u64(text, &whole) || (double)whole < option->min || (double)whole > option->max) {
      return wrong_value(usage, option, text);
    }
    *(uint32_t *)option->target = (uint32_t)whole;
    break;
  case HDT_OPTION_U64:
    if (!parse_u64(text, &whole)) return wrong_value(usage, option, text);
    *(uint64_t *)option->target = whole;
    break;
  case HDT_OPTION_REAL:
    if (!parse_real(text, &real) || real < option->min || real > option->max) {
      return wrong_value(usage, option, text);
    }
    *(double *)option->target = real;
    break;
  case HDT_OPTION_LIST: {
    hdt_text_list *list = option->target;
    if (list->count == HDT_LIST_MAX) {
      return hdt_fail(HDT_USAGE, usage->command, "more than %u of -%c", HDT_LIST_MAX, option->letter);
    }
    list->letters[list->count] = option->letter;
    list->texts[list->count++] = text;
    break;
  }
  }
  if (option->given) *option->given = true;
  return HDT_DONE;
}

/* getopt_long said '?': an unknown letter is in optopt; an unknown long option leaves 0 there; a known option
 * that was given an argument it does not take leaves its code. */
static hdt_exit unknown_option(const hdt_usage *usage, const getopt_table *table, const char *word) {
  if (optopt == 'h' || (optopt != 0 && find_option(table, optopt) != NULL)) {
    return hdt_fail(HDT_USAGE, usage->command, "option '%s' takes no argument", word);
  }
  if (optopt != 0) {
    return hdt_fail(HDT_USAGE, usage->command, "unknown option '-%c'; see 'heddle %s --help'", optopt,
                    usage->command);
  }
  const char *names[OPTIONS_MAX + 2];
  size_t count = 0;
  for (const struct option *entry = table->longs; entry->name != NULL; entry++)
    names[count++] = entry->name;
  names[count] = NULL;
  const char *meant = hdt_nearest(word + 2, names);
  if (meant) {
    return hdt_fail(HDT_USAGE, usage->command, "unknown option '%s'; did you mean '--%s'?", word, meant);
  }
  return hdt_fail(HDT_USAGE, usage->command, "unknown option '%s'; see 'heddle %s --help'", word,
                  usage->command);
}

static hdt_exit missing_argument(const hdt_usage *usage, const getopt_table *table) {
  const hdt_option *option = find_option(table, optopt);
  char name[40];
  return hdt_fail(HDT_USAGE, usage->command, "option '%s' wants an argument: %s",
                  spelling(option, name, sizeof(name)), option->argument);
}

static hdt_exit take_positional(const hdt_usage *usage, int argc, char **argv, const char **out_positional) {
  for (size_t i = 0; i < usage->positional_max; i++)
    out_positional[i] = NULL;
  for (int i = optind; i < argc; i++) {
    size_t index = (size_t)(i - optind);
    if (index >= usage->positional_max) {
      return hdt_fail(HDT_USAGE, usage->command, "one argument too many: '%s'; see 'heddle %s --help'",
                      argv[i], usage->command);
    }
    out_positional[index] = argv[i];
  }
  return HDT_DONE;
}

bool hdt_options_parse(const hdt_usage *usage, int argc, char **argv, const char **out_positional,
                       hdt_exit *out_exit) {
  getopt_table table;
  build_table(usage, &table);
  opterr = 0; /* the lines are ours */
  optind = 1;
  *out_exit = HDT_DONE;
  int code;
  while ((code = getopt_long(argc, argv, table.letters, table.longs, NULL)) != -1) {
    if (code == 'h') {
      hdt_usage_print(usage);
      return false;
    }
    if (code == '?') {
      *out_exit = unknown_option(usage, &table, argv[optind - 1]);
    } else if (code == ':') {
      *out_exit = missing_argument(usage, &table);
    } else {
      *out_exit = store(usage, find_option(&table, code), optarg);
    }
    if (*out_exit != HDT_DONE) return false;
  }
  *out_exit = take_positional(usage, argc, argv, out_positional);
  return *out_exit == HDT_DONE;
}
