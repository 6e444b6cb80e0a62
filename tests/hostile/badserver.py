#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""A stdio MCP server of revision 2025-11-25 that makes as much noise as it can, each time for a bounded while.

Its list of tools is another one each time, and after each listing it says that the list has changed. Tools:
echo; junk(lines), notes(count), words(lines): floods of lines that are no JSON, of notifications, of stderr.
"""

import json
import os
import sys

listed = 0


def write(fd, data):
    while data:
        data = data[os.write(fd, data):]


def send(**msg):
    write(1, json.dumps(dict({"jsonrpc": "2.0"}, **msg)).encode() + b"\n")


def listing():
    global listed
    listed += 1
    names = ["echo", "junk", "notes", "words", "tool_%d" % listed]
    return {"tools": [{"name": n, "inputSchema": {"type": "object"}} for n in names]}


def call(name, arguments):
    count = int(arguments.get("count", 1000))
    if name == "junk":
        write(1, (b"\x1b[31mnot JSON at all " + b"x" * 80 + b"\n") * count)
    elif name == "notes":
        note = {"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": "x" * 80}}
        write(1, (json.dumps(note) + "\n").encode() * count)
    elif name == "words":
        write(2, b"words of the child, API_KEY=0123456789abcdef\n" * count)
    return {"content": [{"type": "text", "text": str(arguments.get("text", "done"))}]}


def answer(method, params):
    if method == "initialize":
        return {"protocolVersion": params["protocolVersion"], "serverInfo": {"name": "churn", "version": "1"},
                "capabilities": {"tools": {"listChanged": True}, "logging": {}}}
    if method == "tools/list":
        return listing()
    if method == "tools/call":
        return call(params["name"], params.get("arguments") or {})
    return None if method == "server/discover" else {}


for line in sys.stdin:
    request = json.loads(line)
    if "id" not in request or "method" not in request:
        continue
    result = answer(request["method"], request.get("params") or {})
    if result is None:
        send(id=request["id"], error={"code": -32601, "message": "Method not found"})
        continue
    send(id=request["id"], result=result)
    if request["method"] == "tools/list":
        send(method="notifications/tools/list_changed")
