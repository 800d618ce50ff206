"""The page about one paper, under its one address."""

from __future__ import annotations

import re
from urllib.parse import quote

from fastapi import APIRouter, Response
from starlette.responses import RedirectResponse

from digest.core.language import Language
from digest.core.links import web_url
from digest.core.paper import parse_arxiv_id
from digest.core.versions import Version, versions
from digest.errors import NotFound
from digest.store import site as store
from digest.store.bylines import cards_of
from digest.store.engine import reading
from digest.store.similar import similar
from digest.store.tables import Paper
from digest.web.chart import lines, seen_until
from digest.web.site import TheSite

router = APIRouter()


@router.get("/papers/{name:path}")
def paper(site: TheSite, name: str) -> Response:
    """Show a paper under its arXiv id, or its slug while it has none; other names of it redirect here."""
    try:
        wanted, _version = parse_arxiv_id(name)
    except ValueError:
        wanted = name
    with reading(site.services.engine) as session:
        found = store.find_paper(session, wanted) if len(wanted) <= 200 and "\0" not in wanted else None
        if found is None:
            raise NotFound(site.language("no paper is known here under this name; it may not have been read yet"))
        path = store.paper_path(found)
        if path != f"/papers/{name}":
            return RedirectResponse(quote(path), status_code=301)
        sheet = store.paper_sheet(session, found)
        near = similar(session, found.id or 0, found.title)
        alike = cards_of(session, near.ids)
    return site.pages.show(
        "paper.html",
        paper=sheet.paper,
        score=sheet.score,
        parts=sheet.score.parts if sheet.score else [],
        lines=lines(seen_until(sheet.observations, None), site.language),
        paragraphs=[text.strip() for text in re.split(r"\n\s*\n", found.abstract) if text.strip()],
        facts=_facts(found, site.language),
        issues=sheet.issues,
        listings=sheet.listings,
        versions=_versions(sheet),
        writers=sheet.writers,
        alike=alike,
        alike_by_words=near.by_words,
        novelty=sheet.novelty,
    )


def _versions(sheet: store.PaperSheet) -> list[tuple[Version, str]]:
    """List the versions that are known, the newest first, each with its address at arXiv (may be empty)."""
    arxiv_id = sheet.paper.arxiv_id
    announced = ((row.version, row.listed_on, row.source) for row in sheet.listings)
    return [
        (one, f"https://arxiv.org/abs/{arxiv_id}v{one.number}" if arxiv_id else "")
        for one in reversed(versions(announced, sheet.paper.version))
    ]


def _facts(paper: Paper, say: Language) -> list[tuple[str, str, str]]:
    """List what is known of a paper: name, value, and where it leads (may be empty)."""
    doi = f"https://doi.org/{quote(paper.doi)}" if paper.doi else ""
    rows = [
        (
            say("arXiv identifier"),
            paper.arxiv_id or "",
            f"https://arxiv.org/abs/{paper.arxiv_id}" if paper.arxiv_id else "",
        ),
        (say("Listed"), say.date(paper.listed_on) if paper.listed_on else "", ""),
        (say("Categories"), ", ".join(paper.categories or [paper.primary_category]), ""),
        (say("Code"), say("yes") if paper.has_code else "", web_url(paper.code_url)),
        (say("Keywords"), ", ".join(paper.keywords[:12]), ""),
        (say("Comment"), paper.comment, ""),
        (say("Journal"), paper.journal_ref, ""),
        ("DOI", paper.doi, doi),
        (say("Licence"), say("as stated at arXiv") if web_url(paper.license_url) else "", web_url(paper.license_url)),
        (say("First seen here"), say.date(paper.first_seen_at.date()), ""),
    ]
    return [row for row in rows if row[1]]
