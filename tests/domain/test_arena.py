"""The arena recipe against scripted worlds: no model, no database, just answers sent in."""

import re
from collections.abc import Callable
from random import Random

import pytest

from app.domain.answers import Label
from app.domain.answerspace import Answers
from app.domain.improving.arena import RoundResult, arena_round, fight, opening
from app.domain.improving.asks import (
    Answer,
    Ask,
    Exhausted,
    Generate,
    Known,
    Noted,
    Proposed,
    Refusal,
    Reply,
    Score,
    Scored,
    Shown,
    Together,
)
from app.domain.improving.briefs import Task
from app.domain.improving.playing import play
from app.domain.improving.state import Member, Rules, State, load, why_to_stop
from app.domain.prompts import fingerprint

START = "Label this.\nInput: {{input}}\nLabel:"
TASK = Task("Sort.", Answers("label", (Label("a"), Label("b"))), "accuracy", ("input",), 12_000)


class World:
    """Answers asks for a made-up task model whose accuracy a prompt earns with its number of stars."""

    def __init__(self, write: Callable[[str, Generate], str], budget: int = 10**9) -> None:
        self.write, self.budget, self.asked = write, budget, list[Ask]()
        self.tried: set[str] = set()

    def answer(self, ask: Ask) -> Answer:
        self.asked.append(ask)
        if isinstance(ask, Known):
            return frozenset(ask.fingerprints & self.tried)
        if isinstance(ask, Proposed):
            self.tried |= {fingerprint(draft) for _, draft in ask.drafts if isinstance(draft, str)}
            return Noted()
        if isinstance(ask, Score):
            self.budget -= ask.upto * len(ask.texts)
            return Exhausted() if self.budget < 0 else tuple(self.scored(text, ask) for text in ask.texts)
        assert isinstance(ask, Together)
        return tuple(Reply(self.reply(generate), complete=True) for generate in ask.asks)

    def reply(self, ask: Generate) -> str:
        suffix = re.findall(r"<prompt-(\w+)>", ask.messages[1].content)[-1]
        return self.write(suffix, ask)

    @staticmethod
    def scored(text: str, ask: Score) -> Scored:
        chance = min(0.95, 0.5 + 0.08 * text.count("*"))
        expected = tuple(i % 2 for i in range(ask.upto))
        right = [Random(f"{ask.split}:{i}").random() < chance for i in range(ask.upto)]
        answered = tuple(e if hit else 1 - e for e, hit in zip(expected, right, strict=True))
        shown = tuple(
            Shown({"input": f"train example {i}"}, "ab"[e], "ab"[a], e == a)
            for i, (e, a) in enumerate(zip(expected, answered, strict=True))
        )
        return Scored(expected, answered, shown if ask.split == "train" else ())


def better(suffix: str, ask: Generate) -> str:
    """A generator that adds a star, and a word of its own seat so that both differ."""
    best = ask.messages[1].content.rsplit("<known-", 1)[0].rsplit(f"<known-{suffix}>\n", 1)[-1]
    best = best.split(f"\n</known-{suffix}>")[0]
    return f"It needs a star.\n<prompt-{suffix}>\n* {ask.seat} {best}\n</prompt-{suffix}>"


def rules(**changes: object) -> Rules:
    values: dict[str, object] = {"goal": "accuracy", "labels": 2, "train_size": 100, "dev_size": 120}
    return Rules(**{**values, **changes})  # type: ignore[arg-type]


def begun(world: World, chosen: Rules) -> State:
    state = play(opening(START, chosen), world.answer)
    assert state is not None
    return state


def turn(world: World, state: State, chosen: Rules, seed: int = 1) -> RoundResult:
    return play(arena_round(state, TASK, chosen, seed, b""), world.answer)


def test_a_better_proposal_enters_the_pool_and_leads() -> None:
    world, chosen = World(better), rules()
    state = begun(world, chosen)
    result = turn(world, state, chosen)
    assert result.champion_changed
    assert result.state.champion.value > state.champion.value
    assert result.battle.outcome == "tie"
    assert result.battle.n == 120
    assert result.state.barren == 0


def test_ten_rounds_climb_and_keep_the_pool_bounded() -> None:
    world, chosen = World(better), rules(pool_size=3)
    state = begun(world, chosen)
    for _ in range(5):
        result = turn(world, state, chosen)
        assert len(result.state.pool) <= 3
        assert result.state.champion in result.state.pool
        state = result.state
    assert state.champion.value > 0.8


def test_the_same_seed_and_round_repeat_every_ask() -> None:
    chosen = rules()
    worlds = [World(better), World(better)]
    for world in worlds:
        turn(world, begun(world, chosen), chosen)
    assert worlds[0].asked == worlds[1].asked
    other = World(better)
    turn(other, begun(other, chosen), chosen, seed=2)
    assert other.asked != worlds[0].asked


def test_an_equal_prompt_never_becomes_champion() -> None:
    def equal(suffix: str, ask: Generate) -> str:
        return f"<prompt-{suffix}>\n{ask.seat} {START}\n</prompt-{suffix}>"

    world, chosen = World(equal), rules()
    result = turn(world, begun(world, chosen), chosen)
    assert not result.champion_changed
    assert result.state.champion.text == START
    assert result.state.barren == 1
    assert [c.entered for c in result.contenders] == [True, True]


def test_a_hopeless_proposal_is_dropped_before_the_last_look() -> None:
    def worse(suffix: str, ask: Generate) -> str:
        return f"<prompt-{suffix}>\n{ask.seat} Label. {{{{input}}}}\n</prompt-{suffix}>"

    world, chosen = World(worse), rules(dev_size=300)
    strong = "***** " + START
    state = play(opening(strong, chosen), world.answer)
    assert state is not None
    result = turn(world, state, chosen)
    assert all(c.dropped_at is not None and c.dropped_at < 300 for c in result.contenders)
    assert all(not c.entered for c in result.contenders)


def test_macro_f1_has_no_early_drop_and_no_decisive_mark() -> None:
    def worse(suffix: str, ask: Generate) -> str:
        return f"<prompt-{suffix}>\n{ask.seat} Label. {{{{input}}}}\n</prompt-{suffix}>"

    world, chosen = World(worse), rules(dev_size=300, goal="macro_f1")
    state = play(opening("***** " + START, chosen), world.answer)
    assert state is not None
    result = turn(world, state, chosen)
    assert all(c.dropped_at is None and c.scored.n == 300 for c in result.contenders)
    assert result.battle.decisive is None


REPLIES: dict[str, Callable[[str], str]] = {
    "no_block": lambda suffix: "I would rather not.",
    "two_blocks": lambda suffix: f"<prompt-{suffix}>a</prompt-{suffix}><prompt-{suffix}>b</prompt-{suffix}>",
    "unclosed_block": lambda suffix: f"<prompt-{suffix}>\nLabel {{{{input}}}}",
    "placeholder_lost": lambda suffix: f"<prompt-{suffix}>\nLabel it.\n</prompt-{suffix}>",
    "placeholder_invented": lambda suffix: f"<prompt-{suffix}>\n{{{{input}}}} {{{{question}}}}\n</prompt-{suffix}>",
    "too_long": lambda suffix: f"<prompt-{suffix}>\n{{{{input}}}} {'x' * 12_001}\n</prompt-{suffix}>",
    "duplicate": lambda suffix: f"<prompt-{suffix}>\n{START.upper().replace('INPUT}', 'input}')}\n</prompt-{suffix}>",
}


@pytest.mark.parametrize("rule", sorted(REPLIES))
def test_a_proposal_that_breaks_a_rule_is_refused_by_name_before_scoring(rule: str) -> None:
    def misbehave(suffix: str, ask: Generate) -> str:
        return REPLIES[rule](suffix) if ask.seat == "left" else better(suffix, ask)

    world, chosen = World(misbehave), rules()
    state = begun(world, chosen)
    world.tried = {fingerprint(START)}
    result = turn(world, state, chosen)
    refused = result.contenders[0].draft
    assert isinstance(refused, Refusal)
    assert refused.rule == rule
    assert (result.battle.outcome, result.battle.walkover) == ("right", True)
    assert all(len(ask.texts) == 1 for ask in world.asked if isinstance(ask, Score))


def test_a_reply_that_was_cut_off_is_never_adopted() -> None:
    class Cut(World):
        def answer(self, ask: Ask) -> Answer:
            answer = super().answer(ask)
            if isinstance(ask, Together):
                return tuple(Reply(self.reply(generate), complete=False) for generate in ask.asks)
            return answer

    world, chosen = Cut(better), rules()
    result = turn(world, begun(world, chosen), chosen)
    assert result.battle.outcome == "none"
    assert result.state.empty == 1


def test_generators_that_talk_nonsense_end_the_campaign() -> None:
    world, chosen = World(lambda suffix, ask: "hello"), rules()
    state = begun(world, chosen)
    for _ in range(chosen.empty_rounds):
        assert why_to_stop(state, chosen) is None
        state = turn(world, state, chosen).state
    assert why_to_stop(state, chosen) == "no valid proposals"


def test_a_mean_of_what_has_a_grade_alone_is_no_perfect_score() -> None:
    chosen = rules(goal="mean_score")
    ended = []
    for graded in (chosen.dev_size, 5):
        best = Member("{{input}}", 1.0, 0.9, 1.0, graded, 0)
        ended.append(why_to_stop(State(0, (best,), best, best), chosen))
    assert ended == ["perfect score on dev", None]


def test_two_equal_proposals_are_one() -> None:
    def same(suffix: str, ask: Generate) -> str:
        return f"<prompt-{suffix}>\n* {START}\n</prompt-{suffix}>"

    world, chosen = World(same), rules()
    result = turn(world, begun(world, chosen), chosen)
    assert isinstance(result.contenders[1].draft, Refusal)
    assert result.contenders[1].draft.rule == "duplicate"


def test_a_spent_budget_cuts_the_round_short_and_nothing_enters() -> None:
    chosen = rules()
    world = World(better, budget=120 + 60 + 120 + 150)
    result = turn(world, begun(world, chosen), chosen)
    assert result.exhausted
    assert not any(c.entered for c in result.contenders)
    assert result.battle.n == 50


def test_a_snapshot_brings_the_whole_state_back() -> None:
    world, chosen = World(better), rules()
    state = turn(world, begun(world, chosen), chosen).state
    assert load(state.dump()) == state
    with pytest.raises(ValueError, match="snapshot"):
        load({**state.dump(), "version": 0})


def test_a_difference_within_the_smallest_gain_is_a_tie() -> None:
    chosen = rules(dev_size=100)
    world = World(better)
    result = turn(world, begun(world, chosen), chosen)
    left, right = result.contenders
    assert fight(left, left, chosen).outcome == "tie"
    swapped = fight(right, left, chosen)
    assert swapped.outcome == result.battle.outcome == "tie"
