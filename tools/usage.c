/* SPDX-License-Identifier: Apache-2.0 */
/* Prints the help of a subcommand out of its option table. */
#include <stdio.h>
#include <string.h>
#include "console.h"
#include "options.h"

enum { HELP_COLUMN = 26 }; /* where the explanations begin */

static void print_heading(const char *title) {
  printf("\n%s%s%s\n", hdt_style_on(stdout, HDT_BOLD), title, hdt_style_off(stdout, HDT_BOLD));
}

/* Each line of `text` begins at HELP_COLUMN; the first one goes on where the cursor is. */
static void print_indented(const char *text, int column) {
  if (column + 2 > HELP_COLUMN) {
    printf("\n");
    column = 0;
  }
  while (*text != '\0') {
    int length = (int)strcspn(text, "\n");
    printf("%*s%.*s\n", HELP_COLUMN - column, "", length, text);
    column = 0;
    text += length;
    if (*text == '\n') text++;
  }
}

static void print_option(const hdt_option *option) {
  int column = option->letter ? printf("  -%c", option->letter) : printf("    ");
  if (option->name) column += printf("%s--%s", option->letter ? ", " : "  ", option->name);
  if (option->argument) column += printf(" %s", option->argument);
  print_indented(option->help, column);
}

void hdt_usage_print(const hdt_usage *usage) {
  printf("%sUsage:%s heddle %s%s%s\n\n%s\n", hdt_style_on(stdout, HDT_BOLD), hdt_style_off(stdout, HDT_BOLD),
         usage->command, usage->synopsis[0] ? " " : "", usage->synopsis, usage->summary);
  for (size_t g = 0; g < usage->group_count; g++) {
    print_heading(usage->groups[g].title);
    for (size_t i = 0; i < usage->groups[g].count; i++)
      print_option(&usage->groups[g].options[i]);
  }
  if (usage->notes) {
    print_heading("Notes");
    printf("%s\n", usage->notes);
  }
  print_heading("Examples");
  printf("%s\n", usage->examples);
}
