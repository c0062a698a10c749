"""Vendors' own contracts: whether a request is one that the vendor describes.

The contracts are OpenAPI documents in the folder `contracts` of the folder that HUB_SHARED names.

    contract = Contract.of("klaviyo/klaviyo-2026-07-15.json")
    assert contract.faults("POST", url, headers, body) == []

Needs `openapi-core`, from the extra `testing`.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

from hub.wire import Response

FORM = "application/x-www-form-urlencoded"


def contracts() -> Path | None:
    """The folder of contracts; None where HUB_SHARED names none."""
    shared = os.environ.get("HUB_SHARED")
    folder = Path(shared) / "contracts" if shared else None
    return folder if folder is not None and folder.is_dir() else None


class Fault(NamedTuple):
    """One thing that is wrong: where (a pointer into the body, or words), and which rule it breaks."""

    where: str
    what: str


class Contract:
    """One vendor's OpenAPI document.

    Objects are taken as closed: what a schema does not name is a fault, unless it names nothing at all.
    Documents rarely say so, but a misspelt attribute is refused, or silently lost, all the same.
    """

    def __init__(self, document: dict[str, Any]) -> None:
        from openapi_core import OpenAPI

        _close_all(document)
        self._openapi = OpenAPI.from_dict(document)
        self._server = str(document["servers"][0]["url"]).rstrip("/")
        self._required = _required_headers(document)
        self._forms = list(_forms(document))

    @classmethod
    def of(cls, name: str) -> Contract | None:
        """The contract at `contracts/{name}`; None where there are no contracts. Read once."""
        folder = contracts()
        return None if folder is None else _read(folder / name)

    @classmethod
    def at(cls, path: Path) -> Contract:
        """The contract in this file. Read once."""
        return _read(path)

    def covers(self, url: str) -> bool:
        """Whether an address is one of this document's server; any is where its host has a variable."""
        ours = urlsplit(self._server)
        return "{" in ours.netloc or not ours.netloc or urlsplit(url).netloc == ours.netloc

    def below(self, url: str) -> str:
        """The path of an address as `faults` takes it: without the server's own, with its query."""
        parts = urlsplit(url)
        path = parts.path.removeprefix(urlsplit(self._server).path.rstrip("/"))
        return f"{path}?{parts.query}" if parts.query else path

    def faults(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> list[Fault]:
        """What is wrong with a request to `path` (a query may follow it), each fault with its place."""
        asked = _Asked(self._server, method, path, headers, body)
        wrong = [fault for error in self._openapi.iter_request_errors(asked) for fault in _faults(error)]
        # A header with a default in the document is missed by nobody but the vendor.
        known = {name.lower() for name in headers}
        wrong += [Fault(f"header {name}", "missing") for name in sorted(self._required - known)]
        return wrong + self._unknown(method, path, headers, body)

    def _unknown(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> list[Fault]:
        """The fields of a form that are not described: they are passed over where a schema is looked at."""
        if headers.get("content-type", "").partition(";")[0] != FORM:
            return []
        sent = {name for name, _ in parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)}
        for described, at, names in self._forms:
            if described == method.lower() and at.fullmatch(urlsplit(path).path):
                return [Fault(f"/{name}", "unknown") for name in sorted(sent - names)]
        return []

    def answer_faults(self, method: str, path: str, answer: Response) -> list[Fault]:
        """What is wrong with an answer to such a request; for stand-ins."""
        asked, said = _Asked(self._server, method, path, {}, b""), _Answered(answer)
        return [
            fault for error in self._openapi.iter_response_errors(asked, said) for fault in _faults(error)
        ]


class _Answered:
    """An answer in the form in which openapi-core reads it."""

    def __init__(self, answer: Response) -> None:
        from werkzeug.datastructures import Headers

        self.status_code = answer.status
        self.content_type = answer.header("content-type") or ""
        self.headers = Headers(dict(answer.headers))
        self.data = answer.body or None


class _Asked:
    """A request in the form in which openapi-core reads it."""

    def __init__(self, server: str, method: str, path: str, headers: Mapping[str, str], body: bytes) -> None:
        from openapi_core.datatypes import RequestParameters
        from werkzeug.datastructures import Headers, ImmutableMultiDict

        parts, base = urlsplit(path), urlsplit(server)
        self.host_url = server.removesuffix(base.path)
        self.path = base.path + parts.path
        self.method = method.lower()
        self.body = body or None
        self.content_type = headers.get("content-type", "")
        self.parameters = RequestParameters(
            query=ImmutableMultiDict(parse_qsl(parts.query, keep_blank_values=True)),
            header=Headers(dict(headers)),
        )


@cache
def _read(path: Path) -> Contract:
    return Contract(json.loads(path.read_text(encoding="utf-8")))


def _faults(error: BaseException) -> Iterator[Fault]:
    """An error and what lies behind it: the places in the body that no schema fits."""
    cause: BaseException | None = error
    while cause is not None:
        inner = getattr(cause, "schema_errors", None)
        if inner:
            for one in inner:
                place = "".join(f"/{step}" for step in one.absolute_path)
                # The value itself may be somebody's data, so that only the rule is named.
                yield Fault(place or "/", f"{one.validator} {one.validator_value!r}"[:300])
            return
        cause = cause.__cause__
    yield Fault("the request", str(error) or type(error).__name__)


def _required_headers(document: Mapping[str, Any]) -> set[str]:
    """Headers that every operation of the document requires."""
    each = [
        {p["name"].lower() for p in operation.get("parameters", ()) if p["in"] == "header" and p["required"]}
        for path in document["paths"].values()
        for method, operation in path.items()
        if method in ("get", "post", "put", "patch", "delete")
    ]
    return set.intersection(*each) if each else set()


def _forms(document: Mapping[str, Any]) -> Iterator[tuple[str, re.Pattern[str], frozenset[str]]]:
    """Method, path and the names of the fields of every operation that takes a form."""
    for template, path in document["paths"].items():
        at = re.compile(re.sub(r"\\{[^}]*\\}", "[^/]+", re.escape(template)))
        for method, operation in path.items():
            body = operation.get("requestBody", {}) if isinstance(operation, dict) else {}
            names = body.get("content", {}).get(FORM, {}).get("schema", {}).get("properties")
            if names:
                yield method, at, frozenset(names)


def _close_all(document: dict[str, Any]) -> None:
    for schema in document.get("components", {}).get("schemas", {}).values():
        _close(schema)
    for path in document["paths"].values():
        for operation in path.values():
            body = operation.get("requestBody", {}) if isinstance(operation, dict) else {}
            for content in body.get("content", {}).values():
                _close(content.get("schema", {}))


def _close(schema: dict[str, Any]) -> None:
    if schema.get("properties") and "allOf" not in schema:
        schema.setdefault("additionalProperties", False)
    inner = [*schema.get("properties", {}).values(), schema.get("items")]
    inner += [*schema.get("oneOf", ()), *schema.get("anyOf", ())]
    for one in inner:
        if isinstance(one, dict):
            _close(one)
