import subprocess
import sys

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from benchmarks.privacy import ALL, Result, measure, read
from lapor_route.privacy import LABELS, PersonalSpan, mask

RECALL = 0.94
PRECISION = 0.96
KEPT = 0.985
FLOOR_OF_A_KIND = 0.83

FRAGMENTS = (
    "nama saya|saya|Saya Budi|Budi|Santoso|a.n.|an.|Bapak|Bu|Pak Camat|korban|pasien|terima kasih|"
    "hormat saya|ttd|M.|H.|bin|dan|NIK|KK|KTP|no|No.|hp|rek|BCA|BPJS|paspor|C 4419027|SIM|meter|"
    "3374012345678901|0812-3456-7890|(021)|5551234|+62|12|1|2019|08.00|Rp|1.500.000|RT|RW|03/05|rt 01 rw 02|"
    "Jl.|Jalan|Melati|Gg.|Blok C|kav|alamat|rumah|B 1234 XYZ|b|plat|@|@budi_s|ig|akun saya|budi@gmail.com|"
    "at gmail dot com|gmail|.com|lahir|TTL|17 Agustus 1990|-6.2, 106.8|°|'|192.168.1.1|::1|[NIK]|[NAMA]|[|]|"
    "toko|rumah sakit|rumah makan|jalan Pak|masjid agung|titik|"
    "LAT -6.91|LONG 107.61|０８１２|Ｂｕｄｉ|［|\u200b|\ufe0f|lahirnya|"
    "\0|\n|,|.|:|/|-|(|)| |\u202e|\U0001f600|\ud800|ß|İ|١٢٣"
).split("|")
fragments = st.lists(st.sampled_from(FRAGMENTS) | st.text(max_size=4), max_size=24)
texts = st.builds(lambda parts, gap: gap.join(parts), fragments, st.sampled_from([" ", "", " ", "\n"])) | st.text()


@pytest.fixture(scope="module")
def result() -> Result:
    return measure(read())


def kinds(text: str) -> list[tuple[str, str]]:
    return [(text[span.start : span.end], span.kind) for span in mask(text).spans]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("NIK saya 3374012345678901 salah", ("3374012345678901", "nik")),
        ("3374 0123 4567 8901 nomor saya", ("3374 0123 4567 8901", "nik")),
        ("NIK: 33740123456789 kurang dua angka", ("33740123456789", "nik")),
        ("nomor KK 33.74.01.234567.8901", ("33.74.01.234567.8901", "nik")),
        ("hubungi 0812-3456-7890 ya", ("0812-3456-7890", "phone")),
        ("telp (021) 555 1234", ("(021) 555 1234", "phone")),
        ("wa +62 812 3456 7890", ("+62 812 3456 7890", "phone")),
        ("nomornya 6281234567890", ("6281234567890", "phone")),
        ("nomornya O8123456789", ("O8123456789", "phone")),
        ("kirim ke warga.rw5@gmail.com", ("warga.rw5@gmail.com", "email")),
        ("kirim ke wargarw5 at gmail dot com", ("wargarw5 at gmail dot com", "email")),
        ("rek BRI 0012-01-012345-50-1", ("0012-01-012345-50-1", "account")),
        ("kartunya 4539 1488 0343 6467 tertelan", ("4539 1488 0343 6467", "account")),
        ("IDPEL 541234567890 padam", ("541234567890", "number")),
        ("NPWP 09.254.294.3-407.000", ("09.254.294.3-407.000", "number")),
        ("paspor B1234567 hilang", ("B1234567", "number")),
        ("mobil B 1234 XYZ menyerobot", ("B 1234 XYZ", "plate")),
        ("motor ab1234xx ngebut", ("ab1234xx", "plate")),
        ("plat AB 1234 tanpa huruf", ("AB 1234", "plate")),
        ("nama saya Budi Santoso dari Bantul", ("Budi Santoso", "name")),
        ("NAMA SAYA BUDI SANTOSO DARI BANTUL", ("BUDI SANTOSO", "name")),
        ("nama sy budi santoso dr bantul", ("budi santoso", "name")),
        ("nama saya jarwoko dari bantul", ("jarwoko", "name")),
        ("Tetangga saya, Ibu Ratmini, belum didata", ("Ratmini", "name")),
        ("Mohon bantuan.\nHormat saya,\nBudi Santoso", ("Budi Santoso", "name")),
        ("Bu Lurah Sumarni menolak kami", ("Sumarni", "name")),
        ("Rumah di Jl. Melati No. 12 RT 03/RW 05, Kel. Bener", ("Jl. Melati No. 12 RT 03/RW 05", "address")),
        ("Perum Griya Asri Blok C5 No 7 banjir", ("Blok C5 No 7", "address")),
        ("lubangnya di -6.914744, 107.609810", ("-6.914744, 107.609810", "coordinate")),
        ("diretas dari IP 36.72.10.5 kemarin", ("36.72.10.5", "ip")),
        ("akun IG: @budi.keren_77 menipu", ("@budi.keren_77", "handle")),
        ("Saya lahir di Solo, 12 Mei 1987", ("12 Mei 1987", "birth")),
    ],
)
def test_masks(text: str, found: tuple[str, str]) -> None:
    assert kinds(text) == [found]
    assert LABELS[found[1]] in mask(text).text


@pytest.mark.parametrize(
    "text",
    [
        "Warga RT 05 RW 03 mengeluh",
        "UU No. 23 Tahun 2014 dan PP 35 2004",
        "lubang di Jalan Kaliurang km 5 dekat SDN 1",
        "KM 12 arah Solo, rumah tipe A 1 B, H 3 lebaran",
        "tarifnya Rp 1.234.567.890.123 sejak 08.00-16.00",
        "Call center 1500567 dan 112 sibuk",
        "Nomor laporan 12345678 belum dijawab",
        "Pak Camat, Bapak Presiden dan Bu Wali Kota mohon hadir",
        "Pak Jokowi tolong lihat",
        "RSUD dr. Soetomo, RS Hasan Sadikin, SMA Kartini dan Jalan Ahmad Yani",
        "Bandara Soekarno-Hatta dan Universitas Jenderal Soedirman",
        "Jl. Ibu Inggit Garnasih rusak",
        "Atas nama PT Maju Jaya kami mengadu",
        "nama saya tidak terdaftar di dukcapil",
        "email info@kemkes.go.id dan akun @kemensosri diam saja",
        "Terima kasih Kementerian Sosial.",
        "Versi aplikasi 1.2.3.4 macet",
        "Surat nomor 821.2/1147/BKD/2022",
    ],
)
def test_keeps(text: str) -> None:
    assert mask(text).text == text


def test_replaces_by_labels() -> None:
    masked = mask("Saya Budi Santoso, NIK 3374012345678901, hp 081234567890, warga Kelurahan Bener.")
    assert masked.text == "Saya [NAMA], NIK [NIK], hp [TELEPON], warga Kelurahan Bener."
    assert masked.spans == (
        PersonalSpan(5, 17, "name"),
        PersonalSpan(23, 39, "nik"),
        PersonalSpan(44, 56, "phone"),
    )


def test_moves_ranges_into_the_masked_text() -> None:
    text = "Saya Budi Santoso dari Bantul, NIK 3374012345678901."
    masked = mask(text)
    start = text.index("Bantul")
    moved = masked.moved(start, start + 6)
    assert moved is not None
    assert masked.text[slice(*moved)] == "Bantul"
    assert masked.moved(0, 4) == (0, 4)
    assert masked.moved(5, 9) is None
    assert masked.moved(0, len(text)) is None
    assert masked.moved(17, 17) == (11, 11)
    assert masked.moved(10, 10) is None


@settings(max_examples=400)
@example("Budi " * 200)
@example("nama saya " * 300)
@example("NIK 3374012345678901 [NIK] a.n. Budi [NAMA] Santoso")
@given(texts)
def test_masking_again_changes_nothing_and_ranges_stay(text: str) -> None:
    masked = mask(text)
    assert mask(masked.text).text == masked.text
    ends = [0, *(span.end for span in masked.spans)]
    starts = [*(span.start for span in masked.spans), len(text)]
    for start, end in zip(ends, starts, strict=True):
        assert start <= end
        moved = masked.moved(start, end)
        assert moved is not None
        assert masked.text[slice(*moved)] == text[start:end]
    for span in masked.spans:
        assert span.start < span.end
        assert span.kind in LABELS
        assert masked.moved(span.start, span.end) is None


@pytest.mark.parametrize(
    "text",
    [
        "1" * 1_000_000,
        "@" * 200_000,
        "a.a.a." * 30_000,
        "nama saya " * 20_000,
        "\0" * 200_000,
        "1\u200b" * 200_000,
        "\u200b" * 200_000,
        "lat 1.11 titik " * 20_000,
        "rumah sakit umum Bu " * 20_000,
    ],
)
def test_reads_any_length(text: str) -> None:
    masked = mask(text)
    assert len(masked.spans) == (text[0] == "1")
    assert mask(masked.text).text == masked.text


def test_written_sentences_are_masked(result: Result) -> None:
    total = result.scores[ALL]
    assert total.marked > 300
    assert total.recall >= RECALL, result.faults
    assert total.precision >= PRECISION, result.faults
    assert result.keep >= KEPT, result.faults


def test_each_kind_is_masked(result: Result) -> None:
    low = {
        kind: (score.recall, score.precision)
        for kind, score in result.scores.items()
        if min(score.recall, score.precision) < FLOOR_OF_A_KIND
    }
    assert not low


def test_is_not_imported_with_the_package() -> None:
    code = "import sys, lapor_route; print('lapor_route.privacy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize(
    "text",
    [
        "Antrean di RSUD Prof. Dr. Margono Soekarjo panjang sekali.",
        "Macet di Jalan Prof. Dr. Hamka setiap pagi.",
        "Lampu di Jl. Letjen. Suprapto dan Jl. Brigjen. Katamso mati.",
        "Pak Gub, tolong perbaiki jalan ini.",
    ],
)
def test_titles_before_a_name_do_not_hide_that_it_is_an_institutions(text: str) -> None:
    assert mask(text).text == text


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("rumah Pak Joko Susilo", "rumah Pak [NAMA]"),
        ("Warung Bu Siti", "Warung Bu [NAMA]"),
        ("toko Pak Joko Susilo", "toko Pak [NAMA]"),
        ("kios bu Romlah dan bengkel Pak Joko", "kios bu [NAMA] dan bengkel Pak [NAMA]"),
        ("rumah makan Bu Tini kotor", "rumah makan Bu [NAMA] kotor"),
        ("rumah Ibu Ratna Dewi di Sleman dilempari batu", "rumah Ibu [NAMA] di Sleman dilempari batu"),
        ("rumah saudara Joko Susilo", "rumah saudara [NAMA]"),
        ("rumah an. Joko Susilo", "rumah an. [NAMA]"),
        ("rumah korban Joko Susilo roboh", "rumah korban [NAMA] roboh"),
        ("depan rumah bu Romlah", "depan rumah bu [NAMA]"),
        ("rumah Joko Susilo dibakar", "rumah [NAMA] dibakar"),
        ("Lubang di Jalan Melati depan Pak Joko", "Lubang di Jalan Melati depan Pak [NAMA]"),
        ("gang rumah Pak Joko banjir", "gang rumah Pak [NAMA] banjir"),
        ("rumah dinas Pak Joko Susilo", "rumah dinas Pak [NAMA]"),
        ("apartemen Bu Siti bocor", "apartemen Bu [NAMA] bocor"),
        ("di RS anak saya Budi Santoso dirawat", "di RS anak saya [NAMA] dirawat"),
    ],
)
def test_masks_names_behind_places_that_are_someones_own(text: str, masked: str) -> None:
    assert mask(text).text == masked


@pytest.mark.parametrize(
    "text",
    [
        "Rumah Sakit Ibu Fatmawati penuh",
        "rumah sakit umum daerah dr. Soetomo antre",
        "RS Anak Budi Kemuliaan dan Rumah Makan Budi Santoso",
        "Masjid Agung Kyai Haji Hasyim bocor",
        "Jalan Haji Nawi, Jalan Guru Mughni, Gang Mandor Iren dan gang Bu Siti banjir",
        "Stadion Pak Harto dan Gedung Bapak Soedirman gelap",
        "SMA Ibu Kartini dan Universitas Ibu Kartini",
        "Bandara Haji Asan, makam Mbah Priok",
        "Toko Mas Semar di Kabupaten Gunung Mas",
        "rumah Pak Lurah, rumah Pak Camat dan rumah Pak Jokowi",
        "rumah ibu mertua, rumah bapak tiri dan rumah saudara sepupu saya roboh",
    ],
)
def test_keeps_places_named_after_persons_and_houses_of_unnamed_ones(text: str) -> None:
    assert mask(text).text == text


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("hp ０８１２３４５６７８９０ ya", "hp [TELEPON] ya"),
        ("hp ٠٨١٢٣٤٥٦٧٨٩٠ ya", "hp [TELEPON] ya"),
        ("hp \u200b0812\u200b3456\u200b7890\u200b ya", "hp \u200b[TELEPON]\u200b ya"),
        ("hp 08\u00ad12 34\u206056 7890", "hp [TELEPON]"),
        ("0\ufe0f\u20e38\ufe0f\u20e31234567890 ya", "[TELEPON] ya"),
        ("N\u200bIK ３３７４０１２３４５６７８９０１.", "N\u200bIK [NIK]."),
        ("nama saya Ｂｕｄｉ Ｓａｎｔｏｓｏ dari Bantul", "nama saya [NAMA] dari Bantul"),
        ("kirim ke ｂｕｄｉ＠ｇｍａｉｌ．ｃｏｍ ya", "kirim ke [EMAIL] ya"),
        (
            "\u200b👨\u200d👩\u200d👧 luas 20 m² dan ½ ton ［ＮＩＫ］",
            "\u200b👨\u200d👩\u200d👧 luas 20 m² dan ½ ton ［ＮＩＫ］",
        ),
    ],
)
def test_reads_other_digits_and_letters_like_the_usual_ones(text: str, masked: str) -> None:
    assert mask(text).text == masked
    assert mask(masked).text == masked


def test_offsets_are_those_of_the_text_as_it_is_written() -> None:
    text = "hp\u200b 0812\u200b34567890\u200b di \u200bBantul"
    masked = mask(text)
    (span,) = masked.spans
    assert text[span.start : span.end] == "0812\u200b34567890"
    start = text.index("Bantul")
    moved = masked.moved(start, start + 6)
    assert moved is not None
    assert masked.text[slice(*moved)] == "Bantul"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("koordinat -6.91, 107.61", ("-6.91, 107.61", "coordinate")),
        ("titik koordinatnya di -6,91; 107,61.", ("-6,91; 107,61", "coordinate")),
        ("LAT -6.914744 LONG 107.609810", ("-6.914744 LONG 107.609810", "coordinate")),
        ("LAT: -6.91 LONG: 107.61 rusak", ("-6.91 LONG: 107.61", "coordinate")),
        ("long 107.61, lat -6.91", ("107.61, lat -6.91", "coordinate")),
        ("Lintang 6.91 LS, Bujur 107.61 BT", ("6.91 LS, Bujur 107.61 BT", "coordinate")),
        ("lahirnya 12 Mei 1987", ("12 Mei 1987", "birth")),
        ("tanggal lahirnya salah, 12/05/87", ("12/05/87", "birth")),
        ("kelahirannya 12-05-1987 di Solo", ("12-05-1987", "birth")),
    ],
)
def test_masks_rougher_coordinates_and_other_words_for_birth(text: str, found: tuple[str, str]) -> None:
    assert kinds(text) == [found]


@pytest.mark.parametrize(
    "text",
    [
        "titik kumpul jam 08.00, 12.30",
        "naik 6,25, 110,50 persen",
        "titik api 1,25 dan 110,50 hektar",
        "koordinat 45.10, 12.50",
    ],
)
def test_keeps_pairs_of_decimals_that_are_no_coordinates(text: str) -> None:
    assert mask(text).text == text
