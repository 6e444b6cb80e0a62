#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""What authorises the daemon's own requests: stored secrets, tokens of an issuer, and that they stay secret."""

import pty
import termios

from fakeupstream import Upstream
from harness import *
from webserver import *

JSON = "application/json"
for one in ("hunter2-secret", "client-secret-x", "introspection-secret", "exchange-secret", "secret-typed"):
    secret(one)


def secret_set(d, user, backend, text, status=0):
    for word in text.split():
        secret(word)
    p = subprocess.run([MCPCTL, "-s", d.socket, "user", "secret", "set", user, backend], input=text.encode(),
                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=TIMEOUT)
    equal(p.returncode, status, p.stderr.decode())
    said = p.stdout.decode() + p.stderr.decode()
    no_secret_in("the output of mcpctl", said)
    return said


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
            self.given.append(secret("granted-%d-%s" % (n, os.urandom(20).hex())))
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


class Users(WebServer):
    """An authorization server that knows tokens (RFC 7662) and exchanges them (RFC 8693)."""

    def __init__(self):
        super().__init__()
        self.tokens, self.given, self.life, self.rotating = {}, [], 3600, False
        self.subjects = {}  # of what was given: the token that it was given for
        self.lock = threading.Lock()
        self.route("/introspect", self.introspect)
        self.route("/token", self.token)

    def config(self, *audiences):
        return {"mode": "introspect", "issuer": self.url, "introspectionUrl": self.url + "/introspect",
                "clientId": "mcpd", "clientSecret": "introspection-secret",
                "resource": "https://mcpd.example/mcp", "forwardAudiences": list(audiences)}

    def login(self, user, *audiences, life=3600, **claims):
        token = secret("token-of-%s-%s" % (user, os.urandom(8).hex()))
        self.tokens[token] = dict({"active": True, "sub": user, "iss": self.url, "exp": int(time.time()) + life,
                                   "aud": ["https://mcpd.example/mcp"] + list(audiences)}, **claims)
        return token

    def introspect(self, request):
        return 200, JSON, self.tokens.get(request.form()["token"], {"active": False})

    def token(self, request):
        form = request.form()
        with self.lock:
            if form["grant_type"] == "refresh_token":
                if form["refresh_token"] != self.refresh:
                    return 400, JSON, {"error": "invalid_grant", "error_description": "used twice"}
                user = self.refresh.split("-")[2]
            elif form["grant_type"] == "client_credentials":
                user = "mcpd"
            else:
                user = self.tokens[form["subject_token"]]["sub"]
            n = len(self.given) + 1
            answer = {"access_token": "for-%s-%d-%s" % (user, n, os.urandom(4).hex()),
                      "token_type": "Bearer", "expires_in": self.life}
            if self.rotating:
                self.refresh = answer["refresh_token"] = "refresh-for-%s-%d" % (user, n)
            self.given.append(answer["access_token"])
            self.subjects[answer["access_token"]] = form.get("subject_token")
            secret(answer["access_token"])
            secret(answer.get("refresh_token", ""))
            return 200, JSON, answer

    def asked(self):
        return [r.form() for r in self.seen(path="/token")]


class Known(Client):
    """A client with a token."""

    def __init__(self, daemon, token, **keys):
        self.token = token
        super().__init__(daemon, **keys)

    def headers(self, **changes):
        return super().headers(**dict({"Authorization": "Bearer " + self.token}, **changes))


class KnownModern:
    """A client of 2026-07-28 with a token."""

    def __init__(self, daemon, token, caps=None):
        self.daemon, self.token, self.caps = daemon, token, caps or {}

    def post(self, method, params=None, accept=BOTH, conn=None, **keys):
        prefix = "io.modelcontextprotocol/"
        meta = {prefix + "protocolVersion": "2026-07-28", prefix + "clientCapabilities": self.caps}
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": dict(params or {}, _meta=meta)}
        fields = [("Content-Type", "application/json"), ("Accept", accept), ("MCP-Protocol-Version", "2026-07-28"),
                  ("Mcp-Method", method), ("Authorization", "Bearer " + self.token)]
        if "name" in (params or {}):
            fields.append(("Mcp-Name", params["name"]))
        return (conn or Conn(self.daemon.addr)).request("POST", "/mcp", fields, json.dumps(body))

    def call(self, name, /, **arguments):
        return self.post("tools/call", {"name": name, "arguments": arguments})

    def tool(self, name, /, **arguments):
        return Pending(self, 1, self.call(name, **arguments)).text()


def credential_of(c, name="t"):
    return json.loads(c.tool(name))["credential"]


@case("a user's token is exchanged, each user's for that user's calls")
def _():
    with Users() as issuer, WebServer([tool("t")]) as w:
        guarded(w)
        servers = {"w": {"web": w.url, "credential": {
            "from": "exchange", "tokenEndpoint": issuer.url + "/token", "audience": w.url}}}
        with Daemon(servers, auth=issuer.config()) as d:
            alice, bob = issuer.login("alice"), issuer.login("bob")
            a, b = Known(d, alice), Known(d, bob)
            assert credential_of(a).startswith("Bearer for-alice-"), "alice"
            assert credential_of(b).startswith("Bearer for-bob-"), "bob"
            equal(credential_of(a), credential_of(a))
            equal(len(issuer.asked()), 2, "exchanges")
            asked = issuer.asked()[0]
            equal((asked["subject_token"], asked["audience"]), (alice, w.url))
            assert not any(t in str(r.headers) for r in w.requests for t in (alice, bob))
            d.mcpctl("user", "logout", "alice")
            again = Known(d, issuer.login("alice"))
            assert credential_of(again).startswith("Bearer for-alice-3-"), "a new exchange"


@case("case_25_one_refresh_at_a_time: a rotating refresh token is used once by many calls")
def _():
    with Users() as issuer, WebServer([tool("t")]) as w:
        issuer.rotating = True
        def invoke(r):
            good = r.header("Authorization") == "Bearer " + issuer.given[-1]
            return (200, JSON, {"ok": True}) if good else (401, JSON, {})
        w.route("/mcp/tools/invoke", invoke)
        servers = {"w": {"web": w.url, "credential": {
            "from": "exchange", "tokenEndpoint": issuer.url + "/token"}}}
        with Daemon(servers, auth=issuer.config()) as d:
            token = issuer.login("alice")
            clients = [Known(d, token) for _ in range(4)]
            clients[0].tool("t")
            issuer.given.append("something-else")  # all that was given is no good any more
            begun = [(c, c.begin_tool("t")) for c in clients for _ in range(8)]
            for c, conn in begun:
                equal(json.loads(c.end(conn).text()), {"ok": True})
            equal([f["grant_type"].split(":")[-1] for f in issuer.asked()],
                  ["token-exchange", "refresh_token"])


@case("the user's own token goes along where it names the server as an audience, and nowhere else")
def _():
    with Users() as issuer, WebServer([tool("t")]) as w:
        guarded(w)
        servers = {"w": {"web": w.url, "forwardToken": True}}
        status, _, err = run_mcpd({"mcpServers": servers}, "-n")
        equal(status, 78, err)
        status, _, err = run_mcpd({"mcpServers": servers, "auth": issuer.config("https://other")}, "-n")
        equal(status, 78, err)
        assert "MCP forbids" in err and "forwardAudiences" in err, err
        with Daemon(servers, auth=issuer.config(w.url)) as d:
            good, bad = issuer.login("alice", w.url), issuer.login("bob", "https://other")
            equal(credential_of(Known(d, good)), "Bearer " + good)
            assert "not issued for" in error_of(Known(d, bad), "t")
            assert not any(bad in str(r.headers) for r in w.requests)


@case("case_24: a refreshed token costs no session, and goes along from then on")
def _():
    with Users() as issuer, WebServer([tool("t")]) as w:
        guarded(w)
        with Daemon({"w": {"web": w.url, "forwardToken": True}}, auth=issuer.config(w.url)) as d:
            old = issuer.login("alice", w.url)
            c = Known(d, old)
            session = c.sid
            equal(credential_of(c), "Bearer " + old)
            new = issuer.login("alice", w.url)
            issuer.tokens[new]["exp"] += 3600
            c.token = new
            equal(credential_of(c), "Bearer " + new)
            equal((c.sid, d.sessions()), (session, 1))


@case("MCP servers behind URLs get the credential of the user whose session it is")
def _():
    with Users() as issuer, Upstream() as up:
        @up.tool("who")
        def _(req):
            req.text(req.headers.get("authorization", "nobody"))
        servers = {"up": up.backend(credential={
            "from": "exchange", "tokenEndpoint": issuer.url + "/token", "clientId": "mcpd",
            "clientSecret": "exchange-secret"})}
        with Daemon(servers, auth=issuer.config()) as d:
            a, b = Known(d, issuer.login("alice")), Known(d, issuer.login("bob"))
            assert a.tool("who").startswith("Bearer for-alice-"), "alice"
            assert b.tool("who").startswith("Bearer for-bob-"), "bob"
            assert a.tool("who").startswith("Bearer for-alice-"), "alice"
            assert all("authorization" in r.headers for r in up.seen), "a request without"
            methods = [r.method for r in up.seen if "for-mcpd-" in r.headers["authorization"]]
            assert "tools/list" in methods and "tools/call" not in methods, methods


@case("an MCP server behind a URL that answers 401 is asked once more with a new token")
def _():
    with Users() as issuer, Upstream() as up:
        refused = []
        @up.tool("t")
        def _(req):
            if not refused:
                refused.append(req.headers["authorization"])
                req.reply(401, {"error": "expired"})
            else:
                req.text(req.headers["authorization"])
        servers = {"up": up.backend(credential={
            "from": "client", "tokenEndpoint": issuer.url + "/token", "clientId": "mcpd",
            "clientSecret": "exchange-secret"})}
        with Daemon(servers) as d:
            got = Client(d).tool("t")
            assert got.startswith("Bearer for-mcpd-2-") and refused[0].startswith("Bearer for-mcpd-1-"), got


@case("a user's child has the user's secret in its environment, and never in its arguments")
def _():
    with Users() as issuer:
        script = ("import json,os,sys\n"
                  "for line in sys.stdin:\n"
                  "    m = json.loads(line)\n"
                  "    if 'id' not in m: continue\n"
                  "    r = {'protocolVersion': '2025-06-18', 'capabilities': {'tools': {}}, 'serverInfo': "
                  "{'name': 'x', 'version': '1'}} if m['method'] == 'initialize' else {'tools': "
                  "[{'name': 't', 'inputSchema': {'type': 'object'}}]} if m['method'] == 'tools/list' else "
                  "{'content': [{'type': 'text', 'text': json.dumps([os.environ.get('API_KEY'), "
                  "os.environ.get('WHO'), os.environ.get('PLAIN')])}]}\n"
                  "    print(json.dumps({'jsonrpc': '2.0', 'id': m['id'], 'result': r}), flush=True)\n")
        servers = {"s": {"command": sys.executable, "args": ["-c", script], "scope": "user",
                         "env": {"PLAIN": "yes"}, "userEnv": {"API_KEY": "secret", "WHO": "user"}}}
        with Daemon(servers, auth=issuer.config()) as d:
            secret_set(d, "alice", "s", "key-of-alice\n")
            a, b = Known(d, issuer.login("alice")), Known(d, issuer.login("bob"))
            equal(json.loads(a.tool("t")), ["key-of-alice", "alice", "yes"])
            lines = [command_line(p) for p in d.children()]
            assert lines and not any("key-of-alice" in l for l in lines), lines
            try:
                b.tool("t")
                raise AssertionError("bob has a child")
            except RpcError as e:
                assert "stored no secret" in str(e), e
    status, _, err = run_mcpd({"mcpServers": {"s": {"command": "cat", "scope": "shared",
                                                    "userEnv": {"A": "secret"}}}}, "-n")
    assert status == 78 and "userEnv" in err, err


@case("no secret and no token is in the log, the store, control replies or command lines")
def _():
    folder = tempfile.mkdtemp(prefix="mcpd-test-")
    store = {"kind": "sqlite", "path": os.path.join(folder, "state"), "keyFile": os.path.join(folder, "key")}
    secrets = [secret("stored-secret-of-alice"), secret("client-secret-y")]
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
                no_secret_in("the output of mcpd -n", str(run_mcpd(d.config, "-n")))
            with Daemon(servers, store=store) as d:  # it is there again
                wait_until(lambda: all(b["state"] == "ready" for b in d.ctl("backends.list")), "tools")
                assert os.path.getsize(os.path.join(folder, "state", "mcpd.db")) > 0
            # That a search finds what is there: the harness searches at the end of every daemon.
            assert {issuer.given[0], *secrets} <= SECRETS
            try:
                no_secret_in("this text", "x%sx" % secrets[0])
            except AssertionError:
                return
            raise AssertionError("the search finds nothing")
    finally:
        del os.environ["TEST_CLIENT_SECRET"]
        shutil.rmtree(folder, ignore_errors=True)


# --- the token of the request, and what it allows ------------------------------------------------

def telling(up):
    """A tool of UP that says what authorised it, and in which session."""
    @up.tool("t")
    def _(req):
        req.text(json.dumps({"credential": req.headers.get("authorization"), "session": req.session}))


KINDS = {"web": {}, "session": {"scope": "session"}, "user": {"scope": "user"}, "modern": {"era": "modern"}}


def per_token(kind, **keys):
    """A server of this kind that tells which token came, and its configuration."""
    if kind == "web":
        server = WebServer([tool("t")])
        guarded(server)
        return server, {"web": server.url, **keys}
    server = Upstream(modern=kind == "modern")
    telling(server)
    return server, server.backend(**{**KINDS[kind], **keys})


def audience_of(server, conf):
    return conf.get("web") or conf["url"]


@case("the token of a request goes along, never a wider or newer one of the same user, in every scope and era")
def _():
    for kind in KINDS:
        with Users() as issuer:
            server, conf = per_token(kind, forwardToken=True)
            with server, Daemon({"s": conf}, auth=issuer.config(audience_of(server, conf))) as d:
                for lives in ((600, 300), (300, 600), (300, 300)):
                    wide, narrow = (issuer.login("alice", audience_of(server, conf), life=life, scope=scope,
                                                 client_id="c")
                                    for life, scope in zip(lives, ("mcp files:write admin", "mcp")))
                    for era in (Known, KnownModern):
                        a, b = era(d, wide), era(d, narrow)
                        for c in (a, b, b, a, b):
                            equal(credential_of(c), "Bearer " + c.token, "%s %s" % (kind, era.__name__))
                        # One client that changes from one to the other, too.
                        for token in (wide, narrow, wide):
                            b.token = token
                            equal(credential_of(b), "Bearer " + token, "%s %s" % (kind, era.__name__))


@case("a session at an upstream that users share is never that of tokens that allow different things")
def _():
    for kind in ("session", "user"):
        with Users() as issuer:
            server, conf = per_token(kind, forwardToken=True)
            audience = audience_of(server, conf)
            with server, Daemon({"s": conf}, auth=issuer.config(audience)) as d:
                wide = [issuer.login("alice", audience, scope=s, client_id="c") for s in ("mcp a", "a mcp")]
                narrow = [issuer.login("alice", audience, scope="mcp", client_id=c) for c in ("c", "other")]
                plain = [issuer.login("alice", audience) for _ in range(2)]
                clients = [Known(d, t) for t in wide + narrow + plain]
                got = [json.loads(c.tool("t")) for c in clients * 2]
                sessions = [g["session"] for g in got]
                equal(sessions[:6], sessions[6:], "of the same clients")
                equal([g["credential"] for g in got], ["Bearer " + c.token for c in clients * 2])
                # The first two allow the same; what the last two allow is not known.
                equal(len(set(sessions)), 6 if kind == "session" else 5, "sessions of " + kind)
                if kind == "user":
                    equal(sessions[0], sessions[1])
                    # Each request of a session has a token that allows what the first one did.
                    clients[0].token = narrow[0]
                    equal(json.loads(clients[0].tool("t"))["session"], sessions[2], "after less was allowed")
                for c in clients:
                    c.delete()
                server.wait("DELETE", len(set(sessions)))
                for r in server.seen:
                    if r.session and r.session in sessions:
                        assert r.headers.get("authorization") in {
                            g["credential"] for g in got if g["session"] == r.session} | {"Bearer " + narrow[0]}, r


@case("what belongs to no request of a client has the token of its session's latest request")
def _():
    with Users() as issuer, Upstream() as up:
        telling(up)
        conf = up.backend(forwardToken=True)
        with Daemon({"s": conf}, auth=issuer.config(conf["url"])) as d:
            first, second = (issuer.login("alice", conf["url"], scope="mcp", client_id="c") for _ in range(2))
            other = issuer.login("alice", conf["url"], scope="mcp admin", client_id="c", life=7200)
            c, stranger = Known(d, first), Known(d, other)
            session = json.loads(c.tool("t"))["session"]
            stranger.tool("t")
            got = up.wait("GET", fn=lambda r: r.session == session)
            equal(got.headers["authorization"], "Bearer " + first)
            c.token = second
            c.request("ping")  # not for the upstream
            with up.cond:
                up.sessions.discard(session)
            again = json.loads(c.tool("t"))
            assert again["session"] != session
            for method in ("initialize", "notifications/initialized", "GET"):
                sent = [r for r in up.seen if method in (r.method, r.verb)
                        and r.headers.get("authorization") == "Bearer " + second]
                assert sent or up.wait(method, fn=lambda r: r.headers.get("authorization") == "Bearer " + second)
            c.delete()
            gone = up.wait("DELETE", fn=lambda r: r.session == again["session"])
            equal(gone.headers["authorization"], "Bearer " + second)


@case("an answer of the client is sent on with the token that it came with")
def _():
    with Users() as issuer, Upstream() as up:
        answered = threading.Event()
        @up.tool("ask")
        def _(req):
            stream = req.sse()
            stream.event({"jsonrpc": "2.0", "id": 7, "method": "elicitation/create", "params": {
                "message": "Who?", "requestedSchema": {"type": "object", "properties": {}}}})
            assert answered.wait(TIMEOUT)
            stream.finish({"content": [{"type": "text", "text": "done"}]})
        up.hook = lambda req: answered.set() if req.method == "response" else None
        conf = up.backend(forwardToken=True)
        with Daemon({"s": conf}, auth=issuer.config(conf["url"])) as d:
            first, second = (issuer.login("alice", conf["url"], scope="mcp", client_id="c") for _ in range(2))
            c = Known(d, first, caps={"elicitation": {}})
            p = c.start_tool("ask")
            question = p.ask()
            c.token = second
            c.answer(question["id"], {"action": "accept", "content": {}})
            equal(p.text(), "done")
            equal(up.wait("response").headers["authorization"], "Bearer " + second)
            equal(up.wait("tools/call").headers["authorization"], "Bearer " + first)


@case("a link that everybody shares cannot know whose token it carries: refused at configuration")
def _():
    for keys in ({"forwardToken": True}, {"credential": {"from": "exchange", "tokenEndpoint": "https://i.example/t"}}):
        servers = {"s": {"type": "http", "url": "https://up.example/mcp", "scope": "shared", **keys}}
        auth = {"mode": "jwt", "issuer": "https://i.example", "resource": "https://m.example/mcp",
                "forwardAudiences": ["https://up.example/mcp"]}
        status, _, err = run_mcpd({"mcpServers": servers, "auth": auth}, "-n")
        assert status == 78 and "scope" in err, err


@case("an exchanged token is for tokens that allow the same, whoever else the user is")
def _():
    for kind in KINDS:
        with Users() as issuer:
            server, conf = per_token(kind, credential={"from": "exchange", "tokenEndpoint": issuer.url + "/token"})
            with server, Daemon({"s": conf}, auth=issuer.config()) as d:
                same = [issuer.login("alice", scope=s, client_id="c", jti=str(i), iat=int(time.time()) - i)
                        for i, s in enumerate(("a b", "b a", "a b"))]
                others = [issuer.login("alice", scope="a", client_id="c"),
                          issuer.login("alice", scope="a b", client_id="d"),
                          issuer.login("alice", "https://more.example", scope="a b", client_id="c"),
                          issuer.login("alice", scope="a b", client_id="c", roles=["admin"])]
                unknown = [issuer.login("alice", client_id="c") for _ in range(2)]
                for era in (Known, KnownModern):
                    of = {}
                    for t in same + others + unknown + same:
                        of[t] = credential_of(era(d, t))
                        assert t not in of[t]
                    equal(len({of[t] for t in same}), 1, "for the same")
                    equal(len(set(of.values())), 7, "in all")
                    for t in others + unknown:
                        equal(issuer.subjects[of[t][7:]], t)
                equal(len(issuer.asked()), 7, "exchanges of " + kind)


@case("a scope that is missing at the server reaches the client as a challenge; with it, one exchange more")
def _():
    for kind in KINDS:
        for forward in (True, False):
            with Users() as issuer:
                how = {"forwardToken": True} if forward else {
                    "credential": {"from": "exchange", "tokenEndpoint": issuer.url + "/token"}}
                server, conf = per_token(kind, **how)
                audience = audience_of(server, conf)

                def allows(authorization):
                    token = (authorization or "")[7:]
                    claims = issuer.tokens.get(token if forward else issuer.subjects.get(token), {})
                    return "files:write" in claims.get("scope", "").split()

                lacks = 'Bearer realm="x", error="insufficient_scope", scope="files:write"'
                if kind == "web":
                    server.route("/mcp/tools/invoke", lambda r: (
                        (200, JSON, {"ok": True}) if allows(r.header("Authorization"))
                        else (403, JSON, {"error": "no"}, [("WWW-Authenticate", lacks)])))
                else:
                    @server.tool("t")
                    def _(req):
                        if allows(req.headers.get("authorization")):
                            req.text("ok")
                        else:
                            req.reply(403, {"error": "no"}, WWW_Authenticate=lacks)
                with server, Daemon({"s": conf}, auth=issuer.config(*[audience] if forward else [])) as d:
                    for era in (Known, KnownModern):
                        before = len(issuer.asked())
                        c = era(d, issuer.login("alice", audience, scope="mcp", client_id="c"))
                        for n in range(2):
                            r = c.call("t") if era is KnownModern else c.start_tool("t").reply
                            msg = "%s %s %s" % (kind, forward, era.__name__)
                            equal(r.status, 403, msg)
                            challenge = r.header("WWW-Authenticate")
                            assert challenge.startswith("Bearer ") and 'error="insufficient_scope"' in challenge and \
                                'scope="mcp files:write"' in challenge and "resource_metadata=" in challenge, challenge
                            assert "files:write" in r.json()["error"]["message"], r.json()
                        c.token = issuer.login("alice", audience, scope="mcp files:write", client_id="c")
                        for n in range(2):
                            c.tool("t")
                        # What was taken away is gone with the next token.
                        c.token = issuer.login("alice", audience, scope="mcp", client_id="c")
                        r = c.call("t") if era is KnownModern else c.start_tool("t").reply
                        equal(r.status, 403, "after the scope was taken away")
                        if not forward:
                            equal(len(issuer.asked()) - before, 2 if era is Known else 0, "exchanges, " + msg)


@case("a scope that is missing for the handshake with the server is told as well, and costs no wait")
def _():
    with Users() as issuer, Upstream() as up:
        telling(up)
        lacks = 'Bearer error="insufficient_scope", scope="up"'

        def hook(req):
            claims = issuer.tokens.get(req.headers.get("authorization", "")[7:])
            if claims and "up" not in claims["scope"].split():
                req.reply(403, WWW_Authenticate=lacks)
                return True
        up.hook = hook
        conf = up.backend(forwardToken=True)
        with Daemon({"s": conf}, auth=issuer.config(conf["url"])) as d:
            c = Known(d, issuer.login("alice", conf["url"], scope="mcp", client_id="c"))
            r = c.start_tool("t").reply
            equal(r.status, 403)
            assert 'scope="mcp up"' in r.header("WWW-Authenticate"), r.header("WWW-Authenticate")
            c.token = issuer.login("alice", conf["url"], scope="mcp up", client_id="c")
            equal(credential_of(c), "Bearer " + c.token)


# --- servers that repeat what they were sent ------------------------------------------------------

def told(*what):
    """What a tactless server says of WHAT it was sent."""
    return "I got " + " ".join("<%s>" % w for w in what if w)


@case("a token endpoint that repeats what it was sent: no secret of that is in the log, a state or an error")
def _():
    for auth in ("basic", "post"):
        with Users() as issuer, WebServer([tool("t")]) as w:
            def token(r):
                form = r.form()
                basic = (r.header("Authorization") or "").rpartition(" ")[2]
                client = secret(basic) or form["client_id"]
                sent = told(basic, form.get("client_secret"), form.get("subject_token"), form.get("refresh_token"))
                if client in ("good", BASIC_GOOD) and form["grant_type"] == "client_credentials":
                    return 200, JSON, {"access_token": secret("given-to-the-daemon"), "token_type": "Bearer"}
                if "bob" in issuer.tokens.get(form.get("subject_token"), {}).get("sub", ""):
                    return 200, JSON, {"access_token": secret("given-to-bob"), "token_type": "Bearer",
                                       "refresh_token": secret("refresh-of-bob")}
                # The name of the error is cut where the value is in the middle.
                return 400, JSON, {"error": " " * 40 + sent if client == "cut" else "x", "error_description": sent}
            issuer.route("/token", token)
            w.route("/mcp/tools/invoke", (401, JSON, {}))
            servers = {name: {"web": w.url, "credential": {
                "from": kind, "tokenEndpoint": issuer.url + "/token", "clientId": client,
                "clientSecret": "client-secret-x", "clientAuth": auth}}
                for name, kind, client in (("own", "client", "bad"), ("cut", "client", "cut"), ("w", "exchange", "good"))}
            with Daemon(servers, verbose=2, auth=issuer.config()) as d:
                for name in ("own", "cut"):
                    d.wait_log("backend %s failed: the token endpoint refuses: .*<[*]{3}" % name)
                wait_until(lambda: [b for b in d.ctl("backends.list") if b["name"] == "w" and b["state"] == "ready"],
                           "the tools")
                for user in ("alice", "bob"):
                    text = error_of(Known(d, issuer.login(user), path="/mcp/w"), "t")
                    assert "refuses: x: I got <***" in text or user == "bob", text
                    no_secret_in("an error", text)
                d.wait_log("no token from .*<[*]{3}>", count=4)
                assert not any("<client" in l for l in d.lines()), "a part of the secret is in the log"


BASIC_GOOD = "Z29vZDpjbGllbnQtc2VjcmV0LXg="  # of good:client-secret-x


def repeat_error(req, sent):
    req.error(200, -32603, sent)


def repeat_noise(req, sent):
    stream = req.sse()
    stream.event(sent)
    stream.finish(req.up.cacheable({"tools": []}))


def repeat_message(req, sent):
    stream = req.sse()
    stream.notify("notifications/message", {"level": "error", "data": {"you": sent}})
    stream.finish(req.up.cacheable({"tools": []}))


REPEATED = {  # what is asked: how it is answered, and what is logged of that
    "an error of initialize": ("initialize", repeat_error, "backend s failed: .*"),
    "an error of the list": ("tools/list", repeat_error, "tools/list: .*"),
    "a failure of HTTP": ("tools/list", lambda req, sent: req.reply(500, {"error": {"message": sent}}),
                          "tools/list: .*HTTP 500: .*"),
    "a tool that is none": ("tools/list", lambda req, sent: req.result({"tools": [{"name": sent, "inputSchema": {
        "type": "object", "properties": {"a": {"type": "string", "x-mcp-header": sent}}}}]}), "tool .* is left out"),
    "an event that is no JSON": ("tools/list", repeat_noise, "not JSON .*"),
    "a log message": ("tools/list", repeat_message, "message of the server .*"),
    "a redirect": ("tools/list", lambda req, sent: req.reply(307, Location="http://%s.invalid/mcp" % sent[7:-1]),
                   "redirects elsewhere .*"),
}


@case("servers that repeat the credential that they got: it is not in the log, a state or an error")
def _():
    for what, (method, answer, line) in REPEATED.items():
        with Issuer() as issuer, Upstream() as up:
            repeats = []

            def hook(req):
                if req.method == method and not repeats:
                    repeats.append(req)
                    answer(req, told(req.headers["authorization"].partition(" ")[2]))
                    return True
            up.hook = hook
            conf = up.backend(credential={"from": "client", "tokenEndpoint": issuer.url + "/token", "clientId": "mcpd",
                                          "clientSecret": "client-secret-x"})
            with Daemon({"s": conf}, verbose=2) as d:
                d.wait_log(line)
                assert any("***" in l for l in d.lines()), (what, d.lines())
                assert not any(issuer.given[0][:20] in l for l in d.lines()), "a part of the token is in the log"
                no_secret_in("the list of backends", d.mcpctl("--json", "backends", "list"))


@case("web endpoints that repeat the credential that they got: it is not in the log or a state")
def _():
    for key in ("name", "cursor"):
        with Issuer() as issuer, WebServer() as w:
            def tools(r):
                sent = told(*(r.header(h).rpartition(" ")[2] for h in ("Authorization", "X-Key")))
                return 200, JSON, {"tools": [dict(tool(sent), inputSchema=7)]} if key == "name" else {"tools": sent}
            w.route("/mcp/tools/list", tools)
            secret("configured-key")
            conf = {"web": w.url, "headers": {"X-Key": "configured-key"}, "credential": {
                "from": "client", "tokenEndpoint": issuer.url + "/token", "clientId": "mcpd",
                "clientSecret": "client-secret-x"}}
            with Daemon({"w": conf}, verbose=2) as d:
                d.wait_log("is left out|backend w failed")
                if key == "name":
                    d.wait_log(r"tool I got <\*\*\*> <\*\*\*> is left out")
                no_secret_in("the list of backends", d.mcpctl("--json", "backends", "list"))


@case("a session's server that repeats its user's token: it is not in the log")
def _():
    with Users() as issuer, Upstream() as up:
        def hook(req):
            if req.method == "tools/list" and "authorization" in req.headers:
                repeat_error(req, told(req.headers["authorization"].partition(" ")[2]))
                return True
        up.hook = hook

        @up.tool("change")
        def _(req):
            stream = req.sse()
            stream.notify("notifications/tools/list_changed")
            stream.finish({"content": []})
        conf = up.backend(forwardToken=True, scope="session")
        with Daemon({"s": conf}, verbose=2, auth=issuer.config(conf["url"])) as d:
            Known(d, issuer.login("alice", conf["url"])).start_tool("change").result()
            d.wait_log("could not be learnt: .*<[*]{3}>|tools/list: .*<[*]{3}>")


run()
