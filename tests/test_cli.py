from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from lapor_route.cli import main

if TYPE_CHECKING:
    from pathlib import Path


def test_route_prints_the_evidence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["route", "Jalan berlubang di Kec. Depok, Sleman", "--top-k", "2"]) == 0
    out = capsys.readouterr().out
    assert "pemkab-sleman" in out
    assert "34.04.07" in out


def test_route_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["route", "lampu jalan mati semua", "--place", "Kab. Klaten", "--json"]) == 0
    routing = json.loads(capsys.readouterr().out)
    assert routing["candidates"][0]["body_id"] == "pemkab-klaten"


def test_route_asks_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["route", "lampu jalan mati semua tolong pak"]) == 0
    assert "Tanyakan:" in capsys.readouterr().out


def test_route_weighs_words(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["route", "Tagihan listrik PLN saya naik", "--explain", "--top-k", "1"]) == 0
    out = capsys.readouterr().out
    assert "kata: +" in out
    assert "Diteruskan ke PT Perusahaan Listrik Negara" in out


def test_a_promise_is_printed_with_its_coverage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["route", "listrik padam", "--json", "--target-precision", "0.9"]) == 0
    captured = capsys.readouterr()
    assert json.loads(captured.out)["decision"]
    assert "promised: 90.0%" in captured.err
    assert "of complaints are forwarded" in captured.err
    assert main(["route", "listrik padam", "--target-precision", "0.9999"]) == 2
    assert "the most that its held-out rows support" in capsys.readouterr().err
    assert main(["route", "listrik padam", "--shortlist-coverage", "7"]) == 2
    assert "between 0 and 1" in capsys.readouterr().err


def test_rules_act_and_are_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "rules.toml"
    path.write_text(
        '[[rule]]\nname = "tol"\nwhen.text = ["tol"]\nthen.forward = "kemenpupr"\nthen.copy = ["ombudsman"]'
    )
    assert main(["route", "jalan tol rusak parah", "--rules", str(path)]) == 0
    out = capsys.readouterr().out
    for shown in ("aturan: tol", "tembusan: ombudsman", "Kementerian Pekerjaan Umum"):
        assert shown in out
    assert main(["route", "jalan tol rusak", "--rules", str(tmp_path / "none.toml")]) == 2


def test_bodies(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bodies", "34.04"]) == 0
    assert capsys.readouterr().out.startswith("pemkab-sleman")
    assert main(["bodies", "kominfo"]) == 0
    assert "komdigi" in capsys.readouterr().out
    assert main(["bodies"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 679
    assert main(["bodies", "pln", "--json"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[0])["id"] == "pln"
    assert main(["bodies", "qqqqqqqqq"]) == 1
    assert "no body matches" in capsys.readouterr().err


def test_info(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["bodies"] == 679
    assert main(["info"]) == 0
    assert "registry" in capsys.readouterr().out


def test_batch(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "in.jsonl"
    source.write_text('{"text": "listrik padam"}\n{bad\n')
    assert main(["batch", str(source), str(tmp_path / "out.jsonl")]) == 0
    assert "2 rows" in capsys.readouterr().err
    assert len((tmp_path / "out.jsonl").read_text().splitlines()) == 2


def test_evaluate(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = tmp_path / "data.jsonl"
    data.write_text('{"text": "kartu JKN nonaktif", "body_id": "bpjs-kesehatan"}\n')
    assert main(["evaluate", str(data), "--out", str(tmp_path / "out"), "--no-plots"]) == 0
    assert "top1" in capsys.readouterr().out
    assert (tmp_path / "out" / "report.md").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ["batch", "none.jsonl", "out.jsonl"],
        ["evaluate", "none.jsonl", "--out", "x"],
    ],
)
def test_unreadable_input_is_status_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith("lapor-route: ")
    assert len(error.splitlines()) == 1


def test_an_unwritable_output_is_status_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "in.jsonl"
    source.write_text('{"text": "x", "body_id": "pln"}')
    assert main(["batch", str(source), str(source / "x.csv")]) == 1
    assert main(["evaluate", str(source), "--out", str(source), "--no-plots"]) == 1
    assert len(capsys.readouterr().err.splitlines()) == 2


def test_control_characters_do_not_reach_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["route", "listrik\x1b[31m padam\r\ndi Kota Surabaya sekarang\x07"]) == 0
    out = capsys.readouterr().out
    assert not {"\x1b", "\r", "\x07"} & set(out)


def test_a_wrong_bundle_is_status_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["route", "x", "--model", str(tmp_path)]) == 1
    assert "manifest.json is missing" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [[], ["route"], ["route", "x", "--top-k", "0"], ["fly"]])
def test_wrong_usage_is_status_2(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2


def run(*arguments: str, data: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "lapor_route.cli", *arguments]
    return subprocess.run(command, input=data, capture_output=True, check=False)


def test_the_process_reads_bytes_of_any_kind() -> None:
    done = run("route", "-", "--json", data=b"listrik padam \xff\xfe\x00")
    assert done.returncode == 0
    assert json.loads(done.stdout)["candidates"]
    done = subprocess.run(
        [sys.executable.encode(), b"-m", b"lapor_route.cli", b"route", b"listrik \xff padam"],
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_a_closed_pipe_is_no_traceback() -> None:
    command = f"{sys.executable} -m lapor_route.cli bodies | head -1"
    done = subprocess.run(command, shell=True, capture_output=True, check=False)
    assert b"Traceback" not in done.stderr


def test_importing_is_light() -> None:
    code = "import lapor_route, sys; print([m for m in sys.modules])"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True).stdout
    for heavy in ("torch", "fastapi", "ray", "sklearn", "scipy", "pyarrow", "matplotlib", "transformers", "rich"):
        assert not re.search(rf"'{heavy}['.]", loaded), heavy


def test_the_command_is_installed() -> None:
    command = os.path.join(os.path.dirname(sys.executable), "lapor-route")
    assert subprocess.run([command, "--help"], capture_output=True, check=False).returncode == 0
