#!/usr/bin/env python3
"""Limits that count for the whole daemon have shares: who has most of the places is refused while there are few, and
nobody else is. Loopback has no share of its own, so the holders are users."""

import hashlib

from harness import *

NOW, PREFIX = "2026-07-28", "io.modelcontextprotocol/"
TOKENS = {"alice": "alices-token-51e0", "bob": "bobs-token-77af"}
for one in TOKENS.values():
    secret(one)
MODERN = {"modern": {"command": sys.executable, "args": [os.path.join(HERE, "modernserver.py")]}}
ELICIT = {"elicitation": {}}
# Of 8 places one holder gets 7: with 7 taken less than a quarter is free.
MOST = 7


def daemon(servers, limits=None, **config):
    # Refusals have their own status as long as no stream has begun.
    d = Daemon(servers, limits=dict(limits or {}, upgradeAfter=3600), **config)
    path = os.path.join(d.dir, "tokens")
    with open(path, "w") as f:
        for user, token in TOKENS.items():
            f.write("%s %s\n" % (hashlib.sha256(token.encode()).hexdigest(), user))
    d.config["auth"] = {"mode": "tokens", "tokensFile": path}
    return d


def call(d, user, name, arguments=None, caps=None, **more):
    """One tools/call of 2026-07-28; the whole reply."""
    params = dict({"name": name, "arguments": arguments or {}, "_meta": {
        PREFIX + "protocolVersion": NOW, PREFIX + "clientCapabilities": caps or {}}}, **more)
    headers = [("Content-Type", "application/json"), ("Accept", BOTH), ("MCP-Protocol-Version", NOW),
               ("Mcp-Method", "tools/call"), ("Mcp-Name", name),
               ("Authorization", "Bearer " + TOKENS[user])]
    return d.http("POST", "/mcp", headers, json.dumps({
        "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}))


def refused(reply, status, key):
    """The refusal names the limit and says when to come back."""
    equal(reply.status, status, "status")
    assert int(reply.header("Retry-After")) > 0, reply.headers
    error = reply.json()["error"]
    assert key in error["message"], error
    return error


def park(d, user):
    """Whether a call that asks its client found a place to wait."""
    reply = call(d, user, "elicit", {"message": "Who?"}, ELICIT)
    if reply.status == 200:
        return reply.json()["result"]
    assert "limits.share" in refused(reply, 429, "limits.maxParked")["message"]
    return None


@case("alice parks all she can; bob still finds a place, and what was refused left nothing behind")
def _():
    with daemon({"fake": fake()}, {"maxParked": 8}) as d:
        parked = []
        while len(parked) < 9:
            got = park(d, "alice")
            if not got:
                break
            parked.append(got)
        equal(len(parked), MOST, "alice's parked calls")
        for _ in range(3):
            equal(park(d, "alice"), None, "one more of alice's")
        got = park(d, "bob")
        assert got, "bob was shut out"
        for result, user in [(r, "alice") for r in parked] + [(got, "bob")]:
            (key, _), = result["inputRequests"].items()
            done = call(d, user, "elicit", {"message": "Who?"}, ELICIT, requestState=result["requestState"],
                        inputResponses={key: {"action": "accept", "content": {"answer": "me"}}})
            assert "accept" in text_of(done.json()["result"])
        assert park(d, "alice"), "there is room again"


@case("states of several rounds that alice used up do not shut bob out")
def _():
    def rounds(user):
        first = call(d, user, "rounds", {"n": 1}, ELICIT).json()["result"]
        (key, _), = first["inputRequests"].items()
        return call(d, user, "rounds", {"n": 1}, ELICIT, requestState=first["requestState"],
                    inputResponses={key: {"action": "accept", "content": {"x": "1"}}})

    with daemon(MODERN, {"maxStates": 8}) as d:
        for _ in range(MOST):
            equal(rounds("alice").status, 200, "status")
        refused(rounds("alice"), 429, "limits.maxStates")
        equal(rounds("bob").status, 200, "bob's status")
        refused(rounds("bob"), 503, "limits.maxStates")


@case("requests with ever new capabilities keep a bounded number of servers and children")
def _():
    with daemon({"fake": fake()}, {"maxRequestServers": 8}) as d:
        bobs = text_of(call(d, "bob", "pid", caps=ELICIT).json()["result"])
        for n in range(20):
            caps = {"elicitation": {}, "experimental": {"n%d" % n: {}}}
            equal(call(d, "alice", "echo", {"text": "x"}, caps).status, 200, "status")
            # Each idle server has a child; one more may be of the daemon itself.
            wait_until(lambda: len(d.children()) <= 9, "the children of old servers to end")
        equal(text_of(call(d, "bob", "pid", caps=ELICIT).json()["result"]), bobs, "bob's child")


@case("all that wait at once: alice's requests that may ask have most of the servers, bob gets one")
def _():
    with daemon({"fake": fake()}, {"maxRequestServers": 8}) as d:
        assert all(park(d, "alice") for _ in range(MOST))
        refused(call(d, "alice", "elicit", {"message": "?"}, ELICIT), 429, "limits.maxRequestServers")
        assert park(d, "bob")
        refused(call(d, "bob", "elicit", {"message": "?"}, ELICIT), 503, "limits.maxRequestServers")


run()
