"""What a stretch of personal data is."""

from __future__ import annotations

from dataclasses import dataclass

LABELS = {
    "nik": "[NIK]",
    "phone": "[TELEPON]",
    "email": "[EMAIL]",
    "account": "[REKENING]",
    "number": "[NOMOR]",
    "plate": "[PELAT]",
    "name": "[NAMA]",
    "address": "[ALAMAT]",
    "coordinate": "[KOORDINAT]",
    "ip": "[IP]",
    "handle": "[AKUN]",
    "birth": "[TANGGAL LAHIR]",
}
"""Kind of personal data -> what stands in its place.

``nik`` is a NIK or a KK number; ``account`` a bank account, a card or a virtual account; ``number`` any other
number of a person: BPJS, electricity, water, tax, passport, driving licence, pupil, employee.
"""


@dataclass(frozen=True, slots=True)
class PersonalSpan:
    """A stretch of a text that is personal data.

    Attributes:
        start: Offset of its first character.
        end: Offset behind its last character.
        kind: A key of `LABELS`.
    """

    start: int
    end: int
    kind: str
