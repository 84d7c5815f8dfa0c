"""The change log as a file: a spreadsheet, or lines of JSON that verify without Keydesk."""

import csv
import io
import json
from datetime import timedelta

import pytest
from django.urls import reverse

from audit.models import Entry
from clients.acts import catalogue
from clients.acts.credentials import client_secrets
from portal.web import csv_download
from tests.portal.pages.auditor.test_change_log import export, suspended
from tests.portal.support.staff import signed_in
from tests.support import factories

pytestmark = pytest.mark.django_db


def test_the_csv_export_holds_the_filtered_entries_and_is_logged(now) -> None:
    suspended(now)
    response = export("csv", action="client.suspended")
    rows = list(csv.DictReader(io.StringIO(b"".join(response).decode("utf-8-sig"))))
    assert [row["action"] for row in rows] == ["client.suspended"]
    assert rows[0]["changes"] == "State: Active → Suspended"
    own = Entry.objects.first()
    assert (own.action, own.changes) == ("log.exported", {"filters": [None, "action=client.suspended"]})


def test_a_sentence_and_a_text_of_several_lines_read_well_in_french(now) -> None:
    client, _secret = factories.client()
    client_secrets.regenerate(
        client=client, replaces=client.secrets.get(), overlap=timedelta(0), by=factories.SYSTEM, now=now
    )
    catalogue.change_scope(
        scope=factories.scope(), description={"en": "Read", "fr": "Lire"}, sensitive=False, by=factories.SYSTEM
    )
    page = signed_in(factories.ada()).get(reverse("auditor:change_log"), headers={"accept-language": "fr"})
    text = page.content.decode()
    assert "le secret client\u00a0: le nouveau est" in text
    assert "en: Read<br>fr: Lire" in text
    assert "\\xa0" not in text
    assert "\\n" not in text


def test_an_export_with_an_unreadable_filter_leads_to_what_is_wrong(now) -> None:
    response = export("csv", since="tomorrow")
    assert response.url == f"{reverse('auditor:change_log')}?since=tomorrow"
    assert not Entry.objects.filter(action="log.exported").exists()


def test_the_jsonl_export_verifies_outside(now) -> None:
    suspended(now)
    lines = b"".join(export("jsonl")).splitlines()
    assert [json.loads(line)["seq"] for line in lines] == list(range(1, len(lines) + 1))


def test_a_cell_that_a_spreadsheet_would_run_is_defused() -> None:
    text = "".join(csv_download.lines([["=1+1", "+1", "-1", "@x", "plain", 5]]))
    assert text == "'=1+1,'+1,'-1,'@x,plain,5\r\n"


def test_an_export_of_a_part_has_a_name_of_its_own(now) -> None:
    suspended(now)
    browser = signed_in(factories.ada())
    whole = browser.post(reverse("auditor:log_export"), {"format": "jsonl"})
    part = browser.post(f"{reverse('auditor:log_export')}?action=client.suspended", {"format": "jsonl"})
    assert 'filename="change-log-2' in whole["Content-Disposition"]
    assert 'filename="change-log-selection-2' in part["Content-Disposition"]
    page = browser.get(reverse("auditor:change_log"), {"action": "client.suspended"}).text
    assert "cannot be verified on its own" in page
