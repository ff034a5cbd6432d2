"""Letters through a real SMTP server: whole, in both languages, over TLS, once, and only where they should go."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from email.header import decode_header, make_header

import pytest

from ledger_node.adapters.delivery import DeliveryError, NotSent, Sent
from ledger_node.adapters.letters import activation, invitation
from ledger_node.adapters.mail import Mailer, SmtpServer
from ledger_node.adapters.retry import Patience
from tests.fakes.certificate import localhost
from tests.fakes.post_office import ADDRESS, PostOffice, bad_office, open_office

LINK = "https://tickets.example/a/" + "k" * 60
LETTER = activation("海港之夜 " + "很長的名字" * 12 + " Harbour Nights", 2, LINK, "2026-11-20 18:00")
TO = "canary.buyer@example.com"
NOW = 1_795_000_000.0

Make = Callable[..., Mailer]
# The test server can take a password in the clear, or behind TLS that it did not start itself; it warns of both.
pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")


@pytest.fixture
def mailer() -> Iterator[Make]:
    made: list[Mailer] = []

    def make(port: int, **settings: object) -> Mailer:
        server = SmtpServer("127.0.0.1", "tickets@box.example", port=port, security="none", timeout=2.0)
        patience = Patience(lambda _: None, lambda: 0.0, tries=3)
        made.append(Mailer(replace(server, **settings), patience, lambda: NOW))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def office() -> PostOffice:
    return PostOffice()


def test_a_letter_arrives_whole_in_text_and_html(office: PostOffice, mailer: Make) -> None:
    with open_office(office) as port:
        sent = mailer(port, name="票務 TicketME", reply_to="help@box.example").send(TO, LETTER, "act:1")
    (got,) = office.letters
    assert isinstance(sent, Sent)
    assert got["Message-ID"] == sent.id
    assert got["Subject"] == LETTER.subject
    assert got["To"] == TO
    assert got["From"].addresses[0].display_name == "票務 TicketME"
    assert (got["From"].addresses[0].addr_spec, got["Reply-To"]) == ("tickets@box.example", "help@box.example")
    assert got["Date"].datetime.timestamp() == NOW
    assert got["Auto-Submitted"] == "auto-generated"
    plain, page = (got.get_body((kind,)) for kind in ("plain", "html"))
    assert plain is not None
    assert page is not None
    assert plain.get_content().replace("\r\n", "\n") == LETTER.plain()
    assert page.get_content().replace("\r\n", "\n") == LETTER.html()
    assert office.envelopes == [("tickets@box.example", [TO])]
    assert max(len(line) for line in office.raw[0].split(b"\r\n")) <= 998


def test_many_letters_go_over_one_connection_that_may_break(office: PostOffice, mailer: Make) -> None:
    with open_office(office) as port:
        post = mailer(port)
        for number in range(5):
            post.send(f"guest{number}@example.com", invitation("X", "Bank", LINK, "then"), f"inv:{number}")
    with open_office(office) as other:
        post._server = replace(post._server, port=other)
        assert isinstance(post.send(TO, LETTER, "inv:5"), Sent)
    assert [to for _, (to,) in office.envelopes] == [*(f"guest{number}@example.com" for number in range(5)), TO]


@pytest.mark.parametrize("starttls", [True, False])
def test_a_letter_and_the_password_go_encrypted(office: PostOffice, mailer: Make, starttls: bool) -> None:
    with open_office(office, localhost(), starttls=starttls, login=True) as port:
        security = "starttls" if starttls else "tls"
        settings = {"host": "localhost", "security": security, "user": ADDRESS[0], "password": ADDRESS[1]}
        assert isinstance(mailer(port, ca=localhost().ca, **settings).send(TO, LETTER, "k"), Sent)
        with pytest.raises(DeliveryError):
            mailer(port, **settings).send(TO, LETTER, "k")
    assert office.secured == [True], "a certificate that nobody vouches for gets no letter"


def test_words_of_people_are_encoded_whole(office: PostOffice, mailer: Make) -> None:
    """Debian 13's Python adds a space to those that are so in part, where it folds them."""
    name = "票務 TicketME 香港 " + "很長的名字 Box " * 5 + "Office"
    with open_office(office) as port:
        mailer(port, name=name).send(TO, LETTER, "k")
    head = office.raw[0].partition(b"\r\n\r\n")[0].replace(b"\r\n ", b" ").split(b"\r\n")
    (sender, subject) = (line for kind in (b"From:", b"Subject:") for line in head if line.startswith(kind))
    assert re.fullmatch(rb"From:( =\?utf-8\?b\?\S{1,63}\?=)+ <tickets@box\.example>", sender)
    assert re.fullmatch(rb"Subject:( =\?utf-8\?b\?\S{1,63}\?=)+", subject)
    # Not by the newer parser, which keeps the blanks between encoded words of a name.
    read = [str(make_header(decode_header(line.decode().partition(": ")[2]))) for line in (sender, subject)]
    assert read == [f"{name} <tickets@box.example>", LETTER.subject]


def test_no_name_service_is_asked_who_this_machine_is(
    office: PostOffice, mailer: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may take longer to answer than a letter has; the mail server is greeted with the sender's own name."""

    def slow(*_: object) -> str:
        raise AssertionError("asked")

    monkeypatch.setattr("socket.getfqdn", slow)
    with open_office(office) as port:
        assert isinstance(mailer(port).send(TO, LETTER, "k"), Sent)
    assert office.greetings == ["box.example"]


def test_a_server_that_hides_starttls_gets_no_letter(office: PostOffice, mailer: Make) -> None:
    """As it looks when somebody on the way strips the offer of encryption."""
    with open_office(office) as port, pytest.raises(DeliveryError, match="SMTPNotSupportedError"):
        mailer(port, security="starttls").send(TO, LETTER, "k")
    assert office.letters == []


def test_a_wrong_password_is_a_fault_of_ours_and_loses_no_letter(office: PostOffice, mailer: Make) -> None:
    with open_office(office, login=True) as port, pytest.raises(DeliveryError, match="535") as caught:
        mailer(port, user="u", password="canary-wrong").send(TO, LETTER, "k")
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("where", ["rcpt", "data"])
def test_a_refusal_for_good_is_told_by_its_number_only(office: PostOffice, mailer: Make, where: str) -> None:
    getattr(office, where).append("550")
    with open_office(office) as port:
        post = mailer(port)
        assert post.send(TO, LETTER, "k") == NotSent("the mail server refuses it for good (550)")
        assert isinstance(post.send("next@example.com", LETTER, "l"), Sent), "and the next letter goes"


@pytest.mark.parametrize("where", ["rcpt", "data"])
@pytest.mark.parametrize("code", ["421", "450", "452"])
def test_a_refusal_for_now_is_tried_again(office: PostOffice, mailer: Make, where: str, code: str) -> None:
    getattr(office, where).extend([code, code])
    with open_office(office) as port:
        assert isinstance(mailer(port).send(TO, LETTER, "k"), Sent)
        getattr(office, where).extend([code] * 3)
        with pytest.raises(DeliveryError, match=code) as caught:
            mailer(port).send(TO, LETTER, "k")
    assert "canary" not in str(caught.value)
    assert len(office.letters) == 1


def test_the_same_message_has_the_same_id_and_another_has_another(office: PostOffice, mailer: Make) -> None:
    with open_office(office) as port:
        for key in ("a", "a", "b"):
            mailer(port).send(TO, LETTER, key)
    first, again, other = (letter["Message-ID"] for letter in office.letters)
    assert first == again != other


@pytest.mark.parametrize(
    "address", ["x@example.com\r\nBcc: all@example.com", "a@example.com, b@example.com", "A <a@example.com>", ""]
)
def test_an_address_that_is_more_than_one_address_gets_nothing(office: PostOffice, mailer: Make, address: str) -> None:
    with open_office(office) as port:
        assert mailer(port).send(address, LETTER, "k") == NotSent("this is no e-mail address")
    assert office.letters == []


def test_a_header_cannot_be_smuggled_in(office: PostOffice, mailer: Make) -> None:
    with open_office(office) as port:
        for letter, settings in [
            (replace(LETTER, subject="Hello\r\nBcc: all@example.com"), {}),
            (LETTER, {"name": "Box\r\nBcc: all@example.com"}),
        ]:
            with pytest.raises(ValueError, match=r"\w"):
                mailer(port, **settings).send(TO, letter, "k")
    assert office.letters == []


@pytest.mark.parametrize(
    "says",
    [
        (),
        (b"220 hello\r\n",),
        (b"\x00\xff garbage \r\n" * 50,),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n",),
        (b"554 canary no service\r\n",),
        (b"220-" + b"x" * 60_000,),
        tuple(b"220-hello\r\n" for _ in range(500)),
        tuple(b"2" for _ in range(500)),
    ],
    ids=["silent", "greets-only", "garbage", "http", "refuses", "endless-line", "endless-greeting", "drip"],
)  # fmt: skip
def test_a_server_that_is_none_ends_in_one_sentence(mailer: Make, says: tuple[bytes, ...]) -> None:
    with bad_office(*says) as port, pytest.raises(DeliveryError) as caught:
        mailer(port, timeout=0.3).send(TO, LETTER, "k")
    assert str(caught.value).startswith("the mail server 127.0.0.1 ")
    assert "canary" not in str(caught.value)


def test_nobody_at_home_ends_in_one_sentence(office: PostOffice, mailer: Make) -> None:
    with open_office(office) as port:
        pass
    with pytest.raises(DeliveryError, match="Connection refused"):
        mailer(port).send(TO, LETTER, "k")


@pytest.mark.parametrize(
    "settings",
    [
        {"host": "mail.example"},
        {"sender": "Box <tickets@box.example>"},
        {"sender": ""},
        {"reply_to": "a@x.com\nBcc: b@x.com"},
    ],
)
def test_settings_that_would_do_harm_are_refused_at_once(settings: dict[str, str]) -> None:
    good = SmtpServer("127.0.0.1", "tickets@box.example", security="none", password="canary")
    assert "canary" not in repr(good)
    with pytest.raises(ValueError, match=r"\w"):
        replace(good, **settings)  # type: ignore[arg-type]
