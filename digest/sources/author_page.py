"""The author layout of a paper-index page: a header of figures, then a block of lines for each paper."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from digest.core.capture import Capture, Reading
from digest.core.paper import AnnounceType, Listing, Observation
from digest.core.text import readable, readable_paragraphs
from digest.errors import RefusedInput
from digest.sources.glue import is_name, split_authors, split_glued, words_of
from digest.sources.page_header import PageHeader, page_category, parse_header
from digest.sources.page_text import check_abstract, ends_early, has_bad_bytes, set_aside, usable_title

SOURCE = "pages"
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_META = re.compile(
    r"(?P<percentile>\d{1,4}(?:\.\d{1,4})?)?\s?"
    r"(?P<category>[A-Za-z][A-Za-z-]{0,15}?(?:\.[A-Za-z-]{1,10}?)?)\s?"
    rf"(?P<month>{'|'.join(_MONTHS)})[a-z]{{0,6}}\.?\s?(?P<day>\d{{1,2}})(?:,\s?(?P<year>\d{{0,4}}))?\s?(?P<code>Code)?"
)
_LONGEST_META = 64
_LABS = " · "


@dataclass(frozen=True, slots=True)
class MetaLine:
    """The line before a paper: its place in the index (0 to 100), subject class, day, and whether it has code.

    `year` is None where the page leaves out the current year, and -1 where it is cut short.
    """

    percentile: float | None
    category: str
    month: int
    day: int
    year: int | None
    has_code: bool


@dataclass(frozen=True, slots=True)
class _Byline:
    names: tuple[str, ...]
    complete: bool
    labs: tuple[str, ...]


def parse_meta(line: str) -> MetaLine | None:
    """Read `99.6LGMar 17` or `LGApr 27, 2023Code`; None for any other line."""
    match = _META.fullmatch(line) if len(line) <= _LONGEST_META else None
    category = page_category(match["category"]) if match else None
    if match is None or category is None:
        return None
    percentile = float(match["percentile"]) if match["percentile"] else None
    year = match["year"]
    return MetaLine(
        percentile=percentile,
        category=category,
        month=_MONTHS.index(match["month"]) + 1,
        day=int(match["day"]),
        year=None if year is None else int(year) if len(year) == 4 else -1,
        has_code=match["code"] is not None,
    )


def read_author_page(lines: Sequence[str], metas: Mapping[int, MetaLine], reading: Reading) -> Capture:
    """Read the papers and the author's figures; `metas` gives the meta lines by their index in `lines`.

    A paper that cannot be read is set aside with its reason. Raises RefusedInput for a page with undated
    months when the day of its capture is not known.
    """
    starts = sorted(metas)
    if reading.captured_on is None and any(meta.year is None for meta in metas.values()):
        raise RefusedInput(
            f"{reading.origin}: the page gives months without a year (such as `{lines[_first_undated(metas)]}`); "
            "say when it was captured with --captured-on YYYY-MM-DD"
        )
    capture = Capture()
    header = parse_header(lines[: starts[0]], capture, reading.origin)
    blocks = [lines[at + 1 : until] for at, until in zip(starts, (*starts[1:], len(lines)), strict=True)]
    shows_code = any(meta.has_code for meta in metas.values())
    page = _Page(reading, blocks, author=header.author, shows_code=shows_code)
    notes: list[str] = []
    for number, (at, block) in enumerate(zip(starts, blocks, strict=True), start=1):
        try:
            capture.listings.append(page.listing(metas[at], block, is_last=number == len(blocks), notes=notes))
        except ValueError as fault:
            set_aside(capture, f"paper {number}", str(fault), " / ".join((lines[at], *block[:2])))
    _note(capture, header, notes)
    return capture


class _Page:
    """How one page is laid out, learnt from all of its blocks, and the reading of a block by that."""

    def __init__(self, reading: Reading, blocks: Sequence[Sequence[str]], *, author: str, shows_code: bool) -> None:
        self._reading = reading
        self._credited = (author,) if author else ()
        self._shows_code = shows_code
        told = [block for block in blocks if len(block) > 1]
        self._glued = len(told) > 2 * sum(_has_own_byline(block) for block in told)
        self._has_abstracts = any(len(block) > (1 if self._glued else 2) for block in blocks)
        self._is_alone = len(blocks) == 1
        self._vocabulary: set[str] = set()
        for block in blocks:
            for line in block[1:]:
                self._vocabulary |= words_of(line)

    def listing(self, meta: MetaLine, block: Sequence[str], *, is_last: bool, notes: list[str]) -> Listing:
        """Read one block; raises ValueError saying why it cannot be read."""
        if not block:
            raise ValueError("the page ends after this paper's date" if is_last else "a date without a paper")
        title_line, byline, abstract_lines = self._parts(block)
        if is_last and not abstract_lines and (self._has_abstracts or self._is_alone):
            raise ValueError("the page ends before this paper's abstract; capture the whole page")
        title = usable_title(title_line)
        if any(map(has_bad_bytes, (*byline.names, *byline.labs))):
            raise ValueError("the authors' line holds bytes that are not UTF-8; save the page as UTF-8")
        abstract = "\n\n".join(abstract_lines)
        check_abstract(abstract)
        if has_bad_bytes(abstract):
            notes.append(f"the abstract of `{title[:60]}` holds bytes that are not UTF-8")
        if is_last and abstract and ends_early(abstract):
            notes.append("the last abstract stops in the middle of a sentence")
        percentile = meta.percentile
        if percentile is not None and percentile > 100:
            notes.append(f"a percentile of {percentile:g} was left out")
            percentile = None
        at, of_index = self._reading.observed_at, percentile
        return Listing(
            source=SOURCE,
            title=title,
            authors=tuple(map(readable, byline.names)),
            authors_complete=byline.complete and bool(byline.names),
            credited=self._credited,
            abstract=readable_paragraphs(abstract),
            categories=(meta.category,) if meta.category else (),
            announce_type=AnnounceType.FOUND,
            listed_on=_day(meta, self._reading.captured_on),
            labs=tuple(map(readable, byline.labs)),
            has_code=True if meta.has_code else False if self._shows_code else None,
            percentile=percentile,
            observations=()
            if of_index is None
            else (Observation(signal="index_percentile", at=at, value=of_index, source=SOURCE),),
        )

    def _parts(self, block: Sequence[str]) -> tuple[str, _Byline, Sequence[str]]:
        """Split a block into its title, its byline and the paragraphs of its abstract."""
        first, rest = block[0], block[1:]
        # Where every other paper has its authors on a line of their own, so has one whose names look like none.
        second_is_byline = bool(rest) and (
            _is_byline(rest[0]) or (not self._glued and len(rest) > 1 and not _is_prose(rest[0]))
        )
        split = _split(first, self._vocabulary) if self._glued or not second_is_byline else None
        if second_is_byline and split is None:
            return first, _byline(rest[0]), rest[1:]
        if split is not None:
            return split[0], split[1], rest
        if self._glued or not rest:
            raise ValueError("its title and its authors cannot be told apart")
        return first, _Byline((), complete=False, labs=()), rest


def _has_own_byline(block: Sequence[str]) -> bool:
    """Tell whether a block's second line is its byline, and not an abstract cut after its first word."""
    if len(block) == 2 and len(block[1].split()) == 1 and _split(block[0], set()):
        return False
    return _is_byline(block[1])


def _split(line: str, vocabulary: set[str]) -> tuple[str, _Byline] | None:
    """Split a title from the byline glued to it."""
    body, labs = _without_labs(line)
    parts = split_glued(body, vocabulary)
    return None if parts is None else (parts[0], _Byline(parts[1], parts[2], labs))


def _is_byline(line: str) -> bool:
    if len(line) > 400:
        return False
    body, labs = _without_labs(line)
    names, complete = split_authors(body)
    if not names:
        return False
    return bool(not complete or labs) or (all(map(is_name, names)) and not body.endswith("."))


def _is_prose(line: str) -> bool:
    return len(line) > 200 or line.endswith(".")


def _byline(line: str) -> _Byline:
    body, labs = _without_labs(line)
    names, complete = split_authors(body)
    return _Byline(names, complete, labs)


def _without_labs(line: str) -> tuple[str, tuple[str, ...]]:
    """Cut ` · lab, lab` off the end of a byline."""
    body, dot, labs = line.rpartition(_LABS)
    if not dot:
        return line, ()
    return body.rstrip(), tuple(lab for part in labs.split(",") if (lab := part.strip()))


def _day(meta: MetaLine, captured_on: date | None) -> date:
    """Return the day of a meta line; a month without a year is the latest such day up to the capture."""
    year = meta.year
    if year is None and captured_on is not None:
        year = captured_on.year - ((meta.month, meta.day) > (captured_on.month, captured_on.day))
    if year is None or not 1950 <= year <= 2200:
        raise ValueError("the year of its date is cut short or impossible")
    try:
        return date(year, meta.month, meta.day)
    except ValueError:
        raise ValueError(f"there is no {_MONTHS[meta.month - 1]} {meta.day} in {year}") from None


def _first_undated(metas: Mapping[int, MetaLine]) -> int:
    return min(at for at, meta in metas.items() if meta.year is None)


def _note(capture: Capture, header: PageHeader, notes: list[str]) -> None:
    """Say in the capture's reason what a reader of the run should know."""
    read = len(capture.listings)
    if header.claimed is not None and header.claimed != read:
        notes.insert(0, f"the page says {header.claimed} papers, {read} were read")
    notes[:0] = header.notes
    capture.reason = "; ".join((*notes[:5], f"and {len(notes) - 5} more notes") if len(notes) > 5 else notes)
