"""Groups of commands whose help tells what each one does in a whole sentence, over as many lines as it takes."""

import re

import click

_SENTENCE = re.compile(r".*?[.](?=\s+[A-Z]|$)")


def first_sentence(command: click.Command) -> str:
    """What the command does: its help's first sentence. click cuts it at the edge of the line, or at any full stop."""
    paragraph = " ".join((command.help or "").partition("\n\n")[0].split())
    found = _SENTENCE.match(paragraph)
    return found[0] if found else paragraph


class Group(click.Group):
    """See above."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """See click.Group."""
        commands = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        rows = [(name, first_sentence(command)) for name, command in commands if command and not command.hidden]
        if rows:
            with formatter.section("Commands"):
                formatter.write_dl(rows)
