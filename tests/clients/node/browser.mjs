// Headless Chromium: oidc-client-ts 3 in a single-page application signs in through our pages, with and without JavaScript on them;
// and a tour of our pages for axe-core, Content-Security-Policy, small screens, right-to-left and screenshots.
// FACTS names the file of run.py; SHOTS a directory for screenshots (optional); CHROMIUM the browser (default /usr/bin/chromium).

import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import http from "node:http";
import { chromium } from "playwright-core";
import { Suite, facts } from "./suite.mjs";

const suite = new Suite(process.env.SUITE ?? "browser");
const here = (file) => new URL(file, import.meta.url);
const SPA = `http://127.0.0.1:${facts.spa_port}`;
const SCOPE = "openid profile email offline_access";
const BUDGET = 30 * 1024; // bytes that a sign-in page may transfer (UX §2)
const WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
const { alice, bob } = facts.people;

// ---- the application ---------------------------------------------------------------------------------------------------------

const [spa_redirect] = facts.clients.spa.redirect_uris;
const files = {
  "/oidc-client-ts.js": ["text/javascript", readFileSync(here("node_modules/oidc-client-ts/dist/browser/oidc-client-ts.min.js"))],
  "/app.js": ["text/javascript", readFileSync(here("spa/app.js"))],
  "/settings.json": ["application/json", JSON.stringify({
    authority: facts.issuer,
    client_id: "spa",
    redirect_uri: spa_redirect,
    post_logout_redirect_uri: facts.clients.spa.post_logout_redirect_uris[0],
    scope: SCOPE,
  })],
};
const index = ["text/html; charset=utf-8", readFileSync(here("spa/index.html"))];
const application = http.createServer((request, answer) => {
  const path = new URL(request.url, SPA).pathname;
  if (path === "/favicon.ico") return answer.writeHead(204).end();
  const [type, body] = files[path] ?? index;
  return answer.writeHead(200, { "content-type": type, "cache-control": "no-store" }).end(body);
});
await new Promise((resolve) => application.listen(facts.spa_port, "127.0.0.1", resolve));

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});

// ---- watching ----------------------------------------------------------------------------------------------------------------

/** What no page of ours may do, whoever looks: collected over all contexts, judged at the end. */
const complaints = { csp: [], errors: [], elsewhere: [] };
const ours = [new URL(facts.issuer).origin, SPA];

/** A context with everything that goes wrong in it written down. */
async function context(options = {}) {
  const made = await browser.newContext({ ignoreHTTPSErrors: true, viewport: { width: 1280, height: 900 }, locale: "en", ...options });
  made.setDefaultTimeout(15_000);
  if (options.javaScriptEnabled !== false) {
    await made.exposeBinding("tellViolation", (_, told) => complaints.csp.push(told));
    await made.addInitScript(() => {
      document.addEventListener("securitypolicyviolation", (event) => {
        window.tellViolation(`${event.effectiveDirective} blocked ${event.blockedURI} on ${location.pathname}`);
      });
    });
  }
  made.on("page", (page) => {
    page.on("console", (message) => {
      const text = message.text();
      if (/content security policy|csp/i.test(text)) complaints.csp.push(text);
      // A 4xx page is told as a failed resource: that is what error pages and refused forms are.
      else if (message.type() === "error" && !/status of 4\d\d/.test(text)) complaints.errors.push(`${page.url().split("?")[0]}: ${text}`);
    });
    page.on("pageerror", (error) => complaints.errors.push(`${page.url().split("?")[0]}: ${error}`));
    page.on("request", (request) => {
      const url = request.url();
      if (/^https?:/.test(url) && !ours.includes(new URL(url).origin)) complaints.elsewhere.push(url.split("?")[0]);
    });
  });
  return made;
}

// ---- a person ------------------------------------------------------------------------------------------------------------------

const field = (page, token) => page.locator(`input[autocomplete~="${token}"]:not([readonly]):visible`);

/** Fills in whatever our pages ask for, until the browser is back at the application. */
async function signIn(page, { person = alice, press = (button) => button.click(), consent = "allow" } = {}) {
  for (let step = 0; step < 6; step += 1) {
    await page.waitForLoadState("load");
    if (page.url().startsWith(SPA)) return;
    const [name, secret] = [field(page, "username"), field(page, "current-password")];
    const answer = page.locator(`#${consent}`);
    if ((await name.count()) || (await secret.count())) {
      if (await name.count()) await name.fill(person.username);
      if (await secret.count()) await secret.fill(person.password);
      const button = page.locator("#login");
      await onward(page, () => press(button));
    } else if (await answer.count()) {
      await onward(page, () => press(answer));
    } else {
      throw new Error(`nothing to do on ${page.url().split("?")[0]}: ${(await page.locator("body").innerText()).slice(0, 300)}`);
    }
  }
  throw new Error(`still not back, at ${page.url().split("?")[0]}`);
}

/** Does something that leaves the page, and waits until the next one is there. */
async function onward(page, act) {
  await Promise.all([page.waitForEvent("framenavigated", (frame) => frame === page.mainFrame()), act()]);
  await page.waitForLoadState("load");
}

const state = (page, wanted) => page.waitForFunction((w) => document.body.dataset.state === w || document.body.dataset.state === "error", wanted)
  .then(async () => assert.equal(await page.locator("body").getAttribute("data-state"), wanted, await page.locator("#who").innerText()));

/** Opens the application and goes to our first page. */
async function fromApplication(page, extra = {}) {
  await page.goto(SPA);
  await page.waitForFunction(() => document.body.dataset.state !== "loading");
  await page.evaluate((value) => { window.extra = value; }, extra);
  await onward(page, () => page.click("#sign-in"));
}

/** The URL of a fresh authorization request of the application, without going there. */
const requestUrl = (page, extra = {}) => page.evaluate(async (value) => {
  const metadata = await window.manager.metadataService.getMetadata();
  const { url } = await window.manager._client.createSigninRequest(value);
  return metadata && url;
}, { ...extra });

// ---- oidc-client-ts ----------------------------------------------------------------------------------------------------------------

const desk = await context();
const page = await desk.newPage();

await suite.check("oidc-client-ts: sign in through our pages", async () => {
  await fromApplication(page);
  await signIn(page);
  await state(page, "in");
  assert.equal(await page.locator("#who").innerText(), alice.email);
});
await suite.check("oidc-client-ts: a reload keeps the session", async () => {
  await page.reload();
  await state(page, "in");
});
await suite.check("oidc-client-ts: silent renewal by refresh token", async () => {
  const [before, after] = await page.evaluate(async () => {
    const before = await window.manager.getUser();
    const after = await window.manager.signinSilent();
    return [before.access_token, after.access_token];
  });
  assert.notEqual(before, after);
});
await suite.check("oidc-client-ts: the renewed session outlives a reload and renews again", async () => {
  await page.reload();
  await state(page, "in");
  assert.ok(await page.evaluate(async () => (await window.manager.signinSilent()).refresh_token));
});
await suite.check("oidc-client-ts: a second sign-in needs no password", async () => {
  await fromApplication(page).catch(() => {});
  await page.waitForURL(`${SPA}/**`);
  await state(page, "in");
});
await suite.check("oidc-client-ts: sign-out, back in the application, and the next sign-in asks again", async () => {
  await onward(page, () => page.click("#sign-out"));
  const confirm = page.locator("#logout-confirm");
  if (await confirm.count()) await onward(page, () => confirm.click());
  await page.waitForURL(`${SPA}/**`);
  await state(page, "out");
  await fromApplication(page);
  assert.ok((await field(page, "current-password").count()) + (await field(page, "username").count()), "it asks who is there");
});
await suite.check("oidc-client-ts: Deny comes back as an error to the application", async () => {
  await fromApplication(page, { prompt: "consent" });
  await signIn(page, { consent: "deny" });
  await page.waitForFunction(() => document.body.dataset.state === "error");
  assert.match(await page.locator("#who").innerText(), /denied/i);
});
await suite.check("keyboard alone: sign in and allow without a pointer", async () => {
  const own = await context();
  const tab = await own.newPage();
  await fromApplication(tab, { prompt: "consent" });
  const reach = async (selector) => {
    for (let presses = 0; presses < 40; presses += 1) {
      if (await tab.evaluate((wanted) => document.activeElement?.matches(wanted) ?? false, selector)) return;
      await tab.keyboard.press("Tab");
    }
    throw new Error(`the Tab key never reaches ${selector}`);
  };
  await reach('input[autocomplete~="username"]');
  await tab.keyboard.type(alice.username);
  await reach('input[autocomplete~="current-password"], #login');
  await tab.keyboard.type(alice.password);
  await onward(tab, () => tab.keyboard.press("Enter"));
  await reach("#allow");
  await onward(tab, () => tab.keyboard.press("Enter"));
  await tab.waitForURL(`${SPA}/**`);
  await state(tab, "in");
  await own.close();
});
await suite.check("two tabs: both sign-ins come to an end, whichever is finished first", async () => {
  const own = await context();
  const [one, two] = [await own.newPage(), await own.newPage()];
  await fromApplication(one);
  await fromApplication(two);
  await signIn(two);
  await state(two, "in");
  await signIn(one);
  await state(one, "in");
  await own.close();
});
await suite.check("back and reload: no resubmission, no dead end", async () => {
  const own = await context();
  const tab = await own.newPage();
  await fromApplication(tab, { prompt: "consent" });
  await field(tab, "username").fill(bob.username);
  if (await field(tab, "current-password").count()) await field(tab, "current-password").fill("certainly not it 44");
  await onward(tab, () => tab.locator("#login").click());
  const again = await tab.reload();
  assert.ok(again.status() < 500, `reload answered ${again.status()}`);
  await tab.goBack().catch(() => {});
  await signIn(tab, { person: bob });
  await state(tab, "in");
  await own.close();
});
await suite.check("without JavaScript: sign-in, consent and sign-out work", async () => {
  const own = await context();
  const tab = await own.newPage();
  await tab.goto(SPA);
  await tab.waitForFunction(() => document.body.dataset.state !== "loading");
  const plain = await context({ javaScriptEnabled: false });
  const bare = await plain.newPage();
  await bare.goto(await requestUrl(tab, { request_type: "si:r", prompt: "consent" }));
  await signIn(bare);
  // Where the browser without scripts ended, the application goes on: it alone needs them.
  await tab.goto(bare.url());
  await state(tab, "in");
  const end = new URL(`${(await tab.evaluate(async () => (await window.manager.metadataService.getEndSessionEndpoint())))}`);
  end.searchParams.set("id_token_hint", await tab.evaluate(async () => (await window.manager.getUser()).id_token));
  end.searchParams.set("post_logout_redirect_uri", facts.clients.spa.post_logout_redirect_uris[0]);
  await bare.goto(end.href);
  const confirm = bare.locator("#logout-confirm");
  if (await confirm.count()) await onward(bare, () => confirm.click());
  await bare.waitForURL(`${SPA}/**`);
  await plain.close();
  await own.close();
});
await suite.where((facts.response_modes ?? ["form_post"]).includes("form_post"), "response_mode=form_post: the browser posts back to the application", async () => {
  for (const javaScriptEnabled of [true, false]) {
    const own = await context({ javaScriptEnabled });
    const tab = await own.newPage();
    await tab.goto(await authorizeUrl({ response_mode: "form_post", prompt: "consent" }));
    let posted;
    tab.on("request", (request) => { if (request.method() === "POST" && request.url().startsWith(SPA)) posted = request.postData(); });
    for (let step = 0; step < 6 && !posted; step += 1) {
      await tab.waitForLoadState("load");
      if (posted) break;
      const [name, secret] = [field(tab, "username"), field(tab, "current-password")];
      if (await secret.count()) {
        if (await name.count()) await name.fill(alice.username);
        await secret.fill(alice.password);
        await tab.locator("#login").click();
      } else if (await tab.locator("#allow").count()) await tab.locator("#allow").click();
      else await tab.locator("form button").first().click({ timeout: 3000 }).catch(() => {});
      await tab.waitForTimeout(500);
    }
    assert.match(posted ?? "", /code=/, `JavaScript ${javaScriptEnabled}: nothing was posted back`);
    await own.close();
  }
});

// ---- a tour of our pages --------------------------------------------------------------------------------------------------------------

/** An authorization request written by hand: the tour does not need the application. */
function authorizeUrl(extra = {}) {
  const url = new URL(`${facts.issuer}/authorize`);
  const verifier = "tour-of-the-pages-0123456789-0123456789-0123456789";
  return crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier)).then((digest) => {
    const code_challenge = Buffer.from(digest).toString("base64url");
    const asked = { response_type: "code", client_id: "spa", redirect_uri: spa_redirect, scope: SCOPE, state: "tour", code_challenge, code_challenge_method: "S256", ...extra };
    for (const [name, value] of Object.entries(asked)) url.searchParams.set(name, value);
    return url.href;
  });
}

const shots = process.env.SHOTS && `${process.env.SHOTS}/${(process.env.SUITE ?? "browser").split(" ")[0]}`;
if (shots) mkdirSync(shots, { recursive: true });
const axe = readFileSync(here("node_modules/axe-core/axe.min.js"), "utf8");

const LOOKS = [
  { name: "light", options: { colorScheme: "light" } },
  { name: "dark", options: { colorScheme: "dark" } },
  { name: "arabic", options: { colorScheme: "light", locale: "ar" }, locale: "ar" },
  { name: "narrow", options: { colorScheme: "light", viewport: { width: 320, height: 640 } }, narrow: true },
];

/** Everything that a page has to hold, whichever it is. */
async function inspect(page, title, look) {
  const name = `${title}, ${look.name}`;
  // First of all: screenshots and axe leave marks of their own on a page.
  await suite.check(`${name}: one h1, a title, landmarks, language and direction`, async () => {
    const seen = await page.evaluate(() => ({
      h1: document.querySelectorAll("h1").length,
      title: document.title,
      lang: document.documentElement.lang,
      dir: getComputedStyle(document.documentElement).direction,
      main: document.querySelectorAll("main").length,
      header: document.querySelectorAll("header").length,
      footer: document.querySelectorAll("footer").length,
      inline: document.querySelectorAll("[style], script:not([src]):not([type='application/json'])").length,
    }));
    assert.equal(seen.h1, 1, "one h1");
    assert.ok(seen.title, "a title");
    assert.ok(seen.main === 1 && seen.header >= 1 && seen.footer >= 1, "header, main, footer");
    assert.equal(seen.lang.split("-")[0], look.locale ?? "en");
    assert.equal(seen.dir, look.locale === "ar" ? "rtl" : "ltr");
    assert.equal(seen.inline, 0, "no inline script, no style attribute");
  });
  if (shots) await page.screenshot({ path: `${shots}/${title.replaceAll(" ", "-")}-${look.name}.png`, fullPage: true });
  await suite.check(`${name}: axe-core finds nothing against WCAG 2.2 A and AA`, async () => {
    await page.evaluate(axe);
    const { violations } = await page.evaluate((tags) => window.axe.run(document, { runOnly: { type: "tag", values: tags } }), WCAG);
    const told = violations.map(({ id, help, nodes }) => `${id} (${help}): ${nodes.slice(0, 3).map(({ html }) => html.slice(0, 160)).join(" | ")}`);
    assert.deepEqual(told, []);
  });
  if (look.narrow) {
    await suite.check(`${name}: reflows at 320 px`, async () => {
      const [wide, seen] = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
      assert.ok(wide <= seen, `the page is ${wide} px wide on ${seen} px`);
    });
  }
}

for (const look of LOOKS) {
  const extra = look.locale ? { ui_locales: look.locale } : {};
  // Scripts of ours (axe) would be refused by the pages' own policy: it is bypassed here, and here alone.
  const own = await browser.newContext({ ignoreHTTPSErrors: true, viewport: { width: 1280, height: 900 }, locale: "en", bypassCSP: true, ...look.options });
  own.setDefaultTimeout(15_000);
  const tab = await own.newPage();
  const reached = await suite.check(`tour, ${look.name}: every page is reached`, async () => {
    await tab.goto(await authorizeUrl({ ...extra, prompt: "consent" }));
    await inspect(tab, "sign-in", look);
    await field(tab, "username").fill(bob.username);
    if (await field(tab, "current-password").count()) await field(tab, "current-password").fill("certainly not it 45");
    await onward(tab, () => tab.locator("#login").click());
    await inspect(tab, "sign-in refused", look);
    for (let step = 0; step < 3 && !(await tab.locator("#allow").count()); step += 1) {
      if (await field(tab, "username").count()) await field(tab, "username").fill(bob.username);
      await field(tab, "current-password").fill(bob.password);
      await onward(tab, () => tab.locator("#login").click());
    }
    await inspect(tab, "consent", look);
    await tab.goto(await authorizeUrl({ ...extra, redirect_uri: "https://elsewhere.example/cb" }));
    await inspect(tab, "error", look);
    const end = new URL(`${facts.issuer}/end_session`);
    for (const [name, value] of Object.entries(extra)) end.searchParams.set(name, value);
    await tab.goto(end.href);
    await inspect(tab, "sign-out", look);
    const confirm = tab.locator("#logout-confirm");
    if (await confirm.count()) await onward(tab, () => confirm.click());
    await inspect(tab, "signed-out", look);
    return true;
  });
  if (!reached && shots) await tab.screenshot({ path: `${shots}/stuck-${look.name}.png` });
  await own.close();
}

await suite.check("sign-in page: under 30 KB, no script in the way of the first paint", async () => {
  const own = await context();
  const tab = await own.newPage();
  const session = await own.newCDPSession(tab);
  await session.send("Network.enable");
  let bytes = 0;
  session.on("Network.loadingFinished", ({ encodedDataLength }) => { bytes += encodedDataLength; });
  await tab.goto(await authorizeUrl(), { waitUntil: "networkidle" });
  const blocking = await tab.locator("script[src]:not([async]):not([defer]):not([type=module])").count();
  assert.equal(blocking, 0, "scripts that block");
  assert.ok(bytes <= BUDGET, `${bytes} bytes`);
  await own.close();
});
await suite.check("sign-in page: security headers", async () => {
  const own = await context();
  const tab = await own.newPage();
  const answer = await tab.goto(await authorizeUrl());
  const headers = answer.headers();
  const policy = headers["content-security-policy"] ?? "";
  for (const part of ["default-src 'none'", "base-uri 'none'", "frame-ancestors 'none'"]) assert.ok(policy.includes(part), `${part} in ${policy}`);
  assert.ok(!policy.includes("unsafe-inline") && !policy.includes("unsafe-eval"), policy);
  assert.match(headers["cache-control"] ?? "", /no-store/);
  assert.equal(headers["x-content-type-options"], "nosniff");
  assert.ok(headers["referrer-policy"], "Referrer-Policy");
  assert.match(headers["strict-transport-security"] ?? "", /max-age=\d+/);
  await own.close();
});
await suite.check("no Content-Security-Policy violation anywhere, returns to the application included", () => assert.deepEqual([...new Set(complaints.csp)], []));
await suite.check("no script error on any page", () => assert.deepEqual([...new Set(complaints.errors)], []));
await suite.check("no request to anybody else", () => assert.deepEqual([...new Set(complaints.elsewhere)], []));

await browser.close();
application.close();
suite.end();
