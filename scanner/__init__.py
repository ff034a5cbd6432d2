"""The gate: reads dynamic QR codes, decides with no network, turns the turnstile, reconciles with a ledger node."""
