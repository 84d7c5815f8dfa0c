"""The mail with a code has it in its subject."""

import re

import pytest

from clients.models import Mail
from tests.clients.mail.test_mail_texts import rendered

pytestmark = pytest.mark.django_db


def test_a_code_is_in_the_subject_of_its_own_mail_and_a_link_in_none() -> None:
    """Decision 0029: the code opens nothing without the session that asked for it; a link does."""
    text = rendered(Mail.Kind.CODE)
    code = re.search(r"(?m)^ +(\d{6})$", text.body)
    assert code
    assert f"code {code[1]} (valid until " in text.subject
    assert "open/" not in rendered(Mail.Kind.LINK).subject
