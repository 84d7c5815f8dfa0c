from collections.abc import Iterator

import pytest
from django.conf import LazySettings

from tests.support.smtp import Inbox, running_server


@pytest.fixture
def inbox(settings: LazySettings) -> Iterator[Inbox]:
    """Mail goes over SMTP to a server of our own, not to Django's test outbox."""
    with running_server() as (inbox, port):
        settings.MAILERS = {
            "default": {
                "BACKEND": "django.core.mail.backends.smtp.EmailBackend",
                "OPTIONS": {"host": "127.0.0.1", "port": port, "timeout": 1},
            }
        }
        yield inbox
