"""From a file to a project: sent, looked at, decided about, imported before one's eyes, or given up."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from app.services import importing
from app.settings import Settings
from app.storage import heartbeats, jobs
from app.storage.jobs import Job
from app.storage.projects import Project
from app.storage.uploads import Upload
from tests.web.arena_world import World, elsewhere, serving
from tests.web.reading import words
from tests.web.upload_files import LABELS, THINGS, contradicting, count, example, good, lines, send, work


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World.at(tmp_path)
    yield world
    world.close()


def test_a_file_becomes_a_project(world: World) -> None:
    visitor = world.visitor()
    here = send(visitor, good())
    html = visitor.read(here)
    assert '<option value="text" selected>' in html
    assert '<option value="label" selected>' in html
    assert "90 examples from 90 rows." in words(html)
    assert "Message 0 about the parcel" in html
    form: dict[str, object] = {"name": "Shop mail", "description": "Sort mail.", "goal": "macro_f1", "smallest_gain": "0.05", "split_seed": "3"}  # fmt: skip
    described: dict[str, object] = {"label": list(LABELS), "about": ["unhappy", "", "asks"]}
    assert visitor.send(here, {**form, **described}) == here
    assert "Waiting for a worker" in visitor.read(here)
    work(world)
    done = words(visitor.read(here))
    told: Any = visitor.json(here)
    assert (told["status"], told["test_set"]["split_seed"]) == ("done", 3)
    sizes = told["test_set"]["splits"]
    assert f"Train {sizes['train']} examples Dev {sizes['dev']} examples Holdout {sizes['holdout']} examples" in done
    assert "90, of which 90 are examples" in done
    project: Any = visitor.json(f"/projects/{told['project_id']}")
    assert (project["name"], project["goal"], project["smallest_gain"]) == ("Shop mail", "macro_f1", 0.05)
    assert [label["description"] for label in project["labels"]] == ["unhappy", "", "asks"]
    assert f'href="/projects/{told["project_id"]}"' in visitor.read(here)


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        pytest.param("a.csv", b"", "the file is empty", id="empty"),
        pytest.param("a.csv", "text,label\nпривет,a\n".encode("cp1251"), "is not UTF-8", id="wrong encoding"),
        pytest.param("a.csv", b"text\nhello\n" * 30, "no column looks like the label", id="one column"),
        pytest.param(
            "a.jsonl",
            lines([{"text": f"t{n}", "n": n} for n in range(40)]),
            "no column looks like the label",
            id="no label",
        ),
        pytest.param(
            "a.jsonl",
            lines([{**example(n), "label": "same"} for n in range(40)]),
            "every row has the label same",
            id="one label",
        ),
        pytest.param("a.jsonl", lines([example(1, note="x" * 6000)] * 3), "is larger than", id="a huge row"),
        pytest.param(
            "a.jsonl", lines([example(n, id="7") for n in range(40)]), "the id 7 is used 40 times", id="duplicate ids"
        ),
        pytest.param("a.csv", b"\x89PNG\r\n\x1a\n" + bytes(200), "is a binary file", id="binary"),
        pytest.param("a.xlsx", b"PK\x03\x04" + bytes(50), "a ZIP or XLSX archive", id="a spreadsheet"),
    ],
)
def test_a_bad_file_is_explained_and_leaves_nothing_behind(tmp_path: Path, name: str, data: bytes, said: str) -> None:
    world = World.at(tmp_path)
    world.settings = Settings(data_dir=tmp_path, max_row_bytes=5000)
    html = send(world.visitor(), data, name, status=422)
    assert "This file cannot be used. Nothing of it was kept." in html
    assert said in words(html)
    assert (count(world, Upload), count(world, Project), world.poked) == (0, 0, [])
    world.close()


def test_every_bad_row_is_listed_at_once_and_leads_to_its_line(world: World) -> None:
    rows: list[dict[str, object] | str] = [example(number) for number in range(60)]
    rows[3], rows[7], rows[9] = (
        {**example(3), "text": " "},
        {"text": "Where is the label?"},
        {**example(9), "label": ""},
    )
    html = send(world.visitor(), lines(rows), status=422, name="mail.jsonl", description="Sort <mail>")
    assert '<a href="#line-4">line 4, column text</a>: is empty' in html
    assert '<a href="#line-8">line 8, column label</a>: is missing' in html
    assert '<a href="#line-10">line 10, column label</a>: is empty' in html
    assert html.count('<tr id="line-') == 3
    assert "{&#34;text&#34;: &#34;Where is the label?&#34;}" in html
    assert "Sort &lt;mail&gt;</textarea>" in html, "what was typed stays"


def test_a_file_must_be_chosen(world: World) -> None:
    visitor = world.visitor()
    html = visitor.send("/uploads", {"name": "Shop mail"}, status=422)
    assert 'id="error-file">choose a file' in html
    assert 'value="Shop mail"' in html


def test_what_was_typed_with_the_file_is_there_in_the_next_step(world: World) -> None:
    visitor = world.visitor()
    prompt = "Sort, in {{lang}}:\r\n{{input}}"
    data = lines([example(number, lang="en", mood="calm") for number in range(60)])
    html = visitor.read(send(visitor, data, name="mail.jsonl", prompt=prompt, goal="macro_f1", smallest_gain="0.1"))
    assert re.search(r'id="name" name="name"[^>]* value="mail"', html)
    assert "Sort, in {{lang}}:\n{{input}}</textarea>" in html
    assert re.search(r'name="goal"[^>]* value="macro_f1"', html)
    assert 'value="0.1"' in html
    assert "lang: filled into the prompt. Kept, but never shown to a model: mood." in words(html)


def test_a_placeholder_without_a_column_refuses_the_file_by_name(world: World) -> None:
    html = send(world.visitor(), good(), status=422, prompt="{{input}} {{lang}}")
    assert "{{lang}}" in html.partition("This file cannot be used")[2].partition("</ul>")[0]
    assert count(world, Upload) == 0


def test_columns_that_names_do_not_tell_are_chosen_by_a_person(world: World) -> None:
    visitor = world.visitor()
    data = lines(
        [{"words": f"about the {THINGS[n % 10]} no {n}", "mood": n % 2, "kind": LABELS[n % 3]} for n in range(60)]
    )
    here = send(visitor, data)
    html = visitor.read(here)
    assert "The names do not tell which is which" in html
    assert '<option value="">Choose a column</option>' in html
    assert re.findall(r'<button class="btn primary"[^>]*>([^<]*)</button>', html) == ["Read these columns"]
    assert 'value="import"' not in html, "nobody has seen the splits that an import would freeze"
    assert "Read the columns first: then their splits are shown here" in words(html)
    refused = visitor.send(here, {"name": "Mail", "smallest_gain": "0.02", "do": "import"}, status=422)
    assert 'id="error-input_column">choose the column that holds the input' in refused
    assert 'id="error-label_column">choose the column that holds the label' in refused
    assert (
        visitor.send(here, {"input_column": "words", "label_column": "kind", "smallest_gain": "0.02", "do": "columns"})
        == here
    )
    html = visitor.read(here)
    assert "3 in column kind" in words(html)
    assert "complaint" in html
    assert re.findall(r'<button class="btn primary"[^>]*>([^<]*)</button>', html) == ["Import 60 examples"]
    assert visitor.send(here, {"input_column": "words", "label_column": "kind", "smallest_gain": "0.02"}) == here
    work(world)
    told: Any = visitor.json(here)
    assert list(told["test_set"]["label_counts"]["train"]) == sorted(LABELS)


def unnamed(count: int = 90) -> bytes:
    """A file whose names do not tell which column is what."""
    rows = [{"words": example(number)["text"], "sort": LABELS[number % 3]} for number in range(count)]
    return lines([{**row, "user": f"u{number // 2}"} for number, row in enumerate(rows)])


def test_splits_that_nobody_saw_are_shown_before_they_are_frozen(world: World) -> None:
    visitor = world.visitor()
    here = send(visitor, unnamed(), split_seed="7")
    assert re.search(r'name="split_seed"[^>]* value="7"', visitor.read(here)), "what was chosen with the file is kept"
    form: dict[str, object] = {"input_column": "words", "label_column": "sort", "name": "Mail", "smallest_gain": "0.02"}
    there = visitor.send(here, {**form, "do": "import"})
    assert (there, world.poked) == (f"{here}?look=anew", [])
    html = visitor.read(there)
    assert "Not imported yet. The file was read with these choices just now: see its splits" in words(html)
    assert "In groups used here Suggested 90 examples lie in 45 groups" in words(html)
    assert re.search(r'id="name" name="name"[^>]* value="Mail"', html)
    assert visitor.send(here, form) == here
    work(world)
    assert "Imported" in visitor.read(here)


def test_columns_chosen_otherwise_are_checked_and_shown_before_the_import(world: World) -> None:
    visitor = world.visitor()
    here = send(visitor, lines([example(number, topic=THINGS[number % 2]) for number in range(60)]))
    chosen: dict[str, object] = {"input_column": "text", "label_column": "text", "smallest_gain": "0.02"}
    refused = visitor.send(here, chosen, status=422)
    assert "input and label cannot both be the column text" in refused
    assert visitor.send(here, {**chosen, "label_column": "topic"}) == f"{here}?look=anew"
    assert "2 in column topic" in words(visitor.read(here))
    assert visitor.send(here, {**chosen, "label_column": "topic"}) == here
    work(world)
    told: Any = visitor.json(here)
    assert list(told["test_set"]["label_counts"]["dev"]) == ["kettle", "parcel"]


@pytest.mark.parametrize(
    "chosen",
    [
        {"group_column": "-"},
        {"plan": "random"},
        {"holdout_share": "40"},
        {"prompt": "About {{topic}}: {{input}}"},
        {"kind": "text", "match": "exact"},
    ],
)
def test_whatever_changes_the_splits_is_shown_before_the_import(world: World, chosen: dict[str, object]) -> None:
    visitor = world.visitor()
    here = send(visitor, lines([example(number, topic="mail", user=f"u{number // 2}") for number in range(60)]))
    form: dict[str, object] = {"smallest_gain": "0.02", **chosen}
    assert (visitor.send(here, form), world.poked) == (f"{here}?look=anew", [])
    assert visitor.send(here, form) == here
    assert len(world.poked) == 1


def test_what_else_is_wrong_is_said_at_once_with_the_new_splits(world: World) -> None:
    visitor = world.visitor()
    here = send(visitor, unnamed())
    form: dict[str, object] = {"input_column": "words", "label_column": "sort", "smallest_gain": "much"}
    refused = visitor.send(here, form, status=422)
    assert "error-smallest_gain" in refused
    assert "3 in column sort" in words(refused)
    assert 'value="much"' in refused


def test_contradicting_labels_are_asked_about_and_dropped_when_a_person_says_so(world: World) -> None:
    visitor = world.visitor()
    here = send(visitor, contradicting())
    html = words(visitor.read(here))
    assert "2 inputs have different labels in different rows" in html
    assert "For example lines 1 and 91; 6 and 92." in html
    assert "88 examples from 93 rows. 1 repeated row is dropped." in html
    form: dict[str, object] = {"smallest_gain": "0.02", "description": "kept while asked", "on_conflict": "ask"}
    asked = visitor.send(here, form, status=422)
    assert 'id="error-on_conflict">2 inputs have different labels in different rows; choose what to do' in asked
    assert "kept while asked</textarea>" in asked
    assert world.poked == []
    assert visitor.send(here, {**form, "on_conflict": "drop"}) == here
    work(world)
    done = words(visitor.read(here))
    assert "1 equal row dropped" in done
    assert "4 rows dropped: the same input with different labels" in done


def test_contradicting_labels_can_refuse_the_file_which_can_then_be_decided_otherwise(world: World) -> None:
    visitor = world.visitor()
    here = send(visitor, contradicting())
    visitor.send(here, {"smallest_gain": "0.02", "on_conflict": "refuse"})
    work(world)
    html = visitor.read(here)
    assert "The import was refused. Nothing of the file was taken over." in html
    assert '<a href="#line-1">lines 1, 91</a>: the same input has different labels' in html
    assert html.count('<tr id="line-') == 4
    assert "messages.jsonl could not be imported." in visitor.read("/")
    assert count(world, Project) == 0
    visitor.send(here, {"smallest_gain": "0.02", "on_conflict": "drop"})
    work(world)
    assert "Imported" in visitor.read(here)


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("smallest_gain", "much", "error-smallest_gain"),
        ("smallest_gain", "nan", "error-smallest_gain"),
        ("smallest_gain", "1", "error-smallest_gain"),
        ("goal", "beauty", "error-goal"),
        ("split_seed", "-1", "error-split_seed"),
        ("split_seed", "1.5", "error-split_seed"),
        ("prompt", "no gap", "error-prompt"),
        ("on_conflict", "maybe", "must be drop or refuse"),
    ],
)
def test_what_cannot_be_used_is_named_at_its_field(world: World, field: str, value: str, said: str) -> None:
    visitor = world.visitor()
    here = send(visitor, good())
    html = visitor.send(here, {"smallest_gain": "0.02", field: value}, status=422)
    assert said in html
    assert world.poked == []


def test_giving_up_deletes_the_file_and_whatever_waited_for_it(world: World) -> None:
    visitor = world.visitor()
    here = send(visitor, good())
    assert "messages.jsonl waits for your choices." in visitor.read("/")
    visitor.send(here, {"smallest_gain": "0.02"})
    assert visitor.send(f"{here}/delete") == "/"
    assert (count(world, Upload), count(world, Job)) == (0, 0)
    assert "There is no such upload" in visitor.read(here, status=404)
    work(world)
    assert count(world, Project) == 0


def test_a_file_that_a_worker_has_cannot_be_given_up_nor_decided_about_again(world: World) -> None:
    visitor = world.visitor()
    here = send(visitor, good())
    visitor.send(here, {"smallest_gain": "0.02"})
    with world.database.write() as session:
        assert jobs.claim(session, world.poked[-1], 60)
    assert "A worker is importing this file right now" in visitor.send(f"{here}/delete", status=409)
    assert "is being imported already" in visitor.send(here, {"smallest_gain": "0.02"}, status=409)


def test_an_imported_file_stays_imported(world: World) -> None:
    visitor = world.visitor()
    here = send(visitor, good())
    visitor.send(here, {"smallest_gain": "0.02"})
    work(world)
    assert "This file was imported already." in visitor.send(f"{here}/delete", status=409)
    assert "is being imported already" in visitor.send(here, {"smallest_gain": "0.02"}, status=409)
    assert visitor.read("/").count("messages.jsonl") == 0


def test_the_running_import_is_one_part_that_asks_for_itself_until_it_has_ended(world: World) -> None:
    visitor = world.visitor()
    here = send(visitor, good())
    visitor.send(here, {"smallest_gain": "0.02"})
    running = visitor.read(f"{here}/live")
    assert running.startswith('<div id="import" hx-get=')
    assert "No worker answers." in running
    assert visitor.read(here).count(f'hx-get="{here}/live"') == 1
    with world.database.write() as session:
        heartbeats.beat(session, "a worker")
    assert "No worker answers." not in visitor.read(f"{here}/live")
    work(world)
    done = visitor.read(f"{here}/live")
    assert "hx-get" not in done
    assert "Open the project" in done


def test_a_running_import_shows_how_far_it_is_and_about_how_long_it_takes(world: World) -> None:
    visitor = world.visitor()
    here = send(visitor, good())
    visitor.send(here, {"smallest_gain": "0.02"})
    html = visitor.read(f"{here}/live")
    assert "Time left is known when a worker has begun" in html
    assert "agon serve and agon worker start one." in words(html)
    stages = []

    def look(stage: str) -> None:
        with world.database.write() as session:
            session.get_one(Upload, here.rsplit("/", 1)[1]).stage = stage
        found: Any = visitor.json(here)
        stages.append(found["progress"]["share"])
        assert re.search(r"About \d\.\d s more", visitor.read(f"{here}/live"))

    importing.prepare(world.settings, good(), "messages.jsonl", importing.Choices(), "", look)
    look("saving")
    assert stages == sorted(stages)
    assert stages[0] < 0.2 < 0.7 < stages[-1] < 1
    work(world)
    done: Any = visitor.json(here)
    assert done["progress"] is None


def test_no_row_of_a_file_is_served_or_kept_with_the_upload_once_it_is_imported(world: World) -> None:
    visitor = world.visitor()
    here = send(visitor, good())
    draft: Any = visitor.json(here)
    assert len(draft["preview"]["rows"]) == 8
    visitor.send(here, {"smallest_gain": "0.02"})
    work(world)
    with world.database.write() as session:
        upload = session.get_one(Upload, here.rsplit("/", 1)[1])
        assert (upload.data, upload.preview["rows"]) == (b"", [])
        upload.preview = {**upload.preview, "rows": draft["preview"]["rows"]}
    told: Any = visitor.json(here)
    assert (told["status"], told["preview"]["rows"], told["preview"]["row_count"]) == ("done", [], 90)
    assert "Message 0 about the parcel" not in visitor.read(here)


def test_a_refusal_brings_the_form_back(world: World) -> None:
    visitor = world.visitor()
    here = send(visitor, contradicting())
    visitor.send(here, {"smallest_gain": "0.02", "on_conflict": "refuse"})
    work(world)
    assert visitor.client.get(f"{here}/live").headers["hx-redirect"] == here


def test_a_label_that_holds_marks_harms_neither_page_nor_form(world: World) -> None:
    visitor = world.visitor()
    names = ['<b>"a&b"</b>', "plain"]
    here = send(visitor, lines([{**example(number), "label": names[number % 2]} for number in range(60)]))
    html = visitor.read(here)
    assert "<b>" + '"a' not in html
    assert 'value="&lt;b&gt;&#34;a&amp;b&#34;&lt;/b&gt;"' in html
    visitor.send(here, {"smallest_gain": "0.02", "label": names, "about": ["odd", ""]})
    work(world)
    told: Any = visitor.json(here)
    project: Any = visitor.json(f"/projects/{told['project_id']}")
    assert project["labels"][0] == {"name": names[0], "description": "odd"}


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    yield context.new_page()
    context.close()


@pytest.mark.browser
def test_a_person_imports_a_file_in_a_browser_and_watches_it(world: World, page: Page, tmp_path: Path) -> None:
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    (tmp_path / "mail.jsonl").write_bytes(good())
    with serving(world.app()) as address:
        page.goto(address)
        page.get_by_role("link", name="New project").click()
        page.get_by_label("File with examples").set_input_files(tmp_path / "mail.jsonl")
        page.get_by_role("button", name="Read the file").click()
        page.get_by_label("Description of praise").fill("somebody is happy")
        page.get_by_role("button", name="Import 90 examples").click()
        expect(page.get_by_text("Waiting for a worker")).to_be_visible()
        elsewhere(lambda: work(world)).join()
        expect(page.get_by_role("heading", name="Imported")).to_be_visible()
        expect(page.locator("#announcer")).to_have_text("The file is imported.")
        page.get_by_role("link", name="Open the project").click()
        expect(page.get_by_role("heading", name="mail", exact=True)).to_be_visible()
        expect(page.get_by_text("somebody is happy")).to_be_visible()
    assert complaints == []


@pytest.mark.browser
def test_a_refused_file_keeps_what_was_typed_and_leads_to_the_bad_line(
    world: World, page: Page, tmp_path: Path
) -> None:
    rows: list[dict[str, object] | str] = [example(number) for number in range(60)]
    rows[30] = "{broken"
    (tmp_path / "mail.jsonl").write_bytes(lines(rows))
    with serving(world.app()) as address:
        page.goto(f"{address}/uploads/new")
        page.get_by_text("More choices").click()
        page.get_by_label("Name").fill("Shop mail")
        page.get_by_label("File with examples").set_input_files(tmp_path / "mail.jsonl")
        page.get_by_role("button", name="Read the file").click()
        page.get_by_role("link", name="line 31").click()
        expect(page.locator("#line-31")).to_be_in_viewport()
        expect(page.locator("#line-31")).to_contain_text("{broken")
        page.get_by_text("More choices").click()
        expect(page.get_by_label("Name")).to_have_value("Shop mail")
