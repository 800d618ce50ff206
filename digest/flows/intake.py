"""Take in a file of readers chunk by chunk: no digest without consent, no ban overlooked, nobody known changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from itertools import islice

from sqlalchemy import Engine

from digest.errors import ConfigError
from digest.flows.csv_lines import Refused
from digest.flows.reader_lines import ReaderLine, ReaderLines
from digest.flows.subscribe import WORDING
from digest.store.admins import append_audit
from digest.store.engine import reading, writing
from digest.store.intake import Newcomer, known_keys, take_in
from digest.store.subscribers import suppressed
from digest.tokens import Tokens, address_key

_CHUNK = 2_000


class ReaderIntake:
    """Counts what became of the lines: `new`, `known`, `banned`, `refused`; a chunk is one transaction.

    `source` says where the readers agreed; with `confirm` each is asked by mail. Raises ConfigError without either.
    `tell` is given every line that is not taken, with its bytes; nothing of the file stays in memory.
    """

    def __init__(
        self,
        engine: Engine,
        tokens: Tokens,
        *,
        source: str,
        confirm: bool,
        now: datetime,
        tell: Callable[[Refused, bytes], None],
        dry_run: bool = False,
        special_use: bool = False,
    ) -> None:
        if not (source or confirm):
            raise ConfigError(
                "say where these readers agreed to a digest, with --source WORDS, or let them confirm, with --confirm"
            )
        self._engine = engine
        self._tokens = tokens
        self._source = source or "import"
        self._confirm = confirm
        self._now = now
        self._tell = tell
        self._dry_run = dry_run
        self._lines = ReaderLines(now=now, special_use=special_use)
        self.new = self.known = self.banned = self.refused = 0

    @property
    def ignored(self) -> list[str]:
        """The columns of the file that are not known here."""
        return self._lines.ignored

    def take(self, lines: Iterable[bytes]) -> Iterator[int]:
        """Take in every line, and yield how many bytes each chunk was; raises RefusedInput for want of a header."""
        numbered = enumerate(lines, start=1)
        while chunk := list(islice(numbered, _CHUNK)):
            raw = dict(chunk)
            wanted: dict[str, ReaderLine] = {}
            for number, line in chunk:
                read = self._lines.read(number, line)
                if isinstance(read, Refused):
                    self.refused += 1
                    self._tell(read, line)
                elif read is not None and wanted.setdefault(address_key(read.address), read) is not read:
                    self.known += 1
            self._store(wanted, raw)
            yield sum(map(len, raw.values()))

    def _store(self, wanted: dict[str, ReaderLine], raw: dict[int, bytes]) -> None:
        hashes = {key: self._tokens.address_hashes(one.address) for key, one in wanted.items()}
        with reading(self._engine) if self._dry_run else writing(self._engine) as session:
            banned = suppressed(session, [one for several in hashes.values() for one in several])
            known = known_keys(session, list(wanted))
            fresh: dict[str, Newcomer] = {}
            for key, one in wanted.items():
                if not banned.isdisjoint(hashes[key]):
                    self.banned += 1
                    self._tell(Refused(one.number, "its address is banned"), raw[one.number])
                elif key not in known:
                    fresh[key] = Newcomer(one.address, one.choices, one.agreed_at, one.ip)
            added = len(fresh)
            if not self._dry_run:
                added = take_in(
                    session, fresh, source=self._source, wording=WORDING, confirm=self._confirm, now=self._now
                )
        self.new += added
        self.known += sum(banned.isdisjoint(hashes[key]) for key in known) + len(fresh) - added

    def close(self, name: str) -> None:
        """Write the audit line."""
        if self._dry_run:
            return
        consent = "asked to confirm" if self._confirm else f"agreed: {self._source}"
        detail = f"{self.new} new, {self.known} known, {self.banned} banned, {self.refused} refused; {consent}"
        with writing(self._engine) as session:
            append_audit(
                session, at=self._now, actor="command line", action="import readers", target=name, detail=detail
            )
