"""Which gates hold a ticket's single use: those that may admit it while they are cut off. Pure.

Every gate and every ledger node that knows the manifest and the ticket's row names the same ones.
"""

from scanner.verify.manifest import EventManifest

OTHER_LEASE = "other-lease"
"""The ledger node's word on a claim for a use that another gate holds and did not give up."""


def lease_holders(ticket: int, gate_group: int, lease: int, manifest: EventManifest) -> list[str]:
    """The gates to which this ticket is leased: all gates of its group, or one of them under `lease = "gate"`.

    A ticket for any gate is leased to a group, too, and all groups have as many of them.
    """
    groups = sorted(manifest.gate_groups, key=lambda group: group.number)
    if not groups:
        return manifest.gates()
    group = manifest.group(lease or gate_group) or groups[ticket % len(groups)]
    gates = sorted(group.gates)
    if manifest.policy.lease == "gate" and gates:
        return [gates[ticket // len(groups) % len(gates)]]
    return gates
