/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of proc/pressure. */
#include "pressure.h"

#include "root_file.h"

#include <inttypes.h>
#include <stdio.h>

#define FILE_BYTES 512

hd_status hdk_pressure_read(int root_fd, hdk_resource resource, hdk_pressure *out_pressure) {
  static const char *const paths[] = {"proc/pressure/cpu", "proc/pressure/memory", "proc/pressure/io"};
  char text[FILE_BYTES];
  hd_status status = hdk_read_text(root_fd, paths[resource], text, sizeof text);
  if (status == HD_E_NOT_FOUND || status == HD_E_IO)
    return HD_E_UNSUPPORTED; /* EOPNOTSUPP when switched off */
  if (status != HD_OK) return status;
  uint32_t whole, hundredths;
  uint64_t total_us;
  /* "some avg10=0.12 avg60=0.00 avg300=0.00 total=123" */
  int fields =
      sscanf(text, "some avg10=%3" SCNu32 ".%2" SCNu32 " avg60=%*u.%*u avg300=%*u.%*u total=%" SCNu64, &whole,
             &hundredths, &total_us);
  if (fields != 3 || whole > 100) return HD_E_FORMAT;
  *out_pressure = (hdk_pressure){.avg10_centipercent = whole * 100 + hundredths, .total_us = total_us};
  return HD_OK;
}
