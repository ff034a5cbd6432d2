import pytest
from hypothesis import given
from hypothesis import strategies as st
from tlog_scales import tiles as theirs

from ledger_node.log.tiles import (
    TilePath,
    bundle,
    consistency,
    frontier_of,
    grow,
    inclusion,
    subtree_root,
    tiles_of,
    unbundle,
)
from scanner.verify.entry import Malformed
from scanner.verify.merkle import Frontier, leaf_hash, verify_consistency, verify_inclusion

SIZE = 70_000


class Hashes:
    """All tile hashes of a log, as a store keeps them."""

    def __init__(self, size):
        self.frontier, self.roots = Frontier(), [Frontier().root()]
        self.levels = {level: [] for level in range(6)}
        for position in range(size):
            for level, place, value in grow(self.frontier, leaf_hash(b"%d" % position)):
                assert place == len(self.levels[level])
                self.levels[level].append(value)

    def hashes(self, level, start, count):
        return self.levels[level][start : start + count]


@pytest.fixture(scope="module")
def log():
    return Hashes(SIZE)


def test_tiles_have_one_hash_for_each_256_below(log):
    assert [len(log.levels[level]) for level in range(4)] == [SIZE, SIZE // 256, SIZE // 65_536, 0]
    assert log.levels[1][3] == subtree_root(log, 768, 1024)


@given(size=st.integers(1, SIZE), data=st.data())
def test_proofs_from_tile_hashes_verify_at_any_size(log, size, data):
    position, old = data.draw(st.integers(0, size - 1)), data.draw(st.integers(0, size))
    root, old_root = frontier_of(log, size).root(), frontier_of(log, old).root()
    assert verify_inclusion(leaf_hash(b"%d" % position), position, size, inclusion(log, position, size), root)
    assert verify_consistency(old, size, old_root, root, consistency(log, old, size))


def test_the_frontier_from_tiles_is_the_one_that_grew(log):
    assert frontier_of(log, SIZE).hashes == log.frontier.hashes


def test_proofs_outside_the_log_are_refused(log):
    with pytest.raises(ValueError, match="no entry 5"):
        inclusion(log, 5, 5)
    with pytest.raises(ValueError, match="no beginning"):
        consistency(log, 6, 5)


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (TilePath(0, 0), "tile/0/000"),
        (TilePath(0, 1_234_067), "tile/0/x001/x234/067"),
        (TilePath(3, 5, 17), "tile/3/005.p/17"),
        (TilePath(None, 999), "tile/entries/999"),
        (TilePath(None, 1000, 255), "tile/entries/x001/000.p/255"),
    ],
)
def test_paths_are_those_of_the_specification(tile, path):
    assert str(tile) == path
    assert TilePath.parse(path) == tile
    level = -1 if tile.level is None else tile.level
    assert "/".join(theirs.tile_path(level, tile.n, tile.width % 256)) == path


@pytest.mark.parametrize(
    "path",
    [
        "", "tile", "tile/0/0", "tile/0/0000", "tile/00/000", "tile/64/000", "tile/-1/000", "tile/0/x000/000",
        "tile/0/000.p/0", "tile/0/000.p/256", "tile/0/000.p/01", "tile/0/001/000", "tile/0/x001/x234",
        "tile/entries/000.p/", "tile/0/000/", "/tile/0/000", "tile/0/../000", "tile/0/٠٠٠", "tile/0/000\n",
    ],
)  # fmt: skip
def test_what_is_not_exactly_a_path_is_none(path):
    assert TilePath.parse(path) is None


def test_every_tile_of_a_size_is_listed_once():
    paths = [str(path) for path in tiles_of(257)]
    assert paths == [
        "tile/entries/000",
        "tile/entries/001.p/1",
        "tile/0/000",
        "tile/0/001.p/1",
        "tile/1/000.p/1",
    ]
    assert list(tiles_of(0)) == []


@given(st.lists(st.binary(max_size=300), max_size=10))
def test_bundles_open_to_what_went_in(entries):
    assert unbundle(bundle(entries)) == entries


@pytest.mark.parametrize("data", [b"\0", b"\0\1", b"\0\1a\0", b"\xff\xffabc"])
def test_a_truncated_bundle_says_so(data):
    assert isinstance(unbundle(data), Malformed)


def test_a_bundle_of_more_entries_than_a_tile_has_is_refused():
    assert len(unbundle(bundle([b""] * 256))) == 256
    assert isinstance(unbundle(bundle([b""] * 257)), Malformed)
