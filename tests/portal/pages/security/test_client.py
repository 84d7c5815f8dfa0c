"""A client on the Security team's page: suspend, close, override, and change its contacts."""

from datetime import UTC, datetime

import pytest
from django.urls import reverse

from audit.models import Entry
from clients.acts import lifecycle
from clients.acts.credentials import keys as key_acts
from clients.models import Client, ClientContact, Mail, Proposal
from tests.portal.support.html import Page, seen_on
from tests.portal.support.staff import signed_in
from tests.support import factories, keys

pytestmark = pytest.mark.django_db


def shown(page: str, /, *arguments: object) -> str:
    return signed_in(factories.noor()).get(reverse(page, args=arguments)).content.decode()


def post(page: str, /, *arguments: object, **data: object):
    data = {"reason": "Case 4711", **data}
    return signed_in(factories.noor()).post(reverse(page, args=arguments), data)


def save(page: str, /, *arguments: object, **data: object):
    """Opens the page of a form and saves this on it."""
    return post(page, *arguments, seen=seen_on(shown(page, *arguments)), **data)


def test_the_page_shows_what_its_contacts_see_but_no_secret(now) -> None:
    client, secret = factories.client()
    key = key_acts.add(client=client, key=keys.certificate(), by=factories.SYSTEM, now=now)
    text = signed_in(factories.noor()).get(reverse("security:client", args=[client.uid])).content.decode()
    for words in (
        client.client_id,
        key.kid,
        key.thumbprint,
        key.jwk["x5t#S256"],
        "address.read",
        "lotte@leiestroom.example",
        secret[-4:],
        "created the client",
    ):
        assert words in text
    assert secret not in text


def test_suspending_and_reactivating_need_a_reason_that_the_log_keeps(now) -> None:
    client, _secret = factories.client()
    assert post("security:change_client_status", client.uid, "suspend", reason="").status_code == 422
    assert post("security:change_client_status", client.uid, "suspend", reason="Leaked").status_code == 302
    client.refresh_from_db()
    assert client.status == Client.Status.SUSPENDED
    assert Entry.objects.first().note == "Leaked"
    assert post("security:change_client_status", client.uid, "suspend", reason="Again").status_code == 409
    post("security:change_client_status", client.uid, "reactivate", reason="New key")
    client.refresh_from_db()
    assert client.status == Client.Status.ACTIVE


def test_closing_is_for_good(now) -> None:
    client, _secret = factories.client()
    post("security:change_client_status", client.uid, "close", reason="Ended")
    text = signed_in(factories.noor()).get(reverse("security:client", args=[client.uid])).content.decode()
    assert "Change its state" not in text
    assert post("security:change_client_status", client.uid, "reactivate").status_code == 409
    assert (
        signed_in(factories.noor())
        .get(reverse("security:change_client_status", args=[client.uid, "delete"]))
        .status_code
        == 404
    )


def test_limits_and_lifetimes_are_overridden_for_one_client(now) -> None:
    client, _secret = factories.client()
    refused = save("security:client_settings", client.uid, token_lifetime=5, rate_limit="1e9")
    assert refused.status_code == 422
    assert "Give a whole number from 60 to 86,400." in refused.content.decode()
    assert "Leave empty for the default: 3600." in refused.content.decode()
    assert "3,600 seconds (default)" in shown("security:client", client.uid)
    save("security:client_settings", client.uid, token_lifetime=300, rate_limit=10, may_request_tokens="on")
    client.refresh_from_db()
    assert (client.token_lifetime, client.rate_limit) == (300, 10)
    save("security:client_settings", client.uid, may_request_tokens="on")
    client.refresh_from_db()
    assert client.token_lifetime is None


def test_scopes_are_taken_away(now) -> None:
    client, _secret = factories.client(scopes=(factories.scope(), factories.scope("parcel.read")))
    assert save("security:client_scopes", client.uid, scopes=["unknown"]).status_code == 422
    save("security:client_scopes", client.uid, scopes=["parcel.read"], defaults=["parcel.read", "address.read"])
    assert dict(client.client_scopes.values_list("scope__name", "is_default")) == {"parcel.read": True}
    save("security:client_scopes", client.uid)
    assert not client.client_scopes.exists()


def test_contacts_are_added_changed_mailed_and_removed(now) -> None:
    client, _secret = factories.client()
    post("security:add_client_contact", client.uid, name="Wim", email="wim@rekenhuis.example", role="editor")
    wim = client.contacts.get(user__email="wim@rekenhuis.example")
    assert Mail.objects.filter(kind=Mail.Kind.CONTACT_ADDED, to="wim@rekenhuis.example").exists()
    post("security:change_client_contact", client.uid, wim.uid, "owner")
    wim.refresh_from_db()
    assert wim.role == ClientContact.Role.OWNER
    post("security:change_client_contact", client.uid, wim.uid, "link")
    assert Mail.objects.filter(kind=Mail.Kind.LINK, to="wim@rekenhuis.example").exists()
    assert (
        signed_in(factories.noor())
        .get(reverse("security:remove_client_contact", args=[client.uid, wim.uid]))
        .status_code
        == 200
    )
    assert client.contacts.count() == 2  # asked first
    post("security:remove_client_contact", client.uid, wim.uid)
    assert not client.contacts.filter(pk=wim.pk).exists()


def test_what_is_closed_stays_as_it_is(now) -> None:
    client, _secret = factories.client()
    lifecycle.close(client=client, reason="x", by=factories.SYSTEM, now=now)
    browser = signed_in(factories.noor())
    address = reverse("security:client", args=[client.uid])
    text = browser.get(address).content.decode()
    for page in ("security:client_settings", "security:client_scopes", "security:add_client_contact"):
        assert f'"{reverse(page, args=[client.uid])}"' not in text
    entries = Entry.objects.count()
    for page, data in (
        ("security:client_settings", {"rate_limit": 5, "seen": client.settings_hash}),
        ("security:client_scopes", {"seen": client.scopes_hash}),
        ("security:add_client_contact", {"name": "W", "email": "w@x.example", "role": "owner"}),
    ):
        data["reason"] = "Case 4711"
        answer = browser.post(reverse(page, args=[client.uid]), data, follow=True).content.decode()
        assert "closed for good: it stays as it is" in answer
    role = reverse("security:change_client_contact", args=[client.uid, client.contacts.get().uid, "editor"])
    assert "closed for good" in browser.post(role, {"reason": "Case 4711"}, follow=True).content.decode()
    assert Entry.objects.count() == entries


def test_somebody_of_the_staff_is_no_contact(now) -> None:
    """They would get a link that opens no client; and the four eyes would look at themselves."""
    client, _secret = factories.client()
    response = post("security:add_client_contact", client.uid, name="Bram", email=factories.bram().email, role="owner")
    assert response.status_code == 422
    assert "This is a staff address" in response.content.decode()
    assert client.contacts.count() == 1


def test_the_page_says_when_no_link_was_mailed(now) -> None:
    client, _secret = factories.client()
    address = reverse("security:change_client_contact", args=[client.uid, client.contacts.get().uid, "link"])
    browser, answers = signed_in(factories.noor()), []
    for _ in range(6):
        answers.append(browser.post(address, {"reason": "Case 4711"}, follow=True).content.decode())
    assert all("A fresh link is on its way" in answer for answer in answers[:4])
    assert "No link was sent" in answers[-1]


def test_saving_the_scopes_it_has_is_no_change(now) -> None:
    client, _secret = factories.client()
    mails, entries = Mail.objects.count(), Entry.objects.count()
    save("security:client_scopes", client.uid, scopes=["address.read"], defaults=["address.read"])
    assert (Mail.objects.count(), Entry.objects.count()) == (mails, entries)


def test_of_two_who_change_the_scopes_the_second_sees_what_the_first_did(now) -> None:
    """Or what one took away after an incident would come back with what another adds."""
    names = ("address.read", "parcel.read", "person.read")
    kept, taken, added = (factories.scope(name) for name in names)
    client, _secret = factories.client(scopes=(kept, taken))
    seen = seen_on(shown("security:client_scopes", client.uid))
    save("security:client_scopes", client.uid, scopes=[kept.name])
    answer = post("security:client_scopes", client.uid, seen=seen, scopes=names, defaults=[kept.name])
    assert list(client.scopes.all()) == [kept]
    assert not Proposal.objects.exists()
    text = answer.content.decode()
    assert answer.status_code == 409
    assert "Someone changed this while you had it open" in text
    assert '<ins><span class="govuk-visually-hidden">After: </span>address.read parcel.read person.read</ins>' in text
    ticked = {box["value"] for box in Page(text).all("input") if box.get("name") == "scopes" and "checked" in box}
    assert ticked == set(names)  # nothing that was typed is lost
    assert (
        post("security:client_scopes", client.uid, seen=seen_on(text), scopes=[kept.name, added.name]).status_code
        == 302
    )
    assert Proposal.objects.get().content["scopes"] == [kept.name, added.name]


def test_of_two_who_change_settings_the_second_sees_what_the_first_did(now) -> None:
    client, _secret = factories.client()
    seen = seen_on(shown("security:client_settings", client.uid))
    save("security:client_settings", client.uid, rate_limit=10, may_request_tokens="on")
    answer = post("security:client_settings", client.uid, seen=seen, token_lifetime=300)
    client.refresh_from_db()
    assert (answer.status_code, client.rate_limit, client.token_lifetime) == (409, 10, None)
    text = answer.content.decode()
    for change in ("Before: </span>10<", "After: </span>300<", "Before: </span>Yes<", "After: </span>No<"):
        assert change in text
    assert post("security:client_settings", client.uid, seen=seen_on(text), token_lifetime=300).status_code == 302


def test_self_service_that_an_incident_paused_is_turned_on_in_the_settings(now) -> None:
    client, _secret = factories.client()
    client.self_service = "paused"
    client.save()
    assert "Adds nothing since an incident" in shown("security:client", client.uid)
    save("security:client_settings", client.uid, may_request_tokens="on")
    client.refresh_from_db()
    assert client.self_service == "paused"
    save("security:client_settings", client.uid, may_request_tokens="on", self_service="on")
    client.refresh_from_db()
    assert client.self_service == "on"


def test_the_last_owner_stays(now) -> None:
    client, _secret = factories.client()
    owner = client.contacts.get()
    response = signed_in(factories.noor()).post(
        reverse("security:remove_client_contact", args=[client.uid, owner.uid]), {"reason": "Case 4711"}, follow=True
    )
    assert "needs an owner" in response.content.decode()
    assert client.contacts.exists()


def test_the_last_owner_of_a_closed_client_can_go(now) -> None:
    """A closed client gets no new owner, so its contacts could never be removed."""
    client, _secret = factories.client()
    lifecycle.close(client=client, reason="x", by=factories.SYSTEM, now=now)
    post("security:remove_client_contact", client.uid, client.contacts.get().uid)
    assert not client.contacts.exists()


def test_a_contact_of_another_client_is_not_reached_through_this_one(now) -> None:
    one, _secret = factories.client()
    other, _secret = factories.client(contact=factories.wim())
    stranger = other.contacts.get().uid
    assert post("security:change_client_contact", one.uid, stranger, "link").status_code == 404
    assert post("security:remove_client_contact", one.uid, stranger).status_code == 404


def test_all_tokens_are_invalidated_behind_a_question(now) -> None:
    client, _secret = factories.client()
    assert signed_in(factories.noor()).get(reverse("security:invalidate_tokens", args=[client.uid])).status_code == 200
    post("security:invalidate_tokens", client.uid)
    assert Client.objects.get().epoch == client.epoch + 1


PAGES = [
    "security:client",
    "security:client_settings",
    "security:client_scopes",
    "security:add_client_contact",
    "security:invalidate_tokens",
]


@pytest.mark.parametrize("person", [factories.lotte, factories.ada])
def test_the_pages_are_not_there_for_others(now, person) -> None:
    client, _secret = factories.client()
    browser = signed_in(person())
    for name in PAGES:
        assert browser.get(reverse(name, args=[client.uid])).status_code == 404
        assert browser.post(reverse(name, args=[client.uid])).status_code == 404


def test_the_team_reads_refusals_in_the_words_of_the_clients_contacts() -> None:
    client, _secret = factories.client()
    other, _secret = factories.client()
    facts = {"sent": "https://auth.example/", "expected": ["https://auth.example"]}
    factories.refused(client, "audience", at=datetime.now(UTC), facts=facts)
    browser = signed_in(factories.noor())
    assert (
        "1 request refused in 24 hours" in browser.get(reverse("security:client", args=[client.uid])).content.decode()
    )
    text = browser.get(reverse("security:client_failures", args=[client.uid])).content.decode()
    assert "The aud of your client assertion is not one of our addresses" in text
    assert "Nothing was refused" in browser.get(reverse("security:client_failures", args=[other.uid])).content.decode()
