"""Getting a package, or a part of it, into a folder."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cellfolio.errors import CheckoutConflict, TransferIncomplete
from cellfolio.package.entry import Entry
from cellfolio.package.keys import RECORD_FOLDER, check_writable
from cellfolio.package.package import Package
from cellfolio.package.parts import spell_out
from cellfolio.package.patterns import key_matcher
from cellfolio.package.plan import CheckoutPlan, FetchPlan, entry_blob, plan_fetch, want
from cellfolio.package.sizes import format_size
from cellfolio.registries.publish import remember_origin
from cellfolio.storage.adoption import Adopted, adopt
from cellfolio.storage.checkout import Changes, Checkout, Source
from cellfolio.storage.disk import WINDOWS, check_free_space, free_space, same_disk
from cellfolio.storage.home import Home, ensure_held
from cellfolio.storage.progress import Meter, Progress
from cellfolio.workflows.engines.engine import Workers
from cellfolio.workflows.engines.transfers import fetch_by
from cellfolio.workflows.opening import Opened


@dataclass(frozen=True, slots=True)
class GetOptions:
    """How to get.

    Attributes
    ----------
    patterns : tuple of str
        Files, folders and globs to get (see `Package.subset`); empty for all.
    how : {'auto', 'reflink', 'link', 'copy'}
        How files come from the store into the folder (see `cellfolio.storage.placing.Placer`).
    force : bool
        Overwrite files that the user changed.
    have : tuple of Path
        Folders with files that the user has already, under any names: what has the right size and
        digest is not fetched (see `cellfolio.storage.adoption.adopt`).
    select : mapping of str to str
        Of a data set of plates, the images to get: words for ``plate``, ``batch``, ``well``,
        ``site`` and ``channel`` (see `cellfolio.registries.selection.parse_selection`).
    dry_run : bool
        Only say what would be done.
    verify : bool
        Check the manifest against its top hash. Files are checked in any case.
    confirm : callable, optional
        Told before more than `LARGE` bytes are fetched; may raise. By default a
        `LargeDownloadWarning` is given.
    workers : int or Engine
        Who fetches into the store; by default this process.
    """

    patterns: tuple[str, ...] = ()
    how: str = "auto"
    force: bool = False
    have: tuple[Path, ...] = ()
    select: Mapping[str, str] = field(default_factory=dict)
    dry_run: bool = False
    verify: bool = True
    confirm: Callable[[str], None] | None = None
    workers: Workers = 1


@dataclass(frozen=True, slots=True)
class Got:
    """What getting did, or would do.

    Attributes
    ----------
    folder : Path
    package : Package
        The part that was asked for.
    files : int
        Files asked for.
    placed, kept, removed : int
        Files put into the folder, left as they were, and taken away.
    fetched, bytes_fetched : int
        Transfers, and their bytes; the rest was here.
    adopted : int
        Files the user had already, elsewhere (see `GetOptions`).
    size_only : int
        Files that nothing vouches for but their size: they cannot be verified.
    free : int
        Bytes free on the disk of the store before anything was fetched.
    left : tuple of str
        Files the package no longer has, kept because the user changed them.
    """

    folder: Path
    package: Package
    files: int
    placed: int
    kept: int
    removed: int
    fetched: int
    bytes_fetched: int
    adopted: int = 0
    size_only: int = 0
    free: int = 0
    left: tuple[str, ...] = ()


LARGE = 10 * 1000**3
"""Bytes above which a download is asked about."""


class LargeDownloadWarning(UserWarning):
    """More is to be fetched than most would expect."""


@dataclass(frozen=True, slots=True)
class _Plan:
    """What one `get` does: with the folder, and with the store."""

    checkout: CheckoutPlan
    fetch: FetchPlan
    keys: Mapping[str, Sequence[str]]
    """What is wanted (see `cellfolio.package.plan.want`) → logical keys to put it at."""
    bytes_placed: int
    only_copies: frozenset[str]
    """What only the store has, of what is wanted."""


def get_package(
    opened: Opened,
    folder: Path,
    home: Home,
    options: GetOptions | None = None,
    *,
    progress: Progress | None = None,
) -> Got:
    """Get a package, or a part of it, into a folder.

    Files that are in the folder already are kept; files that the store has are not fetched again;
    files that a former revision had, and the user did not change, are taken away. Logical keys
    are kept whole: ``fovs/a.tiff`` goes to ``FOLDER/fovs/a.tiff`` also if only that was asked for.

    Parameters
    ----------
    opened : Opened
        From `cellfolio.workflows.opening.open_package`.
    folder : Path
    home : Home
    options : GetOptions, optional
    progress : callable, optional

    Raises
    ------
    CheckoutConflict
        If files in the way are the user's; nothing is written then.
    NotEnoughSpace
    TransferIncomplete
        If some files cannot be fetched; the others are in the folder.
    """
    options = options or GetOptions()
    asked = tuple(filter(None, (opened.path, *options.patterns)))
    patterns = spell_out(opened.package, asked)
    checkout = Checkout(folder)
    source = Source(opened.registry, opened.name, opened.package.top_hash, tuple(sorted(patterns)))
    with checkout.changing(dry_run=options.dry_run) as changes:
        done = _as_before(checkout, changes, source, opened.package)
        if done is not None:
            return done
        package = opened.package.subset(*patterns) if patterns else opened.package
        package = _without_record(package)
        taken = Adopted()
        if options.have and not options.dry_run:
            taken = adopt(package.walk(), options.have, home.blobs, progress)
        ours = _asked_keys(opened, package, patterns)
        plan = _plan(package, checkout, changes, ours, options, home)
        if plan.checkout.conflicts:
            raise CheckoutConflict(str(checkout.folder), plan.checkout.conflicts)
        got = Got(
            checkout.folder,
            package,
            files=package.file_count,
            placed=len(plan.checkout.place),
            kept=plan.checkout.keep + len(plan.checkout.record),
            removed=len(plan.checkout.remove),
            fetched=len(plan.fetch.transfers),
            bytes_fetched=plan.fetch.bytes_to_fetch,
            adopted=taken.files,
            size_only=sum(entry_blob(entry) is None for entry in package.walk()),
            free=free_space(home.blobs.folder),
            left=plan.checkout.left,
        )
        if not options.dry_run:
            what = f"for {got.folder}"
            confirm_large(got.bytes_fetched, what, got.free, options.confirm)
            _carry_out(plan, checkout, changes, source, (home, options, progress))
    if not options.dry_run:
        remember_origin(home, opened.registry, opened.name, opened.package.top_hash)
    return got


def _as_before(
    checkout: Checkout, changes: Changes, source: Source, package: Package
) -> Got | None:
    """Return at once if the folder was filled with just this and nobody touched it since."""
    before = changes.source()
    same = (before.registry, before.name, before.top_hash, before.patterns)
    if not before.complete or same != (
        source.registry,
        source.name,
        source.top_hash,
        source.patterns,
    ):
        return None
    count = checkout.untouched(changes)
    if count is None:
        return None
    part = package if not source.patterns else package.subset(*source.patterns)
    return Got(checkout.folder, part, count, 0, count, 0, 0, 0)


def _asked_keys(
    opened: Opened, package: Package, patterns: tuple[str, ...]
) -> Callable[[str], bool]:
    """Return whether a logical key is of the part asked for: others' files are left alone."""
    if opened.partial:
        keys = {row.key.decode() for row in package.rows}
        return keys.__contains__
    return key_matcher(patterns)


def fetch_entries(
    entries: Sequence[Entry],
    home: Home,
    *,
    progress: Progress | None = None,
    confirm: Callable[[str], None] | None = None,
) -> list[Path]:
    """Return files of the store with the bytes of entries, fetching and checking those it lacks.

    Parameters
    ----------
    entries : sequence of Entry
    home : Home
    progress : callable, optional
    confirm : callable, optional
        See `GetOptions`.

    Raises
    ------
    TransferIncomplete, NotEnoughSpace
    """
    size = plan_fetch(entries, home.blobs.held).bytes_to_fetch
    names = f"of {', '.join(entry.name for entry in entries[:3])}"
    names += f" and {len(entries) - 3} more" if len(entries) > 3 else ""
    confirm_large(size, names, free_space(home.blobs.folder), confirm)
    paths = ensure_held(entries, home, progress).paths
    return [paths[want(entry)] for entry in entries]


def confirm_large(size: int, what: str, free: int, confirm: Callable[[str], None] | None) -> None:
    """Say that much is to be fetched, before it is.

    Parameters
    ----------
    size : int
        Bytes; nothing is said of up to `LARGE`.
    what : str
        What they are for.
    free : int
        Bytes free on the disk.
    confirm : callable, optional
        See `GetOptions`.
    """
    if size <= LARGE:
        return
    message = f"{format_size(size)} are to be fetched {what}; {format_size(free)} are free"
    if confirm is None:
        warnings.warn(LargeDownloadWarning(message), stacklevel=4)
    else:
        confirm(message)


def _plan(
    package: Package,
    checkout: Checkout,
    changes: Changes,
    asked: Callable[[str], bool],
    options: GetOptions,
    home: Home,
) -> _Plan:
    entries = list(package.walk())
    wanted = {check_writable(entry.logical_key, windows=WINDOWS): want(entry) for entry in entries}
    plan = checkout.plan(changes, wanted, asked=asked, force=options.force)
    keys: dict[str, list[str]] = {}
    for key, name in plan.place.items():
        keys.setdefault(name, []).append(key)
    needed = [entry for entry in entries if entry.logical_key in plan.place]
    size = sum(entry.size or 0 for entry in needed)
    if not options.dry_run:
        home.blobs.claim(want(entry) for entry in needed)
    only = frozenset(want(entry) for entry in needed if home.only_copy(entry))
    return _Plan(plan, plan_fetch(needed, home.blobs.held), keys, size, only)


class RecordWarning(UserWarning):
    """A package holds the record of somebody's checkout, which is left out."""


def _without_record(package: Package) -> Package:
    """Leave out what another client took along from a checkout of ours: its record."""
    start, stop = package.rows.folder(f"{RECORD_FOLDER}/")
    if start == stop:
        return package
    message = f"{stop - start} files below {RECORD_FOLDER}/ are left out: "
    message += "they are the record of the folder that the package was made of"
    warnings.warn(RecordWarning(message), stacklevel=4)
    indices = [index for index in range(len(package.rows)) if not start <= index < stop]
    return package.select(indices)


def _carry_out(
    plan: _Plan,
    checkout: Checkout,
    changes: Changes,
    source: Source,
    means: tuple[Home, GetOptions, Progress | None],
) -> None:
    home, options, _ = means
    if plan.fetch.transfers:
        home.blobs.require_writable()
    _check_space(plan, checkout, home, options)
    if home.blobs.writable:
        home.blobs.index.add_checkout(str(checkout.folder))
    changes.set_source(source)
    placer = checkout.placer(options.how)
    for key, blob in plan.checkout.record.items():
        changes.add(key, blob, checkout.folder / key)
    failures: list[Exception] = []
    for name, blob in _arrivals(plan.fetch, means, failures):
        path = home.blobs.file(blob)
        for key in plan.keys[name]:
            try:
                target = placer.place(
                    path,
                    key,
                    replace=key in plan.checkout.replaced,
                    only_copy=name in plan.only_copies,
                )
            except FileExistsError:  # made meanwhile, or another key that this disk takes for it
                raise CheckoutConflict(str(checkout.folder), [key]) from None
            changes.add(key, blob, target)
    placer.finish()
    if failures:
        raise TransferIncomplete(failures, plan.fetch.files)
    checkout.remove(plan.checkout.remove, changes)
    changes.set_source(
        Source(source.registry, source.name, source.top_hash, source.patterns, complete=True)
    )


def _check_space(plan: _Plan, checkout: Checkout, home: Home, options: GetOptions) -> None:
    size = plan.fetch.bytes_to_fetch
    check_free_space(home.blobs.folder, size, "fetching")
    copies = options.how == "copy" or bool(plan.only_copies)
    if copies or not same_disk(home.blobs.folder, checkout.folder):
        check_free_space(checkout.folder, plan.bytes_placed, "copying")


def _arrivals(
    plan: FetchPlan, means: tuple[Home, GetOptions, Progress | None], failures: list[Exception]
) -> Iterator[tuple[str, str]]:
    """Yield what is wanted and its blob in the store: first what is held, then what arrives."""
    home, options, progress = means
    for name, path in home.blobs.find(plan.held).items():
        yield name, home.blobs.name(path)
    meter = Meter(progress, "fetch", len(plan.transfers), plan.bytes_to_fetch)
    for fetched in fetch_by(plan.transfers, home, options.workers, meter):
        if fetched.error is None:
            yield fetched.transfer.name, fetched.blob
        else:
            failures.append(fetched.error)
    meter.tell(finished=True)
