// SPDX-License-Identifier: ISC
// A real authorization server for tests/integration/test_login.py: oidc-provider, with clients that register
// themselves, PKCE, resource indicators, refresh tokens and access tokens that are JWTs.
//
//	node issuer.mjs
//
// It tells its URL on stdout and ends with its stdin. Whoever comes with a login_hint is logged in as that
// user and consents: what a browser and a person would do at its pages. The user "once" is given no refresh
// token.

import http from 'node:http';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { Provider } from 'oidc-provider';

const SCOPES = ['tools', 'extra'];
const key = { ...generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' }),
	kid: 'first', use: 'sig', alg: 'RS256' };

const configuration = {
	jwks: { keys: [key] },
	cookies: { keys: [randomBytes(32).toString('hex')] },
	scopes: ['openid', 'offline_access', ...SCOPES],
	pkce: { required: () => true },
	findAccount: (_ctx, sub) => ({ accountId: sub, claims: () => ({ sub }) }),
	interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
	issueRefreshToken: (_ctx, _client, code) => code.accountId !== 'once',
	// A client registers with the scopes it knows of then, and may ask for others later.
	extraClientMetadata: {
		properties: ['scope'],
		validator: (_ctx, _key, _value, metadata) => { delete metadata.scope; },
	},
	ttl: { AccessToken: 600, AuthorizationCode: 60, Grant: 3600, Interaction: 60, RefreshToken: 3600,
		Session: 3600, IdToken: 600 },
	features: {
		devInteractions: { enabled: false },
		registration: { enabled: true },
		revocation: { enabled: true },
		resourceIndicators: {
			enabled: true,
			useGrantedResource: () => true,
			getResourceServerInfo: (_ctx, resource) => ({
				scope: SCOPES.join(' '), audience: resource,
				accessTokenFormat: 'jwt', jwt: { sign: { alg: 'RS256' } },
			}),
		},
	},
};

async function grant(provider, { params, session }) {
	const made = new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
	made.addOIDCScope(['openid', 'offline_access', ...SCOPES].join(' '));
	for (const resource of [params.resource ?? []].flat())
		made.addResourceScope(resource, params.scope);
	return made.save();
}

async function interact(provider, req, res) {
	const details = await provider.interactionDetails(req, res);
	const result = details.prompt.name === 'login'
		? { login: { accountId: details.params.login_hint } }
		: { consent: { grantId: await grant(provider, details) } };
	await provider.interactionFinished(req, res, result, { mergeWithLastSubmission: true });
}

const server = http.createServer();
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
const url = `http://127.0.0.1:${server.address().port}`;
const provider = new Provider(url, configuration);
const answer = provider.callback();
server.on('request', (req, res) => {
	if (!req.url.startsWith('/interaction/'))
		return answer(req, res);
	interact(provider, req, res).catch((e) => {
		res.statusCode = 500;
		res.end(String(e.stack));
	});
});
for (const event of ['server_error', 'grant.error', 'authorization.error', 'registration_create.error'])
	provider.on(event, (_ctx, e) => console.error(event, e.error, e.error_description, e.stack));
process.stdin.resume().on('end', () => process.exit(0));
process.stdout.write(url + '\n');
