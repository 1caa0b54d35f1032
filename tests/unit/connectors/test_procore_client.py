"""Procore's client against answers made by hand: pages, companies, sign-in, limits, and its own outcomes."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from urllib.parse import parse_qs

import httpx
import pytest

from connectors.calls import Forbidden, NotFound, NotUnderstood, Request, SignInRefused, Unavailable, WrongCompany
from connectors.ports import Token
from connectors.procore.client import connect, consent_url, next_link, sentence
from objects.outcome import Outcome
from settings.procore import ProcoreSettings
from tests.fakes import MemoryBudget, MemoryStore

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
HOST = "https://api.procore.com"


def client(answer, secrets=None, **settings):
    """A client whose every API request is answered by `answer`; the token endpoint always gives a token."""
    forms = []

    def handle(request):
        if request.url.path == "/oauth/token":
            form = {k: v[0] for k, v in parse_qs(request.content.decode()).items()}
            forms.append((str(request.url), form))
            return httpx.Response(200, json={"access_token": f"t{len(forms)}", "token_type": "bearer",
                                             "expires_in": 5400, "created_at": 0, "refresh_token": f"r{len(forms)}"})
        return answer(request)

    store = MemoryStore(secrets or {"client_id": "id", "client_secret": "s3cret"}, lambda: NOW)
    made = connect(ProcoreSettings(company_id="4100", **settings), store, MemoryBudget(),
                   transport=httpx.MockTransport(handle), clock=lambda: NOW)
    return made, store, forms


def always(status, body=None, **headers):
    return lambda request: httpx.Response(status, json=body, headers=headers)


def test_every_request_names_its_company_and_signs_in_at_the_login_host():
    seen = []
    made, _, forms = client(lambda request: seen.append(request) or httpx.Response(200, json={"id": 1}))
    made.get("/rest/v1.0/me")
    assert seen[0].headers["Procore-Company-Id"] == "4100"
    assert seen[0].headers["Authorization"] == "Bearer t1"
    assert forms == [("https://login.procore.com/oauth/token",
                      {"client_id": "id", "client_secret": "s3cret", "grant_type": "client_credentials"})]


def test_a_refused_token_is_replaced_once():
    def answer(request):
        fresh = request.headers["Authorization"] == "Bearer t2"
        return httpx.Response(200, json=[]) if fresh else httpx.Response(401, json={"error": "expired"})

    made, store, forms = client(answer)
    assert made.send(Request("GET", "/rest/v1.0/vendors")).outcome is Outcome.confirmed
    assert store.fetched == 2 and forms[1][1]["grant_type"] == "refresh_token"


def only_new(token):
    """Answers as a system does that has ended every token but one."""
    return lambda r: httpx.Response(200 if r.headers["Authorization"] == f"Bearer {token}" else 401, json=[])


def test_a_token_that_another_process_took_and_that_ended_too_is_replaced_by_a_new_one():
    """We hold an old one, and what replaced it meanwhile is refused as well: nobody needs to connect again (F35)."""
    made, store, forms = client(only_new("t1"))
    store.held = Token("ours", NOW + timedelta(hours=1))
    real = store.token

    def token(fetch, refused=None):
        if refused == "ours":  # another process was quicker
            store.held = Token("theirs", NOW + timedelta(hours=1))
        return real(fetch, refused)

    store.token = token
    assert made.send(Request("GET", "/rest/v1.0/vendors")).outcome is Outcome.confirmed
    assert (store.fetched, len(forms)) == (1, 1)


def test_a_file_is_fetched_with_a_new_token_when_the_old_one_has_ended(tmp_path):
    made, store, _ = client(only_new("t1"))
    store.held = Token("ours", NOW + timedelta(hours=1))
    assert made.download(f"{HOST}/rest/v1.0/files/1", tmp_path / "file", 1000) == 2
    assert store.fetched == 1


def test_a_user_grant_uses_its_code_once_and_then_refresh_tokens():
    secrets = {"client_id": "id", "client_secret": "s", "grant": "authorization_code", "code": "c0de",
               "redirect_uri": "https://sitebooks.example/back"}
    made, _, forms = client(always(200, []), secrets)
    made.get("/rest/v1.0/vendors")
    made.sign_in(secrets, Token("t1", NOW + timedelta(minutes=90), "r1"))
    assert [form["grant_type"] for _, form in forms] == ["authorization_code", "refresh_token"]
    assert forms[1][1]["refresh_token"] == "r1" and "code" not in forms[1][1]
    with pytest.raises(SignInRefused):
        made.sign_in({"client_id": "id", "client_secret": "s", "grant": "authorization_code"}, None)


def test_a_refused_sign_in_is_an_outcome_and_keeps_the_secret_to_itself():
    made, store, _ = client(always(200, []))
    refuse = always(401, {"error": "invalid_client", "error_description": "Client authentication failed"})
    made.http = httpx.Client(transport=httpx.MockTransport(refuse))
    answer = made.send(Request("GET", "/rest/v1.0/vendors"))
    assert (answer.outcome, answer.status) == (Outcome.refused, 401)
    assert "Client authentication failed" in answer.reason and "s3cret" not in answer.reason
    with pytest.raises(SignInRefused) as refused:
        made.get("/rest/v1.0/vendors")
    assert "s3cret" not in str(refused.value) and store.held is None


def test_consent_is_asked_at_the_login_host():
    url = consent_url(ProcoreSettings(company_id="1"), "id", "https://x.example/back", "state")
    assert url.startswith("https://login.procore.com/oauth/authorize?response_type=code&client_id=id&redirect_uri=https")


def test_pages_follow_link_to_the_end():
    def answer(request):
        page = int(request.url.params.get("page", "1"))
        link = f'<{HOST}/rest/v1.0/vendors?page={page + 1}&per_page=2>; rel="next", <{HOST}/x>; rel="last"'
        return httpx.Response(200, json=[{"id": page}], headers={"Link": link} if page < 3 else {})

    made, _, _ = client(answer)
    assert made.all("/rest/v1.0/vendors") == [{"id": 1}, {"id": 2}, {"id": 3}]


@pytest.mark.parametrize("link", ["https://evil.example/rest/v1.0/vendors?page=2", "http://api.procore.com/rest?page=2"])
def test_a_next_page_on_another_host_is_refused(link):
    made, _, _ = client(always(200, [{"id": 1}], Link=f'<{link}>; rel="next"'))
    with pytest.raises(NotUnderstood):
        made.all("/rest/v1.0/vendors")


def test_a_list_that_links_to_itself_ends():
    made, _, _ = client(always(200, [{"id": 1}], Link=f'<{HOST}/rest/v1.0/vendors?page=2>; rel="next"'))
    with pytest.raises(NotUnderstood):
        made.all("/rest/v1.0/vendors")


def test_an_answer_that_is_no_list_is_not_understood():
    made, _, _ = client(always(200, {"id": 1}))
    with pytest.raises(NotUnderstood):
        made.all("/rest/v1.0/vendors")


def test_another_companys_answer_is_refused():
    made, _, _ = client(always(200, []))
    made.same_company(None, "x")
    made.same_company(4100, "x")
    with pytest.raises(WrongCompany):
        made.same_company(4101, "x")


def test_the_headers_of_the_limit_reach_the_budget():
    headers = {"X-Rate-Limit-Limit": "25", "X-Rate-Limit-Remaining": "3", "X-Rate-Limit-Reset": "1795165200"}
    made, _, _ = client(lambda request: httpx.Response(200, json=[], headers=headers))
    made.get("/rest/v1.0/vendors")
    assert [(w.limit, w.remaining) for w in made.budget.windows] == [(25, 3)]


def test_429_waits_for_the_later_of_both_headers():
    reset = NOW + timedelta(seconds=40)
    headers = {"X-Rate-Limit-Limit": "25", "X-Rate-Limit-Remaining": "0", "Retry-After": "10",
               "X-Rate-Limit-Reset": str(int(reset.timestamp())), "Date": NOW.strftime("%a, %d %b %Y %H:%M:%S GMT")}
    made, _, _ = client(lambda request: httpx.Response(429, json={"error": {}}, headers=headers))
    answer = made.send(Request("PATCH", "/rest/v1.0/vendors/sync", body={}))
    assert (answer.outcome, answer.retry_at) == (Outcome.not_applied, reset)
    with pytest.raises(Unavailable):
        made.get("/rest/v1.0/vendors")


def dated(moments):
    """A client each of whose answers bears the next of these dates and says that its window ends 8 s after that."""
    left = iter(moments)

    def answer(request):
        at = next(left)
        headers = {"X-Rate-Limit-Limit": "25", "X-Rate-Limit-Remaining": "3", "Date": format_datetime(at, usegmt=True),
                   "X-Rate-Limit-Reset": str(int(at.timestamp()) + 8)}
        return httpx.Response(200, json=[], headers=headers)

    return client(answer)[0]


@pytest.mark.parametrize("skew", [0, 600, -600])
def test_dates_have_whole_seconds_and_the_best_of_several_tells_how_far_the_clocks_are_apart(skew):
    made = dated([(NOW + timedelta(seconds=skew - late)).replace(microsecond=0) for late in (0.9, 0.0, 0.4)])
    for _ in range(3):
        made.get("/rest/v1.0/vendors")
    assert [(w.reset_at - NOW).total_seconds() for w in made.budget.windows][1:] == [8, 7]


def test_a_clock_that_is_set_is_believed_at_once():
    made = dated([NOW, NOW + timedelta(seconds=600), NOW, NOW - timedelta(seconds=600)])
    for _ in range(4):
        made.get("/rest/v1.0/vendors")
    assert [(w.reset_at - NOW).total_seconds() for w in made.budget.windows] == [8, 8, 8, 8]


def test_a_list_that_changed_while_it_was_read_is_read_again():
    """Three rows, one a page; after the first page the first row is deleted, and the second moves to a page already read."""
    rows, asked = [1, 2, 3], []

    def answer(request):
        page = int(request.url.params.get("page", 1))
        asked.append(page)
        more = {"Link": f'<{HOST}/rest/v1.0/vendors?page={page + 1}>; rel="next"'} if page < len(rows) else {}
        found = httpx.Response(200, json=[{"id": n} for n in rows[page - 1:page]], headers={"Total": str(len(rows)), **more})
        if asked == [1]:
            rows.remove(1)
        return found

    made, _, _ = client(answer)
    assert [row["id"] for page in made.pages("/rest/v1.0/vendors") for row in page] == [1, 3, 2, 3]
    assert asked == [1, 2, 1, 2]
    rows[:], asked[:] = [1, 2, 3], []
    assert [row["id"] for row in made.all("/rest/v1.0/vendors")] == [2, 3], "as it stood at one moment"


@pytest.mark.parametrize(
    ("status", "headers", "seconds"),
    [
        (503, {"Retry-After": "7"}, 7),
        (503, {"Retry-After": "Fri, 20 Nov 2026 09:00:30 GMT"}, 30),
        (503, {"Retry-After": "Fri, 20 Nov 2026 09:00:30 -0000"}, 30),
        (503, {"Retry-After": "7", "X-Rate-Limit-Reset": "3000"}, 7),  # the limit is not what stood in the way
        (503, {}, None),
        (429, {"X-Rate-Limit-Reset": "10800"}, 65 * 60),
        (429, {"X-Rate-Limit-Reset": "-600"}, None),  # a time that is past says nothing
        (429, {"Retry-After": "0"}, None),
    ],
)
def test_a_system_that_says_when_is_shut_for_all_until_then(status, headers, seconds):
    """X-Rate-Limit-Reset in seconds from now."""
    if "X-Rate-Limit-Reset" in headers:
        at = int(NOW.timestamp()) + int(headers["X-Rate-Limit-Reset"])
        headers = {**headers, "X-Rate-Limit-Limit": "3600", "X-Rate-Limit-Remaining": "0", "X-Rate-Limit-Reset": str(at)}
    made, _, _ = client(always(status, {"error": {}}, **headers))
    answer = made.send(Request("GET", "/rest/v1.0/vendors"))
    until = None if seconds is None else NOW + timedelta(seconds=seconds)
    assert answer.retry_at == until
    assert [w.reset_at for w in made.budget.windows if w.limit == 0] == ([until] if until else [])
    assert all(w.reset_at <= NOW + timedelta(minutes=65) for w in made.budget.windows)


def test_a_used_up_share_sends_nothing():
    made, store, _ = client(always(200, []))
    made.budget.until = NOW + timedelta(seconds=9)
    answer = made.send(Request("GET", "/rest/v1.0/vendors"))
    assert (answer.outcome, answer.retry_at, store.fetched) == (Outcome.not_applied, NOW + timedelta(seconds=9), 0)


@pytest.mark.parametrize(
    ("method", "path", "status", "outcome"),
    [
        ("PATCH", "/rest/v1.0/projects/7/direct_costs/sync", 409, Outcome.not_applied),
        ("POST", "/rest/v1.1/requisitions", 409, Outcome.uncertain),
        ("PATCH", "/rest/v1.1/requisitions/3", 409, Outcome.refused),
        ("DELETE", "/rest/v1.0/purchase_order_contracts/1/line_items/2", 404, Outcome.confirmed),
        ("PATCH", "/rest/v1.0/vendors/sync", 404, Outcome.refused),
        ("POST", "/rest/v1.1/requisitions", 422, Outcome.refused),
        ("POST", "/rest/v1.1/requisitions", 502, Outcome.uncertain),
        ("POST", "/rest/v1.1/requisitions", 503, Outcome.uncertain),
    ],
)
def test_outcomes_that_are_procores_own(method, path, status, outcome):
    made, _, _ = client(always(status, {"errors": "no"}))
    assert made.send(Request(method, path)).outcome is outcome


def test_reads_raise_what_happened():
    for status, kind in ((404, NotFound), (403, Forbidden), (500, Unavailable)):
        made, _, _ = client(always(status, {"message": "why"}))
        with pytest.raises(kind, match="why"):
            made.get("/rest/v1.0/vendors")


def test_amounts_travel_as_exact_numbers_and_text():
    from decimal import Decimal

    seen = []
    made, _, _ = client(lambda request: seen.append(request.content) or httpx.Response(200, json={}))
    made.send(Request("PATCH", "/x", body={"number": Decimal("10000000000000.10"), "text": "0.10"}))
    assert seen[0] == b'{"number": 10000000000000.10, "text": "0.10"}'


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"errors": {"number": ["has been taken"], "base": ["is odd"]}}, "number: has been taken; is odd"),
        ({"errors": "Missing"}, "Missing"),
        ({"errors": [{"code": ["a"]}, {"message": "b"}]}, "b"),
        ({"error": {"message": "slow down"}}, "slow down"),
        ({"error": "invalid_grant", "error_description": "The refresh token is invalid"},
         "invalid_grant: The refresh token is invalid"),
        ({"code": 1, "message": "m", "reason": "r"}, "m"),
        ({"error": {"code": "BAD_REQUEST", "message": "two", "details": []}}, "two"),
        ({}, ""), (None, ""), ([], ""),
    ],
)  # fmt: skip
def test_every_shape_of_error_gives_its_sentence(body, said):
    assert sentence(body) == said


def test_the_next_link_is_found_wherever_it_stands():
    assert next_link('<a?ids=1,2>; rel="first", <b?ids=1,2>; rel="next"') == "b?ids=1,2"
    assert next_link("<b>; rel=next") == "b"
    assert next_link('<b>; rel="last"') == next_link("") == ""


def test_settings_know_which_hosts_belong_together():
    assert ProcoreSettings(base_url="https://sandbox.procore.com").login == "https://login-sandbox.procore.com"
    assert ProcoreSettings(base_url="http://127.0.0.1:8701").login == "http://127.0.0.1:8701"
    for wrong in ({"base_url": "https://api.example.com"}, {"base_url": "ftp://x"}, {"company_id": "x"}, {"other": 1}):
        with pytest.raises(ValueError):
            ProcoreSettings(**wrong)
