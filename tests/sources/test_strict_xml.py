"""XML is read whole or not at all, whatever is sent, in bounded time and memory."""

from __future__ import annotations

import contextlib
import resource
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.errors import RefusedInput
from digest.sources.strict_xml import MAX_DEPTH, local_name, parse_xml, text_of

BOMB = b"""<?xml version="1.0"?>
<!DOCTYPE l [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;">]>
<l>&c;</l>"""
OUTSIDE = b'<?xml version="1.0"?><!DOCTYPE l SYSTEM "file:///etc/passwd"><l/>'
MIB = 2**20


def test_a_whole_document_is_read() -> None:
    root = parse_xml('\ufeff<?xml version="1.0"?><!-- x --><a xmlns="urn:x"><b>é &amp; <c>x</c></b></a>'.encode(), "f")
    assert local_name(root) == "a"
    assert text_of(root.find("{*}b")) == "é & x"
    assert text_of(None) == ""


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "empty"),
        (b" \n\t", "empty"),
        (b"<a><b>text", "cut short"),
        (b"<a></b>", "well-formed"),
        (b"<a/><b/>", "well-formed"),
        (b"<a>\x01</a>", "well-formed"),
        (b"<a>&nbsp;</a>", "well-formed"),
        (b"<a>\xe9</a>", "well-formed"),
        (b'<?xml version="1.0" encoding="iso-8859-1"?><a>\xe9</a>', "well-formed"),
        (b"<?xml version='1.0'", "cut short"),
        (b"<!-- never closed", "cut short"),
        (b"plain text", "no XML"),
        (b'{"status": 200}', "JSON"),
        (b"\x1f\x8b\x08\x00", "gzip"),
        (BOMB, "document type"),
        (OUTSIDE, "document type"),
        (b"<!-- hello -->\n" + OUTSIDE.partition(b"?>")[2], "document type"),
        (BOMB.decode().encode("utf-16"), "UTF-8"),
        (b"<!DOCTYPE html><html></html>", "HTML page"),
        (b"<a>" * (MAX_DEPTH + 1) + b"</a>" * (MAX_DEPTH + 1), "nested deeper"),
    ],
)
def test_everything_else_is_refused_with_its_name_and_a_reason(body: bytes, reason: str) -> None:
    with pytest.raises(RefusedInput) as refusal:
        parse_xml(body, "the-file.xml")
    assert str(refusal.value).startswith("the-file.xml ")
    assert reason in str(refusal.value)


def test_nesting_up_to_the_limit_is_read() -> None:
    parse_xml(b"<a>" * MAX_DEPTH + b"</a>" * MAX_DEPTH, "f")


def test_every_cut_of_a_document_is_refused() -> None:
    whole = (
        '<?xml version="1.0" encoding="UTF-8"?>\n<r><!-- x --><i a="1">é &amp; ü</i><i><![CDATA[x]]></i></r>'.encode()
    )
    for end in range(len(whole)):
        with pytest.raises(RefusedInput):
            parse_xml(whole[:end], "f")


@given(st.binary(max_size=200) | st.text(alphabet="<>/a!-[]?&;#x=\"' ").map(str.encode))
def test_no_bytes_raise_anything_but_a_refusal(body: bytes) -> None:
    with contextlib.suppress(RefusedInput):
        parse_xml(body, "f")


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(lambda: b"<a>" * (20 * MIB), id="deep"),
        pytest.param(lambda: b"<a b='" + b"x" * (60 * MIB) + b"'/>", id="one giant attribute"),
        pytest.param(lambda: b"<a " + b" ".join(b"a%d=''" % i for i in range(1_100_000)) + b"/>", id="many attributes"),
        pytest.param(lambda: b"<a>" + b"<b/>" * (15 * MIB) + b"</a>", id="wide"),
        pytest.param(lambda: b"<a>" + b"x" * (60 * MIB) + b"</a>", id="one giant text"),
        pytest.param(lambda: b"<" + b"a" * (60 * MIB) + b"/>", id="one giant name"),
        pytest.param(lambda: BOMB.replace(b"<l>", b"<l>" + b"&c;" * (20 * MIB)), id="entity bomb"),
        pytest.param(lambda: b"<!---->" * (8 * MIB), id="comments"),
        pytest.param(lambda: b" " * (60 * MIB), id="spaces"),
        pytest.param(lambda: b"<a>" + b" " * (100 * MIB) + b"</a>", id="100 MiB"),
    ],
)
def test_a_hostile_body_is_refused_in_bounded_time_and_memory(body) -> None:  # type: ignore[no-untyped-def]
    hostile = body()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.monotonic()
    with pytest.raises(RefusedInput):
        parse_xml(hostile, "f")
    assert time.monotonic() - started < 5
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024
    assert grown < 300, f"{grown} MB"
