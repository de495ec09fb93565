"""What a page says by a dialog: hostile files of tests would, if they could."""

from __future__ import annotations

from playwright.sync_api import Dialog, Page


def note_dialogs(page: Page) -> list[str]:
    """Return a list to which each dialog of a page is added."""
    found: list[str] = []

    def note(dialog: Dialog) -> None:
        found.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", note)
    return found
