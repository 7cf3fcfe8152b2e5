/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions: what memory they say they take. */
#include "fixture.h"

static void a_session_has_room_for_whole_groups_of_turned_keys(void **state) {
  (void)state;
  fx_net net;
  fx_net_make(&net);
  hd_sched *sched = fx_sched(&net, &(fx_options){.workers = 1});
  hd_model *model = fx_model(sched, &net, NULL);
  hd_session_desc desc = {.size = sizeof desc, .max_context = HD_KV_GROUP, .max_tokens = 1};
  uint64_t one_group = hd_session_bytes(model, &desc);
  desc.max_context++;
  assert_true(hd_session_bytes(model, &desc) - one_group >= HD_KV_GROUP * FX_WIDTH / 2 * sizeof(float));
  desc.max_context = UINT32_MAX; /* whole groups of which have no number */
  hd_session *session = NULL;
  assert_int_equal(hd_session_bytes(model, &desc), 0);
  assert_int_equal(hd_session_create(model, &desc, &session), HD_E_INVALID);
  hd_model_destroy(model);
  hd_sched_destroy(sched);
  fx_net_free(&net);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_session_has_room_for_whole_groups_of_turned_keys),
  };
  return cmocka_run_group_tests_name("session", tests, NULL, NULL);
}
