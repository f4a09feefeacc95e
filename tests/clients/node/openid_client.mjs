// openid-client 6 against a running Chancery: every flow it knows and the server advertises. FACTS names the file of run.py.

import assert from "node:assert/strict";
import * as jose from "jose";
import * as oidc from "openid-client";
import { Agent, brief, fill } from "./agent.mjs";
import { Suite, facts } from "./suite.mjs";

const suite = new Suite(process.env.SUITE ?? "openid-client");
const issuer = new URL(facts.issuer);
const { alice, bob } = facts.people;
const SCOPE = "openid profile email offline_access";

/** A configuration of the library for one of our clients. */
async function configure(name, how) {
  const known = facts.clients[name];
  const chosen = how ?? known.token_endpoint_auth_method;
  const authentication = {
    none: () => oidc.None(),
    client_secret_basic: () => oidc.ClientSecretBasic(known.client_secret),
    client_secret_post: () => oidc.ClientSecretPost(known.client_secret),
    private_key_jwt: () => oidc.PrivateKeyJwt({ key: signingKey, kid: facts.signing_key.kid }),
  }[chosen]();
  return oidc.discovery(issuer, known.client_id, undefined, authentication);
}

const signingKey = await jose.importJWK(facts.signing_key, "ES256");

/** An authorization request with everything a careful client sends, and the checks that belong to it. */
async function request(config, name, extra = {}) {
  const verifier = oidc.randomPKCECodeVerifier();
  const checks = { pkceCodeVerifier: verifier, expectedState: oidc.randomState(), expectedNonce: oidc.randomNonce(), idTokenExpected: true };
  const parameters = {
    redirect_uri: facts.clients[name].redirect_uris[0],
    scope: SCOPE,
    state: checks.expectedState,
    nonce: checks.expectedNonce,
    code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
    ...extra,
  };
  return { parameters, checks, until: parameters.redirect_uri };
}

/** The whole code flow in the given browser; answers the tokens and what came back. */
async function codeFlow(config, name, { agent = new Agent(facts.ca), person = alice, extra, options } = {}) {
  const { parameters, checks, until } = await request(config, name, extra);
  const arrived = await agent.walk(oidc.buildAuthorizationUrl(config, parameters).href, until, person);
  if (extra?.max_age !== undefined) checks.maxAge = Number(extra.max_age);
  const tokens = await oidc.authorizationCodeGrant(config, back(arrived), checks, undefined, options);
  return { tokens, claims: tokens.claims(), arrived, checks, agent };
}

/** The answer as the library wants to be handed it: a URL, or for form_post the request that the client would receive. */
function back({ url, parameters, posted }) {
  if (posted) {
    const headers = { "content-type": "application/x-www-form-urlencoded" };
    return new Request(url, { method: "POST", headers, body: new URLSearchParams(parameters) });
  }
  const at = new URL(url);
  if (at.hash) {
    at.search = at.hash.slice(1);
    at.hash = "";
  }
  return at;
}

/** The error that came back to the client instead of a code. */
async function errorOf(config, name, extra, how = {}) {
  const { parameters, checks, until } = await request(config, name, extra);
  const agent = how.agent ?? new Agent(facts.ca);
  const { parameters: answer } = await agent.walk(oidc.buildAuthorizationUrl(config, parameters).href, until, { ...alice, ...how });
  assert.equal(answer.state, checks.expectedState, "state comes back with errors");
  assert.equal(answer.iss, facts.issuer, "iss comes back with errors (RFC 9207 §2)");
  assert.equal(answer.code, undefined, "no code beside an error");
  return answer.error;
}

/** Runs something that the token endpoint has to refuse; answers the error code. */
async function refused(run) {
  try {
    await run();
  } catch (error) {
    return error.error ?? error.cause?.error ?? `${error}`;
  }
  throw new Error("it was not refused");
}

// ---- metadata ------------------------------------------------------------------------------------------------------------

const spa = await suite.check("discovery, suffix form", () => configure("spa"));
if (!spa) suite.end();
const metadata = spa.serverMetadata();

await suite.check("discovery, path-inserted form of RFC 8414", async () => {
  const config = await oidc.discovery(issuer, "spa", undefined, oidc.None(), { algorithm: "oauth2" });
  assert.equal(config.serverMetadata().issuer, facts.issuer);
});
await suite.check("metadata says what a client needs to know", () => {
  assert.equal(metadata.issuer, facts.issuer);
  assert.ok(metadata.supportsPKCE(), "S256 is advertised");
  assert.equal(metadata.authorization_response_iss_parameter_supported, true);
  assert.ok(metadata.response_types_supported.includes("code"));
  for (const endpoint of ["authorization", "token", "userinfo", "introspection", "revocation", "end_session"]) {
    assert.ok(metadata[`${endpoint}_endpoint`]?.startsWith(`${facts.issuer}/`), `${endpoint}_endpoint`);
  }
});
await suite.check("keys are public, with kid and alg", async () => {
  const { keys } = await (await fetch(metadata.jwks_uri)).json();
  assert.ok(keys.length > 0);
  for (const key of keys) {
    assert.ok(key.kid && key.alg, "kid and alg");
    assert.equal(key.d, undefined, "no private part");
  }
});

// ---- the code flow of a public client --------------------------------------------------------------------------------------

const first = await suite.check("spa: code with PKCE, state, nonce, iss, through sign-in and consent", async () => {
  const flow = await codeFlow(spa, "spa");
  assert.equal(flow.arrived.parameters.iss, facts.issuer);
  assert.equal(flow.claims.nonce, flow.checks.expectedNonce);
  assert.equal([flow.claims.aud].flat().join(), "spa");
  assert.ok(flow.tokens.refresh_token, "offline_access brings a refresh token");
  assert.ok(flow.tokens.expires_in > 0);
  return flow;
});
await suite.check("spa: the ID token's signature verifies against jwks_uri", async () => {
  const keys = jose.createRemoteJWKSet(new URL(metadata.jwks_uri));
  await jose.jwtVerify(first.tokens.id_token, keys, { issuer: facts.issuer, audience: "spa" });
});
await suite.check("spa: the access token is an at+jwt for this issuer (RFC 9068)", async () => {
  const keys = jose.createRemoteJWKSet(new URL(metadata.jwks_uri));
  const { payload } = await jose.jwtVerify(first.tokens.access_token, keys, { issuer: facts.issuer, typ: "at+jwt" });
  assert.equal(payload.client_id, "spa");
  assert.equal(payload.sub, first.claims.sub);
  for (const claim of ["aud", "exp", "iat", "jti", "scope"]) assert.ok(payload[claim] !== undefined, `${claim} is there`);
});
await suite.check("spa: userinfo, with the subject of the ID token", async () => {
  const info = await oidc.fetchUserInfo(spa, first.tokens.access_token, first.claims.sub);
  assert.equal(info.email, alice.email);
  assert.equal(info.email_verified, true);
  assert.equal(info.name, alice.name);
});
const rotated = await suite.check("spa: refresh rotates and keeps the subject", async () => {
  const tokens = await oidc.refreshTokenGrant(spa, first.tokens.refresh_token);
  assert.ok(tokens.refresh_token && tokens.refresh_token !== first.tokens.refresh_token, "a public client's refresh token rotates");
  if (tokens.id_token) assert.equal(tokens.claims().sub, first.claims.sub);
  await oidc.fetchUserInfo(spa, tokens.access_token, first.claims.sub);
  return tokens;
});
await suite.check("spa: the scope may be narrowed on refresh, not widened", async () => {
  const narrow = await oidc.refreshTokenGrant(spa, rotated.refresh_token, { scope: "openid" });
  assert.equal(narrow.scope, "openid");
  rotated.refresh_token = narrow.refresh_token ?? rotated.refresh_token;
  assert.equal(await refused(() => oidc.refreshTokenGrant(spa, rotated.refresh_token, { scope: `${SCOPE} phone` })), "invalid_scope");
});
await suite.check("spa: revocation ends the refresh token", async () => {
  await oidc.tokenRevocation(spa, rotated.refresh_token, { token_type_hint: "refresh_token" });
  assert.equal(await refused(() => oidc.refreshTokenGrant(spa, rotated.refresh_token)), "invalid_grant");
});
await suite.check("spa: revoking what nobody knows answers 200 (RFC 7009 §2.2)", () => oidc.tokenRevocation(spa, "never-issued"));
await suite.check("spa: a code is good for one time; its second use ends what it gave", async () => {
  const flow = await codeFlow(spa, "spa");
  const again = () => oidc.authorizationCodeGrant(spa, back(flow.arrived), flow.checks);
  assert.equal(await refused(again), "invalid_grant");
  assert.equal(await refused(() => oidc.refreshTokenGrant(spa, flow.tokens.refresh_token)), "invalid_grant");
});
await suite.check("spa: a wrong code_verifier is refused", async () => {
  const { parameters, checks, until } = await request(spa, "spa");
  const arrived = await first.agent.walk(oidc.buildAuthorizationUrl(spa, parameters).href, until, alice);
  const wrong = { ...checks, pkceCodeVerifier: oidc.randomPKCECodeVerifier() };
  assert.equal(await refused(() => oidc.authorizationCodeGrant(spa, back(arrived), wrong)), "invalid_grant");
});

// ---- people ----------------------------------------------------------------------------------------------------------------

await suite.check("a wrong password: 422, the name stays, the password does not, then the right one goes through", async () => {
  const agent = new Agent(facts.ca);
  const { parameters, until } = await request(spa, "spa");
  let page = await agent.get(oidc.buildAuthorizationUrl(spa, parameters).href);
  while (page.location) page = await agent.get(page.location);
  const wrong = { username: bob.username, password: "certainly not it 42" };
  const typed = new Set();
  for (let step = 0; step < 3 && page.status !== 422; step += 1) {
    const next = fill(page, typed, wrong.username, wrong.password, true);
    assert.ok(next, brief(page));
    page = await agent.submit(page, next);
    while (page.location) page = await agent.get(page.location);
  }
  assert.equal(page.status, 422, brief(page));
  assert.ok(page.body.includes(bob.username), "the name stays");
  assert.ok(!page.body.includes(wrong.password), "the password does not");
  assert.match(page.headers["cache-control"] ?? "", /no-store/);
  const next = fill(page, new Set(), bob.username, bob.password, true);
  page = await agent.submit(page, next);
  for (let hop = 0; hop < 5 && !page.location?.startsWith(until); hop += 1) {
    const onward = page.location ? undefined : fill(page, new Set(), bob.username, bob.password, true);
    page = page.location ? await agent.get(page.location) : await agent.submit(page, onward);
  }
  assert.ok(new URL(page.location).searchParams.get("code"), "a code in the end");
});
await suite.check("an unknown name looks like a wrong password", async () => {
  const pages = [];
  for (const username of [bob.username, "nobody-of-that-name"]) {
    const agent = new Agent(facts.ca);
    const { parameters } = await request(spa, "spa");
    let page = await agent.get(oidc.buildAuthorizationUrl(spa, parameters).href);
    while (page.location) page = await agent.get(page.location);
    const typed = new Set();
    for (let step = 0; step < 3 && page.status !== 422; step += 1) {
      page = await agent.submit(page, fill(page, typed, username, "certainly not it 43", true));
      while (page.location) page = await agent.get(page.location);
    }
    pages.push({ status: page.status, text: page.body.replaceAll(username, "NAME").replace(/<[^>]*>/g, " ").replace(/\s+/g, " ") });
  }
  assert.deepEqual(pages[0], pages[1]);
});
await suite.check("Deny comes back as access_denied, with state and iss", async () => {
  assert.equal(await errorOf(spa, "spa", { prompt: "consent" }, { consent: false }), "access_denied");
});
await suite.check("prompt=none without a session is login_required", async () => {
  assert.equal(await errorOf(spa, "spa", { prompt: "none" }), "login_required");
});
await suite.check("a session signs in to the next client without a password", async () => {
  const web = await configure("web");
  const flow = await codeFlow(web, "web", { agent: first.agent, person: {}, extra: { prompt: "none" } });
  assert.equal(flow.claims.sub, first.claims.sub);
});
await suite.check("prompt=login asks again, and auth_time is new", async () => {
  await new Promise((resolve) => setTimeout(resolve, 1100));
  const flow = await codeFlow(spa, "spa", { agent: first.agent, extra: { prompt: "login", max_age: "3600" } });
  assert.ok(flow.claims.auth_time >= first.claims.iat, `auth_time ${flow.claims.auth_time}, first sign-in ${first.claims.iat}`);
});
await suite.check("max_age=0 asks again; the library checks auth_time", async () => {
  await new Promise((resolve) => setTimeout(resolve, 1100));
  const before = Math.floor(Date.now() / 1000);
  const flow = await codeFlow(spa, "spa", { agent: first.agent, extra: { max_age: "0" } });
  assert.ok(flow.claims.auth_time >= before - 1);
});
await suite.check("ui_locales=ar: the page is Arabic and runs right to left", async () => {
  const agent = new Agent(facts.ca);
  const { parameters } = await request(spa, "spa", { ui_locales: "ar" });
  let page = await agent.get(oidc.buildAuthorizationUrl(spa, parameters).href);
  while (page.location) page = await agent.get(page.location);
  assert.match(page.body, /<html[^>]*lang="ar"/);
  assert.match(page.body, /<html[^>]*dir="rtl"/);
});
await suite.check("an unregistered redirect_uri is told to the person, never followed", async () => {
  const agent = new Agent(facts.ca);
  const { parameters } = await request(spa, "spa", { redirect_uri: "https://elsewhere.example/cb" });
  let page = await agent.get(oidc.buildAuthorizationUrl(spa, parameters).href);
  while (page.location) {
    assert.ok(page.location.startsWith(issuer.origin), `led to ${page.location}`);
    page = await agent.get(page.location);
  }
  assert.ok(page.status >= 400 && page.status < 500, `status ${page.status}`);
});

// ---- how answers come back, how requests go ----------------------------------------------------------------------------------

const modes = metadata.response_modes_supported ?? [];
await suite.where(modes.includes("form_post"), "web: response_mode=form_post", async () => {
  const flow = await codeFlow(await configure("web"), "web", { extra: { response_mode: "form_post" } });
  assert.ok(flow.arrived.posted, "the answer came in a form");
});
await suite.where(modes.includes("fragment"), "spa: response_mode=fragment", async () => {
  const flow = await codeFlow(spa, "spa", { extra: { response_mode: "fragment" } });
  assert.ok(new URL(flow.arrived.url).hash, "the answer came in the fragment");
});
await suite.where(modes.includes("jwt"), "web: response_mode=jwt (JARM)", async () => {
  const config = await configure("web");
  oidc.useJwtResponseMode(config);
  const { parameters, checks, until } = await request(config, "web");
  const arrived = await new Agent(facts.ca).walk(oidc.buildAuthorizationUrl(config, parameters).href, until, alice);
  const tokens = await oidc.authorizationCodeGrant(config, new URL(arrived.url), checks);
  assert.equal(tokens.claims().sub, first.claims.sub);
});
await suite.where(metadata.pushed_authorization_request_endpoint, "web: pushed authorization request (RFC 9126)", async () => {
  const config = await configure("web");
  const { parameters, checks, until } = await request(config, "web");
  const url = await oidc.buildAuthorizationUrlWithPAR(config, parameters);
  const arrived = await new Agent(facts.ca).walk(url.href, until, alice);
  const tokens = await oidc.authorizationCodeGrant(config, back(arrived), checks);
  assert.equal(tokens.claims().sub, first.claims.sub);
});
await suite.where(metadata.request_object_signing_alg_values_supported?.includes("ES256"), "signer: request object (RFC 9101)", async () => {
  const config = await configure("signer");
  const { parameters, checks, until } = await request(config, "signer");
  const url = await oidc.buildAuthorizationUrlWithJAR(config, parameters, { key: signingKey, kid: facts.signing_key.kid });
  const arrived = await new Agent(facts.ca).walk(url.href, until, alice);
  await oidc.authorizationCodeGrant(config, back(arrived), checks);
});
await suite.where(metadata.dpop_signing_alg_values_supported?.includes("ES256"), "web: DPoP (RFC 9449), userinfo and refresh too", async () => {
  const config = await configure("web");
  const options = { DPoP: oidc.getDPoPHandle(config, await oidc.randomDPoPKeyPair("ES256")) };
  const flow = await codeFlow(config, "web", { options });
  assert.equal(flow.tokens.token_type, "dpop");
  await oidc.fetchUserInfo(config, flow.tokens.access_token, flow.claims.sub, options);
  const next = await oidc.refreshTokenGrant(config, flow.tokens.refresh_token, undefined, options);
  await oidc.fetchUserInfo(config, next.access_token, flow.claims.sub, options);
});
const device = metadata.device_authorization_endpoint && metadata.registration_endpoint;
await suite.where(device, "device authorization (RFC 8628) of a client that registers itself for it", async () => {
  const asked = { client_name: "Television", token_endpoint_auth_method: "none", grant_types: ["urn:ietf:params:oauth:grant-type:device_code", "refresh_token"], response_types: [] };
  const config = await oidc.dynamicClientRegistration(issuer, asked, oidc.None());
  const started = await oidc.initiateDeviceAuthorization(config, { scope: SCOPE });
  const agent = new Agent(facts.ca);
  const confirmed = agent.walk(started.verification_uri_complete, undefined, alice);
  const [tokens] = await Promise.all([oidc.pollDeviceAuthorizationGrant(config, started), confirmed]);
  assert.ok(tokens.access_token);
});
await suite.check("native: a loopback redirect URI may have any port (RFC 8252 §7.3)", async () => {
  const native = await configure("native");
  const flow = await codeFlow(native, "native", { extra: { redirect_uri: "http://127.0.0.1:49321/callback" } });
  assert.ok(flow.tokens.access_token);
});

// ---- confidential clients ------------------------------------------------------------------------------------------------------

for (const [name, method] of [["web", "client_secret_basic"], ["web-post", "client_secret_post"], ["signer", "private_key_jwt"]]) {
  await suite.check(`${name}: code, refresh, introspection, revocation by ${method}`, async () => {
    const config = await configure(name);
    const { tokens, claims } = await codeFlow(config, name);
    const next = await oidc.refreshTokenGrant(config, tokens.refresh_token);
    const alive = await oidc.tokenIntrospection(config, next.access_token);
    assert.equal(alive.active, true);
    assert.equal(alive.sub, claims.sub);
    assert.equal(alive.client_id, name);
    const refresh = next.refresh_token ?? tokens.refresh_token;
    await oidc.tokenRevocation(config, refresh);
    assert.deepEqual(await oidc.tokenIntrospection(config, refresh), { active: false });
  });
}
await suite.check("web: a wrong secret is invalid_client", async () => {
  const config = await oidc.discovery(issuer, "web", undefined, oidc.ClientSecretBasic("not the secret of this client at all"));
  // RFC 6749 §5.2: with HTTP Basic the answer must carry a challenge, which this library reports instead of the code.
  const error = await oidc.clientCredentialsGrant(config).then(() => undefined, (error) => error);
  assert.equal(error?.status, 401);
  assert.equal(error.cause[0].scheme, "basic");
});
await suite.check("web: another client's refresh token is invalid_grant", async () => {
  const { tokens } = await codeFlow(spa, "spa");
  const web = await configure("web");
  assert.equal(await refused(() => oidc.refreshTokenGrant(web, tokens.refresh_token)), "invalid_grant");
});
for (const [name, resource] of [["machine", undefined], ["machine", facts.resource], ["signer", undefined]]) {
  await suite.check(`${name}: client credentials${resource ? " for a resource (RFC 8707)" : ""}`, async () => {
    const config = await configure(name);
    const tokens = await oidc.clientCredentialsGrant(config, resource ? { resource, scope: "read" } : {});
    const keys = jose.createRemoteJWKSet(new URL(metadata.jwks_uri));
    const { payload } = await jose.jwtVerify(tokens.access_token, keys, { issuer: facts.issuer, typ: "at+jwt" });
    assert.equal(payload.sub, name);
    assert.equal(payload.client_id, name);
    if (resource) assert.ok([payload.aud].flat().includes(resource), `aud is ${payload.aud}`);
    assert.equal(tokens.refresh_token, undefined, "no refresh token here (RFC 6749 §4.4.3)");
    const alive = await oidc.tokenIntrospection(config, tokens.access_token);
    assert.equal(alive.active, true);
    assert.equal(alive.sub, name);
  });
}

// ---- registration and logout -----------------------------------------------------------------------------------------------------

await suite.where(metadata.registration_endpoint, "dynamic client registration, then the code flow", async () => {
  const redirect_uri = "https://dynamic.example/cb";
  const asked = { client_name: "Dynamic", redirect_uris: [redirect_uri], grant_types: ["authorization_code", "refresh_token"], response_types: ["code"] };
  const config = await oidc.dynamicClientRegistration(issuer, asked);
  const { client_id } = config.clientMetadata();
  facts.clients[client_id] = { client_id, redirect_uris: [redirect_uri] };
  const { tokens, claims } = await codeFlow(config, client_id);
  assert.ok(tokens.access_token);
  assert.equal([claims.aud].flat().join(), client_id);
});
await suite.check("RP-initiated logout: back with state, and the session is over", async () => {
  const web = await configure("web");
  const flow = await codeFlow(web, "web");
  const [post_logout_redirect_uri] = facts.clients.web.post_logout_redirect_uris;
  const parameters = { id_token_hint: flow.tokens.id_token, post_logout_redirect_uri, state: "back-again" };
  const arrived = await flow.agent.walk(oidc.buildEndSessionUrl(web, parameters).href, post_logout_redirect_uri);
  assert.equal(arrived.parameters.state, "back-again");
  assert.equal(await errorOf(web, "web", { prompt: "none" }, { agent: flow.agent }), "login_required");
});
await suite.check("logout to an unregistered place stays here", async () => {
  const web = await configure("web");
  const flow = await codeFlow(web, "web");
  const url = oidc.buildEndSessionUrl(web, { id_token_hint: flow.tokens.id_token, post_logout_redirect_uri: "https://elsewhere.example/" });
  let page = await flow.agent.get(url.href);
  for (let hop = 0; hop < 5; hop += 1) {
    if (page.location) assert.ok(page.location.startsWith(issuer.origin), `led to ${page.location}`);
    const next = page.location ? undefined : fill(page, new Set(), undefined, undefined, true);
    if (page.location) page = await flow.agent.get(page.location);
    else if (next) page = await flow.agent.submit(page, next);
  }
});

suite.end();
