#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Users: what is theirs and nobody else's, tokens that outlive sessions, logout, limits."""

from harness import *

TOKENS = {"alice": "alices-token-7f3a", "bob": "bobs-token-91c4"}
RENEWED = "alices-newer-token-02bd"
SERVERS = {"fake": fake()}
for one in TOKENS.values():
    secret(one)
secret(RENEWED)


def with_users(**config):
    return with_tokens(Daemon(SERVERS, store=True, **config), list(TOKENS.items()) + [("alice", RENEWED)])


def client(d, user, **keys):
    return Client(d, bearer=TOKENS[user], **keys)


def status(c):
    reply = c.post(c.message("ping"))
    return reply.status, reply.json().get("error", {}).get("code", 0)


def logout(d, token):
    return d.http("POST", "/logout", [("Authorization", "Bearer " + token)] if token else [], b"")


@case("the close of a session leaves the user's tokens alone, and the log says so")
def _():
    with with_users() as d:
        c = client(d, "alice")
        mark = d.mark()
        c.delete()
        d.wait_log("^Active sessions", mark)
        equal(d.lifecycle(mark), [
            "Session closed: %s (user: alice)" % c.sid, "Transport closed for session " + c.sid,
            "Server closed for session " + c.sid, "Active sessions: 0, Active users: 1"], "log")
        equal(d.ctl("counts")["text"], "Active sessions: 0, Active users: 1", "counts")
        assert "User alice reconnecting" not in d.lines()
        again = client(d, "alice")
        d.wait_log("^User alice reconnecting$", mark)
        equal(d.ctl("user.show", user="alice")["sessions"], 1, "sessions")
        again.delete()


for name, how in (("an orderly restart", None), ("kill -9", Daemon.crash)):
    @case("tokens and sessions of users survive " + name)
    def _(how=how):
        with with_users() as d:
            alice, bob = client(d, "alice"), client(d, "bob")
            d.restart(how and (lambda: how(d)))
            alice.close()
            bob.close()
            equal(d.ctl("counts")["text"], "Active sessions: 0, Active users: 2", "counts")
            equal({r["user"] for r in d.ctl("sessions.list", dormant=True)}, {"alice", "bob"},
                  "users of dormant sessions")
            shown = d.ctl("session.show", id=alice.sid[:12])
            equal((shown["id"], shown["user"], shown["client"]), (alice.sid, "alice", "test"), "a dormant session")
            stolen = client(d, "bob", start=False)
            stolen.sid, stolen.negotiated = alice.sid, alice.negotiated
            equal(status(stolen), (404, -32001), "a dormant session of another user")
            nobody = Client(d, start=False)
            nobody.sid, nobody.negotiated = alice.sid, alice.negotiated
            reply = nobody.post(nobody.message("ping"))
            equal(reply.status, 401, "without a token")
            equal(alice.tool("echo", text="x"), "x", "answer")
            d.wait_log("^Session restored: %s \\(user: alice\\)$" % alice.sid)
            equal(status(stolen), (404, -32001), "a session of another user")
            client(d, "bob")
            d.wait_log("^User bob reconnecting$")


@case("closing the sessions of one user closes the dormant ones of that user, and of nobody else")
def _():
    with with_users() as d:
        alice, bob = [client(d, "alice") for _ in range(2)], client(d, "bob")
        d.restart(d.crash)
        for c in alice + [bob]:
            c.close()
        equal(alice[0].tool("echo", text="x"), "x", "answer")
        closed = d.ctl("session.close", user="alice")
        equal(sorted((r["id"], r["user"]) for r in closed), sorted((c.sid, "alice") for c in alice), "closed")
        equal([status(c) for c in alice], [(404, -32001)] * 2, "sessions of alice")
        equal([r["id"] for r in d.ctl("sessions.list", dormant=True)], [bob.sid], "dormant sessions")
        equal([(r["id"], r["user"]) for r in d.ctl("session.close", all=True)], [(bob.sid, "bob")], "closed")
        equal(status(bob), (404, -32001), "the session of bob")


@case("case 24: a refreshed token does not cost the session, nor after a restart")
def _():
    with with_users() as d:
        c = client(d, "alice")
        equal(c.tool("counter"), "1", "calls")
        c.bearer = RENEWED
        equal(c.tool("counter"), "2", "calls of the same child")
        d.restart(d.crash)
        c.close()
        equal(c.tool("counter"), "1", "calls")
        c.bearer = TOKENS["alice"]
        equal(c.tool("counter"), "2", "calls of the same child")
        equal(d.ctl("counts")["text"], "Active sessions: 1, Active users: 1", "counts")


@case("/logout takes POST alone: others get 405 with what is allowed, and log nobody out")
def _():
    with with_users() as d:
        c = client(d, "alice")
        for method in ("GET", "HEAD", "PUT", "DELETE"):
            with Conn(d.addr) as conn:
                reply = conn.request(method, "/logout", [("Authorization", "Bearer " + TOKENS["alice"])])
                equal(reply.status, 405, method)
                equal({m.strip() for m in reply.header("Allow").split(",")}, {"POST", "OPTIONS"}, "Allow")
        equal(c.tool("echo", text="x"), "x", "answer")


@case("mcpctl user logout: tokens and sessions are gone, those of others are not")
def _():
    with with_users() as d:
        a, slept, bob = client(d, "alice"), client(d, "alice"), client(d, "bob")
        d.restart(d.crash)
        for c in (a, slept, bob):
            c.close()
        equal(status(a), (200, 0), "awake")
        equal(status(bob), (200, 0), "awake")
        mark = d.mark()
        equal(d.mcpctl("user", "logout", "alice"), "User alice is logged out, 2 sessions closed\n",
              "what mcpctl says")
        d.wait_log("^Session closed: %s \\(user: alice\\)$" % a.sid, mark)
        d.wait_log("^Session closed: %s \\(user: alice\\)$" % slept.sid, mark)
        d.wait_log("^Active sessions: 1, Active users: 1$", mark)
        equal([r["user"] for r in d.ctl("users.list")], ["bob"], "users")
        d.mcpctl("user", "logout", "alice", status=1)
        for c in (a, slept):
            equal(status(c), (404, -32001), "a session after logout")
        equal(status(bob), (200, 0), "another user's session")
        d.ctl("user.logout", user="bob")
        d.ctl("user.logout", user="alice")  # is back: has sent a good token since
        equal(d.ctl("counts")["text"], "Active sessions: 0, Active users: 0", "counts")
        d.restart(d.crash)
        equal(d.ctl("counts")["text"], "Active sessions: 0, Active users: 0", "after a crash")


@case("POST /logout with the user's own token")
def _():
    with with_users() as d:
        alice, bob = client(d, "alice"), client(d, "bob")
        equal(logout(d, None).status, 401, "without a token")
        equal(logout(d, "wrong").status, 401, "with a wrong token")
        equal(d.http("GET", "/logout", [("Authorization", "Bearer " + TOKENS["alice"])]).status, 405,
              "GET")
        equal(d.sessions(), 2, "sessions")
        mark = d.mark()
        reply = logout(d, TOKENS["alice"])
        equal((reply.status, reply.json()), (200, {"loggedOut": True, "sessionsClosed": 1}), "answer")
        equal(d.lifecycle(mark)[0], "Session closed: %s (user: alice)" % alice.sid, "log")
        d.wait_log("^Active sessions: 1, Active users: 1$", mark)
        d.restart(d.crash)
        equal([r["user"] for r in d.ctl("users.list")], ["bob"], "users after a crash")
        bob.close()
        equal(status(bob), (200, 0), "another user's session")
    with Daemon(SERVERS) as d:
        equal(logout(d, None).status, 404, "where nobody is asked who he is")


@case("sessions of one user are limited, others' are not, and those that come back are counted")
def _():
    with with_users(sessions={"maxPerUser": 2}) as d:
        a, b = client(d, "alice"), client(d, "alice")
        c = client(d, "alice", start=False)
        p = c.start("initialize", {"protocolVersion": c.rev, "capabilities": {},
                                   "clientInfo": {"name": "x", "version": "1"}})
        equal((p.reply.status, p.reply.header("Retry-After")), (429, "60"), "the third session")
        client(d, "bob")
        a.delete()
        c.initialize()
        d.restart(d.crash)
        for one in (b, c):
            one.close()
        other = client(d, "alice")
        equal(status(b), (200, 0), "the first that comes back")
        equal(status(c)[0], 429, "the second")
        other.delete()
        equal(status(c), (200, 0), "the second, later")


@case("requests of one user in flight are limited over all sessions and both eras")
def _():
    with with_users(sessions={"maxCallsPerUser": 2}) as d:
        a, b, bob = client(d, "alice"), client(d, "alice"), client(d, "bob")
        begun = [c.begin_tool("hang") for c in (a, b)]
        wait_until(lambda: d.ctl("user.show", user="alice")["calls"] == 2, "two calls")
        reply = a.post(a.message("ping"))
        equal((reply.status, reply.header("Retry-After")), (429, "1"), "the third request")
        reply.read()
        modern = a.message("tools/list", {"_meta": {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientInfo": {"name": "x", "version": "1"},
            "io.modelcontextprotocol/clientCapabilities": {}}})
        headers = {"MCP_Protocol_Version": "2026-07-28", "Mcp_Method": "tools/list",
                   "Mcp_Session_Id": None}
        equal(a.post(modern, **headers).status, 429, "a request without a session")
        equal(status(bob), (200, 0), "another user")
        a.notify("notifications/cancelled", {"requestId": begun[0][1]})
        wait_until(lambda: d.ctl("user.show", user="alice")["calls"] == 1, "one call")
        equal(status(b), (200, 0), "when one has ended")
        equal(a.post(modern, **headers).status, 200, "without a session")
        for conn, _ in begun:
            conn.close()


@case("requests of one user in a minute are limited")
def _():
    with with_users(sessions={"callsPerMinute": 30}) as d:
        c, bob = client(d, "alice"), client(d, "bob")
        # Half a request comes back each second, so it takes some more than 30 on a slow machine.
        for n in range(1000):
            reply = c.post(c.message("ping"))
            reply.read()
            if reply.status != 200:
                break
        equal(reply.status, 429, "too many")
        assert n >= 28, n
        assert 1 <= int(reply.header("Retry-After")) <= 60
        equal(status(bob), (200, 0), "another user")


@case("no token is in the log, the database or what mcpctl says")
def _():
    with with_users(log={"level": "debug"}) as d:
        for user in TOKENS:
            client(d, user).tool("echo", text="x")
        c = client(d, "alice")
        c.bearer = RENEWED
        c.tool("echo", text="x")
        shown = json.dumps([d.ctl("users.list"), d.ctl("user.show", user="alice"), d.ctl("status"),
                            d.ctl("sessions.list"), d.ctl("session.show", id=c.sid)])
        state = os.path.join(d.dir, "state")
        stored = b"".join(open(os.path.join(state, f), "rb").read() for f in os.listdir(state))
        assert len(stored) > 8192
        for token in list(TOKENS.values()) + [RENEWED]:
            assert token not in shown and token.encode() not in stored
            assert not [l for l in d.lines() if token in l]


run()
