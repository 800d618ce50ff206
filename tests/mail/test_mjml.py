"""Jinja tokens survive the MJML compiler, or the template is refused."""

from __future__ import annotations

import jinja2
import pytest

from digest.errors import TemplateFault
from digest.mail.mjml import compile_mjml

FRAME = (
    "<mjml><mj-head><mj-title>T</mj-title>"
    '<mj-attributes><mj-all font-family="sans-serif" /></mj-attributes>'
    '<mj-style inline="inline">.x { color: red; }</mj-style></mj-head>'
    "<mj-body><mj-section><mj-column>{}</mj-column></mj-section></mj-body></mjml>"
)


def rendered(inside: str, **given: object) -> str:
    source = compile_mjml(FRAME.replace("{}", inside), "a.mjml.j2")
    return jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined).from_string(source).render(given)


def test_expressions_with_markup_and_quotes_survive() -> None:
    words = """{{ "small" if n < 3 and n > 1 else "large & <wide>" }}"""
    inside = f"""<mj-text><a href="{{{{ url ~ "?a=1&b=2" }}}}">{words}</a></mj-text>"""
    html = rendered(inside, url="https://a.example/", n=2)
    assert '<a href="https://a.example/?a=1&amp;b=2">small</a>' in html
    assert "large &amp; &lt;wide&gt;" in rendered(inside, url="", n=9)


def test_a_loop_over_table_rows_stays_in_its_table_with_styles_inlined() -> None:
    inside = '<mj-table><tbody>{% for n in ns %}<tr><td class="x">{{ n }}</td></tr>{% endfor %}</tbody></mj-table>'
    html = rendered(inside, ns=[1, 2])
    rows = "".join(f'<tr><td class="x" style="color:red">{n}</td></tr>' for n in (1, 2))
    assert f"<tbody>{rows}</tbody></table>" in html


def test_outlook_comments_are_kept_and_every_table_is_for_layout() -> None:
    html = rendered("<mj-table><tbody><tr><td>x</td></tr></tbody></mj-table>")
    assert "<!--[if mso | IE]>" in html
    assert html.count("<table") == html.count('role="presentation"')  # checklist 22


@pytest.mark.parametrize(
    ("inside", "reason"),
    [
        ("<mj-unknown>{{ x }}</mj-unknown>", "mj-unknown"),
        ('<mj-text css-class="a" nonsense="{{ x }}">b</mj-text>', "dropped"),
        ("<mj-text><a {% if x %}href='y'{% endif %}>b</a></mj-text>", "inside a tag"),
        ("<mj-text>qjinja0000q</mj-text>", "reserved"),
        ('<mj-text font-family="Roboto">x</mj-text>', "outside"),
        ('<mj-text><img src="https://tracker.example/a.gif" alt=""></mj-text>', "outside"),
        ("<mj-table><mj-text>x</mj-text></mj-table>", "not compiled"),
    ],
)
def test_a_template_that_would_lose_something_is_refused(inside: str, reason: str) -> None:
    with pytest.raises(TemplateFault, match=r"a\.mjml\.j2: .*" + reason):
        compile_mjml(FRAME.replace("{}", inside), "a.mjml.j2")


def test_a_duplicated_token_is_refused() -> None:
    source = FRAME.replace("{}", "").replace("<mj-section>", '<mj-section css-class="{{ x }}">')
    with pytest.raises(TemplateFault, match="duplicated"):
        compile_mjml(source, "a.mjml.j2")


@pytest.mark.parametrize("source", ["", "<p>no mjml</p>", "<mjml></mjml>", "<<<"])
def test_what_is_not_mjml_is_refused(source: str) -> None:
    with pytest.raises(TemplateFault, match=r"a\.mjml\.j2"):
        compile_mjml(source, "a.mjml.j2")


def test_remarks_leave_no_trace() -> None:
    assert "secret" not in rendered("<mj-text>{# secret <b> #}x</mj-text>")
