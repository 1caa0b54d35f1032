"""Clients of the console and the API, signed in as somebody."""

import re
from datetime import timedelta
from typing import Any

from starlette.testclient import TestClient

from sync.tokens import Role, ensure_user, new_token

MINUTES = timedelta(minutes=5)


def visitor(company: int, role: Role = "approver") -> TestClient:
    """A browser that came in by a sign-in link; redirects are not followed by themselves."""
    from web.app import app

    name = f"the {role}"
    ensure_user(company, name, role)
    client = TestClient(app, follow_redirects=False)
    answer = client.get(f"/sign-in/{new_token(company, name, 'sign_in', [], MINUTES)}")
    assert answer.status_code == 303
    return client


def script(company: int, *scopes: str, role: Role = "admin") -> TestClient:
    """A script with an API token."""
    from web.app import app

    ensure_user(company, f"script of {role}", role)
    token = new_token(company, f"script of {role}", "api", scopes, MINUTES)
    return TestClient(app, headers={"Authorization": f"Bearer {token}"}, base_url="http://testserver/api/v1")


def form_token(client: TestClient) -> str:
    """As it stands in every form."""
    found = re.search(r'name="csrf" value="([0-9a-f]{64})"', client.get("/").text)
    assert found
    return found[1]


def post(client: TestClient, path: str, **fields: Any) -> Any:
    """A form as the pages send it."""
    return client.post(path, data={"csrf": form_token(client), **fields})
