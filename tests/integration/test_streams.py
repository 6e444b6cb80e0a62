#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Answers and streams of the 2025 revisions: JSON or events, GET streams, priming, replay, batches,
and what a lost connection means."""

from harness import *

# Nothing becomes a stream just because it takes long, unless a test wants that.
CALM = {"upgradeAfter": 0, "keepAlive": 0}


def daemon(*args, **limits):
    return Daemon({"fake": fake(*args)}, limits=dict(CALM, **limits))


def methods(messages):
    return [m.get("method", "response") for m in messages]


# --- JSON or events ---------------------------------------------------------------------------------

@case("a result with nothing before it is one JSON body")
def _():
    with daemon() as d:
        c = Client(d)
        for p in (c.start("ping"), c.start("tools/list"), c.start_tool("slow", {"seconds": 0.3})):
            assert p.sse is None, "an event stream"
            assert p.reply.header("Content-Length")
            p.result()
            equal(p.reply.header("Mcp-Session-Id"), c.sid, "Mcp-Session-Id")


@case("what precedes the result makes the answer an event stream: progress, messages, questions")
def _():
    with daemon() as d:
        c = Client(d, caps={"roots": {}})
        p = c.start_tool("progress", token="t")
        assert p.sse
        equal(p.text(), "done", "answer")
        equal(methods(p.before), ["notifications/progress"] * 3, "before")
        p = c.start_tool("log")
        equal((p.text(), methods(p.before)), ("logged", ["notifications/message"]), "answer")
        p = c.start_tool("roots")
        equal(p.ask()["method"], "roots/list", "question")
        p.close()


@case("a result that takes longer than limits.upgradeAfter comes on a stream that is kept alive")
def _():
    with daemon(upgradeAfter=0.1, keepAlive=0.1) as d:
        c = Client(d)
        p = c.start_tool("slow", {"seconds": 1})
        assert p.sse
        assert p.sse.next().comment is not None
        equal(p.text(), "slept", "answer")
        assert sum(e.comment is not None for e in p.sse.events) > 2, p.sse.events


@case("a client that takes JSON only gets JSON, and misses what would precede it")
def _():
    with daemon(upgradeAfter=0.1) as d:
        c = Client(d)
        for tool, args, text in (("progress", {}, "done"), ("slow", {"seconds": 0.5}, "slept")):
            p = c.start_tool(tool, args, token="t", Accept="application/json")
            assert p.sse is None
            equal((p.text(), p.before), (text, []), "answer")


@case("a client that takes events only gets events")
def _():
    with daemon() as d:
        c = Client(d)
        p = c.start("ping", Accept="text/event-stream")
        assert p.sse
        equal(p.result(), {}, "answer")


# --- priming ----------------------------------------------------------------------------------------

@case("2025-11-25: a stream begins with an event that has an id, retry and no data")
def _():
    with daemon(retry=1.5) as d:
        c = Client(d, rev="2025-11-25")
        for sse in (c.get(), c.start_tool("progress", token="t").sse):
            equal(sse.next().comment is not None, True, "a comment comes first")
            e = sse.next()
            equal((e.data, e.retry, e.event), ("", "1500", None), "priming event")
            assert e.id
            sse.close()


@case("older revisions: no event without data and no retry, which their clients cannot parse")
def _():
    with daemon() as d:
        for rev in REVISIONS[:-1]:
            c = Client(d, rev=rev)
            p = c.start_tool("progress", token="t")
            p.text()
            get = c.get()
            c.tool("set_tools", names=["x"])
            get.message()
            for e in p.sse.events + get.events:
                assert e.comment is not None or (e.data and e.retry is None and e.id), e


@case("ids of events are unique within the session")
def _():
    with daemon() as d:
        c = Client(d)
        get = c.get()
        ids = []
        for n in range(5):
            p = c.start_tool("progress", token="t")
            p.text()
            c.tool("set_tools", names=["x%d" % n])
            get.message()
            ids += [e.id for e in p.sse.events if e.id]
        ids += [e.id for e in get.events if e.id]
        assert len(set(ids)) == len(ids) > 20


# --- GET --------------------------------------------------------------------------------------------

@case("each message is on exactly one of several GET streams, and no response is on any")
def _():
    with daemon() as d:
        c = Client(d)
        streams = [c.get() for _ in range(4)]
        for s in streams:
            s.comment()
        # Each URI has news of its own, so that none of these are told of together.
        uris = ["test://%d" % n for n in range(10)]
        for uri in uris:
            c.request("resources/subscribe", {"uri": uri})
            c.tool("update", uri=uri)
        d.ctl("session.close", ids=[c.sid])
        seen = []
        for s in streams:
            while True:
                m = s.message()
                if m is None:
                    break
                seen.append(m)
        equal(methods(seen), ["notifications/resources/updated"] * 10, "messages on all streams")
        equal(sorted(m["params"]["uri"] for m in seen), uris, "what they are about")


@case("messages go on to an older stream when the newest is gone")
def _():
    with daemon() as d:
        c = Client(d)
        old, new = c.get(), c.get()
        for s in (old, new):
            s.comment()
        c.tool("set_tools", names=["a"])
        equal(new.message()["method"], "notifications/tools/list_changed", "newest")
        new.reply.conn.reset()
        wait_until(lambda: d.ctl("session.show", id=c.sid)["streams"] == 1, "one stream")
        c.tool("set_tools", names=["b"])
        equal(old.message()["method"], "notifications/tools/list_changed", "older")


@case("what comes while no GET stream is open waits for the next one")
def _():
    with daemon() as d:
        c = Client(d)
        c.request("resources/subscribe", {"uri": "test://1"})
        c.tool("update", uri="test://1")
        c.tool("set_tools", names=["x"])
        equal(sorted([m["method"] for m in (lambda s: [s.message(), s.message()])(c.get())]),
              ["notifications/resources/updated", "notifications/tools/list_changed"], "messages")


@case("a request of the server outside any call comes on the GET stream")
def _():
    with daemon() as d:
        c = Client(d, caps={"roots": {}})
        stream = c.get()
        equal(c.tool("ask_later"), "later", "answer")
        q = stream.message()
        equal(q["method"], "roots/list", "question")
        c.answer(q["id"], {"roots": [{"uri": "file:///r"}]})
        wait_until(lambda: "file:///r" in c.tool("asked"), "the answer to arrive")


# --- a lost connection is no cancellation --------------------------------------------------------------

@case("a client that disconnects has not cancelled: the call goes on, its result can be fetched")
def _():
    with daemon() as d:
        c = Client(d)
        p = c.start_tool("progress", {"steps": 3, "delay": 0.1}, token="t")
        equal(p.next()["params"]["progress"], 1, "first message")
        p.reply.conn.reset()
        sse = c.get(last=p.sse.last_id)
        rest = [sse.message() for _ in range(3)]
        equal(methods(rest), ["notifications/progress"] * 2 + ["response"], "messages")
        equal((rest[2]["id"], text_of(rest[2]["result"])), (p.id, "done"), "response")
        assert sse.next() is None, "the stream goes on after the response"
        assert not any("cancelled" in m for m in json.loads(c.tool("seen")))


@case("a JSON answer that is lost is lost, and the server was not told to stop")
def _():
    with daemon() as d:
        c = Client(d)
        conn, _ = c.begin_tool("slow", {"seconds": 0.2})
        wait_until(lambda: d.ctl("session.show", id=c.sid)["calls"] == 1, "the call")
        conn.reset()
        wait_until(lambda: d.ctl("session.show", id=c.sid)["calls"] == 0, "the end of the call")
        assert not any("cancelled" in m for m in json.loads(c.tool("seen")))


@case("half a close of the client's side is not the end of its request")
def _():
    with daemon() as d:
        c = Client(d)
        begun = c.begin_tool("slow", {"seconds": 0.2})
        begun[0].sock.shutdown(socket.SHUT_WR)
        try:
            equal(c.end(begun).text(), "slept", "answer")
        except EOFError:
            pass  # it may as well count as gone, but not as cancelled
        assert not any("cancelled" in m for m in json.loads(c.tool("seen")))


# --- replay -----------------------------------------------------------------------------------------

@case("GET with Last-Event-ID: what was missed, in order and once, then what comes")
def _():
    with daemon() as d:
        c = Client(d)
        c.request("resources/subscribe", {"uri": "test://1"})
        stream = c.get()
        c.tool("update", uri="test://1")
        stream.message()
        last = stream.last_id
        for _ in range(3):
            c.tool("update", uri="test://1")
            stream.message()
        stream.reply.conn.reset()
        again = c.get(last=last)
        for _ in range(3):
            equal(again.message()["method"], "notifications/resources/updated", "replayed")
        c.tool("set_tools", names=["x"])
        equal(again.message()["method"], "notifications/tools/list_changed", "new")
        ids = [e.id for e in stream.events + again.events if e.id]
        equal(len(set(ids)), len(ids) - 3, "different ids: three were replayed")


@case("replay of a call that is over: to the response, then the stream ends")
def _():
    with daemon() as d:
        c = Client(d)
        p = c.start_tool("progress", {"steps": 4}, token="t")
        p.text()
        ids = [e.id for e in p.sse.events if e.id]
        for n, last in enumerate(ids[:-1]):
            sse = c.get(last=last)
            seen = []
            while True:
                m = sse.message()
                if m is None:
                    break
                seen.append(m)
            equal(methods(seen), (["notifications/progress"] * 4 + ["response"])[n:], "after %s" % last)
        assert c.get(last=ids[-1]).message() is None, "something after the last event"


@case("replay gives the events of its own stream only")
def _():
    with daemon() as d:
        c = Client(d)
        a = c.start_tool("progress", {"steps": 3}, token="a")
        b = c.start_tool("progress", {"steps": 3}, token="b")
        a.text(), b.text()
        first = next(e.id for e in a.sse.events if e.id)
        sse = c.get(last=first)
        tokens = [sse.message()["params"]["progressToken"] for _ in range(3)]
        equal(tokens, ["a"] * 3, "tokens")
        equal(sse.message()["id"], a.id, "response")


@case("a resumed stream takes over from a connection that is still there, which ends")
def _():
    with daemon() as d:
        c = Client(d)
        old = c.get()
        old.comment()
        while old.last_id is None:
            old.next()
        new = c.get(last=old.last_id)
        new.comment()
        while old.next():
            pass
        old.close()
        c.tool("set_tools", names=["x"])
        equal(new.message()["method"], "notifications/tools/list_changed", "message")


@case("the events that are kept are bounded in number: older ones cannot be resumed after, 400")
def _():
    with daemon(replayEvents=3) as d:
        c = Client(d)
        p = c.start_tool("progress", {"steps": 10}, token="t")
        p.text()
        ids = [e.id for e in p.sse.events if e.id]
        shown = d.ctl("session.show", id=c.sid)
        equal(shown["replayEvents"], 3, "events kept")
        equal(resume_error(c, ids[-5]), (400, -32000), "answer")
        sse = c.get(last=ids[-4])
        equal(methods([sse.message() for _ in range(3)]), ["notifications/progress"] * 2 + ["response"],
              "replayed")


def resume_error(c, last):
    return c.daemon.http("GET", c.path, c.headers(Content_Type=None, Accept="text/event-stream",
                                                  Last_Event_ID=last)).error()


@case("the events that are kept are bounded in bytes")
def _():
    with daemon(replayBytes=2000) as d:
        c = Client(d)
        p = c.start_tool("progress", {"steps": 100}, token="t")
        p.text()
        assert 0 < d.ctl("session.show", id=c.sid)["replayBytes"] <= 2000
        ids = [e.id for e in p.sse.events if e.id]
        equal(resume_error(c, ids[0]), (400, -32000), "answer")
        assert c.get(last=ids[-2]).message()["id"] == p.id


@case("the events that are kept are bounded in age")
def _():
    with daemon(replayAge=0.2) as d:
        c = Client(d)
        p = c.start_tool("progress", {"steps": 3}, token="t")
        p.text()
        wait_until(lambda: d.ctl("session.show", id=c.sid)["replayEvents"] == 0, "the events to go")
        equal(resume_error(c, next(e.id for e in p.sse.events if e.id)), (400, -32000), "answer")


@case("with no replay at all nothing is kept, and streams work all the same")
def _():
    with daemon(replayEvents=0) as d:
        c = Client(d)
        p = c.start_tool("progress", token="t")
        equal(p.text(), "done", "answer")
        equal(d.ctl("session.show", id=c.sid)["replayEvents"], 0, "events kept")


# --- batches ----------------------------------------------------------------------------------------

def batch(c, *messages, **headers):
    msgs = [dict(m, jsonrpc="2.0") for m in messages]
    return c.post(msgs, **headers)


def call(ident, tool, **arguments):
    token = arguments.pop("token", None)
    params = {"name": tool, "arguments": arguments}
    if token is not None:
        params["_meta"] = {"progressToken": token}
    return {"id": ident, "method": "tools/call", "params": params}


@case("batch: each request has its response, in an array, whatever order they end in")
def _():
    with daemon() as d:
        c = Client(d, rev="2025-03-26")
        reply = batch(c, call(1, "slow", seconds=0.2), {"id": "b", "method": "ping"},
                      {"method": "notifications/roots/list_changed"}, call(3, "echo", text="x"),
                      {"id": 4, "method": "no/such"}, {"id": 99, "result": {}})
        got = {m["id"]: m for m in reply.json()}
        equal(sorted(map(str, got)), ["1", "3", "4", "b"], "ids")
        equal(text_of(got[1]["result"]), "slept", "slow")
        equal(got[4]["error"]["code"], -32601, "code")


@case("batch: with something before a result it is one event stream with all responses")
def _():
    with daemon() as d:
        c = Client(d, rev="2025-03-26")
        sse = Sse(batch(c, {"id": 1, "method": "ping"}, call(2, "progress", token="t", steps=2),
                        call(3, "slow", seconds=0.2)))
        seen = []
        while True:
            m = sse.message()
            if m is None:
                break
            seen.append(m)
        equal(sorted(m["id"] for m in seen if "id" in m), [1, 2, 3], "responses, each once")
        equal(methods(seen).count("notifications/progress"), 2, "progress")


@case("batch: one that is answered by events can be resumed")
def _():
    with daemon() as d:
        c = Client(d, rev="2025-03-26")
        sse = Sse(batch(c, call(1, "progress", token="t", steps=3, delay=0.1),
                        call(2, "slow", seconds=0.1)))
        sse.message()
        sse.reply.conn.reset()
        again = c.get(last=sse.last_id)
        ids = []
        while True:
            m = again.message()
            if m is None:
                break
            ids.append(m.get("id"))
        equal(sorted(i for i in ids if i), [1, 2], "responses")


@case("batch: the same id twice in one batch gets two responses")
def _():
    with daemon() as d:
        c = Client(d, rev="2025-03-26")
        got = batch(c, call(1, "echo", text="a"), call(1, "echo", text="b")).json()
        equal(sorted(text_of(m["result"]) for m in got), ["a", "b"], "answers")


@case("batch: a cancelled request in it has no response, the others have theirs")
def _():
    with daemon() as d:
        c = Client(d, rev="2025-03-26")
        body = json.dumps([dict(jsonrpc="2.0", **call(1, "hang")), dict(jsonrpc="2.0", id=2, method="ping")])
        conn = Conn(d.addr)
        conn.send(conn.head("POST", "/mcp", c.headers(), len(body)) + body)
        wait_until(lambda: d.ctl("session.show", id=c.sid)["calls"] == 1, "the call")
        c.notify("notifications/cancelled", {"requestId": 1})
        equal([m["id"] for m in conn.reply().json()], [2], "responses")


run()
