"""What runs elsewhere: compose and Kubernetes, read as files (reliability.md rows 46, 48 and 50).

`render` does what `kubectl kustomize` does to our folders, so that this needs nothing installed;
where kubectl exists, both are compared.
"""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import AliasChoices
from pydantic_settings import BaseSettings

from libs.common.settings import SERVICES, SharedSettings
from libs.common.web.health import VERSION

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
K8S = DEPLOY / "k8s"
NAMES = ("gateway", *SERVICES)
MERGED_BY = {
    "containers": "name", "env": "name", "volumes": "name",
    "ports": "containerPort", "volumeMounts": "mountPath",
}  # fmt: skip
COMPOSE_TEXT = (ROOT / "docker-compose.yml").read_text()
COMPOSE = yaml.safe_load(COMPOSE_TEXT)["services"]
PASSWORDS = set(re.findall(r"\$\{(\w+_PASSWORD)", COMPOSE_TEXT))
DOOR = {name for name in COMPOSE["gateway"]["environment"] if name.startswith("GATEWAY_")}
"""What the operator may say about the gateway."""
EXAMPLE = (DEPLOY / "env.example").read_text()
Manifest = dict[str, Any]


def load(path: Path) -> list[Manifest]:
    return [document for document in yaml.safe_load_all(path.read_text()) if document]


def merge(old: Any, new: Any, field: str = "") -> Any:
    if isinstance(old, dict) and isinstance(new, dict):
        return {**old, **{k: merge(old[k], v, k) if k in old else v for k, v in new.items()}}
    key = MERGED_BY.get(field)
    if key and isinstance(old, list):
        found = {item[key]: item for item in old}
        for item in new:
            found[item[key]] = merge(found.get(item[key], {}), item)
        return list(found.values())
    return new


def render(folder: Path) -> list[Manifest]:
    (plan,) = load(folder / "kustomization.yaml")
    known = {"apiVersion", "kind", "namespace", "labels", "resources", "components", "patches"}
    assert plan.keys() <= known
    found: list[Manifest] = []
    for each in (folder / name for name in plan.get("resources", [])):
        found += render(each) if each.is_dir() else load(each)
    for each in (folder / name for name in plan.get("components", [])):
        (component,) = load(each / "kustomization.yaml")
        found = patched(each, component, found)
    return patched(folder, plan, found)


def patched(folder: Path, plan: Manifest, found: list[Manifest]) -> list[Manifest]:
    for patch in plan.get("patches", []):
        (change,) = load(folder / patch["path"])
        found = [
            merge(old, {"spec": change["spec"]})
            if re.fullmatch(patch["target"]["kind"], old["kind"])
            else old
            for old in found
        ]
    return found


MANIFESTS = render(K8S)


def of_kind(*kinds: str) -> dict[str, Manifest]:
    return {each["metadata"]["name"]: each for each in MANIFESTS if each["kind"] in kinds}


def pod(manifest: Manifest) -> tuple[Manifest, Manifest]:
    """A pod's spec and its one container."""
    spec = manifest["spec"]["template"]["spec"]
    (container,) = spec["containers"]
    return spec, container


DEPLOYMENTS = of_kind("Deployment")
JOBS = of_kind("Job")
PODS = DEPLOYMENTS | JOBS


def environment_names(settings: type[BaseSettings]) -> set[str]:
    """Every variable `settings` reads."""
    names = set()
    for field, about in settings.model_fields.items():
        alias = about.validation_alias
        chosen = alias.choices if isinstance(alias, AliasChoices) else [alias] if alias else []
        names |= {str(each) for each in chosen} or {
            f"{settings.model_config.get('env_prefix', '')}{field}".upper()
        }
    return names


def known_names(service: str) -> set[str]:
    module = pytest.importorskip(f"services.{service}.settings")
    own: type[BaseSettings] = getattr(module, f"{service.title()}Settings")
    return environment_names(SharedSettings) | environment_names(own)


def given_names(service: str) -> set[str]:
    manifests = [each for name, each in PODS.items() if name in {service, f"{service}-migrate"}]
    in_pods = {each["name"] for manifest in manifests for each in pod(manifest)[1]["env"]}
    return in_pods | set(COMPOSE[service]["environment"])


@pytest.mark.parametrize("service", NAMES)
def test_a_service_is_told_only_what_its_settings_read(service: str) -> None:
    in_image = re.findall(r"REDRESS_\w+", (DEPLOY / "Dockerfile").read_text())

    assert given_names(service) | set(in_image) <= known_names(service)


@pytest.mark.parametrize("service", SERVICES)
def test_what_makes_a_service_the_split_kind_is_given(service: str) -> None:
    needed = {"REDRESS_BUS_URL", "REDRESS_REDIS_URL", f"{service.upper()}_DATABASE_URL"}

    assert needed <= given_names(service)
    assert needed <= COMPOSE[service]["environment"].keys()
    assert needed <= {each["name"] for each in pod(DEPLOYMENTS[service])[1]["env"]}


# Compose


def test_compose_runs_six_services_from_one_dockerfile() -> None:
    ours = {name for name, each in COMPOSE.items() if each["image"].startswith("redress/")}

    assert {name for name in ours if COMPOSE[name].get("restart") == "unless-stopped"} == set(NAMES)
    for name in ours:
        service = "users" if name == "keys" else name.removeprefix("migrate-")
        assert COMPOSE[name]["image"] == f"redress/{service}:{VERSION}"
        build = {"context": ".", "dockerfile": "deploy/Dockerfile", "args": {"SERVICE": service}}
        assert COMPOSE[name]["build"] == build
        assert COMPOSE[name]["read_only"]
        assert COMPOSE[name]["cap_drop"] == ["ALL"]


def test_compose_runs_the_stores_we_are_tested_on_and_leaves_their_durability_alone() -> None:
    stores = {name: COMPOSE[name]["image"] for name in ("postgres", "rabbitmq", "valkey")}

    assert stores == {
        "postgres": "postgres:17", "rabbitmq": "rabbitmq:4.3", "valkey": "valkey/valkey:8"
    }  # fmt: skip
    assert not re.search(r"fsync|synchronous_commit|full_page_writes", COMPOSE_TEXT)


def test_compose_publishes_the_gateway_and_nothing_else() -> None:
    assert [name for name, each in COMPOSE.items() if "ports" in each] == ["gateway"]
    outside = [name for name, each in COMPOSE.items() if "outside" in each.get("networks", [])]
    assert outside == ["gateway"]
    assert yaml.safe_load(COMPOSE_TEXT)["networks"]["inside"] == {"internal": True}


@pytest.mark.parametrize("service", NAMES)
def test_compose_shows_a_service_no_signing_key_but_its_own(service: str) -> None:
    mounts = [each for each in COMPOSE[service]["volumes"] if isinstance(each, dict)]

    assert all(each["source"] == "keys" and each["read_only"] for each in mounts)
    seen = {each["volume"]["subpath"] for each in mounts}
    keyring = set() if service == "gateway" else {"keyring.json"}
    assert seen == {"public", f"sign/{service}.pem", *keyring}


@pytest.mark.parametrize("service", SERVICES)
def test_compose_migrates_before_it_serves(service: str) -> None:
    done = {"condition": "service_completed_successfully"}

    assert COMPOSE[service]["depends_on"][f"migrate-{service}"] == done
    assert COMPOSE[service]["depends_on"]["keys"] == done
    assert COMPOSE[f"migrate-{service}"]["command"] == ["migrate"]


def test_compose_has_no_default_password_and_the_example_has_none_either() -> None:
    example = re.findall(r"^(\w+)=(.*)$", EXAMPLE, re.MULTILINE)

    assert len(PASSWORDS) == len(SERVICES) + 3
    assert not re.search(r"\$\{\w+_PASSWORD(?!:\?)", COMPOSE_TEXT)
    assert {name for name, _ in example} == set(re.findall(r"\$\{(\w+)", COMPOSE_TEXT))
    assert not any(value for _, value in example)


def test_the_gateway_keeps_its_defaults_where_the_operator_says_nothing() -> None:
    """Issue 3, S3-17: limits, origins and networks are settings, and safe without any."""
    module = pytest.importorskip("services.gateway.settings")
    _, container = pod(DEPLOYMENTS["gateway"])
    in_pods = {each["name"]: each["value"] for each in container["env"] if "value" in each}

    assert in_pods.keys() == DOOR
    assert all(COMPOSE["gateway"]["environment"][name] is None for name in DOOR)
    assert told(module.GatewaySettings, in_pods) == told(module.GatewaySettings, {})


def test_each_line_the_example_offers_for_the_gateway_is_understood() -> None:
    module = pytest.importorskip("services.gateway.settings")
    offered = dict(re.findall(r"^#(GATEWAY_\w+)='?(.*?)'?$", EXAMPLE, re.MULTILINE))
    usual = told(module.GatewaySettings, {})

    assert offered.keys() == DOOR
    for name, value in offered.items():
        changed = told(module.GatewaySettings, {name: value})
        assert {field for field, each in changed.items() if each != usual[field]} == {
            name.removeprefix("GATEWAY_").lower()
        }


def told(settings: type[BaseSettings], environment: dict[str, str]) -> dict[str, Any]:
    """What `settings` make of these variables, and of no others."""
    with pytest.MonkeyPatch.context() as patch:
        for name in DOOR:
            patch.delenv(name, raising=False)
        for name, value in environment.items():
            patch.setenv(name, value)
        return settings().model_dump(exclude={"shared"})


def run(*command: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    known = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(  # noqa: S603 - our own words
        command, cwd=ROOT, env=known | environment, capture_output=True, check=False
    )


def test_compose_accepts_the_file_and_refuses_to_start_without_a_password() -> None:
    docker = shutil.which("docker")
    if not docker or run(docker, "compose", "version").returncode:
        pytest.skip("needs docker compose")
    config = (docker, "compose", "--env-file", os.devnull, "config", "-q")

    complete = run(*config, **dict.fromkeys(PASSWORDS, "abc"))
    assert complete.returncode == 0, complete.stderr.decode()
    for name in PASSWORDS:
        refused = run(*config, **dict.fromkeys(PASSWORDS - {name}, "abc"))
        assert refused.returncode != 0
        assert name in refused.stderr.decode()


# The image


def test_the_image_is_locked_and_runs_as_nobody_in_particular() -> None:
    text = (DEPLOY / "Dockerfile").read_text()

    assert "--no-deps --require-hashes" in text
    assert "USER 10001:10001" in text
    assert re.search(r"^HEALTHCHECK ", text, re.MULTILINE)
    assert not re.search(r"^(CMD|ENTRYPOINT) (?!\[)", text, re.MULTILINE)
    assert ":latest" not in text
    assert (ROOT / ".dockerignore").read_text().splitlines()[1] == "*"


# Kubernetes


@pytest.mark.parametrize("name", PODS)
def test_a_pod_may_do_no_more_than_it_must(name: str) -> None:
    """Row 50: all pods, jobs included."""
    spec, container = pod(PODS[name])

    assert spec["securityContext"]["runAsNonRoot"]
    assert spec["securityContext"]["runAsUser"] == 10001
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert spec["automountServiceAccountToken"] is False
    assert spec["enableServiceLinks"] is False
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert {"cpu", "memory"} == container["resources"]["limits"].keys()
    assert {"cpu", "memory"} == container["resources"]["requests"].keys()
    assert container["image"] == f"redress/{name.removesuffix('-migrate')}:{VERSION}"
    assert not spec.get("hostNetwork")
    assert not any("hostPath" in volume for volume in spec["volumes"])


@pytest.mark.parametrize("service", NAMES)
def test_a_deployment_says_when_it_is_well_and_has_time_to_end(service: str) -> None:
    spec, container = pod(DEPLOYMENTS[service])
    pause = float(container["lifecycle"]["preStop"]["exec"]["command"][1])

    assert DEPLOYMENTS[service]["spec"]["replicas"] == 2
    assert of_kind("PodDisruptionBudget")[service]["spec"]["maxUnavailable"] == 1
    assert container["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "http"}
    assert container["livenessProbe"]["httpGet"] == {"path": "/healthz", "port": "http"}
    assert spec["terminationGracePeriodSeconds"] > pause + SharedSettings().drain_seconds


@pytest.mark.parametrize("service", NAMES)
def test_a_pod_sees_no_signing_key_but_its_own(service: str) -> None:
    spec, container = pod(DEPLOYMENTS[service])
    mounted = {each["name"]: each["mountPath"] for each in container["volumeMounts"]}
    items = {
        f"{mounted[volume['name']]}/{item['path']}".replace("keyring.json/", ""): item["key"]
        for volume in spec["volumes"]
        for item in volume.get("secret", {}).get("items", [])
    }
    public = {f"/keys/public/{name}.json": f"public-{name}.json" for name in NAMES}
    keyring = {} if service == "gateway" else {"/keys/keyring.json": "keyring.json"}

    assert items == {f"/keys/sign/{service}.pem": f"sign-{service}.pem", **public, **keyring}
    assert all("items" in each["secret"] for each in spec["volumes"] if "secret" in each)


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_with_data_has_a_job_that_migrates_and_gets_no_requests(service: str) -> None:
    job = JOBS[f"{service}-migrate"]
    labels = job["spec"]["template"]["metadata"]["labels"]

    assert pod(job)[1]["args"] == ["migrate"]
    assert labels["app"] not in {
        each["spec"]["selector"]["app"] for each in of_kind("Service").values()
    }
    assert labels["tier"] == "migration"


def test_only_the_gateway_can_be_reached_from_outside() -> None:
    """Row 48."""
    services = of_kind("Service").values()
    policies = of_kind("NetworkPolicy")
    rules = {name: each["spec"].get("ingress", []) for name, each in policies.items()}
    ingresses = json.dumps([each["spec"] for each in of_kind("Ingress").values()])

    assert all(each["spec"].get("type", "ClusterIP") == "ClusterIP" for each in services)
    assert all(port["port"] == 8000 for each in services for port in each["spec"]["ports"])
    assert set(re.findall(r'"service": {"name": "([\w-]+)"', ingresses)) == {
        "gateway", "gateway-sockets"
    }  # fmt: skip
    assert policies["nothing"]["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    open_to_all = [n for n, each in rules.items() if any(not rule.get("from") for rule in each)]
    assert open_to_all == ["door"]
    assert policies["door"]["spec"]["podSelector"] == {"matchLabels": {"tier": "gateway"}}
    tiers = {
        n: each["spec"]["template"]["metadata"]["labels"]["tier"] for n, each in DEPLOYMENTS.items()
    }
    assert tiers == dict.fromkeys(SERVICES, "service") | {"gateway": "gateway"}


def test_a_polling_session_finds_its_replica_again() -> None:
    """Issue 3, real time: a session that polls lives in one replica, and there are two."""
    ingress = of_kind("Ingress")["gateway-sockets"]
    [rule] = ingress["spec"]["rules"]
    [path] = rule["http"]["paths"]
    services = of_kind("Service")

    assert path["path"] == "/socket.io"
    assert path["backend"]["service"]["name"] == ingress["metadata"]["name"]
    assert services["gateway-sockets"]["spec"] == services["gateway"]["spec"]
    sticky = {name: "upstream-hash-by" in str(each) for name, each in of_kind("Ingress").items()}
    assert sticky == {"gateway": False, "gateway-sockets": True}


def test_metrics_are_for_the_namespace_that_watches() -> None:
    rules = [
        rule
        for policy in of_kind("NetworkPolicy").values()
        for rule in policy["spec"].get("ingress", [])
        if {"port": 9100} in rule["ports"]
    ]

    watching = {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}
    assert [rule["from"] for rule in rules] == [[{"namespaceSelector": watching}]]


def test_secrets_are_named_and_nowhere_contained() -> None:
    """Row 46."""
    header = (K8S / "kustomization.yaml").read_text()
    named = set(
        re.findall(
            r"(?:secretName|secretKeyRef: {name): ([\w-]+)",
            "".join(path.read_text() for path in K8S.rglob("*.yaml")),
        )
    )

    assert not of_kind("Secret", "ConfigMap")
    assert named == {"redress-backends", "redress-keys", "redress-tls"} | {
        f"redress-{service}" for service in SERVICES
    }
    assert all(name in header or name.removeprefix("redress-") in SERVICES for name in named)
    for manifest in PODS.values():
        literal = {each["name"] for each in pod(manifest)[1]["env"] if "value" in each}
        assert literal <= {"FILES_UPLOAD_DIR", "USERS_KEEP_DIR", *DOOR}


def test_every_yaml_file_is_reached_by_the_kustomization() -> None:
    reached = {K8S / "kustomization.yaml"}
    for plan in K8S.rglob("kustomization.yaml"):
        (document,) = load(plan)
        for name in [*document.get("resources", []), *document.get("components", [])]:
            path = (plan.parent / name).resolve()
            reached.add(path / "kustomization.yaml" if path.is_dir() else path)
        reached |= {plan.parent / patch["path"] for patch in document.get("patches", [])}

    assert set(K8S.rglob("*.yaml")) == reached


def ordered(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: ordered(each) for key, each in value.items()}
    if isinstance(value, list):
        return sorted(map(ordered, value), key=lambda each: json.dumps(each, sort_keys=True))
    return value


def test_kubectl_renders_the_same() -> None:
    kubectl = shutil.which("kubectl")
    if not kubectl:
        pytest.skip("needs kubectl")
    done = run(kubectl, "kustomize", str(K8S))
    theirs = {
        (each["kind"], each["metadata"]["name"]): each for each in yaml.safe_load_all(done.stdout)
    }
    ours = {(each["kind"], each["metadata"]["name"]): each for each in MANIFESTS}

    assert theirs.keys() == ours.keys()
    for key, each in ours.items():
        assert ordered(theirs[key].get("spec")) == ordered(each.get("spec")), key
        assert key[0] == "Namespace" or theirs[key]["metadata"]["namespace"] == "redress"
