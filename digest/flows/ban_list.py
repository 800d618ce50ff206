"""The list of bans as an operator keeps it: add, lift, take in a file, give one out; each is audited."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import islice

from sqlalchemy import Engine
from sqlmodel import Session

from digest.errors import AddressRefused
from digest.flows.ban_lines import Line, Reader, written
from digest.flows.csv_lines import Refused
from digest.flows.subscribe import readable_address
from digest.store import subscribers
from digest.store.admins import append_audit
from digest.store.engine import reading, writing
from digest.store.suppressions import Ban, ban_many, count_bans, every_ban
from digest.tokens import Tokens, address_key

_ACTOR = "command line"
_CHUNK = 2_000
HEADER = "hash,keys,address,reason,since"


def ban(
    engine: Engine, tokens: Tokens, address: str, reason: str, *, now: datetime, actor: str = _ACTOR, ip: str = ""
) -> bool:
    """Ban an address; False if it was banned already. Raises AddressRefused."""
    spelt = readable_address(address, special_use=True)
    hashes = tokens.address_hashes(spelt)
    with writing(engine) as session:
        added = subscribers.suppress(session, spelt, hashes, reason, now)
        detail = reason if added else "it was banned already"
        append_audit(session, at=now, actor=actor, action="ban", target=short(hashes[0]), detail=detail, ip=ip)
    return added


def lift(engine: Engine, tokens: Tokens, address: str, *, now: datetime, actor: str = _ACTOR, ip: str = "") -> bool:
    """Lift the ban on an address; False if there was none. What bounced before it counts no more."""
    with writing(engine) as session:
        return lift_within(session, tokens, address, now=now, actor=actor, ip=ip)


def lift_within(session: Session, tokens: Tokens, address: str, *, now: datetime, actor: str, ip: str = "") -> bool:
    """Do the same in the caller's transaction."""
    try:
        spelt = readable_address(address, special_use=True)
    except AddressRefused:
        spelt = address  # a ban may have been made from what is no address to us
    hashes = tokens.address_hashes(spelt)
    lifted = subscribers.lift(session, hashes)
    forgiven = subscribers.forgive(session, spelt) if lifted else 0
    detail = f"{forgiven} bounces forgiven" if lifted else "there was none"
    append_audit(session, at=now, actor=actor, action="lift ban", target=short(hashes[0]), detail=detail, ip=ip)
    return lifted


def short(address_hash: str) -> str:
    """Return the start of a hash: enough to find a ban, and nobody's address."""
    return address_hash[:12]


class Intake:
    """Takes in a file of bans chunk by chunk; `new`, `known` and `refused` say what became of its lines.

    A chunk of 2,000 lines is one transaction, and the same file again changes nothing.
    """

    def __init__(self, engine: Engine, tokens: Tokens, *, reason: str, now: datetime, dry_run: bool = False) -> None:
        self._engine = engine
        self._tokens = tokens
        self._now = now
        self._dry_run = dry_run
        self._reader = Reader(tokens, reason=reason, now=now)
        self.new = self.known = 0
        self.refused: list[Refused] = []

    def take(self, lines: Iterable[bytes]) -> Iterator[int]:
        """Take in every line, and yield how many bytes each chunk was."""
        numbered = enumerate(lines, start=1)
        while chunk := list(islice(numbered, _CHUNK)):
            read = [self._reader.read(number, line) for number, line in chunk]
            self.refused += [one for one in read if isinstance(one, Refused)]
            self._store([one for one in read if isinstance(one, Line)])
            yield sum(len(line) for _number, line in chunk)

    def _store(self, lines: list[Line]) -> None:
        once = {line.ban.address_hash: line for line in reversed(lines)}
        twice = len(lines) - len(once)
        if self._dry_run:
            self.new += len(once)
            self.known += twice
            return
        bans = [(line.ban, line.hashes) for line in once.values()]
        keys = [address_key(line.ban.address) for line in once.values() if line.ban.address]
        with writing(self._engine) as session:
            added = ban_many(session, bans, keys, self._now)
        self.new += added
        self.known += len(once) - added + twice

    def close(self, name: str) -> None:
        """Write the audit line."""
        if self._dry_run:
            return
        detail = f"{self.new} new, {self.known} known, {len(self.refused)} refused"
        with writing(self._engine) as session:
            append_audit(session, at=self._now, actor=_ACTOR, action="import bans", target=name, detail=detail)


def export(engine: Engine, tokens: Tokens, *, hashes_only: bool, now: datetime) -> Iterator[str]:
    """Yield the lines of a file with every ban, its header first, and record that it was given out."""
    with writing(engine) as session:
        detail = f"{count_bans(session)} bans, {'hashes only' if hashes_only else 'with addresses'}"
        append_audit(session, at=now, actor=_ACTOR, action="export bans", detail=detail)
    yield HEADER
    names = " ".join(tokens.key_names())
    with reading(engine) as session:
        for one in every_ban(session):
            yield written(one if not hashes_only else Ban(one.address_hash, None, one.reason, one.since), names)
