"""The settings file: an old text and new values make a new text, of which nothing else is touched."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Mapping
from difflib import unified_diff
from io import StringIO
from pathlib import Path

from dotenv import dotenv_values

from digest.errors import ConfigError, FileUnusable

_PLAIN = re.compile(r"[A-Za-z0-9@:/.,+=%?&~_-]*")  # read alike by a shell, by systemd and by us
_SECRET = re.compile(r"((?:SECRET|KEY|TOKEN)\w*=)(.+)|(://[^:/@\s]*:)([^@\s]+)(@)")
_HIDDEN = "(not shown)"
_NAME = re.compile(r"\s*(?:export\s+)?(\w+)\s*=")
_BEGINS = "# Firstlight's settings; docs/configuration.md tells all of them. Who reads this file can sign links.\n"


def values_in(text: str) -> dict[str, str]:
    """Return what a settings file sets, by the variables' names."""
    return {name: value or "" for name, value in dotenv_values(stream=StringIO(text), interpolate=False).items()}


def rewritten(text: str, values: Mapping[str, str]) -> str:
    """Set values in a settings file's text: each in its old line, or at the end; comments and the rest stay.

    Raises ConfigError for a value that a settings file cannot hold, and for a file in which a value spans lines.
    """
    now = values_in(text)
    wanted = {name: value for name, value in values.items() if now.get(name) != value}
    lines = (text or _BEGINS).splitlines()
    for name, value in wanted.items():
        line = f"{name}={_quoted(name, value)}"
        places = [place for place, old in enumerate(lines) if (found := _NAME.match(old)) and found[1] == name]
        if places:  # the last one of several counts
            lines[places[-1]] = line
        else:
            lines.append(line)
    made = "\n".join(lines) + "\n" if wanted or not text else text
    if values_in(made) != now | dict(values):
        raise ConfigError("the settings file cannot be changed line by line; write the values into it by hand")
    return made


def difference(old: str, new: str, name: str) -> list[str]:
    """Show what changes as lines of a unified diff; secrets and passwords are not shown."""
    lines = unified_diff(old.splitlines(), new.splitlines(), f"{name} (as it is)", f"{name} (new)", n=0, lineterm="")
    return [_SECRET.sub(_masked, line) for line in lines if not line.startswith("@@")]


def write_settings(path: Path, text: str) -> None:
    """Put the whole text in the file's place at once, for its owner alone; raises FileUnusable."""
    try:
        descriptor, made = tempfile.mkstemp(prefix=f"{path.name}.", dir=path.parent)  # mode 0600
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            Path(made).replace(path)
        except BaseException:
            Path(made).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise FileUnusable(f"{path} cannot be written: {error.strerror}") from error


def _quoted(name: str, value: str) -> str:
    if not value.isprintable() or "${" in value:
        raise ConfigError(f"{name}: a settings file holds no line breaks and no ${{...}}; choose another value")
    if _PLAIN.fullmatch(value):
        return value
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _masked(found: re.Match[str]) -> str:
    if found[1]:
        return f"{found[1]}{_HIDDEN}"
    return f"{found[3]}{_HIDDEN}{found[5]}"
