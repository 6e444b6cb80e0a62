#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Holds HACKING.md to the code: each file that it names exists, and each function is defined in the file named.

A step of a walk is a line of a code block, `room/file.c: function()`, with more functions of the same
file after commas.
"""

import os
import re
import sys
from pathlib import Path

ROOT = Path(os.environ.get("top_srcdir", "."))
STEP = re.compile(r"^ {4}((?:lib|cli|\w+)(?:/\w+)?\.c): ((?:\w+\(\)(?:, )?)+)", re.M)
WALKS = ("A tools/call, legacy", "A tools/call, modern", "A session's end", "A token")

failures = 0
count = 0


def result(faults, name):
    global failures, count
    count += 1
    failures += bool(faults)
    for fault in faults:
        print("# " + fault)
    print("%sok %d - %s" % ("not " if faults else "", count, name))


def path_of(name):
    """Where a file lies that HACKING names: from the top, or from daemon/."""
    return next((p for p in (ROOT / name, ROOT / "daemon" / name) if p.is_file()), None)


def defines(path, function):
    """A definition begins a line with its type, and no line of it ends before the brace with a semicolon."""
    text = path.read_text(encoding="utf-8")
    return re.search(r"^[a-zA-Z][\w *]*\b%s\([^;{]*\)\s*\{" % function, text, re.M) is not None


def main():
    print("1..4")
    text = (ROOT / "HACKING.md").read_text(encoding="utf-8")
    walks = dict(re.findall(r"^### (.*?)\n(.*?)(?=^##)", text, re.M | re.S))
    result(["%s: %d steps" % (w, len(STEP.findall(walks.get(w, "")))) for w in WALKS
            if len(STEP.findall(walks.get(w, ""))) < 5], "HACKING has its walks")
    named = set(re.findall(r"\b((?:daemon|lib|cli|tests|contrib|man)/[\w/.-]+\.(?:[ch]|py|sh|mk|in))\b", text))
    named |= {name for name, _ in STEP.findall(text)}
    result(["there is no %s" % n for n in sorted(named) if not re.search("NAME|PART|ROOM|_part", n) and not path_of(n)],
           "each file that is named with its folder exists")
    result(["%s defines no %s()" % (name, f) for name, functions in STEP.findall(text) if path_of(name)
            for f in re.findall(r"\w+", functions) if not defines(path_of(name), f)],
           "each function of a walk is defined in the file that the step names")
    code = "\n".join(p.read_text(encoding="utf-8") for d in ("lib", "daemon", "cli", "tests/unit")
                     for p in sorted((ROOT / d).rglob("*.[ch]")))
    result(["there is no %s()" % f for f in sorted(set(re.findall(r"`(\w+)\(\)`", text)))
            if not re.search(r"\b%s\(" % f, code)], "each function that the text names exists")
    sys.exit(failures > 0)


main()
