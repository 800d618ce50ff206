"""What is said of a mail before it goes out: nothing of ours as it is, and each fault with what to do."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from digest.core.contrast import Colour, contrast
from digest.mail.link_review import review_links
from digest.mail.review import Remark, review
from digest.mail.word_review import review_words

GOLDEN = (Path(__file__).parent / "golden" / "digest.eml").read_bytes()
BASE = "https://firstlight.example"


def remarks(message: bytes = GOLDEN, **given: object) -> list[Remark]:
    return review(message, base_url=BASE, **given)  # type: ignore[arg-type]  # given by name


def about(message: bytes, subject: str) -> str:
    return " | ".join(one.words for one in remarks(message) if one.about == subject)


def mail(markup: str, *, text: str = f"Leave: {BASE}/u/x", head: str = "") -> bytes:
    """A message of ours with another HTML part."""
    headers = head or (
        f"Subject: Of lamps\r\nList-Unsubscribe: <{BASE}/u/x>\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
    )
    hidden, leave = '<div style="display:none">Two more</div>', f'<a href="{BASE}/u/x">unsubscribe</a>'
    body = f"<html><body>{hidden}{markup}{leave}</body></html>"
    parts = f"--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n" if text else ""
    parts += f"--b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n{body}\r\n--b--\r\n"
    return (headers + f'MIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary="b"\r\n\r\n{parts}').encode()


def test_nothing_is_said_of_the_mail_that_goes_out() -> None:  # checklist 24
    assert remarks() == []
    assert remarks(mail("<p>All is well</p>")) == []


def test_text_that_is_hard_to_read_is_named_with_its_colours_in_light_and_in_dark() -> None:
    for old, new, said in (
        (b"color:#57606A", b"color:#A7B0BA", "In light mode"),
        (b"#9AA4AF !important", b"#3A444F !important", "In dark mode"),
        (b"#171C22 !important", b"#E7ECE2 !important", "In dark mode"),
    ):
        spoilt = re.sub(re.escape(old).replace(b"\\ ", rb"(?:=\r\n)?[ ]"), new, unfolded(GOLDEN))
        assert spoilt != unfolded(GOLDEN)
        assert said in about(spoilt, "contrast"), new
    assert "is #a7b0ba on #fbfaf7: a contrast of 2.1" in about(
        unfolded(GOLDEN).replace(b"color:#57606A", b"color:#A7B0BA"), "contrast"
    )


def unfolded(message: bytes) -> bytes:
    """The same message with its HTML on endless lines, to be changed by what it says."""
    return message.replace(b"=\r\n", b"").replace(b"=3D", b"=").replace(b"quoted-printable", b"8bit")


@pytest.mark.parametrize(
    ("markup", "dark_only"),
    [
        ('<style>p { color: #ddd }</style><p>pale</p>', False),
        ('<style>.x p { color: #ddd } p { color: #000 }</style><div class="x"><p>pale</p></div>', False),
        ('<style>p { color: #ddd !important }</style><p style="color:#000">pale</p>', False),
        ('<table bgcolor="#ffffee"><tr><td style="color:#eee">pale</td></tr></table>', False),
        ('<div style="background:#222"><p style="color:#333">pale</p></div>', False),
        ('<div style="color:rgba(0,0,0,.3)">pale</div>', False),
        ("<style>@media (prefers-color-scheme: dark) { p { color: #111; background: #000 } }</style><p>pale</p>", True),
    ],
)  # fmt: skip
def test_colours_are_found_as_a_mail_program_finds_them(markup: str, dark_only: bool) -> None:
    said = about(mail(markup), "contrast")
    assert "pale" in said
    assert ("In light mode" in said) is not dark_only


@pytest.mark.parametrize(
    "markup",
    [
        '<p style="color:#ddd;display:none">unseen</p>',
        "<style>a:hover { color: #fff } p { color: nonsense } @media print { p { color: #fff } }</style><p>fine</p>",
        '<style>p { color: #ddd }</style><p style="color:#222">fine</p>',
        "<style>p[ { color: #fff }</style><p>fine</p>",
        "<!--[if mso]><p style='color:#fff'>not for you</p><![endif]--><p>fine</p>",
    ],
)
def test_what_nobody_sees_is_not_judged(markup: str) -> None:
    assert about(mail(markup), "contrast") == ""


def test_contrast_is_that_of_wcag() -> None:
    black, white, grey = Colour(0, 0, 0), Colour(1, 1, 1), Colour(*[0x76 / 255] * 3)
    assert contrast(black, white) == pytest.approx(21)
    assert contrast(white, white) == 1
    assert round(contrast(grey, white), 2) == 4.54
    assert str(Colour(0, 0, 0, 0.5).over(white)) == "#808080"


def test_a_mail_that_is_too_large_is_said_before_gmail_hides_its_end() -> None:
    assert about(mail("x" * 70_000), "size") == ""
    assert "above our own limit" in about(mail("x" * 85_000), "size")
    large = remarks(mail("x" * 110_000))
    assert large[0].grave
    assert "Gmail hides its end" in large[0].words


def test_a_mail_without_text_or_a_way_out_is_grave() -> None:
    assert "no text part" in about(mail("", text=""), "text")
    assert "no unsubscribing with one click" in about(mail("", head="Subject: x\r\n"), "unsubscribe")
    assert "The text has no link" in about(mail("", text="nothing"), "unsubscribe")
    other = mail("").replace(f"{BASE}/u/x>".encode(), f"{BASE}/u/y>".encode())
    assert "The HTML has no link" in about(other, "unsubscribe")
    assert all(one.grave for one in remarks(mail("", head="Subject: x\r\n")))


def test_a_preheader_is_wanted_and_a_short_one() -> None:
    assert "no preheader" in about(mail("").replace(b"Two more", b" "), "preheader")
    assert "has 300 characters" in about(mail("").replace(b"Two more", b"w" * 300), "preheader")


def test_an_image_needs_words_and_must_not_tell_who_reads() -> None:
    assert about(mail('<img src="data:image/gif;base64,R0lG" alt="">'), "images") == ""
    said = about(mail('<img src="https://spy.example/1.gif"><img src="data:,">'), "images")
    assert "2 images have no alt text" in said
    assert "spy.example" in said


@pytest.mark.parametrize(
    ("link", "said"),
    [
        ("https://arxiv.org/abs/2605.01234", ""),
        (f"{BASE}/papers/x", ""),
        ("mailto:ops@firstlight.example", ""),
        ("", "cannot be read"),
        ("https://arxiv.org/a b", "cannot be read"),
        ("https://[::1", "cannot be read"),
        ("https://x.example:99999/", "cannot be read"),
        ("/papers/x", "lead nowhere"),
        ("javascript:alert(1)", "lead nowhere"),
        ("https:///x", "lead nowhere"),
        ("http://localhost:8000/x", "this machine"),
        ("https://127.0.0.1/", "this machine"),
        ("https://10.0.0.7/", "this machine"),
        ("https://[fd00::1]/", "this machine"),
        ("https://intranet/", "this machine"),
        ("https://box.local/", "this machine"),
        ("http://old.example/paper", "over http"),
        ("http://firstlight.example/x", "another scheme"),
        ("https://firstlight.example:8443/x", "another scheme"),
    ],
)
def test_links_are_judged_by_their_form(link: str, said: str) -> None:
    found = [words for words, _remedy, _grave in review_links([link], BASE)]
    assert bool(found) is bool(said), found
    assert said in "".join(found)


def test_our_own_site_must_be_public_unless_mail_stays_here() -> None:
    for base, said in (("http://127.0.0.1:8000", "address of this machine"), ("http://site.example", "over http")):
        link = f"{base}/papers/x"
        assert said in next(review_links([link, link], base))[0]
        assert next(review_links([link, link], base))[0].startswith("2 links")
        assert list(review_links([link], base, local=True)) == []


@pytest.mark.parametrize(
    ("subject", "said"),
    [
        ("Layerwise LQR for deep networks, and 9 more", ""),
        ("BERT and GPT-4 on TPU", ""),
        ("", "empty"),
        ("TODAYS NEWEST PAPERS", "capitals"),
        ("New! Better! Faster", "several exclamation"),
        ("Really??", "several exclamation"),
        ("x" * 120, "120 characters"),
        ("Lamps \U0001f4a1", "emoji"),
        ("Re: your papers", "like an answer"),
    ],
)
def test_the_subject_is_judged_by_its_form(subject: str, said: str) -> None:
    found = " ".join(words for words, _remedy in review_words(subject, []))
    assert bool(found) is bool(said), found
    assert said in found


def test_phrases_that_filters_dislike_are_told_of_the_editors_words_alone() -> None:
    title = "Guaranteed convergence, risk-free and for free"
    assert list(review_words(title, [])) == []
    found = [words for words, _remedy in review_words("x", [title, "Act NOW!!"])]
    assert "“guaranteed”, “risk-free”, “for free”, “act now”" in found[0]
    assert "several exclamation" in found[1]
    assert list(review_words("x", ["We look forward, freely; inactnowhere"])) == []
    assert [one.about for one in remarks(said=["Free money"])] == ["words"]
