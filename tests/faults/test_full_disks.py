"""A disk that is full to the last byte under PostgreSQL: the server ends, and nobody is mailed twice or forgotten."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy
from sqlalchemy import Engine
from sqlalchemy.engine import make_url

from tests.faults.children import run, send
from tests.faults.cluster import Cluster, FillServersDisk, small_cluster
from tests.faults.conftest import READERS, Play
from tests.faults.losses import Loss

pytestmark = [pytest.mark.postgres, pytest.mark.timeout(180)]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with small_cluster() as running:
        yield running


@pytest.fixture
def database_url(cluster: Cluster, request: pytest.FixtureRequest) -> str:
    name = f"full_{abs(hash(request.node.name)) % 10**8}"
    server = sqlalchemy.create_engine(cluster.server, isolation_level="AUTOCOMMIT", poolclass=sqlalchemy.NullPool)
    with server.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    return make_url(cluster.server).set(database=name).render_as_string(hide_password=False)


@pytest.mark.parametrize("point", ["claimed", "intended", "answered"])
def test_a_full_disk_under_postgresql_stops_the_sender_and_costs_no_more_than_what_was_under_way(
    play: Play, engine: Engine, cluster: Cluster, point: str
) -> None:  # checklist 91
    play.open_day()
    engine.dispose()
    assert run(send, play.scene, Loss(FillServersDisk(cluster), point)) == 1
    took = play.sink.taken().total()
    assert took <= (0 if point == "claimed" else play.scene.connections)
    assert took or point == "claimed"
    cluster.make_room()
    engine.dispose()
    states = play.finish().states
    assert states.get("unknown", 0) == took
    assert states["accepted"] == READERS - took
