#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Holds the threat model in HACKING.md to the tests: each test that the table names exists, each row names one.

A test stands in backticks: `test_auth.py: title of the case`, `test_share: function of the unit test`,
`hostile: title of the attack`.
"""

import os
import re
import sys
from pathlib import Path

ROOT = Path(os.environ.get("top_srcdir", "."))
COLUMNS = 4

failures = 0
count = 0


def result(faults, name):
    global failures, count
    count += 1
    failures += bool(faults)
    for fault in faults:
        print("# " + fault)
    print("%sok %d - %s" % ("not " if faults else "", count, name))


def section():
    text = (ROOT / "HACKING.md").read_text(encoding="utf-8")
    found = re.search(r"^## Threat model\n(.*?)(?=^## )", text, re.M | re.S)
    return found.group(1) if found else ""


def rows(text):
    lines = [l for l in text.splitlines() if l.startswith("|")]
    return [[cell.strip() for cell in l.strip("|").split(" | ")] for l in lines[2:]]


def tests(cell):
    """(program, name) of each test in a cell."""
    return [ref.split(": ", 1) for ref in re.findall(r"`([^`]+: [^`]+)`", cell)]


def exists(program, name):
    if program == "hostile":
        return '@attack("%s"' % name in (ROOT / "tests/hostile/attacks.py").read_text(encoding="utf-8")
    if program.endswith((".py", ".sh")):
        path = ROOT / "tests/integration" / program
        return path.exists() and '@case("%s")' % name in path.read_text(encoding="utf-8")
    return any(re.search(r"\b%s\(" % re.escape(name), path.read_text(encoding="utf-8"))
               for path in (ROOT / "tests/unit").rglob(program + ".c"))


def main():
    print("1..3")
    table = rows(section())
    result([] if len(table) > 10 else ["%d rows" % len(table)], "HACKING has a threat model")
    result(["%s: %d cells" % (row[0], len(row)) for row in table if len(row) != COLUMNS] +
           ["%s: no test" % row[0] for row in table if not tests(row[-1])], "each row says what stops it and names a test")
    result(["there is no %s: %s" % (program, name) for row in table for program, name in tests(row[-1])
            if not exists(program, name)], "each test that is named exists")
    sys.exit(failures > 0)


main()
