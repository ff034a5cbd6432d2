"""The sections of the benchmark, one a file, in the order in which they run."""

from collections.abc import Mapping

from benchmarks.figures import Section
from benchmarks.sections import (
    admissions,
    audit,
    claims,
    commit,
    crowd,
    decision,
    flat,
    frame,
    hostile,
    issue,
    large,
    pages,
    proof,
    pulse,
    reading,
    replay,
    rush,
    small,
    start,
    start_up,
)

SECTIONS: Mapping[str, Section] = {
    "reading": reading.run,
    "decision": decision.run,
    "commit": commit.run,
    "hostile": hostile.run,
    "pulse": pulse.run,
    "frame": frame.run,
    "claims": claims.run,
    "crowd": crowd.run,
    "admissions": admissions.run,
    "rush": rush.run,
    "pages": pages.run,
    "small": small.run,
    "issue": issue.run,
    "large": large.run,
    "replay": replay.run,
    "audit": audit.run,
    "proof": proof.run,
    "flat": flat.run,
    "start": start.run,
    "start-up": start_up.run,
}
