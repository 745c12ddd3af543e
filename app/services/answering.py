"""The shell of an improver: answers its asks from the database, and buys what is missing."""

from collections.abc import Mapping

from sqlalchemy.orm import Session

from app.domain.improving.asks import (
    Answer,
    Ask,
    Exhausted,
    Generate,
    Known,
    Noted,
    Proposed,
    Refusal,
    Score,
    Scored,
    Together,
)
from app.domain.prompts import fingerprint
from app.errors import BudgetExhausted, Conflict
from app.services.buying import Buyer
from app.services.generating import AskBook, Generators, ask_key
from app.services.scoring import Scorer
from app.storage import jobs, prompts, rounds, test_sets
from app.storage.jobs import Lease
from app.storage.prompts import PromptVersion
from app.storage.rounds import Candidate
from app.storage.session import Database, insert_new


class Shell:
    """Answers the asks of one round. Seats are endpoint ids; the improver never sees them."""

    def __init__(
        self,
        database: Database,
        lease: Lease,
        buyer: Buyer,
        scorer: Scorer,
        *,
        campaign_id: str,
        prompt_id: str,
        version_id: str,
        round_number: int,
        seats: Mapping[str, str],
        form: prompts.Format = prompts.PLAIN,
    ) -> None:
        self._database, self._lease, self._scorer = database, lease, scorer
        self._prompt, self._version, self._seats = prompt_id, version_id, seats
        self._book = AskBook(database, lease, campaign_id, round_number)
        self._generators = Generators(database, lease, buyer, self._book, seats)
        self._exhausted, self._form = False, form

    def answer(self, ask: Ask) -> Answer:
        """The answer to an ask; once the cap has refused one, it refuses the rest of the round."""
        if isinstance(ask, Known):
            with self._database.read() as session:
                return rounds.tried_before(session, self._book.campaign_id, self._book.round, ask.fingerprints)
        if isinstance(ask, Proposed):
            return self._propose(ask)
        if self._exhausted:
            return Exhausted()
        try:
            return self._buy(ask)
        except BudgetExhausted:
            self._exhausted = True
            return Exhausted()

    def _buy(self, ask: Generate | Score | Together) -> Answer:
        if isinstance(ask, Score):
            return self._score(ask)
        return self._generators.ask(ask.asks) if isinstance(ask, Together) else self._generators.ask((ask,))[0]

    def _propose(self, ask: Proposed) -> Noted:
        with self._database.write() as session:
            jobs.renew(session, self._lease)
            for seat, draft in ask.drafts:
                row = self._candidate(session, seat, draft)
                session.execute(insert_new(session, Candidate).values(n=0, right=0, unreadable=0, entered=False, **row))
        return Noted()

    def _candidate(self, session: Session, seat: str, draft: str | Refusal) -> dict[str, object]:
        place = {"campaign_id": self._book.campaign_id, "round": self._book.round, "seat": seat}
        row: dict[str, object] = {**place, "endpoint_id": self._seats[seat], "refusal_detail": ""}
        if isinstance(draft, Refusal):
            return {**row, "refusal_rule": draft.rule, "refusal_detail": draft.detail}
        version = prompts.add(
            session,
            self._prompt,
            draft,
            "generator",
            parents=self._parents(session),
            endpoint_id=self._seats[seat],
            campaign_id=self._book.campaign_id,
            round_number=self._book.round,
            form=self._form,
        )
        return {**row, "prompt_version_id": version.id, "fingerprint": fingerprint(draft)}

    def _parents(self, session: Session) -> list[str]:
        """The champion that the meta-prompt showed last is the parent that pages compare with."""
        turn = rounds.get_round(session, self._book.campaign_id, self._book.round)
        return [turn.champion_version_id] if turn and turn.champion_version_id else []

    def _score(self, ask: Score) -> tuple[Scored, ...]:
        key = ask_key(ask)
        if self._book.refused(key):
            raise BudgetExhausted("This ask was refused when the cap was reached.")
        with self._database.read() as session:
            versions = [self._version_of(session, text) for text in ask.texts]
            examples = test_sets.examples(session, self._version, ask.split, ask.upto)
        try:
            return self._scorer.score(versions, examples, ask.split, self._book.round)
        except BudgetExhausted:
            self._book.refuse([(key, ask)])
            raise

    def _version_of(self, session: Session, text: str) -> PromptVersion:
        version = prompts.with_text(session, self._prompt, text, self._form)
        if version is None:
            raise Conflict("A prompt was scored before it was proposed. This is a bug in the improver.")
        return version
