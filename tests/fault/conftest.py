"""A gate's sync and the node that it speaks to, both in this process."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.fake_ledger import FakeLedger
from tests.fakes.node_server import FakeNode
from tests.fakes.sync_bench import FakeGate


@pytest.fixture
def node() -> Iterator[FakeNode]:
    with FakeNode(FakeLedger()) as running:
        yield running


@pytest.fixture
def gate(node: FakeNode, tmp_path: Path) -> Iterator[FakeGate]:
    with FakeGate(node, tmp_path / "gate") as made:
        made.synced()
        yield made
