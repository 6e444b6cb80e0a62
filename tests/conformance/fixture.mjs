// SPDX-License-Identifier: ISC
// What both fixtures offer alike: plain tools, prompts, resources, schemas of questions.

export const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==';
export const WAV = 'UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAAB9AAACABAAZGF0YQIAAAA=';

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
export const text = (value) => ({ content: [{ type: 'text', text: value }] });
export const userText = (value) => ({ role: 'user', content: { type: 'text', text: value } });

export const tool = (description, run, properties = {}, schema = undefined) => ({
	description, run,
	inputSchema: schema ?? { type: 'object', properties, required: Object.keys(properties) },
});
export const prompt = (description, args, run) => ({
	description, run, arguments: args.map((name) => ({ name, description: `the ${name}`, required: true })),
});
export const listTools = (tools) =>
	Object.entries(tools).map(([name, { description, inputSchema }]) => ({ name, description, inputSchema }));
export const listPrompts = (prompts) =>
	Object.entries(prompts).map(([name, p]) => ({ name, description: p.description, arguments: p.arguments }));
export const toggle = (table, name, entry) => {
	if (table[name]) delete table[name];
	else table[name] = entry;
};

export const field = (name, type) => ({ type: 'object', properties: { [name]: { type } }, required: [name] });
export const stringField = (...names) => ({
	type: 'object',
	properties: Object.fromEntries(names.map((n) => [n, { type: 'string', description: `the ${n}` }])),
	required: names,
});

const image = { type: 'image', data: PNG, mimeType: 'image/png' };

const schema2020 = {
	$schema: 'https://json-schema.org/draft/2020-12/schema',
	type: 'object',
	$defs: {
		address: {
			$anchor: 'addressDef', type: 'object',
			properties: { street: { type: 'string' }, city: { type: 'string' } },
		},
	},
	properties: {
		name: { type: 'string' },
		address: { $ref: '#/$defs/address' },
		contactMethod: { type: 'string', enum: ['phone', 'email'] },
		phone: { type: 'string' },
		email: { type: 'string' },
	},
	allOf: [{ anyOf: [{ required: ['phone'] }, { required: ['email'] }] }],
	if: { properties: { contactMethod: { const: 'phone' } }, required: ['contactMethod'] },
	then: { required: ['phone'] },
	else: { required: ['email'] },
	additionalProperties: false,
};

export const plainTools = {
	test_simple_text: tool('Answers with text', async () => text('This is a simple text response for testing.')),
	test_image_content: tool('Answers with an image', async () => ({ content: [image] })),
	test_audio_content: tool('Answers with audio', async () => ({
		content: [{ type: 'audio', data: WAV, mimeType: 'audio/wav' }],
	})),
	test_embedded_resource: tool('Answers with a resource', async () => ({
		content: [{
			type: 'resource',
			resource: {
				uri: 'test://embedded-resource', mimeType: 'text/plain',
				text: 'This is an embedded resource content.',
			},
		}],
	})),
	test_multiple_content_types: tool('Answers with several things', async () => ({
		content: [
			{ type: 'text', text: 'Multiple content types test:' }, image,
			{
				type: 'resource',
				resource: {
					uri: 'test://mixed-content-resource', mimeType: 'application/json',
					text: JSON.stringify({ test: 'data', value: 123 }),
				},
			},
		],
	})),
	test_error_handling: tool('Fails', async () => ({
		...text('This tool intentionally returns an error for testing'), isError: true,
	})),
	json_schema_2020_12_tool: tool('Has a schema with many keywords', async () => text('ok'), {}, schema2020),
	test_x_mcp_header: tool('Repeats an argument in a header', async ({ region }) => text(`region: ${region}`), {}, {
		type: 'object', properties: { region: { type: 'string', 'x-mcp-header': 'Region' } },
	}),
};

export const plainPrompts = {
	test_simple_prompt: prompt('A simple prompt', [], () => [userText('This is a simple prompt for testing.')]),
	test_prompt_with_arguments: prompt('A prompt with arguments', ['arg1', 'arg2'], ({ arg1, arg2 }) =>
		[userText(`Prompt with arguments: arg1='${arg1}', arg2='${arg2}'`)]),
	test_prompt_with_embedded_resource: prompt('A prompt with a resource', ['resourceUri'], ({ resourceUri }) => [
		{
			role: 'user',
			content: {
				type: 'resource',
				resource: { uri: resourceUri, mimeType: 'text/plain', text: 'Embedded resource content for testing.' },
			},
		},
		userText('Please process the embedded resource above.'),
	]),
	test_prompt_with_image: prompt('A prompt with an image', [], () => [
		{ role: 'user', content: image }, userText('Please analyze the image above.'),
	]),
};

const named = (uri, name, mimeType) => ({ uri, name, description: `the ${name}`, mimeType });

export const resources = [
	named('test://static-text', 'static text', 'text/plain'),
	named('test://static-binary', 'static binary', 'image/png'),
	named('test://watched-resource', 'watched resource', 'text/plain'),
];
export const templates = [{
	uriTemplate: 'test://template/{id}/data', name: 'template', description: 'data by id', mimeType: 'application/json',
}];

export function readResource(uri) {
	const id = /^test:\/\/template\/([^/]+)\/data$/.exec(uri)?.[1];
	if (id)
		return [{
			uri, mimeType: 'application/json',
			text: JSON.stringify({ id, templateTest: true, data: `Data for ID: ${id}` }),
		}];
	return {
		'test://static-text': [{ uri, mimeType: 'text/plain', text: 'This is the content of the static text resource.' }],
		'test://static-binary': [{ uri, mimeType: 'image/png', blob: PNG }],
		'test://watched-resource': [{ uri, mimeType: 'text/plain', text: 'Watched resource content' }],
	}[uri];
}

export function complete({ ref, argument }) {
	const values = ref.type === 'ref/prompt' && ref.name === 'test_prompt_with_arguments'
		? ['testValue1', 'testValue2'].filter((v) => v.startsWith(argument.value)) : [];
	return { values, total: values.length, hasMore: false };
}

export const defaultsSchema = {
	type: 'object',
	properties: {
		name: { type: 'string', default: 'John Doe' },
		age: { type: 'integer', default: 30 },
		score: { type: 'number', default: 95.5 },
		status: { type: 'string', enum: ['active', 'inactive', 'pending'], default: 'active' },
		verified: { type: 'boolean', default: true },
	},
};

const titled = (...titles) => titles.map((title, i) => ({ const: `value${i + 1}`, title }));

export const enumsSchema = {
	type: 'object',
	properties: {
		untitledSingle: { type: 'string', enum: ['option1', 'option2', 'option3'] },
		titledSingle: { type: 'string', oneOf: titled('First Option', 'Second Option', 'Third Option') },
		legacyEnum: { type: 'string', enum: ['opt1', 'opt2', 'opt3'], enumNames: ['Option One', 'Option Two', 'Option Three'] },
		untitledMulti: { type: 'array', minItems: 1, maxItems: 3, items: { type: 'string', enum: ['option1', 'option2', 'option3'] } },
		titledMulti: { type: 'array', minItems: 1, maxItems: 3, items: { anyOf: titled('First Choice', 'Second Choice', 'Third Choice') } },
	},
};
