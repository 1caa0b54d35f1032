"""Where credentials may be sent: https, or this machine, and nothing that only looks like it."""

import pytest
from pydantic import ValidationError

from settings.lentune import LentuneSettings
from settings.procore import ProcoreSettings


@pytest.mark.parametrize("address", [
    "https://api.procore.com", "https://books.example:8443/", "http://localhost:8702", "http://127.0.0.1:8702/", "http://[::1]:8702",
])  # fmt: skip
def test_https_and_this_machine_pass(address: str) -> None:
    assert LentuneSettings(base_url=address).base_url == address.rstrip("/")
    assert ProcoreSettings(base_url=address, login_url=address).login == address.rstrip("/")


@pytest.mark.parametrize("address", [
    "http://books.example", "http://localhost.books.example", "http://127.0.0.1.books.example", "http://127.0.0.1@books.example",
    "https://user:word@books.example", "https://user@books.example", "https://", "ftp://books.example", "//books.example",
    "https://books.example?x=1", "https://books.example#x", "https://books.example:port", "http://[::1", "books.example",
])  # fmt: skip
def test_everything_else_is_refused_without_repeating_it(address: str) -> None:
    for model, given in ((LentuneSettings, {"base_url": address}), (ProcoreSettings, {"login_url": address})):
        with pytest.raises(ValidationError) as refused:
            model.model_validate(given)
        assert "word" not in refused.value.errors()[0]["msg"].replace("password", "")
