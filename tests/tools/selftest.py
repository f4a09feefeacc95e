#!/usr/bin/env python3
"""Proves that kill_loop.py and race.py find what they look for: each bug planted in mock_server.py, one after the other, and none.

    tests/tools/selftest.py

A row: the planted bug, the tool that has to find it, the rule it has to name.
"""

import concurrent.futures
import os
import subprocess
import sys
from pathlib import Path

import harness

HERE = Path(__file__).resolve().parent
KILL = ["kill_loop.py", "--database", "sqlite", "--cycles", "5", "--seed", "7"]
RACE = ["race.py", "--database", "sqlite", "--times", "3", "--wide", "16"]
ROWS = [
    ("", KILL, None),
    ("", RACE, None),
    ("code-read-then-write", KILL, "I1 one code, one token set"),
    ("code-read-then-write", RACE, "I1 one code, one token set"),
    ("answer-before-commit", KILL, "I5 an acknowledged refresh token"),
    ("revocation-in-memory", KILL, "I6 an acknowledged revocation holds"),
    ("sign-out-in-memory", KILL, "I6 an acknowledged sign-out holds"),
    ("two-successors", KILL, "I2 one live successor"),
    ("two-successors", RACE, "I2 one live successor"),
    ("no-grace", KILL, "I5 an acknowledged refresh token"),
    ("grace-for-grandparent", KILL, "I3 no grace for a grandparent"),
    ("grace-for-grandparent", RACE, "I2 one refresh token, one successor"),
    ("key-in-memory", KILL, "I7 published keys stay"),
]


def verdict(row):
    """Runs one row; (its name, None or what was wrong)."""
    bug, (tool, *arguments), rule = row
    environment = os.environ | {"CHANCERY_BINARY": f"{sys.executable} {HERE / 'mock_server.py'}", "MOCK_BUG": bug}
    done = subprocess.run([sys.executable, str(HERE / tool), *arguments], env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    verdicts = [line for line in done.stdout.splitlines() if line.startswith(("ok ", "not ok "))]
    broken = [line for line in verdicts if line.startswith("not ok ")]
    if rule is None:
        right = done.returncode == 0 and verdicts and not broken
    else:
        right = done.returncode == 1 and any(rule in line for line in broken)
    name = f"{tool} finds {bug or 'nothing where nothing is'}"
    return name, None if right else f"exit {done.returncode}, {verdicts or done.stderr[-2000:]}"


def main():
    report = harness.Report()
    # Most of a run is waiting for a moment to kill: some of them fit beside each other.
    with concurrent.futures.ThreadPoolExecutor(max_workers=4) as at_once:
        for name, wrong in at_once.map(verdict, ROWS):
            if wrong is None:
                report.ok(name)
            else:
                report.not_ok(name, wrong)
    print(f"selftest: {report.passed} ok, {report.failed} not ok")
    sys.exit(1 if report.failed else 0)


if __name__ == "__main__":
    main()
