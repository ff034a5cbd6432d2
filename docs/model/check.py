"""Asks Maude (Debian's package `maude`) every question of queries.toml, and prints the attacks that it finds.

A search goes through all states that the bounded scenarios can reach. Exit status 0: every answer is the expected one;
1: one is not, or Maude is not installed. Nothing is written, and Python alone is needed besides.
"""

import argparse
import re
import shutil
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
FILES = ("terms", "channel", "claim", "revocation", "enrolment", "peers")
MISSING = "make model: not checked, because Maude is not installed: apt-get install maude"
LIMIT_S = 120


class ModelError(Exception):
    """Maude says that the model is wrong, or says nothing that can be understood."""


@dataclass(frozen=True, slots=True)
class Answer:
    """How many states there were, and the steps to the first bad one; none if there is no bad one."""

    states: int
    trace: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Search:
    """One question to Maude: with these mends taken away, and whether a bad state is expected."""

    query: dict[str, Any]
    without: tuple[str, ...]
    expected: bool

    @property
    def label(self) -> str:
        """For the table."""
        return f"without {' and '.join(self.without)}" if self.without else "with every mend"


def searches(queries: Sequence[dict[str, Any]]) -> Iterator[Search]:
    """Each query with every mend, then with those taken away that it names."""
    for query in queries:
        yield Search(query, (), query.get("found", False))
        for mends in query.get("still", []):
            yield Search(query, tuple(mends), expected=False)
        for mends in query.get("broken_without", []):
            yield Search(query, tuple(mends), expected=True)


def ask(mends: Sequence[str], search: Search) -> Answer:
    """Maude's answer. Raises ModelError."""
    query = search.query
    condition = f" such that {query['if']}" if "if" in query else ""
    sought = f"search [1] {{ {query['start']} }} =>* {{ {query['bad']} }}{condition} ."
    program = "\n".join([_switches(mends, search.without), *(f"load {HERE / name}.maude" for name in FILES)])
    program += f"\nselect {query['module']} .\n{sought}\n"
    said = _maude(program)
    counted = re.search(r"^states: (\d+)", said, re.MULTILINE)
    if counted is None:
        raise ModelError(f"no answer to: {sought}\n{said}")
    found = re.search(r"^Solution 1 \(state (\d+)\)", said, re.MULTILINE)
    if found is None and "No solution." not in said:
        raise ModelError(said)
    return Answer(int(counted[1]), _trace(_maude(f"{program}show path {found[1]} .\n")) if found else None)


def _switches(mends: Sequence[str], without: Sequence[str]) -> str:
    if unknown := set(without) - set(mends):
        raise ModelError(f"queries.toml takes away what is no mend: {', '.join(sorted(unknown))}")
    values = [f"  eq {mend} = {'false' if mend in without else 'true'} ." for mend in mends]
    return "\n".join(["fmod MENDS is", "  protecting BOOL .", f"  ops {' '.join(mends)} : -> Bool .", *values, "endfm"])


def _maude(program: str) -> str:
    run = subprocess.run(
        ["maude", "-no-banner", "-no-wrap", "-batch", "-no-advise"],
        input=program,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    if run.returncode or "Warning:" in run.stdout + run.stderr:
        raise ModelError(run.stdout + run.stderr)
    return run.stdout


def _trace(said: str) -> tuple[str, ...]:
    """A step a line: the rule, and what is there after it that was not there before."""
    steps, before = [], set[str]()
    # Maude 3.2 ends a rule with [label its-name], 3.4 begins it with [its-name].
    states = re.findall(r"^state \d+, World: \{(.*)\}$|^===\[ .*?\[(?:label )?([a-z-]+)\]", said, re.MULTILINE)
    rule = "start"
    for state, label in states:
        if label:
            rule = label
            continue
        facts = _facts(state)
        steps.append(f"{rule}: {', '.join(sorted(facts - before)) or '-'}")
        before |= facts
    return tuple(steps)


def _facts(state: str) -> set[str]:
    """The things of a state, what is on the net each by itself."""
    things = _split(state, " ")
    return {fact for thing in things for fact in (_split(thing[4:-1], " ; ") if thing.startswith("net(") else [thing])}


def _split(text: str, between: str) -> list[str]:
    """Cut where no parenthesis is open."""
    parts, depth, start = [], 0, 0
    for at, sign in enumerate(text):
        depth += (sign == "(") - (sign == ")")
        if depth == 0 and text.startswith(between, at):
            parts.append(text[start:at])
            start = at + len(between)
    return [part for part in [*parts, text[start:]] if part]


def main() -> int:
    """See the module."""
    options = argparse.ArgumentParser(prog="make model", description=__doc__)
    options.add_argument("--queries", type=Path, default=HERE / "queries.toml")
    asked = tomllib.loads(options.parse_args().queries.read_text())
    if shutil.which("maude") is None:
        print(MISSING, file=sys.stderr)
        return 1
    began, wrong, states, count, name = time.monotonic(), 0, 0, 0, ""
    shown_broken: set[str] = set()
    for search in searches(asked["query"]):
        answer = ask(asked["mends"], search)
        good = (answer.trace is not None) == search.expected
        wrong, states, count = wrong + (not good), states + answer.states, count + 1
        shown_broken |= set(search.without) if answer.trace else set()
        if search.query["name"] != name:
            name = search.query["name"]
            print(f"\n{name}")
        what = "found" if answer.trace else "none"
        print(f"  {'ok   ' if good else 'WRONG'} {search.label}: {what} in {answer.states} states")
        for number, step in enumerate(answer.trace or ()):
            # The first is the scenario, which stands in its module.
            print(f"        {number}. {step}" if number else f"        from {search.query['start']}:")
    if idle := set(asked["mends"]) - shown_broken:
        wrong += 1
        print(f"\nWRONG: no attack is found without {', '.join(sorted(idle))}: what is it for?")
    print(f"\n{count} searches, {states} states, {time.monotonic() - began:.1f} s: {wrong} not as expected")
    return 1 if wrong else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (ModelError, subprocess.TimeoutExpired, tomllib.TOMLDecodeError) as error:
        print(f"make model: {error}", file=sys.stderr)
        sys.exit(1)
