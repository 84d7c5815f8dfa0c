"""Preheaders: the text that a mailbox shows beside the subject of a mail."""

import re

import pytest

from clients.access import one_time_codes
from clients.mail.rendering import MailText, render
from clients.models import Mail, MailedCode
from tests.clients.mail.test_mail_texts import KINDS, NOW, mail, rendered

pytestmark = pytest.mark.django_db


def preheader_of(text: MailText) -> str:
    found = re.search(r"<div style=\"display:none[^>]*>([^<]*)<", text.html)
    assert found
    return found[1]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("language", ["en", "nl", "fr", "de"])
def test_what_a_mailbox_shows_beside_the_subject_says_more_than_it(kind, language) -> None:
    text = rendered(kind, language=language)
    preheader = preheader_of(text)
    assert len(preheader) > 30
    assert not preheader.startswith((text.subject.partition(" (")[0], text.body.split()[0]))
    assert "http" not in preheader
    assert not re.search(r"[(:]\s*$", preheader)


def test_the_code_is_in_what_a_mailbox_shows_beside_the_subject() -> None:
    row = mail(Mail.Kind.CODE)
    row.code = one_time_codes.issue(purpose=MailedCode.Purpose.STEP_UP, email=row.to, user=row.user, now=NOW)
    text = render(row, now=NOW, code="123456")
    assert preheader_of(text).startswith("Type this code on the page that asks for it: 123456")
    assert text.subject == "Your Keydesk code 123456 (valid until 10:40)"
