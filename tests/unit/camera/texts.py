"""Texts as large as gate codes; the camera reads them and does not ask whether they are signed."""

import numpy as np

ALPHABET = list("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:")


def gate_text(rng: np.random.Generator, *, full: bool = False) -> str:
    """A text with the prefix, the length and the alphabet of a compact (122) or full (293) gate code."""
    body = "".join(rng.choice(ALPHABET, 291 if full else 120))
    return ("T2" if full else "T1") + body
