"""The state of Firstlight as SQLModel tables; the words are those of the glossary in docs/."""

from digest.store.tables.admins import AdminRow, AdminSession, AuditEntry
from digest.store.tables.admission import Invitation, LimitRow
from digest.store.tables.bounces import BounceEvent
from digest.store.tables.deliveries import Delivery
from digest.store.tables.edits import IssueEdit
from digest.store.tables.feedback import BrakeEvent, MailboxAside, MailboxCursor
from digest.store.tables.interests import InterestRow, ReactionRow, TasteRow
from digest.store.tables.issues import IssueCard, IssueRow
from digest.store.tables.operations import Chore, DatabaseEpoch, SchedulerLease
from digest.store.tables.papers import (
    Author,
    AuthorFigureRow,
    FormerTitle,
    ListingRow,
    ObservationRow,
    Paper,
    PaperAlias,
    PaperStanding,
    Score,
    Yardstick,
)
from digest.store.tables.readers import (
    AddressChange,
    Consent,
    SpentToken,
    Subscriber,
    Subscription,
    Suppression,
)
from digest.store.tables.runs import IngestRun, RejectedRecord, SourceCursor
from digest.store.tables.search import PaperAuthor, PaperCredit, PaperLab, SearchWord
from digest.store.tables.signals import ServiceCondition, SignalCheck
from digest.store.tables.text import PaperNeighbour, PaperText, WordFrequency

__all__ = [
    "AddressChange",
    "AdminRow",
    "AdminSession",
    "AuditEntry",
    "Author",
    "AuthorFigureRow",
    "BounceEvent",
    "BrakeEvent",
    "Chore",
    "Consent",
    "DatabaseEpoch",
    "Delivery",
    "FormerTitle",
    "IngestRun",
    "InterestRow",
    "Invitation",
    "IssueCard",
    "IssueEdit",
    "IssueRow",
    "LimitRow",
    "ListingRow",
    "MailboxAside",
    "MailboxCursor",
    "ObservationRow",
    "Paper",
    "PaperAlias",
    "PaperAuthor",
    "PaperCredit",
    "PaperLab",
    "PaperNeighbour",
    "PaperStanding",
    "PaperText",
    "ReactionRow",
    "RejectedRecord",
    "SchedulerLease",
    "Score",
    "SearchWord",
    "ServiceCondition",
    "SignalCheck",
    "SourceCursor",
    "SpentToken",
    "Subscriber",
    "Subscription",
    "Suppression",
    "TasteRow",
    "WordFrequency",
    "Yardstick",
]
