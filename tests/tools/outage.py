"""Traffic that lives through an outage of the storage, and what has to be true of it — RELIABILITY §3 rows 3, 7 and 13, I5 I11 I14.

Several people do one thing after the other, each with a browser and a client of their own. While the storage is away they may be
refused, in one way only: soon, with 503 and Retry-After. What was answered with success must be true for ever after; what was refused
must be as it was before, or, where a connection was lost at the COMMIT and nobody can know, at least happen once only. The audit
trail must tell the same story. Standard library only. Used by `full_disk.py` and `lost_database.py`.
"""

import collections
import itertools
import json
import threading
import time

import people
from browser import Browser, Stuck
from kill_loop import TROUBLE, Family, Ledger
from people import Lost, short

TENANT = "faults"
PEOPLE = 7  # as many as there are acts: together they do all of them at any time
IN_A_ROW = 3  # answers alike that make a state
ANSWERS_WITHIN = 5.0  # seconds for any answer while all is well, on a machine that does other things besides
READS_WITHIN = 2.0  # seconds for what needs no storage, whatever the storage does
LAST_REFUSAL_WITHIN = 5.0  # seconds after the storage is back (RELIABILITY §3 rows 3 and 7)
CODE_MUST_LIVE = 40.0  # seconds in which an unused code is surely valid: our tenant gives them 60
PACE = 0.03  # seconds between two requests of one person: traffic, not a flood
# What an act of a person leaves in the audit trail.
AUDITED = {
    "client credentials": ["token.issued"], "authorize": ["code.issued"], "sign in": ["code.issued", "sign_in.succeeded"],
    "redeem": ["code.redeemed"], "refresh": ["token.refreshed", "token.repeated"], "revoke": ["token.revoked"],
}
WRITES = list(AUDITED)
PAGES = ["authorize", "sign in"]
ACTS = [*WRITES, "introspect"]


class Refused(Exception):
    """503, or no answer at all: to be tried again."""


class Outage:
    """A time in which refusals are expected."""

    def __init__(self, name, within=ANSWERS_WITHIN, reads=(), ready=False):
        self.name = name
        self.within = within  # seconds until a refusal
        self.reads = reads  # the acts that are served all the same
        self.ready = ready  # what /readyz says
        self.began = time.monotonic()
        self.released = None


# Seconds after a change of a tenant, or its first key, until the server has dropped what it knows of it for the second and last time
# (`catch_up` in src/tenant.rs). Should the database be lost just then, even the keys cannot be shown.
FORGETS_FOR = 8.0


def tenant(grace_seconds):
    """The tenant of `people`, whose client also asks for itself."""
    document = people.tenant(TENANT, PEOPLE, {"refresh_token_grace_seconds": grace_seconds, "authorization_code_lifetime_seconds": 60})
    document["clients"][0]["grant_types"].append("client_credentials")
    return document


class Person:
    """One user, one browser, one client on a connection of its own: one act after the other, all of them in turn."""

    def __init__(self, number, run):
        self.name, self.run, self.ledger = f"user{number}", run, run.ledger
        self.caller = people.Caller("127.0.0.1", run.server.port, run.authority)
        self.browser = Browser()
        self.codes, self.families, self.redeemed, self.ended = [], [], [], []
        acts = [self.authorize, self.credentials, self.refresh, self.introspect, self.redeem, self.sign_in, self.revoke]
        self.acts = acts[number % len(acts):] + acts[:number % len(acts)]

    def live(self, stop):
        """Acts until told to stop. Everybody meets an outage with another act: the first of them are all different."""
        met, turns = 0, itertools.cycle(self.acts)
        while not stop.is_set():
            if self.run.injected != met:
                met, turns = self.run.injected, itertools.cycle(self.acts)
            try:
                next(turns)()
            except Refused:
                pass
            stop.wait(PACE)

    def stocked(self):
        return len(self.codes) >= 2 and len(self.families) >= 3

    # ---- requests --------------------------------------------------------------------------------------------------------

    def call(self, act, endpoint, form, subject):
        """One call of the client; (status, body), or Refused."""
        outage, began = self.run.outage, time.monotonic()
        try:
            status, body = self.caller.post(self.run.endpoints[endpoint], form)
        except Lost as lost:
            self.unanswered(act, subject, lost)
        self.judge(act, subject, (outage, began), status, self.caller.received, body.get("error"))
        return status, body

    def walk(self, act, browser, **how):
        """One trip to the authorization endpoint; a Code or an error name, or Refused."""
        outage, began = self.run.outage, time.monotonic()
        try:
            found = people.authorize(browser, self.run.endpoints, **how)
        except Stuck as stuck:
            if stuck.page is None or stuck.page.status != 503:
                self.ledger.note(self.name, act, self.name, "stuck")
                self.ledger.check("pages lead on", False, self.name, str(stuck))
                raise Refused from stuck
            self.judge(act, self.name, (outage, began), 503, stuck.page.headers, "a page")
        except (*TROUBLE, AssertionError) as trouble:
            browser.close()
            self.unanswered(act, self.name, trouble)
        if found == "temporarily_unavailable":  # RFC 6749 §4.1.2.1: told to the client, by way of a redirect
            self.judge(act, self.name, (outage, began), 503, {"Retry-After": "-"}, found)
        self.judge(act, self.name, (outage, began), 200, {}, None if isinstance(found, people.Code) else found)
        return found

    def unanswered(self, act, subject, trouble):
        self.ledger.note(self.name, act, subject, "lost")
        self.ledger.check("every request is answered", False, subject, f"{act}: {trouble!r}")
        raise Refused from trouble

    def judge(self, act, subject, asked, status, headers, error):
        """What may be answered, and when. A refusal goes no further."""
        outage, began = asked
        took, check = time.monotonic() - began, self.ledger.check
        # Whoever asked before the outage may be met by it all the same.
        outage = outage or self.run.outage
        self.ledger.note(self.name, act, subject, f"{status} {error or ''} in {took:.2f} s".replace("  ", " "))
        # A page is reached by several requests.
        within = (outage.within if outage else ANSWERS_WITHIN) * (2 if act in PAGES else 1)
        check("an answer comes in time", took < within, subject, f"{act} took {took:.1f} s of {within:.0f}; {outage.name if outage else 'no outage'}")
        check("no 5xx but 503", status < 500 or status == 503, subject, f"{act} answered {status} {error}")
        self.run.count(act, began, status != 503)
        if status != 503:
            return
        check("503 only while the storage is away", outage is not None, subject, f"{act} answered 503 with nothing wrong")
        check("reads are served all the same", outage is None or act not in outage.reads, subject, f"{act} answered 503")
        check("503 says when to come back", headers.get("Retry-After") is not None, subject, f"{act}: {dict(headers)}")
        check("503 is temporarily_unavailable", error in ("temporarily_unavailable", "a page"), subject, f"{act} answered 503 {error}")
        raise Refused

    # ---- acts ------------------------------------------------------------------------------------------------------------

    def credentials(self):
        status, body = self.call("client credentials", "token_endpoint", {"grant_type": "client_credentials"}, self.name)
        self.ledger.check("a client gets its token", status == 200 and "access_token" in body, self.name, f"{status} {body}")

    def authorize(self):
        """With the session that the browser has: refused or answered, it never ends it."""
        self.keep(self.walk("authorize", self.browser, prompt="none"))

    def sign_in(self):
        browser = Browser()
        self.keep(self.walk("sign in", browser, username=self.name))
        browser.close()

    def keep(self, found):
        self.ledger.check("I5 an acknowledged session lives", isinstance(found, people.Code), self.name, f"authorize answered {found}")
        if isinstance(found, people.Code):
            found.born, found.unsure = time.monotonic(), False
            self.codes.append(found)

    def redeem(self, keep=2):
        # Some are kept, so that there is something to be refused when the outage comes.
        if len(self.codes) <= (0 if self.run.outage else keep):
            return
        code = self.codes[0]
        try:
            status, body = self.call("redeem", "token_endpoint", code.form(), short(code.value))
        except Refused:
            code.unsure = not self.run.exact
            raise
        self.codes.remove(code)
        old = time.monotonic() - code.born > CODE_MUST_LIVE
        # A commit whose answer was lost may have counted: then the code is used up, and must stay so.
        excused = status == 400 and (old or code.unsure)
        self.ledger.check("I5 a code that was not redeemed redeems", status == 200 or excused, short(code.value), f"{status} {body}")
        self.redeemed.append(code)
        if status == 200:
            code.family = Family(body["refresh_token"], short(body["refresh_token"]))
            self.families.append(code.family)

    def refresh(self):
        if not self.families:
            return
        family = self.families[-1]
        self.families.insert(0, self.families.pop())  # another one the next time
        if family.state == "revoking":
            return
        status, body = self.call("refresh", "token_endpoint", {"grant_type": "refresh_token", "refresh_token": family.tokens[-1]}, family.subject)
        self.ledger.check("I5 a refresh token that was not used refreshes", status == 200, family.subject, f"{status} {body}")
        if status == 200:
            family.tokens.append(body["refresh_token"])
        else:
            self.families.remove(family)

    def revoke(self, keep=3):
        if len(self.families) <= (0 if self.run.outage else keep):
            return
        family = next((f for f in self.families if f.state == "revoking"), self.families[0])
        try:
            status, body = self.call("revoke", "revocation_endpoint", {"token": family.tokens[-1]}, family.subject)
        except Refused:
            # RI05: refused means not done. Where nobody can know, the token is let go of, and revoked until that is answered.
            family.state = family.state if self.run.exact else "revoking"
            raise
        self.ledger.check("revocation answers 200", status == 200, family.subject, f"{status} {body}")
        self.families.remove(family)
        self.ended.append(family)

    def introspect(self):
        family = next((f for f in self.families if f.state == "live"), None)
        if family:
            self.ledger.check("I5 an acknowledged refresh token lives", self.active(family), family.subject, "introspection says inactive")

    def active(self, family):
        status, body = self.call("introspect", "introspection_endpoint", {"token": family.tokens[-1]}, family.subject)
        self.ledger.check("introspection answers its client", status == 200, family.subject, f"{status} {body}")
        return body.get("active") is True

    # ---- at the end ------------------------------------------------------------------------------------------------------

    def settle(self):
        """Looks at everything that was ever promised. Nothing is refused any more."""
        self.caller.close()
        self.browser.close()
        self.authorize()
        for _ in list(self.codes):
            self.redeem(keep=0)
        for _ in [f for f in self.families if f.state == "revoking"]:
            self.revoke(keep=0)
        for family in self.ended:
            self.dead("I6 an acknowledged revocation holds", family)
        for _ in list(self.families):
            self.introspect()
            self.refresh()
        for code in self.redeemed:
            status, body = self.call("replay code", "token_endpoint", code.form(), short(code.value))
            self.ledger.check("I1 one code, one token set", status == 400, short(code.value), f"a used code was answered {status} {sorted(body)}")
        for family in self.families:
            # RFC 6749 §4.1.2: the code that began it was used twice just now.
            self.dead("I2 reuse ends the family", family)

    def dead(self, rule, family):
        self.ledger.check(rule, not self.active(family), family.subject, "introspection says active")
        form = {"grant_type": "refresh_token", "refresh_token": family.tokens[-1]}
        status, body = self.call("refresh of a dead one", "token_endpoint", form, family.subject)
        self.ledger.check(rule, status == 400, family.subject, f"its refresh token was answered {status} {sorted(body)}")


class Run:
    """A server, its people, and one outage after the other. `exact`: 503 means that nothing was stored; else nobody may know."""

    def __init__(self, server, exact):
        self.server, self.exact, self.authority = server, exact, f"127.0.0.1:{server.port}"
        self.ledger, self.outage, self.outages = Ledger(), None, []
        self.lock = threading.Lock()
        self.results = {act: collections.deque(maxlen=IN_A_ROW) for act in ACTS}  # (when asked, whether served), the newest ones
        self.served, self.refused = collections.Counter(), collections.Counter()
        self.last_refusal = 0.0
        self.injected = 0  # outages that have taken place
        self.remembered_from = None  # when what is cached of the tenant stays cached

    def count(self, act, began, served):
        with self.lock:
            (self.served if served else self.refused)[act] += 1
            if act in self.results:
                self.results[act].append((began, served))
            if not served:
                self.last_refusal = time.monotonic()

    # ---- the traffic -----------------------------------------------------------------------------------------------------

    def begin(self):
        """The first look at the server, and its people: signed in, with codes and refresh tokens in hand."""
        self.prober = people.Caller("127.0.0.1", self.server.port, self.authority)
        self.endpoints = self.prober.get(f"http://{self.authority}/t/{TENANT}/.well-known/openid-configuration")
        self.crew = [Person(n, self) for n in range(PEOPLE)]
        for person in self.crew:
            person.keep(person.walk("sign in", person.browser, username=person.name))

    def resume(self):
        self.stop = threading.Event()
        self.threads = [threading.Thread(target=self.guard, args=(person.live, self.stop)) for person in self.crew]
        for thread in self.threads:
            thread.start()

    def pause(self):
        self.stop.set()
        for thread in self.threads:
            thread.join()

    def guard(self, act, *arguments):
        """A fault of this tool must not pass for silence."""
        try:
            act(*arguments)
        except Exception as fault:
            self.ledger.check("this tool works", False, "tool", repr(fault))
            raise

    def wait(self, what, holds, within, meanwhile=lambda: None):
        """Until `holds`; a violation after so many seconds. Answers whether it did."""
        until = time.monotonic() + within
        while not holds():
            if time.monotonic() > until or self.ledger.violations.count("this tool works"):
                results = {act: ["served" if served else "503" for _, served in found] for act, found in self.results.items()}
                self.ledger.check(what, False, "the run", f"not within {within:.0f} s; {results}")
                return False
            meanwhile()
            self.stop.wait(0.02)
        self.ledger.check(what, True, "the run", "")
        return True

    def all_are(self, served, acts, since, times=IN_A_ROW):
        """Whether the newest answers to each of these acts are alike, and to requests after `since`."""
        with self.lock:
            newest = [list(self.results[act])[-times:] for act in acts]
        return all(len(found) == times and all(s == served and began > since for began, s in found) for found in newest)

    def traffic(self):
        """Until everything works and everybody has something to lose."""
        began = time.monotonic()
        self.wait("all is well", lambda: self.all_are(True, ACTS, began) and all(p.stocked() for p in self.crew), 30.0)
        self.remembered_from = self.remembered_from or time.monotonic() + FORGETS_FOR

    def remembered(self):
        """Until the server keeps what it knows of the tenant, which was made a moment ago."""
        self.wait("traffic goes on", lambda: time.monotonic() > self.remembered_from, FORGETS_FOR + 1.0)

    # ---- an outage -------------------------------------------------------------------------------------------------------

    def probe(self):
        """I14: what needs no storage answers as ever; readiness tells the truth."""
        wanted = [("/healthz", 200), ("/readyz", 200 if self.outage.ready else 503)]
        issuer = [(f"/t/{TENANT}/jwks", 200), (f"/t/{TENANT}/.well-known/openid-configuration", 200)]
        for path, status in wanted + issuer:
            began = time.monotonic()
            answered, body = self.prober._send("GET", f"http://{self.authority}{path}", None)
            took, within = time.monotonic() - began, self.outage.within if path == "/readyz" else READS_WITHIN
            self.ledger.check("I14 what needs no storage is served", answered == status, path, f"{answered} {body}")
            self.ledger.check("I14 and in time", took < within, path, f"{took:.1f} s")

    def expect(self, outage):
        """Will begin at once: from here on, refusals are expected."""
        self.ledger.cycle += 1
        self.outage = outage
        self.outages.append(outage)

    def during(self, takes_hold=20.0, times=IN_A_ROW, meanwhile=lambda: None):
        """Has begun: until every act that needs what is missing is refused, so many times in a row; then the reads are looked at."""
        outage, since = self.outage, time.monotonic()
        self.injected += 1
        needing = [act for act in ACTS if act not in outage.reads]
        self.wait(f"{outage.name}: refusals", lambda: self.all_are(False, needing, since, times), takes_hold, meanwhile)
        self.probe()

    def afterwards(self, within):
        """Is over: until everything is served again. From then on, no refusal is excused."""
        outage = self.outage
        outage.released = time.monotonic()
        self.wait(f"{outage.name}: recovery by itself", lambda: self.all_are(True, ACTS, outage.released), within)
        outage.recovery = max(0.0, self.last_refusal - outage.released)
        self.ledger.check(f"{outage.name}: the last 503 comes soon", outage.recovery < LAST_REFUSAL_WITHIN, "the run", f"{outage.recovery:.1f} s after its end")
        self.outage = None
        self.traffic()
        self.wait("/readyz: ready", lambda: self.prober._send("GET", f"http://{self.authority}/readyz", None)[0] == 200, within)

    # ---- the end ---------------------------------------------------------------------------------------------------------

    def settle(self):
        """Every promise once more, at the server as it runs now."""
        self.outage = None
        threads = [threading.Thread(target=self.guard, args=(person.settle,)) for person in self.crew]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def finish(self, before_start=lambda: None):
        """A kill, and every promise looked at once more at a server that begins anew."""
        self.server.kill()
        before_start()
        self.server.start()
        self.settle()
        self.ledger.check("the server stops cleanly", self.server.stop() == 0, "server", "an exit code other than 0")
        self.audit()

    def audit(self):
        """The trail is whole, and tells of everything that was acknowledged; of nothing else, where that can be known."""
        code, printed = self.server.command("audit", "verify", TENANT)
        self.ledger.check("the audit chain is intact", code == 0, "audit", printed.strip()[-300:])
        code, printed = self.server.command("audit", "list", TENANT, "--limit", "1000000", "--json")
        kinds = collections.Counter(json.loads(line)["kind"] for line in printed.splitlines() if line.startswith("{"))
        expected, possible = collections.Counter(), collections.Counter()
        names = {act: "/".join(kinds) if act == "refresh" else kinds for act, kinds in AUDITED.items()}
        for act, told in names.items():
            for name in [told] if isinstance(told, str) else told:
                expected[name] += self.successes(act)
                possible[name] += self.refused[act]
        for name, count in expected.items():
            found, most = sum(kinds[kind] for kind in name.split("/")), count + (0 if self.exact else possible[name])
            self.ledger.check("I5 the audit trail has what was acknowledged", count <= found <= most, name, f"{found} events; {count} acknowledged, at most {most} possible")

    def successes(self, act):
        if act == "redeem":
            return sum(hasattr(code, "family") for person in self.crew for code in person.redeemed)
        return self.served[act]

    def summary(self, name):
        """The closing lines; answers the exit code."""
        ledger = self.ledger
        for outage in self.outages:
            if outage.released:
                print(f"  {outage.name}: {outage.released - outage.began:.1f} s; the last 503 {outage.recovery:.1f} s after its end")
        print("  served:  " + ", ".join(f"{n} {act}" for act, n in self.served.most_common()))
        print("  refused: " + (", ".join(f"{n} {act}" for act, n in self.refused.most_common()) or "none"))
        print("  checks:  " + ", ".join(f"{n} × {rule}" for rule, n in ledger.checks.most_common()))
        if ledger.violations:
            print(f"not ok {name}: " + ", ".join(f"{n} × {rule}" for rule, n in collections.Counter(ledger.violations).items()))
            return 1
        print(f"ok {name}: {sum(self.served.values())} served, {sum(self.refused.values())} refused, {sum(ledger.checks.values())} checks, no violation")
        return 0
