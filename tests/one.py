# SPDX-License-Identifier: ISC
"""make t T=NAME[:PART]: builds and runs one test, or those of its cases whose name contains PART.

NAME is the base name of a test program (test_call, replay_jwt, test_man), with as much of its path before it as one
likes (http/test_gate): where several tests have that name, all of them run. make hands over T and the surroundings
of the tests in the environment; the arguments are how make calls itself, and every test of `make check`.
"""

import difflib
import os
import re
import subprocess
import sys
from pathlib import Path

TOP = Path(os.environ["top_srcdir"])
# A case as the sources name it: cmocka_unit_test(name), @case("name").
CASE = re.compile(r'cmocka_unit_test\w*\(\s*(\w+)|@case\(\s*"((?:[^"\\]|\\.)*)"')


def die(text):
    sys.exit("make t: " + text)


def stem(test):
    return re.sub(r"\.(py|sh)$", "", test)


def has_cases(test):
    """Whether the program lets one choose among its cases: cmocka does, and harness.py."""
    return test.startswith(("tests/unit/", "tests/integration/"))


def near(word, words):
    """The end of an error: which of WORDS could be meant."""
    words = sorted(set(words))
    like = difflib.get_close_matches(word, words, 5) or [w for w in words if word in w][:5]
    return "; near: " + ", ".join(like) if like else ""


def chosen(name, tests):
    wanted = stem(name)
    found = [t for t in tests if ("/" + stem(t)).endswith("/" + wanted)]
    if not found:
        die(f"no test is named {name}" + near(wanted.rsplit("/", 1)[-1], [Path(stem(t)).name for t in tests]))
    return found


def build(make, test):
    script = test.endswith((".py", ".sh"))
    targets = ["all", "tests/static/config_keys"] if script else [test]
    # The descriptors of make's job server are inherited.
    if subprocess.run([make, "-s", "--no-print-directory", *targets], close_fds=False, check=False).returncode:
        die(f"{test} was not run: the build failed")


def command(test, part):
    if test.endswith(".py"):
        return [sys.executable, TOP / test, *([part] if part else [])]
    if test.endswith(".sh"):
        return ["sh", TOP / test]
    return ["sh", TOP / "tests/cmocka-tap", "./" + test]


def run(test, part):
    """Runs the program and shows what it prints: how many of its cases passed, failed and were skipped."""
    env = dict(os.environ, CMOCKA_MESSAGE_OUTPUT="TAP", **({"MCPD_TEST_CASE": part} if part else {}))
    passed = failed = skipped = 0
    plan = None
    with subprocess.Popen(command(test, part), env=env, stdout=subprocess.PIPE, encoding="utf-8", errors="replace",
                          stdin=subprocess.DEVNULL) as program:
        for line in program.stdout:
            print(line, end="", flush=True)
            plan = int(line[3:].split()[0]) if re.match(r"1\.\.\d", line) else plan
            if re.match(r"ok .*# SKIP", line):
                skipped += 1
            elif re.match(r"(not )?ok\b", line):
                failed += line[0] == "n"
                passed += line[0] == "o"
    ended = program.returncode
    if plan != 0 and (ended and not failed or plan != passed + failed + skipped):
        print(f"{test} ended with status {ended} after {passed + failed + skipped} of {plan or '?'} cases")
        failed += 1
    return passed, failed, skipped


def all_cases(test):
    source = TOP / (test if test.endswith(".py") else test + ".c")
    return [a or b for a, b in CASE.findall(source.read_text(encoding="utf-8"))]


def main():
    make, *tests = sys.argv[1:]
    name, _, part = os.environ.get("T", "").partition(":")
    if not name:
        die("say which: T=test_call, or T='test_call:part of the name of a case'")
    found = chosen(name, tests)
    if part:
        found = [t for t in found if has_cases(t)] or die(f"{found[0]} runs as a whole: its cases cannot be chosen")
    for test in found:
        build(make, test)
    counts = [run(test, part) for test in found]
    passed, failed, skipped = map(sum, zip(*counts))
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    if not passed + failed + skipped:
        die(f"no case of {' or '.join(found)} contains '{part}'" + near(part, [c for t in found for c in all_cases(t)]))
    sys.exit(1 if failed else 0)


main()
