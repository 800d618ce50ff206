"""One page for all that a reader wants, over HTTP: saved line by line, said in words, lost never."""

from __future__ import annotations

import html
import re

import pytest
from httpx import Response
from sqlmodel import select

from digest.core.interests import InterestKind
from digest.store.engine import reading, writing
from digest.store.interests import add_interests, interests_of
from digest.store.tables import Consent, Subscription
from tests.web.conftest import Place
from tests.web.test_readers import confirm_token, reader_token, rows, state, subscribe


def confirmed(place: Place) -> str:
    """Subscribe, confirm, and return the address of the reader's preferences."""
    subscribe(place)
    place.browser.post(f"/confirm/{confirm_token(place)}")
    return f"/preferences/{reader_token(place, 'preferences')}"


def fields(page: str) -> dict[str, str | list[str]]:
    """What a browser would send if the page's button were pressed now."""
    form = page[page.index('class="stacked wishes"') :]
    sent: dict[str, str | list[str]] = {
        name: html.unescape(value)
        for name, value in re.findall(r"<textarea[^>]* name=\"(\w+)\"[^>]*>\n([^<]*)</textarea>", form)
    }
    for tag in re.findall(r"<input [^>]*>", form):
        read = dict(re.findall(r'(\w+)="([^"]*)"', tag))
        if read.get("type") in ("checkbox", "radio") and not re.search(r"\schecked\b", tag):
            continue
        value = html.unescape(read.get("value", ""))
        if read["name"] == "categories":
            sent["categories"] = [*sent.get("categories", []), value]
        else:
            sent[read["name"]] = value
    for name, inner in re.findall(r'<select id="\w+" name="(\w+)">(.*?)</select>', form):
        chosen = re.search(r'value="([^"]*)"[^>]* selected', inner)
        sent[name] = html.unescape(chosen[1]) if chosen else re.findall(r'value="([^"]*)"', inner)[0]
    return sent


def save(place: Place, link: str, **changed: object) -> Response:
    """Open the page, change some fields, press Save."""
    return place.browser.post(link, data=fields(place.browser.get(link).text) | changed)


def interests(place: Place) -> dict[str, list[str]]:
    """The one reader's interests, by kind, as they wrote them."""
    found: dict[str, list[str]] = {}
    with reading(place.services.engine) as session:
        for one in interests_of(session, [1]).get(1, ()):
            found.setdefault(one.kind.value, []).append(one.words)
    return found


def test_everything_a_reader_can_want_is_kept_and_shown_again(place: Place) -> None:
    place.add_paper(1, title="Layerwise LQR for deep networks", labs=["Probe Laboratory"])
    link = confirmed(place)
    saved = save(
        place,
        link,
        categories=["cs.LG"],
        authors="Ada Probe\r\nBo Sample",
        labs="Probe Laboratory",
        keywords="sparse attention, pruning",
        searches="protein folding category:q-bio.BM",
        exclusions="blockchain\r\ncs.CR",
        papers="https://arxiv.org/pdf/2605.00001v2.pdf\r\narXiv:2508.13426",
        paper_count="7",
        language="en",
        plain_text="1",
        when_empty="1",
        outside="",
    )
    assert saved.status_code == 200
    assert interests(place) == {
        "author": ["Ada Probe", "Bo Sample"],
        "lab": ["Probe Laboratory"],
        "keyword": ["pruning", "sparse attention"],
        "search": ["protein folding category:q-bio.BM"],
        "exclusion": ["blockchain", "cs.CR"],
        "paper": ["2508.13426", "2605.00001"],
    }
    for words in (
        "Authors: Ada Probe and Bo Sample added.",
        "Never shown: blockchain and cs.CR added.",
        "7 papers in a digest, instead of 10.",
        "The mail is plain text alone.",
        "No paper comes from outside your usual.",
        "Layerwise LQR for deep networks</a>",
        "not known here yet",
    ):
        assert words in saved.text, words
    with reading(place.services.engine) as session:
        kept = session.exec(select(Subscription)).one()
    assert (kept.language, kept.plain_text, kept.when_empty, kept.outside) == ("en", True, True, False)
    before = rows(place)
    again = save(place, link)
    assert "Nothing is different from before." in again.text
    assert {**rows(place), "taste": ()} == {**before, "taste": ()}


def test_bad_lines_are_named_and_stay_in_the_box_while_the_good_ones_are_saved(place: Place) -> None:
    link = confirmed(place)
    saved = save(place, link, papers="2605.00001\r\nno paper of ours\r\n2605.00002", keywords="x")
    assert saved.status_code == 200
    assert interests(place) == {"paper": ["2605.00001", "2605.00002"]}
    assert "Saved, but for some lines." in saved.text
    assert "<q>no paper of ours</q>: it holds no arXiv id" in saved.text
    assert "<q>x</q>: a single letter" in saved.text
    assert fields(saved.text)["papers"] == "2605.00001\n2605.00002\nno paper of ours"
    assert fields(saved.text)["keywords"] == "x"
    assert "no paper of ours" not in place.browser.get(link).text


def test_a_wrong_choice_saves_nothing_and_loses_nothing(place: Place) -> None:
    link = confirmed(place)
    before = rows(place)
    typed = {
        "authors": "Ada Probe",
        "papers": "not a paper",
        "paper_count": "99",
        "pause": "until",
        "until": "2026-06-01",
        "categories": ["cs.CV"],
        "when_empty": "1",
    }
    refused = save(place, link, **typed)
    assert refused.status_code == 422
    assert "choose from 5 to 30 papers" in refused.text.lower()
    assert "all you typed is still below" in refused.text
    assert {name: fields(refused.text)[name] for name in typed} == typed
    assert rows(place) == before


@pytest.mark.parametrize(
    ("until", "words"),
    [
        ("", "say on what date the pause ends"),
        ("2026-05-20", "a pause ends after today"),
        ("2026-13-01", "say on what date"),
        ("2036-01-01", "within a year"),
    ],
)
def test_a_pause_ends_on_a_day_that_is_ahead(place: Place, until: str, words: str) -> None:
    link = confirmed(place)
    refused = save(place, link, pause="until", until=until)
    assert refused.status_code == 422
    assert words in refused.text.lower()
    assert state(place) == "confirmed"
    assert save(place, link, pause="sometimes").status_code == 422


def test_a_pause_ends_on_the_readers_own_date(place: Place) -> None:
    link = confirmed(place)
    place.clock.now = place.clock.now.replace(hour=23)
    refused = save(place, link, timezone="Asia/Tokyo", pause="until", until="2026-05-21")  # which it is there already
    assert refused.status_code == 422
    assert "after today, 2026-05-21" in refused.text
    assert save(place, link, timezone="Mars/Olympus", pause="until", until="2026-06-01").status_code == 422
    assert state(place) == "confirmed"


def test_a_reader_pauses_until_a_date_without_end_and_resumes(place: Place) -> None:
    link = confirmed(place)
    paused = save(place, link, pause="until", until="2026-06-01")
    assert "Paused until 1 June 2026." in paused.text
    assert "Your next digest comes on Monday, 1 June 2026 at 08:00 (UTC)." in paused.text
    assert state(place) == "paused"
    assert "Paused until you resume it here." in save(place, link, pause="open").text
    page = place.browser.get(link).text
    assert fields(page)["pause"] == "open"
    assert "Your next digest" not in save(place, link).text
    assert "The digest comes again." in save(place, link, pause="run").text
    assert state(place) == "confirmed"
    with reading(place.services.engine) as session:
        said = [(one.action, one.source) for one in session.exec(select(Consent)).all()]
    assert said[2:] == [("pause", "preferences"), ("resume", "preferences")]


def test_a_pause_that_is_over_shows_as_over(place: Place) -> None:
    link = confirmed(place)
    save(place, link, pause="until", until="2026-06-01")
    place.clock.move(days=12)
    page = place.browser.get(link).text
    assert fields(page)["pause"] == "run"
    assert "Paused" not in page


def test_a_stranger_is_kept_with_the_names_that_may_be_meant_and_one_press_takes_another(place: Place) -> None:
    place.add_paper(1, authors=["Yann N. Dauphin"])
    link = confirmed(place)
    saved = save(place, link, authors="Yann Dauphin\r\nBo Sample")
    assert "No paper known here names <q>Yann Dauphin</q> yet" in saved.text
    button = re.search(r'name="instead" value="([^"]+)">Yann N. Dauphin</button>', saved.text)
    assert button is not None
    typed = fields(saved.text) | {"keywords": "typed meanwhile", "instead": html.unescape(button[1])}
    other = place.browser.post(link, data=typed)
    assert interests(place) == {"author": ["Bo Sample", "Yann N. Dauphin"], "keyword": ["typed meanwhile"]}
    assert "Authors: Yann N. Dauphin added." in other.text
    for hostile in ("author", "author\tx", "subscriber\ta\tb", "\t\t"):
        assert place.browser.post(link, data=fields(other.text) | {"instead": hostile}).status_code == 200
    assert len(interests(place)["author"]) == 2


def test_a_follow_link_fills_the_box_and_saves_nothing(place: Place) -> None:
    place.add_paper(1, labs=["Probe Laboratory"])
    link = confirmed(place)
    before = rows(place)
    page = place.browser.get(
        link, params={"follow": ["/authors/ada-probe", "/labs/probe-laboratory", "/papers/2605.00001", "/authors/x<b>"]}
    )
    assert page.status_code == 200
    assert "Added below, and not saved yet: Ada Probe, Probe Laboratory, 2605.00001." in page.text
    assert "Nothing is known here under /authors/x&lt;b&gt;." in page.text
    assert rows(place) == before
    place.browser.post(link, data=fields(page.text))
    assert interests(place) == {"author": ["Ada Probe"], "lab": ["Probe Laboratory"], "paper": ["2605.00001"]}
    again = place.browser.get(link, params={"follow": "/authors/ada-probe"}).text
    assert fields(again)["authors"] == "Ada Probe"


def test_what_was_muted_while_the_page_was_open_stays_muted(place: Place) -> None:
    link = confirmed(place)
    save(place, link, exclusions="blockchain\r\nquantum")
    opened = fields(place.browser.get(link).text)
    place.clock.move(minutes=5)
    with writing(place.services.engine) as session:
        from digest.core.interests import interest_of

        muted = interest_of(InterestKind.EXCLUSION, "ransomware")
        assert muted is not None
        add_interests(session, 1, [muted], place.clock.now)
    place.clock.move(minutes=5)
    place.browser.post(link, data=opened | {"exclusions": "quantum"})
    assert interests(place) == {"exclusion": ["quantum", "ransomware"]}


def test_what_is_asked_for_and_excluded_is_pointed_out(place: Place) -> None:
    link = confirmed(place)
    saved = save(place, link, categories=["cs.LG"], keywords="pruning", exclusions="cs.LG, Pruning")
    assert "what you never want to see decides: <q>cs.LG</q>, <q>pruning</q>" in saved.text


def test_tomorrows_digest_is_shown_with_what_is_saved_and_its_links_do_nothing(place: Place) -> None:
    place.clock.now = place.clock.now.replace(hour=3)  # before the cut-off of the issue that is there
    place.add_small_issue()
    link = confirmed(place)
    save(place, link, categories=["math.OC"], outside="")
    before = rows(place)
    page = place.browser.get(f"{link}/tomorrow")
    assert page.status_code == 200
    frame = re.search(r'<iframe class="mail" src="([^"]+)"', page.text)
    assert frame is not None
    mail = place.browser.get(frame[1])
    assert "sandbox" in mail.headers["content-security-policy"]
    assert mail.headers["cache-control"] == "no-store"
    assert "Probe paper 2" in mail.text
    assert "Probe paper 1" not in mail.text
    assert "/preview/unsubscribe" in mail.text
    token = link.rpartition("/")[2]
    assert token not in mail.text
    assert rows(place) == before
    save(place, link, categories=[], more_categories="hep-th", outside="")
    empty = place.browser.get(f"{link}/tomorrow")
    assert "Nothing that fits your choices is new" in empty.text
    assert place.browser.get("/preferences/forged/tomorrow").status_code == 404
    statuses = {place.browser.get(f"{link}/tomorrow").status_code for _look in range(60)}
    assert statuses == {200, 429}


def test_the_pages_of_who_left_are_calm(place: Place) -> None:
    link = confirmed(place)
    place.browser.post(f"/unsubscribe/{reader_token(place, 'unsubscribe')}")
    before = rows(place)
    for answer in (
        place.browser.get(link),
        place.browser.post(link, data={"authors": "Ada Probe"}),
        place.browser.get(f"{link}/tomorrow"),
    ):
        assert answer.status_code == 200
        assert "no running subscription" in answer.text
    assert rows(place) == before


@pytest.mark.parametrize("sent", [{}, {"hour": "7"}, {"seen": "", "authors": "Bo Sample", "pause": "open"}])
def test_a_form_that_does_not_arrive_whole_changes_nothing_and_says_so(place: Place, sent: dict[str, str]) -> None:
    link = confirmed(place)
    save(place, link, categories=["cs.LG"], authors="Ada Probe", paper_count="7")
    before = rows(place)
    refused = place.browser.post(link, data=sent)
    assert refused.status_code == 422
    assert "did not arrive whole, so nothing is saved" in refused.text
    assert rows(place) == before
    kept = fields(refused.text)
    assert (kept["authors"], kept["paper_count"], kept["categories"]) == ("Ada Probe", "7", ["cs.LG"])
    assert place.browser.post(link, data=kept).status_code == 200
