#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Holds the C files to .clang-format, where the formatter of Debian 12 is there."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(os.environ.get("top_srcdir", "."))
VERSION = "14"
NAME = "C files have the form that .clang-format gives them"


def formatter():
    """The program of the one version whose form counts: others differ in details."""
    for name in (f"clang-format-{VERSION}", "clang-format"):
        path = shutil.which(name)
        if path and re.search(rf"version {VERSION}\.", subprocess.run([path, "--version"], capture_output=True,
                                                                      text=True, check=False).stdout):
            return path
    return None


def main():
    print("1..1")
    program = formatter()
    if not program:
        print(f"ok 1 - {NAME} # SKIP no clang-format {VERSION}")
        return 0
    files = [p for d in ("lib", "daemon", "cli", "tests") for p in sorted((ROOT / d).rglob("*.[ch]"))
             if "node_modules" not in p.parts]
    run = subprocess.run([program, "--dry-run", *map(str, files)], capture_output=True, text=True, check=False)
    faults = sorted({line.split(":")[0] for line in run.stderr.splitlines() if "code should be clang-formatted" in line})
    for name in faults:
        print(f"# {name}: make format")
    print(f"{'not ok' if faults else 'ok'} 1 - {NAME}")
    return 1 if faults else 0


sys.exit(main())
