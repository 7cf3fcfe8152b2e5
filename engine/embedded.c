/* SPDX-License-Identifier: Apache-2.0 */
/* Knows the model inside this executable, if there is one. */
#include "engine.h"

#define NAME "embedded model"

#ifdef HE_EMBEDDED
extern const uint8_t hei_embedded_begin[], hei_embedded_end[];

bool he_embedded_is_present(void) {
  return true;
}

hd_status he_model_open_embedded(const hd_host *host, const he_model_options *options, he_model **out_model,
                                 hd_error *out_error) {
  size_t size = (size_t)(hei_embedded_end - hei_embedded_begin);
  return he_model_open_memory(host, hei_embedded_begin, size, NAME, options, out_model, out_error);
}
#else
bool he_embedded_is_present(void) {
  return false;
}

hd_status he_model_open_embedded(const hd_host *host, const he_model_options *options, he_model **out_model,
                                 hd_error *out_error) {
  (void)host, (void)options, (void)out_model;
  return hd_fail(out_error, HD_E_NOT_FOUND, NAME ": this build contains none");
}
#endif
