/* SPDX-License-Identifier: Apache-2.0 */
/* The policies of this room, for builtin.c. */
#ifndef HDI_POLICIES_H
#define HDI_POLICIES_H

#include "heddle/implement/policy.h"

extern const hd_policy_ops hdi_policy_fifo;
extern const hd_policy_ops hdi_policy_fair;

#endif
