"""The hooks by which a package joins the hub; they are called at start, never per event.

# our_package/__init__.py, with the entry point  [project.entry-points.hub]  ours = "our_package"
import hub

@hub.hookimpl
def connectors():
    return [OurSink]
"""

from __future__ import annotations

from collections.abc import Sequence

import pluggy

from hub.connector import ConnectorType

spec = pluggy.HookspecMarker("hub")
hookimpl = pluggy.HookimplMarker("hub")


@spec
def connectors() -> Sequence[ConnectorType]:
    """The connectors that this package brings."""
    raise NotImplementedError
