/* SPDX-License-Identifier: Apache-2.0 */
/* The least switch between two stacks: registers that a call keeps (System V AMD64 ABI; AAPCS64) go to the old stack and
 * come from the new one, and `ret` leaves where the other was left.
 *
 *     void hbf_switch(void **save, void *load)
 *
 * No floating-point control words, no pointer authentication, no sanitizer, no unwinding: a floor, not a product. */
#if defined(__x86_64__)
    .text
    .globl hbf_switch
    .hidden hbf_switch
    .type hbf_switch, @function
    .p2align 4
hbf_switch:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
    .size hbf_switch, . - hbf_switch
#elif defined(__aarch64__)
    .text
    .globl hbf_switch
    .hidden hbf_switch
    .type hbf_switch, %function
    .p2align 4
hbf_switch:
    sub sp, sp, #160
    stp x19, x20, [sp, #0]
    stp x21, x22, [sp, #16]
    stp x23, x24, [sp, #32]
    stp x25, x26, [sp, #48]
    stp x27, x28, [sp, #64]
    stp x29, x30, [sp, #80]
    stp d8, d9, [sp, #96]
    stp d10, d11, [sp, #112]
    stp d12, d13, [sp, #128]
    stp d14, d15, [sp, #144]
    mov x9, sp
    str x9, [x0]
    mov sp, x1
    ldp x19, x20, [sp, #0]
    ldp x21, x22, [sp, #16]
    ldp x23, x24, [sp, #32]
    ldp x25, x26, [sp, #48]
    ldp x27, x28, [sp, #64]
    ldp x29, x30, [sp, #80]
    ldp d8, d9, [sp, #96]
    ldp d10, d11, [sp, #112]
    ldp d12, d13, [sp, #128]
    ldp d14, d15, [sp, #144]
    add sp, sp, #160
    ret
    .size hbf_switch, . - hbf_switch
#endif
#if defined(__linux__)
    .section .note.GNU-stack, "", %progbits
#endif
