"""What the fault tests share: the tenant they work in, and the calls of a client to its authorization server."""

import base64
import hashlib
import http.client
import json
import secrets
import urllib.parse

SECRET = "a-secret-of-the-fault-tests-0123456789"
REDIRECT_URI = "https://app.example/callback"
PASSWORD = "correct horse battery staple 7"
SCOPE = "openid offline_access"
TIMEOUT = 20.0  # seconds for one answer


class Lost(Exception):
    """The connection ended before an answer came: whether the request counted, nobody here knows."""


def tenant(slug, users, settings=None):
    """A tenant with one confidential client of its own and some people, in the shape of `apply`."""
    return {
        "slug": slug, "name": slug.capitalize(), "settings": settings or {},
        "clients": [{
            "client_id": "app", "client_secret": SECRET, "client_name": "App", "first_party": True,
            "redirect_uris": [REDIRECT_URI], "post_logout_redirect_uris": [REDIRECT_URI],
            "grant_types": ["authorization_code", "refresh_token"], "response_types": ["code"],
            "token_endpoint_auth_method": "client_secret_basic", "scope": SCOPE,
        }],
        "users": [{"username": f"user{n}", "email": f"user{n}@faults.example", "email_verified": True, "name": f"User {n}",
                   "password": PASSWORD} for n in range(users)],
    }


def short(text):
    """A token as the ledger names it: enough to follow, useless to steal."""
    return hashlib.sha256(text.encode()).hexdigest()[:10]


def challenge(verifier):
    """The S256 code challenge of RFC 7636 §4.2."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


class Code:
    """An authorization code that reached the client, and what redeeming it needs."""

    def __init__(self, value, verifier):
        self.value, self.verifier = value, verifier

    def form(self):
        return {"grant_type": "authorization_code", "code": self.value, "redirect_uri": REDIRECT_URI, "code_verifier": self.verifier}


def authorize(browser, endpoints, username=None, prompt=None):
    """Takes a browser through the authorization endpoint. Answers a Code, or the error that came back."""
    verifier, state = secrets.token_urlsafe(32), secrets.token_urlsafe(8)
    asked = {"response_type": "code", "client_id": "app", "redirect_uri": REDIRECT_URI, "scope": SCOPE, "state": state,
             "code_challenge": challenge(verifier), "code_challenge_method": "S256", "nonce": secrets.token_urlsafe(8)}
    if prompt:
        asked["prompt"] = prompt
    arrival = browser.walk(f"{endpoints['authorization_endpoint']}?{urllib.parse.urlencode(asked)}", REDIRECT_URI, username, PASSWORD)
    if arrival.parameters.get("state") != state:
        raise AssertionError(f"state came back changed: {arrival.parameters}")
    return Code(arrival.parameters["code"], verifier) if "code" in arrival.parameters else arrival.parameters.get("error")


class Caller:
    """A client on one kept connection to one replica, authenticated with its secret."""

    def __init__(self, host, port, authority):
        self.host, self.port = host, port
        self.headers = {
            "Host": authority, "Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded",
            "Authorization": "Basic " + base64.b64encode(f"app:{SECRET}".encode()).decode(),
        }
        self.connection = None
        self.received = {}  # the headers of the last answer

    def post(self, url, form):
        """Posts a form; answers (status, parsed body). Raises Lost if no answer came."""
        try:
            return self._send("POST", url, urllib.parse.urlencode(form))
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise Lost(f"{type(error).__name__}: {error}") from error

    def get(self, url):
        """Gets a JSON document."""
        status, body = self._send("GET", url, None)
        if status != 200:
            raise RuntimeError(f"{url} answered {status}")
        return body

    def raw(self, url, form):
        """The bytes of one request, for whoever wants to send them at a moment of choice."""
        body = urllib.parse.urlencode(form).encode()
        head = [f"POST {urllib.parse.urlsplit(url).path} HTTP/1.1", *(f"{k}: {v}" for k, v in self.headers.items()), f"Content-Length: {len(body)}"]
        return "\r\n".join(head).encode() + b"\r\n\r\n" + body

    def close(self):
        if self.connection:
            self.connection.close()
            self.connection = None

    def _send(self, method, url, body):
        parts = urllib.parse.urlsplit(url)
        if self.connection is None:
            self.connection = http.client.HTTPConnection(self.host, self.port, timeout=TIMEOUT)
        self.connection.request(method, parts.path + ("?" + parts.query if parts.query else ""), body, self.headers)
        answer = self.connection.getresponse()
        text, self.received = answer.read(), answer.headers
        if answer.will_close:
            self.close()
        try:
            return answer.status, json.loads(text) if text else {}
        except ValueError:
            return answer.status, {"body": text[:200].decode("utf-8", "replace")}
