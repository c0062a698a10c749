"""Connectors that take the examination, good ones and bad ones, and what it objects to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import hub
from hub.testing import SinkConformance

KEY = "key_made_up"


def said(suite: type, name: str, folder: Path, **attributes: Any) -> str:
    """What a check objects to; empty where it passes. Golden files stand in a folder of the test."""
    attributes["golden"] = classmethod(lambda cls: folder)
    one = type(suite.__name__, (suite,), attributes)()
    try:
        getattr(one, f"test_{name}")()
    except pytest.fail.Exception as failed:
        return str(failed.msg)
    except pytest.skip.Exception as skipped:
        return f"left open: {skipped.msg}"
    finally:
        one.teardown_method()
    return ""


class Settings(hub.Settings):
    api_key: hub.Secret = hub.Option("The key of the account.")
    region: str = hub.Option("Where the account is.", default="eu")


class Till(hub.HttpSink[Settings]):
    """Receipts for orders."""

    name = "till"
    base_url = "https://till.example"
    limits = hub.Limits(batch=10)

    @hub.action("send")
    def send(self, deliveries: Sequence[hub.Delivery]) -> hub.Requests:
        """Sends them."""
        yield hub.Request("POST", "/receipts", json=[{"id": one.id} for one in deliveries])
        return None

    def check(self) -> hub.Requests:
        """Asks who we are."""
        yield hub.Request("GET", "/me")
        return None

    def sign(self, request: hub.Request, now: int) -> hub.Request:
        return replace(request, headers={**request.headers, "authorization": self.settings.api_key.reveal()})


class Good(SinkConformance):
    connector = Till
    settings = {"api_key": KEY}
    exempt = {"fits_the_contract": "there is no such vendor"}


def sink(**members: Any) -> type[Till]:
    """A till that does something else."""
    return type("Till", (Till,), {"__doc__": "Receipts for orders.", **members})


def sending(send: Any, **members: Any) -> dict[str, Any]:
    """A suite's attributes for a till whose action is this."""
    send.__name__, send.__doc__ = "send", "Sends them."
    return {"connector": sink(send=hub.action("send")(send), **members)}


def without_id(self, deliveries):
    yield hub.Request("POST", "/receipts", json={"event": deliveries[0].event.name})
