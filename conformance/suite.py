"""The conformance suite's HTTP interface, as far as it is needed. Standard library only."""

import base64
import json
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request

TIMEOUT = 60.0  # seconds for one answer
ENDED = ("FINISHED", "INTERRUPTED")


class SuiteError(Exception):
    """The suite refused something."""


class Suite:
    def __init__(self, base):
        self.base = base.rstrip("/")
        # The suite runs beside us, with a certificate it made itself. What is tested never goes through here.
        self.context = ssl._create_unverified_context()

    def _call(self, method, path, body=None, **query):
        address = f"{self.base}/api/{path}"
        if query:
            address += "?" + urllib.parse.urlencode({k: v if isinstance(v, str) else json.dumps(v) for k, v in query.items()})
        data = body.encode() if isinstance(body, str) else json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(address, data, {"Content-Type": "application/json", "Accept": "application/json"}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT, context=self.context) as answer:
                text = answer.read()
        except urllib.error.HTTPError as error:
            raise SuiteError(f"{method} {path}: {error.code} {error.read()[:400].decode(errors='replace')}") from None
        return json.loads(text) if text else None

    def server(self):
        """What the suite says about itself."""
        return self._call("GET", "server")

    def make_plan(self, plan, variant, configuration):
        """A plan: its id and its modules."""
        made = self._call("POST", "plan", configuration, planName=plan, variant=variant)
        return made["id"], made["modules"]

    def make_module(self, plan, module, variant):
        """Starts one module of a plan: the id of the run."""
        return self._call("POST", "runner", test=module, plan=plan, variant=variant or {})["id"]

    def start(self, run):
        """Starts a module that waits for being started."""
        self._call("POST", f"runner/{run}")

    def state(self, run):
        """(status, result) of a run."""
        info = self._call("GET", f"info/{run}")
        return info["status"], info.get("result")

    def queued(self, run):
        """What the browser should visit: pairs of address and method."""
        browser = self._call("GET", f"runner/{run}").get("browser") or {}
        return [(entry["url"], entry.get("method") or "GET") for entry in browser.get("urlsWithMethod", [])]

    def visited(self, run, url):
        self._call("POST", f"runner/browser/{run}/visit", url=url)

    def log(self, run):
        return self._call("GET", f"log/{run}")

    def placeholders(self, run):
        """Pictures that are asked for: pairs of placeholder and wish."""
        return [(entry["upload"], entry.get("msg", "")) for entry in self.log(run) if entry.get("upload")]

    def upload(self, run, placeholder, png):
        self._call("POST", f"log/{run}/images/{placeholder}", "data:image/png;base64," + base64.b64encode(png).decode())

    def stop(self, run):
        """Ends a run that is not wanted any more, and waits for its end."""
        try:
            self._call("DELETE", f"runner/{run}")
            deadline = time.monotonic() + TIMEOUT
            while self.state(run)[0] not in ENDED and time.monotonic() < deadline:
                time.sleep(0.2)
        except SuiteError:
            pass  # it has ended meanwhile
