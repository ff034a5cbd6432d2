"""Every command that README.md and docs/*.md print is run as it stands there, or is named with what runs it."""

import os
import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.documented.machine import Done, Machine, missing, scratch_machine
from tests.documented.pages import commands, pages
from tests.documented.stories import STORIES, Elsewhere, Run, Step

ROOT = Path(__file__).parents[2]


def story_of(page: str) -> list[Step]:
    return STORIES.get(page, [])


@pytest.mark.parametrize("page", pages())
def test_every_printed_command_is_run_or_named_with_its_test(page: str) -> None:
    assert sorted({step.command for step in story_of(page)}) == sorted(commands(page))


@pytest.mark.parametrize("page", pages())
def test_what_is_run_elsewhere_names_a_file_that_is_there(page: str) -> None:
    named = [step for step in story_of(page) if isinstance(step, Elsewhere)]
    assert [step for step in named if not (ROOT / step.test).exists()] == []


@dataclass
class Person:
    """The person who gives a page's commands in one shell: folders and functions stay."""

    machine: Machine
    shell: list[str] = field(default_factory=list)

    def run(self, command: str) -> Done:
        return self.machine.run("\n".join([*self.shell, command]))

    def sees(self, command: str, words: str) -> bool:
        given = shlex.quote("\n".join([*self.shell, command]))
        return self.machine.sees(f"timeout 20 bash -c {given}", words)


def difference(person: Person, step: Run) -> str:
    """How the command's result differs from what its page promises; "" = not at all."""
    if step.before:
        done = person.run(step.before)
        if done.status:
            return f"before {step.command}: {step.before}: status {done.status}: {done.text[-2000:]}"
    command = step.command
    for example, real in step.fill.items():
        command = command.replace(example, real)
    if step.until:
        return "" if person.sees(command, step.until) else f"{command}: did not say {step.until}"
    if step.stays:
        person.shell.append(command)
        command = "true"
    done = person.run(command)
    if done.status != step.status or not re.search(step.says, done.text) or "Traceback" in done.text:
        return f"{command}: status {done.status} (not {step.status}), said:\n{done.text[-3000:]}\nnot: {step.says}"
    return ""


@pytest.mark.timeout(600)
@pytest.mark.skipif(bool(missing()) and not os.environ.get("CI"), reason=missing() or "-")
@pytest.mark.parametrize("page", [page for page in pages() if any(isinstance(step, Run) for step in story_of(page))])
def test_printed_commands_do_what_the_page_says(page: str, tmp_path: Path) -> None:
    with scratch_machine(tmp_path) as machine:
        person = Person(machine)
        found = [difference(person, step) for step in story_of(page) if isinstance(step, Run)]
        differences = [text for text in found if text]
        if differences:
            differences.append(machine.run("tail -n 5 /run/log/*").text)
    assert not differences, "\n\n".join(differences)
