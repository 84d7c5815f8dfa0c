"""The change log's pages: read, filter, page, export, verify."""

import re

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from audit import log
from audit.actions import Action
from audit.models import Entry
from clients.acts import lifecycle, review
from clients.acts.credentials import keys
from clients.models import Client, User
from portal.pages.auditor import change_log
from tests.audit.forging import ruling_the_database
from tests.portal.support.staff import signed_in
from tests.support import factories
from tests.support.keys import public_key

pytestmark = pytest.mark.django_db


def page(**filters: object) -> str:
    return signed_in(factories.ada()).get(reverse("auditor:change_log"), filters).content.decode()


def export(kind: str, **filters: object):
    query = "&".join(f"{name}={value}" for name, value in filters.items())
    return signed_in(factories.ada()).post(f"{reverse('auditor:log_export')}?{query}", {"format": kind})


def suspended(now):
    client, _secret = factories.client()
    lifecycle.suspend(client=client, reason="Leaked", by=factories.by(factories.noor()), now=now)
    return client


def test_an_entry_says_who_did_what_when_and_what_it_was_before(now) -> None:
    client = suspended(now)
    text = page()
    for words in (f"suspended the client {client.name}", "Noor El Amrani", "Leaked", "State", "Active", "Suspended"):
        assert words in text


@pytest.mark.parametrize("name", ["2026-13-41T25:00", "0001-01-01T00:00+14:00", "2026-11-24T09:30Z"])
def test_a_name_that_reads_like_a_moment_is_shown_as_it_is(name) -> None:
    """Strangers name what they ask for, and their entry stays in the log for good."""
    factories.submitted_request(client_name=name, organisation=name)
    text = page()
    assert text.count(name) >= 3
    assert name in export("csv").getvalue().decode()


MALFORMED = [
    "changes = '{\"rate_limit\": [1e5000, 2]}'",
    "changes = to_jsonb(1e400::numeric + 0.5)",
    'changes = \'{"ends_at": ["2026-13-41T25:00", "0001-01-01T00:00+14:00"], "x": 1}\'',
    "changes = '[[], {}]'",
    "changes = 'null'",
    "action = 'no {action} of ours {'",
    "client_ref = 'no client of ours'",
    "actor_label = '<', subject_label = '{', note = '{0}', address = 'nowhere'",
]


@pytest.mark.parametrize("changed", MALFORMED)
def test_an_entry_that_was_not_written_here_is_shown_exported_and_found(now, changed) -> None:
    """An attacker who adds a row to the change log must not hide it and others behind an error page."""
    client = suspended(now)
    with ruling_the_database() as cursor:
        cursor.execute(f"UPDATE audit_entry SET {changed} WHERE action = 'client.suspended'")
    ada, seq = signed_in(factories.ada()), Entry.objects.values_list("seq", flat=True)[0]
    for name, args in (("auditor:change_log", []), ("auditor:log_entry", [seq]), ("auditor:client_at", [client.uid])):
        assert ada.get(reverse(name, args=args)).status_code == 200
    for kind in ("csv", "jsonl"):
        assert export(kind).getvalue().decode().count("\n") > seq
    assert log.verify().first_bad_seq == seq


def test_an_entry_leads_to_the_history_of_its_client(now) -> None:
    client = suspended(now)
    assert f'href="{reverse("auditor:client_at", args=[client.uid])}">{client.name}<' in page()


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({"who": "noor@keydesk.example"}, True),
        ({"who": "el amrani"}, True),
        ({"who": "ada@audit.example"}, False),
        ({"action": "client.suspended"}, True),
        ({"action": "client."}, True),
        ({"action": "key."}, False),
        ({"client": "Meterstanden"}, True),
        ({"client": "nothing"}, False),
        ({"organisation": "leiestroom"}, True),
        ({"organisation": "Rekenhuis"}, False),
        ({"subject": "client:nothing"}, False),
        ({"api": "addresses"}, False),
        ({"not_who": "noor@keydesk.example"}, False),
        ({"not_who": "ada@audit.example"}, True),
        ({"not_action": "client.suspended"}, False),
        ({"not_action": "client."}, False),
        ({"not_action": "key."}, True),
        ({"action": "client.", "not_action": "client.created"}, True),
        ({"request_id": "test"}, True),
        ({"request_id": "other"}, False),
        ({"since": "2020-01-01", "until": "2090-01-01"}, True),
        ({"until": "2020-01-01"}, False),
        ({"since": "2090-01-01"}, False),
    ],
)
def test_filters_narrow_the_list(now, filters, found) -> None:
    suspended(now)
    assert ("Noor El Amrani suspended the client" in page(**filters)) is found


def test_who_got_or_lost_a_scope_is_found_and_not_who_kept_it(now) -> None:
    read, other = factories.scope(), factories.scope("address.readable")
    client, _secret = factories.client(scopes=(read,))
    factories.client(scopes=(other,))
    for scopes in ((read, other), (other,)):
        lifecycle.change_scopes(client=client, scopes=scopes, defaults=(), by=factories.SYSTEM, now=now)
    found = Entry.objects.with_grant("address.read")
    assert [(entry.action, entry.client_ref) for entry in found] == [
        ("client.scopes_changed", str(client.uid)), ("client.created", str(client.uid)),
    ]  # fmt: skip
    assert "<b>2 entries</b>" in page(scope="address.read")


def test_a_key_a_person_and_an_api_are_found_as_subjects(now) -> None:
    client, _secret = factories.client()
    key = keys.add(client=client, key=public_key(), by=factories.by(factories.lotte()), now=now)
    factories.api_owner()
    assert "<b>1 entry</b>" in page(subject=key.kid)
    assert "<b>1 entry</b>" in page(subject=key.audit_id)
    assert "invited" in page(subject=factories.elif_().email)
    assert "Elif Demir" in page(api="Addresses")


def test_the_log_of_a_client_is_found_by_a_client_id_that_it_had_before(now) -> None:
    client = suspended(now)
    lifecycle.change_client_id(client=client, seen=(first := client.client_id), by=factories.SYSTEM, now=now)
    assert f"suspended the client {client.name}" in page(client=first)


def test_both_approvals_are_in_the_log_of_the_client_that_they_made(now) -> None:
    """Only the second was: an auditor who looked at one client could not tell that two people had approved it."""
    request = factories.submitted_request(now, scopes=(factories.scope("person.read", sensitive=True),))
    for reviewer in (factories.bram(), factories.noor()):
        client = review.approve(
            registration=request, scopes=[factories.scope("person.read")], defaults=[], seen=request.content_hash,
            by=factories.by(reviewer), now=now,
        )  # fmt: skip
    past = signed_in(factories.ada()).get(reverse("auditor:client_at", args=[client.uid])).text
    for text in (past, page(client=client.client_id), page(client=client.name)):
        for words in ("confirmed the request", "Bram Wouters gave the first approval", "Noor El Amrani approved"):
            assert words in text


def test_a_request_that_was_rejected_is_found_by_the_name_of_its_client(now) -> None:
    request = factories.submitted_request(now)
    review.reject(
        registration=request, message="No.", seen=request.content_hash, by=factories.by(factories.noor()), now=now
    )
    assert "Noor El Amrani rejected the request" in page(client=request.client_name)


@pytest.mark.parametrize("filters", [{"client": "Koppeling"}, {"who": "Koppeling"}])
def test_a_filter_that_fits_too_many_says_so_instead_of_leaving_some_out(now, filters) -> None:
    """Entries of a hundred clients, shown and exported as if they were all."""
    Client.objects.bulk_create(Client(name=f"Koppeling {number}") for number in range(101))
    User.objects.bulk_create(User(email=f"{number}@k.example", name="Koppeling") for number in range(101))
    response = signed_in(factories.ada()).get(reverse("auditor:change_log"), filters)
    assert response.status_code == 422
    assert "More than 100 fit this." in response.content.decode()
    assert export("csv", **filters).status_code == 302
    Client.objects.all()[0].delete(), User.objects.exclude(name="Ada Claes")[0].delete()
    assert signed_in(factories.ada()).get(reverse("auditor:change_log"), filters).status_code == 200


def test_a_filter_that_cannot_be_read_is_an_error_beside_its_field() -> None:
    browser = signed_in(factories.ada())
    for filters in ({"since": "yesterday"}, {"action": "nonsense"}, {"since": "2026-02-02", "until": "2026-01-01"}):
        response = browser.get(reverse("auditor:change_log"), filters)
        assert response.status_code == 422
        assert "govuk-error-message" in response.content.decode()


def test_a_day_of_a_filter_is_shown_as_the_reader_writes_it() -> None:
    text = page(since="2026-11-02")
    assert "From: 2 November 2026" in text
    assert "From: 2026-11-02" not in text


def test_pages_go_on_where_the_last_one_ended(monkeypatch) -> None:
    monkeypatch.setattr(change_log, "PAGE_SIZE", 2)
    with transaction.atomic():
        for number in range(5):
            log.record(
                action=Action.LINK_OPENED, actor=factories.SYSTEM, subject=log.StaticSubject("s", f"entry {number}")
            )
    seqs = [entry.seq for entry in Entry.objects.all()[:5]]
    browser = signed_in(factories.ada())

    def shown(query: dict[str, int]) -> list[int]:
        return [row["seq"] for row in browser.get(reverse("auditor:change_log"), query).context["entries"]]

    assert shown({}) == seqs[:2]
    assert shown({"before": seqs[1]}) == seqs[2:4]
    assert shown({"before": seqs[3]}) == seqs[4:5]
    assert shown({"after": seqs[2]}) == seqs[:2]
    assert shown({"before": "x'"}) == seqs[:2]


def test_one_entry_shows_everything_it_holds(now) -> None:
    suspended(now)
    entry = Entry.objects.first()
    text = signed_in(factories.ada()).get(reverse("auditor:log_entry", args=[entry.seq])).content.decode()
    for words in ("client.suspended", "192.0.2.7", bytes(entry.leaf_hash).hex(), "Leaked"):
        assert words in text


def test_the_log_is_for_auditors_and_the_security_team() -> None:
    for name in ("auditor:change_log", "auditor:verify_log"):
        assert signed_in(factories.noor()).get(reverse(name)).status_code == 200
        assert signed_in(factories.lotte()).get(reverse(name)).status_code == 404
    assert signed_in(factories.lotte()).post(reverse("auditor:log_export")).status_code == 404


def test_fifty_entries_take_no_more_queries_than_one(now) -> None:
    browser, counts = signed_in(factories.ada()), []
    for more in (1, 49):
        with transaction.atomic():
            for _number in range(more):
                log.record(action=Action.LINK_OPENED, actor=factories.SYSTEM, subject=log.SITE)
        browser.get(reverse("auditor:change_log"))
        with CaptureQueriesContext(connection) as queries:
            browser.get(reverse("auditor:change_log"))
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_an_entry_that_made_something_lists_only_what_was_set(now) -> None:
    suspended(now)
    text = page()
    assert "What was set" in text
    assert "What changed" in text
    created = text[text.index("What was set") :]
    assert "not set" not in created[: created.index("</details>")]


def test_the_kinds_of_acts_are_found_by_their_first_letter(now) -> None:
    labels = re.findall(r'<option value="client\.\w+"[^>]*>([^<]+)<', page())
    assert labels
    assert all(label[0].isupper() for label in labels)


def test_the_history_of_a_client_has_pages(now) -> None:
    client = suspended(now)
    noor = factories.by(factories.noor())
    for number in range(30):
        lifecycle.reactivate(client=client, reason=f"{number}", by=noor, now=now)
        lifecycle.suspend(client=client, reason=f"{number}", by=noor, now=now)
    browser, url = signed_in(factories.ada()), reverse("auditor:client_at", args=[client.uid])
    first = browser.get(url)
    assert len(first.context["entries"]) == 50
    second = browser.get(url + first.context["older_url"].partition("#")[0])
    assert second.context["entries"][0]["seq"] < first.context["entries"][-1]["seq"]


def test_a_page_to_print_holds_more_entries_and_all_that_they_say(monkeypatch) -> None:
    monkeypatch.setattr(change_log, "PAGE_SIZE", 2)
    with transaction.atomic():
        for number in range(5):
            log.record(
                action=Action.LINK_OPENED,
                actor=factories.SYSTEM,
                subject=log.StaticSubject("s", "link"),
                note=f"note {number}",
            )
    folded, unfolded = page(action="link.opened"), page(action="link.opened", unfolded="1")
    assert (folded.count('<details class="kd-log__entry">'), folded.count("note ")) == (2, 2)
    assert (unfolded.count('<details class="kd-log__entry" open>'), unfolded.count("note ")) == (5, 5)
    assert 'href="?action=link.opened&amp;unfolded=1"' in folded
    assert 'href="?action=link.opened"' in unfolded


def test_what_an_entry_says_more_is_folded_away_and_its_line_is_not(now) -> None:
    suspended(now)
    entry = page(action="client.suspended")
    line = entry[entry.index("<summary><span") :].partition("</summary>")
    assert "Noor El Amrani suspended the client" in line[0]
    assert "noor@keydesk.example from 192.0.2.7" in line[0]
    assert "Leaked" not in line[0]
    assert "Leaked" in line[2].partition("</details>")[0]
