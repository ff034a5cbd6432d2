"""The HTTP edge of the ledger node: API, pages, tlog-tiles."""
