"""From a claimed delivery to the message that goes out; previews are made here too."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Protocol

from digest.core.cadence import Cadence, slots_between
from digest.core.delivery import DeliveryKind
from digest.core.language import Language
from digest.core.pace import Pace
from digest.core.tailor import Edition
from digest.core.warm_up import WarmUp
from digest.flows.lately import Lately
from digest.flows.links import Held, held
from digest.mail.alert_words import AlertWords
from digest.mail.fragments import Pressed, Rendered
from digest.mail.message import Envelope, ascii_address, message_bytes, message_id
from digest.mail.moving_letters import LetterWords
from digest.mail.parcel import News
from digest.mail.render import ReaderLinks, Sender
from digest.mail.verp import leave_address, verp_address
from digest.store.addressees import Reader
from digest.store.deliveries import Claim
from digest.tokens import Tokens


class Printer(Protocol):
    """What turns editions and links into subject, HTML and text."""

    def speaking(self, tag: str) -> Printer:
        """Return the printer of a reader's language; of the site's own where the tag is empty."""

    def digest(
        self,
        edition: Edition,
        links: ReaderLinks,
        *,
        welcome: bool = False,
        plain: bool = False,
        upcoming: date | None = None,
    ) -> Rendered | Pressed:
        """Render one reader's edition; an empty one says that the next is due `upcoming`."""

    def confirmation(self, confirm_url: str) -> Rendered:
        """Render the mail that asks for consent."""

    def sign_in(self, sign_in_url: str) -> Rendered:
        """Render the mail that lets an admin in."""

    def letter(self, words: Callable[[Language], LetterWords], url: str) -> Rendered:
        """Render a letter with one link; `words` says it in the printer's language."""

    def alert(self, words: AlertWords) -> Rendered:
        """Render what is wrong and what is over."""


class Lines(Protocol):
    """Connections to a relay; each has at most one message whose final dot was sent and is not answered yet."""

    trouble: str  # why no connection can be had any more

    def room(self, waiting: int) -> int:
        """Return how many of the `waiting` messages may be begun now."""

    def begin(self, key: int, envelope: Envelope, message: bytes) -> None:
        """Start a message; raises MessageRefused for one that cannot be handed over."""

    def seal(self, key: int) -> None:
        """Let go a message that the relay waits for: its intent is committed."""

    def recall(self, key: int) -> None:
        """Take back a message that was not let go."""

    def flush(self) -> None:
        """Write what was let go."""

    def listen(self, seconds: float) -> Sequence[News]:
        """Wait at most so long for something to be heard of the messages begun."""


@dataclass(frozen=True, kw_only=True)
class Courier:
    """Everything needed to make and hand over messages; `base_url` is the site's, without a final slash.

    `sign` puts a DKIM signature on a message; with `verp` each has a return path of its own, and a mail
    address to unsubscribe by. `pace` and `lately` outlive the runs: they know which domains have asked for less, and
    the issues that were sent. `warm_up` caps a day's mail.
    """

    renderer: Printer
    tokens: Tokens
    sender: Sender
    base_url: str
    relay: Callable[[], AbstractContextManager[Lines]]
    sign: Callable[[bytes], bytes] | None = None
    verp: bool = False
    pace: Pace = field(default_factory=Pace)
    lately: Lately = field(default_factory=Lately)
    warm_up: WarmUp | None = None

    @property
    def domain(self) -> str:
        """The domain of the sender's address, which Message-ID and List-Id are made in, in ASCII."""
        return ascii_address(self.sender.address).rpartition("@")[2]

    @property
    def list_id(self) -> str:
        """The stable identifier of the list (RFC 2919), without brackets."""
        return f"digest.{self.domain}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A message ready for the relay, and the papers in it."""

    envelope: Envelope
    message: bytes
    message_id: str
    rendered: Rendered | Pressed
    edition: Edition | None = None
    paper_ids: tuple[int, ...] = field(default=())


def digest_letter(
    courier: Courier,
    edition: Edition,
    links: ReaderLinks,
    *,
    recipient: str,
    identity: str,
    at: datetime,
    kind: DeliveryKind = DeliveryKind.DIGEST,
    claimed: Claim | None = None,
    plain: bool = False,
    upcoming: date | None = None,
    language: str = "",
) -> Letter:
    """Make a reader's digest; `identity` is what its Message-ID is derived from, the same on a retry.

    Without a claim, for a preview, it has no return path of its own. A `plain` one is text alone; an empty one says
    that the next is due `upcoming`.
    """
    rendered = courier.renderer.speaking(language).digest(
        edition, links, welcome=kind is DeliveryKind.WELCOME, plain=plain, upcoming=upcoming
    )
    papers = tuple(pick.card.paper_id for pick in edition.picks)
    return letter_of(
        courier,
        rendered,
        recipient,
        identity,
        at=at,
        kind=kind,
        unsubscribe=links.unsubscribe,
        edition=edition,
        papers=papers,
        claimed=claimed,
    )


def reader_letter(courier: Courier, claimed: Claim, reader: Reader, edition: Edition, at: datetime) -> Letter:
    """Make the digest or welcome mail of a claimed delivery, with that reader's own links.

    An edition without papers makes a mail of one sentence, for those who asked for it.
    """
    subscriber = claimed.subscriber_id or 0
    links = reader_links(courier, held(subscriber, reader.link_generation), claimed.id)
    # By the date, not its id: after a restore another issue may get the id of one that is forgotten.
    identity = f"{claimed.kind}/{edition.issued_on.isoformat()}/{subscriber}"
    return digest_letter(
        courier,
        edition,
        links,
        recipient=reader.address,
        identity=identity,
        at=at,
        kind=claimed.kind,
        claimed=claimed,
        plain=reader.plain_text,
        language=reader.language,
        upcoming=None if edition.picks else upcoming_after(reader, claimed.local_date or at.date(), at),
    )


def upcoming_after(reader: Reader, day: date, at: datetime) -> date | None:
    """Return the local date on which a reader's next slot after that of `day` is, if there is one within nine days."""
    slots = slots_between(
        reader.timezone, reader.hour, Cadence(reader.cadence), reader.weekday, at, at + timedelta(days=9)
    )
    return next((on for on, _instant in slots if on > day), None)


def reader_links(courier: Courier, own: Held, delivery_id: int) -> ReaderLinks:
    """Make a reader's links; derived each time, so that no token is stored."""
    base, tokens = courier.base_url, courier.tokens
    leave, change, react = tokens.sign_each(("unsubscribe", "preferences", "react"), own)
    return ReaderLinks(
        unsubscribe=f"{base}/unsubscribe/{leave}",
        preferences=f"{base}/preferences/{change}",
        web=f"{base}/editions/{tokens.sign('edition', {'d': delivery_id})}",
        react=f"{base}/r/{react}",
    )


def inert_links(base_url: str) -> ReaderLinks:
    """Make links of the same shape that do nothing, for a preview: they hold no token."""
    return ReaderLinks(
        unsubscribe=f"{base_url}/preview/unsubscribe",
        preferences=f"{base_url}/preview/preferences",
        web=f"{base_url}/preview/editions",
        react=f"{base_url}/preview/r",
    )


def letter_of(
    courier: Courier,
    rendered: Rendered | Pressed,
    recipient: str,
    identity: str,
    *,
    at: datetime,
    kind: DeliveryKind,
    unsubscribe: str = "",
    edition: Edition | None = None,
    papers: tuple[int, ...] = (),
    claimed: Claim | None = None,
) -> Letter:
    """Put a rendered mail into its envelope; `identity` is what its Message-ID is derived from."""
    # Keyed, so that a Message-ID proves that a report comes from where the message went (flows/bounce.py).
    own_id = message_id(courier.tokens.marks("message-id", identity)[0], courier.domain)
    return_path, leave = courier.sender.address, ""
    if courier.verp and claimed is not None:
        return_path = verp_address(courier.tokens, courier.sender.address, claimed.id)
        if unsubscribe and claimed.subscriber_id is not None:  # a test letter has nobody who could leave
            leave = leave_address(courier.tokens, courier.sender.address, claimed.subscriber_id)
    message: bytes = message_bytes(
        rendered,
        sender=courier.sender,
        recipient=recipient,
        message_id=own_id,
        date=at,
        kind=kind,
        list_id=courier.list_id if unsubscribe else "",
        unsubscribe_url=unsubscribe,
        unsubscribe_mailto=leave,
    )
    if courier.sign is not None:
        message = courier.sign(message)
    envelope = Envelope(mail_from=return_path, rcpt_to=recipient)
    return Letter(
        envelope=envelope, message=message, message_id=own_id, rendered=rendered, edition=edition, paper_ids=papers
    )
