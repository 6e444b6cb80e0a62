#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""What children cannot have: the daemon's files, the memory of others; and what they still can have."""

import stat

from harness import *


def landlock_abi():
    """The version of Landlock that the kernel has; 0 without."""
    return max(0, LIBC.syscall(444, None, 0, 1))


def need(abi=2):
    if landlock_abi() < abi:
        raise Skip("the kernel has no Landlock of ABI %d" % abi)


def apart():
    """A folder outside of /tmp and home: there the daemon's folders can be hidden."""
    need()
    for base in (os.environ.get("XDG_RUNTIME_DIR"), "/run", "/var/lib"):
        if base and os.access(base, os.W_OK) and not os.stat(base).st_mode & stat.S_IWOTH:
            return tempfile.mkdtemp(prefix="mcpd-test-", dir=base)
    raise Skip("no folder that only we may write to, outside of /tmp and home")


SH = {"inputSchema": {"type": "object", "properties": {"script": {"type": "string"}}},
      "command": ["/bin/sh", "-c", "{script}"]}
PYTHON = dict(SH, command=[sys.executable, "-c", "{script}"])


def write(path, text="content\n", mode=0o600):
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w") as f:
        f.write(text)
    return path


class Apart(Daemon):
    """A daemon whose files lie in folders of its own; tools: sh and python, a call each."""

    def __init__(self, **config):
        base = apart()
        servers = {"host": {"tools": {"sh": SH, "python": PYTHON}}}
        super().__init__(dict(servers, **config.pop("servers", {})), verbose=1)
        os.rmdir(self.dir)
        self.dir, self.cwd = base, "/"
        self.file = os.path.join(self.dir, "etc", "mcpd.json")
        self.socket = os.path.join(self.dir, "run", "control.sock")
        self.tokens = write(os.path.join(self.dir, "etc", "tokens"), "")
        self.secret_file = write(os.path.join(self.dir, "secrets", "api"), "s3cr3t")
        os.mkdir(os.path.join(self.dir, "run"), 0o700)
        self.config.update(control=self.socket, store={
            "path": os.path.join(self.dir, "state"), "keyFile": os.path.join(self.dir, "keys", "key")})
        os.makedirs(os.path.join(self.dir, "state"), 0o700)
        os.makedirs(os.path.join(self.dir, "keys"), 0o700)
        self.config.update(config)

    def protected(self):
        """Every file that no child may have."""
        own = [os.path.join(root, n) for part in ("etc", "run", "state", "keys")
               for root, _, names in os.walk(os.path.join(self.dir, part)) for n in names]
        files = [p for p in own if not stat.S_ISSOCK(os.stat(p).st_mode)]
        names = {os.path.basename(p) for p in files}
        assert {"mcpd.json", "tokens", "key"} <= names, names
        assert any(n.startswith("mcpd.") and n != "mcpd.json" for n in names), "no database: %s" % names
        return files


def fails(c, script, tool="sh"):
    try:
        text = c.tool(tool, script=script)
    except ToolError as e:
        return str(e)
    raise AssertionError("no failure of %r: %r" % (script, text))


@case("a child cannot read the store, its key, the tokens, the configuration or control.key")
def _():
    with Apart() as d:
        write(os.path.join(d.dir, "run", "control.key"), "key\n")
        c = Client(d)
        for path in d.protected():
            assert "ermission denied" in fails(c, "cat %s" % path), path
            assert "ermission denied" in fails(c, "open(%r, 'rb').read()" % path, "python"), path
            assert "ermission denied" in fails(c, "cp %s %s/stolen" % (path, tempfile.gettempdir())), path


@case("a child cannot change, remove, move or replace them, nor link other files to their names")
def _():
    with Apart() as d, tempfile.TemporaryDirectory() as temp:
        c = Client(d)
        other = write(os.path.join(temp, "other"), "evil\n")
        before = {p: os.stat(p).st_ino for p in d.protected()}
        for path in before:
            for script in ("echo evil >>%s" % path, "truncate -s 0 %s" % path, "rm -f %s" % path,
                           "mv %s %s.old" % (path, path), "mv %s %s/" % (path, temp),
                           "mv -f %s %s" % (other, path), "ln -f %s %s" % (other, path),
                           "ln %s %s/link" % (path, temp), "ln -s %s %s.new" % (other, path)):
                fails(c, script)
        equal({p: os.stat(p).st_ino for p in d.protected()}, before, "files")
        equal(os.listdir(temp), ["other"], "files elsewhere")
        equal(open(d.tokens).read(), "", "tokens")


@case("a hidden folder that is moved stays hidden")
def _():
    with Apart() as d:
        c = Client(d)
        for name in ("etc", "state"):
            fails(c, "mv %s/%s %s/moved" % (d.dir, name, d.dir))
        os.rename(os.path.join(d.dir, "etc"), os.path.join(d.dir, "moved"))
        fails(c, "cat %s/moved/mcpd.json" % d.dir)
        os.makedirs(os.path.join(d.dir, "deep", "er"))
        os.rename(os.path.join(d.dir, "moved"), os.path.join(d.dir, "deep", "er", "etc"))
        fails(c, "cat %s/deep/er/etc/mcpd.json" % d.dir)
        write(os.path.join(d.dir, "deep", "er", "beside"), "seen\n")
        equal(c.tool("sh", script="cat %s/deep/er/beside" % d.dir), "seen\n", "a file beside it")
        os.rename(os.path.join(d.dir, "deep", "er", "etc"), os.path.join(d.dir, "etc"))


@case("the file of a secret is hidden, too, and what lies beside hidden folders is not")
def _():
    base = apart()
    secret_file = write(os.path.join(base, "secrets", "api"), "s3cr3t")
    try:
        with Apart(servers={"up": {"url": "http://127.0.0.1:9/", "headers": {
                "X-Key": {"file": secret_file}}}}) as d:
            c = Client(d, path="/mcp/host")
            assert "ermission denied" in fails(c, "cat " + secret_file)
            for n in range(3):  # each later than the child before
                path = write(os.path.join(d.dir, "other%d" % n, "file"), "seen\n")
                equal(c.tool("sh", script="cat %s; echo more >>%s" % (path, path)), "seen\n", path)
                equal(open(path).read(), "seen\nmore\n", path)
    finally:
        shutil.rmtree(base)


@case("files are created, renamed across folders, linked and removed as ever")
def _():
    with Apart() as d, tempfile.TemporaryDirectory() as a, tempfile.TemporaryDirectory(dir=d.dir) as b:
        c = Client(d)
        c.tool("python", script="""
import os, tempfile
a, b = %r, %r
os.mkdir(a + "/x"); os.mkdir(a + "/y"); os.mkdir(b + "/z")
open(a + "/x/f", "w+").write("1")
os.rename(a + "/x/f", a + "/y/g")
os.rename(a + "/y", a + "/x/y")
os.link(a + "/x/y/g", a + "/h")
assert open(a + "/h").read() == "1"
os.symlink("h", a + "/s"); os.truncate(a + "/s", 0); os.remove(a + "/s")
os.rename(b + "/z", b + "/w")
with tempfile.TemporaryFile("w+") as f:
    f.write("2"); f.seek(0); assert f.read() == "2"
with tempfile.TemporaryDirectory() as t:
    open(t + "/new", "w").write("3"); assert open(t + "/new").read() == "3"
""" % (a, b))


@case("a child reads neither environment nor memory of the daemon or of another child")
def _():
    need()
    with Daemon({"host": {"tools": {"sh": SH, "python": PYTHON}},
                 "other": dict(tiny(scope="shared"), env={"API_KEY": "the other one's"})}) as d:
        c = Client(d)
        # Lists wait for servers for a limited time only.
        wait_until(lambda: "other__pid" in [t["name"] for t in c.request("tools/list")["tools"]],
                   "the other server's tools")
        pid = int(c.tool("other__pid"))
        for other in (pid, d.pid):
            for what in ("environ", "mem", "maps", "auxv"):
                fails(c, "cat /proc/%d/%s >/dev/null" % (other, what), "host__sh")
            for link in ("root", "cwd", "exe", "fd/1"):
                fails(c, "readlink /proc/%d/%s" % (other, link), "host__sh")
            fails(c, "import ctypes; l = ctypes.CDLL(None, use_errno=True); "
                  "assert l.ptrace(16, %d, 0, 0) == 0" % other, "host__python")
        assert "API_KEY" in open("/proc/%d/environ" % pid).read(), "we can read it, so there is something"
        assert "PATH" in c.tool("host__sh", script="cat /proc/self/environ")
        assert c.tool("host__sh", script="sleep 100 & cat /proc/$!/environ; kill $!")


@case("a child in the same folder as the daemon's files: nothing is hidden, and the start says so")
def _():
    need()
    with Daemon({"host": {"tools": {"sh": SH}}}, store=True) as d:
        line = d.wait_log("^Not hidden from servers: (.*)").group(1)
        for text in ("store.path", "store.keyFile", "control.key", "the configuration", d.dir, "remedy"):
            assert text in line, line
        equal(len([l for l in d.lines() if "hidden" in l]), 1, "lines")
        assert Client(d).tool("sh", script="cat " + d.file)


@case("a folder that a server needs is not hidden, and the start names it")
def _():
    base = apart()
    try:
        path = write(os.path.join(base, "etc", "servers.toml"))
        d = Apart(servers={"needs": dict(tiny(), args=[TINY, "--config=" + path])})
        d.file = os.path.join(base, "etc", "mcpd.json")
        with d:
            line = d.wait_log("^Not hidden from servers: (.*)").group(1)
            assert "the configuration in %s/etc (servers need %s)" % (base, path) in line, line
            assert "control.key" not in line, line
            c = Client(d, path="/mcp/host")
            equal(c.tool("sh", script="cat " + path), "content\n", "the server's file")
    finally:
        shutil.rmtree(base)


# --- what works as ever --------------------------------------------------------------------------

SERVER = r'''
import json, os, sqlite3, sys
db = sqlite3.connect(sys.argv[1])
db.execute("PRAGMA journal_mode=WAL")
db.execute("CREATE TABLE IF NOT EXISTS notes (text)")
def call(arguments):
    db.execute("INSERT INTO notes VALUES (?)", (arguments["text"],))
    db.commit()
    open(sys.argv[1] + ".tmp", "w").write("x")
    os.rename(sys.argv[1] + ".tmp", sys.argv[1] + ".renamed")
    return ",".join(t for t, in db.execute("SELECT text FROM notes"))
def blocked(path):
    try:
        open(path).read()
        return "read"
    except OSError as e:
        return type(e).__name__
tool = {"name": "note", "inputSchema": {"type": "object"}}
look = {"name": "look", "inputSchema": {"type": "object"}}
for line in sys.stdin:
    m = json.loads(line)
    if m.get("method") == "initialize":
        r = {"protocolVersion": "2025-06-18", "capabilities": {"tools": {}},
             "serverInfo": {"name": "notes", "version": "1"}}
    elif m.get("method") == "tools/list":
        r = {"tools": [tool, look]}
    elif m.get("method") == "tools/call":
        p = m["params"]
        text = call(p["arguments"]) if p["name"] == "note" else blocked(p["arguments"]["path"])
        r = {"content": [{"type": "text", "text": text}]}
    elif m.get("method") == "ping":
        r = {}
    else:
        if "id" in m:
            print(json.dumps({"jsonrpc": "2.0", "id": m["id"],
                              "error": {"code": -32601, "message": "no"}}), flush=True)
        continue
    print(json.dumps({"jsonrpc": "2.0", "id": m["id"], "result": r}), flush=True)
'''

NODE_SERVER = r'''
const fs = require("fs");
const answer = (id, result) => console.log(JSON.stringify({jsonrpc: "2.0", id, result}));
require("readline").createInterface({input: process.stdin}).on("line", line => {
  const m = JSON.parse(line);
  if (m.method === "initialize") answer(m.id, {protocolVersion: "2025-06-18", capabilities: {tools: {}},
                                              serverInfo: {name: "n", version: "1"}});
  else if (m.method === "tools/list") answer(m.id, {tools: [{name: "look", inputSchema: {type: "object"}},
                                                   {name: "keep", inputSchema: {type: "object"}}]});
  else if (m.method === "tools/call") {
    let text = "read";
    const path = m.params.arguments.path;
    try {
      if (m.params.name === "look") fs.readFileSync(path);
      else { fs.writeFileSync(path + ".new", "kept"); fs.renameSync(path + ".new", path); text = "kept"; }
    } catch (e) { text = e.code; }
    answer(m.id, {content: [{type: "text", text}]});
  } else if (m.id !== undefined)
    console.log(JSON.stringify({jsonrpc: "2.0", id: m.id, error: {code: -32601, message: "no"}}));
});
'''


def node():
    from nodesetting import SOURCE, COPY
    import glob
    own = [p for f in (SOURCE, COPY) for p in glob.glob(os.path.join(f, "node_modules", "node-linux-*", "bin", "node"))]
    program = (own + [p for p in [shutil.which("node")] if p] + [None])[0]
    if not program:
        raise Skip("no Node")
    return program


def script(dir_, name, text):
    return write(os.path.join(dir_, name), text, 0o644)


@case("an SQLite server in Python and a Node server work under the default")
def _():
    with tempfile.TemporaryDirectory() as temp:
        server = script(temp, "server.py", SERVER)
        with Apart(servers={"notes": {"command": sys.executable, "args": [server, os.path.join(temp, "db")]}}) as d:
            c = Client(d, path="/mcp/notes")
            equal(c.tool("note", text="a"), "a", "notes")
            equal(c.tool("note", text="b"), "a,b", "notes")
            assert os.path.exists(os.path.join(temp, "db.renamed"))
            equal(c.tool("look", path=d.file), "PermissionError", "the configuration")
            equal(c.tool("look", path=server), "read", "its own file")


@case("caches of npm and pip, and a git checkout, work under the default")
def _():
    with Apart() as d, tempfile.TemporaryDirectory() as home:
        c = Client(d)
        done = []
        if shutil.which("git"):
            c.tool("sh", script="export HOME=%s; cd $HOME && git init -q r && cd r && echo 1 >f && git add f && "
                   "git -c user.name=x -c user.email=x@x commit -qm x && git clone -q . ../s && "
                   "test -f ../s/f && git -C ../s gc -q" % home)
            done.append("git")
        if shutil.which("npm"):
            write(os.path.join(home, "pkg", "package.json"), json.dumps(
                {"name": "hello-mcp", "version": "1.0.0", "bin": {"hello-mcp": "run.js"}}))
            write(os.path.join(home, "pkg", "run.js"), "#!/usr/bin/env node\nconsole.log('hello')\n", 0o755)
            text = c.tool("sh", script="export HOME=%s; cd $HOME && npx --offline --yes --package=./pkg hello-mcp"
                          " 2>&1; ls -d .npm" % home)
            assert "hello" in text and ".npm" in text, text
            done.append("npx")
        if subprocess.run([sys.executable, "-m", "pip", "--version"], stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL).returncode == 0:
            text = c.tool("sh", script="export HOME=%s XDG_CACHE_HOME=%s/.cache; %s -m pip cache dir && mkdir -p "
                          "$(%s -m pip cache dir)/x && echo 1 >$(%s -m pip cache dir)/x/y && mv $XDG_CACHE_HOME/pip/x "
                          "$XDG_CACHE_HOME/z && cat $XDG_CACHE_HOME/z/y" % (
                              home, home, *[sys.executable] * 3))
            assert text.endswith("1\n"), text
            done.append("pip")
        if not done:
            raise Skip("neither git nor npm nor pip")


# --- the keys ------------------------------------------------------------------------------------

def prefix(program):
    """The folder in which a program has its library, where that is not /usr."""
    return os.path.dirname(os.path.dirname(os.path.realpath(program)))


@case("a Python server in a sandbox has what is listed, and nothing else")
def _():
    need(4)
    with tempfile.TemporaryDirectory() as temp, socket.create_server(("127.0.0.1", 0)) as listening:
        server, data, other = script(temp, "app/server.py", SERVER), os.path.join(temp, "data"), \
            script(temp, "other/file", "x")
        os.mkdir(data)
        port = listening.getsockname()[1]
        box = {"read": [os.path.join(temp, "app"), prefix(sys.executable)], "write": [data], "connect": [port]}
        with Daemon({"notes": {"command": sys.executable, "args": [server, os.path.join(data, "db")],
                               "sandbox": box},
                     "host": {"tools": {"sh": SH, "python": PYTHON}, "sandbox": box}}, verbose=1) as d:
            c = Client(d)
            c.request("tools/list")
            equal(c.tool("notes__note", text="a"), "a", "notes")
            equal(c.tool("notes__look", path=other), "PermissionError", "a file elsewhere")
            equal(c.tool("notes__look", path="/proc/self/status"), "read", "/proc")
            equal(c.tool("notes__look", path="/dev/null"), "read", "/dev/null")
            assert "denied" in fails(c, "ls %s/other" % temp, "host__sh")
            assert "denied" in fails(c, "echo x >%s/app/new" % temp, "host__sh")
            fails(c, "kill -0 %d" % d.pid, "host__sh") if landlock_abi() >= 6 else None
            c.tool("host__sh", script="echo x >%s/f && mkdir %s/sub && mv %s/f %s/sub/ && head -c 4 /dev/urandom" % (
                (data,) * 4) + " >/dev/null")
            connect = "import socket; socket.create_connection(('127.0.0.1', %d)).close()"
            c.tool("host__python", script=connect % port)
            assert "PermissionError" in fails(c, connect % d.addr[1], "host__python")
            got = d.ctl("backend.show", name="notes")
            equal(got["sandbox"]["write"], {"value": [data], "enforced": True}, "write")
            equal(got["sandbox"]["connect"], {"value": [port], "enforced": True}, "connect")
            equal((got["kind"], got["program"], got["scope"], got["era"], got["landlock"]),
                  ("stdio", sys.executable, "session", "auto", landlock_abi()), "what it is")


@case("a Node server in a sandbox has what is listed, and nothing else")
def _():
    need(3)
    program = node()
    with tempfile.TemporaryDirectory() as temp:
        server, data = script(temp, "app/server.cjs", NODE_SERVER), os.path.join(temp, "data")
        other = script(temp, "other/file", "x")
        os.mkdir(data)
        with Daemon({"n": {"command": program, "args": [server], "cwd": data, "sandbox": {
                "read": [os.path.join(temp, "app")], "write": [data]}}}) as d:
            c = Client(d)
            c.request("tools/list")
            equal(c.tool("look", path=server), "read", "its script")
            equal(c.tool("look", path=other), "EACCES", "a file elsewhere")
            equal(c.tool("keep", path=os.path.join(data, "f")), "kept", "a file of its own")
            equal(c.tool("keep", path=os.path.join(temp, "app", "f")), "EACCES", "a file beside the script")


@case("the files of the daemon stay hidden whatever a sandbox lists; false lifts that")
def _():
    need(3)
    with Apart(servers={"all": {"tools": {"sh": SH}, "sandbox": {"read": ["/"]}},
                        "free": {"tools": {"sh": SH}, "sandbox": False}}) as d:
        assert "denied" in fails(Client(d, path="/mcp/all"), "cat " + d.file)
        assert Client(d, path="/mcp/all").tool("sh", script="cat /etc/hostname || echo none")
        assert "mcpServers" in Client(d, path="/mcp/free").tool("sh", script="cat " + d.file)
        equal(d.ctl("backend.show", name="free")["landlock"], 0, "landlock")
        hidden = d.ctl("backend.show", name="all")["hidden"]
        assert os.path.join(d.dir, "etc") in hidden and os.path.join(d.dir, "state") in hidden, hidden


@case("an empty sandbox: a program of /usr runs, and has nothing")
def _():
    need(3)
    with Daemon({"host": {"tools": {"sh": SH}, "cwd": "/", "sandbox": {}}}) as d:
        c = Client(d)
        equal(c.tool("sh", script="cat /etc/passwd >/dev/null && echo ok"), "ok\n", "/etc/passwd")
        for text in ("ls /", "echo x >/tmp/mcpd-x", "cat %s" % d.file):
            assert "denied" in fails(c, text), text


@case("what a sandbox names must be there, and be well-formed: an error that names it")
def _():
    for box, part in (({"read": ["/no/such"]}, "sandbox.read: /no/such: No such file"),
                      ({"write": ["/no/such"]}, "sandbox.write: /no/such"),
                      ({"read": ["here"]}, "sandbox.read: expected absolute paths"),
                      ({"connect": [0]}, "sandbox.connect[0]: expected a port"),
                      ({"connect": 443}, "sandbox.connect: expected an array of ports"),
                      ({"reads": []}, "did you mean \"read\""), (True, "sandbox: expected an object or false")):
        status, _, err = run_mcpd({"mcpServers": {"x": dict(tiny(), sandbox=box)}}, "-n")
        equal(status, 78, "status for %r: %s" % (box, err))
        assert "mcpServers.x.sandbox" in err and part in err, err


def cgroup2():
    """The controllers of cgroup v2 that this machine has."""
    try:
        with open("/proc/self/mountinfo") as f:
            points = [l.split()[4] for l in f if " - cgroup2 " in l]
        with open(os.path.join(points[0], "cgroup.controllers")) as f:
            return points[0], f.read().split()
    except (OSError, IndexError):
        return None, []


@case("resources that the kernel cannot enforce: an error with the remedy, or a warning")
def _():
    if "memory" in cgroup2()[1]:
        raise Skip("the kernel can enforce them")
    limits = {"memory": 1 << 28, "files": 50}
    status, _, err = run_mcpd({"mcpServers": {"x": dict(tiny(), resources=limits)}}, "-n")
    equal(status, 78, err)
    assert "mcpServers.x.resources" in err and "cgroup v2" in err and '"required": false' in err, err
    with Daemon({"x": {"tools": {"sh": SH}, "resources": dict(limits, required=False)}}) as d:
        d.wait_log("not enforced: .*cgroup v2")
        equal(Client(d).tool("sh", script="ulimit -n; ulimit -Hn"), "50\n50\n", "files")
        got = d.ctl("backend.show", name="x")["limits"]
        equal(got, {"memory": {"value": 1 << 28, "enforced": False}, "files": {"value": 50, "enforced": True}},
              "limits")


@case("a child that takes more memory than it may is killed, and its cgroup removed")
def _():
    point, controllers = cgroup2()
    if not {"memory", "pids"} <= set(controllers) or not os.access(point, os.W_OK):
        raise Skip("cgroup v2 has no memory and pids here, or is not ours")
    folder = os.path.join(point, "mcpd-test-%d" % os.getpid())
    os.mkdir(folder)
    try:
        with Daemon({"x": {"tools": {"python": PYTHON}, "resources": {"memory": 64 << 20, "processes": 4}}},
                    cgroup=folder) as d:
            c = Client(d)
            fails(c, "x = bytearray(256 << 20)", "python")
            d.wait_log("resources.memory")
            fails(c, "import os\nfor _ in range(9): os.fork() or os.read(0, 1) or os._exit(0)", "python")
            wait_until(lambda: not [n for n in os.listdir(folder) if n.startswith("child-")], "the end")
    finally:
        os.rmdir(folder)


@case("with the layout and the rules of the systemd unit everything of the daemon is hidden")
def _():
    import harness
    base, wrapper = apart(), harness.WRAPPER
    if not shutil.which("setpriv"):
        raise Skip("no setpriv")
    try:
        for name, mode in (("lib/mcpd", 0o700), ("lib/mcpd-home", 0o700), ("run/mcpd", 0o755)):
            os.makedirs(os.path.join(base, name), mode)
        d = Daemon({"host": {"tools": {"sh": SH}}})
        os.rmdir(d.dir)
        d.dir, d.cwd = base, os.path.join(base, "lib/mcpd-home")
        d.file = os.path.join(base, "etc/mcpd/mcpd.json")
        os.makedirs(os.path.dirname(d.file), 0o750)
        d.socket = d.config["control"] = os.path.join(base, "run/mcpd/control.sock")
        harness.WRAPPER = ["setpriv", "--no-new-privs", "--inh-caps=-all"] + (
            ["--bounding-set=-all"] if os.geteuid() == 0 else []) + [
                "env", "HOME=" + d.cwd, "STATE_DIRECTORY=%s/lib/mcpd:%s" % (base, d.cwd),
                "sh", "-c", 'umask 0027; exec "$@"', "sh"] + wrapper
        with d:
            assert not [l for l in d.lines() if "Not hidden" in l], d.lines()
            c = Client(d)
            for path in (d.file, base + "/lib/mcpd/key"):
                assert "denied" in fails(c, "cat " + path)
            c.tool("sh", script="cd && mkdir -p .npm/a && echo 1 >.npm/f && mv .npm/f .npm/a/ && cat .npm/a/f")
            fails(c, "cat /proc/%d/environ" % d.pid)
    finally:
        harness.WRAPPER = wrapper
        shutil.rmtree(base, ignore_errors=True)


run()
