"""The confirmation that a client is still needed: of what was seen, by whom, once."""

from __future__ import annotations

import pytest

from audit.models import Entry
from clients.acts import lifecycle
from clients.acts.credentials import keys
from clients.acts.people import contacts
from clients.acts.recertification import answers, questions
from clients.edit_tags import Stale
from clients.models import Client, ClientContact, Recertification
from clients.refusal_codes import Code
from foundation.refusals import Refusal
from tests.clients.acts.recertification.test_questions import ASKED, DAY
from tests.support import factories
from tests.support.factories import NOW, SYSTEM, by, lotte
from tests.support.keys import public_key
from tests.support.parallel import at_once

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def asked() -> Client:
    client, _secret = factories.client(now=NOW)
    questions.settle(now=ASKED)
    return client


def tag(client: Client) -> str:
    return answers.tag_of(answers.what_is_confirmed(client, ASKED))


def test_the_entry_holds_what_was_confirmed(asked) -> None:
    asked.networks.create(network="192.0.2.0/24", first_at=NOW, is_new=False)
    asked.networks.create(network="198.51.100.0/24", first_at=NOW, is_new=True, was_us=False)
    version = Client.objects.get(pk=asked.pk).version
    answers.confirm(client=asked, seen=tag(asked), by=by(lotte()), now=ASKED + DAY)
    entry = Entry.objects.latest("seq")
    assert (entry.action, entry.actor_label) == ("client.recertified", lotte().audit_label)
    assert entry.changes == {
        "scopes": [None, "address.read"],
        "contacts": [None, ["Lotte Verhaeghe <lotte@leiestroom.example> (owner)"]],
        "credentials": [None, [f"…{asked.secrets.get().hint}"]],
        "networks": [None, ["192.0.2.0/24"]],
    }
    answered = Recertification.objects.get()
    assert (answered.confirmed_at, answered.confirmed_by) == (ASKED + DAY, lotte().audit_label)
    assert Client.objects.get(pk=asked.pk).version == version, "the authorization server has nothing to load again"


def another_scope(client: Client) -> None:
    scopes = [*client.scopes.all(), factories.scope("parcel.read")]
    lifecycle.change_scopes(client=client, scopes=scopes, defaults=(), by=SYSTEM, now=ASKED)


def another_contact(client: Client) -> None:
    contacts.add(
        client=client, email="an@x.example", name="An", role=ClientContact.Role.EDITOR, by=by(lotte()), now=ASKED
    )


def another_key(client: Client) -> None:
    keys.add(client=client, key=public_key(), by=by(lotte()), now=ASKED)


def another_network(client: Client) -> None:
    client.networks.create(network="192.0.2.0/24", first_at=ASKED, is_new=True)


@pytest.mark.parametrize("change", [another_scope, another_contact, another_key, another_network])
def test_nothing_is_confirmed_that_the_owner_did_not_see(asked, change) -> None:
    seen = tag(asked)
    change(asked)
    with pytest.raises(Stale):
        answers.confirm(client=asked, seen=seen, by=by(lotte()), now=ASKED)
    assert Recertification.objects.due(ASKED).exists()


def test_of_two_owners_at_once_one_confirms(asked) -> None:
    def confirm(_n: int) -> str:
        try:
            answers.confirm(client=asked, seen=tag(asked), by=by(lotte()), now=ASKED)
        except Refusal as refused:
            return refused.code
        return "confirmed"

    assert sorted(at_once(2, confirm)) == sorted(["confirmed", Code.ANSWERED_ALREADY])
    assert Entry.objects.with_action("client.recertified").count() == 1


def test_a_client_that_nobody_asked_about_cannot_be_confirmed() -> None:
    client, _secret = factories.client(now=ASKED)
    with pytest.raises(Refusal) as refused:
        answers.confirm(client=client, seen=tag(client), by=by(lotte()), now=ASKED)
    assert refused.value.code == Code.ANSWERED_ALREADY
