"""A person's browser as the API sees it: a cookie jar, the headers that a browser adds, a passkey device."""

import json
from typing import Any

import requests

from tests.fakes.authenticator import Authenticator


class Browser:
    """One person at the node's pages. `origin` is the page's; another one is an attacker's."""

    def __init__(self, url: str, origin: str, device: Authenticator | None = None, address: str = "") -> None:
        self.url = url
        self.device = device or Authenticator(origin)
        self.cookie = ""
        self.headers = {"Origin": origin, "Sec-Fetch-Site": "same-origin"}
        if address:
            self.headers["X-Forwarded-For"] = address
        self._session = requests.Session()

    def close(self) -> None:
        self._session.close()

    def ask(self, method: str, path: str, body: Any = None, **headers: str | None) -> requests.Response:
        sent = {**self.headers, **{name.replace("_", "-"): value for name, value in headers.items()}}
        data = None
        if body is not None:
            data, sent["Content-Type"] = json.dumps(body), sent.get("Content-Type") or "application/json"
        if self.cookie:
            sent["Cookie"] = self.cookie.encode()
        answer = self._session.request(method, self.url + path, data=data, headers=sent, timeout=20)
        if "Set-Cookie" in answer.headers:
            self.cookie = answer.headers["Set-Cookie"].split(";")[0]
        self._session.cookies.clear()
        return answer

    def post(self, path: str, body: Any, **headers: str | None) -> requests.Response:
        return self.ask("POST", f"/v1/accounts{path}", body, **headers)

    def get(self, path: str) -> requests.Response:
        return self.ask("GET", f"/v1/accounts{path}")

    def join(self, link: str) -> requests.Response:
        token = link.partition("#")[2]
        options = self.post("/join/begin", {"token": token}).json()["options"]
        return self.post("/join/finish", {"token": token, "credential": self.device.create(options)})

    def login(self) -> requests.Response:
        options = self.post("/login/begin", {}).json()["options"]
        return self.post("/login/finish", {"credential": self.device.get(options)})
