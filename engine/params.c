/* SPDX-License-Identifier: Apache-2.0 */
/* Knows the architectures' hyper-parameters: where they stand in a GGUF, and which of them make sense. */
#include "model.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Source: the GGUF specification's architecture list; the model pages of Llama, Qwen2, Qwen3. */
static const hei_arch ARCHS[] = {
    {.name = "llama", .rope_style = HD_ROPE_ADJACENT},
    {.name = "qwen2", .rope_style = HD_ROPE_HALVES, .needs_qkv_bias = true},
    {.name = "qwen3", .rope_style = HD_ROPE_HALVES, .has_qk_norm = true},
};

/* Bounds far above any model there is, low enough that products of two fit 64 bits and of shapes stay honest.
 */
#define EMBD_MAX     (1u << 20)
#define FF_MAX       (1u << 22)
#define HEADS_MAX    4096u
#define HEAD_DIM_MAX 4096u
#define CONTEXT_MAX  (1u << 26)

/* Keys of an architecture: "llama.block_count". */
typedef struct reader {
  const hei_gguf *gguf;
  const char *arch;
  hd_status status; /* of the first that failed; the others then do nothing */
  hd_error *out_error;
} reader;

static const char *key_of(const reader *r, const char *name, char out_key[96]) {
  (void)snprintf(out_key, 96, "%s.%s", r->arch, name);
  return out_key;
}

static void read_uint(reader *r, const char *name, bool required, uint64_t lowest, uint64_t highest,
                      uint32_t *out) {
  char key[96];
  if (r->status == HD_OK)
    r->status =
        hei_gguf_get_uint(r->gguf, key_of(r, name, key), required, lowest, highest, out, r->out_error);
}

static void read_float(reader *r, const char *name, bool required, double lowest, double highest,
                       float *out) {
  char key[96];
  if (r->status == HD_OK)
    r->status =
        hei_gguf_get_float(r->gguf, key_of(r, name, key), required, lowest, highest, out, r->out_error);
}

static void fail(reader *r, hd_status status, const char *key, const char *reason, uint32_t number) {
  if (r->status == HD_OK)
    r->status = hd_fail(r->out_error, status, "%s: key '%s.%s': %s %" PRIu32, r->gguf->name, r->arch, key,
                        reason, number);
}

static void read_shape(reader *r, hei_params *p) {
  read_uint(r, "block_count", true, 1, HD_LAYERS_MAX, &p->n_layers);
  read_uint(r, "embedding_length", true, 1, EMBD_MAX, &p->n_embd);
  read_uint(r, "feed_forward_length", true, 1, FF_MAX, &p->n_ff);
  read_uint(r, "context_length", true, 1, CONTEXT_MAX, &p->n_context);
  uint32_t experts = 0;
  read_uint(r, "expert_count", false, 0, UINT32_MAX, &experts);
  if (experts != 0)
    fail(r, HD_E_UNSUPPORTED, "expert_count", "mixtures of experts are not supported:", experts);
}

static void read_heads(reader *r, hei_params *p) {
  read_uint(r, "attention.head_count", true, 1, HEADS_MAX, &p->n_heads);
  p->n_kv_heads = p->n_heads;
  read_uint(r, "attention.head_count_kv", false, 1, HEADS_MAX, &p->n_kv_heads);
  if (r->status != HD_OK) return;
  if (p->n_heads % p->n_kv_heads != 0)
    fail(r, HD_E_FORMAT, "attention.head_count_kv", "KV heads do not divide the heads:", p->n_kv_heads);
  p->head_dim = p->n_embd / p->n_heads;
  read_uint(r, "attention.key_length", false, 2, HEAD_DIM_MAX, &p->head_dim);
  uint32_t value_length = p->head_dim;
  read_uint(r, "attention.value_length", false, 1, UINT32_MAX, &value_length);
  if (value_length != p->head_dim)
    fail(r, HD_E_UNSUPPORTED, "attention.value_length", "values of another length than keys:", value_length);
  if (p->head_dim < 2 || p->head_dim > HEAD_DIM_MAX)
    fail(r, HD_E_FORMAT, "attention.head_count", "no head of 2 to 4096 values comes of", p->n_heads);
  read_float(r, "attention.layer_norm_rms_epsilon", true, 0.0, 1.0, &p->norm_eps);
}

/* Linear scaling divides positions by a factor. Yarn and its kin bend frequencies one by one: not built. */
static void read_rope_scaling(reader *r, hei_params *p) {
  char key[96];
  hei_text type = {"linear", strlen("linear")};
  float factor = 0.0f;
  if (r->status == HD_OK)
    r->status = hei_gguf_get_text(r->gguf, key_of(r, "rope.scaling.type", key), false, &type, r->out_error);
  read_float(r, "rope.scale_linear", false, 0.0, 1e6, &factor); /* its name in older files */
  read_float(r, "rope.scaling.factor", false, 0.0, 1e6, &factor);
  if (r->status != HD_OK) return;
  bool linear = hei_text_is(type, "linear");
  if (!linear && !hei_text_is(type, "none"))
    r->status =
        hd_fail(r->out_error, HD_E_UNSUPPORTED, "%s: key '%s': '%.*s' is not supported (none and linear are)",
                r->gguf->name, key, HEI_SHOW(type));
  p->rope_scale = linear && factor > 0.0f ? 1.0f / factor : 1.0f;
}

static void read_rope(reader *r, hei_params *p) {
  p->rope_dim = p->head_dim;
  read_uint(r, "rope.dimension_count", false, 2, HEAD_DIM_MAX, &p->rope_dim);
  if (p->rope_dim > p->head_dim || p->rope_dim % 2 != 0)
    fail(r, HD_E_FORMAT, "rope.dimension_count", "odd, or longer than a head:", p->rope_dim);
  p->rope_base = 10000.0f; /* the paper's (Su et al., 2021), which files may leave out */
  read_float(r, "rope.freq_base", false, 1e-3, 1e12, &p->rope_base);
  read_rope_scaling(r, p);
}

/* NULL: none of those that are known. */
static const hei_arch *find_arch(hei_text name) {
  for (size_t i = 0; i < sizeof ARCHS / sizeof *ARCHS; i++)
    if (hei_text_is(name, ARCHS[i].name)) return &ARCHS[i];
  return NULL;
}

hd_status hei_params_read(const hei_gguf *gguf, hei_params *out_params, hd_error *out_error) {
  hei_text name = {0};
  hd_status status = hei_gguf_get_text(gguf, "general.architecture", true, &name, out_error);
  if (status != HD_OK) return status;
  hei_params params = {.arch = find_arch(name)};
  if (params.arch == NULL)
    return hd_fail(out_error, HD_E_UNSUPPORTED,
                   "%s: key 'general.architecture': '%.*s' is not supported (llama, qwen2 and qwen3 are)",
                   gguf->name, HEI_SHOW(name));
  reader r = {gguf, params.arch->name, HD_OK, out_error};
  read_shape(&r, &params);
  read_heads(&r, &params);
  read_rope(&r, &params);
  if (r.status == HD_OK) *out_params = params;
  return r.status;
}
