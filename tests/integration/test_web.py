#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Web endpoints as servers: what they offer, calls, broken and slow answers, redirects, cancellation."""

from harness import *
from webserver import *

JSON = "application/json"
STRICT = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"],
          "additionalProperties": False}
CLEVER = {"type": "object", "oneOf": [{"required": ["a"]}, {"required": ["b"]}]}
PROMISE = {"type": "object", "properties": {"sum": {"type": "integer"}}, "required": ["sum"]}

WEB = WebServer([
    tool("echo", description="says it again"), tool("strict", STRICT), tool("clever", CLEVER),
    tool("sum", outputSchema=PROMISE), tool("lie", outputSchema=PROMISE), tool("result"), tool("text"),
    tool("string"), tool("empty"), tool("number"), tool("broken"), tool("image"), tool("fails"),
    tool("fails_text"), tool("fails_html"), tool("fails_result"), tool("busy"), tool("moved"),
    tool("moved_far"), tool("slow"), tool("hang"), tool("cut"), tool("huge"), tool("gone")])
WEB.on("echo", lambda r: (200, JSON, {"got": r.arguments}))
WEB.on("strict", lambda r: (200, JSON, r.arguments))
WEB.on("clever", lambda r: (400, "application/problem+json", {"detail": "either a or b"}))
WEB.on("sum", (200, JSON, {"sum": 3}))
WEB.on("lie", (200, JSON, {"sum": "three"}))
WEB.on("result", (200, JSON, {"content": [{"type": "image", "data": "AA==", "mimeType": "image/png"}],
                              "structuredContent": {"x": 1}}))
WEB.on("text", (200, "text/plain; charset=utf-8", "plain \u00e4"))
WEB.on("string", (200, JSON, json.dumps("just words")))
WEB.on("empty", (204,))
WEB.on("number", (200, JSON, "12345678901234567890123456789"))
WEB.on("broken", (200, JSON, '{"a": '))
WEB.on("image", (200, "image/png", b"\x89PNG"))
WEB.on("fails", (500, JSON, {"error": {"code": 7, "message": "the disk is on fire"}}))
WEB.on("fails_text", (503, "text/plain", "come back later"))
WEB.on("fails_html", (502, "text/html", "<html><body>secret proxy</body></html>"))
WEB.on("fails_result", (422, JSON, {"content": [{"type": "text", "text": "no such city"}]}))
WEB.on("busy", (429, None, b"", [("Retry-After", "17")]))
WEB.on("moved", (307, None, b"", [("Location", "/elsewhere")]))
WEB.route("/elsewhere", lambda r: (200, JSON, {"moved": r.arguments}))
WEB.on("moved_far", (307, None, b"", [("Location", "http://localhost:1/elsewhere")]))
WEB.on("slow", lambda r: r.gone() and None)
WEB.on("huge", (200, "text/plain", "x" * 20001))
WEB.on("gone", (404, JSON, {"message": "no such tool"}))


def cut(request):
    request.handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
    request.handler.close_connection = True


WEB.on("cut", cut)


def error_of(c, name, /, **arguments):
    try:
        text = c.tool(name, **arguments)
    except ToolError as e:
        return str(e)
    raise AssertionError("no error: %r" % text)


def result_of(c, name):
    return c.request("tools/call", {"name": name, "arguments": {}})


@case("tools/list has what the endpoint tells")
def _(d):
    tools = Client(d).request("tools/list")["tools"]
    equal(tools, WEB.tools, "tools")


@case("a call is one POST with name and arguments; JSON becomes text")
def _(d):
    equal(json.loads(Client(d).tool("echo", text="\u20ac", n=1.5)), {"got": {"text": "\u20ac", "n": 1.5}})
    r = WEB.seen(tool="echo")[-1]
    equal(r.json(), {"name": "echo", "arguments": {"text": "\u20ac", "n": 1.5}})
    equal(r.header("Content-Type"), JSON)
    equal(r.header("X-Static"), "constant")


@case("what a client sends as its own credentials never reaches the endpoint")
def _(d):
    Client(d).start_tool("echo", Authorization="Bearer client-token", Cookie="a=b").text()
    r = WEB.seen(tool="echo")[-1]
    assert r.header("Authorization") is None and r.header("Cookie") is None, r.headers


@case("structured content where it is promised, and only if the promise is kept")
def _(d):
    c = Client(d)
    equal(result_of(c, "sum")["structuredContent"], {"sum": 3})
    assert "not what was promised" in error_of(c, "lie")
    assert "structuredContent" not in result_of(c, "echo")


@case("a result of the endpoint's own making passes")
def _(d):
    result = result_of(Client(d), "result")
    equal(result["content"][0]["type"], "image")
    equal(result["structuredContent"], {"x": 1})


@case("text, a string, nothing, and numbers of any length are answers")
def _(d):
    c = Client(d)
    equal(c.tool("text"), "plain \u00e4")
    equal(c.tool("string"), "just words")
    equal(result_of(c, "empty")["content"], [])
    equal(c.tool("number"), "12345678901234567890123456789")


@case("an answer that is none is an error of the tool with its reason")
def _(d):
    c = Client(d)
    for name, why in (("broken", "JSON that cannot be read"), ("image", "image/png"),
                      ("fails", "HTTP 500: the disk is on fire"), ("fails_text", "HTTP 503: come back"),
                      ("busy", "HTTP 429, to try again after 17"), ("fails_result", "no such city"),
                      ("moved_far", "redirects elsewhere"), ("cut", "cannot be reached"),
                      ("huge", "longer than 20000 bytes"), ("gone", "HTTP 404: no such tool")):
        text = error_of(c, name)
        assert why in text, text
    assert "secret proxy" not in error_of(c, "fails_html")


@case("a redirect inside the origin is followed, with the body")
def _(d):
    equal(json.loads(Client(d).tool("moved", n=1)), {"moved": {"n": 1}})


@case("redirects: the list and calls go on inside the origin alone, and secrets with them")
def _(d):
    with WebServer([tool("t")]) as near, WebServer([tool("t")]) as far:
        keys = {"headers": {"Authorization": "Bearer secret", "X-Key": "other secret"}}
        near.route("/mcp/tools/list", lambda r: (200, JSON, {"tools": near.tools}) if r.query else
                   (301, None, b"", [("Location", "?page=1#x")]))
        near.on("t", (307, None, b"", [("Location", "//%s/new" % near.url.split("//")[1])]))
        near.route("/new", lambda r: (200, JSON, {"key": r.header("X-Key")}))
        with Daemon({"web": dict({"web": near.url}, **keys)}) as own:
            c = Client(own)
            equal(json.loads(c.tool("t")), {"key": "other secret"})
            for to in (far.url + "/new", "http://%s\\@%s/" % (near.url[7:], far.url[7:]),
                       "https://%s/new" % near.url[7:]):
                near.on("t", (307, None, b"", [("Location", to)]))
                said = error_of(c, "t")
                assert "redirects elsewhere (HTTP 307)" in said and "from " + near.url in said, said
            near.on("t", (302, None, b"", [("Location", "/new")]))
            assert "keep the method" in error_of(c, "t")
        near.route("/mcp/tools/list", (302, None, b"", [("Location", far.url + "/mcp/tools/list")]))
        with Daemon({"web": dict({"web": near.url}, **keys)}) as own:
            wait_until(lambda: own.ctl("backends.list")[0]["state"] == "failed", "it fails")
            reason = own.ctl("backends.list")[0]["reason"]
            assert "from %s to %s" % (near.url, far.url) in reason, reason
        equal(far.seen(), [], "requests elsewhere")


@case("arguments are checked where the schema is one that can be, else the endpoint decides")
def _(d):
    c = Client(d)
    before = len(WEB.seen(tool="strict"))
    assert "Invalid arguments: n: expected" in error_of(c, "strict", n="x")
    equal(len(WEB.seen(tool="strict")), before, "requests")
    equal(json.loads(c.tool("strict", n=4)), {"n": 4})
    assert "either a or b" in error_of(c, "clever", c=1)


@case("an endpoint that does not answer in time is an error, and its request is cut off")
def _(d):
    with Daemon({"web": {"web": WEB.url, "callTimeout": 2.5}}) as own:
        assert "timed out after 2.5 s" in error_of(Client(own), "slow")


@case("cancellation by the client cuts the request off")
def _(d):
    c = Client(d)
    closed = threading.Event()
    WEB.on("hang", lambda r: r.gone() and closed.set())
    conn, ident = c.begin_tool("hang")
    WEB.wait_seen(1, tool="hang")
    c.notify("notifications/cancelled", {"requestId": ident})
    assert closed.wait(TIMEOUT), "the request goes on"
    conn.close()


@case("unknown tools and other methods are refused")
def _(d):
    c = Client(d)
    try:
        c.tool("no_such")
        raise AssertionError("no error")
    except RpcError as e:
        equal(e.code, -32602)


@case("pages are put together, a list without end is refused, bad tools are left out and told once")
def _(d):
    with WebServer() as w:
        def pages(r):
            page = r.query.get("cursor", ["0"])[0]
            more = {"0": "a b/&", "a b/&": "2"}.get(page)
            tools = {"0": [tool("one"), {"x": 1}, 7], "a b/&": [tool("one"), {"name": "two"}],
                     "2": [tool("three", {"type": "object", "properties": {
                         "x": {"type": "array", "x-mcp-header": "X"}}})]}[page]
            return 200, JSON, dict({"tools": tools}, **({"nextCursor": more} if more else {}))
        w.route("/mcp/tools/list", pages)
        with Daemon({"w": {"web": w.url + "/", "learnInterval": 0.05}}) as own:
            equal([t["name"] for t in Client(own).request("tools/list")["tools"]], ["one", "two"])
            w.wait_seen(9, path="/mcp/tools/list")
            equal(len([l for l in own.lines() if "left out" in l]), 1, "complaints")
        w.route("/mcp/tools/list", (200, JSON, {"tools": [], "nextCursor": "again"}))
        with Daemon({"w": {"web": w.url}}) as own:
            own.wait_log("a page names a cursor for the second time")


@case("patterns of an endpoint: twenty large ones are compiled once, one that is too large leaves its tool out")
def _(d):
    def with_pattern(name, pattern):
        return tool(name, {"type": "object", "properties": {"x": {"type": "string", "pattern": pattern}}})
    with WebServer([with_pattern("t%d" % i, "^.{0,9990}$") for i in range(20)] +
                   [with_pattern("many", "^((((ab){1,99}){1,99}){1,99})$"),
                    with_pattern("slow", "^(a+)+$")]) as w:
        w.on("t0", lambda r: (200, JSON, "1"))
        with Daemon({"w": {"web": w.url}}) as own:
            c = Client(own)
            equal([t["name"] for t in c.request("tools/list")["tools"]],
                  ["t%d" % i for i in range(20)] + ["slow"], "tools")
            own.wait_log("tool many is left out: inputSchema.properties.x.pattern: ")
            equal(c.tool("t0", x="a" * 9990), "1", "answer")
            assert "x: does not match the pattern" in error_of(c, "t0", x="a" * 9991)
            assert "x: takes too long to hold against the pattern" in error_of(c, "slow", x="a" * 60000 + "!")
            equal(len(w.seen(tool="slow")), 0, "calls of the endpoint")


@case("a changed list is announced once, and not when it only was asked for again")
def _(d):
    with WebServer([tool("one")]) as w, Daemon({"w": {"web": w.url, "learnInterval": 0.05}}) as own:
        c = Client(own)
        stream = c.get()
        n = len(w.seen(path="/mcp/tools/list"))
        w.wait_seen(n + 3, path="/mcp/tools/list")
        w.tools = [tool("one"), tool("two")]
        equal(stream.message()["method"], "notifications/tools/list_changed")
        n = len(w.seen(path="/mcp/tools/list"))
        w.wait_seen(n + 3, path="/mcp/tools/list")
        equal([t["name"] for t in c.request("tools/list")["tools"]], ["one", "two"])
        w.tools = [tool("one")]
        equal(stream.message()["method"], "notifications/tools/list_changed")
        equal([t["name"] for t in c.request("tools/list")["tools"]], ["one"])
        stream.close()


@case("an endpoint that is down is told, and found again; an older list is served meanwhile")
def _(d):
    with WebServer([tool("one")]) as w:
        w.route("/mcp/tools/list", (500, None))
        with Daemon({"w": {"web": w.url}}) as own:
            own.wait_log("backend w failed: the list of tools was answered with HTTP 500")
            row = own.ctl("backends.list")[0]
            equal((row["kind"], row["state"], row["tools"]), ("web", "failed", 0))
            assert "HTTP 500" in own.mcpctl("backends", "list")
            del w.routes["/mcp/tools/list"]
            wait_until(lambda: own.ctl("backends.list")[0]["state"] == "ready", "the backend")
            equal(own.ctl("backends.list")[0]["tools"], 1)
            w.route("/mcp/tools/list", (200, "text/html", "<html>"))
            own.ctl("backend.restart", name="w")
            own.wait_log("the list of tools: ")
            equal(len(Client(own).request("tools/list")["tools"]), 1, "tools")


@case("nobody listens, and link-local addresses are refused")
def _(d):
    with Daemon({"a": {"web": "http://127.0.0.1:1"}, "b": {"web": "http://169.254.169.254"}}) as own:
        own.wait_log("backend b failed: addresses of the local link are refused")
        own.wait_log("backend a failed: ")


@case("what cannot work is refused with the configuration, and the place is named")
def _(d):
    for more, place in (({"web": "ftp://x"}, "web"), ({"web": "http://"}, "web"),
                        ({"web": "http://u:p@x"}, "web"), ({"web": "http://x?y"}, "web"),
                        ({"web": "http://x", "toolsPath": "x"}, "toolsPath"),
                        ({"web": "http://x", "invokePath": "//evil"}, "invokePath"),
                        ({"web": "http://x", "url": "http://x"}, "exclude"),
                        ({"web": "http://x", "headers": {"Host": "y"}}, "headers.Host"),
                        ({"web": "http://x", "callTimeout": 0}, "callTimeout"),
                        ({"web": "http://x", "scope": "user"}, "scope")):
        status, _, err = run_mcpd({"mcpServers": {"h": more}}, "-n")
        equal(status, 78, "status for %r: %s" % (more, err))
        assert "mcpServers.h" in err and place in err, err
    status, out, err = run_mcpd({"mcpServers": {"h": {"web": "http://x"}}}, "-n")
    equal(status, 0, err)
    equal(json.loads(out)["mcpServers"]["h"]["invokePath"], "/mcp/tools/invoke")


run(Daemon({"web": {"web": WEB.url, "headers": {"X-Static": "constant"}, "maxOutput": 20000}}))
