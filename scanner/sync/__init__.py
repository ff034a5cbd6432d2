"""The gate and its ledger node: records up, snapshot and changes down, neither waiting for the other."""
