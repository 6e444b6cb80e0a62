#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Holds mcpctl(1) and mcpd-control(7) to the table of commands, which mcpctl itself prints, and the commands of
mcpctl in all documents to the same table. No page has a passage twice, and mcpd.conf(5) lists all examples."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(os.environ["top_srcdir"])
MCPCTL = os.environ["MCPCTL"]

count = 0
failed = 0


def result(good, name):
    global count, failed
    count += 1
    failed += not good
    print(f"{'ok' if good else 'not ok'} {count} - {name}")


def mcpctl(*args):
    done = subprocess.run([MCPCTL, *args], capture_output=True, text=True, check=True)
    return done.stdout


def section(page, title):
    found = re.search(rf"^\.Sh {title}\n(.*?)(?=^\.Sh )", page, re.M | re.S)
    return found[1] if found else ""


def check_commands(page, commands):
    items = re.findall(r"^\.It Ic (.*)$", page, re.M)
    for row in commands:
        words = row["command"]
        mine = [i for i in items if i == words or re.match(rf"{words} (Ar|Op|Oo|Fl|Pq)\b", i)]
        result(len(mine) == 1, f"mcpctl.1 describes {words}")
        item = mine[0] if mine else ""
        result(("Pq admin" in item) == (row["level"] == "admin"), f"mcpctl.1 says who may {words}")
        for option in re.findall(r"--(\w+)", row["usage"]):
            result(f"Fl -{option}" in item, f"mcpctl.1 has --{option} of {words}")
        for label in re.findall(r"(?<!-)\b[A-Z]+\b", row["usage"]):
            result(f"Ar {label}" in item, f"mcpctl.1 has {label} of {words}")


def check_statuses(page):
    text = mcpctl("help").split("Exit status:")[1]
    known = set(re.findall(r"^ +(\d+)  ", text, re.M))
    documented = set(re.findall(r"^\.It (\d+)$", section(page, "EXIT STATUS"), re.M))
    result(len(known) > 5, "mcpctl help lists the exit statuses")
    result(known == documented, f"mcpctl.1 has each exit status and no other: {sorted(known ^ documented)}")


def check_protocol(page, commands):
    for row in commands:
        if row["level"] == "local":
            continue
        method = row["command"].replace(" ", r"\.")
        result(
            re.search(rf"^\.It {method} Ta {row['level']} Ta", page, re.M) is not None,
            f"mcpd-control.7 has {row['command']} and its level",
        )
    source = (ROOT / "lib/ctlspec.c").read_text()
    reasons = re.findall(r'\[CTL_\w+\] = \{"(\w+)"', source)
    result(len(reasons) > 5, "the reasons are found")
    for reason in reasons:
        result(f"\n.It {reason}\n" in page, f"mcpd-control.7 has the reason {reason}")


def check_version(page):
    header = (ROOT / "lib/ctlspec.h").read_text()
    major, minor = (re.search(rf"CTL_{w}\s+(\d+)", header)[1] for w in ("MAJOR", "MINOR"))
    result(f'"major":{major},"minor":{minor}' in page, "mcpd-control.7 shows the version of the protocol")
    size = 1 << int(re.search(r"CTL_MAX_LINE\s+\(\(size_t\)1 << (\d+)\)", header)[1])
    result(str(size) in page, "mcpd-control.7 has the longest line")


# A command of mcpctl where a reader would type it: after a prompt, in a literal block or display, or quoted.
TYPED = re.compile(r"(?:^\.(?:Ql|Dq|Dl) .*?|^[$#] .*?|^ +.*?|`|^)mcpctl((?: -[st] \S+| --format \w+| -[\w-]+)*)((?: [a-z]+)+)", re.M)


def documents():
    yield ROOT / "README.md"
    yield from sorted((ROOT / "man").glob("*.in"))


def unknown_commands(text, names):
    """The commands in TEXT that no row of the table begins; the words after a command are its arguments."""
    return [words.strip() for _, words in TYPED.findall(text)
            if not any((words + " ").startswith(f" {name} ") for name in names)]


def repeated(text, length=3):
    """Passages of LENGTH lines of prose that stand in TEXT twice."""
    prose = re.sub(r"^\.Bd -literal.*?^\.Ed", "", text, flags=re.M | re.S)
    lines = [line for line in prose.splitlines() if len(line) > 40 and not line.startswith(".")]
    passages = [tuple(lines[i:i + length]) for i in range(len(lines) - length + 1)]
    return sorted({passage for passage in passages if passages.count(passage) > 1})


def check_documents(commands):
    names = [row["command"] for row in commands]
    for path in documents():
        text = path.read_text(encoding="utf-8")
        wrong = unknown_commands(text, names)
        result(not wrong, f"{path.name}: each command of mcpctl exists {wrong or ''}")
        result(not repeated(text), f"{path.name}: no passage stands there twice {repeated(text) or ''}")
    result(unknown_commands(".Ql mcpctl backends restart", names) == ["backends restart"], "a wrong command is found")
    files = section((ROOT / "man/mcpd.conf.5.in").read_text(encoding="utf-8"), "FILES")
    for path in sorted((ROOT / "contrib/examples").glob("*.json")):
        result(path.name in files, f"mcpd.conf.5 lists the example {path.name}")


rows = json.loads(mcpctl("--json", "help"))
ctl_page = (ROOT / "man/mcpctl.1.in").read_text()
protocol_page = (ROOT / "man/mcpd-control.7.in").read_text()
result(len(rows) > 10, "mcpctl lists its commands")
check_commands(ctl_page, rows)
check_statuses(ctl_page)
check_protocol(protocol_page, rows)
check_version(protocol_page)
check_documents(rows)
print(f"1..{count}")
sys.exit(failed > 0)
