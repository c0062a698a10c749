"""`since` is a duration: it can be compared with one, and nothing can be calculated from it in conditions."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from hub.errors import RuleFault
from hub.rules.tree import Aggregate, Between, Calculation, Compared, Expression, Literally


def refuse_numbers(tree: Expression) -> None:
    """Raises RuleFault where `since` stands beside a number, or is calculated with."""
    match tree:
        case Calculation():
            for side in (tree.left, tree.right):
                if _is_since(side):
                    problem = "nothing can be calculated from since; compare it: since(a) < 3d"
                    raise RuleFault(tree.character, problem)
        case Compared():
            _refuse(tree.left, tree.right)
            _refuse(tree.right, tree.left)
        case Between():
            _refuse(tree.value, tree.low)
            _refuse(tree.value, tree.high)
    for part in _parts(tree):
        refuse_numbers(part)


def _refuse(side: Expression, other: Expression) -> None:
    number = isinstance(other, Literally) and not isinstance(other.value, timedelta)
    if number and isinstance(side, Aggregate) and _is_since(side):
        raise RuleFault(side.character, "since is compared with a duration; write: since(a) < 3d")


def _is_since(tree: Expression) -> bool:
    return isinstance(tree, Aggregate) and tree.function == "since"


def _parts(tree: Expression) -> Iterable[Expression]:
    names = ("left", "right", "value", "low", "high", "position", "condition")
    found = [getattr(tree, name) for name in names if hasattr(tree, name) and not isinstance(tree, Literally)]
    return [*found, *getattr(tree, "conditions", ()), *getattr(tree, "items", ())]
