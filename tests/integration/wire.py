# SPDX-License-Identifier: ISC
"""The client's side: byte-exact HTTP, event streams, and MCP of the 2025 revisions."""

import itertools
import json
import os
import re
import socket
import struct

TIMEOUT = float(os.environ.get("MCPD_TEST_TIMEOUT", "120"))
REVISIONS = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")
BOTH = "application/json, text/event-stream"


def equal(got, wanted, what="value"):
    assert got == wanted, "%s: expected %r, got %r" % (what, wanted, got)


# --- HTTP ----------------------------------------------------------------------------------------

class Reply:
    """The head of an answer, and the way to its body."""

    def __init__(self, conn, status, headers):
        self.conn, self.status, self.headers = conn, status, headers
        self.body = None
        self.chunked = (self.header("Transfer-Encoding") or "").lower() == "chunked"
        length = self.header("Content-Length")
        self.length = 0 if status in (204, 304) else None if length is None else int(length)

    def header(self, name):
        values = [v for n, v in self.headers if n.lower() == name.lower()]
        assert len(values) < 2, "%s occurs %d times" % (name, len(values))
        return values[0] if values else None

    def parts(self):
        """The body as it comes, or came."""
        if self.body is not None:
            yield self.body
            return
        if self.chunked:
            while True:
                size = int(self.conn.line().split(b";")[0], 16)
                data = self.conn.exactly(size)
                equal(self.conn.line(), b"", "end of the chunk")
                if size == 0:
                    break
                yield data
        elif self.length is not None:
            if self.length:
                yield self.conn.exactly(self.length)
        else:
            while True:
                data = self.conn.some()
                if not data:
                    break
                yield data
        self.conn.finished(self)

    def read(self):
        if self.body is None:
            self.body = b"".join(self.parts())
        return self.body

    def json(self):
        equal(self.header("Content-Type"), "application/json", "Content-Type")
        body = self.read()
        assert b"\n" not in body, "JSON on several lines"
        return json.loads(body)

    def answer(self):
        """The answer to one request: the body, or the last message of the stream that it became after a second."""
        if not self.is_sse():
            return self.json()
        stream, last = Sse(self), None
        while (msg := stream.message()) is not None:
            last = msg
        return last

    def raw_answer(self):
        """The bytes of that answer."""
        body = self.read()
        return [b for b in body.split(b"\n") if b.startswith(b"data: {")][-1][6:] if self.is_sse() else body

    def is_sse(self):
        return (self.header("Content-Type") or "").split(";")[0] == "text/event-stream"

    def error(self):
        """(status, code) of an error, after checks of its form."""
        msg = self.json()
        equal(msg.get("jsonrpc"), "2.0", "jsonrpc")
        assert isinstance(msg["error"]["message"], str) and "result" not in msg
        assert msg.get("id", 0) is not None, "an id of null"
        return self.status, msg["error"]["code"]


class Conn:
    """A connection. Everything that is sent is sent as given."""

    def __init__(self, addr):
        self.addr = addr
        self.sock = socket.create_connection(addr, TIMEOUT)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buf = b""
        self.closed = False

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()

    def close(self):
        self.closed = True
        self.sock.close()

    def reset(self):
        """Goes away without a word: RST instead of FIN."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def send(self, data):
        self.sock.sendall(data if isinstance(data, bytes) else data.encode("latin-1"))

    def some(self):
        if self.buf:
            data, self.buf = self.buf, b""
            return data
        try:
            return self.sock.recv(65536)
        except ConnectionResetError:
            return b""

    def line(self):
        while b"\r\n" not in self.buf:
            data = self.sock.recv(65536)
            if not data:
                raise EOFError("the connection was closed in a line: %r" % self.buf)
            self.buf += data
        line, self.buf = self.buf.split(b"\r\n", 1)
        return line

    def exactly(self, n):
        while len(self.buf) < n:
            data = self.sock.recv(max(65536, n - len(self.buf)))
            if not data:
                raise EOFError("the connection was closed in a body")
            self.buf += data
        data, self.buf = self.buf[:n], self.buf[n:]
        return data

    def at_end(self):
        """Whether the peer has closed; waits for that or for bytes."""
        data = self.some()
        self.buf = data + self.buf
        return data == b""

    def reply(self):
        version, status, _ = (self.line().decode("latin-1") + " ").split(" ", 2)
        assert version in ("HTTP/1.1", "HTTP/1.0"), version
        headers = []
        while True:
            line = self.line().decode("latin-1")
            if not line:
                break
            name, _, value = line.partition(":")
            headers.append((name, value.strip()))
        return Reply(self, int(status), headers)

    def finished(self, reply):
        if (reply.header("Connection") or "").lower() == "close":
            self.close()

    def head(self, method, path, headers=(), length=None):
        names = [n.lower() for n, _ in headers]
        text = "%s %s HTTP/1.1\r\n" % (method, path)
        if "host" not in names:
            text += "Host: %s:%d\r\n" % self.addr
        text += "".join("%s: %s\r\n" % h for h in headers if h[1] is not None)
        if length is not None and "content-length" not in names:
            text += "Content-Length: %d\r\n" % length
        return text + "\r\n"

    def request(self, method, path, headers=(), body=None):
        """HEADERS are pairs; one with the value None is not sent. Returns the answer's head."""
        if isinstance(body, str):
            body = body.encode()
        data = self.head(method, path, headers, None if body is None else len(body))
        self.send(data.encode("latin-1") + (body or b""))
        return self.reply()


class Event:
    def __init__(self):
        self.comment = self.id = self.retry = self.event = self.data = None

    def __repr__(self):
        return "Event(%s)" % ", ".join("%s=%r" % f for f in vars(self).items() if f[1] is not None)


class Sse:
    """An event stream, read as strictly as a new client would."""

    def __init__(self, reply):
        equal(reply.status, 200, "status")
        equal(reply.header("Content-Type"), "text/event-stream", "Content-Type")
        assert "no-cache" in reply.header("Cache-Control")
        equal(reply.header("X-Accel-Buffering"), "no", "X-Accel-Buffering")
        self.reply, self.parts, self.text = reply, reply.parts(), b""
        self.events, self.last_id, self.ended = [], None, False

    def block(self):
        while b"\n\n" not in self.text:
            data = next(self.parts, None)
            if data is None:
                assert self.text == b"", "half an event: %r" % self.text
                self.ended = True
                return None
            self.text += data
        block, self.text = self.text.split(b"\n\n", 1)
        return block.decode()

    def next(self):
        """The next comment or event; None at the end."""
        block = self.block()
        if block is None:
            return None
        e = Event()
        for line in block.split("\n"):
            name, colon, value = line.partition(":")
            assert colon, "a line without a colon: %r" % line
            value = value[1:] if value.startswith(" ") else value
            if not name:
                e.comment = value
            else:
                assert name in ("id", "event", "retry", "data"), "field %r" % name
                assert getattr(e, name) is None, "%s twice" % name
                setattr(e, name, value)
        if e.id is not None:
            self.last_id = e.id
        self.events.append(e)
        return e

    def message(self):
        """The next JSON-RPC message; None at the end."""
        while True:
            e = self.next()
            if e is None:
                return None
            if e.data:
                equal(e.event, "message", "event")
                return json.loads(e.data)

    def comment(self):
        """The next comment's text."""
        while True:
            e = self.next()
            assert e is not None, "the stream ended"
            if e.comment is not None:
                return e.comment

    def close(self):
        self.reply.conn.close()


# --- what nobody may find ------------------------------------------------------------------------

SECRETS = set()  # the tokens and secrets of this run


def secret(text):
    """Notes TEXT as a token or secret: from now on no log, reply of the control socket, command line or
    file of a daemon may have it in it. The signature of a JWT counts as much as the whole."""
    SECRETS.update(part for part in (text, text.rpartition(".")[2]) if len(part) >= 8)
    return text


def no_secret_in(where, text):
    if SECRETS:
        found = re.search("|".join(map(re.escape, SECRETS)), text)
        assert not found, "a secret is in %s: %s" % (where, text[max(0, found.start() - 80):found.end()])


# --- MCP -----------------------------------------------------------------------------------------

class RpcError(Exception):
    def __init__(self, error, status=200):
        super().__init__("%s (%d)" % (error["message"], error["code"]))
        self.code, self.message, self.data = error["code"], error["message"], error.get("data")
        self.status = status


class ToolError(Exception):
    """A result with isError."""


def text_of(result):
    if result.get("isError"):
        raise ToolError(result["content"][0]["text"])
    return result["content"][0]["text"]


class Pending:
    """A request under way: messages that come before its response, and that."""

    def __init__(self, client, ident, reply):
        self.client, self.id, self.reply = client, ident, reply
        self.sse = Sse(reply) if reply.is_sse() else None
        self.before = []

    def next(self):
        if self.sse:
            return self.sse.message()
        if self.reply.body is not None:
            return None
        return self.reply.json() if self.reply.read() else None

    def ask(self):
        """The next request of the server; what comes before it is kept in before."""
        while True:
            msg = self.next()
            assert msg is not None and "result" not in msg and "error" not in msg, \
                "a request was expected, got %r" % msg
            if "id" in msg:
                return msg
            self.before.append(msg)

    def response(self):
        """The response as it is."""
        while True:
            msg = self.next()
            assert msg is not None, "no response"
            if "method" not in msg:
                equal(msg["id"], self.id, "id")
                if self.sse:
                    assert self.sse.next() is None, "something after the response"
                return msg
            self.before.append(msg)

    def result(self):
        msg = self.response()
        if "error" in msg:
            raise RpcError(msg["error"], self.reply.status)
        return msg["result"]

    def text(self):
        return text_of(self.result())

    def close(self):
        self.reply.conn.close()


class Client:
    """A client of the 2025 revisions. start=False: initialize() is called later."""

    def __init__(self, daemon, path="/mcp", rev="2025-11-25", caps=None, start=True, name="test",
                 bearer=None):
        self.daemon, self.path, self.rev, self.sid = daemon, path, rev, None
        self.caps, self.name, self.bearer = caps or {}, name, bearer and secret(bearer)
        self.ids = itertools.count(1)
        self.conn = None
        self.negotiated = None
        if start:
            self.initialize()

    def headers(self, **changes):
        """Those of a POST; CHANGES by name, with _ for -, None to leave one out."""
        all_ = {"Content-Type": "application/json", "Accept": BOTH, "Mcp-Session-Id": self.sid,
                "MCP-Protocol-Version": self.negotiated,
                "Authorization": self.bearer and "Bearer " + self.bearer}
        for name, value in changes.items():
            name = name.replace("_", "-")
            for old in [o for o in all_ if o.lower() == name.lower()]:
                del all_[old]
            all_[name] = value
        return list(all_.items())

    def post(self, msg, conn=None, **headers):
        """The head of the answer to a POST of MSG (bytes and text are sent as they are)."""
        if not isinstance(msg, (bytes, str)):
            msg = json.dumps(msg)
        if conn is None:
            conn = Conn(self.daemon.addr)
        return conn.request("POST", self.path, self.headers(**headers), msg)

    def own_conn(self):
        if self.conn is None or self.conn.closed:
            self.conn = Conn(self.daemon.addr)
        return self.conn

    def message(self, method, params=None, ident=None, token=None):
        msg = {"jsonrpc": "2.0", "id": next(self.ids) if ident is None else ident,
               "method": method}
        if token is not None:
            params = dict(params or {}, _meta={"progressToken": token})
        if params is not None:
            msg["params"] = params
        return msg

    def start(self, method, params=None, ident=None, token=None, conn=None, **headers):
        """Begins a request on a connection of its own and waits for the head of its answer."""
        msg = self.message(method, params, ident, token)
        return Pending(self, msg["id"], self.post(msg, conn, **headers))

    def begin(self, method, params=None, ident=None, token=None, **headers):
        """Sends a request; the answer's head is not waited for: Pending comes from end()."""
        msg = self.message(method, params, ident, token)
        body = json.dumps(msg)
        conn = Conn(self.daemon.addr)
        conn.send(conn.head("POST", self.path, self.headers(**headers), len(body)) + body)
        return conn, msg["id"]

    def end(self, begun):
        return Pending(self, begun[1], begun[0].reply())

    def request(self, method, params=None, ident=None, token=None):
        """A request on the client's own connection, to its result."""
        return self.start(method, params, ident, token, conn=self.own_conn()).result()

    def initialize(self, **params):
        full = {"protocolVersion": self.rev, "capabilities": self.caps,
                "clientInfo": {"name": self.name, "version": "1"}}
        p = self.start("initialize", dict(full, **params), conn=self.own_conn())
        result = p.result()
        self.sid = p.reply.header("Mcp-Session-Id")
        assert re.fullmatch(r"[\x21-\x7e]{16,}", self.sid), self.sid
        self.negotiated = result["protocolVersion"]
        self.initialized = result
        self.notify("notifications/initialized")
        return result

    def notify(self, method, params=None):
        msg = {"jsonrpc": "2.0", "method": method}
        if params is not None:
            msg["params"] = params
        self.accepted(msg)

    def answer(self, ident, result=None, error=None):
        """The answer to a question of the server."""
        msg = {"jsonrpc": "2.0", "id": ident}
        msg.update({"error": error} if error is not None else {"result": result})
        self.accepted(msg)

    def accepted(self, msg):
        reply = self.post(msg, self.own_conn())
        equal((reply.status, reply.read()), (202, b""), "answer to a notification or response")

    def tool(self, name, /, **arguments):
        """Calls a tool and gives the text of its result."""
        return text_of(self.request("tools/call", {"name": name, "arguments": arguments}))

    def start_tool(self, name, arguments=None, **keys):
        return self.start("tools/call", {"name": name, "arguments": arguments or {}}, **keys)

    def begin_tool(self, name, arguments=None, **keys):
        return self.begin("tools/call", {"name": name, "arguments": arguments or {}}, **keys)

    def get(self, last=None, **headers):
        """Opens a GET stream, or resumes after the event LAST."""
        headers = self.headers(Content_Type=None, Accept="text/event-stream",
                               **dict({"Last_Event_ID": last}, **headers))
        return Sse(Conn(self.daemon.addr).request("GET", self.path, headers))

    def delete(self):
        reply = self.own_conn().request("DELETE", self.path, self.headers(Content_Type=None))
        reply.read()
        assert reply.status in (200, 204), reply.status
        self.close()

    def close(self):
        """Goes away without DELETE."""
        if self.conn is not None:
            self.conn.close()
