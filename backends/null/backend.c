/* SPDX-License-Identifier: Apache-2.0 */
/* Opening and closing, and the table that backends/builtin.c names. */
#include <stdalign.h>
#include "null/null.h"

/* A real backend loads its driver here (dlopen, so that a machine without it still starts: UNSUPPORTED),
 * reads its options, and starts no thread: whatever must run goes through lent->execute. */
static hd_status null_open(const hd_backend_host *lent, const char *options, void **out_backend,
                           hd_error *out_error) {
  if (options && options[0] != '\0')
    return hd_fail(out_error, HD_E_FORMAT, "null: unknown option \"%s\"; there are none", options);
  null_backend *null = hd_host_zalloc(lent->host, 1, sizeof *null, alignof(null_backend));
  if (!null) return hd_fail(out_error, HD_E_NO_MEMORY, "null: no memory");
  null->lent = lent;
  *out_backend = null;
  return HD_OK;
}

/* The core has released all programs and polled all completions before. */
static void null_close(void *backend) {
  null_backend *null = backend;
  if (null) hd_host_free(null->lent->host, null, 1, sizeof *null);
}

extern const hd_backend_ops hdb_backend_null;
const hd_backend_ops hdb_backend_null = {
    .size = sizeof(hd_backend_ops),
    .abi = HD_BACKEND_ABI,
    .name = "null",
    .description = "runs nothing; made to be copied",
    .open = null_open,
    .close = null_close,
    .probe = hdb_null_probe,
    .test = hdb_null_test,
    .prepare = hdb_null_prepare,
    .release = hdb_null_release,
    .submit = hdb_null_submit,
    .poll = hdb_null_poll,
    .cancel = hdb_null_cancel,
    .sense = hdb_null_sense,
    .import = hdb_null_import,
    .unimport = hdb_null_unimport,
};
