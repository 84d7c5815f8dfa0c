"""Federated client authentication: a JWT of an issuer that the client trusts (PROTOCOL F-32 to F-34)."""

from __future__ import annotations

from typing import NamedTuple

from tokens.endpoints.proof import Proof
from tokens.protocol import federated, jws
from tokens.protocol.assertion import AssertionPolicy
from tokens.protocol.client import ClientSnapshot
from tokens.protocol.errors import InvalidClient, Refused, Rule
from tokens.protocol.traits import of_federated
from tokens.runtime.services import Services

# Refusals that newer keys of the issuer could mend.
_OF_KEYS = frozenset({Rule.KID, Rule.FEDERATED_KEYS_UNAVAILABLE})


class PresentedFederated(NamedTuple):
    """JWT of an issuer, for the client that the form names."""

    client_id: str
    jws: jws.Jws

    def prove(self, client: ClientSnapshot | None, policy: AssertionPolicy, now: float) -> Proof:
        trusts = client.trusts if client else ()
        try:
            proven = federated.verify(self.jws, client_id=self.client_id, trusts=trusts, policy=policy, now=now)
        except InvalidClient:
            if client is None:
                raise InvalidClient(Rule.UNKNOWN_CLIENT, sent=self.client_id) from None
            raise
        traits = of_federated(self.jws, proven.trust.issuer, now)
        return Proof(proven.trust.credential, traits=traits, tokens_end_by=proven.tokens_until)

    def is_own(self, client: ClientSnapshot | None) -> bool:
        """Return whether it is the client's own assertion after all, with an address as `iss` by mistake."""
        return federated.is_own(self.jws, self.client_id, client.trusts if client else ())

    def ask_for_keys(self, services: Services, client: ClientSnapshot | None, refusal: Refused) -> None:
        """Ask for the issuer's keys, without waiting for them, where newer ones could be the fix."""
        if client is not None and refusal.rule in _OF_KEYS:
            for trust in federated.of_issuer(client.trusts, self.jws.claims.get("iss"))[:1]:
                services.key_requests.ask(trust.issuer.id)
