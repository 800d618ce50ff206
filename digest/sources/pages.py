"""Text captures of paper-index pages: an author's page, or a ranked list of results."""

from __future__ import annotations

from digest.core.capture import Capture, Reading
from digest.errors import RefusedInput
from digest.sources.author_page import MetaLine, parse_meta, read_author_page
from digest.sources.page_text import page_lines, without_promotion
from digest.sources.result_list import read_result_list


class Pages:
    """The `pages` source: recorded pages only, there is no live service behind it."""

    name = "pages"

    def read(self, body: bytes, reading: Reading) -> Capture:
        """Read one captured page; raises RefusedInput naming what is wrong with it and the way out."""
        lines, promoted = without_promotion(page_lines(body, reading.origin))
        metas: dict[int, MetaLine] = {}
        for at, line in enumerate(lines):
            meta = parse_meta(line)
            if meta is not None:
                metas[at] = meta
        if metas:
            capture = read_author_page(lines, metas, reading)
        elif promoted:
            capture = read_result_list(lines, reading)
        else:
            raise RefusedInput(
                f"{reading.origin}: not a paper-index page: no line such as `LGApr 27, 2023` stands before a paper, "
                "and no subscribe box before a list of results; give the page's text as it was captured"
            )
        if not capture.listings:
            why = f": {capture.rejected[0].reason}" if capture.rejected else ""
            raise RefusedInput(f"{reading.origin}: the page holds no paper that can be read{why}")
        return capture
