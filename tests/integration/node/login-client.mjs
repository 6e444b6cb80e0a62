// SPDX-License-Identifier: ISC
// The official SDK client as a user who logs in, for tests/integration/test_login.py. It knows nothing but the
// URL of mcpd: where to log in it learns from the metadata.
//
//	node login-client.mjs URL-of-mcpd USER
//
// A line on stdin is a command, a line on stdout tells how it ended: JSON, {"error": TEXT} when it failed.

import readline from 'node:readline';
import { UnauthorizedError } from '@modelcontextprotocol/sdk/client/auth.js';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';

const [url, user] = process.argv.slice(2);
const CALLBACK = 'http://127.0.0.1:1/callback'; // nobody ever goes there

// What a browser does: follows redirects with its cookies until one leads back to the client.
async function browse(start) {
	const cookies = new Map();
	let next = new URL(start);
	for (let n = 0; n < 20; n++) {
		const reply = await fetch(next, { redirect: 'manual',
			headers: { cookie: [...cookies].map(([k, v]) => `${k}=${v}`).join('; ') } });
		for (const line of reply.headers.getSetCookie()) {
			const [, name, value] = line.match(/^([^=]+)=([^;]*)/);
			cookies.set(name, value);
		}
		const location = reply.headers.get('location');
		if (!location)
			throw new Error(`${next.pathname}: ${reply.status} ${await reply.text()}`);
		next = new URL(location, next);
		if (next.href.startsWith(CALLBACK))
			return next.searchParams;
	}
	throw new Error('redirected for ever');
}

// What the client keeps, and how often it had to ask its user.
class Keeps {
	logins = 0;
	refreshed = 0;
	get redirectUrl() { return CALLBACK; }
	get clientMetadata() {
		return { client_name: 'login-client', redirect_uris: [CALLBACK], token_endpoint_auth_method: 'none',
			grant_types: ['authorization_code', 'refresh_token'], response_types: ['code'] };
	}
	clientInformation() { return this.client; }
	saveClientInformation(client) { this.client = client; }
	tokens() { return this.kept; }
	saveTokens(tokens) {
		this.refreshed += this.kept !== undefined && this.asking === undefined;
		this.kept = tokens;
		this.asking = undefined;
	}
	saveCodeVerifier(verifier) { this.verifier = verifier; }
	codeVerifier() { return this.verifier; }
	redirectToAuthorization(to) {
		this.logins++;
		to.searchParams.set('login_hint', user);
		this.asking = browse(to);
	}
}

const keeps = new Keeps();
let client;
let transport;

async function open() {
	client = new Client({ name: 'login-client', version: '1' }, { capabilities: {} });
	transport = new StreamableHTTPClientTransport(new URL(url), { authProvider: keeps });
	await client.connect(transport);
}

async function call(name, args) {
	const result = await client.callTool({ name, arguments: args });
	return result.content.map((c) => c.text ?? '').join('\n');
}

// Does what DO does, and logs in when that is needed; as applications do with the SDK.
async function withLogin(what) {
	try {
		return await what();
	} catch (e) {
		if (!(e instanceof UnauthorizedError) || !keeps.asking)
			throw e;
		const answer = await keeps.asking;
		if (!answer.get('code'))
			throw new Error(`no code: ${answer}`);
		await transport.finishAuth(answer.get('code'));
		return what();
	}
}

const state = () => ({ session: transport?.sessionId, logins: keeps.logins, refreshed: keeps.refreshed,
	token: keeps.kept?.access_token, refreshToken: keeps.kept?.refresh_token, scope: keeps.kept?.scope });

const commands = {
	connect: () => withLogin(open),
	// The connection is gone, and with it the session; what the client knows of its user is not.
	async lose() {
		await transport.terminateSession();
		await client.close();
	},
	call: async (name, args) => ({ text: await withLogin(() => call(name, args)) }),
	// A token that mcpd does not know (any more): the client has to refresh it.
	spoil() {
		keeps.kept = { ...keeps.kept, access_token: keeps.kept.access_token.slice(0, -8) + 'AAAAAAAA' };
	},
	state: () => {},
};

for await (const line of readline.createInterface({ input: process.stdin })) {
	let answer;
	try {
		const [name, ...args] = JSON.parse(line);
		answer = { ...await commands[name](...args), ...state() };
	} catch (e) {
		answer = { error: e.stack ?? String(e) };
	}
	process.stdout.write(JSON.stringify(answer) + '\n');
}
process.exit(0);
