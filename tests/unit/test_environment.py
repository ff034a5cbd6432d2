"""What set-up says when pip, Debian's packages or the system refuse: a sentence that tells what to do."""

import errno
from pathlib import Path

import pytest

from requirements import environment
from requirements.environment import Need, SetupError, explained, from_debian, refused

# As pip 23.0.1 and 26.3 print them.
SAID = {
    "could not be reached": (
        "WARNING: Retrying (Retry(total=0, connect=None)) after connection broken by 'NewConnectionError'\n"
        "ERROR: Could not find a version that satisfies the requirement cbor2==6.2.1 (from versions: none)\n"
        "ERROR: No matching distribution found for cbor2==6.2.1"
    ),
    "has no ready-made package": "ERROR: No matching distribution found for cbor2==6.2.1",
    "not the one that the lock names": (
        "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.\n    more==1.0 from file:///more.whl:"
    ),
    "a disk is full": "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device",
    "the installation failed": "error: subprocess-exited-with-error",
}


@pytest.mark.parametrize("remedy", SAID)
def test_each_failure_of_pip_has_its_remedy_and_pips_own_words(remedy: str) -> None:
    sentence, *own = explained(SAID[remedy]).splitlines()
    assert remedy in sentence
    assert own
    assert not [line for line in own if "WARNING" in line]


def missing(what: str, without: str) -> Need:
    return Need(what, ("libnothing1",), lambda: False, without)


def test_what_debian_does_not_give_is_noted_or_ends_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(environment, "_apt", lambda _packages: "only root can install it")
    from_debian([missing("the second decoder", "the second look stays off")])
    assert capsys.readouterr().out == (
        "setup: note: the second decoder is missing, and only root can install it; the second look stays off,"
        " until 'apt-get install libnothing1'\n"
    )
    with pytest.raises(SetupError, match="as root, 'apt-get install libnothing1', then this again"):
        from_debian([missing("the venv module", "")])


def test_what_is_there_is_not_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "_apt", lambda _packages: pytest.fail("asked"))
    from_debian([Need("all", ("libc6",), lambda: True, "")])


def test_a_user_whose_path_does_not_name_sbin_has_the_libraries_that_are_there(monkeypatch: pytest.MonkeyPatch) -> None:
    (zbar,) = (need for need in environment.NEEDS["demo"] if need.packages == ("libzbar0",))
    if not list(Path("/usr/lib").glob("*/libzbar.so.*")):
        pytest.skip("libzbar0 is not here")
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    assert zbar.there()


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (errno.ENOSPC, "make room"),
        (errno.EACCES, "remove it as the user it belongs to"),
        (errno.EROFS, "cannot be written to"),
    ],
)
def test_what_the_system_refuses_is_said(error: int, says: str) -> None:
    said = refused(OSError(error, "no", "/a/.venv"))
    assert says in said
    assert "/a/.venv" in said
