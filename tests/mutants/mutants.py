#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Changes one thing in the sources at a time, and looks whether a test notices.

Usage: mutants.py SOURCE WORK [--seed SEED] [--number N] [--only GLOB] [--skip N]

SOURCE is the repository; WORK a folder for two copies of it, of which the first is built as usual and the second with
sanitizers. Each mutant is tried against the unit tests of the file's room, then all that the file is linked into, then
the integration tests that concern the room, and at the end what is still alive against both under the sanitizers
(only there, where the change leaves out what releases memory). The first test that fails ends a trial. Survivors are
listed with the change: each is a hole in the tests, or changes nothing that can be seen (which a person has to judge).

A copy that is there is used again, with the sources of SOURCE. A test counts as one that notices a mutant if it has
passed in the copy, run in the way in which mutants are tried: a test that fails by itself would notice all of them.
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
import threading
import time
from pathlib import Path

# The integration tests that concern a room; what is not listed: all of "".
CONCERN = {
    "auth": "auth token_end login users",
    "backend": "features scopes exec web bad_children merged modern_servers",
    "base": "features lifecycle restart",
    "cli": "mcpctl credentials",
    "client": "upstream modern_servers features shapes",
    "config": "merged exec mcpctl",
    "control": "mcpctl lifecycle users",
    "credentials": "credentials users",
    "http": "gate bad_input streams addresses shares",
    "legacy": "streams bad_input lifecycle restart peers_sessions",
    "lib": "mcpctl bad_input features",
    "mcp": "shapes features merged",
    "modern": "modern shapes shares",
    "process": "bad_children peers_children sandbox scopes",
    "server": "features shapes scopes lifecycle",
    "store": "restart crash users",
    "text": "exec web gate",
    "": "lifecycle auth modern streams mcpctl merged",
}

# A test that hangs is ended: the mutant was noticed. Much longer than any of them takes on a slow machine.
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
    return f"{m[1]}{{}}" if m and balanced(line) else None


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
    """What a command is put behind so that a changed kill() reaches nobody else: a PID namespace of its own, with a
    shell as the process 1 that reaps orphans."""
    words = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c", '"$@"; exit $?', "sh"]
    if os.geteuid() == 0 and shutil.which("unshare") and subprocess.run(words + ["true"], check=False).returncode == 0:
        return words
    return []


APART = apart()


def end(child):
    """Ends a program with all that it started."""
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


class Race:
    """Programs that speak TAP, as many side by side as there are processors, until the first of them fails."""

    def __init__(self, commands, cwd, env):
        self.waiting, self.cwd, self.env = list(commands.items()), cwd, env
        self.lock, self.running, self.passed, self.loser = threading.Lock(), set(), set(), None

    def run(self):
        """(name, what went wrong) of the first that fails; None: all is well."""
        workers = [threading.Thread(target=self.work) for _ in range(os.cpu_count())]
        for w in workers:
            w.start()
        for w in workers:
            w.join()
        return self.loser

    def work(self):
        while (started := self.start()) is not None:
            name, child = started
            late = threading.Timer(HANGS, end, [child])
            late.start()
            why = self.failure(child)
            late.cancel()
            self.finish(name, child, why)

    def start(self):
        with self.lock:
            if self.loser or not self.waiting:
                return None
            name, command = self.waiting.pop(0)
            child = subprocess.Popen(APART + command, cwd=self.cwd, env=self.env, stdin=subprocess.DEVNULL,
                                     stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True,
                                     encoding="utf-8", errors="replace")
            self.running.add(child)
            return name, child

    def finish(self, name, child, why):
        end(child)
        child.wait()
        with self.lock:
            self.running.discard(child)
            if not why:
                self.passed.add(name)
            elif not self.loser:
                self.loser = (name, why)
                for other in self.running:
                    end(other)

    @staticmethod
    def failure(child):
        plan, done = None, 0
        for line in child.stdout:
            if re.match(r"not ok\b(?!.*# SKIP)", line):
                return line.strip()
            plan = int(line[3:].split()[0]) if re.match(r"1\.\.\d", line) else plan
            done += bool(re.match(r"(not )?ok\b", line))
        status = child.wait()
        return None if status == 0 and plan == done else f"status {status} after {done} of {plan} cases"


class Copy:
    """A copy of the sources with a build of its own."""

    def __init__(self, source, where, *options, **env):
        self.top, self.build = where, where / "build"
        self.noticed = {}  # by each test: how many mutants, so that those that find most come first
        self.passed = set()  # the tests that passed here at least once
        self.take(source)
        print(f"building {where}", flush=True)
        if not (self.build / "config.status").exists():
            env = dict(os.environ, BUILDDIR=str(self.build), MAKEFLAGS="", **env)
            subprocess.run(["./bootstrap", "build", *options], cwd=where, check=True, stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL, env=env)
        if not self.make("all"):
            sys.exit(f"mutants: the unchanged sources do not build in {where}")
        lists = subprocess.run(["make", "-s", "quick-tests"], cwd=self.build, capture_output=True, check=True,
                               encoding="utf-8")
        self.unit = [t for t in lists.stdout.split() if t.startswith(("tests/unit/", "tests/fuzz/"))]
        if not self.make(*self.unit):
            sys.exit(f"mutants: the tests of the unchanged sources do not build in {where}")
        self.parts = {t: self.parts_of(t) for t in self.unit}

    def take(self, source):
        """Makes the sources here those of SOURCE: a test that is left over from before would fail always."""
        names = subprocess.run(["git", "ls-files", "-z"], cwd=source, capture_output=True, check=True).stdout
        names = {name for name in names.decode().split("\0") if name and (source / name).is_file()}
        for folder in ("daemon", "lib", "cli", "tests"):
            for file in sorted((self.top / folder).rglob("*.[ch]")):
                if str(file.relative_to(self.top)) not in names:
                    file.unlink()
        for name in names:
            (self.top / name).parent.mkdir(parents=True, exist_ok=True)
            if not (self.top / name).exists() or (self.top / name).read_bytes() != (source / name).read_bytes():
                shutil.copy(source / name, self.top / name)

    def make(self, *targets):
        command = APART + ["make", "-s", f"-j{os.cpu_count()}", *targets]
        return subprocess.run(command, cwd=self.build, env=dict(os.environ, MAKEFLAGS=""), stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode == 0

    def change(self, path, number, new):
        file = self.top / path
        lines = file.read_text(encoding="utf-8").split("\n")
        old, lines[number] = lines[number], new
        file.write_text("\n".join(lines), encoding="utf-8")
        return old

    def tests_of(self, room):
        names = CONCERN.get(room, CONCERN[""]).split()
        return [f"tests/integration/test_{name}.py" for name in names]

    def parts_of(self, test):
        """The names of the source files in a program: the linker takes of the libraries what is needed."""
        nm = subprocess.run(["nm", "-a", test], cwd=self.build, capture_output=True, check=True, encoding="utf-8")
        return set(re.findall(r"^\w+ a (\S+)$", nm.stdout, re.M))

    def unit_tests_of(self, path):
        """Those that the file is a part of: first those named after it, or lying in its room."""
        stem, folder = path.stem.split("_")[0], room_of(path)
        able = [t for t in self.unit if path.name in self.parts[t]]
        near = [t for t in able if Path(t).stem[5:].startswith(stem) or Path(t).parent.name == folder]
        return near, [t for t in able if t not in near]

    def fails(self, tests):
        """(the first of TESTS that fails, its case); None: none does."""
        programs = [t for t in tests if not t.endswith(".py")]
        if programs and not self.make(*programs):
            return BUILD, ""
        env = dict(os.environ, CMOCKA_MESSAGE_OUTPUT="TAP", PYTHONDONTWRITEBYTECODE="1", MCPD=str(self.build / "mcpd"),
                   MCPCTL=str(self.build / "mcpctl"), top_srcdir=str(self.top), top_builddir=str(self.build))
        commands = {t: [sys.executable, str(self.top / t)] if t.endswith(".py") else ["./" + t]
                    for t in sorted(tests, key=lambda t: -self.noticed.get(t, 0))}
        race = Race(commands, self.build, env)
        loser = race.run()
        self.passed |= race.passed
        return loser

    def notices(self, path):
        """What fails first in the changed copy, as fails(); None: nothing does."""
        if not self.make("all"):
            return BUILD, ""
        near, others = self.unit_tests_of(path)
        return self.fails(near) or self.fails(others) or self.fails(self.tests_of(room_of(path)))

    def trust(self, test):
        """Makes sure that the unchanged sources pass TEST."""
        self.noticed[test] = self.noticed.get(test, 0) + 1
        if test not in self.passed and (not self.make("all") or self.fails([test])):
            sys.exit(f"mutants: the unchanged sources in {self.top} fail {test}")


# What a change is noticed by that is no mutant.
BUILD = "build"


def room_of(path):
    parts = path.parts
    return parts[0] if parts[0] != "daemon" else parts[1] if len(parts) > 2 else ""


# A call without which memory or a descriptor is lost: only the sanitizers are likely to see that.
RELEASES = re.compile(r"\t+\w*(free|decref|unref|clear|release|close|cleanup|cleanse)\w*\(")


class Mutant:
    def __init__(self, index, path, number, what, old, new):
        self.index, self.path, self.number, self.what, self.old, self.new = index, path, number, what, old, new
        self.by = None

    def __str__(self):
        return f"{self.index}: {self.path}:{self.number + 1}: {self.what}"

    def releases(self):
        return self.what == "a call is left out" and RELEASES.match(self.old)

    def is_noticed(self, copy):
        """Tries the mutant in COPY, and says whether it died there."""
        began = time.monotonic()
        old = copy.change(self.path, self.number, self.new)
        self.by = copy.notices(self.path)
        copy.change(self.path, self.number, old)
        if self.by == (BUILD, ""):
            return True
        if self.by:
            copy.trust(self.by[0])
        said = f"{Path(self.by[0]).stem}: {self.by[1]}" if self.by else "lives"
        print(f"{self}: {copy.top.name}: {said} ({time.monotonic() - began:.0f} s)", flush=True)
        return self.by is not None


def choose(a, source, rng):
    for index, mutant in enumerate(mutants(source, rng, a.only), 1):
        if index > a.skip and (APART or room_of(mutant[0]) != "process"):
            yield Mutant(index, *mutant)


def main():
    parser = argparse.ArgumentParser(description="Changes one thing at a time, and looks whether a test notices.")
    parser.add_argument("source", type=Path)
    parser.add_argument("work", type=Path)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--number", type=int, default=100)
    parser.add_argument("--only", default=None)
    parser.add_argument("--skip", type=int, default=0, help="leave out as many, to go on with a run that was ended")
    a = parser.parse_args()
    seed = a.seed if a.seed is not None else random.SystemRandom().randrange(1 << 31)
    rng = random.Random(seed)
    print(f"seed {seed}", flush=True)
    if not APART:
        print("no PID namespace: run as root for mutants of daemon/process, whose kill() could reach others")
    source, work = a.source.resolve(), a.work.resolve()
    tried, alive = 0, []
    plain = Copy(source, work / "plain", "--enable-werror")
    chosen = choose(a, source, rng)
    while tried < a.number:
        mutant = next(chosen)
        if mutant.releases() or not mutant.is_noticed(plain):
            alive.append(mutant)
        # What the compiler refuses, or warns of, is no mutant.
        tried += mutant.by != (BUILD, "")
    strict = Copy(source, work / "strict", "--enable-werror", "--enable-sanitizers", CC="clang") if alive else None
    alive = [m for m in alive if not m.is_noticed(strict)]
    print(f"\n{tried - len(alive)} of {tried} mutants were noticed (seed {seed}).")
    print("\n".join(f"{m}\n  - {m.old.strip()}\n  + {m.new.strip()}" for m in alive))


main()
