"""The one committer of a run: intents and outcomes of all its connections, together in one transaction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import repeat

from sqlalchemy import Engine

from digest.core.delivery import DeliveryState
from digest.flows.moves import Move, decide, write_moves
from digest.flows.stock import Ready
from digest.store.batches import Intent, banned_now, intend_all, look_again
from digest.store.deliveries import Claim, release
from digest.store.engine import writing
from digest.tokens import Tokens


@dataclass
class Ledger:
    """Every claim ends in `reached`, in `lost`, or given back."""

    engine: Engine
    clock: Callable[[], datetime]
    tokens: Tokens  # under which rejections are counted as bounces
    moves: list[Move] = field(default_factory=list)  # decided, and committed with the next intents
    early: list[tuple[Ready, Move]] = field(default_factory=list)  # ended before their intent was due
    reached: Counter[DeliveryState] = field(default_factory=Counter)
    lost: int = 0

    @property
    def behind(self) -> bool:
        """Whether something was decided that is not committed yet."""
        return bool(self.moves or self.early)

    def commit(self, wanted: Sequence[Ready], give_back: Sequence[Claim] = ()) -> tuple[set[int], bool]:
        """Commit what was decided, and the intents of the messages that the relay waits for.

        Looks once more, inside the transaction, at what may have changed since the claims. Returns the ids of the
        deliveries that may go, and whether outcomes were settled; whatever is not among the ids must not be sent.
        Claims that nothing was done with are given back.
        """
        if not (wanted or give_back or self.behind):
            return set(), False
        refused: list[Move] = []
        unheld = 0
        with writing(self.engine) as session:
            now = self.clock()
            states = write_moves(session, self.moves, now, tokens=self.tokens)
            allowed = []
            if wanted:
                looks = look_again(session, [one.claimed for one in wanted])
                banned = banned_now(session, [each for one in wanted for each in one.hashes])
                for one in wanted:
                    look = looks.get(one.claimed.id)
                    if look is None:
                        unheld += 1
                    elif look.issue_held:
                        refused.append(Move(claimed=one.claimed, to=DeliveryState.PENDING))
                    elif no := decide(one.claimed, look, now, banned=not banned.isdisjoint(one.hashes)):
                        refused.append(no)
                    else:
                        allowed.append(one)
            intended = allowed + [one for one, _ in self.early]
            intents = [Intent(one.claimed, one.letter.message_id, one.letter.paper_ids) for one in intended]
            mine = intend_all(session, intents, now)
            ended = [move for one, move in self.early if one.claimed.id in mine]
            states += write_moves(session, ended, now, tokens=self.tokens)
            released = release(session, give_back) if give_back else 0
        settled = self.behind
        self.lost += unheld + len(intended) - len(mine) + len(give_back) - released
        self.moves[:] = refused
        self.early.clear()
        self._count([*states, *repeat(DeliveryState.PENDING, released)])
        return mine.intersection(one.claimed.id for one in allowed), settled

    def _count(self, states: Iterable[DeliveryState | None]) -> None:
        for state in states:
            if state is None:
                self.lost += 1
            else:
                self.reached[state] += 1
