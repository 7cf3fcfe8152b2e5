/* SPDX-License-Identifier: Apache-2.0 */
/* Memory from the host, with the overflow check in one place. */
#include "heddle/host.h"

#include <string.h>

void *hd_host_zalloc(const hd_host *host, size_t count, size_t bytes, size_t align) {
  if (count == 0 || bytes == 0 || count > SIZE_MAX / bytes) return NULL;
  void *memory = host->alloc(host->ctx, count * bytes, align);
  if (memory != NULL) memset(memory, 0, count * bytes);
  return memory;
}

void hd_host_free(const hd_host *host, void *memory, size_t count, size_t bytes) {
  if (memory != NULL) host->free(host->ctx, memory, count * bytes);
}
