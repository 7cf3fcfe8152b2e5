/* SPDX-License-Identifier: Apache-2.0 */
/* The heddle command: finds the subcommand and sees to it that all that it printed has arrived. */
#include <signal.h>
#include <string.h>
#include "command.h"
#include "console.h"

static bool wants_no_color(int argc, char **argv) {
  for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
    if (strcmp(argv[i], "--no-color") == 0) return true;
  }
  return false;
}

/* What `heddle WORD` means; the usual spellings of help and version are commands too. */
static const hdt_command *find(const char *word) {
  if (strcmp(word, "-h") == 0 || strcmp(word, "--help") == 0) return hdt_command_find("help");
  if (strcmp(word, "-V") == 0 || strcmp(word, "--version") == 0) return hdt_command_find("version");
  return hdt_command_find(word);
}

int main(int argc, char **argv) {
  hdt_console_guard();
  signal(SIGPIPE, SIG_IGN); /* a reader that leaves is told by EPIPE, so that what runs can end in order */
  hdt_console_init(wants_no_color(argc, argv));
  if (argc < 2) return (int)hdt_fail(HDT_USAGE, NULL, "which command? see 'heddle help'");
  const hdt_command *command = find(argv[1]);
  if (command == NULL) return (int)hdt_command_unknown(argv[1]);
  hdt_exit code = command->run(argc - 1, argv + 1);
  return (int)hdt_out_finish(code, command->name);
}
