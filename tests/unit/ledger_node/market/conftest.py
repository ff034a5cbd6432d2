"""A marketplace for each test: staged once, and copied."""

import shutil

import pytest

from tests.fakes.marketplace import marketplace


@pytest.fixture(scope="session")
def staged(tmp_path_factory):
    home = tmp_path_factory.mktemp("staged") / "home"
    with marketplace(home):
        pass
    return home


@pytest.fixture
def market(staged, tmp_path):
    home = shutil.copytree(staged, tmp_path / "home")
    with marketplace(home) as made:
        yield made
