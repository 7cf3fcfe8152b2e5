/* SPDX-License-Identifier: Apache-2.0 */
/* A plugin of QEMU that counts the instructions an emulated program executes and prints their number to its
 * error output when the program ends. What it needs of QEMU's interface is declared here, because Debian's
 * package has no header; version 1 of the interface, which QEMU 5 to 8 have. Source: QEMU, docs/devel/
 * tcg-plugins. A block's instructions are added by a call and not by what QEMU can put in its place: that is
 * no atomic addition, and a thread that loses its core in the midst of it later writes back a number from
 * before, however much others have counted meanwhile. */
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>

typedef uint64_t qemu_plugin_id_t;
struct qemu_info_t;
struct qemu_plugin_tb;

enum { NO_REGISTERS = 0 };

__attribute__((visibility("default"))) int qemu_plugin_version = 1;

void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id,
                                           void (*on_block)(qemu_plugin_id_t, struct qemu_plugin_tb *));
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *block,
                                          void (*on_run)(unsigned int vcpu, void *arg), int registers,
                                          void *arg);
void qemu_plugin_register_atexit_cb(qemu_plugin_id_t id, void (*on_exit)(qemu_plugin_id_t, void *),
                                    void *arg);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *block);

static _Atomic uint64_t executed;

static void on_run(unsigned int vcpu, void *instructions) {
  (void)vcpu;
  atomic_fetch_add_explicit(&executed, (uintptr_t)instructions, memory_order_relaxed);
}

static void on_block(qemu_plugin_id_t id, struct qemu_plugin_tb *block) {
  (void)id;
  const uintptr_t instructions = qemu_plugin_tb_n_insns(block);
  qemu_plugin_register_vcpu_tb_exec_cb(block, on_run, NO_REGISTERS, (void *)instructions);
}

static void on_exit_print(qemu_plugin_id_t id, void *arg) {
  (void)id, (void)arg;
  fprintf(stderr, "instructions: %llu\n", (unsigned long long)executed);
}

__attribute__((visibility("default"))) int
qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info_t *info, int argc, char **argv) {
  (void)info, (void)argc, (void)argv;
  qemu_plugin_register_vcpu_tb_trans_cb(id, on_block);
  qemu_plugin_register_atexit_cb(id, on_exit_print, NULL);
  return 0;
}
