"""Consent to a purpose, given or refused on all channels at once, counts on each of them."""

import pytest

from hub.event import ConsentState, Profile
from hub.policy import permitted


def said(**decisions):
    """A person who decided so; `all` is every channel, or every purpose."""
    consent = {
        road.replace("_", "/"): ConsentState(state, at, "site") for road, (state, at) in decisions.items()
    }
    return Profile(id=1, consent={road.replace("all", "*"): state for road, state in consent.items()})


@pytest.mark.parametrize(
    ("decisions", "may"),
    [
        ({}, False),
        ({"all_marketing": ("granted", 1)}, True),
        ({"all_marketing": ("denied", 1)}, False),
        ({"all_marketing": ("denied", 2), "email_marketing": ("granted", 1)}, False),
        ({"all_marketing": ("denied", 1), "email_marketing": ("granted", 2)}, True),
        ({"all_marketing": ("granted", 2), "email_marketing": ("denied", 1)}, True),
        ({"all_marketing": ("granted", 1), "email_marketing": ("denied", 1)}, False),
        ({"all_marketing": ("granted", 2), "email_all": ("denied", 1)}, False),
        ({"all_service": ("granted", 1)}, False),
    ],
)
def test_the_latest_decision_holds_wherever_it_was_made(decisions, may):
    assert permitted("email", "marketing", said(**decisions), assumed="unknown") is may
