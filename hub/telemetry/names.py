"""Every log event and every metric, by name: what is not here is not said."""

from __future__ import annotations

from typing import Literal, NamedTuple

SAID: dict[str, str] = {
    "hub ready": "All roles run; says where it listens.",
    "hub stopped": "Everything is written and closed.",
    "role ended": "A role's process has ended and is started again.",
    "task ended": "A background task failed and is started again; health says so until it runs.",
    "config applied": "A changed configuration is in force.",
    "config refused": "A changed configuration has faults; the old one stays.",
    "config warning": "Something in the configuration is probably not meant so.",
    "journal unavailable": "Accepted events cannot be written: senders hear 503 and try again.",
    "journal available": "Accepted events are written again.",
    "disk short": "Free space is below the limit: senders hear 503 and try again.",
    "disk enough": "Free space is above the limit again.",
    "connector failed": "A bug in a connector; what it was given is kept. Said once for each place.",
    "transform failed": "A bug in a transform; the event is kept in quarantine. Said once for each place.",
    "poll failed": "A polled system did not answer as it should; asked again later.",
    "poll recovered": "A polled system answers again.",
    "loop lagging": "Something held the loop for more than 250 ms.",
    "entry poisoned": "A journal entry cannot be applied; set aside, the rest goes on.",
    "sink paused": "A sink takes nothing for now; its events wait.",
    "sink resumed": "A sink takes deliveries again.",
    "sink failing": "Deliveries to a sink fail; tried again with growing pauses.",
    "sink recovered": "Deliveries to a sink arrive again.",
    "sink disabled": "A sink answered that it is gone for good.",
    "deliveries unavailable": "What became of deliveries cannot be written: nothing more is sent.",
    "deliveries available": "Deliveries go on.",
    "delivery died": "A delivery was given up and is a dead letter now.",
    "library said": "A warning or error of a library we use.",
}
"""Every log event, with what it means to the reader."""

Family = Literal["counter", "gauge", "histogram"]
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Metric(NamedTuple):
    """One thing that is counted or measured."""

    name: str
    family: Family
    help: str
    labels: tuple[str, ...]


METRICS: dict[str, Metric] = {}
"""Every metric, by its name."""


def _metric(family: Family, name: str, help: str, *labels: str) -> Metric:
    METRICS[name] = metric = Metric(name, family, help, labels)
    return metric


EVENTS_ACCEPTED = _metric("counter", "hub_events_accepted_total", "Events written to the journal.", "source")
EVENTS_QUARANTINED = _metric(
    "counter", "hub_events_quarantined_total", "Bad events kept with their reason.", "source"
)
EVENTS_DROPPED = _metric(
    "counter", "hub_events_dropped_total", "Events that a transform dropped.", "source", "transform"
)
REQUESTS_ANSWERED = _metric(
    "counter",
    "hub_requests_answered_total",
    "Inbound requests, by what their sender heard.",
    "source",
    "status",
)
REQUESTS_RECEIVED_BYTES = _metric(
    "counter", "hub_requests_received_bytes_total", "Bodies of inbound requests, after inflating.", "source"
)
KEYS_MISSED = _metric("counter", "hub_keys_missed_total", "Requests with an unknown key, signature or token.")
CONNECTIONS_OPEN = _metric("gauge", "hub_connections_open", "Inbound connections open now.")
CONNECTIONS_REFUSED = _metric(
    "counter", "hub_connections_refused_total", "Inbound connections cut short, by why.", "reason"
)
CONNECTOR_FAILED = _metric(
    "counter", "hub_connector_failed_total", "Bugs in connectors, as often as met.", "connector"
)
JOURNAL_WRITTEN_SECONDS = _metric(
    "histogram", "hub_journal_written_seconds", "From handing over to durable, for a request."
)
JOURNAL_REFUSED = _metric(
    "counter", "hub_journal_refused_total", "Requests that the journal could not take, by why.", "reason"
)
LOOP_LAG_SECONDS = _metric("histogram", "hub_loop_lag_seconds", "How late the gateway's loop runs.")
PAGES_POLLED = _metric("counter", "hub_pages_polled_total", "Pages read from polled systems.", "source")

EVENTS_PROCESSED = _metric(
    "counter", "hub_events_processed_total", "Events applied to what we know.", "source"
)
EVENTS_REPEATED = _metric("counter", "hub_events_repeated_total", "Copies that changed nothing.", "source")
ENTRIES_POISONED = _metric(
    "counter", "hub_entries_poisoned_total", "Journal entries set aside after a fault."
)
RULES_FIRED = _metric("counter", "hub_rules_fired_total", "Firings of a rule.", "rule")
RULES_CONTRADICTED = _metric(
    "counter",
    "hub_rules_contradicted_total",
    "Waits that were decided before an event came in that would have broken them.",
    "rule",
)
PEOPLE_FOUND = _metric("counter", "hub_people_found_total", "People seen for the first time.")
PEOPLE_MERGED = _metric("counter", "hub_people_merged_total", "People found to be one.")
DELIVERIES_PLANNED = _metric(
    "counter", "hub_deliveries_planned_total", "Deliveries decided.", "sink", "action"
)
ENGINE_BEHIND = _metric("gauge", "hub_engine_behind_entries", "Journal entries not applied yet.")
ENGINE_BEHIND_SECONDS = _metric(
    "gauge", "hub_engine_behind_seconds", "Age of the oldest entry not applied yet."
)
CYCLE_SECONDS = _metric("histogram", "hub_cycle_seconds", "How long a cycle of the engine takes.")

DELIVERIES_DELIVERED = _metric(
    "counter", "hub_deliveries_delivered_total", "Deliveries that arrived.", "sink", "action"
)
DELIVERIES_SKIPPED = _metric(
    "counter", "hub_deliveries_skipped_total", "Deliveries that were rightly not sent.", "sink", "action"
)
DELIVERIES_DIED = _metric("counter", "hub_deliveries_died_total", "Dead letters.", "sink", "action")
DELIVERIES_WAITING = _metric(
    "gauge", "hub_deliveries_waiting", "Deliveries decided and not settled yet.", "sink"
)
ATTEMPTS_FAILED = _metric(
    "counter", "hub_attempts_failed_total", "Tries that did not arrive, by kind of failure.", "sink", "reason"
)
REQUESTS_SENT = _metric(
    "counter", "hub_requests_sent_total", "Outbound requests, by the answer's status.", "sink", "status"
)
REQUEST_SECONDS = _metric("histogram", "hub_request_seconds", "Outbound requests, until answered.", "sink")
SINKS_PAUSED = _metric("gauge", "hub_sinks_paused", "1 while a sink takes nothing.", "sink")

ROLE_CPU_SECONDS = _metric("counter", "hub_role_cpu_seconds_total", "CPU time of a role's process.", "role")
ROLE_MEMORY_BYTES = _metric("gauge", "hub_role_memory_bytes", "Resident memory of a role's process.", "role")
