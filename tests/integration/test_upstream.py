#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""HTTP servers behind the daemon, of the legacy revisions, that lose sessions, break off, redirect, and
answer in awkward ways."""

import contextlib

from fakeupstream import *
from harness import *


def daemon(up, **keys):
    return Daemon({"up": up.backend(**keys)})


def broken(fn):
    """The text of the error that FN ends with."""
    try:
        got = fn()
    except RpcError as e:
        equal(e.code, -32603, "code")
        return e.message
    raise AssertionError("no error but %r" % (got,))


def ready(d, name="up"):
    wait_until(lambda: state(d, name)["state"] == "ready", "backend %s" % name)


def state(d, name="up"):
    return next(r for r in d.ctl("backends.list") if r["name"] == name)


# --- sessions --------------------------------------------------------------------------------------

LOST = {
    "404": lambda req: req.reply(404),
    "404 with -32001": lambda req: req.reply(404, {"jsonrpc": "2.0", "id": None, "error": {
        "code": -32001, "message": "Session not found"}}),
    "400 of the TypeScript examples": lambda req: req.reply(400, {
        "jsonrpc": "2.0", "id": None,
        "error": {"code": -32000, "message": "Bad Request: No valid session ID provided"}}),
    "400 of a fresh transport": lambda req: req.reply(400, {
        "jsonrpc": "2.0", "id": None,
        "error": {"code": -32000, "message": "Bad Request: Server not initialized"}}),
    "400 of the Python SDK": lambda req: req.reply(400, {
        "jsonrpc": "2.0", "id": "server-error",
        "error": {"code": -32600, "message": "Bad Request: No valid session ID provided"}}),
    "400 as text": lambda req: req.reply(400, "Invalid session ID", "text/plain"),
    "200 with an error": lambda req: req.error(200, -32001, "Session not found")
    if req.method != "tools/call" else req.reply(404),
}


def lost_case(name, answer):
    @case("case_16_upstream_lost_the_session: " + name)
    def _():
        with Upstream() as up:
            up.lost = answer
            up.capabilities["resources"] = {"subscribe": True}
            with daemon(up) as d:
                c = Client(d)
                equal(c.tool("echo", text="one"), "one")
                c.request("resources/subscribe", {"uri": "x://1"})
                before = up.count("initialize")
                up.forget()
                # The client hears nothing of it: neither for a call nor for a list of resources.
                equal(c.tool("echo", text="two"), "two")
                equal(c.request("resources/read", {"uri": "x://1"})["contents"][0]["text"], "read")
                equal(up.count("initialize"), before + 1, "how often it was initialised again")
                # What was set up in the old session is set up in the new one.
                new = up.wait("tools/call", fn=lambda r: r.session in up.sessions).session
                up.wait("notifications/initialized", fn=lambda r: r.session == new)
                up.wait("resources/subscribe", fn=lambda r: r.session == new)
                up.wait("GET", fn=lambda r: r.session == new)
                c.delete()


for lost_name, lost_answer in LOST.items():
    lost_case(lost_name, lost_answer)


@case("case_16_one_renewal_for_many_calls, and none of them runs twice")
def _():
    with Upstream() as up:
        runs = []
        up.tool("count")(lambda req: (runs.append(req.id), req.text("done")))
        with daemon(up) as d:
            c = Client(d)
            c.tool("count")
            runs.clear()
            before = up.count("initialize")
            up.forget()
            begun = [c.begin_tool("count") for _ in range(20)]
            for b in begun:
                equal(c.end(b).text(), "done")
            equal(len(runs), 20, "runs")
            equal(up.count("initialize"), before + 1, "how often it was initialised again")


@case("case_16_the_upstream_restarts: the next call works, and so do notifications")
def _():
    with Upstream() as up:
        up.capabilities["resources"] = {"subscribe": True}
        with daemon(up) as d:
            c = Client(d)
            c.tool("echo", text="x")
            c.request("resources/subscribe", {"uri": "x://1"})
            session = up.wait("tools/call").session
            up.wait("GET", fn=lambda r: r.session == session)
            up.restart()
            # Nobody calls: the standalone stream finds out.
            new = up.wait("resources/subscribe", fn=lambda r: r.session != session).session
            up.wait("GET", fn=lambda r: r.session == new)
            stream = wait_until(lambda: next((s for s in up.streams if s.req.session == new), None),
                                "the new stream")
            get = c.get()
            stream.notify("notifications/resources/updated", {"uri": "x://1"})
            equal(get.message()["params"], {"uri": "x://1"})
            get.close()
            equal(c.tool("echo", text="y"), "y")


for relisted_scope in ("shared", "session"):
    @case("case_16_the_upstream_restarts with other tools: they are listed, scope " + relisted_scope)
    def _(scope=relisted_scope):
        with Upstream() as up:
            with daemon(up, scope=scope) as d:
                c = Client(d)
                equal(c.tool("echo", text="x"), "x")
                up.wait("GET", fn=lambda r: r.session == up.wait("tools/call").session)
                up.tool("fresh")(lambda req: req.text("new"))
                up.restart()
                # The client hears of it, and nobody asks.
                wait_until(lambda: "fresh" in [t["name"] for t in c.request("tools/list")["tools"]],
                           "the tool of the restarted upstream")
                equal(c.tool("fresh"), "new")


def restarts_before_the_stream(times):
    @case("case_16_the_upstream_restarts before it has answered the GET, %d connections close under it: "
          "the session is opened again all the same" % times)
    def _():
        with Upstream() as up:
            up.capabilities["resources"] = {"subscribe": True}
            with daemon(up) as d:
                up.wait_stream()  # that of the daemon's own session
                subscribed, drops = threading.Event(), []

                def die(req):
                    if req.verb != "GET" or len(drops) == times:
                        return False
                    assert subscribed.wait(TIMEOUT)
                    up.forget()
                    drops.append(req)
                    req.drop()
                    return True
                up.hook = die
                c = Client(d)
                c.tool("echo", text="x")
                c.request("resources/subscribe", {"uri": "x://1"})
                session = up.wait("tools/call").session
                subscribed.set()
                # Nobody calls: the next attempt finds out.
                new = up.wait("resources/subscribe", fn=lambda r: r.session != session).session
                up.wait("GET", fn=lambda r: r.session == new)
                equal(len(drops), times, "connections closed")
                equal(up.count("resources/subscribe"), 2, "subscriptions")


# libcurl sends it again by itself where the connection was not new; the next time it does not.
restarts_before_the_stream(1)
restarts_before_the_stream(2)


@case("case_16_the_session_cannot_be_opened_again: an error, and a fresh start when it can")
def _():
    with Upstream() as up:
        with daemon(up) as d:
            c = Client(d)
            c.tool("echo", text="x")
            up.forget()
            up.hook = lambda req: req.method == "initialize" and (req.reply(503), True)[1]
            assert "could not be opened again" in broken(lambda: c.tool("echo", text="y"))
            up.hook = None

            def works():
                try:
                    return c.tool("echo", text="z") == "z"
                except RpcError:
                    return False
            wait_until(works, "the upstream works again")


@case("case_17_one_of_several_upstream_sessions_expires: nobody notices")
def _():
    with Upstream() as a, Upstream() as b:
        with Daemon({"a": a.backend(), "b": b.backend()}) as d:
            c = Client(d)
            for name in ("a", "b"):
                equal(c.tool(name + "__echo", text=name), name)
            streams = {}
            for name, up in (("a", a), ("b", b)):
                session = up.wait("tools/call").session
                streams[name] = up.wait("GET", fn=lambda r: r.session == session)
            before = b.count("initialize")
            a.forget()  # its streams stay open: nothing tells of the end
            for name in ("b", "a", "b", "a"):
                equal(c.tool(name + "__echo", text=name), name)
            equal(b.count("initialize"), before, "initialisations of the other")
            # The session is whole: both are heard, over the streams that are the right ones now.
            new = a.wait("tools/call", fn=lambda r: r.session in a.sessions).session
            a.wait("GET", fn=lambda r: r.session == new)
            equal(d.sessions(), 1, "sessions")
            c.delete()
            a.wait("DELETE", fn=lambda r: r.session == new)
            b.wait("DELETE", fn=lambda r: r.session == streams["b"].session)


@case("case_9_dead_upstreams: initialize and the others work, and the dead are told of")
def _():
    with Upstream() as good, Upstream() as slow, Upstream() as dead:
        slow.hook = lambda req: (req.gone(), True)[1]
        dead.stop()
        with Daemon({"good": good.backend(), "slow": slow.backend(), "dead": dead.backend()},
                    limits={"learnWait": 0.2}) as d:
            c = Client(d)
            ready(d, "good")
            equal([t["name"] for t in c.request("tools/list")["tools"]], ["good__echo"])
            equal(c.tool("good__echo", text="x"), "x")
            wait_until(lambda: state(d, "dead")["state"] == "failed", "the dead one is told of")
            assert "cannot be reached" in state(d, "dead")["reason"], state(d, "dead")
            # They come back by themselves.
            dead.start()
            ready(d, "dead")
            equal(c.tool("dead__echo", text="y"), "y")


@case("a session ends with DELETE, and the probe's too")
def _():
    with Upstream() as up:
        with daemon(up) as d:
            c = Client(d)
            c.tool("echo", text="x")
            session = up.wait("tools/call").session
            c.delete()
            up.wait("DELETE", fn=lambda r: r.session == session)
            wait_until(lambda: not up.sessions, "all sessions are over")


@case("nothing overtakes notifications/initialized")
def _():
    with Upstream() as up:
        go = threading.Event()
        up.hook = lambda req: req.method == "notifications/initialized" and not go.wait(TIMEOUT)
        with Daemon({"up": up.backend()}, limits={"learnWait": 0.2}) as d:
            up.wait("notifications/initialized")
            c = Client(d)
            equal([r.method or r.verb for r in up.seen if r.method != "server/discover"],
                  ["initialize", "notifications/initialized"])
            go.set()
            ready(d)
            equal(c.tool("echo", text="x"), "x")


# --- cancellation ------------------------------------------------------------------------------------

@case("a legacy client cancels: the upstream hears of it, and the answer's connection is closed")
def _():
    with Upstream() as up:
        closed = threading.Event()
        up.tool("hang")(lambda req: (req.sse(), req.gone(), closed.set()))
        with daemon(up) as d:
            c = Client(d)
            conn, ident = c.begin_tool("hang")
            asked = up.wait("tools/call", fn=lambda r: r.params["name"] == "hang")
            c.notify("notifications/cancelled", {"requestId": ident, "reason": "enough"})
            told = up.wait("notifications/cancelled")
            equal((told.params["requestId"], told.session), (asked.id, asked.session))
            assert closed.wait(TIMEOUT)
            conn.close()
            equal(c.tool("echo", text="x"), "x")


@case("a modern client closes before anything was written: a legacy upstream hears of it")
def _():
    with Upstream() as up:
        up.tool("hang")(lambda req: req.gone())
        with daemon(up) as d:
            ready(d)
            conn = modern_conn(d, "hang")
            asked = up.wait("tools/call")
            conn.close()
            equal(up.wait("notifications/cancelled").params["requestId"], asked.id)


# --- servers of 2026-07-28 ---------------------------------------------------------------------------

def modern_conn(d, name, **arguments):
    """Sends a tools/call of 2026-07-28 on a connection of its own; its answer is not waited for."""
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {
        "name": name, "arguments": arguments, "_meta": {
            PREFIX + "protocolVersion": NOW, PREFIX + "clientCapabilities": {}}}})
    conn = Conn(d.addr)
    conn.send(conn.head("POST", "/mcp", [
        ("Content-Type", "application/json"), ("Accept", BOTH), ("Mcp-Name", name),
        ("Mcp-Method", "tools/call"), ("MCP-Protocol-Version", NOW)], len(body)) + body)
    return conn


REGION = {"type": "object", "properties": {"region": {"type": "string", "x-mcp-header": "Region"}}}


@case("a modern upstream: headers are made afresh, no session, no standalone stream")
def _():
    with Upstream(modern=True) as up:
        up.tool("place", REGION)(lambda req: req.text(json.dumps(
            [req.headers.get("mcp-name"), req.headers.get("mcp-param-region")])))
        with daemon(up) as d:
            c = Client(d)
            equal(json.loads(c.tool("place", region="eu")), ["place", "eu"])
            equal(json.loads(c.tool("place", region="\u00e9")), ["place", "=?base64?w6k=?="])
            equal(json.loads(c.tool("place")), ["place", None])
            assert not [r for r in up.seen if r.session or r.verb != "POST"]
            equal(up.count("initialize"), 0, "initialize")


@case("a modern upstream refuses the headers: the tools are listed again, and the call goes once more")
def _():
    with Upstream(modern=True) as up:
        runs = []

        def place(req):
            if req.headers.get("mcp-param-region") != "eu":
                req.error(400, -32020, "Mcp-Param-Region is missing")
            else:
                runs.append(req)
                req.text("eu")
        up.tool("place")(place)
        with daemon(up) as d:
            c = Client(d)
            c.tool("echo", text="x")
            up.listed["place"] = REGION
            equal(c.tool("place", region="eu"), "eu")
            equal((len(runs), sum(r.params.get("name") == "place" for r in up.seen)), (1, 2))
            assert "Mcp-Param-Region" in broken(lambda: c.tool("place", region="us"))


@case("a legacy client cancels: the answer of a modern upstream is closed, and nothing is sent")
def _():
    with Upstream(modern=True) as up:
        closed = threading.Event()
        up.tool("hang")(lambda req: (req.gone(), closed.set()))
        with daemon(up) as d:
            c = Client(d)
            conn, ident = c.begin_tool("hang")
            up.wait("tools/call")
            c.notify("notifications/cancelled", {"requestId": ident})
            assert closed.wait(TIMEOUT)
            conn.close()
            equal(up.count("notifications/cancelled"), 0, "notifications")
            equal(c.tool("echo", text="x"), "x")


@case("a modern client closes before anything was written: a modern upstream's answer is closed")
def _():
    with Upstream(modern=True) as up:
        closed = threading.Event()
        up.tool("hang")(lambda req: (req.gone(), closed.set()))
        with daemon(up) as d:
            ready(d)
            conn = modern_conn(d, "hang")
            up.wait("tools/call")
            conn.close()
            assert closed.wait(TIMEOUT)


@case("a modern upstream restarts: the next call works")
def _():
    with Upstream(modern=True) as up:
        up.tool("hang")(lambda req: req.gone())
        with daemon(up) as d:
            c = Client(d)
            begun = c.begin_tool("hang")
            up.wait("tools/call")
            up.restart()
            broken(lambda: c.end(begun).result())
            equal(c.tool("echo", text="x"), "x")
            equal(sum(r.params.get("name") == "hang" for r in up.seen), 1, "calls")


@case("a modern upstream's stream of changes breaks off: it is opened again, and changes are heard")
def _():
    with Upstream(modern=True) as up:
        with Daemon({"up": up.backend(scope="shared")}) as d:
            c = Client(d)
            up.wait_stream(1).req.drop()
            stream = up.wait_stream(2)
            up.tool("later")(lambda req: req.text("now"))
            stream.notify("notifications/tools/list_changed", {
                "_meta": {PREFIX + "subscriptionId": stream.req.id}})
            wait_until(lambda: "later" in [t["name"] for t in c.request("tools/list")["tools"]],
                       "the new tool")
            equal(c.tool("later"), "now")


@case("an upstream becomes a legacy one, and a modern one again: it is found out")
def _():
    with Upstream(modern=True) as up:
        def works(text):
            try:
                return c.tool("echo", text=text) == text
            except RpcError:
                return False
        with daemon(up) as d:
            c = Client(d)
            assert works("modern")
            for modern in (False, True):
                up.modern = modern
                up.forget()
                wait_until(lambda: works(str(modern)), "it works again")


@case("401, 403 and 5xx say nothing of the era: it is a failure that passes")
def _():
    for status in (401, 403, 500, 503):
        with Upstream(modern=True) as up:
            up.hook = lambda req: (req.reply(status), True)[1]
            with daemon(up) as d:
                wait_until(lambda: state(d)["state"] == "failed", "it fails")
                assert "HTTP %d" % status in state(d)["reason"], state(d)
                equal(up.count("initialize"), 0, "initialize")
                up.hook = None
                ready(d)
                equal(Client(d).tool("echo", text="x"), "x")


# --- what breaks -------------------------------------------------------------------------------------

@case("the upstream goes in the middle of a call: an error, and the next call works")
def _():
    with Upstream() as up:
        begun_to_answer = threading.Event()

        def hang(req):
            req.sse().event("{}")
            begun_to_answer.set()
            req.gone()
        up.tool("hang")(hang)
        with daemon(up) as d:
            c = Client(d)
            begun = c.begin_tool("hang")
            assert begun_to_answer.wait(TIMEOUT)
            up.restart()
            text = broken(lambda: c.end(begun).result())
            assert "ended" in text or "broke off" in text, text
            equal(up.count("tools/call"), 1, "calls")
            equal(c.tool("echo", text="x"), "x")


@case("a connection that breaks under a call: it is not sent again, though it was a kept one")
def _():
    with Upstream() as up:
        up.tool("crash")(lambda req: req.drop())
        with daemon(up) as d:
            c = Client(d)
            for n in range(1, 4):
                equal(c.tool("echo", text="x"), "x")  # so there is a connection to keep
                broken(lambda: c.tool("crash"))
                up.wait("tools/call", n, lambda r: r.params["name"] == "crash")
            equal(sum(r.params.get("name") == "crash" for r in up.seen), 3, "calls")


@case("a stream that breaks off is resumed where it was")
def _():
    with Upstream() as up:
        def begin(req):
            up.asked = req
            stream = req.sse()
            stream.event("", "e1", retry=1)
            stream.notify("notifications/progress", {
                "progressToken": req.params["_meta"]["progressToken"], "progress": 1}, "e2")
            stream.end()

        def go_on(req):
            if req.verb != "GET" or req.headers.get("last-event-id") != "e2":
                return False
            stream = req.sse()
            stream.event(up.asked.response({"content": [{"type": "text", "text": "done"}]}), "e3")
            stream.end()
            return True
        up.tool("long")(begin)
        up.hook = go_on
        with daemon(up) as d:
            c = Client(d)
            p = c.start_tool("long", token="t")
            equal(p.text(), "done")
            equal([m["params"]["progress"] for m in p.before], [1], "progress")
            equal(up.count("tools/call"), 1, "calls")


@case("the standalone stream is opened again, after the last event")
def _():
    with Upstream() as up:
        with daemon(up) as d:
            c = Client(d)
            c.tool("echo", text="x")
            session = up.wait("tools/call").session
            up.wait("GET", fn=lambda r: r.session == session)
            stream = wait_until(lambda: next((s for s in up.streams if s.req.session == session),
                                             None), "the stream")
            stream.event("", "e7", retry=1)
            stream.req.drop()
            again = up.wait("GET", 2, lambda r: r.session == session)
            equal(again.headers.get("last-event-id"), "e7", "Last-Event-ID")


@case("a stream that closes at once is opened again after a second, then two, whatever its retry says")
def _():
    with Upstream() as up:
        times = []

        def close(req):
            if req.verb != "GET":
                return False
            times.append((req.session, time.monotonic()))
            stream = req.sse()
            stream.event("", "1", retry=0)
            stream.end()
            return True
        up.hook = close
        with daemon(up) as d:
            equal(Client(d).tool("echo", text="x"), "x")
            session = up.wait("tools/call").session
            mine = wait_until(lambda: (lambda mine: len(mine) >= 3 and mine)(
                [t for s, t in list(times) if s == session]), "three streams")
            assert mine[1] - mine[0] >= 1 and mine[2] - mine[1] >= 2, mine


@case("Retry-After of an upstream is a least time")
def _():
    with Upstream() as up:
        times = []

        def busy(req):
            if req.verb != "GET":
                return False
            times.append((req.session, time.monotonic()))
            req.reply(429, **{"Retry-After": "3"})
            return True
        up.hook = busy
        with daemon(up) as d:
            equal(Client(d).tool("echo", text="x"), "x")
            session = up.wait("tools/call").session
            mine = wait_until(lambda: (lambda mine: len(mine) >= 2 and mine)(
                [t for s, t in list(times) if s == session]), "two attempts")
            assert mine[1] - mine[0] >= 3, mine


@case("an upstream that knows none of its sessions is asked for another after a second, then two")
def _():
    with Upstream() as up:
        up.capabilities["resources"] = {"subscribe": True}
        lost = threading.Event()
        up.hook = lambda req: lost.is_set() and req.method != "initialize" and (req.reply(404) or True)
        with daemon(up) as d:
            c = Client(d)
            c.request("resources/subscribe", {"uri": "x://1"})  # asked for again in each session
            lost.set()
            began, before = time.monotonic(), up.count("initialize")
            broken(lambda: c.tool("echo", text="x"))
            up.wait("initialize", before + 3)
            assert time.monotonic() - began >= 3, "three sessions in %.1f s" % (time.monotonic() - began)
            lost.clear()
            equal(c.tool("echo", text="y"), "y")


@case("a redirect to another origin is refused, and nothing goes there; one inside is followed")
def _():
    with Upstream() as up, Upstream() as other:
        up.hook = lambda req: (req.reply(307, Location=other.url()), True)[1]
        key = {"headers": {"Authorization": "Bearer secret"}}
        with daemon(up, **key) as d:
            wait_until(lambda: state(d)["state"] == "failed", "it fails")
            assert "redirects elsewhere" in state(d)["reason"], state(d)
            equal(other.seen, [])
            assert not [l for l in d.lines() if "secret" in l]

            def inside(req):
                if req.path == "/mcp":
                    req.reply(307, Location="/other")
                return req.path == "/mcp"
            up.hook = inside
            ready(d)
            c = Client(d)
            equal(c.tool("echo", text="x"), "x")
            equal(up.wait("tools/call", 2).headers["authorization"], "Bearer secret")


def redirecting(to, status=307, path="/mcp", **which):
    """A hook that sends requests for PATH that are like WHICH (method, verb) to TO."""
    def hook(req):
        hit = req.path == path and all(getattr(req, n) == v for n, v in which.items())
        if hit:
            req.reply(status, Location=to)
        return hit
    return hook


KEYS = {"headers": {"Authorization": "Bearer secret", "X-Key": "other secret"}}


@case("redirects that stay inside the origin are followed, with method, body and headers")
def _():
    with Upstream() as up, daemon(up, **KEYS) as d:
        c, port = Client(d), up.port
        for to, path in (("mcp/", "/mcp/"), ("?a=b", "/mcp?a=b"), ("/x", "/x"), ("./x#y", "/x"),
                         ("//127.0.0.1:%d/x" % port, "/x"), ("http://127.0.0.1:%d" % port, "/"),
                         ("HTTP://127.1:%d/x" % port, "/x"), ("http://0x7f000001:%d/x" % port, "/x")):
            seen = len(up.seen)
            up.hook = redirecting(to, method="tools/call")
            equal(c.tool("echo", text=to), to)
            call = [r for r in up.seen[seen:] if r.method == "tools/call"]
            equal([r.path for r in call], ["/mcp", path], to)
            for r in call:
                equal((r.verb, r.headers["authorization"], r.headers["x-key"]),
                      ("POST", "Bearer secret", "other secret"), to)


@case("redirects that leave the origin are refused, whatever they look like; no header goes there")
def _():
    with Upstream() as up, Upstream() as other, daemon(up, **KEYS) as d:
        c, own, far = Client(d), "127.0.0.1:%d" % up.port, "127.0.0.1:%d" % other.port
        tricks = ["http://%s/mcp" % far, "//%s/mcp" % far, "///%s/mcp" % far, "http:///%s/mcp" % far,
                  "http://localhost:%d/mcp" % up.port, "https://%s/mcp" % own,
                  "http://%s\\@%s/mcp" % (own, far), "http://%s@%s/mcp" % (own, far),
                  "http://%s\\.%s/mcp" % (far, own), "/\\%s/mcp" % far, "\\\\%s/mcp" % far,
                  "http://%s\t@%s/mcp" % (own, far), "http://%s#@%s/mcp" % (far, own),
                  "http://%s?@%s/mcp" % (far, own), "http:%s" % far, "file:///etc/passwd"]
        for to in tricks:
            for status in (301, 302, 303, 307, 308):
                up.hook = redirecting(to, status, method="tools/call")
                said = broken(lambda: c.tool("echo", text="x"))
                assert "redirects elsewhere (HTTP %d)" % status in said, (to, said)
                assert "from http://%s to " % own in said, (to, said)
        up.hook = redirecting("http://%s/mcp" % far, method="tools/call")
        assert "from http://%s to http://%s" % (own, far) in broken(lambda: c.tool("echo", text="x"))
        equal(other.seen, [])
        assert not [l for l in d.lines() if "secret" in l]


@case("redirects: a method is kept or not followed, and there is an end to them")
def _():
    with Upstream() as up, daemon(up) as d:
        c = Client(d)
        for status in (301, 302, 303):
            up.hook = redirecting("/x", status, method="tools/call")
            assert "keep the method" in broken(lambda: c.tool("echo", text="x"))
        before = up.count("tools/call")
        up.hook = redirecting("/mcp", method="tools/call")
        assert "more than 3 times" in broken(lambda: c.tool("echo", text="x"))
        equal(up.count("tools/call") - before, 4, "requests")


@case("redirects: the standalone stream and the DELETE of a session obey the same rule")
def _():
    with Upstream() as up, Upstream() as other:
        near = {"GET": redirecting("stream", 302, verb="GET"), "DELETE": redirecting("end", 308, verb="DELETE")}
        far = {verb: redirecting(other.url(), verb=verb) for verb in near}
        for hooks in (near, far):
            up.hook = lambda req: hooks["GET"](req) or hooks["DELETE"](req)
            with daemon(up, **KEYS) as d:
                c = Client(d)
                equal(c.tool("echo", text="x"), "x")
                session = up.wait("tools/call", up.count("tools/call")).session
                own = lambda r: r.session == session and r.headers["x-key"] == "other secret"
                up.wait("GET", fn=own)
                if hooks is near:
                    up.wait("GET", fn=lambda r: own(r) and r.path == "/stream")
                c.delete()
                up.wait("DELETE", fn=own)
                if hooks is near:
                    up.wait("DELETE", fn=lambda r: own(r) and r.path == "/end")
        equal(other.seen, [])


@case("addresses of the local link are refused")
def _():
    for url in ("http://169.254.169.254/latest/meta-data", "http://[fe80::1]/mcp"):
        with Daemon({"up": {"type": "http", "url": url}}) as d:
            wait_until(lambda: state(d)["state"] == "failed", "it fails")
            assert "allowLinkLocal" in state(d)["reason"], state(d)


@contextlib.contextmanager
def environment(**values):
    """The environment of the daemons that are started inside."""
    before = {n: os.environ.get(n) for n in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value


LINK_LOCAL = ["169.254.169.254", "169.254.169.254.", "2852039166", "0xa9fea9fe", "0251.0376.0251.0376",
              "169.254.43518", "%31%36%39.254.169.254", "[fe80::1]", "[fd00:ec2::254]",
              "[::ffff:169.254.169.254]", "[::ffff:a9fe:a9fe]", "metadata.google.internal",
              "METADATA.google.internal.", "metadata"]


@case("addresses of the local link are refused through a proxy, too, in every spelling")
def _():
    with Upstream() as proxy, Upstream() as up:
        for name in ("http_proxy", "all_proxy"):
            with environment(**{name: "http://127.0.0.1:%d" % proxy.port}):
                servers = {"b%d" % i: {"type": "http", "url": "http://%s/mcp" % host}
                           for i, host in enumerate(LINK_LOCAL)}
                servers["web"] = {"web": "http://169.254.169.254"}
                servers["far"] = {"type": "http", "url": "http://upstream.test/mcp"}
                servers["near"] = up.backend()
                with Daemon(servers) as d:
                    ready(d, "far")
                    ready(d, "near")
                    for one in servers:
                        if one not in ("far", "near"):
                            wait_until(lambda: state(d, one)["state"] == "failed", servers[one])
                            assert "allowLinkLocal" in state(d, one)["reason"], state(d, one)
                    equal(Client(d, "/mcp/far").tool("echo", text="x"), "x")
                    equal(Client(d, "/mcp/near").tool("echo", text="x"), "x")
        equal({r.path for r in proxy.seen}, {"http://upstream.test/mcp"}, "what the proxy was asked for")
        assert {r.path for r in up.seen} == {"/mcp"}, "this machine is asked without proxy"
        with environment(http_proxy="http://127.0.0.1:%d" % proxy.port):
            with Daemon({"up": {"type": "http", "url": "http://169.254.169.254/mcp",
                                "allowLinkLocal": True}}) as d:
                ready(d)
        proxy.wait("initialize", fn=lambda r: r.path == "http://169.254.169.254/mcp")


@case("a slow answer: a client waits as long as it likes, and the stream to it is kept alive")
def _():
    with Upstream() as up:
        go = threading.Event()
        up.tool("slow")(lambda req: (go.wait(TIMEOUT), req.text("at last")))
        with daemon(up) as d:
            c = Client(d)
            p = c.start_tool("slow")  # the head comes: it is a stream by now
            assert p.sse
            go.set()
            equal(p.text(), "at last")


def question(ident, method="elicitation/create"):
    return {"jsonrpc": "2.0", "id": ident, "method": method, "params": {"message": ident}}


@case("a question that comes with the answer to a call is for that call, not for the latest")
def _():
    with Upstream() as up, daemon(up) as d:
        go = {"a": threading.Event(), "b": threading.Event()}

        def tool(req):
            stream = req.sse()
            go[req.arguments["text"]].wait(TIMEOUT)
            stream.event(question(req.arguments["text"]))
            up.wait("response", fn=lambda r: r.msg["id"] == req.arguments["text"])
            stream.finish({"content": [{"type": "text", "text": req.arguments["text"]}]})
        up.tool("ask")(tool)
        c = Client(d, caps={"elicitation": {}})
        a, b = c.start_tool("ask", {"text": "a"}), c.start_tool("ask", {"text": "b"})
        for one, name in ((a, "a"), (b, "b")):
            go[name].set()
            asked = one.ask()
            equal(asked["params"]["message"], name)
            c.answer(asked["id"], {"action": "decline"})
            equal(one.text(), name)


@case("scope shared: an upstream is told of nothing that its clients can do, and asks nobody")
def _():
    with Upstream() as up, daemon(up, scope="shared") as d:
        c = Client(d, caps={"roots": {}, "sampling": {}, "elicitation": {}})
        up.tool("ask")(lambda req: (lambda s: (
            s.event(question("q", "roots/list")), s.event(question("r")),
            up.wait("response", fn=lambda r: r.msg["id"] == "r"), s.finish({"content": []})))(req.sse()))
        p = c.start_tool("ask")
        p.result()
        equal(p.before, [], "what the client is asked")
        for ident in ("q", "r"):
            equal(up.wait("response", fn=lambda r: r.msg["id"] == ident).msg["error"]["code"], -32601)
        for req in up.seen:
            if req.method == "initialize" and req.params["clientInfo"]["name"] == "mcpd":
                equal(req.params["capabilities"], {})


# --- how it says it ------------------------------------------------------------------------------------

TEXT = "Grüße, 世界 \U0001f30d\n\u2028 and a line: data: x\r\n"


def split_case(name, write):
    @case("an answer as a stream, " + name)
    def _():
        with Upstream() as up:
            def answer(req):
                stream = req.sse()
                write(stream, json.dumps(req.response({"content": [
                    {"type": "text", "text": TEXT}]}), ensure_ascii=False))
                stream.end()
            up.tool("say")(answer)
            with daemon(up) as d:
                equal(Client(d).tool("say"), TEXT)


def bytewise(stream, text):
    for byte in ("event: message\nid: 1\ndata: %s\n\n" % text).encode():
        stream.raw(bytes([byte]))


def in_lines(stream, text):
    # JSON allows a line break between its members, and each line has a field of its own.
    head, tail = text.split(', "', 1)
    stream.raw("data: %s,\ndata:\ndata: \"%s\n\n" % (head, tail))


split_case("byte by byte", bytewise)
split_case("with CRLF", lambda s, t: s.raw("data: %s\r\n\r\n" % t))
split_case("with CR, cut between them", lambda s, t: (s.raw("data: %s\r" % t), s.raw("\r")))
split_case("with CRLF, cut between CR and LF", lambda s, t: (
    s.raw("data:%s\r" % t), s.raw("\n"), s.raw("\r"), s.raw("\n")))
split_case("with a byte order mark and comments", lambda s, t: (
    s.raw(b"\xef\xbb\xbf: hello\n\n:\n:ping\n"), s.raw("data: %s\n\n" % t)))
split_case("in several data lines", in_lines)
split_case("after events of other kinds, and empty ones", lambda s, t: (
    s.raw("event: endpoint\ndata: /x\n\nid: 1\ndata:\n\nretry: 5\n\ndata: not json\n\n"),
    s.raw("data: %s\n\n" % t)))


@case("huge answers come through; larger ones than limits.maxLine are refused, and nothing breaks")
def _():
    big, too_big = "b" * 5000000, "b" * 12000000
    with Upstream() as up:
        texts = {"big": big, "too_big": too_big}
        for name, text in texts.items():
            up.tool(name + "_json")(lambda req, text=text: req.text(text))
            up.tool(name + "_sse")(lambda req, text=text: req.sse().finish(
                {"content": [{"type": "text", "text": text}]}))
        with Daemon({"up": up.backend()}, limits={"maxLine": 8000000}) as d:
            c = Client(d)
            for kind in ("_json", "_sse"):
                assert c.tool("big" + kind) == big
                assert "larger than 8000000 bytes" in broken(lambda: c.tool("too_big" + kind))
                equal(c.tool("echo", text="x"), "x")


def answer_case(name, wanted, answer):
    @case("no answer at all: " + name)
    def _():
        with Upstream() as up:
            up.tool("bad")(answer)
            with daemon(up) as d:
                c = Client(d)
                text = broken(lambda: c.tool("bad"))
                assert wanted in text, text
                equal(c.tool("echo", text="x"), "x")


answer_case("an empty 200", "HTTP 200 without a response", lambda r: r.reply(200))
answer_case("HTML", "HTTP 200 with what is no response", lambda r: r.reply(200, "<html>", "text/html"))
answer_case("JSON that is none", "HTTP 200 with what is no response",
            lambda r: r.reply(200, "{", "application/json"))
answer_case("the answer to something else", "HTTP 200 without a response",
            lambda r: r.reply(200, {"jsonrpc": "2.0", "id": 4711, "result": {}}))
answer_case("202", "HTTP 202 without a response", lambda r: r.reply(202))
answer_case("500", "HTTP 500 without a response", lambda r: r.reply(500, "oops", "text/plain"))
answer_case("401 with words", "HTTP 401: who are you", lambda r: r.reply(401, {
    "jsonrpc": "2.0", "id": None, "error": {"code": -32000, "message": "who are you"}}))
answer_case("a stream that ends", "ended the stream without an answer", lambda r: r.sse().end())
answer_case("half a body", "broke off", lambda r: (r.head(200, {
    "Content-Type": "application/json", "Content-Length": 100}), r.write(b"{"), r.drop()))


# --- TLS -----------------------------------------------------------------------------------------------

def make_certificate(dir_, name):
    """A self-signed certificate for NAME: the files of it and of its key."""
    cert, key = os.path.join(dir_, name + ".pem"), os.path.join(dir_, name + ".key")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key, "-out", cert, "-days",
                    "2", "-subj", "/CN=" + name, "-addext",
                    "subjectAltName=DNS:" + name], check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
    return cert, key


# --- floods ----------------------------------------------------------------------------------------------

def filler(text):
    return text + 8000 * "x"


# What may come over a stream and is of no use, and what the one warning has to show.
FLOODS = {
    "comments": (": " + filler("so") + "\n", r"are of no use, .* begins with: : soxxx"),
    "what is no JSON": ("data: " + filler("no \x1b[31m") + "\n\n", r"is not JSON .* begins with: no \\x1b\[31mxxx"),
    "events of another name": ("event: news\ndata: " + filler("some") + "\n\n", r"are of no use, .* begins with: news"),
    "answers that nobody waits for": ("data: " + json.dumps({"jsonrpc": "2.0", "id": 10**9, "result": {
        "pad": filler("")}}) + "\n\n", r"are of no use, .* begins with: \{.{0,3}jsonrpc"),
}
FLOOD, STEP = 12000, 10  # lines (100 MB, much more than sockets hold), and how many are written at once


def flood(stream, line):
    """Writes FLOOD lines, a message of a log after each 2000, and tells how long that took."""
    began = time.monotonic()
    for n in range(0, FLOOD, STEP):
        if n % 2000 == 0:
            stream.notify("notifications/message", {"level": "info", "data": n})
        stream.raw(STEP * line)
    return time.monotonic() - began


def flood_case(name, line, warning):
    @case("the answer to a call floods with %s: it is read slowly, and nothing else of it is lost" % name)
    def _():
        with Upstream() as up:
            took = []

            def tool(req):
                stream = req.sse()
                took.append(flood(stream, line))
                stream.finish({"content": [{"type": "text", "text": "done"}]})
            up.tool("flood")(tool)
            with Daemon({"up": up.backend(), "tiny": tiny()}) as d:
                other, c = Client(d, "/mcp/tiny"), Client(d, "/mcp/up")
                p = c.start_tool("flood")
                d.wait_log(warning)
                equal(other.tool("echo"), "echo", "answer of another backend")
                equal(c.tool("echo", text="beside it"), "beside it")
                equal(p.text(), "done")
                equal([m["params"]["data"] for m in p.before], list(range(0, FLOOD, 2000)), "messages")
                assert took[0] >= 2, "%d lines were read in %.1f s" % (FLOOD, took[0])
                equal(len([l for l in d.lines() if "begins with" in l]), 1, "warnings")


for flood_name, (flood_line, flood_warning) in FLOODS.items():
    flood_case(flood_name, flood_line, flood_warning)


@case("the standalone stream floods: it is read slowly, and what changed is heard at the end")
def _():
    with Upstream() as up, daemon(up) as d:
        c = Client(d)
        equal(c.tool("echo", text="x"), "x")
        session = up.wait("tools/call").session
        up.wait("GET", fn=lambda r: r.session == session)
        stream = wait_until(lambda: next((s for s in list(up.streams) if s.req.session == session), None),
                            "stream")
        assert flood(stream, FLOODS["what is no JSON"][0]) >= 2
        equal(c.tool("echo", text="y"), "y")
        listed = up.count("tools/list")
        stream.notify("notifications/tools/list_changed")
        up.wait("tools/list", listed + 1)


@case("TLS: a certificate of our own authority is good, another's and another name's are not")
def _():
    if shutil.which("openssl") is None:
        raise Skip("no openssl")
    with tempfile.TemporaryDirectory() as dir_:
        cert, key = make_certificate(dir_, "localhost")
        other = make_certificate(dir_, "other.example")[0]
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(cert, key)
        with Upstream(tls=tls) as up:
            good = {"type": "http", "url": up.url("localhost"), "caFile": cert}
            servers = {"good": good, "unknown": {"type": "http", "url": up.url("localhost")},
                       "other": dict(good, caFile=other), "name": dict(good, url=up.url())}
            with Daemon(servers) as d:
                ready(d, "good")
                equal(Client(d, "/mcp/good").tool("echo", text="x"), "x")
                for name in ("unknown", "other", "name"):
                    wait_until(lambda: state(d, name)["state"] == "failed", name)
                    text = state(d, name)["reason"]
                    assert "certificate" in text or "SSL" in text, text
            assert all(r.session is None or r.session.startswith("session-") for r in up.seen)


@case("values of headers come from the environment and from files, and no log has them")
def _():
    with Upstream() as up, tempfile.TemporaryDirectory() as dir_:
        path = os.path.join(dir_, "key")
        with open(path, "w") as f:
            f.write("of-the-file\n")
        os.environ["MCPD_TEST_KEY"] = "of-the-environment"
        headers = {"X-Env": {"env": "MCPD_TEST_KEY"}, "X-File": {"file": path}, "X-Plain": "plain"}
        with Daemon({"up": up.backend(headers=headers)}, verbose=2) as d:
            ready(d)
            equal(Client(d).tool("echo", text="x"), "x")
            got = up.wait("tools/call").headers
            equal([got[n] for n in ("x-env", "x-file", "x-plain")],
                  ["of-the-environment", "of-the-file", "plain"])
            assert not [l for l in d.lines() if "of-the-" in l]


run()
