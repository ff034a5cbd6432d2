"""What a scratch machine needs besides the manuals' commands: files of tickets, and people before a camera.

python -m tests.documented.show tickets FILE FIRST COUNT
    a file for `tickets import`, each ticket with its holder's key
python -m tests.documented.show camera FOLDER
    draws what a gate sees that follows pictures in FOLDER, until it is stopped: the phone with the ticket whose index
    is in FOLDER/held, else the hall
"""

import csv
import sys
import time
from pathlib import Path
from random import Random

import numpy as np

from tests.fakes.wallet import Wallet
from tests.show.phone import Phone, empty_scene, still
from tests.show.spool import Spool

EVENT = "coliseum-1122"
FRAME_S = 0.15


def wallet_of(index: int) -> Wallet:
    """The wallet of a ticket: the same each time it is asked for."""
    return Wallet.new(Random(index))


def tickets(path: Path, first: int, count: int) -> None:
    """Write a file of `count` tickets from index `first` on, in group 1."""
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["index", "seat", "category", "gate_group", "face_value", "holder_key", "proof"])
        for index in range(first, first + count):
            wallet = wallet_of(index)
            rows.writerow([index, index, 0, 1, 88000, wallet.public.hex(), wallet.proof(EVENT, index).hex()])


def camera(folder: Path) -> None:
    """Put a picture into `folder` several times a second."""
    spool = Spool(folder)
    rng = np.random.default_rng(7)
    held = folder / "held"
    while True:
        index = held.read_text().strip() if held.exists() else ""
        if index:
            text = wallet_of(int(index)).compact(EVENT, int(index), 0, time.time()).text()
            spool.put(still(Phone(text), rng))
        else:
            spool.put(empty_scene(rng))
        time.sleep(FRAME_S)


if __name__ == "__main__":
    if sys.argv[1] == "tickets":
        tickets(Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
    else:
        camera(Path(sys.argv[2]))
