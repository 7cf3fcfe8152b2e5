/* SPDX-License-Identifier: Apache-2.0 */
/* Buffers: memory that ops read and write. Weights are wrapped where they are mapped, never copied. */
#ifndef HEDDLE_BUFFER_H
#define HEDDLE_BUFFER_H

#include <stddef.h>
#include "heddle/host.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct hd_buffer hd_buffer;

/* Every buffer and every value in a session's memory begins at a multiple of this (a cache line, and what
 * AVX-512 loads like). Wrapped memory keeps the alignment it has. */
#define HD_BUFFER_ALIGN 64u

/* Zeroed memory of `bytes` from the host. Ownership: the caller, until hd_buffer_destroy. Threads: any.
 * Errors: INVALID (0 bytes), NO_MEMORY. */
hd_status hd_buffer_create(const hd_host *host, size_t bytes, hd_buffer **out_buffer);

/* Wraps memory that somebody else owns (a mapped file). `release` (NULL: nothing) is called with
 * `release_arg` when the buffer is destroyed. Errors: INVALID, NO_MEMORY (release is then not called). */
hd_status hd_buffer_wrap(const hd_host *host, void *memory, size_t bytes, void (*release)(void *release_arg),
                         void *release_arg, hd_buffer **out_buffer);

/* First byte, at host address; never NULL. */
void *hd_buffer_data(const hd_buffer *buffer);
size_t hd_buffer_bytes(const hd_buffer *buffer);

/* Takes NULL. Nothing may use the buffer any more. */
void hd_buffer_destroy(hd_buffer *buffer);

#ifdef __cplusplus
}
#endif
#endif
