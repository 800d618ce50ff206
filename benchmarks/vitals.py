"""How long the metrics take to count at a million deliveries: `python benchmarks/vitals.py sqlite:////tmp/v.db`.

The newest issue is half sent, with one in a hundred deferred and one in a thousand unknown. Prints processor and wall
milliseconds of this process, the best of five; on PostgreSQL the server's own time is in the wall's alone.
"""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime, timedelta

from sqlalchemy import text

from digest.flows.metrics import exposition
from digest.flows.vitals import take_vitals
from digest.store.engine import open_engine, writing
from digest.store.schema import upgrade

NOW = datetime(2026, 5, 20, 8, tzinfo=UTC)
READERS = """
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :count)
INSERT INTO subscriber (address, address_key, created_at)
SELECT 'r' || i || '@d' || (i % 500) || '.invalid', 'r' || i || '@d' || (i % 500) || '.invalid', :now FROM n
"""
DELIVERIES = """
INSERT INTO delivery (kind, state, reason, issue_id, subscriber_id, address, local_date, due_at, expires_at, attempts,
    claimed_by, fence, message_id, paper_ids, reply, created_at)
SELECT 'digest', CASE WHEN id % 1000 = 1 THEN 'unknown' WHEN id % 100 = 2 THEN 'deferred'
    WHEN id % 2 = 0 THEN 'accepted' ELSE 'pending' END, '', 1, id, '', :on, :due, :late, 0, '', 0, '', '[]', '', :now
FROM subscriber
"""


def main(url: str, count: int) -> None:
    """Fill an empty database, and count."""
    engine = open_engine(url)
    upgrade(engine)
    values = {"count": count, "now": NOW, "on": NOW.date(), "due": NOW - timedelta(hours=1), "late": NOW + timedelta(1)}
    if engine.dialect.name == "sqlite":  # as SQLAlchemy writes them
        values |= {
            name: value.strftime("%Y-%m-%d %H:%M:%S.%f")
            for name, value in values.items()
            if name in ("now", "due", "late")
        }
        values["on"] = "2026-05-20"
    with writing(engine) as session:
        connection = session.connection()
        connection.execute(
            text(
                "INSERT INTO issue (issued_on, state, cut_off, frozen_at, content_hash, note)"
                " VALUES (:on, 'sending', :now, :now, '', '')"
            ),
            {"on": values["on"], "now": values["now"]},
        )
        connection.execute(text(READERS), {"count": count, "now": values["now"]})
        connection.execute(text(DELIVERIES), {name: values[name] for name in ("on", "due", "late", "now")})
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE" if engine.dialect.name == "sqlite" else "VACUUM ANALYZE delivery"))
    times = []
    for _ in range(5):
        processor, wall = time.process_time(), time.perf_counter()
        exposition(take_vitals(engine, NOW, None))
        times.append((time.process_time() - processor, time.perf_counter() - wall))
    processor, wall = (min(column) * 1e3 for column in zip(*times, strict=True))
    print(f"{engine.dialect.name}: {count:,} deliveries: {processor:.0f} ms of processor, {wall:.0f} ms")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 1_000_000)
