"""The command line: `lapor-route route | batch | evaluate | serve | bodies | rules | info | train ...`."""

from __future__ import annotations

import argparse
import json
import os
import sys
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lapor_route.classifiers.backends import BACKENDS
from lapor_route.errors import InputError, LaporRouteError, MissingExtraError
from lapor_route.service.commands import add_commands

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from lapor_route.batch import BatchSummary
    from lapor_route.router import Router

DONE, FAILED, WRONG_USAGE = 0, 1, 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command.

    Returns:
        The exit status: 0 done, 1 failed, 2 wrong usage or unreadable input.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")
    options = _parser().parse_args(arguments)
    try:
        command: Callable[[argparse.Namespace], None] = options.command
        command(options)
    except (InputError, MissingExtraError) as error:
        return _complain(error, WRONG_USAGE)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except (LaporRouteError, OSError) as error:
        return _complain(error, FAILED)
    except KeyboardInterrupt:
        return _complain("stopped", FAILED)
    return DONE


def _complain(error: object, status: int) -> int:
    print(f"lapor-route: {error}", file=sys.stderr)
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="lapor-route",
        description="Routes Indonesian citizen complaints to the government body in charge.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    route = commands.add_parser("route", help="route one complaint")
    route.add_argument("text", metavar="TEXT", help="the complaint; - reads it from standard input")
    route.add_argument("--place", help="where it happens, if known apart from the text")
    route.add_argument(
        "--explain", action="store_true", help="weigh every word; takes up to some 50 times as long as routing"
    )
    route.add_argument("--json", action="store_true", help="print the routing as JSON")
    _router_options(route)
    route.set_defaults(command=_route)

    batch = commands.add_parser("batch", help="route the rows of .jsonl, .csv or .parquet files")
    batch.add_argument(
        "input", metavar="INPUT", help="a file; with --engine ray also a folder, or s3://... and such"
    )
    batch.add_argument(
        "output",
        metavar="OUTPUT",
        help="a file; with --engine ray a new folder, for Parquet files in the same order",
    )
    batch.add_argument("--text-column", default="text", help="column with the complaint (default: text)")
    batch.add_argument("--place-column", default="place", help="column with the place, if any (default: place)")
    batch.add_argument(
        "--engine", choices=["local", "ray"], default="local", help="where it runs: here, or on a Ray cluster"
    )
    ray = batch.add_argument_group("with --engine ray")
    ray.add_argument(
        "--address", help="the cluster: auto or HOST:PORT; by default RAY_ADDRESS, else one started here"
    )
    ray.add_argument(
        "--workers", type=_positive, metavar="N", help="processes (default: one a core of the cluster)"
    )
    ray.add_argument(
        "--rows-per-part", type=_positive, metavar="N", help="rows of each output file, at most (default: 8192)"
    )
    ray.add_argument("--resume", action="store_true", help="go on with the job in OUTPUT where it was stopped")
    _router_options(batch)
    batch.set_defaults(command=_batch)

    evaluate = commands.add_parser("evaluate", help="measure accuracy and decisions on labelled complaints")
    evaluate.add_argument("data", type=Path, metavar="DATA", help="JSONL with text, body_id, optional acceptable")
    evaluate.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for figures and plots")
    evaluate.add_argument("--no-plots", action="store_true", help="write no plots (they need matplotlib)")
    _decision_options(evaluate)
    _model_option(evaluate)
    evaluate.set_defaults(command=_evaluate)

    bodies = commands.add_parser("bodies", help="find bodies of the registry")
    bodies.add_argument(
        "query", nargs="?", metavar="QUERY", help="an id, name, alias or region code; none lists all"
    )
    bodies.add_argument("--json", action="store_true", help="print JSON lines")
    bodies.set_defaults(command=_bodies)

    rules = commands.add_parser("rules", help="work on a file of your own rules")
    check = rules.add_subparsers(required=True, metavar="ACTION").add_parser(
        "check", help="find rules that can never fire or contradict each other"
    )
    check.add_argument("file", type=Path, metavar="FILE", help="the TOML file with the rules")
    check.add_argument("--model", metavar="DIR", help="whose labels the topics are; by default the embedded one")
    check.set_defaults(command=_check_rules)

    add_commands(commands, _model_option, _decision_options)

    train = commands.add_parser("train", help="train a model of your own: every step of a config")
    train.add_argument("config", type=Path, metavar="CONFIG", help="a TOML file; training/configs holds examples")
    train.add_argument(
        "--check", action="store_true", help="a dry run: check data, config and base model, in seconds"
    )
    train.set_defaults(command=_train)

    info = commands.add_parser("info", help="say which package, model and registry this is")
    info.add_argument("--json", action="store_true", help="print JSON")
    _model_option(info)
    info.set_defaults(command=_info)
    return parser


def _model_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", metavar="DIR", help="a model bundle; by default the embedded one")
    parser.add_argument("--backend", choices=BACKENDS, help="what computes an encoder (default: onnx)")
    parser.add_argument(
        "--threads", type=_positive, metavar="N", help="threads of an encoder (default: one a core)"
    )


def _router_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--top-k", type=_positive, default=5, metavar="K", help="most candidates (default: 5)")
    _decision_options(parser)
    _model_option(parser)


def _decision_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--target-precision",
        type=float,
        metavar="P",
        help="forward only what keeps this precision (default: the bundle's, 0.95); says at what coverage",
    )
    parser.add_argument(
        "--shortlist-coverage",
        type=float,
        metavar="P",
        help="share of shortlists that hold the right body (default: 0.95)",
    )
    parser.add_argument("--rules", type=Path, metavar="FILE", help="your own rules, a TOML file")


def _positive(value: str) -> int:
    number = int(value)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def _router(options: argparse.Namespace) -> Router:
    from lapor_route.router import Router

    router = Router.load(
        options.model,
        backend=options.backend,
        threads=options.threads,
        target_precision=getattr(options, "target_precision", None),
        shortlist_coverage=getattr(options, "shortlist_coverage", None),
        rules=getattr(options, "rules", None),
    )
    if router.promise:
        print(f"promised: {router.promise}", file=sys.stderr)
    return router


def _route(options: argparse.Namespace) -> None:
    if options.text == "-":
        text = sys.stdin.buffer.read().decode("utf-8", errors="replace")
    else:
        text = options.text.encode("utf-8", "surrogateescape").decode("utf-8", errors="replace")
    routing = _router(options).route(text, options.place, top_k=options.top_k, explain=options.explain)
    if options.json:
        _print_json(routing.to_dict())
    else:
        from lapor_route.display import show_routing

        show_routing(text, options.place, routing)


def _batch(options: argparse.Namespace) -> None:
    with _progress() as report:
        summary = (_batch_on_ray if options.engine == "ray" else _batch_here)(options, report)
    decisions = ", ".join(f"{number:,} {name}" for name, number in sorted(summary.decisions.items()))
    print(
        f"{summary.rows:,} rows: {decisions or 'none routed'}; {summary.errors:,} with an error",
        file=sys.stderr,
    )


def _batch_here(options: argparse.Namespace, report: Callable[[int, int], None]) -> BatchSummary:
    from lapor_route.batch import route_file

    for name in ("address", "workers", "rows_per_part", "resume"):
        if getattr(options, name):
            raise InputError(f"--{name.replace('_', '-')} needs --engine ray")
    source = Path(options.input)
    if not source.is_file():
        folder = "; folders are for --engine ray" if source.is_dir() else ""
        raise InputError(f"there is no file {source}{folder}")
    return route_file(
        _router(options),
        source,
        Path(options.output),
        text_column=options.text_column,
        place_column=options.place_column,
        top_k=options.top_k,
        progress=report,
    )


def _batch_on_ray(options: argparse.Namespace, report: Callable[[int, int], None]) -> BatchSummary:
    from lapor_route.batch import BatchOptions
    from lapor_route.scale import ROWS_PER_PART, RayEngine, RouterOptions, route_archive

    router = RouterOptions(
        options.model,
        options.backend,
        options.threads,
        options.target_precision,
        options.shortlist_coverage,
        str(options.rules) if options.rules else None,
    )
    try:
        with RayEngine(options.address, options.workers) as engine:
            return route_archive(
                options.input,
                options.output,
                engine,
                options=BatchOptions(options.text_column, options.place_column, options.top_k),
                router=router,
                rows_per_part=options.rows_per_part or ROWS_PER_PART,
                resume=options.resume,
                progress=report,
            )
    except KeyboardInterrupt:
        raise LaporRouteError("stopped; go on with --resume") from None


def _progress() -> AbstractContextManager[Callable[[int, int], None]]:
    """A progress bar on standard error, where that is a terminal."""
    from contextlib import contextmanager

    @contextmanager
    def bar() -> Iterator[Callable[[int, int], None]]:
        from rich.console import Console
        from rich.progress import Progress

        console = Console(stderr=True)
        with Progress(console=console, disable=not console.is_terminal) as progress:
            task = progress.add_task("routing", total=None)
            yield lambda done, size: progress.update(task, completed=done, total=size)

    return bar()


def _evaluate(options: argparse.Namespace) -> None:
    from lapor_route.evaluation import evaluate_file

    figures = evaluate_file(_router(options), options.data, options.out, plots=not options.no_plots)
    overall, decisions = figures["overall"], figures["decisions"]
    names = ("rows", "top1", "top3", "top5", "macro", "region_found")
    print("  ".join(f"{name} {overall[name]}" for name in names))
    print(
        f"forward: coverage {decisions['forward_coverage']} at precision {decisions['forward_precision']}  "
        f"ask recall {decisions['ask_recall']}  ECE {figures['calibration']['ece']}"
    )
    print(f"report: {options.out / 'report.md'}")


def _bodies(options: argparse.Namespace) -> None:
    from lapor_route.bodies import Registry

    registry = Registry.load()
    if options.query:
        coded = registry.by_code(options.query) if options.query.replace(".", "").isdigit() else None
        found = [coded] if coded else registry.find(options.query)
        if not found:
            raise LaporRouteError(f"no body matches {options.query!r}; try a shorter part of its name")
    else:
        found = list(registry.connected)
    for body in found:
        if options.json:
            _print_json(body.to_dict())
        else:
            state = "" if body.connected else "  (not connected)"
            heirs = f"  -> {', '.join(body.successors)} since {body.valid_until}" if body.successors else ""
            print(f"{body.id:32} {body.code or '-':6} {body.name}{state}{heirs}")


def _check_rules(options: argparse.Namespace) -> None:
    from lapor_route.bodies import Registry
    from lapor_route.bundle import Bundle
    from lapor_route.decisions.rules import Rules, topics_of

    registry = Registry.load()
    rules = Rules.load(options.file, registry)
    problems = rules.problems(topics_of(Bundle.open(options.model).manifest["labels"], registry))
    print(f"rules: {len(rules)}, problems: {len(problems)}")
    for problem in problems:
        print(f"- {problem.message}")
    if problems:
        raise LaporRouteError(f"{options.file} can be read, but has rules to mend")


def _train(options: argparse.Namespace) -> None:
    try:
        from training.config import load_config
        from training.run import STEPS, check, need_extra, run_steps
    except ImportError:
        raise MissingExtraError(
            "the training kit lies in the repository, not in the package; clone it and run there: "
            "pip install -e '.[train]'"
        ) from None
    need_extra()
    config = load_config(options.config)
    if options.check:
        print(json.dumps(check(config), indent=1))
    else:
        run_steps(config, [*STEPS])


def _info(options: argparse.Namespace) -> None:
    from lapor_route.bundle import Bundle

    bundle = Bundle.open(options.model)
    router = _router(options)
    facts: dict[str, Any] = {
        **router.versions,
        "engine": bundle.manifest["engine"],
        "licence": bundle.manifest["licence"],
        "labels": len(bundle.manifest["labels"]),
        "bodies": len(router.registry.connected),
        "place_names": len(router.resolver.gazetteer),
        "folder": str(bundle.folder),
        "metrics": bundle.manifest.get("metrics", {}),
    }
    if options.json:
        _print_json(facts)
        return
    for key, value in facts.items():
        shown = json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else value
        print(f"{key.replace('_', ' '):12} {shown}")


def _print_json(data: dict[str, Any]) -> None:
    print(json.dumps(data, ensure_ascii=False))


if __name__ == "__main__":
    sys.exit(main())
