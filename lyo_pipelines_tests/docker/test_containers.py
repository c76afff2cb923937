"""The container files without a container: what they name is there; users, health, secrets and ports are as promised."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from lyo_pipelines.config.loading import load_config
from lyo_pipelines.config.settings import PREFIX, PROJECT_ROOT, Settings
from lyo_pipelines.serving.metrics import Metrics

DOCKER = PROJECT_ROOT / "docker"
COMPOSE = sorted(DOCKER.glob("compose*.yaml"))
OTHERS = {"LYO_HOSTED_API_KEY"}


def services(path: Path) -> dict[str, dict]:
    return yaml.safe_load(path.read_text())["services"]


def test_every_file_is_yaml_or_json_and_every_configuration_loads():
    for path in DOCKER.rglob("*.yaml"):
        assert yaml.safe_load(path.read_text()), path
    for path in DOCKER.glob("config*.yaml"):
        assert load_config(path).gateway.allowed_hosts == ("gateway",)


def test_the_gateway_alone_is_published_and_the_ui_only_to_this_machine():
    published = {name: one["ports"] for name, one in services(DOCKER / "compose.yaml").items() if "ports" in one}
    assert published == {"gateway": ["8080:8080"]}
    for path in set(COMPOSE) - {DOCKER / "compose.yaml"}:
        for one in services(path).values():
            assert all(port.startswith("127.0.0.1:") for port in one.get("ports", []))


def test_every_service_has_a_health_check_of_readiness_and_waits_for_what_it_needs():
    base = services(DOCKER / "compose.yaml")
    new = {name: one for path in COMPOSE for name, one in services(path).items() if "image" in one}
    assert set(new) == {*base, "vllm", "ollama"}
    for name, one in new.items():
        assert one["healthcheck"]["test"], name
    assert "/readyz" in str(base["gateway"]["healthcheck"])
    assert base["webserver"]["depends_on"]["code-location"]["condition"] == "service_healthy"


def test_nothing_runs_as_root_where_we_say_who_runs():
    for path in (DOCKER / "Dockerfile", DOCKER / "vllm/Dockerfile"):
        users = re.findall(r"^USER (\S+)", path.read_text(), re.MULTILINE)
        assert users[-1] == "10001:10001"
    for name in ("prometheus", "grafana"):
        assert not services(DOCKER / "compose.yaml")[name]["user"].startswith("0")


def test_secrets_are_files_and_stand_in_no_environment():
    compose = yaml.safe_load((DOCKER / "compose.yaml").read_text())
    assert all(set(one) == {"file"} and one["file"].startswith("./secrets/") for one in compose["secrets"].values())
    said = yaml.safe_dump({name: one.get("environment") for name, one in compose["services"].items()})
    assert not re.search(r"(?i)(password|key|token)\w*: (?!/run/secrets/)", said)


def test_the_entrypoint_makes_variables_of_secret_files(tmp_path):
    script = (DOCKER / "entrypoint.sh").read_text().replace("/run/secrets", str(tmp_path))
    (tmp_path / "lyo_pg_password").write_text("a b'c\n")
    entry = tmp_path / "entrypoint.sh"
    entry.write_text(script)
    done = subprocess.run(
        ["/bin/sh", str(entry), "/bin/sh", "-c", 'printf %s "$LYO_PG_PASSWORD"'],
        capture_output=True, text=True, check=True, timeout=60, env={"PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    assert done.stdout == "a b'c"


def test_every_variable_of_ours_is_one_that_the_settings_know():
    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields} | OTHERS
    texts = [path.read_text() for path in (*DOCKER.glob("*.yaml"), DOCKER / "Dockerfile")]
    texts += [path.read_text() for path in (PROJECT_ROOT / "dagster_home").glob("*/dagster.yaml")]
    found = set(re.findall(r"\bLYO_[A-Z_]+\b", "\n".join(texts)))
    assert found
    assert found <= known
    secrets = {name.upper() for name in yaml.safe_load((DOCKER / "compose.yaml").read_text())["secrets"]}
    assert {name for name in secrets if name.startswith(PREFIX)} <= known


def test_the_image_installs_our_extras_and_versions_that_are_pinned():
    text = (DOCKER / "Dockerfile").read_text()
    extras = re.search(r"ARG EXTRAS=(\S+)", text)[1].split(",")
    project = (PROJECT_ROOT / "pyproject.toml").read_text()
    assert all(re.search(rf"^{extra} = \[", project, re.MULTILINE) for extra in extras)
    assert "-c constraints.txt" in text
    assert all(not one["image"].endswith("latest") for one in services(DOCKER / "compose.yaml").values())


def test_code_location_webserver_and_daemon_speak_of_one_place():
    place = yaml.safe_load((DOCKER / "workspace.yaml").read_text())["load_from"][0]["grpc_server"]
    command = services(DOCKER / "compose.yaml")["code-location"]["command"]
    assert place["host"] == "code-location"
    assert command[command.index("-p") + 1] == str(place["port"])
    assert command[command.index("--location-name") + 1] == place["location_name"] == "lyo_pipelines"


def test_commands_of_dagster_take_the_options_that_they_are_given():
    from dagster._cli.code_server import start_command
    from dagster._daemon.cli import liveness_check_command, run_command
    from dagster_webserver.cli import dagster_webserver

    options = {
        flag
        for command in (start_command, run_command, dagster_webserver)
        for one in command.params
        for flag in one.opts
    }
    for name in ("code-location", "webserver"):
        command = services(DOCKER / "compose.yaml")[name]["command"]
        assert {part for part in command if part.startswith("-")} <= options
    assert liveness_check_command.name == "liveness-check"


def metrics_there() -> set[str]:
    """Names of /metrics of a gateway that has counted one of everything, as Prometheus reads them."""
    text = Metrics("torch").text().decode()
    return {
        sample
        for line in text.splitlines() if line.startswith("# TYPE")
        for name, kind in [line.split()[2:4]]
        for sample in ([f"{name}_bucket", f"{name}_sum", f"{name}_count"] if kind == "histogram" else [name])
    }  # fmt: skip


def test_every_metric_of_the_dashboards_is_one_of_the_gateways():
    dashboard = json.loads((DOCKER / "grafana/dashboards/gateway.json").read_text())
    asked = {
        name
        for panel in dashboard["panels"]
        for target in panel["targets"]
        for name in re.findall(r"\blyo_\w+", target["expr"])
    }
    assert len(asked) >= 8
    assert asked <= metrics_there()


def test_dashboards_ask_data_sources_that_are_provisioned():
    sources = yaml.safe_load((DOCKER / "grafana/provisioning/datasources/lyo.yaml").read_text())["datasources"]
    for path in (DOCKER / "grafana/dashboards").glob("*.json"):
        for panel in json.loads(path.read_text())["panels"]:
            assert panel["datasource"]["uid"] in {one["uid"] for one in sources}


@pytest.mark.parametrize("launcher", ["docker", "kubernetes"])
def test_the_run_launcher_examples_are_the_postgres_home_with_a_launcher(launcher, monkeypatch):
    """Dagster's own schema of the file, and the launcher's where its package is installed; else its keys by its documentation."""
    from dagster._config import process_config, resolve_to_config_type
    from dagster._core.instance.config import dagster_instance_config

    home = PROJECT_ROOT / "dagster_home"
    told = yaml.safe_load((home / launcher / "dagster.yaml").read_text())
    plain = yaml.safe_load((home / "postgres/dagster.yaml").read_text())
    assert {key: value for key, value in told.items() if key != "run_launcher"} == plain
    config, _ = dagster_instance_config(str(home / launcher), "dagster.yaml")
    assert config["run_launcher"]["class"] == told["run_launcher"]["class"]
    keys = {
        "docker": {"image", "registry", "env_vars", "network", "networks", "container_kwargs"},
        "kubernetes": {
            "service_account_name", "job_namespace", "instance_config_map", "dagster_home", "job_image", "image_pull_policy",
            "load_incluster_config", "env_secrets", "env_config_maps", "volumes", "volume_mounts", "run_k8s_config",
        },
    }[launcher]  # fmt: skip
    assert set(told["run_launcher"]["config"]) <= keys
    try:
        module = __import__(told["run_launcher"]["module"])
    except ImportError:
        return
    schema = resolve_to_config_type(getattr(module, told["run_launcher"]["class"]).config_type())
    assert process_config(schema, told["run_launcher"]["config"]).success
