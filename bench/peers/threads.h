/* SPDX-License-Identifier: Apache-2.0 */
/* Kernel threads and the kernel's ways to wait: what everybody has. */
#ifndef HB_THREADS_H
#define HB_THREADS_H

#include "bench/harness/harness.h"

extern const hb_program hb_threads;

#endif
