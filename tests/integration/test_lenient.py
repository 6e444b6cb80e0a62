#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Clients that are sloppy with JSON and JSON-RPC: what cannot be misunderstood is taken; what they say twice
where something is decided by it is not."""

from harness import *

NOW, PREFIX = "2026-07-28", "io.modelcontextprotocol/"
META = {PREFIX + "protocolVersion": NOW, PREFIX + "clientCapabilities": {}}
BOM = b"\xef\xbb\xbf"
SERVERS = {"s": fake(scope="session"),
           "host": {"tools": {"cat": {"inputSchema": {"type": "object"}, "command": ["cat"]}}}}


def modern(d, body, method, name=None, **headers):
    """The answer to BODY, a request of 2026-07-28."""
    head = {"Content-Type": "application/json", "Accept": BOTH, "MCP-Protocol-Version": NOW, "Mcp-Method": method}
    if name:
        head["Mcp-Name"] = name
    head.update({k.replace("_", "-"): v for k, v in headers.items()})
    return Conn(d.addr).request("POST", "/mcp", list(head.items()), body).answer()


@case("R10: params, arguments, cursor and _meta that are null are as if they were not there")
def _(d):
    c = Client(d)
    equal(c.post({"jsonrpc": "2.0", "id": 1, "method": "ping", "params": None}).answer()["result"], {}, "ping")
    c.accepted({"jsonrpc": "2.0", "method": "notifications/initialized", "params": None})
    for params in ({"cursor": None}, {"_meta": None}, {"cursor": None, "_meta": {"progressToken": None}}):
        assert c.post({"jsonrpc": "2.0", "id": 2, "method": "tools/list", "params": params}).answer()["result"]["tools"]
    for name in ("s__counter", "host__cat"):
        got = c.post({"jsonrpc": "2.0", "id": 3, "method": "tools/call",
                      "params": {"name": name, "arguments": None, "_meta": None}}).answer()["result"]
        assert not got.get("isError"), got
        got = modern(d, json.dumps({"jsonrpc": "2.0", "id": 3, "method": "tools/call",
                                    "params": {"name": name, "arguments": None, "_meta": META}}), "tools/call", name)
        assert not got["result"].get("isError"), got


@case("R10: an id that is a whole number, however it is written, comes back as an integer")
def _(d):
    c = Client(d)
    for text, ident in (("1.0", 1), ("1e2", 100), ("-0", 0), ("5", 5)):
        body = '{"jsonrpc":"2.0","id":%s,"method":"%s","params":%s}'
        got = c.post(body % (text, "ping", "{}")).answer()
        equal((got["id"], type(got["id"]), got["result"]), (ident, int, {}), "response to %s" % text)
        got = modern(d, body % (text, "tools/list", json.dumps({"_meta": META})), "tools/list")
        equal((got["id"], type(got["id"])), (ident, int), "response to %s" % text)


@case("R10: a notification with an id that is null is one; a body may begin with a byte order mark")
def _(d):
    c = Client(d)
    c.accepted({"jsonrpc": "2.0", "id": None, "method": "notifications/initialized"})
    c.accepted(BOM + b'{"jsonrpc":"2.0","method":"notifications/initialized"}')
    equal(c.post(BOM + json.dumps({"jsonrpc": "2.0", "id": 1, "method": "ping"}).encode()).answer()["result"], {}, "ping")
    body = BOM + json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {"_meta": META}}).encode()
    assert modern(d, body, "tools/list")["result"]["tools"]
    assert modern(d, body, "tools/list", Content_Type="application/json-rpc")["result"]["tools"]


@case("R10: the answer to a question may have an error that is null, and an id that is 1.0")
def _(d):
    c = Client(d, caps={"elicitation": {}})
    for extra in (', "error": null', ""):
        p = c.start_tool("s__elicit", {"message": "m"})
        ask = p.ask()
        text = '{"jsonrpc":"2.0","id":%d.0,"result":{"action":"accept","content":{"n":%s}}%s}'
        c.accepted(text % (ask["id"], "123456789012345678901234567890", extra))
        assert '"n":' in p.text().replace(" ", ""), "answer"


@case("R10: an empty Last-Event-ID is none")
def _(d):
    c = Client(d)
    c.get(last="").close()


@case("an answer that is no object, or larger than limits.maxTree, ends its question or passes")
def _(d):
    c = Client(d, caps={"elicitation": {}, "sampling": {}})
    p = c.start_tool("s__elicit", {"message": "m"})
    c.accepted({"jsonrpc": "2.0", "id": p.ask()["id"], "result": [1]})
    assert "not an object" in p.text(), "answer"
    p = c.start_tool("s__sample", {"text": "t"})
    image = "x" * (2 << 20)
    c.accepted({"jsonrpc": "2.0", "id": p.ask()["id"], "result": {
        "role": "assistant", "model": "m", "content": {"type": "image", "data": image, "mimeType": "image/png"}}})
    assert image in p.text(), "answer"


@case("arguments: what is written twice is carried, unless something is decided by it")
def _(d):
    c = Client(d)
    body = '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"%s","arguments":{"text":"a","text":"b"}}}'
    equal(text_of(c.post(body % "s__echo").answer()["result"]), "b", "echo")
    got = c.post(body % "host__cat").answer()["result"]
    assert got["isError"] and "duplicate" in got["content"][0]["text"], got


@case("arguments over several lines reach a child as one, and large ones pass whole")
def _(d):
    c = Client(d)
    body = '{"jsonrpc":"2.0",\n"id":1,\r\n"method":"tools/call","params":\n{"name":"s__echo","arguments":{\n"text"\r\n:\n"x"}}}'
    equal(text_of(c.post(body).answer()["result"]), "x", "echo")
    large = "x" * (3 << 20)
    equal(c.tool("s__echo", text=large), large, "echo of 3 MiB")
    got = c.post({"jsonrpc": "2.0", "id": 1, "method": "tools/call",
                  "params": {"name": "host__cat", "arguments": {"text": large}}}).answer()["result"]
    assert got["isError"] and "limits.maxTree" in got["content"][0]["text"], got


run(Daemon(SERVERS))
