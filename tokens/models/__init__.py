"""Tables of the authorization server: tokens, used assertions, refusal journal, and counts.

None of these tables has a foreign key in the database: the statement that inserts has joined the client already, and a
key check per row would take a lock on the client for every token. A client's row is never deleted, so no row dangles.
"""

from tokens.models.refusals import (
    AnonymousRefusal,
    JournalEntry,
    JournalEntryQuerySet,
    RefusalCount,
    RefusalCountQuerySet,
)  # fmt: skip
from tokens.models.tokens import IssuerKeyRequest, Token, TokenQuerySet, UsedAssertion
from tokens.models.usage import ApiCalls, CredentialUse, ScopeUse, UsageDay, UsageDetail, UsageDetailQuerySet

__all__ = [
    "AnonymousRefusal",
    "ApiCalls",
    "CredentialUse",
    "IssuerKeyRequest",
    "JournalEntry",
    "JournalEntryQuerySet",
    "RefusalCount",
    "RefusalCountQuerySet",
    "ScopeUse",
    "Token",
    "TokenQuerySet",
    "UsageDay",
    "UsageDetail",
    "UsageDetailQuerySet",
    "UsedAssertion",
]
