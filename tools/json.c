/* SPDX-License-Identifier: Apache-2.0 */
/* JSON output: every document begins with a "schema" key that names its shape and version. */
#include "json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "console.h"
#include "utf8.h"

cJSON *hdt_json_document(const char *name) {
  char schema[64];
  cJSON *document = cJSON_CreateObject();
  snprintf(schema, sizeof(schema), "heddle.%s/1", name);
  cJSON_AddStringToObject(document, "schema", schema);
  return document;
}

void hdt_json_u64(cJSON *object, const char *key, uint64_t value) {
  char digits[24];
  snprintf(digits, sizeof(digits), "%llu", (unsigned long long)value);
  cJSON_AddRawToObject(object, key, digits);
}

void hdt_json_float(cJSON *object, const char *key, float value) {
  char digits[32];
  snprintf(digits, sizeof(digits), "%.7g", (double)value);
  cJSON_AddRawToObject(object, key, digits);
}

void hdt_json_bytes(cJSON *object, const char *key, const char *bytes, size_t size) {
  static const char replacement[] = "\xef\xbf\xbd"; /* U+FFFD */
  char *text = malloc(3 * size + 1);                /* every byte may become a replacement of three */
  size_t length = 0;
  if (text == NULL) return;
  for (size_t at = 0; at < size;) {
    size_t character = hdt_utf8_character(bytes + at, size - at);
    bool whole = character > 0 && bytes[at] != '\0'; /* cJSON's texts end at a zero */
    memcpy(text + length, whole ? bytes + at : replacement, whole ? character : 3);
    length += whole ? character : 3;
    at += character > 0 ? character : 1;
  }
  text[length] = '\0';
  cJSON_AddStringToObject(object, key, text);
  free(text);
}

hdt_exit hdt_json_print(cJSON *document, bool compact, const char *command) {
  char *text = document == NULL ? NULL : compact ? cJSON_PrintUnformatted(document) : cJSON_Print(document);
  cJSON_Delete(document);
  if (text == NULL) return hdt_fail(HDT_FAILED, command, "no memory for the JSON output");
  hdt_out_write(text, strlen(text));
  hdt_out_write("\n", 1);
  cJSON_free(text);
  return HDT_DONE;
}
