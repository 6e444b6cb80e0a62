#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Servers that are sloppy with JSON, JSON-RPC and HTTP: what the SDKs take is carried, byte for byte, and
what nobody can take ends its call at once, says why, and harms no other call."""

import gzip

from fakeupstream import Upstream
from harness import *

NOW, PREFIX = "2026-07-28", "io.modelcontextprotocol/"

# A server that writes what it is told to. @ID@ becomes the id of the request, @R@ the member that results
# of its era begin with. What is told for a method on the command line is what each such request is
# answered with; the tool "say" answers with what its arguments tell, and comes after "hold" if it is
# told to; the tool "free" answers "hold", and then itself.
SERVER = r'''
import json, sys
era, told, held, early = sys.argv[1], json.loads(sys.argv[2]), None, []
head = '"resultType":"complete",' if era == "new" else ""
META = {"io.modelcontextprotocol/serverInfo": {"name": "sloppy", "version": "1"}}

def write(data, ident):
    sys.stdout.buffer.write(data.replace(b"@ID@", json.dumps(ident).encode()).replace(b"@R@", head.encode()))
    sys.stdout.buffer.flush()

def result(ident, **members):
    if era == "new":
        members = dict({"resultType": "complete"}, **members)
    write(json.dumps({"jsonrpc": "2.0", "id": ident, "result": members}).encode() + b"\n", ident)

def text(ident, what):
    result(ident, content=[{"type": "text", "text": what}])

def call(ident, name, arguments):
    global held
    if name == "hold":
        held = ident
        for one in early:
            call(*one)
        early.clear()
    elif name == "free":
        text(held, "held")
        held = None
        text(ident, "freed")
    elif name == "say" and arguments.get("later") and held is None:
        early.append((ident, name, arguments))
    elif name == "say":
        write(bytes.fromhex(arguments["hex"]), ident)

for line in sys.stdin:
    msg = json.loads(line)
    method, ident, params = msg.get("method"), msg.get("id"), msg.get("params", {})
    if method is None:
        if held is not None:
            text(held, json.dumps(msg))
            held = None
    elif ident is None:
        pass
    elif method in told:
        write(bytes.fromhex(told[method]), ident)
    elif method == "initialize" and era == "old":
        result(ident, protocolVersion=params["protocolVersion"], capabilities={"tools": {}},
               serverInfo={"name": "sloppy", "version": "1"})
    elif method == "server/discover" and era == "new":
        result(ident, supportedVersions=["2026-07-28"], capabilities={"tools": {}}, ttlMs=0,
               cacheScope="private", _meta=META)
    elif method == "tools/list":
        result(ident, tools=[{"name": n, "inputSchema": {"type": "object"}} for n in ("say", "hold", "free")],
               **({"ttlMs": 0, "cacheScope": "private"} if era == "new" else {}))
    elif method == "tools/call":
        call(ident, params["name"], params.get("arguments", {}))
    elif method == "ping":
        result(ident)
    else:
        write(b'{"jsonrpc":"2.0","id":@ID@,"error":{"code":-32601,"message":"unknown"}}\n', ident)
'''


def stdio(era, **keys):
    """KEYS: what is told for a method, with _ for /; others go into the configuration."""
    told = {m: keys.pop(m.replace("/", "_")).hex()
            for m in ("initialize", "server/discover", "tools/list") if m.replace("/", "_") in keys}
    return dict({"command": sys.executable, "args": ["-c", SERVER, era, json.dumps(told)]}, **keys)


def filled(req, data):
    head = b'"resultType":"complete",' if req.up.modern else b""
    return data.replace(b"@ID@", json.dumps(req.id).encode()).replace(b"@R@", head)


def events(data):
    """Each line of DATA that follows an empty one begins another event."""
    return b"".join(b"".join(b"data: %s\n" % line for line in one.split(b"\n")) + b"\n"
                    for one in data.split(b"\n\n"))


def say_stream(req, data, stays):
    stream = req.sse()
    stream.raw(data)
    if stays:
        req.gone()
        req.handler.close_connection = True
    else:
        stream.end()


def upstream(modern):
    up = Upstream(modern=modern)
    up.gate, up.holding = threading.Event(), threading.Event()

    @up.tool("hold")
    def _(req):
        up.holding.set()
        assert up.gate.wait(TIMEOUT)
        up.gate.clear()
        req.text("held")

    @up.tool("free")
    def _(req):
        up.holding.clear()
        up.gate.set()
        req.text("freed")

    @up.tool("say")
    def _(req):
        a = req.arguments
        if a.get("later"):
            assert up.holding.wait(TIMEOUT)
        data = filled(req, bytes.fromhex(a["hex"]))
        if a.get("gzip"):
            req.reply(200, gzip.compress(data), "application/json", Content_Encoding="gzip")
        elif a.get("how", "body") == "body":
            req.reply(a.get("status", 200), data, a.get("type", "application/json"), **a.get("head", {}))
        else:
            say_stream(req, data if a["how"] == "raw" else events(data), a.get("open"))

    return up


UPS = {"webold": upstream(False), "webnew": upstream(True)}
SERVERS = dict({n: u.backend() for n, u in UPS.items()}, old=stdio("old"), new=stdio("new"))
STDIO, WEB = ("old", "new"), ("webold", "webnew")


class New:
    """A client of 2026-07-28, as far as it is needed here."""

    def __init__(self, d, path):
        self.d, self.path = d, path

    def begin(self, method, params):
        meta = {PREFIX + "protocolVersion": NOW, PREFIX + "clientCapabilities": {}}
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": dict(params, _meta=meta)})
        head = [("Content-Type", "application/json"), ("Accept", BOTH), ("MCP-Protocol-Version", NOW),
                ("Mcp-Method", method)] + ([("Mcp-Name", params["name"])] if "name" in params else [])
        conn = Conn(self.d.addr)
        conn.send(conn.head("POST", self.path, head, len(body)) + body)
        return conn, 1


class Peer:
    """A client of the era of the backend NAME, which makes that say things."""

    def __init__(self, d, name):
        self.d, self.name = d, name
        self.client = New(d, "/mcp/" + name) if "new" in name else Client(d, "/mcp/" + name)

    def begin(self, tool, **arguments):
        return self.client.begin("tools/call", {"name": tool, "arguments": arguments})[0]

    def end(self, conn):
        with conn:
            return conn.reply().raw_answer()

    def raw(self, data, **how):
        """The bytes of the answer to a call which the server answers with DATA and a newline."""
        data = data if isinstance(data, bytes) else data.encode()
        if self.name in STDIO:
            data += b"\n"
        return self.end(self.begin("say", hex=data.hex(), **how))

    def msg(self, data, **how):
        return json.loads(self.raw(data, **how))

    def text(self, data, **how):
        msg = self.msg(data, **how)
        assert "result" in msg, msg
        return text_of(msg["result"])

    def error(self, data, **how):
        """The text of the error that the call ends with."""
        msg = self.msg(data, **how)
        assert "error" in msg, msg
        return msg["error"]["message"]

    def fails(self, data, *words, **how):
        """DATA ends its call, the text has WORDS, and a call beside it is unharmed."""
        if "later" not in how:
            how["later"] = True
        held = self.begin("hold")
        said = self.error(data, **how)
        for word in words:
            assert word in said, "%s: %r without %r" % (self.name, said, word)
        self.well()
        equal(text_of(json.loads(self.end(held))["result"]), "held", "the other call at " + self.name)

    def names(self):
        """Those of the tools."""
        return [t["name"] for t in json.loads(self.end(self.client.begin("tools/list", {})[0]))["result"]["tools"]]

    def well(self):
        """The server goes on to serve."""
        equal(text_of(json.loads(self.end(self.begin("free")))["result"]), "freed", self.name)


def peers(d, names=STDIO + WEB):
    return [Peer(d, n) for n in names]


def carried(members):
    return b'{"jsonrpc":"2.0","id":@ID@,"result":{@R@' + members + b"}}"


TEXT = b'"content":[{"type":"text","text":"%s"}]'
GOOD = carried(TEXT % b"good")


@case("R1: bytes that are no UTF-8 become U+FFFD")
def _(d):
    for p in peers(d):
        for bad, good in ((b"caf\xe9", "caf\ufffd"), (b"x\xe2\x82", "x\ufffd\ufffd"), (b"\xed\xa0\xbdz", "\ufffd\ufffd\ufffdz"),
                          (b"\xc0\x80", "\ufffd\ufffd"), (b"\xff", "\ufffd"), (b"\xf5\x80\x80\x80", "\ufffd" * 4)):
            equal(p.text(carried(TEXT % bad)), good, p.name)
    for p in peers(d, WEB):
        equal(p.text(carried(TEXT % b"caf\xe9"), how="event"), "caf\ufffd", p.name)
        equal(p.text(carried(TEXT % b"caf\xe9"), how="event", open=True), "caf\ufffd", p.name)


ODD = [
    b'"content":[{"type":"text","type":"text","text":"x"}]',
    b'"content":[],"a":1,"a":2',
    b'"content":[],"structuredContent":{"a\\u0000b":1}',
    b'"content":[],"structuredContent":{"n":1e400,"m":-1e400,"s":1e-400}',
    b'"content":[],"structuredContent":{"n":' + b"7" * 400 + b"}",
    b'"content":[],"structuredContent":{"z":1.0,"a":-0,"m":1E5,"b":0.10,"l":123456789012345678901}',
    b'"content":[],"structuredContent":{"s":"\\u0041\\/\\ud800","t":"\\ud83d\\ude00"}',
    b'"content" : [ ] , "structuredContent":{"b": 1,\t"a":2 }',
    b'"structuredContent":{"b":1},"content":[]',
    b'"content":[],"structuredContent":{"d":' + b"[" * 2100 + b"]" * 2100 + b"}",
]


@case("R2: what others read is carried as it is")
def _(d):
    for p in peers(d):
        for odd in ODD:
            got = p.raw(carried(odd))
            assert odd in got, "%s: %r came as %r" % (p.name, odd[:80], got[:300])
    for p in peers(d, WEB):
        for odd in ODD:
            assert odd in p.raw(carried(odd), how="event"), odd[:80]


@case("R3: ids and codes of another type are taken")
def _(d):
    for p in peers(d):
        for ident in (b'"@ID@"', b"@ID@.0", b"@ID@e0"):
            equal(p.text(GOOD.replace(b"@ID@", ident)), "good", p.name)
        for code, want in ((b"-32000.0", -32000), (b'"-32050"', -32050), (b"-5", -5)):
            err = p.msg(b'{"jsonrpc":"2.0","id":@ID@,"error":{"code":' + code + b',"message":"no"}}')["error"]
            equal(err["message"], "no", p.name)
            assert err["code"] == want or (p.name in ("new", "webnew") and -32099 <= want <= -32000), err


@case("R4: envelopes of other shapes")
def _(d):
    for p in peers(d):
        for data in (GOOD[:-1] + b',"error":null}', GOOD.replace(b'"jsonrpc":"2.0",', b""),
                     GOOD.replace(b'"2.0"', b'"1.0"'), GOOD.replace(b'"2.0"', b"2.0"), GOOD[:-1] + b',"extra":[1]}',
                     GOOD[:-1] + b',"method":null,"params":null}'):
            equal(p.text(data), "good", "%s: %s" % (p.name, data))
        for error, word in ((b'{"code":-5,"message":"it broke"},"result":null', "it broke"),
                            (b'"plain words"', "plain words"), (b'{"code":-5}', "no message"),
                            (b'{"code":"EFAIL","message":"text code"}', "text code"),
                            (b'{"message":"alone"}', "alone"), (b"{}", "no message"), (b"true", "no message"),
                            (b'{"code":99999999999999,"message":"large"}', "large"),
                            (b'{"code":null,"message":null}', "no message")):
            p.fails(b'{"jsonrpc":"2.0","id":@ID@,"error":' + error + b"}", word)
        for data, word in ((b"", "neither"), (b',"result":null', "neither"), (b',"result":null,"error":null', "neither"),
                           (b',"result":[]', "not an object"), (b',"result":"text"', "not an object")):
            p.fails(b'{"jsonrpc":"2.0","id":@ID@' + data + b"}", word)


BOM = b"\xef\xbb\xbf"
INITIALIZED = b'{"jsonrpc":"2.0","id":@ID@,"result":{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},' \
              b'"serverInfo":{"name":"x","version":"1"}}}'
DISCOVERED = carried(b'"supportedVersions":["2026-07-28"],"capabilities":{"tools":{}},"ttlMs":0,"cacheScope":"private"')


@case("R5: a byte order mark, a banner without a newline")
def _(d):
    for p in peers(d):
        equal(p.text(BOM + GOOD), "good", p.name)
    for p in peers(d, WEB):
        equal(p.text(BOM + GOOD, how="event"), "good", p.name)
        equal(p.text(BOM + b"data: " + GOOD + b"\n\n", how="raw"), "good", p.name)
    for p in peers(d, STDIO):
        equal(p.text(b"Starting the server... " + GOOD), "good", p.name)
        equal(p.text(b"hello\n\n   \nworld\n" + GOOD), "good", p.name)


@case("R5: noise before the first message")
def _(_shared):
    for noise in (BOM, b"Banner v1 ", b"two\nlines\n"):
        with Daemon({"old": stdio("old", initialize=noise + INITIALIZED + b"\n"),
                     "new": stdio("new", server_discover=noise + DISCOVERED + b"\n")}) as d:
            for p in peers(d, STDIO):
                equal(p.text(GOOD), "good", "%s after %r" % (p.name, noise))
            if noise != BOM:
                d.wait_log("not JSON .*begins with: " + noise.decode().split()[0])
                for name in ("old", "new"):
                    shown = json.loads(d.mcpctl("--json", "backend", "show", name))["firstNoise"]
                    assert shown.startswith(noise.decode().split()[0]), (name, shown)


@case("R6: what is no JSON ends the call whose id can be read")
def _(d):
    for p in peers(d):
        p.fails(carried(TEXT % b"x" + b',"n":NaN'), "not JSON" if p.name in STDIO else "column")
        p.fails(carried(TEXT % b"a\x01b"), "column")
        p.fails(carried(TEXT % b"x" + b',"n":[1,]'), "column")
        p.fails(GOOD[:-1], "column")
        p.fails(b'{"result":{"n":Infinity},"id":@ID@}', "column")
    for p in peers(d, WEB):
        for data in (carried(b'"n":NaN'), carried(TEXT % b"a\x01b"), GOOD[:-1]):
            p.fails(data, "column", how="event")
            p.fails(data, "column", how="event", open=True)


@case("R6: without a readable id it is the only one in flight, or the one of the exchange")
def _(d):
    noid = b'{"jsonrpc":"2.0","result":{"n":NaN}}'
    for p in peers(d, STDIO):
        assert "not JSON" in p.error(noid)
        p.fails(noid + b"\n" + GOOD.replace(GOOD, b'{"jsonrpc":"2.0","id":@ID@}'), "neither")
    for p in peers(d, WEB):
        p.fails(noid, "column")
        p.fails(noid, "column", how="event")
        p.fails(noid, "column", how="event", open=True)


@case("R6: JSON on several lines, two messages on a line")
def _(d):
    pretty = b'{\n  "jsonrpc": "2.0",\n  "id": @ID@,\n  "result": {@R@ "content": []}\n}'
    for p in peers(d, STDIO):
        assert "error" in p.msg(pretty)
        p.well()
        note = b'{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":1}}'
        equal(p.text(note + GOOD), "good", p.name)
        equal(p.text(GOOD + note), "good", p.name)
        equal(p.text(note + b" " + note + GOOD), "good", p.name)
    for p in peers(d, WEB):
        assert "result" in p.msg(pretty)
        assert "result" in p.msg(pretty, how="event")
        assert "result" in p.msg(pretty.replace(b"\n", b"\r\n"))


@case("R6: the first such line is in the log")
def _(_shared):
    with Daemon({"old": stdio("old"), "new": stdio("new")}) as d:
        for p in peers(d, STDIO):
            p.error(carried(b'"n":NaN'))
            d.wait_log("^warning: .*not JSON.*begins with: .*jsonrpc.* backend=%s" % p.name)


@case("R7: a line over maxLine ends only its call")
def _(_shared):
    with Daemon(SERVERS, limits={"maxLine": 65536}) as d:
        long = b"x" * 70000
        note = b'{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"%s"}}' % long
        for p in peers(d):
            p.fails(carried(TEXT % long), "limits.maxLine" if p.name in STDIO else "larger than")
        for p in peers(d, STDIO):
            equal(p.text(note + b"\n" + GOOD), "good", p.name)
        note = note.replace(long, 5 * long)
        for p in peers(d, WEB):
            p.fails(carried(TEXT % long), "larger than", how="event", open=True)
            p.fails(carried(TEXT % (5 * long)), "larger than", how="event", open=True)
            equal(p.text(note + b"\n\n" + GOOD, how="event"), "good", p.name)


@case("R8: bodies of other types and statuses")
def _(d):
    for p in peers(d, WEB):
        for type_ in ("application/json-rpc", "application/vnd.mcp+json", "text/plain", "text/html", None,
                      "APPLICATION/JSON; charset=latin1"):
            equal(p.text(GOOD, type=type_), "good", "%s: %s" % (p.name, type_))
        for status in (201, 202):
            equal(p.text(GOOD, status=status), "good", "%s: %d" % (p.name, status))
        equal(p.text(b"\r\n " + GOOD + b"\n\n"), "good", p.name)


@case("R8: an event without its blank line, and other streams")
def _(d):
    for p in peers(d, WEB):
        equal(p.text(b"data: " + GOOD + b"\n", how="raw"), "good", p.name)
        equal(p.text(b"event: message\ndata: " + GOOD, how="raw"), "good", p.name)
        equal(p.text(b"data:" + GOOD + b"\r\n\r\n", how="raw"), "good", p.name)
        equal(p.text(GOOD.replace(b"@ID@", b'"@ID@"'), how="event", open=True), "good", p.name)


@case("R8: what was wrong with a body is said")
def _(d):
    for p in peers(d, WEB):
        p.fails(b"", "HTTP 200")
        p.fails(b"<html>oops</html>", "HTTP 200", "column 1")
        p.fails(b'{"jsonrpc":"2.0","id":@ID@}', "neither")
        p.fails(b'{"jsonrpc":"2.0","id":null,"error":{"code":-5,"message":"who are you"}}', "who are you")
        p.fails(b'{"jsonrpc":"2.0","error":{"code":-5,"message":"who are you"}}', "who are you", how="event")
        p.fails(b'{"jsonrpc":"2.0","id":@ID@,"result":7}', "not an object", how="event", open=True)
        p.fails(b'{"jsonrpc":"2.0","id":987654,"result":{}}', "HTTP 200")
        p.fails(b"[]", "HTTP 200")
        p.fails(b'"text"', "HTTP 200")


@case("R8: errors with a status of 4xx and 5xx")
def _(d):
    error = b'{"jsonrpc":"2.0","id":@ID@,"error":{"code":-5,"message":"it broke%s"}}'
    for p in peers(d, WEB):
        for status in (400, 422, 500):
            for data in (error % b"", BOM + error % b"", error % b" caf\xe9", error % b'","message":"it broke',
                         (error % b"").replace(b"-5", b"1e400"), (error % b"").replace(b"@ID@", b'"@ID@"'),
                         (error % b"").replace(b'"jsonrpc":"2.0",', b"")):
                p.fails(data, "it broke", status=status)
        p.fails(b"<html>", "HTTP 500", status=500)
        p.fails(b'{"error":"plain"}', "HTTP 400", status=400)


@case("several messages at once")
def _(d):
    note = b'{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":1}}'
    for p in peers(d, ("old", "webold")):
        equal(p.text(b"[" + GOOD + b"]"), "good", p.name)
        equal(p.text(BOM + b"[" + note + b"," + GOOD + b"]"), "good", p.name)
        equal(p.text(b"[7,null," + carried(TEXT % b"good" + b',"structuredContent":{"n":1e400,"k\\u0000":1}') + b"]"),
              "good", p.name)
        p.fails(b'[{"jsonrpc":"2.0","id":@ID@}]', "neither")
        p.fails(b"[" + GOOD + b",]", "column")


@case("R8: gzip that nobody asked for")
def _(d):
    for p in peers(d, WEB):
        equal(p.text(GOOD, gzip=True), "good", p.name)
        p.fails(GOOD, "broke off", head={"Content_Encoding": "gzip"})


@case("R9: requests of the server with params null and ids of other types")
def _(d):
    for ident, want in ((b"7.0", 7.0), (b'"7"', "7"), (b"7", 7)):
        for name in ("old", "new"):
            p = Peer(d, name)
            held = p.begin("hold")
            asked = b'{"jsonrpc":"2.0","id":%s,"method":"ping","params":null}' % ident
            said = p.begin("say", later=True, hex=(asked + b"\n").hex())
            got = json.loads(text_of(json.loads(p.end(held))["result"]))
            equal(got["id"], want, p.name)
            said.close()


def tools(schema=b'{"type":"object"}', text=b"d", extra=b""):
    return carried(b'"tools":[{"name":"say","description":"%s","inputSchema":%s}],"ttlMs":0,"cacheScope":"private"%s'
                   % (text, schema, extra))


@case("R9: the same over HTTP, and a request that nobody can take ends no call")
def _(d):
    up, p = UPS["webold"], Peer(d, "webold")
    for ident, want in ((b"77.0", 77.0), (b'"78"', "78"), (b"79", 79)):
        asked = b'{"jsonrpc":"2.0","id":%s,"method":"ping","params":null}' % ident
        equal(p.text(asked + b"\n\n" + GOOD, how="event"), "good", p.name)
        up.wait("response", fn=lambda r: r.msg.get("id") == want and "result" in r.msg)
    for p in peers(d):
        bad = b'{"jsonrpc":"2.0","id":@ID@,"method":7}'
        how = {"how": "event"} if p.name in WEB else {}
        equal(p.text(bad + (b"\n\n" if how else b"\n") + GOOD, **how), "good", p.name)
    for p in peers(d, WEB):  # it is not the response, either
        p.fails(bad, "HTTP 200", "method")
        p.fails(bad, "HTTP 200", "method", how="event")


@case("lists: a sloppy answer to tools/list")
def _(_shared):
    for data in (tools(text=b"caf\xe9"), tools(extra=b',"x":1e400'), tools(b'{"type":"object","type":"object"}'),
                 tools().replace(b"@ID@", b'"@ID@"'), tools()[:-1] + b',"error":null}', BOM + tools(),
                 b"banner " + tools(), tools(b'{"type":"object","default":{"a\\u0000b":' + b"9" * 400 + b"}}")):
        with Daemon({"old": stdio("old", tools_list=data + b"\n"), "new": stdio("new", tools_list=data + b"\n")}) as d:
            for p in peers(d, STDIO):
                equal(p.names(), ["say"], "%s with a list %r" % (p.name, data[:200]))
                equal(p.text(GOOD), "good", p.name)


def sloppy(data):
    """The message DATA as sloppy servers send it."""
    return (data, data.replace(b"@ID@", b'"@ID@"'), data[:-1] + b',"error":null}', BOM + data, b"\n" + data + b"\n",
            data.replace(b'"jsonrpc":"2.0",', b""), data[:-2] + b',"x":"\xe9","n":1e400,"n":2}}')


def starts_well(modern, method, data, how):
    """An upstream that answers METHOD with DATA serves."""
    def answer(req):
        if req.method != method:
            return False
        if how == "event":
            say_stream(req, events(filled(req, data)), False)
        else:
            up.sessions.add("s")
            req.reply(200, filled(req, data), "text/plain", **({} if modern else {"Mcp_Session_Id": "s"}))
        return True

    up = upstream(modern)
    up.hook = answer
    name = "webnew" if modern else "webold"
    try:
        with Daemon({name: up.backend()}) as d:
            p = Peer(d, name)
            equal(p.text(GOOD), "good", "%s: %s %s" % (name, how, data))
            assert "say" in p.names(), "%s: %s %s" % (name, how, data)
    finally:
        up.stop()


@case("lists: a sloppy answer to tools/list over HTTP")
def _(_shared):
    for modern in (False, True):
        for data in sloppy(tools()):
            starts_well(modern, "tools/list", data, "event")
        starts_well(modern, "tools/list", BOM + tools(text=b"caf\xe9"), "body")


@case("handshake: sloppy answers over HTTP")
def _(_shared):
    for data in sloppy(INITIALIZED):
        starts_well(False, "initialize", data, "body")
    for data in sloppy(DISCOVERED):
        starts_well(True, "server/discover", data, "body")
    starts_well(True, "server/discover", BOM + DISCOVERED, "event")


@case("handshake: sloppy answers of children")
def _(_shared):
    for old, new in zip(sloppy(INITIALIZED), sloppy(DISCOVERED)):
        with Daemon({"old": stdio("old", initialize=old + b"\n"),
                     "new": stdio("new", server_discover=new + b"\n")}) as d:
            for p in peers(d, STDIO):
                equal(p.text(GOOD), "good", "%s: %s" % (p.name, old if p.name == "old" else new))


shared = Daemon(SERVERS)
try:
    run(shared)
finally:
    for up_ in UPS.values():
        up_.stop()
