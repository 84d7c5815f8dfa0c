"""Reading of delivery status notifications (RFC 3464): which of our mails came back, by its Message-ID."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage, Message
from email.policy import default

MAX_BYTES = 256 * 1024  # of a report; what follows is not read
MAX_RECIPIENTS = 10  # of a report: each of our mails has one
MAX_REASON_LENGTH = 300
OUR_MESSAGE_ID = re.compile(r"<([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})@[^<>\s]+>")


@dataclass(frozen=True)
class Bounce:
    """A mail of ours that a server gave up on, for these addresses."""

    mail: uuid.UUID
    recipients: frozenset[str]
    reason: str  # one line, as the server wrote it


def read(report: bytes) -> Bounce | None:
    """Return what a report says; None for anything else: a delay, a success, an answer, a report on other mail."""
    try:
        message: EmailMessage = message_from_bytes(report[:MAX_BYTES], policy=default)
    except RecursionError:  # parts within parts, without end
        return None
    if message.get_content_type() != "multipart/report" or message.get_param("report-type") != "delivery-status":
        return None
    parts = {part.get_content_type(): part for part in reversed(list(message.iter_parts()))}
    failed = [block for block in _blocks(parts.get("message/delivery-status")) if _is_failed(block)]
    found = OUR_MESSAGE_ID.fullmatch(_message_id(parts))
    if not failed or found is None:
        return None
    return Bounce(
        mail=uuid.UUID(found[1]),
        recipients=frozenset(address for block in failed for address in _addresses(block)),
        reason=" ".join(str(failed[0].get("Diagnostic-Code") or failed[0].get("Status", "")).split())[
            :MAX_REASON_LENGTH
        ],
    )


def _blocks(part: Message | None) -> list[Message]:
    """Return the groups of fields about one recipient each: the first group is about the whole mail."""
    payload = part.get_payload() if part is not None else []
    return [block for block in payload if isinstance(block, Message)][1 : MAX_RECIPIENTS + 1]


def _is_failed(block: Message) -> bool:
    return str(block.get("Action", "")).strip().lower() == "failed"


def _addresses(block: Message) -> list[str]:
    """Return the addresses of "rfc822; lotte@leiestroom.example": the one we wrote to, and where it went."""
    named = [str(block.get(field, "")).partition(";")[2].strip() for field in ("Original-Recipient", "Final-Recipient")]
    return [address.lower() for address in named if address]


def _message_id(parts: dict[str, Message]) -> str:
    """Return the Message-ID of the mail that came back, whole or as its header alone."""
    whole = parts.get("message/rfc822")
    payload = whole.get_payload() if whole is not None else []
    if isinstance(payload, list) and payload and isinstance(payload[0], Message):
        return str(payload[0].get("Message-ID", "")).strip()
    header = parts.get("text/rfc822-headers")
    text = header.get_payload(decode=True) if header is not None else b""
    return (
        str(message_from_bytes(text, policy=default).get("Message-ID", "")).strip() if isinstance(text, bytes) else ""
    )
