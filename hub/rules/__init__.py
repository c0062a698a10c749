"""What follows from what people do: patterns, conditions, segments and computed traits."""

from hub.rules.compiling import compile
from hub.rules.deciding import Person, adopt, decide, merge, recompute, wake
from hub.rules.decisions import Decisions, Firing, Skip
from hub.rules.definitions import Age, Definitions, Rule, Send
from hub.rules.expression import Expressed, express
from hub.rules.memory import Memory, pack, unpack
from hub.rules.selection import Selector, selector
from hub.rules.situation import History, Situation
from hub.rules.waiting import Waiting, waiting

__all__ = [
    "Age",
    "Decisions",
    "Definitions",
    "Expressed",
    "Firing",
    "History",
    "Memory",
    "Person",
    "Rule",
    "Selector",
    "Send",
    "Situation",
    "Skip",
    "Waiting",
    "adopt",
    "compile",
    "decide",
    "express",
    "merge",
    "pack",
    "recompute",
    "selector",
    "unpack",
    "waiting",
    "wake",
]
