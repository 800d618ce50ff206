"""The alert mail: what is wrong, what to do and where; escaped, of one line where it must be, and nobody's address."""

from __future__ import annotations

import pytest

from digest.core import alarms
from digest.mail.alert_words import alert_words
from tests.mail import samples
from tests.mail.test_render import RENDERER, read


def test_it_says_what_is_wrong_since_when_what_to_do_and_where() -> None:
    mail = RENDERER.alert(alert_words(samples.NOTICES["alert"]))
    assert mail.subject == "[Firstlight] The relay takes no mail, and 2 more"
    assert f"{samples.BASE_URL}/admin/sources" in read(mail.html).links
    for said in (mail.html.replace("&nbsp;", " "), mail.text):
        plain = " ".join(said.split())
        assert "The relay takes no mail" in plain
        assert "since 20 May, 02:13 UTC" in plain
        assert "arxiv-rss is late" in plain
        assert "from 20 May, 02:13 UTC to 20 May, 05:40 UTC" in plain
        assert f"{samples.BASE_URL}/admin/sources" in plain
    for rule in (alarms.RELAY_GONE, alarms.ISSUE_MISSING, alarms.SOURCE_LATE):
        assert rule.doing in " ".join(mail.text.split())
    assert alarms.SCORES_STALE.doing not in " ".join(mail.text.split()), "what is over needs nothing done"
    assert "12 Example Street" in mail.text


@pytest.mark.parametrize("name", samples.NOTICES)
def test_it_has_one_subject_line_and_names_nobody(name: str) -> None:
    mail = RENDERER.alert(alert_words(samples.NOTICES[name]))
    assert len(mail.subject) <= 78
    assert mail.subject.isprintable()
    assert "@" not in mail.text.replace(samples.SENDER.contact, "")
    assert len(mail.html.encode()) < 80 * 1024
    assert all(link.startswith(samples.BASE_URL) for link in read(mail.html).links)


def test_words_from_outside_are_escaped() -> None:
    mail = RENDERER.alert(alert_words(samples.NOTICES["alert-hostile"]))
    assert "<script>" not in mail.html
    assert "&lt;script&gt;" in mail.html


def test_what_is_over_and_a_trial_say_so_in_their_subjects() -> None:
    over = RENDERER.alert(alert_words(samples.NOTICES["alert-over"]))
    assert over.subject == "[Firstlight] Over: The brake has stopped sending"
    assert RENDERER.alert(alert_words(samples.NOTICES["alert-trial"])).subject == "[Firstlight] A trial alert"


def test_a_link_that_is_no_web_address_is_left_out() -> None:
    body = samples.notice({**samples.told(alarms.BRAKED), "link": "javascript:alert(1)"})
    assert "javascript" not in RENDERER.alert(alert_words(body)).html
