"""The log: its port, the SQLite engine, tiles and checkpoints."""
