"""Actors: every act takes one, and the change log records it."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from clients.models import Client, User
from clients.refusal_codes import Code
from foundation.refusals import Refusal


@dataclass(frozen=True)
class Actor:
    """Actor and where the act comes from: a person in a browser, a client by the management API, or the system.

    The system (a command, a task) acts when both `user` and `client` are empty.
    """

    user: User | None = None
    address: str = ""
    request_id: str = ""
    system: str = "system"
    session: UUID | None = None  # stays open when the person's other sessions end
    operator: str = ""  # the person who ran the command, where `system` acts
    client: Client | None = None
    for_team: bool = False  # the client is a program of the Security team, and acts on others
    credential: str = ""  # with which the client got its token: a key id, or the end of a secret
    browser: str = ""  # "Firefox, Windows", for mails; not in the change log

    @property
    def id(self) -> str:
        if self.user:
            return self.user.audit_id
        return self.client.audit_id if self.client else system_id(self.system)

    @property
    def is_rule(self) -> bool:
        """Whether Keydesk acts by itself, as a rule or the report of a leak demands."""
        return self.user is None and self.client is None and self.system in BY_RULE

    @property
    def is_contact(self) -> bool:
        """Whether contacts see the name. Staff and commands appear to them as the Security team."""
        return self.user is not None and not self.user.is_staff_member

    @property
    def label(self) -> str:
        if self.user:
            return self.user.audit_label
        if self.client:
            return f"{self.client.audit_label}, {self.credential}"
        return f"{self.system}, {self.operator}" if self.operator else self.system

    def because(self, reason: str) -> str:
        """Return the reason, for the entry of the act. Raises Refusal for the Security team without one."""
        is_staff = self.user is not None and self.user.is_staff_member
        if not reason.strip() and (is_staff or self.for_team):
            raise Refusal(Code.REASON_MISSING)
        return reason

    def check_self_service(self, client: Client) -> None:
        """Refuse to add a credential by the client itself unless it is `on`; people always may. Raises Refusal.

        `client` is read under its lock, so that no key slips in beside the act that pauses it.
        """
        if self.client is not None and client.self_service != Client.SelfService.ON:
            raise Refusal(Code.SELF_SERVICE_OFF)


def system_id(name: str) -> str:
    """Return the id of a `system`, in lower case as the change log's filter asks for it."""
    return f"system:{name.lower()}"


COMMAND_LINE = Actor(system="command line")
ANONYMOUS = "anonymous"  # the `system` of acts by somebody who is not signed in
KEYDESK_ITSELF = "keydesk"  # the `system` of acts that a rule demands
# The `system` of acts that the report of a leak demands, by who reported it (API M-16).
GITHUB_REPORT = "leak report (GitHub)"
GITLAB_REPORT = "leak report (GitLab)"
PAGE_REPORT = "leak report (page)"
BY_RULE = frozenset({KEYDESK_ITSELF, GITHUB_REPORT, GITLAB_REPORT, PAGE_REPORT})
