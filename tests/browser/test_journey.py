"""A person's journey in a real browser: a file in, a campaign watched, a verdict read; and nothing sealed seen on the way."""

import json
import os
import re
from pathlib import Path

import httpx2
import pytest
from playwright.sync_api import Browser, Page, expect

from app.demo.labelled import DEMO_FILE
from app.storage.session import Database
from app.storage.test_sets import Example, Placement
from tests.browser.conftest import Served, errors_of

ROOT = Path(__file__).resolve().parents[2]
GENERATORS = ("exemplar-v1", "describer-v1", "trimmer-v1", "combiner-v1", "trickster-v1")


def marked_file(folder: Path) -> Path:
    """The demo's messages, each with a word of its own that no other text holds."""
    rows = [json.loads(line) for line in DEMO_FILE.read_text(encoding="utf-8").splitlines()]
    path = folder / "support.jsonl"
    marked = [{"input": f"{row['input']} zq{i:03d}zq", "label": row["label"]} for i, row in enumerate(rows)]
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in marked), encoding="utf-8")
    return path


def sealed_words(served: Served) -> list[str]:
    """The words of the holdout's examples, read behind the app's back."""
    database = Database(f"sqlite:///{served.folder / 'data' / 'agon.sqlite3'}")
    with database.read() as session:
        query = session.query(Example.input).join(Placement).where(Placement.split == "holdout")
        found = [match for (text,) in query for match in re.findall(r"zq\d{3}zq", text)]
    database.close()
    return found


def crawl(served: Served, most: int = 250) -> dict[str, str]:
    """Every page that links lead to, and the JSON twin of each."""
    pages: dict[str, str] = {}
    waiting = ["/"]
    with httpx2.Client(base_url=served.url, trust_env=False, timeout=20) as client:
        while waiting and len(pages) < most:
            path = waiting.pop(0)
            if path in pages or path.startswith(("/static", "/uploads/")):
                continue
            pages[path] = client.get(path, follow_redirects=True).text
            waiting += [found for found in re.findall(r'href="(/[^"#]*)"', pages[path]) if found not in pages]
        for path in list(pages):
            pages[f"/api/v1{path}"] = client.get(f"/api/v1{path}", follow_redirects=True).text
    return pages


@pytest.mark.browser
@pytest.mark.slow
def test_from_a_file_to_a_verdict_in_the_browser(served: Served, browser: Browser, tmp_path: Path) -> None:
    page = browser.new_page(viewport={"width": 1440, "height": 1000}, color_scheme="light")
    complaints = errors_of(page)
    import_file(page, served, marked_file(tmp_path))
    sealed = sealed_words(served)
    assert sealed, "the holdout holds examples"
    start_campaign(page)
    watch_a_round(page)
    if os.environ.get("AGON_SCREENSHOT"):
        page.screenshot(path=ROOT / "docs" / "screenshot.png", clip={"x": 0, "y": 0, "width": 1440, "height": 900})
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_text("Paused").first).to_be_visible(timeout=60_000)
    for path, body in crawl(served).items():
        assert not any(word in body for word in sealed), f"{path} shows a holdout example"
    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_text(re.compile(r"Opening \d of this holdout|holdout (stays|stayed) shut")).first).to_be_visible(
        timeout=120_000
    )
    assert not any(word in served.logs() for word in sealed)
    assert complaints == []


def import_file(page: Page, served: Served, file: Path) -> None:
    page.goto(served.url)
    page.get_by_role("link", name="New project").first.click()
    page.set_input_files("input[type=file]", file)
    page.get_by_role("button", name="Read the file").click()
    expect(page.get_by_role("heading", name="First rows")).to_be_visible()
    page.get_by_role("button", name=re.compile("^Import")).click()
    page.get_by_role("link", name="Start a campaign").click(timeout=60_000)


def start_campaign(page: Page) -> None:
    page.get_by_label("Rounds at most").fill("4")
    page.get_by_role("button", name="Start campaign").click()
    expect(page.get_by_role("heading", name="Campaign 1")).to_be_visible()


def watch_a_round(page: Page) -> None:
    """While the first battle runs no generator's name is in the page; once it is settled, both are."""
    expect(page.get_by_text("name hidden").first).to_be_visible(timeout=90_000)
    assert not any(name in page.content() for name in GENERATORS if "Round 1:" in page.content())
    expect(page.get_by_text(re.compile("(Left|Right) won|Tie")).first).to_be_visible(timeout=90_000)
    assert sum(name in page.content() for name in GENERATORS) >= 2


@pytest.mark.browser
@pytest.mark.slow
def test_an_evaluation_is_ordered_watched_and_paused_in_the_browser(
    served: Served, browser: Browser, tmp_path: Path
) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 900}, color_scheme="dark")
    complaints = errors_of(page)
    import_file(page, served, marked_file(tmp_path))
    page.goto(f"{served.url}/projects/{page.url.split('/projects/')[1].split('/')[0]}")
    page.get_by_role("link", name="v1").first.click()
    page.get_by_role("link", name="Evaluate", exact=True).click()
    order_evaluation(page)
    expect(page.get_by_text(re.compile(r"About .+ more"))).to_be_visible(timeout=60_000)
    expect(page.get_by_text(re.compile("at work on 1 block"))).to_be_visible()
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("button", name="Resume")).to_be_visible()
    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_role("heading", name="Score", exact=True)).to_be_visible(timeout=120_000)
    expect(page.get_by_text("Finished", exact=True)).to_be_visible()
    page.get_by_role("link", name="Every call of this run").click()
    expect(page.get_by_label("Of this evaluation only")).to_be_checked()
    expect(page.get_by_role("link", name="an evaluation").first).to_be_visible()
    assert complaints == []


def order_evaluation(page: Page) -> None:
    """The form reckons anew while it is filled in."""
    expect(page.locator("#quote")).to_contain_text("practice models are free")
    page.get_by_label("Split").select_option("train")
    page.get_by_label("Answers for each example").fill("3")
    page.get_by_label("Temperature").fill("0.5")
    expect(page.locator("#quote")).to_contain_text("Above temperature 0")
    page.get_by_role("button", name="Start evaluation").click()
    expect(page.get_by_role("heading", name="Evaluation of v1")).to_be_visible()


@pytest.mark.browser
def test_no_page_scrolls_sideways_or_breaks_the_content_policy(served: Served, browser: Browser) -> None:
    for width, scheme in ((1440, "light"), (390, "dark"), (320, "light")):
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)  # type: ignore[arg-type]
        page = context.new_page()
        complaints = errors_of(page)
        for path in ("/", "/uploads/new", "/generators", "/endpoints", "/calls", "/operations"):
            page.goto(served.url + path)
            shown = (path, page.evaluate("document.documentElement.scrollWidth") <= width, complaints)
            assert shown == (path, True, []), f"at {width} pixels"
        context.close()
