"""What follows from what people do: patterns, conditions, segments and computed traits."""

from hub.rules.selection import Selector, selector

__all__ = ["Selector", "selector"]
