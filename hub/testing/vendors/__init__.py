"""Stand-ins for vendors: they keep what they are sent, answer as the vendor does, and fail when told to."""
