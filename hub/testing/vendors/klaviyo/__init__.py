"""A stand-in for Klaviyo: profiles, events and subscriptions, checked as strictly as the vendor describes."""

from __future__ import annotations

from hub.testing.vendors.klaviyo.standin import Klaviyo

__all__ = ["Klaviyo"]
