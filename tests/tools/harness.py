"""Starting and stopping real servers for the tests: certificates, files for `apply`, databases, processes.

Standard library only. Used by `tests/clients/run.py` and by the fault tests beside it.
"""

import base64
import json
import os
import queue
import re
import secrets
import shlex
import shutil
import signal
import socket
import subprocess
import threading
import time
import urllib.parse
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
READY_WITHIN = 60.0  # seconds a debug build may take to answer, migrations included
STOP_WITHIN = 15.0  # seconds a drain may take after SIGTERM


def default_binary():
    """The command line of the server: $CHANCERY_BINARY (words as a shell splits them), or the debug build of this tree."""
    if named := os.environ.get("CHANCERY_BINARY"):
        # The server runs in a directory of its own: paths are made absolute.
        return [str(Path(word).resolve()) if "/" in word and Path(word).exists() else word for word in shlex.split(named)]
    built = ROOT / os.environ.get("CARGO_TARGET_DIR", "target") / "debug" / "chancery"
    if not built.exists():
        raise SystemExit(f"{built} is not there: `cargo build` first, or name another with CHANCERY_BINARY")
    return [str(built)]


def end_cleanly():
    """SIGTERM becomes an exception, so that what was started is stopped and cleaned up."""
    def end(*_):
        raise SystemExit(143)

    signal.signal(signal.SIGTERM, end)


def free_port():
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def openssl(*arguments, stdin=None):
    """Runs the openssl command; its error output goes into the exception."""
    done = subprocess.run(["openssl", *arguments], input=stdin, capture_output=True)
    if done.returncode != 0:
        raise RuntimeError(f"openssl {' '.join(arguments)}: {done.stderr.decode()}")
    return done.stdout


def make_certificates(directory):
    """A P-256 authority of our own and a certificate for localhost: paths of (authority, certificate, key)."""
    ca, ca_key = directory / "ca.pem", directory / "ca.key"
    cert, key, request = directory / "server.pem", directory / "server.key", directory / "server.csr"
    extensions = directory / "extensions.cnf"
    extensions.write_text(
        "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=serverAuth\n"
        "subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1\n"
    )
    p256 = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    openssl("req", "-x509", *p256, "-keyout", str(ca_key), "-out", str(ca), "-days", "2", "-subj", "/CN=Chancery test authority",
            "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign")
    openssl("req", *p256, "-keyout", str(key), "-out", str(request), "-subj", "/CN=localhost")
    openssl("x509", "-req", "-in", str(request), "-CA", str(ca), "-CAkey", str(ca_key), "-CAcreateserial", "-days", "2",
            "-extfile", str(extensions), "-out", str(cert))
    return ca, cert, key


def make_signing_key(kid):
    """A P-256 key as (private JWK, public JWK). Read off openssl's text form: the standard library has no elliptic curves."""
    text = openssl("pkey", "-text", "-noout", stdin=openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")).decode()

    def number(label):
        digits = re.search(label + r":\n((?:\s+[0-9a-f:]+\n)+)", text).group(1)
        return bytes.fromhex(re.sub(r"[\s:]", "", digits))

    def b64(data):
        return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

    d, point = number("priv")[-32:].rjust(32, b"\0"), number("pub")
    public = {"kty": "EC", "crv": "P-256", "x": b64(point[1:33]), "y": b64(point[33:]), "kid": kid, "use": "sig", "alg": "ES256"}
    return {**public, "d": b64(d)}, public


class PostgresDatabase:
    """A database of our own on the PostgreSQL that `admin_url` names; dropped by `close`."""

    def __init__(self, admin_url, name):
        self.admin_url = admin_url
        self.name = f"chancery_{name}_{secrets.token_hex(4)}"
        self.run(f'CREATE DATABASE "{self.name}"')
        self.url = urllib.parse.urlunsplit(urllib.parse.urlsplit(admin_url)._replace(path="/" + self.name))

    def run(self, statement):
        done = subprocess.run(["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-d", self.admin_url, "-c", statement], capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"psql: {done.stderr.strip()}")
        return done.stdout

    def close(self):
        self.run(f'DROP DATABASE IF EXISTS "{self.name}" WITH (FORCE)')


class PostgresServer:
    """A PostgreSQL of the test's own, to be stopped, paused and forbidden to write."""

    def __init__(self, directory):
        self.directory = directory / "postgres"
        self.directory.mkdir(mode=0o700)
        self.port, self.process, self.stopped = free_port(), None, []
        self.programs = self._programs()
        # It refuses to run as root; its package brings a user for that.
        self.user = {"user": "postgres", "group": "postgres", "extra_groups": []} if os.geteuid() == 0 else {}
        password, password_file = secrets.token_hex(16), self.directory / "password"
        password_file.write_text(password)
        if self.user:
            directory.chmod(0o711)
            for path in (self.directory, password_file):
                shutil.chown(path, "postgres", "postgres")
        self.url = f"postgres://chancery:{password}@127.0.0.1:{self.port}/postgres"
        # Plain passwords over loopback, as in tests/run: SCRAM costs an unoptimised client some milliseconds a connection.
        done = subprocess.run([self.programs / "initdb", "-D", self.directory / "data", "-U", "chancery", "--auth=password", f"--pwfile={password_file}",
                               "--encoding=UTF8", "--locale=C.UTF-8", "--no-instructions"], cwd=self.directory, capture_output=True, text=True, **self.user)
        if done.returncode != 0:
            raise RuntimeError(f"initdb: {done.stderr.strip()}")

    @staticmethod
    def _programs():
        """The directory of its programs, which Debian keeps out of the PATH: the newest version's."""
        if found := shutil.which("initdb"):
            return Path(found).parent
        versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda file: int(file.parts[-3]) if file.parts[-3].isdigit() else 0)
        if not versions:
            raise SystemExit("PostgreSQL is not installed")
        return versions[-1].parent

    def start(self):
        """Starts, or starts again after a crash; returns when it answers. Durable, but small."""
        settings = {"listen_addresses": "127.0.0.1", "port": self.port, "unix_socket_directories": "", "shared_buffers": "32MB", "max_connections": 60,
                    "wal_level": "minimal", "max_wal_senders": 0, "jit": "off", "log_min_messages": "warning"}
        with open(self.directory.parent / "postgres.log", "ab") as log:
            self.process = subprocess.Popen([self.programs / "postgres", "-D", self.directory / "data", *(f"--{name}={value}" for name, value in settings.items())],
                                            cwd=self.directory, stdin=subprocess.DEVNULL, stdout=log, stderr=log, **self.user)
        until = time.monotonic() + READY_WITHIN
        while True:
            try:
                return self.run("SELECT 1")
            except RuntimeError:
                if self.process.poll() is not None or time.monotonic() > until:
                    raise
                time.sleep(0.05)

    def run(self, statement):
        done = subprocess.run(["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-d", self.url, "-c", statement], capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"psql: {done.stderr.strip()}")
        return done.stdout

    def crash(self):
        """An immediate shutdown: connections are cut, nothing is written any more; the next start recovers."""
        self.process.send_signal(signal.SIGQUIT)
        self.process.wait(timeout=STOP_WITHIN)

    def pause(self):
        """Stands still: connections stay open, new ones are accepted by the kernel, nobody answers."""
        self._signal(self.process.pid, signal.SIGSTOP)
        # Nobody is added any more; the children are sessions of their own, out of reach for a signal to the group.
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                pid, _, rest = stat.read_text().rpartition(")")
            except OSError:
                continue  # ended meanwhile
            if int(rest.split()[1]) == self.process.pid:
                self._signal(int(pid.split()[0]), signal.SIGSTOP)

    def _signal(self, pid, number):
        os.kill(pid, number)
        self.stopped.append(pid)

    def resume(self):
        for pid in reversed(self.stopped):
            os.kill(pid, signal.SIGCONT)
        self.stopped = []

    def close(self):
        if self.process and self.process.poll() is None:
            self.resume()
            self.crash()


class SqliteDatabase:
    """A file in the directory of the run."""

    def __init__(self, directory):
        self.url = f"sqlite://{directory / 'chancery.db'}"

    def close(self):
        pass


def make_database(kind, directory, name):
    """`sqlite`, or `postgres` as $CHANCERY_TEST_POSTGRES names it."""
    if kind == "sqlite":
        return SqliteDatabase(directory)
    admin_url = os.environ.get("CHANCERY_TEST_POSTGRES")
    if not admin_url:
        raise SystemExit("set CHANCERY_TEST_POSTGRES=postgres://… (tests/run starts one), or choose sqlite")
    return PostgresDatabase(admin_url, name)


class Server:
    """One `chancery serve` process and the settings it is started with."""

    def __init__(self, directory, binary, database_url, public_url, port, certificate=None, name="server"):
        self.directory, self.binary, self.name, self.port = directory, binary, name, port
        self.process = None
        self.log = directory / f"{name}.log"
        self.config = directory / f"{name}.toml"
        # The environment wins over this file: so both layers are in play.
        self.config.write_text('[server]\nlisten = "127.0.0.1:1"\n')
        master_key = directory / "master.key"
        if not master_key.exists():
            master_key.write_text(base64.urlsafe_b64encode(secrets.token_bytes(32)).rstrip(b"=").decode() + "\n")
            master_key.chmod(0o600)
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith("CHANCERY_")}
        self.environment |= {
            "CHANCERY_SERVER__PUBLIC_URL": public_url,
            "CHANCERY_SERVER__LISTEN": f"127.0.0.1:{port}",
            "CHANCERY_DATABASE__URL": database_url,
            "CHANCERY_KEYS__MASTER_KEY_FILE": str(master_key),
        }
        if certificate:
            self.environment |= {"CHANCERY_TLS__CERT": str(certificate[0]), "CHANCERY_TLS__KEY": str(certificate[1])}

    def command(self, *arguments):
        """Runs another verb with the same settings; answers (exit code, what it printed)."""
        done = subprocess.run([*self.binary, *arguments, "--config", str(self.config)], cwd=self.directory, env=self.environment,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120)
        return done.returncode, done.stdout

    def apply(self, document):
        """`chancery apply`: brings the state of `document` in. Fails loudly."""
        file = self.directory / "apply.json"
        file.write_text(json.dumps(document, indent=1, ensure_ascii=False))
        code, printed = self.command("apply", str(file))
        if code != 0:
            raise RuntimeError(f"`apply` answered {code}:\n{printed}")
        return printed

    def start(self):
        """Starts and waits for the line that says requests are answered. Answers the seconds that took."""
        began = time.monotonic()
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([*self.binary, "serve", "--config", str(self.config), "--json"], cwd=self.directory,
                                            env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log)
        listening = queue.Queue()
        threading.Thread(target=self._read, args=(self.process.stdout, listening), daemon=True).start()
        try:
            event = listening.get(timeout=READY_WITHIN)
        except queue.Empty:
            event = None
        if event is None:
            self.kill()
            raise RuntimeError(f"{self.name} did not say that it listens; the end of its log:\n{self.tail()}")
        return time.monotonic() - began

    def _read(self, stream, listening):
        """Lets the listening line through, keeps the rest in the log; None once the server has ended."""
        with open(self.log, "ab") as log:
            for line in stream:
                log.write(line)
                log.flush()
                try:
                    event = json.loads(line)
                except ValueError:
                    continue
                if isinstance(event, dict) and event.get("event") == "listening":
                    listening.put(event)
        listening.put(None)

    def kill(self):
        """SIGKILL: nothing is flushed, nobody is told."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        if self.process:
            self.process.wait()

    def stop(self):
        """SIGTERM, as an operator would. Answers the exit code, or None if it had to be killed."""
        if self.process is None:
            return None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(timeout=STOP_WITHIN)
        except subprocess.TimeoutExpired:
            self.kill()
            return None

    def tail(self, lines=40):
        """The end of what it logged."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:]) if self.log.exists() else "(no log)"

    def panics(self):
        """Lines of the log that tell of a panic: there must be none, whatever happens."""
        return [line for line in self.log.read_text(errors="replace").splitlines() if "panicked at" in line] if self.log.exists() else []


class Report:
    """Counts and prints `ok NAME` and `not ok NAME`, which `tests/run` adds up."""

    def __init__(self):
        self.passed = self.failed = 0

    def ok(self, name):
        self.passed += 1
        print(f"ok {name}", flush=True)

    def not_ok(self, name, why):
        self.failed += 1
        print(f"not ok {name}: {why}", flush=True)
