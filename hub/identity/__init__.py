"""Whose is it: from the identifiers of an event to a person, and from two people to one. Pure."""

from hub.identity.match import Known, Resolution, resolve
from hub.identity.rules import IdentityRules, KindRule
from hub.identity.survivor import survivor

__all__ = ["IdentityRules", "KindRule", "Known", "Resolution", "resolve", "survivor"]
