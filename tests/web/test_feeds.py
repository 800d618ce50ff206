"""The feeds as a feed reader takes them: valid, escaped, with evidence and its label."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import pytest
from lxml import etree

from tests.web.conftest import TODAY, Place, card_of

HOSTILE = '<script>alert(1)</script> & "x" ]]> \x0b'


def test_the_rss_feed_has_what_its_format_asks_for(place: Place) -> None:
    place.add_small_issue()
    answer = place.browser.get("/feed.xml")
    assert answer.headers["content-type"].startswith("application/rss+xml")
    root = etree.fromstring(answer.content)
    assert (root.tag, root.get("version")) == ("rss", "2.0")
    (channel,) = root
    assert all(channel.findtext(name) for name in ("title", "link", "description", "lastBuildDate"))
    own = channel.find("{http://www.w3.org/2005/Atom}link")
    assert own is not None
    assert (own.get("rel"), own.get("href")) == ("self", "http://testserver/feed.xml")
    entries = channel.findall("item")
    assert [entry.findtext("title") for entry in entries] == ["Probe paper 1", "Probe paper 2", "Probe paper 3"]
    first = entries[0]
    assert first.findtext("link") == "http://testserver/papers/2605.00001"
    assert first.findtext("guid") == "http://testserver/papers/2605.00001#2026-05-20"
    assert "+38 upvotes in 6 h · percentile 99.6 in cs.LG" in (first.findtext("description") or "")
    assert parsedate_to_datetime(first.findtext("pubDate") or "") == datetime(2026, 5, 20, 4, tzinfo=UTC)


def test_the_json_feed_has_what_its_format_asks_for(place: Place) -> None:
    place.add_small_issue()
    answer = place.browser.get("/feed.json?category=math.OC")
    assert answer.headers["content-type"] == "application/feed+json"
    feed = answer.json()
    assert feed["version"] == "https://jsonfeed.org/version/1.1"
    assert feed["feed_url"] == "http://testserver/feed.json?category=math.OC"
    (entry,) = feed["items"]
    assert entry["id"]
    assert entry["url"] == "http://testserver/papers/2605.00002"
    assert entry["date_published"] == "2026-05-20T04:00:00+00:00"
    assert entry["_firstlight"] == {"rank": 2, "percentile": 99.6, "evidence": "+38 upvotes in 6 h", "simulated": False}


def test_simulated_evidence_is_labelled_in_both(place: Place) -> None:
    place.add_small_issue(papers=1, simulated=True)
    assert "Simulated: +38 upvotes" in place.browser.get("/feed.xml").text
    assert place.browser.get("/feed.json").json()["items"][0]["content_text"].startswith("Simulated: +38")


def test_hostile_text_reaches_readers_as_text(place: Place) -> None:
    paper_id = place.add_paper(1)
    place.add_issue([card_of(paper_id, 1, title=HOSTILE, summary=HOSTILE, authors=(HOSTILE,), evidence=HOSTILE)])
    body = place.browser.get("/feed.xml").content
    entry = etree.fromstring(body).find("channel/item")
    assert entry is not None
    assert entry.findtext("title") == HOSTILE.replace("\x0b", "")
    assert "<script" not in (entry.findtext("description") or "")
    assert place.browser.get("/feed.json").json()["items"][0]["title"] == HOSTILE


def test_empty_lists_are_valid_feeds(place: Place) -> None:
    assert etree.fromstring(place.browser.get("/feed.xml").content).find("channel/title") is not None
    assert place.browser.get("/feed.json").json()["items"] == []
    assert place.browser.get("/feed.xml?category=" + "x" * 33).status_code == 422


def test_pages_name_their_feeds(place: Place) -> None:
    place.add_small_issue()
    assert 'type="application/rss+xml" title="Firstlight" href="/feed.xml"' in place.browser.get("/issues").text
    assert 'href="/feed.json?category=math.OC"' in place.browser.get("/?category=math.OC").text


@pytest.mark.parametrize("path", ["/feed.xml", "/feed.json", "/feed.json?category=math.OC"])
def test_a_feed_that_did_not_change_is_not_sent_again(place: Place, path: str) -> None:
    place.add_small_issue()
    whole = place.browser.get(path)
    tag = whole.headers["etag"]
    again = place.browser.get(path, headers={"If-None-Match": f'"other", {tag}'})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert again.headers["cache-control"] == whole.headers["cache-control"]
    assert place.browser.get(path, headers={"If-None-Match": '"other"'}).content == whole.content
    place.add_issue([card_of(place.add_paper(9), 1, "math.OC")], TODAY + timedelta(days=1))
    changed = place.browser.get(path, headers={"If-None-Match": tag})
    assert (changed.status_code, changed.headers["etag"] == tag) == (200, False)


def test_a_feed_that_fails_has_no_tag(place: Place) -> None:
    refused = place.browser.get(f"/feed.xml?category={'x' * 99}", headers={"If-None-Match": "*"})
    assert refused.status_code == 422
    assert "etag" not in refused.headers


def test_a_search_is_followed_by_its_words_the_latest_first(place: Place) -> None:
    for number, days in ((1, 3), (2, 0), (3, 9)):
        place.add_paper(number, title=f"Lamp {number}", listed_on=TODAY - timedelta(days=days))
    place.add_paper(4, title="Another thing")
    page = place.browser.get("/search?q=lamps").text
    assert 'href="/search/feed.xml?q=lamps"' in page
    feed = place.browser.get("/search/feed.json?q=lamps").json()
    assert [entry["title"] for entry in feed["items"]] == ["Lamp 2", "Lamp 1", "Lamp 3"]
    assert feed["feed_url"] == "http://testserver/search/feed.json?q=lamps"
    rss = etree.fromstring(place.browser.get("/search/feed.xml?q=lamps").content)
    assert len(rss.findall("channel/item")) == 3


@pytest.mark.parametrize("asked", ["", "?q=nothingatall", "?q=lamq", "?q=%00%3Cscript%3E", f"?q={'x' * 5000}"])
def test_a_search_without_such_papers_is_an_empty_feed(place: Place, asked: str) -> None:
    place.add_paper(1, title="Lamp 1")
    assert place.browser.get(f"/search/feed.json{asked}").json()["items"] == []
    assert etree.fromstring(place.browser.get(f"/search/feed.xml{asked}").content).findall("channel/item") == []
