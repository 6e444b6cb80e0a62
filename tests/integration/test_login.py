#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Users who log in: a real authorization server (oidc-provider), and the official SDK client, which is told
the URL of the daemon and nothing else. What they need is what test_node.py needs."""

from nodesetting import *

S = Setting()
NOW, PREFIX = "2026-07-28", "io.modelcontextprotocol/"


class Program:
    """A script of ours that is told something on stdin and answers on stdout."""

    def __init__(self, name, *args):
        S.need()
        self.errors = tempfile.TemporaryFile()
        self.proc = subprocess.Popen([S.node, S.own(name)] + list(args), stdin=subprocess.PIPE,
                                     stdout=subprocess.PIPE, stderr=self.errors)
        Daemon.ours.add(self.proc.pid)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.proc.stdin.close()
        self.proc.wait(TIMEOUT)
        self.proc.stdout.close()
        self.errors.close()

    def line(self):
        ready = select.select([self.proc.stdout], [], [], TIMEOUT)[0]
        line = self.proc.stdout.readline().decode() if ready else ""
        if not line:
            self.proc.kill()
            raise AssertionError("it %s: %s" % ("died" if ready else "waits in vain", self.said()))
        return line.rstrip("\n")

    def said(self):
        self.errors.seek(0)
        return self.errors.read().decode()


class Person(Program):
    """A user with an SDK client; what is known of both: session, logins, refreshed, token, refreshToken."""

    def __init__(self, setting, name):
        super().__init__("login-client.mjs", setting.url, name)
        self.setting, self.name, self.refreshToken = setting, name, None

    def tell(self, *command):
        self.proc.stdin.write(json.dumps(command).encode() + b"\n")
        self.proc.stdin.flush()
        answer = json.loads(self.line())
        assert "error" not in answer, "%s\nissuer: %s" % (answer["error"], self.setting.issuer.said())
        self.__dict__.update(answer)
        for text in filter(None, (self.token, self.refreshToken)):
            secret(text)
        return answer

    def tool(self, name, **arguments):
        return self.tell("call", name, arguments)["text"]

    def raw(self, sid=None):
        """A client that sends what it is told to, with this user's token."""
        c = Client(self.setting.d, bearer=self.token, start=sid is None)
        if sid is not None:
            c.sid, c.negotiated = sid, "2025-11-25"
        return c


class Protected:
    """The authorization server and a daemon that believes it. The daemon is started twice: only then its
    URL is known, which tokens are for."""

    def __init__(self, servers=None, **auth):
        S.need()
        self.d = Daemon(servers or {"fake": fake()}, store=True, verbose=2)
        self.auth = dict({"scopes": ["tools"]}, **auth)

    def __enter__(self):
        self.issuer = Program("issuer.mjs").__enter__()
        d = self.d.__enter__()
        self.url = "http://%s:%d/mcp" % d.addr
        d.config["auth"] = dict({"mode": "jwt", "issuer": self.issuer.line(), "resource": self.url},
                                **self.auth)
        d.restart()
        return self

    def __exit__(self, kind, *error):
        self.d.__exit__(kind, *error)
        self.issuer.__exit__()


def modern(who, method, params, name=None):
    params = dict(params, _meta={PREFIX + "protocolVersion": NOW, PREFIX + "clientCapabilities":
                                 {"elicitation": {}}})
    c = who.raw(sid="")
    reply = c.post(c.message(method, params), MCP_Protocol_Version=NOW, Mcp_Method=method, Mcp_Name=name,
                   Mcp_Session_Id=None)
    return reply.answer()


def stream_status(c, last=None):
    with Conn(c.daemon.addr) as conn:
        return conn.request("GET", "/mcp", c.headers(Content_Type=None, Accept="text/event-stream",
                                                     Last_Event_ID=last)).status


def status(c):
    reply = c.post(c.message("ping"))
    reply.read()
    return reply.status


@case("a client logs in through the metadata alone, loses its session, and comes back without logging in")
def _():
    with Protected() as s, Person(s, "alice") as alice:
        d = s.d
        alice.tell("connect")
        equal(alice.logins, 1, "logins")
        equal(alice.tool("echo", text="hello"), "hello", "answer")
        d.wait_log(r"^Session created: %s$" % alice.session)
        lost, mark = alice.session, d.mark()
        alice.tell("lose")
        d.wait_log("^Active sessions", mark)
        equal(d.lifecycle(mark), [
            "Session closed: %s (user: alice)" % lost, "Transport closed for session " + lost,
            "Server closed for session " + lost, "Active sessions: 0, Active users: 1"], "log")
        alice.tell("connect")
        equal(alice.tool("echo", text="again"), "again", "answer")
        d.wait_log("^User alice reconnecting$", mark)
        assert alice.session != lost
        equal((alice.logins, alice.refreshed), (1, 0), "logins and refreshed tokens")
        mark = d.mark()
        equal(d.mcpctl("user", "logout", "alice"), "User alice is logged out, 1 session closed\n")
        d.wait_log("^Active sessions: 0, Active users: 0$", mark)


@case("a refreshed token keeps the session, and a daemon that was killed does too")
def _():
    with Protected() as s, Person(s, "alice") as alice:
        alice.tell("connect")
        first, token = alice.session, alice.token
        equal(alice.tool("counter"), "1", "calls")
        alice.tell("spoil")
        equal(alice.tool("counter"), "2", "calls of the same child")
        assert alice.token != token
        equal((alice.session, alice.logins, alice.refreshed), (first, 1, 1))
        for end in (s.d.crash, s.d.stop):
            s.d.restart(end)
            equal(alice.tool("counter"), "1", "calls of a new child")
            equal((alice.session, alice.logins), (first, 1))
            s.d.wait_log(r"^Session restored: %s \(user: alice\)$" % first)


@case("two users have nothing of each other: sessions, children, replay, parked calls")
def _():
    servers = {"fake": fake(), "mine": fake(scope="user")}
    with Protected(servers) as s, Person(s, "alice") as alice, Person(s, "bob") as bob:
        for p in (alice, bob):
            p.tell("connect")
        equal([p.tool("mine__counter") for p in (alice, alice, bob)], ["1", "2", "1"], "calls")
        for name in ("fake__pid", "mine__pid"):
            assert alice.tool(name) != bob.tool(name), name
        equal([r["sessions"] for r in s.d.ctl("users.list")], [1, 1], "sessions")

        hers = bob.raw(sid=alice.session)
        equal(status(hers), 404, "her session")
        equal(stream_status(hers), 404, "her stream")
        gone = hers.own_conn().request("DELETE", "/mcp", hers.headers(Content_Type=None))
        equal((gone.status, gone.read() and 0), (404, 0), "its end")
        equal(alice.tool("fake__echo", text="x"), "x", "her session afterwards")

        # She has a stream with an event that only she may read again.
        raw, own = alice.raw(), bob.raw()
        stream = raw.get()
        stream.next()  # the priming event
        raw.tool("fake__set_tools", names=["secret_tool"])
        while not stream.message():
            pass
        last = stream.last_id
        equal(stream_status(bob.raw(sid=raw.sid), last), 404, "her events, in her session")
        equal(stream_status(own, last), 400, "her events, in his own session")
        again = raw.get(last=next(e.id for e in stream.events if e.id))
        assert "list_changed" in json.dumps(again.message()), "the message she had"
        raw.delete()
        own.delete()

        asked = modern(alice, "tools/call", {"name": "fake__elicit", "arguments": {"message": "Who?"}},
                       "fake__elicit")["result"]
        (key, _), = asked["inputRequests"].items()
        more = {"name": "fake__elicit", "arguments": {"message": "Who?"},
                "requestState": asked["requestState"],
                "inputResponses": {key: {"action": "accept", "content": {"answer": "me"}}}}
        equal(modern(bob, "tools/call", more, "fake__elicit")["error"]["code"], -32602, "her parked call")
        done = modern(alice, "tools/call", more, "fake__elicit")["result"]
        assert "accept" in text_of(done), done


@case("logging in again for a tool that takes more")
def _():
    with Protected(toolScopes={"fake/counter": ["extra"]}) as s, \
            Person(s, "once") as person:
        person.tell("connect")
        equal(person.scope, "tools", "what it is told to ask for")
        equal(person.tool("echo", text="x"), "x", "answer")
        equal(person.tool("counter"), "1", "answer")
        equal((person.logins, set(person.scope.split())), (2, {"tools", "extra"}), "logins and scopes")
        equal(person.tool("echo", text="x"), "x", "answer")


@case("the authorization server goes away: users go on, and a bad token is still a bad one")
def _():
    with Protected() as s, Person(s, "alice") as alice:
        alice.tell("connect")
        good = alice.token
        alice.tell("spoil")
        bad, alice.token = alice.token, good
        s.issuer.proc.kill()
        s.issuer.proc.wait(TIMEOUT)
        c = alice.raw(sid=alice.session)
        equal(c.tool("counter"), "1", "answer")
        c.bearer = bad
        equal(status(c), 401, "a bad token")
        s.d.restart(s.d.crash)
        c.close()
        c.bearer = good
        # Its keys are not known any more, and cannot be had: later, perhaps.
        equal(status(c), 503, "a token that cannot be checked")
        equal(s.d.ctl("sessions.list", dormant=True)[0]["id"], c.sid, "the session that waits")

run()
