"""A rule's text as words, numbers and signs, each with the place where it stands."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from difflib import get_close_matches
from typing import Literal, NoReturn

from hub.errors import RuleFault
from hub.option import duration

Kind = Literal["name", "text", "number", "duration", "clock", "distance", "sign", "end"]

DURATION_FORM = "15m"
DEEPEST = 50
"""How many parts of a text may stand inside each other."""
_LONGEST_NUMBER = 40
METRES = {"km": 1_000.0, "mi": 1_609.344}

_UNIT_WORDS = frozenset(
    ["ms", "s", "sec", "secs", "second", "seconds", "m", "min", "mins", "minute", "minutes", "h", "hr", "hrs"]
    + ["hour", "hours", "d", "day", "days", "w", "week", "weeks"]
)
_SPACE = re.compile(r"\s*")
_NAME = re.compile(r"[^\W\d]\w*")
_MEASURED = re.compile(r"\d+(?:\.\d+)?(?:[^\W\d_][^\W_]*)?")
_CLOCK = re.compile(r"\d+:\d+(?::\d+)?")
_SIGN = re.compile(r"==|!=|<=|>=|[()\[\],.<>+\-*/]")
_WRONG_SIGNS = {
    "=": "==",
    "!": "not",
    "&": "and",
    "|": "or",
    ";": ",",
    "“": "'",
    "‘": "'",
    "’": "'",
    "”": "'",
}


@dataclass(frozen=True, slots=True)
class Token:
    """One word of a rule's text; `character` counts from 1."""

    kind: Kind
    text: str
    value: object
    character: int


def tokens(text: str) -> list[Token]:
    """All words of a text, closed by one of kind `end`; raises RuleFault where a word is none."""
    found: list[Token] = []
    at = 0
    while True:
        space = _SPACE.match(text, at)
        at = space.end() if space else at
        if at == len(text):
            return [*found, Token("end", "", None, at + 1)]
        token = _token(text, at)
        found.append(token)
        at += len(token.text)


def _token(text: str, at: int) -> Token:
    char = text[at]
    if char in "'\"":
        return _quoted(text, at)
    if char.isdecimal():
        return _counted(text, at)
    name = _NAME.match(text, at)
    if name:
        return Token("name", name[0], name[0], at + 1)
    sign = _SIGN.match(text, at)
    if sign:
        return Token("sign", sign[0], sign[0], at + 1)
    hint = f"; write {_WRONG_SIGNS[char]}" if char in _WRONG_SIGNS else ""
    raise RuleFault(at + 1, f"{char!r} is no sign of this language{hint}")


def _quoted(text: str, at: int) -> Token:
    end = text.find(text[at], at + 1)
    if end < 0:
        raise RuleFault(at + 1, f"a text begins here and never ends; write a second {text[at]} after it")
    return Token("text", text[at : end + 1], text[at + 1 : end], at + 1)


def _counted(text: str, at: int) -> Token:
    clock = _CLOCK.match(text, at)
    if clock:
        return Token("clock", clock[0], _clock(clock[0], at + 1), at + 1)
    measured = _MEASURED.match(text, at)
    assert measured is not None, "a digit begins a number"
    word = measured[0]
    if len(word) > _LONGEST_NUMBER:
        raise RuleFault(at + 1, f"a number of more than {_LONGEST_NUMBER} characters; write a shorter one")
    if word.replace(".", "", 1).isdecimal():
        return Token("number", word, float(word) if "." in word else int(word), at + 1)
    if word[-2:] in METRES:
        try:
            return Token("distance", word, float(word[:-2]) * METRES[word[-2:]], at + 1)
        except ValueError:
            raise RuleFault(at + 1, f"'{word}' is not a distance; write 5km or 3mi") from None
    try:
        return Token("duration", word, duration(word), at + 1)
    except ValueError:
        raise RuleFault(at + 1, not_a_duration(word)) from None


def _clock(word: str, character: int) -> str:
    hours, minutes, *rest = word.split(":")
    if rest or len(hours) != 2 or len(minutes) != 2 or word > "24:00" or minutes > "59":
        raise RuleFault(character, f"'{word}' is not a clock time; write it as 09:00")
    return word


def not_a_duration(word: str) -> str:
    """What to say of a word that should have been a duration, with the one that was meant."""
    meant = re.fullmatch(r"(\d+)\s*([a-z])[a-z]*", word.lower())
    if meant and meant[2] in "smhdw":
        if word == meant[1] + meant[2]:
            return f"'{word}' is longer than any duration; write a shorter one"
        return f"'{word}' is not a duration; write {meant[1]}{meant[2]}"
    return f"'{word}' is not a duration; write 90s, 15m, 1h30m, 24h, 30d or 2w"


def nearest(word: str, words: Collection[str]) -> str:
    """`; did you mean 'x'?` where a known word is near, else nothing."""
    near = get_close_matches(word, sorted(words), n=1, cutoff=0.6)
    return f"; did you mean '{near[0]}'?" if near else ""


class Cursor:
    """The words still to be read, and how to say what is wrong with the next one."""

    def __init__(self, text: str) -> None:
        self._tokens = tokens(text)
        self._at = 0
        self._depth = 0

    @property
    def token(self) -> Token:
        """The next word."""
        return self._tokens[self._at]

    def ahead(self, count: int = 1) -> Token:
        """The word `count` after the next one."""
        return self._tokens[min(self._at + count, len(self._tokens) - 1)]

    def take(self) -> Token:
        """The next word, which is thereby read."""
        token = self.token
        self._at = min(self._at + 1, len(self._tokens) - 1)
        return token

    def sees(self, *words: str) -> bool:
        """Are these words and signs what comes next?"""
        following = self._tokens[self._at : self._at + len(words)]
        return [token.text for token in following if token.kind in ("name", "sign")] == list(words)

    def passes(self, *words: str) -> bool:
        """Reads these words and signs if they come next."""
        if not self.sees(*words):
            return False
        self._at += len(words)
        return True

    def expect(self, word: str, why: str = "") -> None:
        """Reads this word or sign; raises RuleFault where another one stands."""
        if not self.passes(word):
            self.fail(f"expected '{word}'{why}")

    def expect_kind(self, kind: Kind, form: str) -> Token:
        """Reads a word of this kind; `form` is what to write."""
        if self.token.kind != kind:
            self._fail_kind(kind, form)
        return self.take()

    def duration(self, form: str = DURATION_FORM) -> timedelta:
        """Reads a duration."""
        value = self.expect_kind("duration", form).value
        assert isinstance(value, timedelta)
        return value

    def _fail_kind(self, kind: Kind, form: str) -> NoReturn:
        token = self.token
        if token.kind == "number":
            self.refuse_split_unit()
            if kind == "duration":
                raise RuleFault(token.character, not_a_duration(token.text))
        self.fail(f"expected a {kind}; write {form}")

    def refuse_split_unit(self) -> None:
        """Raises RuleFault where a number is followed by a word that is its unit."""
        token, unit = self.token, self.ahead()
        word = f"{token.text} {unit.text}"
        if unit.kind == "name" and unit.text in METRES:
            raise RuleFault(token.character, f"'{word}' is not a distance; write {token.text}{unit.text}")
        if unit.kind == "name" and unit.text.lower() in _UNIT_WORDS:
            raise RuleFault(token.character, not_a_duration(word))

    @contextmanager
    def deeper(self) -> Iterator[None]:
        """Counts how deeply parts stand in each other; raises RuleFault where nobody could read it."""
        if self._depth == DEEPEST:
            raise RuleFault(
                self.token.character, f"more than {DEEPEST} parts inside each other; write it flatter"
            )
        self._depth += 1
        yield
        self._depth -= 1

    def fail(self, problem: str) -> NoReturn:
        """Says what is wrong with the next word, and which word it is."""
        found = f"'{self.token.text}'" if self.token.kind != "end" else "the end"
        raise RuleFault(self.token.character, f"{problem}, found {found}")

    def close(self, *words: str) -> None:
        """Raises RuleFault where something is left; `words` are those that could have stood here."""
        if self.token.kind != "end":
            self.fail("expected the end" + nearest(self.token.text, words))
