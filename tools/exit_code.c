/* SPDX-License-Identifier: Apache-2.0 */
/* Which exit code each library status becomes. */
#include "exit_code.h"

hdt_exit hdt_exit_of(hd_status status) {
  switch (status) {
  case HD_OK:
    return HDT_DONE;
  case HD_E_AGAIN:
    return HDT_TRY_AGAIN;
  default:
    return HDT_FAILED;
  }
}

hdt_exit hdt_exit_of_usage(hd_status status) {
  switch (status) {
  case HD_E_INVALID:
  case HD_E_NOT_FOUND:
  case HD_E_FORMAT:
    return HDT_USAGE;
  default:
    return hdt_exit_of(status);
  }
}
