from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lapor_route.evidence import find_units, units
from lapor_route.evidence.units import KINDS, MOST_UNITS
from lapor_route.routing import Unit

# Sentences written for these tests: a kind, what is to be found, a complaint that names it.
NAMED = [
    ("dinas", "Dinas Perhubungan Kota Magelang", "Lampu merah mati, mohon Dinas Perhubungan Kota Magelang datang."),
    ("dinas", "Dinas Pekerjaan Umum dan Penataan Ruang", "Dinas Pekerjaan Umum dan Penataan Ruang belum menjawab"),
    ("dinas", "Dinas Sosial Kab. Wonogiri", "Yth. Dinas Sosial Kab. Wonogiri, nenek saya belum didata."),
    (
        "dinas",
        "Dinas Komunikasi, Informatika dan Statistik",
        "Wifi taman dari Dinas Komunikasi, Informatika dan Statistik",
    ),
    (
        "dinas",
        "Dinas PUPR Kabupaten Lumajang",
        "Sudah lapor Dinas PUPR Kabupaten Lumajang tetapi jembatan tetap putus",
    ),
    (
        "dinas",
        "dinas kependudukan dan pencatatan sipil",
        "antre di dinas kependudukan dan pencatatan sipil dari subuh",
    ),
    ("dinas", "dinas perhubungan kota tegal", "parkir liar dibiarkan dinas perhubungan kota tegal sampai macet"),
    ("dinas", "DINAS KESEHATAN", "MOHON DINAS KESEHATAN MENYEMPROT NYAMUK DI GANG KAMI"),
    ("dinas", "DINAS LINGKUNGAN HIDUP KOTA BIMA", "TOLONG DINAS LINGKUNGAN HIDUP KOTA BIMA ANGKUT SAMPAH INI"),
    ("dinas", "dinas lh", "truk dr dinas lh gak dateng2 ke tps sini"),
    ("dinas", "dishub", "min dishub kmn aja, angkot ngetem smp nutup jln"),
    ("dinas", "Dishub Kabupaten Kediri", "Rambu roboh, kabari Dishub Kabupaten Kediri"),
    ("dinas", "dishub", "petugas dishubnya malah main hp"),
    ("dinas", "disdukcapil", "udh 2 bln kia anak ga jadi2 didisdukcapil"),
    ("dinas", "Disdukcapil Kota Palu", "Akta kelahiran tertahan di Disdukcapil Kota Palu."),
    ("dinas", "dukcapil", "server dukcapil lemot terus"),
    ("dinas", "Disdik", "Seragam wajib beli di koperasi, apa Disdik tahu?"),
    ("dinas", "DLH", "Asap pembakaran limbah tiap malam, mohon DLH mengecek."),
    ("dinas", "DPUPR Sragen", "Proyek talud DPUPR Sragen mangkrak."),
    ("dinas", "dinsos", "mau nanya ke dinsos soal kursi roda gimana ya"),
    ("dinas", "dinkes", "keluhan bidan ke dinkes ga direspon"),
    ("dinas", "BPBD Kabupaten Cilacap", "Tanah retak, BPBD Kabupaten Cilacap belum meninjau."),
    ("dinas", "Satpol PP", "Satpol PP tidak menertibkan lapak di trotoar"),
    ("dinas", "satpol-pp", "lapor satpol-pp udah, orkes jalan terus smp subuh"),
    ("dinas", "Bapenda", "Tagihan PBB ganda, kata Bapenda akan dihapus."),
    ("dinas", "DISKOMINFO", "APLIKASI BUATAN DISKOMINFO TIDAK BISA DIBUKA"),
    ("dinas", "dpmptsp", "izin warung macet di dpmptsp"),
    ("dinas", "Badan Pendapatan Daerah", "Loket Badan Pendapatan Daerah tutup lebih awal"),
    ("upt", "UPT Metrologi", "Timbangan pasar belum ditera oleh UPT Metrologi"),
    ("upt", "UPTD Puskesmas Ngadirejo", "Dokter gigi di UPTD Puskesmas Ngadirejo jarang ada"),
    ("upt", "uptd pasar", "retribusi ditarik dua kali sm uptd pasar, tdk ada karcis"),
    ("upt", "UPT TERMINAL", "KAMAR MANDI UPT TERMINAL SANGAT KOTOR"),
    ("branch", "Cabang Dinas Pendidikan Wilayah IV", "Ijazah SMA ditahan, Cabang Dinas Pendidikan Wilayah IV diam"),
    ("branch", "Kantor Cabang BPJS Kesehatan Sorong", "Antrean di Kantor Cabang BPJS Kesehatan Sorong mengular."),
    ("branch", "bpjs ketenagakerjaan cabang", "jht blm cair pdhl berkas di bpjs ketenagakerjaan cabang lengkap"),
    ("branch", "BRI KCP Pasar Legi", "Kartu bansos tertelan mesin di BRI KCP Pasar Legi."),
    ("branch", "PLN ULP Tomohon", "Meteran meledak, PLN ULP Tomohon baru datang besoknya"),
    ("branch", "kantor cabang bank jateng", "gaji perangkat telat di kantor cabang bank jateng"),
    ("inspectorate", "Inspektorat Kabupaten Bantaeng", "Dugaan mark up sudah masuk Inspektorat Kabupaten Bantaeng"),
    ("inspectorate", "inspektorat", "aduan dana rt mengendap di inspektorat"),
    ("directorate", "Ditjen Bea Cukai", "Paket saya ditahan Ditjen Bea Cukai tiga minggu"),
    ("directorate", "Direktorat Jenderal Pajak", "Laman Direktorat Jenderal Pajak menolak kata sandi baru."),
    ("directorate", "dirjen perhubungan", "yth dirjen perhubungan, uji berkala makin mahal"),
    ("samsat", "Samsat Bumiayu", "Calo berkeliaran di Samsat Bumiayu"),
    ("samsat", "samsat keliling", "jadwal samsat keliling ga jelas"),
    (
        "land_office",
        "Kantor Pertanahan Kota Ternate",
        "Balik nama di Kantor Pertanahan Kota Ternate setahun belum rampung",
    ),
    ("land_office", "kantor bpn", "sertipikat nyangkut di kantor bpn"),
    ("religious_office", "KUA Kecamatan Sukun", "Biaya nikah di KUA Kecamatan Sukun melebihi aturan"),
    ("religious_office", "kua", "penghulunya dikua minta amplop"),
    ("tax_office", "KPP Pratama Bitung", "Surat teguran KPP Pratama Bitung salah alamat"),
    ("tax_office", "kantor pajak", "disuruh bolak balik kantor pajak buat aktivasi"),
    ("immigration", "Kantor Imigrasi Kelas I TPI Ambon", "Foto paspor di Kantor Imigrasi Kelas I TPI Ambon gagal"),
    ("immigration", "kanim", "kuota kanim abis trs tiap pagi"),
    ("prison", "Lapas Kelas IIB Slawi", "Pungli jam besuk di Lapas Kelas IIB Slawi"),
    ("prison", "rutan", "titip makanan ke rutan dipersulit"),
    ("court", "Pengadilan Agama Ngawi", "Salinan putusan Pengadilan Agama Ngawi belum keluar."),
    ("prosecution", "Kejaksaan Negeri Buton", "Berkas tilang ada di Kejaksaan Negeri Buton"),
    ("police", "Polsek Gedangsari", "Laporan kehilangan di Polsek Gedangsari ditolak"),
    ("police", "polrestabes", "bikin skck dipolrestabes antre dr jam 5"),
    ("police", "POLRES KOTA BATU", "BALAP LIAR DIBIARKAN POLRES KOTA BATU SETIAP MALAM MINGGU"),
    ("military", "Koramil Pracimantoro", "Lapangan Koramil Pracimantoro dipakai latihan truk"),
    ("health", "Puskesmas Kedungmundu", "Poli gigi Puskesmas Kedungmundu tutup terus"),
    ("health", "RSUD Dr. M. Haulussy", "Obat kosong di RSUD Dr. M. Haulussy sejak Senin"),
    ("health", "puskesmas", "bidan puskesmas judes bgt sm pasien"),
    ("village_office", "kantor kelurahan Tipes", "Surat pengantar dari kantor kelurahan Tipes salah nama"),
    ("village_office", "balai desa", "pembagian beras di balai desa pilih kasih"),
    ("district_office", "kantor camat", "blangko habis di kantor camat"),
    ("district_office", "Kantor Kecamatan Jebres", "Rekam KTP di Kantor Kecamatan Jebres dibatasi"),
    ("school", "SDN 3 Karangasem", "Atap SDN 3 Karangasem ambruk"),
    ("school", "SMP Negeri 12", "wali kelas SMP Negeri 12 menarik iuran perpisahan"),
    ("school", "smkn 2", "uang praktik smkn 2 ga ada kuitansi"),
    ("school", "SDN Harapan Jaya", "Pagar SDN Harapan Jaya roboh"),
    ("school", "MTsN 1 Wajo", "Les wajib berbayar di MTsN 1 Wajo"),
    ("school", "MAN 2 Sigi", "Guru honorer MAN 2 Sigi belum digaji"),
    (
        "balai",
        "Balai Besar Wilayah Sungai Serayu Opak",
        "Tanggul milik Balai Besar Wilayah Sungai Serayu Opak jebol",
    ),
    ("balai", "bbpom", "kosmetik palsu udah dilaporin ke bbpom"),
    ("post_office", "Kantor Pos Muntilan", "Wesel bantuan di Kantor Pos Muntilan dipotong"),
]

NOT_NAMED = [
    "Bapak saya sedang dinas luar kota",
    "perjalanan dinas fiktif anggota dewan",
    "mobil dinas dipakai mudik",
    "Rumah Dinas Bupati direnovasi lagi",
    "mohon dinas terkait segera bertindak",
    "kepala dinasnya tidak pernah di tempat",
    "bapak itu duduk di balai bambu",
    "Halaman Balai Kota dipenuhi pedagang",
    "rapat warga di balai RW sampai malam",
    "Cabang Olahraga Panahan tidak diberi lapangan",
    "cabang pohon menimpa kabel",
    "lokasi kantor saya dekat pasar",
    "kantor bupati digembok",
    "pos kamling dekat kantor pos ronda rusak",
    "script uptime dan kuptag tidak jalan",
    "upt",
    "min 2 minggu kok belum dibalas",
    "sma nya temanku sama saja",
    "anak saya baru kelas 1 sd",
    "sd 10 orang yang antre",
    "kuat dugaan ada pungli, kuasa hukum menunggu",
    "polusi udara dari pabrik, lapisan debu tebal",
    "kirim ke humas@dishub.example atau www.dinkes.go.id",
    "akun @dishub tidak membalas",
    "pembahasan KUA-PPAS molor",
    "Desa Sukatani, Kecamatan Gunung Sari, Kota Besar",
    "unit usaha bersama dan koperasi warga",
    "kebijakan direktorat itu membingungkan",
    "UPT mereka tidak jelas",
    "",
]


@pytest.mark.parametrize(("kind", "name", "text"), NAMED)
def test_units_that_are_named(kind: str, name: str, text: str) -> None:
    start = text.index(name)
    assert find_units(text) == (Unit(name, start, start + len(name), kind),)


@pytest.mark.parametrize("text", NOT_NAMED)
def test_words_that_only_look_like_units(text: str) -> None:
    assert find_units(text) == ()


def test_every_kind_is_tried() -> None:
    assert {kind for kind, _, _ in NAMED} == set(KINDS)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Dishub dan Satpol PP saling lempar", ["Dishub", "Satpol PP"]),
        ("Polsek Tebas, Polres Sambas dan Koramil tidak datang", ["Polsek Tebas", "Polres Sambas", "Koramil"]),
        ("Puskesmas Amurang dan RSUD menolak", ["Puskesmas Amurang", "RSUD"]),
        ("Dinas Sosial dan Dinas Kesehatan diam", ["Dinas Sosial", "Dinas Kesehatan"]),
        ("lapor Samsat Polres Tuban", ["Samsat", "Polres Tuban"]),
        ("SDN 1 Ponjong\nKecamatan Ponjong", ["SDN 1 Ponjong"]),
        ("Puskesmas. Saya kecewa", ["Puskesmas"]),
        ("Puskesmas Tidak Melayani", ["Puskesmas"]),
        ("Polres Asahan Kompol Fulan", ["Polres Asahan"]),
    ],
)
def test_where_a_name_ends(text: str, names: list[str]) -> None:
    assert [unit.text for unit in find_units(text)] == names


def test_a_known_place_belongs_to_the_name_before_it() -> None:
    text = "laporan di polres tanah datar dan puskesmas kota bukit tinggi hilang, samsat juga"
    assert [unit.text for unit in find_units(text)] == ["polres", "puskesmas kota bukit", "samsat"]
    places = [(text.index(name), text.index(name) + len(name)) for name in ("tanah datar", "bukit tinggi")]
    found = [unit.text for unit in find_units(text, places)]
    assert found == ["polres tanah datar", "puskesmas kota bukit tinggi", "samsat"]
    whole = (text.index("kota bukit"), text.index(" hilang"))
    assert [unit.text for unit in find_units(text, [whole])][1] == "puskesmas kota bukit tinggi"


def test_a_name_has_at_most_five_words() -> None:
    (unit,) = find_units("petugas di Puskesmas Aa Bb Cc Dd Ee Ff Gg yang lama")
    assert unit.text == "Puskesmas Aa Bb Cc Dd Ee"


def test_no_more_than_twenty_units() -> None:
    assert len(find_units("Samsat, " * 100)) == MOST_UNITS


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("DİNAS SOSİAL dan dınas kesehatan", ["DİNAS SOSİAL", "dınas kesehatan"]),
        ("di \u212aua lama, ke ſamſat juga", ["\u212aua", "ſamſat"]),
        ("anak saya di MIN 2 Sleman, min 2 Hari", ["MIN 2 Sleman"]),
        ("İ İ Polſek Depok", ["Polſek Depok"]),
    ],
)
def test_letters_that_count_as_others(text: str, names: list[str]) -> None:
    assert [unit.text for unit in find_units(text)] == names


@settings(max_examples=300)
@given(
    st.lists(
        st.sampled_from(
            "Dinas dınas Soſial SOSİAL upt UPTD.go.id kota cabang dinas MIN min 2 Sleman KUA kua ppas \u212aCD "
            "kantor pos satpam @samsat disamsat samsatnya Ⓐ ß bank jago cabang".split()
        )
    ).map(" ".join)
)
def test_no_head_is_overlooked(text: str) -> None:
    """What is searched in small letters first is what a search that ignores the case finds."""
    head = re.compile(units._HEAD.replace(" ", r"(?:[^\S\n]{1,3})"), re.IGNORECASE)
    small = text.translate(units._FOLDED).lower()
    for position in range(len(text)):
        expected, found = head.search(text, position), units._next_head(text, small, position)
        assert (found and found.span()) == (expected and expected.span())


@pytest.mark.parametrize(
    "piece", ["Dinas ", "A", "A ", "UPT kota ", "RSUD Dr. ", "kantor ", " ", "UPT a'", "bank a "]
)
def test_long_and_odd_texts(piece: str) -> None:
    assert len(find_units(piece * (20_000 // len(piece)))) <= MOST_UNITS


@settings(max_examples=150)
@given(
    st.lists(
        st.sampled_from(
            "Dinas dinas Sosial upt UPTD kota Kab. dan , cabang SDN 2 KUA kantor pos Dr. \n ß Polres".split(" ")
        )
    ),
    st.lists(st.tuples(st.integers(-5, 90), st.integers(-5, 90))),
)
def test_units_never_overlap(words: list[str], places: list[tuple[int, int]]) -> None:
    text = " ".join(words)
    end = 0
    for unit in find_units(text, places):
        assert end <= unit.start < unit.end
        assert unit.text == text[unit.start : unit.end]
        assert unit.kind in KINDS
        end = unit.end
