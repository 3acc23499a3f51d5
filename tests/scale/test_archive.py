from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from lapor_route import Router
from lapor_route.batch import BatchOptions, BatchSummary
from lapor_route.cli import main
from lapor_route.errors import InputError, MissingExtraError, OutputError
from lapor_route.scale import RayEngine, RouterOptions, route_archive
from lapor_route.scale.manifest import MANIFEST
from lapor_route.scale.storage import UNFINISHED, Storage
from tests.scale.archives import WRITERS, Here, routed_here, routed_there, write_jsonl

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROWS = 1500


@pytest.fixture
def run(tmp_path: Path, tiny_bundle: Path) -> Callable[..., BatchSummary]:
    """Routes `in.jsonl` to `out` with the tiny bundle."""

    def call(engine: Here, **given: Any) -> BatchSummary:
        source = given.pop("source", str(tmp_path / "in.jsonl"))
        options: dict[str, Any] = {"router": RouterOptions(str(tiny_bundle)), "rows_per_part": 300} | given
        return route_archive(source, str(tmp_path / "out"), engine, **options)

    write_jsonl(tmp_path / "in.jsonl", ROWS)
    return call


@pytest.mark.parametrize("kind", WRITERS)
def test_the_parts_together_are_what_the_local_engine_writes(
    tmp_path: Path, tiny_bundle: Path, run: Callable[..., BatchSummary], kind: str
) -> None:
    source = WRITERS[kind](tmp_path / f"in{kind}", ROWS)
    seen: list[tuple[int, int]] = []
    summary = run(Here(), source=str(source), progress=lambda done, total: seen.append((done, total)))
    expected = routed_here(Router.load(tiny_bundle), source, tmp_path / "here.parquet")
    found = routed_there(tmp_path / "out")
    assert found.equals(expected)
    assert (summary.rows, seen[-1]) == (len(expected), (len(expected), len(expected)))
    assert 0 < summary.errors < summary.rows
    assert summary.errors + sum(summary.decisions.values()) == summary.rows


def test_a_folder(tmp_path: Path, tiny_bundle: Path, run: Callable[..., BatchSummary]) -> None:
    (tmp_path / "in").mkdir()
    for name in ("b.jsonl", "a.jsonl"):
        write_jsonl(tmp_path / "in" / name, 600)
    (tmp_path / "in" / "c.jsonl").touch()
    assert run(Here(), source=str(tmp_path / "in")).rows == 1200
    assert [file.name for file in sorted((tmp_path / "out").iterdir())] == [
        MANIFEST,
        *[f"part-00000{number}.parquet" for number in range(4)],
    ]
    here = routed_here(Router.load(tiny_bundle), tmp_path / "in" / "a.jsonl", tmp_path / "here.parquet")
    assert routed_there(tmp_path / "out").slice(600).equals(here)


@pytest.mark.parametrize("stopped", range(3))
def test_a_stopped_job_goes_on(tmp_path: Path, run: Callable[..., BatchSummary], stopped: int) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(Here(stop_after=stopped))
    assert json.loads((tmp_path / "out" / MANIFEST).read_text())["complete"] is False
    rest = Here()
    assert run(rest, resume=True).rows == ROWS
    assert rest.planned == 0
    assert rest.routed == [f"part-00000{number}.parquet" for number in range(stopped, 3)]
    assert json.loads((tmp_path / "out" / MANIFEST).read_text())["complete"] is True
    again = Here()
    assert run(again, resume=True).rows == ROWS
    assert again.routed == []


def test_a_part_counts_only_once_it_is_in_the_manifest(tmp_path: Path, run: Callable[..., BatchSummary]) -> None:
    run(Here())
    out, whole = tmp_path / "out", routed_there(tmp_path / "out")
    manifest = json.loads((out / MANIFEST).read_text())
    del manifest["finished"][1]  # a kill between the part's rename and the manifest's
    (out / MANIFEST).write_text(json.dumps(manifest))
    (out / "part-000000.parquet").unlink()
    (out / "part-000002.parquet").write_bytes(b"half")
    (out / UNFINISHED / "part-000001.parquet").mkdir(parents=True)
    (out / UNFINISHED / "part-000001.parquet" / "1234").write_bytes(b"half")  # a kill within a part
    rest = Here()
    assert run(rest, resume=True).rows == ROWS
    assert rest.routed == [f"part-00000{number}.parquet" for number in (0, 1, 2)]
    assert routed_there(out).equals(whole)
    assert len(list(out.iterdir())) == 4


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"options": BatchOptions(top_k=2)}, "other? options: top_k was 5, is 2"),
        ({"rows_per_part": 5000}, "rows_per_part was 512, is 5120"),
        ({"router": RouterOptions()}, "another model"),
        ({"resume": False}, "--resume"),
    ],
)
def test_another_job_is_refused(run: Callable[..., BatchSummary], given: dict[str, Any], message: str) -> None:
    run(Here())
    with pytest.raises(InputError, match=message.replace("other? ", "")):
        run(Here(), **({"resume": True} | given))


def test_another_input_is_refused(tmp_path: Path, run: Callable[..., BatchSummary]) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(Here(stop_after=1))
    write_jsonl(tmp_path / "in.jsonl", ROWS + 1)
    with pytest.raises(InputError, match=r"in\.jsonl is new, gone or changed"):
        run(Here(), resume=True)


def test_folders_with_something_else_are_refused(tmp_path: Path, run: Callable[..., BatchSummary]) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "mine.txt").write_text("mine")
    with pytest.raises(InputError, match="isn't empty"):
        run(Here(), resume=True)
    (out / "mine.txt").unlink()
    (out / MANIFEST).write_text("{}")
    with pytest.raises(InputError, match="can't be read"):
        run(Here(), resume=True)
    with pytest.raises(InputError, match="can't lie in"):
        run(Here(), source=str(tmp_path))


def test_an_input_that_shrinks_stops_the_job(tmp_path: Path, run: Callable[..., BatchSummary]) -> None:
    class Shrinks(Here):
        def plan(self, *given: Any) -> Any:
            found = super().plan(*given)
            write_jsonl(tmp_path / "in.jsonl", 700)
            return found

    with pytest.raises(InputError, match=r"part-000001\.parquet: .* changed since .* into a new folder"):
        run(Shrinks())
    assert [file.name for file in (tmp_path / "out").glob("part*")] == ["part-000000.parquet"]


def test_an_input_that_grows_is_noticed(tmp_path: Path, run: Callable[..., BatchSummary]) -> None:
    class Grows(Here):
        def route(self, *given: Any) -> Any:
            yield from super().route(*given)
            write_jsonl(tmp_path / "in.jsonl", ROWS + 1)

    with pytest.raises(InputError, match="changed while it was routed"):
        run(Grows())
    assert json.loads((tmp_path / "out" / MANIFEST).read_text())["complete"] is False


@pytest.mark.parametrize("kind", [".jsonl", ".csv"])
def test_an_input_without_rows_is_a_table_without_rows(
    tmp_path: Path, run: Callable[..., BatchSummary], kind: str
) -> None:
    source = tmp_path / f"empty{kind}"
    source.write_text("text,place\n" if kind == ".csv" else "\n")
    assert run(Here(), source=str(source)).rows == 0
    found = routed_there(tmp_path / "out")
    assert found.num_rows == 0
    assert {"decision", "error"} <= set(found.column_names)


@pytest.mark.parametrize("what", ["loop", "nothing", "pipe", "name"])
def test_what_can_not_be_read_is_not_left_out(tmp_path: Path, run: Callable[..., BatchSummary], what: str) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    write_jsonl(folder / "a.jsonl", 20)
    if what == "loop":
        (folder / "loop").symlink_to(folder)
    elif what == "nothing":
        (folder / "b.jsonl").symlink_to("gone.jsonl")
    elif what == "pipe":
        os.mkfifo(folder / "b.jsonl")
    else:
        Path(os.fsdecode(bytes(folder) + b"/\xff.jsonl")).write_text('{"text": "a"}')
    with pytest.raises(InputError, match="Mend it, or take it out"):
        run(Here(), source=str(folder))


def test_an_output_that_can_not_be_written_is_told_first(tmp_path: Path, run: Callable[..., BatchSummary]) -> None:
    (tmp_path / "out").write_text("a file")
    engine = Here()
    with pytest.raises(OutputError, match="can't be written"):
        run(engine)
    assert engine.planned == 0


def test_addresses_are_told_without_their_keys(tmp_path: Path) -> None:
    assert str(Storage.at("s3://KEY:SECRET@bucket/a b?region=a")) == "s3://bucket/a b"
    assert Storage.at(f"file://{tmp_path}/a%20b").path == f"{tmp_path}/a b"
    (tmp_path / "link").symlink_to(tmp_path)
    assert Storage.at(str(tmp_path)).holds(Storage.at(str(tmp_path / "link" / "out")))
    with pytest.raises(InputError, match=r"s3://bucket can't be used: .*secret_key") as caught:
        Storage.at("s3://bucket?secret_key=SECRET")
    assert "SECRET" not in str(caught.value)
    with pytest.raises(InputError, match="isn't UTF-8"):
        Storage.at("\udcff")


def test_what_a_worker_says_of_an_error_holds_no_text(
    tmp_path: Path, run: Callable[..., BatchSummary], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("listrik padam")

    monkeypatch.setattr("lapor_route.scale.worker.route_rows", fail)
    with pytest.raises(
        OutputError, match=r"part-000000\.parquet: RuntimeError at test_archive\.py:\d+\. "
    ) as caught:
        run(Here())
    assert "listrik" not in str(caught.value)
    assert not list((tmp_path / "out").rglob("*.parquet/*"))


def test_a_part_that_kills_its_workers_stops_the_job(tmp_path: Path, run: Callable[..., BatchSummary]) -> None:
    class Killing(Here):
        def route(self, work: Any, parts: Any) -> Any:
            for number in range(5):
                path = Path(work.folder.path, UNFINISHED, "part-000001.parquet", str(number))
                path.parent.mkdir(parents=True, exist_ok=True)
                path.touch()
            return super().route(work, parts)

    (tmp_path / "out").mkdir()
    with pytest.raises(OutputError, match=r"part-000001.*5 workers died at these rows.*rows=512"):
        run(Killing())
    assert run(Here(), resume=True).rows == ROWS


def test_a_node_with_another_bundle_is_refused(
    run: Callable[..., BatchSummary], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Elsewhere(Here):
        def route(self, work: Any, parts: Any) -> Any:
            work.identity["registry"] = "2000-01-01"
            return super().route(work, parts)

    with pytest.raises(OutputError, match="a node has another registry"):
        run(Elsewhere())


@pytest.mark.parametrize("moment", [0, 1, 4, 5])
def test_a_kill_at_any_moment_leaves_each_row_once(
    tmp_path: Path, tiny_bundle: Path, run: Callable[..., BatchSummary], moment: int
) -> None:
    """SIGKILL before and after a rename: of the first manifest, and of the second part."""
    script, source, out = Path(__file__).with_name("killed.py"), tmp_path / "in.jsonl", tmp_path / "out"
    command = [
        sys.executable,
        "-m",
        f"tests.scale.{script.stem}",
        str(source),
        str(out),
        str(tiny_bundle),
        str(moment),
    ]
    assert subprocess.run(command, check=False, cwd=script.parents[2]).returncode == -signal.SIGKILL
    assert run(Here(), resume=True).rows == ROWS
    assert routed_there(out).equals(routed_here(Router.load(tiny_bundle), source, tmp_path / "here.parquet"))
    assert sorted(os.listdir(out)) == [MANIFEST, *[f"part-00000{number}.parquet" for number in range(3)]]


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    """The query of addresses in an S3 server of this machine."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    for _ in range(300):
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            break
        time.sleep(0.1)
    yield f"?endpoint_override=127.0.0.1:{port}&scheme=http&region=ap-southeast-3&allow_bucket_creation=true"
    server.terminate()
    server.wait()


@pytest.mark.parametrize("kind", ["memory", "s3"])
def test_an_object_store(
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    tiny_bundle: Path,
    run: Callable[..., BatchSummary],
    kind: str,
) -> None:
    """No rename, and nothing under a part's name before it is whole; by fsspec, and by pyarrow over HTTP."""
    query = request.getfixturevalue("s3") if kind == "s3" else ""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "any")
    source, target = f"{kind}://bucket/in{query}", f"{kind}://bucket/out{query}"
    inputs, folder = Storage.at(source), Storage.at(target)
    inputs.make()
    inputs.write("a.jsonl", (tmp_path / "in.jsonl").read_bytes())
    router = RouterOptions(str(tiny_bundle))
    with pytest.raises(KeyboardInterrupt):
        route_archive(source, target, Here(stop_after=2), router=router, rows_per_part=512)
    assert route_archive(source, target, Here(), router=router, rows_per_part=512, resume=True).rows == ROWS
    names = [file.name for file in folder.files()]
    assert names == [MANIFEST, *[f"part-00000{number}.parquet" for number in range(3)]]
    (tmp_path / "got").mkdir()
    for name in names:
        (tmp_path / "got" / name).write_bytes(folder.read(name))
    expected = routed_here(Router.load(tiny_bundle), tmp_path / "in.jsonl", tmp_path / "here.parquet")
    assert routed_there(tmp_path / "got").equals(expected)


def test_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lapor_route.scale.cluster.find_spec", lambda name: None)
    assert main(["batch", str(tmp_path), str(tmp_path / "out"), "--engine", "ray"]) == 2
    assert "pip install 'lapor-route[ray]'" in capsys.readouterr().err
    with pytest.raises(MissingExtraError):
        RayEngine()
    assert main(["batch", "in.jsonl", "out.jsonl", "--rows-per-part", "5"]) == 2
    assert "--rows-per-part needs --engine ray" in capsys.readouterr().err
    assert main(["batch", str(tmp_path), "out.jsonl"]) == 2
    assert "folders are for --engine ray" in capsys.readouterr().err


def test_ctrl_c_says_how_to_go_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("lapor_route.scale.cluster.find_spec", lambda name: True)
    monkeypatch.setattr("lapor_route.scale.route_archive", interrupted)
    assert main(["batch", "in.jsonl", str(tmp_path / "out"), "--engine", "ray"]) == 1
    assert capsys.readouterr().err == "lapor-route: stopped; go on with --resume\n"
