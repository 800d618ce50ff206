"""Where a title ends and the first author begins, when a page has glued the two together."""

from __future__ import annotations

from collections.abc import Set as AbstractSet

_PARTICLES = frozenset(("al", "bin", "da", "das", "de", "del", "della", "den", "der", "des", "di", "do", "dos", "du"))
_PARTICLES |= frozenset(("e", "el", "la", "las", "le", "los", "ten", "ter", "van", "von", "y", "zu", "zur", "'t"))
_ARTICLES = frozenset(("ad", "al", "an", "ar", "as", "at", "az", "bin", "el", "ibn", "ul"))
_NAME_PREFIXES = frozenset(("Mc", "Mac", "De", "Del", "Della", "Der", "Di", "Du", "Da", "El", "La", "Le", "Lo", "Mu"))
_NAME_PREFIXES |= frozenset(("Van", "Von", "Fitz", "Vander", "Abu", "Al", "Ben", "Bin", "Ibn", "San", "St", "Ter"))
_NO_GLUE_AFTER = frozenset(" \t-‐‑–—/'’`.&_#@\\({[<:")
_AROUND_WORDS = ".,:;?!()[]{}\"'“”‘’$*"
_WINDOW = 160  # an author's name, and the last words of a title, are never further apart
_LONGEST_LINE = 2_000
_MAX_NAME_WORDS = 6
_SHOWN = 3  # a byline shows the first three authors


def split_authors(byline: str) -> tuple[tuple[str, ...], bool]:
    """Split `A, B, C et al.` into names and whether the list is complete."""
    complete = True
    text = byline.strip()
    for ending in ("et al.", "et al"):
        if text.endswith((f" {ending}", f",{ending}")) or text == ending:
            text, complete = text[: -len(ending)].rstrip(" ,"), False
            break
    names = tuple(name for part in text.split(", ") if (name := " ".join(part.strip(" ,").split())))
    return names, complete


def is_name(text: str) -> bool:
    """Tell whether a text could be one author's name as a byline prints it."""
    words = text.split()
    if not 1 <= len(words) <= _MAX_NAME_WORDS or len(text) > 80 or text[-1] in "?!:;,":
        return False
    if text[-1] == "." and len(words[-1]) > 4 and len(words) > 1:
        return False
    return words[-1][0].isalpha() and all(_is_name_word(word) for word in words)


def split_glued(line: str, vocabulary: AbstractSet[str] = frozenset()) -> tuple[str, tuple[str, ...], bool] | None:
    """Split a title from the byline that directly follows it, without any space between.

    `vocabulary` holds lower-case words of the page's running text: of several places where the line
    could be split, one after such a word is preferred, then the last. Returns title, names and whether
    the names are complete, or None where there is no place to split, or the line is too long to hold both.
    """
    if len(line) > _LONGEST_LINE:
        return None
    parts, complete = split_authors(line)
    certain = not complete and len(parts) >= 3  # `et al.` always follows exactly three names
    first = max(0, len(parts) - _SHOWN)
    best: tuple[tuple[bool, bool, bool, int], int, int] | None = None
    for start in range(first, first + 1 if certain else len(parts)):
        others = parts[start + 1 :]
        if not certain and not all(len(name) <= 60 and len(name.split()) <= _MAX_NAME_WORDS for name in others):
            continue
        at, known = _best_glue(parts[start], vocabulary)
        clean = all(is_name(name) and not _title_like(name) for name in others)
        rank = (known, clean, all(map(is_name, others)), -start)
        if at and (best is None or rank > best[0]):
            best = rank, start, at
    if best is None:
        return None
    _, start, at = best
    head = parts[start]
    return ", ".join((*parts[:start], head[:at].rstrip())), (head[at:], *parts[start + 1 :]), complete


def _best_glue(segment: str, vocabulary: AbstractSet[str]) -> tuple[int, bool]:
    """Find where the name begins in `...a titleFirst Last` (0: nowhere), and tell if a known word ends there."""
    candidates = [at for at in _glues(segment) if is_name(segment[at:])]
    full = [at for at in candidates if len(segment[at:].split()) > 1]
    for group in (full, candidates):
        known = [at for at in group if last_word(segment[:at]) in vocabulary]
        if known:
            return known[-1], True
    lone = [at for at in candidates if len(segment) - at > 2]
    return (full or lone or [0])[-1], False


def _title_like(name: str) -> bool:
    """Tell whether a capital follows a word directly anywhere but in the first name (`SueYeon Chung`)."""
    return any(" " in name[:at] for at in _glues(name))


def _glues(segment: str) -> list[int]:
    """List the places where a capital begins a name directly after the end of a word."""
    first = max(1, len(segment) - _WINDOW)
    return [at for at in range(first, len(segment) - 1) if _is_glue(segment, at)]


def _is_glue(segment: str, at: int) -> bool:
    before, here, after = segment[at - 1], segment[at], segment[at + 1]
    if not here.isupper() or before in _NO_GLUE_AFTER or before.isspace():
        return False
    if before.isupper() or before.isdigit():  # `in RLMichael Jordan`, `in 3DM. Jordan`, but not `3D`
        return after.islower() or after == "."
    if before.islower():
        start = max(segment.rfind(mark, 0, at) for mark in " -'’.") + 1
        prefix = segment[start:at]
        return prefix not in _NAME_PREFIXES
    return True


def _is_name_word(word: str) -> bool:
    bare = word.strip("().\"'“”‘’*†‡")
    if not bare:
        return False
    if any(mark.isdigit() for mark in bare) or any(mark in ":;?!=<>{}[]|/$\\%" for mark in bare):
        return False
    if not bare[0].islower() or bare in _PARTICLES or bare[:2] in ("d'", "d’", "o'", "l'"):
        return True
    article, hyphen, rest = bare.partition("-")  # `Omar al-Khatib`
    return bool(hyphen) and article in _ARTICLES and rest[:1].isupper()


def words_of(text: str) -> set[str]:
    """Return the lower-case words of a running text, for the vocabulary of `split_glued`."""
    return {word.strip(_AROUND_WORDS).lower() for word in text.split()}


def last_word(text: str) -> str:
    """Return the last word of a text in lower case, without the punctuation around it."""
    words = text[-_WINDOW:].split()
    return words[-1].strip(_AROUND_WORDS).lower() if words else ""
