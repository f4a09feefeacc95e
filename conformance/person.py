"""A person at the browser: signs in, allows, signs out, and says what there was to see."""

import json
import time

PATIENCE = 20.0  # seconds until a page that does not change is called stuck
SETTLED = 1.0  # seconds a page may take to go on by itself
STEPS = 20  # pages of one visit until it is called endless

# What stands on the page. It knows no names of fields, only `autocomplete` tokens and the ids that our pages promise.
LOOK = """(() => {
  if (window.__acted || document.readyState !== "complete") return null;
  const field = (token) => [...document.querySelectorAll("input")].find((i) => (i.autocomplete || "").split(" ").includes(token) && !i.readOnly && i.type !== "hidden");
  const there = (id) => !!document.getElementById(id);
  return { url: location.href, login: !!field("current-password") || !!field("username"), consent: there("allow"),
           sign_out: there("logout-confirm"), arrived: there("submission_complete"), text: document.body ? document.body.innerText.slice(0, 300) : "" };
})()"""

SIGN_IN = """(() => {
  window.__acted = true;
  for (const [token, text] of Object.entries(%s)) {
    const field = [...document.querySelectorAll("input")].find((i) => (i.autocomplete || "").split(" ").includes(token) && !i.readOnly);
    if (field) field.value = text;
  }
  document.getElementById("login").click();
})()"""

ALLOW = """(() => {
  window.__acted = true;
  for (const box of document.querySelectorAll("input[type=checkbox][name=scope]")) box.checked = true;
  document.getElementById("allow").click();
})()"""

SIGN_OUT = """(() => { window.__acted = true; document.getElementById("logout-confirm").click(); })()"""

# What a page tells only when asked belongs into its picture.
UNFOLD = """document.querySelectorAll("details").forEach((details) => { details.open = true; })"""

# A request by POST comes from a page of the application's origin, as a browser would send it.
POST = """(() => {
  const form = document.createElement("form");
  const [path, query] = %s.split("?");
  form.method = "post"; form.action = path;
  for (const [name, value] of new URLSearchParams(query)) {
    const input = document.createElement("input");
    input.type = "hidden"; input.name = name; input.value = value; form.append(input);
  }
  document.body.append(form); window.__acted = true; form.submit();
})()"""


class Stuck(Exception):
    """A page that asks for something this person does not understand, or never ends."""


class Person:
    """One person with a browser of their own. `home` is a page of the application's origin."""

    def __init__(self, context, home, username, password):
        self.context, self.home = context, home
        self.origin = home[: home.index("/", len("https://")) + 1]
        self.typed = {"username": username, "current-password": password}

    def visit(self, url, method, wanted):
        """Goes to `url` and does what each page asks, until none asks for anything.

        `wanted` tells what picture is asked for at this moment: "" for none, else the wish in words. The answer is that
        picture and the text of the last page.
        """
        if method == "POST":
            self.context.goto(self.home)
            self._look()
            self.context.run(POST % json.dumps(url))
        else:
            self.context.goto(url)
        picture = None
        for _ in range(STEPS):
            page = self._look()
            if page["login"]:
                if wanted():
                    picture = self.context.picture()
                self.context.run(SIGN_IN % json.dumps(self.typed))
            elif page["consent"]:
                self.context.run(ALLOW)
            elif page["sign_out"] and "error page" not in wanted():
                self.context.run(SIGN_OUT)
            elif self._ended(page):
                elsewhere = not page["url"].startswith(self.origin)
                if elsewhere and picture is None and wanted():
                    self.context.run(UNFOLD)
                    picture = self.context.picture()
                return picture, page["text"]
        raise Stuck(f"no end after {STEPS} pages")

    def _look(self):
        """The page, once it is there."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if page := self.context.run(LOOK):
                return page
            time.sleep(0.05)
        raise Stuck(f"a page that does not end: {self.context.run('location.href + document.body.innerText.slice(0, 300)')}")

    def _ended(self, page):
        """Whether nothing more happens. The suite's own page is waited for until it has passed the answer on."""
        deadline = time.monotonic() + SETTLED
        while not page["arrived"] and time.monotonic() < deadline:
            time.sleep(0.1)
            now = self.context.run(LOOK)
            if now is None or now["url"] != page["url"]:
                return False
            page.update(now)
        return True
