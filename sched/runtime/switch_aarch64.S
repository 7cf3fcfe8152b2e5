/* SPDX-License-Identifier: Apache-2.0 */
/* The switch on aarch64 (AAPCS64).
 *
 * Saved frame, from sp upwards: x19-x28, x29, x30, d8-d15 (the low halves are all that a call preserves), fpcr: 176 bytes.
 * x18 is the platform's and is not touched. FPSR (sticky status) is left alone. With pointer authentication the return
 * address is signed with the sp at entry, which is the same sp when it is authenticated; with branch targets, `ret` needs
 * no landing pad. */
#define FRAME 176

#if defined(__ARM_FEATURE_PAC_DEFAULT)
#define SIGN_LR hint #25 /* paciasp; also a landing pad for calls */
#define AUTH_LR hint #29 /* autiasp */
#else
#define SIGN_LR hint #34 /* bti c */
#define AUTH_LR
#endif

/* From the flow at x0 to the one at x1, but for the registers that the latter has saved. Leaves x2, x3 and x4 alone.
 */
  .macro CHANGE_STACK
  SIGN_LR
#if defined(__ARM_FEATURE_PAC_DEFAULT)
  .cfi_negate_ra_state
#endif
  sub sp, sp, #FRAME
  .cfi_adjust_cfa_offset FRAME
  stp x19, x20, [sp, #0]
  .cfi_rel_offset x19, 0
  .cfi_rel_offset x20, 8
  stp x21, x22, [sp, #16]
  .cfi_rel_offset x21, 16
  .cfi_rel_offset x22, 24
  stp x23, x24, [sp, #32]
  .cfi_rel_offset x23, 32
  .cfi_rel_offset x24, 40
  stp x25, x26, [sp, #48]
  .cfi_rel_offset x25, 48
  .cfi_rel_offset x26, 56
  stp x27, x28, [sp, #64]
  .cfi_rel_offset x27, 64
  .cfi_rel_offset x28, 72
  stp x29, x30, [sp, #80]
  .cfi_rel_offset x29, 80
  .cfi_rel_offset x30, 88
  stp d8, d9, [sp, #96]
  stp d10, d11, [sp, #112]
  stp d12, d13, [sp, #128]
  stp d14, d15, [sp, #144]
  mrs x9, fpcr
  str x9, [sp, #160]

  ldr x10, [x1]
  mov x11, sp
  str x11, [x0]
  mov sp, x10
  ldr x12, [sp, #160]
  cmp x9, x12
  b.ne 2f
1:
  .endm

/* Continues the flow; and out of line, where its control bits are not those of the thread. */
  .macro CONTINUE
  ldp d14, d15, [sp, #144]
  ldp d12, d13, [sp, #128]
  ldp d10, d11, [sp, #112]
  ldp d8, d9, [sp, #96]
  ldp x29, x30, [sp, #80]
  ldp x27, x28, [sp, #64]
  ldp x25, x26, [sp, #48]
  ldp x23, x24, [sp, #32]
  ldp x21, x22, [sp, #16]
  ldp x19, x20, [sp, #0]
  .cfi_remember_state
  .cfi_restore x19
  .cfi_restore x20
  .cfi_restore x21
  .cfi_restore x22
  .cfi_restore x23
  .cfi_restore x24
  .cfi_restore x25
  .cfi_restore x26
  .cfi_restore x27
  .cfi_restore x28
  .cfi_restore x29
  .cfi_restore x30
  add sp, sp, #FRAME
  .cfi_adjust_cfa_offset -FRAME
  AUTH_LR
#if defined(__ARM_FEATURE_PAC_DEFAULT)
  .cfi_negate_ra_state
#endif
  ret
2:
  .cfi_restore_state
  msr fpcr, x12
  b 1b
  .endm

  .text

/* void hdi_switch(hdi_context *from [x0], hdi_context *to [x1]) */
  .globl hdi_switch
  .hidden hdi_switch
  .type hdi_switch, %function
  .balign 16
hdi_switch:
  .cfi_startproc
  CHANGE_STACK
  CONTINUE
  .cfi_endproc
  .size hdi_switch, . - hdi_switch

/* void hdi_switch_then(hdi_context *from [x0], hdi_context *to [x1], void (*then)(hdi_worker *, hd_coro *) [x2],
 *                      hdi_worker *worker [x3], hd_coro *coro [x4]) */
  .globl hdi_switch_then
  .hidden hdi_switch_then
  .type hdi_switch_then, %function
  .balign 16
hdi_switch_then:
  .cfi_startproc
  CHANGE_STACK
  mov x0, x3
  mov x1, x4
  blr x2
  CONTINUE
  .cfi_endproc
  .size hdi_switch_then, . - hdi_switch_then

/* void hdi_context_init(hdi_context *context [x0], void *low [x1], void *top [x2], void (*entry)(void) [x3]) */
  .globl hdi_context_init
  .hidden hdi_context_init
  .type hdi_context_init, %function
  .balign 16
hdi_context_init:
  .cfi_startproc
  hint #34 /* bti c */
  sub x9, x2, #FRAME
  stp x3, xzr, [x9, #0] /* x19: entry */
  stp xzr, xzr, [x9, #16]
  stp xzr, xzr, [x9, #32]
  stp xzr, xzr, [x9, #48]
  stp xzr, xzr, [x9, #64]
  adr x17, hdi_flow_begin
#if defined(__ARM_FEATURE_PAC_DEFAULT)
  mov x16, x2 /* sp when hdi_switch authenticates it */
  hint #8     /* pacia1716 */
#endif
  stp xzr, x17, [x9, #80] /* x29: the end of the chain of frames */
  stp xzr, xzr, [x9, #96]
  stp xzr, xzr, [x9, #112]
  stp xzr, xzr, [x9, #128]
  stp xzr, xzr, [x9, #144]
  mrs x10, fpcr
  str x10, [x9, #160]
  str x9, [x0]
  ret
  .cfi_endproc
  .size hdi_context_init, . - hdi_context_init

/* The outermost frame of every coroutine: unwinders stop here. */
  .type hdi_flow_begin, %function
  .balign 16
hdi_flow_begin:
  .cfi_startproc
  .cfi_undefined x30
  blr x19
  brk #1
  .cfi_endproc
  .size hdi_flow_begin, . - hdi_flow_begin

#if defined(__ARM_FEATURE_BTI_DEFAULT) || defined(__ARM_FEATURE_PAC_DEFAULT)
/* Tells the linker that this object keeps the promises (ELF for the Arm 64-bit Architecture, program property). */
#if defined(__ARM_FEATURE_BTI_DEFAULT)
#define BTI_BIT 1
#else
#define BTI_BIT 0
#endif
#if defined(__ARM_FEATURE_PAC_DEFAULT)
#define PAC_BIT 2
#else
#define PAC_BIT 0
#endif
  .section .note.gnu.property, "a", %note
  .balign 8
  .word 4, 16, 5
  .asciz "GNU"
  .word 0xc0000000, 4, BTI_BIT | PAC_BIT, 0
#endif

  .section .note.GNU-stack, "", %progbits
