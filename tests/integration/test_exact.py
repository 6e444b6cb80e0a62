#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""What passes through mcpd keeps its bytes: awkward numbers, escapes, order, duplicates and depth, in results and
in arguments, between clients and servers of both eras. What has to be translated is compared around its place."""

import rawserver
from fakeupstream import Upstream
from harness import *
from webserver import WebServer, tool

sys.setrecursionlimit(20000)  # upstreams parse what is nested deeply

NOW, PREFIX = "2026-07-28", "io.modelcontextprotocol/"

# Objects, by what is awkward in them.
VALUES = {
    "an integer of 30 digits": b'{"n":123456789012345678901234567890,"m":-123456789012345678901234567890}',
    "an integer beyond 64 bits": b'{"n":18446744073709551616,"m":9223372036854775808}',
    "an integer of 400 digits": b'{"n":' + b"7" * 400 + b"}",
    "1.0": b'{"n":1.0,"m":-1.0,"l":[1.0,10.0]}',
    "1e2": b'{"n":1e2}',
    "exponents": b'{"a":1E5,"b":1e+2,"c":1.50e-7,"d":0e0,"e":1E-05}',
    "-0": b'{"n":-0}',
    "-0.0": b'{"n":-0.0,"m":-0e1}',
    "digits that a double lacks": b'{"n":0.10,"m":3.14159265358979323846264338327950288,"l":1.000000000000000000001}',
    "numbers that no double holds": b'{"n":1e400,"m":-1e400,"l":1e-400}',
    "escapes of letters": b'{"s":"\\u0041\\u0062c","\\u006b\\u0065y":1}',
    "an escaped slash": b'{"s":"a\\/b","t":"a/b"}',
    "short and long escapes": b'{"s":"\\b\\f\\n\\r\\t\\"\\\\","t":"\\u0008\\u000c\\u000a\\u000d\\u0009\\u0022\\u005c"}',
    "escapes of either case": b'{"s":"\\u00e9\\u00E9","t":"\\uABCD\\uabcd"}',
    "escapes of controls": b'{"s":"\\u0001\\u001f\\u007f\\u0085\\u2028\\u2029"}',
    "a raw DEL and raw separators": '{"s":"\u007f\u0085\u2028\u2029"}'.encode(),
    "surrogate pairs": b'{"s":"\\ud83d\\ude00","t":"\\uD83D\\uDE00"}',
    "unpaired surrogates": b'{"s":"\\ud800","t":"\\udc00x","u":"\\ude00\\ud83d","v":"\\ud83d\\u0041"}',
    "what is beyond the BMP, raw": '{"s":"\U0001f600","\U0001f511":"\U0010ffff"}'.encode(),
    "what is not ASCII, raw": '{"s":"\u00e9\u00c4\ufeff\ufffd\uffff","e\u0301":1}'.encode(),
    "NUL escapes": b'{"s":"\\u0000","t":"a\\u0000b\\u0000"}',
    "NUL escapes in keys": b'{"\\u0000":1,"a\\u0000b":2,"a":3}',
    "order of keys": b'{"z":1,"a":2,"m":{"y":1,"b":2},"A":3,"":4,"10":5,"9":6}',
    "duplicates": b'{"a":1,"a":2,"b":{"c":1,"c":1},"a":1}',
    "duplicates by escapes": b'{"a":1,"\\u0061":2}',
    "white space": b'{ "a" : [ 1 ,\t2 ] , "b":{ } ,"c" : [\t] }',
    "empty things": b'{"a":{},"b":[],"c":"","d":null,"e":[[],{},[{}]]}',
    "words of the protocol": b'{"_meta":{"progressToken":1.0},"id":1e0,"jsonrpc":"1.0","resultType":"x","result":{"id":2}}',
    "60 levels": b'{"d":' + b"[" * 30 + b'{"d":' * 29 + b"1.0" + b"}" * 29 + b"]" * 30 + b"}",
}

# Those that change where they become a tree and are written again.
TREES_CHANGE = set(VALUES) - {
    "1.0", "a raw DEL and raw separators", "what is beyond the BMP, raw", "what is not ASCII, raw", "NUL escapes",
    "order of keys", "empty things", "60 levels"}
# Where somebody has to look into them.
COMMANDS_AND_WEB_GET_TREES = TREES_CHANGE
WEB_RESULTS_ARE_TREES = TREES_CHANGE
META_IS_A_TREE = TREES_CHANGE  # of a result, into which mcpd writes something of its own

# Arguments that are no value that everybody would read alike: nothing is decided by them.
UNREADABLE = {"duplicates", "duplicates by escapes", "NUL escapes in keys", "an integer of 400 digits",
              "numbers that no double holds"}


def upstream(modern, event):
    """An upstream that answers with bodies, or with events."""
    def serve(req):
        if req.method not in rawserver.LISTS and req.method not in ("tools/call", "prompts/get", "resources/read"):
            return False
        data = rawserver.respond(modern, req.body)
        if event:
            stream = req.sse()
            stream.raw(b"data: %s\n\n" % data)
            stream.end()
        else:
            req.reply(200, data, "application/json")
        return True

    up = Upstream(modern=modern)
    up.capabilities = {"tools": {}, "prompts": {}, "resources": {}}
    up.hook = serve
    return up


def child(era):
    return {"command": sys.executable, "args": [rawserver.__file__, era]}


UPS = {"legacy body": upstream(False, False), "legacy events": upstream(False, True),
       "modern body": upstream(True, False), "modern events": upstream(True, True)}
WEB = WebServer([tool("give"), tool("back")])
WEB.on("give", lambda r: (200, "application/json", b"{%s}" % bytes.fromhex(r.arguments["hex"])))
WEB.on("back", lambda r: (200, "text/plain", rawserver.member(r.body, "arguments").hex()))
BACK = {"description": "x", "inputSchema": {"type": "object"},
        "command": [sys.executable, "-c", "import sys; print(sys.stdin.buffer.read().rstrip().hex(), end='')"]}
SERVERS = dict({n.replace(" ", "-"): u.backend() for n, u in UPS.items()},
               **{"legacy-child": child("legacy"), "modern-child": child("modern"),
                  "web": {"web": WEB.url}, "command": {"tools": {"back": BACK}}})
PEERS = [n for n in SERVERS if n not in ("web", "command")]
ERAS = ("legacy", "modern")


class Raw:
    """A client of an ERA at the server NAME, which says and hears bytes."""

    def __init__(self, d, era, name):
        self.era, self.name, self.path, self.conn = era, name, "/mcp/" + name, Conn(d.addr)
        self.what = "%s client, %s" % (era, name)
        self.head = [("Content-Type", "application/json"), ("Accept", BOTH)]
        if era == "legacy":
            c = Client(d, self.path)
            self.head += [("Mcp-Session-Id", c.sid), ("MCP-Protocol-Version", c.negotiated)]
        else:
            self.head.append(("MCP-Protocol-Version", NOW))

    def response(self, method, name, members):
        """The response to the request whose params have these MEMBERS."""
        head = self.head
        if self.era == "modern":
            head = head + [("Mcp-Method", method), ("Mcp-Name", name)]
            members += b',"_meta":{"%sprotocolVersion":"%s","%sclientCapabilities":{}}' % (
                PREFIX.encode(), NOW.encode(), PREFIX.encode())
        body = b'{"jsonrpc":"2.0","id":1,"method":"%s","params":{%s}}' % (method.encode(), members)
        return self.conn.request("POST", self.path, head, body).raw_answer()

    def result(self, method, name, members):
        response = self.response(method, name, members)
        result = rawserver.member(response, "result")
        assert result is not None, "%s: %s" % (self.what, response[:1000])
        return result

    def call(self, tool_, arguments):
        return self.result("tools/call", tool_, b'"name":"%s","arguments":%s' % (tool_.encode(), arguments))

    def given(self, method, members):
        """The result of a request for which the server's result has these MEMBERS."""
        hex_ = members.hex().encode()
        if method == "resources/read":
            uri = b"give://" + hex_
            return self.result(method, uri.decode(), b'"uri":"%s"' % uri)
        return self.result(method, "give", b'"name":"give","arguments":{"hex":"%s"}' % hex_)

    def back(self, arguments):
        """What the server was sent as these ARGUMENTS."""
        text = rawserver.member(self.call("back", arguments), "content")
        return bytes.fromhex(json.loads(text)[0]["text"])

    def refused(self, tool_, arguments):
        """The text of the error with which such a call ends."""
        return json.loads(self.response("tools/call", tool_, b'"name":"%s","arguments":%s' % (
            tool_.encode(), arguments)))["error"]["message"]


def clients(d, names=tuple(PEERS)):
    return [Raw(d, era, name) for era in ERAS for name in names]


def beside(result, members, what):
    """What RESULT has beside MEMBERS, which come in a row and as they are."""
    assert members in result, "%s: %s in place of %s" % (what, result[:2000], members[:2000])
    return json.loads(result.replace(members, b'"@":0', 1))


def carried_in(r, method, members):
    """The server's result has MEMBERS, and so has the client's."""
    got = r.given(method, members)
    modern = "modern" in r.name
    if r.era == "legacy" and not modern:
        equal(got, b"{%s}" % members, r.what)
        return
    rest = beside(got, members, r.what)
    rest.pop("_meta", None)
    for key in ("ttlMs", "cacheScope"):
        rest.pop(key, None)
    equal(rest, dict({"@": 0}, **({"resultType": "complete"} if r.era == "modern" else {})), r.what)


def but_for(changed, name, same, what):
    """SAME() raises unless the value NAME passed as it is. Those CHANGED have to fail: a list that is too long is no
    good, either."""
    if name not in changed:
        same()
        return
    try:
        same()
    except AssertionError:
        return
    raise AssertionError("%s: %r passes as it is: it does not belong into that list any more" % (what, name))


@case("results of tools: every value between every two eras, over stdio, in bodies and in events")
def _(d):
    for r in clients(d):
        for name, value in VALUES.items():
            carried_in(r, "tools/call", b'"structuredContent":%s,"content":[{"type":"text","text":"x","y":%s}],"a":%s'
                       % (value, value, value))


@case("results of prompts and resources likewise")
def _(d):
    for r in clients(d):
        for value in VALUES.values():
            carried_in(r, "prompts/get", b'"x":%s,"messages":[{"role":"user","content":{"type":"text","text":"","y":%s}}]'
                       % (value, value))
            carried_in(r, "resources/read", b'"contents":[{"uri":"x:y","text":"x","y":%s}],"x":%s' % (value, value))


@case("results with members that occur twice")
def _(d):
    for r in clients(d):
        carried_in(r, "tools/call", b'"content":[],"x":1,"content":[{"type":"text","text":"2"}],"x":2,"x":1.0')


@case("results whose _meta has values of the server")
def _(d):
    for r in clients(d):
        for name, value in VALUES.items():
            def same():
                got = r.given("tools/call", b'"content":[],"_meta":{"x.example/v":%s},"x":%s' % (value, value))
                equal(rawserver.member(got, "_meta", "x.example/v"), value, r.what)
                equal(rawserver.member(got, "x"), value, r.what)
            but_for(META_IS_A_TREE if "legacy client, legacy" not in r.what else (), name, same, r.what)


@case("arguments of tools: every value between every two eras")
def _(d):
    for r in clients(d):
        for name, value in VALUES.items():
            equal(r.back(value), value, "%s, %s" % (r.what, name))


@case("line breaks between values: a line of a child has none, and every token is as it was")
def _(d):
    value = b'{\n  "a": 1,\r\n  "b": [\n\n    "\\n",\n  {} ]\n}'
    for r in clients(d):
        equal(rawserver.tokens(r.back(value)), rawserver.tokens(value), r.what)
    for r in clients(d, ("legacy-body", "modern-body")):
        members = b'"content":[],"structuredContent":' + value
        got = r.given("tools/call", members)
        equal(rawserver.tokens(rawserver.member(got, "structuredContent")), rawserver.tokens(value), r.what)


@case("arguments of commands and web endpoints, and results of these")
def _(d):
    for r in clients(d, ("command", "web")):
        for name, value in VALUES.items():
            if name in UNREADABLE:  # the schema decides by them
                told = json.loads(r.call("back", value))
                assert told["isError"] and "Invalid arguments" in told["content"][0]["text"], "%s: %s" % (r.what, told)
            else:
                but_for(COMMANDS_AND_WEB_GET_TREES, name, lambda: equal(r.back(value), value, r.what), r.what)
    for r in clients(d, ("web",)):
        for name, value in VALUES.items():
            members = b'"structuredContent":%s,"content":[{"type":"text","text":"x","y":%s}]' % (value, value)
            but_for(WEB_RESULTS_ARE_TREES, name,
                    lambda: beside(r.given("tools/call", members), members, r.what), r.what)


@case("an argument that belongs into a header, too, must not occur twice")
def _(d):
    for r in clients(d, ("modern-body", "modern-events")):
        for twice in (b'{"region":"a","region":"b"}', b'{"region":"a","\\u0072egion":"a"}'):
            assert "duplicate" in r.refused("region", twice), r.what
        if r.era == "legacy":  # others have to send that header
            r.call("region", b'{"region":"a"}')


@case("1,000 levels, with limits.maxDepth raised to that")
def _(_shared):
    def nested(n):
        return b'{"d":' + b"[" * (n // 2) + b'{"d":' * (n - n // 2 - 1) + b"1.0" + b"}" * (n - n // 2 - 1) + \
            b"]" * (n // 2) + b"}"

    with Daemon(SERVERS, limits={"maxDepth": 1000}) as own:
        for r in clients(own):
            carried_in(r, "tools/call", b'"content":[],"structuredContent":%s' % nested(1000))
            # The message and its params are two levels.
            equal(r.back(nested(998)), nested(998), r.what)
            assert "1000 levels" in r.refused("back", nested(999)), r.what


shared = Daemon(SERVERS)
try:
    run(shared)
finally:
    for up_ in UPS.values():
        up_.stop()
    WEB.close()
