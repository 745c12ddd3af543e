"""The visual language: what a macro puts on the page, and what it must never put there."""

import re
from html.parser import HTMLParser
from typing import Literal

import pytest
from jinja2 import UndefinedError
from playwright.sync_api import Browser

from app.web.rendering import STATIC, environment
from tests.web.gallery import gallery_page

_VOID = {"meta", "link", "input", "br", "wbr", "hr", "img"}


def render(source: str, **values: object) -> str:
    names = {
        "words": "badge, verdict, evidence, outcome, status, label_name",
        "numbers": "est, diff, delta, axis",
        "battle": "who, corner, gauge, split_bar",
        "charts": "best_chart, meter, lane, lane_axis, wins",
        "texts": "prompt_text, word_diff",
        "forms": "csrf, field, check, action",
        "parts": "crumbs, segments, flash, empty, problem_list, pagination",
    }
    imports = "".join(f'{{% from "macros/{file}.html" import {macros} %}}' for file, macros in names.items())
    return environment().from_string(imports + source).render(**values)


def words(html: str) -> str:
    """What a reader of the text alone gets, hidden words for screen readers included."""
    return " ".join(re.sub(r"<[^>]+>", " ", html).replace("&nbsp;", " ").split())


class Balance(HTMLParser):
    """Notes every element that is closed in the wrong place or not at all, and every id that is used twice."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.wrong: list[str] = []
        self.ids: list[str] = []
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.ids += [value or "" for name, value in attrs if name == "id"]
        self.attributes |= {name for name, _ in attrs}
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes |= {name for name, _ in attrs}

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)


def test_the_gallery_is_well_formed_and_has_nothing_that_the_policy_blocks() -> None:
    page = Balance()
    page.feed(gallery_page())
    assert (page.wrong, page.open) == ([], [])
    assert len(page.ids) == len(set(page.ids))
    assert not {name for name in page.attributes if name == "style" or name.startswith("on")}


def test_no_number_stands_alone() -> None:
    text = words(render("{{ est(0.892, 0.868, 0.914, 1600, (0.7, 1)) }}"))
    assert text == "0.892 95% interval 0.868–0.914 · n 1,600"
    text = words(render("{{ diff(-0.028, -0.055, -0.003, 240) }}"))
    assert text == "−0.028 95% interval −0.055…−0.003 · n 240"


def test_a_number_that_is_not_there_keeps_its_place() -> None:
    html = render("{{ est(none, none, none, none) }}")
    assert words(html) == "– no answers yet"
    assert html.count("<svg") == 1


def test_what_is_simulated_says_so_in_words() -> None:
    assert words(render("{{ est(0.8, 0.7, 0.9, 96, simulated=True) }}")).endswith(", simulated")


@pytest.mark.parametrize(
    ("low", "high", "tone"), [(0.01, 0.05, "good"), (-0.05, -0.01, "bad"), (-0.01, 0.05, ""), (0.0, 0.1, "")]
)
def test_a_difference_is_coloured_only_when_its_interval_clears_zero(low: float, high: float, tone: str) -> None:
    html = render('{{ diff(0.02, low, high, 100, tone="auto") }}', low=low, high=high)
    assert re.findall(r'class="bar ?(\w*)"', html) == [tone]


@pytest.mark.parametrize(
    ("call", "kind", "text"),
    [
        ('verdict("better")', "better", "Better"),
        ('verdict("start kept")', "kept", "Start kept"),
        ('verdict("not enough evidence")', "unsure", "Not enough evidence"),
        ('evidence("A better")', "awin", "A better"),
        ('evidence("tie")', "tie", "Tie"),
        ('outcome("right", walkover=True)', "bwin", "Right won by walkover"),
        ('outcome("none")', "off", "No winner"),
        ('status("running", "Running, round 3")', "run", "Running, round 3"),
    ],
)
def test_a_result_is_a_word_before_it_is_a_colour(call: str, kind: str, text: str) -> None:
    html = render("{{ " + call + " }}")
    assert f'class="badge {kind}"' in html
    assert words(html) == text


def test_a_result_that_nobody_knows_is_an_error() -> None:
    with pytest.raises(UndefinedError):
        render('{{ verdict("splendid") }}')


def test_a_hidden_name_is_not_in_the_page_and_takes_no_less_room() -> None:
    hidden = render('{{ corner("left", "v3", name=none, value=0.8, low=0.7, high=0.9, n=50) }}')
    shown = render('{{ corner("left", "v3", name="qwen3-32b", value=0.8, low=0.7, high=0.9, n=50) }}')
    assert "name hidden" in words(hidden)
    assert hidden.replace('<span class="veil"><span>name hidden</span></span>', "") == re.sub(
        r'<span class="shown">.*?</span></span>', "", shown
    )


def test_a_gauge_says_what_it_shows() -> None:
    assert 'aria-label="B − A +0.033, 95% interval −0.028…+0.094"' in render("{{ gauge(0.033, -0.028, 0.094, 0.02) }}")
    assert "no answers yet" in render("{{ gauge(none, none, none, 0.02) }}")


def test_a_chart_has_its_sentence_and_its_numbers() -> None:
    leaders = [(0, "start", 0.8, 0.75, 0.85, 200), (900, "v3", 0.9, 0.87, 0.93, 200)]
    html = render('{{ best_chart([(500, 0.7, False)], leaders, 4000, ("start", 0.8), 1200) }}', leaders=leaders)
    assert 'aria-label="Best score so far went from 0.800 to 0.900 over 1,200 of 4,000 calls' in html
    table = words(html[html.index("<tbody>") :])
    assert "start 0 0.800 95% interval 0.750–0.850 · n 200" in table
    assert "v3 900 0.900" in table


def test_a_meter_counts_in_words() -> None:
    assert words(render("{{ meter(7480, 480, 12000) }}")) == "7,480 spent 480 reserved of 12,000 calls"
    assert words(render("{{ meter(7480, 0, none) }}")) == "7,480 spent 0 reserved no cap on calls"


def test_text_of_models_and_people_stays_text() -> None:
    attack = "<script>alert(1)</script>{{ 7*7 }}\"'>"
    for call in (
        "prompt_text(x)", "word_diff(x, '')", "word_diff('', x)", "empty(x, x, (x, '/'))", "badge('tie', x)",
        "field('f', x, x, hint=x, error=x)", "field('f', x, x, kind='textarea')", "flash('ok', x, x)",
        "corner('left', x, name=x, refusal=x, facts=[(x, x)])", "label_name(x)", "gauge(0, 0, 0, 0.1, x, x)",
    ):  # fmt: skip
        html = render("{{ " + call + " }}", x=attack)
        assert "<script" not in html, call
        assert "49" not in words(html), call


def test_a_prompt_is_shown_to_the_letter() -> None:
    text = "\n\nSort <this>:\n  {{input}}\n"
    html = render("{{ prompt_text(text) }}", text=text)
    inside = html[html.index(">") + 1 : html.rindex("</pre>")]
    plain = re.sub(r"</?mark[^>]*>", "", inside).replace("&lt;", "<").replace("&gt;", ">")
    assert plain == "\n" + text
    assert '<mark class="ph">{{input}}</mark>' in html


def test_a_field_is_tied_to_its_label_hint_and_error() -> None:
    html = render(
        '{{ field("lang", "Use as", "b", kind="select", options=[("a", "A"), ("b", "B")], hint="H", error="E") }}'
    )
    assert '<label for="lang">' in html
    assert 'aria-invalid="true" aria-describedby="hint-lang error-lang"' in html
    assert '<option value="b" selected>' in html
    assert 'id="hint-lang"' in html
    assert 'id="error-lang"' in html


def test_a_password_is_never_sent_back() -> None:
    assert "hunter2" not in render('{{ field("p", "Password", "hunter2", kind="password") }}')


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_gallery_fits_a_phone_of_320_pixels(
    browser: Browser, scheme: Literal["light", "dark"], tmp_path_factory: pytest.TempPathFactory
) -> None:
    file = tmp_path_factory.mktemp("gallery") / "gallery.html"
    file.write_text(gallery_page())
    page = browser.new_page(viewport={"width": 320, "height": 800}, color_scheme=scheme)
    page.goto(file.as_uri())
    page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true })")
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    page.close()


@pytest.mark.browser
def test_revealing_a_name_moves_nothing(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> None:
    corners = [
        render('{{ corner("left", "v3", name=name, value=0.8, low=0.7, high=0.9, n=50, simulated=True) }}', name=name)
        for name in (None, "practice-exemplar-1")
    ]
    css = f'<link rel="stylesheet" href="{STATIC.as_uri()}/app.css">'
    file = tmp_path_factory.mktemp("reveal") / "reveal.html"
    for width in (1440, 390):
        heights = []
        for corner in corners:
            file.write_text(f'<meta charset="utf-8">{css}<main class="wrap"><section class="battle"><div class="ring">{corner}'
                            '<div class="judge"></div><div></div></div></section></main>')  # fmt: skip
            page = browser.new_page(viewport={"width": width, "height": 800})
            page.goto(file.as_uri())
            heights.append(page.locator(".corner .est").bounding_box())
            page.close()
        assert heights[0] == heights[1]
