"""Traces by OpenTelemetry: from the proxy to the page, the act, its SQL, the task and the mail; from token to batch.

(docs/operations.md, traces. That no span has a secret: test_canary.py.)
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import requests
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from dev.servers import stack
from tests.e2e.faults.conftest import Traced
from tests.e2e.support.canaries import Canaries, Visitor
from tests.e2e.support.live import Live
from tests.e2e.support.waiting import wait_for
from tests.support.otlp import attributes

TRACE, OUTSIDE = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
PARENT = {"traceparent": f"00-{TRACE}-{OUTSIDE}-01"}  # sampled
TOKEN = "/oauth/v2/token"
GRANT = {"grant_type": "client_credentials"}


def lines_with(trace_id: str, log: Path) -> list[dict[str, object]]:
    return [line for line in map(json.loads, log.read_text().splitlines()) if line.get("trace_id") == trace_id]


def test_a_page_its_act_its_sql_its_task_and_its_mail_are_one_trace(traced: Traced, made: dict[str, str]) -> None:
    def is_of_the_act(mail: Span) -> bool:
        return traced.received.path_to(mail)[1:] == [
            "keydesk-web act invalidation.invalidate_all",
            "keydesk-web apply_async/clients.tasks.send_mail",
            "keydesk-worker run/clients.tasks.send_mail",
            "keydesk-worker mail",
        ]

    contact = Visitor(traced.live, made["contact"], Canaries())
    contact.post("/link/", {"email": contact.email})
    contact.opens_the_link("contact")
    page = re.search(r'href="(/clients/[\w-]{36}/)"', contact.get("/clients/"))
    assert page
    contact.session.headers.update(PARENT)
    contact.steps_up(f"{page[1]}tokens/invalidate/")
    (mail,) = wait_for(lambda: [each for each in traced.received.named("mail") if is_of_the_act(each)])
    assert traced.received.path_to(mail)[0] == "keydesk-web POST clients/<uuid:uid>/tokens/invalidate/"
    outermost = traced.received.outermost(mail)
    assert outermost.parent_span_id.hex() == OUTSIDE
    assert outermost.trace_id.hex() == TRACE
    (act,) = traced.received.named("act invalidation.invalidate_all")
    statements = [attributes(span)["db.query.text"] for span in traced.received.parts_of(act, "UPDATE")]
    assert any("clients_client" in statement for statement in statements)
    assert traced.live.web.process
    assert {line["event"] for line in lines_with(TRACE, traced.live.web.process.log)} >= {"answered"}


def test_a_token_request_and_its_batch_are_one_trace(traced: Traced, made: dict[str, str]) -> None:
    own = (made["client_id"], made["client_secret"])
    trace_id = TRACE[::-1]
    parent = {"traceparent": f"00-{trace_id}-{OUTSIDE}-01"}
    assert requests.post(f"{traced.live.url}{TOKEN}", GRANT, auth=own, headers=parent, timeout=20).status_code == 200
    batch = wait_for(lambda: [each for each in traced.received.named("batch issue") if each.trace_id.hex() == trace_id])
    assert traced.received.path_to(batch[0]) == ["keydesk-web token", "keydesk-web batch issue"]
    asked = traced.received.outermost(batch[0])
    assert asked.parent_span_id.hex() == OUTSIDE
    assert attributes(asked) == {"http.response.status_code": 200, "keydesk.client": made["client_id"]}
    assert traced.live.web.process
    log = traced.live.web.process.log
    (line,) = wait_for(lambda: lines_with(trace_id, log))
    assert (line["logger"], line["outcome"]) == ("tokens.access", "ok")


def test_a_stranger_begins_no_trace(traced: Traced, made: dict[str, str]) -> None:
    """Ignore a `traceparent` where no proxy is trusted: its sender could have every trace of theirs kept."""
    own, trace_id = (made["client_id"], made["client_secret"]), "f" * 32
    parent = {"traceparent": f"00-{trace_id}-{OUTSIDE}-01"}
    assert requests.post(f"{traced.tokens_url}{TOKEN}", GRANT, auth=own, headers=parent, timeout=20).status_code == 200
    refused = requests.post(f"{traced.tokens_url}{TOKEN}", GRANT, auth=(own[0], "x"), headers=parent, timeout=20)
    assert refused.status_code == 401
    spans = wait_for(lambda: [each for service, each in traced.received.spans if service == "keydesk-tokens"][3:])
    assert trace_id not in {span.trace_id.hex() for span in spans}
    asked = traced.received.outermost(traced.received.named("batch issue")[-1])
    log = traced.live.directory / "traced-tokens.log"
    assert wait_for(lambda: lines_with(asked.trace_id.hex(), log))


@pytest.mark.parametrize("module", ["portal.serving.asgi", "tokens.serving.asgi", "portal.celery"])
def test_nothing_of_it_is_loaded_where_nobody_asks_for_it(live: Live, module: str) -> None:
    code = (
        f"import sys, {module}\n"
        "from portal import celery; celery.trace_tasks(); celery.send_the_last_spans()\n"
        "ours = {'tokens.serving.span_export', 'tokens.serving.tracing', 'portal.serving.tracing'}\n"
        # redis-py itself imports what makes metrics, if it is installed.
        "theirs = ('opentelemetry.sdk.trace', 'opentelemetry.exporter', 'opentelemetry.instrumentation')\n"
        "assert not [name for name in sys.modules if name in ours or name.startswith(theirs)]\n"
        "from tokens.storage.batcher import Batcher; from tokens.storage.store import Store\n"
        "assert Store.batcher is Batcher"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=stack.ROOT, env=live.env, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
