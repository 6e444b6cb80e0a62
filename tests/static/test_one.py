#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""What a newcomer uses to run tests: make t (tests/one.py), the line of a test program in a check (tests/tap-driver),
and the end of a check that failed (tests/failed)."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

TESTS = Path(os.environ.get("top_srcdir", ".")).resolve() / "tests"
CASES = []

UNIT = """#!/bin/sh
# cmocka lets MCPD_TEST_CASE choose; this is as much of that as there is to see.
n=0
for name in one_call another_call; do
	case $name in *${MCPD_TEST_CASE-}*) n=$((n + 1)); echo "ok $n - $name" ;; esac
done
echo 1..$n
"""
BROKEN = "#!/bin/sh\necho 1..2\necho ok 1 - good\necho \"not ok 2 - costs \\$1, it's said\"\n"
CRASH = "#!/bin/sh\necho 1..2\necho ok 1 - good\nkill -9 $$\n"
SCRIPT = """import sys
sys.path.insert(0, %r)
from harness import *
@case("a cat is fed")
def _(): pass
@case("a dog is fed")
def _(): pass
run()
""" % str(TESTS / "integration")
LISTED = ["tests/unit/mcp/test_call", "tests/unit/mcp/test_both", "tests/integration/test_both.py", "tests/fuzz/replay_x",
          "tests/unit/test_broken", "tests/unit/test_crash"]


def case(fn):
    CASES.append(fn)
    return fn


def tree(where):
    """A source tree that is its own build: a test of each kind."""
    (where / "tests").mkdir()
    os.symlink(TESTS / "cmocka-tap", where / "tests/cmocka-tap")
    texts = {"tests/unit/test_broken": BROKEN, "tests/unit/test_crash": CRASH, "tests/integration/test_both.py": SCRIPT}
    for name in LISTED:
        path = where / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(texts.get(name, UNIT), encoding="utf-8")
        path.chmod(0o755)
        if name.startswith("tests/unit"):
            path.with_suffix(".c").write_text("\tcmocka_unit_test(one_call),\n\tcmocka_unit_test(another_call),\n",
                                              encoding="utf-8")


def t(where, what, make="true"):
    """make t T=WHAT there: (exit status, everything that was printed)."""
    env = dict(os.environ, top_srcdir=str(where), T=what)
    env.pop("MCPD_TEST_CASE", None)
    done = subprocess.run([sys.executable, TESTS / "one.py", make, *LISTED], cwd=where, env=env, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    return done.returncode, done.stdout


def expect(got, status, *parts):
    assert got[0] == status, got
    for part in parts:
        assert part in got[1], (part, got)


@case
def one_test_runs_by_its_name(where):
    expect(t(where, "test_call"), 0, "ok 1 - one_call", "2 passed, 0 failed, 0 skipped")
    expect(t(where, "mcp/test_call"), 0, "2 passed")
    expect(t(where, "test_both.py"), 0, "ok 1 - a cat is fed", "4 passed")
    expect(t(where, "integration/test_both"), 0, "2 passed")
    expect(t(where, "replay_x"), 0, "2 passed")


@case
def cases_run_by_a_part_of_their_name(where):
    expect(t(where, "test_call:another"), 0, "ok 1 - another_call", "1 passed, 0 failed")
    expect(t(where, "test_both:dog is"), 0, "ok 1 - a dog is fed", "1 passed, 0 failed")


@case
def what_is_not_there_is_an_error(where):
    expect(t(where, ""), 1, "say which")
    expect(t(where, "test_cal"), 1, "no test is named test_cal; near: test_call")
    expect(t(where, "test_call:anoter_call"), 1, "no case of tests/unit/mcp/test_call", "near: another_call")
    expect(t(where, "test_both:a cat is fled"), 1, "no case of", "near: a cat is fed")
    expect(t(where, "replay_x:one"), 1, "runs as a whole")
    expect(t(where, "test_call", make="false"), 1, "the build failed")


@case
def failures_are_the_exit_status(where):
    expect(t(where, "test_broken"), 1, "1 passed, 1 failed")
    expect(t(where, "test_crash"), 1, "after 1 of 2 cases", "1 passed, 1 failed")


def driver(name, *lines):
    done = subprocess.run(["sh", TESTS / "tap-driver", "printf", "%s\\n", *lines, "--test-name", name], text=True,
                          check=False, stdout=subprocess.PIPE)
    return done.returncode, done.stdout


@case
def a_check_shows_a_line_for_each_program(_):
    got = driver("tests/x", "PASS: tests/x 1 - a", "\033[0;32mPASS\033[m: tests/x 2 - b", "SKIP: tests/x 3 - c # SKIP d")
    expect(got, 0, "SKIP: tests/x 3 - c # SKIP d\n", "PASS: tests/x: 2 passed, 0 failed, 1 skipped (")
    assert "1 - a" not in got[1] and "2 - b" not in got[1], got
    expect(driver("tests/x", "PASS: tests/x 1 - a", "FAIL: tests/x 2 - b"), 0, "FAIL: tests/x 2 - b\n",
           "FAIL: tests/x: 1 passed, 1 failed, 0 skipped (")


@case
def a_failed_check_ends_with_what_runs_each_failure(where):
    for name, result in (("unit/test_broken", "FAIL"), ("unit/mcp/test_call", "PASS"), ("fuzz/replay_x", "ERROR")):
        (where / "tests" / (name + ".trs")).write_text(f":test-result: PASS\n:test-result: {result}\n", encoding="utf-8")
        (where / "tests" / (name + ".log")).write_text("ok 1 - good\nnot ok 2 - costs $1, it's said\n", encoding="utf-8")
    said = subprocess.run(["sh", TESTS / "failed", where, "make -C build"], stdout=subprocess.PIPE, text=True,
                          check=True).stdout
    assert said == """\
  tests/fuzz/replay_x
      make -C build t T=fuzz/replay_x
    costs $1, it's said
  tests/unit/test_broken
      make -C build t T=unit/test_broken
    costs $1, it's said
      make -C build t T='unit/test_broken:costs $$1, it'\\''s said'
""", said
    # The command does what it says: the shell and make hand over the name of the case as it is.
    (where / "Makefile").write_text("t:\n\t@printf '%s\\n' \"$$T\"\n", encoding="utf-8")
    command = said.splitlines()[-1].strip().replace("make -C build", "make -s")
    # The make that runs this test hands its options on in the environment (make -C prints folders).
    env = {name: value for name, value in os.environ.items() if not name.startswith("MAKE") and name != "MFLAGS"}
    got = subprocess.run(["sh", "-c", command], cwd=where, env=env, stdout=subprocess.PIPE, text=True, check=True).stdout
    assert got == "unit/test_broken:costs $1, it's said\n", got


def main():
    print("1..%d" % len(CASES))
    for n, fn in enumerate(CASES, 1):
        name = fn.__name__.replace("_", " ")
        try:
            with tempfile.TemporaryDirectory() as folder:
                tree(Path(folder))
                fn(Path(folder))
            print(f"ok {n} - {name}", flush=True)
        except (AssertionError, OSError, subprocess.SubprocessError) as e:
            print(f"# {e!r}\nnot ok {n} - {name}", flush=True)


main()
