"""The API against its own OpenAPI document: whatever is sent, the answer is one the document names."""

from collections.abc import Iterator

import pytest
import schemathesis
from console import Console
from database import Databases
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
WITH_BODY, WITHOUT = 12, 8
"""Examples of an operation: what takes a body has more ways to be wrong."""
PARTS = 3
"""Every operation is in one of so many tests, so that each stays far below the time a test may take."""


@pytest.fixture(scope="module")
def console(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    with databases.one() as db:
        found = Console(db, tmp_path_factory.mktemp("schema"))
        found.breach()
        found.reject(b"\xff")
        yield found
        found.close()


@pytest.mark.parametrize("part", range(PARTS))
def test_every_answer_is_a_documented_one(console: Console, part: int) -> None:
    headers = {"Authorization": f"Bearer {console.token('admin', 'read', 'command')}"}
    schema = schemathesis.openapi.from_asgi("/api/v1/openapi.json", console.app)
    operations = [result.ok() for result in schema.get_all_operations()]
    mine = operations[part::PARTS]
    for operation in mine:

        @given(case=operation.as_strategy())
        @settings(
            max_examples=WITH_BODY if operation.body else WITHOUT,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        def answers_as_documented(case: schemathesis.Case) -> None:
            case.call_and_validate(headers=headers, checks=CHECKS)

        answers_as_documented()
    assert len(operations) >= 90


def test_nothing_is_answered_to_strangers(console: Console) -> None:
    schema = schemathesis.openapi.from_asgi("/api/v1/openapi.json", console.app)
    for result in schema.get_all_operations():
        operation = result.ok()
        path = operation.path.replace("{site}", "yunhe").replace("{point}", "x")
        with console.browser() as browser:
            answer = browser.client.request(operation.method, path, json={}, headers={"Accept": "application/json"})
        assert answer.status_code in (401, 422), f"{operation.method} {path}"
