"""The Liquid that templates may use: no files, no clock, no endless work, nothing of Python within reach."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any, TextIO

from liquid import Environment, Markup
from liquid.ast import Node
from liquid.builtin import register
from liquid.builtin.expressions import LoopExpression
from liquid.builtin.expressions.primitive import RangeLiteral
from liquid.builtin.output import Output, OutputNode
from liquid.builtin.tags.capture_tag import CaptureNode, CaptureTag
from liquid.builtin.tags.echo_tag import EchoTag
from liquid.builtin.tags.for_tag import ForNode, ForTag
from liquid.builtin.tags.tablerow_tag import TablerowNode, TablerowTag
from liquid.context import RenderContext
from liquid.exceptions import LiquidError
from liquid.expression import Expression
from liquid.parser import get_parser
from liquid.stream import TokenStream
from liquid.stringify import to_liquid_string
from liquid.template import BoundTemplate
from liquid.undefined import Undefined
from liquid.utils import ReadOnlyChainMap

from hub.liquid.filters import OURS, Plain, tamed, text_of
from hub.liquid.limits import MOST_BYTES, MOST_ITEMS, MOST_STEPS, TooMuch, measured

_NO_FILES = ("include", "render")


class Unknown(LiquidError):
    """A filter that there is none of: its name, where it stands, and the names there are."""

    def __init__(self, name: str, index: int, known: Mapping[str, Any]) -> None:
        super().__init__(f"there is no filter '{name}'", token=None)
        self.name, self.index, self.known = name, index, tuple(known)


class Context(RenderContext):
    """One filling in: the values, what was missing, and what it has cost."""

    __slots__ = ("missing", "passing", "steps")

    def __init__(self, template: BoundTemplate, **more: Any) -> None:
        super().__init__(template, **more)
        # Liquid's own `now` and `today` read the clock.
        self.scope = ReadOnlyChainMap(self.locals, self.globals, self.counters)
        self.missing: dict[str, None] = {}
        self.steps = 0
        self.passing = 1
        """What one pass of the loop that comes next costs."""

    def spend(self, steps: int) -> None:
        """Counts steps; raises TooMuch."""
        self.steps += steps
        if self.steps > MOST_STEPS:
            raise TooMuch("takes too long: it loops too often, or works on too much")

    def get(self, path: list[object], **more: Any) -> object:
        """The value at a path; one that is not there is noted."""
        found = super().get(path, **more)
        if isinstance(found, Undefined):
            self.missing[".".join(map(str, path))] = None
        return found

    def raise_for_loop_limit(self, length: int = 1) -> None:
        """A loop pays for all its passes before the first."""
        self.spend(length * self.passing)


class Filled(BoundTemplate):
    """A template that was read: what it says of itself, and how it is filled in."""

    context_class = Context

    def fill(self, values: Mapping[str, Any]) -> tuple[str, tuple[str, ...]]:
        """The text, and the paths that had no value."""
        context = Context(self, globals=values)
        context.spend(self._weight)
        buffer = self._get_buffer()
        self.render_with_context(context, buffer)
        return buffer.getvalue(), tuple(context.missing)

    @cached_property
    def names(self) -> dict[str, tuple[str, ...]]:
        """The variables that it reads, each with the paths under it."""
        found = self.analyze(include_partials=False).globals
        return {name: tuple(dict.fromkeys(map(str, paths))) for name, paths in found.items()}

    def refuse(self) -> None:
        """Raises LiquidError for what would otherwise be found out when it is filled in."""
        for name, places in self.analyze(include_partials=False).filters.items():
            if name not in self.env.filters:
                raise Unknown(name, places[0].index, self.env.filters)
        for node in _all(self.nodes):
            for expression in node.expressions():
                _refuse_ranges(expression)
        if self._weight > MOST_STEPS:
            raise LiquidError("has too many parts", token=None)

    @cached_property
    def _weight(self) -> int:
        return sum(map(_weight, self.nodes))


def _refuse_ranges(expression: Expression) -> None:
    """A range stands behind `in` alone: elsewhere a long one would be written out."""
    for part in expression.children():
        in_loop = isinstance(expression, LoopExpression) and part is expression.iterable
        if isinstance(part, RangeLiteral) and not in_loop:
            raise LiquidError("a range such as (1..5) can only stand behind 'in'", token=part.token)
        _refuse_ranges(part)


# ---------------------------------------------------------------- what the parts weigh


def _children(node: Node) -> list[Node]:
    # The context would be for tags that read further templates: there are none.
    return list(node.children(None, include_partials=False))  # type: ignore[arg-type]


def _all(nodes: list[Node]) -> Iterator[Node]:
    for node in nodes:
        yield node
        yield from _all(_children(node))


def _weight(node: Node) -> int:
    """How many parts are looked at, at most, when a node is filled in; a loop pays for its passes itself."""
    body = node.block if isinstance(node, For | Tablerow) else None
    within = sum(_weight(one) for one in _children(node) if one is not body)
    return 1 + within + sum(map(_size, node.expressions()))


def _size(expression: Expression) -> int:
    return 1 + sum(map(_size, expression.children()))


class For(ForNode):
    """A loop that knows what a pass costs."""

    def render_to_output(self, context: Context, buffer: TextIO) -> int:  # type: ignore[override]
        _enter(self, context)
        return super().render_to_output(context, buffer)


class Tablerow(TablerowNode):
    """The same for a table."""

    def render_to_output(self, context: Context, buffer: TextIO) -> int:  # type: ignore[override]
        _enter(self, context)
        return super().render_to_output(context, buffer)


def _enter(loop: For | Tablerow, context: Context) -> None:
    over = loop.expression.iterable.evaluate(context)
    if isinstance(over, range) and over.stop - over.start > MOST_ITEMS:
        raise TooMuch(f"loops over a range of more than {MOST_ITEMS:,}")
    context.passing = _weight(loop.block)


# ---------------------------------------------------------------- how values are put out


class ValueNode(OutputNode):
    """A value in a text or in HTML, if it is not too large."""

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        value = self.expression.evaluate(context)
        measured(value)
        if isinstance(value, list):
            items = [one if hasattr(one, "__html__") else text_of(one) for one in value]
            value = Markup("").join(items) if context.autoescape else "".join(items)
        return buffer.write(to_liquid_string(value, context.autoescape))


class JsonValueNode(OutputNode):
    """A value inside a text of JSON: whatever it holds, it cannot end that text."""

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        value = self.expression.evaluate(context)
        measured(value)
        if isinstance(value, Plain):
            return buffer.write(value)
        return buffer.write(json.dumps(text_of(value), ensure_ascii=False)[1:-1])


class JsonCapture(CaptureNode):
    """What is captured was escaped where it was put out."""

    def _assign(self, context: RenderContext, buf: Any) -> None:
        context.assign(self.name, Plain(buf.getvalue()))


class Language(Environment):
    """What templates may use: Liquid's own tags and filters, but for those that read files or the clock."""

    output_stream_limit = MOST_BYTES
    local_namespace_limit = 4 * MOST_BYTES
    template_class = Filled

    def __init__(self, form: str) -> None:
        self._form = form
        super().__init__(autoescape=form == "html")

    def _parse(self, source: str) -> list[Node]:
        stream = TokenStream(self.tokenizer()(source))
        try:
            return get_parser(self).parse(stream)
        except LiquidError as fault:
            if fault.token is None or fault.token.start_index < 0:
                # What ends too early has no place of its own: it is where reading had come to.
                fault.token = stream.current
            raise

    def setup_tags_and_filters(self, *, extra: bool = False) -> None:
        """Called once, by Liquid."""
        register(self)
        for name in _NO_FILES:
            del self.tags[name]
        value = JsonValueNode if self._form == "json" else ValueNode
        nodes: list[tuple[Any, type[Node]]] = [
            (Output, value),
            (EchoTag, value),
            (ForTag, For),
            (TablerowTag, Tablerow),
            (CaptureTag, JsonCapture if self._form == "json" else CaptureNode),
        ]
        for tag, node in nodes:
            self.tags[tag.name] = type(tag.__name__, (tag,), {"node_class": node})(self)
        filters: dict[str, Any] = {**self.filters, **OURS}
        self.filters = {name: tamed(one) for name, one in filters.items()}
