"""Pure: what an entry means. apply(state, entry) gives an outcome or a refusal, the same on every node."""
