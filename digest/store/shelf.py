"""The papers that a batch of listings touches: which of them each listing is about, and which turn out to be one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy import ColumnElement
from sqlmodel import Session, col

from digest.core.merge import Facts, join
from digest.core.paper import same_work
from digest.store.former_titles import former_titles
from digest.store.paper_rows import Entry, in_chunks, load
from digest.store.tables import Paper


class Shelf:
    """Papers by arXiv id and by title; `unions` lists (survivor, loser) ids of rows that became one, in order."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.unions: list[tuple[int, int]] = []
        self._by_id: dict[int, Entry] = {}
        self._by_arxiv_id: dict[str, Entry] = {}
        self._by_title: dict[str, list[Entry]] = defaultdict(list)
        self._by_former: dict[str, list[Entry]] = defaultdict(list)

    @classmethod
    def fetch(cls, session: Session, batch: Sequence[Facts]) -> Shelf:
        """Load every stored paper that a listing of the batch may be about."""
        shelf = cls()
        conditions: list[ColumnElement[bool]] = [
            col(Paper.arxiv_id).in_(ids) for ids in in_chunks({facts.arxiv_id for facts in batch} - {None})
        ]
        by_author: dict[bool, dict[str, set[str]]] = {True: defaultdict(set), False: defaultdict(set)}
        for facts in batch:
            by_author[bool(facts.first_author_key)][facts.title_key].add(facts.first_author_key)
        # Many papers may share one title ("Editorial"): where the author is known, only theirs are wanted.
        for known, titles in by_author.items():
            for keys in in_chunks(titles):
                wanted = col(Paper.title_key).in_(keys)
                authors = {author for key in keys for author in titles[key]} | {""}
                conditions.append(wanted & col(Paper.first_author_key).in_(authors) if known else wanted)
        once_called = former_titles(session, {facts.title_key for facts in batch if not facts.arxiv_id})
        conditions += [col(Paper.id).in_(ids) for ids in in_chunks(sorted({each for _title, each in once_called}))]
        for condition in conditions:
            for entry in load(session, condition):
                if entry.id is not None and entry.id not in shelf._by_id:
                    shelf._by_id[entry.id] = entry
                    shelf._add(entry)
        for title, paper_id in once_called:
            shelf._by_former[title].append(shelf._by_id[paper_id])
        return shelf

    def place(self, facts: Facts) -> Entry:
        """Join a listing's facts to the paper they are about, new where no paper is, and return that paper.

        An arXiv id decides. Without one, the title and the first author do, and where no paper has that title now, one
        that once had it. A paper known only by its title is promoted, or joined to the one with the id, as soon as a
        listing with an id has its title and author.
        """
        title, author = facts.title_key, facts.first_author_key
        entry = self._by_arxiv_id.get(facts.arxiv_id) if facts.arxiv_id else None
        author = author or (entry.author_key if entry else "")
        titled = [
            one
            for one in self._by_title.get(title, ())
            if one.merged_into is None and same_work(one.title_key, one.author_key, title, author)
        ]
        if facts.arxiv_id:
            nameless = [one for one in titled if one.facts.arxiv_id is None]
            for one in sorted(nameless if author else _unanimous(nameless), key=_age):
                entry = one if entry is None else self._unite(entry, one)
        else:
            entry = _closest(titled, author) or _closest(self._once_titled(title, author), author)
        if entry is None:
            entry = Entry(facts, title, author)
            self._add(entry)
            return entry
        join(entry.facts, facts)
        self._reindex(entry, title)
        return entry

    def _once_titled(self, title: str, author: str) -> list[Entry]:
        found = {id(one.current): one.current for one in self._by_former.get(title, ())}
        return [one for one in found.values() if same_work(title, one.author_key, title, author)]

    def _add(self, entry: Entry) -> None:
        self.entries.append(entry)
        self._by_title[entry.title_key].append(entry)
        if entry.facts.arxiv_id:
            self._by_arxiv_id[entry.facts.arxiv_id] = entry

    def _reindex(self, entry: Entry, *borne: str) -> None:
        before = entry.title_key
        entry.rekey(*borne)
        for title in entry.former:
            if entry not in self._by_former[title]:
                self._by_former[title].append(entry)
        if entry.title_key != before:
            self._by_title[entry.title_key].append(entry)
        if entry.facts.arxiv_id:
            self._by_arxiv_id[entry.facts.arxiv_id] = entry

    def _unite(self, one: Entry, other: Entry) -> Entry:
        # The older row survives: issues and deliveries are the likelier to know its id.
        survivor, loser = sorted((one, other), key=_age)
        join(survivor.facts, loser.facts)
        loser.merged_into = survivor
        if survivor.id is not None and loser.id is not None:
            self.unions.append((survivor.id, loser.id))
        survivor.former |= loser.former
        self._reindex(survivor, loser.title_key)
        return survivor


def _age(entry: Entry) -> float:
    return float("inf") if entry.id is None else entry.id


def _closest(titled: Sequence[Entry], author: str) -> Entry | None:
    """Choose among papers of the same title: the same author first, the oldest of these.

    A listing without an author that could be the work of several different people is nobody's.
    """
    exact = [entry for entry in titled if author and entry.author_key == author]
    if not exact and len({entry.author_key for entry in titled}) > 1:
        exact = [entry for entry in titled if not entry.author_key and not author]
    return min(exact or _unanimous(titled), key=_age, default=None)


def _unanimous(titled: Sequence[Entry]) -> Sequence[Entry]:
    return titled if len({entry.author_key for entry in titled}) == 1 else ()
