"""The faults that the scanner raises, one line each. Refusals are not here: a refusal is a value with a reason.

Each boundary lets out one family: whatever goes wrong in a vendor library arrives as one of these, with a sentence
that says what to do.
"""


class GateError(Exception):
    """Anything that stops the gate from doing its work; the text says what happened and what to do."""


class ConfigError(GateError):
    """The configuration cannot be used; the text names every fault, with its line."""


class CameraError(GateError):
    """The camera cannot be opened or read."""


class HardwareError(GateError):
    """The pins cannot be claimed or driven."""


class JournalError(GateError):
    """The journal cannot be read or written; nothing may be admitted."""


class FormatError(GateError):
    """A file was made by a release that this one does not know; it is left as it is."""


class SnapshotError(GateError):
    """The snapshot cannot be read, or must not replace the one in use."""


class SyncError(GateError):
    """The ledger node did not answer, or its answer cannot be trusted."""


class NoNetworkError(SyncError):
    """No way leads from this machine to the ledger node: it is the network that is missing, not the node."""
