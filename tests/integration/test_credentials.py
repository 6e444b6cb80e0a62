#!/usr/bin/env python3
"""What authorises the daemon's own requests: stored secrets, tokens of an issuer, and that they stay secret."""

import pty
import termios

from harness import *
from webserver import *

JSON = "application/json"


def secret_set(d, user, backend, text, status=0):
    p = subprocess.run([MCPCTL, "-s", d.socket, "user", "secret", "set", user, backend], input=text.encode(),
                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=TIMEOUT)
    equal(p.returncode, status, p.stderr.decode())
    return p.stdout.decode() + p.stderr.decode()


class Issuer(WebServer):
    """The token endpoint of an authorization server: every token that it gave, and what it was asked."""

    def __init__(self):
        super().__init__()
        self.given, self.life, self.next = [], 3600, None
        self.lock = threading.Lock()
        self.route("/token", self.token)

    def token(self, request):
        with self.lock:
            if self.next:
                answer, self.next = self.next, None
                return answer
            n = len(self.given) + 1
            self.given.append("granted-%d-%s" % (n, os.urandom(8).hex()))
            return 200, JSON, {"access_token": self.given[-1], "token_type": "Bearer",
                               "expires_in": self.life}

    def asked(self):
        return [r.form() for r in self.seen(path="/token")]


def guarded(w, header="Authorization"):
    """Makes every tool of W tell which credential came."""
    w.route("/mcp/tools/invoke", lambda r: (200, JSON, {"credential": r.header(header)}))


def error_of(c, name):
    try:
        c.tool(name)
    except ToolError as e:
        return str(e)
    raise AssertionError("no error")


@case("user secret: from standard input, listed without the secret, unset")
def _():
    with WebServer([tool("t")]) as w, Daemon({"w": {"web": w.url, "credential": {"from": "secret"}}}) as d:
        assert "stored" in secret_set(d, "alice", "w", "hunter2-secret\n")
        secret_set(d, "alice", "none", "x\n", status=1)
        secret_set(d, "alice", "w", "", status=65)
        secret_set(d, "alice", "w", "\n", status=65)
        equal(d.ctl("user.secret.list"), [{"user": "alice", "backend": "w"}])
        assert "hunter2" not in d.mcpctl("--json", "user", "secret", "list") + d.mcpctl("users", "list")
        d.mcpctl("user", "secret", "unset", "alice", "w")
        d.mcpctl("user", "secret", "unset", "alice", "w", status=1)
        equal(d.ctl("user.secret.list"), [])
        d.mcpctl("user", "secret", "set", "alice", "w", "hunter2-secret", status=64)


@case("user secret set asks a terminal without echo, and leaves it as it was")
def _():
    with WebServer([tool("t")]) as w, Daemon({"w": {"web": w.url}}) as d:
        for end, status in (("secret-typed\r", 0), ("\x03", None)):
            pid, fd = pty.fork()
            if pid == 0:
                os.execv(MCPCTL, [MCPCTL, "-s", d.socket, "user", "secret", "set", "bob", "w"])
            seen = b""
            while b"Secret: " not in seen:
                seen += os.read(fd, 1000)
            wait_until(lambda: not termios.tcgetattr(fd)[3] & termios.ECHO, "the end of the echo")
            os.write(fd, end.encode())
            while True:
                try:
                    data = os.read(fd, 1000)
                except OSError:
                    break
                if not data:
                    break
                seen += data
            code = os.waitpid(pid, 0)[1]
            os.close(fd)
            assert b"secret-typed" not in seen, seen
            if status is None:
                assert os.WIFSIGNALED(code) and os.WTERMSIG(code) == signal.SIGINT, code
            else:
                equal(os.waitstatus_to_exitcode(code), status, seen)
        equal(d.ctl("user.secret.list"), [{"user": "bob", "backend": "w"}])


@case("a stored secret of the user whom the daemon learns as goes along with the list")
def _():
    with WebServer([tool("t")]) as w:
        w.route("/mcp/tools/list", lambda r: (200, JSON, {"tools": w.tools})
                if r.header("X-Api-Key") == "key-of-the-daemon" else (401, None))
        with Daemon({"w": {"web": w.url, "learnAs": "daemon",
                           "credential": {"from": "secret", "header": "X-Api-Key"}}}) as d:
            d.wait_log("backend w failed: the operator has stored no secret")
            assert "stored no secret" in d.mcpctl("backends", "list")
            secret_set(d, "daemon", "w", "key-of-the-daemon\n")
            d.ctl("backend.restart", name="w")
            wait_until(lambda: d.ctl("backends.list")[0]["state"] == "ready", "the tools")
            assert "for authenticated users only" in error_of(Client(d), "t")


@case("the daemon's own token: fetched once, kept, fetched again after a 401, for many calls at once")
def _():
    with Issuer() as issuer, WebServer([tool("t")]) as w:
        good = lambda r: (r.header("Authorization") or "") == "Bearer " + issuer.given[-1]
        def invoke(r):
            return (200, JSON, {"ok": True}) if good(r) else (401, JSON, {"error": "old token"})
        w.route("/mcp/tools/invoke", invoke)
        with Daemon({"w": {"web": w.url, "credential": {
                "from": "client", "tokenEndpoint": issuer.url + "/token", "clientId": "mcpd",
                "clientSecret": "client-secret-x", "scope": "s"}}}) as d:
            c = Client(d)
            for _ in range(3):
                equal(json.loads(c.tool("t")), {"ok": True})
            equal(issuer.asked(), [{"grant_type": "client_credentials", "scope": "s"}])
            equal(w.seen(path="/mcp/tools/list")[0].header("Authorization"), "Bearer " + issuer.given[0])
            issuer.given.append("another")  # what was given before is no good any more
            begun = [c.begin_tool("t") for _ in range(20)]
            for b in begun:
                equal(json.loads(c.end(b).text()), {"ok": True})
            equal(len(issuer.asked()), 2, "requests at the issuer")


@case("a backend that answers 401 whatever it gets is asked twice, and says why")
def _():
    with Issuer() as issuer, WebServer([tool("t")]) as w:
        w.route("/mcp/tools/invoke", (401, JSON, {"error": "never"}))
        with Daemon({"w": {"web": w.url, "credential": {
                "from": "client", "tokenEndpoint": issuer.url + "/token", "clientId": "mcpd",
                "clientSecret": "x"}}}) as d:
            assert "HTTP 401: never" in error_of(Client(d), "t")
            equal(len(w.seen(path="/mcp/tools/invoke")), 2, "calls")
            equal(len(issuer.asked()), 2, "tokens")
            assert "HTTP 401: never" in error_of(Client(d), "t")
            equal(len(issuer.asked()), 2, "tokens")


@case("an issuer that fails is an error of the call, and not the end")
def _():
    with Issuer() as issuer, WebServer([tool("t")]) as w:
        guarded(w)
        issuer.next = (503, "text/plain", "busy")
        with Daemon({"w": {"web": w.url, "credential": {
                "from": "client", "tokenEndpoint": issuer.url + "/token", "clientId": "mcpd",
                "clientSecret": "x"}}}) as d:
            d.wait_log("no token from .*HTTP 503")
            d.wait_log("backend w failed: the token endpoint answered HTTP 503")
            wait_until(lambda: d.ctl("backends.list")[0]["state"] == "ready", "the tools")
            equal(json.loads(Client(d).tool("t")), {"credential": "Bearer " + issuer.given[0]})


@case("no secret and no token is in the log, the store, control replies or command lines")
def _():
    folder = tempfile.mkdtemp(prefix="mcpd-test-")
    store = {"kind": "sqlite", "path": os.path.join(folder, "state"), "keyFile": os.path.join(folder, "key")}
    secrets = ["stored-secret-of-alice", "client-secret-y"]
    try:
        with Issuer() as issuer, WebServer([tool("t")]) as w:
            servers = {"w": {"web": w.url, "learnAs": "alice", "credential": {"from": "secret"}},
                       "own": {"web": w.url, "credential": {
                           "from": "client", "tokenEndpoint": issuer.url + "/token", "clientId": "mcpd",
                           "clientSecret": {"env": "TEST_CLIENT_SECRET"}}}}
            guarded(w)
            os.environ["TEST_CLIENT_SECRET"] = secrets[1]
            with Daemon(servers, store=store, verbose=2) as d:
                secret_set(d, "alice", "w", secrets[0] + "\n")
                d.ctl("backend.restart", name="w")
                wait_until(lambda: all(b["state"] == "ready" for b in d.ctl("backends.list")), "tools")
                w.route("/mcp/tools/invoke", (401, JSON, {}))
                error_of(Client(d), "own__t")
                assert any(r.header("Authorization") == "Bearer " + secrets[0] for r in w.requests)
                said = [json.dumps(d.ctl(m)) for m in (
                    "sessions.list", "users.list", "user.secret.list", "backends.list", "tools.list",
                    "status")]
                lines = [command_line(p) for p in [d.pid] + d.children()]
                printed = run_mcpd(d.config, "-n")
                d.stop()
                found = "\n".join(d.lines() + said + lines + list(map(str, printed)))
            with Daemon(servers, store=store) as d:  # it is there again
                wait_until(lambda: all(b["state"] == "ready" for b in d.ctl("backends.list")), "tools")
            for root, _, files in os.walk(folder):
                for f in files:
                    with open(os.path.join(root, f), "rb") as data:
                        found += data.read().decode("latin-1")
            assert os.path.getsize(os.path.join(folder, "state", "mcpd.db")) > 0
            for text in secrets + issuer.given:
                assert text not in found, "%s is found" % text
    finally:
        del os.environ["TEST_CLIENT_SECRET"]
        shutil.rmtree(folder, ignore_errors=True)


run()
