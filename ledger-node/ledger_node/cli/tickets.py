"""`ledger-node tickets`: issue, import, show, history, register a holder's key, change the state."""

from collections.abc import Callable
from pathlib import Path

import click

from ledger_node.cli.groups import Group
from ledger_node.cli.operator import operator
from ledger_node.cli.output import errors_in_one_line, progress, show
from ledger_node.cli.ticket import Ticket

_INDEX = Ticket()
_U8 = click.IntRange(0, 255)


@click.group(cls=Group)
def tickets() -> None:
    """Tickets: in bulk, and one by one."""


@tickets.command()
@click.argument("event")
@click.option("--count", required=True, type=click.IntRange(min=1), help="How many.")
@click.option("--first", type=_INDEX, help="Index and seat of the first.  [default: after the last issued]")
@click.option("--gate-group", type=_U8, help="All for this group; 0 = any gate.  [default: spread over all groups]")
@click.option("--category", type=_U8, default=0, show_default=True, help="Price category.")
@click.option("--price", "face_value", type=click.IntRange(min=0), default=0, show_default=True, help="In cents.")
@click.option("--standing", is_flag=True, help="Places without a number: all have seat 0.")
@click.pass_obj
def issue(home: Path, /, event: str, **lot: int | None) -> None:
    """Issue generated tickets of EVENT: all or, if anything is wrong, none. Each has a seat of its own, its index.

    \b
      ledger-node tickets issue coliseum-1122 --count 12500
      ledger-node tickets issue coliseum-1122 --count 200 --gate-group 1 --price 128000
    """
    with errors_in_one_line(), operator(home) as node:
        show(node.do("tickets-issue", event=event, **lot))


@tickets.command("import")
@click.argument("event")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.pass_obj
def load(home: Path, event: str, file: Path) -> None:
    """Issue the tickets in FILE, a CSV in UTF-8 with the columns
    index,seat,category,gate_group,face_value,holder_key,proof.

    A seat is one ticket's; 0 is a place without a number. face_value is in cents. holder_key and proof are hex and may
    be empty; proof is the key's signature over "gatecode/v1/possession\\0" | event hash | index | owner_seq 0 | key.

    Every row is checked before anything is written, and all are written in one transaction: a bad row is named by its
    line and nothing of the file is kept; if the power goes in the middle, give the command again. A million rows take
    about a minute. While `serve` runs it carries out the import, and gates decide alone until it is done.
    """
    with errors_in_one_line():
        total = file.stat().st_size if file.exists() else None
        with operator(home) as node, progress(f"importing {file.name}", total) as update:
            count = node.load(event, file, update)
            note = node.do("event-note", event=event)
    show({"event": event, "imported": count, **note})


@tickets.command("show")
@click.argument("event")
@click.argument("index", type=_INDEX)
@click.option("--certificate", is_flag=True, help="With a certificate and the ledger's signature on it, in hex.")
@click.option("--ttl", default=1440, show_default=True, type=click.IntRange(1, 65535), help="Its life in minutes.")
@click.pass_obj
def show_one(home: Path, event: str, index: int, certificate: bool, ttl: int) -> None:  # noqa: FBT001 - click
    """Ticket INDEX of EVENT as JSON: what a wallet needs to draw codes.

    A certificate lets a full code pass at gates whose snapshot is older than the ticket's last sale.
    """
    with errors_in_one_line(), operator(home) as node:
        show(node.do("tickets-show", event=event, index=index, certificate=certificate, ttl=ttl))


@tickets.command()
@click.argument("event")
@click.argument("index", type=_INDEX)
@click.option("--proofs", is_flag=True, help="With a proof for each entry that it is in the log of the checkpoint.")
@click.option("--from", "start", type=click.IntRange(0), default=0, help="Position to go on from (`next`).")
@click.option("--cosigned", type=click.IntRange(0), default=0, help="As far as so many witnesses have cosigned.")
@click.pass_obj
def history(
    home: Path,
    event: str,
    index: int,
    proofs: bool,  # noqa: FBT001 - click passes it so
    start: int,
    cosigned: int,
) -> None:
    """Everything that the log says about ticket INDEX of EVENT, as JSON: what, when, signed by which role. No people.

    \b
      ledger-node tickets history coliseum-1122 4711
      ledger-node tickets history coliseum-1122 4711 --proofs | jq .checkpoint
    """
    with errors_in_one_line(), operator(home) as node:
        values = {"proofs": proofs, "start": start, "cosigned": cosigned}
        show(node.do("tickets-history", event=event, index=index, **values))


@tickets.command()
@click.argument("event")
@click.argument("index", type=_INDEX)
@click.option("--owner-seq", required=True, type=click.IntRange(0, 65535), help="Of the new owner.")
@click.option("--holder-key", required=True, help="Ed25519 public key, hex.")
@click.option("--proof", required=True, help="Its signature of possession for this owner_seq, hex.")
@click.pass_obj
def register(home: Path, event: str, index: int, owner_seq: int, holder_key: str, proof: str) -> None:
    """Register a holder's key: the first one keeps the ticket's owner_seq; a sale or a new phone takes the next.

    The codes of the owner before are refused from then on.
    """
    values = {"event": event, "index": index, "owner_seq": owner_seq, "holder_key": holder_key, "proof": proof}
    with errors_in_one_line(), operator(home) as node:
        show(node.do("tickets-register", **values))


def _state_command(name: str, state: str, doc: str) -> Callable[..., None]:
    @tickets.command(name, help=doc)
    @click.argument("event")
    @click.argument("indexes", type=_INDEX, nargs=-1, required=True, metavar="INDEX...")
    @click.option("--reason", default=name, show_default=True, help="For the ledger; no personal data.")
    @click.pass_obj
    def command(home: Path, event: str, indexes: tuple[int, ...], reason: str) -> None:
        with errors_in_one_line(), operator(home) as node:
            show(node.do("tickets-state", event=event, indexes=list(indexes), state=state, reason=reason))

    return command


_state_command("cancel", "cancelled", "Cancel tickets of EVENT, all of the listed ones or none.")
_state_command("refund", "refunded", "Mark tickets as refunded by the box office, for good. See also `refunds make`.")
_state_command("block", "blocked", "Keep tickets from entering until somebody reinstates them.")
_state_command("reinstate", "active", "Make blocked or cancelled tickets good again.")
