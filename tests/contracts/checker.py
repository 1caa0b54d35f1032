"""Holds requests and answers against a system's OpenAPI document (JSON Schema 2020-12)."""

import json
import re
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

FOLDER = Path(__file__).parent
FORMATS = FormatChecker(["date"])
# Query parameters that the Procore document calls required although the reference text or public clients say otherwise.
NOT_REQUIRED = {
    ("list_line_item_types", "project_id"),
    ("list_webhook_hooks", "company_id"),
    ("list_webhook_hooks", "project_id"),
    ("list_webhook_triggers", "company_id"),
    ("list_webhook_triggers", "project_id"),
    ("delete_webhook_hook", "company_id"),
    ("delete_webhook_hook", "project_id"),
    ("delete_webhook_trigger", "company_id"),
    ("delete_webhook_trigger", "project_id"),
    ("list_webhook_deliveries", "company_id"),
    ("list_webhook_deliveries", "project_id"),
    ("list_webhook_resources", "project_id"),
}
# Statuses that Procore's text has and its document lacks, and the documented answer whose shape they share.
ALIKE = {("procore", "207"): "200", ("procore", "406"): "400", ("procore", "409"): "422", ("procore", "413"): "422"}
# The Sage document lists no 400 for some reads and for writes without a body, where a parameter or header may be unfit.
ALIKE[("sage_paperless", "400")] = "401"


@FORMATS.checks("date-time", raises=ValueError)
def _date_time(value: object) -> bool:
    return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None


class Operation:
    """One method and path of a document."""

    def __init__(self, system: str, method: str, template: str) -> None:
        self.system, self.method, self.template = system, method, template
        self.document = _document(system)
        self.item: dict[str, Any] = self.document["paths"][template][method]
        self.id: str = self.item.get("operationId", f"{method} {template}")

    def response_schema(self, status: int) -> str | None:
        """A pointer to the schema, or None if the answer has no body. Raises AssertionError for another status."""
        responses = self.item["responses"]
        code = str(status) if str(status) in responses else ALIKE.get((self.system, str(status)), "")
        assert code in responses, f"{self.id}: the document has no answer {status}, only {', '.join(responses)}"
        answer, pointer = responses[code], f"{self._pointer()}/responses/{code}"
        if "$ref" in answer:
            pointer = answer["$ref"]
            answer = self.resolve(pointer)
        kinds = answer.get("content") or {}
        kind = next((kind for kind in kinds if "json" in kind), None)
        return None if kind is None else f"{pointer}/content/{kind.replace('/', '~1')}/schema"

    def request_schema(self) -> tuple[str | None, bool]:
        """A pointer to the body's schema, and whether a body must be sent."""
        body, pointer = self.item.get("requestBody"), f"{self._pointer()}/requestBody"
        if body is not None and "$ref" in body:
            pointer = body["$ref"]
            body = self.resolve(pointer)
        kind = next((kind for kind in (body or {}).get("content", {}) if "json" in kind), None)
        if body is None or kind is None:
            return None, False
        return f"{pointer}/content/{kind.replace('/', '~1')}/schema", bool(body.get("required"))

    def query(self) -> dict[str, dict[str, Any]]:
        """The query parameters by name."""
        shared = self.document["paths"][self.template].get("parameters", [])
        found = [self.resolve(p["$ref"]) if "$ref" in p else p for p in (*shared, *self.item.get("parameters", []))]
        return {p["name"]: p for p in found if p["in"] == "query"}

    def resolve(self, pointer: str) -> Any:
        value: Any = self.document
        for part in pointer.removeprefix("#/").split("/"):
            value = value[part.replace("~1", "/").replace("~0", "~")]
        return value

    def _pointer(self) -> str:
        return f"#/paths/{self.template.replace('~', '~0').replace('/', '~1')}/{self.method}"


def check_response(system: str, method: str, path: str, status: int, body: Any) -> None:
    """Raises AssertionError when the answer (parsed JSON) is not what the document promises."""
    operation = operation_of(system, method, path)
    pointer = operation.response_schema(status)
    if pointer is None:
        return
    schema = operation.resolve(pointer)
    if isinstance(body, list) and operation.id.startswith("list_") and "$ref" in schema:
        # The published description of some lists shows one element.
        for element in body:
            _hold(system, pointer, element, f"{operation.id} {status}")
        return
    _hold(system, pointer, body, f"{operation.id} {status}")


def check_request(system: str, method: str, path: str, body: Any = None, query: Mapping[str, Any] | None = None) -> None:
    """Raises AssertionError when the document has no such request, query parameter or body."""
    operation = operation_of(system, method, path)
    if query is not None:
        _hold_query(operation, query)
    pointer, required = operation.request_schema()
    if body in (None, b"", ""):
        assert not required, f"{operation.id}: a body is required"
        return
    assert pointer is not None, f"{operation.id}: the document has no body here"
    _hold(system, pointer, body, f"{operation.id} request")


def operation_of(system: str, method: str, path: str) -> Operation:
    """The document's operation for a method and concrete path. Raises AssertionError."""
    for pattern, template in _templates(system):
        if pattern.fullmatch(path) and method.lower() in _document(system)["paths"][template]:
            return _operation(system, method.lower(), template)
    raise AssertionError(f"{system}: the document has no {method} {path}")


def operations(system: str) -> list[tuple[str, str]]:
    """Every (METHOD, template) of a document."""
    verbs = ("get", "post", "put", "patch", "delete")
    return [(m.upper(), template) for template, item in _document(system)["paths"].items() for m in verbs if m in item]


def _hold_query(operation: Operation, query: Mapping[str, Any]) -> None:
    known = operation.query()
    plain = {name.removesuffix("[]") for name in known}
    unknown = [name for name in query if name not in known and name.removesuffix("[]") not in plain]
    assert not unknown, f"{operation.id}: the document has no query parameter {', '.join(unknown)}"
    missing = [
        name
        for name, parameter in known.items()
        if parameter.get("required") and name not in query and (operation.id, name) not in NOT_REQUIRED
    ]
    assert not missing, f"{operation.id}: query parameter {', '.join(missing)} is missing"


def _hold(system: str, pointer: str, value: Any, where: str) -> None:
    error = next(iter(sorted(_validator(system, pointer).iter_errors(value), key=lambda e: list(map(str, e.path)))), None)
    if error is not None:
        at = "/".join(map(str, error.absolute_path)) or "(whole)"
        raise AssertionError(f"{system} {where}: at {at}: {error.message[:400]}")


@cache
def _operation(system: str, method: str, template: str) -> Operation:
    return Operation(system, method, template)


@cache
def _document(system: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((FOLDER / f"{system}.openapi.json").read_text(encoding="utf-8"))
    return loaded


@cache
def _templates(system: str) -> list[tuple[re.Pattern[str], str]]:
    """Those with fewer parameters first, so that a literal segment wins."""
    servers = [server["url"] for server in _document(system).get("servers", [])]
    prefixes = {re.sub(r"^\w+://[^/]+", "", url).rstrip("/") for url in servers} | {""}
    either = "|".join(re.escape(prefix) for prefix in prefixes if "{" not in prefix)
    found = sorted(_document(system)["paths"], key=lambda template: (template.count("{"), template))
    return [(re.compile(f"(?:{either})" + _pattern(template)), template) for template in found]


def _pattern(template: str) -> str:
    return "".join("[^/]+" if part.startswith("{") else re.escape(part) for part in re.split(r"(\{[^}]+\})", template))


@cache
def _registry(system: str) -> Registry[Any]:
    resource = Resource.from_contents(_document(system), default_specification=DRAFT202012)
    return Registry().with_resource(f"urn:{system}", resource)


@cache
def _validator(system: str, pointer: str) -> Draft202012Validator:
    # A JSON pointer inside a reference is a URI fragment: braces of path templates are escaped.
    reference = f"urn:{system}" + pointer.replace("{", "%7B").replace("}", "%7D")
    return Draft202012Validator({"$ref": reference}, registry=_registry(system), format_checker=FORMATS)
