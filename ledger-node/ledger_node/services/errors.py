"""The one family of errors that services let out: something asked for cannot be done, why, and what to do."""

from ledger_node.contract.outcome import Rejected


class ServiceError(Exception):
    """`code` is stable and for programs, the text is for people, `status` is what HTTP calls it."""

    def __init__(self, code: str, sentence: str, status: int = 422) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence
        self.status = status

    @classmethod
    def of(cls, rejected: Rejected) -> "ServiceError":
        """What the contract refused."""
        status = 404 if rejected.code.startswith("unknown-") else 422
        return cls(rejected.code, rejected.sentence(), status)
