"""Golden payloads: what devices in the field already send stays accepted, what was refused stays refused."""

import base64
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from gateway.contract.decode import decode
from gateway.contract.errors import ContractError
from gateway.contract.schema import schema

GOLDEN = sorted((Path(__file__).parents[3] / "fixtures" / "contract").glob("*.json"))
assert len(GOLDEN) >= 40


def named(function: Any) -> Any:
    return pytest.mark.parametrize("path", GOLDEN, ids=[one.stem for one in GOLDEN])(function)


def payload_of(case: dict[str, Any]) -> bytes:
    if "raw_base64" in case:
        return base64.b64decode(case["raw_base64"])
    if "raw" in case:
        return str(case["raw"]).encode()
    return json.dumps(case["payload"], ensure_ascii=False).encode()


@named
def test_decode_keeps_its_word(path: Path) -> None:
    case = json.loads(path.read_text("utf-8"))
    if case["decode"] != "accepted":
        with pytest.raises(ContractError) as caught:
            decode(case["kind"], payload_of(case))
        assert caught.value.code == case["decode"]
        assert caught.value.hint
        return
    decoded = decode(case["kind"], payload_of(case))
    assert {place: error.code for place, error in decoded.refused} == case.get("refused", {})
    for field, wanted in case.get("expect", {}).items():
        value = getattr(decoded, field)
        assert (json.loads(json.dumps(value)) if field in ("readings", "body") else value) == wanted


@named
def test_the_schema_agrees_on_the_shape(path: Path) -> None:
    case = json.loads(path.read_text("utf-8"))
    if case["schema"] is None:  # no JSON at all, or a number JSON cannot hold: a schema never sees it
        assert "payload" not in case
        return
    document = schema()
    validator = jsonschema.Draft202012Validator({"$ref": f"#/$defs/{case['kind']}", "$defs": document["$defs"]})
    assert validator.is_valid(json.loads(payload_of(case))) is case["schema"]
