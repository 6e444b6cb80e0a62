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

    def __init__(self, daemon, token):
        self.daemon, self.token = daemon, secret(token)

    def post(self, method, params=None, accept=BOTH):
        meta = {PREFIX + "protocolVersion": "2026-07-28", PREFIX + "clientCapabilities": {"elicitation": {}}}
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": dict(params or {}, _meta=meta)}
        fields = [("Content-Type", "application/json"), ("Accept", accept), ("MCP-Protocol-Version", "2026-07-28"),
                  ("Mcp-Method", method), ("Authorization", "Bearer " + self.token)]
        if "name" in (params or {}):
            fields.append(("Mcp-Name", params["name"]))
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


run()
