/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a model: opened, its keys asked for, its words used. */
#include <stdlib.h>
#include <string.h>

#include "check_host.h"
#include "engine/gguf_write.h"
#include "engine/mixture.h"
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

/* The file again with a quantized mixture in it: what is written is read back as it was meant, whatever the
 * keys and names are. Zeros stand for the data. */
static void write_directory(const hei_gguf *gguf, const hei_gguf_tensor *tensors,
                            hei_gguf_directory *directory) {
  size_t size = directory->size, last = gguf->tensor_count - 1;
  if (gguf->tensor_count > 0) size = (size_t)(tensors[last].offset + tensors[last].bytes);
  check(size <= directory->size + gguf->size + gguf->alignment * gguf->tensor_count);
  uint8_t *file = calloc(1, size > directory->size ? size : directory->size);
  check(file != NULL);
  memcpy(file, directory->bytes, directory->size);
  hei_gguf *again = NULL;
  hd_error error = {""};
  check(hei_gguf_read(&gguf->host, file, size, "again", &again, &error) == HD_OK);
  check(again->tensor_count == gguf->tensor_count && again->entry_count >= gguf->entry_count);
  for (size_t i = 0; i < gguf->tensor_count; i++) {
    check(again->tensors[i].format == tensors[i].format && again->tensors[i].bytes == tensors[i].bytes);
    check(again->tensors[i].offset == tensors[i].offset);
  }
  check(hei_gguf_find(again, "general.file_type") != NULL);
  hei_gguf_destroy(again);
  free(file);
}

static void quantize_directory(const hei_gguf *gguf) {
  const hei_mixture mixture = {.format = HD_FORMAT_Q4_K, .tied = gguf->size % 2 == 0, .n_layers = 4};
  const hei_gguf_number numbers[] = {{"general.file_type", hei_mixture_file_type(&mixture)}};
  hei_gguf_directory directory = {0};
  hd_error error = {""};
  hei_gguf_tensor *tensors = calloc(gguf->tensor_count + 1, sizeof *tensors);
  check(tensors != NULL);
  for (size_t i = 0; i < gguf->tensor_count; i++) {
    tensors[i] = gguf->tensors[i];
    bool is_plain = hd_format_get(tensors[i].format)->block_values == 1 && tensors[i].format != HD_FORMAT_I32;
    if (hei_mixture_takes(&tensors[i]) && is_plain)
      tensors[i].format = hei_mixture_choose(&mixture, &tensors[i]);
  }
  check(hei_gguf_directory_make(gguf, numbers, 1, tensors, &directory, &error) == HD_OK);
  write_directory(gguf, tensors, &directory);
  hei_gguf_directory_finish(&directory);
  free(tensors);
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
  quantize_directory(gguf);
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
