"""The oracle of every fault test: what the sink took, held against what the database says (docs/reliability.md)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import Engine, select

from digest.core.delivery import DeliveryKind
from digest.store.dialects import table_of
from digest.store.engine import reading
from digest.store.tables import Delivery

SAYS_SO = frozenset({"unknown", "failed", "suppressed", "expired", "skipped"})
TAKEN = frozenset({"accepted", "unknown"})


@dataclass(frozen=True, slots=True)
class Verdict:
    """`twice`: copies too many at the sink. `missing`: digests without a state that tells the truth about them.

    `states` count the digests in the database, and must add up to the `audience`; `oddities` name what is wrong.
    """

    twice: int
    missing: int
    states: dict[str, int]
    audience: int
    oddities: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Whether the promise was kept."""
        return not self.twice and not self.missing and sum(self.states.values()) == self.audience


def judge(engine: Engine, taken: Mapping[str, int], audience: int) -> Verdict:
    """Judge once everything is settled.

    A message that was not taken must be in a state that says so, and one that was taken accepted or unknown; an
    unsettled one, and one at the sink that the database does not know, are wrong in any case.
    """
    delivery = table_of(Delivery)
    with reading(engine) as session:
        rows = (
            session.connection()
            .execute(select(delivery.c.id, delivery.c.state, delivery.c.message_id, delivery.c.kind))
            .all()
        )
    digests = [row for row in rows if row.kind == DeliveryKind.DIGEST]
    odd = [
        f"delivery {row.id} is {row.state}, and the sink {'took it' if row.message_id in taken else 'lacks it'}"
        for row in digests
        if row.state not in (TAKEN if row.message_id in taken else SAYS_SO)
    ]
    known = {row.message_id for row in rows}  # an alert may have gone out as well
    odd += [f"the sink has {own_id}, which no delivery knows" for own_id in taken if own_id not in known]
    states = Counter(row.state for row in digests)
    twice = sum(count - 1 for count in taken.values())
    return Verdict(twice, len(odd) + max(audience - len(digests), 0), dict(sorted(states.items())), audience, odd)
