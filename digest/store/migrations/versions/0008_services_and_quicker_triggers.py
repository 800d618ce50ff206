"""Say how each service that is asked for signals stands; index a new paper on SQLite at half the cost.

A list of names or categories went to the full-text index through two calls of `json_each`, which took as long as the
indexing itself. The tokenizer finds the same words in the JSON text, unless that holds an escape.

A later migration that makes the table `paper` anew on SQLite drops the triggers with it and must create those of this
file again; the tests of the search notice.
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def _texts(row: str, *, quick: bool) -> str:
    def listed(column: str) -> str:
        whole = f"{row}.{column}"
        names = f"(SELECT group_concat(value, ' ') FROM json_each({whole}))"  # noqa: S608  # names from this file
        return f"CASE WHEN instr({whole}, '\\') = 0 THEN {whole} ELSE {names} END" if quick else names

    return f"{row}.id, {row}.title, {listed('authors')}, {row}.abstract, {listed('categories')}"


def _triggers(*, quick: bool) -> list[str]:
    columns = ("title", "authors", "abstract", "categories")
    into = f"rowid, {', '.join(columns)}"
    add = f"INSERT INTO paper_search({into}) SELECT {_texts('new', quick=quick)}"
    remove = f"INSERT INTO paper_search(paper_search, {into}) SELECT 'delete', {_texts('old', quick=quick)}"
    moved = " OR ".join(f"old.{name} IS NOT new.{name}" for name in columns)
    return [
        f"CREATE TRIGGER paper_search_added AFTER INSERT ON paper BEGIN {add}; END",
        f"CREATE TRIGGER paper_search_removed AFTER DELETE ON paper BEGIN {remove}; END",
        f"CREATE TRIGGER paper_search_changed AFTER UPDATE OF {', '.join(columns)} ON paper "
        f"WHEN {moved} BEGIN {remove}; {add}; END",
    ]


_BARE = r"regexp_replace(lower(normalize(left(given, 100000), NFKD)), '[\u0300-\u036f]', '', 'g')"
_QUICK = f"CASE WHEN octet_length(given) = length(given) THEN lower(left(given, 100000)) ELSE {_BARE} END"


def _replace_words(*, quick: bool) -> None:
    """Spare a text of ASCII on PostgreSQL the search for accents."""
    letters = _QUICK if quick else _BARE
    op.get_bind().exec_driver_sql(
        "CREATE OR REPLACE FUNCTION paper_search_words(given text) RETURNS tsvector LANGUAGE sql IMMUTABLE AS "
        rf"$$ SELECT to_tsvector('paper_search', regexp_replace({letters}, '[^[:alnum:]]+', ' ', 'g')) $$"
    )


def _replace_triggers(*, quick: bool) -> None:
    if op.get_bind().dialect.name != "sqlite":
        _replace_words(quick=quick)
        return
    for name in ("added", "removed", "changed"):
        op.get_bind().exec_driver_sql(f"DROP TRIGGER paper_search_{name}")
    for statement in _triggers(quick=quick):
        op.get_bind().exec_driver_sql(statement)
    # Segments that are merged less often: a tenth less to write for each batch, a few more to look into at a search.
    merge_at = 8 if quick else 4
    op.get_bind().exec_driver_sql("INSERT INTO paper_search(paper_search, rank) VALUES ('automerge', ?)", (merge_at,))


def upgrade() -> None:
    _replace_triggers(quick=True)
    op.create_table(
        "service_standing",
        sa.Column("service", sa.String(), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("counted_on", sa.Date(), nullable=False),
        sa.Column("requests", sa.Integer(), nullable=False),
        sa.Column("refused", sa.Integer(), nullable=False),
        sa.Column("budget_left", sa.Integer(), nullable=True),
        sa.Column("budget_of", sa.Integer(), nullable=True),
        sa.Column("budget_resets_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("refused_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("refusal", sa.String(), nullable=False),
        sa.Column("held_until", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("service"),
    )


def downgrade() -> None:
    _replace_triggers(quick=False)
    op.drop_table("service_standing")
