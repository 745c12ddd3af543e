"""What a run finds out about the parameters that its endpoints refuse or rename, and when it tells."""

from collections.abc import Callable

from app.gateway.calls import Target
from app.gateway.parameters import Traits

Learned = Callable[[str, frozenset[str], tuple[tuple[str, str], ...]], None]


class Lessons:
    """By endpoint: what was known before the run, and what the run learned."""

    def __init__(self, tell: Learned) -> None:
        self._tell = tell
        self._known: dict[str, Traits] = {}
        self._new: set[str] = set()

    def known(self, target: Target) -> Traits:
        if target.endpoint not in self._known:
            self._known[target.endpoint] = Traits.of(target)
        return self._known[target.endpoint]

    def learn(self, target: Target, traits: Traits) -> None:
        """What is only known of one schema serves this run, and is nothing to tell of the endpoint."""
        known = self.known(target)
        found = self._known[target.endpoint] = traits.joined(known)
        if (found.dropped, found.renamed) != (known.dropped, known.renamed):
            self._new.add(target.endpoint)

    def confirm(self, target: Target, traits: Traits) -> None:
        """Tell what was learned once it has worked: a misread refusal is not remembered."""
        if target.endpoint in self._new and traits == self._known[target.endpoint]:
            self._new.remove(target.endpoint)
            self._tell(target.endpoint, traits.dropped, traits.renamed)
