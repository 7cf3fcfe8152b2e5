/* SPDX-License-Identifier: Apache-2.0 */
/* Everything a caller needs. Those who write a backend or a policy include heddle/implement/... as well. */
#ifndef HEDDLE_H
#define HEDDLE_H

#include "heddle/buffer.h"
#include "heddle/control.h"
#include "heddle/dag.h"
#include "heddle/device.h"
#include "heddle/format.h"
#include "heddle/graph.h"
#include "heddle/host.h"
#include "heddle/lease.h"
#include "heddle/limits.h"
#include "heddle/record.h"
#include "heddle/request.h"
#include "heddle/runtime.h"
#include "heddle/sched.h"
#include "heddle/split.h"
#include "heddle/status.h"
#include "heddle/trace.h"

/* API version; 0.x: anything may change between minors. */
#define HD_VERSION_MAJOR 0
#define HD_VERSION_MINOR 1
#define HD_VERSION_PATCH 0
#define HD_VERSION_TEXT  "0.1.0"

#endif
