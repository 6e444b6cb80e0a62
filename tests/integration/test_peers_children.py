#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""What broke other gateways: child processes. The numbers are those of the reports in our collection
of complaints; each name says what went wrong there."""

import math
import sqlite3

from harness import *


def starts(d, name="state"):
    """How often the server with --state was started."""
    try:
        with open(os.path.join(d.dir, name)) as f:
            return len(f.readlines())
    except OSError:
        return 0


def abandon(d, n, **keys):
    """N clients that call a tool and are never heard of again."""
    for _ in range(n):
        c = Client(d, **keys)
        c.tool("pid")
        c.close()


@case("peer 1: a child for each POST, never reaped")
def _():
    with Daemon({"fake": tiny()}, sessions={"idleTimeout": 3}) as d:
        d.wait_children(0)
        c = Client(d)
        equal(len({c.tool("pid") for _ in range(50)}), 1, "children for 50 requests")
        equal(len(d.children()), 1, "children")
        c.delete()
        d.wait_children(0)
        for _ in range(30):  # one-shot clients, with and without a DELETE
            c = Client(d)
            c.tool("echo")
            c.delete()
            abandon(d, 1)
        d.wait_children(0)
        equal(d.sessions(), 0, "sessions")


@case("peer 2: the shell around a server was killed, the server itself lived on for ever")
def _():
    command = "%s %s; exit $?" % (sys.executable, FAKE)
    with Daemon({"fake": {"command": "/bin/sh", "args": ["-c", command]}}) as d:
        d.wait_children(0)
        c = Client(d)
        pid = int(c.tool("pid"))
        family = d.children()
        assert len(family) == 2 and pid in family, family
        assert proc_stat(pid)[1] != d.pid, "the shell has replaced itself"
        c.delete()
        wait_until(lambda: not any(proc_stat(p) for p in family), "end of shell and server")
        d.wait_children(0)


@case("peer 2: a server behind a shell that ignores SIGTERM and the end of its input")
def _():
    command = "%s %s --ignore-term --ignore-eof; exit $?" % (sys.executable, FAKE)
    with Daemon({"fake": {"command": "/bin/sh", "args": ["-c", command]}}) as d:
        c = Client(d)
        family = [int(c.tool("pid"))]
        c.delete()
        wait_until(lambda: not any(proc_stat(p) for p in family), "end of the server")
        d.wait_children(0)


@case("peer 2: grandchildren that left the process group, hold stdout or ignore SIGTERM")
def _():
    with Daemon({"fake": fake()}) as d:
        there = {}
        for how in ("plain", "setsid", "hold", "stubborn"):
            c = Client(d)
            there[how] = int(c.tool("grandchild", how=how))
            assert alive(there[how])
            c.delete()
        for how, pid in there.items():
            wait_until(lambda: proc_stat(pid) is None, "end of the grandchild: " + how)
        d.wait_children(0)


@case("peer 3: the child outlived its closed session")
def _():
    with Daemon({"fake": fake()}, sessions={"idleTimeout": 3}) as d:
        d.wait_children(0)
        for end in ("DELETE", "operator", "connections lost"):
            c = Client(d)
            stream = c.get()
            pid = int(c.tool("pid"))
            equal(d.children(), [pid], "children")
            if end == "DELETE":
                c.delete()
            elif end == "operator":
                d.ctl("session.close", ids=[c.sid])
            stream.reply.conn.reset()
            c.own_conn().reset()
            wait_until(lambda: proc_stat(pid) is None, "end of the child after: " + end)
            d.wait_children(0)


@case("peer 4: without any DELETE, processes grew from 50 to 2,018")
def _():
    with Daemon({"fake": tiny()}, sessions={"idleTimeout": 3}) as d:
        d.wait_children(0)
        for _ in range(3):
            abandon(d, 40)
        d.wait_children(0)
        equal(d.mcpctl("counts"), "Active sessions: 0, Active users: 0\n", "counts")


@case("peer 5: 627 copies of one server: there are caps, and errors that say which")
def _():
    for config, name in (({"fake": {"maxChildren": 2}}, "maxChildren"),
                         ({"limits": {"maxChildren": 2}}, "limits.maxChildren"),
                         ({"limits": {"maxChildrenPerPeer": 2}}, "limits.maxChildrenPerPeer")):
        with Daemon({"fake": tiny(**config.pop("fake", {}))}, **config) as d:
            d.wait_children(0)
            a, b, c = Client(d), Client(d), Client(d)
            a.tool("pid")
            b.tool("pid")
            try:
                c.tool("pid")
                raise AssertionError("a third child")
            except RpcError as e:
                equal((e.status, e.code), (200, -32603), "status and code")
                assert name in e.message, e.message
            assert c.request("tools/list")["tools"], "the client sees no tools"
            a.tool("pid")  # who works is left alone
            b.delete()
            d.wait_children(1)
            c.tool("pid")


@case("peer 5: idle sessions were kept for ever by default")
def _():
    status, out, err = run_mcpd({"mcpServers": {"fake": tiny()}}, "-n")
    equal(status, 0, err)
    sessions = json.loads(out)["sessions"]
    assert sessions["idleTimeout"] == 1800, sessions
    assert 0 < sessions["max"] and 0 < sessions["maxPerPeer"], sessions
    limits = json.loads(out)["limits"]
    assert 0 < limits["maxChildren"] and 0 < limits["maxChildrenPerPeer"], limits
    assert 0 < json.loads(out)["mcpServers"]["fake"]["maxChildren"]


@case("peer 6: a process for each call, 142 of them for one")
def _():
    with Daemon({"fake": fake("--state", "state")}) as d:
        d.wait_children(0)
        c = Client(d)
        begun = [c.begin_tool("pid") for _ in range(20)]  # together, and none runs yet
        pids = {c.end(b).text() for b in begun}
        equal(len(pids), 1, "children for 20 calls at a time")
        equal(starts(d), 2, "starts, that of the probe included")
        equal(len(d.children()), 1, "children")


@case("peer 6: a command that ends leaves no zombie")
def _():
    tools = {"true": {"description": "ends", "command": ["true"]}}
    with Daemon({"host": {"tools": tools}}) as d:
        c = Client(d)
        for _ in range(100):
            c.tool("true")
        d.wait_children(0)


@case("peer 7: a connect that was broken off before initialize was answered left its process")
def _():
    with Daemon({"fake": fake("--hang-start")}, limits={"learnWait": 0}, verbose=1) as d:
        c = Client(d)
        before = d.children()  # the probe hangs, too
        call = c.begin_tool("pid")
        wait_until(lambda: len(d.children()) == len(before) + 1, "the child")
        pid = (set(d.children()) - set(before)).pop()
        call[0].reset()
        c.delete()
        wait_until(lambda: proc_stat(pid) is None, "end of the child")
        equal(d.children(), before, "children")


@case("peer 7: a client that leaves while initialize is answered leaves no session and no process")
def _():
    with Daemon({"fake": fake("--hang-start")}, limits={"learnWait": 2, "upgradeAfter": 60}) as d:
        mark = d.mark()
        c = Client(d, start=False)
        conn, _ = c.begin("initialize", {"protocolVersion": "2025-11-25", "capabilities": {},
                                         "clientInfo": {"name": "x", "version": "1"}})
        d.wait_log("^Session created", mark)
        conn.reset()
        d.wait_log("^Active sessions: 0", mark)
        equal(len(d.children()), 1, "children: the probe alone")


@case("peer 7: each try to start a server that does not answer left one more process")
def _():
    with Daemon({"fake": fake("--hang-start", "--state", "state", startTimeout=0.3)}, verbose=1,
                limits={"learnWait": 0}) as d:
        for n in (1, 2):
            d.wait_log("^no answer to initialize within", count=n)
            assert len(d.children()) <= 1, d.children()
        d.wait_log("^started child", count=2)


@case("peer 8: requests were accepted and never answered after the server had died")
def _():
    with Daemon({"fake": fake()}) as d:
        d.wait_children(0)
        c = Client(d)
        pid = int(c.tool("pid"))
        hanging = [c.begin_tool("hang") for _ in range(5)]
        wait_until(lambda: d.ctl("session.show", id=c.sid)["calls"] == 5, "the calls")
        os.kill(pid, signal.SIGKILL)
        for h in hanging:
            try:
                c.end(h).result()
                raise AssertionError("answered")
            except RpcError as e:
                equal(e.code, -32603, "code")
                assert "SIGKILL" in e.message or "signal" in e.message or "Killed" in e.message, e
        fresh = int(c.tool("pid"))  # the session goes on, with a fresh child
        assert fresh != pid
        equal(d.children(), [fresh], "children")


@case("peer 8: the state of a server that had died was still 'running'")
def _():
    server = fake("--state", "state", "--die-start", 3, "--live-times", 1, scope="shared")
    with Daemon({"fake": server}) as d:
        c = Client(d)
        equal(d.ctl("backends.list")[0]["state"], "ready", "state")
        try:
            c.tool("die", status=5)
            raise AssertionError("answered")
        except RpcError as e:
            assert "5" in e.message, e
        wait_until(lambda: d.ctl("backends.list")[0]["state"] == "failed", "the state of the backend")
        assert "status" in d.ctl("backends.list")[0]["reason"], d.ctl("backends.list")
        try:
            c.tool("pid")
            raise AssertionError("answered")
        except RpcError as e:
            equal(e.code, -32603, "code")
            assert "fake" in e.message, e


@case("peer 9: one dead server of several made initialize fail for all")
def _():
    with Daemon({"dead": fake("--die-start", 1), "good": fake(), "gone": {"command": "/bin/false"}},
                limits={"learnWait": 20}) as d:
        c = Client(d)  # waits for "good" only, not for twenty seconds
        names = [t["name"] for t in c.request("tools/list")["tools"]]
        assert "good__echo" in names and not any(n.startswith("dead") for n in names), names
        equal(c.tool("good__echo", text="hi"), "hi", "answer")
        try:
            c.tool("dead__echo")
            raise AssertionError("answered")
        except RpcError as e:
            assert "dead" in e.message, e
        states = {b["name"]: b["state"] for b in d.ctl("backends.list")}
        equal(states, {"dead": "failed", "good": "ready", "gone": "failed"}, "states")


@case("peer 9: one server that hangs made initialize hang for all")
def _():
    with Daemon({"hangs": fake("--hang-start"), "good": fake()}, limits={"learnWait": 0.5}) as d:
        c = Client(d)
        wait_until(lambda: {"name": "good", "state": "ready"}.items() <=
                   {b["name"]: b for b in d.ctl("backends.list")}["good"].items(), "the good one")
        equal(c.tool("good__echo", text="hi"), "hi", "answer")


@case("peer 9: a server that crashes at every start was started without pause and starved others")
def _():
    begun = time.monotonic()
    with Daemon({"dead": fake("--die-start", 1, "--state", "state"), "good": tiny()}, verbose=1) as d:
        c = Client(d)
        d.wait_log("^the server exited .*backend=dead")
        for _ in range(500):
            c.tool("good__echo")
        d.wait_log("^the server exited .*backend=dead", count=2)  # it is tried again, though
        # Two at once, for the one may have died of server/discover; then after 1, 2, 4, 8... seconds,
        # and one more where a second was counted from a little earlier.
        n = starts(d)
        most = 3 + int(math.log2(time.monotonic() - begun + 1))
        assert n <= most, "%d starts, not %d" % (n, most)


@case("peer 9: a server that dies twice at the start is there in the end, and clients hear of it")
def _():
    with Daemon({"late": fake("--die-start", 1, "--die-times", 2, "--state", "state"),
                 "good": tiny()}) as d:
        c = Client(d)
        stream = c.get()
        while True:
            names = [t["name"] for t in c.request("tools/list")["tools"]]
            if "late__echo" in names:
                break
            equal(stream.message()["method"], "notifications/tools/list_changed", "notification")
        equal(starts(d), 3, "starts")
        equal(c.tool("late__echo", text="hi"), "hi", "answer")


def named(marker):
    """The processes whose command line has MARKER."""
    return [int(p) for p in os.listdir("/proc") if p.isdigit() and marker in command_line(int(p)) and alive(int(p))]


@case("a process that left session, group and environment is counted, and ends with its child")
def _():
    for n, end in enumerate(("DELETE", "kill", "shutdown")):
        marker = "%d.%d" % (100000 + os.getpid(), n)
        script = "setsid env -i sleep %s >/dev/null 2>&1 & exec %s %s" % (marker, sys.executable, FAKE)
        with Daemon({"fake": {"command": "/bin/sh", "args": ["-c", script]}}) as d:
            d.wait_children(0)  # also what the probe has left
            equal(named(marker), [], "escapees of the probe")
            c = Client(d)
            pid = int(c.tool("pid"))
            escaped = wait_until(lambda: [p for p in named(marker) if proc_stat(p)[2] == p], "the escapee")
            equal(proc_stat(escaped[0])[1], pid, "parent of the escapee")
            counts = d.ctl("status")
            equal((counts["children"], counts["processes"]), (1, 2), "children and processes")
            if end == "DELETE":
                c.delete()
                d.wait_children(0)
            elif end == "kill":
                os.kill(pid, signal.SIGKILL)
                d.wait_children(0)
        equal(named(marker), [], "escapees after: " + end)


def escaping(marker):
    """A server that has put a process into the background, which leaves session, group and environment."""
    script = "setsid env -i sleep %s >/dev/null 2>&1 & exec %s %s" % (marker, sys.executable, FAKE)
    return {"command": "/bin/sh", "args": ["-c", script]}


def kill_hard(d):
    """kill -9, and nothing else: what the kernel does not end goes on."""
    d.proc.kill()
    d.wait_end()
    d.stopped = True


def kept_escapee(d, c, marker):
    """The escapee of the child of C, once the store has it."""
    child = int(c.tool("pid"))
    escaped = wait_until(lambda: [p for p in named(marker) if proc_stat(p)[2] == p], "the escapee")[0]
    d.wait_log("child %d: its [2-9] processes are kept in the store" % child)
    d.ctl("status")  # a later turn of the loop: what was put in that one is written
    return child, escaped


def reap(pid):
    """It came to us when its parents ended."""
    wait_until(lambda: not alive(pid), "the end of process %d" % pid)
    try:
        os.waitpid(pid, 0)
    except ChildProcessError:
        pass


@case("what a killed daemon left is ended by the next start, and logged")
def _():
    marker = "%d.9" % (100000 + os.getpid())
    with Daemon({"fake": escaping(marker)}, store=True, verbose=2) as d:
        d.wait_children(0)  # also what the probe has left
        c = Client(d)
        child, escaped = kept_escapee(d, c, marker)
        killed = d.pid
        kill_hard(d)
        reap(child)
        assert alive(escaped), "the escapee has ended with the daemon: this test shows nothing"
        d.config["listen"] = "%s:%d" % d.addr
        d.start()
        reap(escaped)
        ended = [l for l in d.lines() if "left over from mcpd process" in l]
        equal(len(ended), 1, "lines about it: %s" % ended)
        assert ended[0].startswith("Ended process %d, left over from mcpd process %d" % (escaped, killed)), ended
        assert "session=%s" % c.sid in ended[0] and "backend=fake" in ended[0], ended
        d.wait_children(0)  # the probe of the new life
        # Counts are those of this life, and the session goes on with a child of its own.
        equal((d.sessions(), d.ctl("status")["children"]), (0, 0), "sessions and children")
        c.close()
        assert int(c.tool("pid")) != child
        equal(d.sessions(), 1, "sessions")
        equal([l for l in d.lines() if l.startswith("Session ")],
              ["Session restored: %s (user: unauthenticated)" % c.sid], "lifecycle")
        c.delete()
        d.wait_children(0)
    equal(named(marker), [], "processes at the end")


@case("a process that got the number of one that was left is not touched, nor after another boot")
def _():
    changes = {"another start time": lambda r: r.update(processes=[[p, s + 1] for p, s in r["processes"]]),
               "another boot": lambda r: r.update(boot="0" + r["boot"][1:] if r["boot"][0] != "0" else "1" + r["boot"][1:])}
    for n, (name, change) in enumerate(changes.items()):
        marker = "%d.8%d" % (100000 + os.getpid(), n)
        with Daemon({"fake": escaping(marker)}, store=True, verbose=2) as d:
            d.wait_children(0)  # also what the probe has left
            child, escaped = kept_escapee(d, Client(d), marker)
            kill_hard(d)
            reap(child)
            db = sqlite3.connect(os.path.join(d.dir, "state", "mcpd.db"))
            rows = db.execute("SELECT row, value FROM children").fetchall()
            assert rows, "nothing was kept"
            for row, value in rows:
                record = json.loads(value)
                change(record)
                db.execute("UPDATE children SET value = ? WHERE row = ?", (json.dumps(record), row))
            db.commit()
            db.close()
            d.start()
            d.ctl("status")
            equal([l for l in d.lines() if "left over" in l], [], "lines, with " + name)
            assert alive(escaped) and proc_stat(escaped)[0] != "T", "it was touched, with " + name
            os.kill(escaped, signal.SIGKILL)
            reap(escaped)
            # The records are gone: they were of no use to any later start.
            d.stop()
            db = sqlite3.connect(os.path.join(d.dir, "state", "mcpd.db"))
            equal(db.execute("SELECT count(*) FROM children").fetchone(), (0,), "records")
            db.close()


@case("session show lists the processes of the session, whatever they left, without arguments and secrets")
def _():
    marker = "%d.7" % (100000 + os.getpid())
    server = dict(escaping(marker), env={"KEY": "sekrit-value"})
    server["args"][1] = "(exec 2>/dev/null; printf sekrit-value >/proc/self/comm; sleep %s; :) & " % marker + server["args"][1]
    with Daemon({"fake": server}) as d:
        c, other = Client(d), Client(d)
        child = int(c.tool("pid"))
        other.tool("pid")
        escaped = wait_until(lambda: [p for p in named(marker) if proc_stat(p)[2] == p and
                                      proc_stat(p)[1] == child], "the escapee")[0]
        wait_until(lambda: "***" in json.dumps(d.ctl("session.show", id=c.sid)["processes"]), "the masked name")
        shown = d.ctl("session.show", id=c.sid)
        rows = {r["pid"]: r for r in shown["processes"]}
        equal(shown["processes"][0]["pid"], child, "the first")
        equal(rows[escaped], {"pid": escaped, "parent": child, "server": "fake", "command": "sleep"}, "the escapee")
        equal(sorted(rows), sorted([child] + children_of(child)), "processes")
        text = d.mcpctl("session", "show", c.sid) + json.dumps(shown)
        assert re.search("^processes .*%d.*sleep" % escaped, text, re.M), text
        assert marker not in text and "sekrit" not in text, text


NOBODY = 65534


@case("environment, memory and descriptors of the daemon are closed to its children")
def _():
    def look(what):
        return {"description": "looks", "command": ["/bin/sh", "-c", what + " 2>&1 || echo refused"]}

    tools = {"environ": look("cat /proc/$PPID/environ"), "mem": look("head -c 1 /proc/$PPID/mem"),
             "fd": look("ls /proc/$PPID/fd/"), "maps": look("cat /proc/$PPID/maps"),
             "open": look("grep -q . /proc/$PPID/stat && echo parent")}
    os.environ["UPSTREAM_SECRET"] = "hidden-from-children"
    try:
        with Daemon({"host": {"tools": tools}}, user=NOBODY) as d:
            c = Client(d)
            equal(c.tool("open"), "parent\n", "what everybody may see")
            for name in ("environ", "mem", "fd", "maps"):
                got = c.tool(name)
                assert got.endswith("refused\n") and "ermission denied" in got, (name, got)
            d.mcpctl("counts")
    finally:
        del os.environ["UPSTREAM_SECRET"]


@case("MCPD_DUMPABLE=1 leaves the daemon open to debuggers, and says so")
def _():
    os.environ["MCPD_DUMPABLE"] = "1"
    try:
        with Daemon({"fake": tiny()}, user=NOBODY) as d:
            d.wait_log("MCPD_DUMPABLE=1: the environment")
            got = subprocess.run(["cat", "/proc/%d/environ" % d.pid], stdout=subprocess.PIPE, check=True, user=d.user,
                                 group=d.user, extra_groups=[] if d.user else None)
            assert b"MCPD_DUMPABLE=1" in got.stdout
    finally:
        del os.environ["MCPD_DUMPABLE"]


run()
