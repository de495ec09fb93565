"""Which ETags say something about an object's bytes.

A store may put anything into an ETag. Amazon S3 puts the MD5 of an object that was sent in one
request, and for an object sent in parts the MD5 of the parts' MD5s, then ``-`` and the number of
parts. Only what has one of these forms, and can be true of so many bytes, is a digest here.

References
----------
Amazon S3, "Checking object integrity" and "Multipart upload limits".
"""

from __future__ import annotations

import re
from itertools import islice

from cellfolio.package.digests import MAX_PART_SIZES, MIB, Digest, infer_part_sizes

MIN_PART = 5 * MIB
MAX_PART = 5 * 1024 * MIB
"""Bytes of a part in Amazon S3; only the last may be smaller."""
MAX_PARTS = 10_000
_MEGABYTE = 1_000_000

_USABLE = re.compile(r"[0-9a-f]{32}(?:-([1-9][0-9]{0,4}))?")


def etag_digest(e_tag: str | None, size: int) -> Digest | None:
    """Return an ETag as a digest, or None where it cannot vouch for `size` bytes.

    An ETag of several parts counts only if a part size of whole MiB or megabytes (10^6) within the
    limits of S3 gives that number of parts and is among those that a check tries. So an ETag that
    could never be confirmed does not make good bytes look damaged.

    Of objects that are encrypted with keys of AWS KMS or of the customer, and of directory
    buckets, S3 gives ETags of the same form that are no MD5: a listing does not tell them apart.

    Parameters
    ----------
    e_tag : str or None
        With or without quotes.
    size : int
        Bytes of the object.

    Examples
    --------
    >>> etag_digest('"8367b77b245035279d21e083fb57564e-261"', 2_183_033_139)
    Digest(algorithm='ETag', value='8367b77b245035279d21e083fb57564e-261')
    >>> etag_digest("8367b77b245035279d21e083fb57564e-3", 10) is None
    True
    """
    value = (e_tag or "").strip('"').lower()
    match = _USABLE.fullmatch(value)
    if match is None or (match[1] is not None and not _possible(size, int(match[1]))):
        return None
    return Digest("ETag", value)


def _possible(size: int, parts: int) -> bool:
    """Whether an upload of `size` bytes can have had so many parts."""
    if parts == 1:
        return size <= MAX_PART
    if parts > MAX_PARTS:
        return False
    return any(
        MIN_PART <= part <= MAX_PART and (part % MIB == 0 or part % _MEGABYTE == 0)
        for part in islice(infer_part_sizes(size, parts), MAX_PART_SIZES)
    )
