/* SPDX-License-Identifier: Apache-2.0 */
/* A service with an event loop of its own embeds heddle: no thread of heddle's, one descriptor to watch, one
 * call to make. The service drives its NPU itself; heddle says whose turn it is. Two apps ask at once, and
 * the one that somebody waits for goes in between the layers of the other. */
#include <poll.h>
#include <stdio.h>
#include "heddle/heddle.h"
#include "heddle/implement/policy.h"

/* What the service runs on its NPU: here, time that passes. */
static hd_status run_layer(const hd_host *host) {
  return hd_await_time(host->now_ns(host->ctx) + 1000000u); /* 1 ms */
}

typedef struct app {
  const char *name;
  const hd_host *host;
  uint32_t npu;
} app;

/* A request is straight-line code in a coroutine: 8 layers, each under a lease, so that others get a turn
 * between them. */
static hd_status serve(hd_request *request, void *arg) {
  const app *self = arg;
  for (uint32_t layer = 0; layer < 8; layer++) {
    hd_lease_desc segment = {.size = sizeof segment,
                             .device = self->npu,
                             .phase = HD_PHASE_PREFILL,
                             .layer_begin = layer,
                             .layer_end = layer + 1,
                             .n_tokens = 64};
    hd_lease *lease = NULL;
    hd_grant grant;
    hd_status status = hd_lease_acquire(request, &segment, 1000000000u, &lease, &grant); /* within 1 s */
    if (status != HD_OK) return status;
    status = run_layer(self->host);
    hd_lease_release(lease, &(hd_lease_sample){.size = sizeof(hd_lease_sample), .layer_reached = layer + 1});
    if (status != HD_OK) return status;
    printf("%s: layer %u\n", self->name, layer);
  }
  return HD_OK;
}

/* The service's loop, for as long as a request runs: its other descriptors would stand beside heddle's. */
static hd_status loop_until_over(hd_sched *sched, hd_request *request) {
  struct pollfd fds[] = {{.fd = hd_sched_fd(sched), .events = POLLIN}};
  hd_status status;
  while ((status = hd_request_poll(request)) == HD_E_AGAIN) {
    poll(fds, 1, -1);
    if (fds[0].revents & POLLIN) hd_sched_dispatch(sched, 1000000); /* for at most about 1 ms */
  }
  return status;
}

static hd_status submit(hd_sched *sched, app *self, hd_class class_id, hd_request **out_request) {
  hd_request_desc desc = {
      .size = sizeof desc, .name = self->name, .class_id = class_id, .run = serve, .arg = self};
  return hd_request_submit(sched, &desc, out_request, NULL);
}

int main(void) {
  hd_host host;
  hd_host_posix(&host); /* clock and allocator; a service hands in its own */
  hd_sched_config config;
  hd_sched_config_default(&config);
  config.runtime.worker_count = 0; /* no thread: the service's loop drives */
  config.policies = hd_policies_builtin();
  config.policy = "fair";
  hd_sched *sched = NULL;
  hd_error error;
  if (hd_sched_create(&host, &config, &sched, &error) != HD_OK) {
    fprintf(stderr, "%s\n", error.text);
    return 1;
  }
  hd_device_props npu = {.size = sizeof npu,
                         .kind = HD_DEVICE_NPU,
                         .name = "npu",
                         .capacity = 1, /* one program at a time */
                         .max_in_flight = 1,
                         .ns_per_mib = 100000,
                         .ns_per_mflop = 1000};
  uint32_t index = 0;
  hd_status status = hd_sched_add_device(sched, &npu, &index);

  app album = {"album", &host, index}, keyboard = {"keyboard", &host, index};
  hd_request *slow = NULL, *urgent = NULL;
  if (status == HD_OK) status = submit(sched, &album, HD_CLASS_BACKGROUND, &slow);
  if (status == HD_OK) status = submit(sched, &keyboard, HD_CLASS_INTERACTIVE, &urgent);
  if (status == HD_OK) status = loop_until_over(sched, urgent);
  if (status == HD_OK) status = loop_until_over(sched, slow);
  printf("%s\n", hd_status_text(status));

  hd_request_release(urgent);
  hd_request_release(slow);
  hd_sched_destroy(sched);
  return status == HD_OK ? 0 : 1;
}
