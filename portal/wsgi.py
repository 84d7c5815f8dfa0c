"""One process for everything: the OAuth paths go to the authorization server, all else to Django.

In production a second process group serves the OAuth paths alone (tokens/process.py).
"""

import os
from collections.abc import Iterable
from typing import Any
from wsgiref.types import StartResponse

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
django = get_wsgi_application()

from tokens import configuration  # noqa: E402  (settings first)
from tokens.application import Application  # noqa: E402
from tokens.server import Server  # noqa: E402
from tokens.wsgi import WithinThreads  # noqa: E402

oauth = WithinThreads(Application(Server(configuration.from_settings())))


def application(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
    return (oauth if oauth.application.serves(environ["PATH_INFO"]) else django)(environ, start_response)
