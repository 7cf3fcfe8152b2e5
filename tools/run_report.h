/* SPDX-License-Identifier: Apache-2.0 */
/* What `heddle run` says at the end: a short table for people, one object for programs. */
#ifndef HEDDLE_TOOLS_RUN_REPORT_H
#define HEDDLE_TOOLS_RUN_REPORT_H

#include "energy.h"
#include "machine.h"
#include "run_requests.h"

typedef struct hdt_run_report {
  hdt_machine *machine;
  const hdt_requests *requests;
  const char *policy; /* its name */
  hd_class class_id;
  bool interrupted;
  hd_control_stats stats;
  hdt_energy_reading energy;
} hdt_run_report;

/* To stderr: stdout is the text's. */
void hdt_run_report_print(const hdt_run_report *report);
/* To stdout. */
hdt_exit hdt_run_report_json(const hdt_run_report *report, const char *command);

#endif
