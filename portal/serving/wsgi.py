"""One process for everything: the OAuth paths go to the authorization server, all else to Django.

Health and metrics have a port of their own. In production a second process group serves the OAuth paths alone
(tokens/serving/asgi.py).
"""

import os
from collections.abc import Iterable
from typing import Any
from wsgiref.types import StartResponse

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
django = get_wsgi_application()

from django.conf import settings  # noqa: E402  (after the settings were read)

from portal.config import database  # noqa: E402
from portal.serving.health import Broker  # noqa: E402
from portal.web.commits import COMMITS_WAIT  # noqa: E402
from tokens.protocol import policy  # noqa: E402
from tokens.runtime.services import Server  # noqa: E402
from tokens.serving.application import Application  # noqa: E402
from tokens.serving.operations import Operations  # noqa: E402
from tokens.serving.wsgi import WithinThreads  # noqa: E402
from tokens.storage.pooler import refuse_unsafe  # noqa: E402

database.bound_statements()
server = Server(policy.from_settings())
oauth = WithinThreads(Application(server))
oauth.run(refuse_unsafe(server.configuration.database))
oauth.listen(Operations(server.store, {"broker": Broker().answers}), settings.OPERATIONS_HOST, settings.OPERATIONS_PORT)


def application(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
    if oauth.application.serves(environ["PATH_INFO"]):
        return oauth(environ, start_response)
    environ[COMMITS_WAIT] = server.store.lease.commits_wait
    return django(environ, start_response)
