"""Faults in connectors that nobody foresaw: counted each time, told once for each place in the code."""

from __future__ import annotations

from hub.telemetry import Metrics, log, names, place


class Bugs:
    """What went wrong inside connectors."""

    def __init__(self, metrics: Metrics, *, most: int = 1000) -> None:
        self._metrics = metrics
        self._most = most
        self._told: set[tuple[str, str]] = set()

    def met(self, connector: str, bug: Exception, *, said: str = "connector failed") -> None:
        """Counts it; says where it happened unless that was said before."""
        self._metrics.count(names.CONNECTOR_FAILED, connector)
        where = (connector, place(bug))
        if where in self._told or len(self._told) >= self._most:
            return
        self._told.add(where)
        log.bug(said, bug, connector=connector)
