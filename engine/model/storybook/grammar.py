# SPDX-License-Identifier: Apache-2.0
"""Template expansion: [a|b|c] alternatives, {key} values of the cast, a~ for the article that fits."""

import re


def _parse(text, pos, depth):
    """Parse a template from text[pos:]; returns (list of alternatives, next position)."""
    alternatives, current, literal = [], [], []

    def flush():
        if literal:
            current.append("".join(literal))
            literal.clear()

    while pos < len(text):
        ch = text[pos]
        if ch == "[":
            flush()
            inner, pos = _parse(text, pos + 1, depth + 1)
            current.append(inner)
            continue
        if ch == "]":
            if depth == 0:
                raise ValueError("stray ']' in template: " + text)
            flush()
            alternatives.append(current)
            return alternatives, pos + 1
        if ch == "|" and depth > 0:
            flush()
            alternatives.append(current)
            current = []
            pos += 1
            continue
        if ch == "{":
            flush()
            end = text.index("}", pos)
            current.append((text[pos + 1:end],))
            pos = end + 1
            continue
        literal.append(ch)
        pos += 1
    if depth:
        raise ValueError("unclosed '[' in template: " + text)
    flush()
    return [current], pos


_PARSED = {}


def _value(key, rng, cast):
    """The text of one {key}. The first mention of a side character also says who it is."""
    name = key[0].lower() + key[1:]
    seen = cast["seen"]
    if name in ("fn", "fbare", "xn", "xplain"):
        who = name[0]
        value = cast[who + "n"]
        if name.endswith("plain"):  # in speech, where "his friend" would be wrong
            value = cast[who + "nk"]
        elif who not in seen and not name.endswith("bare"):
            value = cast[who + "intro"]
        seen.add(who)
    else:
        seen.add(name)
        value = cast[key] if key in cast else cast[name]
    if "[" in value or "{" in value:
        value = expand(value, rng, cast)
    return value if key in cast or key[0].islower() else value[0].upper() + value[1:]


def _emit(node, rng, cast, out):
    """Expand one parsed node (list of alternatives) into the list of strings `out`."""
    branch = node[0] if len(node) == 1 else node[int(rng.random() * len(node))]
    for part in branch:
        if isinstance(part, str):
            out.append(part)
        elif isinstance(part, tuple):
            out.append(_value(part[0], rng, cast))
        else:
            _emit(part, rng, cast, out)


def expand(template, rng, cast):
    """Expand a template to text, drawing every choice from rng."""
    tree = _PARSED.get(template)
    if tree is None:
        tree = _PARSED[template] = _parse(template, 0, 0)[0]
    out = []
    _emit(tree, rng, cast, out)
    return "".join(out)


_ARTICLE = re.compile(r"\b([Aa])~ (\w+)")


def _article(match):
    word = match.group(2)
    vowel = word[0].lower() in "aeiou" and not word.startswith(("use", "one"))
    return match.group(1) + ("n " if vowel else " ") + word


def tidy(text):
    """Settle a/an, double spaces and sentence capitals after expansion."""
    text = _ARTICLE.sub(_article, text)
    text = re.sub(r" {2,}", " ", text).strip()
    text = re.sub(r" ([,.!?])", r"\1", text)
    return text[0].upper() + text[1:]
