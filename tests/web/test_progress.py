"""The best-so-far chart."""

import re

from app.web.progress import HEIGHT, TOP, WIDTH, Leader, Try, best_so_far

START = Leader(0, "start", 0.80, 0.75, 0.85, 200)
V3 = Leader(1000, "v3", 0.85, 0.81, 0.89, 200)
V9 = Leader(2400, "v9", 0.90, 0.87, 0.93, 200)


def corners(path: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in re.findall(r"[ML]([\d.]+) ([\d.]+)", path)]


def test_the_line_steps_up_where_the_leader_changes_and_ends_at_what_is_spent() -> None:
    chart = best_so_far([], [START, V3, V9], 4000, ("start", 0.8), 3000)
    line = corners(chart.best)
    assert [x for x, _ in line] == [0, 250, 250, 600, 600, 750]
    heights = [y for _, y in line]
    assert heights[0] == heights[1] > heights[2] == heights[3] > heights[4] == heights[5]
    assert chart.spent == 75


def test_the_band_runs_along_the_highs_and_back_along_the_lows() -> None:
    chart = best_so_far([], [START, V3], 4000, None, 2000)
    band = corners(chart.band)
    assert [x for x, _ in band] == [0, 250, 250, 500, 500, 250, 250, 0]
    assert chart.band.endswith("Z")
    assert all(upper < lower for (_, upper), (_, lower) in zip(band[:4], reversed(band[4:]), strict=True))


def test_everything_lies_inside_the_plot() -> None:
    tries = [Try(200, 0.31, False), Try(3900, 0.99, True)]
    chart = best_so_far(tries, [START, V9], 4000, ("start", 0.8), 4000)
    assert all(0 <= x <= 100 and TOP <= y <= TOP + HEIGHT for x, y, _ in chart.marks)
    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in corners(chart.best) + corners(chart.band))


def test_the_sentence_tells_the_story() -> None:
    assert best_so_far([], [], 4000, None, 0).sentence == "No prompt has a score yet."
    alone = best_so_far([], [START], 4000, None, 60).sentence
    assert alone == "Best score so far is 0.800 after 60 of 4,000 calls; start leads from the start."
    twice = best_so_far([], [START, V3, V9], None, None, 3000).sentence
    assert twice == "Best score so far went from 0.800 to 0.900 over 3,000 calls; 2 changes of leader: v3, v9."


def test_names_that_would_overlap_are_left_to_the_table_but_never_the_latest() -> None:
    crowd = [START, *(Leader(2000 + 10 * n, f"v{n}", 0.85, 0.8, 0.9, 200) for n in range(1, 6))]
    names = [label.text for label in best_so_far([], crowd, 4000, None, 2100).names]
    assert names == ["v5 · 0.850", "start"]


def test_without_a_cap_the_axis_ends_at_a_round_number_and_nothing_is_unspent() -> None:
    chart = best_so_far([], [START], None, None, 3700)
    assert chart.calls[-1].text == "4,000"
    assert chart.spent == 100


def test_a_score_that_never_varies_still_has_a_scale() -> None:
    flat = Leader(0, "start", 1.0, 1.0, 1.0, 200)
    chart = best_so_far([], [flat], 100, ("start", 1.0), 50)
    assert chart.domain[0] < chart.domain[1]


def test_the_baselines_label_covers_no_score_on_the_scale() -> None:
    chart = best_so_far([], [START, V3, V9], 4000, ("start", 0.8), 3000)
    assert chart.baseline is not None
    shown = [label.y for label in chart.grid if label.text]
    assert shown
    assert all(abs(y - (chart.baseline.y - 10)) > 16 for y in shown)
