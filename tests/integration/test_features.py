#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""What the 2025 revisions have, through mcpd to a stdio server and back: negotiation, progress,
logging, cancellation, sampling, elicitation, roots, lists, subscriptions, completion, limits."""

from harness import *

FORM = {"type": "object", "properties": {"answer": {"type": "string"}}}


def daemon(*args, limits=None, **keys):
    return Daemon({"fake": fake(*args, **keys)}, limits=dict({"upgradeAfter": 0}, **(limits or {})))


def seen(c):
    """What the child has received, without what we ask it now."""
    return json.loads(c.tool("seen"))[:-1]


# --- initialize ---------------------------------------------------------------------------------------

@case("negotiation: a revision that is served is answered with itself, any other with the newest")
def _():
    with daemon() as d:
        for asked, wanted in [(r, r) for r in REVISIONS[1:]] + [
                ("2026-07-28", "2025-11-25"), ("2099-01-01", "2025-11-25"), ("1.0", "2025-11-25"),
                ("", "2025-11-25")]:
            equal(Client(d, rev=asked).negotiated, wanted, "revision for %r" % asked)
        assert Client(d, rev="2024-11-05").negotiated in ("2024-11-05", "2025-11-25")


@case("initialize: the server's name, capabilities of what is behind it, instructions")
def _():
    with daemon() as d:
        got = Client(d).initialized
        equal(got["serverInfo"]["name"], "mcpd", "name")
        assert got["serverInfo"]["version"]
        equal(got["instructions"], "Be careful.", "instructions")
        equal(got["capabilities"], {"tools": {"listChanged": True}, "prompts": {"listChanged": True},
                                    "resources": {"listChanged": True, "subscribe": True},
                                    "logging": {}, "completions": {}}, "capabilities")


@case("initialize: what no server has is not declared, and its methods are unknown")
def _():
    with daemon("--only", "tools") as d:
        c = Client(d)
        assert set(c.initialized["capabilities"]) <= {"tools", "logging"}, c.initialized
        for method, params in (("prompts/get", {"name": "x"}), ("completion/complete", {
                "ref": {"type": "ref/prompt", "name": "x"}, "argument": {"name": "a", "value": ""}})):
            try:
                c.request(method, params)
                raise AssertionError("answered")
            except RpcError as e:
                assert e.code in (-32601, -32602), e


@case("a child hears what its own client is: name, capabilities, revision")
def _():
    with daemon() as d:
        caps = {"sampling": {}, "elicitation": {}, "roots": {"listChanged": True}}
        got = json.loads(Client(d, caps=caps, name="somebody").tool("client"))
        equal(got["capabilities"], caps, "capabilities")
        equal(got["clientInfo"]["name"], "somebody", "name")
        equal(json.loads(Client(d).tool("client"))["capabilities"], {}, "capabilities of another")


@case("a server that speaks an older revision is spoken to in that")
def _():
    for rev in REVISIONS[:-1]:
        with daemon("--version", rev) as d:
            equal(Client(d).tool("echo", text="hi"), "hi", "answer of a server of " + rev)


@case("a server that speaks no revision of ours fails, and says so")
def _():
    with daemon("--version", "1999-01-01") as d:
        try:
            Client(d).tool("echo")
            raise AssertionError("answered")
        except RpcError as e:
            assert "1999-01-01" in e.message, e
        equal(d.ctl("backends.list")[0]["state"], "failed", "state")


@case("results without content have exactly no members")
def _():
    with daemon() as d:
        for rev in REVISIONS:
            c = Client(d, rev=rev)
            for method, params in (("ping", None), ("ping", {}), ("logging/setLevel", {"level": "info"}),
                                   ("resources/subscribe", {"uri": "test://1"}),
                                   ("resources/unsubscribe", {"uri": "test://1"})):
                equal(c.request(method, params), {}, method)


@case("there is nothing behind: empty lists, no session is refused")
def _():
    with Daemon() as d:
        c = Client(d)
        equal(c.request("ping"), {}, "ping")
        try:
            equal(c.request("tools/list")["tools"], [], "tools")
        except RpcError as e:
            equal(e.code, -32601, "code")


# --- progress and ids -----------------------------------------------------------------------------------

@case("progress: under the client's token, whatever its type, and the child has one of ours")
def _():
    with daemon() as d:
        c = Client(d)
        tokens = ["a", "", 0, 7, -1, 1 << 53, "7", "\u20ac\n"]
        for token in tokens:
            p = c.start_tool("progress", {"steps": 2}, token=token)
            equal(p.text(), "done", "answer")
            equal([m["params"]["progressToken"] for m in p.before], [token] * 2, "token")
            equal([m["params"]["progress"] for m in p.before], [1, 2], "progress")
        for token in ("a", 7):
            got = json.loads(c.start_tool("call", token=token).text())
            assert got["token"] is not None and got["token"] != token, got


@case("progress: calls at a time with the same token each get their own")
def _():
    with daemon() as d:
        c = Client(d)
        running = [c.start_tool("progress", {"steps": n, "delay": 0.05}, token="same")
                   for n in (2, 3, 4)]
        for n, p in zip((2, 3, 4), running):
            equal(p.text(), "done", "answer")
            equal([m["params"]["total"] for m in p.before], [n] * n, "progress")


@case("progress: without a token there is none, and none comes after the result")
def _():
    with daemon() as d:
        c = Client(d)
        p = c.start_tool("progress")
        equal((p.text(), p.before), ("done", []), "answer")
        get = c.get()
        equal(c.start_tool("deadtoken", token="t").text(), "done", "answer")
        c.tool("set_tools", names=["x"])
        equal(get.message()["method"], "notifications/tools/list_changed", "the next message")


@case("ids: the child never sees those of the client")
def _():
    with daemon() as d:
        c = Client(d)
        ids = [json.loads(c.start_tool("call", ident=i).text())["id"] for i in ("x", 4711, 4711)]
        assert len({json.dumps(i) for i in ids}) == 3 and not {"x", 4711} & set(ids), ids


# --- logging --------------------------------------------------------------------------------------------

@case("logging: messages of a call come on its stream, as they were")
def _():
    with daemon() as d:
        c = Client(d)
        p = c.start_tool("log", {"level": "warning", "text": "careful \u20ac\n"})
        equal(p.text(), "logged", "answer")
        equal([m["params"] for m in p.before],
              [{"level": "warning", "logger": "fake", "data": "careful \u20ac\n"}], "messages")


@case("logging: the level is the session's, reaches the child, and what is below it is dropped")
def _():
    with daemon() as d:
        a, b = Client(d), Client(d)
        equal(a.tool("loglevel"), "null", "level before")
        a.request("logging/setLevel", {"level": "error"})
        equal(a.tool("loglevel"), "error", "level of the child")
        for level, count in (("debug", 0), ("warning", 0), ("error", 1), ("emergency", 1)):
            p = a.start_tool("log", {"level": level})
            p.text()
            equal(len(p.before), count, "messages of level " + level)
        p = b.start_tool("log", {"level": "debug"})
        p.text()
        equal(len(p.before), 1, "messages of another session")


@case("logging: a level set before there is a child reaches it later")
def _():
    with daemon() as d:
        c = Client(d)
        c.request("logging/setLevel", {"level": "alert"})
        wait_until(lambda: "alert" in c.tool("loglevel"), "the level")


# --- cancellation ---------------------------------------------------------------------------------------

@case("cancellation: the child is told with the id it knows, and no response is sent")
def _():
    with daemon(limits={"upgradeAfter": 0.05}) as d:
        c = Client(d)
        c.tool("pid")  # what is cancelled before the child is there, it never hears of
        p = c.start_tool("slow", {"seconds": 600}, ident="mine", token="t")
        c.notify("notifications/cancelled", {"requestId": "mine", "reason": "enough"})
        assert p.next() is None, "a response"
        told = [m for m in seen(c) if m.startswith("notifications/cancelled")]
        equal(len(told), 1, "cancellations that the child saw")
        assert "mine" not in told[0], told
        equal(d.ctl("session.show", id=c.sid)["calls"], 0, "calls")


@case("cancellation: of an answer that is no stream yet: 202, no body")
def _():
    with daemon() as d:
        c = Client(d)
        begun = c.begin_tool("hang", ident=5)
        wait_until(lambda: d.ctl("session.show", id=c.sid)["calls"] == 1, "the call")
        c.notify("notifications/cancelled", {"requestId": "5"})  # the string is another id
        c.notify("notifications/cancelled", {"requestId": 5})
        reply = begun[0].reply()
        equal((reply.status, reply.read()), (202, b""), "answer")


@case("cancellation: unknown, finished, missing and nonsensical ids are ignored")
def _():
    with daemon() as d:
        c = Client(d)
        c.start("ping", ident=1).result()
        for params in ({"requestId": 1}, {"requestId": "none"}, {}, {"requestId": None},
                       {"requestId": {"a": 1}}, {"requestId": 1.5}):
            c.notify("notifications/cancelled", params)
        equal(c.tool("echo", text="hi"), "hi", "answer")


@case("cancellation: initialize cannot be cancelled, and others' requests cannot")
def _():
    with daemon() as d:
        a, b = Client(d), Client(d)
        begun = a.begin_tool("slow", {"seconds": 0.3}, ident=1)
        wait_until(lambda: d.ctl("session.show", id=a.sid)["calls"] == 1, "the call")
        b.notify("notifications/cancelled", {"requestId": 1})
        equal(a.end(begun).text(), "slept", "answer")


# --- the server asks the client ---------------------------------------------------------------------------

@case("sampling, elicitation, roots: the question on the call's stream, the answer back")
def _():
    with daemon() as d:
        c = Client(d, caps={"sampling": {}, "elicitation": {}, "roots": {}})
        c.get()  # it is not there that they go
        for tool, args, method, answer in (
                ("sample", {"text": "why?"}, "sampling/createMessage",
                 {"role": "assistant", "model": "m", "content": {"type": "text", "text": "because"}}),
                ("elicit", {"message": "who?"}, "elicitation/create",
                 {"action": "accept", "content": {"answer": "me"}}),
                ("elicit", {"message": "who?"}, "elicitation/create", {"action": "decline"}),
                ("roots", {}, "roots/list", {"roots": [{"uri": "file:///x", "name": "x"}]})):
            p = c.start_tool(tool, args)
            q = p.ask()
            equal(q["method"], method, "question")
            if tool == "sample":
                equal(q["params"]["messages"][0]["content"]["text"], "why?", "what is asked")
            if tool == "elicit":
                equal((q["params"]["message"], q["params"]["requestedSchema"]), ("who?", FORM), "asked")
            c.answer(q["id"], answer)
            equal(json.loads(p.text()), answer, "what the child got")


@case("a question that the client answers with an error: the child gets that error")
def _():
    with daemon() as d:
        c = Client(d, caps={"sampling": {}})
        p = c.start_tool("sample")
        c.answer(p.ask()["id"], error={"code": -1, "message": "User rejected", "data": {"a": 1}})
        got = json.loads(p.text())["error"]
        equal((got["code"], got["message"]), (-1, "User rejected"), "error")


@case("a client that did not declare a capability is never asked for it")
def _():
    with daemon() as d:
        c = Client(d, caps={"roots": {}})
        for tool in ("sample", "elicit"):
            p = c.start_tool(tool)
            equal(json.loads(p.text())["error"]["code"], -32601, "code")
            equal(p.before, [], "what came before")


@case("questions have ids of ours, each is answered once, late and foreign answers are dropped")
def _():
    with daemon() as d:
        a, b = Client(d, caps={"roots": {}}), Client(d, caps={"roots": {}})
        p = a.start_tool("roots")
        q = p.ask()
        b.answer(q["id"], {"roots": [{"uri": "file:///foreign"}]})
        a.answer(str(q["id"]) if isinstance(q["id"], int) else 4711, {"roots": []})
        a.answer(q["id"], {"roots": [{"uri": "file:///right"}]})
        a.answer(q["id"], {"roots": [{"uri": "file:///late"}]})
        assert "right" in p.text()
        running = [a.start_tool("roots") for _ in range(3)]
        ids = [r.ask()["id"] for r in running]
        equal(len(set(ids)), 3, "different ids")
        for n in (2, 0, 1):  # not in the order of the questions
            a.answer(ids[n], {"roots": [{"uri": "file:///%d" % n}]})
        for n in range(3):
            assert "file:///%d" % n in running[n].text()


@case("a question that the server withdraws is withdrawn for the client, under the client's id")
def _():
    with daemon() as d:
        c = Client(d, caps={"elicitation": {}})
        get = c.get()
        p = c.start_tool("ask_cancel")
        q = p.ask()
        equal(p.text(), "cancelled", "answer")
        told = [m for m in p.before if m["method"] == "notifications/cancelled"] or [get.message()]
        equal(told[0]["params"]["requestId"], q["id"], "id")
        c.answer(q["id"], {"action": "accept"})  # too late: dropped


@case("a question that comes during a call, but does not belong to it, outlives the call")
def _():
    with daemon() as d:
        c = Client(d, caps={"roots": {}})
        p = c.start_tool("ask_aside")
        q = p.ask()
        equal(p.text(), "aside", "answer")
        c.answer(q["id"], {"roots": [{"uri": "file:///late"}]})
        wait_until(lambda: "file:///late" in c.tool("asked"), "the answer to arrive")


@case("a question that nobody answers in limits.questionTimeout: the child gets an error")
def _():
    with daemon(limits={"questionTimeout": 0.2}) as d:
        c = Client(d, caps={"roots": {}})
        p = c.start_tool("roots")
        p.ask()
        assert "error" in json.loads(p.text())


@case("roots/list_changed reaches the child")
def _():
    with daemon() as d:
        c = Client(d, caps={"roots": {"listChanged": True}})
        c.tool("pid")
        c.notify("notifications/roots/list_changed")
        wait_until(lambda: "notifications/roots/list_changed" in seen(c), "the notification")


@case("what a client changes all the time reaches the child once a second, and the last of it always does")
def _():
    with Daemon({"fake": fake()}) as d:
        c = Client(d, caps={"roots": {"listChanged": True}})
        c.tool("echo")
        began = time.monotonic()
        for n in range(150):
            c.notify("notifications/roots/list_changed")
            c.request("logging/setLevel", {"level": ("debug", "error")[n % 2]})
        got = seen(c)
        most = time.monotonic() - began + 2
        for method in ("notifications/roots/list_changed", "logging/setLevel"):
            assert 1 <= got.count(method) <= most, (method, got.count(method), most)
        c.request("logging/setLevel", {"level": "alert"})
        c.notify("notifications/roots/list_changed")
        before = got.count("notifications/roots/list_changed")
        wait_until(lambda: "alert" in c.tool("loglevel") and
                   seen(c).count("notifications/roots/list_changed") > before, "the last of it")


@case("other notifications of the client are not passed on")
def _():
    with daemon() as d:
        c = Client(d)
        c.tool("pid")
        for method in ("notifications/unknown", "notifications/progress", "notifications/message"):
            c.notify(method, {"progressToken": 1, "progress": 1, "level": "info", "data": 1})
        assert not [m for m in seen(c) if m.startswith("notifications/") and
                    m != "notifications/initialized"], seen(c)


# --- lists and resources ------------------------------------------------------------------------------------

@case("lists: list_changed goes to every session that is concerned, and the list is new")
def _():
    with daemon(scope="shared") as d:
        clients = [Client(d) for _ in range(3)]
        streams = [c.get() for c in clients]
        clients[0].tool("set_tools", names=["brand_new"])
        for c, s in zip(clients, streams):
            equal(s.message()["method"], "notifications/tools/list_changed", "notification")
            assert "brand_new" in [t["name"] for t in c.request("tools/list")["tools"]]
            equal(c.tool("brand_new"), "brand_new", "answer")


@case("lists: a change in one session's own child concerns that session alone")
def _():
    with daemon() as d:
        a, b = Client(d), Client(d)
        sa, sb = a.get(), b.get()
        a.tool("set_tools", names=["own"])
        equal(sa.message()["method"], "notifications/tools/list_changed", "notification")
        assert "own" in [t["name"] for t in a.request("tools/list")["tools"]]
        assert "own" not in [t["name"] for t in b.request("tools/list")["tools"]]
        b.tool("set_tools", names=["other"])  # the first that b hears is its own
        equal(sb.message()["method"], "notifications/tools/list_changed", "notification")
        assert "other" in [t["name"] for t in b.request("tools/list")["tools"]]


@case("lists: a tool that is there only for a client that can sample")
def _():
    with daemon("--conditional") as d:
        able = Client(d, caps={"sampling": {}})
        equal(able.tool("needs_sampling"), "needs_sampling", "answer")


@case("lists: the pages of the server are put together, and ours are cut as configured")
def _():
    with daemon("--page", 7, "--tools", 100, limits={"pageSize": 25}) as d:
        c = Client(d)
        names, cursor, pages = [], None, 0
        while True:
            page = c.request("tools/list", {"cursor": cursor} if cursor is not None else None)
            assert 0 < len(page["tools"]) <= 25
            names += [t["name"] for t in page["tools"]]
            pages += 1
            cursor = page.get("nextCursor")
            if cursor is None:
                break
            assert isinstance(cursor, str) and cursor
        assert pages >= 5 and len(set(names)) == len(names), pages
        assert {"tool_%d" % i for i in range(100)} <= set(names)
        assert "nextCursor" not in c.request("resources/list")


@case("lists: a server whose pages never end, or repeat, does not hold anybody up")
def _():
    for option in ("--repeat-cursor", "--endless"):
        with daemon("--page", 2, option, limits={"learnWait": 10}) as d:
            c = Client(d)
            equal(c.request("ping"), {}, "ping")
            try:
                c.request("tools/list")
            except RpcError as e:
                equal(e.code, -32603, "code")


@case("resources: read, of a template, not found with its URI")
def _():
    with daemon() as d:
        c = Client(d)
        equal([r["uri"] for r in c.request("resources/list")["resources"]], ["test://1", "test://2"],
              "resources")
        equal(c.request("resources/templates/list")["resourceTemplates"],
              [{"uriTemplate": "test://{id}", "name": "any"}], "templates")
        for uri in ("test://1", "test://99"):
            equal(c.request("resources/read", {"uri": uri})["contents"],
                  [{"uri": uri, "text": "content of " + uri}], "contents")
        try:
            c.request("resources/read", {"uri": "none://1"})
            raise AssertionError("answered")
        except RpcError as e:
            equal((e.status, e.code), (200, -32002), "status and code")


@case("a server without resources/templates/list has no templates")
def _():
    with daemon("--no-templates") as d:
        equal(Client(d).request("resources/templates/list")["resourceTemplates"], [], "templates")


@case("subscriptions: updates reach subscribers, and nobody else, until they unsubscribe")
def _():
    with daemon(scope="shared") as d:
        a, b, other = Client(d), Client(d), Client(d)
        streams = [x.get() for x in (a, b, other)]
        for c in (a, b, a):
            c.request("resources/subscribe", {"uri": "test://1"})
        equal(json.loads(other.tool("subs")), ["test://1"], "what the child knows: once")
        other.tool("update", uri="test://1")
        for s in streams[:2]:
            equal(s.message()["params"], {"uri": "test://1"}, "update")
        a.request("resources/unsubscribe", {"uri": "test://1"})
        equal(json.loads(other.tool("subs")), ["test://1"], "what the child knows: b is still there")
        other.tool("update", uri="test://1")
        other.tool("update", uri="test://2")
        equal(streams[1].message()["params"], {"uri": "test://1"}, "update of b")
        b.request("resources/unsubscribe", {"uri": "test://1"})
        equal(json.loads(other.tool("subs")), [], "what the child knows at last")
        other.tool("set_tools", names=["end"])
        for s in streams:  # and nothing else before that
            equal(s.message()["method"], "notifications/tools/list_changed", "the next message")


@case("subscriptions: they are there again after the child was restarted")
def _():
    with daemon() as d:
        c = Client(d)
        stream = c.get()
        c.request("resources/subscribe", {"uri": "test://2"})
        try:
            c.tool("crash")
        except RpcError:
            pass
        wait_until(lambda: "test://2" in c.tool("subs"), "the subscription")
        c.tool("update", uri="test://2")
        while stream.message()["method"] != "notifications/resources/updated":
            pass


@case("subscriptions: one that the server refuses is none, and there is a limit")
def _():
    with daemon(limits={"maxSubscriptions": 2}) as d:
        c = Client(d)
        for uri, code in (("test://refused", -32602), ("test://1", None), ("test://2", None),
                          ("test://3", -32603)):
            try:
                equal(c.request("resources/subscribe", {"uri": uri}), {}, "result")
                equal(None, code, "code for " + uri)
            except RpcError as e:
                equal(e.code, code, "code for " + uri)
        equal(sorted(d.ctl("session.show", id=c.sid)["subscriptions"]), ["test://1", "test://2"],
              "subscriptions")


@case("prompts and completion")
def _():
    with daemon() as d:
        c = Client(d)
        equal([p["name"] for p in c.request("prompts/list")["prompts"]], ["greeting"], "prompts")
        got = c.request("prompts/get", {"name": "greeting", "arguments": {"name": "Ada"}})
        equal(got["messages"][0]["content"]["text"], "Hello Ada", "prompt")
        for ref in ({"type": "ref/prompt", "name": "greeting"},
                    {"type": "ref/resource", "uri": "test://{id}"}):
            got = c.request("completion/complete", {"ref": ref, "argument": {"name": "name",
                                                                             "value": "A"}})
            equal(got["completion"]["values"], ["A-1", "A-2"], "values")
        try:
            c.request("prompts/get", {"name": "none"})
            raise AssertionError("answered")
        except RpcError as e:
            equal(e.code, -32602, "code")


# --- limits -------------------------------------------------------------------------------------------------

@case("limits.maxCalls: one more request in flight is refused, the others go on")
def _():
    with daemon(limits={"maxCalls": 3}) as d:
        c = Client(d)
        begun = [c.begin_tool("slow", {"seconds": 0.5}) for _ in range(3)]
        wait_until(lambda: d.ctl("session.show", id=c.sid)["calls"] == 3, "the calls")
        try:
            c.request("ping")
            raise AssertionError("answered")
        except RpcError as e:
            equal((e.status, e.code), (200, -32603), "status and code")
            assert "3" in e.message, e
        for b in begun:
            equal(c.end(b).text(), "slept", "answer")
        equal(c.request("ping"), {}, "ping")


@case("an answer of almost limits.maxLine passes, a longer one is an error")
def _():
    with daemon(limits={"maxLine": 1 << 20}) as d:
        c = Client(d)
        size = (1 << 20) - 1000
        equal(len(c.tool("big", bytes=size)), size, "size of the answer")
        try:
            c.tool("big", bytes=1 << 20)
            raise AssertionError("answered")
        except RpcError as e:
            equal(e.code, -32603, "code")
        equal(c.tool("echo", text="hi"), "hi", "answer")


@case("text of any kind comes through as it was")
def _():
    with daemon() as d:
        c = Client(d)
        for text in ("", "\0", "\x7f\x80\u2028\u2029\ufeff\uffff", "\U0001f600" * 1000, "\\u0041\"\\\n\t",
                     "</script><!--", "x" * 1000000):
            equal(c.tool("echo", text=text), text, "echo")


run()
