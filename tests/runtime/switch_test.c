/* SPDX-License-Identifier: Apache-2.0 */
/* The assembly of a switch alone: what it keeps for each flow, what it leaves to the thread, and that
 * unwinders find their way and their end. */
#include "fixture.h"

#include "runtime/switch.h"

#include <execinfo.h>
#include <fenv.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

enum { STACK_BYTES = 256 * 1024 };

static _Alignas(64) char other_stack[STACK_BYTES];
static hdi_context thread_flow, other_flow;

static void to_thread(void) {
  hdi_switch(&other_flow, &thread_flow);
}

static void to_other(void) {
  hdi_switch(&thread_flow, &other_flow);
}

static void begin(void (*entry)(void)) {
  hdi_context_init(&other_flow, other_stack, other_stack + STACK_BYTES, entry);
}

/* ---- registers ---- */

/* Loads the registers that a call preserves from `values`, switches, and stores them back when it returns. On
 * aarch64 the last value is x18, the platform's. */
#if defined(__x86_64__)
enum { KEPT = 6, VALUES = 6 };
__asm__(".text\n .globl hdt_switch_with\n .hidden hdt_switch_with\n .type hdt_switch_with, %function\n"
        "hdt_switch_with:\n"
        "  pushq %rbp\n  pushq %rbx\n  pushq %r12\n  pushq %r13\n  pushq %r14\n  pushq %r15\n  pushq %rdx\n"
        "  movq (%rdx), %rbx\n  movq 8(%rdx), %r12\n  movq 16(%rdx), %r13\n  movq 24(%rdx), %r14\n"
        "  movq 32(%rdx), %r15\n  movq 40(%rdx), %rbp\n"
        "  call hdi_switch\n"
        "  popq %rdx\n"
        "  movq %rbx, (%rdx)\n  movq %r12, 8(%rdx)\n  movq %r13, 16(%rdx)\n  movq %r14, 24(%rdx)\n"
        "  movq %r15, 32(%rdx)\n  movq %rbp, 40(%rdx)\n"
        "  popq %r15\n  popq %r14\n  popq %r13\n  popq %r12\n  popq %rbx\n  popq %rbp\n  ret\n");
#else
enum { KEPT = 18, VALUES = 19 };
__asm__(".text\n .globl hdt_switch_with\n .hidden hdt_switch_with\n .type hdt_switch_with, %function\n"
        "hdt_switch_with:\n"
        "  hint #34\n" /* bti c */
        "  sub sp, sp, #176\n"
        "  stp x29, x30, [sp]\n  stp x19, x20, [sp, #16]\n  stp x21, x22, [sp, #32]\n"
        "  stp x23, x24, [sp, #48]\n  stp x25, x26, [sp, #64]\n  stp x27, x28, [sp, #80]\n"
        "  stp d8, d9, [sp, #96]\n  stp d10, d11, [sp, #112]\n  stp d12, d13, [sp, #128]\n"
        "  stp d14, d15, [sp, #144]\n  str x2, [sp, #160]\n"
        "  ldp x19, x20, [x2]\n  ldp x21, x22, [x2, #16]\n  ldp x23, x24, [x2, #32]\n"
        "  ldp x25, x26, [x2, #48]\n  ldp x27, x28, [x2, #64]\n  ldp d8, d9, [x2, #80]\n"
        "  ldp d10, d11, [x2, #96]\n  ldp d12, d13, [x2, #112]\n  ldp d14, d15, [x2, #128]\n"
        "  ldr x18, [x2, #144]\n"
        "  bl hdi_switch\n"
        "  ldr x2, [sp, #160]\n"
        "  stp x19, x20, [x2]\n  stp x21, x22, [x2, #16]\n  stp x23, x24, [x2, #32]\n"
        "  stp x25, x26, [x2, #48]\n  stp x27, x28, [x2, #64]\n  stp d8, d9, [x2, #80]\n"
        "  stp d10, d11, [x2, #96]\n  stp d12, d13, [x2, #112]\n  stp d14, d15, [x2, #128]\n"
        "  str x18, [x2, #144]\n"
        "  ldp x29, x30, [sp]\n  ldp x19, x20, [sp, #16]\n  ldp x21, x22, [sp, #32]\n"
        "  ldp x23, x24, [sp, #48]\n  ldp x25, x26, [sp, #64]\n  ldp x27, x28, [sp, #80]\n"
        "  ldp d8, d9, [sp, #96]\n  ldp d10, d11, [sp, #112]\n  ldp d12, d13, [sp, #128]\n"
        "  ldp d14, d15, [sp, #144]\n"
        "  add sp, sp, #176\n  ret\n");
#endif
void hdt_switch_with(hdi_context *from, hdi_context *to, uint64_t values[VALUES]);

static uint64_t other_values[VALUES];

static void fill(uint64_t values[VALUES], uint64_t seed) {
  for (uint64_t i = 0; i < VALUES; i++) {
    values[i] = (seed + i) * UINT64_C(0x9e3779b97f4a7c15);
  }
}

static void holds_other_values(void) {
  for (;;) {
    hdt_switch_with(&other_flow, &thread_flow, other_values);
  }
}

static void each_flow_keeps_the_registers_that_a_call_preserves(void **state) {
  (void)state;
  begin(holds_other_values);
  fill(other_values, 1000);
  to_other(); /* it comes back with its registers full */
  for (uint64_t round = 1; round < 50; round++) {
    uint64_t mine[VALUES], before[VALUES], expected[VALUES];
    fill(mine, round);
    memcpy(before, mine, sizeof mine);
    memcpy(expected, other_values, sizeof expected);
    hdt_switch_with(&thread_flow, &other_flow, mine);
    assert_memory_equal(mine, before, KEPT * sizeof mine[0]);
    assert_memory_equal(other_values, expected, KEPT * sizeof expected[0]);
#if defined(__aarch64__)
    /* x18 is no flow's: the other one found there what this one had left, and loaded it again. */
    assert_true(other_values[18] == before[18]);
    assert_true(mine[18] == before[18]);
#endif
  }
}

/* ---- the floating-point words ---- */

static void divide_inexactly(void) {
  volatile float third = 1, divisor = 3;
  third = third / divisor;
}

static volatile bool be_inexact;
static volatile int other_mode;

static void rounds_its_own_way(void) {
  (void)fesetround(other_mode);
  for (;;) {
    if (be_inexact) divide_inexactly();
    to_thread();
  }
}

static void check_status(int mode) {
  other_mode = mode;
  be_inexact = true;
  begin(rounds_its_own_way);
  (void)feclearexcept(FE_ALL_EXCEPT);
  assert_int_equal(fetestexcept(FE_INEXACT), 0);
  to_other(); /* came here with the status clear, left it set */
  assert_int_equal(fetestexcept(FE_INEXACT), FE_INEXACT);
  assert_int_equal(fegetround(), FE_TONEAREST);
  be_inexact = false;
  (void)feclearexcept(FE_ALL_EXCEPT);
  to_other(); /* left with the status set, found it clear */
  assert_int_equal(fetestexcept(FE_INEXACT), 0);
  assert_int_equal(fegetround(), FE_TONEAREST);
}

static void status_bits_belong_to_the_thread(void **state) {
  (void)state;
  check_status(FE_TONEAREST);
  check_status(FE_UPWARD); /* here control bits are loaded at each switch */
}

static uint64_t control_word(void) {
#if defined(__x86_64__)
  return _mm_getcsr() & 0xffc0u;
#else
  uint64_t word;
  __asm__ volatile("mrs %0, fpcr" : "=r"(word));
  return word;
#endif
}

/* Flush to zero: bit 15 of MXCSR, bit 24 of FPCR. */
static void flush_to_zero(void) {
#if defined(__x86_64__)
  _mm_setcsr(_mm_getcsr() | 1u << 15);
#else
  uint64_t word = control_word() | UINT64_C(1) << 24;
  __asm__ volatile("msr fpcr, %0" ::"r"(word));
#endif
}

static uint64_t word_of_other;

static void flushes(void) {
  flush_to_zero();
  for (;;) {
    word_of_other = control_word();
    to_thread();
  }
}

static void control_bits_belong_to_the_flow(void **state) {
  (void)state;
  uint64_t mine = control_word();
  begin(flushes);
  for (int i = 0; i < 3; i++) {
    to_other();
    assert_true(control_word() == mine);
    assert_true(word_of_other != mine);
  }
}

/* ---- unwinding ---- */

enum { FRAMES = 64 };
static void *frames[FRAMES];
static int frame_count;
static uint32_t chain_length;
static bool chain_ends;
static uintptr_t entry_frame;

/* Walks the chain of saved frame pointers: it must stay on this stack and end with 0. */
static void walk(void) {
  uintptr_t low = (uintptr_t)other_stack, high = low + STACK_BYTES;
  uintptr_t frame = (uintptr_t)__builtin_frame_address(0);
  for (chain_length = 0; frame >= low && frame < high && chain_length < FRAMES; chain_length++) {
    memcpy(&frame, (void *)frame, sizeof frame);
  }
  chain_ends = frame == 0;
}

static __attribute__((noinline)) int look_around(int depth) {
  if (depth > 0) return look_around(depth - 1) + 1;
  frame_count = backtrace(frames, FRAMES);
  walk();
  to_thread();
  return 0;
}

static void looks_around(void) {
  entry_frame = (uintptr_t)__builtin_frame_address(0);
  volatile int depth = look_around(3);
  for (;;) {
    depth++;
    to_thread();
  }
}

static void unwinders_end_at_the_first_frame_of_a_flow(void **state) {
  (void)state;
  begin(looks_around);
  to_other();
  assert_int_equal(entry_frame % 16, 0); /* both ABIs ask for it */
  assert_true(chain_ends);
  assert_true(chain_length >= 2);
  assert_true(frame_count >= 3 && frame_count < FRAMES);
  int again = frame_count;
  to_other();
  assert_int_equal(frame_count, again);
}

/* ---- branch targets ---- */

#if defined(__ARM_FEATURE_BTI_DEFAULT)
#define PROT_LANDING_PADS 0x10 /* PROT_BTI, linux/mman.h of arm64 */

__asm__(".text\n .balign 16\n .globl hdt_no_landing_pad\n .hidden hdt_no_landing_pad\n"
        ".type hdt_no_landing_pad, %function\nhdt_no_landing_pad:\n  ret\n");
void hdt_no_landing_pad(void);

/* From now on the code around `function` may be entered by indirect calls at landing pads only. The C
 * library's start files are not marked, or the whole program could be linked so. Before the code runs for the
 * first time: an emulator translates it once. */
static void ask_for_landing_pads(void (*function)(void), int protection) {
  uintptr_t page_bytes = (uintptr_t)sysconf(_SC_PAGESIZE), place = (uintptr_t)function;
  char *page = (char *)(place - place % page_bytes);
  if (mprotect(page, 2 * page_bytes, PROT_READ | PROT_EXEC | protection) != 0) _exit(1);
}

static void indirect_calls_land_on_pads(void **state) {
  (void)state;
  void (*volatile make)(hdi_context *, void *, void *, void (*)(void)) = hdi_context_init;
  void (*volatile change)(hdi_context *, hdi_context *) = hdi_switch;
  void (*volatile none)(void) = hdt_no_landing_pad;
  other_mode = FE_TONEAREST;
  make(&other_flow, other_stack, other_stack + STACK_BYTES, rounds_its_own_way);
  change(&thread_flow, &other_flow);
  change(&thread_flow, &other_flow);
  pid_t child = fork();
  if (child == 0) {
    (void)signal(SIGILL, SIG_DFL);
    ask_for_landing_pads(none, PROT_LANDING_PADS);
    none();
    _exit(0);
  }
  int status = 0;
  assert_int_equal(waitpid(child, &status, 0), child);
  if (!WIFSIGNALED(status)) print_message("branch targets are not enforced here\n");
}

static int in_pages_with_landing_pads(int (*tests)(void)) {
  void (*place)(void) = (void (*)(void))hdi_switch;
  ask_for_landing_pads(place, PROT_LANDING_PADS);
  int failed = tests();
  ask_for_landing_pads(place, 0); /* before what ends a program, which may lie beside it */
  return failed;
}
#else
static int in_pages_with_landing_pads(int (*tests)(void)) {
  return tests();
}
#endif

static int run_all(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(each_flow_keeps_the_registers_that_a_call_preserves),
    cmocka_unit_test(status_bits_belong_to_the_thread),
    cmocka_unit_test(control_bits_belong_to_the_flow),
    cmocka_unit_test(unwinders_end_at_the_first_frame_of_a_flow),
#if defined(__ARM_FEATURE_BTI_DEFAULT)
    cmocka_unit_test(indirect_calls_land_on_pads),
#endif
  };
  return cmocka_run_group_tests_name("runtime/switch", tests, NULL, NULL);
}

int main(void) {
  if (UNDER_SANITIZER) {
    print_message("skipped: a sanitizer must be told of each switch\n");
    return 77;
  }
  return in_pages_with_landing_pads(run_all);
}
