// SPDX-License-Identifier: ISC
// The official TypeScript SDK client, driven by tests/integration/test_node.py: a line on stdin names
// a check, a line on stdout tells how it ended (JSON: {} or {"error": TEXT}).
//
//	node client.mjs URL-of-mcpd folder-of-the-file-server

import assert from 'node:assert/strict';
import readline from 'node:readline';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import {
	CreateMessageRequestSchema, ElicitRequestSchema, ListRootsRequestSchema,
	LoggingMessageNotificationSchema, ResourceUpdatedNotificationSchema,
	ToolListChangedNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js';

const [base, folder] = process.argv.slice(2);
const ALL = {
	sampling: {}, elicitation: { form: {}, url: {} }, roots: { listChanged: true },
};
const open = new Set();

async function connect(path, capabilities = {}, prepare = () => {}) {
	const client = new Client({ name: 'sdk', version: '1.2.3' }, { capabilities });
	const transport = new StreamableHTTPClientTransport(new URL(base + path));
	client.errors = [];
	client.onerror = (e) => client.errors.push(e);
	prepare(client);
	open.add(client);
	await client.connect(transport);
	return client;
}

async function end(client) {
	open.delete(client);
	await client.transport.terminateSession();
	await client.close();
}

const everything = (capabilities, prepare) => connect('/mcp/everything', capabilities, prepare);
const tool = (client, name, args = {}, options) =>
	client.callTool({ name, arguments: args }, undefined, options);
const textOf = (result) => result.content.map((c) => c.text ?? '').join('\n');

// The first notification of SCHEMA that is WANTED; to be called before what causes it.
function first(client, schema, wanted = () => true) {
	return new Promise((resolve) => {
		client.setNotificationHandler(schema, (n) => {
			if (wanted(n.params))
				resolve(n.params);
		});
	});
}

// A client that calls again and again, whatever happens to the daemon: what may go wrong then is what is
// under way when it ends, and what finds nobody listening.
const beat = { calls: 0, failures: [] };
const harmless = /fetch failed|terminated|other side closed|ECONNRE|HTTP 503|shutting down/;

async function callForEver(client) {
	while (!beat.stop) {
		try {
			assert.equal(textOf(await tool(client, 'echo', { text: 'beat' })), 'beat');
			beat.calls++;
		} catch (e) {
			beat.failures.push(`${e} ${e.cause ?? ''}`);
		}
		await new Promise((resolve) => setTimeout(resolve, 250));
	}
}

const checks = {
	async 'begin to call'() {
		beat.client = await connect('/mcp');
		beat.loop = callForEver(beat.client);
	},

	// From now on nothing may go wrong, but for one call that was under way.
	async 'calls are answered'() {
		const { calls, failures: { length } } = beat;
		const enough = Date.now() + 60000;
		while (beat.calls < calls + 3 && Date.now() < enough)
			await new Promise((resolve) => setTimeout(resolve, 50));
		assert.ok(beat.calls >= calls + 3, beat.failures.join('\n'));
		assert.ok(beat.failures.length <= length + 1, beat.failures.join('\n'));
	},

	// The stream for notifications is there again, too.
	async 'a notification comes'() {
		const changed = first(beat.client, ToolListChangedNotificationSchema);
		await tool(beat.client, 'set_tools', { names: ['new'] });
		await changed;
	},

	async 'end calling'() {
		beat.stop = true;
		await beat.loop;
		for (const failure of beat.failures)
			assert.match(failure, harmless);
		await end(beat.client);
	},

	async connect() {
		const client = await everything();
		assert.equal(client.getServerVersion().name, 'mcpd');
		const caps = client.getServerCapabilities();
		for (const name of ['tools', 'resources', 'prompts', 'logging', 'completions'])
			assert.ok(caps[name], name);
		assert.equal(caps.resources.subscribe, true);
		assert.match(client.getInstructions(), /Everything/);
		assert.match(client.transport.sessionId, /^[\x21-\x7e]{16,}$/);
		assert.equal(client.transport.protocolVersion, '2025-11-25');
		await client.ping();
		await end(client);
	},

	async tools() {
		const client = await everything();
		const { tools } = await client.listTools();
		const names = tools.map((t) => t.name);
		for (const name of ['echo', 'get-sum', 'get-tiny-image', 'get-structured-content'])
			assert.ok(names.includes(name), name);
		const sum = tools.find((t) => t.name === 'get-sum');
		assert.equal(sum.inputSchema.$schema, 'http://json-schema.org/draft-07/schema#');
		assert.deepEqual(sum.inputSchema.required, ['a', 'b']);
		assert.equal(textOf(await tool(client, 'echo', { message: 'a\u0000\u{1f600}"\\\n' })),
			'Echo: a\u0000\u{1f600}"\\\n');
		assert.match(textOf(await tool(client, 'get-sum', { a: 1.5, b: -7 })), /-5\.5/);
		const image = (await tool(client, 'get-tiny-image')).content.find((c) => c.type === 'image');
		assert.equal(image.mimeType, 'image/png');
		assert.equal(Buffer.from(image.data, 'base64').subarray(1, 4).toString(), 'PNG');
		const weather = await tool(client, 'get-structured-content', { location: 'Chicago' });
		assert.equal(typeof weather.structuredContent.temperature, 'number');
		const noted = await tool(client, 'get-annotated-message', { messageType: 'error' });
		assert.equal(noted.content[0].annotations.priority, 1);
		const links = await tool(client, 'get-resource-links', { count: 2 });
		assert.equal(links.content.filter((c) => c.type === 'resource_link').length, 2);
		const embedded = await tool(client, 'get-resource-reference',
			{ resourceType: 'Blob', resourceId: 3 });
		assert.ok(embedded.content.some((c) => c.type === 'resource' && c.resource.blob));
		await end(client);
	},

	async 'tool errors'() {
		const client = await everything();
		const bad = await tool(client, 'get-sum', { a: 'x' });
		assert.equal(bad.isError, true);
		const unknown = await tool(client, 'no-such-tool').catch((e) => e);
		assert.ok(unknown.isError || unknown.code === -32602, JSON.stringify(unknown));
		await end(client);
	},

	async resources() {
		const client = await everything();
		const { resources } = await client.listResources();
		assert.ok(resources.length >= 7);
		const { resourceTemplates } = await client.listResourceTemplates();
		assert.deepEqual(resourceTemplates.map((t) => t.uriTemplate).sort(), [
			'demo://resource/dynamic/blob/{resourceId}', 'demo://resource/dynamic/text/{resourceId}']);
		for (const { uri } of resources) {
			const [content] = (await client.readResource({ uri })).contents;
			assert.equal(content.uri, uri);
			assert.ok(content.text.length > 100);
		}
		const text = await client.readResource({ uri: 'demo://resource/dynamic/text/7' });
		assert.match(text.contents[0].text, /Resource 7/);
		const blob = await client.readResource({ uri: 'demo://resource/dynamic/blob/7' });
		assert.match(Buffer.from(blob.contents[0].blob, 'base64').toString(), /Resource 7/);
		await assert.rejects(client.readResource({ uri: 'demo://none' }), /not found/i);
		await end(client);
	},

	async prompts() {
		const client = await everything();
		const { prompts } = await client.listPrompts();
		assert.deepEqual(prompts.map((p) => p.name).sort(),
			['args-prompt', 'completable-prompt', 'resource-prompt', 'simple-prompt']);
		const simple = await client.getPrompt({ name: 'simple-prompt' });
		assert.equal(simple.messages[0].role, 'user');
		const args = await client.getPrompt({ name: 'args-prompt', arguments: { city: 'Bern' } });
		assert.match(args.messages[0].content.text, /Bern/);
		const resource = await client.getPrompt({ name: 'resource-prompt',
			arguments: { resourceType: 'Text', resourceId: '5' } });
		assert.ok(resource.messages.some((m) => m.content.type === 'resource'));
		await assert.rejects(client.getPrompt({ name: 'no-such-prompt' }), { code: -32602 });
		await end(client);
	},

	async completion() {
		const client = await everything();
		const ref = { type: 'ref/prompt', name: 'completable-prompt' };
		const complete = async (argument, args) => (await client.complete(
			{ ref, argument, context: args ? { arguments: args } : undefined })).completion.values;
		assert.deepEqual(await complete({ name: 'department', value: 'S' }), ['Sales', 'Support']);
		assert.deepEqual(await complete({ name: 'name', value: 'A' }, { department: 'Engineering' }),
			['Alice']);
		const template = await client.complete({
			ref: { type: 'ref/resource', uri: 'demo://resource/dynamic/text/{resourceId}' },
			argument: { name: 'resourceId', value: '12' } });
		assert.deepEqual(template.completion.values, ['12']);
		await end(client);
	},

	async progress() {
		const client = await everything();
		const run = async (steps) => {
			const seen = [];
			const result = await tool(client, 'trigger-long-running-operation',
				{ duration: 0.3, steps }, { onprogress: (p) => seen.push(p) });
			assert.match(textOf(result), /completed/);
			assert.deepEqual(seen.map((p) => p.progress), [...Array(steps).keys()].map((i) => i + 1));
			assert.ok(seen.every((p) => p.total === steps));
		};
		await Promise.all([run(3), run(4), run(5)]);
		await end(client);
	},

	async logging() {
		const client = await everything();
		await client.setLoggingLevel('debug');
		const message = first(client, LoggingMessageNotificationSchema);
		await tool(client, 'toggle-simulated-logging');
		const params = await message;
		assert.match(params.data, /message/);
		assert.ok(params.level);
		await tool(client, 'toggle-simulated-logging');
		await end(client);
	},

	async sampling() {
		let asked;
		const client = await everything({ sampling: {} }, (c) => {
			c.setRequestHandler(CreateMessageRequestSchema, async (request) => {
				asked = request.params;
				return { role: 'assistant', model: 'none', stopReason: 'endTurn',
					content: { type: 'text', text: 'forty-two' } };
			});
		});
		const result = await tool(client, 'trigger-sampling-request', { prompt: 'what is it?' });
		assert.match(JSON.stringify(asked.messages), /what is it\?/);
		assert.match(textOf(result), /forty-two/);
		await end(client);
	},

	async 'sampling refused'() {
		const client = await everything({ sampling: {} }, (c) => {
			c.setRequestHandler(CreateMessageRequestSchema, async () => {
				throw Object.assign(new Error('the user said no'), { code: -1 });
			});
		});
		const result = await tool(client, 'trigger-sampling-request', { prompt: 'please' })
			.catch((e) => ({ isError: true, content: [{ text: e.message }] }));
		assert.equal(result.isError, true);
		assert.match(textOf(result), /the user said no/);
		await end(client);
	},

	async elicitation() {
		let answer, schema;
		const client = await everything({ elicitation: { form: {} } }, (c) => {
			c.setRequestHandler(ElicitRequestSchema, async (request) => {
				schema = request.params.requestedSchema;
				return answer;
			});
		});
		answer = { action: 'accept', content: { name: 'Ada', integer: 7 } };
		const accepted = textOf(await tool(client, 'trigger-elicitation-request'));
		assert.match(accepted, /Name: Ada/);
		assert.match(accepted, /Integer: 7/);
		assert.deepEqual(schema.properties.legacyTitledEnum.enumNames[0], 'Cats');
		assert.deepEqual(schema.properties.titledMultipleSelectEnum.items.anyOf[0],
			{ const: 'fish-1', title: 'Tuna' });
		answer = { action: 'decline' };
		assert.match(textOf(await tool(client, 'trigger-elicitation-request')), /declined/);
		answer = { action: 'cancel' };
		assert.match(textOf(await tool(client, 'trigger-elicitation-request')), /cancelled/);
		await end(client);
	},

	async 'elicitation by URL'() {
		let asked;
		const client = await everything({ elicitation: { form: {}, url: {} } }, (c) => {
			c.setRequestHandler(ElicitRequestSchema, async (request) => {
				asked = request.params;
				return { action: 'accept' };
			});
		});
		const url = 'https://example.com/login?x=1';
		await tool(client, 'trigger-url-elicitation', { url, elicitationId: 'e1' });
		assert.equal(asked.mode, 'url');
		assert.equal(asked.url, url);
		assert.ok(asked.elicitationId);
		const error = await tool(client, 'trigger-url-elicitation',
			{ url, elicitationId: 'e2', errorPath: true }).catch((e) => e);
		assert.equal(error.code, -32042);
		assert.match(error.data.elicitations[0].url, /^https:/);
		await end(client);
	},

	async roots() {
		let roots = [{ uri: 'file:///one', name: 'one' }];
		const client = await everything({ roots: { listChanged: true } }, (c) => {
			c.setRequestHandler(ListRootsRequestSchema, async () => ({ roots }));
		});
		assert.match(textOf(await tool(client, 'get-roots-list')), /file:\/\/\/one/);
		roots = [{ uri: 'file:///two', name: 'two' }];
		await client.setLoggingLevel('info');
		const told = first(client, LoggingMessageNotificationSchema,
			(p) => /Roots updated/.test(p.data));
		await client.sendRootsListChanged();
		await told;
		assert.match(textOf(await tool(client, 'get-roots-list')), /file:\/\/\/two/);
		await end(client);
	},

	async cancellation() {
		const client = await everything();
		const abort = new AbortController();
		let steps = 0;
		const running = tool(client, 'trigger-long-running-operation', { duration: 600, steps: 6000 },
			{ signal: abort.signal, onprogress: () => {
				if (++steps === 2)
					abort.abort('enough');
			} });
		await assert.rejects(running, /enough/);
		assert.match(textOf(await tool(client, 'echo', { message: 'after' })), /after/);
		open.delete(client);
		return client; // the daemon is asked whether the call is gone
	},

	async subscription() {
		const client = await everything();
		const uri = 'demo://resource/dynamic/text/1';
		await client.subscribeResource({ uri });
		const updated = first(client, ResourceUpdatedNotificationSchema);
		await tool(client, 'toggle-subscriber-updates');
		assert.equal((await updated).uri, uri);
		await client.unsubscribeResource({ uri });
		await tool(client, 'toggle-subscriber-updates');
		await end(client);
	},

	async 'list changes'() {
		const client = await connect('/mcp/fake');
		const changed = first(client, ToolListChangedNotificationSchema);
		await tool(client, 'set_tools', { names: ['brand_new'] });
		await changed;
		assert.ok((await client.listTools()).tools.some((t) => t.name === 'brand_new'));
		assert.equal(textOf(await tool(client, 'brand_new')), 'brand_new');
		await end(client);
	},

	async files() {
		const client = await connect('/mcp/files');
		const file = folder + '/hello.txt';
		assert.match(textOf(await tool(client, 'list_allowed_directories')), new RegExp(folder));
		await tool(client, 'write_file', { path: file, content: 'line 1\nline 2\n' });
		assert.match(textOf(await tool(client, 'read_text_file', { path: file })), /line 1\nline 2/);
		await tool(client, 'edit_file', { path: file, edits: [{ oldText: 'line 2', newText: 'line two' }] });
		assert.match(textOf(await tool(client, 'read_text_file', { path: file })), /line two/);
		assert.match(textOf(await tool(client, 'list_directory', { path: folder })), /hello\.txt/);
		assert.match(textOf(await tool(client, 'search_files', { path: folder, pattern: '*.txt' })),
			/hello\.txt/);
		const outside = await tool(client, 'read_text_file', { path: '/etc/passwd' });
		assert.equal(outside.isError, true);
		assert.match(textOf(outside), /denied|outside/i);
		await end(client);
	},

	async 'files with roots'() {
		const client = await connect('/mcp/files', { roots: { listChanged: true } }, (c) => {
			c.setRequestHandler(ListRootsRequestSchema, async () =>
				({ roots: [{ uri: 'file://' + folder + '/sub', name: 'sub' }] }));
		});
		// The server asks for the roots when it has been initialized, and uses them when it has them.
		const allowed = async () => textOf(await tool(client, 'list_allowed_directories'));
		while (!(await allowed()).includes(folder + '/sub'))
			await new Promise((resolve) => setTimeout(resolve, 20));
		const outside = await tool(client, 'list_directory', { path: folder });
		assert.equal(outside.isError, true);
		await end(client);
	},

	async merged() {
		const client = await connect('/mcp');
		const names = (await client.listTools()).tools.map((t) => t.name);
		assert.equal(new Set(names).size, names.length);
		for (const name of ['everything__echo', 'files__read_text_file', 'fake__echo'])
			assert.ok(names.includes(name), name);
		assert.match(textOf(await tool(client, 'everything__echo', { message: 'one' })), /one/);
		assert.match(textOf(await tool(client, 'files__list_allowed_directories')),
			new RegExp(folder));
		const prompt = await client.getPrompt({ name: 'everything__args-prompt',
			arguments: { city: 'Rome' } });
		assert.match(prompt.messages[0].content.text, /Rome/);
		const text = await client.readResource({ uri: 'demo://resource/dynamic/text/3' });
		assert.match(text.contents[0].text, /Resource 3/);
		const values = (await client.complete({
			ref: { type: 'ref/prompt', name: 'everything__completable-prompt' },
			argument: { name: 'department', value: 'M' } })).completion.values;
		assert.deepEqual(values, ['Marketing']);
		await end(client);
	},

	async 'several clients'() {
		const clients = await Promise.all([1, 2, 3].map(() => everything()));
		const results = await Promise.all(clients.flatMap((c, i) =>
			[...Array(10).keys()].map((n) => tool(c, 'echo', { message: `${i}-${n}` }))));
		results.forEach((r, k) => assert.match(textOf(r), new RegExp(`${Math.floor(k / 10)}-${k % 10}$`)));
		await Promise.all(clients.map(end));
	},

	async 'a terminated session'() {
		const client = await everything();
		const sid = client.transport.sessionId;
		await client.transport.terminateSession();
		const again = new StreamableHTTPClientTransport(new URL(base + '/mcp/everything'),
			{ sessionId: sid });
		const lost = new Client({ name: 'sdk', version: '1' });
		await lost.connect(again); // with an id, the SDK does not initialize
		await assert.rejects(lost.listTools(), /404|Session not found/);
		open.delete(client);
		await client.close();
		await lost.close();
	},
};

for await (const name of readline.createInterface({ input: process.stdin })) {
	let answer = {};
	try {
		const left = await checks[name]();
		if (left)
			answer = { session: left.transport.sessionId };
	} catch (e) {
		answer = { error: e.stack ?? String(e), errors: [...open].flatMap((c) => c.errors.map(String)) };
		await Promise.allSettled([...open].map(end));
	}
	process.stdout.write(JSON.stringify(answer) + '\n');
}
process.exit(0);
