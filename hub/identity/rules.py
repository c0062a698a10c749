"""Which identifiers count, how strong each kind is, and how many of it one person may have."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from hub.event import KINDS, STRONG_KINDS, Identifier

PLACEHOLDERS = frozenset(
    {
        "",
        "(null)",
        "-1",
        "0",
        "00000000-0000-0000-0000-000000000000",
        "<nil>",
        "<null>",
        "[object object]",
        "anonymous",
        "guest",
        "n/a",
        "na",
        "nan",
        "nil",
        "none",
        "null",
        "test@example.com",
        "test@test.com",
        "true",
        "false",
        "undefined",
        "unknown",
        "user",
    }
)
"""Words that programs send when they know nobody; joined by them, strangers would become one person."""


@dataclass(frozen=True, slots=True)
class KindRule:
    """How one kind of identifier is treated."""

    strong: bool
    most: int
    """At most so many of this kind per person: one more of a strong kind is not added, of a weak kind the one
    that was seen longest ago gives way."""


_KNOWN_KINDS = {kind: KindRule(kind in STRONG_KINDS, 1 if kind == "user_id" else 5) for kind in KINDS}


@dataclass(frozen=True)
class IdentityRules:
    """The kinds in order of precedence, and the values that name nobody (folded to lower case)."""

    kinds: Mapping[str, KindRule] = field(default_factory=lambda: _KNOWN_KINDS)
    blocked: frozenset[str] = PLACEHOLDERS

    @classmethod
    def of(cls, kinds: Mapping[str, KindRule], blocked: Iterable[str] = ()) -> IdentityRules:
        """The hub's own rules, with changed or further kinds and further blocked values."""
        return cls({**_KNOWN_KINDS, **kinds}, PLACEHOLDERS | {value.lower() for value in blocked})

    def usable(self, identifiers: Iterable[Identifier]) -> list[Identifier]:
        """Those that may point at a person, the strongest first, each once."""
        kinds = self.kinds
        kept = [
            known
            for known in dict.fromkeys(identifiers)
            if known.kind in kinds and known.value.lower() not in self.blocked
        ]
        if len(kept) > 1:
            ranks = self._ranks
            kept.sort(key=lambda known: ranks[known.kind])
        return kept

    def is_strong(self, kind: str) -> bool:
        """Whether this kind names a person rather than a device, a browser or a cart."""
        rule = self.kinds.get(kind)
        # People keep identifiers of a kind that is no longer declared; they prove nothing any more.
        return rule is not None and rule.strong

    def is_weak(self, kind: str) -> bool:
        """Whether this kind is declared, and names a device, a browser or a cart."""
        rule = self.kinds.get(kind)
        return rule is not None and not rule.strong

    @property
    def _ranks(self) -> dict[str, int]:
        ranks: dict[str, int] | None = self.__dict__.get("_kept_ranks")
        if ranks is None:
            strong_first = sorted(self.kinds, key=lambda kind: not self.kinds[kind].strong)
            ranks = {kind: rank for rank, kind in enumerate(strong_first)}
            self.__dict__["_kept_ranks"] = ranks
        return ranks
