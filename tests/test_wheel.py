"""The wheel carries what the code needs and works outside the repository."""

import subprocess
import sys
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
RENDER = """
from datetime import date
from pathlib import Path
import digest, digest.files
from digest.core.issue import Card
from digest.core.tailor import Edition, Pick
from digest.mail.render import ReaderLinks, Renderer, Sender
package = Path(digest.__file__).parent
assert digest.files.templates_folder() == package / "templates", digest.files.templates_folder()
assert (digest.files.seeds_folder() / "papers.jsonl").is_file()
sender = Sender(name="Firstlight", address="digest@example.org", postal_address="1 Example Street", contact="")
renderer = Renderer(digest.files.templates_folder() / "mail", "https://digest.example.org", sender)
card = Card(paper_id=1, rank=1, title="Light at first", path="/papers/light-at-first")
links = ReaderLinks(unsubscribe="https://digest.example.org/u", preferences="https://digest.example.org/p")
rendered = renderer.digest(Edition(issued_on=date(2026, 5, 20), picks=(Pick(1, card),)), links)
assert "Light at first" in rendered.html and "Light at first" in rendered.text
print(package)
"""


@pytest.mark.timeout(300)
def test_the_wheel_renders_a_digest_in_a_clean_environment(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path), str(ROOT)],
        check=True,
        capture_output=True,
    )
    [wheel] = tmp_path.glob("*.whl")
    # The dependencies are those of the running environment; only Firstlight itself must come from the wheel.
    home = tmp_path / "venv"
    venv.create(home, with_pip=False, symlinks=True)
    python = home / "bin" / "python"
    site = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", site, str(wheel)],
        check=True,
        capture_output=True,
    )
    dependencies = [path for path in sys.path if path.endswith("site-packages")]
    finished = subprocess.run(
        [python, "-I", "-c", f"import sys; sys.path += {dependencies!r}\n{RENDER}"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    assert finished.stdout.strip().startswith(str(home))
