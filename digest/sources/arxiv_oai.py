"""arXiv's OAI-PMH: back-fill and catch-up by set and day, with resumption tokens. Source: OAI-PMH 2.0 section 3.5.

The paging loop and the strict reading are our own: an answer that is cut short must be a failure, or days are lost.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime, timedelta

import httpx
from lxml import etree

from digest.core.capture import Capture, Cursor, Fetched, Reading, RunStatus
from digest.core.errands import Reach, pages_of
from digest.core.text import readable
from digest.errors import ConfigError, RefusedInput, SourceUnavailable
from digest.sources import arxiv_fields as fields
from digest.sources.arxiv_records import SOURCE, identifier, is_deleted, listing_of
from digest.sources.http import get
from digest.sources.strict_xml import local_name, parse_xml, text_of

ADDRESS = "https://oaipmh.arxiv.org/oai"
FIRST_LOOK_BACK = timedelta(days=7)  # how far the first run goes
_A_PAGE = 1_000  # records in an answer, about
_RESTARTS = 2  # how often a token that ran out begins the harvest anew
_SCOPE = re.compile(r"[a-z-]{2,20}(?::[a-z-]{2,20}(?::[A-Za-z-]{2,20})?)?")
_LISTS_PAPERS = ("ListRecords", "GetRecord")


@dataclass(frozen=True, slots=True)
class _Harvest:
    """What a cursor's position holds: days as ISO dates, and the token of the page that is next, if one is.

    `since` is the first day this harvest asks for, `following` the day from which the next one will.
    """

    since: str
    following: str = ""
    token: str = ""

    def position(self) -> str:
        """Write it down; between harvests a plain date, so that an operator can set one."""
        return json.dumps(asdict(self), separators=(",", ":")) if self.token else self.since


class ArxivOai:
    """The source `arxiv-oai`; a scope is a set: `cs`, `cs:cs:LG`, `physics:hep-th`, `math:math:MP`."""

    name = SOURCE

    def read(self, body: bytes, reading: Reading) -> Capture:
        """Read a recorded answer to ListRecords or GetRecord; `noRecordsMatch` is a quiet answer.

        Raises RefusedInput for other errors and verbs, and where not one record can be read.
        """
        root = _open_answer(body, reading.origin)
        codes = _error_codes(root)
        if "noRecordsMatch" in codes:
            return _no_records()
        if codes:
            raise RefusedInput(_refusal(root, reading.origin))
        return _capture(root, reading.origin)

    def reach_back(self, since: date, today: date, a_day: float) -> Reach:
        """Say how to read what changed from a day on."""
        return Reach(since.isoformat(), pages_of((today - since).days + 1, a_day, _A_PAGE))

    def fetch(self, client: httpx.Client, scope: str, cursor: Cursor, now: datetime) -> Iterator[Fetched]:
        """Ask for what changed since the cursor, page by page; each page brings the cursor that resumes after it.

        Raises SourceUnavailable and RefusedInput.
        """
        if not _SCOPE.fullmatch(scope):
            raise ConfigError(f"arxiv-oai has no scope {scope[:40]!r}; a scope is a set such as cs or math:math:MP")
        today = now.astimezone(UTC).date()
        harvest = _harvest_at(cursor.position, today)
        restarts = 0
        while True:
            origin = f"{ADDRESS} {scope} from {harvest.since}"
            answer = get(client, ADDRESS, params=_params(scope, harvest, today), accept=(200, 400, 404, 422))
            root = _open_answer(answer.body, origin)
            codes = _error_codes(root)
            if "badResumptionToken" in codes and harvest.token and restarts < _RESTARTS:
                restarts += 1
                harvest = _Harvest(harvest.since)
                continue
            if "badResumptionToken" in codes:
                raise SourceUnavailable(f"{origin}: {_refusal(root, ADDRESS)}")
            if codes and "noRecordsMatch" not in codes:
                raise RefusedInput(_refusal(root, origin))
            if not harvest.following:
                harvest = replace(harvest, following=_answered_on(root, today))
            capture = _no_records() if codes else _capture(root, origin)
            token = "" if codes else _token(root)
            if token and token == harvest.token:
                raise SourceUnavailable(f"{origin} gives the same resumption token again; ask again later")
            harvest = replace(harvest, token=token) if token else _Harvest(harvest.following)
            yield Fetched(capture, Cursor(harvest.position()))
            if not token:
                return


def _params(scope: str, harvest: _Harvest, today: date) -> dict[str, str | int]:
    if harvest.token:  # an exclusive argument
        return {"verb": "ListRecords", "resumptionToken": harvest.token}
    until = max(today.isoformat(), harvest.since)
    return {"verb": "ListRecords", "metadataPrefix": "arXiv", "set": scope, "from": harvest.since, "until": until}


def _harvest_at(position: str, today: date) -> _Harvest:
    first = _Harvest((today - FIRST_LOOK_BACK).isoformat())
    if not position.startswith("{"):
        day = fields.day_of(position)
        return _Harvest(day.isoformat()) if day else first
    try:
        kept = json.loads(position)
        days = [fields.day_of(str(kept[name])) for name in ("since", "following")]
        if None in days or not isinstance(kept["token"], str):
            return first
        return _Harvest(str(days[0]), str(days[1]), kept["token"])
    except (ValueError, KeyError, TypeError):
        return first


def _answered_on(root: etree._Element, today: date) -> str:
    """Return the day the server counts as today: the next harvest begins with it, as it is not over yet."""
    answered = fields.day_of(root.findtext("{*}responseDate", "")) or today
    return min(answered, today).isoformat()


def _open_answer(body: bytes, origin: str) -> etree._Element:
    root = parse_xml(body, origin)
    if local_name(root) != "OAI-PMH":
        raise RefusedInput(f"{origin} is no answer of OAI-PMH: its root is <{local_name(root)}>, not <OAI-PMH>.")
    verbs = [local_name(child) for child in root if local_name(child) not in ("responseDate", "request", "error")]
    if not _error_codes(root) and not any(verb in _LISTS_PAPERS for verb in verbs):
        said = f"answers {verbs[0]}, which lists no papers" if verbs else "holds neither records nor an error"
        raise RefusedInput(f"{origin} {said}; record the answer to ListRecords or GetRecord.")
    return root


def _error_codes(root: etree._Element) -> list[str]:
    return [error.get("code", "") or "without a code" for error in root.iterfind("{*}error")]


def _refusal(root: etree._Element, origin: str) -> str:
    errors = [
        f"{error.get('code', 'without a code')} {readable(text_of(error))[:200]}".strip()
        for error in root.iterfind("{*}error")
    ]
    return f"{origin}: the server refused with {'; '.join(errors)[:500]}. Correct the request."


def _no_records() -> Capture:
    return Capture(status=RunStatus.QUIET, reason="no record changed in that time (noRecordsMatch)")


def _token(root: etree._Element) -> str:
    return root.findtext("{*}ListRecords/{*}resumptionToken", "").strip()


def _capture(root: etree._Element, origin: str) -> Capture:
    capture = Capture()
    records = [record for verb in _LISTS_PAPERS for record in root.iterfind(f"{{*}}{verb}/{{*}}record")]
    living = 0
    for number, record in enumerate(records, start=1):
        position = f"record {number}"
        if is_deleted(record):
            named = identifier(record) or "a record without an identifier"
            capture.rejected.append(fields.set_aside(position, "it was deleted at the source", named))
            continue
        living += 1
        try:
            capture.listings.append(listing_of(record))
        except ValueError as fault:
            begins = f"{identifier(record)} {text_of(record.find('{*}metadata'))}"
            capture.rejected.append(fields.set_aside(position, fault, begins))
    if living and not capture.listings:
        reasons = next(rejection for rejection in capture.rejected if "deleted" not in rejection.reason)
        raise RefusedInput(
            f"{origin} holds {living} records and none can be read ({reasons.position}: {reasons.reason}). "
            f"Only arXiv's own records are."
        )
    if not living:
        capture.status = RunStatus.QUIET
        capture.reason = "only deleted records" if records else "no records in the answer"
    return capture
