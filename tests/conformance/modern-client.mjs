// SPDX-License-Identifier: ISC
// The official client of revision 2026-07-28, through mcpd, with a server that only knows 2025-11-25: a
// tool that elicits, one that samples, and one that asks three things at once. Says "ok", or why not.
//
//	node modern-client.mjs URL
import assert from 'node:assert/strict';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';

const client = new Client({ name: 'modern', version: '1.0.0' }, {
	capabilities: { elicitation: { form: {} }, sampling: {}, roots: {} },
	versionNegotiation: { mode: { pin: '2026-07-28' } },
});
const asked = [];
const content = { name: 'Ada', username: 'ada', email: 'ada@example.com' };

client.setRequestHandler('elicitation/create', async () => {
	asked.push('elicitation');
	return { action: 'accept', content };
});
client.setRequestHandler('sampling/createMessage', async () => {
	asked.push('sampling');
	return { role: 'assistant', model: 'none', content: { type: 'text', text: 'Paris' } };
});
client.setRequestHandler('roots/list', async () => {
	asked.push('roots');
	return { roots: [{ uri: 'file:///tmp', name: 'tmp' }] };
});

async function call(name, args = {}) {
	asked.length = 0;
	const result = await client.callTool({ name, arguments: args });
	assert.ok(!result.isError, JSON.stringify(result));
	return [result.content[0].text, asked.toSorted().join(' ')];
}

await client.connect(new StreamableHTTPClientTransport(new URL(process.argv[2])));
assert.deepEqual(await call('test_sampling', { prompt: 'Capital of France?' }),
	['LLM response: Paris', 'sampling']);
const [told, by] = await call('test_elicitation', { message: 'Who are you?' });
assert.ok(told.includes('action=accept') && told.includes('ada@example.com'), told);
assert.equal(by, 'elicitation');
assert.deepEqual(await call('test_input_required_result_multiple_inputs'),
	['Paris, Ada (1 roots)', 'elicitation roots sampling']);
await client.close();
console.log('ok');
process.exit(0);
