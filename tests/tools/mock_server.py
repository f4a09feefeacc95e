"""A stand-in for Chancery that speaks just enough of the outward contract to test our test tools with, and can carry a planted bug.

Not a server for anyone: it checks next to nothing. `selftest.py` starts it with one of the BUGS below and expects that
`kill_loop.py` or `race.py` finds exactly that; and with none, that they find nothing. It keeps its state in an SQLite file, so
that it survives being killed, and two processes of it can share one state.

    MOCK_BUG=… python3 mock_server.py apply FILE --config CONFIG
    MOCK_BUG=… python3 mock_server.py serve --config CONFIG --json

With the Python package joserfc at hand it signs its ID tokens, and other people's client libraries can be tried on it too.
"""

import base64
import hashlib
import html
import http.server
import json
import os
import re
import secrets
import signal
import sqlite3
import ssl
import sys
import threading
import time
import urllib.parse

try:
    from joserfc import jwk, jwt
except ImportError:
    jwt = None

BUGS = {
    "code-read-then-write": "a code is read, then marked as used: two at once both win",
    "answer-before-commit": "tokens are answered before they are written: a kill loses them",
    "revocation-in-memory": "revocations are kept in memory: a kill forgets them",
    "sign-out-in-memory": "sign-outs are kept in memory: a kill forgets them",
    "two-successors": "a repeated refresh gets a second successor that lives beside the first",
    "grace-for-grandparent": "any older refresh token is answered, not only the direct predecessor",
    "no-grace": "the direct predecessor is refused although its successor is unused: an unanswered refresh loses the session",
    "key-in-memory": "the signing key is made anew at each start",
}
BUG = os.environ.get("MOCK_BUG", "")
GRACE = 10


def database_file():
    """Where the state is. A PostgreSQL URL stands for a file of its name beside us, so that scripts need not tell us apart."""
    url = os.environ["CHANCERY_DATABASE__URL"]
    return url.rpartition("/")[2] + ".db" if url.startswith("postgres") else url.removeprefix("sqlite://")


class State:
    """One table of JSON values, read and written under a transaction that excludes all others."""

    def __init__(self, file):
        self.file, self.local, self.later = file, threading.local(), []
        with self.transaction() as rows:
            rows.execute("CREATE TABLE IF NOT EXISTS state (kind TEXT, id TEXT, value TEXT, PRIMARY KEY (kind, id))")

    def transaction(self):
        if not hasattr(self.local, "db"):
            self.local.db = sqlite3.connect(self.file, timeout=30, isolation_level=None)
            self.local.db.execute("PRAGMA journal_mode = WAL")
            self.local.db.execute("PRAGMA synchronous = FULL")
        return Transaction(self.local.db)

    def read(self, kind, key):
        with self.transaction() as rows:
            return get(rows, kind, key)

    def write(self, kind, key, value):
        with self.transaction() as rows:
            put(rows, kind, key, value)


class Transaction:
    def __init__(self, db):
        self.db = db

    def __enter__(self):
        self.db.execute("BEGIN IMMEDIATE")
        return self.db

    def __exit__(self, kind, *_):
        self.db.execute("ROLLBACK" if kind else "COMMIT")


def get(rows, kind, key):
    row = rows.execute("SELECT value FROM state WHERE kind = ? AND id = ?", (kind, key)).fetchone()
    return json.loads(row[0]) if row else None


def put(rows, kind, key, value):
    rows.execute("INSERT OR REPLACE INTO state VALUES (?, ?, ?)", (kind, key, json.dumps(value)))


class Refused(Exception):
    def __init__(self, code, status=400):
        super().__init__(code)
        self.code, self.status = code, status


class Mock:
    """What the endpoints share: state, the key, and what is wrongly kept in memory."""

    def __init__(self):
        self.public = os.environ["CHANCERY_SERVER__PUBLIC_URL"].rstrip("/")
        self.state = State(database_file())
        self.memory = {}
        stored = self.state.read("key", "signing")
        if stored is None or BUG == "key-in-memory":
            stored = {"kid": secrets.token_hex(4), "kty": "EC", "crv": "P-256", "x": "AA", "y": "AA", "alg": "ES256", "use": "sig"}
            if jwt:
                stored = {**jwk.ECKey.generate_key("P-256").as_dict(private=True), "kid": stored["kid"], "alg": "ES256", "use": "sig"}
            self.state.write("key", "signing", stored)
        self.key = stored

    def tenant(self, slug):
        return self.state.read("tenant", slug)

    def issuer(self, slug):
        return f"{self.public}/t/{slug}"

    def sign(self, claims, kind="JWT"):
        if jwt is None:
            return "e30." + base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode() + ".AA"
        return jwt.encode({"alg": "ES256", "kid": self.key["kid"], "typ": kind}, claims, jwk.ECKey.import_key(self.key))


def token_of(family, generation):
    return f"{family}.{generation}." + hashlib.sha256(f"{family}{generation}mock".encode()).hexdigest()[:24]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    mock = None

    def log_message(self, *_):
        pass

    # ---- plumbing --------------------------------------------------------------------------------------------------------

    def do_GET(self):
        self.route({})

    def do_OPTIONS(self):
        self.answer(204, "", {"Access-Control-Allow-Methods": "*", "Access-Control-Allow-Headers": "*, authorization"})

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        if "json" in self.headers.get("Content-Type", ""):
            self.route(json.loads(body))
        else:
            self.route(dict(urllib.parse.parse_qsl(body, keep_blank_values=True)))

    def route(self, form):
        parts = urllib.parse.urlsplit(self.path)
        self.query = dict(urllib.parse.parse_qsl(parts.query, keep_blank_values=True))
        pieces = parts.path.strip("/").split("/")
        if pieces[0] == ".well-known" and len(pieces) == 4:
            pieces = [*pieces[2:], ".well-known", "openid-configuration"]
        self.slug = pieces[1] if len(pieces) > 2 and pieces[0] == "t" else ""
        self.tenant = self.mock.tenant(self.slug)
        if self.tenant is None:
            return self.answer(404, "no such tenant")
        name = {".well-known": "metadata"}.get(pieces[2], pieces[2])
        method = getattr(self, "at_" + name, None)
        if method is None:
            return self.answer(404, "nothing here")
        try:
            method(form, pieces[3:])
        except Refused as refused:
            self.json({"error": refused.code}, refused.status)

    def answer(self, status, body, headers=None, kind="text/html; charset=utf-8"):
        data = body.encode()
        self.send_response(status)
        for name, value in (headers or {}).items():
            for one in value if isinstance(value, list) else [value]:
                self.send_header(name, one)
        self.send_header("Content-Type", kind)
        self.send_header("Access-Control-Allow-Origin", "*")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def json(self, value, status=200):
        self.answer(status, json.dumps(value), {"Cache-Control": "no-store"}, "application/json")

    def page(self, title, inner, status=200, form_action=""):
        policy = f"default-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self' {form_action}".strip()
        arabic = self.headers.get("Accept-Language", "").startswith("ar") or self.query.get("ui_locales") == "ar"
        self.answer(status, f"<!doctype html><html lang=\"{'ar' if arabic else 'en'}\" dir=\"{'rtl' if arabic else 'ltr'}\"><head>"
                    f"<meta name=\"viewport\" content=\"width=device-width\"><title>{title} – Mock</title></head><body><header><p>Mock</p></header>"
                    f"<main><h1>{title}</h1>{inner}</main><footer><p>Mock</p></footer></body></html>", {
            "Content-Security-Policy": policy, "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
            "Strict-Transport-Security": "max-age=31536000"})

    def sign_in_page(self, here, origin, name="", status=200):
        alert = '<p role="alert">Wrong.</p>' if name else ""
        self.page("Sign in", f"""{alert}<form method="post" action="{here}"><label for="u">Name</label><input id="u" name="username"
            value="{html.escape(name)}" autocomplete="username webauthn"><label for="p">Password</label><input id="p" type="password"
            name="password" autocomplete="current-password"><button id="login">Sign in</button></form>""", status, origin)

    def redirect(self, location, headers=None):
        self.answer(303, "", {"Location": location, **(headers or {})})

    def session(self):
        for piece in self.headers.get("Cookie", "").split(";"):
            name, _, value = piece.strip().partition("=")
            if name == "session":
                ended = self.mock.state.read("ended", value) or self.mock.memory.get(("ended", value))
                return None if ended else (value, self.mock.state.read("session", value))
        return None

    def client(self, form):
        """Whoever calls; a secret is compared, an assertion is believed."""
        given = self.headers.get("Authorization", "")
        client_id, secret = form.get("client_id"), form.get("client_secret")
        if given.startswith("Basic "):
            client_id, secret = [urllib.parse.unquote_plus(p) for p in base64.b64decode(given[6:]).decode().split(":", 1)]
        if "client_assertion" in form:
            client_id = json.loads(base64.urlsafe_b64decode(form["client_assertion"].split(".")[1] + "=="))["iss"]
        known = next((c for c in self.tenant["clients"] if c["client_id"] == client_id), None) or self.mock.state.read("client", client_id or "")
        if known is None or (known.get("client_secret") and known["client_secret"] != secret):
            raise Refused("invalid_client", 401)
        return known

    # ---- endpoints -------------------------------------------------------------------------------------------------------

    def at_metadata(self, _form, _rest):
        iss = self.mock.issuer(self.slug)
        self.json({
            "issuer": iss, **{f"{n}_endpoint": f"{iss}/{p}" for n, p in {
                "authorization": "authorize", "token": "token", "userinfo": "userinfo", "introspection": "introspect",
                "revocation": "revoke", "end_session": "end_session", "registration": "register",
                "pushed_authorization_request": "par"}.items()},
            "jwks_uri": f"{iss}/jwks", "response_types_supported": ["code"], "response_modes_supported": ["query", "fragment", "form_post"],
            "subject_types_supported": ["public"], "id_token_signing_alg_values_supported": ["ES256"],
            "authorization_response_iss_parameter_supported": True, "code_challenge_methods_supported": ["S256"],
            "scopes_supported": ["openid", "profile", "email", "offline_access"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "private_key_jwt", "none"],
            "token_endpoint_auth_signing_alg_values_supported": ["ES256"],
            "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials"]})

    def at_jwks(self, _form, _rest):
        self.json({"keys": [{k: v for k, v in self.mock.key.items() if k != "d"}]})

    def at_par(self, form, _rest):
        self.client(form)
        handle = "urn:ietf:params:oauth:request_uri:" + secrets.token_urlsafe(16)
        self.mock.state.write("par", handle, form)
        self.json({"request_uri": handle, "expires_in": 60}, 201)

    def at_authorize(self, form, _rest):
        asked = form or self.query
        asked = self.mock.state.read("par", asked.get("request_uri", "")) or asked
        client = next((c for c in self.tenant["clients"] if c["client_id"] == asked.get("client_id")), None) or self.mock.state.read("client", asked.get("client_id", ""))
        anywhere = re.sub(r"^(http://127\.0\.0\.1):\d+", r"\1", asked.get("redirect_uri", ""))  # RFC 8252 §7.3
        if client is None or not {asked.get("redirect_uri"), anywhere} & set(client["redirect_uris"]):
            return self.page("Wrong link", "<p>Go back to the application.</p>", 400)
        session = self.session()
        fresh = asked.get("prompt") == "login" or asked.get("max_age") == "0"
        if session and not fresh and (client.get("first_party") or asked.get("prompt") == "none" or self.mock.state.read("consent", client["client_id"] + session[0])):
            return self.give(asked, session)
        if asked.get("prompt") == "none":
            return self.give(asked, None, "login_required")
        handle = secrets.token_urlsafe(12)
        self.mock.state.write("interaction", handle, {"asked": asked, "step": "consent" if session and not fresh else "login"})
        self.redirect(f"/t/{self.slug}/interaction/{handle}" + (f"?ui_locales={asked['ui_locales']}" if "ui_locales" in asked else ""))

    def at_interaction(self, form, rest):
        waiting = self.mock.state.read("interaction", rest[0]) if rest else None
        if waiting is None:
            return self.page("Start again", "<p>Go back to the application.</p>", 400)
        asked = waiting["asked"]
        origin = "{0.scheme}://{0.netloc}".format(urllib.parse.urlsplit(asked["redirect_uri"]))
        here = html.escape(f"/t/{self.slug}/interaction/{rest[0]}")
        if self.command == "GET" and waiting["step"] == "login":
            return self.sign_in_page(here, origin)
        if self.command == "GET":
            return self.page("Allow?", f"""<form method="post" action="{here}"><button id="allow" name="answer" value="allow">Allow</button>
                <button id="deny" name="answer" value="deny">Deny</button></form>""", form_action=origin)
        cookie = {}
        if waiting["step"] == "login":
            user = next((u for u in self.tenant["users"] if u["username"] == form.get("username")), None)
            if user is None or user["password"] != form.get("password"):
                return self.sign_in_page(here, origin, form.get("username", ""), 422)
            handle = secrets.token_urlsafe(16)
            session = (handle, {"sub": user["username"], "at": int(time.time()), "person": {k: user[k] for k in ("email", "email_verified", "name") if k in user}})
            self.mock.state.write("session", *session)
            cookie = {"Set-Cookie": f"session={handle}; Path=/t/{self.slug}; HttpOnly; SameSite=Lax; Secure"}
            client = next((c for c in self.tenant["clients"] if c["client_id"] == asked["client_id"]), {})
            if not client.get("first_party"):
                self.mock.state.write("interaction", rest[0], {**waiting, "step": "consent"})
                return self.redirect(here, cookie)
        else:
            session = self.session()
            if form.get("answer") != "allow":
                return self.give(asked, None, "access_denied")
            self.mock.state.write("consent", asked["client_id"] + session[0], True)
        self.give(asked, session, headers=cookie)

    def give(self, asked, session, error=None, headers=None):
        answer = {"iss": self.mock.issuer(self.slug), **({"state": asked["state"]} if "state" in asked else {})}
        if error:
            answer["error"] = error
        else:
            answer["code"] = secrets.token_urlsafe(24)
            self.mock.state.write("code", answer["code"], {"used": False, "asked": asked, "session": session[1], "until": time.time() + 60})
        mode, uri = asked.get("response_mode", "query"), asked["redirect_uri"]
        if mode == "form_post":
            fields = "".join(f'<input type="hidden" name="{k}" value="{html.escape(v)}">' for k, v in answer.items())
            return self.page("Back", f'<form method="post" action="{html.escape(uri)}">{fields}<button>Continue</button></form>', form_action=uri)
        joint = "#" if mode == "fragment" else "&" if "?" in uri else "?"
        self.redirect(uri + joint + urllib.parse.urlencode(answer), headers)

    def at_token(self, form, _rest):
        client = self.client(form)
        if form.get("grant_type") == "client_credentials":
            now = int(time.time())
            token = self.mock.sign({"iss": self.mock.issuer(self.slug), "sub": client["client_id"], "client_id": client["client_id"],
                                    "aud": form.get("resource", self.mock.issuer(self.slug)), "iat": now, "exp": now + 300, "jti": secrets.token_hex(8)}, "at+jwt")
            self.mock.state.write("access", token, {"sub": client["client_id"], "client_id": client["client_id"]})
            return self.json({"access_token": token, "token_type": "Bearer", "expires_in": 300})
        if form.get("grant_type") == "authorization_code":
            return self.redeem(client, form)
        if form.get("grant_type") == "refresh_token":
            return self.refresh(client, form)
        raise Refused("unsupported_grant_type")

    def redeem(self, client, form):
        key = form.get("code", "")
        if BUG == "code-read-then-write":
            code = self.mock.state.read("code", key)
            time.sleep(0.02)
        with self.mock.state.transaction() as rows:
            code = code if BUG == "code-read-then-write" else get(rows, "code", key)
            if code is None or code["until"] < time.time() or code["asked"]["client_id"] != client["client_id"]:
                raise Refused("invalid_grant")
            verifier = base64.urlsafe_b64encode(hashlib.sha256(form.get("code_verifier", "").encode()).digest()).rstrip(b"=").decode()
            if code["asked"].get("code_challenge", verifier) != verifier or form.get("redirect_uri") != code["asked"]["redirect_uri"]:
                raise Refused("invalid_grant")
            replayed = code["used"]
            family = {"id": secrets.token_urlsafe(12), "generation": 0, "at": 0, "dead": False, "client": client["client_id"],
                      "session": code["session"], "nonce": code["asked"].get("nonce"), "scope": code["asked"].get("scope", "openid")}
            if replayed:
                rows.execute("UPDATE state SET value = json_set(value, '$.dead', json('true')) WHERE kind = 'family' AND id = ?", (code["used"],))
            elif BUG != "answer-before-commit":
                put(rows, "code", key, {**code, "used": family["id"]})
                put(rows, "family", family["id"], family)
        if replayed:
            raise Refused("invalid_grant")
        self.tokens(family)
        if BUG == "answer-before-commit":
            self.wfile.flush()
            time.sleep(0.05)
            self.mock.state.write("code", key, {**code, "used": family["id"]})
            self.mock.state.write("family", family["id"], family)

    def refresh(self, client, form):
        grace = self.tenant.get("settings", {}).get("refresh_token_grace_seconds", GRACE)
        with self.mock.state.transaction() as rows:
            family_id, _, rest = form.get("refresh_token", "").partition(".")
            family = get(rows, "family", family_id)
            if family is None or not rest or family["client"] != client["client_id"]:
                raise Refused("invalid_grant")
            generation = int(rest.partition(".")[0])
            extra = family.get("extra", [])
            if form["refresh_token"] != token_of(family_id, generation) or family["dead"] or self.revoked(family_id):
                raise Refused("invalid_grant")
            if not set(form.get("scope", "").split()) <= set(family["scope"].split()):
                raise Refused("invalid_scope")
            behind = family["generation"] - generation
            if behind == 0:
                family |= {"generation": generation + 1, "at": time.time()}
            elif BUG == "two-successors" and generation not in extra and behind == 1:
                other = {**family, "id": secrets.token_urlsafe(12), "generation": 0, "at": 0}
                put(rows, "family", other["id"], other)
                family = other
            elif BUG == "grace-for-grandparent" or (behind == 1 and BUG != "no-grace" and time.time() - family["at"] < grace):
                pass  # the same successor once more
            else:
                family["dead"] = True
            put(rows, "family", family["id"], family)
        if family["dead"]:
            raise Refused("invalid_grant")
        self.tokens(family, form.get("scope"))

    def tokens(self, family, scope=None):
        now, iss = int(time.time()), self.mock.issuer(self.slug)
        claims = {"iss": iss, "sub": family["session"]["sub"], "aud": family["client"], "iat": now, "exp": now + 300, "auth_time": family["session"]["at"]}
        access = self.mock.sign({**claims, "aud": iss, "client_id": family["client"], "scope": scope or family["scope"], "jti": secrets.token_hex(8)},
                                "at+jwt")
        if family["nonce"]:
            claims["nonce"] = family["nonce"]
        if BUG != "answer-before-commit":
            self.mock.state.write("access", access, {**family["session"], "client_id": family["client"]})
        self.json({"access_token": access, "token_type": "Bearer", "expires_in": 300, "scope": scope or family["scope"], "id_token": self.mock.sign(claims),
                   "refresh_token": token_of(family["id"], family["generation"])})

    def revoked(self, family_id):
        return self.mock.memory.get(("revoked", family_id), False)

    def at_revoke(self, form, _rest):
        self.client(form)
        token = form.get("token", "")
        with self.mock.state.transaction() as rows:
            rows.execute("DELETE FROM state WHERE kind = 'access' AND id = ?", (token,))
            family = get(rows, "family", token.partition(".")[0])
            if family and BUG == "revocation-in-memory":
                self.mock.memory["revoked", family["id"]] = True
            elif family:
                put(rows, "family", family["id"], {**family, "dead": True})
        self.json({})

    def at_introspect(self, form, _rest):
        self.client(form)
        token = form.get("token", "")
        if access := self.mock.state.read("access", token):
            return self.json({"active": True, **access})
        family = self.mock.state.read("family", token.partition(".")[0])
        live = family and not family["dead"] and not self.revoked(family["id"]) and token == token_of(family["id"], family["generation"])
        self.json({"active": True, "sub": family["session"]["sub"], "client_id": family["client"]} if live else {"active": False})

    def at_userinfo(self, _form, _rest):
        access = self.mock.state.read("access", self.headers.get("Authorization", "").removeprefix("Bearer "))
        if access is None:
            return self.answer(401, "{}", {"WWW-Authenticate": 'Bearer error="invalid_token"'}, "application/json")
        self.json({"sub": access["sub"], **access["person"]})

    def at_register(self, form, _rest):
        client = {**form, "client_id": secrets.token_hex(8), "token_endpoint_auth_method": form.get("token_endpoint_auth_method", "client_secret_basic")}
        if client["token_endpoint_auth_method"] != "none":
            client |= {"client_secret": secrets.token_urlsafe(24), "client_secret_expires_at": 0}
        self.mock.state.write("client", client["client_id"], client)
        self.json(client, 201)

    def at_end_session(self, form, _rest):
        asked = {**self.query, **form}
        session = self.session()
        if session and "confirmed" not in asked:
            fields = "".join(f'<input type="hidden" name="{k}" value="{html.escape(v)}">' for k, v in asked.items())
            origin = "{0.scheme}://{0.netloc}".format(urllib.parse.urlsplit(asked.get("post_logout_redirect_uri", "")))
            return self.page("Sign out?", f"""<form method="post" action="/t/{self.slug}/end_session">{fields}
                <button id="logout-confirm" name="confirmed" value="yes">Sign out</button></form>""", form_action=origin if origin != "://" else "")
        if session and BUG == "sign-out-in-memory":
            self.mock.memory["ended", session[0]] = True
        elif session:
            self.mock.state.write("ended", session[0], True)
        if (to := asked.get("post_logout_redirect_uri")) and any(to in c.get("post_logout_redirect_uris", []) for c in self.tenant["clients"]):
            return self.redirect(to + (("&" if "?" in to else "?") + urllib.parse.urlencode({"state": asked["state"]}) if "state" in asked else ""))
        self.page("Signed out", "<p>You are signed out.</p>")


class Listener(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, *_):
        kind = sys.exc_info()[0]
        if kind and not issubclass(kind, (ConnectionError, ssl.SSLError)):
            super().handle_error(*_)


def main():
    if "apply" in sys.argv:
        document = json.load(open(sys.argv[sys.argv.index("apply") + 1]))
        state = State(database_file())
        for tenant in document["tenants"]:
            state.write("tenant", tenant["slug"], tenant)
        return
    Handler.mock = Mock()
    host, _, port = os.environ["CHANCERY_SERVER__LISTEN"].rpartition(":")
    listener = Listener((host, int(port)), Handler)
    if "CHANCERY_TLS__CERT" in os.environ:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(os.environ["CHANCERY_TLS__CERT"], os.environ["CHANCERY_TLS__KEY"])
        listener.socket = context.wrap_socket(listener.socket, server_side=True, do_handshake_on_connect=False)
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=listener.shutdown).start())
    print(json.dumps({"event": "listening", "listen": f"{host}:{port}", "public_url": Handler.mock.public}), flush=True)
    listener.serve_forever()


if __name__ == "__main__":
    main()
