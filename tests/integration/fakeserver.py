#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""A stdio MCP server that behaves as badly as it is told to. Needs nothing but Python 3.

Options: how it starts and stops
  --state FILE         append one line "PID" at each start (how often was it started?)
  --stderr TEXT        write TEXT as a line to stderr at the start
  --die-start STATUS   exit with STATUS before initialize is answered
  --die-times N        (with --state) do that only in the first N starts
  --live-times N       (with --state) do not do that in the first N starts
  --hang-start         never answer initialize
  --die-discover       exit on server/discover    --mute-discover   do not answer it
  --slow-start SEC     answer initialize after SEC seconds
  --garbage-start      write lines that are not JSON-RPC before the answer to initialize
  --init-error         answer initialize with an error
  --version REV        answer initialize with this protocol version (default: what was asked for)
  --ignore-term        ignore SIGTERM
  --ignore-eof         live on when stdin is closed
  --no-read            read nothing after initialize

Options: what it offers
  --tools N            N more tools: tool_0, tool_1, ...
  --page N             lists come in pages of N entries
  --repeat-cursor      every page names the same next page
  --endless            every page names a new next page, for ever
  --no-templates       resources/templates/list is not a known method
  --list-error KIND    KIND/list (tools, prompts, resources) answers an error
  --only KINDS         declare these capabilities only (comma-separated: tools,prompts,resources,
                       logging,completions)
  --conditional        offer the tool "needs_sampling" only to a client that can sample; it is added
                       after notifications/initialized, and list_changed says so
  --ask-start          asks for the roots after notifications/initialized, as told by asked()

Resources: test://1 and test://2 (both can be subscribed to; test://refused refuses), template test://{id}.
Prompts: greeting(name). Completion: NAME completes to NAME-1, NAME-2.

Tools (arguments in parentheses; all answer with one text item, JSON where there is more to say):
  echo(text)  pid()  env()  cwd()  counter()   the counter counts the calls of it in this process
  client()             what the client said in initialize
  call()               the id and the _meta of this very call
  seen()               methods of everything received so far, in order; cancelled ones with requestId
  slow(seconds)        answers later; not at all once it was cancelled
  hang()               never answers
  progress(steps, delay)   progress notifications under the token of the call, then the answer
  deadtoken()          answers, then sends progress for its own token
  log(level, text)     notifications/message, then the answer
  loglevel()           the level set by logging/setLevel, or null
  subs()               the URIs subscribed to
  update(uri)          notifications/resources/updated, then the answer
  sample(text)  elicit(message)  roots()       ask the client; the answer is what it said
  ask_later(method, params, delay)   answers at once, asks after DELAY seconds (outside any call);
                       what came back is told by asked()
  asked()              the answer to the last question of ask_later or ask_aside, or null
  ask_aside(method, params)   asks before it answers, but does not wait: told by asked()
  ask_cancel()         asks elicitation/create, cancels that itself, then answers
  set_tools(names)     the extra tools are these now; notifications/tools/list_changed
  double()             answers twice         wrongid()  answers under an id of its own, then right
  unknown()            answers an id that nobody asked for, then right
  lost()               answers only under an id that nobody asked for
  garbage(lines)       lines that are not JSON-RPC, then the answer
  big(bytes)           a text of that size  toolong(bytes)   one line of that size, no answer
  midline()            exits in the middle of a line
  die(status)          exits                 crash()    killed by SIGKILL
  close_stdout()       closes stdout and lives on
  close_stdin()        closes stdin, answers and lives on
  stop_reading()       answers, then reads no more
  flood(count)         so many log notifications, then the answer
  stderr(text, lines)  writes to stderr
  grandchild(how)      starts a process that sleeps; answers its pid. HOW: "plain", "setsid" (leaves the
                       group), "hold" (setsid, keeps stdout open), "stubborn" (ignores SIGTERM)
"""

import argparse
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time

OUT = threading.Lock()
STATE = {"client": None, "level": None, "subs": [], "seen": [], "count": 0, "asked": None,
         "extra": [], "reading": True, "cancelled": {}, "waiting": {}, "next": 1}
ARGS = None


class Refused(Exception):
    def __init__(self, code, text):
        super().__init__(text)
        self.code, self.text = code, text


class NoAnswer(Exception):
    """The tool has said all it will say."""


def write(text):
    data = text.encode()
    with OUT:
        while data:
            data = data[os.write(1, data):]


def send(msg):
    write(json.dumps(dict({"jsonrpc": "2.0"}, **msg), separators=(",", ":")) + "\n")


def notify(method, params=None):
    send({"method": method, "params": params} if params is not None else {"method": method})


def text(value):
    if not isinstance(value, str):
        value = json.dumps(value)
    return {"content": [{"type": "text", "text": value}]}


def ask(method, params, mine=None):
    """Asks the client and waits for the answer: its result or its error object."""
    box = queue.Queue()
    with OUT:
        ident = "q%d" % STATE["next"] if STATE["next"] % 2 else STATE["next"]
        STATE["next"] += 1
        STATE["waiting"][ident] = box
    msg = {"id": ident, "method": method}
    if params is not None:
        msg["params"] = params
    send(msg)
    if mine is not None:
        return ident
    return box.get()


def sleep_until(seconds, ident):
    event = STATE["cancelled"].setdefault(ident, threading.Event())
    if event.wait(seconds):
        raise NoAnswer()


# --- tools ---------------------------------------------------------------------------------------

def t_progress(a, ident, token):
    for i in range(a.get("steps", 3)):
        if token is not None:
            notify("notifications/progress", {"progressToken": token, "progress": i + 1,
                                              "total": a.get("steps", 3), "message": "step"})
        time.sleep(a.get("delay", 0))
    return text("done")


def t_deadtoken(a, ident, token):
    send({"id": ident, "result": text("done")})
    notify("notifications/progress", {"progressToken": token, "progress": 99})
    raise NoAnswer()


def t_slow(a, ident, token):
    sleep_until(a.get("seconds", 1), ident)
    return text("slept")


def t_hang(a, ident, token):
    raise NoAnswer()


def t_log(a, ident, token):
    notify("notifications/message", {"level": a.get("level", "info"), "logger": "fake",
                                     "data": a.get("text", "hello")})
    return text("logged")


def t_update(a, ident, token):
    notify("notifications/resources/updated", {"uri": a["uri"]})
    return text("updated")


def t_sample(a, ident, token):
    return text(ask("sampling/createMessage", {
        "messages": [{"role": "user", "content": {"type": "text", "text": a.get("text", "?")}}],
        "maxTokens": 10}))


def t_elicit(a, ident, token):
    return text(ask("elicitation/create", {
        "message": a.get("message", "?"),
        "requestedSchema": {"type": "object", "properties": {"answer": {"type": "string"}}}}))


def t_roots(a, ident, token):
    return text(ask("roots/list", None))


def t_ask_later(a, ident, token):
    def later():
        time.sleep(a.get("delay", 0.1))
        STATE["asked"] = ask(a.get("method", "roots/list"), a.get("params"))
    threading.Thread(target=later, daemon=True).start()
    return text("later")


def t_ask_aside(a, ident, token):
    # The question is on its way when the answer is.
    sent = threading.Event()

    def aside():
        box = queue.Queue()
        STATE["waiting"]["aside"] = box
        send({"id": "aside", "method": a.get("method", "roots/list"), "params": a.get("params", {})})
        sent.set()
        STATE["asked"] = box.get()
    threading.Thread(target=aside, daemon=True).start()
    sent.wait()
    return text("aside")


def t_ask_cancel(a, ident, token):
    q = ask("elicitation/create", {"message": "never mind",
                                   "requestedSchema": {"type": "object", "properties": {}}}, True)
    notify("notifications/cancelled", {"requestId": q, "reason": "never mind"})
    return text("cancelled")


def t_set_tools(a, ident, token):
    STATE["extra"] = a["names"]
    notify("notifications/tools/list_changed")
    return text("set")


def t_double(a, ident, token):
    send({"id": ident, "result": text("first")})
    send({"id": ident, "result": text("second")})
    raise NoAnswer()


def t_wrongid(a, ident, token):
    send({"id": "x%s" % ident, "result": text("wrong")})
    return text("right")


def t_unknown(a, ident, token):
    send({"id": 987654321, "result": text("wrong")})
    return text("right")


def t_lost(a, ident, token):
    send({"id": 987654321, "result": text("wrong")})
    raise NoAnswer()


def t_garbage(a, ident, token):
    for i in range(a.get("lines", 3)):
        write("this is not JSON \x1b[31m\n" if i % 2 else '{"jsonrpc":"1.0","id":[1]}\n')
    return text("after garbage")


def t_toolong(a, ident, token):
    left = a.get("bytes", 100 << 20)
    with OUT:  # nobody else writes into this line
        while left > 0:
            left -= os.write(1, b"x" * min(left, 65536))
        os.write(1, b"\n")
    raise NoAnswer()


def t_midline(a, ident, token):
    write('{"jsonrpc":"2.0","id":%s,"resu' % json.dumps(ident))
    os._exit(0)


def t_crash(a, ident, token):
    os.kill(os.getpid(), signal.SIGKILL)


def t_close_stdout(a, ident, token):
    os.close(1)
    raise NoAnswer()


def t_close_stdin(a, ident, token):
    STATE["reading"] = False
    os.close(0)
    return text("closed")


def t_stop_reading(a, ident, token):
    STATE["reading"] = False
    return text("stopped")


def t_flood(a, ident, token):
    for i in range(a.get("count", 1000)):
        notify("notifications/message", {"level": "info", "data": i})
    return text("flooded")


def t_stderr(a, ident, token):
    for _ in range(a.get("lines", 1)):
        os.write(2, (a.get("text", "words") + "\n").encode())
    return text("written")


def t_grandchild(a, ident, token):
    how = a.get("how", "plain")
    code = "import signal,time\n"
    if how == "stubborn":
        code += "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
    code += "print('up',flush=True)\ntime.sleep(1000)"
    keep = None if how == "hold" else subprocess.DEVNULL
    # It says that it is up on stderr's place, a pipe of our own.
    r, w = os.pipe()
    prog = code.replace("print('up',flush=True)", "import os; os.write(%d, b'u'); os.close(%d)" % (w, w))
    p = subprocess.Popen([sys.executable, "-c", prog], stdin=subprocess.DEVNULL,
                         stdout=keep, stderr=subprocess.DEVNULL, pass_fds=[w],
                         start_new_session=how in ("setsid", "hold"))
    os.close(w)
    os.read(r, 1)
    os.close(r)
    return text(p.pid)


def count():
    STATE["count"] += 1
    return STATE["count"]


TOOLS = {
    "echo": lambda a, i, t: text(a.get("text", "")),
    "pid": lambda a, i, t: text(os.getpid()),
    "env": lambda a, i, t: text(dict(os.environ)),
    "cwd": lambda a, i, t: text(os.getcwd()),
    "counter": lambda a, i, t: text(count()),
    "client": lambda a, i, t: text(STATE["client"]),
    "call": lambda a, i, t: text({"id": i, "token": t}),
    "seen": lambda a, i, t: text(STATE["seen"]),
    "loglevel": lambda a, i, t: text(STATE["level"]),
    "subs": lambda a, i, t: text(STATE["subs"]),
    "asked": lambda a, i, t: text(STATE["asked"]),
    "big": lambda a, i, t: text("x" * a.get("bytes", 1000)),
    "die": lambda a, i, t: os._exit(a.get("status", 1)),
    "slow": t_slow, "hang": t_hang, "progress": t_progress, "deadtoken": t_deadtoken,
    "log": t_log, "update": t_update, "sample": t_sample, "elicit": t_elicit, "roots": t_roots,
    "ask_later": t_ask_later, "ask_aside": t_ask_aside, "ask_cancel": t_ask_cancel, "set_tools": t_set_tools,
    "double": t_double, "wrongid": t_wrongid, "unknown": t_unknown, "lost": t_lost,
    "garbage": t_garbage, "toolong": t_toolong, "midline": t_midline, "crash": t_crash,
    "close_stdout": t_close_stdout, "close_stdin": t_close_stdin, "stop_reading": t_stop_reading,
    "flood": t_flood, "stderr": t_stderr, "grandchild": t_grandchild,
}


# --- methods -------------------------------------------------------------------------------------

def page_of(member, entries, params):
    size = ARGS.page
    start = int(params.get("cursor", "0") or 0)
    if not size:
        return {member: entries}
    result = {member: entries[start:start + size]}
    if ARGS.repeat_cursor:
        result["nextCursor"] = "0"
    elif ARGS.endless:
        result = {member: entries[:1], "nextCursor": str(start + 1)}
    elif start + size < len(entries):
        result["nextCursor"] = str(start + size)
    return result


def check_list(kind):
    if ARGS.list_error == kind:
        raise Refused(-32603, "the list is broken")


def m_initialize(params, ident):
    if ARGS.hang_start:
        raise NoAnswer()
    if ARGS.slow_start:
        time.sleep(ARGS.slow_start)
    if ARGS.garbage_start:
        write("Welcome to the server!\n{\n\n[]\n")
    if ARGS.init_error:
        raise Refused(-32000, "not today")
    STATE["client"] = params
    caps = {"tools": {"listChanged": True}, "prompts": {"listChanged": True},
            "resources": {"subscribe": True, "listChanged": True}, "logging": {}, "completions": {}}
    if ARGS.only is not None:
        caps = {k: caps[k] for k in ARGS.only.split(",") if k}
    return {"protocolVersion": ARGS.version or params.get("protocolVersion"), "capabilities": caps,
            "serverInfo": {"name": "fake", "version": "1"}, "instructions": "Be careful."}


def m_tools_list(params, ident):
    check_list("tools")
    names = list(TOOLS) + ["tool_%d" % i for i in range(ARGS.tools)] + STATE["extra"]
    return page_of("tools", [{"name": n, "description": "the tool " + n,
                              "inputSchema": {"type": "object"}} for n in names], params)


def m_tools_call(params, ident):
    name = params.get("name")
    token = params.get("_meta", {}).get("progressToken")
    if name in TOOLS:
        return TOOLS[name](params.get("arguments", {}), ident, token)
    if name in STATE["extra"] or (name or "").startswith("tool_"):
        return text(name)
    raise Refused(-32602, "unknown tool")


def m_prompts_list(params, ident):
    check_list("prompts")
    return page_of("prompts", [{"name": "greeting", "arguments": [{"name": "name",
                                                                   "required": True}]}], params)


def m_prompts_get(params, ident):
    if params.get("name") != "greeting":
        raise Refused(-32602, "unknown prompt")
    who = params.get("arguments", {}).get("name", "you")
    return {"messages": [{"role": "user", "content": {"type": "text", "text": "Hello " + who}}]}


def m_resources_list(params, ident):
    check_list("resources")
    return page_of("resources", [{"uri": "test://%d" % i, "name": "res %d" % i}
                                 for i in (1, 2)], params)


def m_templates_list(params, ident):
    if ARGS.no_templates:
        raise Refused(-32601, "Method not found")
    return page_of("resourceTemplates", [{"uriTemplate": "test://{id}", "name": "any"}], params)


def m_resources_read(params, ident):
    uri = params.get("uri", "")
    if not uri.startswith("test://"):
        raise Refused(-32002, "Resource not found")
    return {"contents": [{"uri": uri, "text": "content of " + uri}]}


def m_subscribe(params, ident):
    if params.get("uri") == "test://refused":
        raise Refused(-32602, "no")
    STATE["subs"].append(params["uri"])
    return {}


def m_unsubscribe(params, ident):
    if params["uri"] in STATE["subs"]:
        STATE["subs"].remove(params["uri"])
    return {}


def m_set_level(params, ident):
    STATE["level"] = params["level"]
    return {}


def m_complete(params, ident):
    value = params.get("argument", {}).get("value", "")
    return {"completion": {"values": [value + "-1", value + "-2"], "hasMore": False}}


METHODS = {
    "initialize": m_initialize, "ping": lambda p, i: {}, "tools/list": m_tools_list,
    "tools/call": m_tools_call, "prompts/list": m_prompts_list, "prompts/get": m_prompts_get,
    "resources/list": m_resources_list, "resources/templates/list": m_templates_list,
    "resources/read": m_resources_read, "resources/subscribe": m_subscribe,
    "resources/unsubscribe": m_unsubscribe, "logging/setLevel": m_set_level,
    "completion/complete": m_complete,
}


def m_discover(params, ident):
    if ARGS.die_discover:
        os._exit(1)
    if ARGS.mute_discover:
        raise NoAnswer()
    raise Refused(-32601, "Method not found")


METHODS["server/discover"] = m_discover


def serve(msg):
    try:
        fn = METHODS.get(msg["method"])
        if fn is None:
            raise Refused(-32601, "Method not found")
        send({"id": msg["id"], "result": fn(msg.get("params") or {}, msg["id"])})
    except NoAnswer:
        pass
    except Refused as why:
        send({"id": msg["id"], "error": {"code": why.code, "message": why.text}})
    except OSError:
        pass


def on_notification(msg):
    params = msg.get("params") or {}
    if msg["method"] == "notifications/cancelled":
        STATE["cancelled"].setdefault(params.get("requestId"), threading.Event()).set()
    if msg["method"] == "notifications/initialized" and ARGS.conditional and \
            "sampling" in STATE["client"]["capabilities"]:
        STATE["extra"] = ["needs_sampling"]
        notify("notifications/tools/list_changed")
    if msg["method"] == "notifications/initialized" and ARGS.ask_start:
        t_ask_aside({"method": "roots/list"}, None, None)


def handle(msg):
    if "method" not in msg:
        box = STATE["waiting"].pop(msg.get("id"), None)
        if box is not None:
            box.put(msg.get("result", {"error": msg.get("error")}))
        return
    seen = msg["method"]
    if seen == "notifications/cancelled":
        seen += " %s" % json.dumps((msg.get("params") or {}).get("requestId"))
    STATE["seen"].append(seen)
    if "id" not in msg:
        on_notification(msg)
    elif msg["method"] == "tools/call":
        threading.Thread(target=serve, args=(msg,), daemon=True).start()
    else:
        serve(msg)


def lines():
    buf = b""
    while STATE["reading"]:
        try:
            data = os.read(0, 65536)
        except OSError:
            break
        if not data:
            break
        buf += data
        *whole, buf = buf.split(b"\n")
        yield from whole


def start():
    starts = 0
    if ARGS.state:
        with open(ARGS.state, "a+") as f:
            f.write("%d\n" % os.getpid())
            f.flush()
            f.seek(0)
            starts = len(f.readlines())
    if ARGS.ignore_term:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if ARGS.stderr:
        os.write(2, (ARGS.stderr + "\n").encode())
    if ARGS.die_start is not None and (not ARGS.live_times or starts > ARGS.live_times) and \
            (not ARGS.die_times or starts <= ARGS.die_times):
        os._exit(ARGS.die_start)


def main():
    global ARGS
    p = argparse.ArgumentParser()
    for name in ("--state", "--stderr", "--version", "--list-error", "--only"):
        p.add_argument(name)
    for name in ("--die-start", "--die-times", "--live-times", "--tools", "--page"):
        p.add_argument(name, type=int, default=None if name == "--die-start" else 0)
    p.add_argument("--slow-start", type=float, default=0)
    for name in ("--die-discover", "--mute-discover", "--hang-start", "--garbage-start", "--init-error", "--ignore-term", "--ignore-eof",
                 "--no-read", "--ask-start", "--repeat-cursor", "--endless", "--no-templates", "--conditional"):
        p.add_argument(name, action="store_true")
    ARGS = p.parse_args()
    start()
    for line in lines():
        handle(json.loads(line))
        if ARGS.no_read and STATE["client"] is not None:
            STATE["reading"] = False
    # No more to read: stopped, or told not to read, or told to live on.
    while not STATE["reading"] or ARGS.ignore_eof:
        time.sleep(1000)
    os._exit(0)


if __name__ == "__main__":
    main()
