"""Bodies of one's own: what a template in the block makes of a delivery."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import hub

Form = Literal["text", "html", "json"]


def body(template: hub.Template, content_type: str, delivery: hub.Delivery) -> str:
    """The body for one delivery; raises GiveUp where it is not what `content_type` says."""
    form = form_of(content_type)
    try:
        text = template.render(values(delivery), form=form)
    except hub.GiveUp as fault:
        raise hub.GiveUp(f"its body: {fault}") from None
    if form == "json":
        try:
            json.loads(text)
        except ValueError as fault:
            place = (
                f"line {fault.lineno}, column {fault.colno}"
                if isinstance(fault, json.JSONDecodeError)
                else ""
            )
            raise hub.GiveUp(
                f"its body is not JSON ({place}); write values that are no texts as {{{{ value | json }}}}"
            ) from None
    return text


def together(bodies: Sequence[str], content_type: str) -> str:
    """Several bodies as one: an array of JSON, or one below the other."""
    return f"[{','.join(bodies)}]" if form_of(content_type) == "json" else "\n".join(bodies)


def form_of(content_type: str) -> Form:
    """How values must be escaped so that they stay values."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind.endswith(("/json", "+json")):
        return "json"
    return "html" if kind.endswith(("html", "/xml", "+xml")) else "text"


def values(delivery: hub.Delivery) -> dict[str, Any]:
    """What a body may speak of: `delivery.id`, `person.x`, `event.x` and `message.x`."""
    return {
        "delivery": {"id": delivery.id},
        "person": {**_identifiers(delivery), **delivery.traits, "id": delivery.person},
        "event": _event(delivery.event),
        "message": None if delivery.message is None else _message(delivery.message),
    }


def _identifiers(delivery: hub.Delivery) -> dict[str, str]:
    """Each kind's first one."""
    known = (*delivery.event.identifiers, *delivery.identifiers)
    return {one.kind: one.value for one in reversed(known)}


def _event(event: hub.Event) -> dict[str, Any]:
    """The event's own words, and each property by its name where that is not one of them."""
    at = event.time if event.occurred_at is None else event.occurred_at
    own = {
        "id": event.id,
        "type": event.type,
        "name": event.name,
        "source": event.source,
        "time": hub.iso(at),
        "properties": event.properties,
        "context": event.context,
    }
    return {**event.properties, **own}


def _message(message: hub.Message) -> Mapping[str, Any]:
    """The message's own words, then each field of its template, then each variable, by its name."""
    return {**message.variables, **message.words, **message.as_dict()}
