"""XML of strangers, parsed safely.

Rule: what we read has no document type, so whatever declares one is refused before it is parsed:
entities can make a short text long, or read files.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cellfolio.formats.images.malformed import Malformed

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element


def parse_xml(text: str, what: str) -> Element:
    """Return the root of an XML document.

    Parameters
    ----------
    text : str
    what : str
        For messages, such as ``its OME-XML``.

    Raises
    ------
    Malformed

    Examples
    --------
    >>> parse_xml("<a><b/></a>", "it")[0].tag
    'b'
    """
    from xml.etree.ElementTree import ParseError, fromstring

    if re.search(r"<!\s*(?:DOCTYPE|ENTITY)", text, re.IGNORECASE):
        raise Malformed(f"{what} declares a document type or entities, which are refused")
    # The declared encoding is of the bytes; what we parse is text by now.
    body = re.sub(r"\A\ufeff?\s*<\?xml.*?\?>", "", text, flags=re.DOTALL)
    try:
        return fromstring(body)
    except (ParseError, RecursionError, ValueError) as error:
        raise Malformed(f"{what} cannot be parsed: {error}") from error


def local_name(node: Element) -> str:
    """Return the name of an element without its namespace."""
    return node.tag.rpartition("}")[2]
