"""The shell in a real browser: policy, forms, htmx, theme, documentation."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.web.conftest import Serve

pytestmark = pytest.mark.browser


@dataclass
class Visit:
    """A page in a fresh browser profile, with everything it complained about and every address it asked for."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def policy_violations(self) -> list[str]:
        return [text for text in self.complaints if "Content Security Policy" in text]

    def outside(self, home: str) -> list[str]:
        return [url for url in self.asked if not url.startswith((home, "data:"))]


@pytest.fixture
def visit(browser: Browser) -> Iterator[Visit]:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    visit = Visit(context.new_page())
    visit.page.on("console", lambda message: visit.complaints.append(message.text) if message.type == "error" else None)
    visit.page.on("pageerror", lambda error: visit.complaints.append(str(error)))
    visit.page.on("request", lambda request: visit.asked.append(request.url))
    yield visit
    context.close()


def test_the_documentation_loads_from_our_own_files_alone(serve: Serve, visit: Visit) -> None:
    home = serve()
    visit.page.goto(f"{home}/docs")
    expect(visit.page.get_by_text("/api/v1/things").first).to_be_visible()
    visit.page.get_by_text("/api/v1/things").first.click()
    visit.page.get_by_role("button", name="Try it out").click()
    visit.page.get_by_role("button", name="Execute").click()
    expect(visit.page.get_by_text('"ring"').first).to_be_visible()
    assert visit.complaints == []
    assert visit.outside(home) == []


def test_a_plain_form_is_accepted_with_the_origin_a_browser_sends(serve: Serve, visit: Visit) -> None:
    home = serve()
    visit.page.goto(f"{home}/things")
    with visit.page.expect_request(lambda request: request.method == "POST") as sent:
        visit.page.click("#send")
    assert sent.value.all_headers()["origin"] == home
    expect(visit.page.locator("body")).to_have_text('{"made":"ring"}')


def test_another_sites_form_is_refused_even_with_the_right_token(serve: Serve, visit: Visit) -> None:
    home = serve()
    visit.page.goto(f"{home}/things")
    token = visit.page.locator("input[name=csrf_token]").input_value()
    visit.page.goto("about:blank")
    fields = f'<input name="csrf_token" value="{token}"><input name="name" value="ring"><button>Win a prize</button>'
    visit.page.set_content(f'<form method="post" action="{home}/things">{fields}</form>')
    visit.page.get_by_role("button").click()
    expect(visit.page.get_by_text("another site's page")).to_be_visible()


def test_htmx_sends_the_token_and_swaps_a_part(serve: Serve, visit: Visit) -> None:
    visit.page.goto(f"{serve()}/things")
    visit.page.click("#swap")
    expect(visit.page.locator("#out")).to_have_text('{"made":"bell"}')
    assert visit.policy_violations() == []


def test_a_running_part_keeps_its_last_state_when_the_server_fails_and_says_that_it_is_old(
    serve: Serve, visit: Visit
) -> None:
    visit.page.goto(f"{serve()}/things")
    expect(visit.page.locator("#connection")).to_be_visible()
    expect(visit.page.locator("#live b")).to_have_text("3")
    assert visit.policy_violations() == []


def test_a_running_part_leaves_open_what_was_opened_and_tells_what_changed(serve: Serve, visit: Visit) -> None:
    visit.page.goto(f"{serve()}/things")
    visit.page.get_by_text("Why").click()
    expect(visit.page.locator("#live b")).to_have_text("3")
    expect(visit.page.get_by_text("Because")).to_be_visible()
    expect(visit.page.locator("#live b.is-new")).to_have_count(1)
    expect(visit.page.locator("#announcer")).to_have_text("Round 3 is decided")


def test_a_refused_part_changes_nothing_and_says_why(serve: Serve, visit: Visit) -> None:
    visit.page.goto(f"{serve()}/things")
    visit.page.click("#fail")
    expect(visit.page.get_by_role("alert")).to_contain_text("This campaign has already ended.")
    expect(visit.page.locator("#out")).to_be_empty()
    visit.page.click("#swap")
    expect(visit.page.locator("#refusal")).to_be_hidden()


def test_the_theme_is_kept_in_the_browser(serve: Serve, visit: Visit) -> None:
    visit.page.emulate_media(color_scheme="light")
    visit.page.goto(f"{serve()}/things")
    switch = visit.page.get_by_role("button", name="Theme: system")
    switch.click()
    visit.page.get_by_role("button", name="Theme: light").click()
    visit.page.reload()
    expect(visit.page.get_by_role("button", name="Theme: dark")).to_be_visible()
    assert visit.page.evaluate("getComputedStyle(document.documentElement).backgroundColor") == "rgb(18, 20, 22)"


def test_a_person_logs_in_and_out(serve: Serve, visit: Visit) -> None:
    home = serve(password="open sesame")
    visit.page.goto(f"{home}/things")
    expect(visit.page.get_by_label("Password")).to_be_focused()
    visit.page.keyboard.type("wrong")
    visit.page.keyboard.press("Enter")
    expect(visit.page.get_by_text("This is not the password")).to_be_visible()
    visit.page.get_by_label("Password").fill("open sesame")
    visit.page.get_by_role("button", name="Log in").click()
    expect(visit.page.get_by_role("heading", name="Things")).to_be_visible()
    visit.page.get_by_role("button", name="Log out").click()
    expect(visit.page.get_by_role("heading", name="Log in")).to_be_visible()
    visit.page.goto(f"{home}/docs")
    expect(visit.page.get_by_label("Password")).to_be_visible()
    assert visit.policy_violations() == []


def test_on_a_phone_the_navigation_is_a_menu(serve: Serve, visit: Visit) -> None:
    visit.page.set_viewport_size({"width": 320, "height": 700})
    visit.page.goto(f"{serve()}/things")
    link = visit.page.get_by_role("link", name="Generators")
    expect(link).to_be_hidden()
    visit.page.get_by_text("Menu", exact=True).click()
    expect(link).to_be_visible()
    visit.page.keyboard.press("Escape")
    expect(link).to_be_hidden()
    assert visit.page.evaluate("document.documentElement.scrollWidth") <= 320


def test_what_was_typed_is_sent_again_after_a_login_in_another_tab(serve: Serve, browser: Browser) -> None:
    home, context = serve(password="open sesame"), browser.new_context()
    page = context.new_page()

    def log_in(tab: Page) -> None:
        tab.get_by_label("Password").fill("open sesame")
        tab.get_by_role("button", name="Log in").click()
        tab.wait_for_url(lambda url: "/login" not in url)

    page.goto(f"{home}/things?still=true")
    log_in(page)
    page.get_by_label("Name").fill("a long text")
    context.clear_cookies(name="agon_session")
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.get_by_role("heading", name="Your session has ended")).to_be_visible()
    with context.expect_page() as opened:
        page.get_by_role("link", name="Log in in another tab").click()
    log_in(opened.value)
    page.reload()
    expect(page.get_by_text('{"made":"a long text"}')).to_be_visible()
    context.close()
