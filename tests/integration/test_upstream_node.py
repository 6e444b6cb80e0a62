#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""HTTP servers of the official TypeScript SDK behind the daemon: server-everything with the sessions of
the legacy revisions, and one of 2026-07-28. What they need is what test_node.py needs."""

from nodesetting import *


class NodeServer:
    """A server process with a port of its own, which can be restarted there."""

    def __init__(self, setting, script, *args):
        self.argv = [setting.node, script] + list(args)
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *unused):
        self.stop()

    def start(self):
        self.lines = []
        self.proc = subprocess.Popen(self.argv, env=dict(os.environ, PORT=str(self.port)),
                                     stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                     stderr=subprocess.STDOUT)
        threading.Thread(target=self.read, args=(self.proc,), daemon=True).start()
        wait_until(self.accepts, "the server listens")

    def read(self, proc):
        for line in proc.stdout:
            self.lines.append(line.decode().rstrip())

    def accepts(self):
        assert self.proc.poll() is None, self.lines
        try:
            socket.create_connection(("127.0.0.1", self.port), TIMEOUT).close()
            return True
        except OSError:
            return False

    def stop(self):
        self.proc.kill()
        self.proc.wait(TIMEOUT)

    def backend(self):
        return {"type": "http", "url": "http://127.0.0.1:%d/mcp" % self.port}

    def wait(self, pattern, n=1):
        wait_until(lambda: sum(bool(re.search(pattern, l)) for l in list(self.lines)) >= n, pattern)


S = Setting()


def everything():
    S.need()
    return NodeServer(S, os.path.join(S.packages, "server-everything", "dist", "index.js"),
                      "streamableHttp")


def modern():
    S.need()
    return NodeServer(S, S.own("modern-server.mjs"))


@case("case_16_server-everything restarts: the client hears nothing of it")
def _():
    with everything() as server, Daemon({"up": server.backend()}) as d:
        c = Client(d)
        equal(c.tool("echo", message="one"), "Echo: one")
        server.stop()
        server.start()
        equal(c.tool("echo", message="two"), "Echo: two")
        server.wait("Session initialized")
        c.delete()
        server.stop()  # the daemon's end looks for processes that are left


@case("server-everything: progress, and a cancellation that reaches it")
def _():
    with everything() as server, Daemon({"up": server.backend()}) as d:
        c = Client(d)
        p = c.start_tool("trigger-long-running-operation", {"duration": 0.1, "steps": 2}, token="t")
        assert "completed" in p.text()
        equal([m["params"]["progress"] for m in p.before], [1, 2], "progress")
        conn, ident = c.begin_tool("trigger-long-running-operation", {"duration": 600, "steps": 2})
        wait_until(lambda: d.ctl("status")["calls"] == 1, "the call")
        before = sum("POST" in l for l in server.lines)
        c.notify("notifications/cancelled", {"requestId": ident})
        server.wait("POST", before + 1)
        equal(c.tool("echo", message="x"), "Echo: x")
        conn.close()
        server.stop()


@case("a server of 2026-07-28: calls with headers, a cancellation that reaches it, a restart")
def _():
    with modern() as server, Daemon({"up": server.backend()}) as d:
        c = Client(d)
        equal(c.tool("echo", message="one"), "Echo: one")
        equal(c.tool("region", region="Grüße"), "Grüße")
        conn, ident = c.begin_tool("hang")
        server.wait("^called")
        c.notify("notifications/cancelled", {"requestId": ident})
        server.wait("^aborted")
        conn.close()
        server.stop()
        server.start()
        equal(c.tool("echo", message="two"), "Echo: two")
        server.stop()


run()
