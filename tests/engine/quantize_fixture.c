/* SPDX-License-Identifier: Apache-2.0 */
/* Knows the folder, the models and the call that tests of quantizing share. */
#include "quantize_fixture.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "common/encode/encode.h"

void folder_make(folder *f) {
  (void)snprintf(f->path, sizeof f->path, "%s/heddle-quantize-XXXXXX", P_tmpdir);
  assert_non_null(mkdtemp(f->path));
  (void)snprintf(f->in, sizeof f->in, "%s/in.gguf", f->path);
  (void)snprintf(f->out, sizeof f->out, "%s/out.gguf", f->path);
}

unsigned folder_files(const folder *f, bool remove_all) {
  unsigned count = 0;
  char path[512];
  DIR *dir = opendir(f->path);
  assert_non_null(dir);
  for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
    if (entry->d_name[0] == '.') continue;
    (void)snprintf(path, sizeof path, "%s/%s", f->path, entry->d_name);
    if (remove_all) (void)remove(path);
    count++;
  }
  (void)closedir(dir);
  return count;
}

void folder_remove(const folder *f) {
  (void)folder_files(f, true);
  assert_int_equal(rmdir(f->path), 0);
}

void write_file(const char *path, const void *bytes, size_t size) {
  FILE *file = fopen(path, "wb");
  assert_non_null(file);
  assert_int_equal(fwrite(bytes, 1, size, file), size);
  assert_int_equal(fclose(file), 0);
}

static uint64_t recode(void *arg, const he_recode *work) {
  (void)arg;
  size_t from = hd_format_row_bytes(work->from, work->cols), to = hd_format_row_bytes(work->to, work->cols);
  for (uint32_t row = 0; row < work->row_count; row++) {
    uint32_t good = hdb_recode_row(work->from, (const uint8_t *)work->rows + row * from, work->to, work->cols,
                                   (uint8_t *)work->out + row * to);
    if (good < work->cols) return (uint64_t)row * work->cols + good;
  }
  return (uint64_t)work->row_count * work->cols;
}

he_quantize_desc describe_quantizing(hd_format format, bool pure) {
  return (he_quantize_desc){
      .size = sizeof(he_quantize_desc), .format = format, .pure = pure, .recode = recode};
}

void tiny_256(tiny_model *tiny, uint32_t n_layers) {
  tiny_init(tiny, "llama");
  tiny->n_layers = n_layers;
  tiny->n_embd = 256;
  tiny->n_ff = 256;
  tiny->head_dim = 64;
  tiny->rope_dim = 64;
}

void write_tiny(tiny_model *tiny, const char *path, void (*extra)(gw_writer *writer)) {
  gw_writer writer;
  size_t size;
  gw_init(&writer);
  tiny_write_into(tiny, &writer);
  if (extra != NULL) extra(&writer);
  uint8_t *file = gw_build(&writer, &size);
  write_file(path, file, size);
  free(file);
  gw_finish(&writer);
}

void open_gguf(const char *path, opened *out) {
  static hd_host host;
  hd_error error = {""};
  hd_host_posix(&host);
  if (hei_mapping_open(path, &out->mapping, &error) != HD_OK ||
      hei_gguf_read(&host, out->mapping.bytes, out->mapping.size, path, &out->gguf, &error) != HD_OK)
    fail_msg("%s", error.text);
}

void close_gguf(opened *file) {
  hei_gguf_destroy(file->gguf);
  hei_mapping_close(&file->mapping);
}

void quantize(const folder *f, hd_format format, bool pure, he_quantize_result *out_result) {
  hd_host host;
  hd_error error = {""};
  he_quantize_desc desc = describe_quantizing(format, pure);
  hd_host_posix(&host);
  if (he_quantize(&host, f->in, f->out, &desc, out_result, &error) != HD_OK) fail_msg("%s", error.text);
}
