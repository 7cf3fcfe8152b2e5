/* SPDX-License-Identifier: Apache-2.0 */
/* Awaiting descriptors: readiness, deadlines, two coroutines on one descriptor, bad descriptors, the end. */
#include "fixture.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct reader {
  int fd;
  short events, got;
  uint64_t deadline_ns;
  hd_status status;
  atomic_uint ended;
} reader;

static void await_fd(void *arg) {
  reader *r = arg;
  r->status = hd_await_fd(r->fd, r->events, r->deadline_ns, &r->got);
  atomic_fetch_add(&r->ended, 1);
}

static void a_pipe_resumes_its_reader(void **state) {
  (void)state;
  for (uint32_t workers = 0; workers <= 2; workers++) {
    hd_runtime *runtime = make_runtime(workers, 8);
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    reader r = {.fd = ends[0], .events = POLLIN, .deadline_ns = UINT64_MAX};
    spawn(runtime, "r", await_fd, &r);
    if (workers == 0) {
      for (int i = 0; i < 3; i++) {
        (void)hd_runtime_dispatch(runtime, 0);
      }
      assert_int_equal(r.ended, 0);
    }
    assert_int_equal(write(ends[1], "x", 1), 1);
    if (workers == 0) dispatch_all(runtime);
    wait_for(&r.ended, 1);
    assert_int_equal(r.status, HD_OK);
    assert_int_equal(r.got & POLLIN, POLLIN);
    hd_runtime_destroy(runtime);
    (void)close(ends[0]);
    (void)close(ends[1]);
  }
}

static void what_is_there_already_is_not_waited_for(void **state) {
  (void)state;
  hd_runtime *runtime = make_runtime(0, 8);
  int ends[2];
  assert_int_equal(pipe(ends), 0);
  reader r = {.fd = ends[1], .events = POLLOUT | POLLIN, .deadline_ns = 0};
  spawn(runtime, "w", await_fd, &r);
  dispatch_all(runtime);
  assert_int_equal(r.status, HD_OK);
  assert_int_equal(r.got, POLLOUT);
  (void)close(ends[0]);
  (void)close(ends[1]);
  hd_runtime_destroy(runtime);
}

static void a_deadline_ends_the_wait(void **state) {
  (void)state;
  for (uint32_t workers = 0; workers <= 1; workers++) {
    hd_runtime *runtime = make_runtime(workers, 8);
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    reader r = {.fd = ends[0], .events = POLLIN, .deadline_ns = test_now() + 2 * MS, .got = 77};
    spawn(runtime, "r", await_fd, &r);
    if (workers == 0) dispatch_all(runtime);
    wait_for(&r.ended, 1);
    assert_int_equal(r.status, HD_E_TIMEOUT);
    assert_int_equal(r.got, 77);
    assert_true(test_now() >= r.deadline_ns);
    hd_runtime_destroy(runtime);
    (void)close(ends[0]);
    (void)close(ends[1]);
  }
}

static void a_hang_up_is_told(void **state) {
  (void)state;
  hd_runtime *runtime = make_runtime(1, 8);
  int ends[2];
  assert_int_equal(pipe(ends), 0);
  reader r = {.fd = ends[0], .events = POLLIN, .deadline_ns = UINT64_MAX};
  spawn(runtime, "r", await_fd, &r);
  (void)close(ends[1]);
  wait_for(&r.ended, 1);
  assert_int_equal(r.status, HD_OK);
  assert_int_equal(r.got & POLLHUP, POLLHUP);
  hd_runtime_destroy(runtime);
  (void)close(ends[0]);
}

static void a_bad_descriptor_is_refused(void **state) {
  (void)state;
  hd_runtime *runtime = make_runtime(0, 8);
  int ends[2];
  assert_int_equal(pipe(ends), 0);
  (void)close(ends[0]);
  (void)close(ends[1]);
  reader r = {.fd = ends[0], .events = POLLIN, .deadline_ns = UINT64_MAX};
  spawn(runtime, "r", await_fd, &r);
  dispatch_all(runtime);
  assert_int_equal(r.status, HD_E_IO);
  hd_runtime_destroy(runtime);
}

/* ---- one descriptor again and again, and numbers that are used again ---- */

typedef struct echo {
  int in, out;
  unsigned left;
  atomic_uint *ended;
} echo;

static void pass_on(void *arg) {
  echo *e = arg;
  for (; e->left > 0; e->left--) {
    char byte;
    assert_int_equal(hd_await_fd(e->in, POLLIN, UINT64_MAX, NULL), HD_OK);
    assert_int_equal(read(e->in, &byte, 1), 1);
    assert_int_equal(write(e->out, &byte, 1), 1);
  }
  atomic_fetch_add(e->ended, 1);
}

static void two_pipes_pass_a_byte_to_and_fro(void **state) {
  (void)state;
  for (uint32_t workers = 0; workers <= 2; workers++) {
    hd_runtime *runtime = make_runtime(workers, 8);
    int there[2], back[2];
    assert_int_equal(pipe(there), 0);
    assert_int_equal(pipe(back), 0);
    atomic_uint ended = 0;
    unsigned rounds = UNDER_SANITIZER ? 200 : 2000;
    echo ping = {.in = back[0], .out = there[1], .left = rounds, .ended = &ended};
    echo pong = {.in = there[0], .out = back[1], .left = rounds, .ended = &ended};
    assert_int_equal(write(back[1], "x", 1), 1);
    spawn(runtime, "ping", pass_on, &ping);
    spawn(runtime, "pong", pass_on, &pong);
    if (workers == 0) dispatch_all(runtime);
    wait_for(&ended, 2);
    hd_runtime_destroy(runtime);
    for (int i = 0; i < 2; i++) {
      (void)close(there[i]);
      (void)close(back[i]);
    }
  }
}

/* Runs a wait for `r->fd` that a byte written to `writer` ends. */
static void wait_once(hd_runtime *runtime, reader *r, int writer) {
  *r = (reader){.fd = r->fd, .events = POLLIN, .deadline_ns = UINT64_MAX};
  spawn(runtime, "r", await_fd, r);
  for (int i = 0; i < 3; i++) {
    (void)hd_runtime_dispatch(runtime, 0);
  }
  assert_int_equal(r->ended, 0);
  assert_int_equal(write(writer, "x", 1), 1);
  dispatch_all(runtime);
  assert_int_equal(r->status, HD_OK);
}

static void a_number_that_is_used_again_is_another_descriptor(void **state) {
  (void)state;
  hd_runtime *runtime = make_runtime(0, 8);
  int old[2], new[2];
  assert_int_equal(pipe(old), 0);
  assert_int_equal(pipe(new), 0);
  int lives_on = dup(old[0]); /* the kernel keeps what it knows of the old one */
  reader r = {.fd = old[0]};
  wait_once(runtime, &r, old[1]);
  assert_int_equal(dup2(new[0], old[0]), old[0]);
  r = (reader){.fd = old[0], .events = POLLIN, .deadline_ns = UINT64_MAX};
  spawn(runtime, "r", await_fd, &r);
  (void)hd_runtime_dispatch(runtime, 0);
  assert_int_equal(write(old[1], "y", 1), 1); /* for the old one */
  for (int i = 0; i < 3; i++) {
    (void)hd_runtime_dispatch(runtime, 0);
  }
  assert_int_equal(r.ended, 0);
  assert_int_equal(write(new[1], "z", 1), 1);
  dispatch_all(runtime);
  assert_int_equal(r.status, HD_OK);
  hd_runtime_destroy(runtime);
  const int open[] = {old[0], old[1], new[0], new[1], lives_on};
  for (size_t i = 0; i < sizeof open / sizeof *open; i++) {
    (void)close(open[i]);
  }
}

static void a_descriptor_closed_under_a_wait_harms_nobody(void **state) {
  (void)state;
  hd_runtime *runtime = make_runtime(0, 8);
  int old[2], new[2];
  assert_int_equal(pipe(old), 0);
  assert_int_equal(pipe(new), 0);
  int lives_on = dup(old[0]);
  reader lost = {.fd = old[0], .events = POLLIN, .deadline_ns = test_now() + MS};
  spawn(runtime, "lost", await_fd, &lost);
  (void)hd_runtime_dispatch(runtime, 0);
  assert_int_equal(dup2(new[0], old[0]), old[0]);
  dispatch_all(runtime);
  assert_int_equal(lost.status, HD_E_TIMEOUT);
  reader r = {.fd = old[0], .events = POLLIN, .deadline_ns = UINT64_MAX};
  spawn(runtime, "r", await_fd, &r);
  (void)hd_runtime_dispatch(runtime, 0);
  assert_int_equal(write(old[1], "x", 1), 1); /* the kernel still reports it, under the same number */
  for (int i = 0; i < 3; i++) {
    (void)hd_runtime_dispatch(runtime, 0);
  }
  assert_int_equal(r.ended, 0);
  assert_int_equal(write(new[1], "y", 1), 1);
  dispatch_all(runtime);
  assert_int_equal(r.status, HD_OK);
  hd_runtime_destroy(runtime);
  const int open[] = {old[0], old[1], new[0], new[1], lives_on};
  for (size_t i = 0; i < sizeof open / sizeof *open; i++) {
    (void)close(open[i]);
  }
}

/* ---- both directions of one socket ---- */

enum { BYTES = UNDER_SANITIZER ? 200 * 1000 : 4 * 1000 * 1000 };

typedef struct stream {
  int fd;
  size_t sent, received;
  atomic_uint *ended;
} stream;

static void send_all(void *arg) {
  stream *s = arg;
  char block[5000];
  memset(block, 's', sizeof block);
  while (s->sent < BYTES) {
    size_t left = BYTES - s->sent;
    ssize_t wrote = send(s->fd, block, left < sizeof block ? left : sizeof block, MSG_DONTWAIT);
    if (wrote > 0) {
      s->sent += (size_t)wrote;
      continue;
    }
    assert_int_equal(errno, EAGAIN);
    assert_int_equal(hd_await_fd(s->fd, POLLOUT, UINT64_MAX, NULL), HD_OK);
  }
  atomic_fetch_add(s->ended, 1);
}

static void receive_all(void *arg) {
  stream *s = arg;
  char block[3000];
  while (s->received < BYTES) {
    ssize_t got = recv(s->fd, block, sizeof block, MSG_DONTWAIT);
    if (got > 0) {
      s->received += (size_t)got;
      continue;
    }
    assert_int_equal(errno, EAGAIN);
    assert_int_equal(hd_await_fd(s->fd, POLLIN, UINT64_MAX, NULL), HD_OK);
  }
  atomic_fetch_add(s->ended, 1);
}

static void two_coroutines_share_a_socket(void **state) {
  (void)state;
  for (uint32_t workers = 0; workers <= 2; workers++) {
    hd_runtime *runtime = make_runtime(workers, 8);
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    atomic_uint ended = 0;
    stream streams[2] = {{.fd = ends[0], .ended = &ended}, {.fd = ends[1], .ended = &ended}};
    for (int i = 0; i < 2; i++) {
      spawn(runtime, "send", send_all, &streams[i]);
      spawn(runtime, "receive", receive_all, &streams[i]);
    }
    if (workers == 0) dispatch_all(runtime);
    wait_for(&ended, 4);
    for (int i = 0; i < 2; i++) {
      assert_int_equal(streams[i].sent, BYTES);
      assert_int_equal(streams[i].received, BYTES);
    }
    hd_runtime_destroy(runtime);
    (void)close(ends[0]);
    (void)close(ends[1]);
  }
}

static void the_end_closes_waits_for_descriptors(void **state) {
  (void)state;
  for (uint32_t workers = 0; workers <= 2; workers++) {
    hd_runtime *runtime = make_runtime(workers, 32);
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    reader readers[20];
    for (int i = 0; i < 20; i++) {
      readers[i] = (reader){.fd = ends[0], .events = POLLIN, .deadline_ns = UINT64_MAX};
      spawn(runtime, "r", await_fd, &readers[i]);
    }
    if (workers == 0) (void)hd_runtime_dispatch(runtime, 0);
    hd_runtime_destroy(runtime);
    for (int i = 0; i < 20; i++) {
      assert_int_equal(readers[i].status, HD_E_CLOSED);
    }
    (void)close(ends[0]);
    (void)close(ends[1]);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_pipe_resumes_its_reader),
      cmocka_unit_test(what_is_there_already_is_not_waited_for),
      cmocka_unit_test(a_deadline_ends_the_wait),
      cmocka_unit_test(a_hang_up_is_told),
      cmocka_unit_test(a_bad_descriptor_is_refused),
      cmocka_unit_test(two_pipes_pass_a_byte_to_and_fro),
      cmocka_unit_test(a_number_that_is_used_again_is_another_descriptor),
      cmocka_unit_test(a_descriptor_closed_under_a_wait_harms_nobody),
      cmocka_unit_test(two_coroutines_share_a_socket),
      cmocka_unit_test(the_end_closes_waits_for_descriptors),
  };
  return cmocka_run_group_tests_name("runtime/fd", tests, NULL, NULL);
}
