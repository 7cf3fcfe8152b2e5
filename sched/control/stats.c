/* SPDX-License-Identifier: Apache-2.0 */
/* The counters, for whoever asks. */
#include "stations.h"

void hd_control_stats_get(const hd_control *control, hd_control_stats *out_stats) {
  *out_stats = control->stats;
}
