import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tlog_scales import tlog

from scanner.verify.merkle import Frontier, empty_root, leaf_hash, node_hash, verify_consistency, verify_inclusion

LEAVES = [leaf_hash(str(n).encode()) for n in range(300)]


def root_of(leaves):
    """MTH of RFC 6962 2.1, word for word."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = 1 << (len(leaves) - 1).bit_length() - 1
    return node_hash(root_of(leaves[:k]), root_of(leaves[k:]))


def inclusion(position, leaves):
    """PATH of RFC 6962 2.1.1."""
    if len(leaves) == 1:
        return []
    k = 1 << (len(leaves) - 1).bit_length() - 1
    if position < k:
        return [*inclusion(position, leaves[:k]), root_of(leaves[k:])]
    return [*inclusion(position - k, leaves[k:]), root_of(leaves[:k])]


def consistency(old, leaves, *, whole=True):
    """SUBPROOF of RFC 6962 2.1.2."""
    if old == len(leaves):
        return [] if whole else [root_of(leaves)]
    k = 1 << (len(leaves) - 1).bit_length() - 1
    if old <= k:
        return [*consistency(old, leaves[:k], whole=whole), root_of(leaves[k:])]
    return [*consistency(old - k, leaves[k:], whole=False), root_of(leaves[:k])]


def test_hashes_of_rfc_6962_and_its_test_vectors():
    assert empty_root().hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert leaf_hash(b"").hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    frontier = Frontier()
    data = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
    for item in data:
        frontier.append(leaf_hash(bytes.fromhex(item)))
    assert frontier.root().hex() == "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"


def test_frontier_has_the_root_of_the_whole_tree_at_every_size():
    frontier = Frontier()
    for size, leaf in enumerate(LEAVES):
        assert frontier.root() == root_of(LEAVES[:size])
        frontier.append(leaf)


def test_frontier_reports_each_perfect_subtree_once():
    frontier = Frontier()
    completed = [item for leaf in LEAVES[:256] for item in frontier.append(leaf)]
    assert len(completed) == 255
    assert completed[-1] == (8, root_of(LEAVES[:256]))


def test_frontier_resumes_from_its_hashes():
    frontier = Frontier()
    for leaf in LEAVES[:77]:
        frontier.append(leaf)
    resumed = Frontier(frontier.size, frontier.hashes)
    resumed.append(LEAVES[77])
    assert resumed.root() == root_of(LEAVES[:78])
    assert frontier.root() == root_of(LEAVES[:77])


def test_frontier_refuses_hashes_that_do_not_fit_its_size():
    with pytest.raises(ValueError, match="perfect subtrees"):
        Frontier(3, [LEAVES[0]])


@given(st.data())
def test_inclusion_agrees_with_an_independent_verifier(data):
    size = data.draw(st.integers(1, 300))
    position = data.draw(st.integers(0, size - 1))
    leaves = LEAVES[:size]
    proof, root = inclusion(position, leaves), root_of(leaves)
    tlog.InclusionProof(position, size, proof).check(leaves[position], root)
    assert verify_inclusion(leaves[position], position, size, proof, root)
    assert not verify_inclusion(leaf_hash(b"other"), position, size, proof, root)
    assert not verify_inclusion(leaves[position], position, size, [*proof, root], root)
    assert not proof or not verify_inclusion(leaves[position], position, size, proof[:-1], root)


@given(st.data())
def test_consistency_agrees_with_an_independent_verifier(data):
    new = data.draw(st.integers(1, 300))
    old = data.draw(st.integers(1, new))
    proof = consistency(old, LEAVES[:new])
    old_root, new_root = root_of(LEAVES[:old]), root_of(LEAVES[:new])
    tlog.ConsistencyProof(old, new, proof).check(old_root, new_root)
    assert verify_consistency(old, new, old_root, new_root, proof)
    assert not verify_consistency(old, new, leaf_hash(b"rewritten"), new_root, proof)
    assert not verify_consistency(old, new, old_root, leaf_hash(b"forked"), proof)
    assert not verify_consistency(old, new, old_root, new_root, [*proof, new_root])


@given(
    st.integers(-2, 2**70), st.integers(-2, 2**70), st.lists(st.binary(max_size=33) | st.just(LEAVES[0]), max_size=70)
)
def test_garbage_is_no_proof_and_no_exception(one, other, proof):
    assert not verify_inclusion(LEAVES[1], one, other, proof, LEAVES[2])
    assert not verify_consistency(one, other, LEAVES[1], LEAVES[2], proof)


def test_empty_log_begins_every_log_and_only_with_its_own_root():
    assert verify_consistency(0, 5, empty_root(), root_of(LEAVES[:5]), [])
    assert not verify_consistency(0, 5, LEAVES[0], root_of(LEAVES[:5]), [])
    assert not verify_consistency(5, 4, root_of(LEAVES[:5]), root_of(LEAVES[:4]), [])
    assert not verify_consistency(5, 5, root_of(LEAVES[:5]), root_of(LEAVES[:4]), [])
