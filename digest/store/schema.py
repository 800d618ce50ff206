"""The schema's version: bring it up to date, or refuse to work with another one.

Alembic is imported when it is asked for something: 10 MB that a process which only sends can do without.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Engine, inspect

from digest.errors import SchemaOutdated

if TYPE_CHECKING:
    from alembic.config import Config

_MIGRATIONS = Path(__file__).parent / "migrations"


class SchemaState(StrEnum):
    """How a database's schema stands to this version of the code."""

    ABSENT = "absent"
    OUTDATED = "outdated"
    CURRENT = "current"
    NEWER = "newer"


def schema_state(engine: Engine) -> SchemaState:
    """Compare the database's revision with the newest one the code knows."""
    from alembic.runtime.migration import MigrationContext  # noqa: PLC0415  # see above
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    scripts = ScriptDirectory.from_config(_config())
    with engine.connect() as connection:
        revision = MigrationContext.configure(connection).get_current_revision()
        if revision is None:
            return SchemaState.OUTDATED if inspect(connection).has_table("paper") else SchemaState.ABSENT
    if revision == scripts.get_current_head():
        return SchemaState.CURRENT
    known = {script.revision for script in scripts.walk_revisions()}
    return SchemaState.OUTDATED if revision in known else SchemaState.NEWER


def require_current(engine: Engine) -> None:
    """Raise SchemaOutdated, with the way out, unless the schema is the one this code needs."""
    match schema_state(engine):
        case SchemaState.ABSENT:
            raise SchemaOutdated("the database is empty; create its tables with: digest db upgrade")
        case SchemaState.OUTDATED:
            raise SchemaOutdated("the database has an older schema; bring it up to date with: digest db upgrade")
        case SchemaState.NEWER:
            raise SchemaOutdated("the database was made by a newer Firstlight; install that version or a later one")
        case SchemaState.CURRENT:
            return


def upgrade(engine: Engine) -> None:
    """Bring the schema up to date; safe to call at any time. Raises SchemaOutdated for a newer schema."""
    from alembic import command  # noqa: PLC0415  # see above

    if schema_state(engine) is SchemaState.NEWER:
        require_current(engine)
    config = _config()
    with engine.connect().execution_options(writes=True) as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        connection.commit()


def _config() -> Config:
    from alembic.config import Config  # noqa: PLC0415  # see above

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    return config
