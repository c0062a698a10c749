"""The examination of transforms: the same for the same event, and its id stays."""

from __future__ import annotations

from itertools import product
from typing import Any

import msgspec

from hub.event import Event
from hub.testing import samples
from hub.testing.checking import check, refuse, told
from hub.testing.conformance import Conformance, said_meanwhile
from hub.testing.golden import compared, plain


class TransformConformance(Conformance):
    """Examines a transform with an event of each sort."""

    def events(self) -> dict[str, Event]:
        """The sample events by name; add those that matter here."""
        return samples.events()

    @check("bronze")
    def test_golden_changes(self) -> None:
        """Every sample event goes on exactly as the golden file says; null is dropped."""
        made = {name: self.made().change(event) for name, event in self.events().items()}
        refuse(compared(self.golden() / "changes.json", made))

    @check("bronze")
    def test_pure(self) -> None:
        """The same event goes on the same, whatever came before."""
        one = self.made()
        first = [plain(one.change(event)) for event in self.events().values()]
        again = [plain(one.change(event)) for event in reversed([*self.events().values()])]
        if first != again[::-1]:
            refuse(["an event goes on otherwise when it comes again, or after others"])

    @check("bronze")
    def test_keeps_the_id(self) -> None:
        """An event keeps its id and its source."""
        faults = []
        for name, event in self.events().items():
            id, source = event.id, event.source
            changed = self.made().change(event)
            if changed is not None and (changed.id, changed.source) != (id, source):
                faults.append(f"{name}: the id or the source has changed")
        refuse(faults)

    @check("bronze")
    def test_odd_events_are_survived(self) -> None:
        """Odd values in an event stop nothing, and get into no log."""
        faults = []
        odds: tuple[Any, ...] = ("\x00", "ä" * 5_000, 10**30, None, [], {"a": {"b": []}})
        for odd, field, name in product(odds, ("properties", "context", "traits"), self.events()):
            event = self.events()[name]
            changed = {**dict.fromkeys(getattr(event, field), odd), "added": odd}
            try:
                with said_meanwhile() as said:
                    self.made().change(msgspec.structs.replace(event, **{field: changed}))
            except Exception as bug:
                faults.append(f"{field} full of {odd!r:.20}: {told(bug)}")
            faults += [f"the log shows {leak}" for leak in self.leaks(said())]
        refuse(faults)
