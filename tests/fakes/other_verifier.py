"""A log as others see it who share no code with us: a real witness signs what a real node serves, and tlog-scales
checks checkpoint, cosignature, the inclusion of every entry and the consistency with older sizes. The witness, which
is a node of its own, must have come to the same state.
"""

import json
import subprocess
import sys
from pathlib import Path

from tlog_scales import backend, reader, signing, tlog

from ledger_node.cli.operator import operator
from scanner.verify.merkle import Frontier, leaf_hash
from tests.fakes.running_node import process
from tests.fakes.running_witness import get, wait_for_size, watching

LEDGER = [sys.executable, "-m", "ledger_node.cli"]


def check_with_another_verifier(home: Path, folder: Path) -> int:
    """Of the node's home, which nobody serves; `folder` is for the copy and the witness. How many entries were checked.
    Raises what the verifier raises.
    """
    keys = subprocess.run([*LEDGER, "--home", str(home), "keys"], capture_output=True, timeout=60, check=True)
    log = json.loads(keys.stdout)["log"]
    with process(home) as (_, port), watching(folder, f"http://127.0.0.1:{port}", log) as (_, url, witness):
        size = json.loads(get(f"http://127.0.0.1:{port}", "/healthz"))["size"]
        standing = wait_for_size(url, size)
        note = get(url, standing["checkpoint"]).decode()
        # Two nodes that replay one log, each in a process of its own, state the same digests of it.
        ours = json.loads(get(f"http://127.0.0.1:{port}", "/state"))["statement"].partition("\n\n")[0]
        assert ours == get(url, standing["state"]).decode().partition("\n\n")[0]
        with operator(home) as node:
            node.do("log-export", folder=str(folder / "copy"))
    checkpoint = tlog.Checkpoint.from_text(note)
    vkeys = signing.VkeySet(signing.Vkey.from_string(log), signing.Vkey.from_string(witness))
    assert {key.serialize() for key, _ in vkeys.verify(checkpoint.signatures, checkpoint)} == {log, witness}
    _check_copy(reader.TilesReader(backend.LocalBackend(folder / "copy")), checkpoint, log)
    return int(checkpoint.size)


def _check_copy(theirs: reader.TilesReader, checkpoint: tlog.Checkpoint, log: str) -> None:
    newest = theirs.get_checkpoint()
    newest.verify(signing.Vkey.from_string(log))
    assert theirs.calculate_root_hash() == newest.root_hash
    frontier = Frontier()
    for position in range(checkpoint.size):
        if frontier.size and position % max(1, checkpoint.size // 16) == 0:
            theirs.get_consistency_proof(position, checkpoint.size).check(frontier.root(), checkpoint.root_hash)
        leaf = leaf_hash(theirs.get_entry(position))
        theirs.get_inclusion_proof(position, checkpoint.size).check(leaf, checkpoint.root_hash)
        frontier.append(leaf)
    assert frontier.root() == checkpoint.root_hash
