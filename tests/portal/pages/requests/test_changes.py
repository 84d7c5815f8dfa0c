"""Requests to change a client: each of its contacts follows them, also when who asked is one no more."""

import pytest
from django.urls import reverse

from audit.models import Entry
from clients.acts import client_requests, lifecycle, review
from clients.acts.people import contacts
from clients.mail.rendering import render
from clients.models import Client as ApiClient
from clients.models import ClientContact, Mail, Registration
from clients.refusal_codes import Code
from foundation.refusals import Refusal
from tests.portal.pages.requests.test_requests import FORM
from tests.portal.support import browsers
from tests.portal.support.html import Page
from tests.portal.support.staff import signed_in
from tests.support import factories

pytestmark = pytest.mark.django_db


def wims_change(now) -> tuple[ApiClient, ClientContact, Registration]:
    """An editor of Lotte's client asks for a change, and the Security team has a question."""
    client, lotte, wim = factories.client()[0], factories.by(factories.lotte()), factories.by(factories.wim())
    row = contacts.add(
        client=client, email=factories.wim().email, name="", role=ClientContact.Role.EDITOR, by=lotte, now=now
    )
    asked = client_requests.propose_change(client=client, content=factories.content(), by=wim, now=now)
    by = factories.by(factories.noor())
    review.request_changes(registration=asked, message="Why?", seen=asked.content_hash, by=by, now=now)
    return client, row, asked


def test_a_removed_contact_loses_the_request_they_made_about_the_client(now) -> None:
    _client, row, asked = wims_change(now)
    wim = browsers.of(factories.wim())
    assert asked.client_name in wim.get(reverse("contact:requests")).content.decode()
    contacts.remove(contact=row, by=factories.by(factories.lotte()), now=now)
    wim = browsers.of(factories.wim())
    for page in ("contact:request", "contact:edit_request", "contact:withdraw_request"):
        assert wim.get(reverse(page, args=[asked.uid])).status_code == 404
        assert wim.post(reverse(page, args=[asked.uid]), {**FORM, "text": "Hello"}).status_code == 404
    for page in ("contact:clients", "contact:requests"):
        assert asked.client_name not in wim.get(reverse(page)).content.decode()
    asked.refresh_from_db()
    assert asked.status == Registration.Status.CHANGES_REQUESTED


def test_each_contact_of_a_client_can_follow_and_withdraw_a_change_of_it(now) -> None:
    _client, _row, asked = wims_change(now)
    lotte = browsers.of(factories.lotte())
    assert asked.client_name in lotte.get(reverse("contact:requests")).content.decode()
    page = reverse("contact:request", args=[asked.uid])
    lotte.post(page, {"text": "Not this name."})
    assert Mail.objects.filter(kind=Mail.Kind.NEW_MESSAGE).count() == 0  # that is for what the Security team writes
    thread = browsers.of(factories.wim()).get(page).content.decode()
    assert "<b>Lotte Verhaeghe</b>" in thread
    assert lotte.post(reverse("contact:withdraw_request", args=[asked.uid])).status_code == 302
    assert "This request was withdrawn" in lotte.get(page).content.decode()


def test_a_rejected_change_leads_to_asking_for_a_change_not_for_a_client(now) -> None:
    client, _row, asked = wims_change(now)
    by = factories.by(factories.noor())
    review.reject(registration=asked, message="No.", seen=asked.content_hash, by=by, now=now, unanswered=True)
    again = reverse("contact:propose_change", args=[client.uid])
    text = browsers.of(factories.wim()).get(reverse("contact:request", args=[asked.uid])).content.decode()
    assert f'href="{again}">Make a new request' in text
    mail = render(Mail.objects.get(kind=Mail.Kind.REQUEST_REJECTED), now=now)
    assert f"http://testserver{again}" in mail.body
    assert f"http://testserver{again}" in mail.html
    for part in (text.partition("<main")[2], mail.body, mail.html):
        assert reverse("public:request_client") not in part.replace(reverse("contact:requests"), "")
    lifecycle.close(client=client, reason="Ended", by=by, now=now)
    text = browsers.of(factories.wim()).get(reverse("contact:request", args=[asked.uid])).text
    assert f'href="{reverse("public:request_client")}">Make a new request' in text


def test_mail_about_a_change_goes_to_owners_when_its_author_was_removed(now) -> None:
    _client, row, asked = wims_change(now)
    contacts.remove(contact=row, by=factories.by(factories.lotte()), now=now)
    Mail.objects.all().delete()
    noor = factories.by(factories.noor())
    client_requests.comment(registration=asked, text="Well?", by=noor, now=now)
    assert [(mail.kind, mail.to) for mail in Mail.objects.all()] == [(Mail.Kind.NEW_MESSAGE, factories.lotte().email)]


def test_a_request_stays_with_its_author_when_its_client_is_closed(now) -> None:
    asked, noor = factories.submitted_request(), factories.by(factories.noor())
    client = review.approve(
        registration=asked, scopes=[factories.scope()], defaults=[], seen=asked.content_hash, by=noor, now=now
    )
    wim, page = browsers.of(factories.wim()), reverse("contact:request", args=[asked.uid])
    assert wim.get(page).status_code == 200
    lifecycle.close(client=client, reason="Ended", by=noor, now=now)
    text = wim.get(page).content.decode()
    assert "Approved" in text
    assert reverse("contact:client", args=[client.uid]) not in text
    # Another contact of the client has no part in how it was first asked for.
    contacts_of = {"email": factories.lotte().email, "name": "", "role": ClientContact.Role.OWNER, "now": now}
    other = factories.submitted_request()
    made = review.approve(
        registration=other, scopes=[factories.scope()], defaults=[], seen=other.content_hash, by=noor, now=now
    )
    contacts.add(client=made, by=noor, reason="They asked", **contacts_of)
    assert browsers.of(factories.lotte()).get(reverse("contact:request", args=[other.uid])).status_code == 404


def test_more_scopes_need_their_own_reason_and_leave_the_description(made, browser, now) -> None:
    ApiClient.objects.filter(pk=made.pk).update(purpose="It draws parcels on a map.")
    factories.scope("person.read")
    url = reverse("contact:propose_change", args=[made.uid])
    page = browser.get(url).content.decode()
    folded = page.partition("Change the description or the names, too")[2].partition("</details>")[0]
    assert "It draws parcels on a map." in folded
    assert 'name="reason"' in page
    assert 'name="reason"' not in folded
    form = {
        "organisation": made.organisation, "client_name": made.name, "purpose": "It draws parcels on a map.",
        "scopes": ["address.read", "person.read"],
    }  # fmt: skip
    refused = browser.post(url, form)
    assert refused.status_code == 422
    assert "Say why the client needs this." in refused.content.decode()
    shown = browser.post(url, {**form, "reason": "For the names of owners."}, follow=True).content.decode()
    asked = Registration.objects.get()
    assert (asked.reason, asked.purpose) == ("For the names of owners.", "It draws parcels on a map.")
    assert "For the names of owners." in shown
    review = signed_in(factories.noor()).get(reverse("security:review", args=[asked.uid])).content.decode()
    assert "For the names of owners." in review
    changes = Entry.objects.with_action("registration.requested")[0].changes
    assert changes["reason"] == [None, "For the names of owners."]
    assert "purpose" not in changes
    assert "It draws parcels on a map." in review
    entry = Entry.objects.with_action("registration.requested").get()
    assert entry.changes["reason"] == [None, "For the names of owners."]


def test_a_reason_that_changed_while_it_was_read_is_read_again(made, now) -> None:
    content = factories.content(scopes=(factories.scope(),), reason="For letters.")
    asked = client_requests.propose_change(client=made, content=content, by=factories.by(factories.lotte()), now=now)
    seen, noor = asked.content_hash, factories.by(factories.noor())
    Registration.objects.update(reason="For something else.")
    with pytest.raises(Refusal, match=Code.REQUEST_CHANGED):
        review.reject(registration=asked, message="No.", seen=seen, by=noor, now=now)


def test_the_answer_to_a_question_can_say_the_reason_anew(made, browser, now) -> None:
    content = factories.content(scopes=(factories.scope(),), reason="For letters.")
    asked = client_requests.propose_change(client=made, content=content, by=factories.by(factories.lotte()), now=now)
    by = factories.by(factories.noor())
    review.request_changes(registration=asked, message="Why?", seen=asked.content_hash, by=by, now=now)
    url = reverse("contact:edit_request", args=[asked.uid])
    assert "For letters." in browser.get(url).content.decode()
    browser.post(url, {**FORM, "scopes": ["address.read"], "reason": "For letters about water."})
    asked.refresh_from_db()
    assert (asked.status, asked.reason) == (Registration.Status.SUBMITTED, "For letters about water.")


def linked_in_order(text: str) -> list[str]:
    """Return the controls that the summary of errors links to, in its order. Fails where the page has another."""
    page = Page(text)
    linked = [link["href"][1:] for link in page.all("a") if link.get("href", "").startswith("#id_")]
    assert linked == sorted(linked, key=page.ids.index)
    return linked


@pytest.mark.parametrize("page", ["contact:propose_change", "contact:edit_request", "public:request_client"])
def test_the_errors_of_a_request_are_in_the_order_of_its_fields(now, page) -> None:
    client, _row, asked = wims_change(now)
    args = {"contact:propose_change": [client.uid], "contact:edit_request": [asked.uid]}.get(page, [])
    if page == "contact:propose_change":
        client_requests.withdraw(registration=asked, by=factories.by(factories.lotte()), now=now)
    answer = browsers.of(factories.lotte()).post(
        reverse(page, args=args), {"scopes": "none.of.ours", "purpose": "x" * 5000}
    )
    assert answer.status_code == 422
    assert len(linked_in_order(answer.text)) > 3
