"""The straight line: from accepted events to what follows from them."""

from hub.pipeline.cycles import Engine
from hub.pipeline.definitions import Definitions
from hub.pipeline.line import process
from hub.pipeline.reading import read

__all__ = ["Definitions", "Engine", "process", "read"]
