/* SPDX-License-Identifier: Apache-2.0 */
/* The switch on x86-64 (System V ABI).
 *
 * Saved frame, from sp upwards: mxcsr (4), x87 control word (4), r15, r14, r13, r12, rbx, rbp, return address: 64 bytes. */
#define FRAME 64
#define MXCSR_CONTROL 0xffc0 /* Intel SDM vol. 1, 10.2.3: bits 0-5 are the sticky status, all others control */
#define MXCSR_STATUS 0x003f

  .text

/* void hdi_switch(hdi_context *from [rdi], hdi_context *to [rsi]) */
  .globl hdi_switch
  .hidden hdi_switch
  .type hdi_switch, @function
  .balign 16
hdi_switch:
  .cfi_startproc
  pushq %rbp
  .cfi_adjust_cfa_offset 8
  .cfi_rel_offset %rbp, 0
  pushq %rbx
  .cfi_adjust_cfa_offset 8
  .cfi_rel_offset %rbx, 0
  pushq %r12
  .cfi_adjust_cfa_offset 8
  .cfi_rel_offset %r12, 0
  pushq %r13
  .cfi_adjust_cfa_offset 8
  .cfi_rel_offset %r13, 0
  pushq %r14
  .cfi_adjust_cfa_offset 8
  .cfi_rel_offset %r14, 0
  pushq %r15
  .cfi_adjust_cfa_offset 8
  .cfi_rel_offset %r15, 0
  subq $8, %rsp
  .cfi_adjust_cfa_offset 8
  stmxcsr (%rsp)
  fnstcw 4(%rsp)

  movq (%rsi), %rdx
  movl (%rsp), %eax
  movl 4(%rsp), %ecx
  xorl (%rdx), %eax
  xorl 4(%rdx), %ecx
  movq %rsp, (%rdi)
  movq %rdx, %rsp
  testl $MXCSR_CONTROL, %eax
  jne 3f
1:
  testw %cx, %cx
  jne 4f
2:
  .cfi_remember_state
  addq $8, %rsp
  .cfi_adjust_cfa_offset -8
  popq %r15
  .cfi_adjust_cfa_offset -8
  .cfi_restore %r15
  popq %r14
  .cfi_adjust_cfa_offset -8
  .cfi_restore %r14
  popq %r13
  .cfi_adjust_cfa_offset -8
  .cfi_restore %r13
  popq %r12
  .cfi_adjust_cfa_offset -8
  .cfi_restore %r12
  popq %rbx
  .cfi_adjust_cfa_offset -8
  .cfi_restore %rbx
  popq %rbp
  .cfi_adjust_cfa_offset -8
  .cfi_restore %rbp
  ret

  /* Control bits differ: the flow's own control bits with the thread's present status bits. The word is built below
   * rsp: the ABI leaves 128 bytes there alone. */
3:
  .cfi_restore_state
  stmxcsr -8(%rsp)
  movl -8(%rsp), %eax
  andl $MXCSR_STATUS, %eax
  movl (%rsp), %r8d
  andl $MXCSR_CONTROL, %r8d
  orl %r8d, %eax
  movl %eax, -8(%rsp)
  ldmxcsr -8(%rsp)
  jmp 1b
4:
  fldcw 4(%rsp)
  jmp 2b
  .cfi_endproc
  .size hdi_switch, . - hdi_switch

/* void hdi_context_init(hdi_context *context [rdi], void *low [rsi], void *top [rdx], void (*entry)(void) [rcx]) */
  .globl hdi_context_init
  .hidden hdi_context_init
  .type hdi_context_init, @function
  .balign 16
hdi_context_init:
  .cfi_startproc
  leaq -FRAME(%rdx), %rax
  stmxcsr (%rax)
  movl $0, 4(%rax)
  fnstcw 4(%rax)
  movq $0, 8(%rax)
  movq $0, 16(%rax)
  movq $0, 24(%rax)
  movq %rcx, 32(%rax) /* r12: entry */
  movq $0, 40(%rax)
  movq $0, 48(%rax) /* rbp: the end of the chain of frames */
  leaq hdi_flow_begin(%rip), %rcx
  movq %rcx, 56(%rax)
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
