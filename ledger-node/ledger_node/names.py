"""What a name may hold: of events, gates, groups, sponsors, organisers, accounts; reasons, questions. One rule for all.

Names are shown on kiosks, in wallets and letters, in logs and on terminals, among other text. A character that moves
the text around it (U+202E turns it around), that ends a line or that nobody sees could make these say something else,
so it is refused where a name comes in. The contract does not ask: what stands in a log stays as it is.
"""

import unicodedata

_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""General categories (Unicode 4.5): control, format (direction, joiners), surrogate, line and paragraph separator."""


def name_fault(text: str) -> str | None:
    """Why this cannot be (part of) a name, in a sentence; None if it can."""
    for place, character in enumerate(text, 1):
        if unicodedata.category(character) in _UNSEEN:
            known = unicodedata.name(character, "a control character")
            return f"character {place} is U+{ord(character):04X} ({known}), which cannot be shown: leave it out"
    return None if text.strip() else "it is blank"
