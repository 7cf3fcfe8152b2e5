/* SPDX-License-Identifier: Apache-2.0 */
/* The policies of this build, one line each; the first is the fallback. */
#include "policies.h"

#include <stddef.h>
#include <string.h>

static const hd_policy_ops *const builtin[] = {
    &hdi_policy_fifo,
    &hdi_policy_fair,
    NULL,
};

const hd_policy_ops *const *hd_policies_builtin(void) {
  return builtin;
}

const hd_policy_ops *hd_policy_find(const hd_policy_ops *const *policies, const char *name) {
  for (; *policies != NULL; policies++)
    if (strcmp((*policies)->name, name) == 0) return *policies;
  return NULL;
}
