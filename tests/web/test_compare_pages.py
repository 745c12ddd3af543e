"""The comparison in the browser's eyes, as JSON and as a file: numbers, filters, rows, and the ways that lead to it."""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from app.storage.evaluations import Evaluation
from app.storage.ledger import Account
from app.storage.projects import Project
from app.storage.runs import Run
from tests.services.paired import Paired
from tests.web.arena_world import CANARY, Played, Visitor, World
from tests.web.reading import words

N = 120
EXPECTED = [n % 3 for n in range(N)]
WRONG = [(code + 1) % 3 for code in EXPECTED]
FORMULA = '=HYPERLINK("http://example.org")'


def _with(changes: dict[int, int], base: Sequence[int] = EXPECTED) -> list[int]:
    return [changes.get(n, code) for n, code in enumerate(base)]


@dataclass(frozen=True)
class Bench:
    """Two evaluations: of 120 rows the second repairs 10 to 39, breaks 0 to 4, and cannot be read at 5."""

    world: World
    paired: Paired
    a: str
    b: str

    @property
    def visitor(self) -> Visitor:
        return self.world.visitor()

    @property
    def here(self) -> str:
        return f"/compare?of={self.a}&of={self.b}"

    def told(self, more: str = "", status: int = 200) -> dict[str, Any]:
        return self.visitor.json(self.here + more, status)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    world = World.at(tmp_path)
    paired = Paired.at(world.database, EXPECTED, texts=[FORMULA, "<b>bold</b> words"])
    a = paired.answer(
        "Sort it.\n{{input}}",
        _with({n: WRONG[n] for n in range(10, 40)}),
        replies={0: "-billing, I think", 1: "It is shipping today"},
    )
    b = paired.answer(
        "Sort it well.\n{{input}}",
        _with({n: WRONG[n] for n in range(5)} | {5: -1}),
        replies={1: "It is returns today"},
        called=False,
    )
    world.project_id = paired.project_id
    yield Bench(world, paired, a, b)
    world.close()


def test_the_page_says_who_is_better_by_how_much_and_what_so_many_rows_can_show(bench: Bench) -> None:
    html = bench.visitor.read(bench.here)
    page = words(html)
    assert "v1 against v2" in page
    assert "Accuracy on the 120 dev rows that A and B both answered." in page
    assert "only a holdout proves that one is better" in page
    assert re.search(r"0\.750 95% interval 0\.\d+–0\.\d+ · n 120 every reply could be read", page)
    assert re.search(r"0\.950 95% interval 0\.\d+–0\.\d+ · n 120 1 unreadable", page)
    assert re.search(r"B better \+0\.200 \(\+0\.\d+…\+0\.\d+\) p below 0\.0001, n 120", page)
    assert "6 only A right 84 both right 0 both wrong 30 only B right" in page
    assert "36 of 120 rows, 30.0%: one is right where the other is wrong" in page
    assert re.search(r"Smallest visible gain 13\.\d points with 120 rows a smaller difference", page)
    assert "if 20.0 points is the true difference in rows right; there are 120" in page
    assert "What changed in the prompt v1 to v2" in page
    assert "2 words added, 1 removed." in page
    assert 'aria-label="B − A +0.200' in html


def test_filters_are_links_with_counts_and_lead_to_their_rows(bench: Bench) -> None:
    html = bench.visitor.read(bench.here)
    counts = {
        "All": 120,
        "Fixed": 30,
        "Broken": 6,
        "Disagreements": 36,
        "Changed": 36,
        "Both wrong": 0,
        "Unreadable": 1,
    }
    for name, count in counts.items():
        assert re.search(rf'<a href="/compare[^"]*"[^>]*>{name} {count}</a>', html), name
    fixed = re.search(r'href="(/compare[^"]*filter=fixed)#rows"', html)
    assert fixed
    rows = re.findall(r'id="row-(\d+)"', bench.visitor.read(fixed[1].replace("&amp;", "&")))
    assert rows == [str(n + 1) for n in range(10, 40)]
    billing = re.findall(r'id="row-(\d+)"', bench.visitor.read(f"{bench.here}&filter=fixed&label=0"))
    assert billing == [str(n + 1) for n in range(10, 40) if EXPECTED[n] == 0]
    assert "No row is of this kind." in words(bench.visitor.read(f"{bench.here}&filter=both_wrong"))


def test_a_row_shows_each_answer_its_call_and_the_words_that_changed(bench: Bench) -> None:
    html = bench.visitor.read(f"{bench.here}&filter=broken")
    second = html.split('id="row-2"')[1].split('id="row-3"')[0]
    call = re.search(r'<a href="/calls/(\w+)" data-call="1">', second)
    assert call
    assert bench.visitor.json(f"/calls/{call[1]}")["split"] == "dev"
    said = words(second)
    assert "<b>bold</b> words shipping ✓ right: shipping It is shipping today" in said
    assert "✕ wrong: returns It is returns today answered from the store Broken" in said
    assert re.search(r"It is <del>shipping</del> <ins>returns</ins> today", second)
    assert "✕ wrong: unreadable no idea" in words(html.split('id="row-6"')[1])


def test_pages_of_rows_lead_on_and_back(bench: Bench) -> None:
    first = bench.visitor.read(bench.here)
    on = re.search(r'href="(/compare[^"#]*after=49)#rows" rel="next"', first)
    assert on
    second = bench.visitor.read(on[1].replace("&amp;", "&"))
    assert re.findall(r'id="row-(\d+)"', second) == [str(n) for n in range(51, 101)]
    assert re.search(r'before=50#rows" rel="prev"', second)
    assert "50 of 120 rows on this page" in words(second)


def test_three_evaluations_stand_side_by_side_with_p_for_all_comparisons(bench: Bench) -> None:
    c = bench.paired.answer("Third. {{input}}", EXPECTED[:60])
    html = bench.visitor.read(f"{bench.here}&of={c}&other=C&filter=fixed")
    page = words(html)
    assert "v1 against v2, v3" in page
    assert "p and verdict are adjusted for 2 comparisons (Holm)" in page
    assert "Filters and changes: A to C" in page
    assert re.findall(r'id="row-(\d+)"', html) == [str(n + 1) for n in range(10, 40)]
    assert html.count('data-call="3"') == 30
    all_rows = bench.visitor.read(f"{bench.here}&of={c}&after=58")
    assert "not answered" in words(all_rows.split('id="row-61"')[1])


def test_where_more_were_tried_their_number_and_the_expected_scores_stand_beside(bench: Bench) -> None:
    assert "Prompts tried here" not in words(bench.visitor.read(bench.here))
    for n in range(3):
        bench.paired.answer(f"Another {n}. {{{{input}}}}", _with({m: WRONG[m] for m in range(n, n + 20)}))
    page = words(bench.visitor.read(bench.here))
    assert re.search(r"Prompts tried here 5 p 0\.000\d if B was picked as their best", page)
    assert "expected scores are pulled towards the mean of 5" in page
    found = bench.told()["comparison"]["comparisons"][0]["tried"]
    assert (found["n"], found["complete"]) == (5, 5)
    assert 0.75 < found["base"] < found["other"] < 0.95
    assert f"{found['other']:.3f} expected on new data" in page


def test_goals_beside_the_first_have_a_table_and_other_goals_leave_no_expected_scores(bench: Bench) -> None:
    assert "Further goals" not in words(bench.visitor.read(bench.here))
    for n in range(3):
        bench.paired.answer(f"Another {n}. {{{{input}}}}", _with({m: WRONG[m] for m in range(n, n + 20)}))
    with bench.world.database.write() as session:
        session.get_one(Project, bench.paired.project_id).goal = "macro_f1; accuracy"
    page = words(bench.visitor.read(bench.here))
    assert "Further goals The verdict rests on macro F1. Each p is that of one goal alone." in page
    assert re.search(r"accuracy 0\.750 .*0\.950 .*\+0\.200 .*\+0\.\d+…\+0\.\d+", page)
    assert "5 were scored by another goal: evaluating them again, from the store, gives scores to expect" in page


def test_the_json_twin_has_the_same_numbers_and_pages_of_rows(bench: Bench) -> None:
    told = bench.told("&filter=fixed&limit=20")
    (one,) = told["comparison"]["comparisons"]
    assert (one["verdict"], one["counts"]["fixed"], one["counts"]["broken"]) == ("better", 30, 6)
    assert one["difference"]["value"] == 0.2
    assert one["discordance"] == 0.3
    assert [side["letter"] for side in told["comparison"]["sides"]] == ["A", "B"]
    page = told["page"]
    assert (len(page["rows"]), page["total"], page["next_after"]) == (20, 30, 29)
    rest = bench.told(f"&filter=fixed&limit=20&after={page['next_after']}")["page"]
    assert [row["position"] for row in page["rows"] + rest["rows"]] == list(range(10, 40))
    assert rest["next_after"] is None
    alone: Any = bench.visitor.json(f"/compare?of={bench.a}", 422)
    assert "needs two evaluations" in alone["detail"]
    assert "must be one of B" in bench.told("&other=Q", 422)["detail"]
    offers: Any = bench.visitor.json(f"/compare/offers?of={bench.a}")
    assert [side["id"] for side in offers["others"]] == [bench.b]


def test_the_file_has_every_row_and_no_formula(bench: Bench) -> None:
    answer = bench.visitor.client.get(f"/compare.csv?of={bench.a}&of={bench.b}")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    head, *rows = csv.reader(io.StringIO(answer.text))
    assert head[:5] == ["row", "input", "expected", "change", head[4]]
    assert head[4].startswith("A v1 on ")
    assert len(rows) == N
    assert rows[0][:4] == ["1", f"'{FORMULA}", "billing", "broken"]
    assert rows[0][4:8] == ["billing", "yes", "", "'-billing, I think"]
    assert rows[5][9:14] == ["", "no", "", "no idea", ""], "an unreadable answer from the store"
    assert not [cell for row in rows for cell in row if cell.startswith(("=", "+", "-", "@", "\t"))]
    fixed = bench.visitor.client.get(f"/compare.csv?of={bench.a}&of={bench.b}&filter=fixed&label=1").text
    assert len(fixed.splitlines()) == 11
    assert bench.visitor.client.get(f"/compare.csv?of={bench.a}").status_code == 422


def test_one_evaluation_is_offered_others_and_none_is_told_where_they_are(bench: Bench) -> None:
    html = bench.visitor.read(f"/compare?of={bench.a}")
    assert "Compare v1" in words(html)
    assert f'<input type="checkbox" name="of" value="{bench.b}">' in html
    assert f'href="/compare?of={bench.a}&amp;of={bench.b}"' in html
    assert "Nothing is chosen yet" in words(bench.visitor.read("/compare"))
    lonely = Paired.at(bench.world.database, [0, 1]).answer("x {{input}}", [0, 1])
    assert "Nothing to compare with" in words(bench.visitor.read(f"/compare?of={lonely}"))


def test_what_cannot_be_compared_says_why(bench: Bench) -> None:
    strange = Paired.at(bench.world.database, [0, 1]).answer("x {{input}}", [0, 1])
    train = bench.paired.answer("Sort it.\n{{input}}", {}, split="train")
    sealed = bench.paired.answer("sealed {{input}}", {0: 0})
    with bench.world.database.write() as session:
        session.execute(update(Evaluation).where(Evaluation.id == sealed).values(split="holdout"))
    page = bench.visitor.read
    assert "answered another test set" in words(page(f"/compare?of={bench.a}&of={strange}", 422))
    assert "sealed holdout" in words(page(f"/compare?of={bench.a}&of={sealed}", 422))
    assert "sealed holdout" in words(page(f"/compare.csv?of={bench.a}&of={sealed}", 422))
    assert "There is no evaluation nobody" in words(page(f"/compare?of={bench.a}&of=nobody", 404))
    assert "A answered dev and B answered train" in words(page(f"/compare?of={bench.a}&of={train}"))
    for bad in ("&label=x", "&label=99999999999999999999", "&other=9"):
        page(bench.here + bad, 422)
    for bad in ("&filter=best", "&after=x"):
        page(bench.here + bad, 404)


def test_a_name_that_a_comparison_does_not_know_is_said_to_change_nothing(bench: Bench) -> None:
    page = words(bench.visitor.read(f"{bench.here}&only=<b>"))
    assert (
        "Not understood: only=<b>. It changes nothing here; this page takes of, filter, other, label, after, " in page
    )
    assert "v1 against v2" in page
    assert "Not understood" not in words(bench.visitor.read(f"{bench.here}&filter=fixed&label=0&after=3"))
    refused = bench.visitor.client.get(f"/api/v1{bench.here}&only=foo")
    assert (refused.status_code, refused.json()["problems"][0]["where"]) == (422, "only")
    file = words(bench.visitor.read(f"/compare.csv?of={bench.a}&of={bench.b}&only=foo", 422))
    assert "only: is not known here; known are of, filter, other, label" in file
    assert bench.told("&filter=fixed&label=0&after=3&limit=5")["page"]["rows"]


def test_rows_that_another_version_of_the_test_set_holds_back_are_not_shown(bench: Bench) -> None:
    bench.paired.place({n: "holdout" if n < 10 else "dev" for n in range(N)})
    html = bench.visitor.read(bench.here)
    assert "on the 110 dev rows" in words(html)
    assert "bold" not in html
    assert "HYPERLINK" not in bench.visitor.client.get(f"/compare.csv?of={bench.a}&of={bench.b}").text


def test_rows_relabelled_since_are_said_and_judged_by_the_base(bench: Bench) -> None:
    anew = {n: WRONG[n] for n in range(3)}
    version_id = bench.paired.place(dict.fromkeys(range(N), "dev"), anew)
    c = bench.paired.answer("Anew. {{input}}", _with(anew), version_id=version_id, expected=anew)
    page = words(bench.visitor.read(f"/compare?of={bench.b}&of={c}"))
    assert "3 rows expect another answer in B's version of the test set." in page


def _ordered(bench: Bench, evaluation_id: str, **changes: Any) -> str:
    """The id of a run of an evaluation that is there already."""
    usual = {
        "upto": N,
        "samples": 1,
        "temperature": 0.0,
        "max_tokens": 9,
        "status": "finished",
        "total": N,
        "blocks": 1,
    }
    with bench.world.database.write() as session:
        account = Account(id=f"run:{evaluation_id}")
        session.add(account)
        session.flush()
        run = Run(project_id=bench.paired.project_id, evaluation_id=evaluation_id, account_id=account.id, **{**usual, **changes})  # fmt: skip
        session.add(run)
        session.flush()
        return run.id


def test_a_comparison_is_reached_by_runs_from_lists_and_from_a_prompt(bench: Bench) -> None:
    ids = [_ordered(bench, one) for one in (bench.a, bench.b)]
    assert "v1 against v2" in words(bench.visitor.read(f"/compare?of={ids[0]}&of={ids[1]}"))
    for address in (f"/projects/{bench.paired.project_id}/evaluations", f"/projects/{bench.paired.project_id}"):
        html = bench.visitor.read(address)
        assert '<form action="/compare">' in html
        assert [html.count(f'name="of" value="{one}"') for one in ids] == [1, 1]
        assert "Compare the chosen" in html
    assert f'href="/compare?of={ids[0]}">Compare</a>' in bench.visitor.read(f"/evaluations/{ids[0]}")
    version = bench.told()["comparison"]["sides"][0]["version_id"]
    assert f'href="/compare?of={bench.a}"' in bench.visitor.read(f"/prompts/{version}")


def test_an_evaluation_that_goes_on_says_that_its_numbers_change(bench: Bench) -> None:
    run_id = _ordered(bench, bench.b, status="running")
    html = bench.visitor.read(bench.here)
    assert "B is still being answered. These numbers change until it is over." in words(html)
    assert f'href="/evaluations/{run_id}"' in html


def test_an_example_with_several_answers_counts_with_their_mean_and_the_page_says_so(bench: Bench) -> None:
    assert "mean of its answers" not in words(bench.visitor.read(bench.here))
    bench.paired.again(bench.b, [bench.paired.expected[n] for n in range(N)], 1)
    page = words(bench.visitor.read(bench.here))
    assert "rows that A and B both answered, each with the mean of its answers. Paired" in page
    assert "one is right where the other is wrong, by first answers" in page
    assert bench.told()["comparison"]["comparisons"][0]["repeated"] is True


def test_rows_in_groups_are_drawn_whole_and_the_page_says_so(bench: Bench) -> None:
    assert "lone rows" not in words(bench.visitor.read(bench.here))
    bench.paired.group([n // 4 for n in range(N)])
    page = words(bench.visitor.read(bench.here))
    assert f"paired permutation test of {-(-N // 4)} groups and lone rows, each whole" in page
    assert "rows of one group are alike, so their number does not tell" in page
    assert bench.told()["comparison"]["comparisons"][0]["units"] == -(-N // 4)


def test_a_campaigns_start_and_leader_are_compared_without_a_word_of_the_holdout(arena: Played) -> None:
    visitor = arena.world.visitor()
    html = visitor.read(f"/campaigns/{arena.finished}")
    found = re.search(r'href="(/compare\?of=\w+&amp;of=\w+)">Start and leader on dev', html)
    assert found
    here = found[1].replace("&amp;", "&")
    page = visitor.read(here)
    assert "Accuracy on the" in words(page)
    assert CANARY not in page
    assert CANARY not in visitor.client.get(here.replace("/compare", "/compare.csv")).text
