"""What README.md and docs/tutorial.md tell a newcomer to type works, as it stands there, in a clean clone."""

from __future__ import annotations

import email
import email.policy
import os
import re
import signal
import socket
import subprocess
import time
from email.message import EmailMessage
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).resolve().parents[2]
_BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_CONFIRM = re.compile(r"http://127\.0\.0\.1:\d+/confirm/[\w.~-]+")


def blocks(document: str) -> list[str]:
    return _BLOCK.findall((ROOT / document).read_text(encoding="utf-8"))


def free_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return str(listener.getsockname()[1])


class Newcomer:
    """Somebody with one shell, which keeps its folder, its variables and what it has started."""

    def __init__(self, folder: Path, home: Path) -> None:
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith(("DIGEST_", "PYTEST", "VIRTUAL"))
        }
        # Another process of this machine may have the ports of the page; everything else is typed as it stands.
        self.ports = {"8000": free_port(), "8025": free_port()}
        self.shell = subprocess.Popen(
            ["bash", "--norc"],
            cwd=folder,
            env=kept | {"HOME": str(home), "DEMO_SERVE": "0", "COLUMNS": "160"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def types(self, block: str) -> str:
        """Type a block line by line and return what is shown; the first command that fails ends it all."""
        for written, free in self.ports.items():
            block = re.sub(rf"(?<=127\.0\.0\.1:){written}\b", free, block)
        if block.rstrip().endswith("digest up &"):
            block = block.replace("digest up &", f"digest up --port {self.ports['8000']} &")
        assert self.shell.stdin is not None
        assert self.shell.stdout is not None
        self.shell.stdin.write(f'set -e\n{block}\nset +e\necho "end of block"\n')
        self.shell.stdin.flush()
        shown = ""
        for line in self.shell.stdout:
            if line == "end of block\n":
                return shown
            shown += line
        pytest.fail(f"{block}\nended with:\n{shown}")

    def leaves(self) -> None:
        os.killpg(self.shell.pid, signal.SIGTERM)
        self.shell.wait(timeout=30)
        for pipe in (self.shell.stdin, self.shell.stdout):
            if pipe is not None:
                pipe.close()


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("newcomer") / "firstlight"
    subprocess.run(["git", "clone", "--quiet", "--no-hardlinks", str(ROOT), str(folder)], check=True)
    return folder


def mail_in(folder: Path, subject: str) -> EmailMessage:
    """Wait for a message whose subject has this word."""
    for _ in range(600):
        for path in (folder / "caught" / "new").glob("*"):
            message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
            assert isinstance(message, EmailMessage)
            if subject.casefold() in str(message["Subject"]).casefold():
                return message
        time.sleep(0.1)
    raise AssertionError(f"no mail about {subject!r} came within a minute")


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_tutorial_leads_from_a_clone_to_the_first_digest(clone: Path) -> None:
    home = clone.parent / "home"
    home.mkdir()
    newcomer = Newcomer(clone, home)
    try:
        [demo] = [block for block in blocks("README.md") if "make demo" in block]
        assert "8000" in newcomer.types(demo)
        for block in blocks("docs/tutorial.md"):
            newcomer.types(block)
            if "aiosmtpd" in block:
                time.sleep(3)
            if block.strip() == "digest up &":
                confirm(newcomer, home / "firstlight")
    finally:
        newcomer.leaves()


def confirm(newcomer: Newcomer, folder: Path) -> None:
    """Open the link of the mail and press its button, as the page says; the newest issue comes as a welcome."""
    asked = mail_in(folder, "confirm").get_body(("plain",))
    assert asked is not None
    [link, *_] = _CONFIRM.findall(asked.get_content())
    for _ in range(300):
        try:
            page = httpx.get(link)
            break
        except httpx.TransportError:
            time.sleep(0.2)
    assert "<button" in page.text
    assert httpx.post(link, follow_redirects=True).status_code == 200
    welcome = mail_in(folder, "Lamps").get_body(("plain",))
    assert welcome is not None
    assert "Lamps in the dark" in welcome.get_content()


def test_every_page_is_listed_where_a_newcomer_looks() -> None:
    listed = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    for page in sorted((ROOT / "docs").glob("*.md")):
        assert page.name == "README.md" or f"({page.name})" in listed, page.name


def test_the_tutorial_is_short_and_has_pictures() -> None:
    words = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
    assert 60 <= len(words.splitlines()) <= 140
    assert words.count("](images/") >= 2
