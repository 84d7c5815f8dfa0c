"""The mail with a code: the code is what a mailbox shows first."""

import re

import pytest

from clients.access import one_time_codes
from clients.mail.rendering import render
from clients.models import Mail, MailedCode
from tests.clients.mail.test_mail_texts import NOW, mail, rendered

pytestmark = pytest.mark.django_db


def test_a_code_is_in_the_subject_of_its_own_mail_and_a_link_in_none() -> None:
    """Decision 0029: the code opens nothing without the session that asked for it; a link does."""
    text = rendered(Mail.Kind.CODE)
    code = re.search(r"(?m)^ +(\d{6})$", text.body)
    assert code
    assert f"code {code[1]} (valid until " in text.subject
    assert "open/" not in rendered(Mail.Kind.LINK).subject


def test_the_code_is_in_what_a_mailbox_shows_beside_the_subject() -> None:
    row = mail(Mail.Kind.CODE)
    row.code = one_time_codes.issue(purpose=MailedCode.Purpose.STEP_UP, email=row.to, user=row.user, now=NOW)
    text = render(row, now=NOW, code="123456")
    preheader = re.search(r"<div style=\"display:none[^>]*>([^<]*)<", text.html)
    assert preheader
    assert preheader[1].startswith("Type this code on the page that asks for it: 123456")
    assert text.subject == "Your Keydesk code 123456 (valid until 10:40)"
