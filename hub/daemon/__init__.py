"""Puts the roles together, starts and stops them."""

from hub.daemon.locks import ROLES, Locks
from hub.daemon.offline import House, offline
from hub.daemon.running import run

__all__ = ["ROLES", "House", "Locks", "offline", "run"]
