#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Servers of 2026-07-28 behind the daemon, for clients of both eras; and how it is found out which era a
server is of."""

from harness import *

NOW, PREFIX = "2026-07-28", "io.modelcontextprotocol/"
MODERN = os.path.join(HERE, "modernserver.py")
ALL = {"elicitation": {"form": {}, "url": {}}, "sampling": {}, "roots": {}}


def modern(*args, **keys):
    return dict({"command": sys.executable, "args": [MODERN] + [str(a) for a in args]}, **keys)


def starts(path):
    with open(path) as f:
        return len(f.readlines())


class New:
    """A client of 2026-07-28."""

    def __init__(self, d, path="/mcp", caps=None):
        self.d, self.path, self.caps = d, path, caps or {}
        self.ids = itertools.count(1)

    def message(self, method, params=None, log=None, token=None):
        meta = {PREFIX + "protocolVersion": NOW, PREFIX + "clientCapabilities": self.caps}
        if log:
            meta[PREFIX + "logLevel"] = log
        if token:
            meta["progressToken"] = token
        params = dict(params or {}, _meta=meta)
        head = [("Content-Type", "application/json"), ("Accept", BOTH),
                ("MCP-Protocol-Version", NOW), ("Mcp-Method", method)]
        if "name" in params or "uri" in params:
            head.append(("Mcp-Name", params.get("name", params.get("uri"))))
        return head, json.dumps({"jsonrpc": "2.0", "id": next(self.ids), "method": method,
                                 "params": params})

    def start(self, method, params=None, **keys):
        """The connection on which the answer will come, and its parts as they are sent."""
        head, data = self.message(method, params, **keys)
        conn = Conn(self.d.addr)
        conn.send(conn.head("POST", self.path, head, len(data)) + data)
        return conn

    def request(self, method, params=None, **keys):
        head, data = self.message(method, params, **keys)
        with Conn(self.d.addr) as conn:
            reply = conn.request("POST", self.path, head, data)
            if not reply.is_sse():
                return reply.json(), []
            sse, notes = Sse(reply), []
            while True:
                msg = sse.message()
                if "id" in msg:
                    return msg, notes
                notes.append(msg)

    def result(self, method, params=None, **keys):
        msg, _ = self.request(method, params, **keys)
        assert "error" not in msg, msg
        return msg["result"]

    def call(self, name, arguments=None, **more):
        return self.result("tools/call", dict({"name": name, "arguments": arguments or {}}, **more))

    def text(self, name, **arguments):
        return text_of(self.call(name, arguments))

    def answer(self, method, params, first, answers):
        """The retry after the result FIRST."""
        more = {"inputResponses": answers}
        if "requestState" in first:
            more["requestState"] = first["requestState"]
        return self.result(method, dict(params, **more))


def elicit(key="my key"):
    return {"method": "elicitation/create", "key": key,
            "params": {"mode": "form", "message": "Who?",
                       "requestedSchema": {"type": "object", "properties": {}}}}


# --- calls ---------------------------------------------------------------------------------------

@case("a client with a session: lists, calls, resources, in the words of its revision")
def _():
    with Daemon({"m": modern()}) as d:
        c = Client(d, caps={"elicitation": {}, "roots": {"listChanged": True}})
        equal(c.initialized["instructions"], "modern instructions")
        equal(c.request("resources/read", {"uri": "test://1"}),
              {"contents": [{"uri": "test://1", "text": "text of test://1"}]})
        got = json.loads(c.tool("call", a=1))
        equal(got["arguments"], {"a": 1})
        equal(got["_meta"], {PREFIX + "protocolVersion": NOW,
                             PREFIX + "clientCapabilities": {"elicitation": {"form": {}}, "roots": {}},
                             PREFIX + "clientInfo": {"name": "test", "version": "1"},
                             PREFIX + "logLevel": "info"})
        equal(c.request("ping"), {})
        equal(set(json.loads(c.tool("seen"))),
              {"server/discover", "subscriptions/listen", "resources/read", "tools/call"})


@case("a client without a session: what the server says of caching goes through, its name does not")
def _():
    with Daemon({"m": modern()}) as d:
        c = New(d)
        got = c.result("resources/read", {"uri": "test://1"})
        equal((got["resultType"], got["ttlMs"], got["cacheScope"]), ("complete", 1234, "public"))
        equal(got["_meta"][PREFIX + "serverInfo"]["name"], "mcpd")
        got = json.loads(text_of(c.call("call", {"a": 1})))
        equal(got["_meta"][PREFIX + "clientCapabilities"], {})
        assert PREFIX + "logLevel" not in got["_meta"] and "requestState" not in got, got


@case("progress and log messages: asked for, delivered, under the client's own token")
def _():
    with Daemon({"m": modern()}, limits={"upgradeAfter": 0}) as d:
        _, notes = New(d).request("tools/call", {"name": "progress", "arguments": {"steps": 2}},
                                  token="mine")
        equal([(n["method"], n["params"]) for n in notes],
              [("notifications/progress", {"progressToken": "mine", "progress": i}) for i in (1, 2)])
        for level, wanted in (("error", "none"), ("error", "info"), ("info", "error")):
            keys = {"log": wanted} if wanted != "none" else {}
            msg, notes = New(d).request("tools/call", {"name": "log", "arguments": {"level": level}},
                                        **keys)
            equal(text_of(msg["result"]), wanted)
            equal(len(notes), (level, wanted) == ("error", "info"), "messages")
        c = Client(d)
        c.request("logging/setLevel", {"level": "warning"})
        p = c.start_tool("log", {"level": "error"})
        equal(p.next()["params"], {"level": "error", "data": "hello"})
        equal(p.text(), "warning")


@case("errors: the codes that a client knows go through, the others are explained")
def _():
    with Daemon({"m": modern()}) as d:
        for code in (-32602, -32000):
            equal(New(d).request("tools/call", {"name": "fail", "arguments": {"code": code}})[0]
                  ["error"]["message"], "as told")
        msg, _ = New(d).request("resources/read", {"uri": "test://none"})
        equal((msg["error"]["code"], msg["error"]["data"]), (-32602, {"uri": "test://none"}))
        try:
            Client(d).request("resources/read", {"uri": "test://none"})
            raise AssertionError("answered")
        except RpcError as e:
            assert e.code in (-32002, -32602), e


# --- questions -----------------------------------------------------------------------------------

@case("a question to a client without a session: keys as they are, the state sealed and byte exact")
def _():
    with Daemon({"m": modern(), "n": modern()}) as d:
        c = New(d, "/mcp/m", ALL)
        params = {"name": "ask", "arguments": elicit()}
        first = c.call("ask", elicit())
        equal(first["resultType"], "input_required")
        equal(first["inputRequests"]["my key"]["params"]["message"], "Who?")
        assert "ttlMs" not in first and "quoted" not in first["requestState"], first
        said = {"action": "accept", "content": {"name": "me"}}
        done = c.answer("tools/call", params, first, {"my key": said})
        equal((done["resultType"], json.loads(text_of(done))), ("complete", said))
        # A second time, changed, for other arguments, and on the endpoint of another server: it is no state.
        for path, arguments, state in (("/mcp/m", elicit(), first["requestState"]),
                                       ("/mcp/m", elicit(), first["requestState"] + "A"),
                                       ("/mcp/m", elicit("other"), first["requestState"]),
                                       ("/mcp/n", elicit(), first["requestState"])):
            msg, _ = New(d, path, ALL).request("tools/call", {
                "name": "ask", "arguments": arguments, "requestState": state,
                "inputResponses": {"my key": said}})
            equal(msg["error"]["code"], -32602)


@case("answers without a state, on the first call, go to the server")
def _():
    with Daemon({"m": modern()}) as d:
        c = New(d, caps=ALL)
        first = c.call("no_state")
        assert "requestState" not in first, first
        answers = {"k": {"action": "decline"}}
        done = c.answer("tools/call", {"name": "no_state", "arguments": {}}, first, answers)
        equal(json.loads(text_of(done)), answers["k"])
        both = {"who": {"action": "cancel"}, "what": {"role": "assistant"}}
        equal(json.loads(text_of(c.call("both", inputResponses=both))), both)
        equal(c.call("both", inputResponses={"who": both["who"]})["resultType"], "input_required")


@case("a question to a client with a session: one round, several at once, several rounds")
def _():
    with Daemon({"m": modern()}) as d:
        c = Client(d, caps=ALL)
        p = c.start_tool("ask", elicit())
        q = p.ask()
        equal((q["method"], q["params"]["message"]), ("elicitation/create", "Who?"))
        c.answer(q["id"], {"action": "accept", "content": {"name": "me"}})
        equal(json.loads(p.text()), {"action": "accept", "content": {"name": "me"}})
        p = c.start_tool("both")
        asked = {q["method"]: q["id"] for q in (p.ask(), p.ask())}
        sample = {"role": "assistant", "content": {"type": "text", "text": "!"}, "model": "m"}
        c.answer(asked["sampling/createMessage"], sample)
        c.answer(asked["elicitation/create"], {"action": "decline"})
        equal(json.loads(p.text()), {"who": {"action": "decline"}, "what": sample})
        p = c.start_tool("rounds", {"n": 3})
        for i in range(3):
            q = p.ask()
            equal(q["params"]["message"], "Round %d" % i)
            c.answer(q["id"], {"action": "accept", "content": {"answer": "a%d" % i}})
        equal(json.loads(p.text()), ["a0", "a1", "a2"])
        equal(c.tool("state_only", n=2), "done")


@case("a question in a resource and in a prompt")
def _():
    with Daemon({"m": modern()}) as d:
        c = Client(d, caps=ALL)
        answer = {"action": "accept", "content": {"answer": "me"}}
        for method, params in (("resources/read", {"uri": "test://ask"}),
                               ("prompts/get", {"name": "greeting"})):
            p = c.start(method, params)
            c.answer(p.ask()["id"], answer)
            assert "me" in json.dumps(p.result())
            new = New(d, caps=ALL)
            first = new.result(method, params)
            equal(first["resultType"], "input_required")
            assert "me" in json.dumps(new.answer(method, params, first, {"k": answer}))


@case("URLs to visit: an id for who knows ids, none for the others")
def _():
    url = {"method": "elicitation/create", "key": "k",
           "params": {"mode": "url", "message": "Go", "url": "https://example.com/"}}
    with Daemon({"m": modern()}) as d:
        c = Client(d, caps=ALL)
        p = c.start_tool("ask", url)
        q = p.ask()
        assert q["params"]["elicitationId"] and q["params"]["url"] == "https://example.com/", q
        c.answer(q["id"], {"action": "accept"})
        equal(json.loads(p.text()), {"action": "accept"})
        assert "elicitationId" not in json.dumps(New(d, caps=ALL).call("ask", url))


@case("nobody is asked for what he did not declare")
def _():
    asks = {"elicitation/create": elicit(),
            "sampling/createMessage": {"method": "sampling/createMessage",
                                       "params": {"messages": [], "maxTokens": 1}},
            "roots/list": {"method": "roots/list"}}
    with Daemon({"m": modern()}) as d:
        for method, arguments in asks.items():
            capability = method.split("/")[0]
            caps = {k: v for k, v in ALL.items() if k != capability}
            msg, _ = New(d, caps=caps).request("tools/call", {"name": "ask", "arguments": arguments})
            equal((msg["error"]["code"], list(msg["error"]["data"]["requiredCapabilities"])),
                  (-32021, [capability]))
            c = Client(d, caps=caps)
            try:
                c.tool("ask", **arguments)
                raise AssertionError("answered")
            except (RpcError, ToolError) as e:
                assert capability in str(e), e
        # 2025-03-26 has no elicitation, whatever its client says.
        try:
            Client(d, rev="2025-03-26", caps=ALL).tool("ask", **elicit())
            raise AssertionError("answered")
        except (RpcError, ToolError) as e:
            assert "elicitation" in str(e), e


@case("a question that is refused ends the call with an error; one for nothing does, too; and the ninth")
def _():
    with Daemon({"m": modern()}) as d:
        c = Client(d, caps=ALL)
        p = c.start_tool("ask", elicit())
        c.answer(p.ask()["id"], error={"code": -1, "message": "no way"})
        got = p.result()
        assert got["isError"] and "no way" in got["content"][0]["text"], got
        p = c.start("prompts/get", {"name": "greeting"})
        c.answer(p.ask()["id"], error={"code": -1, "message": "no way"})
        equal(p.response()["error"]["code"], -32603)
        equal(c.start_tool("odd").response()["error"]["code"], -32603)
        p = c.start_tool("rounds", {"n": 9})
        for i in range(8):
            c.answer(p.ask()["id"], {"action": "accept", "content": {"answer": "a"}})
        equal(p.response()["error"]["code"], -32603)


@case("a cancelled call: its question is withdrawn, or its server hears of it")
def _():
    with Daemon({"m": modern()}) as d:
        c = Client(d, caps=ALL)
        get = c.get()
        p = c.start_tool("ask", elicit(), ident=77)
        q = p.ask()
        c.notify("notifications/cancelled", {"requestId": 77})
        told = p.next() or get.message()  # the call's own stream may have ended before
        equal((told["method"], told["params"]["requestId"]), ("notifications/cancelled", q["id"]))
        c.answer(q["id"], {"action": "decline"})
        c.start_tool("hang", ident=78)
        c.notify("notifications/cancelled", {"requestId": 78})
        wait_until(lambda: "notifications/cancelled" in c.tool("seen"), "the cancellation")


@case("a client without a session that closes its stream: its server hears of it")
def _():
    with Daemon({"m": modern()}) as d:
        c = New(d)
        conn = c.start("tools/call", {"name": "hang", "arguments": {}})
        # The calls of hang and of seen itself.
        wait_until(lambda: json.loads(c.text("seen")).count("tools/call") >= 2, "the call")
        conn.close()
        wait_until(lambda: "notifications/cancelled" in c.text("seen"), "the cancellation")


@case("scopes: a shared child asks the client whose call it is")
def _():
    for scope in ("user", "shared"):
        with Daemon({"m": modern(scope=scope)}) as d:
            a, b = Client(d, caps=ALL), Client(d, caps=ALL)
            equal(a.tool("pid"), b.tool("pid"))
            pa, pb = a.start_tool("ask", elicit()), b.start_tool("ask", elicit())
            qb, qa = pb.ask(), pa.ask()
            a.answer(qa["id"], {"action": "decline"})
            b.answer(qb["id"], {"action": "cancel"})
            equal((json.loads(pa.text())["action"], json.loads(pb.text())["action"]),
                  ("decline", "cancel"))
            try:
                Client(d).tool("ask", **elicit())
                raise AssertionError("answered")
            except (RpcError, ToolError) as e:
                assert "elicitation" in str(e), e


# --- changes ---------------------------------------------------------------------------------------

def listens(c):
    return json.loads(c.tool("listens"))


@case("a list change reaches the clients of both eras")
def _():
    with Daemon({"m": modern(scope="shared")}) as d:
        c = Client(d)
        stream = c.get()
        conn = New(d).start("subscriptions/listen", {"notifications": {"toolsListChanged": True}})
        sse = Sse(conn.reply())
        equal(sse.message()["method"], "notifications/subscriptions/acknowledged")
        equal(c.tool("add_tool", name="more"), "added")
        equal(stream.message()["method"], "notifications/tools/list_changed")
        note = sse.message()
        equal((note["method"], list(note["params"]["_meta"])),
              ("notifications/tools/list_changed", [PREFIX + "subscriptionId"]))
        assert "more" in [t["name"] for t in c.request("tools/list")["tools"]]
        equal(len(listens(c)), 1, "streams")
        conn.close()


def listen(d, **wanted):
    """A stream of subscriptions/listen, when its head has come."""
    return Sse(New(d).start("subscriptions/listen", {"notifications": wanted}).reply())


@case("a list change is told once, however many servers the client uses")
def _():
    with Daemon({"m": modern(scope="shared")}) as d:
        plain, able = New(d), New(d, caps=ALL)
        equal([c.text("echo", text="hi") for c in (plain, able)], ["hi", "hi"])
        sse = listen(d, toolsListChanged=True, resourceSubscriptions=["test://1"])
        equal(sse.message()["method"], "notifications/subscriptions/acknowledged")
        plain.call("add_tool", {"name": "more"})
        plain.call("update", {"uri": "test://1"})
        equal([sse.message()["method"] for _ in range(2)],
              ["notifications/tools/list_changed", "notifications/resources/updated"])
        sse.close()


@case("what is acknowledged is what the server granted, and not before it did")
def _():
    with Daemon({"m": modern("--hold-ack", scope="shared")}) as d:
        c = New(d)
        held = lambda: json.loads(c.text("held"))
        wait_until(lambda: len(held()) == 1, "a stream for the lists")
        sse = listen(d, toolsListChanged=True, resourceSubscriptions=["test://1"])
        equal(held(), [{"toolsListChanged": True, "resourcesListChanged": True}])
        c.text("ack")
        wait_until(lambda: [h.get("resourceSubscriptions") for h in held()] == [["test://1"]], "a stream for more")
        # Whatever was sent to the client before that, is here.
        conn = sse.reply.conn
        while select.select([conn.sock], [], [], 0)[0]:
            conn.buf += conn.sock.recv(65536)
        assert b"acknowledged" not in conn.buf, conn.buf
        c.call("add_tool", {"name": "more"})
        c.text("ack")
        equal(sse.message()["params"]["notifications"],
              {"toolsListChanged": True, "resourceSubscriptions": ["test://1"]})
        equal(sse.message()["method"], "notifications/tools/list_changed")
        c.call("update", {"uri": "test://1"})
        equal(sse.message()["params"]["uri"], "test://1")
        # Two that come one after the other, while the server takes its time, both hear of theirs.
        first, second = (listen(d, resourceSubscriptions=["test://2", uri]) for uri in ("test://1", "test://3"))
        wait_until(lambda: c.text("ack") and len(json.loads(c.text("listens"))) == 1 and
                   len(json.loads(c.text("listens"))[0]["resourceSubscriptions"]) == 3, "one stream for all")
        for one, uris in ((first, ["test://2", "test://1"]), (second, ["test://2", "test://3"])):
            equal(one.message()["params"]["notifications"], {"resourceSubscriptions": uris})
        c.call("update", {"uri": "test://2"})
        equal([one.message()["params"]["uri"] for one in (first, second)], ["test://2"] * 2)
        # Those that leave before they are acknowledged leave nothing behind.
        last = listen(d, resourceSubscriptions=["test://4"])
        wait_until(lambda: held(), "a stream with it")
        for one in (last, first, second, sse):
            one.close()
        wait_until(lambda: c.text("ack") and
                   json.loads(c.text("listens")) == [{"toolsListChanged": True, "resourcesListChanged": True}],
                   "a stream for the lists alone")


@case("what an older server refuses is not acknowledged")
def _():
    with Daemon({"m": fake(scope="shared")}) as d:
        sse = listen(d, resourceSubscriptions=["test://1", "test://refused", "test://1"])
        equal(sse.message()["params"]["notifications"], {"resourceSubscriptions": ["test://1"]})
        sse.close()
        sse = listen(d, resourceSubscriptions=["test://refused"])
        equal(sse.message()["params"]["notifications"], {})
        sse.close()
        wait_until(lambda: New(d).text("subs") == "[]", "no subscription is left")


@case("resources: subscriptions of several become one, and each hears of its own")
def _():
    with Daemon({"m": modern(scope="shared")}) as d:
        a, b = Client(d), Client(d)
        ga, gb = a.get(), b.get()
        a.request("resources/subscribe", {"uri": "test://1"})
        b.request("resources/subscribe", {"uri": "test://1"})
        b.request("resources/subscribe", {"uri": "test://2"})
        wait_until(lambda: [sorted(f.get("resourceSubscriptions", [])) for f in listens(a)] ==
                   [["test://1", "test://2"]], "one stream for both")
        for uri in ("test://2", "test://1"):
            a.tool("update", uri=uri)
        equal(ga.message()["params"], {"uri": "test://1"})
        equal([gb.message()["params"]["uri"] for _ in range(2)], ["test://2", "test://1"])
        b.request("resources/unsubscribe", {"uri": "test://2"})
        wait_until(lambda: [f.get("resourceSubscriptions") for f in listens(a)] == [["test://1"]],
                   "the other is gone")


@case("a server that ends its subscription gets another one, and what was missed is made up for")
def _():
    with Daemon({"m": modern(scope="shared")}) as d:
        c = Client(d)
        get = c.get()
        c.request("resources/subscribe", {"uri": "test://1"})
        c.tool("end_listen")
        equal(get.message()["params"], {"uri": "test://1"})
        equal(len(listens(c)), 1)


@case("a server without subscriptions/listen works all the same")
def _():
    with Daemon({"m": modern("--no-listen")}) as d:
        c = Client(d)
        equal(c.tool("echo", text="hi"), "hi")
        try:
            c.request("resources/subscribe", {"uri": "test://1"})
            raise AssertionError("subscribed")
        except RpcError as e:
            equal(e.code, -32601)


# --- which era -------------------------------------------------------------------------------------

@case("a server that exits on server/discover is started once more, and then known")
def _():
    with tempfile.NamedTemporaryFile() as state:
        with Daemon({"m": fake("--state", state.name, "--die-discover")}) as d:
            equal(Client(d).tool("echo", text="hi"), "hi")
            equal(Client(d).tool("echo", text="hi"), "hi")
            # The probe and its second try; a child for each session.
            equal(starts(state.name), 4, "starts")
            row, = d.ctl("backends.list")
            equal((row["state"], row["restarts"]), ("ready", 0))


@case("a server that does not answer server/discover gets initialize after a while")
def _():
    with Daemon({"m": fake("--mute-discover", startTimeout=30)}) as d:
        equal(Client(d).tool("echo", text="hi"), "hi")
        assert "server/discover" not in Client(d).tool("seen"), "asked again"


@case("a server that knows other versions only: no fallback, and the reason is told")
def _():
    with Daemon({"m": modern("--versions", "2099-01-01,2100-01-01")},
                limits={"learnWait": 0}) as d:
        d.wait_log("the server supports none of the protocol versions spoken here")
        row, = d.ctl("backends.list")
        equal(row["state"], "failed")
        assert "2099-01-01" in row["reason"], row


@case("a server of both eras is spoken to in the newer one; \"era\" decides otherwise")
def _():
    for era, first in (("auto", "server/discover"), ("modern", "server/discover"),
                       ("legacy", "initialize")):
        with Daemon({"m": modern("--dual", era=era)}) as d:
            equal(json.loads(Client(d).tool("seen"))[0], first, era)


@case("a server that takes its time is not taken for an old one")
def _():
    with Daemon({"m": modern("--late", startTimeout=30)}) as d:
        equal(Client(d).tool("echo", text="hi"), "hi")


@case("what turned out to be another server is looked at again")
def _():
    with tempfile.NamedTemporaryFile() as state:
        with Daemon({"m": modern("--dual", "--never-again", "--state", state.name)}) as d:
            c = Client(d)
            equal(d.ctl("backends.list")[0]["state"], "ready")
            try:
                c.tool("echo", text="x")
            except (RpcError, ToolError):
                pass
            equal(starts(state.name), 2)


run()
