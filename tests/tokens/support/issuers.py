"""A fixture issuer: it signs tokens of the form that a platform gives, for a client that trusts it."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, field
from typing import Any

from joserfc.jwk import Key

from clients import keymaterial
from clients.models import Client, Issuer, Trust
from tests.support.factories import NOW
from tests.tokens.support.checking import key
from tests.tokens.support.wire import ISSUER as OURS
from tests.tokens.support.wire import JWT_BEARER, Clock, public_jwk, sign

GITHUB, GITLAB = "https://token.actions.githubusercontent.com", "https://gitlab.example.com"
KUBERNETES, SPIRE = "https://oidc.cluster.example/id/7F3A", "https://spire.example.org"
TENANT, OBJECT = "2f1c4a6e-9d0b-4f7a-8a51-0c3f6f5d2b10", "9b7d3c52-61f4-4f0e-b1b3-5a8e4d7c6f21"
ENTRA, API = f"https://login.microsoftonline.com/{TENANT}/v2.0", "6e74172b-be56-4843-9ff4-e66a39bb12e3"
SERVICE_ACCOUNT = "14ee3fa4-a7e2-420f-9f9a-dbc4507c3798"


@dataclass
class FixtureIssuer:
    """Platform that signs tokens; `claims` and `header` are what it puts into each."""

    url: str
    clock: Clock
    subject: str
    claims: dict[str, Any] = field(default_factory=dict)
    header: dict[str, Any] = field(default_factory=dict)
    pinned: dict[str, Any] = field(default_factory=dict)
    algorithm: str = "RS256"
    key: Key = field(default_factory=lambda: key("RSA"))
    kid: str | None = "platform-1"
    audience: str = ""
    max_lifetime: int = 3600

    def jwk(self) -> dict[str, Any]:
        return public_jwk(self.key, kid=self.kid, use="sig", alg=self.algorithm)

    def register(self) -> Issuer:
        """As the Security team and the worker leave it: registered, enabled, its keys fetched."""
        (read,) = keymaterial.read(json.dumps(self.jwk()).encode(), now=NOW)
        kept = {"kid": self.kid or "", "jwk": dict(read.jwk), "algorithms": list(read.algorithms)}
        return Issuer.objects.create(
            name=self.url.removeprefix("https://")[:60], url=self.url, audience=self.audience,
            max_lifetime=self.max_lifetime, created_at=NOW, created_by="Noor", enabled_at=NOW, keys=[kept],
            keys_fetched_at=NOW,
        )  # fmt: skip

    def trust(self, client: Client, **changes: Any) -> Trust:
        """A trust of the client in this issuer's subject, with the claims that are pinned for such a platform."""
        issuer = Issuer.objects.filter(url=self.url).first() or self.register()
        facts = {"subject": self.subject, "claims": self.pinned, **changes}
        return Trust.objects.create(client=client, issuer=issuer, added_at=NOW, added_by="Lotte", **facts)

    def token(self, *, header: dict[str, Any] | None = None, payload: bytes | None = None, **claims: Any) -> str:
        """A token of this moment; None removes a member."""
        headers = {"alg": self.algorithm, "kid": self.kid, **self.header, **(header or {})}
        body = payload if payload is not None else json.dumps(self.content(**claims)).encode()
        return sign(_present(headers), body, self.key)

    def content(self, **changes: Any) -> dict[str, Any]:
        now = int(self.clock())
        times = {"iat": now, "nbf": now, "exp": now + 600, "jti": str(uuid.uuid4())}
        audience = self.audience or OURS
        return _present({"iss": self.url, "sub": self.subject, "aud": audience, **times, **self.claims, **changes})


def form(client: Client, jwt: str, **more: str) -> dict[str, str]:
    """A token request of a federated client, with everything that PROTOCOL F-32 wants."""
    given = {"grant_type": "client_credentials", "client_id": client.client_id}
    return {**given, "client_assertion_type": JWT_BEARER, "client_assertion": jwt, **more}


def _present(members: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}


def github(clock: Clock, **changes: Any) -> FixtureIssuer:
    """GitHub Actions: `nbf` lies ten minutes back; ids are strings."""
    claims = {
        "environment": "production", "ref": "refs/heads/main", "sha": "3fd0a0ee0e0ba0d0a8d5fb5f0d7f3b06d5f2c111",
        "repository": "leiestroom/facturen", "repository_owner": "leiestroom", "repository_owner_id": "65123",
        "repository_id": "742213905", "repository_visibility": "private", "actor": "lotte", "actor_id": "12",
        "run_id": "1234567890", "run_number": "10", "run_attempt": "2", "runner_environment": "github-hosted",
        "workflow": "deploy", "head_ref": "", "base_ref": "", "event_name": "push", "ref_type": "branch",
        "job_workflow_ref": "leiestroom/facturen/.github/workflows/deploy.yml@refs/heads/main",
        "nbf": int(clock()) - 600,
    }  # fmt: skip
    given: dict[str, Any] = {
        "subject": "repo:leiestroom/facturen:environment:production", "claims": claims,
        "header": {"typ": "JWT", "x5t": "QxuzxNZqfXJ8Wc3mQ6rMzUCeAqs"},
        "pinned": {"repository_id": "742213905", "repository_owner_id": "65123"},
    }  # fmt: skip
    return FixtureIssuer(GITHUB, clock, **given | changes)


def gitlab(clock: Clock) -> FixtureIssuer:
    claims = {
        "namespace_id": "72", "namespace_path": "leiestroom", "project_id": "20", "project_path": "leiestroom/facturen",
        "user_id": "1", "user_login": "lotte", "pipeline_id": "574", "pipeline_source": "push", "job_id": "302",
        "ref": "main", "ref_type": "branch", "ref_path": "refs/heads/main", "ref_protected": "true",
        "runner_id": 1, "runner_environment": "gitlab-hosted", "sha": "714a629c0b401fdce83e847fc9589983fc6f46bc",
    }  # fmt: skip
    subject = "project_path:leiestroom/facturen:ref_type:branch:ref:main"
    pinned = {"project_id": "20", "namespace_id": "72"}
    return FixtureIssuer(GITLAB, clock, subject, claims, {"typ": "JWT"}, pinned)


def kubernetes(clock: Clock) -> FixtureIssuer:
    """`kubectl create token --audience`: no typ, an array of one audience, the uid nested."""
    account = {"name": "facturen", "uid": SERVICE_ACCOUNT}
    claims = {"aud": [OURS], "kubernetes.io": {"namespace": "leiestroom", "serviceaccount": account}}
    claims["exp"] = int(clock()) + 3600
    pinned = {"/kubernetes.io/serviceaccount/uid": SERVICE_ACCOUNT}
    return FixtureIssuer(KUBERNETES, clock, "system:serviceaccount:leiestroom:facturen", claims, {}, pinned)


def entra(clock: Clock) -> FixtureIssuer:
    """A managed identity: its token names the API's own id and lives for 24 hours."""
    claims = {
        "oid": OBJECT, "tid": TENANT, "azp": OBJECT, "azpacr": "2", "ver": "2.0", "uti": "HfVYxVDDkkOPIRuWMbYYAA",
        "rh": "1.AXEAbkocLwudekKKUQw_b10rECty", "aio": "k2BgYLBq", "exp": int(clock()) + 86_400,
    }  # fmt: skip
    pinned = {"oid": OBJECT, "tid": TENANT}
    return FixtureIssuer(ENTRA, clock, OBJECT, claims, {"typ": "JWT"}, pinned, audience=API, max_lifetime=86_400)


def spire(clock: Clock) -> FixtureIssuer:
    """JWT-SVID: an array of one audience, ES256; `typ` may be JOSE (section 2.3)."""
    claims = {"aud": [OURS], "nbf": None, "jti": None, "exp": int(clock()) + 300}
    given: dict[str, Any] = {"algorithm": "ES256", "key": key("P-256", 7), "kid": "kDJZ8Vv0QhQz"}
    return FixtureIssuer(SPIRE, clock, "spiffe://example.org/facturen", claims, {"typ": "JOSE"}, {}, **given)


PLATFORMS = {"GitHub Actions": github, "GitLab": gitlab, "Kubernetes": kubernetes, "Entra": entra, "SPIRE": spire}
