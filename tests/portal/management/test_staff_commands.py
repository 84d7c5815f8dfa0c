"""`invite_staff` and `deactivate_staff`: who comes in, who goes, and who says so."""

from __future__ import annotations

import getpass

import pytest
from allauth.mfa.models import Authenticator
from django.core.management import CommandError, call_command
from django.utils import timezone

from audit.models import Entry
from clients.acts import proposals, review
from clients.models import Mail, Proposal, User
from foundation.secret_format import generate
from portal.sign_in.allauth_internals import TOTP
from tests.portal.management.running import refused, run
from tests.support import factories

pytestmark = pytest.mark.django_db


def test_staff_are_invited_by_mail() -> None:
    answer = run("invite_staff", "--by", "Piet", "Noor@Keydesk.Example", "--name", "Noor", "--role", "security")
    assert answer == {"email": "noor@keydesk.example", "role": "security"}
    assert Mail.objects.get().kind == Mail.Kind.STAFF_INVITATION
    assert "already has the role" in refused(
        "invite_staff", "--by", "Piet", "noor@keydesk.example", "--name", "N", "--role", "auditor"
    )
    assert refused("invite_staff", "--by", "Piet", "noor", "--name", "N", "--role", "auditor")
    long = f"{'x' * 250}@a.example"
    assert "at most 254" in refused("invite_staff", "--by", "Piet", long, "--name", "N", "--role", "auditor")
    nameless = refused("invite_staff", "--by", "Piet", "ada@keydesk.example", "--name", " ", "--role", "auditor")
    assert nameless.startswith("name: ")


@pytest.mark.parametrize("command", [("invite_staff", "--name", "N", "--role", "auditor"), ("deactivate_staff",)])
def test_who_lets_staff_in_or_out_is_named(command) -> None:
    name, *more = command
    with pytest.raises(CommandError, match="--by"):
        call_command(name, "ada@keydesk.example", *more)
    for nobody in (" ", "P\u202eiet", "x" * 151, generate()):
        assert refused(name, "ada@keydesk.example", *more, "--by", nobody).startswith("by: ")
    assert not User.objects.exists()


def test_the_change_log_says_who_gave_a_command() -> None:
    run("invite_staff", "ada@keydesk.example", "--by", "Piet  Maes", "--name", "Ada", "--role", "auditor")
    run("create_api", "addresses", "--name", "Addresses")
    made, invited = Entry.objects.all()[:2]
    assert (invited.actor_label, invited.actor_id) == ("command line, Piet Maes", "system:command line")
    assert made.actor_label == f"command line, {getpass.getuser()}"


def test_a_contact_without_a_name_has_one_as_staff() -> None:
    User.objects.contact(email="ada@keydesk.example")
    run("invite_staff", "--by", "Piet", "ada@keydesk.example", "--name", "Ada", "--role", "auditor")
    assert User.objects.get().name == "Ada"


def test_somebody_who_lost_their_second_factor_starts_anew() -> None:
    user = factories.noor()
    user.set_password("correct horse battery")
    user.save()
    TOTP.activate(user, "JBSWY3DPEHPK3PXP")
    run("invite_staff", "--by", "Piet", user.email, "--name", user.name, "--role", "security", "--forget-sign-in")
    user.refresh_from_db()
    assert not user.has_usable_password()
    assert not Authenticator.objects.filter(user=user).exists()
    assert Entry.objects.first().note == "password and second factors ended"


def test_a_leavers_account_is_closed_and_an_invitation_opens_it_again() -> None:
    user = factories.noor()
    TOTP.activate(user, "JBSWY3DPEHPK3PXP")
    assert run("deactivate_staff", "--by", "Piet", "Noor@Keydesk.Example", "--reason", "Left") == {
        "email": user.email, "active": False,
    }  # fmt: skip
    user.refresh_from_db()
    assert (user.is_active, user.has_usable_password()) == (False, False)
    assert not Authenticator.objects.filter(user=user).exists()
    entry = Entry.objects.first()
    assert (entry.action, entry.changes, entry.note) == ("staff.deactivated", {"is_active": [True, False]}, "Left")
    assert "closed already" in refused("deactivate_staff", "--by", "Piet", user.email)
    run("invite_staff", "--by", "Piet", user.email, "--name", user.name, "--role", "security")
    assert User.objects.get(pk=user.pk).is_active
    assert Entry.objects.first().changes == {"is_active": [False, True]}


def test_the_first_word_of_who_was_deactivated_counts_no_more(now) -> None:
    scope = factories.scope("nrn", sensitive=True)
    registration, noor = factories.submitted_request(now, scopes=(scope,)), factories.by(factories.noor())
    told = {
        "registration": registration, "scopes": [scope], "defaults": [], "seen": registration.content_hash, "now": now,
    }  # fmt: skip
    review.approve(**told, by=noor)
    proposal = proposals.propose(
        kind=Proposal.Kind.SCOPE_EASED, about=scope, content={}, reason="x", by=noor, now=timezone.now()
    )
    run("deactivate_staff", "--by", "Piet", factories.noor().email, "--reason", "Misused.")
    registration.refresh_from_db()
    proposal.refresh_from_db()
    assert (registration.endorsed_by, proposal.outcome) == (None, Proposal.Outcome.WITHDRAWN)
    assert Entry.objects.first().note == f"Misused. First word taken back: {registration.number}, scope_eased (nrn)"
    assert review.approve(**told, by=factories.by(factories.bram())) is None


def test_only_the_account_of_staff_is_closed() -> None:
    assert "no member of staff" in refused("deactivate_staff", "--by", "Piet", factories.lotte().email)
    assert "no member of staff" in refused("deactivate_staff", "--by", "Piet", "nobody@keydesk.example")
    assert factories.lotte().is_active
