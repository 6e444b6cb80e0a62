# SPDX-License-Identifier: ISC
"""What the attackers of the hostile mix do. Each attack is a function of an Attacker in the table ATTACKS.

An attack may be refused, cut off or kept waiting: that is the right of the daemon. It raises Breach where it got
what it may not have, and an answer that is no well-formed HTTP or JSON is a failure, too.
"""

import random
import socket
import threading
import traceback

from world import *

PATIENCE = 3   # seconds that an attacker waits for bytes: then it leaves
ATTACKERS_AT_A_TIME = 8
HELD = 24      # connections that an attacker keeps open without use
CT, ACCEPT = ("Content-Type", "application/json"), ("Accept", BOTH)


class EvilConn(Conn):
    """A connection from one of the addresses of the loopback network."""

    def __init__(self, addr, source):
        self.addr, self.buf, self.closed = addr, b"", False
        self.sock = socket.create_connection(addr, PATIENCE, (source, 0))
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def throw(self, data, patience=1.0):
        """Sends as much of DATA as the daemon takes; whether that is all."""
        self.sock.settimeout(patience)
        try:
            self.sock.sendall(data if isinstance(data, bytes) else data.encode("latin-1"))
            return True
        except OSError:
            return False
        finally:
            self.sock.settimeout(PATIENCE)

    def half_close(self):
        self.sock.shutdown(socket.SHUT_WR)


class Evil:
    """The session of an attacker: bare messages, whose answers may be anything."""

    def __init__(self, a, path="/mcp", rev="2025-11-25", caps=None):
        self.a, self.path, self.rev, self.id = a, path, rev, 0
        reply, msg = a.post(path, {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
            "protocolVersion": rev, "capabilities": caps or {}, "clientInfo": {"name": "evil", "version": "1"}}})
        self.sid = reply.header("Mcp-Session-Id") if reply.status == 200 else None

    def headers(self):
        return [("Mcp-Session-Id", self.sid), ("MCP-Protocol-Version", self.rev)]

    def message(self, method, params=None):
        self.id += 1
        msg = {"jsonrpc": "2.0", "id": self.id, "method": method}
        return msg if params is None else dict(msg, params=params)

    def request(self, method, params=None):
        return self.a.post(self.path, self.message(method, params), *self.headers())

    def tool(self, name, **arguments):
        return self.request("tools/call", {"name": name, "arguments": arguments})

    def begin(self, method, params=None):
        """Sends a request; the connection on which the answer will come."""
        c = self.a.conn()
        body = json.dumps(self.message(method, params))
        c.throw(c.head("POST", self.path, self.a.fields(*self.headers()), len(body)) + body)
        return c

    def get(self, *more):
        c = self.a.conn()
        c.throw(c.head("GET", self.path, self.a.fields(("Accept", "text/event-stream"), *self.headers(), *more)))
        return c

    def end(self):
        self.a.http("DELETE", self.path, self.headers())


class Attacker(threading.Thread):
    """Makes one attack after the other, from an address and in the name of a user of its own."""

    def __init__(self, world, number, seed):
        super().__init__(name="attacker %d" % number, daemon=True)
        self.world, self.rng = world, random.Random("attacker %d %s" % (number, seed))
        self.source = "127.0.0.%d" % (2 + number % 8)
        self.forwarded = "198.51.100.%d" % (2 + number)  # what the reverse proxy says of it
        self.user = ATTACKERS[number % len(ATTACKERS)]
        self.held, self.left, self.now = [], 0, None
        # All attackers together make each attack at least once.
        self.first = random.Random(seed).sample(NAMES, len(NAMES))[number::ATTACKERS_AT_A_TIME]

    # --- means ---

    def conn(self):
        return EvilConn(self.world.daemon.addr, self.source)

    def fields(self, *more, user=None):
        """The headers of a request in the name of the attacker, with MORE in the place of the usual ones."""
        usual = [CT, ACCEPT, ("X-Forwarded-For", self.forwarded)]
        token = self.world.token(user or self.user)
        if token:
            usual.append(("Authorization", "Bearer " + token))
        given = [m[0].lower() for m in more]
        return [u for u in usual if u[0].lower() not in given] + [m for m in more if m[1] is not None]

    def http(self, method, path, headers=(), body=None, user=None):
        with self.conn() as c:
            reply = c.request(method, path, self.fields(*headers, user=user), body)
            reply.read() if not reply.is_sse() else None
            return reply

    def post(self, path, msg, *headers, user=None):
        """(head, message): the message is the response, or None where there is none."""
        body = msg if isinstance(msg, (str, bytes)) else json.dumps(msg)
        with self.conn() as c:
            reply = c.request("POST", path, self.fields(*headers, user=user), body)
            return reply, self.response(reply)

    def response(self, reply):
        if not reply.is_sse():
            text = reply.read()
            return json.loads(text) if text and reply.header("Content-Type") == "application/json" else None
        sse = Sse(reply)
        for _ in range(10000):
            msg = sse.message()
            if msg is None or "method" not in msg:
                return msg
        return None

    def modern(self, path, method, params=None, caps=None, ident=1, user=None, **meta):
        head, body = envelope(method, params, caps, ident, **meta)
        return self.post(path, body, *head, user=user)

    def call(self, path, name, arguments, caps=None, user=None, **more):
        return self.modern(path, "tools/call", dict({"name": name, "arguments": arguments}, **more), caps, user=user)[1]

    def hold(self, c):
        """Keeps a connection open; the oldest of too many goes."""
        self.held.append(c)
        while len(self.held) > HELD:
            self.drop(self.held.pop(0))

    def drop(self, c):
        c.reset() if self.rng.random() < 0.5 else c.close()

    def drip(self):
        """One byte more on each head that is sent slowly."""
        for c in self.held:
            if getattr(c, "slow", b""):
                byte, c.slow = c.slow[:1], c.slow[1:]
                if not c.throw(byte, 0.05):
                    c.slow = b""

    def junk(self, n):
        return self.rng.randbytes(n)

    # --- life ---

    def attack(self):
        name = self.first.pop() if self.first else self.rng.choices(NAMES, WEIGHTS)[0]
        self.now, begun = name, time.monotonic()
        try:
            ATTACKS[name][1](self)
            self.world.outcomes.add("answered")
        except socket.timeout:
            self.world.outcomes.add("kept waiting")
        except (OSError, EOFError):
            self.world.outcomes.add("cut off")
        self.world.attacks.add(name)
        self.world.note_time(name, time.monotonic() - begun)
        self.drip()

    def run(self):
        try:
            while self.left > 0 and not self.world.stopping.is_set():
                self.left -= 1
                self.attack()
        except Exception as e:
            self.world.fail("%s, in %s: %r\n%s" % (self.name, self.now, e, "".join(
                traceback.format_exception(type(e), e, e.__traceback__)[-6:])))
        for c in self.held:
            c.close()


ATTACKS = {}


def attack(name, weight=3):
    def register(fn):
        ATTACKS[name] = (weight, fn)
        return fn
    return register


# --- HTTP ----------------------------------------------------------------------------------------

@attack("pipelining without reading")
def _(a):
    c, n = a.conn(), a.rng.randint(10, 200)
    kind = a.rng.choice(("health", "modern", "nothing"))
    for i in range(n):
        if kind == "health":
            data = c.head("GET", "/health", a.fields())
        else:
            head, body = envelope("server/discover" if kind == "modern" else "no/such", {}, ident=i)
            data = c.head("POST", "/mcp", a.fields(*head), len(body)) + body
        if not c.throw(data, 0.5):
            n = i
            break
    how = a.rng.randrange(4)
    if how == 0:
        c.reset()
    elif how == 1:
        a.hold(c)
    else:
        for i in range(n):  # the answers are those to these requests, in their order
            msg = json.loads(c.reply().read())
            if kind != "health" and "id" in msg and msg["id"] != i:
                raise Breach("answer %r to request %d of a pipeline" % (msg["id"], i))
        c.close()


@attack("a body without a token")
def _(a):
    c = a.conn()
    size = a.rng.randint(1, 8 << 20)
    c.throw(c.head("POST", "/mcp", [CT, ACCEPT], size))
    sent = 0
    while sent < size and sent < 1 << 20 and c.throw(b"[" * 16384, 0.2):
        sent += 16384
    if a.rng.random() < 0.5:
        a.hold(c)
        return
    if a.world.mode == "tokens":
        c.half_close()
        status = c.reply().status
        if status < 400:
            raise Breach("a body without a token: %d" % status)
    c.reset()


@attack("wrong tokens", 4)
def _(a):
    good = a.world.token("amy") or "token-of-amy-0123456789"
    token = a.rng.choice((good[:-1], good + "0", good.upper(), "", " ", "x" * a.rng.randint(1, 9000), good + "\x00",
                          "a.b.c", "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbXkifQ.", good + ", Bearer " + good))
    scheme = a.rng.choice(("Bearer ", "bearer  ", "Basic ", "DPoP ", "", "Bearer\t", "Bearer,"))
    where = a.rng.randrange(3)
    headers = [("Authorization", scheme + token)] + [("Authorization", "Bearer x")] * (where == 1)
    path = "/mcp" + "?access_token=x" * (where == 2)
    head, body = envelope("tools/list", {})
    reply, _ = a.post(path, body, *head, *headers)
    if a.world.mode == "tokens" and reply.status not in (400, 401, 403, 431):
        raise Breach("Authorization %r: %d" % (headers, reply.status))


@attack("silent connections")
def _(a):
    for _ in range(a.rng.randint(1, 12)):
        a.hold(a.conn())


@attack("slow heads")
def _(a):
    for _ in range(a.rng.randint(1, 4)):
        c = a.conn()
        c.slow = c.head("POST", "/mcp", [CT, ACCEPT, ("X-Slow", "x" * 500)], 10).encode()
        c.throw(c.slow[:a.rng.randint(1, 60)])
        a.hold(c)


SMUGGLED = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"
MALFORMED = [
    b"\r\n\r\n\r\n", b"\0\0\0\0", b"GET\r\n\r\n", b"GET /health\r\n\r\n", b"GET  /health HTTP/1.1\r\n\r\n",
    b"GET /health HTTP/9.9\r\nHost: localhost\r\n\r\n", b"GET /health HTTP/1.1 x\r\nHost: localhost\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x55" * 200,
    b"CONNECT localhost:1 HTTP/1.1\r\nHost: localhost\r\n\r\n", b"OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET http://evil.example.com/health HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"G\0T /health HTTP/1.1\r\nHost: localhost\r\n\r\n", b"GET /he\0alth HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET //x/health HTTP/1.1\r\nHost: localhost\r\n\r\n", b"GET /health#x HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET /%00 HTTP/1.1\r\nHost: localhost\r\n\r\n", b"GET /" + b"x" * 70000 + b" HTTP/1.1\r\n\r\n",
    b"X" * 40000, b"GET /mcp HTTP/1.1\r\nHost: localhost\r\nX: " + b"y" * 70000,
    b"GET /mcp HTTP/1.1\r\nHost: localhost\r\n" + b"X: y\r\n" * 9000 + b"\r\n",
    b"POST /mcp HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n",
    b"POST /mcp HTTP/1.1\r\nHost: localhost\r\n folded\r\nContent-Length: 0\r\n\r\n",
    b"POST /mcp HTTP/1.1\r\nHost: localhost\r\nX\0Y: z\r\nContent-Length: 0\r\n\r\n",
    b"POST /mcp HTTP/1.1\r\nHost: localhost\r\nX: a\0b\r\nContent-Length: 0\r\n\r\n",
    b"POST /mcp HTTP/1.1\r\nHost: localhost\r\nNo colon\r\n\r\n", b"POST /mcp HTTP/1.1\r\n: x\r\n\r\n",
    b"POST /mcp HTTP/1.1\r\nHost: localhost\r\nX : y\r\nContent-Length: 0\r\n\r\n",
    b"POST /mcp HTTP/1.1\nHost: localhost\nContent-Length: 0\n\n",
] + [b"POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n" + lengths + b"\r\n" + body
     for lengths, body in (
    (b"Content-Length: -1\r\n", b""), (b"Content-Length: +2\r\n", b"{}"), (b"Content-Length: 0x10\r\n", b""),
    (b"Content-Length: 99999999999999999999\r\n", b""), (b"Content-Length: 2, 2\r\n", b"{}"),
    (b"Content-Length: 2\r\nContent-Length: 40\r\n", b"{}" + SMUGGLED), (b"Content-Length: \r\n", b""),
    (b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", b"0\r\n\r\n" + SMUGGLED),
    (b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", b"0\r\n\r\n" + SMUGGLED),
    (b"Transfer-Encoding: xchunked\r\n", SMUGGLED), (b"Transfer-Encoding: gzip, chunked\r\n", b"0\r\n\r\n"),
    (b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", b"0\r\n\r\n" + SMUGGLED),
    (b"Transfer-Encoding : chunked\r\n", b"0\r\n\r\n" + SMUGGLED), (b"Transfer-Encoding: \x0bchunked\r\n", SMUGGLED),
    (b"Transfer-Encoding: chunked\r\n", b"2;a=1\r\n{}\r\n0\r\n\r\n"), (b"Transfer-Encoding: chunked\r\n", b"-2\r\n{}"),
    (b"Transfer-Encoding: chunked\r\n", b"ffffffffffffffff\r\n{}"), (b"Transfer-Encoding: chunked\r\n", b"zz\r\n"),
    (b"Transfer-Encoding: chunked\r\n", b"2\r\n{}XX0\r\n\r\n" + SMUGGLED),
    (b"Transfer-Encoding: chunked\r\n", b"2\n{}\n0\n\n" + SMUGGLED),
    (b"Expect: 200-maybe\r\nContent-Length: 2\r\n", b"{}"), (b"Upgrade: h2c\r\nContent-Length: 2\r\n", b"{}"),
)]


def answers(c):
    """The statuses of all answers on a connection, and its bytes, until the daemon closes or says no more."""
    data, c.sock = b"", c.sock
    c.half_close()
    while True:
        part = c.some()
        if not part:
            break
        data += part
        if len(data) > 1 << 20:
            raise Breach("a megabyte of answer to a request that is malformed")
    return [int(s) for s in re.findall(rb"^HTTP/1\.[01] (\d+) ", data, re.M)], data


@attack("malformed HTTP", 8)
def _(a):
    data = a.rng.choice(MALFORMED)
    c = a.conn()
    if a.rng.random() < 0.3:  # byte by byte, or in two pieces
        at = a.rng.randint(0, len(data))
        c.throw(data[:at])
        c.throw(data[at:])
    else:
        c.throw(data)
    statuses, text = answers(c)
    c.close()
    if SMUGGLED in data and 200 in statuses:
        raise Breach("a request that was smuggled in is answered: %r: %r" % (data, text))
    if b"<html" in text.lower():
        raise Breach("an answer in HTML to %r" % data[:200])


@attack("noise in place of HTTP")
def _(a):
    c = a.conn()
    c.throw(a.junk(a.rng.randint(1, 20000)))
    c.reset() if a.rng.random() < 0.5 else answers(c)


@attack("half-closed connections")
def _(a):
    c = a.conn()
    head, body = envelope("tools/call", {"name": "hang" if a.rng.random() < 0.2 else "echo", "arguments": {}})
    data = (c.head("POST", "/mcp/" + a.rng.choice(("bad", "asker")), a.fields(*head), len(body)) + body).encode()
    c.throw(data[:a.rng.randint(1, len(data))] if a.rng.random() < 0.5 else data)
    c.half_close()
    a.hold(c) if a.rng.random() < 0.5 else c.close()


@attack("foreign origins, hosts and forwarded addresses")
def _(a):
    name, value = a.rng.choice((("Origin", "null"), ("Origin", "x://localhost"), ("Origin", "http://evil.example.com"),
                                ("Origin", "file://"), ("Host", "evil.example.com"), ("Host", ""),
                                ("X-Forwarded-For", "127.0.0.1"), ("X-Forwarded-For", "198.51.100.2, x, , [::1" * 50),
                                ("Forwarded", 'for="[::1' + ";" * 1000), ("X-Forwarded-For", "9" * 5000)))
    head, body = envelope("server/discover", {})
    reply, _ = a.post("/mcp", body, *head, (name, value))
    if name in ("Origin", "Host") and reply.status < 400:
        raise Breach("%s %r: %d" % (name, value, reply.status))


# --- JSON ----------------------------------------------------------------------------------------

def value(rng, depth=0):
    """Some JSON value."""
    kind = rng.randrange(9 if depth < 4 else 7)
    if kind == 7:
        return [value(rng, depth + 1) for _ in range(rng.randint(0, 4))]
    if kind == 8:
        return {rng.choice(("name", "uri", "_meta", "arguments", "\0", "x" * 300, "cursor", "ref", "level")):
                value(rng, depth + 1) for _ in range(rng.randint(0, 4))}
    return (None, True, rng.randint(-2**63, 2**63 - 1), rng.random() * 10**rng.randint(-300, 300), "",
            "text\0with\0NUL", rng.choice(("\ud7ff\U0001f600", "../../etc/passwd", "A" * 2000, "%s%n", "\x1b[31m")))[kind]


METHODS = ["initialize", "ping", "tools/list", "tools/call", "resources/list", "resources/read", "resources/subscribe",
           "resources/unsubscribe", "resources/templates/list", "prompts/list", "prompts/get", "completion/complete",
           "logging/setLevel", "server/discover", "subscriptions/listen", "tasks/get", "tasks/cancel", "tasks/update",
           "tasks/result", "notifications/cancelled", "notifications/progress", "notifications/roots/list_changed",
           "ping\0x", "", "x" * 5000]


@attack("messages of random parameters", 6)
def _(a):
    method, params = a.rng.choice(METHODS), value(a.rng)
    if a.rng.random() < 0.5:
        head, body = envelope(method, params if isinstance(params, dict) else {"x": params}, value(a.rng), value(a.rng))
        head = [h for h in head if h[0] != "Mcp-Method"] + [("Mcp-Method", method[:100].replace("\0", ""))]
        c = a.conn()
        c.throw(c.head("POST", "/mcp/asker", a.fields(*head), len(body)) + body)
        if method == "subscriptions/listen" or a.rng.random() < 0.2:
            return a.hold(c)
        a.response(c.reply())
        return c.close()
    s = Evil(a, "/mcp/asker")
    msg = {"jsonrpc": "2.0", "method": method, "params": params}
    if a.rng.random() < 0.8:
        msg["id"] = a.rng.choice((1, "x", 0, -1, value(a.rng)))
    a.post("/mcp/asker", msg, *s.headers())
    s.end()


@attack("bodies that are no good JSON")
def _(a):
    n = a.rng.choice((10, 63, 64, 65, 1000, 100000))
    text = a.rng.choice((
        "[" * n, "{\"a\":" * n, "[" * n + "]" * n, '{"jsonrpc":"2.0","id":1,"method":"ping","params":' + "[" * n + "]" * n + "}",
        '{"jsonrpc":"2.0","id":1,"method":"pi\\u0000ng"}', '{"jsonrpc":"2.0\\u0000","id":1,"method":"ping"}',
        '{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}', '{"jsonrpc":"2.0","id":1' + "0" * n + ',"method":"ping"}',
        '{"jsonrpc":"2.0","id":1e%d,"method":"ping"}' % n, '"\\ud800"', b"\xff\xfe\x00", b"\xef\xbb\xbf{}", b"\0" * n,
        '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo\\u0000x","arguments":{}}}',
        '{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"uri":"test://1\\u0000x"}}'))
    s = Evil(a, "/mcp/asker")
    reply, msg = a.post("/mcp/asker", text, *s.headers())
    if isinstance(text, str) and "\\u0000" in text and msg and "result" in msg:
        raise Breach("a NUL is served: %s: %s" % (text, msg))
    s.end()


@attack("batches")
def _(a):
    s = Evil(a, "/mcp/asker", "2025-03-26")
    n = a.rng.choice((0, 1, 49, 50, 51, 400))
    batch = [s.message(a.rng.choice(("ping", "tools/list", "no/such")), {}) for _ in range(n)]
    if a.rng.random() < 0.3:
        batch.append(batch[:])
    reply, msg = a.post(s.path, batch, *s.headers())
    if isinstance(msg, list) and len(msg) != len(batch):
        raise Breach("%d answers to a batch of %d" % (len(msg), len(batch)))
    s.end()


@attack("ids that are used twice")
def _(a):
    s = Evil(a, "/mcp/asker")
    held = [s.begin("tools/call", {"name": "hang", "arguments": {}}) for _ in range(a.rng.randint(1, 5))]
    s.id = 0
    msg = s.tool("echo", text="mine")[1]
    if msg and "result" in msg and text_of(msg["result"]) != "mine":
        raise Breach("another answer: %s" % msg)
    for i in range(-1, 6):
        a.post(s.path, {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": i}}, *s.headers())
        a.post(s.path, {"jsonrpc": "2.0", "id": i, "result": {"roots": [{"uri": "file:///stolen"}]}}, *s.headers())
    for c in held:
        a.hold(c)
    if a.rng.random() < 0.7:
        s.end()


# --- sessions ------------------------------------------------------------------------------------

@attack("floods of sessions")
def _(a):
    for _ in range(a.rng.randint(3, 12)):
        s = Evil(a, a.rng.choice(("/mcp", "/mcp/good", "/mcp/small")))
        if a.rng.random() < 0.3 and s.sid:
            s.end()


@attack("sessions, each with a child")
def _(a):
    for _ in range(a.rng.randint(1, 4)):
        s = Evil(a, "/mcp/small")
        if s.sid:
            s.tool("echo")


@attack("ids of others", 4)
def _(a):
    sid = a.world.someones_id()
    if sid is None:
        return
    if a.world.mode == "none":  # there the id is what authorises: it is guessed, not known
        at = a.rng.randrange(len(sid))
        sid = sid[:at] + ("0" if sid[at] != "0" else "1") + sid[at + 1:]
    headers = [("Mcp-Session-Id", sid), ("MCP-Protocol-Version", "2025-11-25")]
    method = a.rng.choice(("DELETE", "GET", "POST"))
    if method == "GET":
        headers += [("Accept", "text/event-stream"), ("Last-Event-ID", a.rng.choice(("0", "1", "0-1", "x" * 200)))]
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "ping"}) if method == "POST" else None
    reply = a.http(method, "/mcp/good", headers, body)
    if reply.status not in (404, 401, 429, 503):
        raise Breach("%s with the session of somebody else: %d" % (method, reply.status))


@attack("long URIs in subscriptions")
def _(a):
    uris = ["test://%d/%s" % (i, "x" * a.rng.choice((10, 1000, 8000, 60000))) for i in range(a.rng.randint(1, 10))]
    if a.rng.random() < 0.5:
        s = Evil(a, "/mcp/asker")
        for uri in uris:
            s.request("resources/subscribe", {"uri": uri})
        if a.rng.random() < 0.5:
            s.end()
        return
    head, body = envelope("subscriptions/listen", {"notifications": {"resourceSubscriptions": uris}})
    c = a.conn()
    c.throw(c.head("POST", "/mcp/asker", a.fields(*head), len(body)) + body)
    a.hold(c)


@attack("streams, again and again")
def _(a):
    s = Evil(a, "/mcp/good")
    for _ in range(a.rng.randint(1, 20)):
        c = s.get(*([("Last-Event-ID", a.rng.choice(("1", "0-0", "9" * 30, "\xff")))] if a.rng.random() < 0.4 else []))
        a.hold(c) if a.rng.random() < 0.5 else c.reset()
    if a.rng.random() < 0.5:
        s.end()


@attack("large client information")
def _(a):
    size = a.rng.choice((100, 5000, 100000, 1000000))
    a.post("/mcp", {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
        "protocolVersion": "2025-11-25", "capabilities": {"experimental": {"x" * size: {}}},
        "clientInfo": {"name": "n" * size, "version": "v" * size}}})


@attack("client capabilities, each time others")
def _(a):
    for _ in range(a.rng.randint(3, 12)):
        caps = {a.rng.choice(("elicitation", "sampling", "roots", "experimental")): {"k%d" % a.rng.getrandbits(40): {}}}
        a.modern("/mcp/asker", a.rng.choice(("tools/list", "server/discover")), {}, caps)


# --- calls ---------------------------------------------------------------------------------------

@attack("large answers that nobody reads")
def _(a):
    s = Evil(a, "/mcp/bad")
    for _ in range(a.rng.randint(1, 4)):
        a.hold(s.begin("tools/call", {"name": "big", "arguments": {"bytes": a.rng.choice((1 << 20, 4 << 20))}}))


@attack("large requests that no server answers")
def _(a):
    for _ in range(a.rng.randint(1, 4)):
        head, body = envelope("tools/call", {"name": "hang", "arguments": {
            "x": a.rng.choice(("x" * 1000000, [{}] * 100000))}})
        c = a.conn()
        c.throw(c.head("POST", "/mcp/bad", a.fields(*head), len(body)) + body)
        a.hold(c)


@attack("large parked calls")
def _(a):
    for _ in range(a.rng.randint(1, 4)):
        a.call("/mcp/bad", "elicit", {"message": "m" * a.rng.choice((10000, 900000))}, {"elicitation": {}})


@attack("patterns and comparisons that take long")
def _(a):
    name, path = a.rng.choice(sorted(BOMBS)), a.rng.choice(("/mcp/host", "/mcp/site"))
    n = a.rng.choice((20, 30, 1000, 20000))
    if name == "unique":
        keys = a.rng.choice((2, 20))
        argument = [{"k%d" % k: (i if k == 0 else 0) for k in range(keys)} for i in range(min(n, 999))]
    else:
        argument = a.rng.choice(("a" * n, "a" * n + "!", "a@" + "a" * n))
    a.call(path, "bomb_" + name, {"value": argument})


@attack("calls that are left in the middle of their answer")
def _(a):
    where = a.rng.choice(("progress", "slow", "flood", "big"))
    s = Evil(a, "/mcp/bad") if a.rng.random() < 0.5 else None
    arguments = {"steps": 500, "seconds": 5, "count": 300, "bytes": 300000, "delay": 0.001}
    meta = {"progressToken": "t"}
    params = {"name": where, "arguments": arguments, "_meta": meta}
    if s:
        c = s.begin("tools/call", params)
    else:
        head, body = envelope("tools/call", {"name": where, "arguments": arguments}, progressToken="t")
        c = a.conn()
        c.throw(c.head("POST", "/mcp/bad", a.fields(*head), len(body)) + body)
    if where != "slow":
        c.some()
    c.reset()


@attack("floods from children")
def _(a):
    if a.rng.random() < 0.5:
        s = Evil(a, "/mcp/churn")
        s.tool(a.rng.choice(("junk", "notes", "words")), count=a.rng.choice((10, 1000, 5000)))
        s.end()
        return
    s = Evil(a, "/mcp/bad")
    if a.rng.random() < 0.5:
        a.hold(s.get())
    name, arguments = a.rng.choice((
        ("flood", {"count": 2000}), ("garbage", {"lines": 2000}), ("stderr", {"lines": 2000, "text": "x" * 100}),
        ("toolong", {"bytes": 1 << 20}), ("big", {"bytes": 1 << 19}), ("double", {}), ("unknown", {}),
        ("wrongid", {}), ("set_tools", {"names": ["n%d" % a.rng.getrandbits(20)]})))
    s.tool(name, **arguments)
    s.end()


@attack("children that break", 2)
def _(a):
    s = Evil(a, "/mcp/bad")
    name = a.rng.choice(("die", "crash", "midline", "close_stdout", "close_stdin", "stop_reading", "grandchild"))
    c = s.begin("tools/call", {"name": name, "arguments": {"how": a.rng.choice(("plain", "setsid", "hold", "stubborn"))}})
    a.hold(c)
    if a.rng.random() < 0.5:
        s.end()


@attack("lists that change all the time", 2)
def _(a):
    for _ in range(a.rng.randint(1, 10)):
        a.modern("/mcp/churn", "tools/list", {})
    s = Evil(a, "/mcp/churn")
    a.hold(s.get())
    s.request("tools/list", {})


@attack("states: not used, forged, replayed, of others", 4)
def _(a):
    caps = {"elicitation": {"form": {}}}
    key = "k%d" % a.rng.getrandbits(30)
    arguments = {"method": "elicitation/create", "key": key, "params": {
        "mode": "form", "message": "?", "requestedSchema": {"type": "object", "properties": {}}}}
    first = a.call("/mcp/asker", "ask", arguments, caps)
    if not first or "result" not in first:
        return
    state = first["result"]["requestState"]
    reply = {key: {"action": "accept", "content": {}}}

    def retry(used, arguments=arguments, path="/mcp/asker", user=None):
        msg = a.call(path, "ask", arguments, caps, user=user, requestState=used, inputResponses=reply)
        return bool(msg) and "result" in msg

    at = a.rng.randrange(len(state))
    for forged in (state[:at] + ("A" if state[at] != "A" else "B") + state[at + 1:], state[:at], state + "A", "", "A" * 5000):
        if retry(forged):
            raise Breach("a forged state is taken: %r for %r" % (forged, state))
    if retry(state, dict(arguments, key="other")) or retry(state, path="/mcp/bad"):
        raise Breach("a state is taken for another request")
    if a.world.mode == "tokens" and retry(state, user=a.rng.choice([u for u in ATTACKERS if u != a.user])):
        raise Breach("the state of another user is taken")
    if a.rng.random() < 0.5 and retry(state) and retry(state):
        raise Breach("a state is taken twice")


@attack("questions that nobody answers", 2)
def _(a):
    for _ in range(a.rng.randint(1, 6)):
        a.call("/mcp/bad", a.rng.choice(("elicit", "sample", "roots")), {"message": "?"},
               {"elicitation": {"form": {}}, "sampling": {}, "roots": {}})


@attack("upstream streams that break off", 1)
def _(a):
    a.call("/mcp/loop", "again", {})


@attack("upstream redirects")
def _(a):
    a.call("/mcp/redirect", "go", {"where": a.rng.randrange(20)})


@attack("answers that are not read")
def _(a):
    for _ in range(a.rng.randint(1, 4)):
        head, body = envelope("tools/call", {"name": "big", "arguments": {"bytes": 1 << 18}})
        c = a.conn()
        c.throw(c.head("POST", "/mcp/bad", a.fields(*head), len(body)) + body)
        a.hold(c)


@attack("commands that never end")
def _(a):
    c = a.conn()
    head, body = envelope("tools/call", {"name": "noise", "arguments": {}})
    c.throw(c.head("POST", "/mcp/host", a.fields(*head), len(body)) + body)
    c.reset() if a.rng.random() < 0.5 else a.hold(c)


# --- the daemon from within ------------------------------------------------------------------------

@attack("tools that go for the daemon", 2)
def _(a):
    msg = a.call("/mcp/host", "steal", {})
    if not msg or "result" not in msg or msg["result"].get("isError"):
        return
    got = set(json.loads(text_of(msg["result"]))) & a.world.kept_from_children()
    if got:
        raise Breach("a tool got %s" % ", ".join(sorted(got)))


class ControlConn(EvilConn):
    def __init__(self, path):
        self.buf, self.closed = b"", False
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(PATIENCE)
        self.sock.connect(path)


@attack("clients of the control socket")
def _(a):
    c = ControlConn(a.world.daemon.socket)
    c.throw(a.rng.choice((
        b'{"jsonrpc":"2.0","id":1,"method":"log.follow","params":{"all":true}}\n', a.junk(3000) + b"\n", b"",
        b"x" * (2 << 20), b'{"jsonrpc":"2.0","id":1,"method":"nothing"}\n' * 200, b"[" * 9000 + b"\n",
        b'{"jsonrpc":"2.0","id":1,"method":"session.show","params":{"id":"\\u0000"}}\n')))
    mine = [h for h in a.held if isinstance(h, ControlConn)]
    a.hold(c) if not mine else c.close()


NAMES = sorted(ATTACKS)
WEIGHTS = [ATTACKS[n][0] for n in NAMES]
