/* SPDX-License-Identifier: Apache-2.0 */
/* The embedded model's bytes. HE_EMBEDDED_FILE is its path. 64: a cache line, what heddle's buffers begin at. */
  .section .rodata
  .balign 64
  .globl hei_embedded_begin
  .hidden hei_embedded_begin
  .type hei_embedded_begin, %object
hei_embedded_begin:
  .incbin HE_EMBEDDED_FILE
  .globl hei_embedded_end
  .hidden hei_embedded_end
  .type hei_embedded_end, %object
hei_embedded_end:
  .byte 0
  .size hei_embedded_begin, hei_embedded_end - hei_embedded_begin
  .section .note.GNU-stack, "", %progbits
