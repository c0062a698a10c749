"""What a rule's text says, as a tree of plain values."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Literal, TypeAlias

Comparison = Literal[
    "==", "!=", "<", "<=", ">", ">=", "in", "not in", "contains", "starts with", "ends with", "matches"
]
Window: TypeAlias = timedelta | Literal["ever", "start"]


@dataclass(frozen=True, slots=True)
class Literally:
    """A value that is written out: text (clock times too), number, truth, duration or a list of values."""

    value: Any


@dataclass(frozen=True, slots=True)
class Path:
    """Where a value is found: `products.product_id`."""

    parts: tuple[str, ...]
    character: int = field(compare=False, repr=False)

    def __str__(self) -> str:
        return ".".join(self.parts)


@dataclass(frozen=True, slots=True)
class Listing:
    """A list with parts that are not written out."""

    items: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Calculation:
    """Two values joined by `+ - * /`."""

    sign: Literal["+", "-", "*", "/"]
    left: Expression
    right: Expression
    character: int = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Aggregate:
    """What a person's past says: `sum(order_completed[status == 'paid'].total, 365d)`."""

    function: str
    events: Selection
    property: tuple[str, ...]
    window: Window
    same: bool
    character: int = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Near:
    """Is a position within a distance of one of the named places?"""

    position: Expression
    places: str
    metres: float
    character: int = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Compared:
    """A comparison of two values."""

    sign: Comparison
    left: Expression
    right: Expression
    character: int = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Between:
    """Clock times half-open, numbers and durations with both ends."""

    value: Expression
    low: Expression
    high: Expression


@dataclass(frozen=True, slots=True)
class Exists:
    """Is the value not missing?"""

    value: Expression


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite."""

    condition: Expression


@dataclass(frozen=True, slots=True)
class And:
    """All of them."""

    conditions: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """At least one of them."""

    conditions: tuple[Expression, ...]


Expression: TypeAlias = (
    Literally | Path | Listing | Calculation | Aggregate | Near | Compared | Between | Exists | Not | And | Or
)


@dataclass(frozen=True, slots=True)
class Choice:
    """One event name with the conditions on such an event."""

    name: str
    conditions: tuple[Expression, ...]
    character: int = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Selection:
    """The events that are one of these choices; names of `[events]` are already resolved."""

    choices: tuple[Choice, ...]


@dataclass(frozen=True, slots=True)
class Happens:
    """A step: an event, several of them, or a visit."""

    selection: Selection
    called: str | None
    """The name by which `trigger` finds it; None: the name of the event."""
    character: int = field(compare=False, repr=False)
    times: int = 1
    window: timedelta = timedelta()
    lasting: timedelta = timedelta()
    within: timedelta | None = None
    without: Selection | None = None


@dataclass(frozen=True, slots=True)
class Waits:
    """A step: this long without such an event."""

    selection: Selection
    within: timedelta
    character: int = field(compare=False, repr=False)


Step: TypeAlias = Happens | Waits


@dataclass(frozen=True, slots=True)
class Sequence:
    """Steps one after the other; `all_within` counts to the last that happens."""

    steps: tuple[Step, ...]
    all_within: timedelta | None
    character: int = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Together:
    """Sequences in any order, at most `within` apart."""

    sequences: tuple[Sequence, ...]
    within: timedelta
    character: int = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Becomes:
    """The instant at which a condition turns true."""

    condition: Expression
    character: int = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Dated:
    """A moment relative to a date trait; `offset` is negative before it."""

    offset: timedelta
    path: Path
    clock: str | None
    character: int = field(compare=False, repr=False)


Branch: TypeAlias = Sequence | Together | Becomes | Dated


@dataclass(frozen=True, slots=True)
class Pattern:
    """Moments of any of the branches."""

    branches: tuple[Branch, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """How far apart two firings must be; `every` is None for never again."""

    every: timedelta | None
    per: Path | None
