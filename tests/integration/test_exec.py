#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Commands as tools: arguments, placeholders, stdin, limits, exit status, structured output."""

from harness import *

SHOW = [sys.executable, "-c", "import json,os,sys; print(json.dumps({'argv': sys.argv[1:], "
        "'stdin': sys.stdin.read(), 'cwd': os.getcwd(), 'env': dict(os.environ)}))"]


def schema(required=(), **properties):
    return {"type": "object", "properties": properties, "required": list(required),
            "additionalProperties": False}


STRING = {"type": "string"}
TOOLS = {
    "show": {"description": "shows what it was given", "inputSchema": schema(
        text=STRING, number={"type": "number"}, flag={"type": "boolean"},
        words={"type": "array", "items": STRING}, preset={"type": "string", "default": "preset"}),
        "command": SHOW + ["--", "{text}", "{number}", "{flag}", "{words}", "{preset}", "{{text}}",
                           "text"]},
    "option": {"inputSchema": schema(["text"], text=STRING), "command": ["printf", "%s", "{text}"]},
    "cat": {"inputSchema": {"type": "object"}, "command": ["cat"]},
    "fail": {"command": ["/bin/sh", "-c", "echo out; echo why >&2; exit 3"]},
    "silent": {"command": ["/bin/sh", "-c", "exit 4"]},
    "killed": {"command": ["/bin/sh", "-c", "kill -9 $$"]},
    "sleep": {"command": ["sleep", "600"], "timeout": 0.3},
    "stubborn": {"command": ["/bin/sh", "-c", "trap '' TERM; sleep 600 & wait; sleep 600"],
                 "timeout": 0.3},
    "long": {"command": ["sleep", "600"]},
    "much": {"command": ["/bin/sh", "-c", "while :; do echo xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; done"],
             "maxOutput": 10000},
    "enough": {"command": ["/bin/sh", "-c", "head -c 10000 /dev/zero | tr '\\0' x"], "maxOutput": 10000},
    "bytes": {"command": ["printf", "a\\377\\376\\000b\\033"]},
    "strict": {"inputSchema": schema(["n", "kind"], n={"type": "integer", "minimum": 1, "maximum": 9},
                                     kind={"enum": ["x", "y"]}, name={"type": "string", "maxLength": 3,
                                                                      "pattern": "^[a-z]+$"}),
               "command": ["echo", "{n}", "{kind}", "{name}"]},
    "structured": {"structured": True, "command": ["echo", '{"a": [1, "\u00e4"]}'],
                   "outputSchema": {"type": "object", "properties": {"a": {"type": "array"}},
                                    "required": ["a"]}},
    "promised": {"structured": True, "command": ["echo", '{"b": 1}'],
                 "outputSchema": {"type": "object", "required": ["a"]}},
    "mail": {"inputSchema": schema(["to"], to={"type": "string", "pattern": "[^@ ]+@[^@ ]+[.][a-z]+"},
                                   rows={"type": "array", "maxItems": 1000, "uniqueItems": True}),
             "command": ["echo", "{to}"]},
    "digits": {"inputSchema": schema(["d"], d={"type": "string", "pattern": r"^\d+(?:\.\d+)?$"}),
               "command": ["echo", "{d}"]},
    "unstructured": {"structured": True, "command": ["echo", "hello"]},
}


def error_of(c, tool, /, **arguments):
    """The text of a result that is an error of the tool."""
    try:
        text = c.tool(tool, **arguments)
    except ToolError as e:
        return str(e)
    raise AssertionError("no error: %r" % text)


@case("tools/list has the configured entries, with an inputSchema each")
def _(d):
    tools = {t["name"]: t for t in Client(d).request("tools/list")["tools"]}
    equal(set(tools), set(TOOLS), "names")
    equal(tools["strict"]["inputSchema"], TOOLS["strict"]["inputSchema"], "schema")
    equal(tools["fail"]["inputSchema"]["type"], "object", "schema of a tool without one")
    equal(tools["structured"]["outputSchema"], TOOLS["structured"]["outputSchema"], "outputSchema")
    assert not any("command" in t for t in tools.values())


@case("placeholders become whole arguments, and no shell ever sees them")
def _(d):
    c = Client(d)
    for text in ("plain", "two words", "$(reboot) `id` ; rm -rf / && x > y | z * ? ~ $HOME 'q' \"q\" \\",
                 "\n\t\u00e4\u20ac", "{number}", "-x", "--", ""):
        got = json.loads(c.tool("show", text=text))
        equal(got["argv"], ["--", text, "preset", "{text}", "text"], "argv")


@case("numbers, booleans, lists, defaults, and arguments that are not there")
def _(d):
    c = Client(d)
    got = json.loads(c.tool("show", text="t", number=1.5, flag=True, words=["a b", "", "c"], preset="p"))
    equal(got["argv"], ["--", "t", "1.5", "true", "a b", "", "c", "p", "{text}", "text"], "argv")
    equal(json.loads(c.tool("show"))["argv"], ["--", "preset", "{text}", "text"], "argv without arguments")
    equal(json.loads(c.tool("show", number=12345678901))["argv"][1], "12345678901", "number")


@case("an argument that would be an option is refused, unless -- stands before it")
def _(d):
    c = Client(d)
    equal(c.tool("option", text="x-y"), "x-y", "answer")
    assert "text" in error_of(c, "option", text="-v")


@case("the arguments come as one line of JSON on stdin, and then its end")
def _(d):
    c = Client(d)
    arguments = {"a": [1, {"b": None}], "text": "\u00e4\n\0", "n": 1.5}
    got = c.request("tools/call", {"name": "cat", "arguments": arguments})
    text = text_of(got)
    equal((json.loads(text), text.count("\n")), (arguments, 1), "stdin")
    equal(c.tool("cat"), "{}\n", "stdin without arguments")


@case("a pattern or a comparison that would take long is refused by name, and nobody waits for it")
def _(d):
    c = Client(d)
    equal(c.tool("mail", to="a@b.org"), "a@b.org\n", "answer")
    equal(c.tool("digits", d="12.5"), "12.5\n", "answer")
    text = error_of(c, "mail", to="a" * 65534 + "@.")
    assert "to: takes too long to hold against the pattern [^@ ]+@" in text, text
    many = [{"m%d" % m: n if m == 0 else 0 for m in range(300)} for n in range(1000)]
    text = error_of(c, "mail", to="a@b.org", rows=many)
    assert "takes too long to check" in text, text
    equal(c.tool("mail", to="a@b.org", rows=many[:100]), "a@b.org\n", "answer to fewer")


@case("arguments that the schema does not allow: an error of the tool that names the place")
def _(d):
    c = Client(d)
    equal(c.tool("strict", n=3, kind="x", name="abc"), "3 x abc\n", "answer")
    for arguments, word in (({"n": 0, "kind": "x"}, "n"), ({"n": 10, "kind": "x"}, "n"),
                            ({"n": "3", "kind": "x"}, "n"), ({"n": 3}, "kind"),
                            ({"n": 3, "kind": "z"}, "kind"), ({"n": 3, "kind": "x", "name": "abcd"}, "name"),
                            ({"n": 3, "kind": "x", "name": "A"}, "name"),
                            ({"n": 3, "kind": "x", "more": 1}, "more"), ({"n": 1.5, "kind": "x"}, "n")):
        assert word in error_of(c, "strict", **arguments), arguments
    d.wait_children(0)


@case("exit status and stderr become an error of the tool")
def _(d):
    c = Client(d)
    got = c.request("tools/call", {"name": "fail"})
    assert got["isError"] is True
    equal([b["text"] for b in got["content"]], ["why\n", "out\n"], "content: why first")
    assert "4" in error_of(c, "silent")
    assert "SIGKILL" in error_of(c, "killed")


@case("time limit: an error of the tool, and the command is gone with all it started")
def _(d):
    c = Client(d)
    assert "0.3 s" in error_of(c, "sleep")
    assert "0.3 s" in error_of(c, "stubborn")
    d.wait_children(0)


@case("output cap: an error of the tool, and the command is gone")
def _(d):
    c = Client(d)
    assert "10000" in error_of(c, "much")
    equal(len(c.tool("enough")), 10000, "output of exactly the limit")
    d.wait_children(0)


@case("output that is no text comes as text all the same")
def _(d):
    text = Client(d).tool("bytes")
    assert text.startswith("a") and "b" in text, repr(text)


@case("structured output, and output that is not what was promised")
def _(d):
    c = Client(d)
    got = c.request("tools/call", {"name": "structured"})
    equal(got["structuredContent"], {"a": [1, "\u00e4"]}, "structuredContent")
    equal(json.loads(text_of(got)), {"a": [1, "\u00e4"]}, "text")
    assert "promised" in error_of(c, "promised")
    error_of(c, "unstructured")


@case("cancellation and the end of the session kill the command")
def _(d):
    c = Client(d)
    begun = c.begin_tool("long")
    d.wait_children(1)
    c.notify("notifications/cancelled", {"requestId": begun[1]})
    d.wait_children(0)
    again = c.begin_tool("long")
    d.wait_children(1)
    c.delete()
    d.wait_children(0)
    begun[0].close(), again[0].close()


@case("many at a time, each with its own answer")
def _(d):
    clients = [Client(d) for _ in range(4)]
    begun = [(c, "%d-%d" % (i, n), c.begin_tool("option", {"text": "%d-%d" % (i, n)}))
             for n in range(15) for i, c in enumerate(clients)]
    for c, text, b in begun:
        equal(c.end(b).text(), text, "answer")
    d.wait_children(0)


@case("environment: little of the daemon's, and what the configuration gives; folder of the tool")
def _(d):
    os.environ["MCPD_TEST_SECRET"] = "hunter2"
    try:
        tools = {"here": {"command": SHOW}, "there": {"command": SHOW, "cwd": "/usr"}}
        with Daemon({"x": {"tools": tools, "env": {"GIVEN": "g"}, "cwd": "/"}}) as own:
            c = Client(own)
            here, there = json.loads(c.tool("here")), json.loads(c.tool("there"))
            equal((here["cwd"], there["cwd"]), ("/", "/usr"), "folders")
            equal(here["env"]["GIVEN"], "g", "given")
            assert "MCPD_TEST_SECRET" not in here["env"]
    finally:
        del os.environ["MCPD_TEST_SECRET"]


@case("what cannot work is refused with the configuration, and the place is named")
def _(d):
    for tool, place in (({"command": ["no-such-program"]}, "command"), ({"command": []}, "command"),
                        ({"command": "echo x"}, "command"), ({}, "command"),
                        ({"command": ["echo", "{x}"]}, "command"),
                        ({"command": ["echo"], "inputSchema": {"type": "object", "oneOf": []}}, "oneOf"),
                        ({"command": ["echo"], "inputSchema": {"type": "string"}}, "inputSchema"),
                        ({"command": ["echo"], "outputSchema": {"type": "object"}}, "structured"),
                        ({"command": ["echo"], "shell": True}, "shell"),
                        ({"command": ["echo"], "timeout": "5"}, "timeout"),
                        ({"command": ["echo"], "cwd": "/no/such"}, "cwd")):
        status, _, err = run_mcpd({"mcpServers": {"h": {"tools": {"t": tool}}}}, "-n")
        equal(status, 78, "status for %r: %s" % (tool, err))
        assert "mcpServers.h.tools.t" in err and place in err, err


@case("the shipped example works")
def _(d):
    with open(os.path.join(TOP, "contrib", "examples", "mcpd.json")) as f:
        servers = json.load(f)["mcpServers"]
    with Daemon(servers) as own:
        c = Client(own)
        assert "Filesystem" in c.tool("disk_use")
        assert "bin" in c.tool("list_directory", path="/")
        assert error_of(c, "list_directory", path="/no/such")
        assert error_of(c, "list_directory")
        assert c.tool("uptime")


run(Daemon({"host": {"tools": TOOLS}}, limits={"maxTree": 4 << 20}))
