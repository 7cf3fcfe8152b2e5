/* SPDX-License-Identifier: Apache-2.0 */
/* The words that the text form uses for the numbers in records. */
#ifndef TRACES_WORDS_H
#define TRACES_WORDS_H

#include <stdint.h>

typedef enum hdi_vocabulary {
  HDI_WORDS_RECORD_KIND,
  HDI_WORDS_DEVICE_KIND,
  HDI_WORDS_DEVICE_STATE,
  HDI_WORDS_DEVICE_PARAM,
  HDI_WORDS_SENSOR,
  HDI_WORDS_PHASE,
  HDI_WORDS_REFUSAL,
  HDI_WORDS_FENCE,
  HDI_WORDS_FAULT,
  HDI_WORDS_NAME_KIND,
  HDI_WORDS_ENERGY,
  HDI_WORDS_CONFIG_KEY,
  HDI_WORDS_STATUS, /* numbers as records store them: negated */
  HDI_WORDS_COUNT
} hdi_vocabulary;

/* The word, without spaces; NULL for a number that has none. Threads: any. Ownership: static. */
const char *hdi_word(hdi_vocabulary vocabulary, uint64_t number);

#endif
