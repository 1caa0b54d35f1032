"""The simulated Procore's door: sign-in, company header, limits, pages, filters, other companies."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from simulators import datasets
from simulators.kit.http import Request, Response
from tests.contracts.checker import check_response
from tests.unit.simulators.procore_calls import Caller

PROJECTS = "/rest/v1.1/projects"
REDIRECT = "https://app.example/callback"


@pytest.fixture
def procore() -> Caller:
    return Caller()


def _bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def test_client_credentials_give_a_token_of_ninety_minutes_and_no_refresh(procore: Caller) -> None:
    token = procore.sign_in().json()
    check_response("procore", "POST", "/oauth/token", 200, token)
    assert token["expires_in"] == 5400 and "refresh_token" not in token
    procore.clock.advance(5401)
    assert procore.call("GET", PROJECTS, company_id="4100").status == 401


def test_wrong_client_or_grant_is_refused(procore: Caller) -> None:
    refused = procore.sign_in(client_secret="wrong")
    assert refused.status == 401 and refused.json()["error"] == "invalid_client"
    assert procore.sign_in(grant_type="password").status == 400


def _code(procore: Caller, **changes: str) -> Response:
    known = procore.core.credentials
    fields = {"response_type": "code", "client_id": known["client_id"], "redirect_uri": REDIRECT, "state": "s1"}
    sign_in = {"email": known["email"], "password": known["password"], "decision": "allow"}
    return procore.form("/oauth/authorize", {**fields, **sign_in, **changes})


def test_a_user_consents_and_the_code_works_once_for_ten_minutes(procore: Caller) -> None:
    sent_back = urlsplit(_code(procore).headers["Location"])
    answer = parse_qs(sent_back.query)
    assert answer["state"] == ["s1"]
    grant = {"grant_type": "authorization_code", "code": answer["code"][0], "redirect_uri": REDIRECT}
    token = procore.sign_in(**grant).json()
    assert token["refresh_token"]
    assert procore.sign_in(**grant).json()["error"] == "invalid_grant"
    late = parse_qs(urlsplit(_code(procore).headers["Location"]).query)["code"][0]
    procore.clock.advance(601)
    assert procore.sign_in(**{**grant, "code": late}).status == 401


def test_the_consent_page_refuses_strangers(procore: Caller) -> None:
    assert _code(procore, password="wrong").status == 401
    assert _code(procore, client_id="other").status == 401
    assert _code(procore, redirect_uri="http://evil.example").status == 400
    assert "access_denied" in _code(procore, decision="deny").headers["Location"]
    page = procore.core.handle(Request("GET", "/oauth/authorize", [("client_id", "x")]))
    assert isinstance(page, Response) and page.status == 401


def test_consent_is_asked_once(procore: Caller) -> None:
    fields = [("response_type", "code"), ("client_id", procore.core.credentials["client_id"]), ("redirect_uri", REDIRECT)]
    shown = [procore.core.handle(Request("GET", "/oauth/authorize", fields))]
    assert _code(procore).status == 302
    shown.append(procore.core.handle(Request("GET", "/oauth/authorize", fields)))
    assert [isinstance(page, Response) and b"Sign in and allow" in page.body for page in shown] == [True, False]


def test_a_refresh_token_works_once_and_kills_the_old_pair(procore: Caller) -> None:
    code = parse_qs(urlsplit(_code(procore).headers["Location"]).query)["code"][0]
    first = procore.sign_in(grant_type="authorization_code", code=code, redirect_uri=REDIRECT).json()
    second = procore.sign_in(grant_type="refresh_token", refresh_token=first["refresh_token"]).json()
    assert procore.raw("GET", "/rest/v1.0/me", headers=_bearer(first["access_token"])).status == 401
    assert procore.raw("GET", "/rest/v1.0/me", headers=_bearer(second["access_token"])).status == 200
    again = procore.sign_in(grant_type="refresh_token", refresh_token=first["refresh_token"])
    assert again.status == 401 and again.json()["error_description"] == "The refresh token is invalid"


def test_revoking_is_always_200_and_kills_both(procore: Caller) -> None:
    assert procore.form("/oauth/revoke", {"token": "unknown"}).status == 200
    assert procore.form("/oauth/revoke", {"token": procore.token}).status == 200
    assert procore.call("GET", PROJECTS, company_id="4100").status == 401


def test_the_company_header_is_required_and_must_be_an_installed_company(procore: Caller) -> None:
    without = procore.raw("GET", PROJECTS, headers=_bearer(procore.token), company_id="4100")
    assert without.status == 400 and without.json()["errors"].startswith("Missing Procore-Company-Id header!")
    assert procore.raw("GET", "/rest/v1.0/me", headers=_bearer(procore.token)).status == 400
    other = {**_bearer(procore.token), "procore-company-id": "99"}
    refused = procore.raw("GET", PROJECTS, headers=other, company_id="99")
    assert refused.status == 403 and refused.json()["errors"] == "App is not connected to this company"
    procore.act("disconnect_app")
    assert procore.call("GET", PROJECTS, company_id="4100").status == 403
    procore.act("connect_app")
    assert procore.call("GET", PROJECTS, company_id="4100").status == 200


def test_header_and_query_must_name_the_same_company() -> None:
    procore = Caller({**datasets.load("small"), "companies": 2})
    assert procore.call("GET", PROJECTS, company_id="4101").status == 400


def test_two_companies_have_the_same_ids_and_nothing_in_common() -> None:
    procore = Caller({**datasets.load("small"), "companies": 2})
    project = procore.project()
    procore.act("rename_project", project="1001", name="Only here", company="4101")
    assert procore.get(f"/rest/v1.0/projects/{project}", company_id="4100")["name"] == "Harbour View Apartments"
    procore.company = "4101"
    assert procore.project() == project
    assert procore.get(f"/rest/v1.0/projects/{project}", company_id="4101")["name"] == "Only here"


def test_the_ten_second_limit_and_its_headers() -> None:
    procore = Caller(spike=3)
    answers = [procore.call("GET", PROJECTS, company_id="4100") for _ in range(4)]
    assert [a.status for a in answers] == [200, 200, 200, 429]
    assert [a.headers["X-Rate-Limit-Remaining"] for a in answers] == ["2", "1", "0", "0"]
    refused = answers[-1].headers
    assert refused["X-Rate-Limit-Limit"] == "3" and int(refused["Retry-After"]) == 10
    assert int(refused["X-Rate-Limit-Reset"]) == int(procore.clock.now().timestamp()) + 10
    procore.clock.advance(10)
    assert procore.call("GET", PROJECTS, company_id="4100").status == 200


def test_the_hourly_limit_is_reported_when_it_is_nearer() -> None:
    procore = Caller(hourly=4, spike=100, retry_after=False)
    for _ in range(4):
        last = procore.call("GET", PROJECTS, company_id="4100")
    assert last.headers["X-Rate-Limit-Limit"] == "4"
    refused = procore.call("GET", PROJECTS, company_id="4100")
    assert refused.status == 429 and "Retry-After" not in refused.headers
    procore.clock.advance(3600)
    assert procore.call("GET", PROJECTS, company_id="4100").status == 200


def test_pages_carry_total_and_links_and_end_empty(procore: Caller) -> None:
    query: dict[str, Any] = {"project_id": procore.project(), "per_page": 4}
    first = procore.call("GET", "/rest/v1.0/cost_codes", **query)
    assert first.headers["Total"] == "6" and first.headers["Per-Page"] == "4"
    assert 'rel="next"' in first.headers["Link"] and 'rel="prev"' not in first.headers["Link"]
    second = procore.call("GET", "/rest/v1.0/cost_codes", page=2, **query)
    assert len(second.json()) == 2 and 'rel="next"' not in second.headers["Link"]
    assert procore.call("GET", "/rest/v1.0/cost_codes", page=9, **query).json() == []
    assert procore.call("GET", "/rest/v1.0/cost_codes", page="x", **query).status == 400


def test_each_list_has_its_own_ceiling(procore: Caller) -> None:
    answer = procore.call("GET", PROJECTS, company_id="4100", per_page=5000)
    assert answer.headers["Per-Page"] == "300"
    answer = procore.call("GET", "/rest/v1.1/requisitions", project_id=procore.project())
    assert answer.headers["Per-Page"] == "30"


def test_updated_at_is_a_range_with_both_ends_inside(procore: Caller) -> None:
    procore.act("rename_project", project="1001", name="New")
    now = procore.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")

    def found(span: str) -> int:
        return len(procore.get(PROJECTS, company_id="4100", filters__updated_at=span))

    assert found(f"{now}...{now}") == 1
    assert found(f'"{now}...2027-01-01T00:00:00Z"') == 1
    assert found("2026-11-20T21:00:00+13:00...2026-11-21") == 1
    assert found("2026-11-20T08:00:01Z...2027-01-01T00:00:00Z") == 0
    assert procore.call("GET", PROJECTS, company_id="4100", filters__updated_at="yesterday").status == 400


def test_id_filters_in_three_spellings_and_unknown_filters_ignored(procore: Caller) -> None:
    path, project = "/rest/v1.0/vendors", procore.project()
    rows = procore.get(path, company_id="4100")
    one, both = str(rows[0]["id"]), f"{rows[0]['id']},{rows[1]['id']}"
    assert len(procore.get(path, company_id="4100", filters__id_list=[one])) == 1
    assert len(procore.get(path, company_id="4100", filters__id=both)) == 2
    assert len(procore.get(path, company_id="4100", filters__id=f"[{both}]")) == 2
    # Cost codes have no filter by time: it is ignored, and everything comes.
    assert len(procore.get("/rest/v1.0/cost_codes", project_id=project, filters__updated_at="2030-01-01...2030-01-02")) == 6


def test_malformed_bodies_and_unknown_records(procore: Caller) -> None:
    headers = {**_bearer(procore.token), "procore-company-id": "4100", "content-type": "application/json"}
    broken = procore.core.handle(Request("POST", "/rest/v1.0/vendors", [], headers, b"{"))
    assert isinstance(broken, Response) and broken.status == 400
    as_form = procore.core.handle(Request("POST", "/rest/v1.0/vendors", [], {**headers, "content-type": "text/plain"}, b"x"))
    assert isinstance(as_form, Response) and as_form.status == 406
    assert procore.call("GET", "/rest/v1.0/projects/1", company_id="4100").status == 404
    assert procore.call("GET", "/rest/v1.0/purchase_order_contracts").status == 400
