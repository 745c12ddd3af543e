"""A round's page: the exact meta-prompts, the replies, what became of them, and no name too early."""

from html import unescape
from pathlib import Path
from typing import Any

from sqlalchemy import select, update

from app.domain.prompts import PLACEHOLDER
from app.storage.answers import StoredAnswer
from app.storage.campaigns import Campaign
from app.storage.rounds import AskRecord, Candidate, Round, unpack_messages
from tests.web.arena_world import DUO, Played


def test_a_round_shows_what_was_asked_and_answered_to_the_letter(arena: Played) -> None:
    visitor = arena.world.visitor()
    told: Any = visitor.json(f"/campaigns/{arena.finished}/rounds/1")
    html = unescape(visitor.read(f"/campaigns/{arena.finished}/rounds/1"))
    plain = html.replace('<mark class="ph">', "").replace("</mark>", "")
    with arena.world.database.read() as session:
        query = select(AskRecord).where(AskRecord.campaign_id == arena.finished, AskRecord.round == 1)
        asks = {ask.seat: ask for ask in session.scalars(query)}
        for seat in told["seats"]:
            ask = asks[seat["corner"]["seat"]]
            reply = session.get_one(StoredAnswer, ask.answer_id).text
            said = unpack_messages(ask.request)
            assert [(one["role"], one["content"]) for one in seat["request"]] == said
            assert seat["reply"] == reply
            assert reply in plain
            assert all(content in plain for _, content in said)


def test_a_proposal_is_compared_with_the_prompt_that_led(arena: Played) -> None:
    told: Any = arena.world.visitor().json(f"/campaigns/{arena.finished}/rounds/1")
    accepted = [seat for seat in told["seats"] if seat["proposal"]]
    assert accepted
    assert all(PLACEHOLDER.search(seat["proposal"]) for seat in accepted)
    assert told["leader_version"] == 1
    assert "compared with v1, which led when the round began" in arena.world.visitor().read(
        f"/campaigns/{arena.finished}/rounds/1"
    )


def test_an_undecided_round_shows_texts_but_not_who_wrote_them(arena: Played) -> None:
    visitor = arena.world.visitor()
    told: Any = visitor.json(f"/campaigns/{arena.undecided}/rounds/1")
    assert all(seat["reply"] and seat["request"] and seat["proposal"] for seat in told["seats"])
    assert {seat["corner"]["generator"] for seat in told["seats"]} == {None}
    assert set(told["inputs"]) == {"seed", "engine"}
    html = visitor.read(f"/campaigns/{arena.undecided}/rounds/1")
    assert html.count("name hidden") == 4
    assert not [name for name in DUO if name in html]


def test_a_seat_that_is_still_writing_says_so(arena: Played, tmp_path: Path) -> None:
    own = arena.world.copied(tmp_path)
    with own.database.write() as session:
        session.execute(update(Campaign).where(Campaign.id == arena.undecided).values(status="running"))
        session.execute(update(AskRecord).where(AskRecord.seat == "left").values(answer_id=None))
        for candidate in session.scalars(select(Candidate).where(Candidate.campaign_id == arena.undecided)):
            session.delete(candidate)
    html = own.visitor().read(f"/campaigns/{arena.undecided}/rounds/1")
    assert "Writing." in html
    assert "No proposal yet." in html
    campaign: Any = own.visitor().json(f"/campaigns/{arena.undecided}")
    assert campaign["progress"]["phase"] == "proposing"
    assert "both generators are writing" in own.visitor().read(f"/campaigns/{arena.undecided}")
    own.close()


def test_the_opening_and_the_ways_to_the_next_round_are_there(arena: Played) -> None:
    visitor, here = arena.world.visitor(), f"/campaigns/{arena.finished}/rounds"
    assert "The start prompt was scored on dev." in visitor.read(f"{here}/0")
    assert f'href="{here}/1" rel="next"' in visitor.read(f"{here}/0")
    assert 'rel="next"' not in visitor.read(f"{here}/3")


def test_a_round_that_never_was_is_not_found(arena: Played) -> None:
    visitor = arena.world.visitor()
    assert "There is no such round." in visitor.read(f"/campaigns/{arena.finished}/rounds/99", 404)
    assert "There is no such campaign." in visitor.read("/campaigns/nowhere/rounds/1", 404)


def test_a_note_of_the_driver_is_shown(arena: Played, tmp_path: Path) -> None:
    own = arena.world.copied(tmp_path)
    note = "Cut short: the cap on calls was reached."
    with own.database.write() as session:
        session.execute(update(Round).where(Round.campaign_id == arena.finished, Round.number == 2).values(note=note))
    assert note in own.visitor().read(f"/campaigns/{arena.finished}/rounds/2")
    assert note in own.visitor().read(f"/campaigns/{arena.finished}")
    own.close()
