"""The files of deploy/ that run kbsync: of their schemas, of one piece, and closed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from typing_commands import Terminal

from kbsync import __version__
from kbsync.cluster.run import Role
from kbsync.engine.control.controller import DRAIN
from kbsync.service.shutdown import LAST

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


def kbsync_of(deployment: dict[str, Any]) -> dict[str, Any]:
    containers = deployment["spec"]["template"]["spec"]["containers"]
    (found,) = [each for each in containers if each["name"] == "kbsync"]
    container: dict[str, Any] = found
    return container


def deployment_of(name: str) -> dict[str, Any]:
    (deployment,) = of_kind(DEPLOY / "kubernetes" / name, "Deployment")
    return deployment


def services(file: Path) -> dict[str, dict[str, Any]]:
    """The services of a Compose file that run kbsync, by name."""
    found = yaml.safe_load(file.read_text("utf-8"))["services"]
    return {name: each for name, each in found.items() if each["image"] == "kbsync"}


def of_the_cluster() -> Iterator[tuple[str, dict[str, Any], list[str]]]:
    """Each service and each Deployment of a cluster: its name, what it is, what it types."""
    for name, service in services(DEPLOY / "compose" / "cluster.yaml").items():
        yield f"compose {name}", service, service["command"]
    for deployment in of_kind(DEPLOY / "kubernetes" / "cluster.yaml", "Deployment"):
        name = deployment["metadata"]["name"]
        yield f"kubernetes {name}", deployment, kbsync_of(deployment)["args"]


# -- schemas -------------------------------------------------------------------------------------


def test_there_is_one_file_for_each_way() -> None:
    assert [each.name for each in COMPOSE] == [
        "beside-dify.yaml",
        "cluster.yaml",
        "standalone.yaml",
    ]
    assert [each.name for each in KUBERNETES] == ["cluster.yaml", "sidecar.yaml", "standby.yaml"]
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
    for deployment in of_kind(file, "Deployment"):
        deployment["spec"]["template"]["spec"]["containers"][0]["imagePolicy"] = "Always"
        with pytest.raises(kubernetes_validate.ValidationError, match="imagePolicy"):
            kubernetes_validate.validate(deployment, version, strict=True)


@pytest.mark.skipif(shutil.which("podman") is None, reason="apt-get install podman (Debian)")
@pytest.mark.parametrize("file", COMPOSE, ids=by_name)
def test_compose_takes_its_files(file: Path, tmp_path: Path) -> None:
    """As it reads them: what is named elsewhere in the file and in the environment is put in."""
    folder = shutil.copytree(file.parent, tmp_path / "compose")
    for name in ("kbsync.env", "postgresql.env"):
        (folder / name).write_text("DIFY_API_KEY=dataset-x\n")
    program = str(Path(sys.executable).with_name("podman-compose"))
    done = subprocess.run(
        [program, "-f", str(folder / file.name), "config"],
        env={**os.environ, "DOCS": "/some/docs"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    read = yaml.safe_load(done.stdout)["services"]
    mounted = [name for name, each in read.items() if "/some/docs:/srv/docs:ro" in each["volumes"]]
    meant = {"cluster.yaml": ["watch", "worker"]}.get(file.name, ["kbsync"])
    assert sorted(mounted) == meant


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
        own = "kbsync" if service["image"] == "kbsync" else name
        assert service["env_file"] == [f"{own}.env"], name
        for volume in service["volumes"]:
            source = volume.rpartition(":/")[0]
            assert source in project["volumes"] or volume.endswith(":ro"), volume
    mirrors = [each for each in services(file).values() if ":/srv/docs:ro" in str(each["volumes"])]
    assert mirrors
    for each in mirrors:
        mounted = each["volumes"][0].partition(":")[0]
        assert (file.parent / mounted / "kbsync.yaml").is_file()


@pytest.mark.parametrize("name", ["beside-dify.yaml", "cluster.yaml"])
def test_compose_joins_the_network_of_dify(name: str) -> None:
    project = yaml.safe_load((DEPLOY / "compose" / name).read_text("utf-8"))
    for service in services(DEPLOY / "compose" / name).values():
        assert "dify" in service["networks"]
    assert project["networks"]["dify"] == {
        "name": "${DIFY_NETWORK:-docker_default}",
        "external": True,
    }


@pytest.mark.parametrize("file", KUBERNETES, ids=by_name)
def test_kubernetes_containers_are_closed(file: Path) -> None:
    for deployment in of_kind(file, "Deployment"):
        closed(deployment["spec"]["template"]["spec"], kbsync_of(deployment))


def closed(pod: dict[str, Any], container: dict[str, Any]) -> None:
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
    maps = {each["metadata"]["name"] for each in of_kind(file, "ConfigMap")}
    labels = []
    for deployment in of_kind(file, "Deployment"):
        template = deployment["spec"]["template"]
        pod = template["spec"]
        labels.append(template["metadata"]["labels"])
        selector = deployment["spec"]["selector"]["matchLabels"]
        assert selector.items() <= labels[-1].items()
        volumes = {each["name"] for each in pod["volumes"]}
        assert {m["name"] for c in pod["containers"] for m in c["volumeMounts"]} == volumes
        used = {each["configMap"]["name"] for each in pod["volumes"] if "configMap" in each}
        assert used == maps
    selectors = [each["spec"]["selector"]["matchLabels"] for each in _budgets(file)]
    selectors += [each["spec"]["selector"] for each in of_kind(file, "Service")]
    for selector in selectors:
        assert any(selector.items() <= each.items() for each in labels), selector


def _budgets(file: Path) -> list[dict[str, Any]]:
    return of_kind(file, "PodDisruptionBudget")


def test_the_sidecar_cannot_take_its_pod_out_of_service() -> None:
    """A pod is ready when all of its containers are, and its probes say so."""
    container = kbsync_of(deployment_of("sidecar.yaml"))
    assert [key for key in container if key.endswith("Probe")] == []
    assert "while :" in container["command"][-1]


def test_a_replica_that_stands_by_blocks_no_rollout() -> None:
    """It is 503 on /readyz, so no probe may ask there; one replica may be missing at a time."""
    deployment = deployment_of("standby.yaml")
    container = kbsync_of(deployment)
    probes = [value for key, value in container.items() if key.endswith("Probe")]
    assert [each["httpGet"] for each in probes] == [{"path": "/healthz", "port": "web"}] * 3
    assert container["args"] == ["run", "--standby"]
    assert deployment["spec"]["replicas"] == 2
    rolling = deployment["spec"]["strategy"]["rollingUpdate"]
    assert rolling == {"maxUnavailable": 1, "maxSurge": 0}
    budgets = _budgets(DEPLOY / "kubernetes" / "standby.yaml")
    assert [each["spec"]["minAvailable"] for each in budgets] == [1]


# -- a cluster -----------------------------------------------------------------------------------

LOCALLY = """\
version: 1
server: {url: "http://127.0.0.1:1/v1", api_key: "${DIFY_API_KEY}"}
ledger: "postgresql://kbsync@127.0.0.1:1/kbsync"
mirrors: [{name: docs, source: ., knowledge_base: Docs}]
"""


@pytest.mark.parametrize(
    "words", [pytest.param(words, id=name) for name, _, words in of_the_cluster()]
)
def test_kbsync_knows_the_roles_that_files_name(words: list[str], tmp_path: Path) -> None:
    """Each command gets as far as the database, which is not there."""
    (tmp_path / "kbsync.yaml").write_text(LOCALLY)
    terminal = Terminal(tmp_path)
    assert "KB-L043" in terminal.type(*words, exit=1, env=CONFIGURED)
    assert "'sweep'" in terminal.type(*words[:-1], "sweep", exit=64, env=CONFIGURED)


@pytest.mark.parametrize("way", ["compose", "kubernetes"])
def test_a_cluster_has_each_role_once(way: str) -> None:
    named = []
    for name, _, (verb, *words) in of_the_cluster():
        if name.startswith(way):
            assert (verb, set(words[::2])) == ("run", {"--role"})
            named += words[1::2]
    assert sorted(named) == sorted(Role)


def test_a_process_with_a_role_is_not_asked_what_a_daemon_is_asked() -> None:
    """It has probes of its own, time to end, and a node is drained while others work."""
    probes = {"livenessProbe": "/healthz", "readinessProbe": "/readyz", "startupProbe": "/healthz"}
    for name, each, words in of_the_cluster():
        if name.startswith("compose"):
            assert each["healthcheck"] == {"disable": True}, name
            grace = int(each.get("stop_grace_period", "10s").rstrip("s"))
        else:
            asked = {key: part for key, part in kbsync_of(each).items() if key.endswith("Probe")}
            assert {key: part["httpGet"]["path"] for key, part in asked.items()} == probes, name
            grace = each["spec"]["template"]["spec"]["terminationGracePeriodSeconds"]
        assert "work" not in words or grace > DRAIN + LAST, name
    file = DEPLOY / "kubernetes" / "cluster.yaml"
    (budget,) = _budgets(file)
    assert budget["spec"]["selector"]["matchLabels"] == {"app": "kbsync-worker"}
    assert budget["spec"]["maxUnavailable"] == 1
    assert services(DEPLOY / "compose" / "cluster.yaml")["worker"]["deploy"] == {"replicas": 2}


def test_files_run_the_image_of_this_version() -> None:
    for file in [*KUBERNETES, *(DEPLOY / "ci").iterdir()]:
        text = file.read_text("utf-8")
        assert f"registry.example/kbsync:{__version__}" in text, file.name
