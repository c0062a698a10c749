"""Values as rules compare them: kinds are never mixed, and what is missing equals nothing.

A value is None (missing), a truth, a number, a text, a list, an object or a duration.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta
from math import asin, cos, radians, sin, sqrt
from operator import ge, gt, le, lt
from typing import Any

EARTH_METRES = 6_371_008.8

Order = Callable[[Any, Any], bool]
ORDERS: dict[str, Order] = {"<": lt, "<=": le, ">": gt, ">=": ge}


def is_number(value: Any) -> bool:
    """Whole or decimal; a truth is no number."""
    return type(value) is int or type(value) is float


def equal(left: Any, right: Any) -> bool:
    """The same kind and the same value; missing is equal to nothing."""
    kind = type(left)
    if kind is list:
        return type(right) is list and len(left) == len(right) and all(map(equal, left, right))
    if kind is dict:
        return (
            type(right) is dict
            and left.keys() == right.keys()
            and all(equal(left[key], right[key]) for key in left)
        )
    if kind is type(right):
        return left is not None and bool(left == right)
    return is_number(left) and is_number(right) and bool(left == right)


def in_order(order: Order, left: Any, right: Any) -> bool:
    """Compares two numbers, two texts (by code point) or two durations; anything else is false."""
    if type(left) is type(right):
        return type(left) in (str, int, float, timedelta) and order(left, right)
    return is_number(left) and is_number(right) and order(left, right)


def one_of(value: Any, values: Any) -> bool:
    """Is the value equal to one of the list?"""
    return type(values) is list and any(equal(value, each) for each in values)


def contains(whole: Any, part: Any) -> bool:
    """Does a list have an equal element, or a text this text in it?"""
    if type(whole) is str:
        return type(part) is str and part in whole
    return one_of(part, whole)


def between(value: Any, low: Any, high: Any) -> bool:
    """Numbers with both ends; clock times without the upper one, and over midnight where `low` is later."""
    if is_clock(value) and is_clock(low) and is_clock(high):
        inside: bool = low <= value < high if low <= high else value >= low or value < high
        return inside
    if type(value) is str:
        return False
    return in_order(ge, value, low) and in_order(le, value, high)


def is_clock(value: Any) -> bool:
    """Is it a clock time, a text of the form hh:mm?"""
    return (
        type(value) is str
        and len(value) == 5
        and value[2] == ":"
        and value.isascii()
        and value[:2].isdigit()
        and value[3:].isdigit()
        and value <= "24:00"
        and value[3:] <= "59"
    )


def within_metres(position: Any, places: Iterable[tuple[float, float]], metres: float) -> bool:
    """Is a position, [latitude, longitude], within the great-circle distance of one of the places?"""
    if type(position) is not list or len(position) != 2 or not all(map(is_number, position)):
        return False
    latitude, longitude = position
    if abs(latitude) > 90 or abs(longitude) > 360:
        return False
    return any(_metres(latitude, longitude, *place) <= metres for place in places)


def _metres(latitude: float, longitude: float, other_latitude: float, other_longitude: float) -> float:
    here, there = radians(latitude), radians(other_latitude)
    across = sin((here - there) / 2) ** 2
    along = sin(radians(longitude - other_longitude) / 2) ** 2
    return 2 * EARTH_METRES * asin(min(1.0, sqrt(across + cos(here) * cos(there) * along)))


def follow(value: Any, parts: Iterable[str]) -> Any:
    """What a path finds inside a value; through a list it finds the list of what each part has."""
    for part in parts:
        if type(value) is dict:
            value = value.get(part)
        elif type(value) is list:
            value = [each for item in value for each in _spread(follow(item, (part,)))]
        else:
            return None
    return value


def _spread(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if type(value) is list else [value]


def calculate(sign: str, left: Any, right: Any) -> Any:
    """`+ - * /` of numbers and durations; missing where an operand is, or where it cannot be done."""
    if not (_counts(left) and _counts(right)):
        return None
    try:
        if sign == "+":
            return left + right
        if sign == "-":
            return left - right
        return left * right if sign == "*" else left / right
    except (TypeError, ZeroDivisionError, OverflowError):
        return None


def _counts(value: Any) -> bool:
    return is_number(value) or type(value) is timedelta
