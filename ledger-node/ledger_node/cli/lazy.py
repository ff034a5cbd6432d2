"""The commands of a group, each imported when it is asked for: a page of help waits for what is shown on it."""

from collections.abc import Iterator, Mapping, MutableMapping
from importlib import import_module

import click


class LazyCommands(MutableMapping[str, click.Command]):
    """What click.group(commands=...) takes. `elsewhere`: the name of a command -> module:attribute."""

    def __init__(self, elsewhere: Mapping[str, str]) -> None:
        self._elsewhere = dict(elsewhere)
        self._here: dict[str, click.Command] = {}

    def __getitem__(self, name: str) -> click.Command:
        if name not in self._here:
            module, _, attribute = self._elsewhere[name].partition(":")
            self._here[name] = getattr(import_module(module), attribute)
        return self._here[name]

    def __setitem__(self, name: str, command: click.Command) -> None:
        self._here[name] = command

    def __delitem__(self, name: str) -> None:
        if name not in self:
            raise KeyError(name)
        self._elsewhere.pop(name, None)
        self._here.pop(name, None)

    def __iter__(self) -> Iterator[str]:
        return iter({**self._elsewhere, **self._here})

    def __len__(self) -> int:
        return len({*self._elsewhere, *self._here})

    def __contains__(self, name: object) -> bool:
        return name in self._elsewhere or name in self._here
