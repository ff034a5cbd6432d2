"""After the show: the gates stop in order, the log is audited, and books and paths are held against it and shown."""

from concurrent.futures import ThreadPoolExecutor

from ledger_node.adapters.remote_log import http_source
from tests.show import books, paths
from tests.show.conduct import Conductor
from tests.show.house import House
from tests.show.people import Company
from tests.show.table import Stage
from tests.show.weeks import Told

AUDIT = "The auditor re-checks every entry, signature and rule of the log, of which it knows only the public key."


def close_books(house: House, stage: Stage, conductor: Conductor, company: Company, told: Told) -> list[str]:
    """Every reason why log, journals, turnstiles and people's paths do not agree. Raises ShowError."""
    stage.act("The books", AUDIT)
    with stage.bar("both gates stop in order", None):
        house.close_gates()
    with stage.bar("log and journals are audited and compared", None):
        found = _compare(house)
    entered = {
        (scan["gate"], scan["counter"]): played.scene.held_up
        for played in conductor.played
        for scan in played.scans
        if scan["pulse"]
    }
    stage.books(found.lines, entered)
    stage.note(f"the audited log: {found.log.size} entries, root {found.log.root.hex()}")
    kept, broken = books.promises(http_source(house.url))
    stage.note(kept)
    ways = paths.read(http_source(house.url), found.entries, company.all(), told)
    stage.show(paths.table(ways.paths))
    faults = [*found.faults, *ways.faults, *broken]
    if unlike := entered.keys() ^ {(line.gate, line.counter) for line in found.lines}:
        faults.append(f"turnstiles were released for {len(entered)} visitors, the books differ in {sorted(unlike)}")
    return faults


def _compare(house: House) -> books.Books:
    with ThreadPoolExecutor() as pool:
        audited = pool.submit(books.audit, house.url, house.log_key())
        journals = list(pool.map(books.journal_of, [gate.config for gate in house.gates.values()]))
        return books.balance(house.url, audited.result(), journals)
