/* SPDX-License-Identifier: Apache-2.0 */
/* Who is taken for lost, who is moved where, and who goes back: on a machine of numbers, whose threads run or
 * do not as the test says; and in the runtime itself, where a part does not end before its worker is moved.
 */
#include "fixture.h"

#include "runtime/rescue.h"
#include "runtime/state.h"

#include <stdlib.h>
#include <string.h>

enum { WORKERS = 3, CPUS = 4, US = 1000 };

/* ---- a machine of numbers ---- */

typedef struct machine {
  hd_runtime *runtime;
  uint64_t now_ns, step_ns, cpu_ns[WORKERS];
  bool runs[WORKERS];
  uint32_t cpu[WORKERS]; /* where the thread is */
  hdk_cpu_mask mask[WORKERS];
  uint32_t self;  /* which thread calls */
  uint32_t moves; /* masks set */
  bool refuses;
  _Atomic uint32_t *finishes; /* becomes 1 while somebody is watched */
} machine;

static machine m;

static uint32_t index_of(pthread_t thread) {
  for (uint32_t i = 0; i < WORKERS; i++) {
    if (pthread_equal(thread, m.runtime->workers[i].thread)) return i;
  }
  fail();
  return 0;
}

static uint64_t machine_now(void *ctx) {
  (void)ctx;
  m.now_ns += m.step_ns;
  for (uint32_t i = 0; i < WORKERS; i++) {
    if (m.runs[i]) m.cpu_ns[i] += m.step_ns;
  }
  if (m.finishes != NULL) atomic_store(m.finishes, 1);
  return m.now_ns;
}

static hd_status machine_cpu_ns(pthread_t thread, uint64_t *out_ns) {
  *out_ns = m.cpu_ns[index_of(thread)];
  return HD_OK;
}

static hd_status machine_current(uint32_t *out_cpu) {
  *out_cpu = m.cpu[m.self];
  return HD_OK;
}

static hd_status machine_get(pthread_t thread, hdk_cpu_mask *out_mask) {
  *out_mask = m.mask[index_of(thread)];
  return HD_OK;
}

static hd_status machine_set(pthread_t thread, const hdk_cpu_mask *mask) {
  uint32_t i = index_of(thread);
  if (m.refuses) return HD_E_REFUSED;
  m.moves++;
  m.mask[i] = *mask;
  for (uint32_t cpu = 0; cpu < CPUS && !hdk_cpu_mask_has(mask, m.cpu[i]); cpu++) {
    if (hdk_cpu_mask_has(mask, cpu)) m.cpu[i] = cpu;
  }
  return HD_OK;
}

static const hdi_rescue_kernel machine_kernel = {machine_cpu_ns, machine_current, machine_get, machine_set};

static hdk_cpu_mask cpus(uint32_t first, uint32_t last) {
  hdk_cpu_mask mask = {{0}};
  for (uint32_t cpu = first; cpu <= last; cpu++) {
    hdk_cpu_mask_add(&mask, cpu);
  }
  return mask;
}

static hdi_worker *worker_at(uint32_t i) {
  return &m.runtime->workers[i];
}

/* Worker i on CPU i, all of them run and may run everywhere; worker 0 calls. */
static void set_up(void) {
  size_t bytes = sizeof(hd_runtime) + WORKERS * sizeof(hdi_worker);
  size_t whole = (bytes + HDI_CACHE_LINE - 1) / HDI_CACHE_LINE * HDI_CACHE_LINE;
  m = (machine){.runtime = aligned_alloc(HDI_CACHE_LINE, whole), .now_ns = 1000 * MS, .step_ns = US};
  assert_non_null(m.runtime);
  memset(m.runtime, 0, whole);
  m.runtime->worker_count = WORKERS;
  m.runtime->host = (hd_host){.now_ns = machine_now};
  for (uint32_t i = 0; i < WORKERS; i++) {
    worker_at(i)->runtime = m.runtime;
    worker_at(i)->index = i;
    worker_at(i)->thread = (pthread_t)(uintptr_t)(i + 1);
    hdi_region_init(&worker_at(i)->region);
    m.runs[i] = true;
    m.cpu[i] = i;
    m.mask[i] = cpus(0, CPUS - 1);
  }
  hdi_rescue_enable(m.runtime, &machine_kernel);
}

static void tear_down(void) {
  free(m.runtime);
}

static void begin_region_of_0(void) {
  atomic_store(&worker_at(0)->rescue.in_region, true);
  atomic_store(&m.runtime->regions, 1);
}

static void helps_0(uint32_t i) {
  atomic_store(&worker_at(i)->rescue.helps, &worker_at(0)->region);
}

static void assert_is_home(uint32_t i, uint32_t cpu) {
  assert_int_equal(m.cpu[i], cpu);
  assert_true(hdk_cpu_mask_equals(&m.mask[i], &worker_at(i)->rescue.home));
  assert_false(hdi_rescue_is_moved(&worker_at(i)->rescue));
}

/* ---- helpers ---- */

static void only_the_helper_that_does_not_run_is_moved_to_its_caller_and_leaves_it_again(void **state) {
  (void)state;
  set_up();
  begin_region_of_0();
  helps_0(1);
  helps_0(2);
  m.runs[1] = false;
  hdi_rescue_helpers(worker_at(0), 2);
  assert_int_equal(m.cpu[1], 0);
  assert_int_equal(hdk_cpu_mask_count(&m.mask[1]), 1);
  assert_is_home(2, 2);
  m.self = 1;
  assert_true(hdi_rescue_is_moved(&worker_at(1)->rescue));
  hdi_rescue_back(worker_at(1), false);
  assert_int_not_equal(m.cpu[1], 0);
  assert_is_home(1, m.cpu[1]);
  tear_down();
}

static void a_placed_helper_goes_back_to_its_place(void **state) {
  (void)state;
  set_up();
  m.mask[1] = cpus(1, 1);
  hdi_rescue_enable(m.runtime, &machine_kernel);
  begin_region_of_0();
  helps_0(1);
  m.runs[1] = false;
  hdi_rescue_helpers(worker_at(0), 1);
  assert_int_equal(m.cpu[1], 0);
  m.self = 1;
  hdi_rescue_back(worker_at(1), false);
  assert_is_home(1, 1);
  tear_down();
}

static void
nobody_is_moved_who_runs_or_helps_another_or_is_done_or_was_placed_by_somebody_else(void **state) {
  (void)state;
  set_up();
  begin_region_of_0();
  m.runs[1] = false;
  hdi_rescue_helpers(worker_at(0), 1); /* it helps nobody */
  helps_0(1);
  m.runs[1] = true;
  hdi_rescue_helpers(worker_at(0), 1);
  m.runs[1] = false;
  m.finishes = &worker_at(0)->region.done;
  hdi_rescue_helpers(worker_at(0), 1);
  m.finishes = NULL;
  atomic_store(&worker_at(0)->region.done, 0);
  m.mask[1] = cpus(1, 2);
  hdi_rescue_helpers(worker_at(0), 1);
  m.mask[1] = worker_at(1)->rescue.home;
  m.step_ns = 0; /* a clock that stands still says nothing */
  hdi_rescue_helpers(worker_at(0), 1);
  assert_int_equal(m.moves, 0);
  m.step_ns = US;
  m.refuses = true;
  hdi_rescue_helpers(worker_at(0), 1);
  assert_is_home(1, 1);
  m.refuses = false;
  hdi_rescue_helpers(worker_at(0), 1);
  assert_int_equal(m.moves, 1);
  hdi_rescue_helpers(worker_at(0), 1); /* once */
  assert_int_equal(m.moves, 1);
  tear_down();
}

static void who_is_back_before_its_mover_is_done_goes_back_once_more(void **state) {
  (void)state;
  set_up();
  begin_region_of_0();
  helps_0(1);
  m.runs[1] = false;
  hdi_rescue_helpers(worker_at(0), 1);
  atomic_fetch_or(&worker_at(1)->rescue.moved, 1); /* as it is while the mover is in the kernel */
  m.self = 1;
  hdi_rescue_back(worker_at(1), false);
  assert_int_not_equal(m.cpu[1], 0);
  assert_true(hdi_rescue_is_moved(&worker_at(1)->rescue));
  m.mask[1] = cpus(0, 0); /* the mover's call comes last after all */
  m.cpu[1] = 0;
  atomic_fetch_and(&worker_at(1)->rescue.moved, ~1u);
  hdi_rescue_back(worker_at(1), false);
  assert_int_not_equal(m.cpu[1], 0);
  assert_is_home(1, m.cpu[1]);
  tear_down();
}

/* ---- callers ---- */

static void a_helper_with_nothing_to_do_changes_places_with_a_caller_that_does_not_run(void **state) {
  (void)state;
  set_up();
  begin_region_of_0();
  m.runs[0] = false;
  m.self = 1;
  worker_at(1)->warm = true;
  assert_true(hdi_rescue_caller(worker_at(1)));
  assert_int_equal(m.cpu[0], 1);
  assert_int_not_equal(m.cpu[1], 1);
  assert_is_home(1, m.cpu[1]);
  m.self = 0;
  hdi_rescue_back(worker_at(0), true);
  assert_is_home(0, 1);
  tear_down();
}

static void a_caller_keeps_its_place_that_runs_or_sleeps_or_has_no_region(void **state) {
  (void)state;
  set_up();
  begin_region_of_0();
  m.self = 1;
  assert_false(hdi_rescue_caller(worker_at(1))); /* it has not helped lately */
  worker_at(1)->warm = true;
  assert_false(hdi_rescue_caller(worker_at(1)));
  m.runs[0] = false;
  atomic_store(&worker_at(0)->region.sleeping, 1);
  assert_false(hdi_rescue_caller(worker_at(1)));
  atomic_store(&worker_at(0)->region.sleeping, 0);
  atomic_store(&worker_at(0)->rescue.in_region, false);
  assert_false(hdi_rescue_caller(worker_at(1)));
  assert_int_equal(m.moves, 0);
  tear_down();
}

/* ---- those that are woken ---- */

static void who_is_woken_to_help_on_its_callers_core_leaves_it(void **state) {
  (void)state;
  set_up();
  hdi_rescue_call(worker_at(1)); /* by worker 0 */
  m.self = 1;
  hdi_rescue_woken(worker_at(1));
  assert_int_equal(m.moves, 0); /* it woke elsewhere */
  m.cpu[1] = 0;
  hdi_rescue_woken(worker_at(1));
  assert_int_equal(m.moves, 0); /* nobody called it */
  m.self = 0;
  hdi_rescue_call(worker_at(1));
  m.self = 1;
  hdi_rescue_woken(worker_at(1));
  assert_int_not_equal(m.cpu[1], 0);
  assert_is_home(1, m.cpu[1]);
  tear_down();
}

/* ---- in the runtime ---- */

/* Nobody runs as far as processor times tell, so that whoever is waited for is lost. Setting a mask moves no
 * thread, but lets it go on. */
typedef struct stuck {
  hd_runtime *runtime;
  atomic_bool stuck_is_caller, began, moved;
  atomic_uint ended;
} stuck;

static stuck s;

static hd_status stuck_cpu_ns(pthread_t thread, uint64_t *out_ns) {
  (void)thread;
  *out_ns = 0;
  return HD_OK;
}

static hd_status stuck_set(pthread_t thread, const hdk_cpu_mask *mask) {
  (void)mask;
  if (!pthread_equal(thread, pthread_self())) atomic_store(&s.moved, true);
  return HD_OK;
}

static hd_status stuck_get(pthread_t thread, hdk_cpu_mask *out_mask) {
  (void)thread;
  *out_mask = cpus(0, 1);
  return HD_OK;
}

static void run_stuck_part(void *arg, uint32_t part) {
  (void)arg;
  bool is_stuck = (part == 0) == atomic_load(&s.stuck_is_caller); /* part 0 is the caller's */
  if (part == 1) atomic_store(&s.began, true);
  while (part == 0 && !atomic_load(&s.began)) {
    sched_yield();
  }
  while (is_stuck && !atomic_load(&s.moved)) {
    sched_yield();
  }
}

static void run_stuck_region(void *arg) {
  (void)arg;
  hd_runtime_parallel(s.runtime, 2, 2, run_stuck_part, NULL);
  atomic_fetch_add(&s.ended, 1);
}

/* Comes to an end only when the other worker moves the one that is stuck. */
static void a_region_gets_its_lost_worker_back(void **state) {
  (void)state;
  static const hdi_rescue_kernel kernel = {stuck_cpu_ns, hdk_cpu_current, stuck_get, stuck_set};
  for (unsigned i = 0; i < 2; i++) {
    memset(&s, 0, sizeof s);
    s.runtime = make_runtime(2, 8);
    if (!s.runtime->spins) {
      hd_runtime_destroy(s.runtime);
      print_message("one core: nobody is moved\n");
      skip();
    }
    atomic_store(&s.stuck_is_caller, i == 1);
    hdi_rescue_enable(s.runtime, &kernel);
    spawn(s.runtime, "caller", run_stuck_region, NULL);
    wait_for(&s.ended, 1);
    assert_true(atomic_load(&s.moved));
    hd_runtime_destroy(s.runtime);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(only_the_helper_that_does_not_run_is_moved_to_its_caller_and_leaves_it_again),
      cmocka_unit_test(a_placed_helper_goes_back_to_its_place),
      cmocka_unit_test(nobody_is_moved_who_runs_or_helps_another_or_is_done_or_was_placed_by_somebody_else),
      cmocka_unit_test(who_is_back_before_its_mover_is_done_goes_back_once_more),
      cmocka_unit_test(a_helper_with_nothing_to_do_changes_places_with_a_caller_that_does_not_run),
      cmocka_unit_test(a_caller_keeps_its_place_that_runs_or_sleeps_or_has_no_region),
      cmocka_unit_test(who_is_woken_to_help_on_its_callers_core_leaves_it),
      cmocka_unit_test(a_region_gets_its_lost_worker_back),
  };
  return cmocka_run_group_tests_name("runtime/rescue", tests, NULL, NULL);
}
