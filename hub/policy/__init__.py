"""May it be sent, now: the gates that every attempt of a message passes. Pure."""

from hub.policy.gates import Gate, addresses, permitted, refusal

__all__ = ["Gate", "addresses", "permitted", "refusal"]
