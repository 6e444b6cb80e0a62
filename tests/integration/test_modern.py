#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Revision 2026-07-28 through the daemon: the ladder of checks, questions, and cancellation."""

from harness import *

NOW, PREFIX = "2026-07-28", "io.modelcontextprotocol/"
INIT = {"protocolVersion": "2025-11-25", "capabilities": {}, "_meta": {},
        "clientInfo": {"name": "test", "version": "1"}}


def meta(version=NOW, caps=None):
    return {PREFIX + "protocolVersion": version, PREFIX + "clientCapabilities": caps or {}}


def headers(method, version=NOW, **more):
    given = {"Content-Type": "application/json", "Accept": BOTH, "MCP-Protocol-Version": version,
             "Mcp-Method": method}
    given.update((n.replace("_", "-"), v) for n, v in more.items())
    return list(given.items())


def body(method, params=None, ident=7, claim=NOW, caps=None):
    params = dict(params or {})
    if claim:
        params["_meta"] = meta(claim, caps)
    msg = {"jsonrpc": "2.0", "method": method, "params": params}
    return json.dumps(msg if ident is None else dict(msg, id=ident))


def ask(d, method, params=None, caps=None, **more):
    return d.http("POST", "/mcp/fake", headers(method, **more), body(method, params, caps=caps))


def call(d, name, arguments=None, caps=None, **more):
    params = dict({"name": name, "arguments": arguments or {}}, **more)
    return ask(d, "tools/call", params, caps, Mcp_Name=name).answer()


def refused(reply, status, code):
    equal(reply.error(), (status, code), "status and code")
    assert reply.header("Mcp-Session-Id") is None


@case("initialize: an old one is served, a claim-less one with a new header is not, a new one is gone")
def _(d):
    old = [("Content-Type", "application/json"), ("Accept", BOTH)]
    reply = d.http("POST", "/mcp/fake", old, body("initialize", INIT, claim=None))
    equal(reply.status, 200)
    sid = reply.header("Mcp-Session-Id")
    equal(d.http("DELETE", "/mcp/fake", [("Mcp-Session-Id", sid)]).status, 200)
    refused(d.http("POST", "/mcp/fake", old + [("MCP-Protocol-Version", NOW)],
                   body("initialize", INIT, claim=None)), 400, -32020)
    refused(ask(d, "initialize"), 404, -32601)


@case("the headers must be there and agree with the body")
def _(d):
    equal(ask(d, "server/discover").status, 200)
    refused(ask(d, "server/discover", MCP_Protocol_Version=None), 400, -32020)
    for version in (None, "2025-11-25"):
        given = headers("server/discover", version)
        refused(d.http("POST", "/mcp/fake", given, body("server/discover")), 400, -32020)
    refused(d.http("POST", "/mcp/fake", headers("other"), body("server/discover")), 400, -32020)
    refused(ask(d, "tools/call", {"name": "seen"}), 400, -32020)
    for name in ("seem", "=?base64?c2Vlbg?=", "=?base64?c2V!lbg==?="):
        refused(ask(d, "tools/call", {"name": "seen"}, Mcp_Name=name), 400, -32020)
    reply = ask(d, "tools/call", {"name": "seen"}, Mcp_Name="=?base64?c2Vlbg==?=")
    equal(reply.json()["result"]["resultType"], "complete")


@case("versions that are not served, envelopes that are not whole, methods that are gone")
def _(d):
    for version in ("2025-11-25", "v999.0.0"):
        reply = d.http("POST", "/mcp/fake", headers("tools/list", version),
                       body("tools/list", claim=version))
        refused(reply, 400, -32022)
        equal(reply.json()["error"]["data"], {"supported": [NOW], "requested": version})
    refused(d.http("POST", "/mcp/fake", headers("tools/list"), body("tools/list", claim=None)),
            400, -32602)
    for method in ("ping", "logging/setLevel", "resources/subscribe", "unknown/method"):
        refused(ask(d, method), 404, -32601)
    refused(d.http("POST", "/mcp/fake", headers("tools/list"), "[%s]" % body("tools/list")),
            400, -32600)


@case("a session id means nothing; a notification is accepted")
def _(d):
    reply = ask(d, "tools/list", Mcp_Session_Id="junk")
    equal((reply.status, reply.header("Mcp-Session-Id")), (200, None))
    reply = d.http("POST", "/mcp/fake", headers("notifications/cancelled"),
                   body("notifications/cancelled", ident=None))
    equal((reply.status, reply.read()), (202, b""))


@case("a question: asked, answered once, and its state is good for nothing else")
def _(d):
    caps = {"elicitation": {}}
    result = call(d, "elicit", {"message": "Who?"}, caps)["result"]
    equal(result["resultType"], "input_required")
    (key, question), = result["inputRequests"].items()
    equal((question["method"], question["params"]["message"]), ("elicitation/create", "Who?"))
    state = result["requestState"]
    held = lambda: [d.ctl("status")["modern"][n] for n in ("requests", "parked", "listens")]
    equal(held(), [1, 1, 0])
    answers = {key: {"action": "accept", "content": {"answer": "me"}}}
    for name, arguments, used in (("elicit", {"message": "Who?"}, state + "x"),
                                  ("elicit", {"message": "What?"}, state),
                                  ("sample", {"message": "Who?"}, state)):
        got = call(d, name, arguments, caps, inputResponses=answers, requestState=used)
        equal(got["error"]["code"], -32602, "code")
    # Without the answer it asks again, and the state before is over.
    again = call(d, "elicit", {"message": "Who?"}, caps, inputResponses={},
                 requestState=state)["result"]
    equal((again["resultType"], list(again["inputRequests"])), ("input_required", [key]))
    good = dict(inputResponses=answers, requestState=again["requestState"])
    old = call(d, "elicit", {"message": "Who?"}, caps, inputResponses=answers, requestState=state)
    equal(old["error"]["code"], -32602, "code")
    done = call(d, "elicit", {"message": "Who?"}, caps, **good)["result"]
    assert done["resultType"] == "complete" and "accept" in text_of(done), done
    equal(call(d, "elicit", {"message": "Who?"}, caps, **good)["error"]["code"], -32602, "code")
    equal(held(), [0, 0, 0])


@case("a client that closes while its answer is pending: the server hears of the cancellation")
def _(d):
    seen = lambda: text_of(call(d, "seen")["result"])
    text = seen()
    before, calls, looks = text.count("notifications/cancelled"), text.count("tools/call"), \
        itertools.count(1)
    conn = Conn(d.addr)
    data = body("tools/call", {"name": "slow", "arguments": {"seconds": 3600}})
    conn.send(conn.head("POST", "/mcp/fake", headers("tools/call", Mcp_Name="slow"), len(data)) + data)
    # Each look is a call itself, so one more than looks is the slow one.
    wait_until(lambda: seen().count("tools/call") - calls > next(looks), "the call")
    conn.close()
    wait_until(lambda: seen().count("notifications/cancelled") > before, "the cancellation")


# An answer that takes a second on a busy machine is one body all the same.
run(Daemon({"fake": fake()}, limits={"upgradeAfter": 60}))
