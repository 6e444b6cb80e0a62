# SPDX-License-Identifier: ISC
"""Node and the pinned packages in node/, for tests with real clients and servers."""

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
        self.script = self.own("client.mjs")

    def own(self, name):
        """The path of a script of ours, where it finds the packages."""
        path = os.path.join(self.folder, name)
        if self.folder != SOURCE:
            shutil.copy(os.path.join(SOURCE, name), path)
        return path

    def need(self):
        """Skips the case where Node is not to be had; fails where it is required."""
        if self.reason:
            assert not REQUIRED, self.reason
            raise Skip(self.reason)

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
