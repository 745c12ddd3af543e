"""With a password set, nothing is shown to who does not know it."""

import re

import pytest
from limits import RateLimitItemPerHour
from starlette.testclient import TestClient

from app.errors import Invalid
from app.web.security import throttle
from app.web.security.gate import local_path
from app.web.security.sessions import Sessions
from app.web.security.throttle import network_of
from tests.web.conftest import SECRET, MakeApp, MakeClient
from tests.web.reading import log_in, token_on

PASSWORD = "Correct Horse ключ"


@pytest.mark.parametrize("path", ["/things", "/docs", "/nowhere", "/trouble/bug", "/login/x", "/static"])
def test_a_stranger_is_led_to_the_login_page(make_client: MakeClient, path: str) -> None:
    answer = make_client(password=PASSWORD).get(path)
    assert answer.status_code == 303
    assert answer.headers["location"] == f"/login?next={path}"


@pytest.mark.parametrize("path", ["/login", "/healthz", "/readyz", "/static/app.css", "/favicon.ico"])
def test_a_stranger_sees_the_login_page_and_that_the_app_lives(make_client: MakeClient, path: str) -> None:
    assert make_client(password=PASSWORD).get(path).status_code == 200


@pytest.mark.parametrize("path", ["/api/v1/things", "/api/v1/nowhere", "/openapi.json"])
def test_a_strange_program_is_told_what_is_missing(make_client: MakeClient, path: str) -> None:
    answer = make_client(password=PASSWORD).get(path)
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert "AGON_API_TOKEN" in answer.json()["detail"]


def test_the_login_leads_back_to_where_one_was_going(make_client: MakeClient) -> None:
    client = make_client(password=PASSWORD)
    login = client.get(client.get("/things?page=2").headers["location"])
    assert 'name="next" value="/things?page=2"' in login.text
    form = {"password": PASSWORD, "csrf_token": token_on(login.text), "next": "/things?page=2"}
    answer = client.post("/login", data=form)
    assert (answer.status_code, answer.headers["location"]) == (303, "/things?page=2")
    assert client.get("/things").status_code == 200


def test_a_wrong_password_opens_nothing(make_client: MakeClient) -> None:
    client = make_client(password=PASSWORD)
    assert log_in(client, PASSWORD.lower()) == 422
    assert log_in(client, "") == 422
    assert client.get("/things").status_code == 303


def test_the_session_cookie_is_out_of_reach_of_scripts_and_other_sites(make_client: MakeClient) -> None:
    client = make_client("https://localhost", password=PASSWORD)
    form = {"password": PASSWORD, "csrf_token": token_on(client.get("/login").text)}
    cookies = client.post("/login", data=form).headers.get_list("set-cookie")
    session = next(cookie for cookie in cookies if cookie.startswith("__Host-agon_session="))
    assert {"HttpOnly", "Secure", "SameSite=lax", "Path=/", "Max-Age=604800"} <= set(session.split("; "))


def test_logging_out_ends_it(make_client: MakeClient) -> None:
    client = make_client(password=PASSWORD)
    log_in(client, PASSWORD)
    token = token_on(client.get("/things").text)
    assert client.post("/logout", data={"csrf_token": token}).headers["location"] == "/login"
    assert client.get("/things").status_code == 303


def test_a_fragment_of_an_ended_session_leads_the_page_to_the_login(make_client: MakeClient) -> None:
    headers = {"hx-request": "true", "hx-current-url": "http://localhost:8000/campaigns/7?tab=pool"}
    answer = make_client(password=PASSWORD).get("/beat", headers=headers)
    assert answer.status_code == 401
    assert answer.headers["hx-redirect"] == "/login?next=/campaigns/7%3Ftab%3Dpool"


def test_guessing_is_slowed_down_for_the_right_password_too(make_client: MakeClient) -> None:
    client = make_client(password=PASSWORD)
    assert [log_in(client, f"guess {n}") for n in range(5)] == [422] * 5
    assert log_in(client, PASSWORD) == 429
    assert client.get("/things").status_code == 303


def test_a_right_password_forgets_the_wrong_ones(make_client: MakeClient) -> None:
    client = make_client(password=PASSWORD)
    for _ in range(3):
        assert [log_in(client, "guess") for _ in range(4)] == [422] * 4
        assert log_in(client, PASSWORD) == 303
        client.cookies.clear()


def test_a_refusal_says_when_the_next_try_is_possible(make_client: MakeClient) -> None:
    client = make_client(password=PASSWORD)
    for n in range(5):
        log_in(client, f"guess {n}")
    form = {"password": PASSWORD, "csrf_token": token_on(client.get("/login").text)}
    answer = client.post("/login", data=form)
    assert 50 < int(answer.headers["retry-after"]) <= 60
    assert re.search(r"The next one is possible in (5\d s|1 min 0 s)", answer.text)


def test_an_hour_of_guesses_is_told_in_minutes(make_app: MakeApp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throttle, "_LIMITS", (RateLimitItemPerHour(2),))
    client = TestClient(make_app(password=PASSWORD), "http://localhost:8000", follow_redirects=False)
    assert [log_in(client, "guess") for _ in range(3)] == [422, 422, 429]
    form = {"password": "guess", "csrf_token": token_on(client.get("/login").text)}
    assert re.search(r"possible in (59 min|1 h)", client.post("/login", data=form).text)


def test_wrong_guesses_of_others_do_not_shut_out_a_browser_that_was_let_in_before(make_app: MakeApp) -> None:
    app = make_app(password=PASSWORD)
    mine, theirs = (TestClient(app, "http://localhost:8000", follow_redirects=False) for _ in range(2))
    assert log_in(mine, PASSWORD) == 303
    mine.post("/logout", data={"csrf_token": token_on(mine.get("/things").text)})
    assert [log_in(theirs, f"guess {n}") for n in range(6)] == [422] * 5 + [429]
    assert log_in(mine, PASSWORD) == 303


def test_a_browser_that_was_let_in_before_may_not_guess_for_ever_either(make_client: MakeClient) -> None:
    client = make_client(password=PASSWORD)
    assert log_in(client, PASSWORD) == 303
    del client.cookies["agon_session"]
    assert [log_in(client, f"guess {n}") for n in range(6)] == [422] * 5 + [429]


def test_a_forged_mark_of_an_earlier_visit_is_none() -> None:
    sessions = Sessions(SECRET, PASSWORD, 3600, Clock())
    badge = sessions.badge()
    assert sessions.recognises(badge)
    for forged in ("", ".", "a.b", f"x{badge}", badge[:-1], sessions.issue()):
        assert not sessions.recognises(forged), forged
    assert not sessions.valid(f"{2**40}.{badge}")


FROM_THE_PAGE = {"origin": "http://localhost:8000", "sec-fetch-site": "same-origin"}


def test_a_form_sent_after_the_session_ended_is_kept_for_sending_again(make_client: MakeClient) -> None:
    client = make_client(password=PASSWORD)
    log_in(client, PASSWORD)
    form = {"name": "long typed text", "csrf_token": token_on(client.get("/things").text)}
    del client.cookies["agon_session"]
    ended = client.post("/things", data=form, headers=FROM_THE_PAGE)
    assert ended.status_code == 401
    assert 'href="/login" target="_blank"' in ended.text
    assert "what you typed is not lost" in ended.text
    assert log_in(client, PASSWORD) == 303
    assert client.post("/things", data=form, headers=FROM_THE_PAGE).json() == {"made": "long typed text"}


def test_a_part_that_writes_after_the_session_ended_stays_on_its_page(make_client: MakeClient) -> None:
    answer = make_client(password=PASSWORD).post("/things", data={}, headers={"hx-request": "true", **FROM_THE_PAGE})
    assert answer.status_code == 401
    assert "hx-redirect" not in answer.headers
    assert "Log in in another tab" in answer.text


def test_logging_out_of_an_ended_session_leads_to_the_login_page(make_client: MakeClient) -> None:
    answer = make_client(password=PASSWORD).post("/logout")
    assert (answer.status_code, answer.headers["location"]) == (303, "/login")


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("testclient", "testclient"),
    ],
)
def test_tries_are_counted_by_network(address: str, network: str) -> None:
    assert network_of(address) == network


class Clock:
    """Seconds that pass when told."""

    def __init__(self) -> None:
        self.now = 1_790_000_000.0

    def __call__(self) -> float:
        return self.now


def test_a_session_ends_by_itself(make_client: MakeClient) -> None:
    clock = Clock()
    client = make_client(clock=clock, password=PASSWORD, session_hours=2)
    log_in(client, PASSWORD)
    clock.now += 2 * 3600 - 2
    assert client.get("/things").status_code == 200
    clock.now += 4
    assert client.get("/things").status_code == 303


def test_a_session_is_valid_only_as_it_was_issued() -> None:
    clock = Clock()
    sessions = Sessions(SECRET, PASSWORD, 3600, clock)
    cookie = sessions.issue()
    expiry, nonce, seal = cookie.split(".")
    assert sessions.valid(cookie)
    for forged in ("", ".", "..", "a.b.c", f"{int(expiry) + 1}.{nonce}.{seal}", f"{expiry}.{nonce}x.{seal}",
                   f"{expiry}.{nonce}.", f"{expiry}.{nonce}.{seal[:-1]}", f"{expiry}.{nonce}.ключ"):  # fmt: skip
        assert not sessions.valid(forged), forged


def test_changing_the_password_or_the_secret_ends_every_session() -> None:
    clock = Clock()
    cookie = Sessions(SECRET, PASSWORD, 3600, clock).issue()
    assert not Sessions(SECRET, PASSWORD + "!", 3600, clock).valid(cookie)
    assert not Sessions(b"another", PASSWORD, 3600, clock).valid(cookie)


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("/projects/7?tab=a#b", "/projects/7?tab=a#b"),
        ("/", "/"),
        ("", "/"),
        ("projects", "/"),
        ("//evil.example/", "/"),
        ("///evil.example/", "/"),
        ("/\\evil.example", "/"),
        ("https://evil.example/", "/"),
        ("javascript:alert(1)", "/"),
        ("/\t/evil.example", "/"),
        ("/x\r\nset-cookie: a=b", "/"),
    ],
)
def test_a_login_never_leads_to_another_site(target: str, expected: str) -> None:
    assert local_path(target) == expected


def test_without_a_password_there_is_no_login(make_client: MakeClient) -> None:
    answer = make_client().get("/login?next=/things")
    assert (answer.status_code, answer.headers["location"]) == (303, "/things")


def test_a_session_of_an_app_without_a_password_is_none(make_app: MakeApp) -> None:
    sessions: Sessions = make_app().state.sessions
    assert not sessions.wanted
    assert not sessions.knows("")


def test_a_name_that_a_proxy_serves_it_under_needs_a_password_too(make_app: MakeApp) -> None:
    with pytest.raises(Invalid, match=r"AGON_ALLOWED_HOSTS localhost,agon\.example.*AGON_PASSWORD"):
        make_app(allowed_hosts=("localhost", "agon.example"))
    make_app(allowed_hosts=("localhost", "[::1]"))


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.7", "agon.example", "::"])
def test_a_public_bind_without_a_password_is_refused(make_app: MakeApp, host: str) -> None:
    with pytest.raises(Invalid, match="AGON_PASSWORD"):
        make_app(host=host)
    make_app(host=host, password="x")
