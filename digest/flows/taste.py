"""What we think a reader likes, shown to them, and corrected by them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Engine
from sqlmodel import Session

from digest.core.interests import InterestKind
from digest.core.issue import Card
from digest.flows.feedback import acting_reader, of_reader
from digest.store import reactions
from digest.store.bylines import cards_of
from digest.store.engine import reading, writing
from digest.store.interests import drop_interest, interests_of, reactions_of
from digest.tokens import Tokens

_MOST_SHOWN = 100  # papers of each kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Tasted:
    """A reader's taste, and what it rests on.

    `words` have their share of the strongest, 0 to 1, the strongest first; `categories` their shares of the liked
    papers. `waiting` are papers to start from that are not known here yet; `learned` counts those that were read.
    """

    words: tuple[tuple[str, float], ...] = ()
    struck: tuple[str, ...] = ()
    categories: tuple[tuple[str, float], ...] = ()
    liked: tuple[Card, ...] = ()
    disliked: tuple[Card, ...] = ()
    saved: int = 0
    started: tuple[tuple[str, Card], ...] = ()
    waiting: tuple[str, ...] = ()
    learned: int = 0

    @property
    def empty(self) -> bool:
        """Whether there is nothing to show."""
        return not (self.words or self.struck or self.liked or self.disliked or self.started or self.waiting)


def taste_of(engine: Engine, tokens: Tokens, token: str, *, now: datetime) -> Tasted:
    """Return the taste of the reader behind a link; raises TokenInvalid or NotFound."""
    from digest.store.tastes import seeds_named, tastes_of  # noqa: PLC0415  # numpy comes with the first taste

    with reading(engine) as session:
        subscriber_id = of_reader(session, tokens, token, now)
        taste = tastes_of(session, [subscriber_id]).get(subscriber_id)
        made = reactions_of(session, subscriber_id)
        seeds = [one.key for one in interests_of(session, [subscriber_id]).get(subscriber_id, ()) if _is_seed(one.kind)]
        known = seeds_named(session, seeds)
        cards = {card.paper_id: card for card in cards_of(session, sorted(set(known.values())))}
        started = tuple((name, cards[known[name]]) for name in seeds if known.get(name) in cards)
        found = Tasted(
            liked=_cards(session, (one.paper_id for one in made if one.leaning > 0)),
            disliked=_cards(session, (one.paper_id for one in made if one.leaning < 0)),
            saved=sum(one.saved_at is not None for one in made),
            started=started,
            waiting=tuple(name for name in seeds if known.get(name) not in cards),
        )
    if taste is None:
        return found
    weighed = sorted(((word, weight) for word, weight in taste.terms.items() if weight > 0), key=lambda one: -one[1])
    most = weighed[0][1] if weighed else 1.0
    return replace(
        found,
        words=tuple((word, weight / most) for word, weight in weighed),
        struck=tuple(sorted(word for word, weight in taste.terms.items() if not weight)),
        categories=tuple(sorted(taste.categories.items(), key=lambda one: (-one[1], one[0]))),
        learned=taste.papers,
    )


def strike_word(engine: Engine, tokens: Tokens, token: str, word: str, *, now: datetime, undo: bool = False) -> None:
    """Let a word of a taste weigh nothing, or again; raises TokenInvalid or NotFound."""
    from digest.flows.learn import learn_taste  # noqa: PLC0415  # as above
    from digest.store.tastes import put_back, strike_out  # noqa: PLC0415  # as above

    with writing(engine) as session:
        subscriber_id = acting_reader(session, tokens, token, now)
        (put_back if undo else strike_out)(session, subscriber_id, [word])
        learn_taste(session, subscriber_id, now=now)


def drop_start(engine: Engine, tokens: Tokens, token: str, name: str, *, now: datetime) -> None:
    """Take a paper from those that a reader starts from; raises TokenInvalid or NotFound."""
    from digest.flows.learn import learn_taste  # noqa: PLC0415  # as above

    with writing(engine) as session:
        subscriber_id = acting_reader(session, tokens, token, now)
        drop_interest(session, subscriber_id, InterestKind.PAPER, name)
        learn_taste(session, subscriber_id, now=now)


def reset_taste(engine: Engine, tokens: Tokens, token: str, *, now: datetime) -> None:
    """Forget which papers a reader liked, disliked and started from, and the words they struck out.

    What they saved stays saved, and what they asked for in words, names and categories stays asked for. Raises
    TokenInvalid or NotFound.
    """
    from digest.flows.learn import learn_taste  # noqa: PLC0415  # as above
    from digest.store.tastes import forget_taste  # noqa: PLC0415  # as above

    with writing(engine) as session:
        subscriber_id = acting_reader(session, tokens, token, now)
        reactions.forget_leanings(session, subscriber_id)
        for one in interests_of(session, [subscriber_id]).get(subscriber_id, ()):
            if _is_seed(one.kind):
                drop_interest(session, subscriber_id, one.kind, one.key)
        forget_taste(session, subscriber_id)
        learn_taste(session, subscriber_id, now=now)


def _cards(session: Session, ids: Iterable[int]) -> tuple[Card, ...]:
    return tuple(cards_of(session, list(ids)[:_MOST_SHOWN]))


def _is_seed(kind: InterestKind) -> bool:
    return kind is InterestKind.PAPER
