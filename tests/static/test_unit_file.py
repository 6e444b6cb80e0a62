#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""The systemd unit allows what mcpd does, and keeps the daemon's folder apart from its children's home."""

import os
import re
import sys
from pathlib import Path

ROOT = Path(os.environ.get("top_srcdir", "."))
TEXT = (ROOT / "contrib/systemd/mcpd.service.in").read_text(encoding="utf-8")
LINES = [line for line in TEXT.splitlines() if re.match(r"[A-Z]\w+=", line)]
count = failed = 0


def words(key):
    """Everything that the lines of a key say."""
    return [w for line in LINES if line.startswith(key + "=") for w in line.split("=", 1)[1].split()]


def result(good, name):
    global count, failed
    count += 1
    failed += not good
    print(f"{'ok' if good else 'not ok'} {count} - {name}")


calls = {"landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self"}
result(calls | {"@system-service"} <= set(words("SystemCallFilter")), "the calls of Landlock are allowed")
result({"memory", "pids", "cpu"} <= set(words("Delegate")), "the controllers are delegated")
result(not words("ProtectControlGroups"), "the cgroup can be written")
state = words("StateDirectory")
homes = [w for w in words("Environment") if w.startswith("HOME=")] + words("WorkingDirectory")
result(len(state) == 2 and all(h.endswith("/" + state[1]) for h in homes) and len(homes) == 2,
       "home and working folder are not the folder of the store, which comes first")
result("mcpd" in words("RuntimeDirectory"), "the control socket has a folder of its own")
result("yes" in words("NoNewPrivileges"), "no new privileges")
sysusers = (ROOT / "contrib/sysusers.d/mcpd.conf").read_text(encoding="utf-8")
result("/var/lib/" + (state + [""])[-1] in sysusers, "the user's home is that folder, too")
print(f"1..{count}")
sys.exit(failed > 0)
