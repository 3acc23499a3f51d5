"""The triage page in a real browser against a real server: what officers see and do."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.service.page_server import (
    ARGUMENTS,
    BANDUNG,
    CHROMIUM,
    GARUT,
    KTP,
    MALANG,
    NARROW,
    SCREENSHOTS,
    SLEMAN,
    WIDE,
    Desk,
    Site,
    desk,
    settle,
    site,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page, Route

_WHY = "it comes with pip install 'lapor-route[dev]'"
playwright = pytest.importorskip("playwright.sync_api", reason=_WHY)
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason=_WHY)
expect = playwright.expect

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on the PATH")
HOSTILE = (
    '<img src=x onerror=alert(1)><script>alert(2)</script> "><svg onload=alert(3)> Jalan rusak di <b>Sleman</b> '
    "javascript:alert(4) {{7*7}} \u202egnalab"
)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with site(tmp_path_factory.mktemp("page")) as running:
        yield running


# Of the module, not the session: while playwright's loop runs, no other test could run one of its own.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    expect.set_options(timeout=10_000)
    with playwright.sync_playwright() as started:
        launched = started.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield launched
        launched.close()


@pytest.fixture
def tab(browser: Browser, served: Site) -> Iterator[Desk]:
    with desk(browser, served) as opened:
        yield opened


def chosen(page: Page) -> str | None:
    return page.locator("input[name=body]:checked").get_attribute("value")


def toast(page: Page, text: str) -> None:
    expect(page.locator("#toasts")).to_contain_text(text)


def problem(route: Route, status: int, code: str, **headers: str) -> None:
    route.fulfill(
        status=status,
        headers={"content-type": "application/problem+json", **headers},
        json={"type": "about:blank", "title": code, "status": status, "detail": "too much to do", "code": code},
    )


def test_a_pasted_complaint_is_routed_and_confirmed_by_the_keyboard(tab: Desk, served: Site) -> None:
    page = tab.route(SLEMAN)
    expect(page.locator("#result-title")).to_be_focused()
    expect(page.locator("#result-title")).to_have_text("Diteruskan")
    expect(page.locator(".sentence")).to_contain_text("Pemkab Sleman")
    assert chosen(page) == "pemkab-sleman"
    expect(page.locator(".candidate").first).to_contain_text("Pemerintah Kabupaten Sleman")
    expect(page.locator(".candidate .percent").first).to_have_text(re.compile(r"^>?9\d%$"))
    width = page.locator(".candidate .bar-fill").first.evaluate("bar => bar.style.width")
    assert 90 < float(width.rstrip("%")) <= 100
    record = tab.record()
    page.keyboard.press("Enter")
    toast(page, "Tercatat: Pemkab Sleman.")
    expect(page.locator("#paste-text")).to_be_focused()
    expect(page.locator("#paste-text")).to_have_value("")
    assert served.decisions(record) == [("accepted", "pemkab-sleman", None)]
    assert served.said(record)[0].officer == "Sari Wulandari"


def test_evidence_is_marked_where_it_stands_behind_an_emoji(tab: Desk) -> None:
    page = tab.route(SLEMAN, "Kec. Depok, Sleman")
    marks = page.locator("#complaint-text mark").all_text_contents()
    assert {"Depok", "Sleman"} <= set(marks)
    assert "Dinas Perhubungan Kabupaten Sleman" in "".join(
        page.locator("#complaint-text mark.unit").all_text_contents()
    )
    assert page.locator(".place-line mark").all_text_contents() != []
    expect(page.locator("#complaint-text")).to_have_text(SLEMAN)
    expect(page.locator("#complaint-text mark.word")).to_have_count(0)
    page.keyboard.press("j")
    page.keyboard.press("c")
    page.keyboard.type("sambil menunggu")
    expect(page.locator("#complaint-text mark.word").first).to_be_visible()
    expect(page.locator("#note")).to_be_focused()
    expect(page.locator("#note")).to_have_value("sambil menunggu")
    words = page.locator("#complaint-text mark.word").all_text_contents()
    assert any("ampu" in word or "jalan" in word for word in words)


def test_a_question_is_copied_and_an_answer_routes_again(tab: Desk, served: Site) -> None:
    page = tab.route(MALANG)
    expect(page.locator("#result-title")).to_have_text("Perlu ditanyakan kepada pelapor")
    asked = tab.record()
    assert asked in served.waiting()
    assert page.locator("input[name=body]:checked").count() == 0
    page.keyboard.press("Enter")
    toast(page, "Pilih instansi dahulu")
    page.keyboard.press("p")
    toast(page, "Pertanyaan disalin")
    question = page.locator("#question").inner_text()
    assert page.evaluate("navigator.clipboard.readText()") == question
    page.get_by_role("button", name="Kabupaten Malang").click()
    expect(page.locator("#result-title")).to_have_text("Diteruskan")
    expect(page.locator(".place-line")).to_contain_text("Kabupaten Malang")
    settle(page)
    answered = tab.record()
    page.keyboard.press("Enter")
    toast(page, "Tercatat: Pemkab Malang.")
    assert served.decisions(answered) == [("accepted", "pemkab-malang", None)]
    page.wait_for_function("document.getElementById('waiting').textContent !== ''")
    expect(page.locator("#recent-list li")).to_have_count(1)
    assert asked not in served.waiting()  # the first routing of the same complaint mustn't wait for ever


def test_the_queue_gives_the_next_one_after_a_decision_and_after_a_skip(tab: Desk, served: Site) -> None:
    first, second, third = served.fill_queue((KTP, None), (GARUT, "Kabupaten Garut"), (BANDUNG, None))
    page = tab.open()
    expect(page.locator("#start-words")).to_have_text("3 laporan menunggu keputusan petugas.")
    page.keyboard.press("n")
    expect(page.locator("#complaint-text")).to_have_text(KTP)
    expect(page.locator("#reading-title")).to_be_focused()
    expect(page.locator("#result-title")).to_have_text("Perlu diperiksa petugas")
    expect(page.get_by_role("list", name="Alasan")).to_contain_text("Lebih dari satu instansi mungkin berwenang")
    expect(page.get_by_role("region", name="Teks laporan")).to_be_visible()
    settle(page)
    page.keyboard.press("l")
    toast(page, "Laporan dilewati")
    expect(page.locator("#complaint-text")).to_have_text(GARUT)
    expect(page.locator(".place-line mark")).to_have_text("Garut")
    proposed = chosen(page)
    settle(page)
    page.keyboard.press("c")
    page.keyboard.type("Sekolah menengah: urusan provinsi. L")
    page.keyboard.press("Control+Enter")
    toast(page, "Tercatat: Pemprov Jawa Barat.")
    expect(page.locator("#complaint-text")).to_have_text(BANDUNG)
    assert served.decisions(second) == [("accepted", proposed, "Sekolah menengah: urusan provinsi. L")]
    assert served.said(first) == []
    settle(page)
    page.keyboard.press("2")
    other = chosen(page)
    page.keyboard.press("Enter")
    toast(page, "diubah dari")
    assert served.decisions(third) == [("changed", other, None)]
    expect(page.locator("#start-title")).to_have_text("Tidak ada laporan untuk Anda")
    expect(page.locator("#start-words")).to_contain_text("1 laporan sedang dipegang petugas lain")


def test_a_second_enter_does_not_confirm_what_has_just_appeared(tab: Desk, served: Site) -> None:
    first, second = served.fill_queue((KTP, None), (BANDUNG, None))
    page = tab.open()
    page.keyboard.press("n")
    expect(page.locator("#complaint-text")).to_have_text(KTP)
    settle(page)
    page.evaluate(
        """async () => {
            const text = () => document.getElementById("complaint-text")?.textContent;
            const first = text();
            const wait = () => new Promise((done) => setTimeout(done, 10));
            const press = () =>
                document.body.dispatchEvent(new KeyboardEvent("keydown", {key: "Enter", bubbles: true}));
            press();
            while (text() === first) await wait();
            for (let turn = 0; turn < 15; turn += 1) await wait().then(press);
        }"""
    )
    expect(page.locator("#complaint-text")).to_have_text(BANDUNG)
    settle(page)
    assert len(served.said(first)) == 1
    assert served.said(second) == []


def test_an_empty_queue_says_so(tab: Desk, served: Site) -> None:
    served.fill_queue()
    page = tab.open()
    expect(page.locator("#start-title")).to_have_text("Antrean kosong")
    page.keyboard.press("n")
    expect(page.locator("#start-title")).to_be_focused()
    expect(page.locator("#confirm")).to_have_count(0)


def test_another_body_is_found_and_chosen_by_the_keyboard_alone(tab: Desk, served: Site) -> None:
    page = tab.route(SLEMAN)
    record = tab.record()
    page.keyboard.press("/")
    search = page.get_by_role("combobox", name="Cari instansi lain")
    expect(search).to_be_focused()
    page.keyboard.type("bantul")
    options = page.get_by_role("option")
    expect(options.first).to_contain_text("Pemerintah Kabupaten Bantul")
    expect(options.first).to_contain_text("Pemkab Bantul")
    expect(search).to_have_attribute("aria-expanded", "true")
    expect(search).to_have_attribute("aria-activedescendant", "search-list-0")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Escape")
    expect(page.locator("#search-list")).to_be_hidden()
    expect(search).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(options.first).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Enter")
    assert chosen(page) == "pemkab-bantul"
    expect(page.locator("input[name=body]:checked")).to_be_focused()
    expect(page.locator("#confirm")).to_contain_text("Tetapkan: Pemkab Bantul")
    page.keyboard.press("Enter")
    toast(page, "Tercatat: Pemkab Bantul (diubah dari Pemkab Sleman).")
    assert served.decisions(record) == [("changed", "pemkab-bantul", None)]


def test_a_search_without_a_match_says_so(tab: Desk) -> None:
    page = tab.route(SLEMAN)
    page.keyboard.press("/")
    page.keyboard.type("qzxqzxqzx")
    expect(page.get_by_role("option")).to_contain_text("Tidak ada yang cocok")
    page.keyboard.press("Enter")
    assert chosen(page) == "pemkab-sleman"


def test_out_of_scope_is_confirmed_and_can_be_corrected(tab: Desk, served: Site) -> None:
    page = tab.route("Tetangga saya memutar musik keras setiap malam di Sleman dan tidak mau ditegur warga")
    record = tab.record()
    page.keyboard.press("b")
    dialog = page.get_by_role("dialog", name="Nyatakan bukan kewenangan?")
    expect(dialog).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    assert served.said(record) == []
    page.keyboard.press("b")
    page.keyboard.press("Enter")
    toast(page, "Tercatat: bukan kewenangan instansi pemerintah.")
    assert served.decisions(record) == [("out_of_scope", None, None)]
    page.locator("#toasts").get_by_role("button", name="Ubah").click()
    expect(page.locator("#result")).to_contain_text("Mengubah keputusan yang sudah dicatat: bukan kewenangan.")
    page.keyboard.press("/")
    page.keyboard.type("polri")
    expect(page.get_by_role("option").first).to_contain_text("Kepolisian Negara Republik Indonesia")
    page.keyboard.press("Enter")
    settle(page)
    page.keyboard.press("Enter")
    toast(page, "Kepolisian Negara Republik Indonesia")
    assert [verdict for verdict, _, _ in served.decisions(record)][1:] != []
    assert served.said(record)[-1].body_id == "polri"
    expect(page.locator("#paste-text")).to_be_visible()


def test_a_dialog_that_is_opened_again_at_once_still_decides(tab: Desk, served: Site) -> None:
    page = tab.route(f"Hanya ingin berterima kasih kepada semua petugas, {SLEMAN}")
    record = tab.record()
    page.keyboard.press("b")
    page.evaluate(
        """() => {
            document.getElementById("scope").close(); // its event comes later than the next key
            document.body.dispatchEvent(new KeyboardEvent("keydown", { key: "b", bubbles: true }));
        }"""
    )
    page.keyboard.press("Enter")
    toast(page, "Tercatat: bukan kewenangan instansi pemerintah.")
    assert served.decisions(record) == [("out_of_scope", None, None)]


def test_statistics_count_what_was_routed_and_decided(tab: Desk, served: Site) -> None:
    page = tab.route(SLEMAN)
    page.keyboard.press("/")
    page.keyboard.type("gunungkidul")
    expect(page.get_by_role("option").first).to_contain_text("Gunungkidul")
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    toast(page, "Tercatat")
    page.locator("#paste-text").blur()
    page.keyboard.press("s")
    expect(page).to_have_title("Statistik · Triase laporan")
    figures = served.store.statistics(30)
    total = sum(figures.decisions.values())
    expect(page.locator(".tile").first).to_contain_text(str(total))
    changed = page.get_by_role("region", name="Tabel: Usulan yang paling sering diubah petugas")
    expect(changed.get_by_role("row").filter(has_text="Pemkab Gunungkidul")).to_contain_text("Pemkab Sleman")
    assert str(total) in str(page.locator(".chart svg").get_attribute("aria-label"))
    page.get_by_text("Lihat sebagai tabel").click()
    days = page.get_by_role("region", name="Tabel: Laporan per hari").get_by_role("row")
    expect(days).to_have_count(31)
    expect(days.nth(1)).to_contain_text(str(total))
    page.get_by_role("link", name="7 hari").click()
    expect(page.get_by_role("link", name="7 hari")).to_have_attribute("aria-current", "true")
    expect(page.locator(".tile").first).to_contain_text("7 hari terakhir")
    expect(page.locator(".chart svg g")).to_have_count(7)


def test_hostile_text_is_only_text(tab: Desk, served: Site) -> None:
    page = tab.route(HOSTILE, "<script>alert(5)</script> Sleman")
    expect(page.locator("#complaint-text")).to_have_text(HOSTILE)
    expect(page.locator(".place-line")).to_contain_text("<script>alert(5)</script>")
    page.keyboard.press("j")
    expect(page.locator("#explain")).to_be_disabled()
    page.keyboard.press("1")
    page.keyboard.press("c")
    page.keyboard.type("<img src=x onerror=alert(6)>")
    page.keyboard.press("Control+Enter")
    toast(page, "Tercatat")
    expect(page.locator("#recent-list")).to_contain_text("<img src=x onerror=alert(1)>")
    assert page.locator("#recent-list img, #triage img, main script").count() == 0
    served.fill_queue((f"{BANDUNG} <img src=x onerror=alert(7)><a href=javascript:alert(8)>x</a>", None))
    page.locator("#paste-text").blur()
    page.keyboard.press("a")
    expect(page).to_have_title("Antrean · Triase laporan")
    page.keyboard.press("n")
    expect(page.locator("#complaint-text")).to_contain_text("<img src=x onerror=alert(7)>")
    assert page.locator("#triage :is(img, a[href^=javascript], script)").count() == 0


def test_letters_are_letters_while_typing_and_can_be_turned_off(tab: Desk) -> None:
    page = tab.open("tempel")
    page.locator("#paste-text").focus()
    page.keyboard.type("sabtu 1 / ? nol")
    expect(page.locator("#paste-text")).to_have_value("sabtu 1 / ? nol")
    assert page.url.endswith("#tempel")
    page.locator("#paste-text").blur()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Pintasan papan ketik")).to_contain_text("Bukan kewenangan")
    page.keyboard.press("s")  # a dialog is open
    page.keyboard.press("Escape")
    assert page.url.endswith("#tempel")
    page.keyboard.press("o")
    page.get_by_label("Aktifkan pintasan satu tombol").uncheck()
    page.get_by_role("button", name="Simpan").click()
    page.locator("#page-title").focus()
    page.keyboard.press("s")
    assert page.url.endswith("#tempel")


def test_emptying_the_form_can_be_taken_back(tab: Desk) -> None:
    page = tab.open("tempel")
    page.locator("#paste-text").fill(MALANG)
    page.get_by_role("button", name="Kosongkan").click()
    expect(page.locator("#paste-text")).to_have_value("")
    page.get_by_role("button", name="Kembalikan").click()
    expect(page.locator("#paste-text")).to_have_value(MALANG)
    page.locator("#paste-text").fill("   ")
    page.locator("#paste-text").press("Control+Enter")
    expect(page.locator("#paste-text-error")).to_have_text("Tempel atau ketik isi laporan dahulu.")


def test_an_overloaded_service_is_asked_again_after_a_countdown(tab: Desk) -> None:
    page = tab.open("tempel")
    page.route("**/v1/route", lambda route: problem(route, 503, "overloaded", **{"retry-after": "2"}), times=1)
    page.locator("#paste-text").fill(SLEMAN)
    page.locator("#paste-text").press("Control+Enter")
    expect(page.get_by_role("alert").filter(has_text="Layanan sedang sibuk")).to_be_visible()
    expect(page.locator(".countdown")).to_have_text("Dicoba lagi dalam 2 detik")
    expect(page.locator(".countdown")).to_have_text("Dicoba lagi dalam 1 detik")
    expect(page.locator("#paste-text")).to_have_value(SLEMAN)
    expect(page.locator("#result-title")).to_have_text("Diteruskan")
    expect(page.locator("#problems")).to_be_empty()


def test_a_decision_that_failed_stays_and_can_be_given_up(tab: Desk, served: Site) -> None:
    page = tab.route(SLEMAN)
    record = tab.record()
    page.route("**/v1/feedback", lambda route: problem(route, 500, "internal"), times=1)
    page.keyboard.press("Enter")
    expect(page.locator("#problems")).to_contain_text("Terjadi kesalahan pada layanan")
    page.locator("#problems").get_by_role("button", name="Batal").click()
    expect(page.locator("#confirm")).to_contain_text("Tetapkan: Pemkab Sleman")
    assert served.said(record) == []
    page.keyboard.press("Enter")
    toast(page, "Tercatat")
    assert len(served.said(record)) == 1


def test_without_a_network_the_text_stays_and_is_sent_once_there_is_one(tab: Desk) -> None:
    page = tab.open("tempel")
    page.context.set_offline(True)
    page.locator("#paste-text").fill(SLEMAN)
    page.locator("#paste-text").press("Control+Enter")
    expect(page.locator("#problems")).to_contain_text("Perangkat Anda sedang luring")
    expect(page.locator("#paste-text")).to_have_value(SLEMAN)
    page.context.set_offline(False)
    expect(page.locator("#result-title")).to_have_text("Diteruskan")


def test_a_text_that_is_too_large_is_told_and_kept(tab: Desk) -> None:
    page = tab.open("tempel")
    page.locator("#paste-text").evaluate("field => { field.value = 'jalan rusak '.repeat(350_000); }")
    page.locator("#route").click()
    expect(page.locator("#problems")).to_contain_text("Teks terlalu besar")
    assert page.locator("#paste-text").evaluate("field => field.value.length") == 4_200_000
    page.locator("#problems").get_by_role("button", name="Tutup").click()
    expect(page.locator("#problems")).to_be_empty()


def test_a_long_text_is_cut_and_the_page_says_so(tab: Desk) -> None:
    page = tab.open("tempel")
    long = f"{SLEMAN} " + "Mohon segera diperbaiki. " * 900
    page.locator("#paste-text").fill(long)
    expect(page.locator("#paste-count")).to_contain_text("hanya 20.000 yang pertama dibaca")
    page.locator("#paste-text").press("Control+Enter")
    expect(page.locator("#result")).to_contain_text("hanya bagian awalnya yang dibaca")


def test_a_missing_key_is_asked_for_and_the_work_goes_on(browser: Browser, served: Site) -> None:
    with desk(browser, served, officer=None, key="") as opened:
        page = opened.page
        page.goto(f"{served.url}/#tempel")
        page.locator("#paste-text").fill(SLEMAN)
        page.locator("#paste-text").press("Control+Enter")
        dialog = page.get_by_role("dialog", name="Pengaturan petugas")
        expect(dialog).to_contain_text("Kunci API belum diisi atau tidak berlaku")
        expect(page.get_by_label("Kunci API")).to_be_focused()
        page.get_by_label("Kunci API").fill("lr_00000000_salah")
        page.keyboard.press("Enter")
        expect(page.locator("#settings-officer-error")).to_have_text("Nama petugas perlu diisi.")
        page.get_by_label("Nama petugas").fill("Budi Hartono")
        page.keyboard.press("Enter")
        expect(dialog).to_contain_text("tidak berlaku")  # asked again: the key was wrong
        page.get_by_label("Kunci API").fill(served.key)
        page.keyboard.press("Enter")
        expect(page.locator("#result-title")).to_have_text("Diteruskan")
        expect(page.locator("#officer")).to_have_text("Budi Hartono")
        stored = page.evaluate("[JSON.stringify(localStorage), JSON.stringify(sessionStorage)]")
        assert served.key not in stored[0]
        assert served.key in stored[1]


def test_the_key_dialog_can_be_left(browser: Browser, served: Site) -> None:
    with desk(browser, served, key="") as opened:
        page = opened.page
        page.goto(f"{served.url}/#tempel")
        page.locator("#paste-text").fill(SLEMAN)
        page.locator("#paste-text").press("Control+Enter")
        page.get_by_role("dialog", name="Pengaturan petugas").wait_for()
        page.keyboard.press("Escape")
        expect(page.locator("#problems")).to_contain_text("Kunci API diperlukan")
        expect(page.locator("#paste-text")).to_have_value(SLEMAN)


VIEWS = ("start", "queue", "explained", "asked", "search", "corrected", "statistics", "settings", "help", "scope")


def show(opened: Desk, view: str) -> None:
    """Brings a view up, with what there is to see in it."""
    page = opened.page
    match view:
        case "start":
            opened.open()
        case "queue":
            page.keyboard.press("n")
            page.locator("#confirm").wait_for()
        case "explained":
            page.keyboard.press("j")
            page.locator("#explain:disabled").wait_for()
        case "asked":
            opened.route(MALANG)
        case "search":
            page.keyboard.press("/")
            page.keyboard.type("kota b")
            page.locator("#search-list [role=option]").first.wait_for()
        case "corrected":
            page.keyboard.press("Enter")
            settle(page)
            page.keyboard.press("Enter")
            toast(page, "Tercatat")
            page.locator("#paste-text").blur()
            page.keyboard.press("u")
            page.locator("#cancel").wait_for()
        case "statistics":
            page.keyboard.press("s")
            page.locator(".chart svg").wait_for()
            page.get_by_text("Lihat sebagai tabel").click()
        case _:
            page.keyboard.press("Escape")
            opened.open("tempel" if view == "settings" else "antrean")
            if view == "scope":
                page.keyboard.press("n")
                page.locator("#confirm").wait_for()
            page.keyboard.press({"settings": "o", "help": "?", "scope": "b"}[view])
            page.locator("dialog[open]").wait_for()


@pytest.mark.parametrize(("scheme", "size"), [("light", WIDE), ("dark", NARROW)])
def test_every_view_is_accessible_and_fits(
    browser: Browser, served: Site, scheme: str, size: tuple[int, int]
) -> None:
    served.fill_queue((BANDUNG, None), (GARUT, "Kabupaten Garut"))
    folder = SCREENSHOTS / ("phone" if size == NARROW else "desktop")
    folder.mkdir(parents=True, exist_ok=True)
    found: dict[str, Any] = {}
    with desk(browser, served, scheme=scheme, size=size) as opened:
        for view in VIEWS:
            show(opened, view)
            opened.page.screenshot(path=folder / f"{view}-{scheme}.png")
            answer = axe.Axe().run(opened.page, options={"resultTypes": ["violations"]}).response
            found[view] = [
                f"{violation['id']}: {[node['html'][:120] for node in violation['nodes']]}"
                for violation in answer["violations"]
            ]
            assert opened.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), view
    assert {view: violations for view, violations in found.items() if violations} == {}


def test_nothing_scrolls_sideways_at_320_pixels(browser: Browser, served: Site) -> None:
    served.fill_queue((BANDUNG + " " + "sangatpanjangsekali" * 20, "https://contoh.id/" + "a" * 300))
    with desk(browser, served, size=(320, 640), officer="N" * 100) as opened:
        for view in VIEWS[:7]:
            show(opened, view)
            overflow = opened.page.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert overflow <= 0, view


def test_the_page_is_read_in_order_by_a_screen_reader(tab: Desk, served: Site) -> None:
    served.fill_queue((BANDUNG, None))
    page = tab.open()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Langsung ke isi")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    page.keyboard.press("n")
    page.locator("#confirm").wait_for()
    assert page.locator("h1:visible, h2:visible").all_text_contents() == [
        "Antrean",
        "Laporan",
        "Perlu diperiksa petugas",
    ]
    for role in ("banner", "main", "contentinfo"):
        expect(page.get_by_role(role)).to_have_count(1)
    expect(page.get_by_role("navigation", name="Halaman")).to_have_count(1)
    first = page.get_by_role("radio").first
    expect(first).to_be_checked()
    assert "%" in str(first.evaluate("radio => radio.labels[0].textContent"))
    first.focus()
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("radio").nth(1)).to_be_checked()
    expect(page.locator("#confirm")).to_contain_text("Pemkot Bandung")
