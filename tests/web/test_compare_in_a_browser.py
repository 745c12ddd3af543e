"""The comparison in a real browser: keys from row to row and to the calls, on a phone, and without a script."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.services.paired import Paired
from tests.services.tickets import LABELS
from tests.web.arena_world import World, serving

pytestmark = pytest.mark.browser

N = 70
EXPECTED = [n % 3 for n in range(N)]


@dataclass(frozen=True)
class Shown:
    """A served comparison of two; the third is in the world as well."""

    url: str
    here: str
    third: str
    more: tuple[str, ...]


@pytest.fixture
def shown(tmp_path: Path) -> Iterator[Shown]:
    world = World.at(tmp_path)
    paired = Paired.at(world.database, EXPECTED, texts=["a long message " * 40] * N)
    said = {n: f"This one is about {LABELS[code]} I think" for n, code in enumerate(EXPECTED)}
    a = paired.answer("Sort. {{input}}", [(code + 1) % 3 if n < 20 else code for n, code in enumerate(EXPECTED)])
    b = paired.answer("Sort well. {{input}}", EXPECTED, replies=said)
    third = paired.answer("Third. {{input}}", EXPECTED)
    more = tuple(paired.answer(f"{n} {{{{input}}}}", EXPECTED, replies=said) for n in range(5))
    with serving(world.app()) as url:
        yield Shown(url, f"{url}/compare?of={a}&of={b}", third, more)
    world.close()


def _complaints(page: Page) -> list[str]:
    found: list[str] = []
    page.on("console", lambda message: found.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: found.append(str(error)))
    return found


def test_keys_lead_from_row_to_row_to_the_calls_and_to_the_words(shown: Shown, browser: Browser) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    complaints = _complaints(page)
    page.goto(shown.here)
    current = page.locator("tr[aria-current=true]")
    expect(page.get_by_text("next, previous row")).to_be_visible()
    for key, row in (("k", None), ("j", "row-1"), ("j", "row-2"), ("j", "row-3"), ("k", "row-2")):
        page.keyboard.press(key)
        expect(current).to_have_count(1 if row else 0)
        if row:
            expect(current).to_have_id(row)
            expect(current).to_be_in_viewport()
    words = page.locator("#words-2")
    expect(words).not_to_have_attribute("open", "")
    page.keyboard.press("t")
    expect(words.locator("ins").first).to_be_visible()
    page.keyboard.press("t")
    expect(words.locator("ins").first).to_be_hidden()
    for digit in ("1", "2"):
        call = page.locator(f"#row-2 a[data-call='{digit}']").get_attribute("href")
        page.keyboard.press(digit)
        page.wait_for_url(f"{shown.url}{call}")
        page.go_back()
        expect(current).to_have_id("row-2")
    assert complaints == []


def test_keys_do_nothing_while_something_is_chosen_and_turn_the_page_at_its_end(shown: Shown, browser: Browser) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto(f"{shown.here}#row-50")
    current = page.locator("tr[aria-current=true]")
    expect(current).to_have_id("row-50")
    page.get_by_label("Expected answer").focus()
    page.keyboard.press("k")
    expect(current).to_have_id("row-50")
    page.get_by_role("heading", name="Row by row").click()
    page.keyboard.press("j")
    page.wait_for_url(re.compile("after=49"))
    expect(current).to_have_id("row-51")
    page.keyboard.press("k")
    page.wait_for_url(re.compile("before=50"))
    expect(current).to_have_id("row-50")


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark"), (320, "light")])
def test_nothing_scrolls_sideways_but_the_columns_of_several(
    shown: Shown, browser: Browser, width: int, scheme: str
) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)  # type: ignore[arg-type]
    page = context.new_page()
    complaints = _complaints(page)
    three = f"{shown.here}&of={shown.third}"
    eight = "&of=".join((three, *shown.more))
    for address in (shown.here, f"{three}&filter=fixed", eight, shown.here.split("&")[0]):
        page.goto(address)
        page.keyboard.press("t")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, address
    assert complaints == []
    context.close()


def test_without_a_script_rows_words_and_calls_are_there_and_no_key_is_promised(shown: Shown, browser: Browser) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(shown.here)
    expect(page.get_by_text("next, previous row")).to_be_hidden()
    page.locator("#words-1 summary").click()
    expect(page.locator("#words-1 ins").first).to_be_visible()
    page.get_by_label("Expected answer").select_option("1")
    page.get_by_role("button", name="Show").click()
    expect(page.locator("tr[data-row]").first).to_have_id("row-2")
    page.get_by_role("link", name=re.compile("^Fixed")).click()
    page.locator("#row-2 a[data-call='2']").click()
    expect(page.get_by_role("heading", name="Reply")).to_be_visible()
    context.close()
