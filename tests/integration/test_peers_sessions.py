#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""What broke other gateways: sessions. The numbers are those of the reports in our collection of
complaints; each name says what went wrong there."""

from harness import *


def abandon(d, n):
    """N clients that say one thing and are never heard of again."""
    for _ in range(n):
        c = Client(d)
        c.request("ping")
        c.close()


INITIALIZE = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
    "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}}


@case("peer 10: abandoned sessions were never reaped, 10,593 of them")
def _():
    with Daemon({"fake": tiny()}, sessions={"idleTimeout": 2}) as d:
        sizes = []
        for _ in range(4):
            abandon(d, 250)
            wait_until(lambda: d.sessions() == 0, "end of the sessions")
            sizes.append(rss(d.pid))
        fds = descriptors(d.pid)
        assert fds < 60, "%d descriptors" % fds
        if not sanitized():
            assert sizes[-1] - sizes[0] < 512, "resident memory in KiB: %s" % sizes


@case("peer 11: the event store grew until memory ran out, in one session that listed tools")
def _():
    limits = {"replayEvents": 40, "replayBytes": 100000}
    with Daemon({"fake": fake("--tools", 50)}, limits=limits) as d:
        c = Client(d)
        c.request("tools/list")
        sizes = []
        for _ in range(4):
            for _ in range(250):  # a client that takes event streams only, each with two events
                assert c.start("tools/list", conn=c.own_conn(), Accept="text/event-stream").result()
            sizes.append(rss(d.pid))
            shown = d.ctl("session.show", id=c.sid)
            assert 0 < shown["replayEvents"] <= 40, shown
            assert 0 < shown["replayBytes"] <= 100000, shown
        if not sanitized():
            assert sizes[-1] - sizes[0] < 512, "resident memory in KiB: %s" % sizes


@case("peer 12: a second client, or one that came back, crashed the process")
def _():
    with Daemon({"fake": fake()}) as d:
        clients = [Client(d, rev=rev) for rev in REVISIONS]
        streams = [c.get() for c in clients]
        for c in clients:
            c.tool("counter")
        for i, c in enumerate(clients):
            equal(c.tool("counter"), "2", "counter of the client's own server")
            equal(c.request("ping"), {}, "ping")
            assert streams[i].comment()
        first = clients[0]
        for _ in range(3):  # it comes back as a new one, the old session still being there
            again = Client(d)
            equal(again.tool("counter"), "1", "counter")
        equal(first.tool("counter"), "3", "counter of the old session")
        equal(d.sessions(), len(REVISIONS) + 3, "sessions")


@case("peer 13: a second GET stream killed the child of the session")
def _():
    with Daemon({"fake": fake()}, limits={"maxStreams": 3}) as d:
        d.wait_children(0)
        c = Client(d)
        pid = c.tool("pid")
        streams = [c.get() for _ in range(3)]
        for s in streams:
            s.comment()
        equal(c.tool("pid"), pid, "child")
        streams += [c.get() for _ in range(2)]  # more than allowed: the oldest ones give way
        for s in streams[:2]:
            while s.next():
                pass
        c.tool("set_tools", names=["extra"])
        equal(streams[4].message()["method"], "notifications/tools/list_changed", "notification")
        equal(d.ctl("session.show", id=c.sid)["streams"], 3, "streams")
        equal(c.tool("pid"), pid, "child")
        equal(len(d.children()), 1, "children")


@case("peer 13: a GET that replaces a dead one gets what comes next")
def _():
    with Daemon({"fake": fake()}) as d:
        c = Client(d)
        pid = c.tool("pid")
        for _ in range(5):
            stream = c.get()
            stream.comment()
            stream.reply.conn.reset()
        wait_until(lambda: d.ctl("session.show", id=c.sid)["streams"] == 0, "the streams to go")
        stream = c.get()
        c.tool("set_tools", names=["extra"])
        equal(stream.message()["method"], "notifications/tools/list_changed", "notification")
        equal(c.tool("pid"), pid, "child")


@case("peer 14: a client that left in the middle of an answer took the whole gateway with it")
def _():
    with Daemon({"fake": fake()}) as d:
        other = Client(d)
        pid = other.tool("pid")
        c = Client(d)
        for n in range(20):
            p = c.start_tool("progress", {"steps": 20, "delay": 0.005}, token=n)
            p.next()
            p.reply.conn.reset()
            conn, _ = c.begin_tool("big", {"bytes": 3000000})
            conn.exactly(100)
            conn.reset()
            conn, _ = c.begin_tool("echo")
            conn.reset()
            equal(other.request("ping"), {}, "ping of another client")
        equal(c.tool("echo", text="still there"), "still there", "answer")
        equal(other.tool("pid"), pid, "child")


@case("peer 14: a client that does not read is cut, and holds nobody up")
def _():
    with Daemon({"fake": fake()}, limits={"maxBacklog": 65536}) as d:
        c, other = Client(d), Client(d)
        conn, _ = c.begin_tool("flood", {"count": 100000})
        wait_until(lambda: d.ctl("session.show", id=c.sid)["streams"] == 0 and
                   d.ctl("session.show", id=c.sid)["calls"] == 0, "the client to be cut")
        equal(other.tool("echo", text="hi"), "hi", "answer to another client")
        equal(c.tool("echo", text="hi"), "hi", "answer on another connection")
        conn.close()


@case("peer 15: after a restart, unknown sessions were answered 400 or 503, and clients waited")
def _():
    with Daemon({"fake": tiny()}) as d:
        c = Client(d)
        c.tool("echo")
        d.stop()
        d.start()
        for method in ("POST", "GET", "DELETE"):
            reply = d.http(method, "/mcp", c.headers(), json.dumps(c.message("ping"))
                           if method == "POST" else None)
            equal(reply.error(), (404, -32001), method)
        c.own_conn().close()
        c.sid = c.negotiated = None  # what a client does then
        c.initialize()
        c.tool("echo")


@case("peer 15: one transient 404 disconnected a client: overload is 503 with Retry-After")
def _():
    for sessions, text in (({"max": 2}, "sessions.max"), ({"maxPerPeer": 2}, "sessions.maxPerPeer")):
        with Daemon({"fake": tiny()}, sessions=sessions) as d:
            a, b = Client(d), Client(d)
            late = Client(d, start=False)
            reply = late.post(late.message("initialize", {
                "protocolVersion": "2025-11-25", "capabilities": {},
                "clientInfo": {"name": "x", "version": "1"}}))
            equal(reply.error(), (503, -32000), "answer")
            assert int(reply.header("Retry-After")) > 0
            assert text in reply.json()["error"]["message"], reply.body
            a.tool("echo")  # nobody who is there is pushed out
            b.tool("echo")
            equal(d.sessions(), 2, "sessions")
            b.delete()
            late.initialize()


@case("peer 15: while it shuts down, clients get 503 with Retry-After, not 404")
def _():
    with Daemon({"fake": fake("--ignore-term", "--ignore-eof")}) as d:
        c = Client(d)
        c.tool("pid")
        conn = c.own_conn()
        d.proc.send_signal(signal.SIGTERM)
        d.wait_log("^All transports closed")  # the child is still alive, so the daemon is
        try:
            reply = c.post(c.message("ping"), conn)
            equal(reply.error(), (503, -32000), "answer")
            assert int(reply.header("Retry-After")) > 0
        except (EOFError, OSError):
            pass  # the connection was closed: that is an answer that clients try again after, too
        d.stop(None)


@case("peer 16: the server was restarted, and its dead session was used for ever")
def _():
    with Daemon({"fake": fake("--state", "state")}) as d:
        d.wait_children(0)
        c = Client(d)
        pids = [int(c.tool("pid"))]
        for _ in range(3):
            os.kill(pids[-1], signal.SIGKILL)
            wait_until(lambda: proc_stat(pids[-1]) is None, "end of the child")
            pids.append(int(c.tool("pid")))
            equal(json.loads(c.tool("seen"))[0], "initialize", "the first that the fresh child saw")
        equal(len(set(pids)), 4, "children")
        assert c.request("tools/list")["tools"]


@case("peer 16: a call that had been sent was sent again to the next child")
def _():
    with Daemon({"fake": fake("--state", "state")}) as d:
        c = Client(d)
        c.tool("pid")
        try:
            c.tool("crash")
            raise AssertionError("answered")
        except RpcError as e:
            equal(e.code, -32603, "code")
        calls = [m for m in json.loads(c.tool("seen")) if m == "tools/call"]
        equal(len(calls), 1, "calls that the fresh child saw: only the question itself")


@case("peer 16: the shared server was restarted by the operator, and every client lost it")
def _():
    with Daemon({"fake": fake(scope="shared")}) as d:
        clients = [Client(d) for _ in range(3)]
        before = {c.tool("pid") for c in clients}
        equal(len(before), 1, "children")
        d.mcpctl("backend", "restart", "fake")
        after = {c.tool("pid") for c in clients}
        equal(len(after), 1, "children after the restart")
        assert before != after


@case("peer 16: a child that was stopped for being idle comes back")
def _():
    with Daemon({"fake": fake(idleStop=0.2)}, verbose=1) as d:
        d.wait_children(0)
        c = Client(d)
        pid = int(c.tool("pid"))
        wait_until(lambda: proc_stat(pid) is None, "end of the idle child")
        assert c.request("tools/list")["tools"], "the lists are served from memory"
        equal(d.children(), [], "children")
        assert int(c.tool("pid")) != pid


@case("peer 18: lifetime was absolute and cut sessions that worked")
def _():
    with Daemon({"fake": fake()}, sessions={"idleTimeout": 2}) as d:
        streaming, calling, asking = Client(d), Client(d), Client(d)
        stream = streaming.get()
        call = calling.begin_tool("hang")
        for _ in range(4):  # four times as long as an idle session lives
            sentinel = Client(d)
            while True:
                asking.request("ping")  # each request counts anew
                if any(sentinel.sid in l for l in d.lines() if l.startswith("Session closed")):
                    break
                select.select([], [], [], 0.05)
        equal(d.sessions(), 3, "sessions")
        for c in (streaming, calling, asking):
            equal(c.request("ping"), {}, "ping")
        stream.close()
        call[0].reset()  # no cancellation: the call goes on
        for c in (streaming, asking):
            d.wait_log("^Session closed: " + c.sid)
        equal(calling.request("ping"), {}, "ping of the session with a call in flight")
        calling.notify("notifications/cancelled", {"requestId": call[1]})
        d.wait_log("^Session closed: " + calling.sid)


@case("peer 18: five minutes were too short: the default is 30 minutes, and 0 is for ever")
def _():
    for text, wanted in (("{}", 1800), ('{"sessions":{"idleTimeout":0}}', 0)):
        status, out, err = run_mcpd(text, "-n")
        equal(status, 0, err)
        equal(json.loads(out)["sessions"]["idleTimeout"], wanted, "idleTimeout")


@case("peer 19: a client that never sends the session id back was of no use, and left a session each time")
def _():
    plain = [("Content-Type", "application/json"), ("Accept", BOTH)]
    listing = {"jsonrpc": "2.0", "id": 2, "method": "tools/list", "params": {}}
    with Daemon({"fake": fake()}, sessions={"idleTimeout": 3}) as d:
        other = Client(d)
        get = other.get()  # whoever is there stays
        for _ in range(3):
            reply = d.http("POST", "/mcp", plain, json.dumps(INITIALIZE))
            equal(reply.status, 200, "status of initialize")
            assert reply.header("Mcp-Session-Id")
            # The revision asks for 400, and the reason is told; 404 would begin the next session.
            reply = d.http("POST", "/mcp", plain, json.dumps(listing))
            equal(reply.error(), (400, -32000), "status and code")
            assert "Mcp-Session-Id" in reply.json()["error"]["message"]
        # What it left behind goes by itself, and nobody else with it.
        d.wait_log(r"^Session closed: ", count=3)
        equal(other.request("ping"), {})
        equal(d.sessions(), 1, "sessions")
        # In the revision without sessions the same client is served, whatever it sends for one.
        envelope = {"_meta": {"io.modelcontextprotocol/protocolVersion": "2026-07-28",
                              "io.modelcontextprotocol/clientCapabilities": {}}}
        for more in ([], [("Mcp-Session-Id", "of another server")]):
            reply = d.http("POST", "/mcp", plain + more + [
                ("MCP-Protocol-Version", "2026-07-28"), ("Mcp-Method", "tools/list")],
                json.dumps(dict(listing, params=envelope)))
            equal(reply.status, 200, "status")
            assert reply.json()["result"]["tools"] and reply.header("Mcp-Session-Id") is None
        equal(d.sessions(), 1, "sessions")
        get.close()


@case("peer 20: a client that numbers every request 1 got the answers of others")
def _():
    with Daemon({"fake": fake()}) as d:
        c = Client(d)
        begun = [(n, c.begin_tool("slow" if n == 0 else "echo", {"seconds": 0.3, "text": str(n)},
                                  ident=1)) for n in range(10)]
        for n, b in reversed(begun):
            equal(c.end(b).text(), "slept" if n == 0 else str(n), "answer")


@case("peer 20: the same ids in sessions that share a child: one got the digest of another")
def _():
    with Daemon({"fake": fake(scope="shared")}) as d:
        clients = [Client(d) for _ in range(5)]
        begun = [(c, "%d-%d" % (i, ident), c.begin_tool("echo", {"text": "%d-%d" % (i, ident)},
                                                        ident=ident))
                 for ident in (1, 1, 2) for i, c in enumerate(clients)]
        for c, text, b in begun:
            equal(c.end(b).text(), text, "answer")
        equal(len({c.tool("pid") for c in clients}), 1, "children")


@case("peer 20: a server that answers twice, or under other ids, reaches nobody else")
def _():
    with Daemon({"fake": fake(scope="shared")}) as d:
        a, b = Client(d), Client(d)
        for tool, wanted in (("double", "first"), ("wrongid", "right"), ("unknown", "right")):
            begun = [a.begin_tool(tool, ident=1), b.begin_tool("echo", {"text": "b"}, ident=1)]
            equal(a.end(begun[0]).text(), wanted, tool)
            equal(b.end(begun[1]).text(), "b", "the other client's answer")


@case("peer 20: duplicate ids in flight: cancelling one of them stops none by mistake")
def _():
    with Daemon({"fake": fake()}) as d:
        c = Client(d)
        c.tool("pid")
        begun = [c.begin_tool("slow", {"seconds": 0.5}, ident=1) for _ in range(2)]
        wait_until(lambda: d.ctl("session.show", id=c.sid)["calls"] == 2, "the calls")
        c.notify("notifications/cancelled", {"requestId": 1})
        for b in begun:
            equal(c.end(b).text(), "slept", "answer")


@case("peer 21: clients that shared a child saw each other's state")
def _():
    with Daemon({"fake": fake()}) as d:
        a, b = Client(d), Client(d)
        equal([a.tool("counter"), a.tool("counter"), b.tool("counter"), a.tool("counter")],
              ["1", "2", "1", "3"], "counters")
        assert a.tool("pid") != b.tool("pid")


@case("peer 21: with scope shared they share the child and nothing else")
def _():
    with Daemon({"fake": fake(scope="shared")}) as d:
        a, b = Client(d), Client(d)
        equal([a.tool("counter"), b.tool("counter")], ["1", "2"], "counters: that is what shared is")
        streams = a.get(), b.get()
        a.request("resources/subscribe", {"uri": "test://1"})
        b.request("resources/subscribe", {"uri": "test://2"})
        pa = a.start_tool("progress", {"steps": 3}, token="t", ident=1)
        pb = b.start_tool("progress", {"steps": 5}, token="t", ident=1)
        equal((pa.text(), pb.text()), ("done", "done"), "answers")
        for p, steps in ((pa, 3), (pb, 5)):
            equal([(m["params"]["progressToken"], m["params"]["total"]) for m in p.before],
                  [("t", steps)] * steps, "progress")
        for uri in ("test://1", "test://2"):
            b.tool("update", uri=uri)
        for stream, uri in zip(streams, ("test://1", "test://2")):
            equal(stream.message()["params"]["uri"], uri, "update")
        a.delete()
        equal(json.loads(b.tool("subs")), ["test://2"], "subscriptions that are left")


@case("peer 23: proxies cut streams that were silent: a comment at once, then again and again")
def _():
    with Daemon({"fake": fake()}, limits={"keepAlive": 0.2, "upgradeAfter": 0.2}) as d:
        c = Client(d)
        stream = c.get()
        equal(stream.next().comment is not None, True, "a comment comes first")
        call = c.start_tool("hang")  # a head, although there is no answer yet
        equal(call.sse.next().comment is not None, True, "a comment comes first")
        for sse in (stream, call.sse):
            for _ in range(3):
                sse.comment()
        call.close()
        stream.close()


@case("peer 23: the default keep-alive is between 15 and 25 seconds")
def _():
    status, out, err = run_mcpd("{}", "-n")
    equal(status, 0, err)
    assert 15 <= json.loads(out)["limits"]["keepAlive"] <= 25, out


run()
