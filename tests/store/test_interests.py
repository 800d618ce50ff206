"""What readers are interested in: kept as they wrote it, compared by its key, changed without losing dates."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine
from sqlmodel import Session, select

from digest.core.interests import Interest, InterestKind, distinct, interest_of
from digest.store.engine import reading, writing
from digest.store.interests import interests_of, put_interests, watched
from digest.store.tables import InterestRow, Subscriber

NOW = datetime(2026, 5, 20, 6, 0, tzinfo=UTC)


def _subscriber(session: Session, address: str) -> int:
    row = Subscriber(address=address, address_key=address, created_at=NOW)
    session.add(row)
    session.flush()
    assert row.id is not None
    return row.id


def _kept(*written: tuple[InterestKind, str]) -> list[Interest]:
    return [one for kind, words in written if (one := interest_of(kind, words)) is not None]


def test_interests_are_compared_by_what_they_name() -> None:
    assert interest_of(InterestKind.KEYWORD, "  Sparse\n Attention ") == Interest(
        InterestKind.KEYWORD, "sparse attention", "Sparse Attention"
    )
    assert interest_of(InterestKind.AUTHOR, "José Álvarez") == Interest(
        InterestKind.AUTHOR, "jose-alvarez", "José Álvarez"
    )
    assert interest_of(InterestKind.SEARCH, " -- ") is None
    twice = _kept((InterestKind.LAB, "Mila"), (InterestKind.LAB, "MILA"), (InterestKind.KEYWORD, "mila"))
    assert [one.words for one in distinct(twice)] == ["Mila", "mila"]


def test_a_readers_interests_are_put_in_place_of_the_old_ones(engine: Engine) -> None:
    with writing(engine) as session:
        ada, bob = _subscriber(session, "ada@example.org"), _subscriber(session, "bob@example.org")
        put_interests(session, ada, _kept((InterestKind.AUTHOR, "Bo Li"), (InterestKind.KEYWORD, "pruning")), NOW)
        put_interests(session, bob, _kept((InterestKind.KEYWORD, "pruning"), (InterestKind.LAB, "Mila")), NOW)
    later = NOW + timedelta(days=1)
    with writing(engine) as session:
        put_interests(session, ada, _kept((InterestKind.KEYWORD, "Pruning"), (InterestKind.EXCLUSION, "cs.CR")), later)
    with reading(engine) as session:
        found = interests_of(session, [ada, bob])
        assert [one.key for one in found[ada]] == ["cs cr", "pruning"]
        assert [one.key for one in found[bob]] == ["pruning", "mila"]
        dates = dict(
            session.exec(select(InterestRow.key, InterestRow.created_at).where(InterestRow.subscriber_id == ada)).all()
        )
        assert dates == {"pruning": NOW, "cs cr": later}
        everybody = watched(session, [InterestKind.AUTHOR, InterestKind.KEYWORD])
        assert everybody == {InterestKind.AUTHOR: frozenset(), InterestKind.KEYWORD: frozenset({"pruning"})}
