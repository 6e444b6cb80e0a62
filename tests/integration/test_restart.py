#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Sessions outlive the daemon: an orderly restart, a crash, and what is really gone all the same."""

import resource
import sqlite3

from harness import *

ENDS = (("a restart", None), ("kill -9", Daemon.crash))


def end_of(how, d):
    return how and (lambda: how(d))


def kept(**config):
    return Daemon({"fake": fake()}, store=True, **config)


def rows(d, **params):
    return d.ctl("sessions.list", **params)


def gone(c):
    """Whether the session of C is as if it had never been there."""
    return c.post(c.message("ping")).error() == (404, -32001)


for name, how in ENDS:
    @case("after %s a client goes on with its session" % name)
    def _(how=how, name=name):
        with kept() as d:
            caps = {"sampling": {}, "roots": {"listChanged": True}}
            c = Client(d, caps=caps, name="old friend")
            c.request("logging/setLevel", {"level": "error"})
            c.request("resources/subscribe", {"uri": "test://1"})
            c.request("resources/subscribe", {"uri": "test://2"})
            c.request("resources/unsubscribe", {"uri": "test://2"})
            d.restart(end_of(how, d))
            equal(d.sessions(), 0, "sessions before anybody came back")
            equal([r["id"] for r in rows(d, dormant=True)], [c.sid], "dormant")
            equal(rows(d, dormant=True)[0]["client"], "old friend", "client")
            c.close()
            said = json.loads(c.tool("client"))
            equal(said["capabilities"], caps, "capabilities towards the server")
            equal(json.loads(c.tool("subs")), ["test://1"], "subscriptions")
            equal(c.tool("loglevel"), "error", "log level")
            d.wait_log("^Session restored: %s \\(user: unauthenticated\\)$" % c.sid)
            equal(d.sessions(), 1, "sessions")
            equal(rows(d, dormant=True), [], "dormant")
            shown = d.ctl("session.show", id=c.sid)
            equal((shown["path"], shown["revision"], shown["logLevel"]),
                  ("/mcp", c.negotiated, "error"), "what is known of it")
            # And once more: what was restored is kept like any other.
            d.restart(end_of(how, d))
            c.close()
            equal(json.loads(c.tool("subs")), ["test://1"], "subscriptions")
            c.delete()


@case("kill -9 after each (un)subscribe leaves all that was acknowledged; the rows go with their session")
def _():
    def left(d):
        db = sqlite3.connect("file:%s?mode=ro" % os.path.join(d.dir, "state", "mcpd.db"), uri=True)
        try:
            return db.execute("SELECT count(*) FROM session_parts").fetchone()[0]
        finally:
            db.close()

    with kept() as d:
        c, other, uris = Client(d), Client(d), []
        other.request("resources/subscribe", {"uri": "test://2"})
        for n in range(6):
            uri = "test://1%s%d" % ("x" * 5000, n)
            c.request("resources/subscribe", {"uri": uri})
            uris.append(uri)
            if n % 2:
                c.request("resources/unsubscribe", {"uri": uris.pop(0)})
            d.restart(end_of(Daemon.crash, d))
            c.close()
            other.close()
            equal(sorted(json.loads(c.tool("subs"))), sorted(uris), "subscriptions")
        c.delete()
        d.restart(end_of(Daemon.crash, d))
        other.close()
        equal(json.loads(other.tool("subs")), ["test://2"], "subscriptions of another")
        other.delete()
        d.stop()
        equal(left(d), 0, "rows after the last session")


@case("an orderly end logs what it always did, and keeps the sessions")
def _():
    with kept() as d:
        c = Client(d)
        d.stop()
        equal(d.lifecycle()[1:], [
            "Closing 1 active sessions...", "Session closed: %s (user: unauthenticated)" % c.sid,
            "Transport closed for session " + c.sid, "Server closed for session " + c.sid,
            "Active sessions: 0, Active users: 0", "All transports closed"], "log")
        d.config["listen"] = "%s:%d" % d.addr
        d.start()
        c.close()
        equal(c.tool("echo", text="x"), "x", "answer")


@case("a GET with an event id of before starts a fresh stream")
def _():
    with kept() as d:
        c = Client(d)
        s = c.get()
        c.tool("set_tools", names=["a"])
        equal(s.message()["method"], "notifications/tools/list_changed", "method")
        last = s.last_id
        d.restart(d.crash)
        c.close()
        s = c.get(last)
        assert s.next().id != last
        c.tool("set_tools", names=["b"])
        equal(s.message()["method"], "notifications/tools/list_changed", "method")
        assert s.last_id.split("-")[0] != last.split("-")[0]
        s.close()


@case("a subscription lives on for a client that only listens")
def _():
    with kept() as d:
        c, other = Client(d), None
        c.request("resources/subscribe", {"uri": "test://1"})
        d.restart(d.crash)
        c.close()
        s = c.get()
        s.comment()
        wait_until(lambda: d.children(), "the child that has the subscription")
        equal(c.tool("update", uri="test://1") and s.message()["params"]["uri"], "test://1", "uri")
        s.close()


@case("a session that was closed is gone, whoever closed it")
def _():
    with kept() as d:
        by_client, by_operator, slept, operated, left = [Client(d) for _ in range(5)]
        by_client.delete()
        d.ctl("session.close", ids=[by_operator.sid])
        assert gone(by_client) and gone(by_operator)
        d.restart(d.crash)
        for c in (by_client, by_operator, slept, operated, left):
            c.close()
        equal(sorted(r["id"] for r in rows(d, dormant=True)),
              sorted(c.sid for c in (slept, operated, left)), "dormant")
        assert gone(by_client) and gone(by_operator)
        slept.delete()
        d.wait_log("^Session closed: %s " % slept.sid)
        equal([r["id"] for r in d.ctl("session.close", ids=[operated.sid[:12]])], [operated.sid],
              "closed")
        assert gone(slept) and gone(operated)
        d.restart(d.crash)
        for c in (slept, operated, left):
            c.close()
        equal([r["id"] for r in rows(d, dormant=True)], [left.sid], "dormant")
        assert gone(slept) and gone(operated)
        equal(left.tool("echo", text="x"), "x", "answer")


@case("a session of one path is none of another's")
def _():
    with kept() as d:
        c = Client(d, path="/mcp/fake")
        d.restart(d.crash)
        c.close()
        c.path = "/mcp"
        assert gone(c)
        c.path = "/mcp/fake"
        equal(c.tool("echo", text="x"), "x", "answer")


@case("limits hold for those who come back, and cost nobody the session")
def _():
    with kept(sessions={"max": 2}) as d:
        a, b = Client(d), Client(d)
        d.restart(d.crash)
        fresh = Client(d)
        a.close()
        b.close()
        equal(a.tool("echo", text="a"), "a", "answer")
        reply = b.post(b.message("ping"))
        equal(reply.error()[0], 503, "status")
        fresh.delete()
        equal(b.tool("echo", text="b"), "b", "answer")


for config in ({"store": {"kind": "memory"}}, {"store": True, "sessions": {"persist": False}}):
    @case("nothing is kept with %s" % json.dumps(config))
    def _(config=config):
        with Daemon({"fake": fake()}, **config) as d:
            c = Client(d)
            d.restart()
            c.close()
            assert gone(c)
            equal(rows(d, dormant=True), [], "dormant")


@case("sessions that were kept are dropped when they are not wanted any more")
def _():
    with kept() as d:
        c = Client(d)
        d.stop()
        d.config["listen"] = "%s:%d" % d.addr
        d.config["sessions"] = {"persist": False}
        d.start()
        c.close()
        assert gone(c)
        d.config["sessions"] = {}
        d.restart()
        assert gone(c)


def read_file(path):
    with open(path, "rb") as f:
        return f.read()


def spoil(path):
    with open(path, "r+b") as f:
        f.seek(4096)
        f.write(b"x" * 3000)


def lose(path):
    os.rename(path, path + ".away")


for what, name, harm, why in (("a corrupt database", "mcpd.db", spoil, "corrupt"),
                              ("a lost key", "key", lose, "is not there")):
    @case("%s: the daemon serves on, says so, and leaves what it cannot read" % what)
    def _(name=name, harm=harm, why=why):
        with kept() as d:
            Client(d)
            equal("store" in d.health(), False, "trouble")
            d.stop()
            state = os.path.join(d.dir, "state")
            harm(os.path.join(state, name))
            before = read_file(os.path.join(state, "mcpd.db"))
            d.config["listen"] = "%s:%d" % d.addr
            d.start()
            d.wait_log("^error: The store is in trouble, nothing is written: .*%s" % why)
            equal((d.health()["status"], d.health()["store"]), ("ok", "trouble"), "health")
            assert why in d.ctl("status")["store"]["trouble"]
            assert why in d.mcpctl("status")
            c = Client(d)
            equal(c.tool("echo", text="x"), "x", "answer")
            c.delete()
            d.stop()
            equal(read_file(os.path.join(state, "mcpd.db")), before, "the database")
            if harm is lose:
                os.rename(os.path.join(state, "key.away"), os.path.join(state, "key"))
                d.start()
                equal(len(rows(d, dormant=True)), 1, "dormant sessions once it is found again")


@case("a full disk: sessions go on, and are kept when there is room again")
def _():
    with kept() as d:
        early = Client(d)
        no_limit = resource.prlimit(d.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(d.pid, resource.RLIMIT_FSIZE, (65536, no_limit[1]))
        clients = [early]
        while "store" not in d.health():
            clients.append(Client(d))
        late = Client(d)
        for c in (early, late):
            equal(c.tool("echo", text="x"), "x", "answer")
        clients.pop().delete()
        resource.prlimit(d.pid, resource.RLIMIT_FSIZE, no_limit)
        d.wait_log("^The store is well again$")
        equal("store" in d.health(), False, "trouble")
        d.restart(d.crash)
        equal(len(rows(d, dormant=True)), len(clients) + 1, "dormant sessions")
        for c in (early, late):
            c.close()
            equal(c.tool("echo", text="x"), "x", "answer")


run()
