"""The peers' command line."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

from benchmarks.options import Options
from benchmarks.peers import plots, report, run
from benchmarks.peers.catalogue import PEERS, interpreter
from benchmarks.peers.engine import BUNDLE, CONFIG, ROOT

PACKAGES = {
    "peers-venv": (("torch", "numpy", "transformers"), ("openvino", "nncf", "ctranslate2", "floret")),
    "infinity-venv": (
        ("torch",),
        ("infinity-emb[torch]==0.0.78", "pandas<3", "datasets<4.5", "pyarrow<22", "scikit-learn<1.8", "scipy<1.16"),
    ),
}
"""Environment -> packages that stay this environment's, and packages to install; infinity needs an older numpy."""


def main() -> None:
    """Installs, makes the bundle, or measures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("install", help="install the peers' packages into build/peers-venv and build/infinity-venv")
    commands.add_parser("bundle", help=f"write {BUNDLE.relative_to(ROOT)}, after `make model`")
    measure = commands.add_parser("run", help="measure")
    measure.add_argument("--quick", action="store_true")
    measure.add_argument("--only", nargs="+", choices=[peer.name for peer in PEERS], metavar="NAME")
    measure.add_argument("--data", type=Path, metavar="FILE", help="a labelled file, for accuracies")
    measure.add_argument("--out", type=Path, default=Path("build/peers"), metavar="FOLDER")
    measure.add_argument("--threads", type=int, default=Options(Path()).threads)
    options = parser.parse_args()
    if options.command == "install":
        for name in PACKAGES:
            install(name)
    elif options.command == "bundle":
        bundle()
    else:
        _run(options)


def install(name: str) -> None:
    """Makes an environment that sees this one's packages, and installs its own before them."""
    python = interpreter(name)
    subprocess.run([sys.executable, "-m", "venv", str(python.parent.parent)], check=True)
    shared = next(path for path in sys.path if path.endswith("site-packages"))
    found = subprocess.run(
        [str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        check=True,
        capture_output=True,
        text=True,
    )
    Path(found.stdout.strip(), "shared.pth").write_text(shared + "\n", encoding="utf-8")
    kept, wanted = PACKAGES[name]
    constraints = python.parent.parent / "constraints.txt"
    # Without +cpu and the like: pip then sees that what is there fits, and fetches no other build.
    pins = "".join(f"{package}=={version(package).partition('+')[0]}\n" for package in kept)
    constraints.write_text(pins, encoding="utf-8")
    subprocess.run(
        [str(python), "-m", "pip", "install", "--quiet", "--constraint", str(constraints), *wanted], check=True
    )


def bundle() -> None:
    """Exports our encoder with its float32 weights, from what `make model` left in its work folder."""
    from training.config import load_config
    from training.run import run_steps

    config = load_config(CONFIG)
    export = replace(config.export, torch=True)
    run_steps(replace(config, engine="bert", out=BUNDLE, export=export), ["calibrate", "export"])


def _run(options: argparse.Namespace) -> None:
    options.out.mkdir(parents=True, exist_ok=True)
    told = Options(work=options.out / "work", quick=options.quick, threads=options.threads)
    figures = run(
        told, lambda what, done: print(f"{done:4.0%} {what}", flush=True), options.data, options.only or ()
    )
    (options.out / "peers.json").write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    (options.out / "peers.md").write_text(report(figures), encoding="utf-8")
    plots(figures, options.out)
    print(report(figures))


if __name__ == "__main__":
    main()
