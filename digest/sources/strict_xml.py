"""XML from outside, read strictly: whole and well-formed, without DTD or entities, in bounded time and memory."""

from __future__ import annotations

import re

from lxml import etree

from digest.errors import RefusedInput

MAX_XML = 64 * 1024 * 1024  # bytes
MAX_DEPTH = 64  # real feeds and records stay below 10
MAX_TAGS = 2_000_000  # opening and closing ones together; a page of arXiv's OAI-PMH has some 10,000
MAX_ATTRIBUTES = 1_000_000

_UTF8_MARK = b"\xef\xbb\xbf"
_OTHER_UNICODE = (b"\xff\xfe", b"\xfe\xff", b"\x00")
_SPACE_OR_INSTRUCTION = re.compile(rb"\s+|<\?.*?\?>|<!--.*?-->", re.DOTALL)
_MEANT = "Give the service's answer itself, as it was received."


def parse_xml(body: bytes, origin: str) -> etree._Element:
    """Parse a whole XML document and return its root.

    Raises RefusedInput, naming `origin` and the way out, for what is empty, not XML, cut short, not UTF-8, larger than
    `MAX_XML`, deeper than `MAX_DEPTH`, or declares a document type (the only door for entities). Nothing is fetched.
    """
    _refuse_outright(body, origin)
    # UTF-8 whatever the document says of itself: the checks here read ASCII, so no other encoding may hide from them.
    parser = etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        load_dtd=False,
        dtd_validation=False,
        no_network=True,
        huge_tree=False,
        recover=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(body, parser)
    except etree.XMLSyntaxError as fault:
        detail = " ".join(str(fault.msg or fault).split())[:200]
        raise RefusedInput(
            f"{origin} is not one whole, well-formed XML document: {detail}. It may be cut short or not what it should "
            f"be; fetch or record it again. Nothing was read from it."
        ) from fault
    if root.xpath("boolean(" + "/*" * (MAX_DEPTH + 1) + ")"):
        raise RefusedInput(f"{origin} is nested deeper than {MAX_DEPTH} elements; no feed or record is. {_MEANT}")
    return root


def local_name(element: etree._Element) -> str:
    """Return an element's name without its namespace."""
    return str(element.tag).rpartition("}")[2]


def text_of(element: etree._Element | None) -> str:
    """Return all text in an element, stripped; empty for None."""
    return "" if element is None else "".join(str(text) for text in element.itertext()).strip()


def _refuse_outright(body: bytes, origin: str) -> None:
    if len(body) > MAX_XML:
        raise RefusedInput(
            f"{origin} has {len(body) // 2**20} MiB; more than {MAX_XML // 2**20} MiB is not read. "
            f"Ask the service for smaller pages."
        )
    start = body.removeprefix(_UTF8_MARK).lstrip()
    if not start:
        raise RefusedInput(f"{origin} is empty; fetch or record it again.")
    if start.startswith(b"\x1f\x8b"):
        raise RefusedInput(f"{origin} is compressed with gzip; unpack it first.")
    if start.startswith(_OTHER_UNICODE) or b"\x00" in body:
        raise RefusedInput(f"{origin} is not UTF-8 text, as the XML of these services is. {_MEANT}")
    if not start.startswith(b"<"):
        kind = "JSON" if start.startswith((b"{", b"[")) else "no XML"
        raise RefusedInput(f"{origin} is {kind}: it begins with {_excerpt(start)}. {_MEANT}")
    after = _after_prolog(start, origin)
    if start[after : after + 9].upper() == b"<!DOCTYPE":
        if re.match(rb"<!doctype\s+html", start[after : after + 40], re.IGNORECASE):
            raise RefusedInput(f"{origin} is an HTML page, not XML; the service may be down or blocking. {_MEANT}")
        raise RefusedInput(f"{origin} declares a document type (DTD), which no answer of these services does; refused.")
    if body.count(b"<") > MAX_TAGS or body.count(b"=") > MAX_ATTRIBUTES:
        raise RefusedInput(f"{origin} has more elements or attributes than any answer of these services; refused.")


def _after_prolog(start: bytes, origin: str) -> int:
    at = 0
    while match := _SPACE_OR_INSTRUCTION.match(start, at):
        at = match.end()
    if start.startswith((b"<?", b"<!--"), at):
        raise RefusedInput(f"{origin} is cut short within its first lines; fetch or record it again.")
    return at


def _excerpt(start: bytes) -> str:
    return repr(start[:40].decode("utf-8", "replace"))
