"""A request and a response, as small as the authorization server needs them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tokens.errors import Rule
    from tokens.snapshot import ClientSnapshot
    from tokens.throttle import Allowance


@dataclass(slots=True)
class Request:
    """What came in. The last three are filled in while it is being answered, for the log, the journal and headers."""

    endpoint: str
    id: str
    address: str  # "" when the server does not know it
    content_type: str
    authorization: str
    query: str
    body: bytes
    client: ClientSnapshot | None = None
    allowance: Allowance | None = None
    refused_by: Rule | None = None


@dataclass(slots=True)
class Response:
    """A JSON answer; the application adds the headers that all answers have."""

    status: int
    payload: dict[str, Any]
    headers: list[tuple[str, str]] = field(default_factory=list)
