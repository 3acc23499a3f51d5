"""What stands before a name of a person, and behind it."""

from __future__ import annotations

import re

FORMS = re.compile(
    r"(?:sdr|sdri|saudara|saudari|bapak|bpk|bp|pak|ibu|bu|ny|nyonya|tn|tuan|nn|nona|mas|mbak|mba)(?:\.[^\S\n]?|"
    r"[^\S\n])",
    re.IGNORECASE,
)
TITLES = re.compile(
    r"(?:(?:h|hj|hjh|drs|dra|dr(?=\.)|drg|ir|prof|k\.?h|kh|ust|ustad|ustadz|ustadzah|pdt|rm|rd|r|raden|alm|almh|"
    r"almarhum|almarhumah|"
    r"pak|bu|mbah|kang|bang|kak|om|tante|gus)(?:\.[^\S\n]?|[^\S\n]))",
    re.IGNORECASE,
)
_WHOSE = r"(?:saya|sy|sya|aku|kami|ku|kita|dia|beliau|beta|ulun|abdi|ambo)"
_SELF = r"(?:saya|sy|sya|aku|beta|ulun|abdi|ambo|awak)"
_KIN = (
    r"(?:anak|istri|isteri|suami|ibu|ayah|bapak|adik|adek|kakak|kaka|abang|orang ?tua|ortu|nenek|kakek|paman|"
    r"bibi|om|tante|keponakan|"
    r"ponakan|menantu|mertua|saudara|cucu|teman|kawan|tetangga|pacar|sepupu|mamak|emak|abah|putra|putri|putera|"
    r"puteri|bos|rekan)"
)
_PARTY = (
    r"(?:pelapor|terlapor|pasien|korban|siswa|siswi|murid|pelaku|tersangka|saksi|pengirim|pengadu|pemohon|"
    r"mahasiswa|mahasiswi|almarhum|almarhumah|mendiang|jenazah|jasad|kontak|orang hilang|balita|bayi|anak|"
    r"ahli waris)"
)
_HOLDER = (
    r"(?:penerima|penipu|pengemudi|sopir|supir|pegawai|karyawan|karyawati|pemilik|nasabah|peserta|ketua rt|"
    r"ketua rw|kepala desa|"
    r"kades|lurah|kepala sekolah|kepsek|guru|dosen|bidan|dokter|perawat|suster|satpam|petugas|oknum|majikan|"
    r"mandor|wali murid|"
    r"rentenir|calo|debt ?collector|warga|tetangga|difabel|cp|pic|tki|pmi|tkw|oleh|di ?tangani(?: oleh)?|an)"
)
_MEDIUM = r"(?:fb|facebook|ig|instagram|tiktok)"
_ACCOUNT = rf"(?:akun|{_MEDIUM})(?: {_MEDIUM})? (?:saya|sy|milik|pelaku)"
_CALLED = (
    rf"(?:nama(?:nya|ku)?(?: (?:lengkap|asli|panggilan|{_WHOSE}|{_KIN}|{_PARTY}|{_HOLDER}|kandung|"
    rf"kepala keluarga)){{0,3}}"
    rf"(?: (?:adalah|yaitu|ialah|itu|tertulis|tercatat|menjadi|yang benar))?|bernama|bernm|a\.? ?n\.|a/n|a\.n|"
    rf"atas ?nama(?:nya)?(?: {_WHOSE})?|"
    r"yang bertanda ?tangan di ?bawah ini|bertanda tangan|ttd|tertanda|perkenalkan(?: nama)?(?: saya)?|"
    r"dengan saya)"
)
# A row: how sure its cues are that a name follows. The first that matches at a place decides.
SURE, TITLE, MAYBE, KNOWN = "sure", "title", "maybe", "known"
_TABLE = (
    (SURE, rf"(?:{_CALLED}|{_ACCOUNT})"),
    (
        MAYBE,
        rf"(?:{_KIN}(?: (?:kandung|pertama|kedua|ketiga|{_WHOSE}|laki-laki|perempuan)){{1,2}}|"
        rf"{_PARTY}(?:nya)?(?: (?:difabel|bernama|{_WHOSE}))?|{_SELF})",
    ),
    (KNOWN, rf"{_HOLDER}(?:nya)?(?: (?:bernama|{_WHOSE}))?"),
    (
        TITLE,
        r"(?:bapak|bpk|bp|pak|ibu|bu|sdr|sdri|saudara|saudari|sodara|ny|nyonya|tn|tuan|nn|nona|almh?|"
        r"almarhum(?:ah)?|mas|mbak|mba|mbah|kang|teh|"
        r"ustad|ustadz|ustadzah|ust|kyai|haji|hj|pdt|pendeta|romo|bang|pakde|bude|ceu|uda|koh|cik|brigadir|"
        r"bripka|bripda|briptu|aipda|aiptu|ipda|"
        r"iptu|serda|sertu|serka|kopda|koptu|dr(?=\.)|drg|akp|kompol|akbp|kombes)",
    ),
)
CUE = re.compile(
    "|".join(rf"(?P<{name}>(?<![\w@./-]){cues}(?![\w@]))" for name, cues in _TABLE).replace(" ", r"[^\S\n]{1,2}"),
    re.IGNORECASE,
)
OWN = re.compile(r"(?:saya|sy|aku|atas ?nama|a/n|a\.?n\.?)\Z", re.IGNORECASE)
"""Cues behind which a single unknown word in small letters is a name."""
SIGNED = re.compile(
    r"(?<!\w)(?:hormat(?: saya| kami)?|salam(?: hormat)?|wassalam\w{0,10}|terima ?kasih(?: banyak)?|makasih|"
    r"trima ?kasih|tks|thanks|thx|trims|"
    r"matur ?nuwun|ttd|tertanda|nuhun|suksma|mauliate|pelapor)[^\w\0]{1,8}(?=[^\W\d_])",
    re.IGNORECASE,
)
GREETING = re.compile(r"wa*s+al+am|as+al+am")
SIGNED_END = re.compile(r"[^\S\n]{0,3}(?:\Z|[\n,(/\0;–-]|\.\s*(?:\Z|\n|\())")
LAST_LINE = re.compile(r"\n[^\w\n]{0,6}(?=[^\W\d_][^\n]{2,60}\Z)")
BETWEEN = re.compile(r"(?:[^\S\n]{0,2}[:=][^\S\n]{0,2}[-\"“']?|,?[^\S\n]{1,2}|\n)[\"“'(]?")
DOTTED = re.compile(r"\.[^\S\n]{0,2}")
SHORT = frozenset("a.n an a/n sdr sdri bpk bp ny tn nn h hj dr drg alm almh pdt ust ustd ttd cp pic".split())
FOLLOWS = re.compile(
    r"\s{0,2}(?:[,.(/\n:;]|\Z|(?:dari|dr|warga|ingin|mau|mohon|selaku|sebagai|tinggal|alamat|umur|usia|nik|hp|"
    r"belum|tidak|sudah|yang|asal|di|dan|"
    r"beralamat|berdomisili|umurnya|kelas|bisa|meninggal|dengan|pemilik|sejak|menyampaikan|melaporkan|"
    r"melapor)\b|(?-i:[a-z]))",
    re.IGNORECASE,
)


PLACED = re.compile(r"(?:(?<!\w)(?:di|ke|arah|menuju|via|lewat)|\0)[^\S\n]{1,2}\Z", re.IGNORECASE)
