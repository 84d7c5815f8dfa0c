"""The decision on a proposal. The form only validates; clients/acts/proposals.py decides."""

from django import forms

from portal.forms.reason import ReasonForm

CONFIRM, DECLINE, WITHDRAW = "confirm", "decline", "withdraw"


class ProposalForm(ReasonForm):
    """Decision on a proposal; `act` is the button that was pressed."""

    act = forms.ChoiceField(choices=[(name, name) for name in (CONFIRM, DECLINE, WITHDRAW)])
