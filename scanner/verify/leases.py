"""Which gates hold a ticket's single use: those that may admit it while they are cut off. Pure.

Every gate and every ledger node that knows the manifest and the ticket's row names the same ones.
"""

from scanner.verify.manifest import EventManifest

OTHER_LEASE = "other-lease"
"""The ledger node's word on a claim for a use that another gate holds and did not give up."""


def lease_holders(ticket: int, gate_group: int, lease: int, manifest: EventManifest) -> list[str]:
    """The gates to which this ticket is leased, none while the event's leases are paused."""
    return [] if manifest.leases_paused else leased_by(ticket, gate_group, lease, manifest)


def leased_by(ticket: int, gate_group: int, lease: int, manifest: EventManifest) -> list[str]:
    """The gates to which a manifest leases the ticket: all gates of its group, or one of them under `lease = "gate"`.

    A ticket for any gate is leased to a group, too, and all groups have as many of them. `lease` is where the use was
    moved to: the number of a group, or under `lease = "gate"` a place in the manifest's gates, from 1.
    """
    groups = sorted(manifest.gate_groups, key=lambda group: group.number)
    if not groups:
        return manifest.gates()
    if lease and manifest.policy.lease == "gate":
        return manifest.gates()[lease - 1 : lease]
    group = manifest.group(lease or gate_group) or groups[ticket % len(groups)]
    gates = sorted(group.gates)
    if manifest.policy.lease == "gate" and gates:
        return [gates[ticket // len(groups) % len(gates)]]
    return gates


def leases_otherwise(old: EventManifest, new: EventManifest) -> bool:
    """Whether a gate that goes by one of these manifests and a gate that goes by the other may hold the same use."""
    return _rule(old) != _rule(new)


def _rule(manifest: EventManifest) -> object:
    groups = {(group.number, frozenset(group.gates)) for group in manifest.gate_groups}
    return manifest.policy.lease, manifest.policy.offline, groups
