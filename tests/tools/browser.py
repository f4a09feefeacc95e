"""A person at a browser without JavaScript: cookies, redirects, forms whose fields are found by their `autocomplete` token alone.

Standard library only. It knows no names of fields and no wording of pages; of buttons it knows the ids that the pages promise.
"""

import html.parser
import http.client
import ssl
import urllib.parse
from dataclasses import dataclass, field

HOPS = 30  # redirects and pages until one sign-in is called endless
TIMEOUT = 30.0  # seconds for one answer
LOOPBACK = {"localhost", "127.0.0.1", "[::1]", "::1"}


class Stuck(Exception):
    """A page on which this person does not know what to do, or an answer a browser would refuse."""

    def __init__(self, why, page=None):
        super().__init__(why)
        self.page = page


@dataclass
class Field:
    name: str
    value: str
    kind: str
    tokens: frozenset
    fixed: bool


@dataclass
class Button:
    id: str
    name: str
    value: str
    action: str


@dataclass
class Form:
    action: str
    method: str
    fields: list = field(default_factory=list)
    buttons: list = field(default_factory=list)

    def asking(self, token):
        """The field with this autocomplete token that waits for typing."""
        return next((f for f in self.fields if token in f.tokens and not f.fixed and f.kind != "hidden"), None)

    def button(self, *ids):
        """The first of these buttons that is there."""
        return next((b for i in ids for b in self.buttons if b.id == i), None)


class Forms(html.parser.HTMLParser):
    """Reads the forms of a page, buttons outside of their form included."""

    def __init__(self, page):
        super().__init__(convert_charrefs=True)
        self.forms, self.named, self.open = [], {}, None
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attributes):
        a = {name: value or "" for name, value in attributes}
        if tag == "form":
            self.open = Form(a.get("action", ""), a.get("method", "get").lower())
            self.forms.append(self.open)
            self.named[a.get("id")] = self.open
            return
        form = self.named.get(a["form"]) if "form" in a else self.open
        if form is None or "disabled" in a:
            return
        kind = a.get("type", "submit" if tag == "button" else "text").lower()
        if tag == "button" or (tag == "input" and kind in ("submit", "image")):
            if kind == "submit":
                form.buttons.append(Button(a.get("id", ""), a.get("name", ""), a.get("value", ""), a.get("formaction", "")))
        elif tag in ("input", "select", "textarea") and kind not in ("button", "reset"):
            if kind not in ("checkbox", "radio") or "checked" in a:
                value = a.get("value", "on" if kind in ("checkbox", "radio") else "")
                tokens = frozenset(a.get("autocomplete", "").lower().split())
                form.fields.append(Field(a.get("name", ""), value, kind, tokens, "readonly" in a))

    def handle_endtag(self, tag):
        if tag == "form":
            self.open = None


@dataclass
class Page:
    url: str
    status: int
    headers: http.client.HTTPMessage
    body: str

    @property
    def location(self):
        """Where a redirect leads, made absolute."""
        target = self.headers.get("Location")
        return urllib.parse.urljoin(self.url, target) if target is not None else None

    def forms(self):
        return Forms(self.body).forms

    def brief(self):
        """The page in a few words, for a message."""
        return f"{self.status} at {self.url.split('?')[0]}: {' '.join(self.body.split())[:400]!r}"


@dataclass
class Arrival:
    """The answer that came back to the client: its redirect URI as reached, and the parameters, however they were carried."""

    url: str
    parameters: dict
    posted: bool = False


class Browser:
    """One person's browser. `ca` is the authority to trust; `route` sends an origin's connections elsewhere (a replica)."""

    def __init__(self, ca=None, route=None):
        self.route = route or {}
        self.cookies = {}
        self.connections = {}
        self.context = ssl.create_default_context(cafile=str(ca)) if ca else None

    # ---- requests --------------------------------------------------------------------------------------------------------

    def request(self, method, url, body=None, headers=None):
        """One request and its answer; redirects are not followed here."""
        parts = urllib.parse.urlsplit(url)
        sent = {"Host": parts.netloc, "Accept": "text/html,*/*;q=0.5", "Accept-Language": "en", **(headers or {})}
        if cookie := self._cookie_header(parts):
            sent["Cookie"] = cookie
        target = urllib.parse.urlunsplit(("", "", parts.path or "/", parts.query, ""))
        kept = (parts.scheme, parts.netloc) in self.connections
        connection = self._connection(parts)
        try:
            connection.request(method, target, body, sent)
            answer = connection.getresponse()
            text = answer.read().decode("utf-8", "replace")
        except (OSError, http.client.HTTPException):
            self._forget(parts)
            if kept and method == "GET":  # the server may close a kept connection at any time
                return self.request(method, url, body, headers)
            raise
        if answer.will_close:
            self._forget(parts)
        for cookie in answer.headers.get_all("Set-Cookie") or []:
            self._keep(parts, cookie)
        return Page(url, answer.status, answer.headers, text)

    def get(self, url):
        return self.request("GET", url)

    def post(self, url, form, origin):
        """Posts a form as a browser does: with the origin of the page it stood on."""
        return self.request("POST", url, urllib.parse.urlencode(form), {"Content-Type": "application/x-www-form-urlencoded", "Origin": origin})

    def close(self):
        for connection in self.connections.values():
            connection.close()
        self.connections.clear()

    def _connection(self, parts):
        key = (parts.scheme, parts.netloc)
        if key not in self.connections:
            host, port = self.route.get(parts.netloc, (parts.hostname, parts.port))
            if parts.scheme == "https":
                self.connections[key] = http.client.HTTPSConnection(host, port, timeout=TIMEOUT, context=self.context)
            else:
                self.connections[key] = http.client.HTTPConnection(host, port, timeout=TIMEOUT)
        return self.connections[key]

    def _forget(self, parts):
        if connection := self.connections.pop((parts.scheme, parts.netloc), None):
            connection.close()

    # ---- cookies (RFC 6265: by host and path; a port does not separate) ------------------------------------------------------

    def _keep(self, parts, header):
        pair, *rest = [piece.strip() for piece in header.split(";")]
        name, _, value = pair.partition("=")
        attributes = {k.strip().lower(): v.strip() for k, _, v in (piece.partition("=") for piece in rest)}
        path = attributes.get("path", "")
        if not path.startswith("/"):
            path = parts.path.rsplit("/", 1)[0] or "/"
        secure = "secure" in attributes
        if secure and parts.scheme != "https" and parts.hostname not in LOOPBACK:
            return
        # RFC 6265bis: a browser drops cookies whose name promises more than their attributes keep.
        if name.startswith("__Secure-") and not secure:
            raise Stuck(f"a browser drops this cookie: {name} without Secure")
        if name.startswith("__Host-") and (not secure or path != "/" or "domain" in attributes):
            raise Stuck(f"a browser drops this cookie: {name} wants Secure, Path=/ and no Domain")
        key = (parts.hostname, path, name)
        if attributes.get("max-age", "1").lstrip("-").isdigit() and int(attributes.get("max-age", "1")) <= 0:
            self.cookies.pop(key, None)
        elif value == "" and "expires" in attributes:
            self.cookies.pop(key, None)
        else:
            self.cookies[key] = (value, secure)

    def _cookie_header(self, parts):
        asked = parts.path or "/"
        fitting = []
        for (host, path, name), (value, secure) in self.cookies.items():
            below = asked == path or (asked.startswith(path) and (path.endswith("/") or asked[len(path)] == "/"))
            if host == parts.hostname and below and (not secure or parts.scheme == "https" or parts.hostname in LOOPBACK):
                fitting.append((len(path), f"{name}={value}"))
        return "; ".join(pair for _, pair in sorted(fitting, key=lambda pair: -pair[0]))

    # ---- walking ---------------------------------------------------------------------------------------------------------

    def walk(self, url, until, username=None, password=None, consent=True):
        """Goes to `url` and does what each page asks, until the answer reaches the client at `until` (a redirect URI).

        Without `until`: until a page asks for nothing any more.
        """
        page = self.get(url)
        typed = set()
        for _ in range(HOPS):
            if 300 <= page.status < 400 and page.location:
                if self._is_at(page.location, until):
                    return self._arrival(page.location)
                page = self.get(page.location)
                continue
            if carrier := next((f for f in page.forms() if self._is_at(f.action, until)), None):  # response_mode=form_post
                return Arrival(carrier.action, {f.name: f.value for f in carrier.fields}, posted=True)
            filled = self._fill(page, typed, username, password, consent)
            if filled is None and until is None and page.status < 400:
                return Arrival(page.url, {})
            if filled is None:
                raise Stuck(f"nothing here to go on with: {page.brief()}", page)
            form, sent = filled
            action = urllib.parse.urljoin(page.url, form.action or page.url)
            if form.method != "post":
                page = self.get(action.split("?")[0] + "?" + urllib.parse.urlencode(sent))
                continue
            here = urllib.parse.urlsplit(page.url)
            page = self.post(action, sent, f"{here.scheme}://{here.netloc}")
        raise Stuck(f"no end after {HOPS} steps; at {page.brief()}")

    def _fill(self, page, typed, username, password, consent):
        """The form this page is about, and what a person would send with it; None if it asks for nothing."""
        forms = page.forms()
        secret_form = next((f for f in forms if f.asking("current-password")), None)
        name_form = next((f for f in forms if f.asking("username")), None)
        if username is not None and (form := secret_form or name_form):
            filled = {}
            for token, text in (("username", username), ("current-password", password)):
                if wanted := form.asking(token):
                    filled[wanted.name] = text
            if frozenset(filled) in typed:
                raise Stuck(f"asked for the same thing twice; at {page.brief()}")
            typed.add(frozenset(filled))
            return form, self._values(form, form.button("login"), filled)
        wish = ("allow",) if consent else ("deny",)
        for form in forms:
            if button := form.button(*wish, "logout-confirm"):
                return form, self._values(form, button, {})
        return None

    @staticmethod
    def _values(form, button, filled):
        if button is None and form.buttons:
            button = form.buttons[0]
        values = [(f.name, filled.get(f.name, f.value)) for f in form.fields if f.name]
        if button and button.name:
            values.append((button.name, button.value))
        if button and button.action:
            form.action = button.action
        return values

    @staticmethod
    def _is_at(url, until):
        return until is not None and url.split("?")[0].split("#")[0] == until.split("?")[0]

    @staticmethod
    def _arrival(url):
        parts = urllib.parse.urlsplit(url)
        carried = parts.fragment or parts.query
        return Arrival(url, dict(urllib.parse.parse_qsl(carried, keep_blank_values=True)))
