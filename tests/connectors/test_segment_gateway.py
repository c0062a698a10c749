"""Segment's source at a running gateway: what browsers may read."""

from __future__ import annotations

import pytest
from gateway_house import PUBLIC, block, config, running

from connectors.segment import Segment


@pytest.fixture
async def house(tmp_path):
    async with running(
        tmp_path, given=config(tmp_path, block("site", Segment, public_keys=[PUBLIC]))
    ) as house:
        yield house


@pytest.mark.parametrize("headers", [{}, {"origin": "https://shop.example"}])
async def test_any_page_may_read_the_settings_also_from_a_cache(house, headers):
    reply = await house.ask("GET", f"/v1/projects/{PUBLIC}/settings", **headers)

    assert reply.status == 200
    assert reply.headers["access-control-allow-origin"] == "*"
    assert reply.whole.count(b"access-control-allow-origin") == 1


async def test_unknown_settings_are_not_there_and_a_page_may_read_that(house):
    reply = await house.ask("GET", "/v1/projects/nobody/settings", origin="https://shop.example")

    assert (reply.status, reply.headers["access-control-allow-origin"]) == (404, "https://shop.example")
