#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Clients and servers of every revision, in every pair: each sees what its own revision has."""

from harness import *

NOW, PREFIX = "2026-07-28", "io.modelcontextprotocol/"
SHAPES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "shapes.py")
OLD = ["2025-03-26", "2025-06-18", "2025-11-25"]
ALL = OLD + [NOW]
RELATED = PREFIX + "related-task"


def daemon(revs):
    return Daemon({"r" + r.replace("-", ""): {"command": sys.executable, "args": [SHAPES, r]} for r in revs})


def path(rev):
    return "/mcp/r" + rev.replace("-", "")


class Modern:
    """A client of 2026-07-28, as far as it looks like wire.Client."""

    def __init__(self, d, where, caps=None):
        self.d, self.where, self.caps = d, where, caps or {}

    def head(self, method, params):
        params = dict(params or {}, _meta={PREFIX + "protocolVersion": NOW,
                                           PREFIX + "clientCapabilities": self.caps})
        head = {"Content-Type": "application/json", "Accept": BOTH, "MCP-Protocol-Version": NOW,
                "Mcp-Method": method}
        for key in ("name", "uri", "taskId"):
            if key in params:
                head["Mcp-Name"] = params[key]
        return list(head.items()), json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})

    def message(self, method, params=None):
        return self.d.http("POST", self.where, *self.head(method, params)).answer()

    def listen(self, wanted):
        """A stream of subscriptions/listen."""
        return Sse(Conn(self.d.addr).request("POST", self.where,
                                             *self.head("subscriptions/listen", {"notifications": wanted})))

    def request(self, method, params=None):
        msg = self.message(method, params)
        if "error" in msg:
            raise RpcError(msg["error"], 200)
        result = msg["result"]
        for key in ("ttlMs", "cacheScope"):
            result.pop(key, None)
        assert result.pop("resultType") in ("complete", "input_required", "task")
        assert PREFIX + "serverInfo" in result["_meta"]
        del result["_meta"][PREFIX + "serverInfo"]
        if not result["_meta"]:
            del result["_meta"]
        return result


def client(d, rev, backend, caps=None):
    if rev == NOW:
        return Modern(d, path(backend), caps)
    return Client(d, path(backend), rev=rev, caps=caps)


def pairs():
    for backend in BACKENDS:
        for rev in ALL:
            yield backend, rev


def error(fn):
    try:
        fn()
    except RpcError as e:
        return e
    raise AssertionError("answered")


# What a server of its own revision would say; where the two agree nothing may be touched.
WRAPPED = {"type": "object", "required": ["result"], "properties": {"result": {
    "type": "array", "items": {"$ref": "#/properties/result/$defs/n"}, "$defs": {"n": {"type": "number"}}}}}
PLAIN = {"type": "array", "items": {"$ref": "#/$defs/n"}, "$defs": {"n": {"type": "number"}}}


@case("lists have what the client's revision has")
def _(d):
    for backend, rev in pairs():
        tools = {t["name"]: t for t in client(d, rev, backend).request("tools/list")["tools"]}
        what = "%s for %s" % (backend, rev)
        one = tools["list"]
        equal("icons" in one, rev >= "2025-11" or rev == backend, "icons of " + what)
        equal("title" in one, rev >= "2025-06" or rev == backend, "title of " + what)
        schema = PLAIN if rev in (backend, NOW) else None if rev < "2025-06" else WRAPPED
        equal(one.get("outputSchema"), schema, "outputSchema of " + what)
        equal("execution" in tools["long"], rev == backend == "2025-11-25", "execution of " + what)
        there = client(d, rev, backend).request("resources/list")["resources"][0]
        equal("title" in there, rev >= "2025-06" or rev == backend, "title of a resource, " + what)


@case("results do, too")
def _(d):
    for backend, rev in pairs():
        c, what = client(d, rev, backend), "%s for %s" % (backend, rev)
        got = c.request("tools/call", {"name": "list"})
        if rev in (backend, NOW):
            equal(got, {"content": [], "structuredContent": [1, 2]}, what)
        elif rev < "2025-06":
            equal(got, {"content": [{"type": "text", "text": "[1,2]"}]}, what)
        else:
            equal(got, {"content": [{"type": "text", "text": "[1,2]"}],
                        "structuredContent": {"result": [1, 2]}}, what)
        blocks = c.request("tools/call", {"name": "link"})["content"]
        older = rev < "2025-06" and rev != backend
        equal(blocks[0], {"type": "text", "text": "there (test:there)"} if older else
              {"type": "resource_link", "uri": "test:there", "name": "there"}, what)
        equal(blocks[1]["type"], "audio", what)
        equal("_meta" in blocks[2], not older, what)
        got = c.request("resources/read", {"uri": "test:there"})["contents"][0]
        equal("_meta" in got, not older, what)


@case("errors are those of the client's revision")
def _(d):
    for backend, rev in pairs():
        c, what = client(d, rev, backend), "%s for %s" % (backend, rev)
        e = error(lambda: c.request("resources/read", {"uri": "test:none"}))
        equal(e.code, -32602 if rev == NOW else -32002, "no such resource: " + what)
        if rev != backend:
            equal(e.data, {"uri": "test:none"}, what)
        for code in (-32000, -32001, -32021, -32099):
            if rev == NOW and backend != NOW:
                e = error(lambda: c.request("tools/call", {"name": "code", "arguments": {"code": code}}))
                equal((e.code, e.data), (-32603, {"what": "for"}), what)
        e = error(lambda: c.request("tools/call", {"name": "code", "arguments": {"code": -5}}))
        equal((e.code, e.data), (-5, {"what": "for"}), what)


@case("an error that demands the visit of a URL")
def _(d):
    where = "2025-11-25"
    e = error(lambda: client(d, where, where, {"elicitation": {"url": {}}}).request(
        "tools/call", {"name": "url"}))
    equal((e.code, e.data["elicitations"][0]["elicitationId"]), (-32042, "e1"))
    equal(error(lambda: client(d, "2025-06-18", where).request("tools/call", {"name": "url"})).code, -32603)
    lacking = Modern(d, path(where)).message("tools/call", {"name": "url"})["error"]
    equal((lacking["code"], lacking["data"]),
          (-32021, {"requiredCapabilities": {"elicitation": {"url": {}}}}))
    c = Modern(d, path(where), {"elicitation": {"url": {}}, "roots": {}})
    got = c.message("tools/call", {"name": "url"})["result"]
    (key, asked), = got["inputRequests"].items()
    equal(asked, {"method": "elicitation/create",
                  "params": {"mode": "url", "message": "go", "url": "https://x.example/"}})
    done = c.message("tools/call", {"name": "url", "requestState": got["requestState"],
                                    "inputResponses": {key: {"action": "accept"}}})["result"]
    equal(text_of(done), "visited")


@case("a question that demands the visit of a URL, of a server of 2026-07-28")
def _(d):
    c = client(d, "2025-11-25", NOW, {"elicitation": {"url": {}}})
    pending = c.start_tool("url")
    asked = pending.ask()
    assert len(asked["params"].pop("elicitationId")) >= 16, asked
    equal(asked["params"], {"mode": "url", "message": "go", "url": "https://x.example/"})
    c.answer(asked["id"], {"action": "accept"})
    equal(json.loads(pending.text()), {"visit": {"action": "accept"}})
    # 2025-06-18 has no such question, whatever the client says.
    e = error(lambda: client(d, "2025-06-18", NOW, {"elicitation": {"url": {}}}).request(
        "tools/call", {"name": "url"}))
    equal(e.code, -32603)


@case("tasks of the extension: answered with what their client gave, under an id that is good for it alone")
def _(d):
    ext = {"extensions": {PREFIX + "tasks": {}}}
    c = client(d, NOW, NOW, dict(ext, elicitation={}))
    assert PREFIX + "tasks" in c.request("server/discover")["capabilities"]["extensions"]
    started = c.message("tools/call", {"name": "long"})["result"]
    ident = started["taskId"]
    equal((started["resultType"], started["status"]), ("task", "input_required"))
    assert re.fullmatch("[0-9a-f]{32}", ident), ident
    got = c.request("tasks/get", {"taskId": ident})
    equal((got["taskId"], list(got["inputRequests"])), (ident, ["who"]))
    c.request("tasks/update", {"taskId": ident, "inputResponses": {"who": {"action": "accept"}}})
    got = c.request("tasks/get", {"taskId": ident})
    equal((got["taskId"], got["status"], text_of(got["result"])), (ident, "completed", "done"))
    equal(error(lambda: c.request("tasks/get", {"taskId": "task-0"})).code, -32602)
    for rev, backend in ((NOW, "2025-11-25"), ("2025-11-25", NOW)):
        equal(error(lambda: client(d, rev, backend, ext).request("tasks/get", {"taskId": ident})).code, -32601)
    e = error(lambda: client(d, NOW, NOW).request("tools/call", {"name": "long"}))
    equal((e.code, e.data), (-32021, {"requiredCapabilities": ext}))
    # To a session it is an error that the model can read, whatever extensions the client names.
    got = client(d, "2025-11-25", NOW, ext).request("tools/call", {"name": "long"})
    assert got["isError"] and PREFIX + "tasks" in got["content"][0]["text"], got


@case("tasks of the extension: a stream tells of those that it asked for, and of no others")
def _(d):
    ext = {"extensions": {PREFIX + "tasks": {}}}
    c = client(d, NOW, NOW, dict(ext, elicitation={}))
    one, two = (c.message("tools/call", {"name": "long"})["result"]["taskId"] for _ in range(2))
    first, second = c.listen({"taskIds": [one, "task-0", one]}), c.listen({"taskIds": [one, two]})
    equal(first.message()["params"]["notifications"], {"taskIds": [one]})
    equal(second.message()["params"]["notifications"], {"taskIds": [one, two]})
    for stream, ident in ((second, two), (second, one), (first, one)):
        if stream is second:
            c.request("tasks/update", {"taskId": ident, "inputResponses": {"who": {"action": "accept"}}})
        note = stream.message()
        equal((note["method"], note["params"]["taskId"], note["params"]["status"]),
              ("notifications/tasks", ident, "completed"))
        equal(text_of(note["params"]["result"]), "done")
        equal(list(note["params"]["_meta"]), [PREFIX + "subscriptionId"])
    second.close()
    # The other one goes on.
    c.request("tasks/cancel", {"taskId": one})
    equal(first.message()["params"]["status"], "cancelled")
    first.close()
    equal(client(d, NOW, NOW, ext).listen({"taskIds": [one]}).message()["params"]["notifications"], {"taskIds": [one]})
    refused = client(d, NOW, NOW).message("subscriptions/listen", {"notifications": {"taskIds": [one]}})
    equal((refused["error"]["code"], refused["error"]["data"]), (-32021, {"requiredCapabilities": ext}))


@case("a tool that runs as a task alone: clients that know no such tasks just get its result")
def _(d):
    for rev in ("2025-03-26", "2025-06-18", NOW):
        got = client(d, rev, "2025-11-25").request("tools/call", {"name": "long"})
        equal(text_of(got), "done", rev)
        assert RELATED not in got.get("_meta", {}), got
    c = client(d, "2025-11-25", "2025-11-25")
    equal(error(lambda: c.request("tools/call", {"name": "long"})).code, -32601)


@case("a client of the same revision runs the task itself, under an id that is good for it alone")
def _(d):
    c, other = (client(d, "2025-11-25", "2025-11-25") for _ in range(2))
    equal(c.initialized["capabilities"]["tasks"], {"cancel": {}, "requests": {"tools": {"call": {}}}})
    task = c.request("tools/call", {"name": "long", "task": {"ttl": 1000}})["task"]
    ident = task["taskId"]
    assert re.fullmatch("[0-9a-f]{32}", ident), ident
    equal(c.request("tasks/get", {"taskId": ident})["status"], "working")
    got = c.request("tasks/result", {"taskId": ident})
    equal((text_of(got), got["_meta"][RELATED]["taskId"]), ("done", ident))
    equal(c.request("tasks/get", {"taskId": ident})["status"], "completed")
    for who, name in ((c, "task-0"), (other, ident), (c, "")):
        equal(error(lambda: who.request("tasks/get", {"taskId": name})).code, -32602, name)
    equal(error(lambda: c.request("tasks/list")).code, -32601)
    assert "tasks" not in client(d, "2025-06-18", "2025-11-25").initialized["capabilities"]


@case("all of them together: each tool as the client's revision has it")
def _(d):
    both = [Client(d, "/mcp", rev=rev) for rev in ("2025-06-18", "2025-11-25")]
    for c in both:
        tools = c.request("tools/list")["tools"]
        names = [t["name"] for t in tools]
        equal(names, sorted(names, key=lambda n: BACKENDS.index(
            next(b for b in BACKENDS if n.startswith("r" + b.replace("-", "") + "__")))), "order")
        for t in tools:
            # Where the two agree it is the server's own affair what it says.
            own = t["name"].startswith("r" + c.rev.replace("-", ""))
            equal("icons" in t, t["name"].endswith("__list") and (own or c.rev == "2025-11-25"), t["name"])


BACKENDS = ALL
run(daemon(ALL))
