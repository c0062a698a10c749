"""Words for one person: `[templates.*]`, filled in once when a message is decided, and frozen with it."""

from hub.templates.said import Said, Templates, Words, compile, form_of
from hub.templates.values import KNOWN, values_for

__all__ = ["KNOWN", "Said", "Templates", "Words", "compile", "form_of", "values_for"]
