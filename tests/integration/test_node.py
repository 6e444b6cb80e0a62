#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Real clients and real servers through mcpd: the official TypeScript SDK client and MCP Inspector's
command line, with server-everything and server-filesystem as children.

They are pinned in node/package-lock.json; `npm ci` there (or in a copy of that folder in the build
tree) installs them. Without them everything here is skipped, unless MCPD_TEST_REQUIRE=node.
"""

from nodesetting import *


def sdk_case(check, name):
    @case("SDK client: " + name)
    def _(d):
        need(d)
        S.sdk(d, check)


def need(d):
    if d is None:
        assert not REQUIRED, S.reason
        raise Skip(S.reason)


sdk_case("connect", "connects, and is told revision, capabilities and instructions")
sdk_case("tools", "tools of every kind of content, structured content, schemas as they are")
sdk_case("tool errors", "errors of tools")
sdk_case("resources", "resources and templates, text and binary")
sdk_case("prompts", "prompts, with arguments and embedded resources")
sdk_case("completion", "completion, with context")
sdk_case("progress", "progress of three calls at a time")
sdk_case("logging", "logging")
sdk_case("sampling", "sampling")
sdk_case("sampling refused", "sampling that the user refuses")
sdk_case("elicitation", "elicitation, accepted, declined and cancelled")
sdk_case("elicitation by URL", "elicitation by URL, and as an error")
sdk_case("roots", "roots, and their change")


@case("SDK client: cancellation reaches the server")
def _(d):
    need(d)
    sid = S.sdk(d, "cancellation")["session"]
    shown = d.ctl("session.show", id=sid)
    equal((shown["calls"], shown["inFlight"]), (0, []), "calls in flight")
    d.ctl("session.close", ids=[sid])


sdk_case("subscription", "subscription to a resource, and its end")
sdk_case("list changes", "changes of lists")
sdk_case("files", "server-filesystem reads, writes and refuses")
sdk_case("files with roots", "server-filesystem asks the client for its roots")
sdk_case("merged", "several servers under one URL, with prefixes")
sdk_case("several clients", "several clients at a time, each with its own child")
sdk_case("a terminated session", "a terminated session is gone: 404")


@case("SDK client: its sessions are all closed, and their children gone")
def _(d):
    need(d)
    S.end(d)
    equal(d.sessions(), 0, "sessions")
    d.wait_children(0)


@case("SDK client: a client that calls again and again does not notice that the daemon is restarted")
def _(d):
    need(d)
    with Daemon({"fake": fake()}, store=True) as own:
        S.sdk(own, "begin to call")
        for end in (own.stop, own.crash, own.stop, own.crash, own.crash):
            S.sdk(own, "calls are answered")
            own.restart(end)
        S.sdk(own, "calls are answered")
        S.sdk(own, "a notification comes")
        S.sdk(own, "end calling")
        equal(len([l for l in own.lines() if l.startswith("Session restored: ")]), 1, "restored")
        equal([l for l in own.lines() if l.startswith("Session created: ")], [], "created")
        S.end(own)


@case("server-everything: a tool that runs as a task alone, for a client that knows no tasks")
def _(d):
    need(d)
    c = Client(d, "/mcp/everything", rev="2025-06-18", caps={"elicitation": {}})
    pending = c.start_tool("simulate-research-query", {"topic": "cats", "ambiguous": True})
    asked = pending.ask()
    assert "_meta" not in asked["params"], asked
    c.answer(asked["id"], {"action": "accept", "content": {"interpretation": "historical"}})
    got = pending.result()
    assert "historical" in text_of(got) and "_meta" not in got, got
    c.delete()


@case("Inspector: tools")
def _(d):
    need(d)
    names = [t["name"] for t in result_of(S.inspector(d, "--method", "tools/list"))["tools"]]
    assert "echo" in names, names
    got = result_of(S.inspector(d, "--method", "tools/call", "--tool-name", "get-sum", "--tool-arg",
                                "a=2", "b=40"))
    assert "42" in text_of(got), got
    got = result_of(S.inspector(d, "--method", "tools/call", "--tool-name", "everything__echo",
                                "--tool-arg", "message=hello", path="/mcp"))
    assert "hello" in text_of(got), got


@case("Inspector: resources and templates")
def _(d):
    need(d)
    got = result_of(S.inspector(d, "--method", "resources/list"))
    assert len(got["resources"]) >= 7, got
    got = result_of(S.inspector(d, "--method", "resources/templates/list"))
    equal(len(got["resourceTemplates"]), 2, "templates")
    got = result_of(S.inspector(d, "--method", "resources/read", "--uri",
                                "demo://resource/dynamic/text/9"))
    assert "Resource 9" in got["contents"][0]["text"], got


@case("Inspector: prompts")
def _(d):
    need(d)
    got = result_of(S.inspector(d, "--method", "prompts/list"))
    equal(len(got["prompts"]), 4, "prompts")
    got = result_of(S.inspector(d, "--method", "prompts/get", "--prompt-name", "args-prompt",
                                "--prompt-args", "city=Oslo"))
    assert "Oslo" in got["messages"][0]["content"]["text"], got


@case("Inspector: logging, and files")
def _(d):
    need(d)
    S.inspector(d, "--method", "logging/setLevel", "--log-level", "debug")
    got = result_of(S.inspector(d, "--method", "tools/call", "--tool-name", "list_allowed_directories",
                                path="/mcp/files"))
    assert S.files in text_of(got), got


@case("Inspector: a path that is not there is an error")
def _(d):
    need(d)
    S.inspector(d, "--method", "tools/list", path="/mcp/nobody", status=1)


def result_of(answer):
    return answer.get("result", answer)


S = Setting()
if S.reason is None:
    run(S.daemon())
# run() gives a shared daemon to each case; without one each case is told why.
CASES[:] = [(name, lambda fn=fn: fn(None)) for name, fn in CASES]
run()
