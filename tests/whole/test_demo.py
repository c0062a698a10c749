"""The demo: a day of a small shop, told so that a newcomer can say what happened and why."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest
from running_hub import HUB, free_port, wait_for

from hub.cli import demo as demo_module
from hub.cli import demo_telling, demo_vendors
from hub.config import read
from hub.plugins import discover


@pytest.fixture
def demo(tmp_path: Path):
    out = tmp_path / "out.txt"
    environ = {**os.environ, "HUB_LISTEN": f"127.0.0.1:{free_port()}"}
    with out.open("wb") as file:
        process = subprocess.Popen([str(HUB), "demo"], stdout=file, stderr=file, env=environ)
    yield process, out
    if process.poll() is None:
        process.kill()
        process.wait()


def test_the_demo_shows_what_came_in_who_it_was_what_followed_and_what_was_received(demo) -> None:
    process, out = demo

    wait_for(lambda: "What happens from now on" in out.read_text() or process.poll() is not None, seconds=180)
    text = out.read_text()

    assert process.poll() is None, text[-2000:]
    for line in (
        "What came in: 2883 events",
        "1630 product_viewed",
        "Who it was: 260 people",
        "176 said who they are",
        "cart_reminder        product_added then not order_completed within 15m",
        "35 sent by email; 47 dropped: they never agreed to it",
        "Klaviyo (news)       176 profiles",
        "HubSpot (crm)        176 contacts; as events: 56 order_completed",
        "Mailchimp (letters)  176 members, 56 of them tagged buyer",
        'Firebase (app)       9 messages, such as "Still there? At the checkout, waiting for you: Day pack."',
        'Twilio (texts)       33 messages, such as "Thank you, Customer 51! On its way to you: Wool socks."',
        "The shop (orders)    56 orders",
    ):
        assert line in text
    assert "delivery    cart_reminder  to news.track  delivered" in text
    # The app is gone from the phone, and the message goes by text.
    assert "delivery    back_to_the_app  to texts.send  delivered" in text
    assert_one_day_is_told(text)
    assert_what_is_proposed_can_be_typed(text, out)
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0


def assert_one_day_is_told(text: str) -> None:
    """A message brought somebody back; they are called as the commands that are proposed call them."""
    day, _, proposed = text.partition("The day of one of them, ")[2].partition("The hub stays up")
    who, *steps = day.strip().splitlines()
    times = [step.split()[0] for step in steps]

    assert f"why {who.rstrip(':')} --config" in proposed
    assert "sent by" in day
    assert "order_completed" in day.partition("sent by")[2]
    assert "arrives at news" in day
    [sent, *_] = [step for step in steps if ": sent by email" in step]
    time, message = sent.split()[:2]
    assert f"{time}    {message.rstrip(':')} arrives at news" in day
    assert times == sorted(times) or times[0] > times[-1]  # a day may begin yesterday


def assert_what_is_proposed_can_be_typed(text: str, out: Path) -> None:
    lines = [line.strip() for line in text.splitlines()]
    [why, curl] = [line for line in lines if " why customer-" in line or line.startswith("curl -u")]
    who = why.split()[2]
    environ = {**os.environ, "PATH": f"{HUB.parent}:{os.environ['PATH']}"}
    for line in (curl, f"hub {why.partition(' ')[2]}"):
        subprocess.run(line, shell=True, check=True, env=environ, stdout=subprocess.DEVNULL, timeout=60)

    added = f"product_added  from shop  person {who}\n"
    wait_for(lambda: added in out.read_text().partition("What happens from now on")[2])


def test_a_delivery_that_gave_up_is_not_told_as_arrived() -> None:
    row = {"kind": "delivery", "cause": {"rule": "thanks"}, "sink": "texts"}

    assert demo_telling.step({**row, "state": "delivered"}, {}) == "  thanks arrives at "
    assert demo_telling.step({**row, "state": "dead"}, {}) == "  thanks is dead at "


def test_without_the_extra_for_push_the_demo_goes_on_by_the_other_roads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo_vendors, "has_push", lambda: False)
    with demo_vendors.Vendors() as vendors:
        config = demo_module.prepared(tmp_path, vendors)
        good = read(config, discover, environ=vendors.keys())
        received = [name for name, _ in vendors.received()]

    assert "app" not in good.sinks
    assert {"news", "crm", "letters", "texts", "orders"} <= good.sinks.keys()
    assert "Firebase" not in received
