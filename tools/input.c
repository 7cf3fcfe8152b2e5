/* SPDX-License-Identifier: Apache-2.0 */
/* Prompts: from the command line, from files and from stdin; whole, and checked before anything else happens.
 */
#include "input.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "console.h"
#include "utf8.h"

/* No context takes more, and a device file would never end. */
enum { PROMPT_BYTES_MAX = 64 << 20 };

/* Reads a stream to its end; NULL with errno set when that fails. */
static char *read_stream(FILE *stream, size_t *out_bytes) {
  size_t bytes = 0, capacity = 1 << 14;
  char *text = malloc(capacity);
  while (text != NULL) {
    bytes += fread(text + bytes, 1, capacity - bytes - 1, stream);
    if (bytes + 1 < capacity) break;
    char *larger = capacity > PROMPT_BYTES_MAX ? NULL : realloc(text, capacity * 2);
    if (larger == NULL) {
      free(text);
      errno = capacity > PROMPT_BYTES_MAX ? EFBIG : ENOMEM;
      return NULL;
    }
    text = larger;
    capacity *= 2;
  }
  if (text == NULL) return NULL;
  if (ferror(stream)) {
    int reason = errno;
    free(text);
    errno = reason;
    return NULL;
  }
  text[bytes] = '\0';
  *out_bytes = bytes;
  return text;
}

static char *read_file(const char *path, size_t *out_bytes) {
  FILE *file = fopen(path, "rb");
  if (file == NULL) return NULL;
  char *text = read_stream(file, out_bytes);
  int reason = errno;
  fclose(file);
  errno = reason;
  return text;
}

static void drop_last_newline(hdt_prompt *prompt) {
  if (prompt->bytes > 0 && prompt->text[prompt->bytes - 1] == '\n') prompt->text[--prompt->bytes] = '\0';
}

/* Fills text and bytes of a prompt; its name is set. */
static hdt_exit fetch(hdt_prompt *prompt, char letter, const char *text, const char *command) {
  bool from_stdin = strcmp(text, "-") == 0;
  prompt->typed = letter == 'p' && !from_stdin;
  if (prompt->typed) {
    prompt->text = strdup(text);
    prompt->bytes = strlen(text);
  } else {
    prompt->text = from_stdin ? read_stream(stdin, &prompt->bytes) : read_file(text, &prompt->bytes);
  }
  if (prompt->text == NULL) return hdt_fail(HDT_FAILED, command, "%s: %s", prompt->name, strerror(errno));
  if (!prompt->typed) drop_last_newline(prompt);
  return HDT_DONE;
}

static hdt_exit check(const hdt_prompt *prompt, const char *command) {
  if (prompt->bytes == 0) return hdt_fail(HDT_USAGE, command, "%s: the prompt is empty", prompt->name);
  size_t valid = hdt_utf8_valid(prompt->text, prompt->bytes);
  if (valid < prompt->bytes) {
    return hdt_fail(HDT_FAILED, command, "%s: byte %zu: not UTF-8 (0x%02x)", prompt->name, valid,
                    (unsigned)(unsigned char)prompt->text[valid]);
  }
  const char *zero = memchr(prompt->text, '\0', prompt->bytes);
  if (zero != NULL) {
    return hdt_fail(HDT_FAILED, command, "%s: byte %zu: a zero byte is no text", prompt->name,
                    (size_t)(zero - prompt->text));
  }
  return HDT_DONE;
}

hdt_exit hdt_prompts_read(const hdt_text_list *list, const char *command, hdt_prompt *out_prompts) {
  uint32_t dashes = 0;
  memset(out_prompts, 0, list->count * sizeof(*out_prompts));
  for (uint32_t i = 0; i < list->count; i++)
    dashes += strcmp(list->texts[i], "-") == 0;
  if (dashes > 1) return hdt_fail(HDT_USAGE, command, "stdin holds one prompt, and '-' stands there twice");
  for (uint32_t i = 0; i < list->count; i++) {
    hdt_prompt *prompt = &out_prompts[i];
    const char *text = list->texts[i];
    bool from_stdin = strcmp(text, "-") == 0;
    if (from_stdin) {
      snprintf(prompt->name, sizeof(prompt->name), "stdin");
    } else if (list->letters[i] == 'p') {
      snprintf(prompt->name, sizeof(prompt->name), list->count > 1 ? "prompt %u" : "prompt", i + 1);
    } else {
      snprintf(prompt->name, sizeof(prompt->name), "%s", text);
    }
    hdt_exit code = fetch(prompt, list->letters[i], text, command);
    if (code == HDT_DONE) code = check(prompt, command);
    if (code != HDT_DONE) return code;
  }
  return HDT_DONE;
}

void hdt_prompts_free(hdt_prompt *prompts, size_t count) {
  for (size_t i = 0; i < count; i++)
    free(prompts[i].text);
}
