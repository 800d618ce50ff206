"""What a postmaster, or a reader with tired eyes, would say of a mail: pure, over the bytes that would be sent."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from urllib.parse import urlsplit

from lxml import html

from digest.core.contrast import ENOUGH, Colour, contrast
from digest.mail.cascade import painted
from digest.mail.link_review import review_links
from digest.mail.word_review import review_words

OUR_LIMIT, CLIP_LIMIT = 80 * 1024, 102 * 1024  # bytes of HTML: ours, and where Gmail hides the rest
_LONGEST_PREHEADER = 180  # characters: what the widest mail lists show, and more
_MOST_PAIRS = 3  # of colours that are named


@dataclass(frozen=True, slots=True)
class Remark:
    """Something about a mail that should be otherwise: what, and what to do. `grave` ones harm what is sent."""

    about: str
    words: str
    remedy: str
    grave: bool = False

    def as_plain(self) -> dict[str, str | bool]:
        """Return the remark as plain values."""
        return {"about": self.about, "words": self.words, "remedy": self.remedy, "grave": self.grave}


def review(message: bytes, *, base_url: str, said: Sequence[str] = (), local: bool = False) -> list[Remark]:
    """Look through a message for what would go wrong with it, the grave first.

    `said` are the editor's own words in it, which alone are looked through for phrases that filters dislike: titles
    are as their authors wrote them. A `local` site mails nobody outside of this machine, and may have links to it.
    """
    mail = message_from_bytes(message, policy=default)
    assert isinstance(mail, EmailMessage)  # noqa: S101  # that is what the policy makes
    text, markup = (_part(mail, kind) for kind in ("plain", "html"))
    found = [*_size(markup), *_text(text), *_leaving(mail, text, markup)]
    found += [Remark("words", *said_of) for said_of in review_words(str(mail["Subject"] or ""), said)]
    if markup.strip():
        document = html.document_fromstring(markup)
        found += _preheader(document)
        found += [Remark("links", words, remedy, grave) for words, remedy, grave in _links(document, base_url, local)]
        found += _images(document)
        found += _contrast(document)
    return sorted(found, key=lambda one: not one.grave)


def _part(mail: EmailMessage, kind: str) -> str:
    part = mail.get_body((kind,))
    return str(part.get_content()) if part is not None else ""


def _size(markup: str) -> Iterator[Remark]:
    size = len(markup.encode())
    shown = f"The HTML has {size / 1000:.1f} KB"
    if size > CLIP_LIMIT:
        yield Remark(
            "size", f"{shown}: Gmail hides its end, and the link to unsubscribe with it.", "Shorten the note.", True
        )
    elif size > OUR_LIMIT:
        yield Remark("size", f"{shown}, above our own limit of 80 KB; Gmail clips at 102 KB.", "Shorten the note.")


def _text(text: str) -> Iterator[Remark]:
    if not text.strip():
        yield Remark(
            "text",
            "There is no text part: some readers see nothing, and filters count it against us.",
            "Mend templates/mail/digest.txt.",
            True,
        )


def _leaving(mail: EmailMessage, text: str, markup: str) -> Iterator[Remark]:
    header = " ".join(str(mail["List-Unsubscribe"] or "").split())
    ways = re.findall(r"<(https?://[^>]+)>", header)
    if not ways or mail["List-Unsubscribe-Post"] != "List-Unsubscribe=One-Click":
        yield Remark(
            "unsubscribe",
            "The headers offer no unsubscribing with one click, which Gmail and Yahoo demand.",
            "Tell whoever runs this: a header is lost on the way.",
            True,
        )
        return
    for name, body in (("HTML", markup.replace("&amp;", "&")), ("text", text)):
        if body.strip() and ways[0] not in body:
            yield Remark(
                "unsubscribe", f"The {name} has no link to unsubscribe.", "Mend the template in templates/mail.", True
            )


def _preheader(document: html.HtmlElement) -> Iterator[Remark]:
    hidden = document.xpath("//body//*[contains(translate(@style, ' ', ''), 'display:none')]")
    words = " ".join(hidden[0].text_content().split()) if hidden else ""
    if not words:
        yield Remark(
            "preheader",
            "There is no preheader: mail lists show the first words of the page instead.",
            "Write one under “A note, another subject”.",
        )
    elif len(words) > _LONGEST_PREHEADER:
        yield Remark(
            "preheader",
            f"The preheader has {len(words)} characters; no mail list shows more than about 140.",
            "Shorten it.",
        )


def _links(document: html.HtmlElement, base_url: str, local: bool) -> Iterable[tuple[str, str, bool]]:
    anchors = [anchor.get("href") or "" for anchor in document.iter("a")]
    return review_links(anchors, base_url, local=local)


def _images(document: html.HtmlElement) -> Iterator[Remark]:
    bare = [image for image in document.iter("img") if image.get("alt") is None]
    if bare:
        number = "One image has" if len(bare) == 1 else f"{len(bare)} images have"
        yield Remark("images", f"{number} no alt text.", 'Say what is in it, or alt="" where it only decorates.')
    elsewhere = {urlsplit(image.get("src") or "").hostname for image in document.iter("img")} - {None}
    if elsewhere:
        hosts = ", ".join(sorted(filter(None, elsewhere)))
        yield Remark("images", f"Images are loaded from {hosts}: that tells them who reads.", "Take them out.")


def _contrast(document: html.HtmlElement) -> Iterator[Remark]:
    for scheme in ("light", "dark"):
        poor: dict[tuple[Colour, Colour], tuple[float, str]] = {}
        for run in painted(document, dark=scheme == "dark"):
            ratio = contrast(run.colour, run.ground)
            if ratio < ENOUGH:
                poor.setdefault((run.colour, run.ground), (ratio, run.text))
        for (colour, ground), (ratio, text) in list(poor.items())[:_MOST_PAIRS]:
            yield Remark(
                "contrast",
                f"In {scheme} mode “{text[:40]}” is {colour} on {ground}: a contrast of {ratio:.1f}, under {ENOUGH}.",
                f"Change the {scheme} colour in templates/mail.",
            )
