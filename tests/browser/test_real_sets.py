"""Nine labelled sets in a real browser, each from its file to the report of its holdout, as a person goes."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.conftest import errors_of
from tests.conftest import data_folder
from tests.flows.running import serve, write_set

pytestmark = [pytest.mark.browser, pytest.mark.slow]
WAIT = 180_000
RUSSIAN = re.compile("[а-яА-Я]{3}")


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of one app for all of the sets; its practice models answer at once."""
    with serve(tmp_path_factory.mktemp("house")) as url:
        yield url


@dataclass(frozen=True)
class Case:
    """A set by name, its goal, and what else is looked at on the way.

    `preview`, `scored` and `compared` look at the page that is open then, `set_page` at that of the test set. `probabilities` asks the second prompt's replies for them, and leads over its thresholds.
    `rows` are the first so many where many labels with probabilities take long; whole sets go by commands.
    """

    name: str
    goal: str
    preview: Callable[[Page], None]
    scored: Callable[[Page], None]
    compared: Callable[[Page], None] = lambda page: None
    set_page: Callable[[Page], None] = lambda page: None
    probabilities: bool = False
    rows: int = 0


def section(page: Page, name: str) -> Locator:
    return page.get_by_role("region", name=name, exact=True)


def says(where: Page | Locator, text: str | re.Pattern[str]) -> None:
    expect(where.get_by_text(text).first).to_be_visible()


def splits_by(way: str) -> Callable[[Page], None]:
    def look(page: Page) -> None:
        expect(page.get_by_role("row", name=re.compile(f"^{way} used here ✓? ?Suggested"))).to_be_visible()

    return look


def bound_is_told(page: Page) -> None:
    says(section(page, "Score"), re.compile(r"Recall\[spam\] at precision>=0.95 on dev, of \d+ examples"))
    says(section(page, "Score"), re.compile(r"The bound precision>=0.95 is missed by 0\.\d+"))
    section(page, "Where it errs").get_by_role("row", name=re.compile("^spam")).get_by_role("link").first.click()
    expect(page.get_by_role("heading", name="spam, answered ham")).to_be_visible()
    assert {cell.inner_text() for cell in page.locator("td[data-l=Expected]").all()} == {"spam"}


def labels_are_scored(label: str) -> Callable[[Page], None]:
    """Each label of a set has its scores, and what was missed of it opens."""

    def look(page: Page) -> None:
        scores = section(page, "Every score")
        for name in ("subset accuracy", "Hamming score", "micro F1", "F1 of each set"):
            expect(scores.get_by_role("rowheader", name=name)).to_be_visible()
        row = section(page, "Class by class").get_by_role("row", name=re.compile(f"^{label} "))
        missed = row.get_by_role("cell").nth(2)
        count = int(missed.inner_text())
        missed.get_by_role("link").click()
        expect(page.get_by_role("heading", name=f"{label}, missed")).to_be_visible()
        expected = page.locator("td[data-l=Expected]")
        expect(expected).to_have_count(min(20, count))
        assert all(label in text.split(", ") for text in expected.all_inner_texts())

    return look


def many_labels_are_usable(page: Page) -> None:
    classes = section(page, "Class by class")
    classes.get_by_text("47 rarer classes").click()
    expect(classes.get_by_role("rowheader")).to_have_count(77)
    times = section(page, "Where it errs").get_by_role("row").nth(1).get_by_role("link")
    count = int(times.inner_text())
    times.click()
    expect(page.locator("td[data-l=Reply]")).to_have_count(min(20, count))


def exact_match_is_told(page: Page) -> None:
    expect(section(page, "Every score").get_by_role("rowheader", name="exact match")).to_be_visible()


def answers_are_russian(page: Page) -> None:
    exact_match_is_told(page)
    page.get_by_role("link", name="Its answers").click()
    says(page.locator("td[data-l=Expected]"), RUSSIAN)


def numbers_stand_there(page: Page) -> None:
    """What was answered is a number, not only right or wrong."""
    answers = page.locator("td.answer .label").all_inner_texts()
    assert answers
    assert all(re.search(r"\d|unreadable", text) for text in answers)


def texts_stand_there(page: Page) -> None:
    assert not {"right", "wrong"} & set(page.locator("td.answer .label").all_inner_texts())


def plan_is_kept(*told: str) -> Callable[[Page], None]:
    def look(page: Page) -> None:
        for text in told:
            says(section(page, "Plan"), re.compile(text))

    return look


def holdout_is_newest(page: Page) -> None:
    plan_is_kept("Out of time", r"column meta\.created_at")(page)
    dev, holdout = (page.locator(f"dt:text-is('{name}') + dd time") for name in ("Dev from", "Holdout from"))
    assert (dev.get_attribute("datetime") or "~") < (holdout.get_attribute("datetime") or "")


CASES = [
    Case("sms_spam", "recall[spam] at precision>=0.95", splits_by("By class"), bound_is_told, probabilities=True),
    Case("goemotions", "macro_f1", splits_by("By class"), labels_are_scored("neutral"), probabilities=True, rows=800),
    Case("nlupp_banking", "micro_f1", splits_by("By class"), labels_are_scored("transfer_payment_deposit"), probabilities=True, rows=800),
    Case(
        "gsm8k", "accuracy", lambda page: says(page, "A reply is right when it gives the same number"),
        exact_match_is_told, numbers_stand_there,
    ),
    Case(
        "bbh", "exact_match", lambda page: says(page, "A reply is right when it is the same text"),
        exact_match_is_told, texts_stand_there,
    ),
    Case(
        "rubq", "mean_score", lambda page: says(section(page, "First rows"), RUSSIAN), answers_are_russian,
        lambda page: says(page.locator("td[data-l=Input]"), RUSSIAN),
    ),
    Case(
        "nlbse24_issues", "macro_f1", splits_by("Out of time"),
        lambda page: expect(section(page, "Where it errs").locator("table.cm td a").first).to_be_visible(),
        set_page=holdout_is_newest,
    ),
    Case(
        "rusentne2023", "macro_f1", splits_by("In groups"),
        lambda page: expect(section(page, "Class by class").get_by_role("rowheader")).to_have_count(3),
        set_page=plan_is_kept("In groups", r"column meta\.group: \d+ examples in \d+ groups"),
    ),
    Case("banking77", "accuracy", splits_by("By class"), many_labels_are_usable, probabilities=True),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_from_the_file_to_the_report_of_its_holdout(house: str, browser: Browser, tmp_path: Path, case: Case) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.set_default_timeout(WAIT)
    complaints = errors_of(page)
    file = data_folder() / f"{case.name}.jsonl"
    project = imported(page, house, write_set(tmp_path / file.name, file, case.rows) if case.rows else file, case)
    page.get_by_role("link", name="v1", exact=True).first.click()
    evaluated(page)
    case.scored(page)
    page.goto(project)
    added(page, case)
    evaluated(page)
    if case.probabilities:
        thresholds_frozen(page, case)
    compared(page, project, case)
    opened(page, project, case)
    assert complaints == []


def imported(page: Page, house: str, file: Path, case: Case) -> str:
    """The address of the project that the file became."""
    page.goto(f"{house}/uploads/new")
    page.set_input_files("input[type=file]", file)
    page.get_by_role("button", name="Read the file").click()
    expect(page.get_by_role("heading", name="First rows")).to_be_visible()
    case.preview(page)
    page.get_by_label("Goal").fill(case.goal)
    page.get_by_role("button", name=re.compile("^Import")).click()
    page.get_by_role("link", name="Open the project").click()
    expect(page.get_by_role("heading", name=case.name, exact=True)).to_be_visible()
    project = page.url
    page.get_by_role("link", name="Splits and versions").click()
    case.set_page(page)
    page.goto(project)
    return project


def evaluated(page: Page) -> None:
    """From a prompt's page to its score on dev."""
    page.get_by_role("link", name="Evaluate", exact=True).click()
    page.get_by_role("button", name="Start evaluation").click()
    expect(page.get_by_text("Finished", exact=True)).to_be_visible(timeout=WAIT)
    expect(section(page, "Every score")).to_be_visible()


def added(page: Page, case: Case) -> None:
    """A second prompt, which asks for JSON."""
    page.get_by_role("link", name="v1", exact=True).first.click()
    page.get_by_role("link", name="New version from this").click()
    text = page.get_by_label("Text", exact=True)
    text.fill(f"Take your time.\n{text.input_value()}")
    page.get_by_label("Asked for as").select_option("json")
    if case.probabilities:
        page.get_by_label("Probabilities").select_option("logprobs")
    page.get_by_role("button", name="Save prompt").click()
    expect(page.get_by_role("heading", name="v2", exact=True)).to_be_visible()


def thresholds_frozen(page: Page, case: Case) -> None:
    page.get_by_role("link", name="Thresholds and calibration").click()
    says(page, "from token probabilities")
    if case.name == "sms_spam":
        row = section(page, "What each rule chooses").get_by_role("row", name=re.compile("^Most found at a precision"))
        expect(row.get_by_text("shown")).to_be_visible()
        slider = page.get_by_label("Threshold, by stops")
        expect(slider).to_be_visible()
        slider.press("End")
        expect(page.locator("#by-rule")).to_have_text("Set by hand")
        expect(page.locator("[data-value=recall]")).to_have_text("1.000")
    else:
        options = page.get_by_label("Class", exact=True)
        many = options.locator("option").count()
        options.select_option(index=many - 1)
        page.get_by_role("button", name="Show", exact=True).first.click()
        page.get_by_label(f"One for each of the {many} classes, by the same rule").check()
    page.get_by_role("button", name="Freeze").click()
    says(section(page, "Frozen thresholds"), "holds")


def compared(page: Page, project: str, case: Case) -> None:
    """Ticked in the list, read by keys, opened at a call, taken along as a file."""
    page.goto(project)
    for version in ("v1", "v2"):
        page.get_by_label(re.compile(f"^Compare {version} on dev")).check()
    page.get_by_role("button", name="Compare the chosen").click()
    expect(page.get_by_role("heading", name="v1 against v2")).to_be_visible()
    case.compared(page)
    expect(page.locator("#keys")).to_be_visible()
    for key in "jjk":
        page.keyboard.press(key)
    expect(page.locator("tr[aria-current=true]")).to_have_id("row-1")
    page.keyboard.press("t")
    expect(page.locator("details.words").first).to_have_attribute("open", "")
    with page.expect_download() as found:
        page.get_by_role("link", name="Download CSV").click()
    assert found.value.path().read_text(encoding="utf-8").startswith("row,input,expected,change,A v1 on practice/")
    page.keyboard.press("2")
    expect(page.get_by_role("heading", name="Reply")).to_be_visible()
    says(page, "Answer with one JSON object and write nothing after it.")


def opened(page: Page, project: str, case: Case) -> None:
    page.goto(f"{project}/openings/new")
    page.get_by_label("Prompt", exact=True).select_option(label="v2 · written by a person")
    page.get_by_label("Reason").fill("before it goes live")
    page.get_by_label("This look counts and cannot be undone.").check()
    page.get_by_role("button", name="Open the holdout").click()
    expect(page.get_by_role("heading", name="Holdout report")).to_be_visible(timeout=WAIT)
    says(page, "before it goes live")
    written = {}
    for name in ("PDF", "Markdown"):
        with page.expect_download() as found:
            page.get_by_role("link", name=name, exact=True).click()
        written[name] = found.value.path().read_bytes()
    assert written["PDF"].startswith(b"%PDF-")
    assert "# Holdout report" in written["Markdown"].decode()
