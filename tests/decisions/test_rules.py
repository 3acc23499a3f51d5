from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lapor_route.cli import main
from lapor_route.decisions.phrases import Phrase, normalised, one_is_in, starts_of
from lapor_route.decisions.rules import Problem, Rule, Rules, Ruling, topics_of
from lapor_route.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from lapor_route.bodies import Registry

    Load = Callable[..., Rules]

TOLL = """
[[rule]]
name = "tol Semarang"
when.topic = ["kabupaten_kota"]
when.region = ["pemkot-semarang"]
when.text = ["jalan tol", "gerbang tol*"]
then.forward = "kemenpupr"
then.copy = ["ombudsman"]
"""
SEMARANG = ("pemkot-semarang", "pemprov-jawa-tengah")


@pytest.fixture
def load(tmp_path: Path, registry: Registry) -> Load:
    """Rules from the lines of their tables, parted by semicolons; they are named 1, 2, 3 ..."""

    def loaded(*tables: str) -> Rules:
        path = tmp_path / "rules.toml"
        rows = (f"[[rule]]; name = '{number}'; {table}; " for number, table in enumerate(tables, 1))
        path.write_text("".join(rows).replace("; ", "\n"), encoding="utf-8")
        return Rules.load(path, registry)

    return loaded


def copies_on(*phrases: str) -> str:
    return f"when.text = {json.dumps(phrases, ensure_ascii=False)}; then.copy = ['ombudsman']"


def refusal(path: Path, registry: Registry) -> str:
    with pytest.raises(InputError) as caught:
        Rules.load(path, registry)
    assert len(str(caught.value).splitlines()) == 1
    return str(caught.value)


def test_a_rule_forwards_and_copies_and_is_named(tmp_path: Path, registry: Registry) -> None:
    path = tmp_path / "rules.toml"
    path.write_text(TOLL)
    rules = Rules.load(str(path), registry)
    assert len(rules) == 1
    ruling = rules.apply("Antre di Gerbang Tol Banyumanik!", "kabupaten_kota", SEMARANG)
    assert ruling == Ruling("kemenpupr", copies=("ombudsman",), names=("tol Semarang",), decided_by="tol Semarang")


@pytest.mark.parametrize(
    ("text", "topic", "regions"),
    [
        ("gerbang sekolah", "kabupaten_kota", SEMARANG),
        ("gerbang tol", "provinsi", SEMARANG),
        ("gerbang tol", "kabupaten_kota", ("pemkab-sleman", "pemprov-di-yogyakarta")),
        ("gerbang tol", "kabupaten_kota", ("pemprov-jawa-tengah",)),
        ("gerbang tol", "kabupaten_kota", ()),
    ],
)
def test_every_condition_must_hold(load: Load, text: str, topic: str, regions: tuple[str, ...]) -> None:
    rules = load(
        "when.topic = ['kabupaten_kota']; when.region = ['pemkot-semarang']; when.text = ['gerbang tol']; "
        "then.review = true"
    )
    assert rules.apply("gerbang tol", "kabupaten_kota", SEMARANG).review
    assert rules.apply(text, topic, regions) == Ruling()


def test_a_province_covers_its_kabupaten_and_kota(load: Load) -> None:
    rules = load("when.region = ['pemprov-jawa-tengah']; then.review = true")
    assert rules.apply("", "pln", {"pemkot-semarang"}) == Ruling(review=True, names=("1",), decided_by="1")
    assert rules.apply("", "pln", ["pemprov-jawa-tengah"]).review
    assert not rules.apply("", "pln", ["pemkab-sleman", "pemprov-di-yogyakarta"]).review


def test_no_rules_say_nothing(tmp_path: Path, registry: Registry) -> None:
    empty = tmp_path / "rules.toml"
    empty.write_text("# none yet\n")
    assert Rules.load(empty, registry).apply("listrik padam", "pln", ()) == Ruling()
    assert Rules().apply("listrik padam", "pln", ()) == Ruling()
    assert Rules().problems() == []


@pytest.mark.parametrize(
    ("phrase", "text"),
    [
        ("jalan tol", "JALAN   Tol"),
        ("jalan tol", "di jalan, tol itu"),
        ("Jalan-Tol!", "jalan tol"),
        ("café", "ke CAFE\u0301 itu"),
        ("cafe\u0301s", "Cafés"),
        ("jum'at", "hari Jum’at"),
        ("gerbang tol*", "gerbang toll-nya"),
        ("gerbang tol*", "gerbang tol"),
        ("ger* tol", "di gerbang tol"),
        ("ger* to* x", "gerbang tol gerbang toll x"),
        ("pungli", "PUNGLI\x00di kelurahan"),
        ("pungli 🚨", "🚨🚨 pungli"),
        ("５００ ribu", "500 ribu"),
    ],
)
def test_a_phrase_is_found(load: Load, phrase: str, text: str) -> None:
    assert load(copies_on("lain sekali", phrase)).apply(text, "pln", ()).copies == ("ombudsman",)


@pytest.mark.parametrize(
    ("phrase", "text"),
    [
        ("jalan tol", "jalan toll"),
        ("jalan tol", "perjalanan tol"),
        ("jalan tol", "tol jalan"),
        ("jalan tol", "jalan ke tol"),
        ("gerbang tol*", "gerbang patol"),
        ("ger* tol", "gerbang itu tol"),
        ("ger* tol", "gerbang tolong"),
        ("pungli", ""),
        ("pungli", "\x00🚨 \ud800"),
    ],
)
def test_a_phrase_is_not_found(load: Load, phrase: str, text: str) -> None:
    assert load(copies_on(phrase)).apply(text, "pln", ()) == Ruling()


def test_the_first_decision_counts_and_all_copies_add_up(load: Load) -> None:
    rules = load(
        copies_on("uang"),
        "when.text = ['pungli']; then.review = true",
        "when.text = ['pungli']; then.forward = 'kpk'; then.copy = ['kpk', 'ombudsman']",
        "when.topic = ['pln']; then.forward = 'pln'",
        "when.topic = ['pln']; then.copy = ['pln']",
    )
    assert rules.apply("pungli uang", "pln", ()) == Ruling(
        None, True, ("ombudsman", "kpk", "pln"), ("1", "2", "3", "5"), "2"
    )
    assert rules.apply("padam", "pln", ()) == Ruling("pln", False, (), ("4",), "4")
    assert rules.apply("uang", "atr-bpn", ()) == Ruling(copies=("ombudsman",), names=("1",))


def test_the_lead_is_not_copied_in(load: Load) -> None:
    rules = load(
        "when.text = ['uang']; then.copy = ['ombudsman']",
        "when.text = ['jalan']; then.copy = ['provinsi', 'kpk']",
        "when.text = ['tol']; then.forward = 'ombudsman'",
    )
    assert rules.apply("uang", "ombudsman", ()) == Ruling()
    assert rules.apply("uang jalan", "provinsi", ()) == Ruling(copies=("ombudsman", "kpk"), names=("1", "2"))
    assert rules.apply("uang tol", "kpk", ()) == Ruling("ombudsman", names=("3",), decided_by="3")
    assert rules.apply("jalan tol", "kpk", ()) == Ruling("ombudsman", False, ("provinsi", "kpk"), ("2", "3"), "3")


def test_a_tier_may_be_copied_in(load: Load) -> None:
    rules = load("when.topic = ['pln']; then.copy = ['provinsi', 'kabupaten_kota', 'kpk']")
    assert rules.apply("", "pln", SEMARANG).copies == ("provinsi", "kabupaten_kota", "kpk")


def test_two_things_may_have_to_be_said_and_a_third_not(load: Load) -> None:
    rules = load(
        "when.text = ['tipu*', 'scam']; when.also_text = ['rekening', 'bank']; when.not_text = ['sudah cair']; "
        "then.review = true"
    )
    assert rules.apply("rekening penipu: scam!", "polri", ()).review
    assert rules.apply("Tipuan lewat BANK", "polri", ()).review
    for text in ("scam", "bank", "", "scam bank, sudah cair"):
        assert rules.apply(text, "polri", ()) == Ruling()


def test_a_rule_may_only_exclude_words(load: Load) -> None:
    rules = load("when.topic = ['pln']; when.not_text = ['token']; then.review = true")
    assert rules.apply("padam", "pln", ()).review
    assert not rules.apply("token habis", "pln", ()).review
    assert not rules.apply("padam", "kpk", ()).review


def test_rules_are_added_in_their_order(load: Load) -> None:
    own = load("when.text = ['uang']; then.review = true; then.copy = ['kpk']")
    packaged = load("when.topic = ['pln']; then.copy = ['ombudsman', 'kpk']")
    both = own + packaged
    assert [rule.copies for rule in both] == [("kpk",), ("ombudsman", "kpk")]
    assert both.apply("uang", "pln", ()) == Ruling(None, True, ("kpk", "ombudsman"), ("1", "1"), "1")
    assert len(own) == len(packaged) == 1


def test_hundreds_of_rules_and_the_longest_text(load: Load) -> None:
    rules = load(*(copies_on(f"kata{i} jalan", f"kata{i}* tol") for i in range(600)))
    ruling = rules.apply("kata " * 3800 + "kata599an tol", "kabupaten_kota", SEMARANG)
    assert ruling.names == ("6", "60", "600")
    assert rules.problems() == []


BAD_FILES = {
    "rule = 3": "a rule must be a table that begins with [[rule]]",
    "rule = [1]": "a rule must be a table that begins with [[rule]]",
    "[rule]\nname = 'x'": "a rule must be a table that begins with [[rule]]",
    "[[rules]]\nname = 'x'": "unknown key 'rules'; a rule begins with [[rule]]",
    "[[rule]]\nname = 'x'\nname = 'y'": "isn't a readable TOML file",
    "[[rule]\n": "isn't a readable TOML file",
    "a = " + "[" * 100_000: "isn't a readable TOML file",
    "a = " + "9" * 10_000: "isn't a readable TOML file",
}


@pytest.mark.parametrize(("content", "expected"), BAD_FILES.items(), ids=range(len(BAD_FILES)))
def test_a_file_of_another_form_is_refused(tmp_path: Path, registry: Registry, content: str, expected: str) -> None:
    path = tmp_path / "rules.toml"
    path.write_text(content)
    assert expected in refusal(path, registry)


def test_files_that_cannot_be_read_are_refused(tmp_path: Path, registry: Registry) -> None:
    path = tmp_path / "rules.toml"
    assert refusal(path, registry) == f"there is no rules file {path}"
    assert "isn't a readable TOML file" in refusal(tmp_path, registry)
    path.write_text(TOLL, encoding="utf-16")
    assert "save it as UTF-8" in refusal(path, registry)
    path.write_text(TOLL, encoding="utf-8-sig")
    assert len(Rules.load(path, registry)) == 1


WHEN, THEN = "when.topic = ['pln']", "then.review = true"


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        (f"topic = ['pln']; {THEN}", "unknown key 'topic', did you mean 'when.topic'?"),
        (f"when.topik = ['pln']; {THEN}", "unknown key 'when.topik', did you mean 'when.topic'?"),
        (f"{WHEN}; then.forwrad = 'pln'", "unknown key 'then.forwrad', did you mean 'then.forward'?"),
        (f"{WHEN}; then.copies = ['pln']", "unknown key 'then.copies', did you mean 'then.copy'?"),
        ("", "rule '1': when is missing; rule '1': then is missing"),
        ("when = {}; then = {}", "it needs a condition: when.topic"),
        ("when = {}; then = {}", "it needs an action: then.forward"),
        (f"when = 'pln'; {THEN}", "when must be given as when.topic, then.forward ..., found 'pln'"),
        (f"when.topic = 'pln'; {THEN}", "when.topic must be a list of texts, found 'pln'"),
        (f"when.topic = []; {THEN}", "when.topic must hold at least one text, and nothing else"),
        (f"when.text = ['tol', 3]; {THEN}", "when.text must hold at least one text, and nothing else"),
        (f"{WHEN}; then.forward = ['pln']", "then.forward must be a text, found ['pln']"),
        (f"{WHEN}; then.review = 1", "then.review must be true, or be left out, found 1"),
        (f"{WHEN}; then.review = false", "then.review must be true, or be left out, found False"),
        (f"{WHEN}; then.forward = 'pln'; {THEN}", "then.forward and then.review exclude each other"),
        (
            "when.topic = ['pemkab-sleman']; then.review = true",
            "'pemkab-sleman' is regional; write provinsi or kabupaten_kota, and the id into when.region",
        ),
        (
            f"when.topic = ['kabupaten']; {THEN}",
            "it may also be provinsi or kabupaten_kota",
        ),
        (f"when.topic = ['pnl']; {THEN}", "when.topic: there is no body 'pnl'"),
        (f"when.region = ['pemkot-smarang']; {THEN}", "the nearest ids are pemkot-semarang"),
        (f"when.region = ['pln']; {THEN}", "when.region: 'pln' governs no region"),
        (f"{WHEN}; then.forward = 'ombudsmen'", "then.forward: there is no body 'ombudsmen'"),
        (f"{WHEN}; then.forward = ''", "then.forward: there is no body ''"),
        (f"{WHEN}; then.copy = ['pln', 'kemenpu']", "then.copy: 'kemenpu' isn't connected to SP4N-LAPOR!"),
        (f"{WHEN}; then.forward = 'provinsi'", "then.forward: 'provinsi' is a tier, which only then.copy may hold"),
        (f"{WHEN}; then.copy = ['out_of_scope']", "then.copy: there is no body 'out_of_scope'"),
        (f"{WHEN}; when.also_text = ['tol']; {THEN}", "when.also_text needs when.text beside it"),
        (f"{WHEN}; when.not_text = ['*']; {THEN}", "when.not_text: '*' can't be looked for"),
        (f"when.text = ['tol']; when.also_text = ['']; {THEN}", "when.also_text: the phrase '' has no words"),
        (f"when.text = ['']; {THEN}", "the phrase '' has no words"),
        (f"when.text = [' 🚨 - ']; {THEN}", "has no words"),
        (f"when.text = ['*']; {THEN}", "'*' can't be looked for"),
        (f"when.text = ['*tol']; {THEN}", "'*tol' can't be looked for"),
        (f"when.text = ['tol**']; {THEN}", "'tol**' can't be looked for"),
        (f"when.text = ['tol-*']; {THEN}", "'tol-*' can't be looked for"),
        (f"when.text = ['jalan 道']; {THEN}", "'道' can't be looked for: a word needs Latin letters"),
        (f"when.text = ['jalan 道*']; {THEN}", "'道*' can't be looked for"),
    ],
)
def test_a_bad_rule_is_refused(load: Load, table: str, expected: str) -> None:
    with pytest.raises(InputError, match=re.escape(expected)) as caught:
        load(table)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["x", "y", "x", "x"], "rule 'x': the name stands 3 times"),
        (["x", " "], "rule ' ': the name must be one line of readable text"),
        (["x\\n\\u001by"], "rule 'x\\n\\x1by': the name must be one line of readable text"),
    ],
)
def test_names_are_unique_and_readable(tmp_path: Path, registry: Registry, names: list[str], expected: str) -> None:
    path = tmp_path / "rules.toml"
    path.write_text("\n".join(f'[[rule]]\nname = "{name}"\n{WHEN}\n{THEN}' for name in names))
    assert expected in refusal(path, registry)


def test_a_rule_without_a_name_is_numbered_and_eight_problems_are_shown(tmp_path: Path, registry: Registry) -> None:
    path = tmp_path / "rules.toml"
    path.write_text(TOLL + "[[rule]]\nname = 3\n" + "[[rule]]\n" * 3)
    message = refusal(path, registry)
    assert "rule number 2: name must be a text, found 3; rule number 2: when is missing" in message
    assert message.endswith("rule number 4: name is missing; rule number 4: when is missing; and 4 more")


@pytest.mark.parametrize(
    ("earlier", "later", "expected"),
    [
        pytest.param(
            "when.topic = ['pln', 'kpk']; then.review = true",
            "when.topic = ['pln']; when.text = ['uang']; then.forward = 'pln'",
            "rule '2' (forward to pln) can never fire: whenever it holds, so does the earlier rule '1' (review)",
            id="topics",
        ),
        pytest.param(
            "when.region = ['pemprov-jawa-tengah']; then.review = true",
            "when.region = ['pemkot-semarang', 'pemkab-klaten']; then.forward = 'pln'",
            "rule '2' (forward to pln) can never fire: whenever it holds, so does the earlier rule '1' (review)",
            id="province",
        ),
        pytest.param(
            "when.text = ['tol*', 'ger* to* rusak']; then.forward = 'pln'",
            "when.text = ['jalan tol', 'jalan toll*', 'itu gerbang tok* rusak']; then.forward = 'kpk'",
            "rule '2' (forward to kpk) can never fire: whenever it holds, so does the earlier rule '1' "
            "(forward to pln)",
            id="phrases",
        ),
        pytest.param(
            "when.topic = ['pln']; then.forward = 'pln'",
            "when.topic = ['pln']; when.text = ['uang']; then.review = true; then.copy = ['kpk']",
            "rule '2' (review) never decides: whenever it holds, so does the earlier rule '1' (forward to pln)",
            id="only its copies act",
        ),
        pytest.param(
            "when.text = ['Jalan Tol', 'gerbang']; then.forward = 'pln'; then.copy = ['kpk']",
            "when.text = ['gerbang', 'jalan-tol']; then.review = true; then.copy = ['ombudsman']",
            "rules '1' (forward to pln) and '2' (review) contradict each other: they hold in the same cases",
            id="the same cases",
        ),
        pytest.param(
            "when.topic = ['pln']; then.forward = 'pln'",
            "when.topic = ['pln']; when.text = ['padam']; then.forward = 'pln'",
            "rule '2' changes nothing: whenever it holds, all that it says is said earlier, by '1'",
            id="the same decision",
        ),
        pytest.param(
            "when.topic = ['pln']; then.review = true; then.copy = ['kpk', 'ombudsman']",
            "when.topic = ['pln']; then.copy = ['ombudsman']",
            "rule '2' changes nothing: whenever it holds, all that it says is said earlier, by '1'",
            id="the same copies",
        ),
        pytest.param(
            "when.text = ['tol']; then.review = true",
            "when.text = ['uang']; when.also_text = ['jalan tol', 'tol']; then.forward = 'pln'",
            "rule '2' (forward to pln) can never fire: whenever it holds, so does the earlier rule '1' (review)",
            id="what must also be said",
        ),
        pytest.param(
            "when.text = ['tol']; when.also_text = ['uang*']; when.not_text = ['sudah cair']; then.review = true",
            "when.text = ['uang tol', 'tol uang']; when.not_text = ['cair', 'x']; then.forward = 'pln'",
            "rule '2' (forward to pln) can never fire: whenever it holds, so does the earlier rule '1' (review)",
            id="what may not be said",
        ),
    ],
)
def test_an_overruled_rule_is_reported(load: Load, earlier: str, later: str, expected: str) -> None:
    assert load(earlier, later).problems() == [Problem(("2", "1"), expected)]
    assert load(later).problems() == []


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        pytest.param(
            "when.topic = ['pln']; then.review = true", "when.topic = ['pln', 'kpk']; then.forward = 'kpk'"
        ),
        pytest.param("when.topic = ['pln']; then.review = true", "when.text = ['uang']; then.forward = 'kpk'"),
        pytest.param("when.text = ['uang']; then.review = true", "when.topic = ['pln']; then.forward = 'kpk'"),
        pytest.param(
            "when.region = ['pemkot-semarang']; then.review = true",
            "when.region = ['pemprov-jawa-tengah']; then.forward = 'kpk'",
            id="a province is more than its parts",
        ),
        pytest.param("when.text = ['jalan tol']; then.review = true", "when.text = ['tol']; then.forward = 'kpk'"),
        pytest.param("when.text = ['tol']; then.review = true", "when.text = ['tol*']; then.forward = 'kpk'"),
        pytest.param("when.text = ['tol']; then.review = true", "when.text = ['patol']; then.forward = 'kpk'"),
        pytest.param("when.text = ['a b']; then.review = true", "when.text = ['a c b']; then.forward = 'kpk'"),
        pytest.param("when.text = ['tol']; then.review = true", "when.text = ['tol', 'x']; then.forward = 'kpk'"),
        pytest.param(
            "when.topic = ['pln']; then.copy = ['kpk']",
            "when.topic = ['pln']; then.review = true",
            id="an earlier rule that only copies",
        ),
        pytest.param(
            "when.topic = ['pln']; then.copy = ['kpk']",
            "when.topic = ['pln']; then.copy = ['kpk', 'ombudsman']",
            id="one copy more",
        ),
        pytest.param(
            "when.topic = ['pln']; then.forward = 'pln'",
            "when.topic = ['pln']; then.forward = 'pln'; then.copy = ['kpk']",
            id="the same decision and a copy",
        ),
        pytest.param(
            "when.text = ['tol']; when.also_text = ['uang']; then.review = true",
            "when.text = ['tol']; then.forward = 'kpk'",
            id="the earlier asks for more",
        ),
        pytest.param(
            "when.text = ['tol']; when.also_text = ['uang']; then.review = true",
            "when.text = ['tol']; when.also_text = ['uang', 'x']; then.forward = 'kpk'",
        ),
        pytest.param(
            "when.text = ['tol']; when.not_text = ['uang']; then.review = true",
            "when.text = ['tol']; then.forward = 'kpk'",
            id="the earlier excludes more",
        ),
        pytest.param(
            "when.text = ['tol']; when.not_text = ['uang']; then.review = true",
            "when.text = ['tol']; when.not_text = ['uang tunai']; then.forward = 'kpk'",
        ),
        pytest.param(
            "when.text = ['tol']; then.review = true",
            "when.topic = ['pln']; when.not_text = ['tol']; then.forward = 'kpk'",
        ),
    ],
)
def test_rules_that_both_act_are_not_reported(load: Load, earlier: str, later: str) -> None:
    assert load(earlier, later).problems() == []


def test_several_earlier_rules_may_say_it_all(load: Load) -> None:
    rules = load(
        "when.topic = ['pln']; then.copy = ['kpk']",
        "when.topic = ['pln', 'bmkg']; then.copy = ['bmkg']",
        "when.text = ['uang']; then.copy = ['ombudsman']",
        "when.topic = ['pln']; then.copy = ['bmkg', 'kpk']",
    )
    assert [problem.rules for problem in rules.problems()] == [("4", "1", "2")]


def test_a_copy_to_the_body_it_forwards_to_is_reported(load: Load) -> None:
    rules = load(f"{WHEN}; then.forward = 'pln'; then.copy = ['kpk', 'pln']")
    assert rules.problems() == [Problem(("1",), "rule '1' copies in pln, to which it forwards")]


def test_topics_that_the_model_lacks_are_reported(load: Load) -> None:
    rules = load(
        "when.topic = ['kemenpu', 'provinsi']; then.review = true",
        "when.topic = ['pln', 'kemenpu']; then.review = true",
        "when.topic = ['kabupaten_kota']; then.copy = ['kpk']",
    )
    assert [problem.message for problem in rules.problems(["pln", "kabupaten_kota"])] == [
        "rule '1' can never fire: the model has no label kemenpu or provinsi",
        "rule '2' lists topics in vain: the model has no label kemenpu",
    ]
    assert rules.problems() == []


def test_a_flat_model_is_about_tiers_too(registry: Registry) -> None:
    assert topics_of(["pln", "pemkab-sleman", "out_of_scope"], registry) == {"pln", "kabupaten_kota"}
    assert topics_of(["pemprov-jawa-barat"], registry) == {"provinsi"}
    assert topics_of(["pemprov-dki-jakarta"], registry) == {"kabupaten_kota", "provinsi"}
    assert topics_of(["provinsi", "kabupaten_kota"], registry) == {"kabupaten_kota", "provinsi"}


def test_copies_go_to_the_bodies_that_a_tier_stands_for(load: Load) -> None:
    rules = load("when.text = ['uang']; then.copy = ['kabupaten_kota', 'provinsi', 'kpk']")
    place = {"kabupaten_kota": "pemkot-semarang"}
    assert rules.apply("uang", "pln", (), lead="pln", receivers=place).copies == ("pemkot-semarang", "kpk")
    assert rules.apply("uang", "pln", (), lead="kpk", receivers={}) == Ruling()
    assert rules.apply("uang", "kabupaten_kota", (), lead="pemkot-semarang", receivers=place).copies == ("kpk",)


@pytest.mark.parametrize(
    "table",
    [
        "when.text = ['jalan tol', 'tol*']; when.not_text = ['tol*']",
        "when.text = ['x']; when.also_text = ['uang']; when.not_text = ['uang', 'y']",
    ],
)
def test_a_rule_that_excludes_what_it_asks_for_is_reported(load: Load, table: str) -> None:
    expected = "rule '1' can never fire: its text can't be said without its not_text"
    assert load(f"{table}; then.review = true").problems() == [Problem(("1",), expected)]


@pytest.mark.parametrize(
    "table",
    ["when.text = ['tol', 'x']; when.not_text = ['tol']", "when.text = ['tol*']; when.not_text = ['tol', 'toll']"],
)
def test_a_rule_that_excludes_some_of_what_it_asks_for_is_not(load: Load, table: str) -> None:
    assert load(f"{table}; then.review = true").problems() == []


PHRASES = st.lists(st.text("ab*", min_size=1, max_size=3), min_size=1, max_size=4).map(" ".join)


@given(PHRASES, PHRASES, st.lists(st.text("ab", min_size=1, max_size=3), max_size=12).map(" ".join))
def test_phrases_are_read_as_described_and_covered_ones_are_found(wide: str, narrow: str, text: str) -> None:
    readable = re.compile(r"[ab]+\*?( [ab]+\*?)*")
    if not readable.fullmatch(wide) or not readable.fullmatch(narrow):
        with pytest.raises(InputError):
            [Phrase.of(wide), Phrase.of(narrow)]
        return
    first, second = Phrase.of(wide), Phrase.of(narrow)
    expected = re.search(rf"(?<!\S){wide.replace('*', '[ab]*')}(?!\S)", text) is not None
    assert first.is_in(f" {text} ") == expected
    if first.is_in(f" {second.words} ") and second.is_in(f" {text} "):
        assert expected


WORDS = st.lists(st.sampled_from(["a", "b", "a b", "a*", "b* a", "ba", "abba", "abba* a", "abb*"]), max_size=2)
CONDITION = st.tuples(WORDS, WORDS, WORDS)


@given(CONDITION, CONDITION, st.lists(st.sampled_from(["a", "b", "ab", "ba", "abba"]), max_size=5).map(" ".join))
def test_a_rule_that_covers_another_holds_whenever_that_does(
    first: tuple[list[str], ...], second: tuple[list[str], ...], text: str
) -> None:
    wide, narrow = (
        Rule("x", frozenset(), frozenset(), tuple(g for g in groups[:2] if g), groups[2], None, True, ())
        for groups in ([tuple(map(Phrase.of, words)) for words in condition] for condition in (first, second))
    )
    words = normalised(text)
    starts = starts_of(words)
    for rule in (wide, narrow):
        said = all(one_is_in(group, words) for group in rule.texts) and not one_is_in(rule.excluded, words)
        assert rule.is_said_in(words, starts) == said
    if wide.covers(narrow) and narrow.is_said_in(words, starts):
        assert wide.is_said_in(words, starts)
    if narrow.excludes_itself:
        assert not narrow.is_said_in(words, starts)


def test_check_says_how_many_rules_there_are(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "rules.toml"
    path.write_text(TOLL)
    assert main(["rules", "check", str(path)]) == 0
    assert capsys.readouterr() == ("rules: 1, problems: 0\n", "")


def test_check_lists_problems_with_status_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "rules.toml"
    path.write_text(TOLL + TOLL.replace("tol Semarang", "tol lagi").replace("kemenpupr", "pln"))
    assert main(["rules", "check", str(path)]) == 1
    out, err = capsys.readouterr()
    assert out.splitlines() == [
        "rules: 2, problems: 1",
        "- rules 'tol Semarang' (forward to kemenpupr) and 'tol lagi' (forward to pln) contradict each other: "
        "they hold in the same cases",
    ]
    assert err == f"lapor-route: {path} can be read, but has rules to mend\n"


def test_check_takes_the_labels_of_a_model(
    tmp_path: Path, tiny_bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "rules.toml"
    path.write_text("[[rule]]\nname = 'x'\nwhen.topic = ['kpk']\nthen.review = true\n")
    assert main(["rules", "check", str(path)]) == 0
    assert main(["rules", "check", str(path), "--model", str(tiny_bundle)]) == 1
    assert "the model has no label kpk" in capsys.readouterr().out


@pytest.mark.parametrize("content", [None, "[[rule]]\nname = 'x'", "rule"])
def test_check_refuses_a_file_with_status_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str | None
) -> None:
    path = tmp_path / "rules.toml"
    if content is not None:
        path.write_text(content)
    assert main(["rules", "check", str(path)]) == 2
    out, err = capsys.readouterr()
    assert (out, len(err.splitlines())) == ("", 1)
    assert err.startswith("lapor-route: ")
    assert str(path) in err


def test_rules_without_an_action_is_wrong_usage() -> None:
    with pytest.raises(SystemExit) as caught:
        main(["rules"])
    assert caught.value.code == 2
