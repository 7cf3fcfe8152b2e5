#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# documents.sh sees a link, a command and an example that lead nowhere.
. "$(dirname "$0")/fixture.sh"
check() { "$house/documents.sh" "$fixture"; }
tree() {
  fresh
  printf 'int f(void) {\n  int x = 1;\n  return x;\n}\n' | put examples/a.c
  : >"$fixture/go" && chmod +x "$fixture/go"
  printf '# a\n```sh\n./go\n./go -x\n```\n[b](docs/b.md) [c](https://example.org/c)\n```c\nint x = 1;\nreturn x;\n```\n' | put README.md
  printf '[back](../README.md#a)\n' | put docs/b.md
}

tree && must_pass check
tree && printf '[gone](gone.md)\n' | put docs/b.md
must_complain 'docs/b.md: leads to gone.md' check
tree && sed -i 's#^./go -x#./stay#' "$fixture/README.md"
must_complain './stay cannot be run' check
tree && sed -i '/^.\/go/d' "$fixture/README.md"
must_complain 'has not two commands' check
tree && printf '`hd_gone` and `heddle` and `hd_`\n' | put docs/b.md
must_complain 'docs/b.md: names hd_gone' check
tree && printf '`f` and `examples/a.c`\n' | put docs/architecture.md
must_pass check
tree && printf '`take_note`\n' | put docs/architecture.md
must_complain 'docs/architecture.md: names take_note' check
tree && printf '`examples/b.c: f`\n' | put docs/architecture.md
must_complain 'docs/architecture.md: names examples/b.c' check
tree && sed -i 's/^return x;/return y;/' "$fixture/README.md"
must_complain 'its C block 1 stands in no file' check
finish
