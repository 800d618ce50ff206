"""Hacker News: points and comments of the stories that link to a paper. Source: Algolia's HN Search API."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx

from digest.core.capture import Rejection
from digest.core.paper import Observation, parse_arxiv_id
from digest.core.refresh import Finding, Reply, Subject
from digest.errors import RefusedInput
from digest.sources.http import Patience, get
from digest.sources.strict_json import parse_json, text_of, whole_number

ADDRESS = "https://hn.algolia.com/api/v1/search"
MOST_POINTS = 100_000  # some ten times what any story has
_PATIENCE = Patience(attempts=2, retry_after=30.0, body=60.0)
_MAX_BODY = 4 * 1024 * 1024  # bytes; the recorded answers have up to 80 kB
_HITS = 100


@dataclass(frozen=True, slots=True)
class Story:
    """One story; `points` and `comments` are None where the number is missing or absurd."""

    story_id: str
    url: str
    points: int | None
    comments: int | None
    said: str = ""

    @property
    def arxiv_id(self) -> str:
        """The paper that the story links to, whatever version and format; empty for any other page."""
        try:
            return parse_arxiv_id(self.url.split("#")[0].split("?")[0])[0]
        except ValueError:
            return ""


class HackerNews:
    """The service `hacker-news`; asks for one paper at a time."""

    name = "hacker-news"
    per_request = 1

    def ask(self, client: httpx.Client, subjects: Sequence[Subject], now: datetime) -> dict[int, Reply]:
        """Ask for the stories of each paper; raises SourceUnavailable, and RefusedInput for a body that is cut."""
        return {subject.paper_id: self._one(client, subject, now) for subject in subjects}

    def records(self, body: bytes, origin: str) -> list[dict[str, Any]]:
        """Return the stories of a recorded answer, as plain values."""
        return [
            {"url": story.url, "arxiv_id": story.arxiv_id, "points": story.points, "comments": story.comments}
            for story in read_stories(body, origin)
        ]

    def _one(self, client: httpx.Client, subject: Subject, now: datetime) -> Reply:
        # Without /abs/: all words of a query must be there, and people link to the PDF as well.
        params: dict[str, str | int] = {
            "query": f"arxiv.org {subject.arxiv_id}",
            "restrictSearchableAttributes": "url",
            "tags": "story",
            "hitsPerPage": _HITS,
        }
        answer = get(client, ADDRESS, params=params, patience=_PATIENCE, max_body=_MAX_BODY)
        return self.reply(answer.body, f"{ADDRESS} {subject.arxiv_id}", subject, now)

    def reply(self, body: bytes, origin: str, subject: Subject, now: datetime) -> Reply:
        """Add up the stories that truly link to the paper, each once; raises RefusedInput.

        The search forgives typing errors, so that it also answers with other papers. Stories are added, as a paper
        that was posted twice was read twice; a number nobody can believe is left out of the sum.
        """
        stories = {
            story.story_id: story
            for story in read_stories(body, origin)
            if subject.arxiv_id and story.arxiv_id == subject.arxiv_id
        }
        if not stories:
            return Reply(finding=Finding.ABSENT, reason="no story links to the paper")
        dropped = tuple(
            Rejection(f"story {story.story_id}", f"points or comments of {story.said} are not believable", story.url)
            for story in stories.values()
            if story.points is None or story.comments is None
        )
        counts = {
            "hn_points": [story.points for story in stories.values() if story.points is not None],
            "hn_comments": [story.comments for story in stories.values() if story.comments is not None],
        }
        seen = tuple(
            Observation(signal=signal, at=now, value=sum(values), source=self.name)
            for signal, values in counts.items()
            if values
        )
        if not seen:
            return Reply(finding=Finding.UNKNOWN, dropped=dropped, reason=dropped[0].reason)
        return Reply(finding=Finding.FOUND, observations=seen, dropped=dropped)


def read_stories(body: bytes, origin: str) -> list[Story]:
    """Read a search answer, or the tree of one story; raises RefusedInput for anything else."""
    answer = parse_json(body, origin, limit=_MAX_BODY)
    if isinstance(answer, dict) and answer.get("type") == "story":
        return [_story({**answer, "objectID": answer.get("id"), "num_comments": _descendants(answer)})]
    hits = answer.get("hits") if isinstance(answer, dict) else None
    if not isinstance(hits, list):
        message = text_of(answer.get("message"), limit=2_000)[:200] if isinstance(answer, dict) else ""
        raise RefusedInput(f"{origin}: not an answer of the search: {message or 'it has no list of hits'}")
    return [_story(hit) for hit in hits[:_HITS] if isinstance(hit, dict) and _is_story(hit)]


def _is_story(hit: dict[str, Any]) -> bool:
    tags = hit.get("_tags")
    return not isinstance(tags, list) or "story" in tags


def _story(hit: dict[str, Any]) -> Story:
    points, comments = hit.get("points"), hit.get("num_comments")
    return Story(
        story_id=str(hit.get("objectID"))[:40],
        url=text_of(hit.get("url"), limit=2_000),
        points=whole_number(points, limit=MOST_POINTS),
        comments=whole_number(0 if comments is None else comments, limit=MOST_POINTS),
        said=f"{points!r:.40} and {comments!r:.40}",
    )


def _descendants(story: dict[str, Any]) -> int:
    found, waiting = 0, [story]
    while waiting:
        children = waiting.pop().get("children")
        comments = [child for child in children if isinstance(child, dict)] if isinstance(children, list) else []
        found += sum(child.get("type") == "comment" for child in comments)
        waiting.extend(comments)
    return found
