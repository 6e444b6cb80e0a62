#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Several backends under one URL, each alone under its own, and where the daemon can be reached."""

from harness import *


def two(**config):
    return Daemon({"a": fake("--tools", 3), "b": fake("--tools", 5), "host": {"tools": {
        "hello": {"description": "greets", "command": ["echo", "hello"]}}}}, **config)


def names(c, kind="tools"):
    return [e["name"] for e in c.request(kind + "/list")[kind]]


def whole(c):
    """The names of all tools, page by page."""
    got, params = [], {}
    while params is not None:
        result = c.request("tools/list", params)
        got += [t["name"] for t in result["tools"]]
        params = {"cursor": result["nextCursor"]} if "nextCursor" in result else None
    return got


def code_of(fn):
    try:
        fn()
    except RpcError as e:
        return e.code
    raise AssertionError("answered")


@case("names are prefixed where there are several backends, in the order of the configuration")
def _():
    with two() as d:
        got = names(Client(d))
        assert len(set(got)) == len(got)
        equal([n for n in got if n.endswith("__echo")], ["a__echo", "b__echo"], "echo")
        equal(got[-1], "host__hello", "the last one")
        assert "a__tool_2" in got and "a__tool_3" not in got and "b__tool_4" in got
        equal(names(Client(d), "prompts"), ["a__greeting", "b__greeting"], "prompts")


@case("calls find their backend, prompts and completion too")
def _():
    with two() as d:
        c = Client(d)
        pids = c.tool("a__pid"), c.tool("b__pid")
        assert pids[0] != pids[1]
        equal(sorted(map(int, pids)), sorted(d.ctl("session.show", id=c.sid)["pids"]), "children")
        equal(c.tool("host__hello"), "hello\n", "command")
        got = c.request("prompts/get", {"name": "b__greeting", "arguments": {"name": "Bo"}})
        equal(got["messages"][0]["content"]["text"], "Hello Bo", "prompt")
        got = c.request("completion/complete", {"ref": {"type": "ref/prompt", "name": "a__greeting"},
                                                "argument": {"name": "name", "value": "v"}})
        equal(got["completion"]["values"], ["v-1", "v-2"], "completion")
        assert "prompts/get" in c.tool("b__seen") and "prompts/get" not in c.tool("a__seen")
        for name in ("echo", "a_echo", "c__echo", "a__none", "a__", "__echo", ""):
            assert code_of(lambda: c.tool(name)) == -32602, name


@case("one backend alone is served without prefix, whatever else is configured")
def _():
    with two() as d:
        a, host = Client(d, "/mcp/a"), Client(d, "/mcp/host/")
        got = names(a)
        assert "echo" in got and not any("__" in n for n in got)
        equal(a.tool("echo", text="hi"), "hi", "answer")
        assert code_of(lambda: a.tool("a__echo")) == -32602
        equal(names(host), ["hello"], "tools")
        assert "resources" not in host.initialized["capabilities"]
    with Daemon({"only": fake()}) as d:
        assert "echo" in names(Client(d)) and "echo" in names(Client(d, "/mcp/only"))


@case("resources of several backends: the same URI once, reading and subscribing find one")
def _():
    with two() as d:
        c = Client(d)
        uris = [r["uri"] for r in c.request("resources/list")["resources"]]
        equal(uris, ["test://1", "test://2"], "resources")
        equal(c.request("resources/read", {"uri": "test://2"})["contents"][0]["text"],
              "content of test://2", "content")
        c.request("resources/subscribe", {"uri": "test://1"})
        equal((c.tool("a__subs"), c.tool("b__subs")), ('["test://1"]', "[]"), "who was asked")
        try:
            c.request("resources/read", {"uri": "none://"})
            raise AssertionError("answered")
        except RpcError as e:
            equal((e.code, e.data), (-32002, {"uri": "none://"}), "code and data")


@case("a list that changes in one backend is heard under both paths")
def _():
    with Daemon({"a": fake(scope="shared"), "b": tiny()}) as d:
        both, alone, other = Client(d), Client(d, "/mcp/a"), Client(d, "/mcp/b")
        streams = both.get(), alone.get()
        silent = other.get()
        both.tool("a__set_tools", names=["new"])
        for s in streams:
            equal(s.message()["method"], "notifications/tools/list_changed", "notification")
        assert "a__new" in names(both) and "new" in names(alone)
        other.delete()
        equal(silent.message(), None, "what the other one's client hears")


@case("a list that the server announces, but that is the same, is not announced to clients")
def _():
    for scope in ("session", "shared"):
        with Daemon({"a": fake(scope=scope), "b": tiny()}) as d:
            c = Client(d)
            c.request("tools/list")
            stream = c.get()
            listed = lambda: sum("tools/list" == m for m in json.loads(c.tool("a__seen")))
            c.tool("a__set_tools", names=["one"])
            equal(stream.message()["method"], "notifications/tools/list_changed", scope)
            n = listed()
            c.tool("a__set_tools", names=["one"])
            wait_until(lambda: listed() > n, "the list to be asked for again")
            c.tool("a__set_tools", names=["two"])
            equal(stream.message()["method"], "notifications/tools/list_changed", scope)
            wait_until(lambda: "a__two" in names(c), "the new list")
            c.delete()
            equal(stream.message(), None, "what was announced besides, " + scope)


@case("a page can be asked for again, and after the list changed")
def _():
    with Daemon({"a": fake(), "b": tiny()}, limits={"pageSize": 3}) as d:
        c = Client(d)
        first = c.request("tools/list")
        page = lambda: [t["name"] for t in c.request("tools/list", {"cursor": first["nextCursor"]})["tools"]]
        second = page()
        equal((len(second), page()), (3, second), "the second page")
        c.tool("a__set_tools", names=["new"])
        wait_until(lambda: "a__new" in whole(c), "the change")
        equal(page(), second, "the second page, after a change behind it")
        assert len(set(whole(c))) == len(whole(c)), whole(c)


@case("a server that is dead and one that is slow hide their own entries alone, and it is said why")
def _():
    with Daemon({"dead": fake("--die-start", 3), "slow": fake("--hang-start"), "good": tiny()},
                limits={"learnWait": 0.2}) as d:
        c = Client(d)
        d.wait_log("backend dead failed")
        wait_until(lambda: names(c) == ["good__echo", "good__pid"], "the good one's tools")
        rows = {b["name"]: b for b in d.ctl("backends.list")}
        equal([rows[n]["state"] for n in ("dead", "slow", "good")], ["failed", "learning", "ready"])
        assert "status 3" in rows["dead"]["reason"], rows
        equal((rows["slow"]["reason"], rows["good"]["reason"]), ("it has not answered yet", ""))
        assert "has not answered yet" in d.mcpctl("backends", "list")
        for name, why in (("dead__echo", "status 3"), ("slow__echo", "it has not answered yet")):
            try:
                c.tool(name)
                raise AssertionError("answered")
            except RpcError as e:
                assert why in e.message, e


@case("logging levels, cancellation, progress and questions work under prefixes")
def _():
    with two() as d:
        c = Client(d, caps={"roots": {}})
        c.request("logging/setLevel", {"level": "error"})
        for p in ("a", "b"):
            equal(c.start_tool(p + "__progress", token=p).text(), "done", "answer")
            equal(c.tool(p + "__loglevel"), "error", "level")
            call = c.start_tool(p + "__roots")
            q = call.ask()
            c.answer(q["id"], {"roots": [{"uri": "file:///" + p}]})
            assert "file:///" + p in call.text()


@case("tools of odd or long names are called by legal ones, each its own tool")
def _():
    with Daemon({"fake": fake(), "x" * 32: fake()}) as d:
        c = Client(d)
        odd = ["with space", "sl/ash", "\u00fcml\u00e4ut", "l" * 100, "l" * 101, "a.b-c_d"]
        c.tool("fake__set_tools", names=odd)
        c.tool("x" * 32 + "__set_tools", names=odd)
        def listed():
            got = [n for n in names(c) if not re.search(r"__(tool_\d+|[a-z_]+)$", n) or "lll" in n]
            return got if len(got) >= 2 * len(odd) else None
        got = wait_until(listed, "the new tools")
        assert all(re.fullmatch(r"[A-Za-z0-9_.-]{1,64}", n) for n in names(c)), names(c)
        equal(sorted(c.tool(n) for n in got), sorted(odd * 2), "answers")


@case("a backend that is disabled is not there")
def _():
    with Daemon({"a": fake(), "b": fake(disabled=True)}) as d:
        assert "echo" in names(Client(d)), "one is left, so there are no prefixes"
        equal([b["name"] for b in d.ctl("backends.list")], ["a"], "backends")
        equal(d.http("POST", "/mcp/b", [("Content-Type", "application/json")], "{}").status, 404, "b")


@case("the operator sees backends and tools, and calls one")
def _():
    with two() as d:
        assert json.loads(d.mcpctl("--json", "tools", "list")), "tools: it waits until they are known"
        rows = {b["name"]: b for b in json.loads(d.mcpctl("--json", "backends", "list"))}
        equal([(rows[n]["kind"], rows[n]["state"]) for n in ("a", "b", "host")],
              [("stdio", "ready"), ("stdio", "ready"), ("exec", "ready")], "backends")
        equal(rows["a"]["tools"] + 2, rows["b"]["tools"], "tools")
        tools = {t["name"]: t["backend"] for t in json.loads(d.mcpctl("--json", "tools", "list"))}
        equal((tools["a__echo"], tools["host__hello"]), ("a", "host"), "backends of tools")
        equal(d.mcpctl("tool", "call", "b__echo", '{"text": "from the shell"}').strip(),
              "from the shell", "answer")
        equal(d.sessions(), 0, "sessions")


@case("another path, the root too")
def _():
    for path, single in (("/api/v1/mcp", "/api/v1/mcp/fake"), ("/", "/fake")):
        with Daemon({"fake": tiny()}, path=path) as d:
            for p in (path, single):
                equal(Client(d, p).tool("echo"), "echo", "answer under " + p)
            equal(d.health()["status"], "ok", "health")
            equal(d.http("POST", "/mcp", [("Content-Type", "application/json")], "{}").status, 404,
                  "the default path")


@case("several addresses, IPv6 among them")
def _():
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError as e:
        raise Skip("no IPv6 here: %s" % e)
    with Daemon({"fake": tiny()}, listen=["127.0.0.1:0", "[::1]:0", "localhost:0"]) as d:
        urls = json.loads(d.mcpctl("--json", "status"))["listen"]
        assert len(urls) >= 3, urls
        for url in urls:
            m = re.fullmatch(r"http://(\[?[^\]]*\]?):(\d+)/mcp", url)
            d.addr = (m.group(1).strip("[]"), int(m.group(2)))
            host = "[::1]:%d" % d.addr[1] if ":" in d.addr[0] else "%s:%d" % d.addr
            reply = d.http("GET", "/health", [("Host", host)])
            equal(reply.status, 200, "health at " + url)


@case("an address that is taken, a second daemon at the socket: an error that says so")
def _():
    with Daemon({"fake": tiny()}) as d:
        mine = {"listen": "127.0.0.1:%d" % d.addr[1], "control": os.path.join(d.dir, "other.sock")}
        status, _, err = run_mcpd(mine)
        assert status != 0 and "127.0.0.1:%d" % d.addr[1] in err, (status, err)
        status, _, err = run_mcpd({"listen": "127.0.0.1:0", "control": d.socket})
        assert status != 0 and d.socket in err, (status, err)
        equal(Client(d).tool("echo"), "echo", "the first one goes on")
        equal(d.mcpctl("counts"), "Active sessions: 1, Active users: 0\n", "counts")


run()
