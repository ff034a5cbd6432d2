"""The ledger node: an append-only log of signed entries, the contract that rules it, and the proofs of both."""
