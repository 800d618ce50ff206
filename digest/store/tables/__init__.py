"""The state of Firstlight as SQLModel tables; the words are those of the glossary in docs/."""

from digest.store.tables.admins import AdminRow, AdminSession, AuditEntry
from digest.store.tables.admission import Invitation, LimitRow
from digest.store.tables.alarms import AlarmRow, AlertMail, AlertNotice, Heartbeat, Outage
from digest.store.tables.bounces import BounceEvent
from digest.store.tables.deliveries import Delivery, WarmUpCount
from digest.store.tables.edits import IssueEdit
from digest.store.tables.errands import SourceErrand
from digest.store.tables.feedback import BrakeEvent, MailboxAside, MailboxCursor
from digest.store.tables.growth import ReaderDay
from digest.store.tables.interests import InterestRow, ReactionRow, TasteRow
from digest.store.tables.issues import IssueCard, IssueRow
from digest.store.tables.operations import Chore, DatabaseEpoch, SchedulerLease, TaskAside, TaskRun
from digest.store.tables.outlook import OutlookRow
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
from digest.store.tables.specimens import SpecimenLetter
from digest.store.tables.text import PaperNeighbour, PaperText, WordFrequency

__all__ = [
    "AddressChange",
    "AdminRow",
    "AdminSession",
    "AlarmRow",
    "AlertMail",
    "AlertNotice",
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
    "Heartbeat",
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
    "Outage",
    "OutlookRow",
    "Paper",
    "PaperAlias",
    "PaperAuthor",
    "PaperCredit",
    "PaperLab",
    "PaperNeighbour",
    "PaperStanding",
    "PaperText",
    "ReactionRow",
    "ReaderDay",
    "RejectedRecord",
    "SchedulerLease",
    "Score",
    "SearchWord",
    "ServiceCondition",
    "SignalCheck",
    "SourceCursor",
    "SourceErrand",
    "SpecimenLetter",
    "SpentToken",
    "Subscriber",
    "Subscription",
    "Suppression",
    "TaskAside",
    "TaskRun",
    "TasteRow",
    "WarmUpCount",
    "WordFrequency",
    "Yardstick",
]
