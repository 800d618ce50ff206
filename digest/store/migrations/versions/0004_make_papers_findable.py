"""Make papers findable: a full-text index kept by triggers, links to authors and labs, and known words.

A later migration that makes the table `paper` anew on SQLite (Alembic's batch mode does for some changes) drops the
triggers with it and must call `_SQLITE_TRIGGERS` again; the tests of the search notice.
"""

import hashlib

import sqlalchemy as sa
from alembic import op

from digest.core.text import slug, title_key

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_WORD = sa.String().with_variant(sa.String(collation="C"), "postgresql")
_PAGE = 500

# Contentless: the texts are in `paper` already. Weights: title, authors, abstract; categories only filter.
_SQLITE_INDEX = (
    """CREATE VIRTUAL TABLE paper_search USING fts5(
        title, authors, abstract, categories, content='', tokenize='porter unicode61 remove_diacritics 2')""",
    "INSERT INTO paper_search(paper_search, rank) VALUES ('rank', 'bm25(10.0, 5.0, 1.0, 0.0)')",
)


def _texts(row: str) -> str:
    def listed(column: str) -> str:
        return f"(SELECT group_concat(value, ' ') FROM json_each({row}.{column}))"  # noqa: S608  # names from this file

    return f"{row}.id, {row}.title, {listed('authors')}, {row}.abstract, {listed('categories')}"


_ADD = f"INSERT INTO paper_search(rowid, title, authors, abstract, categories) SELECT {_texts('new')}"
_REMOVE = (
    "INSERT INTO paper_search(paper_search, rowid, title, authors, abstract, categories) "
    f"SELECT 'delete', {_texts('old')}"
)
_CHANGED = " OR ".join(f"old.{name} IS NOT new.{name}" for name in ("title", "authors", "abstract", "categories"))
_SQLITE_TRIGGERS = (
    f"CREATE TRIGGER paper_search_added AFTER INSERT ON paper BEGIN {_ADD}; END",
    f"CREATE TRIGGER paper_search_removed AFTER DELETE ON paper BEGIN {_REMOVE}; END",
    f"""CREATE TRIGGER paper_search_changed AFTER UPDATE OF title, authors, abstract, categories ON paper
        WHEN {_CHANGED} BEGIN {_REMOVE}; {_ADD}; END""",
)
_SQLITE_FILL = (
    f"INSERT INTO paper_search(rowid, title, authors, abstract, categories) SELECT {_texts('paper')} FROM paper"  # noqa: S608  # as above
)

# The words are cut as FTS5 cuts them: letters and digits without their accents, stemmed, no word left out.
_POSTGRESQL_INDEX = (
    "CREATE TEXT SEARCH DICTIONARY paper_search_stem (TEMPLATE = snowball, Language = english)",
    "CREATE TEXT SEARCH CONFIGURATION paper_search (COPY = pg_catalog.simple)",
    """ALTER TEXT SEARCH CONFIGURATION paper_search
        ALTER MAPPING FOR asciiword, word, numword WITH paper_search_stem""",
    r"""CREATE FUNCTION paper_search_words(given text) RETURNS tsvector LANGUAGE sql IMMUTABLE AS $$
        SELECT to_tsvector('paper_search', regexp_replace(regexp_replace(
            lower(normalize(left(given, 100000), NFKD)), '[\u0300-\u036f]', '', 'g'), '[^[:alnum:]]+', ' ', 'g')) $$""",
    """CREATE FUNCTION paper_search_of(paper) RETURNS tsvector LANGUAGE sql STABLE AS $$
        SELECT setweight(paper_search_words($1.title), 'A')
            || setweight(paper_search_words((SELECT coalesce(string_agg(name, ' '), '')
                FROM json_array_elements_text($1.authors) AS name)), 'B')
            || setweight(paper_search_words($1.abstract), 'D')
            || array_to_tsvector(ARRAY(SELECT DISTINCT 'category:' || kind FROM (
                SELECT lower(name) FROM json_array_elements_text($1.categories) AS name
                UNION SELECT split_part(lower(name), '.', 1) FROM json_array_elements_text($1.categories) AS name
            ) AS kinds(kind) WHERE kind <> '')) $$""",
    """CREATE TABLE paper_search (
        paper_id bigint PRIMARY KEY REFERENCES paper (id) ON DELETE CASCADE, words tsvector NOT NULL)""",
    """CREATE FUNCTION paper_search_keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        INSERT INTO paper_search VALUES (new.id, coalesce(paper_search_of(new), ''))
            ON CONFLICT (paper_id) DO UPDATE SET words = excluded.words;
        RETURN NULL; END $$""",
    "CREATE TRIGGER paper_search_added AFTER INSERT ON paper FOR EACH ROW EXECUTE FUNCTION paper_search_keep()",
    """CREATE TRIGGER paper_search_changed AFTER UPDATE OF title, authors, abstract, categories ON paper FOR EACH ROW
        WHEN (old.title <> new.title OR old.abstract <> new.abstract OR old.authors::text <> new.authors::text
            OR old.categories::text <> new.categories::text) EXECUTE FUNCTION paper_search_keep()""",
    "INSERT INTO paper_search SELECT id, coalesce(paper_search_of(paper), '') FROM paper",
    "CREATE INDEX ix_paper_search_words ON paper_search USING gin (words)",
)


def upgrade() -> None:
    for table in ("paper_author", "paper_lab"):
        op.create_table(
            table,
            sa.Column("paper_id", _KEY, nullable=False),
            sa.Column("position", sa.Integer(), nullable=False),
            sa.Column("slug", sa.String(), nullable=False),
            sa.ForeignKeyConstraint(["paper_id"], ["paper.id"], ondelete="CASCADE"),
            sa.PrimaryKeyConstraint("paper_id", "position"),
        )
        op.create_index(f"ix_{table}_slug", table, ["slug"])
    op.create_table(
        "search_word",
        sa.Column("word", _WORD, nullable=False),
        sa.Column("backward", _WORD, nullable=False),
        sa.PrimaryKeyConstraint("word"),
    )
    op.create_index("ix_search_word_backward", "search_word", ["backward"])
    _link(op.get_bind())
    statements = [*_SQLITE_INDEX, *_SQLITE_TRIGGERS, _SQLITE_FILL]
    if op.get_bind().dialect.name == "postgresql":
        statements = [*_POSTGRESQL_INDEX]
    for statement in statements:
        op.get_bind().exec_driver_sql(statement)


def _link(connection: sa.Connection) -> None:
    """Link the papers that are there already, and note the words of their titles and authors."""
    names = [sa.column(name, sa.JSON) for name in ("authors", "labs")]
    papers = sa.table("paper", sa.column("id"), sa.column("title_key"), *names)
    links = {
        column: sa.table(name, sa.column("paper_id"), sa.column("position"), sa.column("slug"))
        for column, name in (("authors", "paper_author"), ("labs", "paper_lab"))
    }
    last, words = 0, set()
    while page := connection.execute(
        sa.select(papers).where(papers.c.id > last).order_by(papers.c.id).limit(_PAGE)
    ).all():
        last = page[-1].id
        for column, table in links.items():
            rows = [
                {"paper_id": row.id, "position": position, "slug": _slug(name, table.name.removeprefix("paper_"))}
                for row in page
                for position, name in enumerate(getattr(row, column)[:5_000])
            ]
            if rows:
                connection.execute(sa.insert(table), rows)
        for row in page:
            words.update(row.title_key.split())
            words.update(word for name in row.authors for word in title_key(name).split())
    known = [
        {"word": word, "backward": word[::-1]} for word in sorted(words) if 4 <= len(word) <= 40 and not word.isdigit()
    ]
    if known:
        connection.execute(sa.insert(sa.table("search_word", sa.column("word"), sa.column("backward"))), known)


def _slug(name: str, kind: str) -> str:
    return slug(name) or f"{kind}-{hashlib.sha256(title_key(name).encode()).hexdigest()[:8]}"


def downgrade() -> None:
    connection = op.get_bind()
    dropped = [*(f"DROP TRIGGER paper_search_{name}" for name in ("added", "removed", "changed"))]
    dropped.append("DROP TABLE paper_search")
    if connection.dialect.name == "postgresql":
        dropped = [
            "DROP TRIGGER paper_search_added ON paper",
            "DROP TRIGGER paper_search_changed ON paper",
            "DROP TABLE paper_search",
            "DROP FUNCTION paper_search_keep, paper_search_of, paper_search_words",
            "DROP TEXT SEARCH CONFIGURATION paper_search",
            "DROP TEXT SEARCH DICTIONARY paper_search_stem",
        ]
    for statement in dropped:
        connection.exec_driver_sql(statement)
    for table in ("search_word", "paper_lab", "paper_author"):
        op.drop_table(table)
