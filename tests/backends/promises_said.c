/* SPDX-License-Identifier: Apache-2.0 */
/* Promises: what a backend says of itself. */
#include "conformance.h"
#include <string.h>

static void the_table_is_whole(void **state) {
  const hd_backend_ops *o = ((fixture *)*state)->ops;
  assert_int_equal(o->size, sizeof(hd_backend_ops));
  assert_int_equal(o->abi, HD_BACKEND_ABI);
  assert_true(o->name[0] && o->description[0]);
  assert_true(o->open && o->close && o->probe && o->test && o->prepare && o->release && o->submit &&
              o->poll && o->cancel && o->sense && o->import && o->unimport);
}

static void devices_are_sane_and_their_list_ends(void **state) {
  fixture *f = *state;
  char names[HD_DEVICES_MAX][HD_NAME_BYTES];
  uint32_t count = 0;
  hd_device_props p;
  hd_status status;
  while ((status = f->ops->probe(f->backend, count, &p)) == HD_OK) {
    assert_true(count < HD_DEVICES_MAX);
    assert_int_equal(p.size, sizeof p);
    assert_true(memchr(p.name, 0, sizeof p.name) && memchr(p.description, 0, sizeof p.description));
    assert_true(p.name[0] && p.description[0]);
    assert_null(strpbrk(p.name, ",:;= "));
    assert_true(p.capacity >= 1 && p.max_in_flight >= 1);
    for (uint32_t i = 0; i < count; i++)
      assert_string_not_equal(names[i], p.name);
    strcpy(names[count++], p.name);
  }
  assert_int_equal(status, HD_E_NOT_FOUND);
  assert_true(count > 0);
  assert_int_equal(f->ops->probe(f->backend, UINT32_MAX, &p), HD_E_NOT_FOUND);
}

static void an_unknown_option_is_refused_by_its_name(void **state) {
  fixture *f = *state;
  const char *wrong[] = {"no_such_thing=1", "no_such_thing", "no_such_thing="};
  for (size_t i = 0; i < 3; i++) {
    void *backend = NULL;
    hd_error error = {""};
    assert_int_equal(f->ops->open(&f->lender.lent, wrong[i], &backend, &error), HD_E_FORMAT);
    assert_null(backend);
    assert_non_null(strstr(error.text, "no_such_thing"));
  }
}

static void a_sensor_tells_or_says_that_it_is_not_there(void **state) {
  fixture *f = *state;
  int32_t mdegc = INT32_MIN;
  hd_status status = f->ops->sense(f->backend, 0, &mdegc);
  if (status == HD_OK)
    assert_in_range(mdegc + 100000, 0, 300000);
  else
    assert_true(status == HD_E_UNSUPPORTED && mdegc == INT32_MIN);
}

static void a_buffer_is_imported_and_given_back_or_refused(void **state) {
  fixture *f = *state;
  hd_buffer *buffer = NULL;
  void *handle = NULL;
  assert_int_equal(hd_buffer_create(&f->lender.host, 4096, &buffer), HD_OK);
  hd_status status = f->ops->import(f->backend, 0, buffer, &handle);
  if (status == HD_OK)
    f->ops->unimport(f->backend, 0, handle);
  else
    assert_int_equal(status, HD_E_UNSUPPORTED);
  hd_buffer_destroy(buffer);
}

static void no_memory_is_an_answer_whichever_allocation_fails(void **state) {
  fixture *f = *state;
  model m;
  void *backend = NULL;
  hd_program *program = NULL;
  hd_error error;
  model_make(&m, HD_FORMAT_Q8_0, HD_FORMAT_F16, 1);
  for (long n = 0;; n++) {
    atomic_store(&f->lender.allocations_left, n);
    hd_status status = f->ops->open(&f->lender.lent, f->row->options, &backend, &error);
    if (status == HD_OK) break;
    assert_int_equal(status, HD_E_NO_MEMORY);
    assert_true(n < 1000);
  }
  for (long n = 0;; n++) {
    atomic_store(&f->lender.allocations_left, n);
    hd_status status = f->ops->prepare(backend, 0, m.graph, 0, m.op_count, m.weights, &program);
    if (status == HD_OK) break;
    assert_int_equal(status, HD_E_NO_MEMORY);
    assert_true(n < 1000);
  }
  atomic_store(&f->lender.allocations_left, -1);
  f->ops->release(backend, 0, program);
  f->ops->close(backend);
  model_free(&m);
} /* the teardown says that all memory came back */

const promise promises_said[] = {
    PROMISE(the_table_is_whole),
    PROMISE(devices_are_sane_and_their_list_ends),
    PROMISE(an_unknown_option_is_refused_by_its_name),
    PROMISE(a_sensor_tells_or_says_that_it_is_not_there),
    PROMISE(a_buffer_is_imported_and_given_back_or_refused),
    PROMISE(no_memory_is_an_answer_whichever_allocation_fails),
    {NULL, NULL},
};
