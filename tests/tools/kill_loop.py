#!/usr/bin/env python3
"""Kills the server at random points under mixed load and checks that it kept its word — RELIABILITY §3 row 1, I1 I2 I3 I4 I5 I6 I9.

    tests/tools/kill_loop.py [--database sqlite|postgres] [--cycles 100] [--seed N] [--ledger FILE]

Each cycle: start, check what was promised before, a moment of traffic by several people at once, SIGKILL. The traffic is sign-ins
through the pages, redemptions (some of them twice at once), refreshes, revocations and sign-outs. Everything sent and everything
answered goes into a ledger. What was answered must hold after the kill; what was not answered may have happened or not, but not twice.

PostgreSQL is the one that $CHANCERY_TEST_POSTGRES names. Exit code 0: no violation. The seed repeats the choices, not the timing.
"""

import argparse
import collections
import http.client
import json
import random
import sys
import tempfile
import threading
import time
from pathlib import Path

import harness
import people
from browser import Browser, Stuck
from people import Lost, short

CODE_MUST_LIVE = 20.0  # seconds in which an unused code is surely valid; servers give them 30 to 60
TROUBLE = (OSError, http.client.HTTPException, Lost)


class Ledger:
    """Every request and what came of it, in order; and the violations."""

    def __init__(self):
        self.lock = threading.Lock()
        self.lines, self.violations = [], []
        self.answered = collections.Counter()
        self.unanswered = collections.Counter()
        self.checks = collections.Counter()
        self.cycle = 0

    def note(self, who, act, subject, answer):
        with self.lock:
            (self.unanswered if answer == "lost" else self.answered)[act] += 1
            self.lines.append({"cycle": self.cycle, "time": round(time.time(), 4), "who": who, "act": act, "subject": subject, "answer": answer})

    def check(self, rule, holds, subject, why):
        """One promise looked at. A broken one is printed at once, with its story."""
        with self.lock:
            self.checks[rule] += 1
            if holds:
                return
            self.violations.append(rule)
            print(f"VIOLATION in cycle {self.cycle}: {rule} — {subject}: {why}", flush=True)
            for line in [line for line in self.lines if line["subject"] == subject][-12:]:
                print(f"    cycle {line['cycle']} {line['time']:.3f} {line['who']} {line['act']} → {line['answer']}", flush=True)

    def save(self, file):
        file.write_text("".join(json.dumps(line) + "\n" for line in self.lines))


class Family:
    """One chain of refresh tokens, as its client knows it."""

    def __init__(self, token, subject):
        self.tokens = [token]  # every generation that we were given, oldest first
        self.subject = subject
        self.pending = None  # when an unanswered refresh of the newest one was sent
        self.state = "live"  # live | revoking | revoked | ended (by us, by replay) | lost (its answer never came)
        self.touched = 0


class Person:
    """One user, one browser, one client on a connection of its own; acts at random, and afterwards checks its own affairs."""

    def __init__(self, number, loop, rng):
        self.name, self.loop, self.rng, self.ledger = f"user{number}", loop, rng, loop.ledger
        self.browser, self.signed_in = None, False
        self.caller = people.Caller("127.0.0.1", loop.server.port, loop.authority)
        self.families, self.held, self.unsure, self.redeemed, self.signed_out = [], [], [], [], []

    # ---- calls -----------------------------------------------------------------------------------------------------------

    def call(self, act, endpoint, form, subject):
        """One call of the client, in the ledger; (status, body), or Lost."""
        try:
            status, body = self.caller.post(self.loop.endpoints[endpoint], form)
        except Lost:
            self.ledger.note(self.name, act, subject, "lost")
            raise
        self.ledger.note(self.name, act, subject, f"{status} {body.get('error', '')}".strip())
        self.ledger.check("no 5xx but 503", status < 500 or status == 503, subject, f"{act} answered {status} {body}")
        return status, body

    def walk(self, act, browser, **how):
        """One trip to the authorization endpoint, in the ledger; a Code or an error name, or one of TROUBLE."""
        try:
            found = people.authorize(browser, self.loop.endpoints, **how)
        except TROUBLE:
            self.ledger.note(self.name, act, self.name, "lost")
            raise
        except (Stuck, AssertionError) as stuck:
            self.ledger.note(self.name, act, self.name, "stuck")
            self.ledger.check("pages lead on", False, self.name, str(stuck))
            raise Lost(str(stuck)) from stuck
        self.ledger.note(self.name, act, self.name, "code" if isinstance(found, people.Code) else found)
        return found

    def active(self, token, subject):
        """What introspection says of a token."""
        status, body = self.call("introspect", "introspection_endpoint", {"token": token}, subject)
        self.ledger.check("introspection answers its client", status == 200, subject, f"{status} {body}")
        return body.get("active") is True

    def refresh_answer(self, act, token, subject):
        return self.call(act, "token_endpoint", {"grant_type": "refresh_token", "refresh_token": token}, subject)

    # ---- traffic ---------------------------------------------------------------------------------------------------------

    def act_until_killed(self):
        acts = {self.sign_in: 1, self.fetch_code: 4, self.redeem: 5, self.refresh: 7, self.revoke: 1, self.sign_out: 0.5}
        while not self.loop.killed.is_set():
            act = self.rng.choices(list(acts), list(acts.values()))[0]
            try:
                act()
            except TROUBLE as trouble:
                # The kill may have happened a moment before its flag: look again before calling it the server's fault.
                killed = self.loop.killed.wait(1.0)
                self.ledger.check("connections live as long as the server", killed, self.name, repr(trouble))
                return

    def sign_in(self):
        self.browser, self.signed_in = Browser(), False
        self.take(self.walk("sign in", self.browser, username=self.name))
        self.signed_in = True

    def fetch_code(self):
        if not self.signed_in:
            return self.sign_in()
        self.take(self.walk("authorize", self.browser, prompt="none"))

    def take(self, found):
        if isinstance(found, people.Code):
            found.born = time.monotonic()
            self.held.append(found)
        else:
            self.ledger.check("I5 an acknowledged session lives", False, self.name, f"authorize answered {found}")
            self.signed_in = False

    def redeem(self):
        if not self.held:
            return self.fetch_code()
        code = self.held.pop()
        if self.rng.random() < 0.1:
            return self.redeem_twice(code)
        self.unsure.append(code)
        status, body = self.call("redeem", "token_endpoint", code.form(), short(code.value))
        self.unsure.remove(code)
        self.ledger.check("I5 an acknowledged code redeems", status == 200 or self.too_old(code), short(code.value), f"{status} {body}")
        if status == 200:
            self.own(code, body)

    def redeem_twice(self, code):
        """The same code on two connections at once: one of them at most may win. What the loser's replay ends is not ours to keep."""
        answers, subject = [], short(code.value)

        def one(caller):
            try:
                answers.append(caller.post(self.loop.endpoints["token_endpoint"], code.form())[0])
            except Lost:
                answers.append("lost")

        callers = [people.Caller("127.0.0.1", self.loop.server.port, self.loop.authority) for _ in range(2)]
        threads = [threading.Thread(target=one, args=(caller,)) for caller in callers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for caller, answer in zip(callers, answers):
            caller.close()
            self.ledger.note(self.name, "redeem twice", subject, str(answer))
        code.successes = answers.count(200)
        self.ledger.check("I1 one code, one token set", code.successes <= 1, subject, f"two at once: {answers}")
        self.redeemed.append(code)
        if "lost" in answers:
            raise Lost("one of two")

    def own(self, code, body):
        code.successes = getattr(code, "successes", 0) + 1
        self.ledger.check("I1 one code, one token set", code.successes <= 1, short(code.value), f"{code.successes} successes")
        if "refresh_token" not in body:
            self.ledger.check("a refresh token comes with offline_access", False, short(code.value), str(sorted(body)))
            return
        family = Family(body["refresh_token"], short(body["refresh_token"]))
        family.touched = self.ledger.cycle
        code.family = family
        self.families.append(family)
        self.redeemed.append(code)

    def live(self):
        return [f for f in self.families if f.state == "live"]

    def refresh(self):
        families = self.live()
        if not families:
            return self.redeem()
        family = self.rng.choice(families[-6:])
        family.pending, family.touched = time.monotonic(), self.ledger.cycle
        status, body = self.refresh_answer("refresh", family.tokens[-1], family.subject)
        family.pending = None
        self.ledger.check("I5 an acknowledged refresh token works", status == 200, family.subject, f"{status} {body}")
        self.step(family, status, body)

    def step(self, family, status, body):
        if status != 200:
            family.state = "ended"
        elif body.get("refresh_token", family.tokens[-1]) != family.tokens[-1]:
            family.tokens.append(body["refresh_token"])

    def revoke(self):
        families = self.live()
        if len(families) < 3:
            return self.refresh()
        family = self.rng.choice(families)
        family.state, family.touched = "revoking", self.ledger.cycle
        status, body = self.call("revoke", "revocation_endpoint", {"token": family.tokens[-1], "token_type_hint": "refresh_token"}, family.subject)
        self.ledger.check("revocation answers 200", status == 200, family.subject, f"{status} {body}")
        family.state = "revoked"

    def sign_out(self):
        """In a browser of its own, so that no family depends on it."""
        browser = Browser()
        found = self.walk("sign in", browser, username=self.name)
        if not isinstance(found, people.Code):
            return
        try:
            browser.walk(self.loop.endpoints["end_session_endpoint"] + "?client_id=app", None)
        except TROUBLE:
            self.ledger.note(self.name, "sign out", self.name, "lost")
            raise
        except Stuck as stuck:
            self.ledger.check("pages lead on", False, self.name, str(stuck))
            return
        self.ledger.note(self.name, "sign out", self.name, "done")
        self.signed_out.append(browser)

    # ---- after the restart -----------------------------------------------------------------------------------------------

    def verify(self, thorough):
        """Looks at what this cycle touched and at some of what is older; at everything if `thorough`."""
        self.caller.close()
        if self.browser:
            self.browser.close()
        self.settle_unanswered()
        for code in self.held if thorough else self.held[: len(self.held) // 2 + 1]:
            status, body = self.call("redeem held", "token_endpoint", code.form(), short(code.value))
            self.ledger.check("I5 an acknowledged code redeems", status == 200 or self.too_old(code), short(code.value), f"{status} {body}")
            if status == 200:
                self.own(code, body)
        self.held = [] if thorough else self.held[len(self.held) // 2 + 1:]
        for family in self.some([f for f in self.families if f.state == "revoked"], thorough):
            self.check_dead("I6 an acknowledged revocation holds", family)
        for family in self.some(self.live(), thorough):
            if self.loop.introspects:
                self.ledger.check("I5 an acknowledged refresh token lives", self.active(family.tokens[-1], family.subject), family.subject, "introspection says inactive")
        self.check_session()
        self.replay(thorough)

    def too_old(self, code):
        return time.monotonic() - code.born > CODE_MUST_LIVE

    def some(self, families, thorough):
        if thorough:
            return families
        old = [f for f in families if f.touched < self.ledger.cycle]
        return [f for f in families if f.touched >= self.ledger.cycle] + self.rng.sample(old, min(2, len(old)))

    def settle_unanswered(self):
        """What was under way at the kill: ask again, as a careful client would."""
        for family in [f for f in self.live() if f.pending]:
            self.settle_refresh(family)
        for code in self.unsure:
            status, body = self.call("redeem again", "token_endpoint", code.form(), short(code.value))
            self.ledger.check("I1 an unanswered code answers 200 or invalid_grant", status in (200, 400), short(code.value), f"{status} {body}")
            if status == 200:
                self.own(code, body)
        self.unsure.clear()
        for family in [f for f in self.families if f.state == "revoking"]:
            status, _ = self.call("revoke again", "revocation_endpoint", {"token": family.tokens[-1]}, family.subject)
            self.ledger.check("revocation answers 200", status == 200, family.subject, str(status))
            family.state = "revoked"

    def settle_refresh(self, family):
        """I3: the direct predecessor, in time, its successor unused: the same lineage is answered. Asked twice, one successor lives."""
        token, waited = family.tokens[-1], time.monotonic() - family.pending
        family.pending = None
        status, body = self.refresh_answer("refresh again", token, family.subject)
        if status != 200:
            self.ledger.check("I3 an unanswered refresh is answered in grace", waited > self.loop.grace - 1, family.subject, f"{status} {body} after {waited:.1f} s")
            family.state = "lost"
            return
        first = body.get("refresh_token", token)
        status, body = self.refresh_answer("refresh third time", token, family.subject)
        second = body.get("refresh_token", token) if status == 200 else first
        if second != first and self.loop.introspects:
            alive = [t for t in (first, second) if self.active(t, family.subject)]
            self.ledger.check("I2 one live successor", len(alive) <= 1, family.subject, "both successors of one refresh token are active")
        if second != first and not self.loop.introspects:
            alive = [t for t in (first, second) if self.refresh_answer("refresh successor", t, family.subject)[0] == 200]
            self.ledger.check("I2 one live successor", len(alive) <= 1, family.subject, "both successors of one refresh token refresh")
            family.state = "ended"
        family.tokens.append(second)

    def check_dead(self, rule, family):
        if self.loop.introspects:
            self.ledger.check(rule, not self.active(family.tokens[-1], family.subject), family.subject, "introspection says active")
        status, body = self.refresh_answer("refresh of a dead one", family.tokens[-1], family.subject)
        self.ledger.check(rule, status == 400, family.subject, f"its refresh token was answered {status} {sorted(body)}")

    def check_session(self):
        if self.signed_in:
            self.take(self.walk("authorize", self.browser, prompt="none"))
        for browser in self.signed_out[-2:]:
            browser.close()
            found = self.walk("authorize signed out", browser, prompt="none")
            self.ledger.check("I6 an acknowledged sign-out holds", found == "login_required", self.name, f"answered {found if isinstance(found, str) else 'a code'}")

    def replay(self, thorough):
        """A used code and a refresh token from before the predecessor: refused, and they end what hangs on them."""
        codes = [c for c in self.redeemed if not getattr(c, "replayed", False)]
        for code in self.rng.sample(codes, min(len(codes), 10 if thorough else 1)):
            code.replayed = True
            status, body = self.call("replay code", "token_endpoint", code.form(), short(code.value))
            self.ledger.check("I1 one code, one token set", status == 400 or not getattr(code, "successes", 0), short(code.value), f"a used code was answered {status} {sorted(body)}")
            if hasattr(code, "family") and code.family.state == "live":
                code.family.state = "ended"
        older = [f for f in self.live() if len(f.tokens) >= 3]
        if older and (thorough or self.rng.random() < 0.3):
            family = self.rng.choice(older)
            family.state = "ended"
            status, body = self.refresh_answer("replay grandparent", family.tokens[-3], family.subject)
            self.ledger.check("I3 no grace for a grandparent", status == 400, family.subject, f"{status} {sorted(body)}")
            if status == 400:
                self.check_dead("I2 reuse ends the family", family)


class Loop:
    """The whole run."""

    def __init__(self, options):
        self.options = options
        self.rng = random.Random(options.seed)
        self.ledger = Ledger()
        self.killed = threading.Event()
        self.grace = 10.0  # I3's default
        self.restarts = []
        self.keys = set()

    def run(self):
        with tempfile.TemporaryDirectory(prefix="chancery-kill-") as directory:
            directory = Path(directory)
            database = harness.make_database(self.options.database, directory, "kill")
            port = harness.free_port()
            self.authority = f"127.0.0.1:{port}"
            self.server = harness.Server(directory, harness.default_binary(), database.url, f"http://{self.authority}", port)
            try:
                self.server.apply({"tenants": [people.tenant("faults", self.options.people)]})
                self.cycles()
            finally:
                self.server.kill()
                database.close()
            for line in self.server.panics():
                self.ledger.check("no panic", False, "server", line)
        if self.options.ledger:
            self.ledger.save(Path(self.options.ledger))
        return self.summary()

    def cycles(self):
        crew = []
        for cycle in range(self.options.cycles + 1):
            self.restarts.append(self.server.start())
            self.discover()
            crew = crew or [Person(n, self, random.Random(self.rng.random())) for n in range(self.options.people)]
            last = cycle == self.options.cycles
            self.together([(person.verify, last) for person in crew], "I9 a restart answers")
            if last:
                break
            self.ledger.cycle = cycle + 1
            self.killed.clear()
            threads = [threading.Thread(target=self.guard, args=(person.act_until_killed, "traffic")) for person in crew]
            for thread in threads:
                thread.start()
            # The first cycle is a long one: it gives every person a session and some families to lose.
            time.sleep(2.0 if cycle == 0 else self.rng.uniform(*self.options.traffic))
            self.server.kill()
            self.killed.set()
            for thread in threads:
                thread.join()
            if len(self.ledger.violations) > 20:
                print("more than twenty violations: stopping early", flush=True)
                break

    def guard(self, act, rule, *arguments):
        """A fault of the person must not look like the server's silence."""
        try:
            act(*arguments)
        except TROUBLE as trouble:
            self.ledger.check(rule, False, "connection", repr(trouble))
        except Exception as fault:  # of ours: told, counted, not hidden
            self.ledger.check("this tool works", False, "tool", repr(fault))
            sys.excepthook(*sys.exc_info())

    def together(self, acts, rule):
        threads = [threading.Thread(target=self.guard, args=(act, rule, *arguments)) for act, *arguments in acts]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def discover(self):
        """Metadata and keys: the issuer stays the same, and no key that signed goes away (I7)."""
        caller = people.Caller("127.0.0.1", self.server.port, self.authority)
        self.endpoints = caller.get(f"http://{self.authority}/t/faults/.well-known/openid-configuration")
        keys = {key["kid"] for key in caller.get(self.endpoints["jwks_uri"])["keys"]}
        self.ledger.check("I7 published keys stay", self.keys <= keys, "jwks", f"gone: {self.keys - keys}")
        self.keys |= keys
        if not hasattr(self, "introspects"):
            code = people.authorize(Browser(), self.endpoints, username="user0")
            status, body = caller.post(self.endpoints["token_endpoint"], code.form()) if isinstance(code, people.Code) else (code, {})
            if status != 200 or "refresh_token" not in body:
                raise SystemExit(f"no refresh token to work with: {status} {body}")
            self.introspects = caller.post(self.endpoints["introspection_endpoint"], {"token": body["refresh_token"]})[1].get("active") is True
        caller.close()

    def summary(self):
        ledger, restarts = self.ledger, sorted(self.restarts[1:]) or [0.0]
        lost = sum(ledger.unanswered.values())
        print(f"{self.options.database}: {ledger.cycle} kills, seed {self.options.seed}; {sum(ledger.answered.values())} answered, {lost} cut off by a kill")
        print("  answered: " + ", ".join(f"{n} {act}" for act, n in ledger.answered.most_common()))
        print("  cut off:  " + (", ".join(f"{n} {act}" for act, n in ledger.unanswered.most_common()) or "none"))
        print("  checks:   " + ", ".join(f"{n} × {rule}" for rule, n in ledger.checks.most_common()))
        print(f"  restart to listening: median {restarts[len(restarts) // 2] * 1000:.0f} ms, worst {restarts[-1] * 1000:.0f} ms")
        if not self.introspects:
            print("  introspection does not speak of refresh tokens: they were judged by using them")
        if not ledger.answered:
            print(f"not ok kill loop on {self.options.database}: nothing was answered, so nothing is proven")
            return 1
        if ledger.violations:
            counted = collections.Counter(ledger.violations)
            print(f"not ok kill loop on {self.options.database}: " + ", ".join(f"{n} × {rule}" for rule, n in counted.items()))
            return 1
        print(f"ok kill loop on {self.options.database}: {ledger.cycle} kills, {sum(ledger.checks.values())} checks, no violation")
        return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--database", choices=["sqlite", "postgres"], default="sqlite")
    parser.add_argument("--cycles", type=int, default=100)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1_000_000))
    parser.add_argument("--people", type=int, default=6, help="how many act at once")
    parser.add_argument("--traffic", type=float, nargs=2, default=(0.05, 0.4), metavar=("FROM", "TO"), help="seconds of traffic before the kill")
    parser.add_argument("--ledger", help="write the ledger to this file")
    options = parser.parse_args()
    harness.end_cleanly()
    print(f"seed {options.seed}", flush=True)
    sys.exit(Loop(options).run())


if __name__ == "__main__":
    main()
