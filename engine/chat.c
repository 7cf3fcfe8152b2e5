/* SPDX-License-Identifier: Apache-2.0 */
/* Knows the chat families. Sources: the chat_template of each family's tokenizer_config.json:
 * meta-llama/Llama-2-chat, Llama-3-Instruct; Qwen2-Instruct (chatml); HuggingFaceH4/zephyr and
 * TinyLlama-Chat. */
#include "chat.h"

#include <string.h>

typedef enum role { ROLE_SYSTEM, ROLE_USER, ROLE_ASSISTANT, ROLE_COUNT } role;

static const char *const ROLE_NAMES[ROLE_COUNT] = {"system", "user", "assistant"};

/* What stands before and after a message. */
typedef struct frame {
  const char *before, *after;
} frame;

struct hei_chat_family {
  const char *name;
  const char *template_marks[2]; /* all of them stand in the template */
  const char *token_mark;        /* a token that only this family's vocabularies have; NULL: cannot be told */
  frame roles[ROLE_COUNT];
  const char *user_after_system;    /* NULL: as any user message */
  const char *user_after_assistant; /* the same */
  bool system_first;                /* a system message can only be the first */
  const char *opening;              /* of the answer */
};

static const hei_chat_family FAMILIES[] = {
    {.name = "llama3",
     .template_marks = {"<|start_header_id|>", "<|eot_id|>"},
     .token_mark = "<|start_header_id|>",
     .roles = {{"<|start_header_id|>system<|end_header_id|>\n\n", "<|eot_id|>"},
               {"<|start_header_id|>user<|end_header_id|>\n\n", "<|eot_id|>"},
               {"<|start_header_id|>assistant<|end_header_id|>\n\n", "<|eot_id|>"}},
     .opening = "<|start_header_id|>assistant<|end_header_id|>\n\n"},
    {.name = "chatml",
     .template_marks = {"<|im_start|>", "<|im_end|>"},
     .token_mark = "<|im_start|>",
     .roles = {{"<|im_start|>system\n", "<|im_end|>\n"},
               {"<|im_start|>user\n", "<|im_end|>\n"},
               {"<|im_start|>assistant\n", "<|im_end|>\n"}},
     .opening = "<|im_start|>assistant\n"},
    {.name = "llama2",
     .template_marks = {"[INST]", "<<SYS>>"},
     .roles = {{"[INST] <<SYS>>\n", "\n<</SYS>>\n\n"}, {"[INST] ", " [/INST]"}, {" ", " </s>"}},
     .user_after_system = "",
     .user_after_assistant = "<s>[INST] ",
     .system_first = true,
     .opening = ""},
    {.name = "zephyr",
     .template_marks = {"<|user|>", "<|assistant|>"},
     .roles = {{"<|system|>\n", "</s>\n"}, {"<|user|>\n", "</s>\n"}, {"<|assistant|>\n", "</s>\n"}},
     .opening = "<|assistant|>\n"},
};
#define FAMILY_COUNT (sizeof FAMILIES / sizeof *FAMILIES)

const char *hei_chat_name(const hei_chat_family *family) {
  return family != NULL ? family->name : NULL;
}

static bool has_mark(hei_text text, const char *mark) {
  return memmem(text.data, text.bytes, mark, strlen(mark)) != NULL;
}

const hei_chat_family *hei_chat_find(const hei_text *template_text, const hei_vocab *vocab) {
  for (size_t i = 0; i < FAMILY_COUNT; i++) {
    const hei_chat_family *family = &FAMILIES[i];
    if (template_text != NULL) {
      if (has_mark(*template_text, family->template_marks[0]) &&
          has_mark(*template_text, family->template_marks[1]))
        return family;
    } else if (family->token_mark != NULL &&
               hei_vocab_find(vocab, family->token_mark, strlen(family->token_mark)) >= 0) {
      return family;
    }
  }
  return NULL;
}

static role role_of(const char *name) {
  role found = ROLE_SYSTEM;
  while (found < ROLE_COUNT && (name == NULL || strcmp(name, ROLE_NAMES[found]) != 0))
    found++;
  return found;
}

static hd_status check(const hei_chat_family *family, const he_message *messages, uint32_t count,
                       hd_error *out_error) {
  if (count == 0) return hd_fail(out_error, HD_E_INVALID, "a conversation of no messages");
  for (uint32_t i = 0; i < count; i++) {
    role who = role_of(messages[i].role);
    if (who == ROLE_COUNT || messages[i].text == NULL)
      return hd_fail(out_error, HD_E_INVALID, "message %u: role '%s' is none of system, user, assistant", i,
                     messages[i].role != NULL ? messages[i].role : "");
    if (who == ROLE_SYSTEM && i > 0 && family->system_first)
      return hd_fail(out_error, HD_E_INVALID,
                     "message %u: in the %s form only the first message is the system's", i, family->name);
  }
  return HD_OK;
}

/* Writes nothing beyond what was reserved; called with `text->text` NULL it only counts. */
static void put(hei_chat_text *text, const char *what, bool trusted) {
  size_t bytes = strlen(what);
  if (bytes == 0) return;
  if (text->text != NULL) memcpy(text->text + text->bytes, what, bytes);
  if (trusted && text->trusted != NULL) {
    bool joins = text->trusted_count > 0 && text->trusted[text->trusted_count - 1].end == text->bytes;
    if (!joins) text->trusted[text->trusted_count++].begin = text->bytes;
    text->trusted[text->trusted_count - 1].end = text->bytes + bytes;
  }
  text->bytes += bytes;
}

static void write_all(const hei_chat_family *family, const he_message *messages, uint32_t count,
                      hei_chat_text *text) {
  role previous = ROLE_COUNT;
  for (uint32_t i = 0; i < count; i++) {
    role who = role_of(messages[i].role);
    const char *before = family->roles[who].before;
    if (who == ROLE_USER && previous == ROLE_SYSTEM && family->user_after_system != NULL)
      before = family->user_after_system;
    if (who == ROLE_USER && previous == ROLE_ASSISTANT && family->user_after_assistant != NULL)
      before = family->user_after_assistant;
    put(text, before, true);
    put(text, messages[i].text, false);
    put(text, family->roles[who].after, true);
    previous = who;
  }
  if (previous != ROLE_ASSISTANT) put(text, family->opening, true);
}

hd_status hei_chat_write(const hd_host *host, const hei_chat_family *family, const he_message *messages,
                         uint32_t count, hei_chat_text *out_text, hd_error *out_error) {
  hd_status status = check(family, messages, count, out_error);
  if (status != HD_OK) return status;
  hei_chat_text text = {.host = *host, .trusted_capacity = 2 * (size_t)count + 1};
  write_all(family, messages, count, &text);
  text.capacity = text.bytes + 1;
  text.bytes = 0;
  text.text = hd_host_zalloc(host, text.capacity, 1, 1);
  text.trusted = hd_host_zalloc(host, text.trusted_capacity, sizeof *text.trusted, _Alignof(hei_trusted));
  if (text.text == NULL || text.trusted == NULL) {
    hei_chat_text_finish(&text);
    return hd_fail(out_error, HD_E_NO_MEMORY, "no memory for a conversation of %u messages", count);
  }
  write_all(family, messages, count, &text);
  *out_text = text;
  return HD_OK;
}

void hei_chat_text_finish(hei_chat_text *text) {
  hd_host_free(&text->host, text->text, text->capacity, 1);
  hd_host_free(&text->host, text->trusted, text->trusted_capacity, sizeof *text->trusted);
  text->text = NULL;
  text->trusted = NULL;
}
