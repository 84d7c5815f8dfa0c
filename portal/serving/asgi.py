"""The ASGI application of `web`: OAuth paths go to the authorization server, all others to Django, in threads.

In production a second process group serves the OAuth paths alone, by the same application (tokens/serving/asgi.py).
"""

import os

from django import setup
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from prometheus_client import REGISTRY

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
setup()
if settings.OTEL_TRACES_EXPORTER == "otlp":
    from portal.serving import tracing

    tracing.start("keydesk-web")
django = get_wsgi_application()

from portal.config import database  # noqa: E402  (needs the settings)
from portal.serving.health import Broker  # noqa: E402  (after the settings are named)
from portal.serving.long_polls import Growth, LongPolls, size_of_the_change_log  # noqa: E402  (needs the settings)
from portal.serving.state_metrics import State  # noqa: E402  (after the settings are named)
from portal.serving.threads import Pages  # noqa: E402  (after the settings are named)
from portal.web.commits import COMMITS_WAIT  # noqa: E402  (after the settings are named)
from tokens.serving.asgi import application as authorization_server  # noqa: E402  (after the settings are named)
from tokens.serving.asgi_messages import Message, Receive, Send  # noqa: E402  (after the settings are named)

THREADS = 64  # pages in parallel; each thread may hold a database connection

database.bound_statements()
broker = Broker()
authorization_server.operations.reported["broker"] = broker.answers
in_threads = Pages(django, threads=THREADS)
REGISTRY.register(State(broker, in_threads))
pages = LongPolls(in_threads, path=f"{settings.API_PATH}changes", growth=Growth(size_of_the_change_log))


async def application(scope: Message, receive: Receive, send: Send) -> None:
    if scope["type"] != "http" or authorization_server.serves(scope["path"]):
        await authorization_server(scope, receive, send)
    else:
        commits_wait = authorization_server.services.store.lease.commits_wait
        await pages(scope, receive, send, **{COMMITS_WAIT: commits_wait})
