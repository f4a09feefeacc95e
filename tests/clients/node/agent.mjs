// A person at a browser without JavaScript: cookies, redirects, forms whose fields are found by their `autocomplete` token alone.
// The same as tests/tools/browser.py, for drivers in JavaScript. Nothing but node's own modules.

import { readFileSync } from "node:fs";
import http from "node:http";
import https from "node:https";

const HOPS = 30; // redirects and pages until one sign-in is called endless
const TIMEOUT = 30_000; // milliseconds for one answer
const LOOPBACK = new Set(["localhost", "127.0.0.1", "[::1]"]);
const ENTITIES = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'", nbsp: "\u00a0" };

/** Text as a browser reads it from an attribute. */
function decode(text) {
  return text.replace(/&(?:#x([0-9a-f]+)|#(\d+)|(\w+));/gi, (whole, hex, decimal, name) => {
    if (hex) return String.fromCodePoint(parseInt(hex, 16));
    if (decimal) return String.fromCodePoint(Number(decimal));
    return ENTITIES[name] ?? whole;
  });
}

/** The start and end tags of a page with their attributes; comments, scripts and styles are left out. */
function* tags(page) {
  const bare = page.replace(/<!--[\s\S]*?-->/g, "").replace(/<(script|style)\b[\s\S]*?<\/\1\s*>/gi, "");
  for (const [, end, name, inside] of bare.matchAll(/<(\/?)([a-z][\w-]*)((?:"[^"]*"|'[^']*'|[^'">])*)>/gi)) {
    const attributes = {};
    for (const [, key, double, single, plain] of inside.matchAll(/([^\s"'>/=]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+)))?/g)) {
      attributes[key.toLowerCase()] ??= decode(double ?? single ?? plain ?? "");
    }
    yield { end: end === "/", name: name.toLowerCase(), attributes };
  }
}

/** The forms of a page: fields and submit buttons, also those that stand outside and name their form. */
export function forms(page) {
  const found = [];
  const byId = new Map();
  let open = null;
  for (const { end, name, attributes: a } of tags(page)) {
    if (name === "form") {
      open = end ? null : { action: a.action ?? "", method: (a.method ?? "get").toLowerCase(), fields: [], buttons: [] };
      if (open) {
        found.push(open);
        if (a.id) byId.set(a.id, open);
      }
      continue;
    }
    const form = "form" in a ? byId.get(a.form) : open;
    if (end || !form || "disabled" in a) continue;
    const kind = (a.type ?? (name === "button" ? "submit" : "text")).toLowerCase();
    if (kind === "submit" && (name === "button" || name === "input")) {
      form.buttons.push({ id: a.id ?? "", name: a.name ?? "", value: a.value ?? "", action: a.formaction ?? "" });
    } else if (["input", "select", "textarea"].includes(name) && !["button", "reset", "image"].includes(kind)) {
      const box = kind === "checkbox" || kind === "radio";
      if (box && !("checked" in a)) continue;
      form.fields.push({
        name: a.name ?? "",
        value: a.value ?? (box ? "on" : ""),
        tokens: (a.autocomplete ?? "").toLowerCase().split(/\s+/),
        typed: kind !== "hidden" && !("readonly" in a),
      });
    }
  }
  return found;
}

const asking = (form, token) => form.fields.find((field) => field.typed && field.tokens.includes(token));
const buttonOf = (form, ids) => ids.map((id) => form.buttons.find((button) => button.id === id)).find(Boolean);
const isAt = (url, until) => until !== undefined && url.split(/[?#]/)[0] === until.split("?")[0];

/** One person's browser. */
export class Agent {
  #cookies = new Map();
  #secure;
  #plain = new http.Agent({ keepAlive: true });
  /** Every page seen, newest last: for checks of what pages say. */
  seen = [];

  constructor(ca) {
    this.#secure = new https.Agent({ keepAlive: true, ca: readFileSync(ca) });
  }

  /** One request; redirects are not followed here. */
  request(method, url, body, headers = {}) {
    const at = new URL(url);
    const sent = { accept: "text/html,*/*;q=0.5", "accept-language": "en", ...headers };
    const cookie = this.#cookieHeader(at);
    if (cookie) sent.cookie = cookie;
    if (body !== undefined) sent["content-length"] = Buffer.byteLength(body);
    const [module, agent] = at.protocol === "https:" ? [https, this.#secure] : [http, this.#plain];
    return new Promise((resolve, reject) => {
      const request = module.request(at, { method, headers: sent, agent, timeout: TIMEOUT }, (answer) => {
        const pieces = [];
        answer.on("data", (piece) => pieces.push(piece));
        answer.on("error", reject);
        answer.on("end", () => {
          for (const cookie of answer.headers["set-cookie"] ?? []) this.#keep(at, cookie);
          const page = { url, status: answer.statusCode, headers: answer.headers, body: Buffer.concat(pieces).toString("utf8") };
          page.location = answer.headers.location === undefined ? undefined : new URL(answer.headers.location, at).href;
          this.seen.push(page);
          resolve(page);
        });
      });
      request.on("timeout", () => request.destroy(new Error(`no answer from ${at.pathname}`)));
      request.on("error", reject);
      request.end(body);
    });
  }

  get(url) {
    return this.request("GET", url);
  }

  /** Posts a form as a browser does: with the origin of the page it stood on. */
  post(url, pairs, from) {
    const headers = { "content-type": "application/x-www-form-urlencoded", origin: new URL(from).origin };
    return this.request("POST", url, new URLSearchParams(pairs).toString(), headers);
  }

  /**
   * Goes to `url` and does what each page asks, until the answer reaches the client at `until`: its redirect URI. Answers
   * { url, parameters, posted }. Without `until`: until a page asks for nothing any more.
   */
  async walk(url, until, { username, password, consent = true } = {}) {
    let page = await this.get(url);
    const typed = new Set();
    for (let hop = 0; hop < HOPS; hop += 1) {
      if (page.status >= 300 && page.status < 400 && page.location) {
        if (isAt(page.location, until)) return arrival(page.location);
        page = await this.get(page.location);
        continue;
      }
      const carrier = forms(page.body).find((form) => isAt(form.action, until));
      if (carrier) {
        const parameters = Object.fromEntries(carrier.fields.map(({ name, value }) => [name, value]));
        return { url: carrier.action, parameters, posted: true };
      }
      const next = fill(page, typed, username, password, consent);
      if (!next) {
        if (until === undefined && page.status < 400) return { url: page.url, parameters: {}, posted: false };
        throw new Error(`nothing here to go on with: ${brief(page)}`);
      }
      page = await this.submit(page, next);
    }
    throw new Error(`no end after ${HOPS} steps; at ${brief(page)}`);
  }

  /** Sends a form that was found on a page. */
  submit(page, { action, method, pairs }) {
    const target = new URL(action || page.url, page.url);
    if (method !== "post") {
      target.search = new URLSearchParams(pairs).toString();
      return this.get(target.href);
    }
    return this.post(target.href, pairs, page.url);
  }

  /** Keeps a cookie by host and path (RFC 6265); what a browser would drop is an error here. */
  #keep(at, header) {
    const [pair, ...rest] = header.split(";").map((piece) => piece.trim());
    const cut = pair.indexOf("=");
    const [name, value] = [pair.slice(0, cut), pair.slice(cut + 1)];
    const attributes = Object.fromEntries(rest.map((piece) => [piece.split("=")[0].toLowerCase(), piece.split("=").slice(1).join("=")]));
    const path = attributes.path?.startsWith("/") ? attributes.path : at.pathname.replace(/\/[^/]*$/, "") || "/";
    const secure = "secure" in attributes;
    if (name.startsWith("__Secure-") && !secure) throw new Error(`a browser drops this cookie: ${name} without Secure`);
    if (name.startsWith("__Host-") && (!secure || path !== "/" || "domain" in attributes)) {
      throw new Error(`a browser drops this cookie: ${name} wants Secure, Path=/ and no Domain`);
    }
    const key = JSON.stringify([at.hostname, path, name]);
    const gone = ("max-age" in attributes && Number(attributes["max-age"]) <= 0) || Date.parse(attributes.expires) <= Date.now();
    if (gone) this.#cookies.delete(key);
    else this.#cookies.set(key, { value, secure });
  }

  #cookieHeader(at) {
    const fitting = [];
    for (const [key, { value, secure }] of this.#cookies) {
      const [host, path, name] = JSON.parse(key);
      const below = at.pathname === path || (at.pathname.startsWith(path) && (path.endsWith("/") || at.pathname[path.length] === "/"));
      const allowed = !secure || at.protocol === "https:" || LOOPBACK.has(at.hostname);
      if (host === at.hostname && below && allowed) fitting.push([path.length, `${name}=${value}`]);
    }
    return fitting.sort((a, b) => b[0] - a[0]).map(([, pair]) => pair).join("; ");
  }
}

/** The form this page is about and what a person would send with it; undefined if it asks for nothing. */
export function fill(page, typed, username, password, consent) {
  const all = forms(page.body);
  const form = all.find((one) => asking(one, "current-password")) ?? all.find((one) => asking(one, "username"));
  if (form && username !== undefined) {
    const filled = new Map();
    const [name, secret] = [asking(form, "username"), asking(form, "current-password")];
    if (name) filled.set(name, username);
    if (secret) filled.set(secret, password);
    const asked = [name && "username", secret && "password"].join();
    if (typed.has(asked)) throw new Error(`asked for the same thing twice; at ${brief(page)}`);
    typed.add(asked);
    return sending(form, buttonOf(form, ["login"]), filled);
  }
  for (const one of all) {
    const button = buttonOf(one, [consent ? "allow" : "deny", "logout-confirm"]);
    if (button) return sending(one, button, new Map());
  }
  return undefined;
}

function sending(form, pressed, filled) {
  const button = pressed ?? form.buttons[0];
  const pairs = form.fields.filter(({ name }) => name).map((field) => [field.name, filled.get(field) ?? field.value]);
  if (button?.name) pairs.push([button.name, button.value]);
  return { action: button?.action || form.action, method: form.method, pairs };
}

/** A page in a few words, for a message. */
export function brief(page) {
  return `${page.status} at ${page.url.split("?")[0]}: ${page.body.replace(/<(script|style)[\s\S]*?<\/\1>|<[^>]*>/g, " ").replace(/\s+/g, " ").slice(0, 300)}`;
}

function arrival(url) {
  const at = new URL(url);
  const carried = at.hash.length > 1 ? at.hash.slice(1) : at.search;
  return { url, parameters: Object.fromEntries(new URLSearchParams(carried)), posted: false };
}
