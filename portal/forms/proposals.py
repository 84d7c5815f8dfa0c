"""The decision on a proposal. The form only validates; clients/acts/proposals.py decides."""

from typing import Any

from django import forms

from clients.models import Proposal
from portal.forms.reason import InternalReasonForm, ReasonForm

CONFIRM, DECLINE, WITHDRAW = "confirm", "decline", "withdraw"


class ProposalForm(ReasonForm):
    """Decision on a proposal; `act` is the button that was pressed."""

    act = forms.ChoiceField(choices=[(name, name) for name in (CONFIRM, DECLINE, WITHDRAW)])

    def __init__(self, *args: Any, proposal: Proposal, **kwargs: Any) -> None:
        if proposal.client is None:
            self.reason_help = InternalReasonForm.reason_help
        super().__init__(*args, **kwargs)
