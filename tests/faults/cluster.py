"""A PostgreSQL server of a test's own whose whole disk is a small file system, which can be filled to the last byte."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import sqlalchemy
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

_ACCOUNT = "postgres"
_SIZE = "160m"
_BALLAST = "ballast"


class Cluster:
    """A server that runs as its own account; `folder` is the mounted disk, `binaries` where its programs are."""

    def __init__(self, folder: Path, binaries: Path, port: int) -> None:
        self.folder, self._binaries, self._port = folder, binaries, port

    @property
    def server(self) -> str:
        return f"postgresql+psycopg://{_ACCOUNT}@127.0.0.1:{self._port}/postgres"

    def make(self) -> None:
        """Lay out the data; the log is written in files of a megabyte, so that it soon needs another."""
        self._run("initdb", "-D", "data", "-A", "trust", "-U", _ACCOUNT, "--wal-segsize=1", "--no-sync")

    def start(self) -> None:
        settings = f"-p {self._port} -k {self.folder} -c shared_buffers=16MB -c max_connections=30 -c min_wal_size=2MB"
        self._run("pg_ctl", "-D", "data", "-w", "-l", "/dev/null", "-o", settings, "start")

    def stop(self) -> None:
        with suppress(subprocess.CalledProcessError):  # it may have stopped by itself
            self._run("pg_ctl", "-D", "data", "-w", "-m", "immediate", "stop")

    def make_room(self) -> None:
        """Remove what fills the disk, and start anew what a full disk has ended."""
        (self.folder / _BALLAST).unlink(missing_ok=True)
        self.stop()
        self.start()

    def _run(self, name: str, *arguments: str) -> None:
        subprocess.run(
            [self._binaries / name, *arguments],
            cwd=self.folder,
            user=_ACCOUNT,
            group=_ACCOUNT,
            extra_groups=[],
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=True,
        )


class FillServersDisk:
    """Fill the disk of a cluster, and have its log need another file; it can be given to a child process."""

    def __init__(self, cluster: Cluster) -> None:
        self._folder, self._server = cluster.folder, cluster.server

    def __call__(self, _engine: Engine) -> None:
        with suppress(OSError), (self._folder / _BALLAST).open("wb", buffering=0) as ballast:
            for size in (1 << 20, 1 << 12):
                with suppress(OSError):
                    while ballast.write(b"\0" * size):
                        pass
        server = sqlalchemy.create_engine(self._server, isolation_level="AUTOCOMMIT", poolclass=sqlalchemy.NullPool)
        with pytest.raises(OperationalError):
            _use_up_log(server)


def _use_up_log(server: Engine) -> None:
    """Begin one file of the log after another, until the server ends: it must not go on without."""
    with server.connect() as connection:
        for _ in range(20):
            connection.exec_driver_sql("SELECT pg_logical_emit_message(false, 'test', repeat('x', 9000))")
            connection.exec_driver_sql("SELECT pg_switch_wal()")


@contextmanager
def small_cluster() -> Iterator[Cluster]:
    """Run a server on a small file system; skips where this machine does not let us."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb")) or [Path(shutil.which("initdb") or "")]
    if not found[-1].is_file():
        pytest.skip("no initdb here: PostgreSQL's server programs are not installed")
    if os.geteuid() != 0:
        pytest.skip("only root may mount a file system to fill")
    try:
        account = pwd.getpwnam(_ACCOUNT)
    except KeyError:
        pytest.skip(f"there is no account {_ACCOUNT!r} that a server could run as")
    folder = Path(tempfile.mkdtemp(prefix="firstlight-disk-"))
    options = f"size={_SIZE},mode=0700,uid={account.pw_uid},gid={account.pw_gid}"
    mounting = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], capture_output=True, check=False
    )
    if mounting.returncode:
        folder.rmdir()
        pytest.skip("this machine lets nobody mount a file system")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    cluster = Cluster(folder, found[-1].parent, port)
    try:
        cluster.make()
        cluster.start()
        yield cluster
    finally:
        cluster.stop()
        subprocess.run(["umount", "--lazy", folder], check=False)
        folder.rmdir()
