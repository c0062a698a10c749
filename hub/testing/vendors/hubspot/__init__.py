"""A stand-in for HubSpot: contacts, events, lists and subscriptions, checked as the vendor describes."""

from __future__ import annotations

from hub.testing.vendors.hubspot.standin import HubSpot

__all__ = ["HubSpot"]
