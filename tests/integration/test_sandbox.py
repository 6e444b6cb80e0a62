#!/usr/bin/env python3
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
        c.request("tools/list")
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


run()
