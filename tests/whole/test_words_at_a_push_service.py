"""The recipe of the guide: five lines of TOML, and a push service of one's own gets user and message."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from running_hub import SECRET_KEY, SITE, RunningHub, wait_for

from hub.testing.vendors.receiver import Receiver

GUIDE = Path(__file__).parents[2] / "docs" / "how_to" / "webhook.md"
RULE = """
[settings]
consent = "granted"

[rules.cart]
when = "product_added then not order_completed within 300ms"
grace = "200ms"
send = { channel = "app", template = "cart" }

[templates.cart]
body = "{{ person.first_name }}, your {{ trigger.name }} is waiting"
"""


@pytest.fixture
def service() -> Iterator[Receiver]:
    with Receiver() as service:
        yield service


def recipe(url: str) -> str:
    """The block of the guide, with the test's address."""
    text = GUIDE.read_text().partition("## Any other receiver")[2]
    [block] = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)[:1]
    return block.replace("https://push.example.com/send", url)


def test_a_push_service_gets_user_and_message(
    hubs: Callable[..., RunningHub], service: Receiver, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("PUSH_TOKEN", "Bearer t0ken")
    hub = hubs(SITE + recipe(service.url) + RULE).start()
    who = {"userId": "ann", "traits": {"first_name": 'Ann "A"'}}
    assert hub.post("/v1/identify", who, key=SECRET_KEY)[0] == 200
    hub.track("ann", "Product Added", properties={"name": "Shoe\n7"})

    [heard] = wait_for(lambda: service.heard)
    assert heard.json == {"userId": "ann", "message": 'Ann "A", your Shoe\n7 is waiting'}
    assert heard.headers["authorization"] == "Bearer t0ken"
    assert hub.stop() == 0
    assert "t0ken" not in (hub.folder / "hub.log").read_text()
