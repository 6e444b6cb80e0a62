# SPDX-License-Identifier: ISC
"""The daemon under attack, the servers behind it, and the words that all clients of the hostile mix share.

One World is one daemon. Its servers are of two kinds: those that honest clients use (good, quiet, asker, site,
host), and those that misbehave (bad, churn, loop, redirect). Attackers may call what they want as long as the
documentation promises that nobody else suffers: without authentication all clients of revision 2026-07-28
share the children of a server, so the tools that kill a child are called in `bad` alone.
"""

import hashlib
import os
import random
import sys
import threading

FOLDER = os.path.dirname(os.path.abspath(__file__))
INTEGRATION = os.path.join(os.path.dirname(FOLDER), "integration")
sys.path.insert(0, INTEGRATION)

from fakeupstream import Upstream
from harness import *  # noqa: E402,F403
from harness import BOTH, Daemon, descriptors, fake, json, peak_rss, rss, sanitized, tiny
from webserver import WebServer, tool

NOW, PREFIX = "2026-07-28", "io.modelcontextprotocol/"
MODERN_SERVER = os.path.join(INTEGRATION, "modernserver.py")
BAD_SERVER, THIEF = os.path.join(FOLDER, "badserver.py"), os.path.join(FOLDER, "thief.py")
# limits.maxMemory. Users have shares of the memory, so that attackers never have all of it; without authentication an
# attacker from many addresses may, so there has to be enough for all of them.
MEMORY = {"tokens": 24 << 20, "none": 256 << 20}
HONEST, ATTACKERS = ("amy", "ben"), ("mallory", "mallet", "malice")

# Patterns over which a backtracking matcher spends exponential or high polynomial time, and comparisons that
# are quadratic when they are done pair by pair.
BOMBS = {
    "mail": {"type": "string", "pattern": "[^@ ]+@[^@ ]+[.][a-z]+"},
    "nested": {"type": "string", "pattern": "^(a+)+$"},
    "either": {"type": "string", "pattern": "^(a|a)*b$"},
    "counted": {"type": "string", "pattern": "^.{0,900}$"},
    "unique": {"type": "array", "uniqueItems": True, "maxItems": 1000},
}
TEXT = {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}


def schema(**properties):
    return {"type": "object", "properties": properties}


def envelope(method, params, caps=None, ident=1, version=NOW, **meta):
    """Headers and body of a request of revision 2026-07-28."""
    params = dict(params or {})
    params["_meta"] = dict({PREFIX + "protocolVersion": version,
                            PREFIX + "clientCapabilities": caps or {}}, **meta)
    head = [("Content-Type", "application/json"), ("Accept", BOTH), ("MCP-Protocol-Version", version),
            ("Mcp-Method", method)]
    name = params.get("name", params.get("uri"))
    if isinstance(name, str) and name.isascii() and name.isprintable():
        head.append(("Mcp-Name", name))
    return head, json.dumps({"jsonrpc": "2.0", "id": ident, "method": method, "params": params})


class Breach(AssertionError):
    """An attacker got what nobody may give."""


class Counts:
    """How often what was done: attacks and their outcomes, steps of honest clients."""

    def __init__(self):
        self.lock, self.numbers = threading.Lock(), {}

    def add(self, name, n=1):
        with self.lock:
            self.numbers[name] = self.numbers.get(name, 0) + n

    def __str__(self):
        return ", ".join("%s %d" % item for item in sorted(self.numbers.items()))


class World:
    def __init__(self, mode):
        self.mode = mode
        self.attacks, self.steps, self.outcomes = Counts(), Counts(), Counts()
        self.failures, self.longest = [], {}
        self.honest_ids, self.ids_lock = {}, threading.Lock()
        self.stopping = threading.Event()
        self.up, self.warm, self.seconds = [], 0, 0

    # --- what is behind the daemon ---

    def web(self):
        """A web endpoint with an honest tool, and tools whose schemas are bombs."""
        site = WebServer([tool("echo", TEXT)] + [tool("bomb_" + n, schema(value=s)) for n, s in BOMBS.items()])
        site.on("echo", lambda r: (200, "application/json", {"said": r.arguments["text"]}))
        for name in BOMBS:
            site.on("bomb_" + name, lambda r: (200, "application/json", {"fits": True}))
        self.up.append(site.close)
        return {"web": site.url}

    def loop(self):
        """An upstream whose streams break off after an event that asks to come back at once."""
        up = Upstream()
        self.up.append(up.stop)

        @up.tool("again")
        def _(req):
            stream = req.sse()
            stream.event("", "1", 0)
            stream.end()

        def resumed(req):
            if req.verb == "GET" and req.headers.get("last-event-id"):
                stream = req.sse()
                stream.event("", "1", 0)
                stream.end()
                return True
            return False
        up.hook = resumed
        return up.backend(callTimeout=2, idleStop=2)

    def redirecting(self):
        """An upstream that sends calls to another origin, which must never see the secret of this one."""
        def thief(request):
            if "KEY-of-redirect" in str(request.headers):
                self.failures.append("a redirect carried a secret to another origin: %s" % request.path)
            return 200, "application/json", {}
        other = WebServer()
        other.otherwise = thief
        up = Upstream()
        self.up += [other.close, up.stop]
        host = other.url[len("http://"):]
        places = [other.url + "/mcp", "//%s/mcp" % host, "http://127.0.0.1:%d\\@%s/mcp" % (up.port, host),
                  "http://127.0.0.1:%d@%s/mcp" % (up.port, host), "file:///etc/passwd", "http://[::1", "",
                  "gopher://%s/" % host, up.url(), "http:///mcp", "\thttp://%s/" % host]

        @up.tool("go")
        def _(req):
            req.reply(307, Location=places[int(req.arguments.get("where", 0)) % len(places)])
        return up.backend(headers={"X-Key": "KEY-of-redirect-0123456789"}, callTimeout=10, idleStop=2)

    def commands(self):
        """Commands as tools; one of them goes for the daemon itself."""
        bombs = {"bomb_" + n: {"description": n, "command": ["true"], "inputSchema": schema(value=s)}
                 for n, s in BOMBS.items()}
        python = sys.executable
        return {"tools": dict(bombs, **{
            "echo": {"description": "repeats", "command": ["printf", "%s", "{text}"], "inputSchema": TEXT},
            "noise": {"description": "never ends", "command": ["yes"], "maxOutput": 65536},
            "steal": {"description": "goes for the daemon", "command": [python, THIEF], "timeout": 60},
        }), "env": {"THIEF_SOCKET": "SOCKET", "THIEF_DIR": "DIR"}}

    def servers(self):
        python = sys.executable
        idle = {"idleStop": 2}
        return {
            "good": fake(**idle), "quiet": fake(**idle), "small": tiny(**idle),
            "asker": {"command": python, "args": [MODERN_SERVER], **idle},
            "bad": fake("--stderr", "I am bad", **idle),
            "churn": {"command": python, "args": [BAD_SERVER], "scope": "shared", **idle},
            "loop": self.loop(), "redirect": self.redirecting(), "site": self.web(), "host": self.commands(),
        }

    # --- the daemon ---

    def start(self):
        limits = {"callTimeout": 20, "questionTimeout": 20, "keepAlive": 5, "maxMemory": MEMORY[self.mode]}
        more = {}
        # The attackers come through a reverse proxy, which tells their addresses apart; the honest clients do not.
        d = Daemon(self.servers(), limits=limits, sessions={"idleTimeout": 30, "max": 2000}, store=True,
                   trustedProxies=["127.0.0.0/8"])
        if self.mode == "tokens":
            path = os.path.join(d.dir, "tokens")
            with open(path, "w") as f:
                for user in HONEST + ATTACKERS:
                    f.write("%s %s\n" % (hashlib.sha256(self.token(user).encode()).hexdigest(), user))
            os.chmod(path, 0o600)
            more = {"auth": {"mode": "tokens", "tokensFile": path}}
        d.config.update(more)
        d.config["mcpServers"]["host"]["env"] = {"THIEF_SOCKET": d.socket, "THIEF_DIR": d.dir}
        self.daemon = d
        d.start()
        wait_until(lambda: all(b["state"] == "ready" for b in d.ctl("backends.list")), "all servers")
        self.descriptors, self.at_first = descriptors(d.pid), rss(d.pid)

    def token(self, user):
        """The bearer token of USER; None without authentication."""
        return secret("token-of-%s-0123456789" % user) if self.mode == "tokens" else None

    def note_time(self, name, seconds):
        """Keeps the longest time of each attack, for whoever looks for what makes the run slow."""
        self.longest[name] = max(self.longest.get(name, 0), seconds)

    def fail(self, text):
        self.failures.append(text)
        self.stopping.set()

    def note_id(self, user, sid):
        """A session id of an honest user, for those who try to use it."""
        with self.ids_lock:
            self.honest_ids[user] = sid

    def someones_id(self):
        with self.ids_lock:
            return random.choice(list(self.honest_ids.values())) if self.honest_ids else None

    def kept_from_children(self):
        """What no tool may get, wherever the daemon has its files: these lie in /tmp, where Landlock hides none."""
        kept = {"commands", "commands with another's socket", "commands from outside"}
        return kept if os.geteuid() == 0 else kept | {"environ", "mem"}

    def close(self):
        for end in self.up:
            end()

    def rss(self):
        return rss(self.daemon.pid)
