"""Signals in the record of a decision: as data, and in words for each reader (portal/ui/signals/)."""

import pytest
from django.conf import settings
from django.test import Client as Browser
from django.urls import reverse
from django.utils import translation

from audit.models import Entry
from clients.models import Registration
from portal.ui.signals.codes import WORDS, Code
from portal.ui.signals.signal import Signal, read
from tests.portal.support.staff import signed_in
from tests.support import factories

pytestmark = pytest.mark.django_db
FIRST = {
    "en": "First client of this organisation", "nl": "Eerste client van deze organisatie",
    "fr": "Premier client de cette organisation", "de": "Erster Client dieser Organisation",
}  # fmt: skip
FACTS = {
    "n": 2, "scopes": "address.read, parcel.read", "name": "Noor", "address": "noor@keydesk.example",
    "names": "Nοοr", "domain": "crowd.example", "domains": "leiestroom.example", "other": "cr0wd.example",
    "numbers": "BE 0403.170.701", "number": "BE 0403.170.701", "register": "no_answer", "found": "Leiestroom, Gent",
    "contacts": [["lotte@leiestroom.example", "2026-11-24"]],
}  # fmt: skip


def in_language(browser: Browser, language: str) -> Browser:
    browser.cookies[settings.LANGUAGE_COOKIE_NAME] = language
    return browser


def decided(now, language: str) -> Registration:
    registration = factories.submitted_request(now)
    browser = in_language(signed_in(factories.noor()), language)
    url = reverse("security:review", args=[registration.uid])
    data = {
        "decision": "reject", "seen": registration.content_hash, "message": "Too much.",
        "signals": browser.get(url).context["form"]["signals"].value(),
    }  # fmt: skip
    assert browser.post(url, data).status_code == 302
    return registration


def pages_of(registration: Registration) -> list[str]:
    """Return the pages with the signals of a decision: the request, the decided ones, its record, the entry."""
    entry = Entry.objects.with_action("registration.rejected").get()
    return [
        reverse("security:review", args=[registration.uid]),
        f"{reverse('security:queue')}?show=decided",
        reverse("auditor:decided_request", args=[registration.uid]),
        reverse("auditor:log_entry", args=[entry.seq]),
    ]


@pytest.mark.parametrize("language", FIRST)
def test_a_signal_is_read_in_the_language_of_the_reader_whatever_the_reviewers_was(now, language) -> None:
    browser = in_language(signed_in(factories.bram()), language)
    for page in pages_of(decided(now, "nl")):
        text = browser.get(page).text
        for other, words in FIRST.items():
            assert (words in text) is (other == language), (page, other)


def test_who_changes_the_language_between_reading_and_deciding_saw_the_same_signals(now) -> None:
    registration = factories.submitted_request(now)
    browser, url = signed_in(factories.noor()), reverse("security:review", args=[registration.uid])
    seen = in_language(browser, "de").get(url).context["form"]["signals"].value()
    data = {"decision": "reject", "seen": registration.content_hash, "message": "No.", "signals": seen}
    assert in_language(browser, "en").post(url, data).status_code == 302


def test_a_record_from_before_the_codes_stays_in_the_words_that_were_read(now) -> None:
    registration = decided(now, "en")
    old = ["warn: Eerste client van deze organisatie (zo stond het er: echt)"]
    Registration.objects.filter(pk=registration.pk).update(signals=old)
    text = in_language(signed_in(factories.noor()), "fr").get(reverse("security:review", args=[registration.uid])).text
    assert "Eerste client van deze organisatie (zo stond het er: echt)" in text
    assert FIRST["fr"] not in text


@pytest.mark.parametrize("code", Code)
def test_every_code_is_read_again_as_it_was_recorded_with_words_in_each_language(code) -> None:
    signal = Signal("bad", code, FACTS)
    assert read(signal.record) == signal
    said = set()
    for language in FIRST:
        with translation.override(language):
            said.add(read(signal.record).text)
            assert "%(" not in read(signal.record).sentence
    assert len(said) == len(FIRST)


def test_every_code_has_words() -> None:
    assert set(WORDS) == set(Code)


@pytest.mark.parametrize(
    "record", ["warn: free_mail", "warn: free_mail {", "warn: free_mail []", 'bad: contacts {"n": 1}', "sentence", ""]
)
def test_a_record_that_keydesk_did_not_write_is_shown_as_it_stands(record) -> None:
    assert read(record).sentence in record
