"""Client authentication at the token, introspection and revocation endpoints (PROTOCOL R-5 to A-16).

`presented` finds the one credential of an HTTP request, `as_client` proves it and runs the act; an act that met an
outdated snapshot is repeated with a fresh one.
"""

from __future__ import annotations

import math
import re
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from hashlib import sha256
from typing import NamedTuple

from foundation import secret_format
from tokens.endpoints.federation import PresentedFederated
from tokens.endpoints.proof import Proof
from tokens.policy import METHODS
from tokens.protocol import assertion, federated, jws, parameters, slips
from tokens.protocol.assertion import ASSERTION_TYPE, AssertionPolicy
from tokens.protocol.client import ClientSecret, ClientSnapshot
from tokens.protocol.errors import InvalidClient, InvalidRequest, Refused, Rule, TooManyRequests
from tokens.protocol.http import Request, Response
from tokens.protocol.traits import of_assertion
from tokens.runtime.services import Services
from tokens.storage.batcher import Unavailable
from tokens.storage.store import Issue, Outcome

MAX_ATTEMPTS = 5

_CLIENT_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_DUMMY_SECRET = ClientSecret(credential="", digest=bytes(32), ends_at=0.0)


class ClientChanged(Exception):
    """Client that differs from its snapshot; nothing was written."""


class Replayed(InvalidClient):
    """Assertion that was used before (PROTOCOL A-14).

    Not repeated with a fresh snapshot: the statement that found the replay joined on the current version of the client.
    """


class PresentedSecret(NamedTuple):
    """Client id and secret, by Basic or in the form (PROTOCOL A-6 and A-7)."""

    client_id: str
    secret: str

    def prove(self, client: ClientSnapshot | None, policy: AssertionPolicy, now: float) -> Proof:
        digest = sha256(self.secret.encode()).digest()
        # Compare a digest for unknown clients too, so that the time does not tell whether a client exists.
        secrets = client.secrets if client and client.secrets else (_DUMMY_SECRET,)
        matching = [secret for secret in secrets if secret.is_digest_of(digest)]
        if not matching:
            slip = self._slip(secrets)  # for unknown clients too, for the same reason
            if client is not None:
                expected = secret_format.LENGTH
                raise InvalidClient(Rule.SECRET_WRONG, slip=slip, length=len(self.secret), expected_length=expected)
        if client is None:
            raise InvalidClient(Rule.UNKNOWN_CLIENT, sent=self.client_id)
        if matching[0].ends_at <= now:
            has_aged = matching[0].expires_at <= matching[0].ends_at  # PROTOCOL C-39
            rule = Rule.CREDENTIAL_ENDED if has_aged else Rule.SECRET_ENDED
            raise InvalidClient(rule, ended_at=int(matching[0].ends_at), our_clock=int(now))
        if not (client.secret_allowed and policy.secrets_accepted):
            raise InvalidClient(Rule.SECRET_NOT_ALLOWED)
        return Proof(matching[0].credential)

    def _slip(self, secrets: Sequence[ClientSecret]) -> str:
        def fits(text: str) -> bool:
            digest = sha256(text.encode()).digest()
            matching = [secret for secret in secrets if secret.is_digest_of(digest)]
            return bool(matching)

        return slips.of_secret(self.secret, client_id=self.client_id, fits=fits)


class PresentedAssertion(NamedTuple):
    """Signed assertion, `private_key_jwt` (PROTOCOL A-8 to A-15)."""

    client_id: str
    jws: jws.Jws

    def prove(self, client: ClientSnapshot | None, policy: AssertionPolicy, now: float) -> Proof:
        keys, restored_at = (client.keys, client.restored_at) if client else ((), 0.0)
        try:
            proven = assertion.verify(
                self.jws, client_id=self.client_id, keys=keys, policy=policy, now=now, restored_at=restored_at
            )
        except InvalidClient:
            if client is None:
                raise InvalidClient(Rule.UNKNOWN_CLIENT, sent=self.client_id) from None
            raise
        jti_digest = assertion.digest_of(proven.jti)
        traits = of_assertion(self.jws, proven.key, policy, now)
        return Proof(proven.key.credential, jti_digest, math.ceil(proven.expires_at), proven.remarks, traits)


Presented = PresentedSecret | PresentedAssertion | PresentedFederated


def presented(request: Request, form: dict[str, str]) -> Presented:
    """Return the credential of an HTTP request, which must use exactly one method (PROTOCOL R-5).

    RFC 6749 section 2.3. Raises InvalidRequest or InvalidClient.
    """
    in_header = bool(request.authorization)
    by_assertion = "client_assertion" in form or "client_assertion_type" in form
    if in_header + ("client_secret" in form) + by_assertion > 1:
        used = {"Authorization": in_header, "client_secret": "client_secret" in form, "client_assertion": by_assertion}
        raise InvalidRequest(
            Rule.SEVERAL_METHODS,
            "Use one method of client authentication.",
            sent=[name for name, is_used in used.items() if is_used],
        )
    if in_header:
        return _basic(request, form)
    if by_assertion:
        return _assertion(form)
    if "client_secret" in form:
        return PresentedSecret(parameters.required(form, "client_id"), form["client_secret"])
    raise InvalidClient(Rule.NO_CREDENTIALS, expected=list(METHODS))


def _basic(request: Request, form: dict[str, str]) -> PresentedSecret:
    client_id, secret = parameters.read_basic(request.authorization)
    if form.get("client_id", client_id) != client_id:
        raise InvalidRequest(
            Rule.CLIENT_ID_DIFFERS, "The client_id differs from the one that authenticated.",
            sent=form["client_id"], expected=client_id,
        )  # fmt: skip
    return PresentedSecret(client_id, secret)


def _assertion(form: dict[str, str]) -> PresentedAssertion | PresentedFederated:
    """Return the assertion of the form (RFC 7521 section 4.2)."""
    if parameters.required(form, "client_assertion_type") != ASSERTION_TYPE:
        raise InvalidClient(Rule.ASSERTION_TYPE, sent=form["client_assertion_type"], expected=ASSERTION_TYPE)
    parsed = jws.read(parameters.required(form, "client_assertion"))
    if federated.is_federated(parsed, names_client="client_id" in form):
        return PresentedFederated(parameters.required(form, "client_id"), parsed)
    if form.get("client_id", parsed.client_id) != parsed.client_id:
        raise InvalidClient(Rule.CLIENT_ID_DIFFERS, sent=form["client_id"], expected=parsed.client_id)
    return PresentedAssertion(parsed.client_id, parsed)


# Act of an authenticated client. When it returns, the assertion, if there was any, has been consumed.
Act = Callable[[ClientSnapshot, Proof], Awaitable[Response]]


async def as_client(services: Services, request: Request, credential: Presented, act: Act) -> Response:
    """Authenticate the client and run the act for it. Raises Refused or Unavailable.

    A refusal on the ground of a cached snapshot, or a snapshot that the database finds outdated (ClientChanged), is
    tried again with a fresh snapshot if that has another version.
    """
    client = services.clients.cached(credential.client_id)
    is_fresh = client is None  # it is then loaded below
    if client is None and _CLIENT_ID.fullmatch(credential.client_id):
        client = await services.clients.current(credential.client_id)
    for _attempt in range(MAX_ATTEMPTS):
        request.client = client
        try:
            proven, proof = _authenticate(services, request, credential, client)
            response = await act(proven, proof)
            if proof.jti_digest:
                _charge_for_spent(services, request, proven)
            return response
        except TooManyRequests as refusal:
            request.allowance = refusal.allowance
            raise
        except Replayed:
            raise
        except ClientChanged:
            client = await services.clients.current(credential.client_id, client)
        except Refused as refusal:
            fresh = client if is_fresh else await services.clients.current(credential.client_id, client)
            if fresh is client:
                if isinstance(credential, PresentedFederated):
                    credential.ask_for_keys(services, client, refusal)
                raise
            client = fresh
        is_fresh = True
    raise Unavailable("the client changes all the time")


def _authenticate(
    services: Services, request: Request, credential: Presented, client: ClientSnapshot | None
) -> tuple[ClientSnapshot, Proof]:
    if isinstance(credential, PresentedFederated) and credential.is_own(client):
        credential = PresentedAssertion(*credential)
    now = services.clock()
    proof = credential.prove(client, services.assertion_policy_for(client, now), now)
    request.credential, request.traits = proof.credential, proof.traits
    if client is None or not client.is_active:
        raise InvalidClient(Rule.CLIENT_NOT_ACTIVE, state=client.status if client else "")
    # PROTOCOL T-19: charge once, after the client was authenticated, so that a stranger cannot use up its limit.
    if request.allowance is None:
        if proof.jti_digest:
            services.rate_limits.check(request.endpoint, client)
        else:
            request.allowance = services.rate_limits.charge(request.endpoint, client)
    for rule, facts in proof.remarks:
        services.journal.remark(request, rule, facts)
    return client, proof


def _charge_for_spent(services: Services, request: Request, client: ClientSnapshot) -> None:
    """Charge the client's rate limit after its assertion was consumed.

    Until then an assertion may be a copy, and copies must not use up the client's limit, however many are under way at
    once. So a client can exceed its limit by the assertions that it has under way.
    """
    if request.allowance is None:
        request.allowance = services.rate_limits.charge(request.endpoint, client, is_done=True)


def consume_jti_first(services: Services, request: Request, act: Act) -> Act:
    """Return the act preceded by consuming the `jti`, once, in a statement of its own; for acts that store no token."""
    spent = False

    async def spend_and_act(client: ClientSnapshot, proof: Proof) -> Response:
        nonlocal spent
        if proof.jti_digest and not spent:
            raise_for_outcome(
                await services.store.issue(
                    Issue(client.id, client.version, jti_digest=proof.jti_digest, jti_expires_at=proof.jti_expires_at)
                ),
                proof,
            )
            spent = True
            _charge_for_spent(services, request, client)
        return await act(client, proof)

    return spend_and_act


def raise_for_outcome(outcome: Outcome, proof: Proof) -> None:
    """Raise ClientChanged or Replayed if nothing was written."""
    if outcome is Outcome.STALE:
        raise ClientChanged
    if outcome is Outcome.REPLAYED:
        raise Replayed(Rule.REPLAYED, jti_digest=assertion.short_digest(proof.jti_digest))


async def claimed_client(services: Services, request: Request) -> ClientSnapshot | None:
    """Return the client that a refused HTTP request claims to be, unproven; only for the refusal journal."""
    client_id = _claimed_id(request)
    if not _CLIENT_ID.fullmatch(client_id):
        return None
    try:
        return services.clients.cached(client_id) or await services.clients.current(client_id)
    except Unavailable:  # the refusal stands without the database too
        return None


def _claimed_id(request: Request) -> str:
    with suppress(Refused):
        return parameters.read_basic(request.authorization)[0]
    with suppress(Refused):
        form = parameters.read_form(request.content_type, request.body)
        return form.get("client_id") or jws.read(form.get("client_assertion", "")).client_id
    return ""
