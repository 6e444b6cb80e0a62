#!/usr/bin/env python3
"""Authentication through the real daemon: tokens of a file, JWTs of an issuer, introspection."""

import base64
import hashlib

from fakeissuer import Issuer, b64
from harness import *

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


run()
