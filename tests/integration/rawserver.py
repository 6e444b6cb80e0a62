#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""An MCP server that works on bytes: rawserver.py legacy|modern, over stdio. Needs nothing but Python 3.

What it is asked to give is given byte for byte, and what it is sent comes back as hexadecimal digits, so a
test sees exactly what mcpd wrote. Tests that are HTTP servers themselves answer with respond().

tools/call give(hex), prompts/get give(hex), resources/read give://HEX
                      the result has these members, as they are
tools/call back(...)  a text with the bytes of params.arguments in hexadecimal; and so does region(region), whose
                      argument belongs into a header, too
"""
import json
import re
import sys

TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|[][{}:,]|[^][{}:,"\s]+', re.S)
LISTS = {
    "tools/list": b'"tools":[{"name":"give","inputSchema":{"type":"object"}},'
                  b'{"name":"back","inputSchema":{"type":"object"}},{"name":"region","inputSchema":{"type":"object",'
                  b'"properties":{"region":{"type":"string","x-mcp-header":"Region"}}}}]',
    "prompts/list": b'"prompts":[{"name":"give","arguments":[{"name":"hex"}]}]',
    "resources/list": b'"resources":[]',
    "resources/templates/list": b'"resourceTemplates":[{"name":"give","uriTemplate":"give://{hex}"}]',
}
CAPABILITIES = b'"capabilities":{"tools":{},"prompts":{},"resources":{}}'
SERVER = b'{"name":"raw","version":"1"}'


def tokens(text):
    """TEXT, which is JSON, without the white space between its tokens."""
    return TOKEN.findall(text)


def members(text):
    """The members of the object TEXT: pairs of the key, as it is written, and the bytes of the value."""
    found, depth, key, at = [], 0, None, None
    for t in TOKEN.finditer(text):
        token = t.group()
        depth -= token in (b"}", b"]")
        if depth == 1 and at is None:
            key, at = (key, t.end()) if token == b":" else (token[1:-1].decode(), None)
        elif at is not None and (depth == 0 or (depth == 1 and token == b",")):
            found.append((key, text[at:t.start()].strip()))
            at = None
        depth += token in (b"{", b"[")
    return found


def member(text, *path):
    """The bytes of the only member of that name, and so on along PATH; None: there is none."""
    for name in path:
        found = [value for key, value in members(text) if key == name]
        if not found:
            return None
        assert len(found) == 1, "%s occurs %d times" % (name, len(found))
        text = found[0]
    return text


def asked(msg):
    """The members that the result of this request has to have, as they are to be written; None: no such thing."""
    method = json.loads(member(msg, "method"))
    params = member(msg, "params") or b"{}"
    if method in ("tools/call", "prompts/get"):
        if member(params, "name") != b'"give"':
            return b'"content":[{"type":"text","text":"%s"}]' % member(params, "arguments").hex().encode()
        return bytes.fromhex(json.loads(member(params, "arguments", "hex")))
    if method == "resources/read":
        return bytes.fromhex(json.loads(member(params, "uri")).partition("://")[2])
    if method == "initialize":
        return b'"protocolVersion":%s,%s,"serverInfo":%s' % (member(params, "protocolVersion"), CAPABILITIES, SERVER)
    if method == "server/discover":
        return b'"supportedVersions":["2026-07-28"],%s' % CAPABILITIES
    return b"" if method == "ping" else LISTS.get(method)


def respond(modern, msg):
    """The response to the request MSG; None: MSG is no request."""
    method, ident = member(msg, "method"), member(msg, "id")
    if method is None or ident is None:
        return None
    result = None if method == (b'"initialize"' if modern else b'"server/discover"') else asked(msg)
    if result is None:
        return b'{"jsonrpc":"2.0","id":%s,"error":{"code":-32601,"message":"Method not found"}}' % ident
    if modern and (b"list" in method or b"discover" in method):
        result += b',"ttlMs":0,"cacheScope":"private"'
    if modern:
        result = b'"resultType":"complete"' + (b"," if result else b"") + result
    return b'{"jsonrpc":"2.0","id":%s,"result":{%s}}' % (ident, result)


def main():
    for line in sys.stdin.buffer:
        answer = respond(sys.argv[1] == "modern", line)
        if answer is not None:
            sys.stdout.buffer.write(answer + b"\n")
            sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
