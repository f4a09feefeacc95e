#!/usr/bin/env python3
"""Other people's client libraries against a real server over TLS, on a path issuer: once on SQLite, once on PostgreSQL.

    tests/clients/run.py [--database sqlite|postgres]… [--only openid-client|browser|authlib]…

Needs `npm ci` done in tests/clients/node and a Python with tests/clients/python/requirements.txt ($CHANCERY_TEST_PYTHON, else this one);
tests/run sees to both. $CHANCERY_TEST_POSTGRES names the PostgreSQL; $SHOTS a directory for screenshots.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "tools"))

import harness  # noqa: E402 (found by the line above)

DRIVER_WITHIN = 600  # seconds one driver may take
RESOURCE = "https://api.clients.example"
SCOPE = "openid profile email offline_access"
CODE = ["authorization_code", "refresh_token"]


def client(client_id, **members):
    """One client for `apply`, members as in RFC 7591."""
    return {"client_id": client_id, "client_name": client_id.replace("-", " ").capitalize(), "scope": SCOPE, "grant_types": CODE,
            "response_types": ["code"], **members}


def clients(spa_port, public_key):
    """Every kind of client that the drivers play."""
    def secret(name):
        return f"{name}-secret-0123456789-abcdefghijklmnop"

    def web(name, **members):
        return client(name, client_secret=secret(name), redirect_uris=[f"https://{name}.example/cb"], first_party=True,
                      post_logout_redirect_uris=[f"https://{name}.example/signed-out"], **members)

    return [
        client("spa", application_type="web", token_endpoint_auth_method="none", redirect_uris=[f"http://127.0.0.1:{spa_port}/callback"],
               post_logout_redirect_uris=[f"http://127.0.0.1:{spa_port}/signed-out"]),
        client("native", token_endpoint_auth_method="none", redirect_uris=["http://127.0.0.1/callback"], application_type="native"),
        web("web", token_endpoint_auth_method="client_secret_basic"),
        web("web-post", token_endpoint_auth_method="client_secret_post"),
        client("signer", token_endpoint_auth_method="private_key_jwt", redirect_uris=["https://signer.example/cb"], first_party=True,
               grant_types=[*CODE, "client_credentials"], jwks={"keys": [public_key]}, scope=f"{SCOPE} read"),
        client("machine", client_secret=secret("machine"), token_endpoint_auth_method="client_secret_basic", redirect_uris=[],
               grant_types=["client_credentials"], response_types=[], scope="read write"),
    ]


def person(username, name):
    return {"username": username, "email": f"{username}@clients.example", "email_verified": True, "name": name,
            "password": f"correct horse battery staple of {username}"}


def drivers(python):
    """Name and command line of each driver."""
    return {
        "openid-client": ["node", str(HERE / "node" / "openid_client.mjs")],
        "browser": ["node", str(HERE / "node" / "browser.mjs")],
        "authlib": [python, str(HERE / "python" / "authlib_client.py")],
    }


def drive(name, command, environment):
    """Runs one driver; its lines pass through. Answers (ok, not ok) as it printed them."""
    passed = failed = 0
    process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    limit = threading.Timer(DRIVER_WITHIN, process.kill)
    limit.start()
    try:
        for line in process.stdout:
            print(line, end="", flush=True)
            passed += line.startswith("ok ")
            failed += line.startswith("not ok ")
        code = process.wait()
    finally:
        limit.cancel()
        process.kill()  # nothing happens if it has ended
        process.wait()
    if (code != 0) != (failed > 0) or passed == 0:
        print(f"not ok {name}: ended with exit code {code} after {passed} ok and {failed} not ok")
        failed += 1
    return passed, failed


def on(database_kind, chosen, report):
    """All drivers on one database."""
    with tempfile.TemporaryDirectory(prefix="chancery-clients-") as directory:
        directory = Path(directory)
        database = harness.make_database(database_kind, directory, "clients")
        ca, cert, key = harness.make_certificates(directory)
        private, public = harness.make_signing_key("signer-1")
        port, spa_port = harness.free_port(), harness.free_port()
        server = harness.Server(directory, harness.default_binary(), database.url, f"https://localhost:{port}", port, (cert, key))
        document = {"tenants": [{
            "slug": "clients", "name": "Clients", "settings": {"client_registration": "open"},
            "clients": clients(spa_port, public), "users": [person("alice", "Alice Adams"), person("bob", "Bob Brown")],
            "resources": [{"resource": RESOURCE, "scopes": ["read", "write"]}],
        }]}
        tenant = document["tenants"][0]
        facts = directory / "facts.json"
        facts.write_text(json.dumps({
            "issuer": f"https://localhost:{port}/t/clients", "ca": str(ca), "spa_port": spa_port, "resource": RESOURCE, "signing_key": private,
            "clients": {c["client_id"]: c for c in tenant["clients"]}, "people": {p["username"]: p for p in tenant["users"]},
        }))
        # Each library has its own way to be told whom to trust.
        environment = {**os.environ, "FACTS": str(facts), "NODE_EXTRA_CA_CERTS": str(ca), "REQUESTS_CA_BUNDLE": str(ca), "SSL_CERT_FILE": str(ca),
                       "NO_PROXY": "localhost,127.0.0.1", "PYTHONDONTWRITEBYTECODE": "1"}
        try:
            server.apply(document)
            report.ok(f"{database_kind}: apply")
            took = server.start()
            print(f"# {database_kind}: listening after {took * 1000:.0f} ms", flush=True)
            failed_before = report.failed
            for name, command in drivers(os.environ.get("CHANCERY_TEST_PYTHON", sys.executable)).items():
                if name in chosen:
                    passed, failed = drive(name, command, {**environment, "SUITE": f"{database_kind} {name}"})
                    report.passed += passed
                    report.failed += failed
            if report.failed > failed_before:
                print(f"# the end of the server's log:\n{server.tail()}", flush=True)
            code = server.stop()
            if code == 0 and not server.panics():
                report.ok(f"{database_kind}: SIGTERM ends it cleanly")
            else:
                report.not_ok(f"{database_kind}: SIGTERM ends it cleanly", f"exit code {code}, panics: {server.panics()}")
            # Once more, over what the drivers left behind: what is declared is there, so nothing may fail or be made twice.
            server.apply(document)
            report.ok(f"{database_kind}: apply again")
        except RuntimeError as error:
            report.not_ok(f"{database_kind}: the server", str(error))
        finally:
            server.kill()
            database.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--database", action="append", choices=["sqlite", "postgres"])
    parser.add_argument("--only", action="append", choices=["openid-client", "browser", "authlib"])
    options = parser.parse_args()
    harness.end_cleanly()
    report = harness.Report()
    for database_kind in options.database or ["sqlite", "postgres"]:
        on(database_kind, options.only or ["openid-client", "browser", "authlib"], report)
    print(f"clients: {report.passed} ok, {report.failed} not ok")
    sys.exit(1 if report.failed else 0)


if __name__ == "__main__":
    main()
