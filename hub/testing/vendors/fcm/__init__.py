"""A stand-in for Firebase Cloud Messaging: push messages, and the tokens that are needed to send them."""

from __future__ import annotations

from hub.testing.vendors.fcm.standin import Fcm, Message

__all__ = ["Fcm", "Message"]
