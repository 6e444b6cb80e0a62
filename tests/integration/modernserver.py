#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""A stdio MCP server of revision 2026-07-28: no handshake, every request carries its envelope, and what
it has to ask the client is a result. Needs nothing but Python 3.

Options:
  --state FILE      append one line "PID" at each start (how often was it started?)
  --versions LIST   supportedVersions (comma-separated; default 2026-07-28)
  --dual            know initialize too, as a server of both eras does
  --no-logging      do not declare logging
  --no-listen       subscriptions/listen is not a known method
  --hold-ack        acknowledge no subscription until the tool ack says so
  --late            answer server/discover only when initialize has come, and been refused
  --never-again     answer server/discover in the first process alone (with --state)

Resources: test://1 and test://2, which can be subscribed to; test://ask asks for a name first.
Prompts: greeting, which asks for a name first.

Tools (arguments in parentheses; they answer with one text item, JSON where there is more to say):
  echo(text)  pid()
  call()          the params of this very call, _meta included
  seen()          methods of everything received so far, in order; cancelled ones with requestId
  hang()          never answers
  progress(steps) progress notifications, then the answer
  log(level)      notifications/message if the level was asked for, then the answer
  ask(method, params, key)     asks this one thing; the answer is what the client said
  both()          asks for an elicitation and a sample at once; answers with both
  rounds(n)       asks N times, one after the other, counting in its requestState
  state_only(n)   N rounds that ask nothing
  no_state()      asks, and keeps no state
  odd()           input_required without anything
  add_tool(name)  one more tool, and list_changed
  update(uri)     resources/updated for URI
  end_listen()    ends all listens gracefully
  listens()       the filters of the listens that are open
  held()          the filters of those that are not acknowledged
  ack()           acknowledges them
  fail(code)      a JSON-RPC error
  die()           exits
"""
import argparse
import json
import os
import sys
import threading

PREFIX = "io.modelcontextprotocol/"
OUT = threading.Lock()
SEEN = []
LISTENS, HELD = {}, {}
TOOLS = ["echo", "pid", "call", "seen", "hang", "progress", "log", "ask", "both", "rounds", "state_only",
         "no_state", "odd", "add_tool", "update", "end_listen", "listens", "held", "ack", "fail", "die"]
ARGS = None


class Refused(Exception):
    def __init__(self, code, text, data=None):
        super().__init__(text)
        self.code, self.text, self.data = code, text, data


class NoAnswer(Exception):
    pass


def send(msg):
    with OUT:
        sys.stdout.write(json.dumps(dict({"jsonrpc": "2.0"}, **msg)) + "\n")
        sys.stdout.flush()


def text(value):
    if not isinstance(value, str):
        value = json.dumps(value)
    return {"content": [{"type": "text", "text": value}]}


def required(requests, state=None):
    result = {"resultType": "input_required"}
    if requests is not None:
        result["inputRequests"] = requests
    if state is not None:
        result["requestState"] = state
    return result


def elicitation(message):
    return {"method": "elicitation/create",
            "params": {"mode": "form", "message": message,
                       "requestedSchema": {"type": "object",
                                           "properties": {"answer": {"type": "string"}}}}}


SAMPLE = {"method": "sampling/createMessage",
          "params": {"messages": [{"role": "user", "content": {"type": "text", "text": "?"}}],
                     "maxTokens": 10}}

# What has to come back byte for byte: quotes, controls, what is not ASCII.
STATE = "st\u00e4te \"quoted\" \\ \u2028 \t=:="


def t_ask(a, p):
    key = a.get("key", "my key")
    if p.get("requestState") is None:
        return required({key: {"method": a["method"], "params": a.get("params", {})}}, STATE)
    if p["requestState"] != STATE:
        raise Refused(-32602, "the state is not what it was: %r" % p["requestState"])
    return text(p["inputResponses"][key])


def t_both(a, p):
    answers = p.get("inputResponses") or {}
    if "who" in answers and "what" in answers:
        return text(answers)
    return required({"who": elicitation("Who?"), "what": SAMPLE}, "both")


def t_rounds(a, p):
    done = json.loads(p.get("requestState") or "[]")
    if p.get("inputResponses"):
        done.append(p["inputResponses"]["q%d" % len(done)]["content"]["answer"])
    if len(done) >= a["n"]:
        return text(done)
    return required({"q%d" % len(done): elicitation("Round %d" % len(done))}, json.dumps(done))


def t_state_only(a, p):
    n = int(p.get("requestState") or "0")
    if "inputResponses" in p:
        raise Refused(-32602, "nothing was asked")
    return text("done") if n >= a["n"] else required(None, str(n + 1))


def t_no_state(a, p):
    if "requestState" in p:
        raise Refused(-32602, "there was no state")
    if "inputResponses" not in p:
        return required({"k": elicitation("?")})
    return text(p["inputResponses"]["k"])


def t_progress(a, p):
    token = p["_meta"].get("progressToken")
    for i in range(a.get("steps", 3)):
        if token is not None:
            send({"method": "notifications/progress",
                  "params": {"progressToken": token, "progress": i + 1}})
    return text("done")


LEVELS = ["debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"]


def t_log(a, p):
    wanted = p["_meta"].get(PREFIX + "logLevel")
    if wanted is not None and LEVELS.index(a["level"]) >= LEVELS.index(wanted):
        send({"method": "notifications/message", "params": {"level": a["level"], "data": "hello"}})
    return text(wanted or "none")


def tell(method, params, wants):
    for ident, filters in list(LISTENS.items()):
        if wants(filters):
            meta = {"_meta": {PREFIX + "subscriptionId": ident}}
            send({"method": method, "params": dict(params, **meta)})


def t_add_tool(a, p):
    TOOLS.append(a["name"])
    tell("notifications/tools/list_changed", {}, lambda f: f.get("toolsListChanged"))
    return text("added")


def t_update(a, p):
    tell("notifications/resources/updated", {"uri": a["uri"]},
         lambda f: a["uri"] in f.get("resourceSubscriptions", []))
    return text("updated")


def t_end_listen(a, p):
    for ident in list(LISTENS):
        del LISTENS[ident]
        send({"id": ident, "result": {"resultType": "complete",
                                      "_meta": {PREFIX + "subscriptionId": ident}}})
    return text("ended")


def t_ack(a, p):
    while HELD:
        acknowledge(*HELD.popitem())
    return text("acknowledged")


def t_fail(a, p):
    raise Refused(a["code"], "as told", a.get("data"))


def t_hang(a, p):
    raise NoAnswer()


CALLS = {
    "echo": lambda a, p: text(a.get("text", "")),
    "pid": lambda a, p: text(str(os.getpid())),
    "call": lambda a, p: text(p),
    "seen": lambda a, p: text(SEEN),
    "listens": lambda a, p: text(list(LISTENS.values())),
    "held": lambda a, p: text(list(HELD.values())), "ack": t_ack,
    "odd": lambda a, p: required(None),
    "die": lambda a, p: os._exit(3),
    "ask": t_ask, "both": t_both, "rounds": t_rounds, "state_only": t_state_only,
    "no_state": t_no_state, "progress": t_progress, "log": t_log, "add_tool": t_add_tool,
    "update": t_update, "end_listen": t_end_listen, "fail": t_fail, "hang": t_hang,
}


def discover(p, ident):
    caps = {"tools": {"listChanged": True}, "prompts": {},
            "resources": {"subscribe": True, "listChanged": True}}
    if not ARGS.no_logging:
        caps["logging"] = {}
    return {"supportedVersions": ARGS.versions.split(","), "capabilities": caps,
            "instructions": "modern instructions", "ttlMs": 0, "cacheScope": "private"}


def acknowledge(ident, wanted):
    LISTENS[ident] = wanted
    send({"method": "notifications/subscriptions/acknowledged",
          "params": {"notifications": wanted, "_meta": {PREFIX + "subscriptionId": ident}}})


def listen(p, ident):
    if ARGS.no_listen:
        raise Refused(-32601, "Method not found")
    if ARGS.hold_ack:
        HELD[ident] = p["notifications"]
    else:
        acknowledge(ident, p["notifications"])
    raise NoAnswer()


def cached(result):
    return dict(result, ttlMs=1234, cacheScope="public")


def read(p, ident):
    if p["uri"] == "test://ask":
        if "inputResponses" not in p:
            return required({"k": elicitation("Name?")}, "r")
        answer = p["inputResponses"]["k"]["content"]["answer"]
        return cached({"contents": [{"uri": p["uri"], "text": answer}]})
    if p["uri"] not in ("test://1", "test://2"):
        raise Refused(-32602, "no such resource", {"uri": p["uri"]})
    return cached({"contents": [{"uri": p["uri"], "text": "text of " + p["uri"]}]})


def prompt(p, ident):
    if "inputResponses" not in p:
        return required({"k": elicitation("Name?")}, "p")
    said = json.dumps(p["inputResponses"]["k"])
    return {"messages": [{"role": "user", "content": {"type": "text", "text": said}}]}


METHODS = {
    "server/discover": discover,
    "subscriptions/listen": listen,
    "tools/list": lambda p, i: cached({"tools": [{"name": n, "inputSchema": {"type": "object"}}
                                                 for n in TOOLS]}),
    "prompts/list": lambda p, i: cached({"prompts": [{"name": "greeting"}]}),
    "prompts/get": prompt,
    "resources/list": lambda p, i: cached({"resources": [
        {"uri": u, "name": u} for u in ("test://1", "test://2", "test://ask")]}),
    "resources/templates/list": lambda p, i: cached({"resourceTemplates": []}),
    "resources/read": read,
}


def call_tool(p, ident):
    fn = CALLS.get(p["name"])
    if fn is None:
        raise Refused(-32602, "Unknown tool: %s" % p["name"])
    return fn(p.get("arguments") or {}, p)


def initialize(p, ident):
    return {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}},
            "serverInfo": {"name": "dual", "version": "1"}}


def check_envelope(p):
    meta = p.get("_meta") or {}
    version = meta.get(PREFIX + "protocolVersion")
    if version is None or not isinstance(meta.get(PREFIX + "clientCapabilities"), dict):
        raise Refused(-32602, "Invalid params: _meta lacks what is required")
    if version not in ARGS.versions.split(","):
        raise Refused(-32022, "Unsupported protocol version",
                      {"supported": ARGS.versions.split(","), "requested": version})


def answer(method, p, ident):
    if method == "initialize" and ARGS.dual:
        return initialize(p, ident)
    if method == "server/discover" and ARGS.never_again:
        raise Refused(-32601, "Method not found")
    if not (SEEN[0] == "initialize" and ARGS.dual):
        check_envelope(p)
    if method == "tools/call":
        result = call_tool(p, ident)
    elif method in METHODS:
        result = METHODS[method](p, ident)
    else:
        raise Refused(-32601, "Method not found: " + method)
    meta = dict(result.get("_meta") or {}, **{PREFIX + "serverInfo": {"name": "m", "version": "1"}})
    return dict({"resultType": "complete"}, **dict(result, _meta=meta))


def handle(msg):
    method, p, ident = msg.get("method"), msg.get("params") or {}, msg.get("id")
    if method is None:
        SEEN.append("response")
        return
    if method == "notifications/cancelled":
        SEEN.append("%s %s" % (method, p.get("requestId")))
        LISTENS.pop(p.get("requestId"), None)
        HELD.pop(p.get("requestId"), None)
        return
    SEEN.append(method)
    if ident is None:
        return
    try:
        send({"id": ident, "result": answer(method, p, ident)})
    except Refused as e:
        error = {"code": e.code, "message": e.text}
        if e.data is not None:
            error["data"] = e.data
        send({"id": ident, "error": error})
    except NoAnswer:
        pass


def main():
    global ARGS
    parser = argparse.ArgumentParser()
    parser.add_argument("--state")
    parser.add_argument("--versions", default="2026-07-28")
    parser.add_argument("--dual", action="store_true")
    parser.add_argument("--no-logging", action="store_true")
    parser.add_argument("--no-listen", action="store_true")
    parser.add_argument("--hold-ack", action="store_true")
    parser.add_argument("--late", action="store_true")
    parser.add_argument("--never-again", action="store_true")
    ARGS = parser.parse_args()
    if ARGS.state:
        with open(ARGS.state, "a+") as f:
            f.write("%d\n" % os.getpid())
            f.seek(0)
            ARGS.never_again = ARGS.never_again and len(f.readlines()) > 1
    else:
        ARGS.never_again = False
    held = []
    for msg in map(json.loads, sys.stdin):
        if ARGS.late and msg.get("method") == "server/discover":
            held.append(msg)
            continue
        handle(msg)
        while held and msg.get("method") == "initialize":
            handle(held.pop())


main()
