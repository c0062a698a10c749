"""How events go out: lanes, limits, batches, retries, dead letters.

The role is loaded when it is asked for: commands that only name deliveries need no HTTP.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hub.delivery.ids import delivery_id

if TYPE_CHECKING:
    from hub.delivery.role import DeliveryRole

__all__ = ["DeliveryRole", "delivery_id"]


def __getattr__(name: str) -> Any:
    if name != "DeliveryRole":
        raise AttributeError(f"module 'hub.delivery' has no attribute {name!r}")
    from hub.delivery.role import DeliveryRole

    return DeliveryRole
