"""What a check of the examination is, and how its result is said."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Literal, NamedTuple, NoReturn, TypeVar

Grade = Literal["bronze", "silver", "gold"]
GRADES: tuple[Grade, ...] = ("bronze", "silver", "gold")

F = TypeVar("F", bound=Callable[..., None])
_MOST_SAID = 20


class Check(NamedTuple):
    """One check: its name, the grade that needs it, what it is about, the connectors that it is for."""

    name: str
    grade: Grade
    meaning: str
    only: tuple[type, ...] = ()
    """Kinds of connector; empty for all that the suite is for."""

    def is_for(self, connector: type) -> bool:
        """Whether this connector takes it."""
        return not self.only or issubclass(connector, self.only)


def check(grade: Grade, *, only: type | tuple[type, ...] = ()) -> Callable[[F], F]:
    """Marks a method `test_NAME` of a suite as the check NAME."""
    kinds = only if isinstance(only, tuple) else (only,)

    def mark(method: F) -> F:
        name = method.__name__.removeprefix("test_")
        meaning = (method.__doc__ or "").strip().partition("\n")[0]
        method.hub_check = Check(name, grade, meaning, kinds)  # type: ignore[attr-defined]
        return method

    return mark


def checks(suite: type, connector: type | None = None) -> dict[str, Check]:
    """The checks of a suite by name, in their order; where a connector is given, those that it takes."""
    found: dict[str, Check] = {}
    for base in reversed(suite.__mro__):
        for name, member in vars(base).items():
            mark = getattr(member, "hub_check", None)
            if isinstance(mark, Check) and callable(getattr(suite, name, None)):
                found[mark.name] = mark
    return {name: one for name, one in found.items() if connector is None or one.is_for(connector)}


def refuse(faults: Iterable[str]) -> None:
    """Fails the check with these faults, a line each; nothing where there are none."""
    said = list(dict.fromkeys(faults))
    if not said:
        return
    more = [f"… and {len(said) - _MOST_SAID} more"] if len(said) > _MOST_SAID else []
    import pytest

    pytest.fail("\n".join(["", *said[:_MOST_SAID], *more]), pytrace=False)


def left_open(reason: str) -> NoReturn:
    """Ends the check without a result: what it needs is not there."""
    import pytest

    pytest.skip(reason)


def told(fault: BaseException) -> str:
    """An exception in one line, with the place where it was raised."""
    place = list(_frames(fault))
    where = f" ({place[-1]})" if place else ""
    return f"{type(fault).__name__}: {' '.join(str(fault).split())[:200]}{where}"


def _frames(fault: BaseException) -> Iterator[str]:
    step: Any = fault.__traceback__
    while step is not None:
        yield f"{step.tb_frame.f_code.co_filename.rpartition('/')[2]}:{step.tb_lineno}"
        step = step.tb_next
