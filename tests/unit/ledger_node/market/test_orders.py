"""The ticketing system's feed: each order once, bad rows reported, good ones kept or none."""

import json

import pytest

from ledger_node.contract.bodies_house import ChangeSeat
from ledger_node.contract.facts import Order
from ledger_node.services import buyers, orders, policies, tickets
from ledger_node.services.errors import ServiceError
from ledger_node.services.tending import tend
from tests.fakes.deliveries import signed
from tests.fakes.marketplace import EVENT, FACE, POLICY

FEE = POLICY["handling_fee"]
HEADER = "number,event,tickets,seats,eticket,price_cents,fee_cents,phone,email"


def row(number, ticket, *, email="ben@example.com", price=FACE, fee=FEE, eticket="yes", seats="", event=EVENT):
    return f"{number},{event},{ticket},{seats},{eticket},{price},{fee},,{email}"


@pytest.fixture
def feed(tmp_path):
    def write(*rows, encoding="utf-8"):
        path = tmp_path / "feed.csv"
        path.write_bytes("\r\n".join([HEADER, *rows]).encode(encoding))
        return path

    return write


def test_orders_of_a_file_are_sold_and_their_buyers_written_to(market, feed):
    path = feed(row("U-1", 1), row("U-2", "2 3", price=2 * FACE, fee=2 * FEE), encoding="utf-8-sig")
    taken = orders.import_orders(market.node, EVENT, path)
    assert (taken.sold, taken.known, taken.bad) == (2, 0, 0)
    assert [market.title(ticket).place for ticket in (1, 2, 3)] == ["person"] * 3
    tend(market.node)
    assert sorted(values["tickets"] for _, _, values in market.letters.sent) == ["1", "2"]
    assert market.books().outside == 3 * (FACE + FEE)


def test_file_again_sells_nothing_and_writes_to_nobody(market, feed):
    path = feed(row("U-1", 1))
    orders.import_orders(market.node, EVENT, path)
    tend(market.node)
    taken = orders.import_orders(market.node, EVENT, path)
    tend(market.node)
    assert (taken.sold, taken.known, taken.bad) == (0, 1, 0)
    assert len(market.letters.sent) == 1


def test_bad_rows_are_reported_by_line_and_good_ones_kept(market, feed):
    path = feed(
        row("U-1", 1),
        row("U-2", 99),
        row("U-3", 1),
        row("U-4", 4, price=FACE - 1),
        row("U-5", 5, event="other"),
        row("U-6", 6, fee=FEE + 1),
        row("U-7", 7, eticket="perhaps"),
        row("U-8", 8),
    )
    taken = orders.import_orders(market.node, EVENT, path)
    assert (taken.sold, taken.bad) == (2, 6)
    assert [line for line, _, _ in taken.faults] == [3, 4, 5, 6, 7, 8]
    assert market.title(8).place == "person"


def test_all_or_nothing_keeps_nothing_of_a_file_with_a_bad_row(market, feed):
    size = market.node.ledger.size
    with pytest.raises(ServiceError) as refused:
        orders.import_orders(market.node, EVENT, feed(row("U-1", 1), row("U-2", 99)), whole=True)
    assert "line 3" in refused.value.sentence
    with pytest.raises(ServiceError) as taken_seat:
        orders.import_orders(market.node, EVENT, feed(row("U-1", 1), row("U-2", 1)), whole=True)
    assert "line 3" in taken_seat.value.sentence
    assert market.node.ledger.size == size
    assert orders.import_orders(market.node, EVENT, feed(row("U-1", 1), row("U-2", 2)), whole=True).sold == 2


def test_other_order_under_a_known_number_is_a_bad_row(market, feed):
    orders.import_orders(market.node, EVENT, feed(row("U-1", 1)))
    taken = orders.import_orders(market.node, EVENT, feed(row("U-1", 2)))
    assert (taken.known, taken.bad) == (0, 1)
    assert "another order" in taken.sentence()


def test_seats_find_their_tickets(market, feed):
    taken = orders.import_orders(
        market.node, EVENT, feed(row("U-1", "", seats="1005 1006", price=2 * FACE, fee=2 * FEE))
    )
    assert taken.sold == 1
    assert market.title(5).place == market.title(6).place == "person"
    assert orders.import_orders(market.node, EVENT, feed(row("U-2", "", seats="5"))).bad == 1


@pytest.mark.parametrize("whole", [False, True])
def test_order_that_names_seats_stays_known_after_a_refund_and_after_a_move(market, feed, whole):
    """Attack: a feed that is given again for ever fails for ever, because one of its tickets was refunded."""
    rows = [row("U-1", "", seats="1005"), row("U-2", "", seats="1006"), row("U-3", "", seats="1007")]
    assert orders.import_orders(market.node, EVENT, feed(*rows)).sold == 3
    market.person("anna").hold_ticket(6)
    tickets.set_state(market.node, EVENT, [5], "refunded", "x")
    market.node.commit([ChangeSeat(6, 4_444, 0, 1, 1).seal(EVENT, market.node.seconds, market.node.keys.node)])
    again = orders.import_orders(market.node, EVENT, feed(*rows), whole=whole)
    assert (again.sold, again.known, again.bad) == (0, 3, 0), again.sentence()
    other = orders.import_orders(market.node, EVENT, feed(row("U-1", "", seats="1008"), row("U-9", "", seats="1005")))
    assert "another order" in other.sentence()
    assert "no ticket has seat 1005" in other.sentence()


def test_faults_are_told_in_the_order_of_their_rows(market, feed):
    """The contract's refusals came after all others, and were left out where nothing was kept anyway."""
    path = feed(row("U-1", 1), row("U-2", 1), row("U-3", 99), row("U-4", 1), row("U-5", 98))
    with pytest.raises(ServiceError, match=r"line 3: .*line 4: .*line 5: .*line 6: "):
        orders.import_orders(market.node, EVENT, path, whole=True)
    taken = orders.import_orders(market.node, EVENT, path)
    assert [line for line, _, _ in taken.faults] == [3, 4, 5, 6]


def test_only_the_first_faults_are_shown_and_all_are_counted(market, feed):
    taken = orders.import_orders(market.node, EVENT, feed(*(row(f"U-{n}", 99) for n in range(30))))
    assert (taken.bad, [line for line, _, _ in taken.faults]) == (30, list(range(2, 22)))


def test_paper_ticket_leaves_no_address_behind(market, feed):
    path = feed(row("U-1", 1, eticket="no", fee=0))
    assert orders.import_orders(market.node, EVENT, path).sold == 1
    assert market.node.vault.persons() == []


def test_tier_is_found_by_the_price_that_was_paid(market, feed):
    tiers = [
        {"tier": number, "category": 0, "price": price, "opens": 0, "closes": 2**62}
        for number, price in ((1, 40_000), (2, 30_000))
    ]
    policies.set_policy(market.node, EVENT, {"tiers": tiers})
    taken = orders.import_orders(market.node, EVENT, feed(row("U-1", 1, price=30_000), row("U-2", 2, price=35_000)))
    assert (taken.sold, taken.bad) == (1, 1)


def test_buyer_whom_a_crash_left_without_a_link_gets_it_with_the_next_feed(market, feed, monkeypatch):
    path = feed(row("U-1", 1))
    with monkeypatch.context() as broken:
        broken.setattr(buyers, "remember_all", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            orders.import_orders(market.node, EVENT, path)
    assert orders.import_orders(market.node, EVENT, path).known == 1
    tend(market.node)
    assert len(market.letters.sent) == 1


def test_ledger_holds_neither_number_nor_address(market, feed):
    orders.import_orders(market.node, EVENT, feed(row("U-CANARY-1", 1, email="canary@example.com")))
    tend(market.node)
    with market.node.view() as view:
        log = b"".join(view.entries(0, view.size))
    assert b"CANARY" not in log
    assert b"canary" not in log
    files = b"".join(path.read_bytes() for path in market.node.home.rglob("*") if path.is_file())
    assert b"canary@example.com" not in files
    assert b"U-CANARY-1" not in files


def test_empty_and_missing_files_are_told_so(market, tmp_path):
    for path in (tmp_path / "none.csv", tmp_path / "empty.csv"):
        if path.name == "empty.csv":
            path.touch()
        with pytest.raises(ServiceError) as refused:
            orders.import_orders(market.node, EVENT, path)
        assert refused.value.code == "bad-feed"


def delivery(market, body, key=b"k" * 32, ident="msg_1", at=None):
    return signed(body, key, market.clock.now if at is None else at, ident)


def order(number="W-1", ticket=1):
    return {
        "number": number, "event": EVENT, "tickets": [ticket], "eticket": True, "price_cents": FACE,
        "fee_cents": FEE, "phone": "91234567",
    }  # fmt: skip


def test_signed_webhook_sells_and_its_repetition_does_not(market):
    body = json.dumps({"orders": [order(), order("W-2", 99)]}).encode()
    for expected in ((1, 0, 1), (0, 1, 1)):
        taken = orders.receive(market.node, EVENT, delivery(market, body), body)
        assert (taken.sold, taken.known, taken.bad) == expected
    with market.node.view() as view:
        assert view.find(Order, EVENT, buyers.order_id(market.node, EVENT, "W-1")) is not None


@pytest.mark.parametrize(
    ("change", "code", "status"),
    [
        ({"key": b"x" * 32}, "forged", 401),
        ({"at": 1}, "clock", 401),
        ({"ident": "bad id"}, "malformed", 400),
    ],
)
def test_webhook_of_somebody_else_is_not_believed(market, change, code, status):
    body = json.dumps(order()).encode()
    with pytest.raises(ServiceError) as refused:
        orders.receive(market.node, EVENT, delivery(market, body, **change), body)
    assert (refused.value.code, refused.value.status) == (code, status)
