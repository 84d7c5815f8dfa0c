"""Who acts: every act takes one, and the change log keeps it."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from clients.models import User
from clients.refusal_codes import Code
from foundation.refusals import Refusal


@dataclass(frozen=True)
class Actor:
    """Who acts and from where: a person in a browser, or the system (a command, a task) when `user` is empty."""

    user: User | None = None
    address: str = ""
    request_id: str = ""
    system: str = "system"
    session: UUID | None = None  # the one that goes on when others of the same person end
    operator: str = ""  # who gave the command, where the system acts by one
    browser: str = ""  # "Firefox, Windows", for mails; the change log does not keep it

    @property
    def id(self) -> str:
        return self.user.audit_id if self.user else f"system:{self.system}"

    @property
    def is_contact(self) -> bool:
        """Whether contacts are told the name. To them, staff and commands are the Security team."""
        return self.user is not None and not self.user.is_staff_member

    @property
    def label(self) -> str:
        if self.user:
            return self.user.audit_label
        return f"{self.system}, {self.operator}" if self.operator else self.system

    def because(self, reason: str) -> str:
        """The reason, for the entry of the act. Raises Refusal where staff give none; others need none."""
        if not reason.strip() and self.user is not None and self.user.is_staff_member:
            raise Refusal(Code.REASON_MISSING)
        return reason


COMMAND_LINE = Actor(system="command line")
ITSELF = "keydesk"  # the `system` of what a rule demands, and no person does
