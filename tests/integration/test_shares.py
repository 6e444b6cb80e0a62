#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Limits that count for the whole daemon have shares: who has most of the places is refused while there are few, and
nobody else is. Loopback has no share of its own, so the holders are users."""

from harness import *

NOW, PREFIX = "2026-07-28", "io.modelcontextprotocol/"
TOKENS = {"alice": "alices-token-51e0", "bob": "bobs-token-77af"}
for one in TOKENS.values():
    secret(one)
MODERN = {"modern": {"command": sys.executable, "args": [os.path.join(HERE, "modernserver.py")]}}
ELICIT = {"elicitation": {}}
INIT = {"protocolVersion": "2025-11-25", "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"}}
# Of 8 places one holder gets 7: with 7 taken less than a quarter is free.
MOST = 7


def daemon(servers, limits=None, **config):
    # Refusals have their own status as long as no stream has begun.
    return with_tokens(Daemon(servers, limits=dict(limits or {}, upgradeAfter=3600), **config), TOKENS.items())


def request(d, user, method, params, caps=None, token=None, headers=(), http=None):
    """One request of 2026-07-28; the whole reply, or what HTTP (Conn.request) makes of it."""
    meta = {PREFIX + "protocolVersion": NOW, PREFIX + "clientCapabilities": caps or {}}
    if token:
        meta["progressToken"] = token
    return (http or d.http)("POST", "/mcp", [
        ("Content-Type", "application/json"), ("Accept", BOTH), ("MCP-Protocol-Version", NOW),
        ("Mcp-Method", method), ("Authorization", "Bearer " + TOKENS[user]), *headers],
        json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": dict(params, _meta=meta)}))


def call(d, user, name, arguments=None, caps=None, token=None, **more):
    return request(d, user, "tools/call", dict({"name": name, "arguments": arguments or {}}, **more),
                   caps, token, [("Mcp-Name", name)])


def refused(reply, status, key):
    """The refusal names the limit and says when to come back."""
    equal(reply.status, status, "status")
    assert int(reply.header("Retry-After")) > 0, reply.headers
    error = reply.json()["error"]
    assert key in error["message"], error
    return error


def park(d, user):
    """Whether a call that asks its client found a place to wait."""
    reply = call(d, user, "elicit", {"message": "Who?"}, ELICIT)
    if reply.status == 200:
        return reply.json()["result"]
    assert "limits.share" in refused(reply, 429, "limits.maxParked")["message"]
    return None


@case("alice parks all she can; bob still finds a place, and what was refused left nothing behind")
def _():
    with daemon({"fake": fake()}, {"maxParked": 8}) as d:
        parked = []
        while len(parked) < 9:
            got = park(d, "alice")
            if not got:
                break
            parked.append(got)
        equal(len(parked), MOST, "alice's parked calls")
        for _ in range(3):
            equal(park(d, "alice"), None, "one more of alice's")
        got = park(d, "bob")
        assert got, "bob was shut out"
        for result, user in [(r, "alice") for r in parked] + [(got, "bob")]:
            (key, _), = result["inputRequests"].items()
            done = call(d, user, "elicit", {"message": "Who?"}, ELICIT, requestState=result["requestState"],
                        inputResponses={key: {"action": "accept", "content": {"answer": "me"}}})
            assert "accept" in text_of(done.json()["result"])
        assert park(d, "alice"), "there is room again"


@case("states of several rounds that alice used up do not shut bob out")
def _():
    def rounds(user):
        first = call(d, user, "rounds", {"n": 1}, ELICIT).answer()["result"]
        (key, _), = first["inputRequests"].items()
        return call(d, user, "rounds", {"n": 1}, ELICIT, requestState=first["requestState"],
                    inputResponses={key: {"action": "accept", "content": {"x": "1"}}})

    with daemon(MODERN, {"maxStates": 8}) as d:
        for _ in range(MOST):
            equal(rounds("alice").status, 200, "status")
        refused(rounds("alice"), 429, "limits.maxStates")
        equal(rounds("bob").status, 200, "bob's status")
        refused(rounds("bob"), 503, "limits.maxStates")


@case("requests with ever new capabilities keep a bounded number of servers and children")
def _():
    with daemon({"fake": fake()}, {"maxRequestServers": 8}) as d:
        bobs = text_of(call(d, "bob", "pid", caps=ELICIT).answer()["result"])
        for n in range(20):
            caps = {"elicitation": {}, "experimental": {"n%d" % n: {}}}
            equal(call(d, "alice", "echo", {"text": "x"}, caps).status, 200, "status")
            # Each idle server has a child; one more may be of the daemon itself.
            wait_until(lambda: len(d.children()) <= 9, "the children of old servers to end")
        equal(text_of(call(d, "bob", "pid", caps=ELICIT).answer()["result"]), bobs, "bob's child")


@case("all that wait at once: alice's requests that may ask have most of the servers, bob gets one")
def _():
    with daemon({"fake": fake()}, {"maxRequestServers": 8}) as d:
        assert all(park(d, "alice") for _ in range(MOST))
        refused(call(d, "alice", "elicit", {"message": "?"}, ELICIT), 429, "limits.maxRequestServers")
        assert park(d, "bob")
        refused(call(d, "bob", "elicit", {"message": "?"}, ELICIT), 503, "limits.maxRequestServers")


def client(d, user, **keys):
    return Client(d, bearer=TOKENS[user], **keys)


def fails(fn, code, *words):
    """FN ends with a JSON-RPC error of this code, which says all of WORDS."""
    try:
        fn()
    except RpcError as e:
        equal(e.code, code, "code")
        for word in words:
            assert word in e.message, e.message
        return
    raise AssertionError("no error")


@case("alice's sessions have most of the children, of one server and in all; bob gets his")
def _():
    for server, limits, key in ((tiny(maxChildren=8), {}, "maxChildren of server tiny"),
                                (tiny(), {"maxChildren": 8}, "limits.maxChildren")):
        with daemon({"tiny": server}, limits) as d:
            d.wait_children(0)
            alices = [client(d, "alice") for _ in range(MOST + 1)]
            for c in alices[:MOST]:
                c.tool("pid")
            fails(lambda: alices[-1].tool("pid"), -32603, key, "limits.share")
            bob = client(d, "bob")
            bob.tool("pid")
            alices[0].tool("pid")  # who works is left alone
            alices[0].delete()
            d.wait_children(MOST)
            fails(lambda: alices[-1].tool("pid"), -32603, key)
            alices[1].delete()
            d.wait_children(MOST - 1)
            alices[-1].tool("pid")


@case("alice opens all the sessions she can; bob still opens one")
def _():
    with daemon({"tiny": tiny()}, sessions={"max": 8}) as d:
        alices = [client(d, "alice") for _ in range(MOST)]
        for _ in range(3):
            c = client(d, "alice", start=False)
            reply = c.post(c.message("initialize", INIT), Mcp_Session_Id=None)
            assert "limits.share" in refused(reply, 429, "sessions.max")["message"]
        client(d, "bob").request("ping")
        c = client(d, "bob", start=False)
        refused(c.post(c.message("initialize", INIT), Mcp_Session_Id=None), 503, "sessions.max")
        alices[0].delete()
        client(d, "bob").request("ping")


@case("alice's streams and slow calls have most of the places; bob gets his, and her session can be closed")
def _():
    with daemon({"fake": fake()}, {"maxRequests": 8}) as d:
        a = client(d, "alice")
        a.tool("pid")
        held = [a.begin_tool("hang") for _ in range(3)]
        wait_until(lambda: d.ctl("session.show", id=a.sid)["calls"] == 3, "the calls")
        held += [a.get() for _ in range(3)]
        held.append(Sse(request(d, "alice", "subscriptions/listen",
                                {"notifications": {"toolsListChanged": True}}, http=Conn(d.addr).request)))
        held[-1].message()
        reply = Conn(d.addr).request("GET", "/mcp", a.headers(Accept="text/event-stream", Content_Type=None))
        assert "limits.share" in refused(reply, 429, "limits.maxRequests")["message"]
        refused(request(d, "alice", "tools/list", {}), 429, "limits.maxRequests")
        refused(a.post(a.message("ping")), 429, "limits.maxRequests")
        equal(request(d, "bob", "tools/list", {}).status, 200, "bob's status")
        a.notify("notifications/initialized")
        a.delete()
        wait_until(lambda: request(d, "alice", "tools/list", {}).status == 200, "alice's places")


@case("what a session keeps of its client is bounded: clientInfo, capabilities and URIs together")
def _():
    with daemon({"fake": fake()}, {"maxSessionBytes": 4096}, store=True) as d:
        for part in ({"clientInfo": {"name": "x" * 4096, "version": "1"}},
                     {"capabilities": {"experimental": {"x": {"y": "z" * 4096}}}}):
            c = client(d, "alice", start=False)
            reply = c.post(c.message("initialize", dict(INIT, **part)), Mcp_Session_Id=None)
            error = reply.json()["error"]
            equal(error["code"], -32602, "code")
            assert "limits.maxSessionBytes" in error["message"], error
            assert reply.header("Mcp-Session-Id") is None
        c = client(d, "alice")
        uris = ["test://1%s%d" % ("x" * 1100, n) for n in range(4)]
        for uri in uris[:3]:
            c.request("resources/subscribe", {"uri": uri})
        fails(lambda: c.request("resources/subscribe", {"uri": uris[3]}), -32602, "limits.maxSessionBytes")
        c.request("resources/subscribe", {"uri": uris[0]})  # it has that one
        c.request("resources/unsubscribe", {"uri": uris[1]})
        c.request("resources/subscribe", {"uri": uris[3]})
        equal(len(d.ctl("session.show", id=c.sid)["subscriptions"]), 3, "subscriptions")


@case("40 sessions that say a lot of themselves keep nothing of what was refused")
def _():
    # As much as is looked into, and as much as a body may have.
    sizes = (((1 << 20) - 4096, "limits.maxSessionBytes"), ((4 << 20) - 4096, "limits.maxTree"))
    parts = [(part, key) for n, key in sizes for part in (
        {"clientInfo": {"name": "x" * n, "version": "1"}}, {"capabilities": {"experimental": {"x": {"y": "z" * n}}}})]
    with daemon({"fake": fake(scope="shared")}, store=True) as d:
        clients = [client(d, "alice") for _ in range(40)]
        clients[0].tool("pid")
        before = rss(d.pid)
        for c in clients:
            for part, key in parts:
                error = c.post(c.message("initialize", dict(INIT, **part)), Mcp_Session_Id=None).json()["error"]
                equal(error["code"], -32602, "code")
                assert key in error["message"], error
            for n, key in sizes:
                fails(lambda: c.request("resources/subscribe", {"uri": "test://1" + "x" * n}), -32602, key)
        equal(d.sessions(), 40, "sessions")
        # Kept, they were 480 MiB. A request of 4 MiB takes some times its size while it is read.
        if not sanitized():
            assert rss(d.pid) - before < 96 << 10, "%d KiB more" % (rss(d.pid) - before)


@case("the bytes written per subscribe, unsubscribe and log level do not grow with the number of subscriptions")
def _():
    most, uri = 256 << 10, "test://1" + 1600 * "x"
    with daemon({"fake": fake()}, {"maxSessionBytes": most}, store=True) as d:
        def stored():
            folder = os.path.join(d.dir, "state")
            return sum(os.path.getsize(os.path.join(folder, n)) for n in os.listdir(folder)
                       if n in ("mcpd.db", "mcpd.db-wal"))

        def costs(fn, *args):
            before = stored()
            fn(*args)
            return stored() - before

        def most_of(method, numbers):
            return max(costs(c.request, "resources/" + method, {"uri": uri + str(n)}) for n in numbers)

        c = client(d, "alice", name="n" * (most // 4))
        c.tool("pid")
        first, last = most_of("subscribe", range(8)), most_of("subscribe", range(8, 112))
        # Less than 16 MiB are written, so the log of the database only grows: by whole pages of 4 KiB, for the row
        # and for the tree of rows. The record as a whole, with clientInfo, would be 64 KiB and more.
        assert 0 < first < 32 << 10, first
        assert last <= first + (16 << 10), (first, last)
        for n in range(112, 200):
            try:
                c.request("resources/subscribe", {"uri": uri + str(n)})
            except RpcError as e:
                assert "limits.maxSessionBytes" in e.message, e.message
                break
        assert 112 < n < 199, n
        for _ in range(3):
            equal(costs(fails, lambda: c.request("resources/subscribe", {"uri": uri + "more"}), -32602,
                        "limits.maxSessionBytes"), 0, "bytes in the store after what was refused")
        level = max(costs(c.request, "logging/setLevel", {"level": level}) for level in ("error", "debug", "info"))
        assert 0 < level <= first, (first, level)
        gone = most_of("unsubscribe", range(0, n, 7))
        assert 0 < gone <= first + (16 << 10), (first, gone)


@case("subscribing to all one can at a time gets no further than one after the other")
def _():
    with daemon({"fake": fake()}, {"maxSubscriptions": 2}) as d:
        c = client(d, "alice")
        c.tool("pid")
        begun = [c.begin("resources/subscribe", {"uri": "test://%d" % n}) for n in range(8)]
        codes = [c.end(b).response().get("error", {}).get("code", 0) for b in begun]
        equal(sorted(codes), [-32603] * 6 + [0, 0], "codes")
        equal(len(d.ctl("session.show", id=c.sid)["subscriptions"]), 2, "subscriptions")


@case("a client of 2026-07-28: long capabilities are not kept, long lists of names are not subscribed to")
def _():
    with daemon({"fake": fake()}, {"maxSessionBytes": 4096}) as d:
        long = {"elicitation": {}, "experimental": {"x": {"y": "z" * 4096}}}
        error = call(d, "alice", "pid", caps=long).answer()["error"]
        equal(error["code"], -32602, "code")
        assert "limits.maxSessionBytes" in error["message"], error
        filter_ = {"resourceSubscriptions": ["test://1%s%d" % ("x" * 1000, n) for n in range(5)]}
        error = request(d, "alice", "subscriptions/listen", {"notifications": filter_}).json()["error"]
        equal(error["code"], -32602, "code")
        assert "limits.maxSessionBytes" in error["message"], error


@case("ids and progress tokens are identifiers, not data")
def _():
    with daemon({"fake": fake()}) as d:
        c = client(d, "alice")
        reply = c.post(c.message("ping", ident="i" * 1025))
        equal(reply.error(), (400, -32600), "status and code")
        equal(c.post(c.message("ping", ident="i" * 1024)).json()["result"], {})
        fails(lambda: c.request("tools/list", {}, token="t" * 1025), -32602, "progressToken")
        c.request("tools/list", {}, token="t" * 1024)
        error = call(d, "alice", "pid", token="t" * 1025).answer()["error"]
        equal(error["code"], -32602, "code")


run()
