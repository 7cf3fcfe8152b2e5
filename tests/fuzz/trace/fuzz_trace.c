/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a trace: parsed, its names looked up, every record printed. */
#include <stdlib.h>
#include <string.h>
#include "heddle/trace.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void check(int holds) {
  if (!holds) abort();
}

static void print_all(const hd_trace_file *file) {
  size_t count = 0;
  const hd_record *records = hd_trace_records(file, &count);
  for (size_t i = 0; i < count; i++) {
    char text[1024], cut[16];
    int n = hd_trace_format(file, &records[i], text, sizeof text);
    check(n > 0 && (size_t)n < sizeof text && strlen(text) == (size_t)n);
    check(hd_trace_format(file, &records[i], cut, sizeof cut) == n);
    check(strncmp(cut, text, strlen(cut)) == 0);
    const char *name = hd_trace_find_name(file, (hd_name_kind)records[i].step, records[i].request);
    check(name == NULL || strlen(name) < HD_NAME_BYTES);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  hd_host host;
  hd_trace_file *file = NULL;
  hd_error error = {""};
  hd_host_posix(&host);
  hd_status status = hd_trace_parse(&host, bytes, size, "fuzz", &file, &error);
  if (status == HD_OK)
    print_all(file);
  else
    check(status == HD_E_FORMAT && strncmp(error.text, "fuzz: byte ", 11) == 0);
  hd_trace_file_destroy(file);
  return 0;
}
