"""API M-1: the document is valid, complete, and open to everybody."""

import re

import jsonschema_rs
import pytest
import schemathesis
from django.test import Client as Browser

from portal.api.application import urls
from tests.portal.api.support.callers import PATH

pytestmark = pytest.mark.django_db
PUBLIC = (["leaks"], ["bounces"])  # tags of operations without an access token


@pytest.fixture
def document():
    answer = Browser().get(f"{PATH}openapi.json")
    assert answer.status_code == 200
    return answer.json()


def operations(document):
    return [each for methods in document["paths"].values() for each in methods.values()]


def test_it_is_openapi_3_1_with_valid_schemas(document):
    assert document["openapi"].startswith("3.1.")
    for schema in document["components"]["schemas"].values():
        jsonschema_rs.meta.validate({"$schema": "https://json-schema.org/draft/2020-12/schema", **schema})
    schemathesis.openapi.from_dict(document).validate()


def test_every_operation_of_the_api_is_in_it_once(document):
    routed = {re.sub(r"<\w+:(\w+)>", r"{\1}", f"{PATH}{pattern.pattern}") for pattern in urls()[0]}
    assert set(document["paths"]) == routed - {f"{PATH}openapi.json"}
    ids = [each["operationId"] for each in operations(document)]
    assert len(set(ids)) == len(ids)


def test_every_refusal_has_an_example_that_fits_its_schema(document):
    problem = document["components"]["schemas"]["Problem"]
    for operation in operations(document):
        refusals = {status: each for status, each in operation["responses"].items() if int(status) >= 400}
        needed = {"401", "413", "429", "503"} | (set() if operation["tags"] in PUBLIC else {"403"})
        assert needed <= set(refusals)
        for status, each in refusals.items():
            for example in each["content"]["application/problem+json"]["examples"].values():
                jsonschema_rs.validate(problem, example["value"])
                assert example["value"]["status"] == int(status)
                assert "…" not in example["value"]["detail"]


def test_the_limits_are_described_wherever_a_client_is_charged(document):
    for operation in operations(document):
        if operation["tags"] in PUBLIC:
            continue
        over = operation["responses"]["429"]["headers"]
        assert {"RateLimit", "RateLimit-Policy", "Retry-After"} <= set(over)
        done = next(each for status, each in operation["responses"].items() if int(status) < 300)
        assert "RateLimit" in done["headers"]


def test_every_answer_has_an_example(document):
    for operation in operations(document):
        for status, each in operation["responses"].items():
            for content in each.get("content", {}).values():
                name = content["schema"].get("$ref", "").rpartition("/")[2]
                assert "examples" in content or "example" in document["components"]["schemas"][name], (
                    operation,
                    status,
                )
