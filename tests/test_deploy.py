"""The files in deploy/ follow their formats, and agree with each other and with the package."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from lapor_route.cli import _parser
from lapor_route.service.app import create_app
from lapor_route.service.metrics import Metrics
from lapor_route.service.settings import PREFIX, Settings
from tests.client.scripted import Says, Scripted

if TYPE_CHECKING:
    from collections.abc import Iterator

yaml: Any = import_module("yaml")  # it comes without types
ROOT = Path(__file__).parent.parent
DEPLOY = ROOT / "deploy"
MANIFESTS = DEPLOY / "kubernetes"
DOCS = ROOT / "docs" / "deployment.md"
DOCKERFILE = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
YAML_FILES = sorted(DEPLOY.rglob("*.yaml"))
LABELS = {"app.kubernetes.io/name": "lapor-route", "app.kubernetes.io/component": "service"}


def tool(name: str) -> str:
    """A program, of this environment or of the system."""
    folder = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", "")))
    found = shutil.which(name, path=folder)
    if found is None:
        pytest.skip(f"{name} isn't installed")
    return found


def run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


def documents(path: Path) -> list[dict[str, Any]]:
    return [*yaml.safe_load_all(path.read_text(encoding="utf-8"))]


def manifest(name: str) -> dict[str, Any]:
    return documents(MANIFESTS / f"{name}.yaml")[0]


def pod() -> dict[str, Any]:
    found: dict[str, Any] = manifest("deployment")["spec"]["template"]["spec"]
    return found


def compose() -> dict[str, Any]:
    return documents(DEPLOY / "compose.yaml")[0]


def environments() -> Iterator[tuple[str, dict[str, str]]]:
    """What each way of running sets of the service's settings."""
    yield "compose", compose()["services"]["lapor-route"]["environment"]
    lines = (MANIFESTS / "settings.env").read_text(encoding="utf-8").splitlines()
    secret = manifest("secret.example")["stringData"]
    yield "kubernetes", {**dict(line.split("=", 1) for line in lines), **secret}
    yield "image", dict(re.findall(rf"({PREFIX}\w+)=(\S+)", DOCKERFILE))


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile's instructions with their arguments, in order."""
    lines = [line for line in DOCKERFILE.splitlines() if not line.startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in joined.splitlines() if line)]


def last(instruction: str) -> str:
    return [rest for word, rest in instructions() if word == instruction][-1]


@pytest.mark.parametrize("path", YAML_FILES, ids=lambda path: path.name)
def test_yaml_is_clean(path: Path) -> None:
    assert documents(path)
    pytest.importorskip("yamllint")
    rules = "{extends: default, rules: {line-length: {max: 130}, document-start: disable, braces: disable}}"
    run(sys.executable, "-m", "yamllint", "--strict", "--config-data", rules, str(path))


def test_the_dockerfile_is_clean() -> None:
    run(tool("hadolint"), "--failure-threshold", "style", str(DEPLOY / "Dockerfile"))


@pytest.mark.parametrize("version", ["1.28", "1.32", "1.37"])
def test_manifests_follow_the_schemas(version: str) -> None:
    kubernetes_validate = pytest.importorskip("kubernetes_validate")
    for path in sorted(MANIFESTS.glob("*.yaml")):
        for document in documents(path):
            if document["kind"] != "Kustomization":
                kubernetes_validate.validate(document, version, strict=True)


def test_a_wrong_manifest_would_be_found() -> None:
    kubernetes_validate = pytest.importorskip("kubernetes_validate")
    broken = manifest("deployment")
    broken["spec"]["replica"] = 2
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(broken, "1.32", strict=True)


def test_the_kustomization_is_whole() -> None:
    wanted = manifest("kustomization")
    others = {"kustomization.yaml", "secret.example.yaml"}
    assert sorted(wanted["resources"]) == sorted({path.name for path in MANIFESTS.glob("*.yaml")} - others)
    done = subprocess.run(
        [tool("kubectl"), "kustomize", str(MANIFESTS)], capture_output=True, text=True, check=True
    )
    rendered = {document["kind"]: document for document in yaml.safe_load_all(done.stdout)}
    containers = rendered["Deployment"]["spec"]["template"]["spec"]
    name = rendered["ConfigMap"]["metadata"]["name"]
    for container in (*containers["containers"], *containers["initContainers"]):
        assert container["image"] == "registry.example.go.id/lapor-route:0.1.0"
        assert container["envFrom"][0] == {"configMapRef": {"name": name}}


def test_compose_follows_its_specification() -> None:
    compose_spec = pytest.importorskip("compose_spec")
    options = compose_spec.PyOptions(apply_merge=True)
    found = options.from_yaml((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
    found.validate()
    assert sorted(found.service_names()) == ["lapor-route", "migrate", "postgres"]


def test_alerts_fire(tmp_path: Path) -> None:
    promtool = tool("promtool")
    run(promtool, "check", "rules", str(DEPLOY / "prometheus" / "alerts.yaml"))
    run(promtool, "test", "rules", str(DEPLOY / "prometheus" / "alerts_test.yaml"))
    config = documents(DEPLOY / "prometheus" / "prometheus.yaml")[0]
    for job in config["scrape_configs"]:  # Debian's promtool knows no Kubernetes
        job.pop("kubernetes_sd_configs", None)
    (tmp_path / "prometheus.yaml").write_text(yaml.safe_dump(config))
    run(promtool, "check", "config", "--syntax-only", str(tmp_path / "prometheus.yaml"))


def test_alerts_ask_for_metrics_that_exist() -> None:
    known = set(re.findall(r"^# TYPE (\w+)", Metrics().render().decode(), re.MULTILINE))
    rules = documents(DEPLOY / "prometheus" / "alerts.yaml")[0]["groups"][0]["rules"]
    asked = {name for rule in rules for name in re.findall(r"\b(lapor_route_\w+)", rule["expr"])}
    told = set(re.findall(r"`(lapor_route_\w+)`", DOCS.read_text(encoding="utf-8")))
    assert len(asked) == 5
    assert {name.removesuffix("_bucket") for name in asked | told} <= known


def test_every_alert_is_tested() -> None:
    rules = documents(DEPLOY / "prometheus" / "alerts.yaml")[0]["groups"][0]["rules"]
    tests = documents(DEPLOY / "prometheus" / "alerts_test.yaml")[0]["tests"]
    fired = {case["alertname"] for test in tests for case in test["alert_rule_test"] if "exp_alerts" in case}
    assert fired == {rule["alert"] for rule in rules}


@pytest.mark.parametrize(("name", "variables"), [*environments()], ids=["compose", "kubernetes", "image"])
def test_the_settings_are_taken(name: str, variables: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in [variable for variable in os.environ if variable.startswith(PREFIX)]:
        monkeypatch.delenv(variable)
    ours = {variable: value for variable, value in variables.items() if variable.startswith(PREFIX)}
    assert {variable.removeprefix(PREFIX).lower() for variable in ours} <= set(Settings.model_fields)
    for variable, value in ours.items():
        monkeypatch.setenv(variable, value)
    settings = Settings.read()
    if name == "image":
        assert settings.store == f"sqlite:///{last('WORKDIR')}/lapor-route.db"
        return
    assert settings.store.startswith("postgresql+psycopg://lapor_route@")
    assert "PGPASSWORD" in variables
    assert settings.require_key
    assert settings.hash_key


def test_docs_name_every_setting_with_its_default() -> None:
    page = DOCS.read_text(encoding="utf-8")
    named = set(re.findall(rf"`({PREFIX}\w+?)`", page))
    assert named == {f"{PREFIX}{name}".upper() for name in Settings.model_fields}
    for names, defaults in re.findall(rf"^\| (`{PREFIX}[^|]+) \| ([^|]+) \|", page, re.MULTILINE):
        for variable, default in zip(names.split(", "), defaults.split(", "), strict=False):
            field = Settings.model_fields[variable.strip("`").removeprefix(PREFIX).lower()]
            if default.startswith("`") and field.default is not None:
                found = json.dumps(list(field.default)) if isinstance(field.default, tuple) else field.default
                shown = str(found).lower() if isinstance(found, bool) else str(found).removesuffix(".0")
                assert default.split()[0] == f"`{shown}`", variable


def test_no_variable_is_misspelt() -> None:
    for path in (*DEPLOY.rglob("*"), DOCS):
        if path.is_file():
            found = set(re.findall(rf"\b{PREFIX}[A-Z_]+\b", path.read_text(encoding="utf-8")))
            known = {f"{PREFIX}{name}".upper() for name in Settings.model_fields}
            assert found <= known, path


def test_docs_show_commands_that_exist() -> None:
    page = DOCS.read_text(encoding="utf-8")
    lines = [line for block in re.findall(r"```bash\n(.*?)```", page, re.DOTALL) for line in block.splitlines()]
    inline = re.findall(r"`(lapor-route\s[a-z]+\s[^`]*)`", page)
    commands = [
        line for line in (*lines, *inline) if line.startswith("lapor-route ") and line.split()[1] != "serve,"
    ]
    assert len(commands) >= 8
    for line in commands:
        words = [word.replace("DAYS", "30") for word in shlex.split(line, comments=True)[1:]]
        if words[-1] != "--help":
            _parser().parse_args(words)


def test_docs_and_their_links() -> None:
    page = DOCS.read_text(encoding="utf-8")
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", page)
    assert len(links) > 8
    for link in links:
        assert (DOCS.parent / link).exists(), link
    headings = {heading.lower().replace(" ", "-") for heading in re.findall(r"^## (.+)$", page, re.MULTILINE)}
    assert set(re.findall(r"\]\(#([^)]+)\)", page)) <= headings


def test_nobody_is_root() -> None:
    user = last("USER").split(":")[0]
    assert user == "10001"
    context = pod()["securityContext"]
    assert (context["runAsNonRoot"], context["runAsUser"]) == (True, int(user))
    assert context["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in (*pod()["containers"], *pod()["initContainers"]):
        locked = container["securityContext"]
        assert locked["allowPrivilegeEscalation"] is False
        assert locked["readOnlyRootFilesystem"] is True
        assert locked["capabilities"] == {"drop": ["ALL"]}
    for name in ("lapor-route", "migrate"):
        service = compose()["services"][name]
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]


def test_the_image_starts_the_service() -> None:
    commands = [
        json.loads(last("CMD")),
        compose()["services"]["migrate"]["command"],
        pod()["initContainers"][0]["args"],
    ]
    for command in commands:
        assert command[0] == "lapor-route"
        _parser().parse_args(command[1:])
    assert commands[0][1:] == ["serve", "--host", "0.0.0.0"]
    assert commands[1] == commands[2] == ["lapor-route", "store", "upgrade"]
    assert last("STOPSIGNAL") == "SIGTERM"


@pytest.mark.parametrize(("status", "healthy"), [(200, True), (503, False), (None, False)])
def test_the_health_check_sees_what_is(status: int | None, healthy: bool) -> None:
    command = json.loads(last("HEALTHCHECK").split(" CMD ", 1)[1])
    assert command[0] == "python"
    with Scripted(Says(status or 200)) as server:
        port = server.url.rpartition(":")[2]
        ours = {**os.environ, "LAPOR_ROUTE_PORT": port if status else "9"}
        done = subprocess.run([sys.executable, *command[1:]], env=ours, capture_output=True, check=False)
    assert (done.returncode == 0) is healthy
    assert [asked.path for asked in server.asked] == ["/health/ready"] * bool(status)


def test_the_build_has_what_it_copies() -> None:
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = [rest.split()[:-1] for word, rest in instructions() if word == "COPY" and "--from" not in rest]
    names = {name for names in copied for name in names}
    assert names == allowed
    assert all((ROOT / name).exists() for name in names)
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    for extra in re.findall(r"'\.\[([\w,]+)\]'", DOCKERFILE)[0].split(","):
        assert re.search(rf"^{extra} = \[", project, re.MULTILINE), extra


def test_one_version_and_one_port() -> None:
    version = re.findall(r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)[0]
    assert f'org.opencontainers.image.version="{version}"' in DOCKERFILE
    assert manifest("kustomization")["images"][0]["newTag"] == version
    for name in ("lapor-route", "migrate"):
        assert compose()["services"][name]["image"] == f"lapor-route:{version}"
    port = Settings.model_fields["port"].default
    assert last("EXPOSE") == str(port)
    assert pod()["containers"][0]["ports"] == [{"name": "http", "containerPort": port}]
    assert compose()["services"]["lapor-route"]["ports"] == [f"127.0.0.1:{port}:{port}"]
    assert manifest("network")["spec"]["ingress"][0]["ports"][0]["port"] == port
    for name in ("proxy/Caddyfile", "proxy/nginx.conf", "prometheus/prometheus.yaml"):
        assert f"127.0.0.1:{port}" in (DEPLOY / name).read_text(encoding="utf-8")


def test_a_stop_has_time() -> None:
    lines = (MANIFESTS / "settings.env").read_text(encoding="utf-8").splitlines()
    drain = int(dict(line.split("=", 1) for line in lines)[f"{PREFIX}DRAIN_SECONDS"])
    sleep = int(pod()["containers"][0]["lifecycle"]["preStop"]["exec"]["command"][1])
    assert pod()["terminationGracePeriodSeconds"] >= sleep + drain + 5
    grace = compose()["services"]["lapor-route"]["stop_grace_period"]
    assert int(grace.removesuffix("s")) >= Settings.model_fields["drain_seconds"].default + 5


def test_pods_are_probed_where_the_service_answers() -> None:
    container = pod()["containers"][0]
    paths = {container[f"{name}Probe"]["httpGet"]["path"] for name in ("startup", "readiness", "liveness")}
    assert paths == {"/health/ready", "/health/live"}
    assert paths <= set(create_app(Settings()).openapi()["paths"])
    assert all(
        container[f"{name}Probe"]["httpGet"]["port"] == "http" for name in ("startup", "readiness", "liveness")
    )


def test_everything_means_the_same_pods() -> None:
    deployment = manifest("deployment")
    assert deployment["spec"]["selector"]["matchLabels"] == LABELS
    assert deployment["spec"]["template"]["metadata"]["labels"] == LABELS
    assert manifest("service")["spec"]["selector"] == LABELS
    assert manifest("disruption")["spec"]["selector"]["matchLabels"] == LABELS
    assert manifest("network")["spec"]["podSelector"]["matchLabels"].items() <= LABELS.items()
    scaled = manifest("autoscaler")["spec"]
    assert scaled["scaleTargetRef"]["name"] == deployment["metadata"]["name"]
    assert "replicas" not in deployment["spec"]
    assert scaled["minReplicas"] > manifest("disruption")["spec"]["minAvailable"]


def test_a_service_of_that_name_sets_no_port() -> None:
    # Kubernetes would leave LAPOR_ROUTE_PORT=tcp://10.0.0.1:80 in the pods.
    assert f"{manifest('service')['metadata']['name'].replace('-', '_').upper()}_" == PREFIX
    assert pod()["enableServiceLinks"] is False


def test_threads_are_the_cores_allowed() -> None:
    settings = dict(environments())
    limits = pod()["containers"][0]["resources"]["limits"]["cpu"]
    assert settings["kubernetes"][f"{PREFIX}THREADS"] == limits
    allowed = compose()["services"]["lapor-route"]["deploy"]["resources"]["limits"]["cpus"]
    assert settings["compose"][f"{PREFIX}THREADS"] == allowed
