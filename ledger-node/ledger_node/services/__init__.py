"""Use cases, one file each: what an operator, a device or a holder asks of the ledger."""
