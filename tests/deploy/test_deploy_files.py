"""The files of deploy/ that run kbsync: of their schemas, of one piece, and closed."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from typing_commands import Terminal

from kbsync import __version__

kubernetes_validate = pytest.importorskip("kubernetes_validate")

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
COMPOSE = sorted((DEPLOY / "compose").glob("*.yaml"))
KUBERNETES = sorted((DEPLOY / "kubernetes").glob("*.yaml"))
# By name: the schema of it that check-jsonschema carries.
CI = {"github.yaml": "vendor.github-workflows", "gitlab.yaml": "vendor.gitlab-ci"}
# The oldest Kubernetes that is still served anywhere, and the newest whose schemas are known.
VERSIONS = ("1.29", kubernetes_validate.latest_version())
CONFIGURED = {"DIFY_API_KEY": "dataset-x", "LEDGER_PASSWORD": "x"}


def by_name(path: Path) -> str:
    return path.name


def refused(schema: str, file: Path) -> str:
    """What check-jsonschema says against a file; empty when it says nothing."""
    words = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, str(file)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    return done.stdout + done.stderr if done.returncode else ""


def objects(file: Path) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(file.read_text("utf-8")))


def of_kind(file: Path, kind: str) -> list[dict[str, Any]]:
    return [each for each in objects(file) if each["kind"] == kind]


def pod_of(file: Path) -> dict[str, Any]:
    (deployment,) = of_kind(file, "Deployment")
    pod: dict[str, Any] = deployment["spec"]["template"]["spec"]
    return pod


def kbsync_of(file: Path) -> dict[str, Any]:
    (found,) = [each for each in pod_of(file)["containers"] if each["name"] == "kbsync"]
    container: dict[str, Any] = found
    return container


# -- schemas -------------------------------------------------------------------------------------


def test_there_is_one_file_for_each_way() -> None:
    assert [each.name for each in COMPOSE] == ["beside-dify.yaml", "standalone.yaml"]
    assert [each.name for each in KUBERNETES] == ["sidecar.yaml", "standby.yaml"]
    assert sorted(each.name for each in (DEPLOY / "ci").iterdir()) == sorted(CI)


@pytest.mark.parametrize("file", COMPOSE, ids=by_name)
def test_compose_files_are_of_their_schema(file: Path, tmp_path: Path) -> None:
    assert refused("vendor.compose-spec", file) == ""
    broken = tmp_path / "broken.yaml"
    broken.write_text(file.read_text("utf-8").replace("cap_drop:", "cap_drops:"))
    assert "cap_drops" in refused("vendor.compose-spec", broken)


@pytest.mark.parametrize(("name", "schema"), CI.items())
def test_ci_files_are_of_their_schema(name: str, schema: str, tmp_path: Path) -> None:
    file = DEPLOY / "ci" / name
    assert refused(schema, file) == ""
    broken = tmp_path / name
    broken.write_text(
        file.read_text("utf-8").replace("script:", "scripts:").replace("runs-on", "on")
    )
    assert refused(schema, broken)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("file", KUBERNETES, ids=by_name)
def test_kubernetes_files_are_of_their_schema(file: Path, version: str) -> None:
    for each in objects(file):
        kubernetes_validate.validate(each, version, strict=True)
    (deployment,) = of_kind(file, "Deployment")
    deployment["spec"]["template"]["spec"]["containers"][0]["imagePolicy"] = "Always"
    with pytest.raises(kubernetes_validate.ValidationError, match="imagePolicy"):
        kubernetes_validate.validate(deployment, version, strict=True)


# -- configurations ------------------------------------------------------------------------------


def configurations() -> Iterator[tuple[str, str]]:
    """Each configuration of kbsync that the files carry, by the file that has it."""
    for file in COMPOSE:
        yield file.name, (file.with_suffix("") / "kbsync.yaml").read_text("utf-8")
    for file in KUBERNETES:
        (carried,) = of_kind(file, "ConfigMap")
        yield file.name, carried["data"]["kbsync.yaml"]


@pytest.mark.parametrize("text", [pytest.param(text, id=name) for name, text in configurations()])
def test_configurations_are_taken_by_kbsync(text: str, tmp_path: Path) -> None:
    secrets, docs = tmp_path / "secrets", tmp_path / "docs"
    secrets.mkdir()
    docs.mkdir()
    for secret in ("dify-api-key", "web-token"):
        (secrets / secret).write_text("dataset-0123456789abcdef")
        (secrets / secret).chmod(0o440)
    here = text.replace("/run/secrets/kbsync", str(secrets)).replace("/srv/docs", str(docs))
    # There is no such database here: that alone may be wrong.
    elsewhere = "@postgresql/" in here
    (tmp_path / "kbsync.yaml").write_text(here.replace("@postgresql/", "@127.0.0.1:1/"))
    environment = {**CONFIGURED, "XDG_STATE_HOME": str(tmp_path / "state")}
    code = 64 if elsewhere else 0
    printed = Terminal(tmp_path).type("validate", "--offline", exit=code, env=environment)
    assert not elsewhere or ("KB-L043" in printed and "1 to correct" in printed), printed


# -- of one piece --------------------------------------------------------------------------------


@pytest.mark.parametrize("file", COMPOSE, ids=by_name)
def test_compose_services_are_closed_and_read_their_source_only(file: Path) -> None:
    project = yaml.safe_load(file.read_text("utf-8"))
    for name, service in project["services"].items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["env_file"] == ["kbsync.env"], name
        for volume in service["volumes"]:
            source = volume.rpartition(":/")[0]
            assert source in project["volumes"] or volume.endswith(":ro"), volume
    mounted = project["services"]["kbsync"]["volumes"][0].partition(":")[0]
    assert (file.parent / mounted / "kbsync.yaml").is_file()


def test_compose_joins_the_network_of_dify() -> None:
    project = yaml.safe_load((DEPLOY / "compose" / "beside-dify.yaml").read_text("utf-8"))
    assert project["services"]["kbsync"]["networks"] == ["dify"]
    assert project["networks"]["dify"] == {
        "name": "${DIFY_NETWORK:-docker_default}",
        "external": True,
    }


@pytest.mark.parametrize("file", KUBERNETES, ids=by_name)
def test_kubernetes_containers_are_closed(file: Path) -> None:
    pod, container = pod_of(file), kbsync_of(file)
    asked = {**pod["securityContext"], **container["securityContext"]}
    assert asked["runAsNonRoot"] is True
    assert (asked["runAsUser"], asked["runAsGroup"], asked["fsGroup"]) == (10001, 10001, 10001)
    assert asked["readOnlyRootFilesystem"] is True
    assert asked["allowPrivilegeEscalation"] is False
    assert asked["capabilities"] == {"drop": ["ALL"]}
    assert asked["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["automountServiceAccountToken"] is False
    written = {each["mountPath"] for each in container["volumeMounts"] if "readOnly" not in each}
    assert written == {"/var/lib/kbsync", "/tmp"}


@pytest.mark.parametrize("file", KUBERNETES, ids=by_name)
def test_kubernetes_names_lead_somewhere(file: Path) -> None:
    (deployment,) = of_kind(file, "Deployment")
    template = deployment["spec"]["template"]
    labels, pod = template["metadata"]["labels"], template["spec"]
    selectors = [deployment["spec"]["selector"]["matchLabels"]]
    selectors += [each["spec"]["selector"]["matchLabels"] for each in _budgets(file)]
    selectors += [each["spec"]["selector"] for each in of_kind(file, "Service")]
    assert all(selector == labels for selector in selectors)
    volumes = {each["name"] for each in pod["volumes"]}
    assert {m["name"] for c in pod["containers"] for m in c["volumeMounts"]} == volumes
    maps = {each["metadata"]["name"] for each in of_kind(file, "ConfigMap")}
    used = {each["configMap"]["name"] for each in pod["volumes"] if "configMap" in each}
    assert used == maps


def _budgets(file: Path) -> list[dict[str, Any]]:
    return of_kind(file, "PodDisruptionBudget")


def test_the_sidecar_cannot_take_its_pod_out_of_service() -> None:
    """A pod is ready when all of its containers are, and its probes say so."""
    container = kbsync_of(DEPLOY / "kubernetes" / "sidecar.yaml")
    assert [key for key in container if key.endswith("Probe")] == []
    assert "while :" in container["command"][-1]


def test_a_replica_that_stands_by_blocks_no_rollout() -> None:
    """It is 503 on /readyz, so no probe may ask there; one replica may be missing at a time."""
    file = DEPLOY / "kubernetes" / "standby.yaml"
    container = kbsync_of(file)
    probes = [value for key, value in container.items() if key.endswith("Probe")]
    assert [each["httpGet"] for each in probes] == [{"path": "/healthz", "port": "web"}] * 3
    (deployment,) = of_kind(file, "Deployment")
    assert container["args"] == ["run", "--standby"]
    assert deployment["spec"]["replicas"] == 2
    rolling = deployment["spec"]["strategy"]["rollingUpdate"]
    assert rolling == {"maxUnavailable": 1, "maxSurge": 0}
    assert [each["spec"]["minAvailable"] for each in _budgets(file)] == [1]


def test_files_run_the_image_of_this_version() -> None:
    for file in [*KUBERNETES, *(DEPLOY / "ci").iterdir()]:
        text = file.read_text("utf-8")
        assert f"registry.example/kbsync:{__version__}" in text, file.name
