#!/usr/bin/env python3
"""Whose address counts: the TCP peer's, or the one that a trusted proxy forwarded."""

from harness import *

INITIALIZE = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
    "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}}


def initialize(d, *forwarded, header="X-Forwarded-For"):
    """The status of an initialize with these lines of the header."""
    headers = [("Content-Type", "application/json"), ("Accept", "application/json, text/event-stream")]
    return d.http("POST", "/mcp", headers + [(header, v) for v in forwarded],
                  json.dumps(INITIALIZE))


def peers(d):
    return sorted(s["peer"] for s in d.ctl("sessions.list"))


@case("a trusted proxy's clients are told apart: sessions.maxPerPeer counts each address")
def _():
    with Daemon({"fake": tiny()}, sessions={"maxPerPeer": 1}, trustedProxies=["127.0.0.0/8"]) as d:
        equal(initialize(d, "192.0.2.1").status, 200, "the first of an address")
        equal(initialize(d, "192.0.2.1").status, 503, "the second of it")
        equal(initialize(d, "9.9.9.9, 192.0.2.1").status, 503, "what the client said itself")
        equal(initialize(d, "9.9.9.9", "192.0.2.1, 127.0.0.2").status, 503, "a chain of proxies")
        equal(initialize(d, "192.0.2.2:8080").status, 200, "another address")
        equal(initialize(d, "2001:db8::1").status, 200, "an IPv6 address")
        equal(initialize(d, "2001:db8::2").status, 503, "one of the same /64")
        equal(initialize(d, "2001:db8:0:1::2").status, 200, "one of another /64")
        equal(initialize(d, "nonsense").status, 200, "malformed: the proxy's")
        equal(initialize(d, "unknown").status, 503, "all of these together")
        equal(peers(d), sorted(["192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8:0:1::2", "127.0.0.1"]),
              "peers in session list")


@case("the header of a peer that is not trusted means nothing")
def _():
    with Daemon({"fake": tiny()}, trustedProxies=["10.0.0.0/8"]) as d:
        equal(initialize(d, "192.0.2.1").status, 200, "status")
        equal(peers(d), ["127.0.0.1"], "peers in session list")
    with Daemon({"fake": tiny()}) as d:
        equal(initialize(d, "192.0.2.1").status, 200, "status")
        equal(peers(d), ["127.0.0.1"], "peers in session list")


@case("forwardedHeader chooses Forwarded of RFC 7239, or none")
def _():
    with Daemon({"fake": tiny()}, trustedProxies=["127.0.0.1"], forwardedHeader="Forwarded") as d:
        initialize(d, 'for=9.9.9.9, for="[2001:db8::7]:4711";proto=https', header="Forwarded")
        initialize(d, "192.0.2.1")  # not the header that counts
        equal(peers(d), ["127.0.0.1", "2001:db8::7"], "peers in session list")
    with Daemon({"fake": tiny()}, trustedProxies=["127.0.0.1"], forwardedHeader="none") as d:
        initialize(d, "192.0.2.1")
        equal(peers(d), ["127.0.0.1"], "peers in session list")


@case("children of one forwarded address are limited by limits.maxChildrenPerPeer")
def _():
    with Daemon({"fake": fake()}, limits={"maxChildrenPerPeer": 1}, trustedProxies=["127.0.0.1"]) as d:
        class Forwarded(Client):
            def headers(self, **changes):
                return super().headers(**{"X-Forwarded-For": self.address, **changes})

        def client(address):
            Forwarded.address = address
            return Forwarded(d)

        equal(client("192.0.2.1").tool("counter"), "1", "the first child")
        try:
            client("::ffff:192.0.2.1").tool("counter")
            raise AssertionError("a second child for one address")
        except (RpcError, ToolError) as e:
            assert "maxChildrenPerPeer" in str(e), e
        equal(client("192.0.2.2").tool("counter"), "1", "the child of another address")


@case("what is no network in trustedProxies is an error that says what was expected")
def _():
    for bad in ("10.0.0.1/8", "proxy.example.com", "10.0.0.0/33"):
        status, _, err = run_mcpd({"trustedProxies": [bad]}, "-n")
        assert status != 0 and "trustedProxies" in err and "10.0.0.0/8" in err, err


run()
