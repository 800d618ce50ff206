"""Links beside papers in the mail, over HTTP: one button each, undone as easily, and nobody else's rows touched."""

from __future__ import annotations

import re

import pytest
from httpx import Response
from sqlmodel import select

from digest.core.prints import print_of
from digest.flows.subscribe import confirm, request
from digest.store.engine import reading, writing
from digest.store.tables import Delivery, InterestRow, PaperText, ReactionRow, TasteRow
from digest.store.unions import unite_rows
from tests.conftest import NOW
from tests.web.conftest import Place
from tests.web.test_readers import rows

ABSTRACT = "Sparse attention prunes a transformer. Sparse attention is trained with pruning."


def reader(place: Place, address: str = "ada@readers.test") -> str:
    """Subscribe and confirm a reader; return the token of the links beside papers in their mail."""
    services = place.services
    request(services.engine, services.tokens, address, now=NOW, ip="192.0.2.1", source="test", special_use=True)
    with reading(services.engine) as session:
        asked = session.exec(select(Delivery)).all()[-1]
    token = services.tokens.sign("confirm", {"s": asked.subscriber_id or 0, "d": asked.id or 0}, at=NOW)
    confirm(services.engine, services.tokens, token, now=NOW, ip="192.0.2.1")
    return services.tokens.sign("react", {"s": asked.subscriber_id or 0})


def read_paper(place: Place, number: int = 1, **changes: object) -> int:
    """Store a paper whose words were read."""
    columns = {"title": f"Sparse attention, part {number}", "abstract": ABSTRACT, "keywords": ["Pruning"]} | changes
    paper_id = place.add_paper(number, **columns)
    found = print_of(f"{columns['title']}\n{columns['abstract']}")
    with writing(place.services.engine) as session:
        session.add(PaperText(paper_id=paper_id, listed_on=NOW.date(), words=found.words, counts=found.counts))
    return paper_id


def reactions(place: Place) -> list[tuple[int, int, int, bool]]:
    """Every reaction: whose, to which paper, which way, and whether it is saved."""
    with reading(place.services.engine) as session:
        found = session.exec(select(ReactionRow).order_by(ReactionRow.subscriber_id, ReactionRow.paper_id)).all()
    return [(one.subscriber_id, one.paper_id, one.leaning, one.saved_at is not None) for one in found]


def press(place: Place, link: str, **sent: str) -> Response:
    """Press the button of a page, and follow to where it leads."""
    answer = place.browser.post(link, data=sent)
    assert answer.status_code == 303, answer.text
    return place.browser.get(answer.headers["location"])


@pytest.mark.parametrize(("verb", "leaning"), [("more", 1), ("less", -1)])
def test_more_and_less_take_one_button_and_are_undone_by_another(place: Place, verb: str, leaning: int) -> None:
    paper, token = read_paper(place), reader(place)
    link = f"/r/{token}/{paper}/{verb}"
    page = place.browser.get(link)
    assert page.text.count("<button") == 1
    assert "Sparse attention, part 1" in page.text
    assert reactions(place) == []
    done = press(place, link)
    assert reactions(place) == [(1, paper, leaning, False)]
    assert "You want" in done.text
    assert "Undo" in done.text
    assert "You want" in press(place, link).text  # a second press is no error
    with reading(place.services.engine) as session:
        taste = session.exec(select(TasteRow)).one()
        assert (taste.papers, bool(taste.terms)) == (1, leaning > 0)
    press(place, link, undo="1")
    assert reactions(place) == []
    press(place, link, undo="1")
    with reading(place.services.engine) as session:
        assert session.exec(select(TasteRow)).one().papers == 0


def test_more_and_less_exclude_one_another_and_saving_stands_apart(place: Place) -> None:
    paper, token = read_paper(place, version=3), reader(place)
    press(place, f"/r/{token}/{paper}/save")
    press(place, f"/r/{token}/{paper}/more")
    press(place, f"/r/{token}/{paper}/less")
    assert reactions(place) == [(1, paper, -1, True)]
    press(place, f"/r/{token}/{paper}/more", undo="1")  # from a page that was left open: less stays
    assert reactions(place) == [(1, paper, -1, True)]
    press(place, f"/r/{token}/{paper}/less", undo="1")
    assert reactions(place) == [(1, paper, 0, True)]
    with reading(place.services.engine) as session:
        assert session.exec(select(ReactionRow)).one().saved_version == 3
    press(place, f"/r/{token}/{paper}/save", undo="1")
    assert reactions(place) == []


def test_a_topic_of_the_paper_is_muted_and_shown_again(place: Place) -> None:
    paper, token = read_paper(place, categories=["cs.LG", "cs.CL"]), reader(place)
    link = f"/r/{token}/{paper}/mute"
    page = place.browser.get(link).text
    offered = re.findall(r'name="topic" value="([^"]+)"', page)
    assert offered == ["Pruning", "sparse attention", "attention part", "sparse", "attention", "part", "cs.LG", "cs.CL"]
    done = press(place, link, topic="sparse attention")
    press(place, link, topic="Sparse Attention")
    assert "muted</strong>" in done.text
    with reading(place.services.engine) as session:
        kept = session.exec(select(InterestRow)).one()
    assert (kept.kind, kept.key, kept.subscriber_id) == ("exclusion", "sparse attention", 1)
    for topic in ("", "something else", "cs.CV", "x" * 5000):
        refused = place.browser.post(link, data={"topic": topic})
        assert refused.status_code == 422
        assert "one of the topics of this paper" in refused.text
    press(place, link, topic="sparse attention", undo="1")
    with reading(place.services.engine) as session:
        assert session.exec(select(InterestRow)).all() == []


def test_a_forged_link_was_never_there_and_a_paper_that_is_gone_is_gone(place: Place) -> None:
    # checklist 56
    paper, token = read_paper(place), reader(place)
    before = rows(place)
    others = [place.services.tokens.sign(purpose, {"s": 1}) for purpose in ("preferences", "unsubscribe")]
    for forged in (token[:-3], "x", "%00", "a" * 3000, *others):
        for path in (f"/r/{forged}/{paper}/more", f"/saved/{forged}", f"/taste/{forged}", f"/taste/{forged}/reset"):
            assert place.browser.get(path).status_code == 404, path
            refused = place.browser.post(path, data={"paper": str(paper)}).status_code
            assert refused == (405 if path == f"/taste/{forged}" else 404), path
    for path in (f"/r/{token}/{paper + 7}/more", f"/r/{token}/{paper + 7}/save"):
        assert place.browser.get(path).status_code == 410
        assert place.browser.post(path).status_code == 410
    for path in (f"/r/{token}/{paper}/delete", f"/r/{token}/0/more", f"/r/{token}/{2**63}/more", f"/r/{token}/x/more"):
        assert place.browser.get(path).status_code in (404, 422)
    assert place.browser.post(f"/taste/{token}/everything").status_code == 404
    assert rows(place) == before


def test_the_links_of_one_reader_never_touch_another(place: Place) -> None:
    # checklist 56
    paper, other = read_paper(place, 1), read_paper(place, 2)
    ada, bob = reader(place), reader(place, "bob@readers.test")
    for token in (ada, bob):
        press(place, f"/r/{token}/{paper}/more")
        press(place, f"/r/{token}/{other}/save")
        press(place, f"/r/{token}/{paper}/mute", topic="Pruning")
    held = {name: [row for row in found if 2 in row[:1]] for name, found in rows(place).items()}
    press(place, f"/r/{ada}/{paper}/less")
    press(place, f"/saved/{ada}", paper=str(other))
    press(place, f"/r/{ada}/{paper}/mute", topic="Pruning", undo="1")
    press(place, f"/taste/{ada}/words", word="sparse")
    press(place, f"/taste/{ada}/reset")
    assert {name: [row for row in found if 2 in row[:1]] for name, found in rows(place).items()} == held
    assert reactions(place) == [(2, paper, 1, False), (2, other, 0, True)]


def test_a_link_still_finds_a_paper_that_became_one_with_another(place: Place) -> None:
    first, second, token = read_paper(place, 1), read_paper(place, 2), reader(place)
    with writing(place.services.engine) as session:
        unite_rows(session, first, second)
    assert "part 1" in press(place, f"/r/{token}/{second}/save").text
    assert reactions(place) == [(1, first, 0, True)]


def test_saved_papers_are_listed_taken_off_put_back_and_exported(place: Place) -> None:
    token = reader(place)
    assert "Nothing is saved yet" in place.browser.get(f"/saved/{token}").text
    first, second = read_paper(place, 1), read_paper(place, 2, title='A {hostile} "title" & more')
    press(place, f"/r/{token}/{first}/save")
    place.clock.move(days=1)
    press(place, f"/r/{token}/{second}/save")
    page = place.browser.get(f"/saved/{token}").text
    assert page.index("hostile") < page.index("part 1")
    assert "2 papers, the last saved first" in page
    file = place.browser.get(f"/saved/{token}/papers.bib")
    assert file.headers["content-disposition"] == 'attachment; filename="papers.bib"'
    assert file.headers["cache-control"] == "no-store"
    assert file.text.count("@misc{") == 2
    assert r"A \{hostile\}" in file.text
    off = press(place, f"/saved/{token}", paper=str(second))
    assert "off your list" in off.text
    assert reactions(place) == [(1, first, 0, True)]
    back = press(place, f"/saved/{token}", paper=str(second), undo="1")
    assert "off your list" not in back.text
    assert len(reactions(place)) == 2


def test_a_taste_is_shown_with_what_it_rests_on_and_every_part_can_be_corrected(place: Place) -> None:
    token = reader(place)
    assert "Nothing yet" in place.browser.get(f"/taste/{token}").text
    liked, disliked = read_paper(place, 1), read_paper(place, 2, title="Blockchain", abstract="Ledgers of blocks.")
    read_paper(place, 3, title="Quantum pruning", abstract="Quantum circuits are pruned.", categories=["quant-ph"])
    press(place, f"/r/{token}/{liked}/more")
    press(place, f"/r/{token}/{disliked}/less")
    own = place.services.tokens.sign("preferences", {"s": 1})
    place.browser.post(f"/preferences/{own}", data={"papers": "2605.00003\n2505.99999", "whole": "1"})
    page = place.browser.get(f"/taste/{token}").text
    words = re.findall(r'<span class="word">([^<]+)</span><svg', page)
    assert "attention" in words
    assert "quantum" in words
    assert "blockchain" not in words
    for shown in (
        "<strong>cs.LG</strong>",
        "50 %",
        "More like these",
        "Less like these",
        "Started from these",
        "2505.99999",
    ):
        assert shown in page, shown
    struck = press(place, f"/taste/{token}/words", word="attention").text
    assert '<del class="word">attention</del>' in struck
    assert ">attention</span><svg" not in struck
    press(place, f"/r/{token}/{liked}/save")  # learned anew: it stays struck out
    assert '<del class="word">attention</del>' in place.browser.get(f"/taste/{token}").text
    assert "<del" not in press(place, f"/taste/{token}/words", word="attention", undo="1").text
    press(place, f"/taste/{token}/words", word="no word of mine")
    assert "Less like these" not in press(place, f"/taste/{token}/less", paper=str(disliked)).text
    assert "quantum" not in press(place, f"/taste/{token}/starts", name="2605.00003").text
    asked = place.browser.get(f"/taste/{token}/reset")
    assert asked.text.count("<button") == 1
    gone = press(place, f"/taste/{token}/reset").text
    assert "More like these" not in gone
    assert "2505.99999" not in gone
    assert "1 paper you saved" in gone
    assert reactions(place) == [(1, liked, 0, True)]


def test_a_taste_that_rests_on_nothing_that_was_read_says_so(place: Place) -> None:
    token = reader(place)
    press(place, f"/r/{token}/{place.add_paper(1)}/more")
    assert "nothing is learned from them so far" in place.browser.get(f"/taste/{token}").text
    press(place, f"/r/{token}/{read_paper(place, 2)}/less")
    assert "nothing is learned from them so far" not in place.browser.get(f"/taste/{token}").text


def test_the_pages_speak_the_readers_language(place: Place) -> None:
    paper, token = read_paper(place), reader(place)
    press(place, f"/r/{token}/{paper}/more")
    own = place.services.tokens.sign("preferences", {"s": 1})
    assert "Gespeichert." in place.browser.post(f"/preferences/{own}", data={"language": "de", "whole": "1"}).text
    told = {
        f"/r/{token}/{paper}/more": "Sie möchten mehr davon.",
        f"/saved/{token}": "Gemerkte Arbeiten",
        f"/taste/{token}": "Was Ihnen wohl gefällt",
        f"/taste/{token}/reset": "Vergessen, was Ihnen gefällt?",
        f"/preferences/{own}": "jeden Tag um 08:00",
    }
    for path, words in told.items():
        answer = place.browser.get(path, headers={"accept-language": "en"})
        assert answer.headers["content-language"] == "de", path
        assert words in answer.text, path


def test_the_links_of_who_left_change_nothing(place: Place) -> None:
    paper, token = read_paper(place), reader(place)
    place.browser.post(f"/unsubscribe/{place.services.tokens.sign('unsubscribe', {'s': 1})}")
    before = rows(place)
    for path in (f"/r/{token}/{paper}/more", f"/saved/{token}", f"/taste/{token}", f"/taste/{token}/reset"):
        assert place.browser.get(path).status_code == 410
        left = place.browser.post(path, data={"paper": str(paper)}).status_code
        assert left == (405 if path == f"/taste/{token}" else 410)
    assert rows(place) == before


def test_the_pages_behind_a_link_are_personal(place: Place) -> None:
    # checklist 66
    paper, token = read_paper(place), reader(place)
    own = place.services.tokens.sign("preferences", {"s": 1})
    paths = [f"/r/{token}/{paper}/{verb}" for verb in ("more", "less", "save", "mute")]
    paths += [f"/saved/{token}", f"/saved/{token}/papers.bib", f"/taste/{token}", f"/taste/{token}/reset"]
    paths += [f"/preferences/{own}", f"/preferences/{own}/tomorrow", f"/preferences/{own}/tomorrow.html"]
    for path in paths:
        answer = place.browser.get(path)
        assert answer.status_code == 200, path
        assert answer.headers["referrer-policy"] == "no-referrer", path
        assert answer.headers["cache-control"] == "no-store", path
        assert "noindex" in answer.headers["x-robots-tag"], path
        assert own not in answer.text or "/preferences/" in path  # no page passes on more than the link it was got by
