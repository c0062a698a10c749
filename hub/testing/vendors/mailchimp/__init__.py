"""A stand-in for Mailchimp: members with events, tags and journeys, as strict as the vendor describes."""

from __future__ import annotations

from hub.testing.vendors.mailchimp.standin import Mailchimp

__all__ = ["Mailchimp"]
