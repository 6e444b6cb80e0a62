#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""The integration tests while random system calls of daemon, children and clients take longer (stalls.c).

Without arguments, as part of `make check`: one round of a few short tests, as TAP. `make stalls` has rounds of all
integration tests, or of those named, and prints the seed of each round, with which the round can be repeated. What
fails is a fault of the daemon until it is shown to be one of the test: nothing says how long a system call may take."""

import argparse
import concurrent.futures
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TESTS = os.path.join(os.path.dirname(HERE), "integration")
BUILD = os.path.abspath(os.environ.get("top_builddir", os.path.dirname(os.path.dirname(HERE))))
MCPD = os.environ.get("MCPD", os.path.join(BUILD, "mcpd"))
FEW = ["test_gate", "test_bad_input", "test_modern"]
LONGEST = 2400  # seconds for one test
PATIENCE = "600"  # seconds that a test waits for one thing


def preload(folder):
    """A copy of the library that every user may read: daemons and children of tests become other users."""
    os.chmod(folder, 0o755)
    path = shutil.copy(os.path.join(BUILD, "tests/stalls/stalls.so"), folder)
    os.chmod(path, 0o755)
    return path


def sanitized():
    with open(MCPD, "rb") as f:
        return b"__asan_init" in f.read()


def run_one(name, seed, share, library):
    """(name, seconds, cases that passed, lines about those that did not, all that was printed)."""
    env = dict(os.environ, LD_PRELOAD=library, MCPD_STALLS_SEED=str(seed), MCPD_STALLS_SHARE=str(share),
               MCPD_TEST_TIMEOUT=PATIENCE)
    began = time.monotonic()
    process = subprocess.Popen([sys.executable, os.path.join(TESTS, name + ".py")], env=env, stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        out, why = process.communicate(timeout=LONGEST)[0], None
    except subprocess.TimeoutExpired:
        process.kill()
        out, why = process.communicate()[0], f"not ok - no end after {LONGEST} s"
    text = out.decode("utf-8", "replace")
    bad = re.findall(r"^not ok.*", text, re.M)
    good, plan = len(re.findall(r"^ok ", text, re.M)), re.search(r"^1\.\.(\d+)", text, re.M)
    if not plan or good + len(bad) != int(plan.group(1)):
        bad.append(why or f"not ok - ended early, status {process.returncode}")
    return name, time.monotonic() - began, good, bad, text


def one_round(names, seed, share, library, jobs):
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        yield from pool.map(lambda n: run_one(n, seed, share, library), names)


def check(library):
    """The short round, as TAP."""
    print(f"1..{len(FEW)}", flush=True)
    if sanitized():
        for number, name in enumerate(FEW, 1):
            print(f"ok {number} - {name} # SKIP a sanitizer has to come before what is preloaded")
        return
    seed = int(os.environ.get("MCPD_STALLS_SEED") or time.time())
    for number, (name, _, good, bad, text) in enumerate(one_round(FEW, seed, 200, library, 1), 1):
        if bad:
            print("\n".join("#   " + line for line in text.splitlines()[-200:] + bad))
        print(f"{'not ok' if bad else 'ok'} {number} - {name} while system calls stall, seed {seed}", flush=True)


def rounds(args, library):
    """Whether all passed. The output of a test with a failure is kept in a file."""
    failures = 0
    for number in range(args.rounds):
        seed = args.seed + number
        print(f"round {number + 1} of {args.rounds}: SEED={seed}", flush=True)
        for name, seconds, good, bad, text in one_round(args.tests, seed, args.share, library, args.jobs):
            print(f"  {name}: {good} passed, {len(bad)} failed ({seconds:.0f} s)", flush=True)
            if not bad:
                continue
            failures += 1
            path = os.path.join(BUILD, "tests/stalls", f"{name}.{seed}.log")
            with open(path, "w") as f:
                f.write(text)
            print("\n".join("    " + line for line in bad + [path]), flush=True)
    return failures == 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tests", nargs="*", help="test_gate and so on; all integration tests")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--share", type=int, default=200, help="of 10,000 system calls wait")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    args = parser.parse_args()
    args.tests = args.tests or sorted(n[:-3] for n in os.listdir(TESTS) if re.fullmatch(r"test_\w+\.py", n))
    with tempfile.TemporaryDirectory(prefix="mcpd-stalls-") as folder:
        library = preload(folder)
        if args.rounds is None:
            check(library)
        elif sanitized():
            sys.exit("stalls need a build without sanitizers, which have to come before what is preloaded")
        elif not rounds(args, library):
            sys.exit(1)


if __name__ == "__main__":
    main()
