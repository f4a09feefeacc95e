#!/usr/bin/env python3
"""Takes PostgreSQL away from the server while it is at work — RELIABILITY §3 rows 3 and 7, RF11, RI05, I1 I2 I5 I11 I14.

    tests/tools/lost_database.py [--ledger FILE]

A PostgreSQL of its own, three times:

    read-only  it takes no writes any more, as a primary that was demoted
    pause      it stands still with every connection open, and goes on
    crash      it stops at once and cuts every connection; later it starts again

Meanwhile every request that needs the database is answered with 503, in time; discovery, the keys and liveness are served as ever;
and afterwards everything works again, without anybody doing anything. Nothing that was acknowledged is lost, and nothing that may
have been done unheard is done twice. Exit code 0: no violation.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import harness
import outage

REQUEST_TIMEOUT = 5  # seconds; the default of 30 would only make us wait
REFUSED_WITHIN = 5.0  # seconds: three for a connection, and some for a busy machine
PAUSED_WITHIN = REQUEST_TIMEOUT + 2.0
RECOVERS_WITHIN = 10.0  # seconds until everything is served, on a busy machine


def prove(run, postgres):
    """The three outages, and the reckoning."""
    server = run.server
    run.begin()
    run.resume()
    try:
        run.traffic()

        # Who only reads, and who asks whether the database answers, notices nothing.
        run.expect(outage.Outage("a read-only database", reads=["introspect"], ready=True))
        postgres.run("ALTER SYSTEM SET default_transaction_read_only = on")
        postgres.run("SELECT pg_reload_conf()")
        run.during()
        postgres.run("ALTER SYSTEM RESET default_transaction_read_only")
        postgres.run("SELECT pg_reload_conf()")
        run.afterwards(RECOVERS_WITHIN)

        run.remembered()
        run.expect(outage.Outage("a paused database", within=PAUSED_WITHIN))
        postgres.pause()
        run.during(times=1)
        postgres.resume()
        run.afterwards(RECOVERS_WITHIN)

        run.expect(outage.Outage("a crashed database", within=REFUSED_WITHIN))
        postgres.crash()
        run.during(times=1)
        postgres.start()
        run.afterwards(RECOVERS_WITHIN)
    finally:
        run.pause()
    run.finish()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ledger", help="write the ledger to this file")
    options = parser.parse_args()
    harness.end_cleanly()
    with tempfile.TemporaryDirectory(prefix="chancery-lost-") as directory:
        directory = Path(directory)
        postgres = harness.PostgresServer(directory)
        port = harness.free_port()
        server = harness.Server(directory, harness.default_binary(), postgres.url, f"http://127.0.0.1:{port}", port)
        server.environment["CHANCERY_SERVER__REQUEST_TIMEOUT_SECONDS"] = str(REQUEST_TIMEOUT)
        # A connection that is cut at the COMMIT leaves nobody knowing. Grace is there for that.
        run = outage.Run(server, exact=False)
        try:
            postgres.start()
            server.apply({"tenants": [outage.tenant(grace_seconds=60)]})
            server.start()
            prove(run, postgres)
        finally:
            server.kill()
            postgres.close()
        for line in server.panics():
            run.ledger.check("no panic", False, "server", line)
    if options.ledger:
        run.ledger.save(Path(options.ledger))
    sys.exit(run.summary("lost database"))


if __name__ == "__main__":
    main()
