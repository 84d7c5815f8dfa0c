"""Every text exists in every language, with its placeholders."""

import re

import polib
import pytest

from portal.compile_translations import LOCALES
from portal.translations import LANGUAGES, texts

PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|\{\w*\}|%%")
TAG = re.compile(r"</?([a-z]+[0-9]?)[^>]*>")


@pytest.fixture(scope="module")
def source() -> set:
    return texts()


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


def test_a_translation_keeps_the_placeholders_and_the_markup(catalogue):
    wrong = []
    for entry in catalogue:
        for text in translations(entry):
            for pattern in (PLACEHOLDER, TAG):
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
