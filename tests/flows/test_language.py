"""A reader who has chosen a language is mailed in it, and a preview for them is in it, too."""

from __future__ import annotations

from datetime import timedelta
from email import message_from_string, policy

import pytest
from sqlalchemy import Engine

from digest.files import templates_folder
from digest.flows.deliver import deliver_due, materialise
from digest.flows.preview import preview
from digest.mail.render import Renderer
from tests import post
from tests.post import FROZEN_AT, UNTIL, Sink, add_issue, add_reader, at_clock


@pytest.mark.parametrize(("tag", "ending"), [("de", ", und 9 weitere"), ("", ", and 9 more"), ("xx", ", and 9 more")])
def test_a_reader_is_mailed_in_their_language(engine: Engine, tag: str, ending: str) -> None:
    add_reader(engine, "ada@example.test", timezone="UTC", hour=6, language=tag)
    issue = add_issue(engine)
    sink = Sink()
    courier = post.courier(sink, Renderer(templates_folder(), post.BASE, post.SENDER))  # type: ignore[arg-type]  # a real one
    shown = preview(engine, courier, issued_on=FROZEN_AT.date(), at=FROZEN_AT, reader="ada@example.test")
    materialise(engine, issue, now=FROZEN_AT, until=UNTIL)
    deliver_due(engine, courier, worker="w", clock=at_clock(FROZEN_AT + timedelta(hours=2)))
    ((_, raw),) = sink.sent
    message = message_from_string(raw, policy=policy.default)
    assert message["Subject"] == shown.subject
    assert shown.subject.endswith(ending)
    part = message.get_body(("plain",))
    assert part is not None
    assert part.get_content().replace("\r\n", "\n").splitlines()[1] == shown.text.splitlines()[1]
