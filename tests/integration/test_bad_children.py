#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""A session whose child misbehaves harms no other session, whatever the child does, and the session
itself goes on."""

from harness import *


def fails(call, *words):
    """That a call ends with an error of the server that has all WORDS in its text."""
    try:
        text = call()
    except RpcError as e:
        equal((e.status, e.code), (200, -32603), "status and code")
        for word in words:
            assert word in e.message, "%r is not in: %s" % (word, e.message)
        return e
    raise AssertionError("answered: %s" % text)


class Bystanders:
    """Sessions that have nothing to do with it: one with a child of the same backend, one of another
    backend. They are asked again and again while it happens."""

    def __init__(self, d):
        self.daemon = d
        self.same, self.other = Client(d, "/mcp/fake"), Client(d, "/mcp/tiny")
        self.pids = self.same.tool("pid"), self.other.tool("pid")

    def ask(self):
        equal(self.same.tool("echo", text="hi"), "hi", "answer of the same backend")
        equal(self.other.tool("echo"), "echo", "answer of another backend")

    def check(self):
        self.ask()
        equal((self.same.tool("pid"), self.other.tool("pid")), self.pids, "their children")
        equal(self.daemon.sessions(), 3, "sessions")


def setting(*args, verbose=0, limits=None, **keys):
    return Daemon({"fake": fake(*args, **keys), "tiny": tiny()}, verbose=verbose, limits=limits or {})


def goes_on(c, pid):
    """That the session has a fresh child now."""
    assert int(c.tool("pid")) != pid
    c.delete()


# A server that floods its output with what is no JSON once the tool "flood" was called, and whose list is
# another one each time, which it announces at once. The tool "count" says how many lines it got rid of, and
# how often it was asked for its list.
RESTLESS = r"""
import json, sys, threading
lock = threading.Lock()
lines = lists = 0

def say(message):
    with lock:
        sys.stdout.write(json.dumps(dict(message, jsonrpc="2.0")) + "\n")
        sys.stdout.flush()

def flood():
    global lines
    while True:
        with lock:
            for _ in range(10):
                sys.stdout.write("no JSON \x1b[31m" + 86 * "x" + "\n")
            sys.stdout.flush()
        lines += 10

for line in sys.stdin:
    m = json.loads(line)
    method, params = m["method"], m.get("params", {})
    if "id" not in m:
        continue
    if method == "initialize":
        result = {"protocolVersion": params["protocolVersion"], "serverInfo": {"name": "r", "version": "1"},
                  "capabilities": {"tools": {"listChanged": True}}}
    elif method == "tools/list":
        lists += 1
        result = {"tools": [{"name": n, "inputSchema": {"type": "object"}}
                            for n in ("flood", "count", "tool%d" % lists)]}
    elif method == "tools/call":
        if params["name"] == "flood":
            threading.Thread(target=flood, daemon=True).start()
        result = {"content": [{"type": "text", "text": "%d %d" % (lines, lists)}]}
    else:
        say({"id": m["id"], "error": {"code": -32601, "message": "no"}})
        continue
    say({"id": m["id"], "result": result})
    if method == "tools/list":
        say({"method": "notifications/tools/list_changed"})
"""


def restless(**keys):
    return Daemon({"r": dict({"command": sys.executable, "args": ["-c", RESTLESS], "era": "legacy"}, **keys),
                   "tiny": tiny()})


@case("a child that floods its output with what is no JSON is read slowly, and nothing it answers is lost")
def _():
    with restless() as d:
        other, c = Client(d, "/mcp/tiny"), Client(d, "/mcp/r")
        began = time.monotonic()
        c.tool("flood")
        d.wait_log(r"the server sent a line that is not JSON .* which begins with: no JSON \\x1b\[31mxxx")
        # 2000 lines in a second, besides the first second's, the next one's and those in the pipe.
        while int(c.tool("count").split()[0]) < 10000:
            equal(other.tool("echo"), "echo", "answer of another backend")
        assert time.monotonic() - began >= 2, "10000 lines were read at once"
        equal(len([l for l in d.lines() if "which begins with" in l]), 1, "warnings")


# Says the secret of its environment wherever a server can say something that operators see: in lines that are no
# JSON, in a request that nobody knows, and where MODE wants that in its refusal of initialize.
TALKATIVE = r"""
import json, os, sys
secret = os.environ["API_KEY"]

def say(message):
    print(json.dumps(dict(message, jsonrpc="2.0")), flush=True)

print(70 * "x" + secret, flush=True)
for line in sys.stdin:
    m = json.loads(line)
    if "id" not in m or "method" not in m:
        continue
    if m["method"] == "initialize" and os.environ["MODE"] == "refuse":
        say({"id": m["id"], "error": {"code": -1, "message": "the key %s is no good" % secret}})
        continue
    result = {}
    if m["method"] == "initialize":
        result = {"protocolVersion": m["params"]["protocolVersion"], "serverInfo": {"name": "r", "version": "1"},
                  "capabilities": {"tools": {}}}
    elif m["method"] == "tools/list":
        say({"id": 1, "method": 5, "key": secret})
        say({"method": secret, "params": 5})
        result = {"tools": [{"name": "t", "inputSchema": {"type": "object"}}]}
    elif m["method"] == "tools/call":
        result = {"content": []}
    say({"id": m["id"], "result": result})
"""


@case("what a server says of its secrets reaches neither the log nor operators, whichever way it says it")
def _():
    key = secret("k-97ab-secret-of-a-server")
    for mode in ("serve", "refuse"):
        with Daemon({"r": {"command": sys.executable, "args": ["-c", TALKATIVE], "era": "legacy",
                           "env": {"API_KEY": key, "MODE": mode}}}, verbose=2) as d:
            c = Client(d, "/mcp/r")
            if mode == "serve":
                c.request("tools/call", {"name": "t", "arguments": {}})
            else:
                fails(lambda: c.request("tools/call", {"name": "t", "arguments": {}}), "the key *** is no good")
            d.wait_log(r"not JSON .* which begins with: x{70}\*\*\*( |$)")
            text = "\n".join(d.lines()) + json.dumps(d.ctl("backends.list")) + d.mcpctl("backend", "show", "r")
            assert not any(key[:n] in text for n in range(6, len(key))), text


@case("a server whose list is different each time is asked for it once a second")
def _():
    with restless(scope="shared") as d:
        began = time.monotonic()
        c = Client(d, "/mcp/r")
        while int(c.tool("count").split()[1]) < 9:
            pass
        assert time.monotonic() - began >= 2, "9 listings at once"


@case("a server whose list is different each time is idle when nobody calls it")
def _():
    with restless(scope="shared", idleStop=2) as d:
        Client(d, "/mcp/r").tool("count")
        assert d.children()
        wait_until(lambda: d.children() == [], "end of the child")


LONG = r"""
import json, sys
for line in sys.stdin:
    m = json.loads(line)
    if "id" not in m:
        continue
    if m["method"] == "initialize":
        result = {"protocolVersion": m["params"]["protocolVersion"], "serverInfo": {"name": "l", "version": "1"},
                  "capabilities": {"tools": {}}}
    elif m["method"] == "tools/list":
        result = {"tools": [{"name": "long", "inputSchema": {"type": "object"}}]}
    else:
        n = m["params"]["arguments"]["n"]
        result = {"content": [], "structuredContent": {"all": n * [1]}}
    print(json.dumps({"jsonrpc": "2.0", "id": m["id"], "result": result}, separators=(",", ":")), flush=True)
"""


@case("a turn of the loop that takes long is a warning and in the status, with its cause")
def _():
    with Daemon({"long": {"command": sys.executable, "args": ["-c", LONG], "era": "legacy"}},
                limits={"maxLine": 64 << 20}) as d:
        c = Client(d, "/mcp/long")
        n, turn = 1000000, None
        while not turn or turn["processorMs"] <= 100:  # a fast machine needs more of it
            assert n < 32000000, turn
            c.request("tools/call", {"name": "long", "arguments": {"n": n}})
            turn, n = d.ctl("status")["longestTurns"]["sinceStart"], 2 * n
        d.wait_log(r"A turn of the loop took \d+ ms of processor time \(\d+ ms by the clock\): .* long")
        assert turn["what"].endswith(" long") and turn["wallMs"] > 0, turn
        recent = d.ctl("status")["longestTurns"]["lastMinute"]
        assert recent["processorMs"] <= turn["processorMs"] and recent["what"], recent


@case("a child that hangs: its call waits, all else goes on; closing the session ends it")
def _():
    with setting() as d:
        others = Bystanders(d)
        c = Client(d, "/mcp/fake")
        pid = int(c.tool("pid"))
        c.begin_tool("hang")
        others.check()
        equal(c.tool("echo", text="meanwhile"), "meanwhile", "another call of the same session")
        c.delete()
        wait_until(lambda: proc_stat(pid) is None, "end of the child")


@case("a child that hangs: the call ends at its time limit, and the server is told to stop it")
def _():
    with setting(callTimeout=5) as d:
        others = Bystanders(d)
        c = Client(d, "/mcp/fake")
        c.tool("pid")
        fails(lambda: c.tool("hang"), "5 s")
        assert any(m.startswith("notifications/cancelled") for m in json.loads(c.tool("seen")))
        others.check()


@case("a child that dies in the middle of a line: the call fails, a fresh child takes over")
def _():
    with setting() as d:
        others = Bystanders(d)
        c = Client(d, "/mcp/fake")
        pid = int(c.tool("pid"))
        waiting = c.begin_tool("hang")
        fails(lambda: c.tool("midline"), "exited")
        fails(lambda: c.end(waiting).text(), "exited")
        others.check()
        goes_on(c, pid)


@case("a child that is killed, exits with a status, closes stdout, closes stdin")
def _():
    with setting() as d:
        others = Bystanders(d)
        for tool, args, words in (("crash", {}, ["SIGKILL"]), ("die", {"status": 7}, ["7"]),
                                  ("close_stdout", {}, ["closed"])):
            c = Client(d, "/mcp/fake")
            pid = int(c.tool("pid"))
            fails(lambda: c.tool(tool, **args), *words)
            others.check()
            goes_on(c, pid)
        c = Client(d, "/mcp/fake")
        c.tool("close_stdin")
        fails(lambda: c.tool("echo"), "closed")
        equal(c.tool("echo", text="fresh"), "fresh", "answer of a fresh child")


@case("a child that writes garbage: ignored and logged without control bytes, the answer is found")
def _():
    with setting("--garbage-start", verbose=1) as d:
        others = Bystanders(d)
        c = Client(d, "/mcp/fake")
        equal(c.tool("garbage", lines=1000), "after garbage", "answer")
        others.check()
        said = [l for l in d.lines() if "JSON" in l]
        assert 1 < len(said) < 200, "%d lines about it" % len(said)
        assert all(c.isprintable() for l in d.lines() for c in l), "a control byte is in the log"


@case("a child that writes 100 MB without a newline: the call fails, memory stays small")
def _():
    with setting(limits={"maxLine": 1 << 20}) as d:
        others = Bystanders(d)
        c = Client(d, "/mcp/fake")
        pid = c.tool("pid")
        before = rss(d.pid)
        begun = c.begin_tool("toolong", {"bytes": 100 << 20})
        for _ in range(20):
            others.ask()
        fails(lambda: c.end(begun).text(), "limits.maxLine")
        if not sanitized():
            assert rss(d.pid) - before < 16 << 10, "%d KiB more" % (rss(d.pid) - before)
        equal(c.tool("pid"), pid, "child: the rest of the line was skipped")
        others.check()


@case("a child that ignores SIGTERM and the end of its input: it is killed; others do not wait")
def _():
    with setting("--ignore-term", "--ignore-eof", verbose=1) as d:
        others = Bystanders(d)
        c = Client(d, "/mcp/fake")
        pid = int(c.tool("pid"))
        c.delete()
        assert alive(pid)
        equal(d.sessions(), 2, "sessions")
        others.ask()
        wait_until(lambda: proc_stat(pid) is None, "end of the child")
        d.wait_log("^child %d ignores SIGTERM" % pid)
        others.ask()


@case("a child that reads no more: its calls wait, others go on, its session can be closed")
def _():
    with setting(limits={"maxLine": 1 << 20}, callTimeout=5) as d:
        others = Bystanders(d)
        c = Client(d, "/mcp/fake")
        pid = int(c.tool("pid"))
        c.tool("stop_reading")
        big = "x" * 200000
        begun = [c.begin_tool("echo", {"text": big}) for _ in range(10)]
        others.check()
        for b in begun:
            fails(lambda: c.end(b).text())
        c.delete()
        wait_until(lambda: proc_stat(pid) is None, "end of the child")


@case("a child that floods with messages or stderr: the log is limited, others go on")
def _():
    with setting(verbose=1) as d:
        others = Bystanders(d)
        c = Client(d, "/mcp/fake")
        begun = c.begin_tool("flood", {"count": 20000})
        written = c.begin_tool("stderr", {"text": "x\x1b[2Jy\xff" * 20, "lines": 20000})
        for _ in range(20):
            others.ask()
        equal(c.end(begun).text(), "flooded", "answer")
        equal(c.end(written).text(), "written", "answer")
        lines = [l for l in d.lines() if l.startswith("stderr of child")]
        assert 0 < len(lines) < 2000, "%d lines of stderr in the log" % len(lines)
        assert all(c.isprintable() for l in d.lines() for c in l), "a control byte is in the log"
        others.check()


@case("a child that answers twice, wrongly, or never under the right id")
def _():
    with setting(callTimeout=5) as d:
        others = Bystanders(d)
        c = Client(d, "/mcp/fake")
        for tool, wanted in (("double", "first"), ("wrongid", "right"), ("unknown", "right"),
                             ("deadtoken", "done")):
            equal(c.start_tool(tool, token="t").text(), wanted, tool)
        fails(lambda: c.tool("lost"), "5 s")
        others.check()


@case("a child that asks questions nobody answers: the call can be cancelled")
def _():
    with setting() as d:
        others = Bystanders(d)
        c = Client(d, "/mcp/fake", caps={"sampling": {}, "elicitation": {}})
        p = c.start_tool("sample")
        equal(p.ask()["method"], "sampling/createMessage", "question")
        others.check()
        c.notify("notifications/cancelled", {"requestId": p.id})
        assert p.next() is None, "a response to a cancelled request"
        equal(c.tool("echo", text="hi"), "hi", "answer")


@case("shared: one client's crash ends the calls in flight of all, and every session goes on")
def _():
    with setting(scope="shared") as d:
        a, b = Client(d, "/mcp/fake"), Client(d, "/mcp/fake")
        pid = a.tool("pid")
        hanging = b.begin_tool("hang")
        fails(lambda: a.tool("crash"), "SIGKILL")
        fails(lambda: b.end(hanging).text(), "SIGKILL")
        fresh = {a.tool("pid"), b.tool("pid")}
        assert len(fresh) == 1 and pid not in fresh


API_KEY = "key-5f0c1a9e77d24b"


def said_of(d, name):
    return next(b for b in d.ctl("backends.list") if b["name"] == name)


def refusal(c, tool, **arguments):
    """The message of the error that a call ends with."""
    try:
        c.tool(tool, **arguments)
    except RpcError as e:
        return e.message
    raise AssertionError("no error")


@case("what a server said before it died at its start is for operators alone, and without its secrets")
def _():
    for verbose in (0, 1):
        server = fake("--die-start", 3, "--stderr", "cannot log in with API_KEY=" + API_KEY, env={"API_KEY": API_KEY})
        with Daemon({"fake": server, "other": tiny()}, verbose=verbose) as d:
            wait_until(lambda: said_of(d, "fake")["state"] == "failed", "the failure")
            message = refusal(Client(d, "/mcp/fake"), "pid")
            assert "exited with status 3" in message and "log in" not in message, message
            row = said_of(d, "fake")
            equal(row["lastStderr"], "cannot log in with API_KEY=***")
            assert "exited with status 3" in row["reason"] and "log in" not in row["reason"], row
            log = "\n".join(d.lines())
            assert API_KEY not in log
            assert ("API_KEY=***" in log) == bool(verbose), log
            assert API_KEY not in json.dumps(d.ctl("backends.list"))


@case("what a server said before it died in a call is for operators alone, and without its secrets")
def _():
    with Daemon({"fake": fake(env={"API_KEY": API_KEY, "SHORT": "yes"})}) as d:
        c = Client(d)
        c.tool("stderr", text="yes, the key is %s%s" % (API_KEY, API_KEY), lines=1)
        message = refusal(c, "die", status=7)
        assert "exited with status 7" in message and "the key" not in message, message
        equal(said_of(d, "fake")["lastStderr"], "yes, the key is ******")
        log = "\n".join(d.lines())
        assert API_KEY not in log and "the key is" not in log, log


@case("what a command says on stderr when it fails is part of its result, but for the values of its env")
def _():
    tools = {"fail": {"description": "fails", "command": ["/bin/sh", "-c", "echo no $API_KEY >&2; exit 1"]}}
    with Daemon({"host": {"env": {"API_KEY": API_KEY}, "tools": tools}}) as d:
        got = Client(d).request("tools/call", {"name": "fail"})
        equal((got["isError"], got["content"][0]["text"]), (True, "no ***\n"))


run()
