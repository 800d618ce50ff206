"""Where a database's mark is kept outside of it: a file, or a key in Redis."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.engine import URL

from digest.core.epoch import Mark
from digest.errors import FileUnusable

# Redis has no "set if greater"; a script is one step for all who ask.
_RAISE = """
local known = redis.call('GET', KEYS[1])
if not known or tonumber(known) < tonumber(ARGV[1]) then redis.call('SET', KEYS[1], ARGV[1]) end
"""


class FileMark:
    """A file beside a SQLite database, or wherever it is told; what is missing there was lost."""

    lasts = True

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self, _identity: str) -> Mark | None:
        """Return the mark, whichever database's it is. Raises FileUnusable for a file that holds none."""
        try:
            plain = json.loads(self._path.read_text(encoding="utf-8"))
            return Mark(str(plain["identity"]), int(plain["mark"]))
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError) as error:
            raise FileUnusable(
                f"{self._path} is no mark of a database; remove it, and what may have been sent is held for you"
            ) from error

    def write(self, mark: Mark) -> None:
        """Keep a mark, durably; one that is less than what is kept of the same database changes nothing."""
        with self._alone():
            known = self.read(mark.identity)
            if known is not None and known.identity == mark.identity and known.mark >= mark.mark:
                return
            new = self._path.with_name(f"{self._path.name}.new")
            with new.open("w", encoding="utf-8") as file:
                json.dump({"identity": mark.identity, "mark": mark.mark}, file)
                file.flush()
                os.fsync(file.fileno())
            new.replace(self._path)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep other processes away; the folder is locked, since the file is another one after each writing."""
        folder = os.open(self._path.parent, os.O_RDONLY)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            yield
            os.fsync(folder)
        finally:
            os.close(folder)


class RedisMark:
    """A key in Redis, for processes on several machines; it may be flushed, and is then written again."""

    lasts = False

    def __init__(self, url: str) -> None:
        self._url = url

    def read(self, identity: str) -> Mark | None:
        """Return the mark of a database; None where Redis has none, or does not answer."""
        import redis  # noqa: PLC0415  # heavy, and only where there is one

        try:
            with redis.Redis.from_url(self._url, socket_timeout=5, socket_connect_timeout=5) as client:
                known = client.get(_key(identity))
                return Mark(identity, int(str(known, "ascii"))) if isinstance(known, bytes) else None
        except (redis.RedisError, ValueError):
            return None

    def write(self, mark: Mark) -> None:
        """Keep a mark, unless a greater one is kept; a Redis that is away keeps none."""
        import redis  # noqa: PLC0415  # heavy, and only where there is one

        try:
            with redis.Redis.from_url(self._url, socket_timeout=5, socket_connect_timeout=5) as client:
                client.eval(_RAISE, 1, _key(mark.identity), str(mark.mark))
        except redis.RedisError:
            return


def marks_of(url: URL, file: Path | None, broker_url: str) -> FileMark | RedisMark | None:
    """Return where the marks of a database go: a file that is named, one beside SQLite's, Redis, or nowhere."""
    if file is None and url.get_backend_name() == "sqlite" and url.database not in (None, "", ":memory:"):
        file = Path(f"{url.database}.mark")
    if file is not None:
        return FileMark(file)
    return RedisMark(broker_url) if broker_url.startswith(("redis://", "rediss://")) else None


def _key(identity: str) -> str:
    return f"firstlight:mark:{identity}"
