/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of quantizing share: a folder for files, small models in it, and the call itself. */
#ifndef TESTS_QUANTIZE_FIXTURE_H
#define TESTS_QUANTIZE_FIXTURE_H

#include "engine/gguf.h"
#include "engine/mapping.h"
#include "engine/quantize.h"
#include "tiny_model.h"

/* A folder of its own, with the names of an input and an output in it. */
typedef struct folder {
  char path[64], in[96], out[96];
} folder;

void folder_make(folder *f);
/* How many files there are; takes them away when `remove_all`. */
unsigned folder_files(const folder *f, bool remove_all);
void folder_remove(const folder *f);

void write_file(const char *path, const void *bytes, size_t size);

/* A llama of 256 values a row and `n_layers` layers, in F32. */
void tiny_256(tiny_model *tiny, uint32_t n_layers);
void write_tiny(tiny_model *tiny, const char *path, void (*extra)(gw_writer *writer));

/* Everything but the format has the right value for the real encoders. */
he_quantize_desc describe_quantizing(hd_format format, bool pure);
/* From f->in to f->out; must go well. */
void quantize(const folder *f, hd_format format, bool pure, he_quantize_result *out_result);

/* A file that was read, and its bytes. */
typedef struct opened {
  hei_mapping mapping;
  hei_gguf *gguf;
} opened;

void open_gguf(const char *path, opened *out);
void close_gguf(opened *file);

#endif
