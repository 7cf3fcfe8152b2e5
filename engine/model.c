/* SPDX-License-Identifier: Apache-2.0 */
/* Knows how a model is opened: its parts in order, and what it tells about itself. */
#include "model.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void he_model_options_default(he_model_options *out_options) {
  *out_options = (he_model_options){.size = sizeof *out_options, .kv_format = HD_FORMAT_F32};
}

static const char *last_part(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash != NULL ? slash + 1 : path;
}

static char *copy_text(const hd_host *host, const char *data, size_t bytes) {
  char *copy = hd_host_zalloc(host, bytes + 1, 1, 1);
  if (copy != NULL) memcpy(copy, data, bytes);
  return copy;
}

/* Names of general.file_type values. Source: ggml, enum llama_ftype. */
static const char *file_type_name(uint32_t file_type) {
  switch (file_type) {
  case 0:
    return "F32";
  case 1:
    return "F16";
  case 2:
    return "Q4_0";
  case 7:
    return "Q8_0";
  case 8:
    return "Q5_0";
  case 14:
    return "Q4_K_S";
  case 15:
    return "Q4_K_M";
  case 18:
    return "Q6_K";
  case 32:
    return "BF16";
  default:
    return NULL;
  }
}

static hd_status describe(he_model *model, hd_error *out_error) {
  const hei_gguf *gguf = model->gguf;
  const char *label_end = last_part(model->label);
  hei_text name = {label_end, strlen(label_end)}, pre = {"default", strlen("default")};
  hd_status status = hei_gguf_get_text(gguf, "general.name", false, &name, out_error);
  uint32_t file_type = UINT32_MAX;
  if (status == HD_OK)
    status = hei_gguf_get_uint(gguf, "general.file_type", false, 0, UINT32_MAX, &file_type, out_error);
  if (status == HD_OK) status = hei_gguf_get_text(gguf, "tokenizer.ggml.pre", false, &pre, out_error);
  if (status != HD_OK) return status;
  model->name_bytes = name.bytes + 1;
  model->name = copy_text(&model->host, name.data, name.bytes);
  if (model->name == NULL)
    return hd_fail(out_error, HD_E_NO_MEMORY, "%s: no memory for its name", model->label);
  hd_format most = HD_FORMAT_F32;
  for (int f = 0; f < HD_FORMAT_COUNT; f++)
    if (model->network.format_bytes[f] > model->network.format_bytes[most]) most = (hd_format)f;
  const char *type_name = file_type_name(file_type);
  (void)snprintf(model->format, sizeof model->format, "%s",
                 type_name != NULL ? type_name : hd_format_get(most)->name);
  if (model->vocab->kind == HEI_VOCAB_PIECES)
    (void)snprintf(model->tokenizer, sizeof model->tokenizer, "llama");
  else
    (void)snprintf(model->tokenizer, sizeof model->tokenizer, "gpt2/%.*s", (int)pre.bytes, pre.data);
  return HD_OK;
}

static hd_status find_chat(he_model *model, hd_error *out_error) {
  hei_text template_text = {0};
  hd_status status =
      hei_gguf_get_text(model->gguf, "tokenizer.chat_template", false, &template_text, out_error);
  if (status == HD_OK)
    model->chat = hei_chat_find(template_text.data != NULL ? &template_text : NULL, model->vocab);
  return status;
}

static hd_status check_cache(const he_model *model, hd_format format, hd_error *out_error) {
  if (format != HD_FORMAT_F32 && format != HD_FORMAT_F16 && format != HD_FORMAT_Q8_0)
    return hd_fail(out_error, HD_E_INVALID, "%s: a KV cache is F32, F16 or Q8_0", model->label);
  /* A head's part of a row is whole blocks, or heads would share a scale. */
  if (hd_format_row_bytes(format, model->params.head_dim) == 0)
    return hd_fail(out_error, HD_E_UNSUPPORTED,
                   "%s: heads of %u values have no KV cache in %s, whose blocks have %u", model->label,
                   model->params.head_dim, hd_format_get(format)->name, hd_format_get(format)->block_values);
  return HD_OK;
}

static hd_status read_parts(he_model *model, const void *bytes, size_t size, const he_model_options *options,
                            hd_error *out_error) {
  hd_status status = hei_gguf_read(&model->host, bytes, size, model->label, &model->gguf, out_error);
  if (status == HD_OK) status = hei_params_read(model->gguf, &model->params, out_error);
  if (status == HD_OK) status = hei_vocab_read(model->gguf, &model->vocab, out_error);
  if (status != HD_OK) return status;
  model->params.n_vocab = model->vocab->count;
  status = check_cache(model, options->kv_format, out_error);
  if (status == HD_OK) status = find_chat(model, out_error);
  if (status == HD_OK)
    status = hei_network_build(model->gguf, &model->params, options->kv_format, &model->network, out_error);
  if (status == HD_OK) status = describe(model, out_error);
  if (status != HD_OK) return status;
  if (options->read_ahead) hei_touch_pages(bytes, size, options->progress, options->progress_arg);
  if (options->progress != NULL) options->progress(options->progress_arg, size, size);
  return HD_OK;
}

/* Takes the mapping over, also when it fails. */
static hd_status open_bytes(const hd_host *host, hei_mapping mapping, const void *bytes, size_t size,
                            const char *name, const he_model_options *options, he_model **out_model,
                            hd_error *out_error) {
  he_model_options defaults;
  he_model_options_default(&defaults);
  if (options == NULL) options = &defaults;
  he_model *model = hd_host_zalloc(host, 1, sizeof *model, _Alignof(he_model));
  if (model == NULL) {
    hei_mapping_close(&mapping);
    return hd_fail(out_error, HD_E_NO_MEMORY, "%s: no memory to open the model", name);
  }
  const char *label = hei_file_label(name);
  model->host = *host;
  model->mapping = mapping;
  model->label_bytes = strlen(label) + 1;
  model->label = copy_text(host, label, strlen(label));
  hd_status status = HD_E_NO_MEMORY;
  if (model->label == NULL)
    hd_fail(out_error, status, "%s: no memory to open the model", name);
  else
    status = read_parts(model, bytes, size, options, out_error);
  if (status != HD_OK) {
    he_model_close(model);
    return status;
  }
  *out_model = model;
  return HD_OK;
}

hd_status he_model_open(const hd_host *host, const char *path, const he_model_options *options,
                        he_model **out_model, hd_error *out_error) {
  hei_mapping mapping;
  hd_status status = hei_mapping_open(path, &mapping, out_error);
  if (status != HD_OK) return status;
  return open_bytes(host, mapping, mapping.bytes, mapping.size, path, options, out_model, out_error);
}

hd_status he_model_open_memory(const hd_host *host, const void *bytes, size_t size, const char *name,
                               const he_model_options *options, he_model **out_model, hd_error *out_error) {
  return open_bytes(host, (hei_mapping){0}, bytes, size, name, options, out_model, out_error);
}

void he_model_close(he_model *model) {
  if (model == NULL) return;
  hd_host host = model->host;
  hei_network_finish(&model->network);
  hei_vocab_destroy(model->vocab);
  hei_gguf_destroy(model->gguf);
  hei_mapping_close(&model->mapping);
  hd_host_free(&host, model->label, model->label_bytes, 1);
  hd_host_free(&host, model->name, model->name_bytes, 1);
  hd_host_free(&host, model, 1, sizeof *model);
}

void he_model_describe(const he_model *model, he_model_info *out_info) {
  const hei_params *p = &model->params;
  *out_info = (he_model_info){.name = model->name,
                              .architecture = p->arch->name,
                              .format = model->format,
                              .tokenizer = model->tokenizer,
                              .chat_family = hei_chat_name(model->chat),
                              .file_bytes = model->gguf->size,
                              .weight_bytes = model->network.weight_bytes,
                              .parameter_count = model->network.parameter_count,
                              .n_layers = p->n_layers,
                              .n_vocab = p->n_vocab,
                              .n_embd = p->n_embd,
                              .n_ff = p->n_ff,
                              .n_heads = p->n_heads,
                              .n_kv_heads = p->n_kv_heads,
                              .head_dim = p->head_dim,
                              .n_context = p->n_context};
}

const hd_graph *he_model_graph(const he_model *model) {
  return model->network.graph;
}

const void *const *he_model_weights(const he_model *model) {
  return model->network.weights;
}
