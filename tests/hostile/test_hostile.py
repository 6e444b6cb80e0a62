#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""A hostile mix against the real daemon, beside honest clients of each era, who must not notice.

    tests/hostile/test_hostile.py [--seed N] [--seconds N | --attacks N] [--mode none|tokens]

The seed says which attacker makes which attacks in which order; how they meet is up to the machine. In
`make check` the seed is always the same and the number of attacks is bounded; `make hostile` runs for SECONDS
from a seed of its own. What was done is printed with counts; a failure names the seed.
"""

import argparse
import faulthandler
import gc

from attacks import *
import honest

WORLDS, FAILED = {}, []
FIXED_KIB = 96 << 10  # what passes and is not held: messages that are read, their trees, free pieces of the allocator
COUNTS = ("sessions", "dormant", "children", "processes", "calls")  # of mcpctl status
ARGS = None


def arguments():
    p = argparse.ArgumentParser()
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--seconds", type=float, default=0, help="how long, for each mode; 0: as many as --attacks")
    p.add_argument("--attacks", type=int, default=64, help="how many, for each mode")
    p.add_argument("--mode", choices=("none", "tokens"))
    return p.parse_args()


def again():
    bound = ("seconds", ARGS.seconds) if ARGS.seconds else ("attacks", ARGS.attacks)
    return "repeat with: tests/hostile/test_hostile.py --seed %d --%s %d" % (ARGS.seed, *bound)


def mix(world):
    """Honest clients from the beginning to the end, attackers in between."""
    friends = list(honest.clients(world, ARGS.seed))
    foes = [Attacker(world, i, ARGS.seed) for i in range(ATTACKERS_AT_A_TIME)]
    for foe in foes:
        foe.left = ARGS.attacks // ATTACKERS_AT_A_TIME if not ARGS.seconds else 1 << 30
    for thread in friends + foes:
        thread.start()
    begun, third = time.monotonic(), ARGS.seconds / 3
    while any(f.is_alive() for f in foes) and not world.failures:
        select.select([], [], [], 0.05)
        passed = time.monotonic() - begun
        if world.daemon.proc.poll() is not None:
            world.fail("the daemon ended, status %d" % world.daemon.proc.returncode)
            break
        done = sum(world.attacks.numbers.values())
        if not world.warm and (passed > third if ARGS.seconds else done > ARGS.attacks // 3):
            world.warm = world.rss()
        if ARGS.seconds and passed > ARGS.seconds:
            world.stopping.set()
    for thread in foes:
        thread.join(TIMEOUT)
    for thread in friends:
        thread.done = True
    for thread in friends:
        thread.join(TIMEOUT)
        if thread.is_alive():
            world.fail("%s has not come to an end" % thread.name)
    world.seconds = time.monotonic() - begun


def report(world):
    diagnose("%.1f s; attacks: %s" % (world.seconds, world.attacks))
    diagnose("their outcomes: %s" % world.outcomes)
    slow = sorted(world.longest.items(), key=lambda item: -item[1])[:5]
    diagnose("the longest of them: " + ", ".join("%s %.1f s" % item for item in slow))
    diagnose("steps of the honest: %s" % world.steps)


def survived(mode):
    world = WORLDS[mode] = World(mode)
    world.start()
    faulthandler.dump_traceback_later(ARGS.seconds + 3 * TIMEOUT, exit=True)
    mix(world)
    report(world)
    if world.failures:
        WORLDS[mode] = None
        world.close()
        diagnose(again())
        raise AssertionError("\n".join(world.failures))


def world_of(mode):  # of a daemon that is still there
    assert WORLDS.get(mode) and WORLDS[mode].daemon.proc, "the mix did not end well"
    return WORLDS[mode]


def left_over(world):
    """What the daemon still counts, as text; empty when there is nothing."""
    d = world.daemon
    status, now = d.ctl("status"), descriptors(d.pid)
    left = ["%s %d" % (name, status[name]) for name in COUNTS if status[name]]
    users = 0 if world.mode == "none" else len(HONEST + ATTACKERS)  # whose tokens outlive their sessions
    left += ["users %d" % status["users"]] if status["users"] > users else []
    left += ["children of %s: %d" % (b["name"], b["children"]) for b in d.ctl("backends.list")
             if b.get("children")]
    if status["held"]:
        left.append("%d bytes held" % status["held"])
    if now > world.descriptors + 8:
        left.append("%d descriptors, %d at the start" % (now, world.descriptors))
    return ", ".join(left)


def nothing_left(mode):
    """The sessions that attackers left behind are closed, as their idle time would; all else goes by itself."""
    world = world_of(mode)
    gc.collect()  # connections of attackers that were cut off
    if world.daemon.ctl("sessions.list"):
        world.daemon.ctl("session.close", all=True)
    try:
        wait_until(lambda: not left_over(world), "no call, session, child or connection")
    except AssertionError:
        raise AssertionError("left over: %s; %s" % (left_over(world), again()))


def bounded(mode):
    world = world_of(mode)
    now, allowed = world.rss(), 2 * world.warm + (64 << 10)
    diagnose("resident: %d KiB after a third of the attacks, %d KiB at the end" % (world.warm, now))
    assert now <= allowed, "resident memory grew from %d to %d KiB; %s" % (world.warm, now, again())


def within_budget(mode):
    """What others made the daemon hold stayed within its limit, and the memory of the process near that: besides there
    are what the daemon needs for itself, and what passes."""
    world = world_of(mode)
    status, most = world.daemon.ctl("status"), peak_rss(world.daemon.pid)
    limit = MEMORY[mode] >> 10
    diagnose("held at most: %d of %d KiB; resident at most: %d KiB, %d at first" % (
        status["heldPeak"] >> 10, limit, most, world.at_first))
    allowed = (limit + world.at_first + FIXED_KIB) * (3 if sanitized() else 1)
    assert most <= allowed, "resident memory was %d KiB, allowed are %d; %s" % (most, allowed, again())


def ended(mode):
    world = world_of(mode)
    world.daemon.stop()
    shutil.rmtree(world.daemon.dir, ignore_errors=True)
    world.close()


def noted(fn, mode):
    """Runs a case; a failure is noted for the exit status, too."""
    try:
        fn(mode)
    except BaseException:
        FAILED.append(mode)
        raise


def register(mode, title):
    for what, fn in (("under attack the honest clients see no error and no wrong answer", survived),
                     ("sessions, calls, children and connections go back to none", nothing_left),
                     ("memory is what it was", bounded),
                     ("memory stayed within limits.maxMemory and a fixed part", within_budget), ("the daemon ends well", ended)):
        case("%s: %s" % (title, what))(lambda fn=fn: noted(fn, mode))


ARGS = arguments()
sys.argv[1:] = []
# The quarantine of AddressSanitizer would look like a leak.
os.environ["ASAN_OPTIONS"] = ":".join(filter(None, (os.environ.get("ASAN_OPTIONS"), "quarantine_size_mb=8")))
print("# seed %d; %s" % (ARGS.seed, again()), flush=True)
for mode, title in (("none", "without authentication"), ("tokens", "with tokens")):
    if ARGS.mode in (None, mode):
        register(mode, title)
try:
    run()
except SystemExit:
    # The driver of `make check` reads the lines; `make hostile` has nothing but the status.
    sys.exit(1 if FAILED and ARGS.seconds else 0)
