"""ASGI module of the authorization server: `application`.

It is served alone (tokens/serving/cli.py) or beside pages (portal/serving/asgi.py).
"""

from __future__ import annotations

import gc
import os

import django
from django.conf import settings
from prometheus_client import REGISTRY

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
django.setup()

from foundation.log_lines import write_lines_only  # noqa: E402  (settings first)
from tokens import policy  # noqa: E402  (after django.setup())
from tokens.runtime.services import Services  # noqa: E402  (after django.setup())
from tokens.serving.application import Application  # noqa: E402  (after django.setup())
from tokens.serving.authorization_server import AuthorizationServer  # noqa: E402  (after django.setup())
from tokens.storage.pool_metrics import Pool  # noqa: E402  (after django.setup())

write_lines_only()
if settings.OTEL_TRACES_EXPORTER == "otlp":
    from tokens.serving import tracing

    tracing.start()
    Application = tracing.TracedApplication  # type: ignore[misc]  # a subclass of it
application = AuthorizationServer(Application(Services(policy.from_settings())))
REGISTRY.register(Pool(application.services.store.batchers))

# The objects loaded so far stay, so the collector need not walk them. A batch of HTTP requests has more objects than
# the usual threshold (2,000), so the collector would run for each batch, in vain: HTTP requests leave no cycles behind.
gc.collect()
gc.freeze()
gc.set_threshold(50_000)
