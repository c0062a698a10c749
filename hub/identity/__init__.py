"""Whose is it: from the identifiers of an event to a person, and from two people to one. Pure."""

from hub.identity.devices import last_seen, let_go, note_seen, take_in
from hub.identity.match import Known, Resolution, resolve
from hub.identity.rules import IdentityRules, KindRule
from hub.identity.survivor import survivor

__all__ = [
    "IdentityRules",
    "KindRule",
    "Known",
    "Resolution",
    "last_seen",
    "let_go",
    "note_seen",
    "resolve",
    "survivor",
    "take_in",
]
