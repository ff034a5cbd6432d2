"""What every test shares."""

import signal
import sys
from collections.abc import Iterator

import pytest
import structlog
from hypothesis import HealthCheck, settings

# No test here asserts a time, hypothesis's neither: a busy, an old or an emulated machine is no fault of the code's.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")

# A shell has its background jobs ignore Ctrl-C, and all that they start: tests that press it need it to be heard.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def logs_of_one_test(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A command that a test runs within its own process sets up the process's log: the next test must not inherit it.

    structlog keeps a logger as it was at its first use if it is told so, and nothing takes that back. Here it is not.
    """
    configure = structlog.configure

    def configure_for_this_test(**chosen: object) -> None:
        configure(**chosen | {"cache_logger_on_first_use": False})  # type: ignore[arg-type]

    # A node that is served beside a command must not write into what that command says: CliRunner takes sys.stdout.
    configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    monkeypatch.setattr(structlog, "configure", configure_for_this_test)
    yield
    structlog.reset_defaults()
