"""outside.toml: a mistake in it is named before anybody waits for a letter, and no secret is told."""

import re
from pathlib import Path

import pytest

from ledger_node.adapters.mail import SmtpServer
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
        ('[ticketing]\nwebhook_secret_files = ["weak"]', "whsec_"),
        ("[mail", "not TOML"),
        ("a = " + "[" * 5000, "not TOML"),
    ],
)
def test_a_mistake_is_named_with_its_section(text: str, what: str) -> None:
    with pytest.raises(SettingsError, match=what) as caught:
        read_settings(text, secret)
    assert "canary" not in str(caught.value)


def test_the_manuals_example_is_good() -> None:
    manual = (Path(__file__).parents[4] / "docs" / "adapters.md").read_text()
    (example,) = re.findall(r"```toml\n(.*?)```", manual, re.DOTALL)
    made = read_settings(example.replace("PUBLIC-KEY", KEY), lambda name: WHSEC if "ticketing" in name else "secret")
    assert all((made.mail, made.sms, made.provider))
    assert len(made.webhook_secrets) == 1


def test_secrets_are_files_that_only_the_owner_reads(tmp_path: Path) -> None:
    keys, path = tmp_path / "keys", tmp_path / FILE
    keys.mkdir()
    assert load_settings(path, [keys]) == Settings()
    path.write_text(MAIL + 'user = "u"\npassword_file = "smtp.password"\n')
    with pytest.raises(SettingsError, match=r"no file smtp\.password"):
        load_settings(path, [keys])
    (keys / "smtp.password").write_text("p w\n")
    (keys / "smtp.password").chmod(0o644)
    with pytest.raises(SettingsError, match="chmod 600"):
        load_settings(path, [keys])
    (keys / "smtp.password").chmod(0o600)
    loaded = load_settings(path, [tmp_path / "none", keys]).mail
    assert loaded is not None
    assert loaded.password == "p w"
    path.write_text(MAIL + 'password_file = "../keys/smtp.password"\n')
    with pytest.raises(SettingsError, match="plain name"):
        load_settings(path, [keys])
    path.write_bytes(b"\xff")
    with pytest.raises(SettingsError, match="cannot read"):
        load_settings(path, [keys])
