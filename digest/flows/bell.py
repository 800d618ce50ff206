"""What is told outside of the mail: notices posted to a webhook, and a call after each good day."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import structlog
from sqlalchemy import Engine

from digest.core.issue import IssueState
from digest.core.warm_up import WarmUp
from digest.mail.hook import hook_signature
from digest.sources.outward import Answer, call
from digest.store import heartbeats, notices
from digest.store.alarms import unsettled
from digest.store.engine import reading, writing
from digest.store.heartbeats import Beat
from digest.store.notices import Notice, Post
from digest.store.vitals import IssueStanding
from digest.store.warm_up import only_waits_for_room

if TYPE_CHECKING:
    import httpx

_AGAIN_AFTER = timedelta(minutes=4)  # with the next watch
_MOST_AT_ONCE = 10
# An issue is complete with its last reader's slot, a day after its cut-off at most, or some hours later with what was
# deferred. A day that is not good by then was none.
_GOOD_BY = timedelta(hours=36)
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class Bell:
    """Where outside is told: the webhook with the secret that signs for it, and the heartbeat; each may be empty."""

    engine: Engine
    clock: Callable[[], datetime]
    client: Callable[[], AbstractContextManager[httpx.Client]]
    cut_off: Callable[[date], datetime]
    webhook: str = ""
    secret: str = ""
    heartbeat: str = ""
    warm_up: WarmUp | None = None

    def post_waiting(self, only: int | None = None) -> list[tuple[int, Answer]]:
        """Post the notices that wait, or `only` one; return their ids and how it went.

        One that is not taken is tried again with the next watch, for a day, unless the answer says that it is for good.
        """
        if not self.webhook:
            return []
        done: list[tuple[int, Answer]] = []
        while len(done) < _MOST_AT_ONCE:
            with writing(self.engine) as session:
                notice = notices.take_post(session, self.clock(), only)
            if notice is None:
                break
            answer = self._post(notice)
            done.append((notice.id, answer))
            if not answer.taken and answer.may_pass:
                break  # the others would meet the same, and mail waits behind this
        return done

    def _post(self, notice: Notice) -> Answer:
        body = payload(notice)
        timestamp = str(int(self.clock().timestamp()))
        headers = {
            "Content-Type": "application/json",
            "Firstlight-Timestamp": timestamp,
            "Firstlight-Signature": hook_signature(self.secret, timestamp, body),
        }
        with self.client() as client:
            answer = call(client, "POST", self.webhook, body=body, headers=headers)
        state = Post.POSTED if answer.taken else Post.WAITING if answer.may_pass else Post.REFUSED
        now = self.clock()
        with writing(self.engine) as session:
            notices.end_post(session, notice, state, answer.words, now=now, again_at=now + _AGAIN_AFTER)
        if not answer.taken:
            _log.warning("alert_not_posted", notice=notice.id, words=answer.words, again=answer.may_pass)
        return answer

    def beat(self, issues: Sequence[IssueStanding]) -> date | None:
        """Call the heartbeat for the newest day that was good and was not told yet; return it if it was answered.

        Good is a day whose issue is complete, with everything that was due final, while no alarm is open; under a cap
        on the day's mails also one of which nothing is left but digests that had no room. That the call is made is
        committed before it, so that a day is never told twice: if this process dies in it, none is made again.
        """
        if not self.heartbeat:
            return None
        now = self.clock()
        for issue in issues:
            on = issue.issued_on
            if self.cut_off(on) <= now < self.cut_off(on) + _GOOD_BY and self._went_out(issue, now):
                return on if self._call_for(on, now) else None
        return None

    def _went_out(self, issue: IssueStanding, now: datetime) -> bool:
        if self.warm_up is not None and issue.state in (IssueState.FROZEN, IssueState.SENDING):
            with reading(self.engine) as session:
                return only_waits_for_room(session, self.warm_up, issue.issued_on, now)
        return issue.state == IssueState.COMPLETE

    def _call_for(self, on: date, now: datetime) -> bool:
        with writing(self.engine) as session:
            if unsettled(session):
                return False
            number = heartbeats.take_call(session, on, now, again_after=_AGAIN_AFTER)
        if number is None:
            return False
        with self.client() as client:
            answer = call(client, "GET", self.heartbeat)
        with writing(self.engine) as session:
            state = Beat.ANSWERED if answer.taken else Beat.UNHEARD
            heartbeats.end_call(session, on, number, state, answer.words)
        if answer.taken:
            _log.info("heartbeat", day=on.isoformat())
        else:
            _log.warning("heartbeat_unheard", day=on.isoformat(), words=answer.words)
        return answer.taken


def payload(notice: Notice) -> bytes:
    """Write what is posted of a notice: its values, an `id` by which a second copy is known, and a text for a chat."""
    body = dict(notice.body)
    return json.dumps({"id": notice.uid, **body, "text": text_of(body)}, ensure_ascii=False).encode()


def text_of(body: Mapping[str, Any]) -> str:
    """Say a notice in plain lines, as a chat shows them."""
    site = body["site"]
    if body["kind"] == "trial":
        return f"{site}: this is a trial. Alerts reach this address."
    lines = [
        f"{site}: {one['title']}. {one['details']} What to do: {one['what_to_do']} {one['link']}"
        for one in body["alarms"]
    ]
    lines += [f"{site}: over: {one['title']}." for one in body["over"]]
    if body.get("left_out"):
        lines.append(f"{site}: and {body['left_out']} more; see {body['desk']}")
    return "\n".join(lines)


def last_words(engine: Engine) -> tuple[list[Notice], heartbeats.Called | None]:
    """Return the newest notices, and the newest call of the heartbeat."""
    with reading(engine) as session:
        return notices.newest_notices(session, 5), heartbeats.newest_call(session)
