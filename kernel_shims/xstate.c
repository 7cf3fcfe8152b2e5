/* SPDX-License-Identifier: Apache-2.0 */
/* arch_prctl(2): glibc has no wrapper for it. */
#include "xstate.h"

#if defined(__x86_64__)
#include <sys/syscall.h>
#include <unistd.h>

/* Source: Linux, arch/x86/include/uapi/asm/prctl.h, since 5.16. */
#define REQUEST_PERMISSION 0x1023

bool hdk_xstate_request(unsigned component) {
  return syscall(SYS_arch_prctl, REQUEST_PERMISSION, (unsigned long)component) == 0;
}
#else
bool hdk_xstate_request(unsigned component) {
  (void)component;
  return false;
}
#endif
