/* SPDX-License-Identifier: Apache-2.0 */
/* What clang's analyzer must know of functions that it cannot see into; .ci/run includes it before each file
 * (but not before the one that defines hd_fail). Without it, every `return hd_fail(...)` might be HD_OK to
 * it. */
#ifndef HOUSE_ANALYZER_H
#define HOUSE_ANALYZER_H

#include "heddle/status.h"

/* No function, because the analyzer does not look into variadic ones. */
void house_said(hd_error *out_error, const char *format, ...);
#define hd_fail(out_error, status, ...) (house_said(out_error, __VA_ARGS__), (status))

#endif
