"""Tickets on the command line."""

from typing import Any

import click

from ledger_node.spelling import ticket_number


class Ticket(click.ParamType[int]):
    """A ticket's index, as people write it."""

    name = "TICKET"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """See click.ParamType."""
        found = ticket_number(str(value))
        if found is None:
            self.fail(f"{value!r} is no ticket's number: digits, as in `tickets show EVENT 4711`", param, ctx)
        return found
