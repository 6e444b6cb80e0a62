// SPDX-License-Identifier: ISC
// The conformance fixture in the 2026 way: a server of the official SDK that knows revision 2026-07-28
// alone and asks its questions by results of the type input_required, under keys that it chooses itself.
//
//	node modern-server.mjs [--http]
//
// With --http it listens on a port of its own and says its URL on standard output.
import crypto from 'node:crypto';
import http from 'node:http';
import { createMcpHandler, createRequestStateCodec, MissingRequiredClientCapabilityError, ProtocolError, Server }
	from '@modelcontextprotocol/server';
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import { localhostHostValidation, localhostOriginValidation, toNodeHandler } from '@modelcontextprotocol/node';
import * as fixture from './fixture.mjs';

const { text, sleep } = fixture;
const INVALID_PARAMS = -32602;
const CAPABILITIES = 'io.modelcontextprotocol/clientCapabilities';

const codec = createRequestStateCodec({ key: crypto.randomBytes(32), ttlSeconds: 600 });
const capabilitiesOf = (ctx) => ctx.mcpReq.envelope?.[CAPABILITIES] ?? {};

// --- questions -------------------------------------------------------------------------------------

const elicit = (message, requestedSchema) => ({
	method: 'elicitation/create', params: { mode: 'form', message, requestedSchema },
});
const sample = (prompt, maxTokens) => ({
	method: 'sampling/createMessage',
	params: { messages: [{ role: 'user', content: { type: 'text', text: prompt } }], maxTokens },
});
const roots = () => ({ method: 'roots/list', params: {} });

const require = (ctx, capability) => {
	if (!capabilitiesOf(ctx)[capability])
		throw new MissingRequiredClientCapabilityError({ requiredCapabilities: { [capability]: {} } });
};
// Each is undefined unless there is an answer of that kind under KEY.
const answer = (ctx, key) => {
	const value = ctx.mcpReq.inputResponses?.[key];
	return value !== null && typeof value === 'object' ? value : undefined;
};
const content = (ctx, key) => (answer(ctx, key)?.action === 'accept' ? answer(ctx, key).content : undefined);
const said = (ctx, key) => {
	const blocks = answer(ctx, key)?.content;
	return blocks === undefined ? undefined : [blocks].flat().map((b) => b.text ?? '').join('');
};
const listed = (ctx, key) => answer(ctx, key)?.roots;

const need = (inputRequests, requestState) => ({
	resultType: 'input_required', inputRequests, ...(requestState !== undefined && { requestState }),
});
// Asks unless all keys of INPUTREQUESTS have an answer; a declined form is an answer, too.
const unanswered = (ctx, inputRequests) => Object.keys(inputRequests).some((key) => !answer(ctx, key));

// --- tools -----------------------------------------------------------------------------------------

const askName = { user_name: elicit('What is your name?', fixture.stringField('name')) };
const askThree = {
	...askName,
	greeting: sample('Say hello', 50),
	client_roots: roots(),
};
const confirm = { confirm: elicit('Confirm?', fixture.field('ok', 'boolean')) };

async function confirmed(args, ctx) {
	const state = ctx.mcpReq.requestState();
	if (state === undefined || !content(ctx, 'confirm')) return need(confirm, await codec.mint({ round: 1 }, ctx));
	return text('state-ok');
}

const makeTools = (changed) => {
	const tools = {
		...fixture.plainTools,
		test_tool_with_progress: fixture.tool('Reports progress', async (args, ctx) => {
			const progressToken = ctx.mcpReq._meta?.progressToken;
			for (const progress of [0, 50, 100]) {
				if (progressToken !== undefined)
					await ctx.mcpReq.notify({
						method: 'notifications/progress',
						params: { progressToken, progress, total: 100, message: `Completed step ${progress} of 100` },
					});
				await sleep(50);
			}
			return text(String(progressToken));
		}),
		test_tool_with_logging: fixture.tool('Logs three messages while it runs', async (args, ctx) => {
			for (const data of ['Tool execution started', 'Tool processing data', 'Tool execution completed']) {
				await ctx.mcpReq.log('info', data);
				await sleep(50);
			}
			return text('Tool with logging executed successfully');
		}),
		test_logging_tool: fixture.tool('Logs once', async (args, ctx) => {
			await ctx.mcpReq.log('info', 'hello');
			return text('logged');
		}),
		test_sampling: fixture.tool('Samples', async ({ prompt }, ctx) => {
			if (said(ctx, 'answer') === undefined) return need({ answer: sample(prompt, 100) });
			return text(`LLM response: ${said(ctx, 'answer')}`);
		}, { prompt: { type: 'string' } }),
		test_elicitation: fixture.tool('Elicits', async ({ message }, ctx) => {
			const ask = { user: elicit(message, fixture.stringField('username', 'email')) };
			if (unanswered(ctx, ask)) return need(ask);
			const a = answer(ctx, 'user');
			return text(`User response: action=${a.action}, content=${JSON.stringify(a.content ?? {})}`);
		}, { message: { type: 'string' } }),
		test_elicitation_sep1034_defaults: fixture.tool('Elicits with defaults', async (args, ctx) => {
			const ask = { review: elicit('Please review the defaults', fixture.defaultsSchema) };
			if (unanswered(ctx, ask)) return need(ask);
			const a = answer(ctx, 'review');
			return text(`Elicitation completed: action=${a.action}, content=${JSON.stringify(a.content ?? {})}`);
		}),
		test_elicitation_sep1330_enums: fixture.tool('Elicits with enumerations', async (args, ctx) => {
			const ask = { choice: elicit('Please choose', fixture.enumsSchema) };
			if (unanswered(ctx, ask)) return need(ask);
			const a = answer(ctx, 'choice');
			return text(`Elicitation completed: action=${a.action}, content=${JSON.stringify(a.content ?? {})}`);
		}),
		test_missing_capability: fixture.tool('Needs sampling', async (args, ctx) => {
			require(ctx, 'sampling');
			return text('The client can sample');
		}),
		test_streaming_elicitation: fixture.tool('Elicits and says more', async (args, ctx) => {
			const ask = { answer: elicit('Go on?', fixture.stringField('answer')) };
			return unanswered(ctx, ask) ? need(ask) : text(`action=${answer(ctx, 'answer').action}`);
		}),
		test_trigger_tool_change: fixture.tool('Changes the list of tools', async (args, ctx) => {
			fixture.toggle(tools, 'test_toggled_tool', fixture.tool('Comes and goes', async () => text('here')));
			await changed.tools(ctx);
			return text('tools changed');
		}),
		test_trigger_prompt_change: fixture.tool('Changes the list of prompts', async (args, ctx) => {
			fixture.toggle(prompts, 'test_toggled_prompt', fixture.prompt('Comes and goes', [], () => [fixture.userText('here')]));
			await changed.prompts(ctx);
			return text('prompts changed');
		}),
		test_input_required_result_elicitation: fixture.tool('Asks for a name', async (args, ctx) => {
			const name = content(ctx, 'user_name')?.name;
			return typeof name === 'string' ? text(`Hello, ${name}!`) : need(askName);
		}),
		test_input_required_result_sampling: fixture.tool('Asks the model', async (args, ctx) => {
			const capital = said(ctx, 'capital_question');
			if (capital === undefined) return need({ capital_question: sample('What is the capital of France?', 100) });
			return text(`The model says: ${capital}`);
		}),
		test_input_required_result_list_roots: fixture.tool('Asks for roots', async (args, ctx) => {
			const list = listed(ctx, 'client_roots');
			return list ? text(`Roots: ${list.map((r) => r.uri).join(', ')}`) : need({ client_roots: roots() });
		}),
		test_input_required_result_request_state: fixture.tool('Asks for confirmation', confirmed),
		test_input_required_result_tampered_state: fixture.tool('Asks for confirmation', confirmed),
		test_input_required_result_multiple_inputs: fixture.tool('Asks three things at once', async (args, ctx) => {
			if (unanswered(ctx, askThree)) return need(askThree, await codec.mint({ three: true }, ctx));
			return text(`${said(ctx, 'greeting')}, ${content(ctx, 'user_name')?.name}` +
				` (${listed(ctx, 'client_roots')?.length} roots)`);
		}),
		test_input_required_result_multi_round: fixture.tool('Asks twice', async (args, ctx) => {
			const state = ctx.mcpReq.requestState();
			const one = { step1: elicit('Your name?', fixture.stringField('name')) };
			const two = { step2: elicit('Your colour?', fixture.stringField('color')) };
			if (state?.name !== undefined && content(ctx, 'step2'))
				return text(`${state.name} likes ${content(ctx, 'step2').color}`);
			const name = state?.name ?? content(ctx, 'step1')?.name;
			return name === undefined ? need(one, await codec.mint({ round: 1 }, ctx))
				: need(two, await codec.mint({ name }, ctx));
		}),
		test_input_required_result_capabilities: fixture.tool('Asks what can be asked', async (args, ctx) => {
			const caps = capabilitiesOf(ctx);
			const ask = {
				...(caps.sampling && { something: sample('Say something', 50) }),
				...(caps.elicitation && askName),
			};
			if (unanswered(ctx, ask)) return need(ask);
			return text(Object.keys(ask).map((key) => JSON.stringify(answer(ctx, key))).join(' '));
		}),
		test_reconnection: fixture.tool('Takes a moment', async () => {
			await sleep(100);
			return text('Reconnection test completed successfully');
		}),
	};
	const prompts = {
		...fixture.plainPrompts,
		test_input_required_result_prompt: fixture.prompt('Asks for context', [], (args, ctx) => {
			const context = content(ctx, 'user_context')?.context;
			return context === undefined
				? need({ user_context: elicit('Which context?', fixture.stringField('context')) })
				: [fixture.userText(`Prompt with context: ${context}`)];
		}),
	};
	return { tools, prompts };
};

// --- the server ------------------------------------------------------------------------------------

const unknown = (what, name) => new ProtocolError(INVALID_PARAMS, `Unknown ${what}: ${name}`);

// SURFACE: the tools and prompts, which requests over HTTP share and connections over stdio do not.
function makeServer({ tools, prompts }) {
	const server = new Server({ name: 'mcpd-modern-fixture', version: '1.0.0' }, {
		capabilities: {
			tools: { listChanged: true },
			prompts: { listChanged: true },
			resources: { subscribe: true, listChanged: true },
			logging: {},
			completions: {},
		},
		requestState: { verify: codec.verify },
	});

	server.setRequestHandler('tools/list', async () => ({ tools: fixture.listTools(tools) }));
	server.setRequestHandler('tools/call', async ({ params }, ctx) => {
		if (!tools[params.name]) throw unknown('tool', params.name);
		return tools[params.name].run(params.arguments ?? {}, ctx);
	});
	server.setRequestHandler('prompts/list', async () => ({ prompts: fixture.listPrompts(prompts) }));
	server.setRequestHandler('prompts/get', async ({ params }, ctx) => {
		if (!prompts[params.name]) throw unknown('prompt', params.name);
		const messages = await prompts[params.name].run(params.arguments ?? {}, ctx);
		return messages.resultType ? messages : { messages };
	});
	server.setRequestHandler('resources/list', async () => ({ resources: fixture.resources }));
	server.setRequestHandler('resources/templates/list', async () => ({ resourceTemplates: fixture.templates }));
	server.setRequestHandler('resources/read', async ({ params }) => {
		const contents = fixture.readResource(params.uri);
		if (!contents) throw new ProtocolError(INVALID_PARAMS, 'Resource not found', { uri: params.uri });
		return { contents };
	});
	server.setRequestHandler('completion/complete', async ({ params }) => ({ completion: fixture.complete(params) }));
	return server;
}

function overStdio() {
	serveStdio(() => {
		let server;
		const surface = makeTools({
			tools: () => server.sendToolListChanged(),
			prompts: () => server.sendPromptListChanged(),
		});
		server = makeServer(surface);
		return server;
	}, { legacy: 'reject' });
}

function overHttp() {
	const surface = makeTools({
		tools: () => handler.notify.toolsChanged(),
		prompts: () => handler.notify.promptsChanged(),
	});
	const handler = createMcpHandler(() => makeServer(surface), { legacy: 'reject' });
	const serve = toNodeHandler(handler);
	const goodHost = localhostHostValidation(), goodOrigin = localhostOriginValidation();
	const listener = http.createServer((req, res) => {
		if (goodHost(req, res) && goodOrigin(req, res)) serve(req, res);
	});
	listener.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${listener.address().port}/mcp`));
}

if (process.argv.includes('--http')) overHttp();
else overStdio();
