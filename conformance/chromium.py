"""Chromium without a window, driven over its own pipe (Chrome DevTools Protocol). Standard library only."""

import base64
import json
import os
import select
import subprocess
import tempfile
import time

ANSWER = 30.0  # seconds for one answer of the browser
FLAGS = [
    "--headless=new", "--remote-debugging-pipe", "--no-first-run", "--disable-gpu", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-extensions", "--ignore-certificate-errors", "--lang=en",
]  # fmt: skip


class BrowserError(Exception):
    """The browser refused a command, or does not answer."""


class Chromium:
    """One browser process; `context()` gives a person with nothing remembered."""

    def __init__(self, program):
        self.profile = tempfile.TemporaryDirectory(prefix="conformance-chromium-", ignore_cleanup_errors=True)
        to_browser, self.write = os.pipe()
        self.read, from_browser = os.pipe()
        # Chromium reads commands from descriptor 3 and answers on 4; the shell puts our pipes there.
        line = f'exec "$@" 3<&{to_browser} 4>&{from_browser}'
        sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
        command = ["sh", "-c", line, "sh", program, *FLAGS, *sandbox, f"--user-data-dir={self.profile.name}", "about:blank"]
        self.process = subprocess.Popen(command, pass_fds=(to_browser, from_browser), stderr=subprocess.DEVNULL)
        os.close(to_browser)
        os.close(from_browser)
        self.count, self.buffer = 0, b""

    def call(self, method, session=None, **parameters):
        """One command and its result. Events are not listened to."""
        self.count += 1
        message = {"id": self.count, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        os.write(self.write, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + ANSWER
        while True:
            answer = self._next(deadline, method)
            if answer.get("id") == self.count:
                break
        if "error" in answer:
            raise BrowserError(f"{method}: {answer['error'].get('message')}")
        return answer["result"]

    def _next(self, deadline, method):
        while b"\0" not in self.buffer:
            ready, _, _ = select.select([self.read], [], [], max(0.0, deadline - time.monotonic()))
            piece = os.read(self.read, 1 << 16) if ready else b""
            if not piece:
                raise BrowserError(f"{method}: no answer of the browser")
            self.buffer += piece
        line, _, self.buffer = self.buffer.partition(b"\0")
        return json.loads(line)

    def context(self):
        return Context(self)

    def close(self):
        try:
            self.call("Browser.close")
        except (BrowserError, OSError):
            self.process.kill()
        self.process.wait(ANSWER)
        os.close(self.write)
        os.close(self.read)
        self.profile.cleanup()


class Context:
    """Cookies of its own, and one tab."""

    def __init__(self, browser):
        self.browser = browser
        self.id = browser.call("Target.createBrowserContext")["browserContextId"]
        self.target = browser.call("Target.createTarget", url="about:blank", browserContextId=self.id, width=900, height=900)["targetId"]
        self.session = browser.call("Target.attachToTarget", targetId=self.target, flatten=True)["sessionId"]

    def goto(self, url):
        """Goes there. Whoever calls waits for the page."""
        answer = self.browser.call("Page.navigate", self.session, url=url)
        # ERR_ABORTED: a redirect or a script went on to another page meanwhile.
        if answer.get("errorText") not in (None, "net::ERR_ABORTED"):
            raise BrowserError(f"{url.split('?')[0]}: {answer['errorText']}")

    def run(self, script):
        """The value of a JavaScript expression on the page, or None while the page changes."""
        try:
            answer = self.browser.call("Runtime.evaluate", self.session, expression=script, returnByValue=True, userGesture=True)
        except BrowserError as error:
            if "context" in str(error) or "navigated" in str(error):
                return None
            raise
        if "exceptionDetails" in answer:
            raise BrowserError(f"script: {answer['exceptionDetails'].get('exception', {}).get('description')}")
        return answer["result"].get("value")

    def picture(self):
        """What is to be seen, as a PNG."""
        return base64.b64decode(self.browser.call("Page.captureScreenshot", self.session, format="png")["data"])

    def close(self):
        self.browser.call("Target.disposeBrowserContext", browserContextId=self.id)
