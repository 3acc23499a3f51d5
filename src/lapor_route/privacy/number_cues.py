"""Words that say of a number behind them whose and what it is."""

from __future__ import annotations

import re
from dataclasses import dataclass

REACH = 60
"""Characters between a cue and its number, at most."""
_NO = r"(?:no(?:mor|mer)?|nmr|id|kode)[ .:]{0,3}"
# A row: the kind; the fewest digits of such a number; its cues. The first row that fits decides.
_TABLE = (
    (
        "",
        3,
        rf"{_NO}(?:laporan|lap|tiket|ticket|(?:pe)?ngaduan|pengaduan|aduan|tracking|pelacakan|resi|surat|"
        rf"perkara|sk|"
        r"antrian|antrean|order|pesanan|invoice|referensi|gardu|tiang|perda|uu|rute|trayek|lapor)|"
        r"tracking(?: ?id)?|(?:laporan|tiket|ticket|aduan|pengaduan)[ :]{0,2}(?:no(?:mor)?\b|id\b|#)|"
        r"lapor[!]? ?#|call ?cent(?:er|re)|hotline",
    ),
    (
        "number",
        4,
        r"nik[ -]?(?:karyawan|pegawai|kerja|pekerja|pns)|(?:no(?:mor)?\.? ?)(?:induk )?(?:pegawai|karyawan)|"
        r"induk (?:pegawai|karyawan|siswa|mahasiswa)|no(?:mor)?\.? induk",
    ),
    (
        "nik",
        8,
        r"n\.?i\.?k|nomor induk kependudukan|nik[ -]?ktp|e?-?ktp(?:-?el)?|k\.?k|kartu keluarga|nokk|noktp|"
        r"kartu tanda penduduk|nonik|"
        r"(?:nik|ktp|kk)(?=\d)|niknya|nik[a-z]{0,3}",
    ),
    (
        "account",
        6,
        r"(?:no\.?)?rek(?:ening|g|ening(?:nya|ku))?|norek(?:ening)?|a/?c|v\.?a|virtual ac+ount|virtual akun|"
        r"kartu kredit|"
        r"kartu debit|kartu atm|no\.? ?kartu(?! ?kel)|nomor kartu(?! ?kel)|bca|bri(?:va)?|bni|mandiri|btn|bsi|"
        r"cimb|danamon|permata|jago|"
        r"seabank|bukopin|bjb|bank jateng|bank jatim|bank dki|muamalat|ocbc|maybank|panin|credit card|tabungan|"
        r"tf(?: ke)?|transfer(?: ke)?",
    ),
    (
        "number",
        5,
        r"b\.?p\.?j\.?s|jkn(?:-kis)?|kis|kpj|jamsostek|bpjstk|id ?pel(?:anggan)?(?:nya)?|pelanggan|sambungan|"
        r"no\.? ?sal|nosal|"
        r"nosamb|n\.?p\.?w\.?p(?:nya)?|pasp?or|passport|sim(?: ?[abcd]1?)?|nisn?|nips?|nip\.?|nrp|nuptk|nim|npm|"
        r"nidn|nrg|peserta|"
        r"porsi|kks|kip|pkh|efin|anggota|no\.? ?rangka|no\.? ?mesin|nomor rangka|nomor mesin|imei|pdam|token|"
        r"registrasi|"
        r"pendaftaran|taspen|no\.? ?rm|rekam medis|medical record|meter(?:an)?|kwh|stnk|bpkb|visa|kitas|polis|"
        r"kepesertaan|sertifikat|nop|member",
    ),
    (
        "phone",
        7,
        r"(?:no\.?)?hp(?:nya|ku)?|(?:no\.?)?(?:telp|tlp|tlpn|telpon|telepon|telfon|tel|telephone|phone|"
        r"handphone|ponsel)(?:nya)?|"
        r"no\.?wa|wa(?:nya)?|whats?app?|kontak|contact|cp|sms|hubungi|call|dihubungi|menghubungi|ditelepon|"
        r"nelpon|gopay|ovo|dana|seluler|selular",
    ),
)
_CUE = re.compile(
    "|".join(rf"(?P<row{i}>(?<![^\W\d_])(?:{cues})(?![^\W\d_]))" for i, (_, _, cues) in enumerate(_TABLE)),
    re.IGNORECASE,
)
_FEWEST = {
    word: fewest
    for fewest, words in (
        (4, "nis"),
        (7, "visa va"),
        (8, "nip peserta tabungan bpjs mandiri wa kip tf tfke transfer transferke registrasi pendaftaran"),
        (9, "meter meteran kwh dana ktp kk pkh call"),
        (10, "sim"),
        (12, "nop"),
        (15, "token"),
    )
    for word in words.split()
}
"""Cue -> the fewest digits, where the cue is also a usual word."""


@dataclass(frozen=True, slots=True)
class Cue:
    """A word that tells what a number behind it is.

    Attributes:
        start: Offset of its first character.
        end: Offset behind its last character.
        row: Its row of the table.
        word: Its letters and digits, in small letters.
    """

    start: int
    end: int
    row: int
    word: str

    @property
    def kind(self) -> str:
        """What the number is; nothing if it is one that stays."""
        return _TABLE[self.row][0]

    @property
    def fewest(self) -> int:
        """The fewest digits of such a number."""
        return _FEWEST.get(self.word, _TABLE[self.row][1])


def find_cues(text: str) -> list[Cue]:
    """All cues of a text, in its order."""
    return [_cue(match) for match in _CUE.finditer(text)]


def _cue(match: re.Match[str]) -> Cue:
    row = int((match.lastgroup or "row0")[3:])
    return Cue(match.start(), match.end(), row, re.sub(r"[\W_]", "", match.group().lower()))
