"""The sink takes the hub's examination, and tells its own story."""

from acme_loyalty import AcmeLoyalty

import hub
from hub.testing import Rehearsal, SinkConformance


class TestExamination(SinkConformance):
    connector = AcmeLoyalty
    settings = {"api_key": "key_made_up"}
    contract = "acme-loyalty.json"
    page = "README.md"
    exempt = {
        "people_can_be_forgotten": "Acme Loyalty has no request that deletes a member",
        "batches_are_exact": "a request gives points to one member",
    }


def order(revenue: float) -> hub.Delivery:
    event = hub.normalise(
        type="track",
        id="e1",
        name="Order Completed",
        identifiers={"user_id": "u1"},
        properties={"order_id": "o1", "revenue": revenue, "currency": "EUR"},
    )
    return hub.Delivery("d1", event)


def test_an_order_brings_points_for_its_revenue() -> None:
    sink = AcmeLoyalty(AcmeLoyalty.Settings(api_key=hub.Secret("key_made_up"), points=2))
    rehearsal = Rehearsal(sink)

    rehearsal.run("track", [order(19.9)])

    assert [request.json for request in rehearsal.requests] == [{"member": "u1", "points": 40}]
