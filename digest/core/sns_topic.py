"""The names of Amazon SNS topics, and the one host that may speak for each."""

from __future__ import annotations

import re

_TOPIC = re.compile(r"arn:(aws(?:-cn|-us-gov)?):sns:([a-z]{2}(?:-[a-z]+)+-[0-9]{1,2}):[0-9]{12}:[A-Za-z0-9_.-]{1,256}")


def sns_host(topic: str) -> str:
    """Return the host of SNS in a topic's region; raises ValueError for what is no topic."""
    found = _TOPIC.fullmatch(topic)
    if found is None:
        raise ValueError(f"{topic[:80]!r} is not a topic such as arn:aws:sns:eu-west-1:123456789012:feedback")
    return f"sns.{found[2]}.amazonaws.com" + (".cn" if found[1] == "aws-cn" else "")
