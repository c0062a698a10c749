"""What we know of a person: learned from each event, joined at a merge. Pure."""

from hub.profiles.joining import join
from hub.profiles.learning import MOST_COUNTERS, OTHER, learn

__all__ = ["MOST_COUNTERS", "OTHER", "join", "learn"]
