"""outside.toml: a mistake in it is named before anybody waits for a letter, and no secret is told."""

import re
from pathlib import Path

import pytest

from ledger_node.adapters.mail import SmtpServer
from ledger_node.adapters.secret_files import SecretError
from ledger_node.adapters.settings import FILE, Settings, SettingsError, load_settings, read_settings
from ledger_node.adapters.sms import SmsGateway
from scanner.verify.keys import SigningKey

KEY = SigningKey(bytes(32)).public.hex()
MAIL = '[mail]\nhost = "smtp.example.com"\nsender = "tickets@example.com"\n'
SMS = '[sms]\nurl = "https://sms.example.com/v1"\n'
PROVIDER = f'[provider]\nurl = "https://wallet.example.com"\nname = "wallet"\npublic_key = "{KEY}"\n'
WHSEC = "whsec_" + "A" * 43 + "="


def secret(name: str) -> str:
    return {"smtp.password": "canary-smtp", "sms.auth": "Bearer canary-sms", "a": WHSEC, "weak": "canary"}[name]


def test_what_is_usual_needs_not_be_said() -> None:
    settings = read_settings(MAIL + SMS + PROVIDER, secret)
    assert settings.mail == SmtpServer("smtp.example.com", "tickets@example.com")
    assert settings.sms == SmsGateway("https://sms.example.com/v1")
    assert settings.provider is not None
    assert (settings.provider.name, settings.provider.public_key.hex()) == ("wallet", KEY)
    assert settings.webhook_secrets == ()


def test_everything_can_be_said() -> None:
    text = f"""
    {MAIL}
    security = "starttls"
    name = "票務"
    reply_to = "help@example.com"
    user = "u"
    password_file = "smtp.password"
    {SMS}
    sender = "TICKETS"
    encoding = "form"
    authorization_file = "sms.auth"
    idempotency_header = ""
    id_field = "messageId"
    accepted = ["status", "0"]
    plus = false
    [sms.fields]
    msisdn = "{{to}}"
    body = "{{text}}"
    [ticketing]
    webhook_secret_files = ["a", "a"]
    """
    made = read_settings(text, secret)
    assert made.mail is not None
    assert made.sms is not None
    assert (made.mail.port, made.mail.name, made.mail.password) == (587, "票務", "canary-smtp")
    assert made.sms.fields == {"msisdn": "{to}", "body": "{text}"}
    assert (made.sms.accepted, made.sms.plus, made.sms.authorization) == (("status", "0"), False, "Bearer canary-sms")
    assert len(made.webhook_secrets) == 2
    assert "canary" not in repr(made)


@pytest.mark.parametrize(
    "contact", ["https://tickets.example/help", "mailto:help@example.com", "tel:+85221234567", "tel:2123-4567"]
)
def test_the_box_office_is_a_link(contact: str) -> None:
    assert read_settings(f'[box_office]\ncontact = "{contact}"\n', secret).box_office == contact
    assert read_settings(MAIL, secret).box_office == ""


@pytest.mark.parametrize(
    "contact", ["", "http://tickets.example", "javascript:alert(1)", "mailto:help", "tel:", "2123 4567"]
)
def test_what_is_no_link_to_the_box_office_is_a_mistake(contact: str) -> None:
    with pytest.raises(SettingsError, match="contact is a link"):
        read_settings(f'[box_office]\ncontact = "{contact}"\n', secret)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("mail = 1", r"\[mail\]"),
        ("[mial]", "no setting mial"),
        (MAIL + "passwort = 1", "no setting passwort"),
        ('[mail]\nsender = "a@b.com"', "needs host"),
        (MAIL + 'port = "465"', "int is needed"),
        (MAIL + "port = true", "int is needed"),
        (MAIL + 'security = "ssl"', "one of tls, starttls, none"),
        (MAIL + 'security = "none"', "use tls or starttls"),
        (MAIL.replace("tickets@example.com", "Box <tickets@example.com>"), "addresses like"),
        (SMS.replace("https", "http"), "url: .* not encrypted"),
        (PROVIDER.replace("https://wallet", "wallet"), "url: .* is not the address"),
        (SMS + 'accepted = ["status"]', "a field and its value"),
        (SMS + "accepted = [1, 2]", "list of texts"),
        (SMS + "fields = {a = 1}", "table of texts"),
        (PROVIDER.replace(KEY, "00" * 32), "64 hex digits"),
        (PROVIDER.replace(KEY, "zz"), "64 hex digits"),
        ("[mail", "not TOML"),
        ("a = " + "[" * 5000, "not TOML: too many brackets"),
    ],
)
def test_a_mistake_is_named_with_its_section(text: str, what: str) -> None:
    with pytest.raises(SettingsError, match=what) as caught:
        read_settings(text, secret)
    assert "canary" not in str(caught.value)


def test_all_mistakes_of_a_file_are_named_at_once() -> None:
    """Attack: an operator mends one mistake, starts the node, and hears of the next, while people wait."""
    text = (
        'post = 1\n[mail]\nsender = 7\nsecurity = "ssl"\npasswort = "x"\npassword_file = "missing"\n'
        '[sms]\nurl = "http://sms.example.com"\naccepted = ["status"]\nplus = "no"\n'
        '[provider]\nurl = "wallet"\npublic_key = "zz"\n[box_office]\ncontact = "ask us"\n[ticketing]\nfeed = 1\n'
    )

    def nothing(_name: str) -> str:
        raise SecretError("there is no such file")

    with pytest.raises(SettingsError) as caught:
        read_settings(text, nothing)
    wanted = (
        "the file has no setting post", "[mail] needs host", "[mail] sender is of the wrong kind",
        "[mail] security is one of", "[mail] has no setting passwort", "[sms] url", "[sms] accepted is",
        "[sms] plus is",
        "[provider] url", "[provider] needs name", "[provider] public_key is", "[box_office] contact is",
        "[ticketing] has no setting feed",
    )  # fmt: skip
    told = str(caught.value).split("; ")
    assert [what for what in wanted if not any(one.startswith(what) for one in told)] == []
    assert len(told) == len(wanted), told


def test_the_manuals_example_is_good() -> None:
    manual = (Path(__file__).parents[4] / "docs" / "adapters.md").read_text()
    example, for_trying = re.findall(r"```toml\n(.*?)```", manual, re.DOTALL)
    made = read_settings(example.replace("PUBLIC-KEY", KEY), lambda name: WHSEC if "ticketing" in name else "secret")
    assert all((made.mail, made.sms, made.provider))
    assert len(made.webhook_secrets) == 1
    tried = read_settings(for_trying.replace("PUBLIC-KEY", KEY), secret).provider
    assert tried is not None
    assert tried.name == "sandbox"


def home_with(tmp_path: Path, text: str, **secrets: str) -> tuple[Path, Path]:
    keys, path = tmp_path / "keys", tmp_path / FILE
    keys.mkdir()
    path.write_text(text)
    for name, content in secrets.items():
        (keys / name).write_text(content)
        (keys / name).chmod(0o600)
    return path, keys


MAIL_WITH_SECRET = MAIL + 'user = "u"\npassword_file = "smtp"\n'


def test_secrets_are_found_in_the_keys_folder(tmp_path: Path) -> None:
    path, keys = home_with(tmp_path, MAIL_WITH_SECRET, smtp="p w\n")
    made = load_settings(path, keys)
    assert made.mail is not None
    assert (made.mail.password, made.left_out) == ("p w", ())
    path.unlink()
    assert load_settings(path, keys) == Settings()


def test_secrets_of_systemd_come_first_and_may_have_a_group(tmp_path: Path) -> None:
    path, keys = home_with(tmp_path, MAIL_WITH_SECRET, smtp="the file's")
    (tmp_path / "smtp").write_text("systemd's")
    (tmp_path / "smtp").chmod(0o440)
    made = load_settings(path, keys, tmp_path).mail
    assert made is not None
    assert made.password == "systemd's"


def test_a_section_without_its_secret_is_left_out_and_the_others_serve(tmp_path: Path) -> None:
    text = MAIL_WITH_SECRET + PROVIDER + '[ticketing]\nwebhook_secret_files = ["old", "new", "weak"]\n'
    path, keys = home_with(tmp_path, text, new=WHSEC, weak="canary")
    made = load_settings(path, keys)
    assert (made.mail, len(made.webhook_secrets)) == (None, 1)
    assert made.provider is not None
    mail, old, weak = made.left_out
    assert f"(umask 077; cat > {keys / 'smtp'})" in mail
    assert f"{keys / 'old'}" in old
    assert "whsec_" in weak
    assert "canary" not in weak


@pytest.mark.parametrize(
    ("spoil", "todo"),
    [
        (lambda path: path.chmod(0o644), "chmod 600"),
        (lambda path: path.write_bytes(b"\xff"), "UTF-8"),
        (lambda path: path.rename(path.parent.parent / path.name), "mv .*/smtp .*/keys/smtp"),
        (lambda path: (path.unlink(), path.mkdir(mode=0o700)), "cannot be read"),
    ],
)
def test_a_secret_that_cannot_be_used_says_what_to_do(tmp_path: Path, spoil, todo: str) -> None:
    path, keys = home_with(tmp_path, MAIL_WITH_SECRET, smtp="canary")
    spoil(keys / "smtp")
    made = load_settings(path, keys)
    assert made.mail is None
    (problem,) = made.left_out
    assert re.search(todo, problem)
    assert "canary" not in problem


def test_a_secret_is_named_without_a_folder(tmp_path: Path) -> None:
    path, keys = home_with(tmp_path, MAIL + 'password_file = "../keys/smtp"\n', smtp="canary")
    assert "plain name" in load_settings(path, keys).left_out[0]


def test_a_file_that_is_no_text_is_a_mistake(tmp_path: Path) -> None:
    path, keys = home_with(tmp_path, "")
    path.write_bytes(b"\xff")
    with pytest.raises(SettingsError, match="cannot read"):
        load_settings(path, keys)


def test_a_file_from_an_editor_of_windows_is_read(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"\xef\xbb\xbf" + MAIL.replace("\n", "\r\n").encode())
    assert load_settings(tmp_path / FILE, tmp_path).mail == SmtpServer("smtp.example.com", "tickets@example.com")
