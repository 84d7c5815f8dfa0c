"""Every text exists in every language, with its placeholders."""

import re

import polib
import pytest

from dev.compile_translations import LOCALES
from dev.translations import LANGUAGES, texts

PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|\{\w*\}|%%")
TAG = re.compile(r"</?([a-z]+[0-9]?)[^>]*>")
STATUS = re.compile(r"\b[45]\d\d\b")
MARKUP = re.compile(r"<[^>]*>|&[#\w]+;")


@pytest.fixture(scope="module")
def source() -> set:
    return set(texts())


@pytest.fixture(scope="module", params=LANGUAGES)
def catalogue(request: pytest.FixtureRequest) -> polib.POFile:
    return polib.pofile(str(LOCALES / request.param / "LC_MESSAGES" / "django.po"))


def translations(entry: polib.POEntry) -> list[str]:
    return list(entry.msgstr_plural.values()) if entry.msgid_plural else [entry.msgstr]


def test_every_text_is_translated(catalogue, source):
    done = [e for e in catalogue if e.translated() and not e.obsolete and all(translations(e))]
    known = {(e.msgctxt, e.msgid, plural) for e in done for plural in (None, e.msgid_plural)}
    missing = sorted(text for context, text, plural in source if (context, text, plural) not in known)
    assert not missing, f"run `make messages` and translate: {missing[:10]} ... ({len(missing)})"


def test_a_translation_keeps_the_placeholders_the_markup_and_the_status_codes(catalogue):
    wrong = []
    for entry in catalogue:
        for text in translations(entry):
            for pattern in (PLACEHOLDER, TAG, STATUS):
                expected = [set(pattern.findall(source)) for source in (entry.msgid, entry.msgid_plural) if source]
                if set(pattern.findall(text)) not in expected:
                    wrong.append((entry.msgid, text))
    assert not wrong, wrong[:5]


def test_a_translation_begins_and_ends_like_its_text(catalogue):
    """White space around a text is layout; losing a line break at the end breaks a mail."""
    for entry in catalogue:
        for text in translations(entry):
            assert text.startswith("\n") == entry.msgid.startswith("\n"), entry.msgid
            assert text.endswith("\n") == entry.msgid.endswith("\n"), entry.msgid


# Texts whose callers never count 0: each is shown only where there is at least one.
NEVER_ZERO = {
    "1 cause",  # contact/client_row.html: beside refused requests
    "1 request refused in 24 hours",  # contact/client_row.html, contact/client.html, security/client.html
    "Asks for a sensitive scope",  # portal/ui/signals/codes.py: among those asked for
    "Invalidate its 1 token",  # contact/secret_part.html, contact/key_card.html: where it has tokens
    "One answer needs your attention",  # components/error_summary.html: of a form with errors
    "Show the last request",  # components/failure_cause.html: where some were kept
    "The contact gets an e-mail.",  # contact/key_understood.html: a client keeps an owner
    "The key is added. Set its key id in your software.",  # portal/pages/credentials/keys.py: after at least one
    "There are more; this is the newest one.",  # security/client.html: where there are more
    "We would refuse this, for one reason",  # contact/dry_run.html: where something is wrong
}
COUNTED = re.compile(r"%\((?:\w*count\w*|\w*number|n|days|shown)\)s")


def test_a_french_plural_has_its_number_in_the_form_for_zero():
    """French uses its first form for 0 as well as 1: a 1 that is written out, or left out, would be wrong there."""
    catalogue = polib.pofile(str(LOCALES / "fr" / "LC_MESSAGES" / "django.po"))
    plurals = [entry for entry in catalogue if entry.msgid_plural and not entry.obsolete]
    known = {text for _context, text, plural in texts() if plural}
    wrong = [
        entry.msgid
        for entry in plurals
        if entry.msgid in known - NEVER_ZERO and not COUNTED.search(entry.msgstr_plural[0])
    ]
    assert not wrong, f"put the number's placeholder into msgstr[0]: {wrong}"


# Words that once stood beside the one that the pages of a language use for the same thing.
SECOND_WORDS = {
    "de": r"bekannt geworden|\bIssuer|Lebensdauer|Website|Introspektion|Benutzer(?!name)|\bMails?\b|Netz(werk)?adresse",
    "fr": r"[Rr]evendication|[Dd]urée de vie|boîte mail|\bun mail\b|examinateur|[Aa]dresse réseau|\btokens\b",
    "nl": r"levensduur|schors|databank|auditoren|[Nn]etwerkadres|\w'\w|\been mail\b",
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_language_has_one_word_for_one_thing(language):
    second = re.compile(SECOND_WORDS[language])
    catalogue = polib.pofile(str(LOCALES / language / "LC_MESSAGES" / "django.po"))
    plain = [PLACEHOLDER.sub("", MARKUP.sub("", t)).replace("E-Mail", "") for e in catalogue for t in translations(e)]
    wrong = [text for text in plain if second.search(text)]
    assert not wrong, wrong[:5]


# French puts a no-break space, wide or narrow, before double punctuation and inside guillemets.
ORDINARY_SPACE = re.compile(r"(?<=\S) [?!:;»]|« |(?<=[\d)s]) %%")
NO_SPACE = re.compile(r"[^\W\d_][?!;»]|«[^\u00a0\u202f]")


def test_french_punctuation_has_a_space_that_does_not_break():
    catalogue = polib.pofile(str(LOCALES / "fr" / "LC_MESSAGES" / "django.po"))
    wrong = []
    for entry in catalogue:
        for text in translations(entry):
            plain = MARKUP.sub("", text)
            if ORDINARY_SPACE.search(plain) or NO_SPACE.search(plain):
                wrong.append(text)
    assert not wrong, wrong[:5]
