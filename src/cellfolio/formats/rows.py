"""Whether the rows of a delimited table are whole, told while its bytes pass by.

pandas fills short rows with missing values, takes the first column as an index where the header is
short, and reads on after NUL bytes. Here each row must have as many fields as the header, in the
encoding that was told.

Rows are counted by lines and delimiters, which is quick. Where that does not tell, because quotes
stand in unusual places, lines end with a carriage return alone, or the numbers differ, the file is
read field by field with `csv`, and written anew for pandas. (Some tables with a lone carriage
return make pandas 2.3 and 3.1 take gigabytes of memory.)
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import methodcaller

from cellfolio.errors import BrokenFile, InvalidArgument
from cellfolio.formats.format import Source
from cellfolio.formats.streams import Contents

_LONGEST_ROW = 64 << 20
"""Bytes; a quote that is never closed would else keep the whole file in memory."""
_ROWS_AT_ONCE = 200
# Rule: a number is short if it is a whole number below 2**53, times or over a power of ten up to
# 10**22: both are exact as float64, so one operation gives the nearest one. True of up to 15
# digits and points without an exponent, or of 6 with an exponent from -17 to 22.
_DIGITS = bytes.maketrans(b"0123456789.", b"0" * 11)
_LONG, _LONG_WITH_EXPONENT = b"0" * 16, b"0" * 7 + b"e"
_FAR = re.compile(rb"e(?<=[0-9.]e)(?!(?:[-+]?0?\d|\+?1\d|\+?2[0-2]|-1[0-7])(?!\d))[-+]?\d")


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a delimited table is written.

    Attributes
    ----------
    format : str
        For messages.
    delimiter : str
        One ASCII character.
    encoding : str
    header_rows : int
        Lines with names of columns.
    sure : bool
        Whether the delimiter was told by the user, and is not to be doubted.
    """

    format: str
    delimiter: str
    encoding: str = "utf-8"
    header_rows: int = 1
    sure: bool = False

    @property
    def codec(self) -> str:
        """Name of the encoding for Python; of UTF-8, one that takes a byte order mark away.

        Raises
        ------
        InvalidArgument
            If there is no such encoding.
        """
        try:
            name = codecs.lookup(self.encoding).name
        except LookupError:
            raise InvalidArgument(f"there is no encoding {self.encoding!r}") from None
        return "utf-8-sig" if name == "utf-8" else name


class UnusualRows(Exception):
    """Counting does not tell whether the rows are whole."""


class _Given(io.RawIOBase):
    """Bytes made piece by piece; keeps the error that ended it, which pandas may replace."""

    mode = "rb"

    def __init__(self, pieces: Iterator[bytes]) -> None:
        super().__init__()
        self.failure: Exception | None = None
        self._pieces = pieces
        self._ready = memoryview(b"")

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: object) -> int:
        """Read into a buffer; return the number of bytes."""
        view = memoryview(buffer).cast("B")  # type: ignore[arg-type]
        while not self._ready:
            try:
                piece = next(self._pieces, None)
            except (BrokenFile, UnusualRows) as error:
                self.failure = error
                raise
            if piece is None:
                return 0
            self._ready = memoryview(piece)
        size = min(len(view), len(self._ready))
        view[:size] = self._ready[:size]
        self._ready = self._ready[size:]
        return size


def uncounted_rows(contents: Contents, source: Source, dialect: Dialect) -> Iterator[bytes]:
    """Yield a table's bytes in UTF-8, some rows at once, their fields not counted yet.

    Raises
    ------
    BrokenFile
    UnusualRows
        Where `parsed_rows` has to tell.
    """
    return _Count(source, dialect, counted=False).rows(contents)


def short_rows(contents: Contents, source: Source, dialect: Dialect) -> _Given:
    """Do as `counted_rows`, and raise `UnusualRows` where a number may be too long to be quick.

    Most tables have numbers that a multiplication or a division makes exact.
    """
    return _Given(_Count(source, dialect, short=True).rows(contents))


def counted_rows(contents: Contents, source: Source, dialect: Dialect) -> _Given:
    """Return a table's bytes in UTF-8, each row given after it was found whole.

    Reading raises `BrokenFile`, and `UnusualRows` where `parsed_rows` has to tell.
    """
    return _Given(_Count(source, dialect).rows(contents))


class _Count:
    """Counts the fields of rows as blocks pass by."""

    def __init__(
        self, source: Source, dialect: Dialect, *, short: bool = False, counted: bool = True
    ) -> None:
        self._source, self._dialect, self._short = source, dialect, short
        self._counted = counted
        self._mark = dialect.delimiter.encode()
        self._blank = b" \t\r".replace(self._mark, b"")
        self._lines = 0
        self._wanted = -1
        mark = re.escape(self._mark)
        self._quoted = re.compile(
            rb"(?:(?<=[\n" + mark + rb'])|\A)"[^"]*(?:""[^"]*)*"(?=[\r\n' + mark + rb"])"
        )

    def rows(self, contents: Contents) -> Iterator[bytes]:
        tail, started = b"", False
        recode = codecs.getincrementaldecoder(self._dialect.codec)()
        plain = self._dialect.codec == "utf-8-sig"
        while True:
            block = contents.block()
            whole = not block
            if not plain:
                block = self._recoded(recode, block)
            data = tail + block
            if not started:
                data, started = data.removeprefix(b"\xef\xbb\xbf"), True
            rows, tail = self._cut(data, whole=whole)
            if rows:
                self._check(rows)
                yield rows
            if whole:
                return

    def _recoded(self, decoder: codecs.IncrementalDecoder, block: bytes) -> bytes:
        try:
            return decoder.decode(block, final=not block).encode("utf-8")
        except UnicodeError:
            raise UnusualRows from None

    def _cut(self, data: bytes, *, whole: bool) -> tuple[bytes, bytes]:
        """Return complete rows, and the rest."""
        if b"\0" in data:
            line = self._lines + data.count(b"\n", 0, data.index(b"\0")) + 1
            hint = "if it is UTF-16, say encoding='utf-16'"
            raise self._broken(f"line {line} has a NUL byte", hint)
        end = len(data) if whole else data.rfind(b"\n") + 1
        # An end of line in quotes is none: cut where as many quotes were opened as closed.
        while not whole and data.count(b'"', 0, end) % 2:
            end = data.rfind(b"\n", 0, data.rfind(b'"', 0, end)) + 1
        if len(data) - end > _LONGEST_ROW:
            raise UnusualRows
        return data[:end], data[end:]

    def _check(self, rows: bytes) -> None:
        if not rows.isascii():
            self._check_encoding(rows)
        plain = rows if rows.endswith(b"\n") else rows + b"\n"
        if b'"' in plain:
            plain = self._quoted.sub(b"x", plain)
        if b'"' in plain or plain.count(b"\r") != plain.count(b"\r\n"):
            raise UnusualRows
        if self._counted:
            self._count(plain)
        if self._short and has_long_numbers(rows):
            raise UnusualRows
        self._lines += rows.count(b"\n")

    def _count(self, plain: bytes) -> None:
        lines = plain.split(b"\n")
        lines.pop()
        if self._wanted < 0:
            first = next((line for line in lines if line.strip(self._blank)), b"")
            self._wanted = first.count(self._mark) if first else -1
        counts = set(map(methodcaller("count", self._mark), lines))
        if counts - {self._wanted} and any(
            line.count(self._mark) != self._wanted and line.strip(self._blank) for line in lines
        ):
            raise UnusualRows

    def _check_encoding(self, rows: bytes) -> None:
        try:
            rows.decode("utf-8")
        except UnicodeDecodeError as error:
            line = self._lines + rows.count(b"\n", 0, error.start) + 1
            start = rows.rfind(b"\n", 0, error.start) + 1
            field = rows.count(self._mark, start, error.start) + 1
            raise self._broken(
                f"line {line}, field {field} is not UTF-8 (byte {rows[error.start]:#04x})",
                "name its encoding, such as encoding='latin-1'",
            ) from None

    def _broken(self, reason: str, hint: str) -> BrokenFile:
        return BrokenFile(self._source.name, self._dialect.format, reason, hint=hint)


def has_long_numbers(rows: bytes) -> bool:
    """Tell whether a number may be long: see the rule above.

    Examples
    --------
    >>> has_long_numbers(b"0.1234567890123,7,1.2345e-17"), has_long_numbers(b"1.2345e-18")
    (False, True)
    """
    rows = rows.replace(b"E", b"e")
    digits = rows.translate(_DIGITS)
    return _LONG in digits or _LONG_WITH_EXPONENT in digits or _FAR.search(rows) is not None


def parsed_rows(contents: Contents, source: Source, dialect: Dialect) -> _Given:
    """Return a table's bytes in UTF-8, read field by field and with all fields in quotes.

    Reading raises `BrokenFile` that names the first line whose number of fields is not that of
    the header, and quotes that are not closed.
    """
    return _Given(_written(contents, source, dialect))


def _written(contents: Contents, source: Source, dialect: Dialect) -> Iterator[bytes]:
    stream = io.StringIO(newline="")
    writer = csv.writer(
        stream, delimiter=dialect.delimiter, quoting=csv.QUOTE_ALL, lineterminator="\n"
    )
    for number, fields in enumerate(_fields(contents, source, dialect), start=1):
        writer.writerow(fields)
        if not number % _ROWS_AT_ONCE:
            yield stream.getvalue().encode()
            stream.seek(0)
            stream.truncate()
    yield stream.getvalue().encode()


def _fields(contents: Contents, source: Source, dialect: Dialect) -> Iterator[list[str]]:
    text = io.TextIOWrapper(io.BufferedReader(contents), dialect.codec, newline="")
    reader = csv.reader(text, delimiter=dialect.delimiter, strict=True)
    wanted = -1
    reason, hint = "", ""
    try:
        for fields in reader:
            # A line of spaces alone may have been one field in quotes: no more is known here.
            if not fields or (wanted < 0 and blank(fields)):
                continue
            wanted = len(fields) if wanted < 0 else wanted
            if len(fields) != wanted:
                reason = f"{_counted(len(fields))}, the header has {wanted}"
                hint = "a row was cut, or a field with a delimiter in it has no quotes"
                break
            yield fields
    except UnicodeError as error:
        reason, hint = f"text that is not {dialect.encoding} ({error})", "name its encoding="
    except csv.Error as error:
        reason = f"a fault: {error}"
    finally:
        text.detach()
    if reason:
        what = f"line {reader.line_num} has {reason}"
        raise BrokenFile(source.name, dialect.format, what, hint=hint)


def blank(fields: Sequence[str]) -> bool:
    """Whether a line has nothing but spaces.

    Examples
    --------
    >>> blank([" "]), blank(["", ""])
    (True, False)
    """
    return not fields or (len(fields) == 1 and not fields[0].strip(" \t"))


def _counted(count: int) -> str:
    return "1 field" if count == 1 else f"{count} fields"
