#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""What a token opened ends with the token: streams, calls that are under way or wait for their client, and servers that
were started for these. Sessions go on, with a fresh token."""

import hashlib

from fakeissuer import Issuer
from harness import *

PREFIX = "io.modelcontextprotocol/"


class Modern:
    """A client of 2026-07-28 with a token."""

    caps = {"elicitation": {}}

    def __init__(self, daemon, token):
        self.daemon, self.token = daemon, secret(token)

    def post(self, method, params=None, accept=BOTH):
        meta = {PREFIX + "protocolVersion": "2026-07-28", PREFIX + "clientCapabilities": self.caps}
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": dict(params or {}, _meta=meta)}
        fields = [("Content-Type", "application/json"), ("Accept", accept), ("MCP-Protocol-Version", "2026-07-28"),
                  ("Mcp-Method", method), ("Authorization", "Bearer " + self.token)]
        for key in ("name", "taskId"):
            if key in (params or {}):
                fields.append(("Mcp-Name", params[key]))
        conn = Conn(self.daemon.addr)
        body = json.dumps(body)
        conn.send(conn.head("POST", "/mcp", fields, len(body)) + body)
        return conn

    def listen(self):
        sse = Sse(self.post("subscriptions/listen", {"notifications": {"toolsListChanged": True}}).reply())
        equal(sse.message()["method"], "notifications/subscriptions/acknowledged")
        return sse

    def park(self):
        asked = self.post("tools/call", {"name": "elicit", "arguments": {"message": "Who?"}},
                          accept="application/json").reply().json()["result"]
        equal(asked["resultType"], "input_required")
        return asked


class Tasks(Modern):
    """One that knows the extension of tasks."""

    caps = {"elicitation": {}, "extensions": {PREFIX + "tasks": {}}}


class Opened:
    """Everything that a token can open, in both eras."""

    def __init__(self, d, token):
        self.d = d
        self.c = Client(d, bearer=token)
        self.get = self.c.get()
        self.get.comment()
        self.modern = Modern(d, token)
        self.listen = self.modern.listen()
        self.hanging = self.modern.post("tools/call", {"name": "hang"}, accept="application/json")
        self.plain = self.c.begin_tool("hang", Accept="application/json")
        wait_until(lambda: d.ctl("sessions.list")[0]["calls"] == 1, "the call of the session")
        self.modern.park()
        wait_until(lambda: self.calls() == 3 and len(d.children()) >= 3, "all of it")

    def calls(self):
        return self.d.ctl("status")["calls"]

    def expect_end(self, words, logout=False):
        msg = self.listen.message()
        assert words in msg["error"]["message"], msg
        assert self.listen.next() is None, "more on the stream"
        while self.get.next() is not None:
            pass
        r = self.hanging.reply()
        equal(r.status, 401)
        assert 'error="invalid_token"' in r.header("WWW-Authenticate"), r.headers
        assert words in r.json()["error"]["message"], r.json()
        r = self.c.end(self.plain).reply
        equal(r.status, 404 if logout else 401)
        wait_until(lambda: self.calls() == 0, "the end of all calls")
        equal(self.d.sessions(), 0 if logout else 1, "sessions")
        self.d.wait_children(0 if logout else 1)  # that of the session stays with it

    def expect_resumption(self, token):
        """The session goes on with another token of its user."""
        self.c.bearer = secret(token)
        again = self.c.get(self.get.last_id)
        again.comment()
        equal(self.c.request("ping"), {})
        again.close()
        Modern(self.d, token).listen().close()


def server():
    return {"fake": fake()}


@case("mode tokens: what a token opened ends with its revocation, at once; the session goes on with another one")
def _():
    with tempfile.TemporaryDirectory() as folder:
        with Daemon(server(), auth={"mode": "tokens", "tokensFile": os.path.join(folder, "tokens")}) as d:
            one, other = (json.loads(d.mcpctl("--json", "user", "token", "add", "alice")) for _ in range(2))
            opened = Opened(d, one["token"])
            d.mcpctl("user", "token", "revoke", one["id"])
            opened.expect_end("revoked")
            opened.expect_resumption(other["token"])


@case("mode tokens: a token that is taken out of the file by hand ends what it opened")
def _():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "tokens")

        def write(*tokens):
            with open(path + ".new", "w") as f:
                for token in tokens:
                    f.write("%s alice\n" % hashlib.sha256(token.encode()).hexdigest())
            os.rename(path + ".new", path)
        write("token-of-alice", "another-of-alice")
        with Daemon(server(), auth={"mode": "tokens", "tokensFile": path}) as d:
            opened = Opened(d, "token-of-alice")
            write("another-of-alice")
            opened.expect_end("revoked")
            opened.expect_resumption("another-of-alice")


@case("a logout ends what the user's tokens opened, in no session too, and nobody else's")
def _():
    for by_client in (False, True):
        with tempfile.TemporaryDirectory() as folder:
            with Daemon(server(), auth={"mode": "tokens", "tokensFile": os.path.join(folder, "tokens")}) as d:
                alice, bob = (json.loads(d.mcpctl("--json", "user", "token", "add", u))["token"] for u in ("alice", "bob"))
                opened = Opened(d, alice)
                stranger = Modern(d, bob).listen()
                if by_client:
                    equal(d.http("POST", "/logout", [("Authorization", "Bearer " + alice)], b"").status, 200)
                else:
                    d.mcpctl("user", "logout", "alice")
                msg = opened.listen.message()
                assert "logged out" in msg["error"]["message"], msg
                wait_until(lambda: opened.calls() == 0, "the end of alice's calls")
                equal(d.sessions(), 0)
                d.wait_children(0)
                equal(opened.hanging.reply().status, 401)
                stranger.close()


@case("mode jwt: what a token opened ends when it has expired; the session goes on with a fresh one")
def _():
    if not shutil.which("openssl"):
        raise Skip("no openssl")
    with Issuer() as issuer:
        issuer.make_key("k1")
        auth = {"mode": "jwt", "issuer": issuer.url, "resource": issuer.url + "/mcp", "leeway": 0}
        with Daemon(server(), auth=auth) as d:
            Client(d, bearer=issuer.sign("k1")).delete()  # the keys are there
            opened = Opened(d, issuer.sign("k1", exp=int(time.time()) + 15))
            opened.expect_end("expired")
            opened.expect_resumption(issuer.sign("k1"))


@case("mode introspect: what a token opened ends at the next check, and there is one per cacheTime")
def _():
    with Issuer() as issuer:
        good = {"active": True, "sub": "alice", "aud": issuer.url + "/mcp"}
        issuer.active = {"first-token": good, "second-token": good}
        auth = {"mode": "introspect", "issuer": issuer.url, "resource": issuer.url + "/mcp",
                "clientId": "mcpd", "clientSecret": "s:e c", "cacheTime": 2}
        with Daemon(server(), auth=auth) as d:
            began = time.monotonic()
            opened = Opened(d, "first-token")
            before = len(issuer.asked)
            wait_until(lambda: len(issuer.asked) >= before + 2, "two checks")
            del issuer.active["first-token"]
            opened.expect_end("revoked")
            spent = time.monotonic() - began
            assert len(issuer.asked) <= spent / 2 + 2, "%d checks in %.1f s" % (len(issuer.asked), spent)
            opened.expect_resumption("second-token")


def refused(d, c, last=None, words="invalid_token"):
    """The client's token is good for no stream any more, neither a fresh one nor a resumed one."""
    for one in {last, None}:
        headers = c.headers(Content_Type=None, Accept="text/event-stream", Last_Event_ID=one)
        r = d.http("GET", "/mcp", headers)
        equal(r.status, 401, "GET after %s" % one)
        assert words in r.header("WWW-Authenticate"), r.headers


@case("mode jwt: what a token opened ends when its key is gone from the issuer's keys, and the token with it")
def _():
    if not shutil.which("openssl"):
        raise Skip("no openssl")
    with Issuer() as issuer:
        for kid in ("k1", "k2"):
            issuer.make_key(kid)
        later = issuer.keys.pop("k2")
        auth = {"mode": "jwt", "issuer": issuer.url, "resource": issuer.url + "/mcp", "minRefresh": 0.1}
        with Daemon(server(), auth=auth) as d:
            old, new = secret(issuer.sign("k1")), secret(issuer.sign("k2"))
            Client(d, bearer=old).delete()  # the keys are there
            opened = Opened(d, old)
            issuer.keys = {"k2": later}
            # The daemon does not know yet: only a token with a key that is not known has the keys fetched.
            equal(opened.modern.post("tools/list").reply().status, 200)
            wait_until(lambda: Modern(d, new).post("tools/list").reply().status == 200, "the new keys")
            opened.expect_end("revoked")
            equal(opened.modern.post("tools/list").reply().status, 401)
            refused(d, opened.c, opened.get.last_id)
            opened.expect_resumption(new)


@case("a stream is not resumed with a token that was revoked; another one of its user goes on, nobody else's does")
def _():
    with tempfile.TemporaryDirectory() as folder:
        with Daemon(server(), auth={"mode": "tokens", "tokensFile": os.path.join(folder, "tokens")}) as d:
            one, other, bob = (json.loads(d.mcpctl("--json", "user", "token", "add", u)) for u in ("alice", "alice", "bob"))
            c = Client(d, bearer=one["token"])
            c.request("resources/subscribe", {"uri": "test://1"})
            p = c.start_tool("progress", {"steps": 3}, token="t")
            p.text()
            get = c.get()
            for _ in range(2):
                c.tool("update", uri="test://1")
                get.message()
            of_call, of_get = (next(e.id for e in sse.events if e.id and e.data) for sse in (p.sse, get))
            d.mcpctl("user", "token", "revoke", one["id"])
            while get.next() is not None:
                pass
            for last in (of_call, of_get):
                refused(d, c, last)
            c.bearer = secret(bob["token"])
            headers = c.headers(Content_Type=None, Accept="text/event-stream", Last_Event_ID=of_call)
            equal(d.http("GET", "/mcp", headers).status, 404)
            c.bearer = secret(other["token"])
            sse = c.get(last=of_call)
            equal([m.get("method", m.get("id")) for m in (sse.message() for _ in range(3))],
                  ["notifications/progress"] * 2 + [p.id])
            assert sse.next() is None, "more after the response"
            sse = c.get(last=of_get)
            equal(sse.message()["method"], "notifications/resources/updated")  # that was missed
            c.tool("set_tools", names=["x"])
            equal(sse.message()["method"], "notifications/tools/list_changed")
            sse.close()


@case("mode jwt: a call whose token expired goes on, and a fresh token of the user resumes its stream")
def _():
    if not shutil.which("openssl"):
        raise Skip("no openssl")
    with Issuer() as issuer:
        issuer.make_key("k1")
        auth = {"mode": "jwt", "issuer": issuer.url, "resource": issuer.url + "/mcp", "leeway": 0}
        with Daemon(server(), auth=auth) as d:
            Client(d, bearer=issuer.sign("k1")).delete()  # the keys are there
            c = Client(d, bearer=issuer.sign("k1", exp=int(time.time()) + 15), caps={"elicitation": {}})
            p = c.start_tool("elicit", {"message": "Who?"})
            q = p.next()
            equal(q["method"], "elicitation/create")
            while p.sse.next() is not None:
                pass
            refused(d, c, p.sse.last_id)
            c.bearer = secret(issuer.sign("k1"))
            sse = c.get(last=p.sse.last_id)
            c.answer(q["id"], {"action": "accept", "content": {}})
            equal(sse.message()["id"], p.id)
            assert sse.next() is None, "more after the response"


@case("tasks of a token that was revoked: another one of its user has them, the revoked one and others do not")
def _():
    shapes = os.path.join(HERE, "shapes.py")
    for rev in ("2025-11-25", "2026-07-28"):
        with tempfile.TemporaryDirectory() as folder:
            servers = {"s": {"command": sys.executable, "args": [shapes, rev]}}
            with Daemon(servers, auth={"mode": "tokens", "tokensFile": os.path.join(folder, "tokens")}) as d:
                one, other, bob = (json.loads(d.mcpctl("--json", "user", "token", "add", u))
                                   for u in ("alice", "alice", "bob"))
                if rev == "2025-11-25":
                    c = Client(d, bearer=one["token"])
                    ident = c.request("tools/call", {"name": "long", "task": {"ttl": 60000}})["task"]["taskId"]
                    stranger = Client(d, bearer=bob["token"])

                    def get(token):
                        who = c if token != bob["token"] else stranger
                        who.bearer = secret(token)
                        return who.start("tasks/get", {"taskId": ident}).reply
                else:
                    ident = Tasks(d, one["token"]).post("tools/call", {"name": "long"}).reply().answer()["result"]["taskId"]

                    def get(token):
                        return Tasks(d, token).post("tasks/get", {"taskId": ident}).reply()
                before = get(one["token"]).answer()["result"]
                equal(before["taskId"], ident)
                d.mcpctl("user", "token", "revoke", one["id"])
                equal(get(one["token"]).status, 401, rev)
                equal(get(bob["token"]).answer()["error"]["code"], -32602, rev)
                after = get(other["token"]).answer()["result"]
                equal((after["taskId"], after["status"]), (ident, before["status"]), rev)


run()
