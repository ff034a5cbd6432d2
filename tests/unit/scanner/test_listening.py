"""A port that cannot be had names the setting that changes it, wherever something listens, in words of our own."""

import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from scanner.cli import doctor
from scanner.cli.settings import KioskSettings, PeerSettings, Settings
from scanner.errors import GateError
from scanner.kiosk.server import Kiosk
from scanner.listening import listen
from scanner.sync.peer_server import PeerServer


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


WHERE: dict[str, tuple[str, Callable[[int], object]]] = {
    "page": ("kiosk", lambda port: Kiosk(port).start()),
    "gates": ("peers", lambda port: PeerServer("127.0.0.1", port, None).start()),  # type: ignore[arg-type]
    "doctor page": (
        "kiosk",
        lambda port: doctor._page(Settings(kiosk=KioskSettings(port=port))),
    ),
    "doctor gates": (
        "peers",
        lambda port: doctor._gates(Settings(peers=PeerSettings(host="127.0.0.1", port=port))),
    ),
}


@pytest.mark.parametrize("where", WHERE)
def test_a_port_that_is_taken_names_its_setting(taken: int, where: str) -> None:
    table, start = WHERE[where]
    with pytest.raises(GateError) as error:
        start(taken)
    said = str(error.value)
    assert f"port {taken}: Address already in use; another program has the port" in said
    assert f"see {table}.port and {table}.host" in said
    assert "attempting" not in said


@pytest.mark.parametrize(
    ("host", "said"), [("192.0.2.1", "Cannot assign requested address; "), ("a..b", "is not known as an address")]
)
def test_an_address_that_is_not_this_machines_names_its_setting(host: str, said: str) -> None:
    with pytest.raises(GateError, match=f"{said}.*kiosk.host"):
        listen(host, 0, "kiosk")


def test_a_free_port_is_listened_on(tmp_path: Path) -> None:
    with listen("127.0.0.1", 0, "kiosk") as listener:
        assert listener.getsockname()[1]
    assert doctor._page(Settings(state=str(tmp_path), kiosk=KioskSettings(port=0))).good
    assert "off" in doctor._page(Settings(kiosk=KioskSettings(enabled=False, port=-1))).report
