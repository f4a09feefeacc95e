#!/usr/bin/env python3
"""Fills the disk below the SQLite file while the server is at work — RELIABILITY §3 row 13, RF10, RI05, I5 I9 I11 I14.

    tests/tools/full_disk.py [--by disk|limit]

    disk    a small tmpfs of our own, filled to the last byte: ENOSPC (needs root; chosen if it can be had)
    limit   a limit on the size of the files that the server may write, set while it runs: EFBIG, for everybody else

Twice. First the room comes back and the same process goes on: every write in between was answered with 503, every read as ever. Then
the server is killed while the disk is full. In the end everything that was acknowledged must be there, and nothing that was refused.
Exit code 0: no violation.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import harness
import outage

DISK = "24m"  # the database, a write-ahead log that has outgrown its checkpoint, and some room
RECOVERS_WITHIN = 10.0  # seconds until everything is served, on a busy machine
CHUNK = 1 << 20
LOG_ROOM = 1 << 18  # bytes; the write-ahead log passes this point within a moment, for it begins anew after a few megabytes only


class SmallDisk:
    """A file system of our own, of a few megabytes."""

    def __init__(self, directory):
        self.directory = directory / "disk"
        self.directory.mkdir()
        self.wrapper = []
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK},mode=700", "chancery-test", str(self.directory)], capture_output=True, text=True)
        if done.returncode != 0:
            raise PermissionError(done.stderr.strip())

    def fill(self, _server):
        """Takes what room is left; again and again, for a checkpoint may find some."""
        size = CHUNK
        with open(self.directory / "ballast", "ab", buffering=0) as ballast:
            while size:
                try:
                    ballast.write(bytes(size))
                except OSError:
                    size //= 2

    def free(self, _server):
        (self.directory / "ballast").unlink()

    def close(self):
        subprocess.run(["umount", str(self.directory)], check=False) if os.path.ismount(self.directory) else None


class SizeLimit:
    """The server writes nothing any more beyond so many bytes of a file. Its log, which is short, has room."""

    def __init__(self, directory):
        self.directory = directory / "disk"
        self.directory.mkdir()
        # Without this the signal that comes with the limit would end the process, as no full disk does.
        self.wrapper = ["env", "--ignore-signal=XFSZ"]
        self.limit = None

    def fill(self, server):
        if self.limit is None:
            self.limit = server.log.stat().st_size + LOG_ROOM
            resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (self.limit, resource.RLIM_INFINITY))

    def free(self, server):
        self.limit = None
        if server.process.poll() is None:
            resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))

    def close(self):
        pass


def make_disk(by, directory):
    """What was asked for; a small disk if nothing was and we may have one, else a limit."""
    if by != "limit":
        try:
            return "disk", SmallDisk(directory)
        except (PermissionError, FileNotFoundError) as error:
            if by == "disk":
                raise SystemExit(f"no file system of our own: {error}") from error
            (directory / "disk").rmdir()
    return "limit", SizeLimit(directory)


def prove(run, disk):
    """Both outages, and the reckoning."""
    server = run.server
    # What is full is not broken: who only reads, and who asks whether the database answers, notices nothing.
    full = {"reads": ["introspect"], "ready": True}
    run.begin()
    run.resume()
    try:
        run.traffic()
        run.expect(outage.Outage("a full disk", **full))
        disk.fill(server)
        run.during(meanwhile=lambda: disk.fill(server))
        disk.free(server)
        run.afterwards(RECOVERS_WITHIN)
        run.expect(outage.Outage("a full disk, and a kill", **full))
        disk.fill(server)
        run.during(meanwhile=lambda: disk.fill(server))
    finally:
        run.pause()
    run.finish(before_start=lambda: disk.free(server))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--by", choices=["disk", "limit"])
    parser.add_argument("--ledger", help="write the ledger to this file")
    options = parser.parse_args()
    harness.end_cleanly()
    with tempfile.TemporaryDirectory(prefix="chancery-disk-") as directory:
        directory = Path(directory)
        by, disk = make_disk(options.by, directory)
        port = harness.free_port()
        server = harness.Server(directory, [*disk.wrapper, *harness.default_binary()], harness.SqliteDatabase(disk.directory).url,
                                f"http://127.0.0.1:{port}", port)
        # A code or a refresh token that was refused must be as good as before: no grace hides the difference.
        run = outage.Run(server, exact=True)
        try:
            server.apply({"tenants": [outage.tenant(grace_seconds=0)]})
            server.start()
            prove(run, disk)
        finally:
            server.kill()
            disk.close()
        for line in server.panics():
            run.ledger.check("no panic", False, "server", line)
    if options.ledger:
        run.ledger.save(Path(options.ledger))
    sys.exit(run.summary(f"full disk ({by})"))


if __name__ == "__main__":
    main()
