/* SPDX-License-Identifier: Apache-2.0 */
/* Awaiting the end of another coroutine. */
#include "cancel.h"

hd_status hd_coro_join(hd_join *join) {
  const hd_coro *self = hdi_current();
  if (self == NULL || join == NULL || self->join == join) return HD_E_INVALID;
  hd_status status;
  /* Until it has ended it writes to `join`, which may be in the caller's frame; and it ends, because its
   * waits are closed as well. */
  while ((status = hd_await_event(&join->ended)) == HD_E_CLOSED) {
    hd_coro_yield();
  }
  return status;
}
