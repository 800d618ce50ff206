"""Batches of listings merged into papers: the one door through which a source's words reach the state."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlmodel import Session

from digest.core.capture import Rejection
from digest.core.merge import MAX_TITLE, Facts, facts_of, storable
from digest.core.paper import Listing, Observation, parse_arxiv_id
from digest.store.dialects import insert_missing, one_writer
from digest.store.former_titles import keep_former_titles
from digest.store.indexing import credit_papers, index_entries
from digest.store.observations import add_observations, fault_of
from digest.store.paper_rows import Entry, assign_slugs, insert_new, update_changed
from digest.store.shelf import Shelf
from digest.store.tables import ListingRow, PaperAlias
from digest.store.unions import unite_rows

BATCH = 500


@dataclass(slots=True)
class Tally:
    """What merging did in one run; a paper that is new in the run is never counted as updated too."""

    new: set[int] = field(default_factory=set)
    updated: set[int] = field(default_factory=set)
    observations: int = 0
    rejected: list[Rejection] = field(default_factory=list)
    stored_words: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class _Read:
    listing: Listing
    facts: Facts
    observations: tuple[Observation, ...]


def merge_batch(
    session: Session,
    listings: Sequence[Listing],
    *,
    source: str,
    scope: str,
    run_id: int | None,
    seen_at: datetime,
    tally: Tally,
) -> None:
    """Merge up to about 500 listings in the session's transaction and add what happened to the tally.

    What cannot be merged is set aside in `tally.rejected` with its reason; nothing is raised for it.
    """
    one_writer(session, "papers")
    read = list(_readable(listings, seen_at, tally))
    shelf = Shelf.fetch(session, [one.facts for one in read])
    placed: list[tuple[_Read, Entry]] = []
    for one in read:
        fault = _unplaceable(one.facts)
        if fault:
            tally.rejected.append(Rejection(_position(one.listing), fault, storable(one.listing.title)[:200]))
        else:
            placed.append((one, shelf.place(one.facts)))
    _write(session, shelf, tally)
    papers = [(one, entry.current) for one, entry in placed]
    insert_missing(
        session, ListingRow, [_listing_row(one.listing, entry, source, scope, run_id) for one, entry in papers]
    )
    credit_papers(session, ((_stored(entry), name) for one, entry in papers for name in one.listing.credited))
    tally.observations += add_observations(
        session, ((_stored(entry), seen) for one, entry in papers for seen in one.observations)
    )


def listing_key(listing: Listing, scope: str) -> str:
    """Derive the key of an announcement: the same words from the same source in the same scope give the same key."""
    identity = listing.arxiv_id or f"{listing.title_key}\n{listing.first_author_key}"
    day = listing.listed_on.isoformat() if listing.listed_on else ""
    words = "\n".join((identity, str(listing.version or ""), listing.announce_type, day, scope))
    return hashlib.sha256(words.encode("utf-8", "replace")).hexdigest()[:40]


def _readable(listings: Sequence[Listing], seen_at: datetime, tally: Tally) -> Iterator[_Read]:
    for stated in listings:
        listing = stated
        if listing.arxiv_id is not None:
            try:
                arxiv_id, version = parse_arxiv_id(listing.arxiv_id)
            except ValueError as error:
                tally.rejected.append(Rejection(_position(listing), str(error), storable(listing.title)[:200]))
                continue
            if arxiv_id != listing.arxiv_id:
                listing = replace(listing, arxiv_id=arxiv_id, version=listing.version or version)
        believed = []
        for observation in listing.observations:
            fault = fault_of(observation)
            if fault:
                tally.rejected.append(Rejection(_position(listing), fault))
            else:
                believed.append(observation)
        yield _Read(listing, facts_of(listing, seen_at), tuple(believed))


def _unplaceable(facts: Facts) -> str:
    if len(facts.title) > MAX_TITLE:
        return f"a title of {len(facts.title)} characters is no title; at most {MAX_TITLE} are taken"
    if not facts.title:
        return "no title"
    if not facts.arxiv_id and not facts.title_key:
        return "a title without a word, and no arXiv id: nothing says which paper this is"
    return ""


def _write(session: Session, shelf: Shelf, tally: Tally) -> None:
    for survivor, loser in shelf.unions:
        unite_rows(session, survivor, loser)
        tally.new.discard(loser)
        tally.updated.discard(loser)
    alive = [entry for entry in shelf.entries if entry.merged_into is None]
    assign_slugs(session, alive)
    new = [entry for entry in alive if entry.id is None]
    dirty = [entry for entry in alive if entry.dirty]
    insert_new(session, new)
    update_changed(session, dirty)
    tally.new.update(_stored(entry) for entry in new)
    tally.updated.update(_stored(entry) for entry in dirty if entry.changed and entry.id not in tally.new)
    aliases = [{"slug": slug, "paper_id": entry.id} for entry in alive for slug in entry.aliases]
    insert_missing(session, PaperAlias, aliases)
    keep_former_titles(session, alive)
    index_entries(session, new, dirty, tally.stored_words)


def _listing_row(listing: Listing, entry: Entry, source: str, scope: str, run_id: int | None) -> dict[str, object]:
    return {
        "source": source,
        "key": listing_key(listing, scope),
        "paper_id": _stored(entry),
        "announce_type": str(listing.announce_type),
        "version": min(max(listing.version, 0), 999) if listing.version is not None else None,
        "listed_on": listing.listed_on,
        "run_id": run_id,
    }


def _stored(entry: Entry) -> int:
    if entry.id is None:
        raise AssertionError(f"{entry.slug} has not been stored")
    return entry.id


def _position(listing: Listing) -> str:
    return storable(listing.arxiv_id or listing.title)[:120]
