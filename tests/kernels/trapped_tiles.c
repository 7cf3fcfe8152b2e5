/* SPDX-License-Identifier: Apache-2.0 */
/* A handler of SIGILL that knows the encodings of AMX instructions. Source: Intel SDM volume 2, chapter 2
 * (VEX, ModR/M, SIB), and the opcodes of LDTILECFG, TILELOADD, TILERELEASE, TILESTORED, TILEZERO, TDPBF16PS,
 * TDPBSSD, TDPBSUD. */
#include "trapped_tiles.h"
#include <signal.h>
#include <ucontext.h>
#include "emulated_tile.h"

/* An instruction of three bytes of VEX, opcode, ModR/M and what follows. */
typedef struct vex {
  uint8_t prefix, opcode; /* prefix: 0 none, 1 66, 2 F3, 3 F2 */
  uint8_t mod, reg, rm, vvvv;
  uint8_t *address; /* of a memory operand, without its index */
  size_t index;     /* what the index register holds, scaled: a stride */
  size_t length;
} vex;

enum { NONE, P66, PF3, PF2, SIB = 4, MAP_0F38 = 2 };

static hdi_tiles tiles;
static trapped_counts counts;
static struct sigaction before;

static size_t register_of(const ucontext_t *context, uint32_t number) {
  static const int at[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                             REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};
  return (size_t)context->uc_mcontext.gregs[at[number]];
}

/* The memory operand, which begins at `at`; a byte of VEX gives the fourth bits of its registers. */
static void decode_memory(const ucontext_t *context, const uint8_t *at, uint8_t extensions, vex *out) {
  const uint32_t b = extensions & 0x20 ? 0 : 8, x = extensions & 0x40 ? 0 : 8;
  const uint8_t *rest = at;
  uint32_t base = out->rm + b;
  int32_t displacement = 0;
  bool has_base = out->mod != 0 || out->rm != 5;
  if (out->rm == SIB) {
    const uint32_t index = (*rest >> 3 & 7u) + x;
    base = (*rest & 7u) + b;
    has_base = out->mod != 0 || (*rest & 7) != 5;
    out->index = index == SIB ? 0 : register_of(context, index) << (*rest >> 6);
    rest++;
  }
  if (out->mod == 1) displacement = (int8_t)*rest++;
  if (out->mod == 2 || !has_base) {
    memcpy(&displacement, rest, sizeof displacement);
    rest += sizeof displacement;
  }
  out->length += (size_t)(rest - at);
  size_t from = has_base ? register_of(context, base) : 0;
  if (!has_base && out->rm != SIB) from = (size_t)context->uc_mcontext.gregs[REG_RIP] + out->length;
  memcpy(&out->address, &(size_t){from + (size_t)(ptrdiff_t)displacement}, sizeof out->address);
}

static bool decode(const ucontext_t *context, vex *out) {
  const uint8_t *at;
  memcpy(&at, &context->uc_mcontext.gregs[REG_RIP], sizeof at);
  if (at[0] != 0xc4 || (at[1] & 0x1f) != MAP_0F38) return false;
  *out = (vex){.prefix = at[2] & 3,
               .opcode = at[3],
               .mod = at[4] >> 6,
               .reg = at[4] >> 3 & 7,
               .rm = at[4] & 7,
               .vvvv = (uint8_t)(~at[2] >> 3 & 15),
               .length = 5};
  if (out->mod != 3) decode_memory(context, at + 5, at[1], out);
  return true;
}

static void configure(const vex *i) {
  memcpy(&tiles.config, i->address, sizeof tiles.config);
  hdi_tiles_begin(&tiles);
  counts.configured++;
}

static void release(void) {
  hdi_tiles_end(&tiles);
  counts.released++;
}

/* Opcode 4B: tiles and memory. */
static bool move(const vex *i) {
  if (i->mod == 3 || i->rm != SIB) return false;
  if (i->prefix == PF2) {
    HDI_TILE_LOAD(&tiles, i->reg, i->address, i->index);
    counts.loads++;
  } else if (i->prefix == PF3) {
    HDI_TILE_STORE(&tiles, i->reg, i->address, i->index);
    counts.stores++;
  }
  return i->prefix == PF2 || i->prefix == PF3;
}

/* Opcode 49: what has one operand or none. */
static bool set(const vex *i) {
  if (i->prefix == NONE && i->mod != 3 && i->reg == 0)
    configure(i);
  else if (i->prefix == NONE && i->mod == 3 && i->reg == 0 && i->rm == 0)
    release();
  else if (i->prefix == PF2 && i->mod == 3 && i->rm == 0)
    HDI_TILE_ZERO(&tiles, i->reg);
  else
    return false;
  return true;
}

/* Opcodes 5E and 5C. */
static bool multiply(const vex *i) {
  const bool bf16 = i->opcode == 0x5c;
  if (i->mod != 3 || (i->prefix != PF3 && (i->prefix != PF2 || bf16))) return false;
  if (bf16)
    HDI_TILE_DOT_BF16(&tiles, i->reg, i->rm, i->vvvv);
  else if (i->prefix == PF2)
    HDI_TILE_DOT_SS(&tiles, i->reg, i->rm, i->vvvv);
  else
    HDI_TILE_DOT_SU(&tiles, i->reg, i->rm, i->vvvv);
  *(bf16 ? &counts.products_bf16 : &counts.products_int8) += 1;
  return true;
}

static bool run(const vex *i) {
  switch (i->opcode) {
  case 0x49:
    return set(i);
  case 0x4b:
    return move(i);
  case 0x5c:
  case 0x5e:
    return multiply(i);
  default:
    return false;
  }
}

static void on_illegal(int signal, siginfo_t *info, void *context) {
  ucontext_t *thread = context;
  vex instruction;
  (void)signal;
  (void)info;
  if (decode(thread, &instruction) && run(&instruction))
    thread->uc_mcontext.gregs[REG_RIP] += (greg_t)instruction.length;
  else
    sigaction(SIGILL, &before, NULL); /* not ours: it comes again */
}

void trapped_tiles_begin(void) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_sigaction = on_illegal;
  action.sa_flags = SA_SIGINFO;
  counts = (trapped_counts){0};
  emulated_require(sigaction(SIGILL, &action, &before) == 0, "no handler of SIGILL");
}

trapped_counts trapped_tiles_end(void) {
  sigaction(SIGILL, &before, NULL);
  return counts;
}
