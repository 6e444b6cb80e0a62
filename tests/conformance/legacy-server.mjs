// SPDX-License-Identifier: ISC
// The conformance fixture in the 2025 way: a server of the official SDK that offers what the scenarios of
// the official suite need, and asks its questions with ordinary requests.
//
//	node legacy-server.mjs [--http]
//
// With --http it listens on a port of its own, with sessions, and says its URL on standard output.
import crypto from 'node:crypto';
import http from 'node:http';
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import * as types from '@modelcontextprotocol/sdk/types.js';
import * as fixture from './fixture.mjs';

const { text, sleep } = fixture;

const elicit = (extra, message, requestedSchema) =>
	extra.sendRequest({ method: 'elicitation/create', params: { message, requestedSchema } },
		types.ElicitResultSchema);
const sample = (extra, prompt, maxTokens) =>
	extra.sendRequest({
		method: 'sampling/createMessage',
		params: { messages: [{ role: 'user', content: { type: 'text', text: prompt } }], maxTokens },
	}, types.CreateMessageResultSchema);
const roots = (extra) => extra.sendRequest({ method: 'roots/list' }, types.ListRootsResultSchema);

const textOf = (message) => {
	const blocks = Array.isArray(message.content) ? message.content : [message.content];
	return blocks.filter((b) => b.type === 'text').map((b) => b.text).join('');
};

async function askName(extra) {
	const answer = await elicit(extra, 'What is your name?', fixture.stringField('name'));
	return text(answer.action === 'accept' ? `Hello, ${answer.content.name}!` : 'No name given');
}

function makeServer() {
	const server = new Server(
		{ name: 'mcpd-legacy-fixture', version: '1.0.0' },
		{
			capabilities: {
				tools: { listChanged: true },
				prompts: { listChanged: true },
				resources: { subscribe: true, listChanged: true },
				logging: {},
				completions: {},
			},
		},
	);

	const tools = {
		...fixture.plainTools,
		test_tool_with_logging: fixture.tool('Logs three messages while it runs', async (args, extra) => {
			for (const data of ['Tool execution started', 'Tool processing data', 'Tool execution completed']) {
				await extra.sendNotification({ method: 'notifications/message', params: { level: 'info', data } });
				await sleep(50);
			}
			return text('Tool with logging executed successfully');
		}),
		test_tool_with_progress: fixture.tool('Reports progress', async (args, extra) => {
			const progressToken = extra._meta?.progressToken;
			for (const progress of [0, 50, 100]) {
				if (progressToken !== undefined)
					await extra.sendNotification({
						method: 'notifications/progress',
						params: { progressToken, progress, total: 100, message: `Completed step ${progress} of 100` },
					});
				await sleep(50);
			}
			return text(String(progressToken));
		}),
		test_sampling: fixture.tool('Samples', async ({ prompt }, extra) =>
			text(`LLM response: ${textOf(await sample(extra, prompt, 100))}`), { prompt: { type: 'string' } }),
		test_elicitation: fixture.tool('Elicits', async ({ message }, extra) => {
			const a = await elicit(extra, message, fixture.stringField('username', 'email'));
			return text(`User response: action=${a.action}, content=${JSON.stringify(a.content ?? {})}`);
		}, { message: { type: 'string' } }),
		test_elicitation_sep1034_defaults: fixture.tool('Elicits with defaults', async (args, extra) => {
			const a = await elicit(extra, 'Please review the defaults', fixture.defaultsSchema);
			return text(`Elicitation completed: action=${a.action}, content=${JSON.stringify(a.content ?? {})}`);
		}),
		test_elicitation_sep1330_enums: fixture.tool('Elicits with enumerations', async (args, extra) => {
			const a = await elicit(extra, 'Please choose', fixture.enumsSchema);
			return text(`Elicitation completed: action=${a.action}, content=${JSON.stringify(a.content ?? {})}`);
		}),
		test_missing_capability: fixture.tool('Needs sampling', async (args, extra) =>
			text(textOf(await rawSample(extra, 'Are you there?')))),
		test_streaming_elicitation: fixture.tool('Elicits and says more', async (args, extra) => {
			const a = await elicit(extra, 'Go on?', fixture.stringField('answer'));
			return text(`action=${a.action}`);
		}),
		test_logging_tool: fixture.tool('Logs once', async (args, extra) => {
			await extra.sendNotification({ method: 'notifications/message', params: { level: 'info', data: 'hello' } });
			return text('logged');
		}),
		test_trigger_tool_change: fixture.tool('Changes the list of tools', async () => {
			fixture.toggle(tools, 'test_toggled_tool', fixture.tool('Comes and goes', async () => text('here')));
			await server.sendToolListChanged();
			return text('tools changed');
		}),
		test_trigger_prompt_change: fixture.tool('Changes the list of prompts', async () => {
			fixture.toggle(prompts, 'test_toggled_prompt', fixture.prompt('Comes and goes', [], () => [fixture.userText('here')]));
			await server.sendPromptListChanged();
			return text('prompts changed');
		}),
		test_input_required_result_elicitation: fixture.tool('Asks for a name', (args, extra) => askName(extra)),
		test_input_required_result_sampling: fixture.tool('Asks the model', async (args, extra) =>
			text(`The model says: ${textOf(await sample(extra, 'What is the capital of France?', 100))}`)),
		test_input_required_result_list_roots: fixture.tool('Asks for roots', async (args, extra) =>
			text(`Roots: ${(await roots(extra)).roots.map((r) => r.uri).join(', ')}`)),
		test_input_required_result_request_state: fixture.tool('Asks for confirmation', async (args, extra) => {
			await elicit(extra, 'Confirm?', fixture.field('ok', 'boolean'));
			return text('state-ok');
		}),
		test_input_required_result_multiple_inputs: fixture.tool('Asks three things at once', async (args, extra) => {
			const [name, greeting, list] = await Promise.all([
				elicit(extra, 'What is your name?', fixture.stringField('name')),
				sample(extra, 'Say hello', 50),
				roots(extra),
			]);
			return text(`${textOf(greeting)}, ${name.content?.name} (${list.roots.length} roots)`);
		}),
		test_input_required_result_multi_round: fixture.tool('Asks twice', async (args, extra) => {
			const one = await elicit(extra, 'Your name?', fixture.stringField('name'));
			const two = await elicit(extra, 'Your colour?', fixture.stringField('color'));
			return text(`${one.content?.name} likes ${two.content?.color}`);
		}),
		test_input_required_result_tampered_state: fixture.tool('Asks for confirmation', async (args, extra) => {
			await elicit(extra, 'Confirm?', fixture.field('ok', 'boolean'));
			return text('state-ok');
		}),
		test_input_required_result_capabilities: fixture.tool('Asks what can be asked', async (args, extra) => {
			const caps = server.getClientCapabilities() ?? {};
			const said = [];
			if (caps.sampling) said.push(textOf(await sample(extra, 'Say something', 50)));
			if (caps.elicitation) said.push(JSON.stringify(await elicit(extra, 'Name?', fixture.stringField('name'))));
			return text(said.join(' '));
		}),
		test_reconnection: fixture.tool('Takes a moment', async () => {
			await sleep(100);
			return text('Reconnection test completed successfully');
		}),
	};

	// Without the SDK's own look at the client's capabilities: what a careless server would do.
	const rawSample = (extra, prompt) => server.transport && sample(extra, prompt, 10);

	const prompts = {
		...fixture.plainPrompts,
		test_input_required_result_prompt: fixture.prompt('Asks for context', [], async (args, extra) => {
			const a = await elicit(extra, 'Which context?', fixture.stringField('context'));
			return [fixture.userText(`Prompt with context: ${a.content?.context}`)];
		}),
	};

	server.setRequestHandler(types.ListToolsRequestSchema, async () => ({ tools: fixture.listTools(tools) }));
	server.setRequestHandler(types.CallToolRequestSchema, async ({ params }, extra) => {
		const tool = tools[params.name];
		if (!tool) throw new types.McpError(types.ErrorCode.InvalidParams, `Unknown tool: ${params.name}`);
		return tool.run(params.arguments ?? {}, extra);
	});
	server.setRequestHandler(types.ListPromptsRequestSchema, async () => ({ prompts: fixture.listPrompts(prompts) }));
	server.setRequestHandler(types.GetPromptRequestSchema, async ({ params }, extra) => {
		const prompt = prompts[params.name];
		if (!prompt) throw new types.McpError(types.ErrorCode.InvalidParams, `Unknown prompt: ${params.name}`);
		return { messages: await prompt.run(params.arguments ?? {}, extra) };
	});
	server.setRequestHandler(types.ListResourcesRequestSchema, async () => ({ resources: fixture.resources }));
	server.setRequestHandler(types.ListResourceTemplatesRequestSchema, async () => ({ resourceTemplates: fixture.templates }));
	server.setRequestHandler(types.ReadResourceRequestSchema, async ({ params }) => {
		const contents = fixture.readResource(params.uri);
		if (!contents) throw new types.McpError(-32002, 'Resource not found', { uri: params.uri });
		return { contents };
	});
	server.setRequestHandler(types.SubscribeRequestSchema, async () => ({}));
	server.setRequestHandler(types.UnsubscribeRequestSchema, async () => ({}));
	server.setRequestHandler(types.SetLevelRequestSchema, async () => ({}));
	server.setRequestHandler(types.CompleteRequestSchema, async ({ params }) => ({
		completion: fixture.complete(params),
	}));

	return server;
}

const overStdio = () => makeServer().connect(new StdioServerTransport());

// One server and one transport for each session.
function overHttp() {
	const sessions = new Map();
	const open = async () => {
		const transport = new StreamableHTTPServerTransport({
			sessionIdGenerator: () => crypto.randomUUID(),
			onsessioninitialized: (id) => sessions.set(id, transport),
			onsessionclosed: (id) => sessions.delete(id),
		});
		await makeServer().connect(transport);
		return transport;
	};
	const listener = http.createServer(async (req, res) => {
		const id = req.headers['mcp-session-id'];
		if (id !== undefined && !sessions.has(id)) {
			res.writeHead(404, { 'content-type': 'application/json' });
			res.end('{"jsonrpc":"2.0","error":{"code":-32001,"message":"Session not found"},"id":null}');
			return;
		}
		await (id === undefined ? await open() : sessions.get(id)).handleRequest(req, res);
	});
	listener.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${listener.address().port}/mcp`));
}

if (process.argv.includes('--http')) overHttp();
else await overStdio();
