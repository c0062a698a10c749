"""Words with gaps, in Liquid: read where they are written, filled in for one person or delivery.

Data only ever fills gaps, it is never read as a template. There is no way from a template to files, to the
clock or to Python's own objects, and what it may cost is limited; see `hub.liquid.limits`. Importing this
costs nothing; Liquid itself is loaded with the first template.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal, NoReturn, TypeAlias

from hub.errors import GiveUp

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler
    from pydantic_core import CoreSchema

    from hub.liquid.language import Filled, Language

__all__ = ["MOST_BYTES", "Form", "Template", "TemplateRefused"]

Form: TypeAlias = Literal["text", "html", "json"]
"""What comes of a template: into `html` values are put with their marks escaped, into `json` as parts of a
text or, by the filter `json`, as values; into `text` as they are."""

MOST_BYTES = 256 * 1024


class TemplateRefused(ValueError):
    """A text that is no Liquid; `line` counts from 1, 0 where the fault has no place."""

    def __init__(self, problem: str, line: int) -> None:
        super().__init__(f"line {line}: {problem}" if line else problem)
        self.problem = problem
        self.line = line


@dataclass(frozen=True, slots=True)
class Template:
    """An option that is a template in Liquid, and what fills it in.

        class Settings(hub.Settings):
            body: hub.Template | None = hub.Option("The body, in Liquid.", default=None)

        text = settings.body.render({"person": delivery.traits}, form="json")

    What has no value stays empty.
    """

    text: str

    def __post_init__(self) -> None:
        _read(self.text, "text")

    def render(self, values: Mapping[str, Any], *, form: Form = "text") -> str:
        """The text with its gaps filled in; raises GiveUp where it breaks a limit or cannot be done."""
        return self.fill(values, form=form)[0]

    def fill(self, values: Mapping[str, Any], *, form: Form = "text") -> tuple[str, tuple[str, ...]]:
        """The same, and the paths that had no value."""
        from liquid.exceptions import LiquidError, OutputStreamLimitError

        from hub.liquid.limits import TooMuch

        try:
            return _read(self.text, form).fill(values)
        except TooMuch as fault:
            raise GiveUp(str(fault)) from None
        except OutputStreamLimitError:
            raise GiveUp("makes more than 256 KB") from None
        except LiquidError as fault:
            # Its text may repeat a value.
            line = _line_of(fault, self.text)
            raise GiveUp(f"{_where(line)}cannot be filled in ({type(fault).__name__})") from None
        except Exception as fault:
            raise GiveUp(f"cannot be filled in ({type(fault).__name__})") from None

    @property
    def names(self) -> Mapping[str, tuple[str, ...]]:
        """The variables that it reads, each with the paths under it."""
        return _read(self.text, "text").names

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        from pydantic_core import core_schema

        return core_schema.no_info_after_validator_function(
            cls,
            core_schema.str_schema(strict=True),
            serialization=core_schema.plain_serializer_function_ser_schema(lambda one: one.text),
        )


@lru_cache(maxsize=4096)
def _read(text: str, form: Form) -> Filled:
    """The template that a text is; raises TemplateRefused."""
    from liquid.exceptions import LiquidError

    from hub.liquid.language import Unknown

    if len(text.encode("utf-8", "surrogatepass")) > MOST_BYTES:
        raise TemplateRefused("is larger than 256 KB", 0)
    try:
        template: Any = _language(form).from_string(text)
        template.refuse()
    except Unknown as fault:
        close = get_close_matches(fault.name, fault.known, 1)
        hint = f"; did you mean '{close[0]}'?" if close else ""
        raise TemplateRefused(f"{fault.args[0]}{hint}", text.count("\n", 0, fault.index) + 1) from None
    except LiquidError as fault:
        _refuse(fault, text)
    return template  # type: ignore[no-any-return]


@lru_cache(maxsize=3)
def _language(form: Form) -> Language:
    from hub.liquid.language import Language

    return Language(form)


def _refuse(fault: Any, text: str) -> NoReturn:
    problem = str(fault.args[0] if fault.args else type(fault).__name__)
    problem = problem.replace("found end of expression", "but it ends here")
    tag = problem.rpartition(" ")[2].strip("'")
    if tag in ("include", "render") and "tag" in problem:
        problem = f"'{tag}' is not here: a template stands for itself"
    raise TemplateRefused(problem, _line_of(fault, text)) from None


def _line_of(fault: Any, text: str) -> int:
    token = fault.token
    if token is None:
        return 0
    at = token.start_index if token.start_index >= 0 else len(text.rstrip("\n"))
    return text.count("\n", 0, at) + 1


def _where(line: int) -> str:
    return f"line {line}: " if line else ""
