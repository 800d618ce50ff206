"""Papers found by words: the database's own full-text index, and a second look where a word was misspelt.

The words of a query are cut and folded before they reach the index, so that nothing a visitor types is ever read
as its syntax. Every search takes a bounded number of queries, whatever it finds.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, String, func, literal, or_, select, text
from sqlmodel import Session

from digest.core.prints import is_telling
from digest.core.text import title_key
from digest.store.dialects import table_of
from digest.store.indexing import is_indexed
from digest.store.tables import SearchWord
from digest.store.texts import found_words, frequencies

_MOST_TEXT = 400  # characters of a query that are read
MOST_WORDS = 12
_LONGEST_WORD = 60
_CATEGORY = re.compile(r"""(?<!\S)category:["']?([A-Za-z][A-Za-z-]{0,20}(?:\.[A-Za-z-]{1,20})?)["']?(?!\S)""", re.ASCII)
MOST_FOUND = 1_000
_ENOUGH_IN_TITLE = 200
_RANKED = 2_000  # of very many papers the latest are ranked, since each takes the engine its time
_BLENDED = 200  # the engine's first, which are ordered anew by their words
_BROAD = 400  # the latest, which are ordered by their words where thousands have what was typed in their title
_FEW = 3
_CANDIDATES = 8_000  # spellings that are compared with one misspelt word
_COUNTED = 6


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked: folded words, all of which a paper should have, and a category or archive, which may be empty."""

    words: tuple[str, ...] = ()
    category: str = ""

    def __bool__(self) -> bool:
        return bool(self.words or self.category)


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """One page of what was found: paper ids, best first, and how many there are in all.

    `corrected` holds the words that were searched for where the given ones found nothing; `loose` says that no
    paper has all the words and these have some; `in_title` that very many have them, and these in the title;
    `meant` is what was typed, spelt as far more papers do. `total` is at most `MOST_FOUND`, `more` says it goes on.
    """

    ids: tuple[int, ...] = ()
    total: int = 0
    corrected: str = ""
    meant: str = ""
    loose: bool = False
    in_title: bool = False
    more: bool = False


def parse(typed: str, category: str = "") -> Query:
    """Read what a visitor typed, `category:` included; never raises, and forgets what goes beyond 400 characters."""
    typed = typed[:_MOST_TEXT]
    named = _CATEGORY.search(typed) or _CATEGORY.search(f"category:{category}")
    words = [word[:_LONGEST_WORD] for word in title_key(_CATEGORY.sub(" ", typed).replace("\0", " ")).split()]
    return Query(tuple(dict.fromkeys(words))[:MOST_WORDS], named[1] if named else "")


def search(session: Session, query: Query, *, offset: int = 0, limit: int = 20) -> Results:
    """Find the papers that have every word of a query, in title, authors or abstract, best first.

    The engine's order is blended with what the words that were read say, see core/relevance.py; where very many papers
    have the words in their titles, only the latest of them are ranked.
    Where there are none, misspelt words are replaced by the nearest known ones; where that finds none either, papers
    with some of the words are returned. Without words, the papers of the category, the latest to be read first.
    """
    if not query:
        return Results()
    found = _matching(session, query, offset, limit)
    if not query.words or found.total > _FEW:
        return found
    corrected = replace(query, words=_corrected(session, query.words, rare=bool(found.total)))
    changed = "" if corrected == query else " ".join(corrected.words)
    if found.total:
        return replace(found, meant=changed)
    if changed:
        found = replace(_matching(session, corrected, offset, limit), corrected=changed)
    if not found.total and len(query.words) > 1:
        found = replace(_matching(session, corrected, offset, limit, loose=True), corrected=changed, loose=True)
    return found if found.total else Results()


def _matching(session: Session, query: Query, offset: int, limit: int, *, loose: bool = False) -> Results:
    found = statement(session, query, loose=loose)
    total, in_title = _total(session, found), False
    if total > MOST_FOUND and query.words:
        # The title decides in the end, and far fewer have the words there.
        titled = statement(session, query, loose=loose, in_title=True)
        counted = _total(session, titled)
        if counted >= _ENOUGH_IN_TITLE:
            found, total, in_title = titled, counted, True
    shown = Results(total=min(total, MOST_FOUND), in_title=in_title, more=total > MOST_FOUND)
    if offset >= shown.total:
        return shown
    end = min(offset + limit, shown.total)
    if not query.words:
        return replace(shown, ids=_latest(session, found, end)[offset:])
    if in_title and shown.more:
        # Every one of thousands has the words in its title: the engine would count long, and tell little.
        blended, ranked = _BROAD, [(paper_id, 0.0) for paper_id in _latest(session, found, max(end, _BROAD))]
    else:
        if shown.more and (telling := tuple(word for word in query.words if is_telling(word))):
            found = statement(session, replace(query, words=telling), loose=loose)
        blended, ranked = _BLENDED, engine_ranked(session, found, max(end, _BLENDED))
    first = _blended(session, query.words, ranked[:blended])
    ids = [*first, *(paper_id for paper_id, _ in ranked[blended:])]
    return replace(shown, ids=tuple(ids[offset:end]))


def _blended(session: Session, words: Sequence[str], ranked: Sequence[tuple[int, float]]) -> list[int]:
    """Order the engine's first hits anew, by the words that were read of them and by their titles."""
    from digest.core.relevance import Hit, blended  # noqa: PLC0415  # numpy comes with the first search

    known = found_words(session, [paper_id for paper_id, _ in ranked])
    hits = [Hit(paper_id, weight, *known[paper_id]) for paper_id, weight in ranked if paper_id in known]
    found = frequencies(session)
    return blended(words, hits, found.papers, found.counts)


def _total(session: Session, found: tuple[str, dict[str, Any]]) -> int:
    counted = text(f"SELECT count(*) FROM (SELECT 1 {found[0]} LIMIT {MOST_FOUND + 1}) AS found")  # noqa: S608  # no given text
    return int(session.connection().execute(counted, found[1]).scalar_one())


def _on_postgresql(session: Session) -> bool:
    return session.connection().dialect.name == "postgresql"


def statement(session: Session, query: Query, *, loose: bool, in_title: bool = False) -> tuple[str, dict[str, Any]]:
    """Write FROM and WHERE of a search, and the values to bind; only folded words get into an index's syntax."""
    if _on_postgresql(session):
        mark = ":A" if in_title else ""
        parts = {"words": (" | " if loose else " & ").join(f"'{word}'{mark}" for word in query.words)}
        if query.category:
            parts["category"] = f"'category:{query.category.lower()}'"
        told = {
            "words": "words @@ to_tsquery('paper_search', :words)",
            "category": "words @@ CAST(:category AS tsquery)",
        }
        given = {name: value for name, value in parts.items() if value}
        return "FROM paper_search WHERE " + " AND ".join(told[name] for name in given), given
    joined = (" OR " if loose else " AND ").join(f'"{word}"' for word in query.words)
    columns = "title" if in_title else "{title authors abstract}"
    asked = [f"({columns} : ({joined}))"] if joined else []
    if query.category:
        asked.append(f'(categories : "{title_key(query.category)}")')
    return "FROM paper_search WHERE paper_search MATCH :match", {"match": " AND ".join(asked)}


def engine_ranked(session: Session, found: tuple[str, dict[str, Any]], limit: int) -> list[tuple[int, float]]:
    """Return the engine's best of what a statement finds, with their weights; of very many, the latest are ranked."""
    key, weight = "rowid", "-rank"
    if _on_postgresql(session):
        key, weight = "paper_id", "ts_rank('{0.05, 0.1, 0.4, 1.0}', words, to_tsquery('paper_search', :words))"
    chosen = "words, paper_id" if _on_postgresql(session) else "rank, rowid"
    latest = f"SELECT {chosen} {found[0]} ORDER BY {key} DESC LIMIT {_RANKED}"  # no given text
    query = text(f"SELECT {key}, {weight} AS weight FROM ({latest}) AS latest ORDER BY 2 DESC, 1 DESC LIMIT :limit")  # noqa: S608  # as above
    rows = session.connection().execute(query, {**found[1], "limit": limit})
    return [(int(paper_id), float(weight)) for paper_id, weight in rows]


def _latest(session: Session, found: tuple[str, dict[str, Any]], limit: int) -> tuple[int, ...]:
    key = "paper_id" if _on_postgresql(session) else "rowid"
    query = text(f"SELECT {key} {found[0]} ORDER BY {key} DESC LIMIT :limit")  # as above
    return tuple(session.connection().execute(query, {**found[1], "limit": limit}).scalars())


def counts(session: Session, words: Sequence[str], *, in_title: bool = False) -> dict[str, int]:
    """Count the papers that have each word, in one query."""
    selects, values = [], {}
    for number, word in enumerate(words):
        asked, bound = statement(session, Query((word,)), loose=False, in_title=in_title)
        name, value = next(iter(bound.items()))
        selects.append(f"SELECT {number}, count(*) {asked.replace(':' + name, f':{name}{number}')}")
        values[f"{name}{number}"] = value
    rows = session.connection().execute(text(" UNION ALL ".join(selects)), values)
    return {words[number]: int(papers) for number, papers in rows}


def _corrected(session: Session, words: Sequence[str], *, rare: bool) -> tuple[str, ...]:
    """Replace the words that no paper has; with `rare`, also those of which a near one is far more common."""
    having = counts(session, words)
    return tuple(
        _nearest(session, word, above=20 * having[word]) if having[word] <= _FEW * rare and is_indexed(word) else word
        for word in words
    )


def _nearest(session: Session, word: str, *, above: int) -> str:
    """Return the known word that a misspelt one most likely meant: the nearest, then the most common; or itself.

    Words that no more than `above` papers have are not considered.
    """
    table = table_of(SearchWord)
    # One wrong letter, or two swapped, leave that much at one end as it was.
    begins, ends = word[: (len(word) - 1) // 2], word[::-1][: len(word) // 2]
    alike = or_(_starts(table.c.word, begins), _starts(table.c.backward, ends))
    most = 1 if len(word) < 6 else 2
    near = func.length(table.c.word).between(len(word) - most, len(word) + most)
    found = session.connection().execute(select(table.c.word).where(alike, near).limit(_CANDIDATES)).scalars()
    letters = set(word)
    close = [known for known in found if known != word and len(letters.symmetric_difference(known)) <= 2 * most]
    distances = {known: distance for known in close if (distance := _distance(word, known, most)) <= most}
    if not distances:
        return word
    least = min(distances.values())
    nearest = sorted(known for known, distance in distances.items() if distance == least)[:_COUNTED]
    having = counts(session, nearest)
    best = max(nearest, key=lambda known: (having[known], known[0] == word[0]))
    return best if having[best] > above else word


def _starts(column: ColumnElement[str], beginning: str) -> ColumnElement[bool]:
    # A plain string type: the column's own would be written with its collation, which PostgreSQL's cast refuses.
    low, high = (literal(bound, String()) for bound in (beginning, beginning + "\U0010ffff"))
    return column.between(low, high)


def _distance(one: str, other: str, most: int) -> int:
    """Count the edits between two words: a letter more, less, or another, or two swapped; `most` + 1 where more."""
    if abs(len(one) - len(other)) > most:
        return most + 1
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        earlier, before = before, row
        row = [i]
        for j, sign in enumerate(other, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != sign))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == sign:
                cost = min(cost, earlier[j - 2] + 1)
            row.append(cost)
        if min(row) > most:
            return most + 1
    return row[-1]
