"""`manage.py policy`: show what policies bound, or propose a bound, which a person confirms on the page."""

from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError

from clients.actors import Actor
from clients.acts import proposals
from clients.models import PolicyBound, Proposal, User
from clients.policy.bounds import Bound
from clients.policy.words import told
from clients.refusal_codes import Code
from foundation.refusals import Refusal
from portal.management.act_command import ActCommand
from portal.pages.security.policy import place
from portal.pages.security.policy_forms import ProposedPolicyForm
from tokens.acts.policy import preview as policy_preview


class Command(ActCommand):
    help = "Show the bounds of policies on credentials, or propose one for a second person to confirm."

    def arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--propose", default="", metavar="BOUND", choices=["", *Bound], help=", ".join(Bound))
        parser.add_argument("--value", default="", help="a number, or names of algorithms; none for a switch")
        parser.add_argument("--withdraw", action="store_true", help="propose to withdraw this bound")
        parser.add_argument("--api", default="", help="only for clients with scopes of this API")
        parser.add_argument("--client", default="", help="only for the client with this client id")
        parser.add_argument("--existing-from", default="", help="day from which existing clients follow: 2027-03-01")
        parser.add_argument("--reason", default="", help="for the change log")

    def act(self, options: dict[str, Any], *, by: Actor, now: datetime) -> dict[str, object]:
        return self._propose(options, now) if options["propose"] else self._show(as_json=options["json"])

    def _show(self, *, as_json: bool) -> dict[str, object]:
        rows = PolicyBound.objects.select_related("client", "api")
        if not as_json:
            return {f"{place(row.subject)}, {told(row.bound, row.value)}": _dates(row) for row in rows}
        where = [{"api": row.api and row.api.identifier, "client": row.client and row.client.client_id} for row in rows]
        return {
            "bounds": [
                {"bound": row.bound, "value": row.value, **place, **_dates(row)}
                for row, place in zip(rows, where, strict=True)
            ]
        }

    def _propose(self, options: dict[str, Any], now: datetime) -> dict[str, object]:
        typed = {name: options[name] for name in ("value", "api", "existing_from", "reason")}
        typed |= {"bound": options["propose"], "client_id": options["client"]}
        form = ProposedPolicyForm(typed | ({"withdraw": "on"} if options["withdraw"] else {}), now=now)
        if not form.is_valid():
            raise ValidationError(form.errors.as_data())
        team = User.objects.filter(email__iexact=options["by"].strip(), role=User.Role.SECURITY, is_active=True)
        if (proposer := team.first()) is None:
            raise Refusal(Code.NOT_SECURITY_TEAM)
        wanted, affected = form.wanted, policy_preview.affected(form.wanted, now=now)
        proposal = proposals.propose(
            kind=Proposal.Kind.POLICY_CHANGED, about=wanted.about, content={**wanted.content, "affected": affected},
            reason=form.cleaned_data["reason"], by=Actor(user=proposer), now=now,
        )  # fmt: skip
        stopped = policy_preview.stopped(wanted, now=now)
        names = [{"client_id": one.client.client_id, "at": one.at.isoformat()} for one in stopped]
        return {"proposal": str(proposal.uid), "stops": names, "mails_contacts_of": len(affected)}


def _dates(row: PolicyBound) -> dict[str, object]:
    return {
        "new_clients_from": row.in_force_from.isoformat(),
        "existing_clients_from": row.existing_from.isoformat() if row.existing_from else None,
    }
