/* SPDX-License-Identifier: Apache-2.0 */
/* Buffers: host memory with an owner. */
#include "heddle/buffer.h"

#include <stdalign.h>
#include <stdbool.h>

struct hd_buffer {
  hd_host host;
  void *data;
  size_t bytes;
  bool owned;
  void (*release)(void *release_arg);
  void *release_arg;
};

static hd_buffer *buffer_alloc(const hd_host *host, void *data, size_t bytes) {
  hd_buffer *buffer = hd_host_zalloc(host, 1, sizeof *buffer, alignof(hd_buffer));
  if (buffer == NULL) return NULL;
  buffer->host = *host;
  buffer->data = data;
  buffer->bytes = bytes;
  return buffer;
}

hd_status hd_buffer_create(const hd_host *host, size_t bytes, hd_buffer **out_buffer) {
  if (host == NULL || bytes == 0 || out_buffer == NULL) return HD_E_INVALID;
  void *data = hd_host_zalloc(host, 1, bytes, HD_BUFFER_ALIGN);
  if (data == NULL) return HD_E_NO_MEMORY;
  hd_buffer *buffer = buffer_alloc(host, data, bytes);
  if (buffer == NULL) {
    hd_host_free(host, data, 1, bytes);
    return HD_E_NO_MEMORY;
  }
  buffer->owned = true;
  *out_buffer = buffer;
  return HD_OK;
}

hd_status hd_buffer_wrap(const hd_host *host, void *memory, size_t bytes, void (*release)(void *release_arg),
                         void *release_arg, hd_buffer **out_buffer) {
  if (host == NULL || memory == NULL || bytes == 0 || out_buffer == NULL) return HD_E_INVALID;
  hd_buffer *buffer = buffer_alloc(host, memory, bytes);
  if (buffer == NULL) return HD_E_NO_MEMORY;
  buffer->release = release;
  buffer->release_arg = release_arg;
  *out_buffer = buffer;
  return HD_OK;
}

void *hd_buffer_data(const hd_buffer *buffer) {
  return buffer->data;
}

size_t hd_buffer_bytes(const hd_buffer *buffer) {
  return buffer->bytes;
}

void hd_buffer_destroy(hd_buffer *buffer) {
  if (buffer == NULL) return;
  if (buffer->owned) hd_host_free(&buffer->host, buffer->data, 1, buffer->bytes);
  if (buffer->release != NULL) buffer->release(buffer->release_arg);
  hd_host host = buffer->host;
  hd_host_free(&host, buffer, 1, sizeof *buffer);
}
