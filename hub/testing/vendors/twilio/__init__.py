"""A stand-in for Twilio: text messages, with numbers, words and senders as strictly as the vendor says."""

from __future__ import annotations

from hub.testing.vendors.twilio.standin import Message, Twilio

__all__ = ["Message", "Twilio"]
