/* SPDX-License-Identifier: Apache-2.0 */
/* A service that embeds heddle and its engine in an epoll loop, with one thread: its own.
 *
 *   example_service          lines on stdin are prompts; what the model says to each comes out on stdout
 *   example_service PATH     the same for everybody who connects to the socket PATH, all at once
 *
 * Started by systemd with Type=notify it says when it is ready; SIGTERM ends it in order: what runs is
 * cancelled, everybody is told, and only then does the process end. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "engine/engine.h"
#include "heddle/heddle.h"
#include "heddle/implement/backend.h"
#include "heddle/implement/policy.h"

enum { CLIENTS_MAX = 16, LINE_MAX_BYTES = 1000, PREDICT = 40, BACKLOG = 8 };

typedef struct client {
  struct service *service;
  int in, out; /* -1: free */
  bool ended;  /* nothing more comes */
  bool lost;   /* nobody reads any more */
  he_job *job; /* one at a time: the rest of its lines waits in the kernel */
  char line[LINE_MAX_BYTES];
  size_t used;
} client;

typedef struct service {
  hd_host host;
  he_model *model;
  hd_sched *sched;
  he_instance *instance;
  int epoll, signals, listener; /* listener -1: stdin is the one client */
  bool stopping;
  client clients[CLIENTS_MAX];
} service;

/* ---- the loop's descriptors ---- */

/* `who`: the descriptor's own field in the service, or the client. */
static int watch(service *s, int fd, void *who) {
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = who};
  return epoll_ctl(s->epoll, EPOLL_CTL_ADD, fd, &event);
}

static void unwatch(service *s, int fd) {
  (void)epoll_ctl(s->epoll, EPOLL_CTL_DEL, fd, NULL);
}

/* sd_notify(3) is one datagram to a socket whose path stands in the environment. */
static void tell_systemd(const char *state) {
  const char *path = getenv("NOTIFY_SOCKET");
  struct sockaddr_un to = {.sun_family = AF_UNIX};
  if (path == NULL || strlen(path) >= sizeof to.sun_path) return;
  memcpy(to.sun_path, path, strlen(path));   /* its length was looked at; the rest is zero */
  if (path[0] == '@') to.sun_path[0] = '\0'; /* an abstract name */
  int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  socklen_t bytes = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
  if (fd >= 0) (void)sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&to, bytes);
  if (fd >= 0) close(fd);
}

/* ---- one client ---- */

/* A client that does not read fast enough is given up: the loop never waits for one. */
static void say(client *c, const char *text, size_t bytes) {
  while (bytes > 0 && !c->lost) {
    ssize_t written = write(c->out, text, bytes);
    if (written < 0 && errno == EINTR) continue;
    c->lost = written < 0;
    if (written < 0) return;
    text += written;
    bytes -= (size_t)written;
  }
}

static bool on_token(void *arg, int32_t id, const char *text, size_t bytes) {
  (void)id;
  client *c = arg;
  say(c, text, bytes);
  return !c->lost;
}

static void complain(client *c, const char *line) {
  say(c, "error: ", 7);
  say(c, line, strlen(line));
  say(c, "\n", 1);
}

static void start_job(client *c, const char *prompt, size_t bytes) {
  service *s = c->service;
  he_tokens tokens;
  hd_error error = {""};
  he_job_desc desc;
  he_job_desc_default(&desc);
  he_tokens_init(&tokens, s->model);
  hd_status status = he_tokenize(s->model, prompt, bytes, HE_TOKENIZE_BOS, &tokens, &error);
  desc.name = "client";
  desc.tokens = tokens.ids;
  desc.n_tokens = tokens.count;
  desc.n_predict = PREDICT;
  desc.class_id = HD_CLASS_INITIATED;
  desc.on_token = on_token;
  desc.arg = c;
  if (status == HD_OK) status = he_job_submit(s->instance, &desc, &c->job, NULL, &error);
  if (status != HD_OK) complain(c, error.text[0] != '\0' ? error.text : hd_status_text(status));
  he_tokens_finish(&tokens);
}

/* Starts the first whole line that came, if none runs. */
static void next_line(client *c) {
  char *end;
  while (c->job == NULL && !c->service->stopping && (end = memchr(c->line, '\n', c->used)) != NULL) {
    size_t bytes = (size_t)(end - c->line);
    start_job(c, c->line, bytes);
    c->used -= bytes + 1;
    memmove(c->line, end + 1, c->used);
  }
}

static void read_client(client *c) {
  ssize_t got = read(c->in, c->line + c->used, sizeof c->line - c->used);
  if (got < 0 && (errno == EINTR || errno == EAGAIN)) return;
  if (got > 0) c->used += (size_t)got;
  bool too_long = c->used == sizeof c->line && memchr(c->line, '\n', c->used) == NULL;
  if (too_long) complain(c, "a prompt may have 999 bytes");
  if (got <= 0 || too_long) c->ended = true;
  next_line(c);
  if (c->job != NULL || c->ended) unwatch(c->service, c->in); /* again when the job is over */
}

static void drop_client(client *c) {
  unwatch(c->service, c->in);
  if (c->in > STDERR_FILENO) close(c->in);
  c->in = c->out = -1;
}

/* What is over since the last look. */
static void tend_client(client *c) {
  if (c->in < 0) return;
  if (c->job != NULL) {
    if (c->service->stopping || c->lost) he_job_cancel(c->job);
    if (he_job_poll(c->job, NULL) == HD_E_AGAIN) return;
    if (he_job_poll(c->job, NULL) == HD_OK)
      say(c, "\n", 1);
    else
      complain(c, he_job_error(c->job));
    he_job_release(c->job);
    c->job = NULL;
    next_line(c);
    if (c->job == NULL && !c->ended) (void)watch(c->service, c->in, c);
  }
  if (c->job == NULL && (c->ended || c->lost || c->service->stopping)) drop_client(c);
}

static bool add_client(service *s, int in, int out) {
  for (int i = 0; i < CLIENTS_MAX; i++) {
    client *c = &s->clients[i];
    if (c->in >= 0) continue;
    *c = (client){.service = s, .in = in, .out = out};
    if (watch(s, in, c) == 0) return true;
    c->in = c->out = -1;
    return false;
  }
  return false;
}

static void accept_client(service *s) {
  int fd = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (fd >= 0 && !add_client(s, fd, fd)) close(fd);
}

/* ---- the service ---- */

static bool anybody(const service *s) {
  for (int i = 0; i < CLIENTS_MAX; i++)
    if (s->clients[i].in >= 0) return true;
  return s->listener >= 0 && !s->stopping;
}

static void handle(service *s, void *who) {
  if (who == &s->sched) {
    hd_sched_dispatch(s->sched, 1000000); /* for at most about 1 ms, so that the others get their turn */
  } else if (who == &s->signals) {
    struct signalfd_siginfo info;
    s->stopping = read(s->signals, &info, sizeof info) > 0;
    tell_systemd("STOPPING=1");
  } else if (who == &s->listener) {
    accept_client(s);
  } else {
    read_client(who);
  }
}

static void loop(service *s) {
  while (anybody(s)) {
    struct epoll_event events[8];
    int count = epoll_wait(s->epoll, events, 8, -1);
    for (int i = 0; i < count; i++)
      handle(s, events[i].data.ptr);
    for (int i = 0; i < CLIENTS_MAX; i++)
      tend_client(&s->clients[i]);
  }
}

static bool open_descriptors(service *s, const char *path) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  sigprocmask(SIG_BLOCK, &set, NULL);
  signal(SIGPIPE, SIG_IGN);
  s->epoll = epoll_create1(EPOLL_CLOEXEC);
  s->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  bool made = watch(s, s->signals, &s->signals) == 0 && watch(s, hd_sched_fd(s->sched), &s->sched) == 0;
  if (path == NULL) return made && add_client(s, STDIN_FILENO, STDOUT_FILENO);
  struct sockaddr_un name = {.sun_family = AF_UNIX};
  if (strlen(path) >= sizeof name.sun_path) return false;
  memcpy(name.sun_path, path, strlen(path));
  (void)unlink(path);
  s->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  return made && bind(s->listener, (struct sockaddr *)&name, sizeof name) == 0 &&
         listen(s->listener, BACKLOG) == 0 && watch(s, s->listener, &s->listener) == 0;
}

static hd_status make_engine(service *s, hd_error *out_error) {
  hd_sched_config config;
  hd_host_posix(&s->host);
  hd_sched_config_default(&config);
  config.runtime.worker_count = 0; /* no thread of heddle's */
  config.backends = hd_backends_builtin();
  config.policies = hd_policies_builtin();
  config.policy = "fair";
  config.devices = "cpu";
  hd_status status = he_model_open_embedded(&s->host, NULL, &s->model, out_error);
  if (status == HD_OK) status = hd_sched_create(&s->host, &config, &s->sched, out_error);
  return status == HD_OK ? he_instance_create(s->model, s->sched, NULL, &s->instance, out_error) : status;
}

int main(int argc, char **argv) {
  static service s = {.epoll = -1, .signals = -1, .listener = -1};
  const char *path = argc > 1 ? argv[1] : NULL;
  hd_error error = {""};
  bool made = make_engine(&s, &error) == HD_OK;
  for (int i = 0; i < CLIENTS_MAX; i++)
    s.clients[i].in = -1;
  if (!made) {
    fprintf(stderr, "%s\n", error.text);
  } else if (!open_descriptors(&s, path)) {
    fprintf(stderr, "%s: %s\n", path != NULL ? path : "stdin (a pipe or a terminal, no file)",
            strerror(errno));
    made = false;
  } else {
    tell_systemd("READY=1");
    loop(&s);
  }
  if (s.listener >= 0) (void)unlink(path);
  he_instance_destroy(s.instance);
  hd_sched_destroy(s.sched);
  he_model_close(s.model);
  return made ? 0 : 1;
}
