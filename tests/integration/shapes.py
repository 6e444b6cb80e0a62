#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""A stdio MCP server that says what one revision says and others do not. Needs nothing but Python 3.

    shapes.py REVISION

Tools: list (structured content that is an array), link (a resource link, an audio block, annotations), url
(demands a visit first: 2025-11-25 with an error, 2026-07-28 with a question), long (runs as a task alone, in
2026-07-28 by the extension, and who listens hears of it), code(code) (that error). Resource: test:there. Nothing else is there.
"""

import json
import sys

REV = sys.argv[1]
PREFIX = "io.modelcontextprotocol/"
EXTENSION = PREFIX + "tasks"
VISITED, TASKS, LISTENS = [], {}, {}

TOOLS = [
    {"name": "list", "title": "A list", "inputSchema": {"type": "object"}, "icons": [{"src": "data:,"}],
     "outputSchema": {"type": "array", "items": {"$ref": "#/$defs/n"}, "$defs": {"n": {"type": "number"}}}},
    {"name": "link", "inputSchema": {"type": "object"}},
    {"name": "url", "inputSchema": {"type": "object"}},
    {"name": "long", "inputSchema": {"type": "object"}, "execution": {"taskSupport": "required"}},
    {"name": "code", "inputSchema": {"type": "object"}},
]


class Refused(Exception):
    def __init__(self, code, data=None):
        super().__init__()
        self.code, self.data = code, data


def send(msg):
    sys.stdout.write(json.dumps(dict({"jsonrpc": "2.0"}, **msg)) + "\n")
    sys.stdout.flush()


def initialize(params):
    return {"protocolVersion": REV, "serverInfo": {"name": "shapes", "version": "1"},
            "capabilities": {"tools": {}, "resources": {},
                             "tasks": {"cancel": {}, "requests": {"tools": {"call": {}}}}}}


def discover(params):
    return {"supportedVersions": [REV], "ttlMs": 0, "cacheScope": "public",
            "capabilities": {"tools": {}, "resources": {}, "extensions": {EXTENSION: {}}}}


def text(value, **more):
    return dict({"content": [{"type": "text", "text": value}]}, **more)


def link(params):
    return {"content": [{"type": "resource_link", "uri": "test:there", "name": "there"},
                        {"type": "audio", "data": "", "mimeType": "audio/wav"},
                        {"type": "text", "text": "x", "annotations": {"priority": 1}, "_meta": {}}]}


def url(params):
    if REV >= "2026" and "inputResponses" not in params:
        return {"resultType": "input_required", "inputRequests": {"visit": {
            "method": "elicitation/create",
            "params": {"mode": "url", "message": "go", "url": "https://x.example/"}}}}
    if REV >= "2026":
        return text(json.dumps(params["inputResponses"]))
    if not VISITED:
        VISITED.append(True)
        raise Refused(-32042, {"elicitations": [{"mode": "url", "elicitationId": "e1", "message": "go",
                                                 "url": "https://x.example/"}]})
    return text("visited")


def long(params):
    ident = "task-%d" % len(TASKS)
    if REV >= "2026":
        if EXTENSION not in params["_meta"][PREFIX + "clientCapabilities"].get("extensions", {}):
            raise Refused(-32021, {"requiredCapabilities": {"extensions": {EXTENSION: {}}}})
        TASKS[ident] = "input_required"
        return dict(task({"taskId": ident}), resultType="task")
    if "task" not in params:
        raise Refused(-32601)
    TASKS[ident] = "working"
    return {"task": {"taskId": ident, "status": "working", "ttl": 60000, "createdAt": "2026-01-01T00:00:00Z",
                     "lastUpdatedAt": "2026-01-01T00:00:00Z"}}


def code(params):
    raise Refused(params["arguments"]["code"], {"what": "for"})


def call(params):
    return {"list": lambda p: {"content": [], "structuredContent": [1, 2]}, "link": link, "url": url,
            "long": long, "code": code}[params["name"]](params)


def task(params):
    if params["taskId"] not in TASKS:
        raise Refused(-32602)
    if REV >= "2026":
        state = TASKS[params["taskId"]]
        more = {"input_required": {"inputRequests": {"who": {
                    "method": "elicitation/create", "params": {"message": "Who?", "requestedSchema": {
                        "type": "object", "properties": {}}}}}},
                "completed": {"result": text("done")}}.get(state, {})
        return dict({"taskId": params["taskId"], "status": state, "ttlMs": 60000,
                     "createdAt": "2026-01-01T00:00:00Z", "lastUpdatedAt": "2026-01-01T00:00:00Z"}, **more)
    return {"taskId": params["taskId"], "status": TASKS[params["taskId"]], "ttl": 60000,
            "createdAt": "2026-01-01T00:00:00Z", "lastUpdatedAt": "2026-01-01T00:00:00Z"}


def task_result(params):
    meta = {PREFIX + "related-task": {"taskId": task(params)["taskId"]}}
    TASKS[params["taskId"]] = "completed"
    return text("done", _meta=meta)


def listen(params):
    ids = [i for i in params["notifications"].get("taskIds", []) if i in TASKS]
    stamp = {PREFIX + "subscriptionId": params["id"]}
    LISTENS[params["id"]] = ids
    send({"method": "notifications/subscriptions/acknowledged",
          "params": {"notifications": {"taskIds": ids}, "_meta": stamp}})


def tell(ident):
    for stream, ids in LISTENS.items():
        if ident in ids:
            send({"method": "notifications/tasks",
                  "params": dict(task({"taskId": ident}), _meta={PREFIX + "subscriptionId": stream})})


def task_cancel(params):
    TASKS[params["taskId"]] = "cancelled"
    if REV >= "2026":
        tell(params["taskId"])
    return {} if REV >= "2026" else task(params)


def task_update(params):
    assert params["inputResponses"]["who"]["action"] == "accept", params
    TASKS[task(params)["taskId"]] = "completed"
    tell(params["taskId"])
    return {}


def read(params):
    if params["uri"] == "test:there":
        return {"contents": [{"uri": params["uri"], "text": "here", "_meta": {}}]}
    if REV < "2026":
        raise Refused(-32002)
    raise Refused(-32602, {"uri": params["uri"]})


METHODS = {
    "tools/list": lambda p: {"tools": TOOLS},
    "tools/call": call,
    "resources/list": lambda p: {"resources": [{"uri": "test:there", "name": "there", "title": "There"}]},
    "resources/templates/list": lambda p: {"resourceTemplates": []},
    "resources/read": read,
}
if REV >= "2026":
    METHODS.update({"server/discover": discover, "tasks/get": task, "tasks/update": task_update,
                    "tasks/cancel": task_cancel})
else:
    METHODS.update({"initialize": initialize, "tasks/get": task, "tasks/result": task_result,
                    "tasks/cancel": task_cancel})


def serve(msg):
    try:
        method = METHODS.get(msg["method"])
        if not method:
            raise Refused(-32601)
        result = method(msg.get("params", {}))
        send({"id": msg["id"], "result": dict({"resultType": "complete"}, **result) if REV >= "2026"
              else result})
    except Refused as e:
        error = {"code": e.code, "message": "refused"}
        send({"id": msg["id"], "error": error if e.data is None else dict(error, data=e.data)})


for line in sys.stdin:
    message = json.loads(line)
    if message.get("method") == "subscriptions/listen":
        listen(dict(message["params"], id=message["id"]))
    elif message.get("method") == "notifications/cancelled":
        LISTENS.pop(message["params"]["requestId"], None)
    elif "id" in message and "method" in message:
        serve(message)
