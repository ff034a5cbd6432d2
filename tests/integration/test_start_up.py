"""What a command line imports before it answers: the programs answer at once because that is little.

Modules are counted, not seconds; `python -m benchmarks start-up` has the seconds.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

WALK = """
import contextlib, io, json, sys
before = set(sys.modules)
import click
from {module} import cli
def walk(command, path, above=None):
    context = click.Context(command, parent=above, info_name=path[-1])
    with contextlib.redirect_stdout(io.StringIO()) as said:
        cli.main([*path[1:], "--help"], prog_name=path[0], standalone_mode=False)
    asked.append((" ".join(path), "Usage: " + " ".join(path) in said.getvalue()))
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            walk(command.get_command(context, name), [*path, name], context)
asked = []
walk(cli, ["{program}"])
print(json.dumps([sorted(set(sys.modules) - before), asked]))
"""
RELEASE = """
import atexit, json, sys
before = set(sys.modules)
atexit.register(lambda: print(json.dumps(sorted(set(sys.modules) - before))))
sys.argv = ["gate-scanner", "release-relay", "--config", {config!r}]
from scanner.cli import main
main()
"""
HEAVY = {
    "asyncio",
    "concurrent.futures",
    "email.message",
    "http.client",
    "multiprocessing",
    "sqlite3",
    "ssl",
    "unittest",
}
"""Of the standard library; each takes longer than the whole of click."""
OF_RELEASE = {"scanner", "lgpio", "_lgpio", "swig_runtime_data4"}


def run(program: str, *options: str) -> str:
    done = subprocess.run(
        [sys.executable, *options, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stderr == ""
    return done.stdout


@pytest.mark.parametrize(
    ("program", "module", "least"),
    [("gate-scanner", "scanner.cli.commands", 12), ("ledger-node", "ledger_node.cli.main", 80)],
)
def test_no_help_waits_for_a_package_but_click(program: str, module: str, least: int) -> None:
    modules, asked = json.loads(run(WALK.format(program=program, module=module)))
    assert len(asked) >= least
    assert [name for name, answered in asked if not answered] == []
    foreign = {name.partition(".")[0] for name in modules} - set(sys.stdlib_module_names)
    assert foreign == {"click", "scanner"} | ({"ledger_node"} if program == "ledger-node" else set())
    assert HEAVY.intersection(modules) == set()


@pytest.mark.parametrize("program", ["gate-scanner", "ledger-node"])
def test_the_first_page_of_help_imports_few_modules(program: str) -> None:
    package = {"gate-scanner": "scanner.cli", "ledger-node": "ledger_node.cli"}[program]
    asked = run(
        "import atexit, sys; before = set(sys.modules)\n"
        "atexit.register(lambda: print('MODULES', len(set(sys.modules) - before)))\n"
        f"sys.argv = [{program!r}, '--help']\nfrom {package} import main\nmain()"
    )
    said, _, count = asked.rpartition("MODULES ")
    assert said.startswith(f"Usage: {program}")
    assert int(count) <= 160


def test_the_relay_is_released_by_few_modules_and_none_of_a_package(tmp_path: Path) -> None:
    config = tmp_path / "gate.toml"
    config.write_text("[pins]\nrelay = 5\n")
    said, modules = run(RELEASE.format(config=str(config))).splitlines()
    assert said.startswith("the relay")
    found = set(json.loads(modules))
    assert {name.partition(".")[0] for name in found} - set(sys.stdlib_module_names) <= OF_RELEASE
    assert found & (HEAVY | {"click", "dataclasses", "inspect", "pathlib"}) == set()
    assert len(found) <= 70


BLOCKED = """
import sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {blocked!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Missing())
sys.argv = {argv!r}
from {package} import main
main()
"""
OF_A_NODE = {
    "h11",
    "cel_expr_python",
    "fastapi",
    "httptools",
    "jinja2",
    "prometheus_client",
    "pyotp",
    "uvloop",
    "webauthn",
}
OF_A_GATE = {"gpiozero", "cv2", "numpy", "pyzbar", "requests", "zxingcpp", "lgpio"}


CREATE = ["event", "create", "e", "--name", "E", "--capacity", "1", "--doors", "2027-01-01T18:00"]
CREATE += ["--starts", "2027-01-01T19:00"]


@pytest.mark.parametrize(
    ("package", "blocked", "argv", "advice"),
    [
        ("ledger_node.cli", OF_A_NODE, ["ledger-node", "--home", "{home}", "serve"], "pip install '.[ledger]'"),
        ("ledger_node.cli", OF_A_NODE, ["ledger-node", "--home", "{home}", *CREATE], "pip install '.[ledger]'"),
        ("scanner.cli", OF_A_GATE, ["gate-scanner", "decode", "{home}/x.png"], "pip install '.[scanner]'"),
        ("scanner.cli", OF_A_GATE, ["gate-scanner", "doctor"], "pip install '.[scanner]'"),
        ("scanner.cli", {"click"}, ["gate-scanner", "status"], "pip install '.[scanner]'"),
    ],
)
def test_a_program_whose_packages_were_not_installed_says_how_to_install_them(
    tmp_path: Path, package: str, blocked: set[str], argv: list[str], advice: str
) -> None:
    """The packages of the other extra alone: a machine on which only a gate, or only a node, was installed."""
    argv = [word.format(home=tmp_path) for word in argv]
    program = BLOCKED.format(package=package, blocked=blocked, argv=argv)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert advice in done.stderr
    assert "is not installed here" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("name", ["scanner.errors", "ledger_node.cli.output"])
def test_a_module_of_our_own_that_is_missing_is_a_bug_and_no_advice(name: str) -> None:
    package = "scanner.cli" if name.startswith("scanner") else "ledger_node.cli"
    block = BLOCKED.replace('name.partition(".")[0] in', "name in")
    program = block.format(package=package, blocked={name}, argv=["program", "keys", "show"])
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert "Traceback" in done.stderr


def test_the_packages_of_the_extras_are_those_that_setup_names() -> None:
    """So that a package that is added to an extra is blocked above, too."""
    from importlib.metadata import requires  # noqa: PLC0415

    def of(extra: str) -> set[str]:
        named = [text for text in requires("ticketme-gate") or [] if f'extra == "{extra}"' in text]
        return {
            text.split(";")[0].split("[")[0].strip(" ").split(">")[0].split("=")[0].split("<")[0].strip()
            for text in named
        }

    known = {"opencv-python-headless": "cv2", "zxing-cpp": "zxingcpp"}
    modules = {
        extra: {known.get(name, name).replace("-", "_") for name in of(extra)} for extra in ("ledger", "scanner")
    }
    assert modules["ledger"] == OF_A_NODE
    assert modules["scanner"] | {"lgpio"} == OF_A_GATE
