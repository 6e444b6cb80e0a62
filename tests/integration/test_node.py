#!/usr/bin/env python3
"""Real clients and real servers through mcpd: the official TypeScript SDK client and MCP Inspector's
command line, with server-everything and server-filesystem as children.

They are pinned in node/package-lock.json; `npm ci` there (or in a copy of that folder in the build
tree) installs them. Without them everything here is skipped, unless MCPD_TEST_REQUIRE=node.
"""

import glob

from harness import *

SOURCE = os.path.join(HERE, "node")
COPY = os.path.join(BUILD, "tests", "integration", "node")
REQUIRED = "node" in os.environ.get("MCPD_TEST_REQUIRE", "").split(",")
NODE_WANTED = (22, 19)  # of Inspector; the others are content with less


def node_version(program):
    try:
        out = subprocess.run([program, "--version"], stdout=subprocess.PIPE, timeout=TIMEOUT).stdout
        return tuple(int(n) for n in out.decode().strip().lstrip("v").split(".")[:2])
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return (0, 0)


def install():
    """The folder whose node_modules is complete; None where there is none."""
    for folder in (SOURCE, COPY):
        if os.path.exists(os.path.join(folder, "node_modules", ".package-lock.json")):
            return folder
    if not REQUIRED:
        return None
    os.makedirs(COPY, exist_ok=True)
    for name in ("package.json", "package-lock.json", ".npmrc"):
        shutil.copy(os.path.join(SOURCE, name), COPY)
    subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--loglevel=error"], cwd=COPY, check=True,
                   stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
    return COPY


class Setting:
    """What all cases here share: Node, its packages, and a daemon with real servers behind it."""

    def __init__(self):
        self.reason, self.processes = None, {}
        try:
            self.folder = install()
        except (OSError, subprocess.CalledProcessError) as e:
            self.folder, self.reason = None, "npm ci: %s" % e
            return
        if self.folder is None:
            self.reason = "no node_modules in tests/integration/node (npm ci)"
            return
        packages = os.path.join(self.folder, "node_modules")
        own = glob.glob(os.path.join(packages, "node-linux-*", "bin", "node"))
        programs = own + [p for p in [shutil.which("node")] if p]
        self.node = next((p for p in programs if node_version(p) >= NODE_WANTED), None)
        if self.node is None:
            self.reason = "no Node of version %d.%d" % NODE_WANTED
            return
        self.packages = os.path.join(packages, "@modelcontextprotocol")
        self.temp = tempfile.TemporaryDirectory(prefix="mcpd-test-node-")
        self.files = os.path.realpath(self.temp.name)
        os.mkdir(os.path.join(self.files, "sub"))
        script = os.path.join(self.folder, "client.mjs")
        if self.folder == COPY:
            shutil.copy(os.path.join(SOURCE, "client.mjs"), script)
        self.script = script

    def server(self, name, *args):
        return {"command": self.node, "args": [
            os.path.join(self.packages, name, "dist", "index.js")] + list(args)}

    def daemon(self):
        return Daemon({"everything": self.server("server-everything", "stdio"),
                       "files": self.server("server-filesystem", self.files), "fake": fake()})

    def url(self, d, path=""):
        return "http://%s:%d%s" % (d.addr + (path,))

    def sdk(self, d, check):
        """Has the SDK client of this daemon run one check; what it tells."""
        process = self.processes.get(d)
        if process is None or process.poll() is not None:
            process = self.processes[d] = subprocess.Popen(
                [self.node, self.script, self.url(d), self.files],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            Daemon.ours.add(process.pid)
        process.stdin.write(check.encode() + b"\n")
        process.stdin.flush()
        ready = select.select([process.stdout], [], [], TIMEOUT)[0]
        line = process.stdout.readline() if ready else b""
        if not line:
            process.kill()
            raise AssertionError("the client %s" % ("died" if ready else "waits in vain"))
        answer = json.loads(line)
        assert "error" not in answer, "%s\n%s" % (answer["error"], "\n".join(answer["errors"]))
        return answer

    def inspector(self, d, *args, path="/mcp/everything", status=0):
        env = dict(os.environ, HOME=self.files, PATH=os.path.dirname(self.node) + ":" + os.environ["PATH"])
        cli = os.path.join(self.packages, "inspector", "clients", "launcher", "build", "index.js")
        p = subprocess.run([self.node, cli, "--cli", self.url(d, path), "--transport", "http",
                            "--format", "json", "--quiet"] + list(args), env=env,
                           stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                           timeout=TIMEOUT)
        assert (p.returncode == 0) == (status == 0), "status %d: %s" % (p.returncode, p.stderr.decode())
        return json.loads(p.stdout) if status == 0 else p.stderr.decode()

    def end(self, d):
        process = self.processes.pop(d, None)
        if process is not None:
            process.stdin.close()
            process.wait(TIMEOUT)
            process.stdout.close()


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
