"""What GA4's validation says of a call: nothing is stored, each fault is named.

Source: https://developers.google.com/analytics/devguides/collection/protocol/ga4/validating-events
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import hub

from . import protocol

_MOST = 25
_LONGEST_NAME = 40
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*", re.ASCII)
_PREFIXES = ("_", "firebase_", "ga_", "google_", "gtag.")
_NAMES = (
    "ad_activeview ad_click ad_exposure ad_impression ad_query ad_reward adunit_exposure app_background "
    "app_clear_data app_exception app_remove app_store_refund app_store_subscription_cancel "
    "app_store_subscription_convert app_store_subscription_renew app_update app_upgrade "
    "dynamic_link_app_open dynamic_link_app_update dynamic_link_first_open error firebase_campaign "
    "firebase_in_app_message_action firebase_in_app_message_dismiss firebase_in_app_message_impression "
    "first_open first_visit in_app_purchase notification_dismiss notification_foreground "
    "notification_open notification_receive notification_send os_update session_start "
    "session_start_with_rollout user_engagement"
)
_RESERVED = frozenset(_NAMES.split())


def answer(inbound: hub.Inbound, max_event: int) -> hub.Response:
    """The answer of the debug endpoint: `{"validationMessages": […]}`, empty where all is well."""
    try:
        items, around = protocol.parts(inbound, max_event)
        messages = [*_of_call(around), *_of_events(list(items))]
    except hub.BadPayload as fault:
        messages = [_message("", fault.reason, "VALUE_INVALID")]
    body = json.dumps({"validationMessages": messages}).encode()
    return hub.Response(200, {"content-type": "application/json"}, body)


def _message(path: str, description: str, code: str) -> dict[str, str]:
    return {"fieldPath": path, "description": description, "validationCode": code}


def _of_call(around: dict[str, Any]) -> Iterator[dict[str, str]]:
    if not any(isinstance(around.get(key), str) and around[key] for key in ("client_id", "app_instance_id")):
        yield _message("client_id", "client_id or app_instance_id is required, as text.", "VALUE_REQUIRED")
    properties = around.get("user_properties")
    if properties is not None and not isinstance(properties, dict):
        yield _message("user_properties", "user_properties is an object.", "VALUE_INVALID")
    elif properties and len(properties) > _MOST:
        yield _message(
            "user_properties", f"A call has at most {_MOST} user properties.", "EXCEEDED_MAX_ENTITIES"
        )


def _of_events(items: list[Any]) -> Iterator[dict[str, str]]:
    if not items or items == [None]:
        yield _message("events", "At least one event is required.", "VALUE_REQUIRED")
        return
    if len(items) > _MOST:
        yield _message("events", f"A call has at most {_MOST} events.", "EXCEEDED_MAX_ENTITIES")
    for place, item in enumerate(items[: 4 * _MOST]):
        path = f"events[{place}]"
        if isinstance(item, hub.BadEvent):
            yield _message(path, item.reason, "VALUE_INVALID")
        elif isinstance(item, dict):
            yield from _of_name(item.get("name"), f"{path}.name")
            yield from _of_params(item.get("params"), f"{path}.params")
        else:
            yield _message(path, "An event is an object.", "VALUE_INVALID")


def _of_name(name: Any, path: str) -> Iterator[dict[str, str]]:
    if not isinstance(name, str) or not name:
        yield _message(path, "An event needs a name, as text.", "VALUE_REQUIRED")
    elif name in _RESERVED:
        yield _message(path, "This name is reserved.", "NAME_RESERVED")
    elif name.startswith(_PREFIXES):
        yield _message(path, f"A name does not start with {', '.join(_PREFIXES)}.", "NAME_RESERVED")
    elif _NAME.fullmatch(name) is None:
        yield _message(path, "A name is letters, digits and _, and starts with a letter.", "NAME_INVALID")
    elif len(name) > _LONGEST_NAME:
        yield _message(path, f"A name has at most {_LONGEST_NAME} characters.", "VALUE_OUT_OF_BOUNDS")


def _of_params(params: Any, path: str) -> Iterator[dict[str, str]]:
    if params is None:
        return
    if not isinstance(params, dict):
        yield _message(path, "params is an object.", "VALUE_INVALID")
        return
    if len(params) > _MOST:
        yield _message(path, f"An event has at most {_MOST} parameters.", "EXCEEDED_MAX_ENTITIES")
    for key in list(params)[: 4 * _MOST]:
        if key.startswith(_PREFIXES):
            yield _message(path, "A parameter's name has a reserved prefix.", "NAME_RESERVED")
        elif _NAME.fullmatch(key) is None:
            yield _message(path, "A parameter's name is letters, digits and _.", "NAME_INVALID")
        elif len(key) > _LONGEST_NAME:
            yield _message(path, "A parameter's name is too long.", "VALUE_OUT_OF_BOUNDS")
