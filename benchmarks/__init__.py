"""`make bench`: what the gate and the ledger node do in a given time, beside what this machine could do at all."""
