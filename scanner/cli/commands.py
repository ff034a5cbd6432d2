"""The command line: what each command takes and teaches. The work is in the modules beside this one."""

import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import click

from scanner.cli.release import CONFIG_FILE, CONFIG_VARIABLE, release
from scanner.errors import GateError

CONFIG = Path(CONFIG_FILE)


def config_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """--config, the same everywhere."""
    return click.option(
        "--config",
        type=click.Path(path_type=Path, dir_okay=False),
        envvar=CONFIG_VARIABLE,
        help=f"TOML file with the settings of this gate.  [default: {CONFIG} if it is there]",
    )(command)


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit status: 0 done; 1 refused or not to be had, and why is said; 2 the command line is wrong, see --help.",
)
@click.version_option(package_name="ticketme-gate")
def cli() -> None:
    """The gate: reads dynamic QR codes, decides with no network, turns the turnstile, reconciles with a ledger node.

    \b
    A new gate in three steps:
      gate-scanner doctor                  what is missing, and what to do
      gate-scanner enrol http://NODE:8444  make it a gate: the code is asked for
      gate-scanner run                     what systemd runs

    The code is made at the node: ledger-node devices code EVENT GATE

    At a desk, with no gate at all:

    \b
      gate-scanner decode photo.jpg
      gate-scanner decide --snapshot show.snapshot --at 1795262400 T1Z92H...
    """


@cli.command(short_help="Run the gate until SIGTERM: what systemd starts.")
@config_option
@click.option("--pretty", is_flag=True, help="Log for people instead of JSON for journald.")
def run(config: Path | None, pretty: bool) -> None:  # noqa: FBT001 - click passes it so
    """Run the gate until SIGTERM: camera, decision, turnstile, sync and the staff's page.

    Needs an enrolment (`gate-scanner enrol`). Needs no network: what was recorded while the ledger node was away is
    reconciled when it is back.

    Settings are lines of the TOML file; `gate-scanner settings` prints all there are.
    """
    from scanner.cli.run import run_gate  # noqa: PLC0415 - decode and decide start without camera and pins

    sys.exit(run_gate(config, pretty=pretty))


@cli.command(short_help="Print every setting with its default and what it does.")
def settings() -> None:
    """Print every setting with its default and what it does, as a file to begin with.

    \b
      gate-scanner settings > gate.toml
    """
    from scanner.cli.setting_words import sample  # noqa: PLC0415

    click.echo(sample(), nl=False)


@cli.command()
@click.argument("images", nargs=-1, required=True, type=click.Path(path_type=Path))
def decode(images: tuple[Path, ...]) -> None:
    """Print the text of every QR code in IMAGES, one a line.

    Takes PNG, JPEG and what else OpenCV reads. An image without a code prints nothing; one that cannot be read is named
    on stderr, the others are still decoded, and the exit status is 1.
    """
    from scanner.camera.still import decode_file  # noqa: PLC0415

    bad = False
    for image in images:
        try:
            for text in decode_file(image):
                click.echo(text)
        except GateError as error:
            bad = True
            click.echo(f"gate-scanner: {error}", err=True)
    sys.exit(1 if bad else 0)


@cli.command(short_help="Decide CODES on a snapshot file, as a gate would.")
@click.option(
    "--snapshot", required=True, type=click.Path(path_type=Path), help="From `ledger-node snapshot EVENT --out FILE`."
)
@click.option("--at", required=True, type=click.IntRange(0, 2**40), help="The time of the decision, in unix seconds.")
@click.option("--gate", help="Decide as this gate (its name, or the number of a gate group).  [default: any gate]")
@click.option("--untrusted-time", is_flag=True, help="Decide as a gate that does not trust its clock.")
@click.argument("codes", nargs=-1, required=True)
def decide(snapshot: Path, at: int, gate: str | None, untrusted_time: bool, codes: tuple[str, ...]) -> None:  # noqa: FBT001
    """Decide CODES (the texts of QR codes, or - for one a line on stdin) as a gate would, and print JSON, one a line.

    Needs no daemon and no network, and writes nothing: every code is decided on the snapshot alone, so the same code
    twice is not "already entered". The exit status is 0 whatever the verdicts are, 1 if the input cannot be used.

    \b
      gate-scanner decide --snapshot show.snapshot --at $(date +%s) - < codes.txt
    """
    from scanner.cli.decide import decisions  # noqa: PLC0415

    texts = sys.stdin if codes == ("-",) else codes
    for line in decisions(snapshot, at, gate, _lines(texts), trusted=not untrusted_time):
        click.echo(line)


def _no_code_here(_context: click.Context, _argument: click.Parameter, value: str | None) -> None:
    if value is not None:
        raise click.UsageError(
            "a command line is read by everybody on this machine: leave the code out, and it is asked for, or read from"
            " standard input"
        )


@cli.command(short_help="Make this device a gate, with a code of the node's.")
@click.argument("url")
@click.argument("code", required=False, metavar="", callback=_no_code_here, expose_value=False)
@config_option
def enrol(url: str, config: Path | None) -> None:
    """Enrol this device at the ledger node URL with the one-time code from `ledger-node devices code EVENT GATE`.

    The code is asked for, or read from standard input. The device makes its own key, which never leaves it. The code
    also says which node is the right one, so an impostor on the same network is refused.
    """
    code = click.prompt("Code", err=True) if sys.stdin.isatty() else sys.stdin.readline().strip()
    from scanner.cli.enrol import enrol_device  # noqa: PLC0415

    click.echo(enrol_device(url, code, config))


@cli.command(short_help="End this device's enrolment.")
@click.option(
    "--unsent", is_flag=True, help="Even if records have not reached the ledger; they are kept in the folder."
)
@config_option
def forget(unsent: bool, config: Path | None) -> None:  # noqa: FBT001
    """End this device's enrolment, to enrol it anew for another gate or show.

    The key is destroyed; journal and view are moved into a folder of their own inside the state folder.
    """
    from scanner.cli.forget import forget_enrolment  # noqa: PLC0415

    click.echo(forget_enrolment(config, unsent=unsent))


@cli.command(short_help="Say how the running gate is.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@config_option
def status(as_json: bool, config: Path | None) -> None:  # noqa: FBT001
    """Say how the running gate is: state, view, node, queue, camera, clock.  Exit status 1 if it needs somebody."""
    from scanner.cli.status import show_status  # noqa: PLC0415

    text, well = show_status(config, as_json=as_json)
    click.echo(text)
    sys.exit(0 if well else 1)


@cli.command(short_help="Check what a gate needs, and say what to do.")
@config_option
def doctor(config: Path | None) -> None:
    """Check camera, pins, clock, disk, keys and node, and say what to do.  Exit status 1 if something must be done.

    Run it with the daemon stopped: camera and pins have one user at a time.
    """
    from scanner.cli.doctor import examine  # noqa: PLC0415

    well = True
    for finding in examine(config):
        click.echo(finding.line())
        well = well and finding.good
    sys.exit(0 if well else 1)


@cli.group(short_help="Show and set right what time the gate goes by.")
def clock() -> None:
    """What the running gate makes of its clocks, and how a person sets it right."""


@clock.command("show", short_help="Say what time it is here, and what each source says.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@config_option
def clock_show(as_json: bool, config: Path | None) -> None:  # noqa: FBT001
    """Say what time it is here, how far off it may be, what each source says, and who is not followed."""
    from scanner.cli.clock import show  # noqa: PLC0415

    _echo(show(config, as_json=as_json))


@clock.command("reset", short_help="Begin anew with what most sources say now.")
@click.option("--to", "source", default="", help="Begin with this source's word (as `clock show` names it).")
@click.option("--yes", is_flag=True, help="Do not ask.")
@config_option
def clock_reset(source: str, yes: bool, config: Path | None) -> None:  # noqa: FBT001
    """Begin anew with what most sources say now, or --to one of them: time and floor, whatever they were.

    For a gate that agreed on a wrong time, e.g. because the only source it heard at its start was wrong. It is recorded
    in the journal (`clock-reset`).
    """
    from scanner.cli.clock import proposal, reset  # noqa: PLC0415

    asked = proposal(config, source)
    if not yes and not click.confirm(asked):
        raise GateError("nothing was changed")
    click.echo(reset(config, source))


@cli.group(short_help="Read and check the records of what this gate did.")
def journal() -> None:
    """What this gate did: signed records, each chained to the one before it."""


@journal.command("show")
@click.option("--last", default=20, show_default=True, help="How many records, the newest at the end; 0 for all.")
@config_option
def journal_show(last: int, config: Path | None) -> None:
    """Print the newest records, one a line."""
    from scanner.cli.journal import show  # noqa: PLC0415

    _echo(show(config, last))


@journal.command("verify")
@config_option
def journal_verify(config: Path | None) -> None:
    """Check every record's signature and place in the chain.  Exit status 1 if anything is wrong."""
    from scanner.cli.journal import verify  # noqa: PLC0415

    text, whole = verify(config)
    click.echo(text)
    sys.exit(0 if whole else 1)


@journal.command("export", short_help="Print every record as JSON, for an auditor.")
@config_option
def journal_export(config: Path | None) -> None:
    """Print every record as one JSON object a line, with the signed bytes in hex, for an auditor."""
    from scanner.cli.journal import export  # noqa: PLC0415

    _echo(export(config))


@cli.command("release-relay", short_help="Drive the relay pin to rest.")
@config_option
def release_relay(config: Path | None) -> None:
    """Drive the relay pin to rest. systemd runs this after the gate has stopped, however it stopped."""
    said, done = release(str(config) if config else None)
    click.echo(said)
    sys.exit(0 if done else 1)


def _echo(lines: Iterable[str]) -> None:
    for line in lines:
        click.echo(line)


def _lines(texts: Iterable[str]) -> Iterable[str]:
    """Only the line's own end is taken off: a space or a carriage return may be part of what the QR held."""
    return (text.removesuffix("\n") for text in texts)


def run_commands() -> None:
    """Run the command line; whatever goes wrong is one clear message, not a traceback."""
    try:
        cli(standalone_mode=True)
    except GateError as error:
        click.echo(f"gate-scanner: {error}", err=True)
        sys.exit(1)
    except BrokenPipeError:
        sys.exit(1)
    except OSError as error:
        named = f"{error.filename}: " if error.filename else ""
        click.echo(f"gate-scanner: {named}{error.strerror or error}", err=True)
        sys.exit(1)
