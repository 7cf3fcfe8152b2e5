/* SPDX-License-Identifier: Apache-2.0 */
/* Bands: what goes first, in which order what became ready at the same time runs, and that nothing starves.
 */
#include "fixture.h"

#include <string.h>

enum { EACH = 40, PLACES = 8 * EACH, LONG = 20000 };

typedef struct diary diary;

typedef struct entry {
  diary *diary;
  char letter;
  hd_task task;
  hd_coro *self; /* while it waits */
} entry;

struct diary {
  hd_runtime *runtime;
  hd_event go[PLACES];
  entry entries[PLACES];
  char letters[PLACES + 1];
  atomic_uint written, over, turns, seen;
  unsigned entry_count;
  hd_task again;
};

static diary the_diary;

static diary *open_diary(uint32_t workers) {
  diary *d = &the_diary;
  memset(d, 0, sizeof *d);
  d->runtime = make_runtime(workers, 2 * PLACES);
  for (unsigned i = 0; i < PLACES; i++) {
    hd_event_init(&d->go[i]);
  }
  return d;
}

static void writes(void *arg) {
  entry *e = arg;
  e->diary->letters[atomic_fetch_add(&e->diary->written, 1)] = e->letter;
}

static entry *new_entry(diary *d, char letter) {
  entry *e = &d->entries[d->entry_count++];
  *e = (entry){.diary = d, .letter = letter, .task = {.fn = writes, .arg = e}};
  return e;
}

static void post_into(diary *d, char letter, hd_band band) {
  assert_int_equal(hd_runtime_post_in(d->runtime, &new_entry(d, letter)->task, band), HD_OK);
}

static void spawn_into(diary *d, void (*fn)(void *arg), void *arg, hd_band band) {
  hd_coro_options options = {.size = sizeof options, .band = band};
  assert_int_equal(hd_coro_spawn_with(d->runtime, "banded", fn, arg, &options), HD_OK);
}

/* Whether all letters of `first` stand before all of `then`. */
static bool is_before(const diary *d, char first, char then) {
  const char *last = strrchr(d->letters, first), *begin = strchr(d->letters, then);
  return last != NULL && begin != NULL && last < begin;
}

/* ---- order ---- */

static void posts_to_all_bands(void *arg) {
  diary *d = arg;
  for (unsigned i = 0; i < EACH; i++) {
    post_into(d, 'b', HD_BAND_BACKGROUND);
    post_into(d, 'n', HD_BAND_NORMAL);
    post_into(d, 'u', HD_BAND_URGENT);
    spawn_into(d, writes, new_entry(d, 'B'), HD_BAND_BACKGROUND);
    spawn_into(d, writes, new_entry(d, 'N'), HD_BAND_NORMAL);
  }
  atomic_store(&d->over, 1);
}

static void finish(diary *d, unsigned count) {
  while (atomic_load(&d->written) < count || atomic_load(&d->over) == 0) {
    if (hd_runtime_dispatch(d->runtime, 0) == 0) sched_yield();
  }
  hd_runtime_destroy(d->runtime);
}

static void tasks_and_starts_run_by_band(void **state) {
  (void)state;
  for (uint32_t workers = 0; workers <= 1; workers++) {
    diary *d = open_diary(workers);
    spawn(d->runtime, "author", posts_to_all_bands, d);
    finish(d, 5 * EACH);
    assert_true(is_before(d, 'u', 'n') && is_before(d, 'u', 'N'));
    assert_true(is_before(d, 'n', 'b') && is_before(d, 'N', 'b') && is_before(d, 'N', 'B'));
  }
}

static void waits_and_writes(void *arg) {
  entry *e = arg;
  diary *d = e->diary;
  e->self = hd_coro_self();
  atomic_fetch_add(&d->seen, 1);
  (void)hd_await_event(&d->go[e - d->entries]);
  writes(e);
}

static void wakes_all(void *arg) {
  diary *d = arg;
  unsigned count = d->entry_count;
  while (atomic_load(&d->seen) < count) {
    hd_coro_yield();
  }
  for (unsigned i = 0; i < count; i++) {
    hd_event_set(&d->go[i]);
  }
  atomic_store(&d->over, 1);
}

static void ready_coroutines_run_by_band(void **state) {
  (void)state;
  for (uint32_t workers = 0; workers <= 1; workers++) {
    diary *d = open_diary(workers);
    for (unsigned i = 0; i < EACH; i++) {
      spawn_into(d, waits_and_writes, new_entry(d, 'B'), HD_BAND_BACKGROUND);
      spawn_into(d, waits_and_writes, new_entry(d, 'N'), HD_BAND_NORMAL);
      spawn_into(d, waits_and_writes, new_entry(d, 'U'), HD_BAND_URGENT);
    }
    spawn(d->runtime, "waker", wakes_all, d);
    finish(d, 3 * EACH);
    assert_true(is_before(d, 'U', 'N'));
    assert_true(is_before(d, 'N', 'B'));
  }
}

/* Wakes all, and moves every 'M' out of the background: one half before it is ready, the other after. */
static void moves_and_wakes(void *arg) {
  diary *d = arg;
  while (atomic_load(&d->seen) < d->entry_count) {
    hd_coro_yield();
  }
  for (unsigned i = 0; i < d->entry_count; i++) {
    bool moves = d->entries[i].letter == 'M', first = i % 4 < 2;
    if (moves && first) hd_coro_set_band(d->entries[i].self, HD_BAND_NORMAL);
    hd_event_set(&d->go[i]);
    if (moves && !first) hd_coro_set_band(d->entries[i].self, HD_BAND_URGENT);
  }
  atomic_store(&d->over, 1);
}

static void a_coroutine_can_leave_the_background(void **state) {
  (void)state;
  for (uint32_t workers = 0; workers <= 1; workers++) {
    diary *d = open_diary(workers);
    for (unsigned i = 0; i < EACH; i++) {
      spawn_into(d, waits_and_writes, new_entry(d, 'B'), HD_BAND_BACKGROUND);
      spawn_into(d, waits_and_writes, new_entry(d, 'M'), HD_BAND_BACKGROUND);
    }
    spawn(d->runtime, "mover", moves_and_wakes, d);
    finish(d, 2 * EACH);
    assert_true(is_before(d, 'M', 'B'));
  }
}

static void each_thing_runs_once_whatever_its_band(void **state) {
  (void)state;
  for (uint32_t workers = 0; workers <= 4; workers++) {
    diary *d = open_diary(workers);
    spawn(d->runtime, "author", posts_to_all_bands, d);
    for (unsigned i = 0; i < EACH; i++) { /* from a foreign thread as well, beside it */
      hd_coro_options options = {.size = sizeof options, .band = i % 3};
      static entry others[EACH];
      others[i] = (entry){.diary = d, .letter = 'f'};
      assert_int_equal(hd_coro_spawn_with(d->runtime, "f", writes, &others[i], &options), HD_OK);
    }
    finish(d, 6 * EACH);
    assert_int_equal(d->written, 6 * EACH);
    assert_int_equal(strlen(d->letters), 6 * EACH);
  }
}

/* ---- nothing starves ---- */

static void yields_until_over(void *arg) {
  diary *d = arg;
  while (atomic_load(&d->over) == 0) {
    atomic_fetch_add(&d->turns, 1);
    hd_coro_yield();
  }
}

static void ends_it(void *arg) {
  atomic_store(&((diary *)arg)->over, 1);
}

/* Keeps the band of `busy` busy until a coroutine and a task of `waiting` have run. */
static unsigned turns_until(hd_band busy, hd_band waiting, bool with_task) {
  diary *d = open_diary(1);
  spawn_into(d, yields_until_over, d, busy);
  spawn_into(d, yields_until_over, d, busy);
  wait_for(&d->turns, 1000);
  hd_task task = {.fn = ends_it, .arg = d};
  unsigned before = atomic_load(&d->turns);
  if (with_task) {
    assert_int_equal(hd_runtime_post_in(d->runtime, &task, waiting), HD_OK);
  } else {
    spawn_into(d, ends_it, d, waiting);
  }
  wait_for(&d->over, 1);
  unsigned turns = atomic_load(&d->turns) - before;
  hd_runtime_destroy(d->runtime);
  return turns;
}

static void no_band_starves_beside_a_more_urgent_one(void **state) {
  (void)state;
  for (int with_task = 0; with_task <= 1; with_task++) {
    (void)turns_until(HD_BAND_URGENT, HD_BAND_NORMAL, with_task == 1);
    (void)turns_until(HD_BAND_URGENT, HD_BAND_BACKGROUND, with_task == 1);
    (void)turns_until(HD_BAND_NORMAL, HD_BAND_BACKGROUND, with_task == 1);
  }
}

static void posts_itself_again(void *arg) {
  diary *d = arg;
  if (atomic_load(&d->over) == 0) (void)hd_runtime_post_in(d->runtime, &d->again, HD_BAND_URGENT);
}

static void urgent_tasks_in_a_row_let_normal_ones_in(void **state) {
  (void)state;
  diary *d = open_diary(1);
  d->again = (hd_task){.fn = posts_itself_again, .arg = d};
  assert_int_equal(hd_runtime_post_in(d->runtime, &d->again, HD_BAND_URGENT), HD_OK);
  hd_task task = {.fn = ends_it, .arg = d};
  assert_int_equal(hd_runtime_post(d->runtime, &task), HD_OK);
  wait_for(&d->over, 1);
  hd_runtime_destroy(d->runtime);
}

static void becomes_urgent_soon(void *arg) {
  entry *e = arg;
  (void)hd_await_event(&e->diary->go[0]);
  atomic_store(&e->diary->seen, atomic_load(&e->diary->turns));
  atomic_store(&e->diary->over, 1);
}

static void wakes_after_a_while(void *arg) {
  diary *d = arg;
  for (unsigned i = 0; i < LONG; i++) {
    if (i == LONG / 2) {
      hd_event_set(&d->go[0]);
      atomic_store(&d->turns, 0);
    }
    atomic_fetch_add(&d->turns, 1);
    hd_coro_yield();
  }
}

static void what_becomes_urgent_runs_at_the_next_switch(void **state) {
  (void)state;
  for (uint32_t workers = 0; workers <= 1; workers++) {
    diary *d = open_diary(workers);
    spawn_into(d, becomes_urgent_soon, new_entry(d, 'u'), HD_BAND_URGENT);
    spawn(d->runtime, "first", wakes_after_a_while, d);
    finish(d, 0);
    assert_int_equal(d->seen, 1);
  }
}

static void wrong_bands_are_refused(void **state) {
  (void)state;
  diary *d = open_diary(0);
  hd_task task = {.fn = ends_it, .arg = d};
  hd_coro_options options = {.size = sizeof options, .band = (hd_band)3};
  assert_int_equal(hd_runtime_post_in(d->runtime, &task, (hd_band)3), HD_E_INVALID);
  assert_int_equal(hd_runtime_post_in(d->runtime, NULL, HD_BAND_URGENT), HD_E_INVALID);
  assert_int_equal(hd_coro_spawn_with(d->runtime, "x", ends_it, d, &options), HD_E_INVALID);
  hd_runtime_destroy(d->runtime);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(tasks_and_starts_run_by_band),
      cmocka_unit_test(ready_coroutines_run_by_band),
      cmocka_unit_test(a_coroutine_can_leave_the_background),
      cmocka_unit_test(each_thing_runs_once_whatever_its_band),
      cmocka_unit_test(no_band_starves_beside_a_more_urgent_one),
      cmocka_unit_test(urgent_tasks_in_a_row_let_normal_ones_in),
      cmocka_unit_test(what_becomes_urgent_runs_at_the_next_switch),
      cmocka_unit_test(wrong_bands_are_refused),
  };
  return cmocka_run_group_tests_name("runtime/band", tests, NULL, NULL);
}
