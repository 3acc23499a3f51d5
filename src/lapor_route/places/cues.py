"""Words beside a name that tell what the name means there: levels, streets, homes, persons."""

from __future__ import annotations

_WORDS = {
    "province": "prov provinsi propinsi pemprov pemprop gubernur gub kapolda polda kanwil",
    "regency": "kab kabupaten kabupatern kbupaten pemkab bupati",
    "city": "kota kotamadya madya kodya pemkot walikota walkot pemkotmadya",
    "region": "pemda pemerintah dinas disdukcapil dukcapil dinkes dishub disdik dispendik dindik dpu dpupr dlh "
    "dlhk dinsos disnaker disperindag diskominfo rsud pdam perumda bkd bkpsdm bkpp bpbd satpol pp dprd "
    "inspektorat bappeda bapenda dispenda kantah bpn polres polresta polrestabes kodim samsat kejari kpu "
    "damkar dishubkominfo dpmptsp baznas kemenag regional se",
    "kecamatan": "kec kecamatan camat kecmatan distrik polsek koramil kua puskesmas pkm upt uptd",
    "village": "desa ds kel kelurahan kelurhan keluraha klurahan lurah kades nagari gampong pekon kampung "
    "kampong kp dusun dsn dukuh jorong lingkungan padukuhan",
    "street": "jl jln jalan jaln jlan gg gang raya jend jendral letjend perempatan pertigaan simpang",
    "area": "daerah wilayah kawasan sekitar seputar komplek kompleks perumahan perum area didaerah diwilayah "
    "cabang unit lokasi cab",
    "in": "di d in pada",
    "home": "warga asal berasal domisili berdomisili tinggal beralamat alamat alamatkan ktp lahir kelahiran orang "
    "masyarakat penduduk",
    "travel": "dari menuju ke arah tujuan jurusan sampai antara lewat via dr ke sd",
    "person": "nama bapak bpk ibu bu sdr saudara sdri an almarhum alm mas mbak istri suami adik kakak anak haji "
    "hj dr drs ir",
    "food": "soto sate bakso warung nasi rujak pecel mie mi martabak kopi sambal tahu rendang masakan jeruk mangga",
    "institution": "pt cv ud toko hotel bank universitas univ stasiun",
}
CUES: dict[str, str] = {word: cue for cue, words in _WORDS.items() for word in words.split()}
"""Squeezed cue word -> cue."""

LEVELS = frozenset({"province", "regency", "city", "region", "kecamatan", "village"})
"""Cues that name a level of government."""

GLUED = tuple(
    sorted(
        (
            "kota kab kabupaten kec kecamatan kel kelurahan desa prov provinsi jl jln jalan di pemkot pemkab "
            "pemprov dikota"
        ).split(),
        key=len,
        reverse=True,
    )
)
"""Cue words that people write without a space before the name ("kotabandung")."""

FUNCTION_WORDS = frozenset(
    "di ke dan yang yg ada ini itu dari dr untuk utk dgn dengan dan pak bu saya tidak".split()
)
"""Words that no name of several words begins or ends with."""

DIRECTIONS = {
    "utr": "utara",
    "slt": "selatan",
    "sltn": "selatan",
    "sel": "selatan",
    "brt": "barat",
    "bar": "barat",
    "tmr": "timur",
    "tim": "timur",
    "tgh": "tengah",
    "teng": "tengah",
    "kep": "kepulauan",
    "tj": "tanjung",
    "tjg": "tanjung",
    "sei": "sungai",
    "sungei": "sungai",
    "gn": "gunung",
    "kp": "kampung",
    "smg": "semarang",
    "bdg": "bandung",
    "sby": "surabaya",
    "jkt": "jakarta",
}
"""Abbreviations inside names."""

OFFICE_PREFIXES = (
    "pemkot pemkab pemprov pemda kota kab prov dishub dinkes dinsos disdik diskominfo kominfo humas info lapor "
    "polres polresta polrestabes polda dpu pu dbmp dpkp dlh damkar satpolpp bpbd pdam disdukcapil dukcapil "
    "bapenda walikota bupati gubernur official aduan halo sahabat dinas disnaker disbudpar rsud bag"
).split()
"""Beginnings and endings of the handles of regional governments."""
