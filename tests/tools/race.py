#!/usr/bin/env python3
"""Races one-time values over two replicas on one database — RELIABILITY §3 row 8, I1 I2 I3 I18.

    tests/tools/race.py [--database postgres|sqlite] [--times 20] [--wide 64]

Two server processes share the database and the issuer. Requests go over connections that are already open, half to each replica;
of every request all but the last byte is sent ahead, and the last bytes go out together. Three races, each so many times:

    code      one code redeemed by all at once: exactly one success
    refresh   one refresh token used by all at once: every success holds the same successor, and that one lives
    strict    the same in a tenant with refresh_token_grace_seconds = 0: exactly one success, and its family is ended by the reuse

PostgreSQL is the one that $CHANCERY_TEST_POSTGRES names. (`sqlite` is for the stand-in of selftest.py: two processes on one SQLite
file are nothing the server promises.) Exit code 0: no violation.
"""

import argparse
import collections
import json
import selectors
import socket
import sys
import tempfile
import time
from pathlib import Path

import harness
import people
from browser import Browser, Stuck

ANSWERS_WITHIN = 30.0  # seconds until the slowest of one race has answered


class Lane:
    """One kept connection to one replica, for requests that are let go at a moment of choice."""

    def __init__(self, port):
        self.port, self.socket = port, None
        self.open()

    def open(self):
        if self.socket:
            self.socket.close()
        self.socket = socket.create_connection(("127.0.0.1", self.port), timeout=ANSWERS_WITHIN)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.received = b""

    def load(self, request):
        self.socket.settimeout(ANSWERS_WITHIN)
        self.socket.sendall(request[:-1])
        self.last, self.received = request[-1:], b""

    def fire(self):
        self.socket.send(self.last)

    def answer(self):
        """(status, body) once the whole answer is there, else None. A closed connection answers status 0."""
        try:
            piece = self.socket.recv(65536)
        except ConnectionError:
            piece = b""
        self.received += piece
        head, found, rest = self.received.partition(b"\r\n\r\n")
        if not found:
            return None if piece else (0, {})
        headers = {k.strip().lower(): v.strip() for k, _, v in (line.partition(":") for line in head.decode("latin-1").split("\r\n")[1:])}
        status = int(head.split(b" ", 2)[1])
        if "content-length" in headers:
            if len(rest) < int(headers["content-length"]):
                return None if piece else (0, {})
        elif not rest.endswith(b"0\r\n\r\n") and piece:
            return None
        if headers.get("connection", "").lower() == "close":
            self.open()
        start, end = rest.find(b"{"), rest.rfind(b"}")
        try:
            return status, json.loads(rest[start:end + 1]) if start >= 0 else {}
        except ValueError:
            return status, {}


def race(lanes, request):
    """Sends one request on every lane at the same moment; the answers, in the order of the lanes."""
    for lane in lanes:
        lane.load(request)
    time.sleep(0.01)  # what was sent ahead has arrived
    for lane in lanes:
        lane.fire()
    answers, waiting = {}, selectors.DefaultSelector()
    for lane in lanes:
        waiting.register(lane.socket, selectors.EVENT_READ, lane)
    until = time.monotonic() + ANSWERS_WITHIN
    while len(answers) < len(lanes) and time.monotonic() < until:
        for key, _ in waiting.select(timeout=1.0):
            if (answer := key.data.answer()) is not None:
                answers[key.data] = answer
                waiting.unregister(key.fileobj)
    waiting.close()
    for lane in lanes:
        if answers.setdefault(lane, (0, {}))[0] == 0:
            lane.open()
    return [answers[lane] for lane in lanes]


class Races:
    """Both replicas, their tenants, and the rules."""

    def __init__(self, options, directory):
        self.options = options
        self.database = harness.make_database(options.database, directory, "race")
        ports = [harness.free_port(), harness.free_port()]
        self.authority = f"127.0.0.1:{ports[0]}"
        self.replicas = [harness.Server(directory, harness.default_binary(), self.database.url, f"http://{self.authority}", port, name=f"replica{n}")
                         for n, port in enumerate(ports)]
        self.violations, self.answers = [], collections.Counter()
        self.races = 0

    def start(self):
        self.replicas[0].apply({"tenants": [people.tenant("graceful", 1), people.tenant("strict", 1, {"refresh_token_grace_seconds": 0})]})
        for replica in self.replicas:
            replica.start()
        self.callers = [people.Caller("127.0.0.1", replica.port, self.authority) for replica in self.replicas]
        self.browsers = {slug: Browser() for slug in ("graceful", "strict")}
        self.endpoints = {slug: self.callers[0].get(f"http://{self.authority}/t/{slug}/.well-known/openid-configuration") for slug in self.browsers}
        # I18: both replicas say the same of themselves.
        for slug in self.browsers:
            other = self.callers[1].get(f"http://{self.authority}/t/{slug}/.well-known/openid-configuration")
            self.check("I18 replicas answer alike", other == self.endpoints[slug], f"metadata of {slug} differs")
        self.lanes = [Lane(self.replicas[n % 2].port) for n in range(self.options.wide)]

    def stop(self):
        for replica in self.replicas:
            for line in replica.panics():
                self.check("no panic", False, line)
            replica.kill()
        self.database.close()

    def check(self, rule, holds, why):
        if not holds:
            self.violations.append(rule)
            print(f"VIOLATION in race {self.races}: {rule}: {why}", flush=True)

    def code(self, slug):
        """A fresh code; signs in the first time, later the session does."""
        found = people.authorize(self.browsers[slug], self.endpoints[slug], username="user0")
        if not isinstance(found, people.Code):
            raise Stuck(f"no code but {found}")
        return found

    def run_race(self, slug, form):
        self.races += 1
        began = time.monotonic()
        answers = race(self.lanes, self.callers[0].raw(self.endpoints[slug]["token_endpoint"], form))
        self.answers.update(f"{status} {body.get('error', '')}".strip() for status, body in answers)
        self.check("no 5xx but 503, no lost answer", all(s and (s < 500 or s == 503) for s, _ in answers), str(collections.Counter(s for s, _ in answers)))
        self.check("one answers within a second per eight", time.monotonic() - began < max(5.0, self.options.wide / 8), f"{time.monotonic() - began:.1f} s")
        return [body for status, body in answers if status == 200]

    def redeemed(self, slug):
        """The refresh token of a fresh grant."""
        caller = self.callers[self.races % 2]
        # The kind of race before this one may have taken longer than the server keeps an idle connection.
        caller.close()
        status, body = caller.post(self.endpoints[slug]["token_endpoint"], self.code(slug).form())
        if status != 200:
            raise Stuck(f"a fresh code was answered {status} {body}")
        return body["refresh_token"]

    def refresh(self, slug, token, replica):
        self.callers[replica].close()
        return self.callers[replica].post(self.endpoints[slug]["token_endpoint"], {"grant_type": "refresh_token", "refresh_token": token})

    def race_code(self):
        won = self.run_race("graceful", self.code("graceful").form())
        self.check("I1 one code, one token set", len(won) == 1, f"{len(won)} of {self.options.wide} succeeded")

    def race_refresh(self):
        token = self.redeemed("graceful")
        won = self.run_race("graceful", {"grant_type": "refresh_token", "refresh_token": token})
        successors = {body.get("refresh_token") for body in won}
        self.check("I3 a race within grace is answered", len(won) >= 1, "nobody succeeded")
        if len(successors) > 1:
            alive = [s for s in successors if self.refresh("graceful", s, self.races % 2)[0] == 200]
            self.check("I2 one live successor", False, f"{len(successors)} different successors in {len(won)} answers; {len(alive)} of them refresh")
        elif successors:
            # The successor lives on the replica that did not hear the last race as well.
            for replica in (0, 1):
                status, body = self.refresh("graceful", next(iter(successors)), replica)
                self.check("I2 the successor lives, on both replicas", status == 200, f"replica {replica}: {status} {body}")

    def race_strict(self):
        token = self.redeemed("strict")
        won = self.run_race("strict", {"grant_type": "refresh_token", "refresh_token": token})
        self.check("I2 one refresh token, one successor", len(won) == 1, f"{len(won)} of {self.options.wide} succeeded")
        if won:
            status, body = self.refresh("strict", won[0].get("refresh_token", token), self.races % 2)
            self.check("I2 reuse ends the family", status == 400, f"the successor was answered {status} {sorted(body)}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--database", choices=["sqlite", "postgres"], default="postgres")
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--wide", type=int, default=64, help="requests in one race")
    options = parser.parse_args()
    harness.end_cleanly()
    failed = False
    with tempfile.TemporaryDirectory(prefix="chancery-race-") as directory:
        races = Races(options, Path(directory))
        try:
            races.start()
            for name, run in (("code", races.race_code), ("refresh", races.race_refresh), ("strict", races.race_strict)):
                before, began = len(races.violations), time.monotonic()
                races.answers.clear()
                for _ in range(options.times):
                    run()
                    if len(races.violations) - before > 10:
                        print("more than ten violations: stopping early", flush=True)
                        break
                answers = ", ".join(f"{n} × {a}" for a, n in races.answers.most_common())
                print(f"{name}: {options.times} races of {options.wide} over two replicas in {time.monotonic() - began:.1f} s: {answers}", flush=True)
                if len(races.violations) > before:
                    failed = True
                    counted = collections.Counter(races.violations[before:])
                    print(f"not ok race {name}: " + ", ".join(f"{n} × {rule}" for rule, n in counted.items()), flush=True)
                else:
                    print(f"ok race {name}: {options.times} × {options.wide}, no violation", flush=True)
        finally:
            races.stop()
    sys.exit(1 if failed or races.violations else 0)


if __name__ == "__main__":
    main()
