"""The one list of fields: each has its column and its label, and the content hash of a request stays what it was."""

import pytest

from audit.actions import FIELDS
from audit.models import Entry
from clients import fields
from clients.acts import client_requests, review
from clients.edit_tags import edit_tag
from clients.fields import CONTENT_FIELDS
from clients.models import Client, Registration
from clients.refusal_codes import Code
from foundation.refusals import Refusal
from portal.ui.field_rows import differences
from tests.support import factories


@pytest.mark.parametrize("field", CONTENT_FIELDS, ids=lambda field: field.name)
def test_a_field_has_its_columns_and_its_label(field: fields.Field) -> None:
    assert Registration._meta.get_field(field.name)
    assert not field.client or Client._meta.get_field(field.client)
    assert not field.log or field.log in FIELDS
    assert field.log or field.person, "a reviewer decides on it, and the change log would not hold it"


@pytest.mark.django_db
def test_a_new_requests_hash_is_the_one_that_earlier_decisions_have(now) -> None:
    asked = factories.submitted_request(now, scopes=(factories.scope("parcel.read"), factories.scope("address.read")))
    assert asked.content_hash == edit_tag(
        asked.client_name, asked.organisation, asked.contact_name, asked.contact_email, asked.purpose,
        ["address.read", "parcel.read"],
    )  # fmt: skip


@pytest.mark.django_db
def test_a_changes_hash_is_the_one_that_earlier_decisions_have(now) -> None:
    client, _secret = factories.client(contact=factories.lotte())
    asked = client_requests.propose_change(
        client=client, content=factories.content(reason="New law"), by=factories.by(factories.lotte()), now=now
    )
    assert asked.content_hash == edit_tag(
        asked.client_name, asked.organisation, asked.contact_name, asked.contact_email, asked.purpose,
        ["address.read"], "New law", client.status, client.name, client.organisation, client.purpose,
        client.scopes_hash,
    )  # fmt: skip


@pytest.mark.django_db
@pytest.mark.parametrize("field", [field for field in CONTENT_FIELDS if field.client], ids=lambda field: field.name)
def test_a_field_of_a_change_is_logged_shown_hashed_and_carried_out(now, field: fields.Field) -> None:
    lotte = factories.lotte()
    client, _secret = factories.client(contact=lotte)
    as_it_is = {**client.texts, "contact_name": lotte.name, "contact_email": lotte.email}
    scopes = tuple(client.scopes.all())
    content = client_requests.Content(texts=as_it_is | {field.name: "Something else"}, scopes=scopes)
    asked = client_requests.propose_change(client=client, content=content, by=factories.by(lotte), now=now)
    assert last("registration.requested")[field.log] == [client.texts[field.name] or None, "Something else"]
    assert [row["field"] for row in differences(asked)] == [str(FIELDS[field.log])]

    seen = asked.content_hash
    noor = factories.by(factories.noor())
    told = {"registration": asked, "by": noor, "now": now}
    Registration.objects.filter(pk=asked.pk).update(**{field.name: "Something else again"})
    with pytest.raises(Refusal, match=Code.REQUEST_CHANGED):
        review.approve(**told, scopes=scopes, defaults=scopes, seen=seen)
    asked.refresh_from_db()
    changed = review.approve(**told, scopes=scopes, defaults=scopes, seen=asked.content_hash)
    assert changed is not None
    assert changed.texts == client.texts | {field.name: "Something else again"}
    assert last("registration.approved")[field.log] == [client.texts[field.name] or None, "Something else again"]


def last(action: str) -> dict[str, list[object]]:
    return Entry.objects.with_action(action)[0].changes
