"""Regular expressions whose search takes time in proportion to the text, whatever the expression.

The language is the part of Python's that an automaton can search without going back: letters, `.`,
classes (`[a-z]`, `\\d`, `\\w`, `\\s` and their opposites), groups, `|`, `* + ? {m,n}`, `^`, `$`, and
`(?i)` at the beginning. Backreferences, lookaround and `\\b` are refused. An expression becomes a
nondeterministic automaton (one state a letter), and the sets of its states that a text reaches become
deterministic ones when they are first met, so that a letter costs one look-up afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from hub.errors import HubError

MOST_STATES = 2_000
"""States of the first automaton: what an expression may unfold to."""
_DEEPEST = 50
_MOST_KEPT = 2_000
"""Moves kept of the second automaton; beyond that it begins anew, which costs time but no memory."""

Letters = Callable[[str], bool]


class NotRegular(HubError):
    """An expression that cannot be searched in linear time, or none at all."""


@dataclass(slots=True)
class _State:
    """Reads one letter of `letters`, or none: then it only leads on, at the place `anchor` asks for."""

    letters: Letters | None = None
    anchor: str = ""
    then: list[int] = field(default_factory=list)


_Piece = tuple[int, list[int]]
"""Where a piece begins, and the states that lead out of it."""

_CLASSES: dict[str, Letters] = {
    "d": str.isdecimal,
    "w": lambda letter: letter.isalnum() or letter == "_",
    "s": str.isspace,
}
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "f": "\f", "v": "\v"}


class _Builder:
    """Reads an expression into states; a piece is built anew for each of its repetitions."""

    def __init__(self, text: str) -> None:
        self.folded = text.startswith("(?i)")
        self.text = text[4:] if self.folded else text
        self.at = 0
        self.depth = 0
        self.states: list[_State] = []

    def build(self) -> tuple[int, int]:
        """The first state and the last, which is reached when the expression is found."""
        start, ends = self._alternatives()
        if self.at < len(self.text):
            raise NotRegular("a ')' closes nothing; write \\) to mean the sign")
        found = self._state()
        self._lead(ends, found)
        return start, found

    def _state(self, letters: Letters | None = None, anchor: str = "", then: Iterable[int] = ()) -> int:
        if len(self.states) >= MOST_STATES:
            raise NotRegular(
                f"the expression unfolds to more than {MOST_STATES} letters; write smaller counts"
            )
        self.states.append(_State(letters, anchor, list(then)))
        return len(self.states) - 1

    def _lead(self, ends: Iterable[int], to: int) -> None:
        for end in ends:
            self.states[end].then.append(to)

    def _peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def _take(self) -> str:
        letter = self._peek()
        if not letter:
            raise NotRegular("the expression ends too early; write the rest of it")
        self.at += 1
        return letter

    def _alternatives(self) -> _Piece:
        pieces = [self._series()]
        while self._peek() == "|":
            self.at += 1
            pieces.append(self._series())
        if len(pieces) == 1:
            return pieces[0]
        return self._state(then=[start for start, _ in pieces]), [end for _, ends in pieces for end in ends]

    def _series(self) -> _Piece:
        start = self._state()
        ends = [start]
        while self._peek() not in ("", "|", ")"):
            begin, after = self._repeated()
            self._lead(ends, begin)
            ends = after
        return start, ends

    def _repeated(self) -> _Piece:
        begin = self.at
        piece = self._atom()
        least, most = self._count()
        if (least, most) == (1, 1):
            return piece
        after = self.at
        first = self._state()
        ends, out = [first], []
        for number in range(max(least, most or least, 1)):
            if number >= least:
                out += ends
            self.at = begin
            start, following = piece if number == 0 else self._atom()
            self._lead(ends, start)
            ends = following
            if most is None and number >= least - 1:
                again = self._state(then=[start])
                self._lead(ends, again)
                ends = [again]
        self.at = after
        return first, out + ends if most != 0 else [first]

    def _count(self) -> tuple[int, int | None]:
        least, most = 1, 1
        sign = self._peek()
        counts: dict[str, tuple[int, int | None]] = {"*": (0, None), "+": (1, None), "?": (0, 1)}
        if sign in counts and sign:
            self.at += 1
            found = counts[sign]
        elif sign == "{":
            found = self._braces()
        else:
            return least, most
        if self._peek() == "?":
            self.at += 1
        if self._peek() in ("*", "+", "{") and self._peek():
            raise NotRegular("two counts follow each other; put the first with its part in parentheses")
        return found

    def _braces(self) -> tuple[int, int | None]:
        end = self.text.find("}", self.at)
        low, comma, high = self.text[self.at + 1 : max(end, 0)].partition(",")
        if end < 0 or not (low or "0").isdecimal() or not (high or "0").isdecimal() or not (low or high):
            raise NotRegular("'{' begins a count such as {2,5}; write \\{ to mean the sign")
        self.at = end + 1
        least = int(low or 0)
        most = None if comma and not high else int(high or low)
        if most is not None and most < least:
            raise NotRegular("a count's first number is the smaller one; write {2,5}")
        if max(least, most or 0) > MOST_STATES:
            raise NotRegular(f"a count may be {MOST_STATES} at most")
        return least, most

    def _atom(self) -> _Piece:
        letter = self._take()
        if letter == "(":
            return self._group()
        if letter in "^$":
            state = self._state(anchor=letter)
        elif letter in "*+?{":
            raise NotRegular(f"'{letter}' counts nothing; write \\{letter} to mean the sign")
        elif letter == ".":
            state = self._state(lambda seen: seen != "\n")
        elif letter == "[":
            state = self._state(self._class())
        elif letter == "\\":
            state = self._state(self._any_case(self._escape()))
        else:
            state = self._state(self._any_case(letter.__eq__))
        return state, [state]

    def _group(self) -> _Piece:
        if self._peek() == "?":
            if self.text[self.at : self.at + 2] != "?:":
                raise NotRegular(
                    "only plain groups ( ) and (?: ) are known: looking around takes more than linear time"
                )
            self.at += 2
        self.depth += 1
        if self.depth > _DEEPEST:
            raise NotRegular(f"more than {_DEEPEST} groups inside each other; write it flatter")
        piece = self._alternatives()
        self.depth -= 1
        if self._peek() != ")":
            raise NotRegular("a '(' is never closed; write ) after its part")
        self.at += 1
        return piece

    def _escape(self) -> Letters:
        letter = self._take()
        if letter.lower() in _CLASSES:
            inside = _CLASSES[letter.lower()]
            return inside if letter.islower() else lambda seen: not inside(seen)
        if letter in _ESCAPES:
            return _ESCAPES[letter].__eq__
        if letter.isalnum():
            why = "it refers back" if letter.isdecimal() else "it is not known"
            raise NotRegular(f"\\{letter} cannot be searched in linear time here: {why}")
        return letter.__eq__

    def _class(self) -> Letters:
        opposite = self._peek() == "^"
        self.at += opposite
        parts: list[Letters] = []
        while self._peek() != "]" or not parts:
            parts.append(self._class_part())
        self.at += 1
        found = tuple(parts)
        inside = self._any_case(lambda seen: any(part(seen) for part in found))
        return (lambda seen: not inside(seen)) if opposite else inside

    def _class_part(self) -> Letters:
        letter = self._take()
        if letter == "\\":
            return self._escape()
        if self._peek() != "-" or self.text[self.at + 1 : self.at + 2] in ("]", ""):
            return letter.__eq__
        self.at += 1
        last = self._take()
        if last == "\\":
            last = self._take()
        if last < letter:
            raise NotRegular(
                f"in [{letter}-{last}] the first letter comes after the last; write it the other way round"
            )
        return lambda seen: letter <= seen <= last

    def _any_case(self, letters: Letters) -> Letters:
        if not self.folded:
            return letters
        return lambda seen: letters(seen) or letters(seen.lower()) or letters(seen.upper())


class _Place:
    """A set of states that a text can have reached, and where each letter leads from there."""

    __slots__ = ("states", "found", "found_at_end", "moves")

    def __init__(self, states: frozenset[int], found: bool, found_at_end: bool) -> None:
        self.states = states
        self.found = found
        self.found_at_end = found_at_end
        self.moves: dict[str, _Place] = {}


class Regular:
    """A regular expression; `search(text)` tells whether it is found anywhere in the text."""

    def __init__(self, text: str) -> None:
        builder = _Builder(text)
        self._start, self._found = builder.build()
        self._states = builder.states
        self._kept = 0
        self._places: dict[frozenset[int], _Place] = {}
        self._first = self._place({self._start}, at_start=True)

    def search(self, text: str) -> bool:
        """Is the expression found in the text? The time is in proportion to its length."""
        place = self._first
        for letter in text:
            if place.found:
                return True
            following = place.moves.get(letter)
            place = self._move(place, letter) if following is None else following
        return place.found or place.found_at_end

    def _move(self, place: _Place, letter: str) -> _Place:
        reached = {self._start}
        for number in place.states:
            state = self._states[number]
            if state.letters is not None and state.letters(letter):
                reached.update(state.then)
        following = self._place(reached, at_start=False)
        self._kept += 1
        if self._kept > _MOST_KEPT:
            self._kept = 0
            self._places.clear()
            self._first.moves.clear()
            place.moves.clear()
        place.moves[letter] = following
        return following

    def _place(self, states: set[int], *, at_start: bool) -> _Place:
        here = self._led_on(states, {"^"} if at_start else set())
        at_end = self._led_on(states, {"^", "$"} if at_start else {"$"})
        known = self._places.get(here)
        if known is None or at_start:
            known = _Place(here, self._found in here, self._found in at_end)
            if not at_start:
                self._places[here] = known
        return known

    def _led_on(self, states: set[int], anchors: set[str]) -> frozenset[int]:
        reached, left = set(states), list(states)
        while left:
            state = self._states[left.pop()]
            if state.letters is None and (not state.anchor or state.anchor in anchors):
                fresh = [each for each in state.then if each not in reached]
                reached.update(fresh)
                left += fresh
        return frozenset(reached)
