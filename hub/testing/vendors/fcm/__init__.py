"""A stand-in for Firebase Cloud Messaging: its token endpoint and its messages, checked as the vendor does."""

from __future__ import annotations

from hub.testing.vendors.fcm.standin import Fcm, Message

__all__ = ["Fcm", "Message"]
