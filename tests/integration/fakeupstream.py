# SPDX-License-Identifier: ISC
"""An MCP server over Streamable HTTP, in the test's own process, that behaves as badly as it is told to.

    with Upstream() as up:
        with Daemon({"up": up.backend()}) as d: ...

A legacy one keeps sessions, a modern one (Upstream(modern=True)) wants every header in place. What was
asked is kept in up.seen, and what a tool does is a function of the test:

    @up.tool("slow")
    def _(req):
        req.sse().message(...)

Nothing sleeps: up.wait() waits for what was seen, and req.gone() for the other side to close.
"""

import http.server
import itertools
import json
import socket
import socketserver
import ssl
import threading
import time

from wire import TIMEOUT

NOW, PREFIX = "2026-07-28", "io.modelcontextprotocol/"


class Stream:
    """An event stream as the answer to a request."""

    def __init__(self, req):
        self.req = req
        req.head(200, {"Content-Type": "text/event-stream", "Cache-Control": "no-cache",
                       "Transfer-Encoding": "chunked"})

    def raw(self, data):
        if isinstance(data, str):
            data = data.encode()
        self.req.write(b"%x\r\n%s\r\n" % (len(data), data))

    def event(self, data="", ident=None, retry=None):
        if not isinstance(data, str):
            data = json.dumps(data)
        text = "" if ident is None else "id: %s\n" % ident
        text += "" if retry is None else "retry: %d\n" % retry
        self.raw(text + "data: %s\n\n" % data)

    def notify(self, method, params=None, ident=None):
        self.event({"jsonrpc": "2.0", "method": method, "params": params or {}}, ident)

    def answer(self, result=None, ident=None, error=None):
        self.event(self.req.response(result, error), ident)

    def end(self):
        self.req.write(b"0\r\n\r\n")

    def finish(self, result):
        self.answer(result)
        self.end()


class Request:
    """One request, and the ways to answer it."""

    def __init__(self, up, handler, method, body):
        self.up, self.handler, self.verb = up, handler, method
        self.headers = {n.lower(): v for n, v in handler.headers.items()}
        self.path, self.body = handler.path, body
        self.msg = json.loads(body) if body else {}
        self.method = self.msg.get("method", "response" if body else None)
        self.params = self.msg.get("params", {})
        self.id = self.msg.get("id")
        self.session = self.headers.get("mcp-session-id")
        self.arguments = self.params.get("arguments", {})
        self.answered = False

    def __repr__(self):
        return "%s %s %s" % (self.verb, self.method, self.params)

    def write(self, data):
        self.handler.wfile.write(data)

    def head(self, status, headers):
        self.answered = True
        lines = "HTTP/1.1 %d Whatever\r\n" % status
        lines += "".join("%s: %s\r\n" % h for h in headers.items())
        self.write((lines + "\r\n").encode("latin-1"))

    def reply(self, status, body=b"", type_=None, **headers):
        if not isinstance(body, (bytes, str)):
            body, type_ = json.dumps(body), type_ or "application/json"
        if isinstance(body, str):
            body = body.encode()
        head = {n.replace("_", "-"): v for n, v in headers.items()}
        if type_:
            head["Content-Type"] = type_
        self.head(status, dict(head, **{"Content-Length": len(body)}))
        self.write(body)

    def response(self, result=None, error=None):
        msg = {"jsonrpc": "2.0", "id": self.id}
        if error is None and self.up.modern:
            result = dict({"resultType": "complete"}, **result)
        msg.update({"result": result} if error is None else {"error": error})
        return msg

    def result(self, result, **headers):
        self.reply(200, self.response(result), **headers)

    def text(self, text):
        self.result({"content": [{"type": "text", "text": text}]})

    def error(self, status, code, message, data=None):
        error = {"code": code, "message": message}
        self.reply(status, self.response(error=error if data is None else dict(error, data=data)))

    def sse(self):
        return Stream(self)

    def gone(self):
        """Waits until the other side has closed the connection."""
        self.handler.connection.settimeout(TIMEOUT)
        try:
            return self.handler.connection.recv(1) == b""
        except ConnectionResetError:
            return True

    def drop(self):
        """Closes the connection without another byte."""
        self.answered = True
        self.handler.close_connection = True
        self.handler.connection.shutdown(socket.SHUT_RDWR)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def serve(self):
        length = int(self.headers.get("Content-Length") or 0)
        req = Request(self.server.up, self, self.command, self.rfile.read(length))
        self.close_connection = False
        try:
            self.server.up.serve(req)
        except (BrokenPipeError, ConnectionResetError, ssl.SSLError):
            self.close_connection = True

    do_GET = do_POST = do_DELETE = serve

    def handle(self):
        try:
            super().handle()
        except OSError:
            pass

    def log_message(self, *unused):
        pass


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads, allow_reuse_address, request_queue_size = True, True, 64

    def __init__(self, addr, up):
        self.up, self.open = up, set()
        super().__init__(addr, Handler)

    def server_bind(self):  # that of HTTPServer looks names up
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address

    def get_request(self):
        sock, addr = super().get_request()
        if self.up.tls:
            sock = self.up.tls.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)
        self.open.add(sock)
        return sock, addr

    def shutdown_request(self, request):
        self.open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, *unused):  # a client that does not like our certificate
        pass


class Upstream:
    def __init__(self, modern=False, tls=None, path="/mcp"):
        self.modern, self.tls, self.path = modern, tls, path
        self.cond = threading.Condition()
        self.seen, self.tools, self.listed, self.streams = [], {}, {}, []
        self.sessions, self.numbers = set(), itertools.count(1)
        self.capabilities = {"tools": {"listChanged": True}}
        self.lost = lambda req: req.reply(404)  # what an unknown session is answered with
        self.hook = None  # called first with each request; true: it has answered
        self.server = None
        self.port = 0
        self.tool("echo")(lambda req: req.text(req.arguments.get("text", "")))
        self.start()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.stop()

    def start(self):
        self.server = Server(("127.0.0.1", self.port), self)
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True)
        self.thread.start()

    def stop(self):
        """Gone, with all its connections."""
        if self.server is None:
            return
        self.server.shutdown()
        self.server.server_close()
        for sock in list(self.server.open):
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        self.server = None

    def restart(self):
        self.stop()
        self.forget()
        self.start()

    def forget(self):
        """All sessions are over; their streams go on, as those of a server behind a proxy may."""
        with self.cond:
            self.sessions.clear()

    def url(self, host="127.0.0.1"):
        return "%s://%s:%d%s" % ("https" if self.tls else "http", host, self.port, self.path)

    def backend(self, **keys):
        return dict({"type": "http", "url": self.url()}, **keys)

    def tool(self, name, schema=None):
        def register(fn):
            self.tools[name] = fn
            self.listed[name] = schema or {"type": "object"}
            return fn
        return register

    def count(self, method):
        with self.cond:
            return sum(r.method == method or r.verb == method for r in self.seen)

    def wait(self, method, n=1, fn=None):
        """Waits for the Nth request of this method ("GET", "tools/call"), of those that FN likes."""
        end = time.monotonic() + TIMEOUT
        with self.cond:
            while True:
                found = [r for r in self.seen if method in (r.method, r.verb) and (not fn or fn(r))]
                if len(found) >= n:
                    return found[n - 1]
                assert self.cond.wait(end - time.monotonic()) and time.monotonic() < end, \
                    "waited in vain for request %d of %s: %s" % (n, method, self.seen[-20:])

    def wait_stream(self, n=1):
        """Waits until the Nth standalone (or listen) stream ever is open, and gives it."""
        with self.cond:
            assert self.cond.wait_for(lambda: len(self.streams) >= n, TIMEOUT), "no stream"
            return self.streams[n - 1]

    def serve(self, req):
        with self.cond:
            self.seen.append(req)
            self.cond.notify_all()
        if self.hook and self.hook(req):
            return
        if self.modern:
            self.serve_modern(req)
        else:
            self.serve_legacy(req)

    # --- legacy ---

    def serve_legacy(self, req):
        if req.method == "initialize":
            sid = "session-%d" % next(self.numbers)
            with self.cond:
                self.sessions.add(sid)
            req.result({"protocolVersion": req.params["protocolVersion"], "serverInfo": {
                "name": "fake", "version": "1"}, "capabilities": self.capabilities},
                Mcp_Session_Id=sid)
        elif req.session is None:
            req.reply(400, {"jsonrpc": "2.0", "id": None, "error": {
                "code": -32000, "message": "Bad Request: Mcp-Session-Id header is required"}})
        elif req.session not in self.sessions:
            self.lost(req)
        elif req.verb == "DELETE":
            with self.cond:
                self.sessions.discard(req.session)
            req.reply(200)
        elif req.verb == "GET":
            self.hold(req, req.sse())
        elif req.id is None or req.method == "response":
            req.reply(202)
        else:
            self.serve_method(req)

    def hold(self, req, stream):
        with self.cond:
            self.streams.append(stream)
            self.cond.notify_all()
        req.gone()
        req.handler.close_connection = True

    def serve_method(self, req):
        name = req.params.get("name")
        if req.method == "tools/list":
            req.result(self.cacheable({"tools": [{"name": n, "inputSchema": s}
                                                 for n, s in self.listed.items()]}))
        elif req.method == "tools/call" and name in self.tools:
            self.tools[name](req)
            if not req.answered:
                req.reply(500)
        elif req.method in ("ping", "resources/subscribe", "resources/unsubscribe"):
            req.result({})
        elif req.method == "resources/list" and "resources" in self.capabilities:
            req.result(self.cacheable({"resources": [{"uri": "x://1", "name": "one"}]}))
        elif req.method == "resources/templates/list" and "resources" in self.capabilities:
            req.result(self.cacheable({"resourceTemplates": []}))
        elif req.method == "resources/read":
            req.result(self.cacheable({"contents": [{"uri": req.params["uri"], "text": "read"}]}))
        else:
            req.error(404 if self.modern else 200, -32601, "Method not found")

    # --- modern ---

    def cacheable(self, result):
        return dict(result, ttlMs=0, cacheScope="private") if self.modern else result

    def serve_modern(self, req):
        meta = req.params.get("_meta", {})
        claim = meta.get(PREFIX + "protocolVersion")
        if req.verb != "POST":
            req.reply(405)
        elif claim != NOW:
            req.error(400, -32022, "Unsupported protocol version",
                      {"supported": [NOW], "requested": claim})
        elif req.headers.get("mcp-protocol-version") != NOW or \
                req.headers.get("mcp-method") != req.method or req.session:
            req.error(400, -32020, "header mismatch: %s" % req.headers)
        elif req.method == "server/discover":
            req.result(self.cacheable({"supportedVersions": [NOW], "capabilities": self.capabilities,
                                       "_meta": {PREFIX + "serverInfo": {
                                           "name": "fake", "version": "1"}}}))
        elif req.method == "subscriptions/listen":
            stream = req.sse()
            stream.notify("notifications/subscriptions/acknowledged", {
                "notifications": req.params["notifications"],
                "_meta": {PREFIX + "subscriptionId": req.id}})
            self.hold(req, stream)
        else:
            self.serve_method(req)
