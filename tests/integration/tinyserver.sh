#!/bin/sh
# SPDX-License-Identifier: ISC
# An MCP server that starts within a millisecond or two, for tests that need thousands of them.
# Tools: echo (always the same text), pid. It understands the requests of mcpd, not JSON.
while IFS= read -r line; do
	id=${line#*\"id\":}
	[ "$id" != "$line" ] || continue
	id=${id%%[,\}]*}
	case $line in
	*'"method":"initialize"'*)
		printf '{"jsonrpc":"2.0","id":%s,"result":{"protocolVersion":"2025-06-18","capabilities":{"tools":{}},"serverInfo":{"name":"tiny","version":"1"}}}\n' "$id" ;;
	*'"method":"tools/list"'*)
		printf '{"jsonrpc":"2.0","id":%s,"result":{"tools":[{"name":"echo","inputSchema":{"type":"object"}},{"name":"pid","inputSchema":{"type":"object"}}]}}\n' "$id" ;;
	*'"name":"pid"'*)
		printf '{"jsonrpc":"2.0","id":%s,"result":{"content":[{"type":"text","text":"%s"}]}}\n' "$id" "$$" ;;
	*'"method":"tools/call"'*)
		printf '{"jsonrpc":"2.0","id":%s,"result":{"content":[{"type":"text","text":"echo"}]}}\n' "$id" ;;
	*)
		printf '{"jsonrpc":"2.0","id":%s,"result":{}}\n' "$id" ;;
	esac
done
