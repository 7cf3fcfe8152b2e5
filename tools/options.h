/* SPDX-License-Identifier: Apache-2.0 */
/* Options of a subcommand: one table tells the parser what to accept and the help what to say. */
#ifndef HEDDLE_TOOLS_OPTIONS_H
#define HEDDLE_TOOLS_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "exit_code.h"

typedef enum hdt_option_kind {
  HDT_OPTION_FLAG,  /* bool * */
  HDT_OPTION_TEXT,  /* const char ** : the argument as it was given */
  HDT_OPTION_COUNT, /* uint32_t * : min .. max */
  HDT_OPTION_U64,   /* uint64_t * */
  HDT_OPTION_REAL,  /* double * : min .. max */
  HDT_OPTION_LIST   /* hdt_text_list * : may be given many times */
} hdt_option_kind;

typedef struct hdt_option {
  char letter;          /* 0: none */
  const char *name;     /* without the dashes; NULL: the letter alone */
  const char *argument; /* its name in the help: "FILE"; NULL for flags */
  hdt_option_kind kind;
  void *target;
  double min, max;  /* HDT_OPTION_COUNT and _REAL */
  const char *help; /* may hold newlines; the default is said here */
  bool *given;      /* set when the option was there; may be NULL */
} hdt_option;

typedef struct hdt_option_group {
  const char *title; /* "Sampling" */
  const hdt_option *options;
  size_t count;
} hdt_option_group;

#define HDT_LIST_MAX 64u

/* Texts in the order of the command line, each with the letter of the option that brought it. */
typedef struct hdt_text_list {
  uint32_t count;
  char letters[HDT_LIST_MAX];
  const char *texts[HDT_LIST_MAX];
} hdt_text_list;

/* What a subcommand says about itself. */
typedef struct hdt_usage {
  const char *command;  /* "run" */
  const char *synopsis; /* "[OPTION...] [MODEL.gguf] -p TEXT" */
  const char *summary;  /* one sentence or a few lines */
  const hdt_option_group *groups;
  size_t group_count;
  size_t positional_max; /* arguments that are no options, at most */
  const char *notes;     /* after the options; may be NULL */
  const char *examples;  /* lines, indented by two */
} hdt_usage;

/* Parses argv[1..]. Positional arguments go to `out_positional` (positional_max entries; those absent become
 * NULL). Returns true when the command should go on; else `*out_exit` says how it ends: the help was printed,
 * or a line about the first thing that is wrong. --help is understood everywhere. */
bool hdt_options_parse(const hdt_usage *usage, int argc, char **argv, const char **out_positional,
                       hdt_exit *out_exit);

void hdt_usage_print(const hdt_usage *usage);

/* The name among `names` (NULL-terminated) that was probably meant by `wrong`; NULL when none is near. */
const char *hdt_nearest(const char *wrong, const char *const *names);
/* One line "heddle COMMAND: no WHAT 'wrong'", with the name that was probably meant. Returns HDT_USAGE. */
hdt_exit hdt_fail_name(const char *command, const char *what, const char *wrong, const char *const *names);

#endif
