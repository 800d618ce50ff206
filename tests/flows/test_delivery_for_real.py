"""The real renderer, relay and inbox around the flows: from the form to the digest, and the preview of it."""

from __future__ import annotations

import re
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

from sqlalchemy import Engine

from digest.core.delivery import DeliveryState
from digest.files import templates_folder
from digest.flows.deliver import deliver_due, materialise
from digest.flows.letters import Courier
from digest.flows.preview import preview
from digest.flows.subscribe import confirm, request, unsubscribe
from digest.mail.local_inbox import LocalInbox, read_message, stored_messages
from digest.mail.render import Renderer
from digest.mail.smtp import Relay
from tests import post
from tests.post import BASE, FROZEN_AT, SENDER, TOKENS, UNTIL, add_issue, add_reader, at_clock

_TOKEN = re.compile(r"/(unsubscribe|preferences|editions|r)/[\w.~-]+")
SLOT = FROZEN_AT + timedelta(hours=2)


def part(message: EmailMessage, kind: str) -> str:
    found = message.get_body((kind,))
    assert found is not None
    text: str = found.get_content()
    return text.replace("\r\n", "\n")


def test_a_reader_subscribes_confirms_reads_and_leaves(engine: Engine, tmp_path: Path) -> None:
    renderer = Renderer(templates_folder(), BASE, SENDER)
    add_issue(engine)
    with LocalInbox(tmp_path) as inbox:
        courier = Courier(
            renderer=renderer,
            tokens=TOKENS,
            sender=SENDER,
            base_url=BASE,
            relay=lambda: Relay(inbox.url, helo="localhost"),
        )

        def newest_mail() -> EmailMessage:
            tally = deliver_due(engine, courier, worker="w", clock=at_clock(SLOT))
            assert dict(tally.counts) == {DeliveryState.ACCEPTED: 1}, tally
            return read_message(tmp_path, stored_messages(tmp_path)[0].name)

        request(engine, TOKENS, "ann@example.test", now=SLOT, ip="", source="home page", special_use=True)
        asked = newest_mail()
        assert asked["Auto-Submitted"] == "auto-generated"
        token = re.search(rf"{BASE}/confirm/(\S+)", part(asked, "plain"))
        assert token is not None
        confirm(engine, TOKENS, token[1], now=SLOT, ip="")
        welcome = newest_mail()
        assert "Paper 1" in part(welcome, "html")
        link = re.fullmatch(rf"<{BASE}/unsubscribe/([^>]+)>", welcome["List-Unsubscribe"].replace(" ", ""))
        assert link is not None
        unsubscribe(engine, TOKENS, link[1], now=SLOT, ip="", source="one-click")
        assert post.subscription(engine, 1).state == "unsubscribed"


def test_the_previewed_html_is_byte_for_byte_what_the_relay_is_given(engine: Engine, tmp_path: Path) -> None:
    add_reader(engine, "ann@example.test", categories=["cs.LG"], paper_count=7)
    issue = add_issue(engine)
    materialise(engine, issue, now=FROZEN_AT, until=UNTIL)
    with LocalInbox(tmp_path) as inbox:
        courier = Courier(
            renderer=Renderer(templates_folder(), BASE, SENDER),
            tokens=TOKENS,
            sender=SENDER,
            base_url=BASE,
            relay=lambda: Relay(inbox.url, helo="localhost"),
        )
        seen = preview(engine, courier, issued_on=FROZEN_AT.date(), at=SLOT, reader="ann@example.test")
        deliver_due(engine, courier, worker="w", clock=at_clock(SLOT))
    sent = read_message(tmp_path, stored_messages(tmp_path)[0].name)
    shown = message_from_bytes(seen.message, policy=policy.SMTP)
    assert isinstance(shown, EmailMessage)
    assert sent["Subject"] == shown["Subject"] == seen.subject
    for kind in ("html", "plain"):
        assert part(shown, kind) == _TOKEN.sub(r"/preview/\1", part(sent, kind))
    assert part(shown, "html").rstrip("\n") == seen.html.rstrip("\n")
    assert len(_TOKEN.findall(part(sent, "html"))) >= 2
