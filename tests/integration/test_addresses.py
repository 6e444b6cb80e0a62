#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
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


NOW, PREFIX = "2026-07-28", "io.modelcontextprotocol/"
# Of 8 places one address gets 7: with 7 taken less than a quarter is free.
MOST = 7
# Each header, one client's lines by number (what it says itself is on the left), and another client's.
HOLDERS = {
    "X-Forwarded-For": (lambda n: "9.9.9.%d, 192.0.2.1" % n, "192.0.2.1, 192.0.2.2"),
    "Forwarded": (lambda n: 'for=9.9.9.%d, for="[2001:db8::%x]:4711"' % (n, n + 1),
                  'for="[2001:db8::1]", for="[2001:db8:0:1::1]"'),
}


def refuses(connect, d, source):
    """Whether a connection of SOURCE is closed without an answer."""
    try:
        c = connect(d.addr, source)
        return c.request("GET", "/health", []).status != 200
    except (OSError, EOFError):
        return True


class Addressed(Client):
    """A client behind the proxy, which forwards these lines for it."""

    def __init__(self, d, header, line, **keys):
        self.header, self.line = header, line
        super().__init__(d, **keys)

    def headers(self, **changes):
        return super().headers(**{self.header.replace("-", "_"): self.line, **changes})


def behind(header, **limits):
    # Refusals have their own status as long as no stream has begun.
    return Daemon({"fake": fake()}, limits=dict(limits, upgradeAfter=3600), trustedProxies=["127.0.0.1"],
                  forwardedHeader=header)


def modern(d, header, line, method, params):
    """The reply to a request of 2026-07-28, of which a stream is left open."""
    meta = {PREFIX + "protocolVersion": NOW, PREFIX + "clientCapabilities": {"elicitation": {}}}
    return Conn(d.addr).request("POST", "/mcp", [
        ("Content-Type", "application/json"), ("Accept", BOTH), ("MCP-Protocol-Version", NOW),
        ("Mcp-Method", method), (header, line)] + [("Mcp-Name", params[k]) for k in params if k == "name"],
        json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": dict(params, _meta=meta)}))


def over_share(reply, key):
    equal(reply.status, 429, "status")
    message = reply.json()["error"]["message"]
    assert key in message and "limits.share" in message, message


@case("parked calls and streams: the rightmost address that is forwarded has a share, the next one too")
def _():
    asks = ("tools/call", {"name": "elicit", "arguments": {"message": "Who?"}})
    listens = ("subscriptions/listen", {"notifications": {"toolsListChanged": True}})
    for header, (one, other) in HOLDERS.items():
        for key, what in (("maxParked", asks), ("maxRequests", listens)):
            with behind(header, **{key: 8}) as d:
                replies = [modern(d, header, one(n), *what) for n in range(MOST)]
                equal([r.status for r in replies], [200] * MOST, "%s, %s" % (header, key))
                for n in range(3):
                    over_share(modern(d, header, one(MOST + n), *what), "limits." + key)
                equal(modern(d, header, other, *what).status, 200, "another address")


@case("children: the rightmost address that is forwarded has a share, the next one too")
def _():
    for header, (one, other) in HOLDERS.items():
        with behind(header, maxChildren=8) as d:
            d.wait_children(0)
            for n in range(MOST):
                Addressed(d, header, one(n)).tool("pid")
            try:
                Addressed(d, header, one(MOST)).tool("pid")
                raise AssertionError("more children than the share of an address")
            except (RpcError, ToolError) as e:
                assert "limits.maxChildren" in str(e) and "limits.share" in str(e), e
            Addressed(d, header, other).tool("pid")


@case("limits.maxConnectionsPerAddress: an address that has all of its connections in use gets no more, another does")
def _():
    class From(Conn):
        def __init__(self, addr, source):
            self.addr, self.buf, self.closed = addr, b"", False
            self.sock = socket.create_connection(addr, TIMEOUT, (source, 0))

    with Daemon({"fake": fake()}, limits={"maxConnectionsPerAddress": 3}) as d:
        c = Client(d)
        held = [From(d.addr, "127.0.0.2").request("GET", "/mcp", c.headers(Accept="text/event-stream", Content_Type=None))
                for _ in range(3)]
        equal([r.status for r in held], [200] * 3, "streams")
        assert refuses(From, d, "127.0.0.2"), "a connection more than limits.maxConnectionsPerAddress"
        d.wait_log(r"A connection was refused: .*127\.0\.0\.2 .*limits\.maxConnectionsPerAddress is 3")
        for source in ("127.0.0.3", "127.0.0.4"):
            equal(From(d.addr, source).request("GET", "/health", []).status, 200, source)
        held[0].conn.close()
        wait_until(lambda: not refuses(From, d, "127.0.0.2"), "the place of the stream that was closed")


@case("what is no network in trustedProxies is an error that says what was expected")
def _():
    for bad in ("10.0.0.1/8", "proxy.example.com", "10.0.0.0/33"):
        status, _, err = run_mcpd({"trustedProxies": [bad]}, "-n")
        assert status != 0 and "trustedProxies" in err and "10.0.0.0/8" in err, err


run()
