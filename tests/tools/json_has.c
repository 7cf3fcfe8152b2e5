/* SPDX-License-Identifier: Apache-2.0 */
/* For the shell tests: reads JSON documents from stdin, one a line or one over many lines, and checks or
 * prints them.
 *
 *   json_has KEY...      each document has each key; KEY=VALUE also wants that text or number; a.b[0].c is a
 * path json_has --get KEY   prints the value at KEY of each document, texts as they are
 *
 * Exit 0: all hold; 1: one does not (said on stderr); 2: not JSON. */
#include <cjson/cJSON.h>
#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *read_all(void) {
  size_t size = 0, capacity = 1 << 16;
  char *text = malloc(capacity);
  while (text != NULL) {
    size_t got = fread(text + size, 1, capacity - size - 1, stdin);
    if (got == 0) break;
    size += got;
    if (size + 1 == capacity) {
      char *larger = realloc(text, capacity *= 2);
      if (larger == NULL) free(text);
      text = larger;
    }
  }
  if (text != NULL) text[size] = '\0';
  return text;
}

/* One step of a path: ".name" or "[index]". */
static const cJSON *step(const cJSON *at, const char **path) {
  char name[64];
  if (**path == '.') (*path)++;
  if (**path == '[') {
    int index = (int)strtol(*path + 1, NULL, 10);
    *path += strcspn(*path, "]") + 1;
    return cJSON_IsArray(at) ? cJSON_GetArrayItem(at, index) : NULL;
  }
  size_t length = strcspn(*path, ".[");
  if (length >= sizeof(name)) return NULL;
  memcpy(name, *path, length);
  name[length] = '\0';
  *path += length;
  return cJSON_GetObjectItemCaseSensitive(at, name);
}

static const cJSON *find(const cJSON *document, const char *path) {
  const cJSON *at = document;
  while (at != NULL && *path != '\0')
    at = step(at, &path);
  return at;
}

static bool equals(const cJSON *item, const char *wanted) {
  if (cJSON_IsString(item)) return strcmp(item->valuestring, wanted) == 0;
  char *text = cJSON_PrintUnformatted(item);
  bool same = text != NULL && strcmp(text, wanted) == 0;
  cJSON_free(text);
  return same;
}

static bool holds(const cJSON *document, const char *condition) {
  char path[256];
  size_t length = strcspn(condition, "=");
  if (length >= sizeof(path)) return false;
  memcpy(path, condition, length);
  path[length] = '\0';
  const cJSON *item = find(document, path);
  if (item == NULL || (condition[length] == '=' && !equals(item, condition + length + 1))) {
    char *text = item ? cJSON_PrintUnformatted(item) : NULL;
    fprintf(stderr, "json_has: %s does not hold: %s\n", condition, text ? text : "no such key");
    cJSON_free(text);
    return false;
  }
  return true;
}

static void print_value(const cJSON *item) {
  char *text = item == NULL || cJSON_IsString(item) ? NULL : cJSON_PrintUnformatted(item);
  puts(text ? text : item && item->valuestring ? item->valuestring : "");
  cJSON_free(text);
}

int main(int argc, char **argv) {
  bool get = argc > 2 && strcmp(argv[1], "--get") == 0;
  int result = 0;
  char *text = read_all();
  if (text == NULL || *text == '\0') {
    fprintf(stderr, "json_has: nothing on stdin\n");
    free(text);
    return 2;
  }
  for (const char *at = text; *at != '\0';) {
    const char *end = at;
    cJSON *document = cJSON_ParseWithOpts(at, &end, 0);
    if (document == NULL) {
      fprintf(stderr, "json_has: not JSON at byte %ld: %.40s\n", (long)(end - text), end);
      free(text);
      return 2;
    }
    for (int i = get ? 2 : 1; i < argc; i++) {
      if (get) {
        print_value(find(document, argv[i]));
      } else if (!holds(document, argv[i])) {
        result = 1;
      }
    }
    cJSON_Delete(document);
    at = end;
    while (isspace((unsigned char)*at))
      at++;
  }
  free(text);
  return result;
}
