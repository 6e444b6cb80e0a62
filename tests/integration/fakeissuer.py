# SPDX-License-Identifier: ISC
"""As much of an authorization server as a resource server sees: metadata, keys, introspection. It signs what
it is told to, with openssl. For tests and the benchmark; needs nothing but the standard library."""

import base64
import http.server
import json
import os
import shutil
import subprocess
import tempfile
import threading
import time
import urllib.parse


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Issuer(http.server.ThreadingHTTPServer):
    """As much of an authorization server as a resource server sees."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Answers)
        self.url = "http://127.0.0.1:%d" % self.server_port
        self.dir = tempfile.mkdtemp(prefix="mcpd-test-issuer-")
        self.keys, self.fetches, self.active, self.asked = {}, 0, {}, []
        self.answers = threading.Event()  # cleared: requests for the keys wait
        self.answers.set()
        self.exchanged = []  # what the token endpoint was asked
        self.wrong = None  # (body, status) instead of the keys
        self.moved = {}  # by path: where a redirect leads
        self.refused = None  # (body, status, Retry-After or None) instead of what is said of a token
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.answers.set()
        self.shutdown()
        self.server_close()
        shutil.rmtree(self.dir)

    def make_key(self, kid):
        path = os.path.join(self.dir, kid + ".pem")
        subprocess.run(["openssl", "genrsa", "-out", path, "2048"], check=True, stderr=subprocess.DEVNULL)
        out = subprocess.run(["openssl", "rsa", "-in", path, "-noout", "-modulus"], check=True,
                             stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout.decode()
        n = bytes.fromhex(out.strip().split("=")[1])
        self.keys[kid] = {"kty": "RSA", "kid": kid, "use": "sig", "alg": "RS256", "n": b64(n), "e": "AQAB"}

    def claims(self, **changes):
        """What a good token says, with CHANGES (None: left out)."""
        said = dict({"iss": self.url, "sub": "alice", "aud": self.url + "/mcp",
                     "exp": int(time.time()) + 600}, **changes)
        return {name: value for name, value in said.items() if value is not None}

    def sign(self, kid, header=None, **changes):
        """A token with key KID; HEADER is added to its header."""
        return self.sign_text(kid, *(json.dumps(part) for part in (
            dict({"alg": "RS256", "kid": kid}, **header or {}), self.claims(**changes))))

    def sign_text(self, kid, header, claims):
        """A token of exactly these texts."""
        text = b64(header.encode()) + "." + b64(claims.encode())
        sig = subprocess.run(["openssl", "dgst", "-sha256", "-sign", os.path.join(self.dir, kid + ".pem")],
                             input=text.encode(), check=True, stdout=subprocess.PIPE).stdout
        return text + "." + b64(sig)


class Answers(http.server.BaseHTTPRequestHandler):
    def log_message(self, *unused):
        pass

    def say(self, body, status=200, retry_after=None):
        text = json.dumps(body).encode()
        self.send_response(status)
        if retry_after is not None:
            self.send_header("Retry-After", str(retry_after))
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        try:
            self.wfile.write(text)
        except OSError:
            pass  # who asked has gone

    def redirect(self, to):
        self.send_response(307)
        self.send_header("Location", to)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_GET(self):
        s = self.server
        if self.path in s.moved:
            self.redirect(s.moved[self.path])
        elif self.path == "/.well-known/oauth-authorization-server":
            self.say({"issuer": s.url, "jwks_uri": s.url + "/jwks", "introspection_endpoint": s.url + "/ask"})
        elif self.path == "/jwks":
            s.fetches += 1
            s.answers.wait()
            self.say(*(s.wrong or ({"keys": list(s.keys.values())},)))
        else:
            self.say({}, 404)

    def do_POST(self):
        s = self.server
        form = urllib.parse.parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        if self.path in s.moved:
            self.redirect(s.moved[self.path])
            return
        if self.path == "/token":
            s.exchanged.append({name: values[0] for name, values in form.items()})
            self.say({"access_token": "exchanged-%d" % len(s.exchanged), "token_type": "Bearer",
                      "issued_token_type": "urn:ietf:params:oauth:token-type:access_token", "expires_in": 600})
            return
        s.asked.append(self.headers["Authorization"])
        self.say(*(s.refused or (s.active.get(form["token"][0], {"active": False}),)))
