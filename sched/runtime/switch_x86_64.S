/* SPDX-License-Identifier: Apache-2.0 */
/* The switch on x86-64 (System V ABI).
 *
 * Saved is sp, which points to the return address; below it, where a flow that does not run has nobody who writes:
 * rbp, rbx, r12, r13, r14, r15 from -8 to -48, mxcsr at -56, x87 control word at -52. As long as the flow runs the 128
 * bytes below sp are left alone by everybody else (ABI 3.2.2). Stores and loads cost less here than pushes and pops: sp
 * changes once. */
#define SAVED 56
#define MXCSR_CONTROL 0xffc0 /* Intel SDM vol. 1, 10.2.3: bits 0-5 are the sticky status, all others control */
#define MXCSR_STATUS 0x003f

/* From the flow at rdi to the one at rsi, but for the registers that the latter has saved. Leaves rdx, rcx and r8
 * alone. */
  .macro CHANGE_STACK
  movq (%rsi), %r10
  movq %rbp, -8(%rsp)
  movq %rbx, -16(%rsp)
  movq %r12, -24(%rsp)
  movq %r13, -32(%rsp)
  movq %r14, -40(%rsp)
  movq %r15, -48(%rsp)
  .cfi_offset %rbp, -16
  .cfi_offset %rbx, -24
  .cfi_offset %r12, -32
  .cfi_offset %r13, -40
  .cfi_offset %r14, -48
  .cfi_offset %r15, -56
  stmxcsr -56(%rsp)
  fnstcw -52(%rsp)
  movl -56(%rsp), %eax
  movzwl -52(%rsp), %r9d
  xorl -56(%r10), %eax
  xorw -52(%r10), %r9w
  andl $MXCSR_CONTROL, %eax
  movq %rsp, (%rdi)
  movq %r10, %rsp
  orl %r9d, %eax
  jne 3f
1:
  .endm

/* Continues the flow; and out of line, where its control bits are not those of the thread: its own control bits with
 * the thread's present status bits. */
  .macro CONTINUE
  movq -8(%rsp), %rbp
  movq -16(%rsp), %rbx
  movq -24(%rsp), %r12
  movq -32(%rsp), %r13
  movq -40(%rsp), %r14
  movq -48(%rsp), %r15
  ret

3:
  stmxcsr -64(%rsp)
  movl -64(%rsp), %eax
  andl $MXCSR_STATUS, %eax
  movl -56(%rsp), %r9d
  andl $MXCSR_CONTROL, %r9d
  orl %r9d, %eax
  movl %eax, -64(%rsp)
  ldmxcsr -64(%rsp)
  fldcw -52(%rsp)
  jmp 1b
  .endm

  .text

/* void hdi_switch(hdi_context *from [rdi], hdi_context *to [rsi]) */
  .globl hdi_switch
  .hidden hdi_switch
  .type hdi_switch, @function
  .balign 16
hdi_switch:
  .cfi_startproc
  CHANGE_STACK
  CONTINUE
  .cfi_endproc
  .size hdi_switch, . - hdi_switch

/* void hdi_switch_then(hdi_context *from [rdi], hdi_context *to [rsi], void (*then)(hdi_worker *, hd_coro *) [rdx],
 *                      hdi_worker *worker [rcx], hd_coro *coro [r8]) */
  .globl hdi_switch_then
  .hidden hdi_switch_then
  .type hdi_switch_then, @function
  .balign 16
hdi_switch_then:
  .cfi_startproc
  CHANGE_STACK
  movq %rcx, %rdi
  movq %r8, %rsi
  subq $SAVED, %rsp /* 16-byte aligned at a call */
  .cfi_adjust_cfa_offset SAVED
  call *%rdx
  addq $SAVED, %rsp
  .cfi_adjust_cfa_offset -SAVED
  CONTINUE
  .cfi_endproc
  .size hdi_switch_then, . - hdi_switch_then

/* void hdi_context_init(hdi_context *context [rdi], void *low [rsi], void *top [rdx], void (*entry)(void) [rcx]) */
  .globl hdi_context_init
  .hidden hdi_context_init
  .type hdi_context_init, @function
  .balign 16
hdi_context_init:
  .cfi_startproc
  leaq -8(%rdx), %rax
  stmxcsr -56(%rax)
  fnstcw -52(%rax)
  movq $0, -8(%rax) /* rbp: the end of the chain of frames */
  movq $0, -16(%rax)
  movq %rcx, -24(%rax) /* r12: entry */
  movq $0, -32(%rax)
  movq $0, -40(%rax)
  movq $0, -48(%rax)
  leaq hdi_flow_begin(%rip), %rcx
  movq %rcx, (%rax)
  movq %rax, (%rdi)
  ret
  .cfi_endproc
  .size hdi_context_init, . - hdi_context_init

/* The outermost frame of every coroutine: unwinders stop here. rsp is the 16-byte aligned top. */
  .type hdi_flow_begin, @function
  .balign 16
hdi_flow_begin:
  .cfi_startproc
  .cfi_undefined %rip
  call *%r12
  ud2
  .cfi_endproc
  .size hdi_flow_begin, . - hdi_flow_begin

  .section .note.GNU-stack, "", @progbits
