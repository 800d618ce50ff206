"""The state of Firstlight as SQLModel tables; the words are those of the glossary in docs/."""

from digest.store.tables.admins import AdminSession, AuditEntry
from digest.store.tables.bounces import BounceEvent
from digest.store.tables.deliveries import Delivery
from digest.store.tables.feedback import BrakeEvent, MailboxAside, MailboxCursor
from digest.store.tables.issues import IssueCard, IssueRow
from digest.store.tables.papers import (
    Author,
    AuthorFigureRow,
    ListingRow,
    ObservationRow,
    Paper,
    PaperAlias,
    Score,
)
from digest.store.tables.readers import (
    Consent,
    SpentToken,
    Subscriber,
    Subscription,
    Suppression,
)
from digest.store.tables.runs import IngestRun, RejectedRecord, SourceCursor
from digest.store.tables.search import PaperAuthor, PaperLab, SearchWord
from digest.store.tables.signals import SignalCheck
from digest.store.tables.text import PaperText

__all__ = [
    "AdminSession",
    "AuditEntry",
    "Author",
    "AuthorFigureRow",
    "BounceEvent",
    "BrakeEvent",
    "Consent",
    "Delivery",
    "IngestRun",
    "IssueCard",
    "IssueRow",
    "ListingRow",
    "MailboxAside",
    "MailboxCursor",
    "ObservationRow",
    "Paper",
    "PaperAlias",
    "PaperAuthor",
    "PaperLab",
    "PaperText",
    "RejectedRecord",
    "Score",
    "SearchWord",
    "SignalCheck",
    "SourceCursor",
    "SpentToken",
    "Subscriber",
    "Subscription",
    "Suppression",
]
