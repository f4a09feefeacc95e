#!/usr/bin/env python3
"""Authlib against a running Chancery, over httpx2 and over requests. FACTS names the file of run.py."""

import json
import os
import secrets
import sys
import time
import urllib.parse
from pathlib import Path

import requests
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import OAuth2Client
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from authlib.oidc.core import CodeIDToken
from joserfc import jwk, jwt

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))

from browser import Browser  # noqa: E402 (found by the line above)

FACTS = json.loads(Path(os.environ["FACTS"]).read_text())
SUITE = os.environ.get("SUITE", "authlib")
ISSUER, CA = FACTS["issuer"], FACTS["ca"]
ALICE = FACTS["people"]["alice"]
SCOPE = "openid profile email offline_access"


class Suite:
    """Named checks: each prints `ok NAME` or `not ok NAME: why`."""

    passed = failed = 0

    def check(self, title, run, *arguments):
        """Runs one check; what it returns is handed on, None if it failed."""
        try:
            value = run(*arguments)
        except Exception as error:  # whatever goes wrong is the finding
            self.failed += 1
            told = " ".join(f"{type(error).__name__}: {error}".split())
            print(f"not ok {SUITE}: {title}: {told[:900]}", flush=True)
            return None
        self.passed += 1
        print(f"ok {SUITE}: {title}", flush=True)
        return value


def need(holds, why):
    """As assert, but also under -O."""
    if not holds:
        raise AssertionError(why)


def httpx_session(name, **more):
    known = FACTS["clients"][name]
    return OAuth2Client(client_id=name, client_secret=known.get("client_secret"), verify=CA,
                        token_endpoint_auth_method=known["token_endpoint_auth_method"], redirect_uri=(known["redirect_uris"] or [None])[0],
                        scope=SCOPE, code_challenge_method="S256", **more)


def requests_session(name, **more):
    known = FACTS["clients"][name]
    session = OAuth2Session(client_id=name, client_secret=known.get("client_secret"), token_endpoint_auth_method=known["token_endpoint_auth_method"],
                            redirect_uri=(known["redirect_uris"] or [None])[0], scope=SCOPE, code_challenge_method="S256", **more)
    session.verify = CA
    return session


def public(url):
    """A public JSON document."""
    answer = requests.get(url, verify=CA, timeout=30)
    answer.raise_for_status()
    return answer.json()


def discover():
    """The metadata document."""
    metadata = public(f"{ISSUER}/.well-known/openid-configuration")
    need(metadata["issuer"] == ISSUER, f"issuer is {metadata['issuer']}")
    return metadata


def sign_in(session, metadata, browser=None, **extra):
    """Code flow with PKCE through our pages; answers (tokens, nonce, the response URL)."""
    verifier, nonce = secrets.token_urlsafe(48), secrets.token_urlsafe(12)
    url, state = session.create_authorization_url(metadata["authorization_endpoint"], code_verifier=verifier, nonce=nonce, **extra)
    arrival = (browser or Browser(CA)).walk(url, session.redirect_uri, ALICE["username"], ALICE["password"])
    need(arrival.parameters.get("iss") == ISSUER, f"iss is {arrival.parameters.get('iss')}")
    tokens = session.fetch_token(metadata["token_endpoint"], authorization_response=arrival.url, state=state, code_verifier=verifier)
    return tokens, nonce, arrival.url


def id_token(metadata, tokens, nonce, client_id):
    """Signature by the published keys, then the claims as OpenID Connect Core §3.1.3.7 wants them."""
    keys = jwk.KeySet.import_key_set(public(metadata["jwks_uri"]))
    decoded = jwt.decode(tokens["id_token"], keys, algorithms=["ES256", "RS256", "PS256", "EdDSA", "Ed25519"])
    claims = CodeIDToken(decoded.claims, decoded.header, {"iss": {"essential": True, "value": ISSUER}, "aud": {"essential": True, "value": client_id}},
                         {"nonce": nonce, "client_id": client_id, "access_token": tokens["access_token"], "max_age": 0})
    claims.validate(now=time.time(), leeway=5)
    return claims


def whole_life(make, name, metadata):
    """Sign-in, ID token, userinfo, refresh, introspection, revocation with one session of the library."""
    with make(name) as session:
        tokens, nonce, _ = sign_in(session, metadata)
        claims = id_token(metadata, tokens, nonce, name)
        answer = session.get(metadata["userinfo_endpoint"])
        answer.raise_for_status()
        need(answer.json()["sub"] == claims["sub"], "userinfo speaks of another subject")
        need(answer.json()["email"] == ALICE["email"], "email")
        fresh = session.refresh_token(metadata["token_endpoint"], refresh_token=tokens["refresh_token"])
        need(fresh["access_token"] != tokens["access_token"], "the access token is a new one")
        refresh = fresh.get("refresh_token") or tokens["refresh_token"]
        if FACTS["clients"][name].get("client_secret"):
            said = session.introspect_token(metadata["introspection_endpoint"], token=fresh["access_token"], token_type_hint="access_token").json()
            need(said.get("active") is True and said["sub"] == claims["sub"] and said["client_id"] == name, f"introspection says {said}")
        answer = session.revoke_token(metadata["revocation_endpoint"], token=refresh, token_type_hint="refresh_token")
        need(answer.status_code == 200, f"revocation answered {answer.status_code}")
        refused(lambda: session.refresh_token(metadata["token_endpoint"], refresh_token=refresh), "invalid_grant")


def refused(run, code):
    """Runs what has to be refused with this error code."""
    try:
        run()
    except OAuthError as error:
        need(error.error == code, f"refused as {error.error}, not {code}")
        return
    raise AssertionError(f"not refused as {code}")


def replayed(metadata):
    with httpx_session("web") as session:
        tokens, _, url = sign_in(session, metadata)
        refused(lambda: session.fetch_token(metadata["token_endpoint"], authorization_response=url, code_verifier="x" * 43), "invalid_grant")
        need(tokens["access_token"], "an access token")


def silent(metadata):
    """Two clients, one browser: the second needs no password."""
    browser = Browser(CA)
    with httpx_session("web") as web, httpx_session("web-post") as other:
        sign_in(web, metadata, browser)
        verifier = secrets.token_urlsafe(48)
        url, _ = other.create_authorization_url(metadata["authorization_endpoint"], code_verifier=verifier, prompt="none")
        arrival = browser.walk(url, other.redirect_uri)
        need("code" in arrival.parameters, f"answered {arrival.parameters}")


def client_credentials(make, name, metadata, **extra):
    with make(name) as session:
        session.scope = None
        tokens = session.fetch_token(metadata["token_endpoint"], grant_type="client_credentials", **extra)
        need(tokens["token_type"].lower() == "bearer" and tokens["expires_in"] > 0, f"{tokens}")
        need("refresh_token" not in tokens, "no refresh token here")
        said = session.introspect_token(metadata["introspection_endpoint"], token=tokens["access_token"]).json()
        need(said.get("active") is True and said["sub"] == name, f"introspection says {said}")


def signed_assertion(metadata):
    """private_key_jwt as Authlib builds it."""
    with OAuth2Client(client_id="signer", client_secret=jwk.ECKey.import_key(FACTS["signing_key"]), token_endpoint_auth_method="private_key_jwt", verify=CA) as session:
        # Authlib's own audience would be the token endpoint; the issuer is what RFC 7523bis wants, and what this argument can say.
        session.register_client_auth_method(PrivateKeyJWT(ISSUER, alg="ES256", headers={"kid": FACTS["signing_key"]["kid"]}))
        tokens = session.fetch_token(metadata["token_endpoint"], grant_type="client_credentials")
        need(tokens["access_token"], "an access token")


def left(metadata):
    """RP-initiated logout, then prompt=none."""
    browser = Browser(CA)
    with httpx_session("web") as session:
        tokens, _, _ = sign_in(session, metadata, browser)
        to = FACTS["clients"]["web"]["post_logout_redirect_uris"][0]
        asked = {"id_token_hint": tokens["id_token"], "post_logout_redirect_uri": to, "state": "bye", "client_id": "web"}
        arrival = browser.walk(f"{metadata['end_session_endpoint']}?{urllib.parse.urlencode(asked)}", to)
        need(arrival.parameters.get("state") == "bye", f"came back with {arrival.parameters}")
        url, _ = session.create_authorization_url(metadata["authorization_endpoint"], code_verifier=secrets.token_urlsafe(48), prompt="none")
        arrival = browser.walk(url, session.redirect_uri)
        need(arrival.parameters.get("error") == "login_required", f"answered {arrival.parameters}")


def main():
    suite = Suite()
    metadata = suite.check("discovery", discover)
    if metadata:
        for make, over in ((httpx_session, "httpx2"), (requests_session, "requests")):
            for name in ("web", "web-post", "spa"):
                suite.check(f"{over}, {name}: sign-in, ID token, userinfo, refresh, introspection, revocation", whole_life, make, name, metadata)
            suite.check(f"{over}, machine: client credentials", client_credentials, make, "machine", metadata)
        suite.check("machine: client credentials for a resource",
                    lambda: client_credentials(httpx_session, "machine", metadata, resource=FACTS["resource"], scope="read"))
        suite.check("signer: private_key_jwt", signed_assertion, metadata)
        suite.check("web: a used code is refused", replayed, metadata)
        suite.check("web, then web-post: one session, no second password", silent, metadata)
        suite.check("web: RP-initiated logout", left, metadata)
    print(f"{SUITE}: {suite.passed} ok, {suite.failed} not ok")
    sys.exit(1 if suite.failed else 0)


if __name__ == "__main__":
    main()
