"""The manifests of deploy/kubernetes/, by Kubernetes' own schemas, and held to docker-compose.yml."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from foundation import VERSION

ROOT = Path(__file__).resolve().parent.parent.parent
DIRECTORY = ROOT / "deploy" / "kubernetes"
KUSTOMIZATION = yaml.safe_load((DIRECTORY / "kustomization.yaml").read_text())
RESOURCES = [
    resource for file in KUSTOMIZATION["resources"] for resource in yaml.safe_load_all((DIRECTORY / file).read_text())
]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
PARTS = ("web", "tokens", "worker", "signer", "migrate")


def part(name: str) -> dict[str, Any]:
    runs = [each for each in RESOURCES if each["kind"] in ("Deployment", "Job")]
    (found,) = [each for each in runs if each["metadata"]["name"] == f"keydesk-{name}"]
    return found


def container(name: str) -> dict[str, Any]:
    (only,) = part(name)["spec"]["template"]["spec"]["containers"]
    return only


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda each: f"{each['kind']}-{each['metadata']['name']}")
@pytest.mark.parametrize("version", ["1.31", "1.37"])
def test_kubernetes_knows_every_member(resource: dict[str, Any], version: str) -> None:
    kubernetes_validate.validate(resource, version, strict=True)


def test_every_file_is_applied_and_the_version_is_ours() -> None:
    files = {path.name for path in DIRECTORY.glob("*.yaml")} - {"kustomization.yaml"}
    assert files == set(KUSTOMIZATION["resources"])
    assert KUSTOMIZATION["images"][0]["newTag"] == VERSION


@pytest.mark.parametrize("name", PARTS)
def test_a_part_has_the_command_and_the_secrets_that_compose_gives_it(name: str) -> None:
    command = " ".join(container(name)["command"])
    other = COMPOSE[name].get("command") or "python -m portal.serving.cli --host :: --port 8000"
    assert command == other
    files = {each["name"] for each in container(name)["env"] if each["name"].endswith("_FILE")}
    assert files == {each for each in COMPOSE[name]["environment"] if each.endswith("_FILE")}


@pytest.mark.parametrize("name", PARTS)
def test_a_part_runs_with_the_least_rights(name: str) -> None:
    pod, only = part(name)["spec"]["template"]["spec"], container(name)
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["automountServiceAccountToken"] is False
    assert only["securityContext"] == {
        "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]},
    }  # fmt: skip
    assert only["resources"]["limits"]["memory"]


@pytest.mark.parametrize("name", ["web", "tokens"])
def test_traffic_comes_when_it_is_ready_and_stops_before_it_ends(name: str) -> None:
    only = container(name)
    assert only["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "operations"}
    assert only["livenessProbe"]["httpGet"] == {"path": "/healthz", "port": "operations"}
    grace = part(name)["spec"]["template"]["spec"]["terminationGracePeriodSeconds"]
    compose = int(re.sub(r"\D", "", COMPOSE[name]["stop_grace_period"]))
    assert grace >= compose + only["lifecycle"]["preStop"]["sleep"]["seconds"]


@pytest.mark.parametrize("name", ["web", "tokens", "worker"])
def test_two_of_a_part_are_apart_and_never_both_taken_away(name: str) -> None:
    assert part(name)["spec"]["replicas"] == 2
    keys = [each["topologyKey"] for each in part(name)["spec"]["template"]["spec"]["topologySpreadConstraints"]]
    assert keys == ["kubernetes.io/hostname", "topology.kubernetes.io/zone"]
    budgets = [each for each in RESOURCES if each["kind"] == "PodDisruptionBudget"]
    (budget,) = [each for each in budgets if each["metadata"]["name"] == f"keydesk-{name}"]
    assert budget["spec"]["maxUnavailable"] == 1
    assert budget["spec"]["selector"]["matchLabels"] == part(name)["spec"]["selector"]["matchLabels"]


def test_nothing_is_reached_that_no_policy_names() -> None:
    policies = [each for each in RESOURCES if each["kind"] == "NetworkPolicy"]
    (deny,) = [each for each in policies if each["metadata"]["name"] == "keydesk-deny-all"]
    assert deny["spec"]["policyTypes"] == ["Ingress", "Egress"]
    assert "egress" not in deny["spec"]
    entered = [each for each in policies if "ingress" in each["spec"]]
    (expression,) = entered[0]["spec"]["podSelector"]["matchExpressions"]
    assert (len(entered), expression["values"]) == (1, ["web", "tokens"])
