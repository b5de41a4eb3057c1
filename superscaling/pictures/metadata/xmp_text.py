"""Edits XMP packets as text, so that everything else stays byte for byte.

Packets are any bytes of at most `MAX_XMP`; each function takes time in proportion to that.
"""

import re
from collections.abc import Callable, Iterable, Iterator

# Longest packet that is read, in bytes. (A JPEG's segment holds 64 KB; packets with long histories have 1 MB.)
MAX_XMP = 1 << 21
# A declaration: prefix and namespace.
DECLARED = re.compile(rb"xmlns:([\w.-]{1,50})\s*=\s*[\"']([^\"'<>\s]{1,200})[\"']")
# Values of a property: a whole number, a fraction.
WHOLE, FRACTION = rb"\d{1,9}", rb"\d{1,10}(?:/\d{1,10})?"


def declared_prefixes(xmp: bytes) -> dict[bytes, set[bytes]]:
    """The namespaces that the packet declares, and their prefixes."""
    found = dict[bytes, set[bytes]]()
    for prefix, namespace in DECLARED.findall(xmp):
        found.setdefault(namespace, set()).add(prefix)
    return found


def any_of(prefixes: Iterable[bytes]) -> bytes:
    """A pattern of one of the prefixes, so that the packet is searched once for all."""
    return b"(?:%s)" % b"|".join(map(re.escape, sorted(prefixes)))


def undeclared(xmp: bytes, prefixes: set[bytes]) -> bytes:
    """The packet without declarations of those prefixes that it does not use."""
    unused = prefixes - set(re.findall(rb"(?<![\w.-])(%s):" % any_of(prefixes), xmp))
    return re.sub(rb"\sxmlns:%s\s*=\s*(?:\"[^\"]*\"|'[^']*')" % any_of(unused), b"", xmp) if unused else xmp


def without(xmp: bytes, prefixes: set[bytes], names: bytes) -> tuple[bytes, list[bytes]]:
    """The packet without properties of these names, as elements and as attributes; and what was removed."""
    name = rb"%s:(?:%s)" % (any_of(prefixes), names)
    removed, kept, place = list[bytes](), list[bytes](), 0
    for start, end in elements(xmp, re.compile(rb"<(%s)(?=[\s/>])" % name)):
        kept.append(xmp[place:start])
        removed.append(xmp[start:end])
        place = end
    xmp = b"".join((*kept, xmp[place:]))
    attribute = re.compile(rb"\s%s\s*=\s*(?:\"[^\"]*\"|'[^']*')" % name)
    removed += attribute.findall(xmp)
    return attribute.sub(b"", xmp), removed


def elements(xmp: bytes, opening: re.Pattern[bytes]) -> Iterator[tuple[int, int]]:
    """Start and end of the outermost elements that begin so."""
    place = 0
    while found := opening.search(xmp, place):
        place = xmp.find(b">", found.end()) + 1
        if place and xmp[place - 2 : place - 1] != b"/":
            closing = xmp.find(b"</" + found[1], place)
            place = xmp.find(b">", closing) + 1 if closing >= 0 else 0
        if not place:
            raise ValueError("an element does not end")
        yield found.start(), place


def with_values(
    xmp: bytes, prefixes: set[bytes], names: bytes, new: bytes | Callable[[bytes], bytes], value: bytes = WHOLE
) -> bytes:
    """The packet with other values of these names, in attributes and elements, where they match the pattern `value`.

    `new`: for all of them, or from the old one.
    """
    name = rb"%s:(?:%s)" % (any_of(prefixes), names)
    before = rb"\s%s\s*=\s*[\"']|<%s(?:\s[^<>]*)?>" % (name, name)
    found = re.compile(rb"((?:%s)\s*)(%s)(?=\s*[\"'<])" % (before, value))
    return found.sub(lambda each: each[1] + (new if isinstance(new, bytes) else new(each[2])), xmp)


def values_of(xmp: bytes, prefixes: set[bytes], name: bytes, value: bytes) -> list[bytes]:
    """The values of a name, of attributes and elements, that match the pattern `value`."""
    full = rb"%s:%s" % (any_of(prefixes), name)
    found = re.finditer(rb"(?:\s%s\s*=\s*[\"']|<%s(?:\s[^<>]*)?>)\s*(%s)(?=\s*[\"'<])" % (full, full, value), xmp)
    return [each[1] for each in found]


def has(xmp: bytes, prefixes: set[bytes], name: bytes) -> bool:
    """Whether there is an attribute or element of this name."""
    return re.search(rb"[\s<]%s:%s(?=[\s=/>])" % (any_of(prefixes), name), xmp) is not None


def swapped(xmp: bytes, prefixes: set[bytes], one: bytes, other: bytes) -> bytes:
    """The packet with two names in each other's place."""
    names = {one: other, other: one}
    name = re.compile(rb"([\s</]%s:)(%s|%s)(?![\w.-])" % (any_of(prefixes), one, other))
    return name.sub(lambda each: each[1] + names[each[2]], xmp)


def replaced(xmp: bytes, prefixes: set[bytes], names: bytes, change: Callable[[bytes], bytes]) -> bytes:
    """The packet with the outermost elements of these names changed.

    Raises:
        ValueError: an element does not end; or by `change`.
    """
    parts, place = list[bytes](), 0
    for start, end in elements(xmp, re.compile(rb"<(%s:(?:%s))(?=[\s/>])" % (any_of(prefixes), names))):
        parts += [xmp[place:start], change(xmp[start:end])]
        place = end
    return b"".join((*parts, xmp[place:]))


def items(element: bytes, most: int) -> Iterator[tuple[int, int]]:
    """Start and end of the members of an element's list, but not of lists in them.

    Raises:
        ValueError: a member does not end, or there are more than `most`.
    """
    depth, start, count = 0, 0, 0
    for tag in re.finditer(rb"<(/?)(?:[\w.-]+:)?li(?=[\s/>])[^<>]*>", element):
        if tag[1]:
            depth -= 1
        elif not depth:
            start = tag.start()
        if not tag[1] and not tag[0].endswith(b"/>"):
            depth += 1
        if depth < 0:
            break
        if not depth:
            count += 1
            if count > most:
                raise ValueError("too many members")
            yield start, tag.end()
    if depth:
        raise ValueError("a member does not end")
