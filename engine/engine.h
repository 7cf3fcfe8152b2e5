/* SPDX-License-Identifier: Apache-2.0 */
/* The engine's front door: a small real inference engine on top of include/heddle. It knows models, text and
 * words; everything about devices, steps and time it leaves to the scheduler that the caller made.
 *
 *   he_model_open -> he_instance_create (on a hd_sched) -> he_tokenize or he_chat_tokenize -> he_job_submit
 * -> he_job_wait
 *
 * Destroy in the opposite order: jobs, instance, scheduler, model. Every destroyer takes NULL. */
#ifndef ENGINE_ENGINE_H
#define ENGINE_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "heddle/format.h"
#include "heddle/graph.h"
#include "heddle/host.h"
#include "heddle/request.h"
#include "heddle/sched.h"
#include "heddle/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- models ---- */

/* A GGUF file (mapped, never copied), its vocabulary and its graph. Immutable once open: any thread may read
 * it. */
typedef struct he_model he_model;

typedef struct he_model_options {
  uint32_t size;
  hd_format kv_format; /* of the KV cache: HD_FORMAT_F32 (default), HD_FORMAT_F16 (half the memory) or
                          HD_FORMAT_Q8_0 (a quarter; heads of a multiple of 32 values) */
  bool read_ahead;     /* touch the weights' pages now instead of during the first prefill */
  /* Called on the opening thread while the file is read, `done` of `total` bytes, at least once at the end.
   * May be NULL. Without read_ahead it is called at the end only. */
  void (*progress)(void *arg, uint64_t done, uint64_t total);
  void *progress_arg;
} he_model_options;

void he_model_options_default(he_model_options *out_options);

/* Opens a GGUF file (version 2 or 3; architectures llama, qwen2, qwen3). The file must not be changed or cut
 * short while it is open. `options` may be NULL. Errors: NOT_FOUND, IO (cannot be opened or mapped), FORMAT
 * (not a GGUF, cut short, hostile: one line with the byte offset, key or tensor), UNSUPPORTED (architecture,
 * tokenizer or tensor type that this engine does not know), NO_MEMORY. Threads: any. Ownership: the caller's,
 * until he_model_close. */
hd_status he_model_open(const hd_host *host, const char *path, const he_model_options *options,
                        he_model **out_model, hd_error *out_error);

/* The same from memory, which outlives the model and is not written. `name` stands for the path in error
 * lines. */
hd_status he_model_open_memory(const hd_host *host, const void *bytes, size_t size, const char *name,
                               const he_model_options *options, he_model **out_model, hd_error *out_error);

/* The model inside this executable. Errors also: NOT_FOUND (built without one). */
hd_status he_model_open_embedded(const hd_host *host, const he_model_options *options, he_model **out_model,
                                 hd_error *out_error);

/* True when this build contains a model. */
bool he_embedded_is_present(void);

/* Its instances are destroyed before. */
void he_model_close(he_model *model);

typedef struct he_model_info {
  const char *name;         /* general.name; the file's name without folder when it has none */
  const char *architecture; /* "llama" */
  const char *format;       /* what most weights are: "Q4_K_M" where the file says so, else the name of the
                               hd_format that holds       the most bytes, "Q8_0" */
  const char *tokenizer;   /* "llama" (SentencePiece-style) or "gpt2" (byte-level BPE), with the pre-tokenizer
                              after   a slash: "gpt2/qwen2" */
  const char *chat_family; /* "llama2", "llama3", "chatml", "zephyr"; NULL: no chat template that is known */
  uint64_t file_bytes;
  uint64_t weight_bytes;    /* of the tensors that the graph uses */
  uint64_t parameter_count; /* values in them */
  uint32_t n_layers, n_vocab, n_embd, n_ff;
  uint32_t n_heads, n_kv_heads, head_dim;
  uint32_t n_context; /* positions that it was trained for */
} he_model_info;

/* Ownership: the texts are the model's. */
void he_model_describe(const he_model *model, he_model_info *out_info);

/* The sealed graph, and the weights' addresses by hd_value: what hd_model_create wants. Ownership: the
 * model's. */
const hd_graph *he_model_graph(const he_model *model);
const void *const *he_model_weights(const he_model *model);

/* ---- text and tokens ---- */

/* A list of token ids. Fill it with he_tokenize or he_chat_tokenize, give it back with he_tokens_finish,
 * before the model is closed. */
typedef struct he_tokens {
  int32_t *ids;
  uint32_t count;
  uint32_t capacity;
  const hd_host *host; /* the engine's */
} he_tokens;

void he_tokens_init(he_tokens *out_tokens, const he_model *model);
/* Takes a finished or zeroed list too. */
void he_tokens_finish(he_tokens *tokens);

enum he_tokenize_flags {
  HE_TOKENIZE_BOS = 1u << 0, /* begin with the model's begin-of-sequence token, if the model wants one */
  HE_TOKENIZE_SPECIAL =
      1u << 1 /* the text of a special token ("<|im_end|>") becomes that token. Only for trusted text */
};

/* Appends the tokens of `bytes` bytes of UTF-8. An empty text appends nothing but the begin token.
 * Errors: FORMAT (invalid UTF-8; the line names the byte offset), NO_MEMORY, LIMIT (more than INT32_MAX
 * bytes). On failure the list is as it was. Threads: any. */
hd_status he_tokenize(const he_model *model, const char *text, size_t bytes, uint32_t flags,
                      he_tokens *tokens, hd_error *out_error);

/* One message of a conversation. */
typedef struct he_message {
  const char *role; /* "system", "user" or "assistant" */
  const char *text; /* UTF-8, terminated */
} he_message;

/* Appends a whole conversation in the form that the model was trained on, begin token and the opening of the
 * assistant's answer included. Text inside messages never becomes a special token. The template families that
 * are recognised (from tokenizer.chat_template, else from the vocabulary) are named in he_model_info;
 * templates are not interpreted. Errors: UNSUPPORTED (no family recognised), INVALID (unknown role, no
 * message), FORMAT (invalid UTF-8), NO_MEMORY. Threads: any. */
hd_status he_chat_tokenize(const he_model *model, const he_message *messages, uint32_t count,
                           he_tokens *tokens, hd_error *out_error);

/* The token's text as the vocabulary has it, not terminated. NULL for an id outside the vocabulary. */
const char *he_token_text(const he_model *model, int32_t id, size_t *out_bytes);
/* True for the tokens after which the model has said all: end of sequence, of turn, of text. */
bool he_token_is_end(const he_model *model, int32_t id);
/* The begin-of-sequence token; -1: the model has none. */
int32_t he_token_begin(const he_model *model);

/* Tokens back to text, one after another, in whole characters: bytes of a character that is not complete are
 * held back; bytes that are no UTF-8 come out as U+FFFD. */
typedef struct he_decoder he_decoder;

enum he_decode_flags {
  HE_DECODE_START =
      1u << 0, /* the ids begin a text: the space that tokenizing put in front is taken away again */
  HE_DECODE_SPECIAL = 1u << 1 /* special tokens come out as their text instead of as nothing */
};

/* Errors: NO_MEMORY. Ownership: the caller's. Threads: one at a time. */
hd_status he_decoder_create(const he_model *model, uint32_t flags, he_decoder **out_decoder);
void he_decoder_destroy(he_decoder *decoder);
/* What can be shown after this token. Valid until the next call; terminated; `*out_bytes` may be 0. Ids
 * outside the vocabulary show nothing. */
const char *he_decoder_push(he_decoder *decoder, int32_t id, size_t *out_bytes);
/* What is still held back, as U+FFFD; the decoder is then as new. */
const char *he_decoder_flush(he_decoder *decoder, size_t *out_bytes);

/* ---- sampling ---- */

/* How the next token is chosen from the logits, in this order: top_k, top_p, temperature (the order of
 * llama.cpp's default chain). Probabilities are computed in double precision with the C library's exp(): the
 * same seed gives the same text wherever logits and C library are the same. Random numbers: PCG-XSH-RR 64/32.
 */
typedef struct he_sampling {
  uint32_t size;
  float temperature; /* 0 (default): greedy, the rest is ignored; the lowest id among equals */
  uint32_t top_k;    /* only the so many likeliest; 0: all. Default 40 */
  float top_p;       /* only the likeliest that together reach this probability; 1: all. Default 0.95 */
  uint64_t seed;     /* default 0 */
} he_sampling;

void he_sampling_default(he_sampling *out_sampling);

/* ---- a model on a scheduler ---- */

/* A model that one scheduler has prepared on its devices. Several may be made of one model. */
typedef struct he_instance he_instance;

/* `split` as hd_model_desc has it ("cpu:0-2,sim:3-"; NULL: the planner chooses). Errors: as hd_model_create.
 * Ownership: the caller's; model and scheduler outlive it. Threads: any, not from a worker. */
hd_status he_instance_create(he_model *model, hd_sched *sched, const char *split, he_instance **out_instance,
                             hd_error *out_error);
/* Its jobs are released before. */
void he_instance_destroy(he_instance *instance);
he_model *he_instance_model(const he_instance *instance);
/* For hd_model_split and sessions of the caller's own. */
hd_model *he_instance_placed(const he_instance *instance);

/* ---- jobs: a prompt in, tokens out ---- */

#define HE_UNTIL_END UINT32_MAX

typedef struct he_job he_job;

/* One completion. It runs as a request (a coroutine); any number of jobs may run on one instance at once.
 * The callbacks run inside that coroutine, on a worker: they must be short, must not block and have a small
 * stack (hd_runtime_config.stack_bytes, of which the engine uses less than 8 KiB). With worker_count 0 they
 * run inside hd_sched_dispatch. */
typedef struct he_job_desc {
  uint32_t size;
  const char *name;      /* for traces; may be NULL */
  const int32_t *tokens; /* the prompt; copied */
  uint32_t n_tokens;     /* at least 1 */
  uint32_t n_predict;   /* most tokens to generate; 0: only the prefill; HE_UNTIL_END: until the model ends or
                           the context is full */
  uint32_t max_context; /* positions of the job's own session; 0: what prompt and n_predict need, at most the
                           model's. May be more than the model was trained for */
  uint32_t chunk_tokens; /* most tokens of one prefill run; 0: 128 */
  bool ignore_end;       /* go on after end tokens (for measuring) */
  he_sampling sampling;
  /* Appends to this session instead of one of the job's own; NULL: its own. Used by one job at a time; its
   * max_tokens is at least chunk_tokens (and its max_outputs too when on_logits is set). */
  hd_session *session;

  uint32_t client_id; /* as in hd_request_desc */
  hd_class class_id;
  uint64_t deadline_ns;

  /* After each chunk of the prompt. May be NULL. */
  void (*on_prefill)(void *arg, uint32_t done_tokens, uint32_t total_tokens);
  /* For each generated token, end tokens included. `text` (whole characters, maybe empty, terminated) is
   * valid during the call; end tokens have no text. What was held back comes once more, with id -1, at the
   * end. Return false to stop. May be NULL. */
  bool (*on_token)(void *arg, int32_t id, const char *text, size_t bytes);
  /* The logits after the token at `position` (0: the first of the session), n_vocab of them, for every token
   * that is run. Costs the logits of every prompt position. May be NULL. */
  void (*on_logits)(void *arg, uint32_t position, const float *logits, uint32_t n_vocab);
  /* Once, last of all, also when it was cancelled before it began. Must not release the job. May be NULL. */
  void (*done)(void *arg, hd_status status);
  void *arg;
} he_job_desc;

void he_job_desc_default(he_job_desc *out_desc);

typedef enum he_stop {
  HE_STOP_NONE,    /* it failed or was cancelled: see the status */
  HE_STOP_END,     /* the model ended */
  HE_STOP_LENGTH,  /* n_predict reached */
  HE_STOP_CONTEXT, /* no position is left */
  HE_STOP_CALLER   /* on_token said so */
} he_stop;

/* "end", "length", ...; NULL outside the enum. */
const char *he_stop_name(he_stop stop);

typedef struct he_job_result {
  hd_status status;
  he_stop stop;
  uint32_t prompt_tokens;    /* run in prefill */
  uint32_t generated_tokens; /* given to on_token; the first one comes out of the prefill */
  uint32_t
      decode_tokens; /* run in decode, one at a time: generated_tokens less the last one, which is not run */
  uint64_t wait_ns;  /* from submit to the coroutine's first line */
  uint64_t prefill_ns;      /* from there until the first logits are there, callbacks included */
  uint64_t decode_ns;       /* of the decode_tokens, sampling and callbacks included */
  hd_request_stats request; /* steps, launches, device time, energy */
} he_job_result;

/* Admission, then it starts. Errors: INVALID (no token, an id outside the vocabulary, session too small),
 * LIMIT (the prompt does not fit into the context: the line says both), AGAIN and REFUSED (see `out_refusal`,
 * which may be NULL), NO_MEMORY, CLOSED. Threads: any. Ownership: the caller's, until he_job_release. */
hd_status he_job_submit(he_instance *instance, const he_job_desc *desc, he_job **out_job,
                        hd_refusal_info *out_refusal, hd_error *out_error);

/* As hd_request_cancel, hd_request_wait and hd_request_poll. `out_result` may be NULL. */
void he_job_cancel(he_job *job);
hd_status he_job_wait(he_job *job, he_job_result *out_result);
hd_status he_job_poll(const he_job *job, he_job_result *out_result);
/* Why it failed: one line; "" when it did not. After it is over. Ownership: the job's. */
const char *he_job_error(const he_job *job);
/* Trace id of its request. */
uint32_t he_job_id(const he_job *job);
/* A job that still runs is cancelled and waited for. Threads: any but a worker's task and the job's
 * callbacks. */
void he_job_release(he_job *job);

/* ---- likelihood of a text ---- */

typedef struct he_score_desc {
  uint32_t size;
  const int32_t *tokens; /* of the text, without begin token */
  uint32_t n_tokens;
  uint32_t chunk_tokens; /* tokens scored together after a begin token, each chunk on its own; 0: 255. A rest
                            that fills no chunk is left out, unless it is all there is */
  /* Not 0: the way of llama.cpp's perplexity tool instead, so that figures compare. The text, behind one
     begin token (none where the model wants none), is cut into windows of so many positions, at least 4; the
     first token of each gives way to the begin token; what is scored are the tokens behind the first half of
     the window and one, so that each has at least half a window in front of it. What fills no window is left
     out. */
  uint32_t window_tokens;
  uint32_t chunk_limit; /* chunks or windows at most; 0: all */
  hd_class class_id;
  /* After each chunk. May be NULL; as he_job_desc's callbacks. */
  void (*on_chunk)(void *arg, uint32_t chunk, uint32_t chunk_count, double mean_nll, uint32_t n_scored);
  void *arg;
} he_score_desc;

typedef struct he_score_result {
  double mean_nll;   /* natural logarithm, per scored token; exp() of it is the perplexity */
  double nll_error;  /* standard error of the mean: of the tokens' deviation, as if they were independent */
  uint32_t n_scored; /* of chunks every token, the first one follows the begin token; of windows see above */
  uint32_t n_run;    /* tokens that went through the model */
  uint32_t chunk_count;
  uint64_t elapsed_ns;
} he_score_result;

/* Scores and waits. A model without begin token scores each chunk's tokens from the second on. Errors: as
 * he_job_submit; INVALID also for a text that is shorter than a window. Threads: as hd_request_wait, but not
 * a coroutine. */
hd_status he_score(he_instance *instance, const he_score_desc *desc, he_score_result *out_result,
                   hd_error *out_error);

#ifdef __cplusplus
}
#endif
#endif
