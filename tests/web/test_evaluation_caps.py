"""Caps of evaluations on their pages: raised on a form, warned of before they are reached, and those of the project told."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.services import capping
from app.services.capping import Caps
from tests.web.desks import Desk, at_a_desk
from tests.web.reading import words

SIZE = 50


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with at_a_desk(tmp_path, SIZE) as found:
        yield found


def test_a_cap_that_is_reached_is_raised_on_a_form(desk: Desk) -> None:
    here = desk.order(max_calls="33", max_cost="1")
    run_id = here.rsplit("/", 1)[1]
    desk.tickets.work_on()
    page = desk.page(here)
    assert "A cap is reached. The cap on calls of this run is reached: 33 of 33 calls are used" in page
    assert "100% used 33 of 33" in page
    assert "The cap on calls of this run is reached: 33 of 33 calls are used" in desk.page("/operations")
    form = desk.visitor.read(f"{here}/caps")
    assert re.search(r'name="max_calls"[^>]* value="33"', form)
    assert "17 of 50 answers are still missing" in words(form)
    low = desk.visitor.send(f"{here}/caps", {"max_calls": "33", "max_cost": "x"}, 422)
    assert re.search(r'id="error-max_calls">must be more than is used already \(33\)', low)
    assert re.search(r'id="error-max_cost">must be an amount of money above 0', low)
    desk.world.poked.clear()
    assert desk.visitor.send(f"{here}/caps", {"max_calls": "1,000", "max_tokens": "", "max_cost": "0.5"}) == here
    assert desk.world.poked
    desk.tickets.work_on()
    told = desk.told(here)
    assert (told["status"], [one["cap"] for one in told["used"]]) == ("finished", [1000, None, 500_000])
    changed = desk.visitor.client.patch(f"/api/v1/evaluations/{run_id}", json={"max_calls": 5})
    assert (changed.status_code, "finished already" in changed.json()["detail"]) == (409, True)


def test_from_four_fifths_of_a_cap_on_the_page_warns(desk: Desk) -> None:
    here = desk.order(max_calls="60", max_tokens="1000000")
    desk.tickets.work_on()
    used: Any = desk.told(here)["used"]
    assert [(one["kind"], one["warning"]) for one in used] == [("calls", True), ("tokens", False), ("cost", False)]
    assert "83% used 50 of 60" in desk.page(here)


def test_a_cap_of_the_project_that_is_nearly_used_up_is_told_while_the_run_goes_on(desk: Desk) -> None:
    with desk.world.database.write() as session:
        capping.set_shared(session, f"project:{desk.tickets.project_id}", Caps(calls=60))
    here = desk.order(examples="49", temperature="1")
    desk.tickets.work_on()
    assert "nearly" not in desk.page(here)
    here = desk.order()
    assert "A cap is nearly used up. 49 of 60 calls are used of the cap on calls of project t." in desk.page(here)
    desk.tickets.work_on()
    told = desk.told(here)
    assert told["status"] == "exhausted"
    assert "The cap on calls of project t is reached" in told["note"]
