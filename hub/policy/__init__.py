"""May it be sent, now: the gates that every attempt of a message passes. Pure."""

from hub.policy.gates import Gate, addresses, is_dead, permitted, refusal

__all__ = ["Gate", "addresses", "is_dead", "permitted", "refusal"]
