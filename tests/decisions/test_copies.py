from __future__ import annotations

from dataclasses import replace
from importlib.resources import as_file, files

import pytest

from lapor_route.bodies import Registry
from lapor_route.bundle import Bundle
from lapor_route.decisions.rules import Rules
from training.examples.copies import Figures

FILE = files("lapor_route.decisions").joinpath("copies.toml")


@pytest.fixture(scope="module")
def rules(registry: Registry) -> Rules:
    return Rules.packaged(registry)


def test_the_file_is_valid_and_nothing_in_it_is_in_vain(registry: Registry, rules: Rules) -> None:
    with as_file(FILE) as path:
        loaded = Rules.load(path, registry)
    assert list(loaded) == list(rules)
    assert loaded.problems(Bundle.open(None).manifest["labels"]) == []


def test_the_rules_only_copy_and_never_to_their_own_lead(rules: Rules) -> None:
    for rule in rules:
        assert not rule.decision, rule.name
        assert not rule.regions, rule.name
        assert not rule.topics or rule.topics.difference(rule.copies), rule.name


def test_no_phrase_is_part_of_another_of_its_group(rules: Rules) -> None:
    for rule in rules:
        for group in (*rule.texts, rule.excluded):
            for phrase in group:
                others = [other.words for other in group if other != phrase and phrase.is_in(f" {other.words} ")]
                assert not others, f"{rule.name}: {phrase.words!r} stands for {others} too"


def test_they_are_read_once(registry: Registry, rules: Rules) -> None:
    assert Rules.packaged(registry) is rules


def test_a_registry_without_some_bodies_leaves_rules_out(registry: Registry, rules: Rules) -> None:
    gone = {"ojk", "kominfo", "pln"}
    fewer = Registry(
        "less", [replace(body, connected=body.id != "bpkh") for body in registry if body.id not in gone]
    )
    left = Rules.packaged(fewer)
    assert 0 < len(left) < len(rules)
    named = {body_id for rule in left for body_id in (*rule.topics, *rule.copies)}
    assert named.isdisjoint(gone)
    assert all("bpkh" not in rule.copies for rule in left)
    assert left.apply("kena tipu, rekening penipunya masih aktif", "polri", ()).copies == ()
    assert "ombudsman" in left.apply("cc ombudsman", "kpk", ()).copies


CASES = [
    ("kena tipu jual beli motor, rekening penipunya msh aktif sampe skrg", "polri", "ojk"),
    ("Toko palsu di medsos menipu saya. Mohon akunnya ditutup dan pelakunya dicari", "polri", "kominfo"),
    ("Motor hilang kembali, tapi STNK dan pajak lima tahunan macet di Samsat", "polri", "provinsi"),
    ("abis tabrak lari kaki sy patah, santunan jasa raharja gmn ngurusnya pak polisi", "polri", "jasa-raharja"),
    ("dc pinjol ngancem mau bunuh anak saya", "ojk", "polri"),
    ("travel umroh kabur bawa duit jemaah sekampung", "kemenag", "polri"),
    ("Saya batal naik haji karena sakit, setoran awal sudah setahun belum kembali", "kemenag", "bpkh"),
    ("tolong blokir web slot, bandarnya tetangga kampung sebelah tinggal ditangkep", "kominfo", "polri"),
    ("Sertifikat tanah ibu diganti nama orang, tanda tangannya dipalsukan notaris", "atr-bpn", "polri"),
    ("Gudang dekat pelabuhan dipakai menimbun solar, mohon pemiliknya ditangkap", "pertamina", "polri"),
    ("Penyelundupan kulit harimau: mohon pembeli dan penjualnya diproses hukum", "klhk", "polri"),
    ("cewek dilecehkan di gerbong, mohon pelaku diproses", "kai", "polri"),
    ("kasir samsat akrab banget sm calo, antri normal ga maju2", "provinsi", "polri"),
    ("Hakim minta uang sebelum putusan dibacakan", "ma", "ky"),
    ("denda tilang sudah lunas, SIM saya kata pengadilan ada di jaksa", "ma", "kejaksaan"),
    ("Petugas kantor pertanahan menolak memberi tanda terima berkas tiga kali", "ombudsman", "atr-bpn"),
    ("anak sy dibully tiap hari di sma, skrg trauma ga mau keluar kamar", "provinsi", "kpai"),
    ("Santri di pondok dicambuk pengurus", "kpai", "kemenag"),
    ("korban KDRT datang ke UPTD malah disuruh damai", "kabupaten_kota", "kemenpppa"),
    ("dosen pembimbing melakukan pelecehan, kampus menutup kasus", "kemendikbudristek", "komnas-perempuan"),
    ("kpr udh lunas tp sertifikatnya msh di bpn kata bank", "btn", "atr-bpn"),
    ("kis gratis punya mertua nonaktif pas mau cuci darah", "bpjs-kesehatan", "kemensos"),
    ("Iuran kami dulu dibayar pemda lewat jamkesda, sekarang mati", "bpjs-kesehatan", "kabupaten_kota"),
    ("obat di RSUD kosong terus, pasien BPJS disuruh beli di apotek", "kabupaten_kota", "bpjs-kesehatan"),
    ("saldo jht nol, ternyata pabrik gak setor iuran dua tahun", "bpjs-ketenagakerjaan", "provinsi"),
    ("agen brilink motong bantuan 50rb tiap orang", "kemensos", "bri"),
    ("beras bantuan yg dibagi petugas pos dipotong 2 kilo", "bapanas", "pos"),
    ("BST dipotong petugas kantor pos seratus ribu", "pos", "kemensos"),
    ("Uang PIP anak SD diambil wali kelas, kementerian tolong awasi", "kabupaten_kota", "kemendikbudristek"),
    ("paspor tkw ditahan majikan, mohon KJRI menjemput", "bp2mi", "kemenlu"),
    ("TKW di Jeddah kabur dari majikan, kedutaan belum menjawab", "kemenlu", "bp2mi"),
    ("abk kapal ikan ga dibayar gajinya setahun", "kkp", "kemnaker"),
    ("Rumah kami masuk kawasan hutan di peta, BPN menolak menerbitkan sertifikat", "klhk", "atr-bpn"),
    ("Truk ODOL merusak jalan provinsi setiap malam", "provinsi", "kemenhub"),
    ("palang pintu rel dekat pasar patah", "kai", "kemenhub"),
    ("kabel listrik kejepit kabel internet, bikin korslet", "pln", "telkom"),
    ("Bongkar tiang listrik di tengah gang, pemda jg tolong ikut", "pln", "kabupaten_kota"),
    ("lurah ikut kampanye paslon, minta inspektorat dan pengawas bertindak", "bawaslu", "kabupaten_kota"),
    ("minyakita dijual di atas HET, disperindag ga pernah sidak", "kemendag", "kabupaten_kota"),
    ("Krim merkuri dijual di marketplace, akunnya mohon ditutup", "bpom", "kominfo"),
    ("sphp di toko mitra dioplos beras rusak", "bulog", "bapanas"),
    ("Pelayanan loket lambat. Tembusan: kepada Ombudsman, cc gubernur", "kabupaten_kota", "ombudsman provinsi"),
    ("jalan rusak ga dibenerin2, lapor juga ke ombudsman ya min", "kabupaten_kota", "ombudsman"),
]
NEGATIVES = [
    ("HP saya dicopet di terminal, sudah lapor polisi tadi malam", "polri"),
    ("pinjol legal bunganya ga masuk akal", "ojk"),
    ("Berapa biaya resmi mengurus sertifikat hilang?", "atr-bpn"),
    ("tangkapan layar aplikasi error saya lampirkan", "kominfo"),
    ("anjing liar berkeliaran, tolong ditangkap dinas", "kabupaten_kota"),
    ("listrik padam sejak subuh", "pln"),
    ("kartu JKN baru belum datang", "bpjs-kesehatan"),
    ("jadwal pencairan PKH kapan ya", "kemensos"),
    ("Uang PIP anak SD diambil wali kelas", "kabupaten_kota"),
    ("lampu jalan depan masjid mati", "kabupaten_kota"),
    ("Sidang ditunda lagi karena hakim cuti", "ma"),
    ("jalan tol macet di gerbang", "kemenpupr"),
    ("nik saya di data pusat salah tanggal lahir, dukcapil kota nyuruh nunggu", "kabupaten_kota"),
    ("sudah lapor juga ke ombudsman tapi belum ada kabar", "kabupaten_kota"),
    ("Mantan suami napi narkoba mengajukan pembebasan bersyarat", "kemenkumham"),
    ("motor 150 cc saya hilang di parkiran", "polri"),
    ("pengeras suara kafe sampai jam dua malam", "kabupaten_kota"),
    ("Ombudsman lama membalas surat saya, cc ombudsman", "ombudsman"),
]


@pytest.mark.parametrize(("text", "lead", "copies"), CASES)
def test_a_shared_competence_is_copied_in(rules: Rules, text: str, lead: str, copies: str) -> None:
    ruling = rules.apply(text, lead, ())
    assert ruling.copies == tuple(copies.split())
    assert ruling.names
    assert (ruling.forward, ruling.review) == (None, False)


@pytest.mark.parametrize(("text", "lead"), NEGATIVES)
def test_one_matter_is_nobody_elses(rules: Rules, text: str, lead: str) -> None:
    assert rules.apply(text, lead, ()).names == ()


def test_figures_count_every_row(rules: Rules) -> None:
    figures = Figures()
    for text, target, also in [
        ("kis gratis nonaktif, cc ombudsman", "bpjs-kesehatan", ["kemensos", "pln"]),
        ("Sertifikat palsu, cc ombudsman", "atr-bpn", []),
        ("listrik padam", "pln", ["kominfo"]),
        ("halo", "out_of_scope", []),
    ]:
        figures.add("here-1", {"text": text, "target": target, "also": also}, rules)
    assert (figures.rows, figures.wanted, figures.predicted, figures.right) == (4, 3, 4, 1)
    assert (figures.precision, figures.recall) == (1 / 4, 1 / 3)
    assert [line.split(" (")[0] for line in figures.wrong] == [
        "here-1 bpjs-kesehatan -> ombudsman",
        "here-1 atr-bpn -> polri, ombudsman",
    ]
    assert figures.by_rule["pelapor meminta Ombudsman ikut"] == {"predicted": 2, "right": 0}
    assert figures.by_rule["bantuan iuran dinonaktifkan: Kemensos ikut memulihkan PBI"] == {
        "predicted": 1,
        "right": 1,
    }


def test_figures_of_nothing_are_zero() -> None:
    assert (Figures().precision, Figures().recall) == (0.0, 0.0)
