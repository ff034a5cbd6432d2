"""Bodies that people's browsers send, checked before anything is done with them."""

from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from starlette.requests import Request

from ledger_node.services.accounts.roles import Role
from ledger_node.services.errors import ServiceError
from ledger_node.web.body import read_body
from ledger_node.web.reply import JSON
from ledger_node.web.schemas import read_json

_M = TypeVar("_M", bound=BaseModel)


def _encodable(text: str) -> str:
    """A lone surrogate is JSON, but no text that could be hashed."""
    text.encode()
    return text


Text = Annotated[str, Field(max_length=200), AfterValidator(_encodable)]
Answer = Annotated[str, Field(max_length=500), AfterValidator(_encodable)]
HolderKey = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$", description="Ed25519 public key")]
Proof = Annotated[str, Field(pattern=r"^[0-9a-f]{128}$", description="Its signature over gatecode/v1/possession")]
Passkey = Annotated[dict[str, Any], Field(description="What PublicKeyCredential.toJSON() gives (W3C WebAuthn)")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Token(_Strict):
    """An invitation."""

    token: Text


class Joining(Token):
    """An invitation and the passkey that was made for it."""

    credential: Passkey


class Credential(_Strict):
    """A passkey that was made, or used."""

    credential: Passkey


class Coded(_Strict):
    """The second way."""

    name: Text
    key: Text
    code: Text


class Code(_Strict):
    """The app's first code."""

    code: Text


class Invited(_Strict):
    """A new account. `organisation` for organisers and sponsors."""

    role: Annotated[Role, Field(strict=False)]
    name: Text
    organisation: Text = ""


class HeldKey(_Strict):
    """A key of its own for each ticket."""

    ticket: Annotated[int, Field(ge=0, lt=2**32)]
    holder_key: HolderKey
    proof: Proof


class Activating(_Strict):
    """The answer to the question, and the keys."""

    answer: Answer
    keys: Annotated[list[HeldKey], Field(min_length=1, max_length=100)]


class Empty(_Strict):
    """Nothing."""


async def read_model(request: Request, model: type[_M], most: int) -> _M:
    """The request's body as this model. Raises ServiceError "wrong-type", "bad-json", and what `read_body` raises."""
    given = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if given != JSON:
        raise ServiceError("wrong-type", f"the body is {given or 'of no type'}; send {JSON}", 415)
    return read_json(model, await read_body(request, most))
