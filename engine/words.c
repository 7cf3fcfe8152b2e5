/* SPDX-License-Identifier: Apache-2.0 */
/* Knows a model's words as the engine's users ask for them: he_tokenize and its kin. */
#include "model.h"

#include <string.h>

void he_tokens_init(he_tokens *out_tokens, const he_model *model) {
  *out_tokens = (he_tokens){.host = &model->host};
}

void he_tokens_finish(he_tokens *tokens) {
  if (tokens->ids != NULL) hd_host_free(tokens->host, tokens->ids, tokens->capacity, sizeof *tokens->ids);
  *tokens = (he_tokens){.host = tokens->host};
}

hd_status he_tokenize(const he_model *model, const char *text, size_t bytes, uint32_t flags,
                      he_tokens *tokens, hd_error *out_error) {
  hei_trusted whole = {0, bytes};
  size_t trusted_count = (flags & HE_TOKENIZE_SPECIAL) != 0 ? 1 : 0;
  return hei_tokenize(model->vocab, text, bytes, &whole, trusted_count, (flags & HE_TOKENIZE_BOS) != 0,
                      tokens, out_error);
}

hd_status he_chat_tokenize(const he_model *model, const he_message *messages, uint32_t count,
                           he_tokens *tokens, hd_error *out_error) {
  if (model->chat == NULL)
    return hd_fail(out_error, HD_E_UNSUPPORTED,
                   "%s: no chat template that is recognised (llama2, llama3, chatml and zephyr are)",
                   model->label);
  hei_chat_text text;
  hd_status status = hei_chat_write(&model->host, model->chat, messages, count, &text, out_error);
  if (status != HD_OK) return status;
  status = hei_tokenize(model->vocab, text.text, text.bytes, text.trusted, text.trusted_count, true, tokens,
                        out_error);
  hei_chat_text_finish(&text);
  return status;
}

const char *he_token_text(const he_model *model, int32_t id, size_t *out_bytes) {
  if (id < 0 || (uint32_t)id >= model->vocab->count) return NULL;
  *out_bytes = model->vocab->texts[id].bytes;
  return model->vocab->texts[id].data;
}

bool he_token_is_end(const he_model *model, int32_t id) {
  return hei_vocab_is_end(model->vocab, id);
}

int32_t he_token_begin(const he_model *model) {
  return model->vocab->begin;
}
