"""Pure: the gate code, keys, records, proofs, snapshot and decision, shared by the gate and the ledger node. No I/O."""
