/* SPDX-License-Identifier: Apache-2.0 */
/* Which figures have a floor. */
#include "floor.h"

#include <stddef.h>

static const hb_figure figures[] = {
#if defined(HBF_SWITCHES)
    {"yield", 1, hbf_yield},
    {"yield_deep", 1, hbf_yield_deep},
    {"wake", 1, hbf_wake},
    {"coroutine_life", 1, hbf_coroutine_life},
    {"parked_bytes", 1, hbf_parked_bytes},
#endif
    {"spawn_join_1", 1, hbf_spawn_join_1},
    {"spawn_join_2", 2, hbf_spawn_join_2},
    {"submit_wait", 1, hbf_submit_wait},
    {"graph_chain", 1, hbf_graph_chain},
    {"graph_wave", 1, hbf_graph_wave},
    {"region_p50", 2, hbf_region},
    {"region_p99", 2, hbf_region},
    {"wake_polled_memory", 2, hbf_wake_memory},
    {NULL, 0, NULL}};

const hb_program hb_floor = {"floor", figures};
