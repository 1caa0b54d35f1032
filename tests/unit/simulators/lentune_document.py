"""Lentune's OpenAPI document as a judge: does an answer or an event have the shape it promises?"""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

DOCUMENT = json.loads((Path(__file__).parents[2] / "contracts" / "lentune.openapi.json").read_text(encoding="utf-8"))
# A header that is missing is refused with 400 everywhere, also where the document lists no 400 (simulator's README).
UNDOCUMENTED = (400,)


@cache
def operations() -> list[tuple[re.Pattern[str], str, str, dict[str, Any]]]:
    """Pattern, path, method and operation, those with fewer parameters first."""
    found = [
        (re.compile(re.sub(r"\{[^}]+\}", "[^/]+", path)), path, method.upper(), operation)
        for path, item in DOCUMENT["paths"].items()
        for method, operation in item.items()
        if method != "parameters"
    ]
    return sorted(found, key=lambda entry: entry[1].count("{"))


@cache
def validator(place: tuple[str, ...]) -> Draft202012Validator | None:
    """For the schema of the content at a place in the document; None if nothing is to be sent there."""
    part = DOCUMENT
    for name in place:
        part = part[name]
    if "$ref" in part:
        return validator(tuple(part["$ref"].removeprefix("#/").split("/")))
    content = part.get("content")
    if content is None:
        return None
    schema = next(iter(content.values()))["schema"]
    return Draft202012Validator(
        {"components": DOCUMENT["components"], **schema}, format_checker=Draft202012Validator.FORMAT_CHECKER
    )


def check_answer(method: str, path: str, status: int, body: object) -> None:
    """Fails unless the document has this operation, this status for it, and this shape."""
    operation_path, responses = next(
        (template, operation["responses"])
        for pattern, template, verb, operation in operations()
        if verb == method and pattern.fullmatch(path)
    )
    if str(status) not in responses:
        assert status in UNDOCUMENTED, f"{method} {operation_path} may not answer {status}: {body}"
        return
    schema = validator(("paths", operation_path, method.lower(), "responses", str(status)))
    if schema is None:
        assert body is None
        return
    problems = [f"{error.json_path}: {error.message}" for error in schema.iter_errors(body)]
    assert problems == [], f"{method} {operation_path} {status}: {problems}"


def check_event(event: dict[str, Any]) -> None:
    """Fails unless the document has an event of this type and shape."""
    schema = validator(("webhooks", event["type"], "post", "requestBody"))
    assert schema is not None
    assert [f"{error.json_path}: {error.message}" for error in schema.iter_errors(event)] == []
