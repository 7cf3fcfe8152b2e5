/* SPDX-License-Identifier: Apache-2.0 */
/* Knows the pre-tokenizers' patterns and runs them with PCRE2. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "presplit.h"

#include <inttypes.h>
#include <pcre2.h>
#include <stdio.h>
#include <string.h>

#define STAGES_MAX 4u
#define NAMES_MAX  10u

/* Stages cut one after another: what a pattern matches becomes a word, and so does what lies between two
 * matches. */
typedef struct family {
  const char *names[NAMES_MAX]; /* as tokenizer.ggml.pre has them */
  const char *stages[STAGES_MAX];
  bool whole_words;
} family;

/* Sources: openai/gpt-2, encoder.py; the tokenizer.json of each family on its model page; openai/tiktoken
 * (o200k_base for gpt-4o); what the names mean and the stages of "default": llama.cpp's llama_vocab. The last
 * alternative \s+ takes what the lookahead leaves. */
#define GPT2 "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+"

static const family FAMILIES[] = {
    {.names = {"gpt-2", "gpt2", "phi-2", "mpt", "olmo", "roberta-bpe", "jina-es", "jina-de", "jina-v2-code"},
     .stages = {GPT2}},
    {.names = {"default", ""}, .stages = {"[\\p{P}$+<=>^~|]+", GPT2, "\\p{N}+", "[0-9][0-9][0-9]"}},
    {.names = {"llama-bpe", "llama3", "llama-v3", "falcon3", "falcon-h1", "lfm2"},
     .stages = {"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| "
                "?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|"
                "\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"},
     .whole_words = true},
    {.names = {"qwen2", "deepseek-r1-qwen", "stablelm2", "hunyuan", "megrez"},
     .stages =
         {"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|"
          "\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"}},
    {.names = {"smollm", "starcoder", "refact", "command-r", "codeshell", "exaone", "minerva-7b"},
     .stages = {"\\p{N}", GPT2}},
    {.names = {"gpt-4o", "llama4"},
     .stages = {"[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+"
                "(?i:'s|'t|'re|'ve|'m|'ll|'d)?|"
                "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*"
                "(?i:'s|'t|'re|'ve|'m|'ll|'d)?|"
                "\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"}},
};
#define FAMILY_COUNT (sizeof FAMILIES / sizeof *FAMILIES)

struct hei_presplit {
  hd_host host;
  pcre2_general_context *memory; /* of PCRE2: the host's */
  pcre2_code *stages[STAGES_MAX];
  uint32_t stage_count;
};

static const family *find_family(hei_text pre) {
  for (size_t i = 0; i < FAMILY_COUNT; i++)
    for (size_t n = 0; n < NAMES_MAX && FAMILIES[i].names[n] != NULL; n++)
      if (hei_text_is(pre, FAMILIES[i].names[n])) return &FAMILIES[i];
  return NULL;
}

static hd_status fail_unknown(hei_text pre, const char *file, hd_error *out_error) {
  char known[128] = "";
  for (size_t i = 0, used = 0; i < FAMILY_COUNT && used < sizeof known; i++)
    used +=
        (size_t)snprintf(known + used, sizeof known - used, "%s%s", i > 0 ? ", " : "", FAMILIES[i].names[0]);
  return hd_fail(out_error, HD_E_UNSUPPORTED,
                 "%s: key 'tokenizer.ggml.pre': pre-tokenizer '%.*s' is not known (%s and their kin are)",
                 file, HEI_SHOW(pre), known);
}

/* PCRE2 frees without telling a size; it stands in front of each block. */
#define FRONT_BYTES 16u

static void *take_memory(size_t bytes, void *arg) {
  const hd_host *host = arg;
  if (bytes > SIZE_MAX - FRONT_BYTES) return NULL;
  uint8_t *block = host->alloc(host->ctx, bytes + FRONT_BYTES, FRONT_BYTES);
  if (block == NULL) return NULL;
  memcpy(block, &bytes, sizeof bytes);
  return block + FRONT_BYTES;
}

static void give_memory(void *memory, void *arg) {
  const hd_host *host = arg;
  size_t bytes;
  if (memory == NULL) return;
  uint8_t *block = (uint8_t *)memory - FRONT_BYTES;
  memcpy(&bytes, block, sizeof bytes);
  host->free(host->ctx, block, bytes + FRONT_BYTES);
}

/* The patterns are ours and right: what can fail is memory. */
static bool compile_stages(hei_presplit *presplit, const family *found) {
  pcre2_compile_context *context = pcre2_compile_context_create(presplit->memory);
  if (context == NULL) return false;
  bool all = true;
  for (uint32_t i = 0; i < STAGES_MAX && found->stages[i] != NULL && all; i++) {
    int error;
    PCRE2_SIZE at;
    pcre2_code *code = pcre2_compile((PCRE2_SPTR)found->stages[i], PCRE2_ZERO_TERMINATED,
                                     PCRE2_UTF | PCRE2_UCP, &error, &at, context);
    all = code != NULL;
    if (!all) break;
    /* Where the machine forbids or lacks compiling to machine code, matching interprets: slower, the same
     * words. */
    (void)pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);
    presplit->stages[presplit->stage_count++] = code;
  }
  pcre2_compile_context_free(context);
  return all;
}

hd_status hei_presplit_create(const hd_host *host, hei_text pre, const char *file,
                              hei_presplit **out_presplit, bool *out_whole_words, hd_error *out_error) {
  const family *found = find_family(pre);
  if (found == NULL) return fail_unknown(pre, file, out_error);
  hei_presplit *presplit = hd_host_zalloc(host, 1, sizeof *presplit, _Alignof(hei_presplit));
  if (presplit == NULL)
    return hd_fail(out_error, HD_E_NO_MEMORY, "%s: no memory for its pre-tokenizer", file);
  presplit->host = *host;
  presplit->memory = pcre2_general_context_create(take_memory, give_memory, &presplit->host);
  if (presplit->memory == NULL || !compile_stages(presplit, found)) {
    hei_presplit_destroy(presplit);
    return hd_fail(out_error, HD_E_NO_MEMORY, "%s: no memory for its pre-tokenizer", file);
  }
  *out_whole_words = found->whole_words;
  *out_presplit = presplit;
  return HD_OK;
}

void hei_presplit_destroy(hei_presplit *presplit) {
  if (presplit == NULL) return;
  for (uint32_t i = 0; i < presplit->stage_count; i++)
    pcre2_code_free(presplit->stages[i]);
  pcre2_general_context_free(presplit->memory);
  hd_host host = presplit->host;
  hd_host_free(&host, presplit, 1, sizeof *presplit);
}

static hd_status add_word(hei_words *words, size_t end) {
  if (words->count == words->capacity) {
    size_t capacity = words->capacity == 0 ? 64 : 2 * words->capacity;
    size_t *ends = hd_host_zalloc(words->host, capacity, sizeof *ends, _Alignof(size_t));
    if (ends == NULL) return HD_E_NO_MEMORY;
    if (words->count > 0) memcpy(ends, words->ends, words->count * sizeof *ends);
    hd_host_free(words->host, words->ends, words->capacity, sizeof *ends);
    words->ends = ends;
    words->capacity = capacity;
  }
  words->ends[words->count++] = end;
  return HD_OK;
}

/* Machine code has a fixed stack for backtracking; a text that needs more is matched by interpreting. */
static int match(const pcre2_code *code, const char *text, size_t bytes, size_t begin,
                 pcre2_match_data *data) {
  int found = pcre2_match(code, (PCRE2_SPTR)text, bytes, begin, PCRE2_NO_UTF_CHECK, data, NULL);
  if (found != PCRE2_ERROR_JIT_STACKLIMIT) return found;
  return pcre2_match(code, (PCRE2_SPTR)text, bytes, begin, PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT, data, NULL);
}

/* Cuts the word begin..end of the text by one pattern. The word is matched as a text of its own: what stands
 * after it is not seen by lookaheads. */
static hd_status cut_word(const pcre2_code *code, const char *text, size_t begin, size_t end,
                          pcre2_match_data *data, hei_words *words) {
  const PCRE2_SIZE *found_at = pcre2_get_ovector_pointer(data);
  size_t bytes = end - begin, at = 0;
  hd_status status = HD_OK;
  while (at < bytes && status == HD_OK) {
    int found = match(code, text + begin, bytes, at, data);
    if (found == PCRE2_ERROR_NOMATCH) break;
    if (found == PCRE2_ERROR_NOMEMORY) return HD_E_NO_MEMORY;
    if (found < 0 || found_at[1] <= at) return HD_E_INTERNAL;
    if (found_at[0] > at) status = add_word(words, begin + found_at[0]);
    if (status == HD_OK) status = add_word(words, begin + found_at[1]);
    at = found_at[1];
  }
  return status == HD_OK && at < bytes ? add_word(words, end) : status;
}

static hd_status cut_all(const hei_presplit *presplit, uint32_t stage, const char *text,
                         const hei_words *before, hei_words *after) {
  pcre2_match_data *data = pcre2_match_data_create(1, presplit->memory);
  if (data == NULL) return HD_E_NO_MEMORY;
  hd_status status = HD_OK;
  size_t begin = 0;
  for (size_t i = 0; i < before->count && status == HD_OK; i++) {
    status = cut_word(presplit->stages[stage], text, begin, before->ends[i], data, after);
    begin = before->ends[i];
  }
  pcre2_match_data_free(data);
  return status;
}

hd_status hei_presplit_run(const hei_presplit *presplit, const char *text, size_t bytes,
                           hei_words *out_words) {
  hei_words words = {.host = &presplit->host};
  hd_status status = bytes > 0 ? add_word(&words, bytes) : HD_OK;
  for (uint32_t i = 0; i < presplit->stage_count && status == HD_OK; i++) {
    hei_words finer = {.host = &presplit->host};
    status = cut_all(presplit, i, text, &words, &finer);
    hei_words_finish(&words);
    words = finer;
  }
  if (status == HD_OK)
    *out_words = words;
  else
    hei_words_finish(&words);
  return status;
}

void hei_words_finish(hei_words *words) {
  if (words->ends != NULL) hd_host_free(words->host, words->ends, words->capacity, sizeof *words->ends);
  words->ends = NULL;
  words->count = words->capacity = 0;
}
