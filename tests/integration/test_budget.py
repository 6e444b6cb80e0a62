#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""The budget (limits.maxMemory): what clients, servers and children make the daemon hold is bounded together, with a
share for each user; who does not read is cut, and afterwards nothing is held. Memory is shown by resident bytes."""

from harness import *

NOW, PREFIX = "2026-07-28", "io.modelcontextprotocol/"
TOKENS = {"alice": "alices-token-93d1", "bob": "bobs-token-4c07"}
for one in TOKENS.values():
    secret(one)
KIB, MIB = 1 << 10, 1 << 20
KEY = "limits.maxMemory"
# What the daemon needs besides: a message that passes, and its copy; free pieces that the allocator keeps.
FIXED = 64 * MIB


def daemon(limits=None, users=False, servers=None, **config):
    limits = dict({"maxMemory": 32 * MIB, "upgradeAfter": 3600}, **limits or {})
    d = Daemon(servers or {"fake": fake()}, limits=limits, **config)
    return with_tokens(d, TOKENS.items()) if users else d


def held(d):
    return d.ctl("status")["held"]


def calls(d):
    """Requests of clients of 2026-07-28 that have no answer yet."""
    return d.ctl("status")["modern"]["requests"]


def nothing_held(d):
    """Whatever was held is given back once all sessions are gone."""
    d.ctl("session.close", all=True)
    wait_until(lambda: held(d) == 0, "nothing to be held")


def leave(conns):
    for conn in conns:
        if not conn.closed:
            conn.reset()


def most(d):
    """The most resident bytes that the daemon ever had."""
    return peak_rss(d.pid) * KIB


def at_most(d, limit, before=0):
    """The daemon never had LIMIT resident bytes more than BEFORE. AddressSanitizer keeps what was freed."""
    assert sanitized() or most(d) - before < limit, most(d) - before


class Slow(Conn):
    """A connection of a client that does not read: the kernel takes little in its place."""

    def __init__(self, addr):
        self.addr, self.buf, self.closed = addr, b"", False
        self.sock = socket.socket()
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * KIB)
        self.sock.settimeout(TIMEOUT)
        self.sock.connect(addr)

    def was_cut(self):
        """Reads what is there, and whether the connection ended before the answer was whole."""
        try:
            reply = self.reply()
            reply.read()
            return False
        except (EOFError, ConnectionResetError):
            return True


def legacy(c, name, arguments=None, conn=None, **headers):
    """Sends a call of a legacy client, whose answer is not read; the connection."""
    body = json.dumps(c.message("tools/call", {"name": name, "arguments": arguments or {}}))
    conn = conn or Slow(c.daemon.addr)
    conn.send(conn.head("POST", c.path, c.headers(**headers), len(body)) + body)
    return conn


def modern(d, user, name, arguments=None, conn=None, caps=None, **more):
    """The same of a client of 2026-07-28."""
    params = dict({"name": name, "arguments": arguments or {}}, **more)
    params["_meta"] = {PREFIX + "protocolVersion": NOW, PREFIX + "clientCapabilities": caps or {}}
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params})
    head = [("Content-Type", "application/json"), ("Accept", BOTH), ("MCP-Protocol-Version", NOW),
            ("Mcp-Method", "tools/call"), ("Mcp-Name", name)]
    if user:
        head.append(("Authorization", "Bearer " + TOKENS[user]))
    conn = conn or Slow(d.addr)
    conn.send(conn.head("POST", "/mcp", head, len(body)) + body)
    return conn


def refused(reply, *statuses):
    """REPLY is a refusal that names the key and says when to come back."""
    assert reply.status in statuses, (reply.status, reply.read())
    assert int(reply.header("Retry-After")) > 0, reply.headers
    message = reply.json()["error"]["message"]
    assert KEY in message, message
    return message


def fill(d, user, body, n=64):
    """Calls that no server answers, until there is no room for one more: their connections, and the refusal."""
    conns = []
    # The server is up: a call that waits for its start would be counted, and end when its turn comes.
    modern(d, user, "echo", {"text": "up"}, Conn(d.addr)).reply().read()
    for _ in range(n):
        conn = modern(d, user, "hang", {"text": "x" * body}, Conn(d.addr))
        # Not by what is held: that becomes less when the server has read the calls before.
        wait_until(lambda: calls(d) > len(conns) or select.select([conn.sock], [], [], 0)[0], "the call, or its end")
        if select.select([conn.sock], [], [], 0)[0]:
            reply = conn.reply()
            if reply.status != 200:
                return conns, reply
            # The call began, and there was no room for its way to the server.
            assert KEY in reply.json()["error"]["message"], reply.json()
            body += MIB
        else:
            conns.append(conn)
    raise AssertionError("%d calls of %d bytes were taken" % (n, body))


@case("calls in flight: what is over the budget is refused with 503, the key and Retry-After")
def _():
    with daemon({"maxBody": 8 * MIB}) as d:
        conns, reply = fill(d, None, 2 * MIB)
        assert len(conns) > 2, len(conns)
        refused(reply, 503)
        at_most(d, 32 * MIB + FIXED)
        d.wait_log("Memory: .* was refused.*" + KEY)
        status = d.ctl("status")
        equal(status["maxMemory"], 32 * MIB, "the limit")
        assert 0 < status["held"] <= status["heldPeak"], status
        leave(conns)
        nothing_held(d)
        text = modern(d, None, "echo", {"text": "again"}, Conn(d.addr)).reply().json()
        equal(text_of(text["result"]), "again", "the answer")


@case("a body of nothing but {}: what is held for it is bounded, and freed after its call")
def _():
    with daemon({"maxMemory": 16 * MIB}) as d:
        body = "[" + "{}," * (3 * MIB // 3) + "{}]"
        conns = []
        for _ in range(8):
            params = '{"name":"hang","arguments":{"a":%s},"_meta":{"%sprotocolVersion":"%s","%sclientCapabilities":{}}}' \
                % (body, PREFIX, NOW, PREFIX)
            text = '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":%s}' % params
            conn = Conn(d.addr)
            conn.send(conn.head("POST", "/mcp", [
                ("Content-Type", "application/json"), ("Accept", BOTH), ("MCP-Protocol-Version", NOW),
                ("Mcp-Method", "tools/call"), ("Mcp-Name", "hang")], len(text)))
            try:
                conn.send(text)
            except ConnectionError:
                pass  # it was refused by its head
            conns.append(conn)
        wait_until(lambda: any(select.select([c.sock], [], [], 0)[0] for c in conns), "a refusal")
        reply = next(c for c in conns if select.select([c.sock], [], [], 0)[0]).reply()
        assert KEY in reply.json()["error"]["message"], reply.json()
        assert held(d) <= 16 * MIB, held(d)
        leave(conns)
        nothing_held(d)


@case("one user holds all he can; another one is never refused, in either era")
def _():
    with daemon({"maxBody": 8 * MIB}, users=True) as d:
        conns, reply = fill(d, "alice", MIB)
        assert "limits.share" in refused(reply, 429)
        d.wait_log("Memory: .* of user:alice was refused")
        bob = Client(d, bearer=TOKENS["bob"])
        for n in range(20):
            equal(bob.tool("echo", text="%d" % n * 100000), "%d" % n * 100000, "bob's text")
            reply = modern(d, "bob", "echo", {"text": "x" * 100000}, Conn(d.addr)).reply()
            equal(text_of(reply.answer()["result"]), "x" * 100000, "bob's text")
        assert not any("user:bob" in line for line in d.lines()), "bob was hit"
        leave(conns)
        nothing_held(d)
        equal(modern(d, "alice", "echo", {"text": "x" * MIB}, Conn(d.addr)).reply().status, 200, "alice's status")


@case("one user's unread answers are cut, in either era; another user's are not, and the sessions go on")
def _():
    with daemon(users=True) as d:
        alice, bob = (Client(d, bearer=TOKENS[u]) for u in ("alice", "bob"))
        unread = legacy(bob, "big", {"bytes": 6 * MIB})
        wait_until(lambda: held(d) > 2 * MIB, "bob's answer")
        conns = [legacy(alice, "big", {"bytes": 6 * MIB}) if n % 2 else modern(d, "alice", "big", {"bytes": 6 * MIB})
                 for n in range(12)]
        d.wait_log("Memory: a client of user:alice was cut.*" + KEY)
        wait_until(lambda: d.ctl("status")["calls"] == 0, "the end of the calls")
        assert any(c.was_cut() for c in conns), "nobody was cut"
        assert not any("user:bob" in line for line in d.lines()), "bob was hit"
        equal(len(unread.reply().json()["result"]["content"][0]["text"]), 6 * MIB, "bob's answer")
        equal(alice.tool("echo", text="x"), "x", "alice's session")
        at_most(d, 32 * MIB + FIXED)
        leave(conns)
        nothing_held(d)


@case("12 unread answers of 15 MB stay within the budget")
def _():
    with daemon({"maxMemory": 48 * MIB}) as d:
        c = Client(d)
        conns = []
        for n in range(12):
            conns.append(legacy(c, "big", {"bytes": 15000000}))
            wait_until(lambda: d.ctl("status")["calls"] == 0, "the answer")
        at_most(d, 48 * MIB + FIXED)
        d.wait_log("Memory: a client of no user was cut.*" + KEY)
        equal(c.tool("echo", text="x"), "x", "the session")
        leave(conns)
        nothing_held(d)


@case("100,000 small messages to a client that does not read cost what the limit says, not their number")
def _():
    limits = {"maxMemory": 256 * MIB, "maxBacklog": 8 * MIB, "upgradeAfter": 0.001}
    with daemon(limits) as d:
        c = Client(d)
        c.tool("pid")
        before = most(d)
        conn = legacy(c, "flood", {"count": 100000}, Accept="text/event-stream")
        wait_until(lambda: d.ctl("status")["heldPeak"] > MIB, "messages that wait")
        wait_until(lambda: d.ctl("session.show", id=c.sid)["streams"] == 0, "the stream to be cut")
        wait_until(lambda: d.ctl("status")["calls"] == 0, "the end of the call")
        at_most(d, 48 * MIB, before)
        assert d.ctl("status")["heldPeak"] < 16 * MIB, d.ctl("status")
        equal(c.tool("echo", text="x"), "x", "the session")
        conn.reset()
        nothing_held(d)


@case("the slowest stream is cut and no other; its session goes on, and shows what it holds")
def _():
    with daemon({"maxBacklog": 512 * MIB, "replayBytes": 0}) as d:
        a, b = Client(d), Client(d)
        small = legacy(b, "big", {"bytes": 5 * MIB}, Accept="text/event-stream")
        wait_until(lambda: d.ctl("session.show", id=b.sid)["held"] > MIB, "the smaller stream")
        conns = [legacy(a, "big", {"bytes": 9 * MIB}, Accept="text/event-stream") for _ in range(5)]
        d.wait_log("Memory: a client of no user was cut")
        wait_until(lambda: d.ctl("status")["calls"] == 0, "the end of the calls")
        events = small.reply()
        equal(len(Sse(events).message()["result"]["content"][0]["text"]), 5 * MIB, "the smaller stream")
        equal(a.tool("echo", text="x"), "x", "the session")
        leave(conns)
        nothing_held(d)


@case("parked calls hold their requests; another user finds room, and the answers give all back")
def _():
    elicit = {"elicitation": {}}
    with daemon({"maxMemory": 16 * MIB, "questionTimeout": 3}, users=True) as d:
        parked = []
        while True:
            reply = modern(d, "alice", "elicit", {"message": "m" * 900000}, Conn(d.addr), elicit).reply()
            answer = reply.json()
            if "error" in answer:
                break
            parked.append(answer["result"])
            assert len(parked) < 20, "nobody refuses"
        assert KEY in answer["error"]["message"], answer
        assert len(parked) > 2, len(parked)
        equal(modern(d, "bob", "echo", {"text": "x"}, Conn(d.addr)).reply().status, 200, "bob's status")
        for result in parked:
            (key, _), = result["inputRequests"].items()
            done = modern(d, "alice", "elicit", {"message": "m" * 900000}, Conn(d.addr), elicit,
                          requestState=result["requestState"],
                          inputResponses={key: {"action": "accept", "content": {"answer": "me"}}}).reply()
            if done.status != 200:  # what she holds is still too much for the body of the retry
                refused(done, 429)
        wait_until(lambda: d.ctl("status")["calls"] == 0, "the end of the calls, of those without an answer by time")
        nothing_held(d)


@case("children that do not read or die by SIGKILL leave nothing behind")
def _():
    with daemon() as d:
        c = Client(d)
        pid = int(c.tool("pid"))
        c.tool("stop_reading")
        conns = [legacy(c, "echo", {"text": "x" * MIB}, Conn(d.addr)) for _ in range(4)]
        wait_until(lambda: d.ctl("session.show", id=c.sid)["calls"] == 4, "the calls")
        assert d.ctl("session.show", id=c.sid)["held"] > 6 * MIB, "messages that wait for the child"
        os.kill(pid, signal.SIGKILL)
        for conn in conns:
            answer = conn.reply().answer()
            assert "killed" in answer.get("error", {}).get("message", ""), answer
        equal(c.tool("echo", text="x"), "x", "the next child")
        c.begin_tool("toolong", {"bytes": 8 * MIB})
        c.tool("pid")
        c.delete()
        nothing_held(d)


@case("a message of a server for which there is no memory ends its call with the key")
def _():
    with daemon({"maxMemory": 8 * MIB}) as d:
        c = Client(d)
        c.tool("pid")
        answer = legacy(c, "big", {"bytes": 12 * MIB}, Conn(d.addr)).reply().answer()
        assert KEY in answer["error"]["message"], answer["error"]
        equal(c.tool("echo", text="x"), "x", "the next call")
        nothing_held(d)


@case("a body is refused by its head where there is no room, and while it comes")
def _():
    with daemon({"maxMemory": 4 * MIB}) as d:
        head = [("Content-Type", "application/json"), ("Accept", BOTH)]
        conn = Conn(d.addr)
        conn.send(conn.head("POST", "/mcp", head, 4 * MIB - 100))
        refused(conn.reply(), 503)
        conns = []
        for _ in range(4):
            conns.append(Conn(d.addr))
            conns[-1].send(conns[-1].head("POST", "/mcp", head, 2 * MIB) + " " * MIB)
        wait_until(lambda: any(select.select([c.sock], [], [], 0)[0] for c in conns), "a refusal")
        refused(next(c for c in conns if select.select([c.sock], [], [], 0)[0]).reply(), 503)
        leave(conns)
        nothing_held(d)


run()
