"""Pure: what an entry means. apply(state, position, raw) gives an outcome or a refusal, the same on every node."""
