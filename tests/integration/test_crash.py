#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""kill -9 in the middle of 1,000 sessions, 20 times: with calls in flight, and while sessions come and go.
After each start every session whose client had heard of it answers, those whose end was confirmed are
gone, and the database is whole. MCPD_TEST_CRASHES makes it fewer times."""

import random
import sqlite3

from harness import *

SESSIONS, IN_FLIGHT = 1000, 50
CRASHES = int(os.environ.get("MCPD_TEST_CRASHES", "5" if WRAPPER else "20"))


def check_database(d):
    """What lies there is whole, before anybody repairs it. A copy, so that this changes nothing."""
    state = os.path.join(d.dir, "state")
    with tempfile.TemporaryDirectory(prefix="mcpd-test-") as copy:
        for name in ("mcpd.db", "mcpd.db-wal"):
            if os.path.exists(os.path.join(state, name)):
                shutil.copy(os.path.join(state, name), copy)
        db = sqlite3.connect(os.path.join(copy, "mcpd.db"))
        equal(db.execute("PRAGMA integrity_check").fetchall(), [("ok",)], "integrity of the database")
        db.close()


class Churn(threading.Thread):
    """Opens sessions and ends others, until the daemon is gone."""

    def __init__(self, d, victims):
        super().__init__(daemon=True)
        self.d, self.victims = d, victims
        self.opened, self.ended, self.unsure = [], [], []
        self.error = None

    def run(self):
        try:
            conn = Conn(self.d.addr)
            while True:
                c = Client(self.d, start=False)
                c.conn = conn
                p = c.start("initialize", {"protocolVersion": c.rev, "capabilities": {},
                                           "clientInfo": {"name": "x", "version": "1"}}, conn=conn)
                p.result()
                c.sid, c.negotiated = p.reply.header("Mcp-Session-Id"), c.rev
                self.opened.append(c)
                if self.victims:
                    victim = self.victims.pop()
                    self.unsure.append(victim)
                    reply = conn.request("DELETE", "/mcp", victim.headers(Content_Type=None))
                    reply.read()
                    equal(reply.status, 200, "status of a DELETE")
                    self.ended.append(self.unsure.pop())
        except (OSError, EOFError, ValueError):
            pass  # the daemon is gone
        except AssertionError as e:
            self.error = e


def ping(c, conn):
    """(status, JSON-RPC code or 0)"""
    reply = c.post(c.message("ping"), conn)
    msg = reply.json()
    return reply.status, msg["error"]["code"] if "error" in msg else 0


@case("kill -9 in the middle of %d sessions, %d times" % (SESSIONS, CRASHES))
def _():
    # What else would be told apart: where a child stands, and how soon it is there again.
    with Daemon({"fake": fake(scope="shared")}, store=True,
                sessions={"maxPerPeer": 4 * SESSIONS, "max": 4 * SESSIONS}) as d:
        with Conn(d.addr) as conn:
            clients = []
            for _ in range(SESSIONS):
                c = Client(d, start=False)
                c.conn = conn
                c.initialize()
                clients.append(c)
        for n in range(CRASHES):
            calls = [c.begin_tool("hang") for c in random.sample(clients, IN_FLIGHT)]
            random.shuffle(clients)
            churn = Churn(d, clients[:SESSIONS // 10])
            rest = clients[SESSIONS // 10:]
            churn.start()
            # Somewhere in the middle of it, each time somewhere else.
            wait_until(lambda: len(churn.opened) > 5 * n, "sessions that come and go")
            d.crash()
            churn.join(TIMEOUT)
            assert churn.error is None, churn.error
            for conn, _ in calls:
                conn.close()
            check_database(d)
            d.start()
            alive = rest + churn.opened + churn.victims
            with Conn(d.addr) as conn:
                for c in alive:
                    equal(ping(c, conn), (200, 0), "answer to an open session (crash %d)" % n)
                for c in churn.ended:
                    equal(ping(c, conn), (404, -32001), "answer to one that was ended")
                for c in churn.unsure:  # nobody knows how far its DELETE came
                    assert ping(c, conn) in ((200, 0), (404, -32001))
                    conn.request("DELETE", "/mcp", c.headers(Content_Type=None)).read()
                equal(alive[0].sid in [r["id"] for r in d.ctl("sessions.list")], True, "listed")
                # As many as in the beginning.
                for c in alive[SESSIONS:]:
                    equal(conn.request("DELETE", "/mcp", c.headers(Content_Type=None)).read(), b"",
                          "body")
            clients = alive[:SESSIONS]
            equal(d.sessions(), len(clients), "sessions")
            clients[0].close()
            equal(clients[0].tool("echo", text="x"), "x", "answer")
            clients[0].close()


run()
