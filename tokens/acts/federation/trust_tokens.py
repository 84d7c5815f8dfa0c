"""Tokens that were issued to trusts, marked as revoked when the trust or its issuer ends (PROTOCOL F-34).

They are dead before: introspection sees the trust and its issuer in the client's snapshot. The mark is for pages.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from clients.models import Issuer
from tokens.models import Token

CLIENTS_AT_ONCE = 100


def stop_of_issuer(issuer: Issuer, *, now: datetime) -> None:
    """Mark the tokens of all its trusts, those that ended too; a client after the other, in short transactions."""
    trusts = list(issuer.trusts.order_by("client_id").values_list("pk", "client_id"))
    for start in range(0, len(trusts), CLIENTS_AT_ONCE):
        some = trusts[start : start + CLIENTS_AT_ONCE]
        _stop([f"trust:{pk}" for pk, _client in some], {client for _pk, client in some}, now)


@transaction.atomic
def _stop(credentials: list[str], clients: set[int], now: datetime) -> None:
    """Lock the tokens in the order of sql.REVOKE, or the two could deadlock."""
    working = Token.objects.filter(client__in=clients, credential__in=credentials, issued_at__lte=now, revoked_at=None)
    in_order = working.filter(expires_at__gt=now).order_by("digest").select_for_update()
    Token.objects.filter(pk__in=in_order.values("pk")).update(revoked_at=now)
