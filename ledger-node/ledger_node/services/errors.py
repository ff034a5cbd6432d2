"""The one family of errors that services let out: something asked for cannot be done, why, and what to do."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the command line catches these, and says so before it imports the contract
    from ledger_node.contract.outcome import Rejected


class ServiceError(Exception):
    """`code` is stable and for programs, the text is for people, `status` is what HTTP calls it, `wait` after how many
    seconds the same may go well (0: not said).
    """

    def __init__(self, code: str, sentence: str, status: int = 422, wait: int = 0) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence
        self.status = status
        self.wait = wait

    @classmethod
    def of(cls, rejected: "Rejected") -> "ServiceError":
        """What the contract refused."""
        status = 404 if rejected.code.startswith("unknown-") else 422
        return cls(rejected.code, rejected.sentence(), status)
