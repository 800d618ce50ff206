"""Tomorrow's mail as it would go out, made by the code that sends, mailed to nobody."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime

from sqlalchemy import Engine
from sqlmodel import Session

from digest.core.cadence import Cadence
from digest.core.delivery import DeliveryKind
from digest.core.issue import Issue
from digest.core.tailor import Asked, Edition, tailor_many
from digest.errors import NotFound
from digest.flows.drafts import Drafts, LaidOut, lay_out, lay_out_week
from digest.flows.editions import coming_back, wishes_of
from digest.flows.letters import Courier, digest_letter, inert_links, upcoming_after
from digest.flows.score import ISSUE_SIZE
from digest.flows.stock import MEMORY
from digest.store.addressees import Reader, deliveries_of, sent_before
from digest.store.choices import choices_of, subscriber_of
from digest.store.engine import reading


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """A digest that nobody was sent; `frozen` tells an issue that exists from a draft of it.

    Links of one reader are placeholders that do nothing. `html` is empty for a reader who wants plain text. Sizes are
    in bytes.
    """

    subject: str
    html: str
    text: str
    message: bytes
    edition: Edition
    issue: Issue
    frozen: bool
    recipient: str
    reader_id: int | None = None

    @property
    def html_size(self) -> int:
        """The size of the HTML part before transfer encoding; Gmail clips at about 102 KB."""
        return len(self.html.encode())

    @property
    def message_size(self) -> int:
        """The size of the whole message."""
        return len(self.message)


def preview(
    engine: Engine,
    courier: Courier,
    *,
    issued_on: date,
    at: datetime,
    reader: str | None = None,
    categories: tuple[str, ...] = (),
    drafts: Drafts | None = None,
    size: int = ISSUE_SIZE,
) -> Preview:
    """Make the digest of a date as `reader` (an address) would get it, or as one without preferences would.

    `categories` replace the reader's own, to see what somebody who follows them would get.

    An issue frozen for that date is used as it is; otherwise one of `size` papers is drafted with `at` as its
    cut-off, or taken from `drafts`, which know their size. Writes nothing. Raises NotFound for an address that is not a
    subscriber's.
    """
    laid = drafts.lay_out(engine, issued_on, at) if drafts else lay_out(engine, issued_on, at, size)
    issue = laid.issue
    with reading(engine) as session:
        subscriber_id, whom, sent = _whom(session, reader, laid.issue_id, at)
        if categories:
            whom = replace(whom, categories=categories)
        if whom.cadence == Cadence.WEEKLY:
            laid = drafts.week(session, laid, at) if drafts else lay_out_week(session, laid, at)
        edition = _edition(session, (subscriber_id, whom, sent), laid)
    recipient = whom.address or courier.sender.address
    letter = digest_letter(
        courier,
        edition,
        inert_links(courier.base_url),
        recipient=recipient,
        identity=f"preview/{issued_on.isoformat()}",
        at=at,
        kind=DeliveryKind.DIGEST,
        plain=whom.plain_text,
        language=whom.language,
        upcoming=None if edition.picks else upcoming_after(whom, issued_on, at),
    )
    return Preview(
        subject=letter.rendered.subject,
        html=letter.rendered.html,
        text=letter.rendered.text,
        message=letter.message,
        edition=edition,
        issue=issue,
        frozen=laid.issue_id is not None,
        recipient=recipient,
        reader_id=subscriber_id or None,
    )


def _edition(session: Session, whom: tuple[int, Reader, frozenset[int]], laid: LaidOut) -> Edition:
    subscriber_id, reader, sent = whom
    issue_id = laid.issue_id
    wishes = wishes_of(session, {subscriber_id: reader})[subscriber_id]
    now_made = deliveries_of(session, subscriber_id, issue_id) if issue_id is not None else ()
    back = coming_back(session, laid.issue, [subscriber_id], but=now_made).get(subscriber_id, frozenset())
    return tailor_many(laid.index, [Asked(wishes, sent, back)])[0]


def _whom(
    session: Session, address: str | None, issue_id: int | None, at: datetime
) -> tuple[int, Reader, frozenset[int]]:
    if address is None:
        anyone = Reader(
            address="",
            subscription=None,
            paused_until=None,
            cadence=Cadence.DAILY,
            categories=(),
            paper_count=10,
        )
        return 0, anyone, frozenset()
    subscriber_id = subscriber_of(session, address)
    found = choices_of(session, subscriber_id) if subscriber_id is not None else None
    if subscriber_id is None or found is None:
        raise NotFound(f"nobody subscribes as {address}; leave the reader out to see a digest without preferences")
    own_address, state, choices = found
    reader = Reader(
        address=own_address,
        subscription=state,
        paused_until=None,
        cadence=choices.cadence,
        categories=choices.categories,
        paper_count=choices.paper_count,
        language=choices.language,
        plain_text=choices.plain_text,
        when_empty=choices.when_empty,
        outside=choices.outside,
        timezone=choices.timezone,
        hour=choices.hour,
        weekday=choices.weekday,
    )
    return subscriber_id, reader, sent_before(session, subscriber_id, issue_id, since=(at - MEMORY).date())
