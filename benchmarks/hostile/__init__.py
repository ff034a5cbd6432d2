"""64 KB of anything that others may send, for every reader of bytes from others: `shapes` and `readers`."""
