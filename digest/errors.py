"""The errors of Firstlight: one small tree, in which permanence is part of the type."""

from __future__ import annotations


class DigestError(Exception):
    """Base of every expected failure; its message names the input and the way out.

    `permanent` tells a caller whether the same call can succeed later. Where readers may come to see it, what was
    typed stands in `values` and as `%(name)s` in the words, so that a Language can say them.
    """

    permanent: bool = True

    def __init__(self, words: str = "", **values: object) -> None:
        super().__init__(words % values if values else words)
        self.words = words
        self.values = values


class ConfigError(DigestError):
    """A setting is missing, weak or contradictory."""


class SchemaOutdated(DigestError):
    """The database does not have the schema that this version of the code needs."""


class StoreUnavailable(DigestError):
    """The database cannot be reached, opened or locked in time."""

    permanent = False


class FileUnusable(DigestError):
    """A file or folder of ours cannot be read, made or written."""


class RefusedInput(DigestError):
    """Bytes from outside that cannot be read as what they claim to be."""


class SignatureRefused(DigestError):
    """What came from outside is not signed by whom it says it is from, or is too old to be believed."""


class SourceUnavailable(DigestError):
    """An outside service did not answer usefully; asking again later may work.

    `retry_after` is in seconds, when the service named it.
    """

    permanent = False

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class TemplateFault(DigestError):
    """A template cannot be compiled or names a variable that it is not given."""


class MessageRefused(DigestError):
    """A message cannot be built as asked, for instance because a header holds a line break."""


class RelayUnavailable(DigestError):
    """The SMTP relay cannot be reached, or refuses the session before any message."""

    permanent = False


class MailboxUnavailable(DigestError):
    """The bounce mailbox cannot be reached, or its server does not do as asked."""

    permanent = False


class LostInDoubt(DigestError):
    """The connection to the relay died after a message's final dot: it may or may not have been taken.

    Sending it again could mail it twice (RFC 5321 section 6.1), so this is permanent until an admin decides.
    """


class TokenInvalid(DigestError):
    """A link's token is forged, made for another purpose, expired or already spent."""


class TokenSpent(TokenInvalid):
    """A one-time link is used a second time; what it asked for has been done."""


class NotFound(DigestError):
    """What was asked for does not exist."""


class UnknownZone(DigestError):
    """A name that is no time zone."""


class AddressRefused(DigestError):
    """What was typed cannot be a mail address; says why, never whether anybody has it."""


class SignUpRefused(DigestError):
    """The installation does not take this address: another domain, or no invitation."""


class PreferencesRefused(DigestError):
    """A preference is out of range or names something that does not exist."""


class PasswordRefused(DigestError):
    """A password that is too easily guessed; the message says what one needs."""


class EditRefused(DigestError):
    """An edit of an issue that cannot be made; the message says why and what can."""


class TaskNeeded(DigestError):
    """A task that cannot be left undone, since no mail would go out without it."""


class DeedRefused(DigestError):
    """Something asked for at the desk that cannot be done now; the message says why and what can."""


class CorruptState(DigestError):
    """What the database holds is not what was written there."""
