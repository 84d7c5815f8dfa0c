"""Verdicts on the change log: one English, in audit/verification.py, and the same in every other language."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.utils import translation
from django.utils.translation import trans_real

from audit import signed_notes, verification
from audit.verification import Problem, Report
from portal.explanations.verdicts import OUTCOMES, REASONS, SAME_SOURCE, verdict

LANGUAGES = ("nl", "fr", "de")
MISTRUSTED = {"number": 2, "reason": "unknown_key"}
PACKAGES = ("portal", "tokens", "clients", "audit", "foundation")


def test_the_english_is_that_of_the_offline_verifier():
    with translation.override("en"):
        assert {code: str(text) for code, text in OUTCOMES.items()} == verification.OUTCOMES
        assert str(SAME_SOURCE) == verification.SAME_SOURCE
        assert {code: str(text) for code, text in REASONS.items()}.items() <= signed_notes.REASONS.items()


def test_every_outcome_of_a_verification_has_words():
    assert OUTCOMES.keys() == {*Problem, "empty", "intact", "unsigned", "behind"}


def test_every_reason_to_mistrust_a_checkpoint_has_words():
    """The others are of keys, which a verification is given and does not judge."""
    source = (Path(settings.BASE_DIR) / "audit" / "signed_notes.py").read_text()
    codes = set(re.findall(r'NoteRefused\("(\w+)"', source))
    assert codes == signed_notes.REASONS.keys()
    assert codes - REASONS.keys() == {"bad_origin", "not_a_key", "key_hash_differs"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_is_complete(language):
    catalogue = trans_real.translation(language)._catalog
    texts = [*verification.OUTCOMES.values(), verification.SAME_SOURCE, *(signed_notes.REASONS[r] for r in REASONS)]
    assert [text for text in texts if catalogue.get(text) in (None, "", text)] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_why_a_checkpoint_is_not_trusted_is_told_in_the_readers_language(language):
    report = Report(5, 5, 5, 1, problem=Problem.BAD_CHECKPOINT, details=MISTRUSTED)
    assert report.sentence == "Checkpoint 2 of the list cannot be trusted: not signed by a known key."
    with translation.override(language):
        assert str(REASONS["unknown_key"]) in verdict(report)
        assert "not signed" not in verdict(report)


def test_a_report_of_an_older_version_keeps_its_reason():
    details = {"number": 2, "reason": "not signed by a known key"}
    report = Report(5, 5, 5, 1, problem=Problem.BAD_CHECKPOINT, details=details)
    assert (
        verdict(report) == report.sentence == "Checkpoint 2 of the list cannot be trusted: not signed by a known key."
    )


def test_numbers_are_written_as_the_reader_is_used_to():
    with translation.override("nl"):
        assert "1.234.567" in verdict(Report(1_234_567, 1_234_567, 1_234_567, 1))


def test_no_module_marks_texts_with_a_translation_function_of_its_own():
    """Words belong into portal/explanations, where gettext is real."""
    root = Path(settings.BASE_DIR)
    modules = (path for package in PACKAGES for path in (root / package).rglob("*.py"))
    assert [path for path in modules if re.search(r"^\s*def _\(|^\s*_ = ", path.read_text(), re.MULTILINE)] == []
