"""docker-compose.yml without Docker, for a compressed day: one of each is killed, and Redis forgets everything."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest
import sqlalchemy.exc

from tests.compose.day import BLOWS, play
from tests.conftest import absent


@pytest.mark.postgres
@pytest.mark.redis
@pytest.mark.timeout(300)
def test_a_day_with_one_of_each_killed_makes_one_issue_mails_nobody_twice_and_loses_nothing(tmp_path: Path) -> None:
    if shutil.which("redis-server") is None:
        absent("redis-server")
    seed = random.SystemRandom().randrange(10**6)
    print(f"seed {seed}")
    try:
        outcome = play(tmp_path, seed=seed, readers=120)
    except sqlalchemy.exc.OperationalError:
        absent("PostgreSQL")
    assert outcome.holds, outcome.line()
    assert set(outcome.blows) == set(BLOWS)
    assert outcome.issues == 1
    for service in ("worker", "scheduler", "web", "redis"):
        assert any(name.startswith(service) for name in outcome.restarts), "it was killed, and came back"
