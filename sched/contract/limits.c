/* SPDX-License-Identifier: Apache-2.0 */
/* Default limits. */
#include "heddle/limits.h"

void hd_limits_default(hd_limits *out_limits) {
  *out_limits = (hd_limits){
      .size = sizeof *out_limits,
      .max_requests = 1024,           /* a phone's apps together; a request costs a few hundred bytes here */
      .max_steps = 2048,              /* one running and one waiting step or lease a request */
      .max_waiting_per_device = 1024, /* every request may wait for the same device */
      .max_ops = 16384,               /* six models of 128 layers of 20 ops; 40 bytes each */
      .memory_budget_bytes = 0, /* the host knows what it can spare; without its word there is no budget */
  };
}
