"""Numbers that people see, drawn by many at once on both databases."""

from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import select

from app.storage import campaigns, prompts
from app.storage.base import id_for, new_id
from app.storage.campaigns import Campaign
from app.storage.prompts import PromptVersion
from app.storage.session import Database
from tests.storage.test_jobs import campaign

AT_ONCE, TIMES = 8, 24


def another(like: Campaign, number: int) -> Campaign:
    kept = ("project_id", "version_id", "start_version_id", "task_endpoint_id", "generators", "rules", "seed", "account_id", "max_calls", "max_rounds")  # fmt: skip
    return Campaign(number=number, **{name: getattr(like, name) for name in kept})


def test_people_who_save_prompts_at_once_get_a_number_each(database: Database) -> None:
    campaign_id = campaign(database)
    with database.read() as session:
        line = prompts.get(session, campaigns.get(session, campaign_id).start_version_id).prompt_id

    def save(place: int) -> None:
        with database.write() as session:
            prompts.add(session, line, f"{{{{input}}}} {place // 2}", "person")

    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(save, range(TIMES)))
    with database.read() as session:
        numbers = session.scalars(select(PromptVersion.number).where(PromptVersion.prompt_id == line))
        assert sorted(numbers) == list(range(1, TIMES // 2 + 2)), "equal texts are one version"


def test_campaigns_that_start_at_once_get_a_number_each(database: Database) -> None:
    first = campaign(database)

    def play(_: int) -> None:
        with database.write() as session:
            like = campaigns.get(session, first)
            session.add(another(like, campaigns.next_number(session, like.project_id)))

    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(play, range(TIMES)))
    with database.read() as session:
        assert sorted(session.scalars(select(Campaign.number))) == list(range(1, TIMES + 2))


def test_an_id_for_some_content_is_like_any_other_and_always_the_same() -> None:
    assert id_for("a form") == id_for("a form") != id_for("another form")
    assert len(id_for("a form")) == len(new_id())
