/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a model: opened, its keys asked for, its words used. */
#include <stdlib.h>
#include <string.h>

#include "check_host.h"
#include "engine/model.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void check(bool holds) {
  if (!holds) abort();
}

/* One line that names the file; nothing left allocated. */
static void check_refusal(const hd_error *error, hd_status status) {
  check(status == HD_E_FORMAT || status == HD_E_UNSUPPORTED || status == HD_E_INVALID ||
        status == HD_E_LIMIT || status == HD_E_NO_MEMORY);
  check(error->text[0] != '\0' && strchr(error->text, '\n') == NULL);
}

static void read_directory(const hd_host *host, const uint8_t *bytes, size_t size) {
  hei_gguf *gguf = NULL;
  hd_error error = {""};
  hd_status status = hei_gguf_read(host, bytes, size, "fuzz", &gguf, &error);
  if (status != HD_OK) {
    check_refusal(&error, status);
    check(strncmp(error.text, "fuzz: ", 6) == 0);
    return;
  }
  for (size_t i = 0; i < gguf->tensor_count; i++) {
    const hei_gguf_tensor *tensor = &gguf->tensors[i];
    check(tensor->offset <= size && tensor->bytes <= size - tensor->offset);
  }
  for (size_t i = 0; i < gguf->entry_count; i++) {
    const hei_gguf_entry *entry = &gguf->entries[i];
    const uint8_t *at = entry->data;
    for (uint64_t t = 0; entry->element_type == HEI_GGUF_STRING && t < entry->count; t++) {
      hei_text text = hei_gguf_next_text(&at);
      check(text.data + text.bytes <= (const char *)bytes + size);
    }
  }
  hei_gguf_destroy(gguf);
}

/* Vocabularies come from the file, texts from here: what has an error in it must have said so. */
static void use_words(const he_model *model) {
  static const char TEXT[] = "Once upon a time, 123 caf\xc3\xa9 <s><|im_end|>\n";
  static const he_message TALK[] = {{"user", "hi"}};
  hd_error error = {""};
  he_tokens tokens;
  he_decoder *decoder;
  he_tokens_init(&tokens, model);
  (void)he_tokenize(model, TEXT, sizeof TEXT - 1, HE_TOKENIZE_BOS | HE_TOKENIZE_SPECIAL, &tokens, &error);
  (void)he_chat_tokenize(model, TALK, 1, &tokens, &error);
  if (he_decoder_create(model, HE_DECODE_START | HE_DECODE_SPECIAL, &decoder) == HD_OK) {
    size_t length;
    for (uint32_t i = 0; i < tokens.count; i++) {
      const char *text = he_decoder_push(decoder, tokens.ids[i], &length);
      check(text[length] == '\0');
    }
    (void)he_decoder_flush(decoder, &length);
    he_decoder_destroy(decoder);
  }
  he_tokens_finish(&tokens);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  check_host host;
  check_host_init(&host);
  read_directory(&host.host, bytes, size);
  he_model *model = NULL;
  hd_error error = {""};
  hd_status status = he_model_open_memory(&host.host, bytes, size, "fuzz", NULL, &model, &error);
  if (status == HD_OK)
    use_words(model);
  else
    check_refusal(&error, status);
  he_model_close(model);
  check(host.live_bytes == 0 && host.wrong_frees == 0);
  return 0;
}
