#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Changes one thing in the sources at a time, and looks whether a test notices.

Usage: mutants.py SOURCE WORK [--seed SEED] [--number N] [--only GLOB]

SOURCE is the repository; WORK a folder for two copies of it, of which the first is built as usual and the second with
sanitizers. Each mutant is tried against the unit tests of the file's room, then all unit tests, then the integration
tests that concern the room, and what is still alive against both under the sanitizers. Survivors are listed with the
change: each is a hole in the tests, or changes nothing that can be seen (which a person has to judge).
"""

import argparse
import fnmatch
import os
import random
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

# The integration tests that concern a room; what is not listed: all of "".
CONCERN = {
    "auth": "auth token_end login users",
    "backend": "features scopes exec web bad_children merged modern_servers",
    "base": "features lifecycle restart",
    "cli": "mcpctl",
    "client": "upstream modern_servers features shapes",
    "config": "merged exec mcpctl",
    "control": "mcpctl lifecycle users",
    "credentials": "credentials users",
    "http": "gate bad_input streams addresses shares",
    "legacy": "streams lifecycle restart peers_sessions",
    "lib": "mcpctl bad_input features",
    "mcp": "shapes features merged",
    "modern": "modern shapes shares",
    "process": "bad_children peers_children sandbox scopes",
    "server": "features shapes scopes",
    "store": "restart crash users",
    "text": "exec web gate",
    "": "lifecycle auth modern streams mcpctl merged",
}

# A run that hangs is ended: the mutant was noticed. Much longer than any of them takes on a slow machine.
HANGS = 900

SWAPS = [("==", "!="), ("!=", "=="), ("<=", "<"), (">=", ">"), ("<", "<="), (">", ">="), ("&&", "||"), ("||", "&&")]


def code_lines(text):
    """(number, line) of what is code inside of functions: no comments, no preprocessor, no declarations."""
    clean = re.sub(r"/\*.*?\*/", lambda m: "\n" * m[0].count("\n"), text, flags=re.S)
    inside = False
    for number, line in enumerate(clean.split("\n")):
        if line == "{":
            inside = True
        elif line.startswith("}"):
            inside = False
        elif inside and not re.match(r"\s*(#|case |static |assert|log_|default)", line):
            yield number, line


def negate(line):
    m = re.search(r"\bif \((.*)\)( \{)?$", line)
    return line[: m.start(1)] + f"!({m[1]})" + line[m.end(1):] if m and balanced(m[1]) else None


def swap(line, rng):
    found = [
        (m.start(), a, b)
        for a, b in SWAPS
        for m in re.finditer(r"(?<=[\w)\] ])" + re.escape(f" {a} "), line)
    ]
    if not found:
        return None
    at, a, b = rng.choice(found)
    return line[:at] + f" {b} " + line[at + len(a) + 2:]


def arithmetic(line, rng):
    found = [m for m in re.finditer(r"(?<=\w) ([+-]) (?=\w)", line)]
    m = rng.choice(found) if found else None
    return line[: m.start(1)] + ("-" if m[1] == "+" else "+") + line[m.end(1):] if m else None


def drop_call(line):
    m = re.match(r"(\t+)\w[\w>.-]*\(.*\);$", line)
    return f"{m[1]};" if m and balanced(line) else None


def no_error(line):
    m = re.match(r"(\t+)return (ERR_\w+|err_set\(.*\)|-1|NULL|false);$", line)
    return f"{m[1]}return {'true' if m[2] == 'false' else '0'};" if m and m[2] != "NULL" else None


def one_more(line, rng):
    found = [m for m in re.finditer(r"(?<![\w.])(\d+)(?![\w.])", line) if "[" not in line[: m.start()][-1:]]
    m = rng.choice(found) if found else None
    return line[: m.start(1)] + str(int(m[1]) + 1) + line[m.end(1):] if m else None


def balanced(text):
    return text.count("(") == text.count(")")


CHANGES = {
    "a condition is negated": lambda line, rng: negate(line),
    "a comparison is another": swap,
    "an operator is another": arithmetic,
    "a call is left out": lambda line, rng: drop_call(line),
    "an error is none": lambda line, rng: no_error(line),
    "one more": one_more,
}


def mutants(source, rng, only):
    """Endlessly: (file, number of the line, what, the old line, the new one)."""
    files = [f for d in ("daemon", "lib", "cli") for f in sorted((source / d).rglob("*.c"))]
    files = [f for f in files if not only or fnmatch.fnmatch(str(f.relative_to(source)), only)]
    lines = [(f.relative_to(source), n, line) for f in files for n, line in code_lines(f.read_text(encoding="utf-8"))]
    if not lines:
        sys.exit(f"mutants: no file is like {only}")
    while True:
        what = rng.choice(sorted(CHANGES))
        path, number, line = rng.choice(lines)
        new = CHANGES[what](line, rng)
        if new is not None and new != line:
            yield path, number, what, line, new


def apart():
    """What a command is put behind so that a changed kill() reaches nobody else: a PID namespace of its own."""
    words = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]
    if os.geteuid() == 0 and shutil.which("unshare") and subprocess.run(words + ["true"], check=False).returncode == 0:
        return words
    return []


APART = apart()


def run(*command, cwd):
    """Whether it ended well in time; what it started is gone in any case."""
    env = dict(os.environ, MAKEFLAGS="")
    command = APART + list(command)
    child = subprocess.Popen(command, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        return child.wait(HANGS) == 0
    except subprocess.TimeoutExpired:
        return False
    finally:
        try:
            os.killpg(child.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


class Copy:
    """A copy of the sources with a build of its own."""

    def __init__(self, source, where, *options, **env):
        self.top, self.build = where, where / "build"
        files = subprocess.run(["git", "ls-files", "-z"], cwd=source, capture_output=True, check=True).stdout
        for name in files.decode().split("\0"):
            if name and (source / name).is_file():
                (where / name).parent.mkdir(parents=True, exist_ok=True)
                if not (where / name).exists() or (where / name).read_bytes() != (source / name).read_bytes():
                    shutil.copy2(source / name, where / name)
        print(f"building {where}", flush=True)
        subprocess.run(["./bootstrap", "build", *options], cwd=where, check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, env=dict(os.environ, BUILDDIR=str(self.build), MAKEFLAGS="", **env))
        if not self.make("all") or not self.make("check-unit"):
            sys.exit(f"mutants: the tests of the unchanged sources fail in {where}")

    def make(self, *words):
        return run("make", f"-j{os.cpu_count()}", *words, cwd=self.build)

    def change(self, path, number, new):
        file = self.top / path
        lines = file.read_text(encoding="utf-8").split("\n")
        old, lines[number] = lines[number], new
        file.write_text("\n".join(lines), encoding="utf-8")
        return old

    def tests_of(self, room):
        names = CONCERN.get(room, CONCERN[""]).split()
        return [f"tests/integration/test_{name}.py" for name in names]

    def unit_tests_of(self, path):
        """Those named after the file, or lying in its room."""
        stem, folder = path.stem.split("_")[0], room_of(path)
        found = [t for t in (self.top / "tests/unit").rglob("test_*.c")
                 if t.stem[5:].startswith(stem) or t.parent.name == folder]
        return [str(t.relative_to(self.top).with_suffix("")) for t in sorted(found)]

    def notices(self, path):
        """The first step that fails with the change; None: none does."""
        room = room_of(path)
        near = self.unit_tests_of(path)
        steps = [("build", ["all"])]
        if near:
            steps.append(("unit tests of its room", ["check", "TESTS=" + " ".join(near)]))
        steps += [("unit tests", ["check-unit"]), ("integration tests", ["check", "TESTS=" + " ".join(self.tests_of(room))])]
        return next((name for name, words in steps if not self.make(*words)), None)


def room_of(path):
    parts = path.parts
    return parts[0] if parts[0] != "daemon" else parts[1] if len(parts) > 2 else ""


def main():
    parser = argparse.ArgumentParser(description="Changes one thing at a time, and looks whether a test notices.")
    parser.add_argument("source", type=Path)
    parser.add_argument("work", type=Path)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--number", type=int, default=100)
    parser.add_argument("--only", default=None)
    a = parser.parse_args()
    seed = a.seed if a.seed is not None else random.SystemRandom().randrange(1 << 31)
    rng = random.Random(seed)
    print(f"seed {seed}", flush=True)
    if not APART:
        print("no PID namespace: run as root for mutants of daemon/process, whose kill() could reach others")
    source, work = a.source.resolve(), a.work.resolve()
    plain = Copy(source, work / "plain")
    strict = None
    survivors, tried = [], 0
    for path, number, what, old, new in mutants(source, rng, a.only):
        if tried == a.number:
            break
        if not APART and room_of(path) == "process":
            continue
        restore = plain.change(path, number, new)
        by = plain.notices(path)
        plain.change(path, number, restore)
        if by == "build":
            continue  # the compiler refuses it: no mutant
        tried += 1
        if by is None:
            strict = strict or Copy(source, work / "strict", "--enable-sanitizers", CC="clang")
            restore = strict.change(path, number, new)
            by = strict.notices(path)
            strict.change(path, number, restore)
            by = by and f"sanitizers, {by}"
        print(f"{tried}: {path}:{number + 1}: {what}: {by or 'SURVIVES'}", flush=True)
        if by is None:
            survivors.append(f"{path}:{number + 1}: {what}\n  - {old.strip()}\n  + {new.strip()}")
    print(f"\n{tried - len(survivors)} of {tried} mutants were noticed (seed {seed}).")
    print("\n".join(survivors))


main()
