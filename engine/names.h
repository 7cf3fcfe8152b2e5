/* SPDX-License-Identifier: Apache-2.0 */
/* Names: from a text to its index in a list. Made for texts out of files that nobody trusts: the hash is
 * keyed afresh for each table, so that no file can choose texts that all collide. */
#ifndef ENGINE_NAMES_H
#define ENGINE_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "heddle/host.h"

/* Bytes that somebody else owns, usually inside a mapped file. Not terminated. */
typedef struct hei_text {
  const char *data;
  size_t bytes;
} hei_text;

#define HEI_NO_INDEX UINT32_MAX

/* %.*s of a text of a hostile file: never more than this of it in an error line. */
#define HEI_SHOWN_BYTES 64
#define HEI_SHOW(text)  (int)((text).bytes < HEI_SHOWN_BYTES ? (text).bytes : HEI_SHOWN_BYTES), (text).data

typedef struct hei_hash_key {
  uint64_t word[2];
} hei_hash_key;

/* A key that a file's author cannot know. Source: getrandom(2); where that fails, an address and the host's
 * clock. */
hei_hash_key hei_hash_key_fresh(const hd_host *host);
/* SipHash-1-3. Source: Aumasson, Bernstein, "SipHash: a fast short-input PRF", 2012. */
uint64_t hei_hash(hei_hash_key key, const void *data, size_t bytes);

typedef struct hei_name_slot {
  uint32_t hash;
  uint32_t index_plus_1; /* 0: empty */
} hei_name_slot;

/* The texts stay with the caller, `stride` bytes apart. */
typedef struct hei_names {
  const hd_host *host;
  const hei_text *first;
  size_t stride;
  hei_name_slot *slots;
  size_t slot_count; /* a power of two, at least twice the capacity */
  hei_hash_key key;
} hei_names;

/* Room for `capacity` texts. Errors: NO_MEMORY. Ownership: the caller's, until hei_names_finish. Threads:
 * finding from any thread once nothing is added any more. */
hd_status hei_names_init(hei_names *names, const hd_host *host, const hei_text *first, size_t stride,
                         size_t capacity);
/* Takes a zeroed table too. */
void hei_names_finish(hei_names *names);
/* Adds the text at `index` of the list. Returns `index`, or the index of an equal text that was there before.
 */
uint32_t hei_names_add(hei_names *names, uint32_t index);
/* HEI_NO_INDEX when there is none. */
uint32_t hei_names_find(const hei_names *names, const char *data, size_t bytes);

bool hei_text_is(hei_text text, const char *terminated);

#endif
