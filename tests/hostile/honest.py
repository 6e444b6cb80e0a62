# SPDX-License-Identifier: ISC
"""The honest clients of the hostile mix: one of each era, and an operator.

Each of them makes one step after the other, as its seed says. A step sends something that only this step can
have sent (a nonce), and checks that the answer is the one to that. Any error, refusal or wrong answer is a failure.
"""

import random
import threading
import time
import traceback

from world import *

FORM = {"mode": "form", "message": "Who?", "requestedSchema": {"type": "object", "properties": {
    "answer": {"type": "string"}}}}


def said(answer):
    return {"action": "accept", "content": {"answer": answer}}


class Honest(threading.Thread):
    """Runs its STEPS in an order of its own until it is told to stop, and each of them at least once."""

    def __init__(self, world, name, seed):
        super().__init__(name=name, daemon=True)
        self.world, self.rng, self.done, self.rounds = world, random.Random("%s %s" % (name, seed)), False, 0

    def nonce(self):
        return "%s-%016x" % (self.name.replace(" ", "-"), self.rng.getrandbits(64))

    def run(self):
        step = None
        try:
            while not self.done or self.rounds == 0:
                for step in self.rng.sample(self.STEPS, len(self.STEPS)):
                    step(self)
                    self.world.steps.add("%s: %s" % (self.name, step.__name__))
                    if self.world.failures:
                        return
                self.rounds += 1
                self.after_round()
            self.leave()
        except Exception as e:
            self.world.fail("%s, in %s, round %d: %s\n%s" % (
                self.name, step.__name__ if step else "start", self.rounds, e,
                "".join(traceback.format_exception(type(e), e, e.__traceback__)[-6:])))

    def after_round(self):
        pass

    def leave(self):
        pass


class Legacy(Honest):
    """A client of 2025-11-25: a session, its GET stream, calls, subscriptions, questions, a new session at times."""

    def __init__(self, world, seed, user=None):
        super().__init__(world, "legacy" + (" of " + user if user else ""), seed)
        self.user, self.client = user, None

    def open(self, path="/mcp/good"):
        return Client(self.world.daemon, path, caps={"elicitation": {"form": {}}},
                      name=self.name, bearer=self.world.token(self.user))

    def session(self):
        if self.client is None:
            self.client = self.open()
            self.world.note_id(self.user, self.client.sid)
            self.sse = self.client.get()
            self.uris = []
        return self.client

    def until(self, wanted):
        """Reads the GET stream until WANTED likes a message; the others have to be of kinds that may come."""
        while True:
            msg = self.sse.message()
            assert msg is not None, "the GET stream ended"
            if wanted(msg):
                return msg
            assert msg["method"] in ("notifications/resources/updated", "notifications/message"), msg

    def echo(self):
        n = self.nonce()
        equal(self.session().tool("echo", text=n), n, "echo")

    def ping(self):
        equal(self.session().request("ping"), {}, "ping")

    def lists(self):
        names = [t["name"] for t in self.session().request("tools/list")["tools"]]
        assert {"echo", "elicit", "update"} <= set(names), names

    def update(self):
        """A subscription: the update of its URI comes, on the GET stream of this session."""
        c, uri = self.session(), "test://" + self.nonce()
        equal(c.request("resources/subscribe", {"uri": uri}), {}, "subscribe")
        equal(c.tool("update", uri=uri), "updated", "update")
        self.until(lambda m: m["method"] == "notifications/resources/updated" and m["params"]["uri"] == uri)
        equal(c.request("resources/unsubscribe", {"uri": uri}), {}, "unsubscribe")

    def read(self):
        uri = "test://" + self.nonce()
        equal(self.session().request("resources/read", {"uri": uri})["contents"][0]["text"],
              "content of " + uri, "resource")

    def progress(self):
        """Progress comes under the token of this request, in order, before the result."""
        token, steps = self.nonce(), self.rng.randint(1, 20)
        p = self.session().start_tool("progress", {"steps": steps}, token=token)
        equal(p.text(), "done", "result")
        equal([(m["params"]["progressToken"], m["params"]["progress"]) for m in p.before],
              [(token, i + 1) for i in range(steps)], "progress")

    def question(self):
        """A question of the server in the middle of a call, answered by the client."""
        c, asked, answer = self.session(), self.nonce(), self.nonce()
        p = c.start_tool("elicit", {"message": asked})
        q = p.ask()
        equal((q["method"], q["params"]["message"]), ("elicitation/create", asked), "question")
        c.answer(q["id"], said(answer))
        equal(json.loads(p.text()), said(answer), "answer")

    def command(self):
        """A command, a web endpoint and a shared server, all under the merged endpoint."""
        c = self.open("/mcp")
        for name in ("host__echo", "site__echo", "quiet__echo", "churn__echo"):
            n = self.nonce()
            got = c.tool(name, text=n)
            assert got in (n, json.dumps({"said": n}), json.dumps({"said": n}, separators=(",", ":"))), (name, got)
        c.delete()

    STEPS = [echo, echo, echo, ping, lists, update, read, progress, question, command]

    def after_round(self):
        """Every third round the session ends by DELETE, and the next step opens another one."""
        if self.rounds % 3 == 0:
            self.leave()

    def leave(self):
        if self.client is not None:
            self.client.delete()
            self.sse.close()
            self.client = None


class Modern(Honest):
    """A client of 2026-07-28: calls, a listen stream, a question answered by a retry with its requestState."""

    def __init__(self, world, seed, user=None):
        super().__init__(world, "modern" + (" of " + user if user else ""), seed)
        self.user, self.id = user, 0

    def send(self, path, method, params, caps=None, **meta):
        """Sends a request on a connection of its own; the head of the answer."""
        self.id += 1
        head, data = envelope(method, params, caps, self.id, **meta)
        if self.world.token(self.user):
            head.append(("Authorization", "Bearer " + self.world.token(self.user)))
        return Conn(self.world.daemon.addr).request("POST", path, head, data)

    def request(self, path, method, params, caps=None, **meta):
        """(result, notifications before it)."""
        reply, notes = self.send(path, method, params, caps, **meta), []
        ident = self.id
        if reply.is_sse():
            sse, msg = Sse(reply), None
            while msg is None or "id" not in msg:
                notes.append(msg)
                msg = sse.message()
                assert msg is not None, "the stream ended without the response"
        else:
            msg = reply.json()
        reply.conn.close()
        assert "result" in msg, "%s %s: %s %s" % (method, params, reply.status, msg)
        equal(msg["id"], ident, "id")
        return msg["result"], notes[1:]

    def call(self, path, name, arguments, caps=None, **more):
        params = dict({"name": name, "arguments": arguments}, **more)
        return self.request(path, "tools/call", params, caps)[0]

    def echo(self):
        for path in ("/mcp/good", "/mcp/quiet", "/mcp/asker"):
            n = self.nonce()
            equal(text_of(self.call(path, "echo", {"text": n})), n, "echo of " + path)

    def command(self):
        n = self.nonce()
        equal(text_of(self.call("/mcp", "host__echo", {"text": n})), n, "command")
        assert n in text_of(self.call("/mcp", "site__echo", {"text": n})), "web endpoint"

    def lists(self):
        result, _ = self.request("/mcp/good", "tools/list", {})
        assert {"echo", "elicit"} <= {t["name"] for t in result["tools"]}

    def discover(self):
        assert NOW in self.request("/mcp", "server/discover", {})[0]["supportedVersions"]

    def listen(self):
        """A stream that acknowledges a subscription and then tells of its update."""
        uri = "test://" + self.nonce()
        sse = Sse(self.send("/mcp/quiet", "subscriptions/listen",
                            {"notifications": {"resourceSubscriptions": [uri]}}))
        msg = sse.message()
        equal(msg["method"], "notifications/subscriptions/acknowledged", "first message")
        equal(msg["params"]["notifications"], {"resourceSubscriptions": [uri]}, "granted")
        equal(text_of(self.call("/mcp/quiet", "update", {"uri": uri})), "updated", "update")
        msg = sse.message()
        equal((msg["method"], msg["params"]["uri"]), ("notifications/resources/updated", uri))
        sse.close()

    def question(self):
        """The server asks, the client comes back with the answer and the requestState."""
        asked, answer, caps = self.nonce(), self.nonce(), {"elicitation": {"form": {}}}
        arguments = {"method": "elicitation/create", "key": asked, "params": dict(FORM, message=asked)}
        first = self.call("/mcp/asker", "ask", arguments, caps)
        equal(first["resultType"], "input_required", "resultType")
        equal(list(first["inputRequests"]), [asked], "what is asked")
        equal(first["inputRequests"][asked]["params"]["message"], asked, "question")
        done = self.call("/mcp/asker", "ask", arguments, caps, requestState=first["requestState"],
                         inputResponses={asked: said(answer)})
        equal(json.loads(text_of(done)), said(answer), "answer")

    def parked(self):
        """The same with a server of the revisions with sessions, whose call is parked meanwhile."""
        asked, answer, caps = self.nonce(), self.nonce(), {"elicitation": {"form": {}}}
        arguments = {"message": asked}
        first = self.call("/mcp/quiet", "elicit", arguments, caps)
        equal(first["resultType"], "input_required", "resultType")
        (key, question), = first["inputRequests"].items()
        equal(question["params"]["message"], asked, "question")
        done = self.call("/mcp/quiet", "elicit", arguments, caps, requestState=first["requestState"],
                         inputResponses={key: said(answer)})
        equal(json.loads(text_of(done)), said(answer), "answer")

    STEPS = [echo, echo, command, lists, discover, listen, question, parked]


class Operator(Honest):
    """Somebody with mcpctl: commands are answered while all this happens."""

    def __init__(self, world, seed):
        super().__init__(world, "operator", seed)

    def status(self):
        equal(self.world.daemon.ctl("status")["pid"], self.world.daemon.pid, "pid")

    def sessions(self):
        assert isinstance(self.world.daemon.ctl("sessions.list"), list)

    def backends(self):
        equal(len(self.world.daemon.ctl("backends.list")),
              len(self.world.daemon.config["mcpServers"]), "servers")

    def health(self):
        equal(self.world.daemon.health()["status"], "ok", "health")

    STEPS = [status, sessions, backends, health]

    def after_round(self):
        select.select([], [], [], 0.05)


def clients(world, seed):
    """Without authentication one of each era. With it two, of two users: nobody's answer is the other's."""
    users = HONEST if world.mode == "tokens" else (None,)
    for user in users:
        yield Legacy(world, seed, user)
        yield Modern(world, seed, user)
    yield Operator(world, seed)
