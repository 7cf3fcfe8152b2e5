/* SPDX-License-Identifier: Apache-2.0 */
/* Knows how the reference's files are read. */
#include "reference.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cjson/cJSON.h>

#define FOLDER HD_SHARED_DIR "/reference/"

const char *const REFERENCE_NAMES[REFERENCE_MODELS] = {
    "stories260k-f32",  "stories260k-f16",  "stories260k-q8_0",  "stories260k-q4_0",  "stories260k-q4_k_m",
    "stories260kp-f32", "stories260kp-f16", "stories260kp-q8_0", "stories260kp-q4_0", "stories260kp-q4_k_m"};

bool reference_is_present(void) {
  if (access(FOLDER "README.md", R_OK) == 0) return true;
  fprintf(stderr, "SKIPPED: the reference models are not at " FOLDER "\n");
  return false;
}

static void give_up(const char *what, const char *which) {
  fprintf(stderr, "reference: %s: %s\n", what, which);
  abort();
}

char *reference_read(const char *file, size_t *out_bytes) {
  char path[512];
  (void)snprintf(path, sizeof path, FOLDER "%s", file);
  FILE *in = fopen(path, "rb");
  if (in == NULL) give_up("cannot open", path);
  (void)fseek(in, 0, SEEK_END);
  long size = ftell(in);
  rewind(in);
  char *bytes = malloc((size_t)size + 1);
  if (bytes == NULL || fread(bytes, 1, (size_t)size, in) != (size_t)size) give_up("cannot read", path);
  (void)fclose(in);
  bytes[size] = '\0';
  *out_bytes = (size_t)size;
  return bytes;
}

static const cJSON *field(const cJSON *object, const char *name) {
  const cJSON *found = cJSON_GetObjectItemCaseSensitive(object, name);
  if (found == NULL) give_up("no field", name);
  return found;
}

static reference_ids read_ids(const cJSON *array) {
  reference_ids list = {NULL, (uint32_t)cJSON_GetArraySize(array)};
  list.ids = calloc(list.count + 1u, sizeof *list.ids);
  if (list.ids == NULL) abort();
  uint32_t i = 0;
  const cJSON *item;
  cJSON_ArrayForEach(item, array) list.ids[i++] = item->valueint;
  return list;
}

static void read_logits(const cJSON *json, uint32_t n_vocab, reference_prompt *prompt) {
  const cJSON *file = cJSON_GetObjectItemCaseSensitive(json, "logits_file");
  if (file == NULL || !cJSON_IsString(file)) return;
  char path[512];
  size_t bytes;
  (void)snprintf(path, sizeof path, FOLDER "expected/%s", file->valuestring);
  if (access(path, R_OK) != 0) return; /* named in every JSON, kept for some formats alone */
  (void)snprintf(path, sizeof path, "expected/%s", file->valuestring);
  prompt->logits = (float *)(void *)reference_read(path, &bytes);
  prompt->logits_rows = (uint32_t)field(json, "logits_rows")->valueint;
  if (bytes != (size_t)prompt->logits_rows * n_vocab * sizeof(float))
    give_up("not as long as its rows", path);
}

void reference_load(const char *name, reference_model *out_model) {
  char path[300];
  size_t bytes;
  (void)snprintf(path, sizeof path, "expected/%s.json", name);
  char *text = reference_read(path, &bytes);
  cJSON *json = cJSON_Parse(text);
  if (json == NULL) give_up("no JSON", path);
  *out_model = (reference_model){.n_vocab = (uint32_t)field(json, "n_vocab")->valueint};
  (void)snprintf(out_model->path, sizeof out_model->path, FOLDER "models/%s.gguf", name);
  const cJSON *prompts = field(json, "prompts");
  for (uint32_t i = 0; i < REFERENCE_PROMPTS; i++) {
    const cJSON *item = cJSON_GetArrayItem(prompts, (int)i);
    reference_prompt *prompt = &out_model->prompts[i];
    prompt->text = strdup(field(item, "prompt")->valuestring);
    prompt->generated_text = strdup(field(item, "text")->valuestring);
    prompt->prompt = read_ids(field(item, "prompt_ids"));
    prompt->generated = read_ids(field(item, "gen_ids"));
    read_logits(item, out_model->n_vocab, prompt);
  }
  const cJSON *nll = field(json, "nll");
  out_model->mean_nll = field(nll, "mean_nll")->valuedouble;
  out_model->n_scored = (uint32_t)field(nll, "scored")->valueint;
  out_model->chunk_tokens = (uint32_t)field(nll, "chunk")->valueint;
  cJSON_Delete(json);
  free(text);
}

void reference_free(reference_model *model) {
  for (uint32_t i = 0; i < REFERENCE_PROMPTS; i++) {
    free(model->prompts[i].text);
    free(model->prompts[i].generated_text);
    free(model->prompts[i].prompt.ids);
    free(model->prompts[i].generated.ids);
    free(model->prompts[i].logits);
  }
}
