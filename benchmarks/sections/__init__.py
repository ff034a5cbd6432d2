"""The sections of the benchmark, one a file, in the order in which they run."""

from collections.abc import Mapping

from benchmarks.figures import Section
from benchmarks.sections import (
    admissions,
    claims,
    commit,
    decision,
    frame,
    large,
    pulse,
    reading,
    rush,
    small,
)

SECTIONS: Mapping[str, Section] = {
    "reading": reading.run,
    "decision": decision.run,
    "commit": commit.run,
    "pulse": pulse.run,
    "frame": frame.run,
    "claims": claims.run,
    "admissions": admissions.run,
    "rush": rush.run,
    "small": small.run,
    "large": large.run,
}
