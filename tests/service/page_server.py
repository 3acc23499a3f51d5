"""The triage page as an officer meets it: a real server with keys, and a real browser."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lapor_route.service.store import Feedback, Store
from tests.service.apps import server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, BrowserContext, Dialog, Page

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
ARGUMENTS = (
    "--no-sandbox --disable-gpu --disable-background-networking --disable-component-update --disable-sync "
    "--no-first-run"
).split()
SCREENSHOTS = Path(os.environ.get("LAPOR_ROUTE_SCREENSHOTS", "build/screenshots"))
WIDE, NARROW = (1280, 860), (360, 740)

SLEMAN = (
    "Lampu jalan mati di Kecamatan Depok Sleman sudah dua minggu 😟, Dinas Perhubungan Kabupaten Sleman "
    "sudah kami hubungi."
)
MALANG = "Sampah di Malang tidak pernah diangkut 😡 sudah dua minggu, baunya sampai ke rumah warga"
GARUT = "Guru honorer SMAN 3 belum menerima gaji tiga bulan, mohon ditindaklanjuti"
KTP = "KTP elektronik saya sudah enam bulan belum jadi padahal sudah rekam di kecamatan"
BANDUNG = "Bantuan PKH ibu saya di Kelurahan Cicadas Bandung dihentikan tanpa penjelasan dari pendamping"


@dataclass
class Site:
    """A server that asks for a key, and its store."""

    url: str
    key: str
    store: Store
    database: Path

    def post(self, path: str, content: dict[str, Any]) -> tuple[Any, str]:
        """The answer to a POST, and the record that it was stored as."""
        request = urllib.request.Request(
            self.url + path,
            json.dumps(content).encode(),
            {"content-type": "application/json", "authorization": f"Bearer {self.key}"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            body = answer.read()
            return (json.loads(body) if body else None), answer.headers.get("lapor-record", "")

    def fill_queue(self, *complaints: tuple[str, str | None]) -> list[str]:
        """Empties the queue, and puts these into it; gives their records."""
        for record in self.waiting():  # whoever holds them
            self.post("/v1/feedback", {"record": record, "verdict": "out_of_scope"})
        return [
            self.post("/v1/route", {"text": text, "place": place, "top_k": 10})[1] for text, place in complaints
        ]

    def waiting(self) -> list[str]:
        """The records in the queue."""
        with sqlite3.connect(self.database) as connection:
            return [row[0] for row in connection.execute("SELECT routing_id FROM queue")]

    def decisions(self, record: str) -> list[tuple[str, str | None, str | None]]:
        """What was decided about a record: verdict, body, note."""
        return [(said.verdict, said.body_id, said.note) for said in self.said(record)]

    def said(self, record: str) -> list[Feedback]:
        """The feedback on a record, oldest first."""
        return self.store.feedback(record)


@contextmanager
def site(folder: Path) -> Iterator[Site]:
    """A server that is ready, with a key."""
    database = folder / "served.db"
    store = Store.open(f"sqlite:///{database}")
    store.upgrade()
    key = store.add_key("uji halaman")
    # A busy machine may be slow; what the page does when the service turns it away has tests of its own.
    with server(folder, LAPOR_ROUTE_REQUIRE_KEY="true", LAPOR_ROUTE_MAX_WAIT_SECONDS="20") as running:
        yield Site(running.url, key, store, database)
    store.close()


@dataclass
class Desk:
    """An officer's browser tab, and whatever went wrong in it."""

    page: Page
    site: Site
    wrong: list[str] = field(default_factory=list)

    def open(self, view: str = "antrean") -> Page:
        """Opens a view of the page."""
        self.page.goto(f"{self.site.url}/#{view}")
        self.page.locator("#versions", has_text="registri").wait_for()
        self.page.locator(f"nav a[href='#{view}'][aria-current]").wait_for()
        return self.page

    def route(self, text: str, place: str | None = None) -> Page:
        """Pastes a complaint and routes it by the keyboard."""
        page = self.open("tempel") if "#tempel" not in self.page.url else self.page
        page.locator("#paste-text").fill(text)
        page.locator("#paste-place").fill(place or "")
        page.locator("#paste-text").press("Control+Enter")
        page.locator("#confirm").wait_for()
        settle(page)
        return page

    def record(self) -> str:
        """The record of the latest routing."""
        latest = self.site.store.latest(1)
        return latest[0].id


@contextmanager
def desk(
    browser: Browser,
    site: Site,
    *,
    size: tuple[int, int] = WIDE,
    scheme: Any = "light",
    officer: str | None = "Sari Wulandari",
    key: str | None = None,
) -> Iterator[Desk]:
    """A fresh tab; afterwards nothing may have gone wrong in it.

    Args:
        browser: Where it opens.
        site: What it opens.
        size: Of the window.
        scheme: ``light`` or ``dark``.
        officer: Whose it is; None for somebody who hasn't told.
        key: The API key, by default the site's; empty for none.
    """
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        color_scheme=scheme,
        locale="id-ID",
        timezone_id="Asia/Jakarta",
        reduced_motion="reduce",
        permissions=["clipboard-read", "clipboard-write"],
    )
    context.set_default_timeout(10_000)
    _remember(context, officer, site.key if key is None else key)
    page = context.new_page()
    opened = Desk(page, site)
    page.on("pageerror", lambda error: opened.wrong.append(f"error: {error}"))
    page.on("dialog", lambda dialog: _refuse(opened, dialog))
    page.on("console", lambda message: _listen(opened, message.type, message.text))
    try:
        yield opened
        assert opened.wrong == []
    finally:
        context.close()


def settle(page: Page) -> None:
    """Waits until a complaint that has just appeared may be confirmed."""
    page.wait_for_timeout(400)


def _remember(context: BrowserContext, officer: str | None, key: str) -> None:
    script = "addEventListener('securitypolicyviolation', e => console.error('CSP: ' + e.violatedDirective));"
    if officer:
        script += f"localStorage.setItem('lapor-route.officer', {json.dumps(officer)});"
    if key:
        script += f"sessionStorage.setItem('lapor-route.key', {json.dumps(key)});"
    context.add_init_script(script)


def _refuse(opened: Desk, dialog: Dialog) -> None:
    opened.wrong.append(f"dialog: {dialog.message}")
    dialog.dismiss()


def _listen(opened: Desk, kind: str, text: str) -> None:
    # The browser itself reports every answer that isn't a success; the tests look at those.
    if kind in ("error", "warning") and "Failed to load resource" not in text:
        opened.wrong.append(text)
