/* SPDX-License-Identifier: Apache-2.0 */
/* Knows how a model's file becomes a smaller one: what goes where is decided first, then tensor after tensor
 * is written, a stretch of rows at a time. */
#include "quantize.h"

#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include "gguf_write.h"
#include "mapping.h"
#include "mixture.h"
#include "model.h"
#include "new_file.h"

/* Written at once: enough rows for any number of threads to share, little beside a model. */
#define STRETCH_BYTES ((uint64_t)8 << 20)

/* Version of ggml's block layouts. Source: ggml.h, GGML_QNT_VERSION. */
#define QUANTIZATION_VERSION 2u

typedef struct quantizer {
  hd_host host;
  const he_quantize_desc *desc;
  const hei_gguf *gguf;
  hei_gguf_tensor *tensors; /* of the new file */
  hei_new_file file;
  uint8_t *stretch;
  size_t stretch_bytes;
  uint64_t written, done;
  he_quantize_result result;
  hd_error *out_error;
} quantizer;

/* ---- deciding ---- */

static hd_status plan_tensor(const quantizer *q, const hei_mixture *mixture, hei_gguf_tensor *tensor) {
  const char *name = q->gguf->name;
  if (!hei_mixture_takes(tensor)) return HD_OK;
  if (tensor->format != HD_FORMAT_F32 && tensor->format != HD_FORMAT_F16 && tensor->format != HD_FORMAT_BF16)
    return hd_fail(
        q->out_error, HD_E_INVALID,
        "%s: tensor '%.*s': it is %s already; quantize from F32, F16 or BF16, for twice loses twice", name,
        HEI_SHOW(tensor->name), hd_format_get(tensor->format)->name);
  if (tensor->dims[0] > UINT32_MAX / 2)
    return hd_fail(q->out_error, HD_E_FORMAT, "%s: tensor '%.*s': a row of %" PRIu64 " values", name,
                   HEI_SHOW(tensor->name), tensor->dims[0]);
  tensor->format = hei_mixture_choose(mixture, tensor);
  return HD_OK;
}

static hd_status plan(quantizer *q, hei_mixture *out_mixture) {
  const hei_gguf *gguf = q->gguf;
  hei_params params;
  hd_status status = hei_params_read(gguf, &params, q->out_error);
  if (status != HD_OK) return status;
  *out_mixture = (hei_mixture){.format = q->desc->format,
                               .pure = q->desc->pure,
                               .tied = hei_gguf_find_tensor(gguf, "output.weight") == NULL,
                               .n_layers = params.n_layers};
  if (gguf->tensor_count == 0)
    return hd_fail(q->out_error, HD_E_FORMAT, "%s: there is no tensor in it", gguf->name);
  q->tensors = hd_host_zalloc(&q->host, gguf->tensor_count, sizeof *q->tensors, _Alignof(hei_gguf_tensor));
  if (q->tensors == NULL)
    return hd_fail(q->out_error, HD_E_NO_MEMORY, "%s: no memory for %zu tensors", gguf->name,
                   gguf->tensor_count);
  memcpy(q->tensors, gguf->tensors, gguf->tensor_count * sizeof *q->tensors);
  for (size_t i = 0; i < gguf->tensor_count && status == HD_OK; i++)
    status = plan_tensor(q, out_mixture, &q->tensors[i]);
  return status;
}

/* ---- writing ---- */

static hd_status write_bytes(quantizer *q, const void *bytes, size_t size) {
  q->written += size;
  return hei_new_file_write(&q->file, bytes, size, q->out_error);
}

/* These bytes of the input are dealt with. */
static hd_status pass(quantizer *q, const uint8_t *source, uint64_t bytes) {
  hei_forget_pages(source, bytes);
  q->done += bytes;
  if (q->desc->progress == NULL || q->desc->progress(q->desc->arg, q->done, q->gguf->size)) return HD_OK;
  return hd_fail(q->out_error, HD_E_CANCELLED, "%s: stopped", q->file.path);
}

static hd_status write_copy(quantizer *q, const hei_gguf_tensor *from) {
  hd_status status = HD_OK;
  for (uint64_t at = 0, bytes; at < from->bytes && status == HD_OK; at += bytes) {
    bytes = from->bytes - at < STRETCH_BYTES ? from->bytes - at : STRETCH_BYTES;
    status = write_bytes(q, q->gguf->bytes + from->offset + at, (size_t)bytes);
    if (status == HD_OK) status = pass(q, q->gguf->bytes + from->offset + at, bytes);
  }
  return status;
}

static hd_status write_rows(quantizer *q, const hei_gguf_tensor *from, hd_format to) {
  size_t from_bytes = hd_format_row_bytes(from->format, from->dims[0]);
  size_t to_bytes = hd_format_row_bytes(to, from->dims[0]);
  uint64_t rows = from->bytes / from_bytes, at_once = q->stretch_bytes / to_bytes;
  for (uint64_t row = 0, count; row < rows; row += count) {
    count = rows - row < at_once ? rows - row : at_once;
    const uint8_t *source = q->gguf->bytes + from->offset + row * from_bytes;
    he_recode work = {from->format, to, source, q->stretch, (uint32_t)from->dims[0], (uint32_t)count};
    uint64_t good = q->desc->recode(q->desc->arg, &work);
    if (good < count * from->dims[0])
      return hd_fail(q->out_error, HD_E_FORMAT,
                     "%s: tensor '%.*s': value %" PRIu64 " is not finite, or above 65504", q->gguf->name,
                     HEI_SHOW(from->name), row * from->dims[0] + good);
    hd_status status = write_bytes(q, q->stretch, (size_t)count * to_bytes);
    if (status == HD_OK) status = pass(q, source, count * from_bytes);
    if (status != HD_OK) return status;
  }
  return HD_OK;
}

static hd_status write_tensor(quantizer *q, size_t index) {
  static const uint8_t PADDING[4096];
  const hei_gguf_tensor *from = &q->gguf->tensors[index], *to = &q->tensors[index];
  hd_status status = from->format == to->format ? write_copy(q, from) : write_rows(q, from, to->format);
  uint64_t end = (q->written + q->gguf->alignment - 1) & ~(q->gguf->alignment - 1);
  while (status == HD_OK && q->written < end)
    status = write_bytes(q, PADDING,
                         end - q->written < sizeof PADDING ? (size_t)(end - q->written) : sizeof PADDING);
  q->result.tensor_count[to->format]++;
  q->result.tensor_bytes[to->format] += to->bytes;
  return status;
}

/* A stretch, or the longest row. */
static hd_status take_stretch(quantizer *q) {
  size_t bytes = STRETCH_BYTES;
  for (size_t i = 0; i < q->gguf->tensor_count; i++) {
    size_t row = hd_format_row_bytes(q->tensors[i].format, q->tensors[i].dims[0]);
    if (row > bytes) bytes = row;
  }
  q->stretch = hd_host_zalloc(&q->host, bytes, 1, HD_BUFFER_ALIGN);
  q->stretch_bytes = bytes;
  if (q->stretch != NULL) return HD_OK;
  return hd_fail(q->out_error, HD_E_NO_MEMORY, "%s: no memory to write rows of %zu bytes", q->gguf->name,
                 bytes);
}

static hd_status write_file(quantizer *q, const hei_mixture *mixture, const char *path) {
  hei_gguf_number numbers[] = {{"general.file_type", hei_mixture_file_type(mixture)},
                               {"general.quantization_version", QUANTIZATION_VERSION}};
  hei_gguf_directory directory = {0};
  hd_status status = hei_gguf_directory_make(q->gguf, numbers, 2, q->tensors, &directory, q->out_error);
  if (status == HD_OK) status = take_stretch(q);
  if (status == HD_OK) status = hei_new_file_begin(&q->host, path, &q->file, q->out_error);
  if (status == HD_OK) status = write_bytes(q, directory.bytes, directory.size);
  for (size_t i = 0; i < q->gguf->tensor_count && status == HD_OK; i++)
    status = write_tensor(q, i);
  if (directory.bytes != NULL) hei_gguf_directory_finish(&directory);
  hd_host_free(&q->host, q->stretch, q->stretch_bytes, 1);
  if (status != HD_OK) {
    hei_new_file_drop(&q->file);
    return status;
  }
  return hei_new_file_keep(&q->file, q->out_error);
}

/* ---- the whole ---- */

static hd_status check(const char *in, const char *out, const he_quantize_desc *desc, hd_error *out_error) {
  struct stat source, target;
  if (desc->format != HD_FORMAT_F16 && desc->format != HD_FORMAT_BF16 && desc->format != HD_FORMAT_Q8_0 &&
      desc->format != HD_FORMAT_Q4_0 && desc->format != HD_FORMAT_Q4_K && desc->format != HD_FORMAT_Q6_K)
    return hd_fail(out_error, HD_E_INVALID, "%s: no file is quantized to that format", in);
  if (stat(in, &source) == 0 && stat(out, &target) == 0 && source.st_dev == target.st_dev &&
      source.st_ino == target.st_ino)
    return hd_fail(out_error, HD_E_INVALID, "%s: it is the input itself", out);
  return HD_OK;
}

static hd_status quantize(quantizer *q, const char *out) {
  hei_mixture mixture;
  hd_status status = plan(q, &mixture);
  if (status == HD_OK) status = write_file(q, &mixture, out);
  hd_host_free(&q->host, q->tensors, q->gguf->tensor_count, sizeof *q->tensors);
  return status;
}

hd_status he_quantize(const hd_host *host, const char *in, const char *out, const he_quantize_desc *desc,
                      he_quantize_result *out_result, hd_error *out_error) {
  uint64_t begin_ns = host->now_ns(host->ctx);
  hei_mapping mapping;
  hei_gguf *gguf = NULL;
  hd_status status = check(in, out, desc, out_error);
  if (status == HD_OK) status = hei_mapping_open(in, &mapping, out_error);
  if (status != HD_OK) return status;
  quantizer q = {.host = *host, .desc = desc, .file = {.fd = -1}, .out_error = out_error};
  status = hei_gguf_read(host, mapping.bytes, mapping.size, hei_file_label(in), &gguf, out_error);
  q.gguf = gguf;
  if (status == HD_OK) status = quantize(&q, out);
  q.result.in_bytes = mapping.size;
  hei_gguf_destroy(gguf);
  hei_mapping_close(&mapping);
  if (status != HD_OK) return status;
  q.result.out_bytes = q.written;
  q.result.elapsed_ns = host->now_ns(host->ctx) - begin_ns;
  *out_result = q.result;
  return HD_OK;
}
