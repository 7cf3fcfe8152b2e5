/* SPDX-License-Identifier: Apache-2.0 */
/* A GGUF made of another one: its keys byte for byte, its tensors in other formats. */
#ifndef ENGINE_GGUF_WRITE_H
#define ENGINE_GGUF_WRITE_H

#include "gguf.h"

/* A key that gets this u32, whatever it had before. */
typedef struct hei_gguf_number {
  const char *key;
  uint32_t value;
} hei_gguf_number;

/* All in front of the tensors' data: frame, keys, tensors, padding. */
typedef struct hei_gguf_directory {
  hd_host host;
  uint8_t *bytes;
  size_t size; /* a multiple of the source's alignment */
} hei_gguf_directory;

/* `tensors` are the source's, in its order, as many, each in the format it shall have; a row is a whole
 * number of its blocks, and no tensor is larger than it was. Fills their `bytes` and `offset`: data follow
 * one another, each begins aligned. Errors: NO_MEMORY. Threads: any. Ownership: the caller's, until
 * hei_gguf_directory_finish. Source: the GGUF specification; version 3 is written. */
hd_status hei_gguf_directory_make(const hei_gguf *source, const hei_gguf_number *numbers, size_t number_count,
                                  hei_gguf_tensor *tensors, hei_gguf_directory *out_directory,
                                  hd_error *out_error);
/* Takes a zeroed one too. */
void hei_gguf_directory_finish(hei_gguf_directory *directory);

#endif
