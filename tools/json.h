/* SPDX-License-Identifier: Apache-2.0 */
/* JSON output: every document begins with a "schema" key that names its shape and version. */
#ifndef HEDDLE_TOOLS_JSON_H
#define HEDDLE_TOOLS_JSON_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "exit_code.h"

/* A new object {"schema": "heddle.NAME/1"}. cJSON answers NULL when memory is out, and every function that
 * adds to NULL does nothing; hdt_json_print tells in the end. */
cJSON *hdt_json_document(const char *name);

/* Adds an integer, exact over the whole range (a JSON number; cJSON's own are doubles). */
void hdt_json_u64(cJSON *object, const char *key, uint64_t value);
/* Adds a float with the digits that it has: 0.95, not 0.949999988. */
void hdt_json_float(cJSON *object, const char *key, float value);
/* Adds a text of any bytes: what is not UTF-8 becomes U+FFFD. */
void hdt_json_bytes(cJSON *object, const char *key, const char *bytes, size_t size);

/* Prints a document with line breaks, or on one line when `compact`, and deletes it. */
hdt_exit hdt_json_print(cJSON *document, bool compact, const char *command);

#endif
