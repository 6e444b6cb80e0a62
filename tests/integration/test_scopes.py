#!/usr/bin/env python3
"""Who has which child: scopes, what sessions that share one see of each other, start on need, stop when
idle, back-off, environment."""

from harness import *


def error_of(fn):
    try:
        fn()
    except RpcError as e:
        return e
    raise AssertionError("answered")


@case("scope session: a child on first need, one for each session, gone with it")
def _():
    with Daemon({"fake": fake()}) as d:
        d.wait_children(0)
        a, b = Client(d), Client(d)
        a.request("tools/list")
        equal(d.children(), [], "children before any call")
        pids = [int(a.tool("pid")), int(b.tool("pid"))]
        equal(sorted(d.children()), sorted(pids), "children")
        a.delete()
        wait_until(lambda: d.children() == [pids[1]], "the child of b alone")


@case("scope shared: one child for all, which stays when the last session goes")
def _():
    with Daemon({"fake": fake(scope="shared")}) as d:
        clients = [Client(d) for _ in range(5)]
        equal(len({c.tool("pid") for c in clients}), 1, "children")
        pid = int(clients[0].tool("pid"))
        for c in clients:
            c.delete()
        equal(d.sessions(), 0, "sessions")
        equal(int(Client(d).tool("pid")), pid, "child of the next session")


@case("scope user: sessions of nobody share a child, which goes with the last of them")
def _():
    with Daemon({"fake": fake(scope="user")}) as d:
        d.wait_children(0)
        a, b = Client(d), Client(d)
        pid = int(a.tool("pid"))
        equal(int(b.tool("pid")), pid, "child")
        a.delete()
        equal(int(b.tool("pid")), pid, "child")
        b.delete()
        d.wait_children(0)


@case("shared: cancellation stops one's own call only, and the child hears of that one")
def _():
    with Daemon({"fake": fake(scope="shared")}) as d:
        a, b = Client(d), Client(d)
        ca = a.begin_tool("slow", {"seconds": 0.5}, ident=1)
        cb = b.begin_tool("slow", {"seconds": 600}, ident=1)
        wait_until(lambda: all(d.ctl("session.show", id=c.sid)["calls"] == 1 for c in (a, b)), "calls")
        b.notify("notifications/cancelled", {"requestId": 1})
        equal(a.end(ca).text(), "slept", "answer")
        told = [m for m in json.loads(a.tool("seen")) if m.startswith("notifications/cancelled")]
        equal(len(told), 1, "cancellations")
        cb[0].close()


@case("shared: a session that ends takes its calls with it, not those of others")
def _():
    with Daemon({"fake": fake(scope="shared")}) as d:
        a, b = Client(d), Client(d)
        ca = a.begin_tool("slow", {"seconds": 0.5})
        cb = b.begin_tool("slow", {"seconds": 600})
        wait_until(lambda: all(d.ctl("session.show", id=c.sid)["calls"] == 1 for c in (a, b)), "calls")
        b.delete()
        equal(a.end(ca).text(), "slept", "answer")
        assert any(m.startswith("notifications/cancelled") for m in json.loads(a.tool("seen")))
        cb[0].close()


@case("shared: questions and messages belong to nobody, so no client is asked or told")
def _():
    with Daemon({"fake": fake(scope="shared")}) as d:
        a = Client(d, caps={"sampling": {}, "roots": {}, "elicitation": {}})
        b = Client(d, caps={"sampling": {}, "roots": {}, "elicitation": {}})
        equal(json.loads(a.tool("client"))["capabilities"], {}, "what the child believes of us")
        for tool in ("sample", "roots", "elicit"):
            p = a.start_tool(tool)
            assert "error" in json.loads(p.text()) and p.before == []
        p = a.start_tool("log")
        equal((p.text(), p.before), ("logged", []), "answer to the one who called")
        stream = b.get()
        a.tool("log")
        b.tool("set_tools", names=["x"])
        equal(stream.message()["method"], "notifications/tools/list_changed", "what another hears")


@case("shared: a subscription of one is not the other's, and ends with its session")
def _():
    with Daemon({"fake": fake(scope="shared")}) as d:
        a, b = Client(d), Client(d)
        a.request("resources/subscribe", {"uri": "test://1"})
        b.request("resources/unsubscribe", {"uri": "test://1"})  # not b's to end
        equal(json.loads(b.tool("subs")), ["test://1"], "subscriptions")
        a.delete()
        wait_until(lambda: json.loads(b.tool("subs")) == [], "end of the subscription")


@case("idleStop: an idle child is stopped, its lists stay, the next call starts one")
def _():
    with Daemon({"fake": fake(scope="shared", idleStop=0.2)}, verbose=1) as d:
        c = Client(d)
        pid = int(c.tool("pid"))
        d.wait_log("^stopping an idle child")
        wait_until(lambda: proc_stat(pid) is None, "end of the child")
        assert len(c.request("tools/list")["tools"]) > 10
        assert Client(d).request("resources/list")["resources"]
        equal(d.children(), [], "children: lists need none")
        equal(d.ctl("backends.list")[0]["state"], "ready", "state")
        assert int(c.tool("pid")) != pid


@case("idleStop: a call in flight or a subscription keeps the child")
def _():
    with Daemon({"fake": fake(scope="shared", idleStop=0.2), "other": fake(idleStop=0.2)},
                verbose=1) as d:
        c, sentinel = Client(d, "/mcp/fake"), Client(d, "/mcp/other")
        pid = c.tool("pid")
        begun = c.begin_tool("hang")
        mark = d.mark()
        sentinel.tool("pid")
        d.wait_log("^stopping an idle child.*backend=other", mark)
        equal(c.tool("pid"), pid, "child")
        c.request("resources/subscribe", {"uri": "test://1"})
        c.notify("notifications/cancelled", {"requestId": begun[1]})
        mark = d.mark()
        sentinel.tool("pid")
        d.wait_log("^stopping an idle child.*backend=other", mark)
        equal(c.tool("pid"), pid, "child")
        c.request("resources/unsubscribe", {"uri": "test://1"})
        d.wait_log("^stopping an idle child.*backend=fake")
        begun[0].close()


@case("back-off: a server that fails at the start is not started for every call; the error says so")
def _():
    server = fake("--state", "state", "--die-start", 3, "--live-times", 1)
    with Daemon({"fake": server}) as d:
        d.wait_children(0)
        c = Client(d)
        error = error_of(lambda: c.tool("pid"))
        assert "status 3" in error.message, error
        errors = [error_of(lambda: c.tool("pid")).message for _ in range(50)]
        assert any("next attempt" in e for e in errors), errors[0]
        with open(os.path.join(d.dir, "state")) as f:
            starts = len(f.readlines())
        assert starts < 10, "%d starts for 51 calls" % starts


@case("mcpctl backend restart: children are replaced, sessions live, lists are learnt anew")
def _():
    with Daemon({"fake": fake()}) as d:
        c = Client(d)
        pid = int(c.tool("pid"))
        hanging = c.begin_tool("hang")
        wait_until(lambda: d.ctl("session.show", id=c.sid)["calls"] == 1, "the call")
        d.mcpctl("backend", "restart", "fake")
        assert "restarted" in error_of(lambda: c.end(hanging).text()).message
        wait_until(lambda: proc_stat(pid) is None, "end of the child")
        assert int(c.tool("pid")) != pid
        equal(d.sessions(), 1, "sessions")


@case("a child has the environment, folder and descriptors that it was given, and no more")
def _():
    os.environ["MCPD_TEST_SECRET"] = "hunter2"
    try:
        with Daemon({"fake": fake(env={"GIVEN": "a b$c", "PATH": "/bin:/usr/bin"}, cwd="/")}) as d:
            c = Client(d)
            env = json.loads(c.tool("env"))
            equal((env["GIVEN"], env["PATH"]), ("a b$c", "/bin:/usr/bin"), "given")
            assert "MCPD_TEST_SECRET" not in env and "hunter2" not in json.dumps(env), env
            equal(c.tool("cwd"), "/", "folder")
            pid = int(c.tool("pid"))
            fds = {int(f) for f in os.listdir("/proc/%d/fd" % pid)}
            equal({f for f in fds if f < 3}, {0, 1, 2}, "standard descriptors")
            for f in fds - {0, 1, 2}:
                assert not os.readlink("/proc/%d/fd/%d" % (pid, f)).startswith("socket:"), f
            stat = proc_stat(pid)
            equal((stat[1], stat[2]), (d.pid, pid), "parent and process group")
            with open("/proc/%d/status" % pid) as f:
                status = f.read()
            equal(re.search(r"^SigBlk:\s*(\w+)", status, re.M).group(1).strip("0"), "", "signal mask")
    finally:
        del os.environ["MCPD_TEST_SECRET"]


@case("a child dies with the daemon, even when that is killed")
def _():
    with Daemon({"fake": fake("--ignore-term", "--ignore-eof")}) as d:
        pid = int(Client(d).tool("pid"))
        d.proc.kill()
        wait_until(lambda: not alive(pid), "end of the child")
        d.wait_end()
        d.stopped = True
        for left in children_of(os.getpid()):
            os.waitpid(left, 0)


@case("stderr of a child is in the log, escaped, with its backend")
def _():
    with Daemon({"fake": fake("--stderr", "Session closed: forged\x1b[2J\n\rand \\more")}, verbose=1) as d:
        m = d.wait_log(r"^stderr of child \d+: Session closed: forged(.*)backend=fake$")
        assert "\x1b" not in m.group(1) and m.group(1).isprintable(), m.group(1)
        assert not [l for l in d.lines() if l.startswith("Session closed")]


run()
