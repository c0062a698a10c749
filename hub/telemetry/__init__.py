"""What is said while running: log events, metrics and health, each name in one place.

    from hub.telemetry import log, names

    log.warning("sink paused", sink=label, reason=why)
    accepted = metrics.cell(names.EVENTS_ACCEPTED, label)
    accepted.n += 1

Changes of state are logged, once down and once up; everything else is counted. No line and no metric
holds a secret or anybody's data.
"""

from hub.telemetry.health import Health, Status, Verdict
from hub.telemetry.log import Log, guard, log, place, redacted, where
from hub.telemetry.metrics import Cell, Metrics, Snapshot, Spread, watch_process
from hub.telemetry.names import METRICS, SAID, Metric

__all__ = [
    "METRICS",
    "SAID",
    "Cell",
    "Health",
    "Log",
    "Metric",
    "Metrics",
    "Snapshot",
    "Spread",
    "Status",
    "Verdict",
    "guard",
    "log",
    "place",
    "redacted",
    "watch_process",
    "where",
]
