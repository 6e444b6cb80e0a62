#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""The gate: what a client's bytes pass before anything is read of them."""

from harness import *

ORIGIN = "https://page.example"
PING = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "ping"})


def raw(d, data):
    """The reply to these bytes, and whether the connection then ended in order."""
    c = Conn(d.addr)
    c.finished = lambda reply: None  # it is the daemon that closes
    c.send(data)
    reply = c.reply()
    reply.read()
    return reply, c.at_end()


def head(line="POST /mcp HTTP/1.1", *fields):
    return ("\r\n".join((line, "Host: localhost", "Origin: " + ORIGIN) + fields) + "\r\n\r\n").encode("latin-1")


REFUSED = {
    "chunk extension": (400, head("POST /mcp HTTP/1.1", "Transfer-Encoding: chunked") + b"28;a=1\r\n"),
    "trailer": (400, head("POST /mcp HTTP/1.1", "Transfer-Encoding: chunked") + b"0\r\nA: b\r\n\r\n"),
    "NUL": (400, head("POST /mcp HTTP/1.1", "A: b\0c")),
    "bare LF": (400, head("POST /mcp HTTP/1.1", "A: b\nC: d")),
    "folded line": (400, head("POST /mcp HTTP/1.1", "A: b", " c")),
    "length and coding": (400, head("POST /mcp HTTP/1.1", "Content-Length: 5", "Transfer-Encoding: chunked")),
    "two lengths": (400, head("POST /mcp HTTP/1.1", "Content-Length: 5", "Content-Length: 5")),
    "no length": (400, head("POST /mcp HTTP/1.1", "Content-Length: x")),
    "request line": (400, head("POST /mcp  HTTP/1.1")),
    "HTTP/0.9": (400, head("GET /mcp")),
    "unknown coding": (501, head("POST /mcp HTTP/1.1", "Transfer-Encoding: gzip, chunked")),
    "expectation": (417, head("POST /mcp HTTP/1.1", "Expect: 200-ok", "Content-Length: 5")),
    "HTTP/2": (505, head("PRI * HTTP/2.0")),
    "length over maxBody": (413, head("POST /mcp HTTP/1.1", "Content-Length: 65537")),
    "chunks over maxBody": (413, head("POST /mcp HTTP/1.1", "Transfer-Encoding: chunked") +
                            b"10000\r\n" + 65536 * b"x" + b"\r\n1\r\n"),
    "head over maxHeaders": (431, head("POST /mcp HTTP/1.1", "A: " + 33000 * "b")),
}


@case("what has two readings gets a JSON-RPC error that a page may read, and the end of the connection")
def _():
    with Daemon({"fake": tiny()}, allowedOrigins=[ORIGIN], limits={"maxBody": 65536}) as d:
        for name, (status, data) in REFUSED.items():
            reply, ended = raw(d, data)
            equal(reply.status, status, name)
            assert ended, name
            equal(reply.header("Access-Control-Allow-Origin"), ORIGIN, name)
            equal(reply.header("Content-Type"), "application/json", name)
            equal(reply.error(), (status, -32000), name)
        equal(d.health()["status"], "ok", "health")


@case("a foreign Host or Origin is refused before the body, as it is with one")
def _():
    with Daemon({"fake": tiny()}) as d:
        for host, origin in (("evil.example.com", None), ("localhost\r\nHost: localhost", None), ("", None),
                             ("localhost", "http://evil.example.com"), ("localhost", "null"),
                             ("localhost", ORIGIN + "\r\nOrigin: " + ORIGIN)):
            start = ("POST /mcp HTTP/1.1\r\nContent-Type: application/json\r\nAccept: application/json\r\n"
                     "Host: %s\r\n" % host + ("Origin: %s\r\n" % origin if origin else ""))
            small, _ = raw(d, (start + "Connection: close\r\nContent-Length: %d\r\n\r\n%s" % (len(PING), PING)).encode())
            for length in ("Content-Length: 60000", "Transfer-Encoding: chunked"):
                # No byte of the body is sent.
                large, ended = raw(d, (start + length + "\r\n\r\n").encode())
                equal((large.status, large.body), (small.status, small.body), "answer to %r %r" % (host, origin))
                equal(large.status, 403, "status")
                assert ended, "the connection"


@case("a body of exactly maxBody bytes is taken, in chunks too")
def _():
    body = PING + (65536 - len(PING)) * " "
    with Daemon({"fake": tiny()}, limits={"maxBody": 65536}) as d:
        client = Client(d)
        equal(client.post(body).status, 200, "status")
        c = Conn(d.addr)
        fields = [(n, v) for n, v in client.headers() if v] + [("Transfer-Encoding", "chunked")]
        c.send(("POST /mcp HTTP/1.1\r\nHost: localhost\r\n" + "".join("%s: %s\r\n" % f for f in fields) +
                "\r\n10000\r\n" + body + "\r\n0\r\n\r\n").encode())
        equal(c.reply().status, 200, "status")


@case("Expect: 100-continue is answered before the body, or with the refusal")
def _():
    with Daemon({"fake": tiny()}, limits={"maxBody": 65536}) as d:
        client = Client(d)
        c = Conn(d.addr)
        fields = "".join("%s: %s\r\n" % f for f in client.headers() if f[1])
        start = "POST /mcp HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n" + fields
        c.send(("%sContent-Length: %d\r\n\r\n" % (start, len(PING))).encode())
        equal(c.line(), b"HTTP/1.1 100 Continue", "the first line")
        equal(c.line(), b"", "the second")
        c.send(PING.encode())
        equal(c.reply().status, 200, "status")
        reply, _ = raw(d, (start + "Content-Length: 99999\r\n\r\n").encode())
        equal(reply.status, 413, "status of one that is too large")


@case("requests pipelined without pause wait with the client, not in the daemon")
def _():
    with Daemon({"fake": fake()}) as d:
        client = Client(d)
        client.tool("echo", text="x")
        body = json.dumps({"jsonrpc": "2.0", "id": 7, "method": "tools/call",
                           "params": {"name": "echo", "arguments": {"text": "x"}}})
        fields = "".join("%s: %s\r\n" % f for f in client.headers(Accept="application/json") if f[1])
        one = ("POST /mcp HTTP/1.1\r\nHost: localhost\r\n%sContent-Length: %d\r\n\r\n%s"
               % (fields, len(body), body)).encode()
        c = Conn(d.addr)
        before, answered, total = rss(d.pid), 0, 4000
        sender = threading.Thread(target=lambda: c.sock.sendall(total * one), daemon=True)
        sender.start()
        while answered < total:
            reply = c.reply()
            equal(reply.status, 200, "status of answer %d" % answered)
            reply.read()
            answered += 1
            if answered == total // 2 and not sanitized():
                grown = rss(d.pid) - before
                assert grown < 2048, "%d KiB more after %d requests" % (grown, answered)
        sender.join(TIMEOUT)


@case("where an address has no room, its silent connections go, never one with a request in flight")
def _():
    with Daemon({"fake": fake()}, limits={"maxConnectionsPerAddress": 20}) as d:
        client = Client(d)
        stream = client.get()  # not silent: it has an exchange
        silent = [Conn(d.addr) for _ in range(60)]

        def served():
            try:
                return Client(d, start=True)
            except (OSError, EOFError):
                return None
        equal(wait_until(served, "room for somebody new").tool("echo", text="x"), "x", "echo")
        equal(d.ctl("session.show", id=client.sid)["streams"], 1, "streams that are open")
        stream.close()
        for c in silent:
            c.close()


run()
