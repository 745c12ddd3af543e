"""What a practice server saw on the wire: counts of requests to its models, for tests that check what was bought."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Tally:
    """Counts since the start. A request is in `total` from its arrival on, elsewhere when it ends."""

    total: int = 0
    by_name: Counter[str] = field(default_factory=Counter)
    by_status: Counter[str] = field(default_factory=Counter)
    troubles: Counter[str] = field(default_factory=Counter)

    def as_json(self) -> dict[str, Any]:
        return {
            "total": self.total,
            "under_way": self.total - self.by_status.total(),
            "by_model": dict(sorted(self.by_name.items())),
            "by_status": dict(sorted(self.by_status.items())),
            "troubles": dict(sorted(self.troubles.items())),
        }
