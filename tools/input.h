/* SPDX-License-Identifier: Apache-2.0 */
/* Prompts: from the command line, from files and from stdin; whole, and checked before anything else happens.
 */
#ifndef HEDDLE_TOOLS_INPUT_H
#define HEDDLE_TOOLS_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include "exit_code.h"
#include "options.h"

typedef struct hdt_prompt {
  char *text; /* UTF-8, terminated; may hold no zero byte */
  size_t bytes;
  bool typed;    /* on the command line, so that it is worth to be shown again */
  char name[64]; /* what an error line calls it: "prompt", "prompt 2", "story.txt" */
} hdt_prompt;

/* Reads all prompts of `list`: -p gives the text itself, -f a file's name, and "-" means stdin for both,
 * once. One newline at the end of a file is not part of its prompt. One line is said about the first that
 * cannot be read, is empty, or is not UTF-8. Ownership: the caller, hdt_prompts_free, also after a failure.
 */
hdt_exit hdt_prompts_read(const hdt_text_list *list, const char *command, hdt_prompt *out_prompts);
void hdt_prompts_free(hdt_prompt *prompts, size_t count);

#endif
