"""Which sub-units of bodies (dinas, UPT, branches, local offices) a complaint names."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from lapor_route.routing import Unit
from lapor_route.text import count_case

if TYPE_CHECKING:
    from collections.abc import Iterable

MOST_UNITS = 20
"""Units that are reported of a text, at most: the first."""
MOST_NAME_WORDS = 5
"""Words of a unit's name behind its head, at most; a level word ("Kota", "Kab.") goes with its name."""
_READ_FOR_CASE = 2_000

_AFFAIR = (
    r"pekerjaan umum|d?pu|pupr|pupera|penataan ruang|tata (?:ruang|kota|air)|bina marga|cipta karya|"
    r"jalan dan jembatan|sumber daya (?:air|alam|mineral)|energi|pengairan|perumahan(?: rakyat)?|"
    r"(?:kawasan )?p[eu]r?mukiman|perkim|pertanahan|perhub(?:ungan)?|komunikasi|informatika|kominfo|statistik|"
    r"persandian|pendidikan|dikbud|dikpora|kebudayaan|(?:ke)?pemuda(?:an)?|olah ?raga|kesehatan(?: hewan)?|sosial|"
    r"kependudukan|(?:pen)?catatan sipil|(?:duk)?capil|(?:ke)?tenaga ?kerja(?:an)?|transmigrasi|perdagangan|"
    r"perindustrian|koperasi|usaha (?:mikro|kecil)|u?mkm|ukm|lingkungan hidup|lh|kehutanan|kebersihan|pertamanan|"
    r"persampahan|pengelolaan sampah|pertanian|(?:ketahanan )?pangan|perkebunan|peternakan|perikanan|kelautan|"
    r"pariwisata|penanaman modal|perizinan|pelayanan (?:terpadu|perizinan|pajak)|"
    r"pemberdayaan (?:masyarakat|perempuan)|perlindungan anak|pengendalian penduduk|keluarga berencana|"
    r"perpustakaan|(?:ke)?arsip(?:an)?|pemadam kebakaran|damkar|penyelamatan|pasar|pendapatan daerah|"
    r"pajak(?: daerah)?"
)
_FACILITY = "terminal|parkir|tpa|ppa|blk|rusunawa|laboratorium|pengujian kendaraan"
_NATIONAL = "imigrasi|pemasyarakatan|bea (?:dan )?cukai|perkeretaapian|anggaran|perbendaharaan|kekayaan negara"
_COMPANY = (
    r"(?:bank (?!kantor)[a-z]{2,20}|bri|bni|btn|bsi|mandiri|pln|bpjs(?: kesehatan| ketenagakerjaan| tk)?|bpjstk|"
    r"taspen|pegadaian|telkom|bulog)"
)
_OFFICE = r"(?:kantor|ktr|kntr)\.?"
_SCHOOL = r"(?:(?:sd|smp|sma|smk|slb)(?: ?n| negeri| inpres)|mts ?n|m(?:ts|i|a) negeri)"
_WITH_AFFAIRS = frozenset({"dinas", "upt", "branch", "directorate", "balai"})
_HOLDERS = frozenset({"upt", "branch"})
# A row: the kind; heads that name a unit by themselves; heads that do so only with a name behind them.
_TABLE = (
    ("upt", "", "upt[dbp]?"),
    (
        "branch",
        rf"(?:{_OFFICE} )?cabang(?= dinas)|cabdin|kcd|{_OFFICE} cabang(?: pembantu| utama)?(?: {_COMPANY})?|"
        rf"{_COMPANY} (?:{_OFFICE} )?(?:cabang|kcp|kcu|kc|rayon|area)|kcp|pln (?:ulp|up3|uid|uiw)|"
        "unit layanan pelanggan",
        rf"up3|kcu|(?:bri|pln) unit|{_COMPANY} cab\.?",
    ),
    (
        "dinas",
        rf"dinas (?:{_AFFAIR})|"
        "dis(?:hub|d?uk ?capil|dik(?:bud|pora)?|sos|pora|naker(?:trans)?|perindag|dag|kop(?:ukm)?|kom ?info|"
        "bud(?:par)?|par(?:bud)?|perkim(?:tan)?|tan(?:bun)?|nak(?:kan)?|kan|hut|lh|pusip)|"
        "din(?:sos|kes|dik(?:bud)?|permades|naker|hub)|dispenduk(?:capil)?|dispendik|dukcapil|dpu(?:pr|bm|pkp|tr)?|"
        r"dpm-?ptsp|ptsp|dlhk?p?|dp3ak?|dppkb|dpmd|damkar|sat ?pol(?: |-)?pp|pol(?: |-)?pp|bpbd|bapp?enda|bappeda|"
        "bkpsdm|bkd|kesbangpol|badan (?:pendapatan|kepegawaian|penanggulangan bencana) daerah|"
        "satuan polisi pamong praja",
        "",
    ),
    ("inspectorate", "inspektorat(?: jenderal)?|itjen", ""),
    (
        "directorate",
        rf"(?:di[tr]jen|direkt(?:orat|ur) jenderal|direktorat) (?:{_AFFAIR}|{_NATIONAL})",
        "ditjen|direktorat(?: jenderal)?",
    ),
    ("samsat", "(?:kantor )?samsat(?: keliling)?", ""),
    (
        "land_office",
        rf"{_OFFICE} (?:pertanahan|bpn|atr(?:/| )bpn|agraria)|kantah|kanwil bpn|bpn(?= ko?ta| kab)",
        "",
    ),
    (
        "religious_office",
        rf"kua(?!-?\s?ppas)|kantor urusan agama|kankemenag|(?:{_OFFICE}|kanwil) (?:kementerian agama|kemenag)|"
        "kemenag(?= kota| kab)",
        "",
    ),
    (
        "tax_office",
        "kpp (?:pratama|madya)|kp2kp|kanwil djp|kppbc|"
        "kantor (?:pelayanan )?(?:pajak(?: pratama)?|bea (?:dan )?cukai)",
        "kpp",
    ),
    ("immigration", rf"{_OFFICE} imigrasi|kanim|rudenim|imigrasi(?= kelas)|unit layanan paspor", ""),
    (
        "prison",
        "lapas|rutan|bapas|lpka|rupbasan|(?:lembaga|balai) pemasyarakatan|rumah tahanan(?: negara)?",
        "",
    ),
    ("court", "pengadilan (?:negeri|agama|tinggi|militer|tata usaha negara|tipikor)", ""),
    ("prosecution", "kejari|kejati|kejaksaan (?:negeri|tinggi)", ""),
    (
        "police",
        "pol(?:sek(?:ta)?|res(?:ta(?:bes)?|tro)?|da|subsektor)|sat(?:lantas|reskrim|pas|narkoba)|"
        "(?:kantor )?kepolisian (?:sektor|resort?|daerah)",
        "",
    ),
    ("military", "koramil|kodim|korem|kodam|lanal|lanud", ""),
    (
        "health",
        "puskesmas(?: pembantu)?|pustu|labkesda|rsu[dp]|rsu daerah|rumah sakit umum (?:daerah|pusat)",
        "",
    ),
    (
        "village_office",
        rf"{_OFFICE} (?:kelurahan|kel\.?|lurah|desa|kepala desa|kades|keuchik|wali nagari)|"
        "balai (?:desa|kelurahan)",
        "",
    ),
    ("district_office", rf"{_OFFICE} (?:kecamatan|kec\.?|camat|distrik)", ""),
    (
        "school",
        rf"{_SCHOOL}\.?(?: ?no\.?)? ?\d{{1,3}}|(?-i:M[AI]N) \d{{1,2}}(?= (?-i:[A-Z][a-z]))",
        _SCHOOL,
    ),
    (
        "balai",
        r"balai besar(?: (?:wilayah sungai|pelaksana(?:an)? jalan nasional))?|"
        r"balai (?:wilayah sungai|pelaksana(?:an)? jalan nasional|pengelola(?:an)?|taman nasional|teknik|"
        r"latihan kerja|karantina|pelestarian|konservasi|monitor(?:ing)?|pelatihan|penelitian|veteriner|"
        r"penyuluhan|pom|diklat)|"
        "bbws|bbpjn|bpjn|bptd|bb?ksda|bbpom",
        "",
    ),
    ("post_office", "kantor pos(?! (?:satpam|polisi|ronda|jaga|kamling|penjagaan))", ""),
)
KINDS = tuple(kind for kind, _, _ in _TABLE)
"""What a unit can be. ``dinas`` are all offices of a regional government, Satpol PP and BPBD too."""

_LEVEL = r"(?:kota|kab(?:upaten)?|prov(?:insi)?|kec(?:amatan)?|kel(?:urahan)?|desa|ds|metro)(?:\. ?| )(?!\d)"
_SERIES = r"(?:wil(?:ayah)?|kelas|rayon|unit|zona)\.? (?=(?:\d{1,2}|[ivx]{1,4}[ab]?)(?!\w))"
_TITLE = r"(?i:dr|drg|prof|hj?|kh|ir|st)(?:\. ?| )|[A-Z]\. ?"
_NOT_NAMES = frozenset(
    "ada adalah agar aipda aiptu akan akbp akp aku alamat anda antre antri apa apakah atas atau baca "
    "bagaimana bahkan bahwa banyak bapak baru beberapa belum berapa bisa blm boleh bpk brigjen bripda bripka "
    "bu buat buka bukan bulan bupati camat cepat coba cuma dalam dan dari dengan dgn di dia dimana diminta "
    "dlm dong dr enggak ga gak gubernur hanya harap hari harus hingga ibu ini ipda iptu irjen itu izin jadi "
    "jalan jam jangan jg jika jl juga kades kalau kalo kami kan kapan kapten karena kata ke kemarin kembali "
    "kementerian kenapa kepada ketika ketua ki kini kita ko kok kombes kompol krn ku lagi lain lalu lama luar "
    "lurah maaf maka malah mana masa masih masyarakat mau melalui memang menteri mereka min minta misal mohon "
    "namun nggak no nomor oknum oleh orang pada padahal pagi pak para pas pegawai pelayanan pemda pemkab "
    "pemkot pemprov pernah pertanyaan petugas plis presiden pun rt rw saat saja sama sampai sangat satu saya "
    "sdh sebab sebagai sebagian sebelum sedang segera sejak sekali sekarang sekitar selalu selama semoga "
    "semua sendiri seperti sering serta sesuai setelah setempat setiap siapa sih sini situ solusi sudah "
    "supaya sy tadi tahun tanggal tapi tdk telah telp tempat tentang tercinta terdekat terima terimakasih "
    "terkait tersebut tetapi tgl tidak tlg tolong trus tsb tutup udah untuk utk via walau walikota warga wib "
    "yaitu yakni yang yg yth".split()
)


_ROWS = [
    (kind, alone, heads)
    for kind, *both in _TABLE
    for alone, heads in zip((True, False), both, strict=True)
    if heads
]
_ANY_HEAD = "|".join(f"({heads})" for _, _, heads in _ROWS)
_HEAD = rf"(?<![\w@])(?:di|ke)?(?:{_ANY_HEAD})(?:nya)?(?!\w|\.(?:go|co|com|id)\b)"
_HELD = rf" (?:{_ANY_HEAD}|{_AFFAIR}|{_FACILITY})(?!\w)"
_NEXT_AFFAIR = rf"(?: (?:dan|&|serta) |, ?(?=(?-i:[A-Z])))(?:{_AFFAIR})(?!\w)"
_NAME = rf" (?P<level>(?i:{_LEVEL}|{_SERIES}))?(?:{_TITLE}){{0,4}}(?P<name>[^\W_]+(?:['’-][^\W_]+)*)(?!\w)"
# The letters that a pattern takes for one of a to z where case doesn't count, beside the capitals.
_FOLDED = str.maketrans("İıſ\u212a", "iisk")


@cache
def _compiled(pattern: str, flags: int = 0) -> re.Pattern[str]:
    """A pattern whose blanks stand for gaps within a line; compiled when a text first needs it."""
    return re.compile(pattern.replace(" ", r"(?:[^\S\n]{1,3})"), flags)


@cache
def _gate() -> re.Pattern[str]:
    """Finds, in small letters, where `_HEAD` may match, in a third of its time: no case to fold, no groups."""
    small = re.sub(r"\(\?-i:([^)]*)\)", lambda group: group[1].lower(), _HEAD)
    return _compiled(re.sub(r"\((?!\?)", "(?:", small))


def find_units(text: str, places: Iterable[tuple[int, int]] = ()) -> tuple[Unit, ...]:
    """The sub-units that a text names, at most `MOST_UNITS`, in its order and without overlaps.

    A unit is a head word ("Dinas Sosial", "Polsek", "SDN 2") and the name behind it: capitalised words where
    the text tells capitals from small letters, and anywhere a word behind a level ("kota malang"), a second
    affair of a dinas ("dan pencatatan sipil") and a known place. A head that says nothing alone, such as "UPT",
    needs a name. The time it takes grows with the length of the text and not faster.

    Args:
        text: A complaint.
        places: Start and end of names of places in it, such as those of a routing's mentions.
    """
    small = text.lower() if text.isascii() else text.translate(_FOLDED).lower()
    proper = _tells_case(text)
    place_ends = dict(places)
    units: list[Unit] = []
    position = 0
    while len(units) < MOST_UNITS and (head := _next_head(text, small, position)):
        group = head.lastindex or 0
        kind, alone, _ = _ROWS[group - 1]
        start, position = head.span(group)
        end = _end_of_name(text, position, kind, proper, place_ends)
        if alone or end > position:
            units.append(Unit(text[start:end], start, end, kind))
            position = end
    return tuple(units)


def _next_head(text: str, small: str, position: int) -> re.Match[str] | None:
    """The first match of `_HEAD` from a position on; `small` is the text in small letters."""
    gate = _gate()
    while possible := gate.search(small, position):
        if head := _head_at(text, possible.start()):
            return head
        position = possible.start() + 1
    return None


def _head_at(text: str, position: int) -> re.Match[str] | None:
    return _compiled(_HEAD, re.IGNORECASE).match(text, position)


def _end_of_name(text: str, end: int, kind: str, proper: bool, place_ends: dict[int, int]) -> int:
    """Where the name ends of which a head ends here."""
    if kind in _HOLDERS and (held := _compiled(_HELD, re.IGNORECASE).match(text, end)):
        end = held.end()
    for _ in range(MOST_NAME_WORDS):
        affair = _compiled(_NEXT_AFFAIR, re.IGNORECASE).match(text, end) if kind in _WITH_AFFAIRS else None
        further = affair.end() if affair else _end_of_word(text, end, proper, place_ends)
        if further is None:
            break
        end = further
    return end


def _end_of_word(text: str, end: int, proper: bool, place_ends: dict[int, int]) -> int | None:
    """Where the next word of a name ends, its level included; nothing if what follows is no name."""
    step = _compiled(_NAME).match(text, end)
    if step is None:
        return None
    name, start = step["name"], step.start("name")
    place_end = place_ends.get(start) or place_ends.get(step.start("level"))
    if place_end is not None:
        return max(place_end, step.end())
    if name.casefold() in _NOT_NAMES or _head_at(text, start):
        return None
    return step.end() if step["level"] or (proper and name[0].isupper()) else None


def _tells_case(text: str) -> bool:
    """Whether a text has small letters and capitals, but not mostly capitals."""
    capitals, letters = count_case(text[:_READ_FOR_CASE])
    return 0 < capitals < 0.7 * letters
