#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Every kind of bad request to the endpoint of the 2025 revisions, with its status and code.

The names of cases begin with the part of the transport that they are about: POST, GET, DELETE,
OPTIONS, Origin and Host. One daemon serves all of them, which must survive all of them.
"""

import resource

from harness import *

EXEC = {"tools": {"hello": {"description": "greets", "command": ["echo", "hello"]}}}
LIMITS = {"maxBody": 65536, "maxDepth": 16, "maxBatch": 5, "maxHeaders": 8192}
PING = {"jsonrpc": "2.0", "id": 7, "method": "ping"}
INIT = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
    "protocolVersion": "2025-11-25", "capabilities": {}, "_meta": {},
    "clientInfo": {"name": "test", "version": "1"}}}
JSON_TYPE = ("Content-Type", "application/json")
ACCEPT = ("Accept", BOTH)


def post(d, body, *headers, path="/mcp"):
    """A POST without a session; HEADERS replace the usual ones."""
    given = [h[0].lower() for h in headers]
    usual = [h for h in (JSON_TYPE, ACCEPT) if h[0].lower() not in given]
    if not isinstance(body, (str, bytes)):
        body = json.dumps(body)
    return d.http("POST", path, usual + list(headers), body)


def refused(reply, status, code, ident=None):
    """Checks an error: its status, its code, and that it echoes the id IDENT (None: has none)."""
    equal(reply.error(), (status, code), "status and code")
    equal(reply.json().get("id"), ident, "id")
    return reply


def served(reply, ident=7):
    equal((reply.status, reply.json()), (200, {"jsonrpc": "2.0", "id": ident, "result": {}}), "answer")


# --- POST: what the head says -----------------------------------------------------------------------

@case("POST: Origin that is not allowed, null, or no origin at all: 403, -32000")
def _(d):
    for origin in ("http://evil.example.com", "https://evil.example.com:443", "null", "", "evil",
                   "http://", "http://localhost.evil.example.com", "http://localhost@evil.example.com",
                   "http://evil.example.com/http://localhost", "javascript:alert(1)"):
        refused(post(d, INIT, ("Origin", origin)), 403, -32000)


@case("POST: Host that is missing, foreign or nonsense: 403, -32000")
def _(d):
    for host in (None, "evil.example.com", "evil.example.com:80", "localhost.evil.example.com",
                 "localhost:x", "[::1", "127.0.0.1@evil.example.com", "a b", "127.0.0.2", ""):
        refused(post(d, INIT, ("Host", host)), 403, -32000)


@case("POST: two Host headers: refused")
def _(d):
    reply = post(d, INIT, ("Host", "localhost"), ("Host", "evil.example.com"))
    assert reply.status in (400, 403), reply.status


@case("POST: other methods: 405 with Allow, -32000")
def _(d):
    for method in ("PUT", "PATCH", "TRACE", "MOVE"):
        reply = d.http(method, "/mcp", [JSON_TYPE, ACCEPT], json.dumps(PING))
        refused(reply, 405, -32000)
        allowed = {m.strip() for m in reply.header("Allow").split(",")}
        assert {"GET", "POST", "DELETE"} <= allowed, allowed


@case("POST: HEAD: 405 with Allow and no body")
def _(d):
    with Conn(d.addr) as c:
        c.send("HEAD /mcp HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        reply = c.reply()
        equal(reply.status, 405, "status")
        assert reply.header("Allow")
        reply.length = None  # there is none, whatever Content-Length says
        equal(reply.read(), b"", "body")


@case("POST: Accept without either type: 406, -32000")
def _(d):
    c = Client(d)
    for accept in ("text/html", "application/jsonp", "application/json;q=0", "image/*", "nonsense"):
        refused(c.post(PING, Accept=accept), 406, -32000, 7)


@case("POST: Accept in any order, with parameters, wildcards, or none at all is served")
def _(d):
    c = Client(d)
    for accept in ("text/event-stream, application/json", "application/json;q=0.5,text/event-stream",
                   "*/*", "application/*", "Application/JSON", "text/html, */*;q=0.1", None):
        served(c.post(PING, Accept=accept))


@case("POST: Accept of only one type is answered in that type")
def _(d):
    c = Client(d)
    served(c.post(PING, Accept="application/json"))
    p = c.start("ping", Accept="text/event-stream")
    assert p.sse, "not an event stream"
    equal(p.result(), {}, "result")


@case("POST: Content-Type other than application/json: 415, -32000")
def _(d):
    for kind in (None, "text/plain", "application/jsonx", "application/json-rpcx", "text/json",
                 "text/plain; application/json", "application/x-www-form-urlencoded", ""):
        refused(post(d, INIT, ("Content-Type", kind)), 415, -32000)
    refused(post(d, INIT, JSON_TYPE, ("Content-Type", "text/plain")), 415, -32000)


@case("POST: Content-Type application/json with parameters and in any case is served")
def _(d):
    c = Client(d)
    for kind in ("application/json; charset=utf-8", "Application/JSON", "application/json ;x=y",
                 "\tapplication/json\t", "application/json-rpc"):
        served(c.post(PING, Content_Type=kind))


@case("POST: body over the limit: 413, whether its length was announced or it comes in chunks")
def _(d):
    for size in (LIMITS["maxBody"], 100 * LIMITS["maxBody"]):
        body = json.dumps(dict(PING, params={"x": "x" * size}))
        equal(post(d, body).status, 413, "status")
        with Conn(d.addr) as c:
            c.send(c.head("POST", "/mcp", [JSON_TYPE, ACCEPT, ("Transfer-Encoding", "chunked")]))
            try:
                for i in range(0, len(body), 4096):
                    c.send("%x\r\n%s\r\n" % (len(body[i:i + 4096]), body[i:i + 4096]))
                c.send("0\r\n\r\n")
                equal(c.reply().status, 413, "status of chunks")
            except OSError:  # it did not want to hear so much
                assert size > LIMITS["maxBody"]


@case("POST: a body right below the limit is served")
def _(d):
    c = Client(d)
    served(c.post(json.dumps(PING) + " " * (LIMITS["maxBody"] - len(json.dumps(PING)))))


@case("POST: header section over the limit: 431 or 400, whatever it consists of")
def _(d):
    for headers in ([("X-Long", "x" * 10000)], [("X-%d" % i, "x" * 50) for i in range(300)]):
        with Conn(d.addr) as c:
            reply = c.request("POST", "/mcp", [JSON_TYPE, ACCEPT] + headers, json.dumps(PING))
            assert reply.status in (400, 431), reply.status


# --- POST: the body ---------------------------------------------------------------------------------

@case("POST: not JSON: 400, -32700")
def _(d):
    for text in ("{", "", " ", "nonsense", '{"a":}', '{"jsonrpc":"2.0","id":1,"method":"ping"',
                 json.dumps(PING) + "x", json.dumps(PING) * 2, b"\xff\xfe",
                 '{"jsonrpc":"2.0","id":1,"method":"ping","i\\u0064":2}',
                 '{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":1,"a":2}}',
                 '{"jsonrpc":"2.0","id":1,"method":"x","params":{"arguments":{},"arguments":{}}}',
                 b'{"jsonrpc":"2.0","id":1,"method":"\xff"}', "\0", "[1,]", "NaN"):
        refused(post(d, text), 400, -32700)


@case("POST: nested deeper than limits.maxDepth: 400")
def _(d):
    deep = '{"jsonrpc":"2.0","id":7,"method":"ping","params":{"x":%s%s}}'
    equal(post(d, deep % ("[" * 50, "]" * 50)).error()[0], 400, "status")
    equal(post(d, "[" * 30000).error()[0], 400, "status")
    c = Client(d)
    served(c.post(deep % ("[" * 10, "]" * 10)))


@case("POST: JSON but no JSON-RPC message: 400, -32600")
def _(d):
    for body in (1, "ping", None, True, {}, {"jsonrpc": "2.0"}, {"id": 1, "method": "ping"},
                 {"jsonrpc": "1.0", "id": 1, "method": "ping"}, {"jsonrpc": 2.0, "id": 1, "method": "x"},
                 {"jsonrpc": "2.0", "id": 1}, {"jsonrpc": "2.0", "id": 1, "method": 1},
                 {"jsonrpc": "2.0", "id": 1, "method": "ping", "params": "x"},
                 {"jsonrpc": "2.0", "id": 1, "result": {}, "error": {"code": 1, "message": "x"}},
                 {"jsonrpc": "2.0", "id": 1, "error": {"code": "x", "message": "x"}},
                 {"jsonrpc": "2.0", "id": 1, "error": "x"}):
        equal(post(d, json.dumps(body)).error(), (400, -32600), "answer to %r" % body)


@case("POST: an id that is no integer, or no scalar: 400, -32600, and it is not echoed")
def _(d):
    for ident in (1.5, True, [1], {"a": 1}):
        refused(post(d, dict(PING, id=ident)), 400, -32600)


@case("POST: ids of every allowed kind come back as they were")
def _(d):
    c = Client(d)
    for ident in (0, -1, 1, "1", "", "x" * 200, "\u00e4\u20ac\U0001f600", "a\nb\0c", 1 << 53,
                  1764000000000, (1 << 63) - 1):
        served(c.post(dict(PING, id=ident)), ident)
        refused(c.post(dict(PING, id=ident), Mcp_Session_Id="dead"), 404, -32001, ident)


@case("POST: a NUL in a method, a version or a name: -32600 or -32602, before anything compares it")
def _(d):
    c = Client(d)
    refused(c.post(dict(PING, method="ping\0x")), 400, -32600, 7)
    refused(c.post(dict(PING, jsonrpc="2.0\0")), 400, -32600, 7)
    refused(post(d, dict(INIT, method="initialize\0")), 400, -32600, 1)
    for params in ({"protocolVersion": "2025-11-25\0"}, {"clientInfo": {"name": "x\0", "version": "1"}}):
        refused(post(d, dict(INIT, params=dict(INIT["params"], **params))), 400, -32602, 1)
    for method, params in (("tools/call", {"name": "hello\0x"}), ("resources/read", {"uri": "test://1\0"}),
                           ("resources/subscribe", {"uri": "\0"}), ("prompts/get", {"name": "\0"}),
                           ("tools/list", {"cursor": "x\0"}), ("logging/setLevel", {"level": "info\0"}),
                           ("tasks/get", {"taskId": "x\0"}), ("ping", {"_meta": {"progressToken": "x\0"}}),
                           ("completion/complete", {"ref": {"type": "ref/prompt", "name": "x\0"}})):
        refused(c.post(dict(PING, method=method, params=params)), 400, -32602, 7)
    refused(c.post({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": "x\0"}}),
            400, -32602)
    meta = {"io.modelcontextprotocol/protocolVersion": "2026-07-28\0",
            "io.modelcontextprotocol/clientCapabilities": {}}
    refused(post(d, {"jsonrpc": "2.0", "id": 7, "method": "tools/list", "params": {"_meta": meta}},
                 ("MCP-Protocol-Version", "2026-07-28"), ("Mcp-Method", "tools/list")), 400, -32602, 7)
    # The name of a member is a name as well, where somebody decides by it; the parser knows none with a NUL.
    refused(c.post(json.dumps(dict(PING, method="tools/call", params={"name": "hello", "\0": 1}))), 400, -32700)
    told = c.post(dict(PING, method="tools/call", params={"name": "hello", "arguments": {"\0": 1}})).json()
    assert told["result"]["isError"] and "Invalid arguments" in told["result"]["content"][0]["text"], told
    served(c.post(PING))


@case("POST: an empty batch: 400, -32600")
def _(d):
    for rev in REVISIONS:
        refused(Client(d, rev=rev).post([]), 400, -32600)
    refused(post(d, []), 400, -32600)


@case("POST: a batch under 2025-06-18 and 2025-11-25: 400, -32600")
def _(d):
    for rev in ("2025-06-18", "2025-11-25"):
        c = Client(d, rev=rev)
        refused(c.post([PING]), 400, -32600)
        refused(c.post([PING, dict(PING, id=8)]), 400, -32600)


@case("POST: a batch under 2025-03-26 is served")
def _(d):
    c = Client(d, rev="2025-03-26")
    reply = c.post([PING, {"jsonrpc": "2.0", "method": "notifications/initialized"}, dict(PING, id="b")])
    equal({m["id"]: m["result"] for m in reply.json()}, {7: {}, "b": {}}, "responses")


@case("POST: a batch with something that is no message, or longer than limits.maxBatch: 400, -32600")
def _(d):
    c = Client(d, rev="2025-03-26")
    refused(c.post([PING, 1]), 400, -32600)
    refused(c.post([PING, [PING]]), 400, -32600)
    refused(c.post([PING] * 6), 400, -32600)
    equal(len(c.post([PING] * 5).json()), 5, "responses")


@case("POST: initialize inside a batch: 400, -32600")
def _(d):
    refused(post(d, [INIT, PING]), 400, -32600)
    equal(post(d, [INIT]).error(), (400, -32600), "a batch of one")


@case("POST: initialize with the id of a live session: 400, -32600, and the session lives")
def _(d):
    c = Client(d)
    refused(c.post(INIT), 400, -32600, 1)
    served(c.post(PING))


@case("POST: initialize with an unknown session id: 404, -32001")
def _(d):
    refused(post(d, INIT, ("Mcp-Session-Id", "0123456789abcdef0123456789abcdef")), 404, -32001, 1)


@case("POST: initialize without what it must have: an error, and no session")
def _(d):
    before = d.sessions()
    for key in ("protocolVersion", "capabilities", "clientInfo"):
        params = {k: v for k, v in INIT["params"].items() if k != key}
        equal(post(d, dict(INIT, params=params)).json()["error"]["code"], -32602, "code")
    equal(post(d, {k: v for k, v in INIT.items() if k != "params"}).json()["error"]["code"], -32602,
          "code without params")
    equal(d.sessions(), before, "sessions")


@case("POST: initialize as a notification: 400, and no session")
def _(d):
    before = d.sessions()
    reply = post(d, {k: v for k, v in INIT.items() if k != "id"})
    equal(reply.error(), (400, -32000), "answer")
    equal(d.sessions(), before, "sessions")


@case("POST: initialize with _meta {} and with an MCP-Protocol-Version of the 2025 revisions is served")
def _(d):
    for headers in ((), (("MCP-Protocol-Version", "2025-11-25"),), (("Mcp-Method", "initialize"),)):
        reply = post(d, INIT, *headers)
        equal(reply.json()["result"]["protocolVersion"], "2025-11-25", "revision")
        assert reply.header("Mcp-Session-Id")


# --- POST: the session ------------------------------------------------------------------------------

@case("POST: a request, notification or response without Mcp-Session-Id: 400, -32000")
def _(d):
    refused(post(d, PING), 400, -32000, 7)
    refused(post(d, dict(PING, method="tools/list")), 400, -32000, 7)
    refused(post(d, {"jsonrpc": "2.0", "method": "notifications/initialized"}), 400, -32000)
    refused(post(d, {"jsonrpc": "2.0", "id": 9, "result": {}}), 400, -32000)


@case("POST: unknown session ids of every form: 404, -32001")
def _(d):
    for sid in ("0123456789abcdef0123456789abcdef", "x", "", "x" * 5000, "\xe4", "../../etc/passwd"):
        refused(post(d, PING, ("Mcp-Session-Id", sid)), 404, -32001, 7)


@case("POST: a session that was ended, or cut or changed by one letter: 404, -32001")
def _(d):
    c = Client(d)
    for sid in (c.sid[:-1], c.sid + "0", c.sid.upper() if c.sid != c.sid.upper() else c.sid + "x",
                c.sid[:-1] + ("0" if c.sid[-1] != "0" else "1")):
        refused(c.post(PING, Mcp_Session_Id=sid), 404, -32001, 7)
    served(c.post(PING))
    c.delete()
    refused(c.post(PING), 404, -32001, 7)


@case("POST: a session of one path is unknown under another: 404, -32001")
def _(d):
    refused(post(d, PING, ("Mcp-Session-Id", Client(d).sid), path="/mcp/host"), 404, -32001, 7)
    refused(post(d, PING, ("Mcp-Session-Id", Client(d, "/mcp/host").sid)), 404, -32001, 7)


@case("POST: two Mcp-Session-Id headers: 400, -32000")
def _(d):
    a, b = Client(d), Client(d)
    refused(post(d, PING, ("Mcp-Session-Id", a.sid), ("Mcp-Session-Id", b.sid)), 400, -32000, 7)


@case("POST: spaces and tabs around the values of headers do not matter")
def _(d):
    c = Client(d)
    served(c.post(PING, Mcp_Session_Id=" \t" + c.sid + "\t ", MCP_Protocol_Version="\t2025-11-25 "))


@case("POST: a request before notifications/initialized is served")
def _(d):
    reply = post(d, INIT)
    sid = ("Mcp-Session-Id", reply.header("Mcp-Session-Id"))
    served(post(d, PING, sid))
    reply = post(d, dict(PING, method="tools/list"), sid)
    equal(reply.json()["result"]["tools"][0]["name"], "hello", "tool")


@case("POST: MCP-Protocol-Version that is no revision: 400, -32000")
def _(d):
    c = Client(d)
    for version in ("1999-01-01", "2025-11-26", "1.0", "", "2025-11-25x"):
        refused(c.post(PING, MCP_Protocol_Version=version), 400, -32000, 7)
    served(c.post(PING))


@case("POST: without MCP-Protocol-Version the session's revision counts")
def _(d):
    for rev in REVISIONS:
        c = Client(d, rev=rev)
        served(c.post(PING, MCP_Protocol_Version=None))
        batch = c.post([PING], MCP_Protocol_Version=None)
        equal(batch.status, 200 if c.negotiated in ("2024-11-05", "2025-03-26") else 400, "batch")


@case("POST: MCP-Protocol-Version that is supported but not the negotiated one is served")
def _(d):
    c = Client(d)
    for version in ("2025-03-26", "2025-06-18"):
        served(c.post(PING, MCP_Protocol_Version=version))
    refused(c.post([PING], MCP_Protocol_Version="2025-03-26"), 400, -32600)


@case("POST: notifications and responses only: 202 and no body")
def _(d):
    c = Client(d, rev="2025-03-26")
    note = {"jsonrpc": "2.0", "method": "notifications/roots/list_changed"}
    answer = {"jsonrpc": "2.0", "id": 4711, "result": {}}
    for body in (note, answer, [note], [note, answer, note]):
        reply = c.post(body)
        equal((reply.status, reply.read()), (202, b""), "answer")


@case("POST: a response with an unknown id: 202, whatever it looks like")
def _(d):
    c = Client(d)
    for ident in (4711, "x", 0):
        for rest in ({"result": {}}, {"error": {"code": -1, "message": "no"}}):
            reply = c.post(dict({"jsonrpc": "2.0", "id": ident}, **rest))
            equal((reply.status, reply.read()), (202, b""), "answer")


@case("POST: unknown notifications are accepted and ignored")
def _(d):
    c = Client(d)
    for method in ("notifications/unknown", "initialize", "tools/call", "", "notifications/cancelled"):
        reply = c.post({"jsonrpc": "2.0", "method": method})
        equal((reply.status, reply.read()), (202, b""), "answer to %r" % method)


@case("POST: errors of handlers are in-band, with status 200")
def _(d):
    c = Client(d)
    for code, method, params in (
            (-32601, "no/such/method", None), (-32601, "TOOLS/LIST", None),
            (-32602, "tools/call", {"name": "none"}), (-32602, "tools/call", {}),
            (-32602, "tools/call", {"name": 1}), (-32602, "tools/call", {"name": "hello",
                                                                         "arguments": []}),
            (-32602, "tools/list", {"cursor": "nonsense"}), (-32602, "tools/list", {"cursor": ""}),
            (-32602, "tools/list", {"cursor": 1}), (-32602, "logging/setLevel", {"level": "loud"}),
            (-32601, "prompts/get", {"name": "none"}), (-32601, "server/discover", {})):
        msg = c.message(method, params)
        reply = c.post(msg)
        got = reply.json()
        equal((reply.status, got["id"], got["error"]["code"]), (200, msg["id"], code),
              "answer to %s %r" % (method, params))


@case("POST: a failure before dispatch: -32603 and try again later, and the daemon goes on")
def _(_shared):
    if sanitized():
        raise Skip("memory cannot be limited under a sanitizer")
    body = json.dumps(dict(PING, params={"x": [[]] * 100000}))
    failed = 0
    with Daemon({"host": EXEC}) as d:
        c = Client(d)
        with open("/proc/%d/statm" % d.pid) as f:
            size = int(f.read().split()[0]) * resource.getpagesize()
        hard = resource.prlimit(d.pid, resource.RLIMIT_AS)[1]
        # More and more room, so that every step of the way comes to run out of it.
        for room in range(0, 64 << 20, 1 << 18):
            resource.prlimit(d.pid, resource.RLIMIT_AS, (size + room, hard))
            try:
                reply = c.post(body)
                if reply.status == 200:
                    break
                assert reply.status in (500, 503), reply.status
                equal(reply.json()["error"]["code"], -32603, "code")
                assert reply.status == 500 or reply.header("Retry-After")
                failed += 1
            except (OSError, EOFError):
                pass  # not even the body could be read
            finally:
                resource.prlimit(d.pid, resource.RLIMIT_AS, (hard, hard))
        assert failed > 0, "memory was never short"
        served(c.post(body))


# --- GET --------------------------------------------------------------------------------------------

def get(d, *headers):
    given = [h[0].lower() for h in headers]
    return d.http("GET", "/mcp", ([] if "accept" in given else [("Accept", "text/event-stream")]) +
                  list(headers))


@case("GET: Accept without text/event-stream: 406, -32000")
def _(d):
    c = Client(d)
    for accept in ("application/json", "text/html", "text/event-stream;q=0"):
        refused(get(d, ("Mcp-Session-Id", c.sid), ("Accept", accept)), 406, -32000)


@case("GET: without Mcp-Session-Id: 400, -32000; of an unknown session: 404, -32001")
def _(d):
    refused(get(d), 400, -32000)
    refused(get(d, ("Mcp-Session-Id", "unknown")), 404, -32001)
    c = Client(d)
    c.delete()
    refused(get(d, ("Mcp-Session-Id", c.sid)), 404, -32001)


@case("GET: MCP-Protocol-Version that is no revision: 400, -32000")
def _(d):
    c = Client(d)
    refused(get(d, ("Mcp-Session-Id", c.sid), ("MCP-Protocol-Version", "1999-01-01")), 400, -32000)


@case("GET: the head of a stream: text/event-stream, no-cache, no buffering, the session's id")
def _(d):
    c = Client(d)
    stream = c.get()  # Sse checks most of it
    equal(stream.reply.header("Mcp-Session-Id"), c.sid, "Mcp-Session-Id")
    stream.close()


@case("GET: Last-Event-ID that is malformed or unknown: 400, -32000")
def _(d):
    c = Client(d)
    for last in ("nonsense", "1", "-", "1-", "-1", "ffffffff-1", "1-ffffffff", "1-1-1", " 1-1 x",
                 "99999999999999999999-1", "%s-1" % ("1" * 300)):
        refused(get(d, ("Mcp-Session-Id", c.sid), ("Last-Event-ID", last)), 400, -32000)


@case("GET: Last-Event-ID of another session: 400, -32000, and nothing of that is replayed")
def _(d):
    a, b = Client(d), Client(d)
    stream = a.get()
    event = stream.next() and stream.next()
    assert event.id
    refused(get(d, ("Mcp-Session-Id", b.sid), ("Last-Event-ID", event.id)), 400, -32000)
    stream.close()


@case("GET: unknown paths: 404; /health is not MCP")
def _(d):
    for path in ("/", "/mc", "/mcpx", "/mcp/nobody", "/mcp/host/x", "/health/", "//mcp"):
        for method in ("GET", "POST"):
            reply = d.http(method, path, [JSON_TYPE, ACCEPT], json.dumps(PING)
                           if method == "POST" else None)
            equal(reply.status, 404, "%s %s" % (method, path))


@case("paths: what is sent is what is compared, decoded once; all that only looks like one of ours: 404")
def _(d):
    host = "%s:%d" % d.addr
    own = {"GET": ("health", "health?x=//y"), "POST": ("mcp", "mcp/", "mcp/host", "mcp?a=b", "mcp/host/?/x")}
    for method, paths in own.items():
        for path in ("/" + p for p in paths):
            for target in (path, "http://%s%s" % (host, path), "HTTP://%s%s" % (host, path)):
                reply = d.http(method, target, [JSON_TYPE, ACCEPT], json.dumps(INIT) if method == "POST" else None)
                equal(reply.status, 200, target)
    for path in ("/health", "/mcp", "/mcp/host"):
        tricks = ["/" + path, "//" + path, "//x" + path, "///x" + path, "/x/.." + path, "/." + path,
                  "http://other.example" + path, "http://%s/%s" % (host, path), "ftp://%s%s" % (host, path),
                  "http://u@%s%s" % (host, path), "http://" + path, path + "%00", path + "%00x", path + "%2F",
                  path + "%2f", "/%2F" + path[1:], path + "/%2e", path + "//", path + ";x", path + "%", path + "%2",
                  path + "%zz", path.replace("h", "%68").replace("m", "%6d"), path.replace("h", "%2568").replace(
                      "m", "%256d"), path.replace("o", "%6F").replace("lt", "l%74").replace("c", "%63")]
        tricks += ["/mcp%2Fhost", "/mcp%2fhost", "/mcp/%68ost", "/mcp/hos%74"]
        for target in tricks:
            for method in ("GET", "POST"):
                reply = d.http(method, target, [JSON_TYPE, ACCEPT], json.dumps(INIT) if method == "POST" else None)
                assert reply.status in (400, 404), (method, target, reply.status)
                assert reply.status == 404 or "\0" in target or target.startswith("ftp:"), (target, reply.status)


@case("GET: a query does not change the path")
def _(d):
    equal(post(d, INIT, path="/mcp?a=b").status, 200, "status")


# --- DELETE -----------------------------------------------------------------------------------------

@case("DELETE: 200 or 204, then 404 for everything, a second DELETE too")
def _(d):
    c = Client(d)
    c.delete()
    sid = ("Mcp-Session-Id", c.sid)
    refused(d.http("DELETE", "/mcp", [sid]), 404, -32001)
    refused(post(d, PING, sid), 404, -32001, 7)
    refused(get(d, sid), 404, -32001)


@case("DELETE: without Mcp-Session-Id: 400, -32000; of an unknown session: 404, -32001")
def _(d):
    refused(d.http("DELETE", "/mcp"), 400, -32000)
    refused(d.http("DELETE", "/mcp", [("Mcp-Session-Id", "unknown")]), 404, -32001)


@case("DELETE: MCP-Protocol-Version that is no revision: 400, -32000, and the session lives")
def _(d):
    c = Client(d)
    refused(d.http("DELETE", "/mcp", [("Mcp-Session-Id", c.sid), ("MCP-Protocol-Version", "x")]), 400,
            -32000)
    served(c.post(PING))


# --- OPTIONS, Origin and Host -------------------------------------------------------------------------

@case("OPTIONS: a preflight of an allowed origin: 204 with what a browser needs to know")
def _(d):
    wanted = "content-type, mcp-session-id, mcp-protocol-version, authorization, mcp-param-region"
    reply = d.http("OPTIONS", "/mcp", [("Origin", "https://app.example.com"),
                                       ("Access-Control-Request-Method", "POST"),
                                       ("Access-Control-Request-Headers", wanted)])
    equal((reply.status, reply.read()), (204, b""), "answer")
    equal(reply.header("Access-Control-Allow-Origin"), "https://app.example.com", "origin")
    assert "Origin" in reply.header("Vary")
    methods = {m.strip() for m in reply.header("Access-Control-Allow-Methods").split(",")}
    assert {"GET", "POST", "DELETE"} <= methods
    allowed = {h.strip().lower() for h in reply.header("Access-Control-Allow-Headers").split(",")}
    assert {h.strip() for h in wanted.split(",")} <= allowed, allowed
    assert int(reply.header("Access-Control-Max-Age")) > 0


@case("OPTIONS: a preflight of a foreign origin: 403 and no permission")
def _(d):
    reply = d.http("OPTIONS", "/mcp", [("Origin", "https://evil.example.com"),
                                       ("Access-Control-Request-Method", "POST")])
    refused(reply, 403, -32000)
    assert reply.header("Access-Control-Allow-Origin") is None


@case("OPTIONS: without Origin: 204 with Allow")
def _(d):
    reply = d.http("OPTIONS", "/mcp")
    equal(reply.status, 204, "status")
    assert "POST" in reply.header("Allow")


@case("Origin: answers and errors let an allowed page read them, the session's id too")
def _(d):
    origin = ("Origin", "https://app.example.com")
    reply = post(d, INIT, origin)
    for r in (reply, post(d, PING, origin), post(d, "{", origin), get(d, origin),
              post(d, PING, origin, ("Content-Type", "text/plain"))):
        equal(r.header("Access-Control-Allow-Origin"), "https://app.example.com", "origin")
    exposed = {h.strip().lower() for h in reply.header("Access-Control-Expose-Headers").split(",")}
    assert {"mcp-session-id", "www-authenticate"} <= exposed, exposed


@case("Origin: host names that are allowed are so on every port; localhost always counts")
def _(d):
    for origin in ("http://localhost", "http://localhost:3000", "http://127.0.0.1:6274",
                   "http://[::1]:80", "https://APP.example.com", "https://name.example.com",
                   "https://name.example.com:8443", "http://NAME.example.com:1"):
        equal(post(d, INIT, ("Origin", origin)).status, 200, origin)
    # A whole origin in the configuration means exactly that.
    for origin in ("http://app.example.com", "https://app.example.com:8443"):
        refused(post(d, INIT, ("Origin", origin)), 403, -32000)


@case("Origin: only http and https ones are this machine's; the others have to be listed as they are")
def _(d):
    odd = ("x://localhost", "file://localhost", "file://", "null", "ws://127.0.0.1", "localhost", "httpx://localhost",
           "http:localhost", "http:/localhost", "http://localhost/", "http://localhost.", "http://localhost:x",
           "http://localhost:99999", "https://app.example.com:444", "x://name.example.com", "//name.example.com",
           "app://x", "app://page:1", "null.example.com", "http://null", "http://[::1", "http://[::1]x",
           "http://127.0.0.1.", "http://127.1", "http://user@localhost", "http://name.example.com.")
    for origin in odd:
        refused(post(d, INIT, ("Origin", origin)), 403, -32000)
    for origin in ("HTTP://LocalHost:1", "https://localhost", "https://app.example.com:443",
                   "HTTPS://App.Example.com", "https://[::1]:7"):
        equal(post(d, INIT, ("Origin", origin)).status, 200, origin)
    with Daemon({"host": EXEC}, allowedOrigins=["null", "file://", "app://page", "http://a.example:8080"]) as own:
        for origin in ("null", "file://", "app://page", "http://a.example:8080", "http://A.example:8080",
                       "http://localhost"):
            reply = post(own, INIT, ("Origin", origin))
            equal((reply.status, reply.header("Access-Control-Allow-Origin")), (200, origin))
        for origin in ("Null", "file:///", "app://page:1", "app://page2", "x://localhost", "http://a.example",
                       "https://a.example:8080", "http://null", "http://file", "", "http://page"):
            refused(post(own, INIT, ("Origin", origin)), 403, -32000)
    with Daemon({"host": EXEC}, allowedOrigins=["*"]) as own:
        for origin in ("null", "file://", "x://y", "https://evil.example.com"):
            equal(post(own, INIT, ("Origin", origin)).status, 200, origin)


@case("Host: beyond the loopback every name passes, unless some are allowed")
def _(d):
    for listen in ("0.0.0.0:0", ["127.0.0.1:0", "0.0.0.0:0"]):
        with Daemon({"host": EXEC}, listen=listen) as own:
            for host in ("foreign.example", "foreign.example:1", "localhost"):
                equal(post(own, INIT, ("Host", host)).status, 200, host)
            refused(post(own, INIT, ("Host", "a b")), 403, -32000)
        with Daemon({"host": EXEC}, listen=listen, allowedHosts=["own.example", "other.example:81"]) as own:
            for host in ("own.example", "OWN.example:1", "other.example:81", "localhost:1"):
                equal(post(own, INIT, ("Host", host)).status, 200, host)
            for host in ("foreign.example", "own.example.", "other.example", "other.example:82", "own.example:x",
                         "own.example:99999"):
                refused(post(own, INIT, ("Host", host)), 403, -32000)
    for listen in ("127.0.0.2:0", ["127.0.0.1:0", "127.0.0.2:0"]):
        with Daemon({"host": EXEC}, listen=listen) as own:
            refused(post(own, INIT, ("Host", "foreign.example")), 403, -32000)
            equal(post(own, INIT, ("Host", "localhost")).status, 200)


@case("Host: names of the loopback, with and without port, and configured ones are served")
def _(d):
    for host in ("localhost", "localhost:1", "LOCALHOST", "127.0.0.1", "[::1]", "[::1]:80",
                 "mcp.example.com", "mcp.example.com:443", "MCP.Example.Com"):
        equal(post(d, INIT, ("Host", host)).status, 200, host)


@case("Host: /health is guarded too")
def _(d):
    equal(d.http("GET", "/health", [("Host", "evil.example.com")]).status, 403, "status")


# --- the connection -----------------------------------------------------------------------------------

@case("connection: requests that come in one packet are answered in order")
def _(d):
    c = Client(d)
    with Conn(d.addr) as conn:
        bodies = [json.dumps(dict(PING, id=i)) for i in range(20)]
        conn.send("".join(conn.head("POST", "/mcp", c.headers(), len(b)) + b for b in bodies))
        for i in range(20):
            served(conn.reply(), i)


@case("connection: one byte at a time, with Expect: 100-continue, and in chunks")
def _(d):
    c = Client(d)
    body = json.dumps(PING)
    with Conn(d.addr) as conn:
        for byte in conn.head("POST", "/mcp", c.headers(), len(body)) + body:
            conn.send(byte)
        served(conn.reply())
        conn.send(conn.head("POST", "/mcp", c.headers() + [("Expect", "100-continue")], len(body)))
        equal(conn.line(), b"HTTP/1.1 100 Continue", "interim answer")
        while conn.line():
            pass
        conn.send(body)
        served(conn.reply())
        conn.send(conn.head("POST", "/mcp", c.headers() + [("Transfer-Encoding", "chunked")]))
        conn.send("5\r\n%s\r\n%x\r\n%s\r\n0\r\n\r\n" % (body[:5], len(body) - 5, body[5:]))
        served(conn.reply())


@case("connection: a length together with chunks, two lengths, nonsense: refused and closed")
def _(d):
    body = json.dumps(INIT)
    for extra in ("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
                  "Content-Length: 5\r\nContent-Length: 6\r\n", "Content-Length: -1\r\n",
                  "Content-Length: 5x\r\n", "Transfer-Encoding: gzip, chunked\r\n"):
        with Conn(d.addr) as c:
            c.send("POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                   + extra + "\r\n" + body)
            c.sock.shutdown(socket.SHUT_WR)
            try:
                reply = c.reply()
            except (EOFError, ConnectionResetError):
                continue  # closed without an answer is an answer
            assert reply.status in (400, 411, 413, 501), (extra, reply.status)
            reply.read()
            assert c.closed or c.at_end(), "not closed after %r" % extra


@case("connection: what is no HTTP is refused, and others are served meanwhile")
def _(d):
    c = Client(d)
    for junk in (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"nonsense\r\n\r\n",
                 b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\r\n\r\n\r\n", b"\0" * 5000):
        with Conn(d.addr) as conn:
            conn.send(junk)
            served(c.post(PING))


@case("connection: HTTP/1.0 is answered, an event stream too, and closed")
def _(d):
    c = Client(d)
    body = json.dumps(PING)
    for accept in ("application/json", "text/event-stream"):
        with Conn(d.addr) as conn:
            conn.send(conn.head("POST", "/mcp", c.headers(Accept=accept), len(body)).replace(
                "HTTP/1.1", "HTTP/1.0") + body)
            reply = conn.reply()
            assert not reply.chunked
            if reply.is_sse():
                equal(Sse(reply).message()["result"], {}, "result")
            else:
                served(reply)
            assert conn.closed or conn.at_end()


@case("health: GET says how the daemon is; without MCP headers")
def _(d):
    before = d.health()
    c = Client(d)
    got = d.health()
    equal(sorted(got), ["activeSessions", "activeUsers", "authEnabled", "name", "status", "version"],
          "members")
    equal((got["status"], got["name"], got["authEnabled"], got["activeUsers"]),
          ("ok", "mcpd", False, 0), "values")
    equal(got["activeSessions"], before["activeSessions"] + 1, "sessions")
    c.delete()
    equal(d.health(), before, "health afterwards")


run(Daemon({"host": EXEC}, limits=LIMITS, allowedOrigins=["https://app.example.com",
                                                            "name.example.com"],
           allowedHosts=["mcp.example.com"]))
