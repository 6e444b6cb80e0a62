#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Who has which child: scopes, what sessions that share one see of each other, start on need, stop when
idle, back-off, environment."""

import hashlib

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


NOW, PREFIX = "2026-07-28", "io.modelcontextprotocol/"
ALL = {"sampling": {}, "roots": {}, "elicitation": {"form": {}}}


class New:
    """A client of revision 2026-07-28."""

    def __init__(self, d, caps=None, bearer=None):
        self.d, self.caps, self.bearer = d, caps or {}, bearer

    def send(self, name, /, more=None, **arguments):
        """A call of tool NAME on a connection of its own, not waited for. MORE goes into its parameters."""
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": dict({
            "name": name, "arguments": arguments, "_meta": {
                PREFIX + "protocolVersion": NOW, PREFIX + "clientCapabilities": self.caps}}, **more or {})})
        fields = [("Content-Type", "application/json"), ("Accept", BOTH), ("MCP-Protocol-Version", NOW),
                  ("Mcp-Method", "tools/call"), ("Mcp-Name", name)]
        fields += [("Authorization", "Bearer " + self.bearer)] if self.bearer else []
        conn = Conn(self.d.addr)
        conn.send(conn.head("POST", "/mcp", fields, len(body)) + body)
        return conn

    def end(self, conn):
        reply = conn.reply()
        if not reply.is_sse():
            msg = reply.json()
        else:
            sse = Sse(reply)
            msg = next(m for m in iter(sse.message, None) if "id" in m)
        conn.close()
        return msg

    def call(self, name, /, **arguments):
        return self.end(self.send(name, **arguments))

    def retry(self, name, asked, answer):
        """The call of tool NAME again, with ANSWER to all that was ASKED."""
        return self.end(self.send(name, more={"requestState": asked["requestState"], "inputResponses": {
            key: answer for key in asked["inputRequests"]}}))

    def text(self, name, /, **arguments):
        """The text of a call that must be complete."""
        msg = self.call(name, **arguments)
        equal(msg.get("result", msg).get("resultType"), "complete", msg)
        return text_of(msg["result"])


@case("without session and user: a server is told of no roots, and no call is asked for them")
def _():
    for scope in ("user", "shared"):
        with Daemon({"fake": fake("--ask-start", scope=scope)}) as d:
            for c in (New(d, ALL), New(d, ALL), New(d)):
                equal(c.text("echo", text="x"), "x", "an unrelated first call")
                assert "roots" not in json.loads(c.text("client"))["capabilities"]
                equal(json.loads(c.text("roots"))["error"]["code"], -32601, "during a call")
    with Daemon({"fake": fake("--ask-start")}) as d:
        c = New(d)
        equal(c.text("echo", text="x"), "x", "a client without roots")
        equal(json.loads(c.text("roots"))["error"]["code"], -32601, "during a call")


@case("without session and user: a server that has one client's roots is no other client's, and ends with the request")
def _():
    with Daemon({"fake": fake()}) as d:
        clients = [(New(d, ALL), "file:///of/%s" % name) for name in "abc"]
        for c, uri in clients:
            assert "roots" in json.loads(c.text("client"))["capabilities"]
            pid = int(c.text("pid"))
            equal(json.loads(c.text("seen")).count("initialize"), 1)
            asked = c.call("roots")["result"]
            equal([q["method"] for q in asked["inputRequests"].values()], ["roots/list"])
            assert alive(pid)
            other = New(d, ALL)
            assert int(other.text("pid")) != pid, "the server of a request that waits for its client"
            done = c.retry("roots", asked, {"roots": [{"uri": uri}]})
            assert uri in text_of(done["result"]), done
            wait_until(lambda: not alive(pid), "end of the server that was told of roots")
            assert int(other.text("pid")) != pid


@case("without session: who is one user is asked for roots, and nobody else is")
def _():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "tokens")
        with open(path, "w") as f:
            for user in ("alice", "bob"):
                f.write("%s %s\n" % (hashlib.sha256(("token-of-" + user).encode()).hexdigest(), user))
        os.chmod(path, 0o600)
        with Daemon({"fake": fake()}, auth={"mode": "tokens", "tokensFile": path}) as d:
            a, b = (New(d, ALL, secret("token-of-" + user)) for user in ("alice", "bob"))
            asked = a.call("roots")["result"]
            equal([q["method"] for q in asked["inputRequests"].values()], ["roots/list"])
            assert a.text("pid") != b.text("pid")
            assert "roots" in json.loads(b.text("client"))["capabilities"]


@case("without session: a question that may be another client's is refused, and harms no call")
def _():
    with Daemon({"fake": fake()}) as d:
        a, b = New(d), New(d)
        slow = a.send("slow", seconds=3600)
        wait_until(lambda: json.loads(b.text("seen")).count("tools/call") >= 2, "the call")
        answer = json.loads(b.text("elicit"))
        equal(answer["error"]["code"], -32600, answer)
        assert "several clients" in answer["error"]["message"], answer
        slow.close()
        wait_until(lambda: "notifications/cancelled" in b.text("seen"), "the cancellation")
        # Alone it is its own: the client hears what it would have to declare.
        wait_until(lambda: b.call("elicit").get("error", {}).get("code") == -32021, "the error")


@case("without session: clients who can be asked get their own questions")
def _():
    with Daemon({"fake": fake()}) as d:
        a, b = New(d, ALL), New(d, ALL)
        asked = [c.call("elicit", message=m)["result"] for c, m in ((a, "A?"), (b, "B?"))]
        equal([[q["params"]["message"] for q in r["inputRequests"].values()] for r in asked],
              [["A?"], ["B?"]])


@case("scope user: sessions of one user share a child that asks nobody, roots and their change included")
def _():
    with Daemon({"fake": fake("--ask-start", scope="user")}) as d:
        a, b = Client(d, caps=ALL), Client(d, caps=ALL)
        equal(a.tool("pid"), b.tool("pid"))
        equal(json.loads(a.tool("client"))["capabilities"], {})
        for tool in ("sample", "roots", "elicit"):
            p = b.start_tool(tool)
            assert "error" in json.loads(p.text()) and p.before == []
        a.notify("notifications/roots/list_changed")
        a.tool("echo", text="x")
        assert "notifications/roots/list_changed" not in a.tool("seen")
        equal(json.loads(a.tool("asked"))["error"]["code"], -32601)
        stream = a.get()
        p = b.start_tool("progress", {"steps": 2}, token="b")
        equal((p.text(), [m["params"]["progressToken"] for m in p.before]), ("done", ["b", "b"]))
        b.tool("log")
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


@case("shared: a URI with a NUL is no subscription, and takes nobody else's; arguments are carried")
def _():
    with Daemon({"fake": fake(scope="shared")}) as d:
        a, b = Client(d), Client(d)
        equal(error_of(lambda: a.request("resources/subscribe", {"uri": "test://1\0x"})).code, -32602)
        b.request("resources/subscribe", {"uri": "test://1"})
        equal(json.loads(b.tool("subs")), ["test://1"], "subscriptions")
        stream = b.get()
        b.tool("update", uri="test://1\0x")  # said by the server: of no resource
        b.tool("update", uri="test://1")
        told = stream.message()
        equal((told["method"], told["params"]["uri"]), ("notifications/resources/updated", "test://1"))
        equal(b.tool("echo", text="a\0b"), "a\0b", "what is carried")


@case("a tool with a NUL in its name is left out, and the log names it")
def _():
    with Daemon({"fake": fake(scope="shared")}) as d:
        c = Client(d)
        stream = c.get()
        c.tool("set_tools", names=["evil\0tail", "good"])
        equal(stream.message()["method"], "notifications/tools/list_changed")
        names = [t["name"] for t in c.request("tools/list")["tools"]]
        assert "good" in names and not [n for n in names if "evil" in n], names
        d.wait_log(r"tool evil\?tail is left out: there is a NUL")


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
