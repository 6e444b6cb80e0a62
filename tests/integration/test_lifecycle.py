#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""A session from its beginning to its end: the log, the child, the counts, for every reason."""

from harness import *


def closing(sid):
    return ["Session closed: %s (user: unauthenticated)" % sid,
            "Transport closed for session %s" % sid,
            "Server closed for session %s" % sid]


def whole(sid):
    return ["Session created: %s" % sid] + closing(sid) + ["Active sessions: 0, Active users: 0"]


def session_with_child(d):
    """A client that has called a tool, and the pid of the child that answered."""
    d.wait_children(0)  # what a backend offers is learnt by a child that goes then
    c = Client(d)
    pid = int(c.tool("pid"))
    equal(d.children(), [pid], "children")
    return c, pid


def check_gone(d, c, pid, mark):
    d.wait_log(r"^Active sessions: 0", mark)
    equal(d.lifecycle(mark), whole(c.sid), "lifecycle lines")
    # Not even a zombie of it.
    wait_until(lambda: proc_stat(pid) is None, "end of child %d" % pid)
    equal(d.children(), [], "children")
    equal(d.mcpctl("counts"), "Active sessions: 0, Active users: 0\n", "mcpctl counts")
    equal(c.post(c.message("ping")).error(), (404, -32001), "ping to the closed session")


def detached(listen, **keys):
    """mcpd -d in a folder of its own: what the shell gets, and the path of the control socket."""
    dir_ = tempfile.mkdtemp(prefix="mcpd-test-")
    sock = os.path.join(dir_, "control.sock")
    with open(os.path.join(dir_, "mcpd.json"), "w") as f:
        json.dump(dict({"listen": listen, "control": sock, "mcpServers": {}}, **keys), f)
    # With pipes, so that this waits for everybody who holds them: the daemon must not.
    p = subprocess.run(WRAPPER + [MCPD, "-d", "-c", f.name], stdin=subprocess.DEVNULL, timeout=TIMEOUT,
                       stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    return p, sock


@case("mcpd -d: the shell goes on when the daemon serves, and the daemon is in a session of its own")
def _():
    p, sock = detached("127.0.0.1:0")
    equal((p.returncode, p.stdout), (0, b""), "status and output: %s" % p.stderr)
    try:
        with Control(sock) as c:
            status = c.call("status")
        pid = status["pid"]
        assert os.getpgid(pid) == os.getsid(pid) != os.getsid(0), "session"
        address = re.match(r"http://127\.0\.0\.1:(\d+)/", status["listen"][0])
        with Conn(("127.0.0.1", int(address.group(1)))) as conn:
            equal(conn.request("GET", "/health").status, 200, "health")
        os.kill(pid, signal.SIGTERM)
        equal(os.waitpid(pid, 0)[1], 0, "how the daemon ended")  # it came to us
        assert not os.path.exists(sock), "the control socket is still there"
    finally:
        shutil.rmtree(os.path.dirname(sock), ignore_errors=True)


@case("mcpd -d: the shell gets the status of a daemon that cannot come up")
def _():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        p, sock = detached("127.0.0.1:%d" % other.getsockname()[1])
    equal(p.returncode, 1, "exit status")
    os.waitpid(-1, 0)  # what would have been the daemon
    assert not os.path.exists(sock), "the control socket is there"
    shutil.rmtree(os.path.dirname(sock))


@case("connect, call, DELETE: the log has exactly these five lines, the child is reaped")
def _():
    with Daemon({"fake": fake()}) as d:
        mark = d.mark()
        c, pid = session_with_child(d)
        c.delete()
        check_gone(d, c, pid, mark)
        equal(d.lines(mark), whole(c.sid), "all lines")


@case("mcpctl session close: the same lines, the child is reaped")
def _():
    with Daemon({"fake": fake()}) as d:
        mark = d.mark()
        c, pid = session_with_child(d)
        closed = json.loads(d.mcpctl("--json", "session", "close", c.sid[:8]))
        equal([(r["id"], r["failed"]) for r in closed], [(c.sid, 0)], "answer")
        check_gone(d, c, pid, mark)


@case("idle time: the same lines, the child is reaped")
def _():
    with Daemon({"fake": fake()}, sessions={"idleTimeout": 3}) as d:
        mark = d.mark()
        c, pid = session_with_child(d)
        check_gone(d, c, pid, mark)


@case("shutdown: every session is closed the same way, then the children, and nothing is left")
def _():
    with Daemon({"fake": fake()}) as d:
        first, pid = session_with_child(d)
        second = Client(d)
        other = int(second.tool("pid"))
        mark = d.mark()
        d.stop()
        lines = d.lines(mark)
        equal(lines[0], "Closing 2 active sessions...", "first line")
        equal(lines[1:4] + lines[5:8], closing(first.sid) + closing(second.sid), "closing")
        equal([lines[4], lines[8]], ["Active sessions: 1, Active users: 0",
                                     "Active sessions: 0, Active users: 0"], "counts")
        equal(lines[9:], ["All transports closed"], "end")
        assert proc_stat(pid) is None and proc_stat(other) is None


@case("SIGINT is the same as SIGTERM")
def _():
    with Daemon({"fake": fake()}) as d:
        c, pid = session_with_child(d)
        d.stop(signal.SIGINT)
        equal(d.lifecycle()[-6:], ["Closing 1 active sessions..."] + closing(c.sid) +
              ["Active sessions: 0, Active users: 0", "All transports closed"], "end of the log")


@case("mcpctl shutdown: answered, then the same end")
def _():
    with Daemon({"fake": fake()}) as d:
        c, pid = session_with_child(d)
        d.mcpctl("shutdown")
        d.stop(None)
        equal(d.lifecycle()[-6:], ["Closing 1 active sessions..."] + closing(c.sid) +
              ["Active sessions: 0, Active users: 0", "All transports closed"], "end of the log")


@case("a second signal ends it at once, with a child that ignores SIGTERM and the end of input")
def _():
    with Daemon({"fake": fake("--ignore-term", "--ignore-eof")}, verbose=1) as d:
        c = Client(d)
        pid = int(c.tool("pid"))
        d.proc.send_signal(signal.SIGTERM)
        d.wait_log("^All transports closed")
        assert alive(pid)
        d.stop()
        assert proc_stat(pid) is None


@case("a session that never called anything: five lines, and no child was started for it")
def _():
    with Daemon({"fake": fake()}) as d:
        d.wait_children(0)
        mark = d.mark()
        c = Client(d)
        equal(d.children(), [], "children")
        c.delete()
        d.wait_log(r"^Active sessions: 0", mark)
        equal(d.lines(mark), whole(c.sid), "lines")


@case("shutdown answers calls in flight and ends streams")
def _():
    with Daemon({"fake": fake()}, limits={"upgradeAfter": 60}) as d:
        c = Client(d)
        stream = c.get()
        stream.comment()
        hanging = c.begin_tool("hang")
        wait_until(lambda: d.ctl("session.show", id=c.sid)["calls"] == 1, "the call")
        d.stop()
        status, code = c.end(hanging).reply.error()
        assert (status, code) == (503, -32000), (status, code)
        while stream.next():
            pass


@case("DELETE answers calls in flight with 404 and ends streams")
def _():
    with Daemon({"fake": fake()}, limits={"upgradeAfter": 60}) as d:
        c = Client(d)
        stream = c.get()
        stream.comment()
        hanging = c.begin_tool("hang")
        wait_until(lambda: d.ctl("session.show", id=c.sid)["calls"] == 1, "the call")
        c.delete()
        equal(c.end(hanging).reply.error(), (404, -32001), "the call")
        while stream.next():
            pass


@case("sessions are listed, shown, and closed all at once")
def _():
    with Daemon({"fake": fake()}) as d:
        clients = [Client(d, name="client %d" % i) for i in range(3)]
        clients[0].tool("pid")
        rows = d.ctl("sessions.list")
        equal([r["id"] for r in rows], [c.sid for c in clients], "ids, oldest first")
        equal([r["client"] for r in rows], [c.name for c in clients], "clients")
        equal([r["children"] for r in rows], [1, 0, 0], "children")
        shown = d.ctl("session.show", id=clients[0].sid)
        equal(shown["pids"], [int(clients[0].tool("pid"))], "pids")
        equal((shown["revision"], shown["path"]), ("2025-11-25", "/mcp"), "revision and path")
        equal(len(d.ctl("session.close", all=True)), 3, "closed")
        equal(d.sessions(), 0, "sessions")
        d.wait_children(0)


@case("log follow tells of a session as it happens")
def _():
    with Daemon({"fake": fake()}) as d, Control(d.socket) as follower:
        follower.send({"id": 1, "method": "log.follow", "params": {}})
        wait_until(lambda: d.ctl("counts"), "the daemon")  # after it: requests are taken in order
        c = Client(d)
        c.delete()
        texts = []
        while len(texts) < 5:
            texts.append(follower.read()["params"]["row"]["text"])
        equal(texts, whole(c.sid), "lines")


@case("ids of sessions are 128 random bits, and every session has its own")
def _():
    with Daemon() as d:
        ids = {Client(d).sid for _ in range(50)}
        equal(len(ids), 50, "different ids")
        assert all(len(i) >= 22 for i in ids)



@case("a reader of the log that pauses gets every line, in order, and the daemon does not wait for it")
def _():
    with Daemon({"fake": tiny()}) as d:
        ids = [Client(d).sid for _ in range(600)]
        mark = d.mark()
        d.hear.clear()
        # Four lines for each session: more than a pipe takes.
        equal(len(d.ctl("session.close", all=True)), len(ids), "sessions that were closed")
        equal(d.ctl("status")["logLost"], 0, "lines lost")
        d.hear.set()
        d.wait_log("^Active sessions: 0,", mark)
        equal([l.split()[2] for l in d.lines(mark) if l.startswith("Session closed: ")], ids, "sessions in the log")
        equal(len(d.lifecycle(mark)), 4 * len(ids), "lines")


@case("a log that nobody reads: what is lost is counted in the log and in status, and the rest is whole")
def _():
    with Daemon({"fake": fake()}, verbose=1) as d:
        d.hear.clear()
        lost = 0
        for _ in range(60):  # each child may have 100 lines of its stderr in the log at once
            Client(d).tool("stderr", text="x" * 3000, lines=100)
            lost = d.ctl("status")["logLost"]
            if lost:
                break
        assert lost > 0, "nothing was lost"
        mark = len(d.log)
        d.hear.set()
        m = d.wait_log(r"^warning: (\d+) log lines lost: the reader of the log is too slow$", mark)
        assert int(m.group(1)) >= lost, m.group(0)

run()
