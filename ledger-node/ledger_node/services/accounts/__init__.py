"""Accounts of organisers, sponsors, operators and the regulator: who they are, how they prove it, what they did."""
