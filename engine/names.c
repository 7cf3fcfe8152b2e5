/* SPDX-License-Identifier: Apache-2.0 */
/* Knows how texts are found: open addressing over a keyed hash. */
#include "names.h"

#include <string.h>
#include <sys/random.h>

hei_hash_key hei_hash_key_fresh(const hd_host *host) {
  hei_hash_key key;
  if (getrandom(&key, sizeof key, GRND_NONBLOCK) != (ssize_t)sizeof key) {
    key.word[0] = host->now_ns(host->ctx);
    key.word[1] = (uint64_t)(uintptr_t)&key;
  }
  return key;
}

static uint64_t rotate(uint64_t value, int bits) {
  return (value << bits) | (value >> (64 - bits));
}

static void sip_round(uint64_t v[4]) {
  v[0] += v[1];
  v[2] += v[3];
  v[1] = rotate(v[1], 13) ^ v[0];
  v[3] = rotate(v[3], 16) ^ v[2];
  v[0] = rotate(v[0], 32);
  v[2] += v[1];
  v[0] += v[3];
  v[1] = rotate(v[1], 17) ^ v[2];
  v[3] = rotate(v[3], 21) ^ v[0];
  v[2] = rotate(v[2], 32);
}

uint64_t hei_hash(hei_hash_key key, const void *data, size_t bytes) {
  /* "somepseudorandomlygeneratedbytes" in the paper's order. */
  uint64_t v[4] = {key.word[0] ^ 0x736f6d6570736575u, key.word[1] ^ 0x646f72616e646f6du,
                   key.word[0] ^ 0x6c7967656e657261u, key.word[1] ^ 0x7465646279746573u};
  const uint8_t *at = data;
  size_t left = bytes;
  uint64_t word;
  for (; left >= 8; left -= 8, at += 8) {
    memcpy(&word, at, 8);
    v[3] ^= word;
    sip_round(v);
    v[0] ^= word;
  }
  word = 0;
  if (left > 0) memcpy(&word, at, left);
  word |= (uint64_t)bytes << 56;
  v[3] ^= word;
  sip_round(v);
  v[0] ^= word;
  v[2] ^= 0xff;
  for (int i = 0; i < 3; i++)
    sip_round(v);
  return v[0] ^ v[1] ^ v[2] ^ v[3];
}

static const hei_text *text_at(const hei_names *names, uint32_t index) {
  return (const hei_text *)(const void *)((const char *)names->first + (size_t)index * names->stride);
}

hd_status hei_names_init(hei_names *names, const hd_host *host, const hei_text *first, size_t stride,
                         size_t capacity) {
  size_t slot_count = 8;
  while (slot_count < 2 * capacity)
    slot_count *= 2;
  hei_name_slot *slots = hd_host_zalloc(host, slot_count, sizeof *slots, _Alignof(hei_name_slot));
  if (slots == NULL) return HD_E_NO_MEMORY;
  *names = (hei_names){host, first, stride, slots, slot_count, hei_hash_key_fresh(host)};
  return HD_OK;
}

void hei_names_finish(hei_names *names) {
  if (names->slots != NULL) hd_host_free(names->host, names->slots, names->slot_count, sizeof *names->slots);
  *names = (hei_names){0};
}

/* The slot that holds the text, or the empty one where it belongs. */
static hei_name_slot *slot_of(const hei_names *names, const char *data, size_t bytes, uint32_t *out_hash) {
  uint64_t hash = hei_hash(names->key, data, bytes);
  *out_hash = (uint32_t)(hash >> 32);
  for (size_t at = hash & (names->slot_count - 1);; at = (at + 1) & (names->slot_count - 1)) {
    hei_name_slot *slot = &names->slots[at];
    if (slot->index_plus_1 == 0) return slot;
    if (slot->hash != *out_hash) continue;
    const hei_text *text = text_at(names, slot->index_plus_1 - 1);
    if (text->bytes == bytes && memcmp(text->data, data, bytes) == 0) return slot;
  }
}

uint32_t hei_names_add(hei_names *names, uint32_t index) {
  const hei_text *text = text_at(names, index);
  uint32_t hash;
  hei_name_slot *slot = slot_of(names, text->data, text->bytes, &hash);
  if (slot->index_plus_1 == 0) *slot = (hei_name_slot){hash, index + 1};
  return slot->index_plus_1 - 1;
}

uint32_t hei_names_find(const hei_names *names, const char *data, size_t bytes) {
  if (names->slots == NULL) return HEI_NO_INDEX;
  uint32_t hash;
  return slot_of(names, data, bytes, &hash)->index_plus_1 - 1; /* empty: 0 - 1 is HEI_NO_INDEX */
}

bool hei_text_is(hei_text text, const char *terminated) {
  return text.bytes == strlen(terminated) && memcmp(text.data, terminated, text.bytes) == 0;
}
