"""How high a search puts the paper that was meant: with the engine's order alone, and blended with what words say.

python benchmarks/search_quality.py digest.db [--queries 400]; it only prints. The database (a path to SQLite, or a URL)
holds papers whose words were read, such as `benchmarks/pages.py --real FILE --keep digest.db` leaves. A query is made
of words of one paper's title or abstract; the mean reciprocal rank of that paper is over all queries, 0 where it
is not among the first 200.
"""

from __future__ import annotations

import argparse
import random
import statistics
import time
from collections.abc import Callable

from sqlmodel import Session, col, select

from digest.core.prints import place, singular, subject_words
from digest.core.text import title_key
from digest.store import search as store
from digest.store.engine import open_engine, reading
from digest.store.search import parse, search
from digest.store.tables import Paper, PaperText
from digest.store.texts import frequencies

Chosen = Callable[[random.Random, str, str], list[str]]
_LOOKED_AT = 200
_COMMON = 0.02  # share of the papers that have a word


def main() -> None:
    """Print a line for each kind of query."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("database")
    asked.add_argument("--queries", type=int, default=400)
    given = asked.parse_args()
    url = given.database if "://" in given.database else f"sqlite:///{given.database}"
    with reading(open_engine(url)) as session:
        known = frequencies(session)
        common = memoryview(known.counts).cast("i")
        kinds: dict[str, Chosen] = {
            "3 to 5 words of an abstract": _of_abstract,
            "3 to 5 common words of an abstract": lambda dice, _title, text: _some(
                dice, [word for word in _long(text) if common[place(singular(word))] > _COMMON * known.papers]
            ),
            "2 or 3 neighbouring words of a title": _of_title,
            "2 words of a title, 1 of the abstract": lambda dice, title, text: (
                _some(dice, _long(title), 2, 2) + _some(dice, _long(text), 1, 1)
            ),
        }
        ids = session.exec(select(PaperText.paper_id).order_by(col(PaperText.paper_id))).all()
        for kind, chosen in kinds.items():
            dice = random.Random(5)  # the same queries every time
            queries = _queries(session, dice, ids, chosen, given.queries)
            print(f"{kind} ({len(queries)}):", flush=True)
            for name, blended in (("the engine alone", 0), ("blended", store._BLENDED)):
                store._BLENDED = blended
                print(f"  {name:18} {_measured(session, queries)}", flush=True)
            store._BLENDED = _LOOKED_AT


def _queries(
    session: Session, dice: random.Random, ids: list[int], chosen: Chosen, most: int
) -> list[tuple[int, list[str]]]:
    found: list[tuple[int, list[str]]] = []
    for paper_id in dice.sample(list(ids), min(len(ids), 5 * most)):
        title, text = session.exec(select(Paper.title, Paper.abstract).where(Paper.id == paper_id)).one()
        words = chosen(dice, title, text)
        if words:
            found.append((paper_id, words))
        if len(found) == most:
            break
    return found


def _measured(session: Session, queries: list[tuple[int, list[str]]]) -> str:
    places, taken = [], []
    for paper_id, words in queries:
        began = time.perf_counter()
        ids = search(session, parse(" ".join(words)), limit=_LOOKED_AT).ids
        taken.append((time.perf_counter() - began) * 1000)
        places.append(ids.index(paper_id) + 1 if paper_id in ids else 0)
    rank = statistics.fmean(1 / one if one else 0 for one in places)
    first = statistics.fmean(0 < one <= 10 for one in places)
    slow = statistics.quantiles(taken, n=20)[-1]
    return (
        f"mean reciprocal rank {rank:.3f}   in the first ten {100 * first:.0f} %   "
        f"median {statistics.median(taken):.1f} ms, 95 % within {slow:.0f} ms"
    )


def _of_abstract(dice: random.Random, _title: str, text: str) -> list[str]:
    return _some(dice, _long(text))


def _of_title(dice: random.Random, title: str, _text: str) -> list[str]:
    words = title_key(title).split()
    if len(words) < 4:
        return []
    start = dice.randrange(len(words) - 2)
    return words[start : start + dice.randint(2, 3)]


def _long(text: str) -> list[str]:
    subject = set(subject_words(text))
    return sorted({word for word in title_key(text).split() if len(word) > 3 and singular(word) in subject})


def _some(dice: random.Random, words: list[str], least: int = 3, most: int = 5) -> list[str]:
    return dice.sample(words, dice.randint(least, most)) if len(words) >= 2 * most else []


if __name__ == "__main__":
    main()
