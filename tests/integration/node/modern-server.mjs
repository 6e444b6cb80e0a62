// SPDX-License-Identifier: ISC
// A small server of revision 2026-07-28 alone, of the official SDK, over Streamable HTTP. It says its URL
// on standard output, and "aborted" when a call of the tool "hang" was cancelled.
import http from 'node:http';
import { createMcpHandler, Server } from '@modelcontextprotocol/server';
import { toNodeHandler } from '@modelcontextprotocol/node';

const text = (value) => ({ content: [{ type: 'text', text: value }] });
const tools = {
	echo: async ({ message }) => text(`Echo: ${message}`),
	region: async ({ region }) => text(region),
	hang: (args, ctx) => new Promise((resolve) => {
		console.log('called');
		ctx.mcpReq.signal.addEventListener('abort', () => {
			console.log('aborted');
			resolve(text('aborted'));
		});
	}),
};
const schemas = {
	echo: { message: { type: 'string' } },
	region: { region: { type: 'string', 'x-mcp-header': 'Region' } },
	hang: {},
};

function makeServer() {
	const server = new Server({ name: 'modern', version: '1.0.0' }, { capabilities: { tools: {} } });
	server.setRequestHandler('tools/list', async () => ({
		tools: Object.keys(tools).map((name) => ({
			name, inputSchema: { type: 'object', properties: schemas[name] },
		})),
	}));
	server.setRequestHandler('tools/call', ({ params }, ctx) => tools[params.name](params.arguments ?? {}, ctx));
	return server;
}

const serve = toNodeHandler(createMcpHandler(makeServer, { legacy: 'reject' }));
const listener = http.createServer(serve);
listener.listen(Number(process.env.PORT ?? 0), '127.0.0.1',
	() => console.log(`http://127.0.0.1:${listener.address().port}/mcp`));
