#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Authentication through the real daemon: tokens of a file, JWTs of an issuer, introspection."""

import base64
import hashlib
import hmac

from fakeissuer import Issuer, b64
from harness import *
from webserver import *

INIT = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
    "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}}
PING = {"jsonrpc": "2.0", "id": 2, "method": "ping"}
SERVERS = {"host": {"tools": {"hi": {"description": "Says hi", "command": ["echo", "hi"]}}}}


def bearer(token, **more):
    fields = [("Content-Type", "application/json"), ("Accept", BOTH)]
    if token:
        fields.append(("Authorization", "Bearer " + secret(token)))
    return fields + [(k.replace("_", "-"), v) for k, v in more.items()]


def post(d, token, body, path="/mcp", **more):
    return d.http("POST", path, bearer(token, **more), json.dumps(body).encode())


def no_token_in(d, *tokens):
    for line in d.lines():
        assert not any(t in line for t in tokens), "a token is in the log: %s" % line


def need_openssl():
    if not shutil.which("openssl"):
        raise Skip("no openssl")


@case("tokens of a file: 401 with a challenge, another user's session is unknown, revoked is revoked")
def _():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "tokens")

        def write(*users):
            with open(path + ".new", "w") as f:
                for user in users:
                    f.write("%s %s\n" % (hashlib.sha256(("token-of-" + user).encode()).hexdigest(), user))
            os.rename(path + ".new", path)
        write("alice", "bob")
        with Daemon(SERVERS, auth={"mode": "tokens", "tokensFile": path}) as d:
            assert d.health()["authEnabled"] is True
            with open("/proc/%d/limits" % d.pid) as f:  # no core, also not through a pipe
                assert re.search(r"^Max core file size +[01] ", f.read(), re.M)
            r = post(d, None, INIT)
            equal((r.status, r.header("WWW-Authenticate")), (401, 'Bearer realm="mcpd"'))
            r = post(d, "wrong", INIT)
            equal(r.status, 401)
            assert 'error="invalid_token"' in r.header("WWW-Authenticate")
            r = post(d, "token-of-alice", INIT)
            equal(r.status, 200)
            sid = r.header("Mcp-Session-Id")
            equal(post(d, "token-of-alice", PING, Mcp_Session_Id=sid).status, 200)
            equal(post(d, None, PING, Mcp_Session_Id=sid).status, 401)
            equal(post(d, "token-of-bob", PING, Mcp_Session_Id=sid).status, 404)
            equal(d.http("DELETE", "/mcp", bearer("token-of-bob", Mcp_Session_Id=sid)).status, 404)
            equal(post(d, "token-of-alice", PING, "/mcp?access_token=x", Mcp_Session_Id=sid).status, 400)
            write("bob")
            equal(post(d, "token-of-alice", PING, Mcp_Session_Id=sid).status, 401)
            no_token_in(d, "token-of")


@case("mcpctl user token: made, printed once, good, listed without itself, and revoked")
def _():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "tokens")
        with open(path, "w") as f:
            f.write("# by hand\n%s bob\n" % hashlib.sha256(b"token-of-bob").hexdigest())
        os.chmod(path, 0o600)
        with Daemon(SERVERS, auth={"mode": "tokens", "tokensFile": path}) as d:
            token = d.mcpctl("user", "token", "add", "alice", "--scope", "a b").strip()
            assert re.fullmatch(r"[0-9a-f]{64}", token), token
            other = json.loads(d.mcpctl("--json", "user", "token", "add", "alice"))
            equal((other["user"], len(other["id"])), ("alice", 12))
            for t in (token, other["token"], "token-of-bob"):
                equal(post(d, t, INIT).status, 200)
            rows = json.loads(d.mcpctl("--json", "user", "token", "list"))
            equal(sorted((r["user"], r["scope"]) for r in rows), [("alice", ""), ("alice", "a b"), ("bob", "")])
            with open(path) as f:
                text = f.read()
            assert text.startswith("# by hand\n") and token not in text, text
            equal(os.stat(path).st_mode & 0o777, 0o600)
            own = "a-token-of-my-own_1234=="

            def read(text, status=0):
                p = subprocess.run([MCPCTL, "-s", d.socket, "user", "token", "add", "carol", "--read"],
                                   input=text.encode(), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
                equal(p.returncode, status, p.stderr.decode())
                assert not text.strip() or text.strip() not in (p.stdout + p.stderr).decode()
                return p.stdout.decode()

            equal(read(own + "\n"), "carol has one more token\n")
            equal(post(d, own, INIT).status, 200)
            for wrong in ("", "short\n", "not a token, but a sentence\n", own + "x\n"):
                read(wrong, 65)
            d.mcpctl("user", "token", "revoke", other["id"])
            equal(post(d, other["token"], INIT).status, 401)
            equal(post(d, token, INIT).status, 200)
            d.mcpctl("user", "token", "revoke", "ffff", status=1)
            assert token not in json.dumps(rows) and token not in "\n".join(d.lines())
    with Daemon(SERVERS) as d:
        d.mcpctl("user", "token", "add", "alice", status=1)


@case("JWTs: metadata, a refreshed token keeps the session, new keys, scopes, an issuer that is gone")
def _():
    need_openssl()
    with Issuer() as issuer:
        issuer.make_key("k1")
        auth = {"mode": "jwt", "issuer": issuer.url, "resource": issuer.url + "/mcp", "minRefresh": 0.1,
                "toolScopes": {"host/hi": ["say:hi"]}}
        with Daemon(SERVERS, auth=auth) as d:
            r = post(d, None, INIT)
            meta = "/.well-known/oauth-protected-resource/mcp"
            equal((r.status, r.header("WWW-Authenticate")),
                  (401, 'Bearer resource_metadata="%s%s"' % (issuer.url, meta)))
            for path, resource in ((meta, "/mcp"), (meta + "/host", "/mcp/host"), (meta[:-4], "/mcp")):
                got = d.http("GET", path, [("Origin", "https://anywhere.example")])
                equal((got.status, got.header("Access-Control-Allow-Origin")), (200, "*"))
                equal(got.json()["resource"], issuer.url + resource)
                equal(got.json()["authorization_servers"], [issuer.url])
            equal(d.http("GET", meta + "/nothing").status, 404)
            first = issuer.sign("k1")
            r = post(d, first, INIT)
            equal(r.status, 200)
            sid = r.header("Mcp-Session-Id")
            refreshed = issuer.sign("k1", exp=int(time.time()) + 900)
            equal(post(d, refreshed, PING, Mcp_Session_Id=sid).status, 200)
            other = issuer.sign("k1", sub="bob")
            equal(post(d, other, PING, Mcp_Session_Id=sid).status, 404)
            for bad in (dict(aud="https://other.example/"), dict(iss="https://other.example"), dict(exp=1),
                        dict(nbf=int(time.time()) + 9999)):
                r = post(d, issuer.sign("k1", **bad), PING, Mcp_Session_Id=sid)
                equal(r.status, 401, bad)
                assert 'error="invalid_token"' in r.header("WWW-Authenticate")
            call = {"jsonrpc": "2.0", "id": 3, "method": "tools/call", "params": {"name": "hi", "arguments": {}}}
            r = post(d, first, call, Mcp_Session_Id=sid)
            equal(r.status, 403)
            assert 'error="insufficient_scope"' in r.header("WWW-Authenticate")
            assert 'scope="say:hi"' in r.header("WWW-Authenticate")
            equal(post(d, issuer.sign("k1", scope="a say:hi"), call, Mcp_Session_Id=sid).status, 200)
            issuer.make_key("k2")
            wait_until(lambda: post(d, issuer.sign("k2"), PING, Mcp_Session_Id=sid).status == 200, "the new key")
            unknown = issuer.sign("k2", jti="1")
            issuer.shutdown()
            issuer.server_close()
            equal(post(d, first, PING, Mcp_Session_Id=sid).status, 200)
            head = b64(json.dumps({"alg": "RS256", "kid": "k3"}).encode())
            r = wait_until(lambda: [x for x in [post(d, head + unknown[unknown.index("."):], PING,
                                                     Mcp_Session_Id=sid)] if x.status == 503], "503")[0]
            assert r.header("Retry-After")
            equal(d.http("DELETE", "/mcp", bearer(first, Mcp_Session_Id=sid)).status, 200)
            d.wait_log("^Session closed: %s \\(user: alice\\)$" % sid)
            d.wait_log("^Active sessions: 0, Active users: [12]$")
            no_token_in(d, first, refreshed, other, unknown)


def jwt_auth(issuer, **more):
    return dict({"mode": "jwt", "issuer": issuer.url, "resource": issuer.url + "/mcp", "minRefresh": 0.1}, **more)


def begin(d, token, body, **more):
    """Sends a request whose answer is not waited for: its connection."""
    conn, text = Conn(d.addr), json.dumps(body)
    conn.send(conn.head("POST", "/mcp", bearer(token, **more), len(text)) + text)
    return conn


@case("requests wait for the issuer's keys, so many and no more, and may leave while they wait")
def _():
    need_openssl()
    with Issuer() as issuer:
        issuer.make_key("k1")
        tokens = [issuer.sign("k1", sub="user%d" % n) for n in range(5)]
        issuer.answers.clear()
        with Daemon(SERVERS, auth=jwt_auth(issuer, maxWaiting=3)) as d:
            conns = [begin(d, t, INIT) for t in tokens]
            refused = []
            while len(refused) < 2:
                refused += select.select([c.sock for c in conns if c.sock not in refused], [], [], TIMEOUT)[0]
            for c in [c for c in conns if c.sock in refused]:
                r = c.reply()
                equal((r.status, bool(r.header("Retry-After"))), (503, True), "one too many")
                r.read()
            for c in conns:
                c.reset()
            d.health()  # who asks after they left is answered after they were seen to have
            again = [begin(d, t, INIT) for t in tokens[:3]]
            issuer.answers.set()
            for c in again:
                r = c.reply()
                equal(r.status, 200, "those that waited")
                r.read()
                c.close()
            equal((d.sessions(), d.health()["activeUsers"]), (3, 3))
            equal(issuer.fetches, 1, "fetches")


@case("requests that wait for the issuer's keys: a forwarded address has a share of auth.maxWaiting, others find a place")
def _():
    need_openssl()
    with Issuer() as issuer:
        issuer.make_key("k1")
        tokens = [issuer.sign("k1", sub="user%d" % n) for n in range(10)]
        issuer.answers.clear()
        with Daemon(SERVERS, auth=jwt_auth(issuer, maxWaiting=8), trustedProxies=["127.0.0.1"]) as d:
            def ask(n, address):
                return begin(d, tokens[n], INIT, X_Forwarded_For=address)

            def refused(conn, status):
                r = conn.reply()
                equal((r.status, bool(r.header("Retry-After"))), (status, True), "a refusal")
                assert "auth.maxWaiting" in r.json()["error"]["message"], r.json()

            # Of 8 places one address gets 7: with 7 taken less than a quarter is free. The answer to /health on
            # a later connection tells that all requests before have their places.
            waiting = [ask(n, "9.9.9.%d, 192.0.2.1" % n) for n in range(7)]
            wait_until(lambda: issuer.fetches == 1, "the request for the keys")
            d.health()
            refused(ask(7, "192.0.2.1"), 429)
            waiting.append(ask(8, "192.0.2.1, 192.0.2.2"))
            d.health()
            refused(ask(9, "192.0.2.3"), 503)
            issuer.answers.set()
            for c in waiting:
                r = c.reply()
                equal(r.status, 200, "those that waited")
                r.read()
                c.close()
            equal(d.sessions(), 8, "sessions")


def begin_large(d, token, size, sent):
    """A POST of SIZE bytes from somebody who does not wait, of which SENT go out if they can."""
    c = Conn(d.addr)
    c.finished = lambda reply: None
    c.send(c.head("POST", "/mcp", bearer(token), size))
    c.sock.setblocking(False)
    left = sent
    try:
        while left > 0:
            left -= c.sock.send(min(left, 65536) * b" ")
    except OSError:
        pass  # full, or refused already
    c.sock.settimeout(TIMEOUT)
    return c


@case("a body is not read before it is known who sends it, also while an issuer is asked")
def _():
    need_openssl()
    size = 8 << 20
    with Issuer() as issuer:
        issuer.make_key("k1")
        good = issuer.sign("k1", sub="alice")
        issuer.answers.clear()
        with Daemon(SERVERS, auth=jwt_auth(issuer, maxWaiting=1000), limits={"maxBody": size}) as d:
            before = rss(d.pid)
            conns = [begin_large(d, None, size, 7 << 20) for _ in range(150)]
            for c in conns:
                r = c.reply()
                equal((r.status, bool(r.header("WWW-Authenticate"))), (401, True), "no token")
                c.close()
            waiting = [begin_large(d, good, size, 7 << 20) for _ in range(150)]
            d.health()
            if not sanitized():
                assert rss(d.pid) - before < 16384, "%d KiB more" % (rss(d.pid) - before)
            for c in waiting[1:]:
                c.reset()
            waiting[0].close()
            issuer.answers.set()
            wait_until(lambda: post(d, good, INIT).status == 200, "the keys of the issuer")
            body = json.dumps(INIT).encode()
            c = Conn(d.addr)
            sender = threading.Thread(daemon=True, target=lambda: c.send(
                c.head("POST", "/mcp", bearer(good), size).encode() + body + (size - len(body)) * b" "))
            sender.start()
            equal(c.reply().status, 200, "a good one, of maxBody bytes")
            sender.join(TIMEOUT)
            wrong = begin_large(d, good[:-8] + "AAAAAAAA", size, 1 << 20)
            r = wrong.reply()
            equal(r.status, 401, "a forged one")
            assert 'error="invalid_token"' in r.header("WWW-Authenticate")
            wrong.close()


@case("a daemon that is ended while requests wait for the issuer")
def _():
    need_openssl()
    with Issuer() as issuer:
        issuer.make_key("k1")
        issuer.answers.clear()
        with Daemon(SERVERS, auth=jwt_auth(issuer)) as d:
            conns = [begin(d, issuer.sign("k1", sub="user%d" % n), INIT) for n in range(3)]
            wait_until(lambda: issuer.fetches == 1, "the request for the keys")
            d.proc.send_signal(signal.SIGTERM)
            for c in conns:
                r = c.reply()
                equal((r.status, bool(r.header("Retry-After"))), (503, True))
                r.read()
                c.close()
            d.stop(None)


@case("keys that are none: new tokens wait for later, and one line in the log says why")
def _():
    need_openssl()
    for wrong in (({"error": "no"}, 500), ({"keys": 7}, 200), ([], 200), ({"keys": []}, 404)):
        with Issuer() as issuer:
            issuer.make_key("k1")
            issuer.wrong = wrong
            with Daemon(SERVERS, auth=jwt_auth(issuer)) as d:
                for n in range(3):
                    r = post(d, issuer.sign("k1", jti=str(n)), INIT)
                    equal((r.status, bool(r.header("Retry-After"))), (503, True), wrong)
                equal(len([l for l in d.lines() if "cannot be asked" in l]), 1, "lines")
                equal(d.sessions(), 0, "sessions")


@case("revision 2026-07-28: each request needs its token, and the user is told apart by it")
def _():
    need_openssl()
    with Issuer() as issuer:
        issuer.make_key("k1")
        prefix = "io.modelcontextprotocol/"
        with Daemon({"fake": fake()}, auth=jwt_auth(issuer, toolScopes={"fake/pid": ["pids"]})) as d:
            def ask(token, method, params=None, **more):
                meta = {prefix + "protocolVersion": "2026-07-28", prefix + "clientCapabilities": {"elicitation": {}}}
                body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": dict(params or {}, _meta=meta)}
                return post(d, token, body, MCP_Protocol_Version="2026-07-28", Mcp_Method=method, **more)

            alice, bob = issuer.sign("k1"), issuer.sign("k1", sub="bob")
            for token in (None, "x.y.z"):
                r = ask(token, "server/discover")
                equal((r.status, "resource_metadata=" in r.header("WWW-Authenticate")), (401, True))
            equal(ask(alice, "server/discover").status, 200)
            r = ask(alice, "tools/call", {"name": "pid"}, Mcp_Name="pid")
            equal((r.status, 'scope="pids"' in r.header("WWW-Authenticate")), (403, True))
            able = issuer.sign("k1", scope="pids")
            equal(ask(able, "tools/call", {"name": "pid"}, Mcp_Name="pid").status, 200)
            call = {"name": "elicit", "arguments": {"message": "Who?"}}
            asked = ask(alice, "tools/call", call, Mcp_Name="elicit").answer()["result"]
            (key, _), = asked["inputRequests"].items()
            more = dict(call, requestState=asked["requestState"],
                        inputResponses={key: {"action": "accept", "content": {"answer": "me"}}})
            equal(ask(bob, "tools/call", more, Mcp_Name="elicit").answer()["error"]["code"], -32602, "another user")
            # The same user with another token goes on.
            done = ask(able, "tools/call", more, Mcp_Name="elicit").answer()["result"]
            assert "accept" in text_of(done), done
            equal(d.health()["activeUsers"], 2, "users")


@case("a list of scopes that is longer than a challenge: all of them are asked for")
def _():
    need_openssl()
    scopes = ["scope-%03d-%s" % (n, "x" * 30) for n in range(60)]
    with Issuer() as issuer:
        issuer.make_key("k1")
        with Daemon(SERVERS, auth=jwt_auth(issuer, toolScopes={"host/hi": scopes + ["last"]})) as d:
            sid = post(d, issuer.sign("k1"), INIT).header("Mcp-Session-Id")
            call = {"jsonrpc": "2.0", "id": 3, "method": "tools/call", "params": {"name": "hi", "arguments": {}}}
            for granted, status in ((scopes, 403), (scopes + ["last"], 200), (scopes[:-1] + ["last"], 403)):
                token = issuer.sign("k1", scope=" ".join(granted))
                equal(post(d, token, call, Mcp_Session_Id=sid).status, status, granted[-1])


def unsigned(header, claims, signature=""):
    return ".".join([b64(json.dumps(header).encode()), b64(json.dumps(claims).encode()), signature])


def with_hmac(issuer, name, key):
    text = unsigned({"alg": name, "kid": "k1"}, issuer.claims()).rstrip(".")
    return text + "." + b64(hmac.new(key, text.encode(), hashlib.sha256).digest())


def of_algorithm(issuer):
    """No algorithm, or one that takes what is public for a secret."""
    for name in ("none", "None", "NONE", "nOnE", "", None, 7):
        yield "alg %r" % name, unsigned({"alg": name}, issuer.claims())
    yield "none, with a signature", unsigned({"alg": "none", "kid": "k1"}, issuer.claims(), "AAAA")
    yield "no alg", unsigned({"kid": "k1"}, issuer.claims(), "AAAA")
    public = subprocess.run(["openssl", "rsa", "-in", os.path.join(issuer.dir, "k1.pem"), "-pubout"], check=True,
                            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
    keys = {"PEM": public, "PEM without its end": public.rstrip(), "n": issuer.keys["k1"]["n"].encode(),
            "JWK": json.dumps(issuer.keys["k1"]).encode(), "nothing": b""}
    for what, key in keys.items():
        yield "HMAC with " + what, with_hmac(issuer, "HS256", key)
    yield "an algorithm that is not the key's", issuer.sign("k1", {"alg": "ES256"})
    yield "one that nobody asked for", issuer.sign("k1", {"alg": "RS1"})


def of_key(issuer, evil):
    """Another's key, and ways to bring it along."""
    yield "another key of this name", evil.sign("k1", iss=issuer.url, aud=issuer.url + "/mcp")
    for header in ({"kid": None}, {"jwk": evil.keys["k1"]}, {"jku": evil.url + "/jwks"}, {"x5u": evil.url},
                   {"x5c": ["AAAA"]}, {"jku": evil.url + "/jwks", "kid": "new"}):
        token = evil.sign("k1", header, iss=issuer.url, aud=issuer.url + "/mcp")
        yield "another key, header %s" % sorted(header), token
    for kid in ("../../../dev/null", "/etc/passwd", "k1' or '1'='1", "k1\0", "x" * 4000, "", 7, ["k1"], {"k": 1}):
        yield "key id %.20r" % (kid,), issuer.sign("k1", {"kid": kid})
    for header in ({"crit": ["exp"]}, {"b64": False, "crit": ["b64"]}, {"typ": "logout+jwt"}, {"typ": "JOSE"}):
        yield "header %s" % header, issuer.sign("k1", header)


def of_claims(issuer):
    """Well signed, and not for us, not for now, or for nobody."""
    now = int(time.time())
    for claims in (
            dict(exp=1), dict(exp=now - 61), dict(exp=None), dict(exp=str(now + 600)), dict(exp=-1), dict(exp=0),
            dict(nbf=now + 900), dict(nbf="x"), dict(iat=now + 900), dict(iss=None), dict(iss=issuer.url + "/"),
            dict(iss="https://other.example"), dict(iss=[issuer.url]), dict(aud=None), dict(aud=[]),
            dict(aud=issuer.url), dict(aud=issuer.url + "/mcpx"), dict(aud="https://other.example/mcp"),
            dict(aud={"a": issuer.url + "/mcp"}), dict(sub=None), dict(sub=""), dict(sub=7)):
        yield "claims %s" % claims, issuer.sign("k1", **claims)
    good = json.dumps(issuer.claims())
    head = '{"alg":"RS256","kid":"k1"}'
    yield "a claim twice", issuer.sign_text("k1", head, good[:-1] + ', "sub": "root"}')
    yield "an algorithm twice", issuer.sign_text("k1", '{"alg":"none",' + head[1:], good)
    yield "an array", issuer.sign_text("k1", head, "[%s]" % good)
    yield "no JSON", issuer.sign_text("k1", head, "hello")
    yield "very deep", issuer.sign_text("k1", head, good[:-1] + ', "x": %s1%s}' % ("[" * 3000, "]" * 3000))


def of_form(issuer):
    """Not what the issuer sent."""
    good = issuer.sign("k1")
    head, body, sig = good.split(".")
    other = b64(json.dumps(issuer.claims(sub="root")).encode())
    for what, token in (
            ("other claims", ".".join((head, other, sig))), ("no signature", head + "." + body + "."),
            ("two parts", head + "." + body), ("four parts", good + ".AAAA"), ("five parts", good + ".a.b"),
            ("half a signature", good[:-len(sig) // 2]), ("one byte less", good[:-1]), ("twice", good + good),
            ("a changed signature", ".".join((head, body, ("B" if sig[0] == "A" else "A") + sig[1:]))),
            ("padding", ".".join((head, body + "==", sig))), ("standard base64", ".".join((head, body, "+/" + sig))),
            ("dots", ".."), ("a dot", "."), ("a word", "token"), ("huge", good + "A" * 20000),
            ("a signature of other claims", ".".join((head, body, issuer.sign("k1", sub="bob").split(".")[2])))):
        yield what, token


@case("hostile JWTs: each is refused with 401, none is told again, and the good ones stay good")
def _():
    need_openssl()
    with Issuer() as issuer, Issuer() as evil:
        issuer.make_key("k1")
        evil.make_key("k1")
        good = issuer.sign("k1")
        with Daemon(SERVERS, auth=jwt_auth(issuer), log={"level": "debug"}) as d:
            equal(post(d, good, INIT).status, 200)
            hostile = [*of_algorithm(issuer), *of_key(issuer, evil), *of_claims(issuer), *of_form(issuer)]
            assert len(hostile) >= 40
            for what, token in hostile:
                r = post(d, token, INIT)
                equal((r.status, 'error="invalid_token"' in r.header("WWW-Authenticate")), (401, True), what)
            equal(post(d, good, INIT).status, 200)
            equal((d.sessions(), d.health()["activeUsers"]), (2, 1))
            equal(evil.fetches, 0, "questions to another issuer")


def tell_credential(w):
    """Makes every tool of W tell which token came."""
    w.route("/mcp/tools/invoke", lambda r: (200, "application/json", {"token": r.header("Authorization")}))


@case("a JWT goes along to a web backend that is one of its audiences, and to no other")
def _():
    need_openssl()
    with Issuer() as issuer, WebServer([tool("t")]) as w:
        issuer.make_key("k1")
        tell_credential(w)
        auth = jwt_auth(issuer, forwardAudiences=[w.url])
        with Daemon({"w": {"web": w.url, "forwardToken": True}}, auth=auth) as d:
            both = issuer.sign("k1", aud=[issuer.url + "/mcp", w.url])
            equal(json.loads(Client(d, bearer=both).tool("t"))["token"], "Bearer " + both)
            renewed = issuer.sign("k1", aud=[issuer.url + "/mcp", w.url], exp=int(time.time()) + 900)
            c = Client(d, bearer=both)
            c.bearer = secret(renewed)
            equal(json.loads(c.tool("t"))["token"], "Bearer " + renewed, "the newer one")
            only = Client(d, bearer=issuer.sign("k1", sub="bob"))
            before = len(w.seen(path="/mcp/tools/invoke"))
            try:
                raise AssertionError("the answer: " + only.tool("t"))
            except ToolError as e:
                assert "not issued for " + w.url in str(e), e
            equal(len(w.seen(path="/mcp/tools/invoke")), before, "requests to the backend")


@case("a JWT is exchanged for one that the backend takes (RFC 8693), once for each user")
def _():
    need_openssl()
    with Issuer() as issuer, WebServer([tool("t")]) as w:
        issuer.make_key("k1")
        tell_credential(w)
        credential = {"from": "exchange", "tokenEndpoint": issuer.url + "/token", "audience": w.url}
        with Daemon({"w": {"web": w.url, "credential": credential}}, auth=jwt_auth(issuer)) as d:
            alice, bob = issuer.sign("k1"), issuer.sign("k1", sub="bob")
            a, b = Client(d, bearer=alice), Client(d, bearer=bob)
            said = [json.loads(c.tool("t"))["token"] for c in (a, b, a)]
            equal(said, ["Bearer exchanged-1", "Bearer exchanged-2", "Bearer exchanged-1"])
            equal([(f["subject_token"], f["audience"]) for f in issuer.exchanged], [(alice, w.url), (bob, w.url)])
            secret("exchanged-1")


@case("introspection: active and not, asked once, with the daemon's own credentials")
def _():
    with Issuer() as issuer:
        issuer.active["opaque-1"] = {"active": True, "sub": "alice", "aud": issuer.url + "/mcp",
                                     "exp": int(time.time()) + 600}
        issuer.active["opaque-2"] = dict(issuer.active["opaque-1"], aud="https://other.example")
        auth = {"mode": "introspect", "issuer": issuer.url, "resource": issuer.url + "/mcp",
                "clientId": "mcpd", "clientSecret": "s:e c"}
        with Daemon(SERVERS, auth=auth) as d:
            r = post(d, "opaque-1", INIT)
            equal(r.status, 200)
            sid = r.header("Mcp-Session-Id")
            for _ in range(3):
                equal(post(d, "opaque-1", PING, Mcp_Session_Id=sid).status, 200)
            equal(issuer.asked, ["Basic " + base64.b64encode(b"mcpd:s%3Ae%20c").decode()])
            equal(post(d, "opaque-2", PING, Mcp_Session_Id=sid).status, 401)
            equal(post(d, "opaque-3", PING, Mcp_Session_Id=sid).status, 401)
            no_token_in(d, "opaque-", "s:e c")


def introspect_auth(issuer):
    return {"mode": "introspect", "issuer": issuer.url, "resource": issuer.url + "/mcp",
            "clientId": "mcpd", "clientSecret": "s:e c"}


@case("introspection: an issuer that fails is not asked again at once, whoever comes, and the log says it once")
def _():
    # Its Retry-After is longer than any test takes: how often it is asked depends on no clock.
    for refused in (({}, 503, 600), ({}, 429, 600), ({}, 401, 600)):
        with Issuer() as issuer:
            issuer.refused = refused
            with Daemon(SERVERS, auth=introspect_auth(issuer)) as d:
                for n in range(30):
                    r = post(d, "opaque-%d" % (n % 7), INIT)
                    equal((r.status, bool(r.header("Retry-After"))), (503, True), n)
                    assert "the issuer cannot be asked" in r.json()["error"]["message"]
                equal(len(issuer.asked), 1, "questions")
                equal(len([l for l in d.lines() if "to a question about a token" in l]), 1, "lines")


@case("introspection: what the issuer cannot say of one token holds up that token and no other one")
def _():
    for refused in (({}, 400, 600), ({"active": "odd"}, 200, 600), ([], 500, 600)):
        with Issuer() as issuer:
            issuer.refused = refused
            with Daemon(SERVERS, auth=introspect_auth(issuer)) as d:
                for n in range(20):
                    equal(post(d, "opaque-%d" % (n % 4), INIT).status, 503, n)
                equal(len(issuer.asked), 4, "questions")
                equal(len([l for l in d.lines() if "The issuer" in l]), 1, "lines")
                issuer.refused = None
                issuer.active["opaque-9"] = {"active": True, "sub": "alice", "aud": issuer.url + "/mcp",
                                             "exp": int(time.time()) + 600}
                equal(post(d, "opaque-9", INIT).status, 200)
                d.wait_log("can be asked about tokens again")
                equal(post(d, "opaque-1", INIT).status, 503)
                equal(len(issuer.asked), 5, "questions")


@case("introspection: an issuer that is back is asked again, by one request first")
def _():
    with Issuer() as issuer:
        issuer.refused = {}, 503
        issuer.active["opaque-1"] = {"active": True, "sub": "alice", "aud": issuer.url + "/mcp",
                                     "exp": int(time.time()) + 600}
        with Daemon(SERVERS, auth=introspect_auth(issuer)) as d:
            equal(post(d, "opaque-1", INIT).status, 503)
            issuer.refused = None
            wait_until(lambda: post(d, "opaque-1", INIT).status == 200, "the issuer")
            equal(len(issuer.asked), 2, "questions")
            d.wait_log("can be asked about tokens again")


@case("keys that cannot be fetched are not asked for again before the issuer wants that")
def _():
    need_openssl()
    with Issuer() as issuer:
        issuer.make_key("k1")
        issuer.wrong = {}, 503, 600
        with Daemon(SERVERS, auth=jwt_auth(issuer, minRefresh=0.1)) as d:
            d.wait_log("cannot be asked: its keys")
            for n in range(30):
                equal(post(d, issuer.sign("k1", sub="user%d" % (n % 7)), INIT).status, 503)
            equal(issuer.fetches, 1, "fetches")
            equal(len([l for l in d.lines() if "cannot be asked" in l]), 1, "lines")


BOUND = ({"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}, {"x5t#S256": "bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2"},
         {"something": "new"}, {}, "odd")


def needs_proof(r):
    """R refuses a token because it needs a proof of possession."""
    equal((r.status, r.error()[0]), (401, 401))
    challenge = r.header("WWW-Authenticate")
    assert challenge.startswith("Bearer ") and 'error="invalid_token"' in challenge, challenge
    assert "proof of possession" in challenge.lower(), challenge


@case("a JWT that is bound to a key is no bearer token, whatever its cnf says")
def _():
    need_openssl()
    with Issuer() as issuer:
        issuer.make_key("k1")
        with Daemon(SERVERS, auth=jwt_auth(issuer)) as d:
            for cnf in BOUND:
                needs_proof(post(d, issuer.sign("k1", cnf=cnf), INIT))
            equal(post(d, issuer.sign("k1"), INIT).status, 200)


@case("introspection: a token that is bound to a key is no bearer token")
def _():
    with Issuer() as issuer:
        good = {"active": True, "sub": "alice", "aud": issuer.url + "/mcp", "exp": int(time.time()) + 600}
        said = [dict(good, cnf=cnf) for cnf in BOUND] + [dict(good, token_type="DPoP")]
        issuer.active = {"bound-token-%d" % i: one for i, one in enumerate(said)}
        issuer.active["free-token"] = dict(good, token_type="Bearer")
        auth = {"mode": "introspect", "issuer": issuer.url, "resource": issuer.url + "/mcp",
                "clientId": "mcpd", "clientSecret": "s:e c"}
        with Daemon(SERVERS, auth=auth) as d:
            for token in sorted(issuer.active):
                if token != "free-token":
                    needs_proof(post(d, token, INIT))
            equal(post(d, "free-token", INIT).status, 200)


@case("the scheme DPoP gets a challenge that says so, in every mode, with a good token too")
def _():
    need_openssl()
    with Issuer() as issuer, tempfile.TemporaryDirectory() as folder:
        issuer.make_key("k1")
        path = os.path.join(folder, "tokens")
        with open(path, "w") as f:
            f.write("%s alice\n" % hashlib.sha256(b"token-of-alice").hexdigest())
        os.chmod(path, 0o600)
        token = secret(issuer.sign("k1"))
        for auth, one in ((jwt_auth(issuer), token), ({"mode": "tokens", "tokensFile": path}, "token-of-alice")):
            with Daemon(SERVERS, auth=auth) as d:
                for scheme in ("DPoP ", "dpop\t", "DPOP", "DPoP  "):
                    for method, sent in (("POST", json.dumps(INIT).encode()), ("GET", None), ("DELETE", None)):
                        r = d.http(method, "/mcp", [("Content-Type", "application/json"), ("Accept", BOTH),
                                                    ("Authorization", scheme + one if scheme[-1].isspace()
                                                     else scheme), ("DPoP", "e30.e30.x")], sent)
                        needs_proof(r)
                        assert "DPoP" in r.header("WWW-Authenticate")
                equal(post(d, one, INIT).status, 200)
                equal(post(d, one, INIT, DPoP="e30.e30.x").status, 200)  # the header alone binds nothing


@case("an issuer that redirects: followed inside its origin, and no secret or question goes elsewhere")
def _():
    need_openssl()
    with Issuer() as issuer, Issuer() as other, WebServer([tool("t")]) as w:
        for one in (issuer, other):
            one.make_key("k1")
            one.active["opaque-1"] = {"active": True, "sub": "alice", "aud": issuer.url + "/mcp",
                                      "exp": int(time.time()) + 600}
        auth = {"mode": "introspect", "issuer": issuer.url, "resource": issuer.url + "/mcp",
                "clientId": "mcpd", "clientSecret": "s:e c"}
        for to, status in (("/ask?moved", 200), (other.url + "/ask", 503)):
            issuer.moved["/ask"] = to
            with Daemon(SERVERS, auth=auth) as d:
                equal(post(d, "opaque-1", INIT).status, status)
                if status != 200:
                    d.wait_log("redirects elsewhere .*from %s to %s" % (issuer.url, other.url))
        equal(len(issuer.asked), 1, "questions where they belong")
        for path in ("/.well-known/oauth-authorization-server", "/jwks"):
            issuer.moved = {path: other.url + path}
            with Daemon(SERVERS, auth=jwt_auth(issuer)) as d:
                equal(post(d, issuer.sign("k1"), INIT).status, 503, path)
                d.wait_log("redirects elsewhere .*from %s to %s" % (issuer.url, other.url))
        issuer.moved = {"/token": other.url + "/token"}
        credential = {"from": "exchange", "tokenEndpoint": issuer.url + "/token", "audience": w.url}
        with Daemon({"w": {"web": w.url, "credential": credential}}, auth=jwt_auth(issuer)) as d:
            try:
                raise AssertionError("the answer: " + Client(d, bearer=issuer.sign("k1")).tool("t"))
            except ToolError as e:
                assert "from %s to %s" % (issuer.url, other.url) in str(e), e
        equal((other.asked, other.fetches, other.exchanged), ([], 0, []), "requests elsewhere")


@case("paths beside MCP are compared as they were sent: /logout and the metadata")
def _():
    need_openssl()
    with Issuer() as issuer:
        issuer.make_key("k1")
        with Daemon(SERVERS, auth=jwt_auth(issuer)) as d:
            token, known = issuer.sign("k1"), "/.well-known/oauth-protected-resource/mcp"
            for method, path in (("POST", "/logout"), ("GET", known)):
                ways = ("/" + path, "//x" + path, path[:2] + "%%%02x" % ord(path[2]) + path[3:],
                        path[:2] + "%%25%02x" % ord(path[2]) + path[3:], path + "%00", path.replace("t", "%74"),
                        path + "//", "/." + path, "http://other.example" + path)
                for way in ways:
                    equal(d.http(method, way, bearer(token)).status, 404, way)
                equal(d.http(method, "http://%s:%d%s" % (*d.addr, path), bearer(token)).status, 200, path)


run()
