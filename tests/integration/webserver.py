# SPDX-License-Identifier: ISC
"""An HTTP server that behaves as told: web endpoints, issuers of tokens, MCP servers for the tests.

    with WebServer() as w:
        w.tools = [tool("add")]
        w.on("add", lambda request: (200, "application/json", {"sum": 3}))

Each request is kept in w.requests, with its headers, so that a test sees what reached the server."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

TIMEOUT = 120


class Request:
    def __init__(self, handler, body):
        url = urlsplit(handler.path)
        self.method, self.path, self.query = handler.command, url.path, parse_qs(url.query)
        self.headers, self.body, self.handler = dict(handler.headers), body, handler

    def header(self, name):
        return {k.lower(): v for k, v in self.headers.items()}.get(name.lower())

    def json(self):
        return json.loads(self.body)

    def form(self):
        return {k: v[0] for k, v in parse_qs(self.body.decode(), keep_blank_values=True).items()}

    @property
    def tool(self):
        return self.json()["name"]

    @property
    def arguments(self):
        return self.json()["arguments"]

    def gone(self):
        """Waits until the client closed the connection; whether it did."""
        self.handler.connection.settimeout(TIMEOUT)
        return self.handler.connection.recv(1) == b""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *unused):
        pass

    def serve(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        request = Request(self, body)
        self.server.owner.serve(request)

    do_GET = do_POST = do_DELETE = serve


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 512

    def handle_error(self, *unused):  # clients that go away are part of the tests
        pass


class WebServer:
    def __init__(self, tools=()):
        self.tools, self.pages = list(tools), None
        self.routes, self.answers = {}, {}
        self.requests = []
        self.cond = threading.Condition()
        self.httpd = Server(("127.0.0.1", 0), Handler)
        self.httpd.owner = self
        self.url = "http://127.0.0.1:%d" % self.httpd.server_address[1]
        self.thread = threading.Thread(target=self.httpd.serve_forever, args=[0.02], daemon=True)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()

    def close(self):
        self.httpd.shutdown()
        self.httpd.server_close()

    def on(self, tool, answer):
        """ANSWER is (status, type, body) or a function of the request that gives that, or None after
        having answered itself."""
        self.answers[tool] = answer

    def route(self, path, answer):
        self.routes[path] = answer

    def serve(self, request):
        with self.cond:
            self.requests.append(request)
            self.cond.notify_all()
        answer = self.routes.get(request.path, self.otherwise)
        if callable(answer):
            answer = answer(request)
        if answer is not None:
            self.reply(request, *answer)

    def otherwise(self, request):
        if request.method == "GET" and request.path == "/mcp/tools/list":
            return 200, "application/json", {"tools": self.tools}
        if request.method == "POST" and request.path == "/mcp/tools/invoke":
            answer = self.answers.get(request.tool, (404, "application/json", {"error": "no such tool"}))
            return answer(request) if callable(answer) else answer
        return 404, "text/plain", "not here"

    def reply(self, request, status, type_=None, body=b"", headers=()):
        h = request.handler
        if not isinstance(body, (bytes, str)):
            body = json.dumps(body)
        if isinstance(body, str):
            body = body.encode()
        h.send_response(status)
        if type_:
            h.send_header("Content-Type", type_)
        for name, value in headers:
            h.send_header(name, value)
        h.send_header("Content-Length", str(len(body)))
        h.end_headers()
        h.wfile.write(body)

    def seen(self, path=None, tool=None):
        with self.cond:
            return [r for r in self.requests if (path is None or r.path == path) and
                    (tool is None or (r.path == "/mcp/tools/invoke" and r.tool == tool))]

    def wait_seen(self, n, path=None, tool=None):
        with self.cond:
            assert self.cond.wait_for(lambda: len(self.seen_locked(path, tool)) >= n, TIMEOUT), \
                "only %d requests" % len(self.requests)
        return self.seen(path, tool)

    def seen_locked(self, path, tool):
        return [r for r in self.requests if (path is None or r.path == path) and
                (tool is None or (r.path == "/mcp/tools/invoke" and r.tool == tool))]


def tool(name, schema=None, **more):
    return dict({"name": name, "inputSchema": schema or {"type": "object"}}, **more)
