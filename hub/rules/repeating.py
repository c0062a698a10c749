"""When each rule fired for a person: the memory that `repeat` asks."""

from __future__ import annotations

from functools import cached_property

from hub.event import Event, Instant
from hub.rules.definitions import Rule, texts
from hub.rules.memory import Fired


class Repeats:
    """What has fired, for each value of `repeat … per`; read only when something is decided."""

    def __init__(self, before: list[Fired]) -> None:
        self._before = before
        self._changed = False

    @cached_property
    def _dues(self) -> dict[tuple[int, str], tuple[Instant, ...]]:
        return {(fired.rule, fired.per): fired.dues for fired in self._before}

    def repeats(self, rule: Rule, trigger: Event, due: Instant) -> bool:
        """Did the rule fire less than its `repeat` from this moment?"""
        if rule.repeat_span == 0:
            return False
        dues = self._dues.get((rule.id, _value(rule, trigger)), ())
        if rule.repeat_span is None:
            return bool(dues)
        return any(abs(due - other) < rule.repeat_span for other in dues)

    def keep(self, rule: Rule, trigger: Event, due: Instant, *, now: Instant) -> None:
        """The rule fires."""
        value = _value(rule, trigger)
        dues = self._dues.get((rule.id, value), ())
        if rule.repeat_span is not None:
            # A match that still fires was due at most `fresh` ago.
            oldest = now - rule.fresh - rule.repeat_span
            dues = tuple(other for other in dues if other > oldest)
            if value:
                self._forget_values(rule.id, oldest)
        # The last one is kept even where nothing asks for it: another `repeat` may, tomorrow.
        self._dues[rule.id, value] = (*dues, due) if rule.repeat_span != 0 else (due,)
        self._changed = True

    def kept(self) -> list[Fired]:
        """As memories keep it."""
        if not self._changed:
            return self._before
        return [Fired(rule, value, dues) for (rule, value), dues in self._dues.items()]

    def _forget_values(self, rule: int, oldest: Instant) -> None:
        """Forgets the values for which the rule may fire again anyway."""
        spent = [key for key, dues in self._dues.items() if key[0] == rule and key[1] and max(dues) <= oldest]
        for key in spent:
            del self._dues[key]


def _value(rule: Rule, trigger: Event) -> str:
    return "" if rule.per is None else "\n".join(texts(rule.per(trigger)))
