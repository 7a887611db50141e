"""The Helm chart: what it renders is what Kubernetes takes and what the gateway is."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml
from scripts.chart.cases import CASES, CHART, DIGEST, GOLDEN, PLAIN, ROOT, SMALL, digest
from scripts.chart.readme import README, page
from scripts.reference.metrics import page as metrics

from shortstop import __version__
from shortstop.config import Config, parse

Manifest = dict[str, Any]
HELM = ROOT / "var" / "helm" / "bin" / "python"
VERSIONS = ("1.30", "1.37")
WORKLOADS = {"StatefulSet", "Deployment", "Job"}
OPERATORS = {"ServiceMonitor"}
"""Kinds of the Prometheus operator's, for which Kubernetes has no schema."""
FILES = {case.golden.stem: case.golden for case in CASES}
EACH = pytest.mark.parametrize("case", FILES)

needs_helm = pytest.mark.skipif(not HELM.exists(), reason="Helm is not set up: `make chart`")


@cache
def manifests(case: str) -> tuple[Manifest, ...]:
    return tuple(filter(None, yaml.safe_load_all(FILES[case].read_text(encoding="utf-8"))))


def of_kind(case: str, kind: str, name: str = "shortstop") -> Manifest:
    found = [m for m in manifests(case) if (m["kind"], m["metadata"]["name"]) == (kind, name)]
    assert len(found) == 1, (kind, name)
    return found[0]


def kinds(case: str) -> set[str]:
    return {manifest["kind"] for manifest in manifests(case)}


def pods(case: str) -> Iterator[tuple[str, Manifest]]:
    """Name and pod template of each workload."""
    for manifest in manifests(case):
        if manifest["kind"] in WORKLOADS:
            yield manifest["metadata"]["name"], manifest["spec"]["template"]


def container(case: str, kind: str = "StatefulSet", name: str = "shortstop") -> Manifest:
    (only,) = of_kind(case, kind, name)["spec"]["template"]["spec"]["containers"]
    return dict(only)


def written(case: str, name: str = "shortstop") -> str:
    return str(of_kind(case, "ConfigMap", name)["data"]["shortstop.toml"])


def configuration(case: str, name: str = "shortstop") -> Config:
    """As the gateway reads it."""
    return parse(written(case, name), {})


# ---------------------------------------------------------------- what is kept


def test_what_is_kept_was_rendered_from_the_chart_as_it_is() -> None:
    assert DIGEST.read_text(encoding="utf-8").strip() == digest(), "run `make chart`"


@needs_helm
def test_helm_renders_what_is_kept_and_finds_nothing_wrong() -> None:
    done = helm("--check")
    assert (done.returncode, done.stderr) == (0, "")


def helm(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = (str(HELM), "-m", "scripts.chart.render", *map(str, arguments))
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT)


SEVERAL = "Several replicas without store.url"
TRACES = {"SHORTSTOP_TRACES_KEY": {"secret": "shortstop", "key": "traces"}}
KEYED = {**TRACES, "SHORTSTOP_PRIVACY_KEY": {"secret": "shortstop", "key": "privacy"}}
REFUSED = {
    SEVERAL: {"replicas": 2},
    SEVERAL + " that come and go": {"autoscaling": {"enabled": True}},
    "config holds a table that the chart writes": {"config": "a = 1\n[server]\nport = 1"},
    "store.url holds a password": {
        "store": {"url": "postgresql://u:p@h/d"},
        "secretEnv": KEYED,
    },
    "which would stand in a ConfigMap": {
        "store": {"url": "postgresql://u@h/d?sslmode=require&password=p"},
        "secretEnv": KEYED,
    },
    "secretEnv.SHORTSTOP_TRACES_KEY": {"store": {"url": "postgresql://u@h/d"}},
    "secretEnv.SHORTSTOP_PRIVACY_KEY": {
        "store": {"url": "postgresql://u@h/d"},
        "secretEnv": TRACES,
    },
    "vllm.image.tag": {"vllm": {"enabled": True, "model": "/models/m", "modelClaim": "c"}},
    "vllm.modelClaim": {"vllm": {"enabled": True, "model": "/models/m", "image": {"tag": "v1"}}},
    "additional properties 'replica'": {"replica": 3},
}


@needs_helm
@pytest.mark.parametrize("why", REFUSED)
def test_what_would_lose_something_is_refused_in_words(why: str, tmp_path: Path) -> None:
    file = tmp_path / "values.yaml"
    file.write_text(yaml.safe_dump(REFUSED[why]))
    done = helm("--values", file)
    assert done.returncode == 1
    assert why.partition(" that come")[0] in done.stderr
    assert "Traceback" not in done.stderr


@needs_helm
def test_several_replicas_of_their_own_can_be_meant(tmp_path: Path) -> None:
    file = tmp_path / "values.yaml"
    file.write_text(yaml.safe_dump({"replicas": 2, "independentReplicas": True}))
    done = helm("--values", file)
    assert done.returncode == 0, done.stderr
    assert "replicas: 2\n" in done.stdout


@needs_helm
def test_a_database_without_a_port_has_the_usual_one(tmp_path: Path) -> None:
    file = tmp_path / "values.yaml"
    store = {"url": "postgresql://u@h/d?sslmode=verify-full"}
    file.write_text(yaml.safe_dump({"store": store, "secretEnv": KEYED}))
    done = helm("--values", file)
    assert done.returncode == 0, done.stderr
    made = [m for m in yaml.safe_load_all(done.stdout) if m and m["kind"] == "NetworkPolicy"]
    assert {max(port for _, port in ways(policy)) for policy in made} == {5432}
    assert [m for m in made if ("anybody", 5432) in ways(m)] == made
    assert "SHORTSTOP_STORE_PASSWORD" not in done.stdout, "no Secret was named"


# ---------------------------------------------------------------- Kubernetes takes it


@cache
def schemas(version: str) -> dict[str, Any]:
    made: dict[str, Any] = json.loads((GOLDEN / f"kubernetes-{version}.json").read_text())
    return made


def wrong(manifest: Manifest, version: str) -> list[str]:
    known = schemas(version)
    schema = {**known["kinds"][manifest["kind"]], "$defs": known["$defs"]}
    return [str(e.message) for e in jsonschema_rs.validator_for(schema).iter_errors(manifest)]


@pytest.mark.parametrize(("case", "version"), list(product(FILES, VERSIONS)))
def test_kubernetes_knows_every_field(case: str, version: str) -> None:
    checked = [m for m in manifests(case) if m["kind"] not in OPERATORS]
    assert len(checked) >= 5
    assert {m["metadata"]["name"]: wrong(m, version) for m in checked if wrong(m, version)} == {}


@pytest.mark.parametrize("version", VERSIONS)
def test_the_schemas_find_a_field_that_is_none(version: str) -> None:
    manifest = json.loads(json.dumps(of_kind("cluster", "StatefulSet")))
    manifest["spec"]["template"]["spec"]["containers"][0]["readynessProbe"] = {}
    assert wrong(manifest, version) != []


def test_the_oldest_version_is_the_one_that_is_checked() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text(encoding="utf-8"))
    assert chart["kubeVersion"] == f">={VERSIONS[0]}.0-0"
    assert chart["version"] == chart["appVersion"] == __version__


def test_names_are_unique() -> None:
    for case in FILES:
        names = [(m["kind"], m["metadata"]["name"]) for m in manifests(case)]
        assert len(names) == len(set(names))


@EACH
def test_selectors_choose_the_pods_that_are_meant(case: str) -> None:
    labels = {name: pod["metadata"]["labels"] for name, pod in pods(case)}

    def chosen(selector: dict[str, str]) -> set[str]:
        return {name for name, own in labels.items() if selector.items() <= own.items()}

    for m in manifests(case):
        name, spec = m["metadata"]["name"], m.get("spec", {})
        owner = name.removesuffix("-replicas")
        if m["kind"] in ("StatefulSet", "Deployment", "PodDisruptionBudget"):
            assert chosen(spec["selector"]["matchLabels"]) == {owner}
        elif m["kind"] == "NetworkPolicy":
            assert chosen(spec["podSelector"]["matchLabels"]) == {owner}
        elif m["kind"] == "Service":
            assert chosen(spec["selector"]) == {owner}
        elif m["kind"] == "ServiceMonitor":
            wanted = spec["selector"]["matchLabels"].items()
            services = [s for s in manifests(case) if s["kind"] == "Service"]
            found = [s for s in services if wanted <= s["metadata"]["labels"].items()]
            assert [s["metadata"]["name"] for s in found] == ["shortstop"], "each pod once"


# ---------------------------------------------------------------- the gateway is what it says


@EACH
def test_the_configuration_is_one_that_lets_nobody_in_without_a_key(case: str) -> None:
    config = configuration(case)
    assert (config.server.host, config.server.auth) == ("0.0.0.0", "required")
    assert set(config.server.open_routes) == {"metrics", "ready"}, "asked by probes and Prometheus"
    assert "shortstop.shortstop.svc.cluster.local" in config.server.allowed_hosts
    (port,) = container(case)["ports"]
    assert port == {"name": "http", "containerPort": config.server.port, "protocol": "TCP"}


def test_what_the_operator_wrote_stands_in_it() -> None:
    config = configuration("cluster")
    assert config.routing.frontier == "claude-opus-5-5"
    assert config.server.trusted_proxies == ("10.0.0.4",)
    assert dict(config.aliases) == {"fast": "vllm"}
    assert '[store]\nurl = "postgresql://shortstop@postgres.data.svc:6432/shortstop"' in (
        written("cluster")
    )
    assert written("cluster", "shortstop-migrate") == written("cluster")
    assert "[store]" not in written("shortstop")


def test_the_engine_beside_it_is_the_model_that_the_gateway_asks() -> None:
    model = configuration("cluster").models["vllm"]
    service = of_kind("cluster", "Service", "shortstop-vllm")
    (port,) = service["spec"]["ports"]
    assert model.url == f"http://shortstop-vllm.shortstop.svc.cluster.local:{port['port']}/v1"
    arguments = container("cluster", "Deployment", "shortstop-vllm")["args"]
    assert f"--served-model-name={model.model}" in arguments
    assert f"--max-model-len={model.context}" in arguments
    assert "Deployment" not in kinds("shortstop")


@EACH
def test_there_is_time_to_finish(case: str) -> None:
    pod = of_kind(case, "StatefulSet")["spec"]["template"]["spec"]
    pause = container(case)["lifecycle"]["preStop"]["sleep"]["seconds"]
    drain = configuration(case).server.drain_seconds
    assert pod["terminationGracePeriodSeconds"] >= pause + drain + 10


@EACH
def test_probes_ask_what_the_gateway_answers(case: str) -> None:
    gateway = container(case)
    secure = "tls" in {volume["name"] for volume in gateway["volumeMounts"]}
    assert secure == (configuration(case).server.tls.cert is not None)
    asked = {"startup": "/health", "liveness": "/health", "readiness": "/ready"}
    for name, path in asked.items():
        probe = gateway[f"{name}Probe"]["httpGet"]
        assert (probe["path"], probe["port"]) == (path, "http")
        assert probe.get("scheme") == ("HTTPS" if secure else None)


def test_more_replicas_come_for_metrics_that_there_are() -> None:
    known = set(re.findall(r"^\| `(\w+)` \| gauge", metrics(), re.MULTILINE))
    scaler = of_kind("cluster", "HorizontalPodAutoscaler")["spec"]
    asked = {m["pods"]["metric"]["name"] for m in scaler["metrics"] if m["type"] == "Pods"}
    assert asked == {"shortstop_requests_in_flight", "shortstop_engine_waiting"}
    assert asked <= known
    assert "replicas" not in of_kind("cluster", "StatefulSet")["spec"], "the scaler's alone"
    named = re.findall(r"shortstop_\((.+?)\)", README.read_text(encoding="utf-8"))
    assert {f"shortstop_{name}" for name in named[0].split("|")} == asked


def test_the_monitor_asks_for_the_metrics_page() -> None:
    (endpoint,) = of_kind("cluster", "ServiceMonitor")["spec"]["endpoints"]
    assert (endpoint["port"], endpoint["path"], endpoint["scheme"]) == ("http", "/metrics", "https")


# ---------------------------------------------------------------- safety


@EACH
def test_no_pod_may_more_than_it_needs(case: str) -> None:
    for name, template in pods(case):
        pod = template["spec"]
        assert pod["automountServiceAccountToken"] is False, name
        assert pod["enableServiceLinks"] is False, "or SHORTSTOP_PORT would be a setting"
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for one in pod["containers"]:
            security = one["securityContext"]
            assert security["readOnlyRootFilesystem"] is True
            assert security["allowPrivilegeEscalation"] is False
            assert security["capabilities"] == {"drop": ["ALL"]}
            assert {"requests", "limits"} <= one["resources"].keys()
            assert "memory" in one["resources"]["limits"]


def test_the_platform_may_choose_the_user() -> None:
    pod = of_kind("openshift", "StatefulSet")["spec"]["template"]["spec"]
    assert "runAsUser" not in pod["securityContext"]
    assert "fsGroup" not in pod["securityContext"]
    assert of_kind("shortstop", "StatefulSet")["spec"]["template"]["spec"]["securityContext"][
        "runAsUser"
    ] == int(re.findall(r"^USER (\d+)", (ROOT / "Dockerfile").read_text(), re.MULTILINE)[0])


@EACH
def test_secrets_are_references(case: str) -> None:
    assert "Secret" not in kinds(case)
    for name, template in pods(case):
        for one in template["spec"]["containers"]:
            for variable in one.get("env", ()):
                if "value" in variable:
                    assert not re.search("KEY|TOKEN|PASS|SECRET", variable["name"]), name
                else:
                    assert variable["valueFrom"].keys() == {"secretKeyRef"}
    for manifest in manifests(case):
        assert "password" not in json.dumps(manifest.get("data", {})).lower()


def test_the_migration_gets_the_password_and_nothing_else() -> None:
    job = of_kind("cluster", "Job", "shortstop-migrate")
    assert [v["name"] for v in container("cluster", "Job", "shortstop-migrate")["env"]] == [
        "SHORTSTOP_STORE_PASSWORD"
    ]
    hooks = {
        m["kind"]: m["metadata"]["annotations"]
        for m in manifests("cluster")
        if m["metadata"]["name"] == "shortstop-migrate"
    }
    assert hooks.keys() == {"ConfigMap", "NetworkPolicy", "Job"}
    before = int(hooks["Job"]["helm.sh/hook-weight"])
    for notes in hooks.values():
        assert notes["helm.sh/hook"] == "pre-install,pre-upgrade"
        assert int(notes["helm.sh/hook-weight"]) <= before, "there when the job begins"
    assert job["spec"]["template"]["spec"]["restartPolicy"] == "Never"
    assert not [case for case in ("shortstop", "openshift") if "Job" in kinds(case)]


def ways(policy: Manifest) -> set[tuple[str, int]]:
    """Whom a policy lets its pods ask: by what it names, and at which port."""
    found = set()
    for rule in policy["spec"]["egress"]:
        for peer in rule.get("to", [{"anybody": {}}]):
            found |= {(next(iter(peer)), port["port"]) for port in rule["ports"]}
    return found


def test_only_the_gateway_may_leave_the_cluster() -> None:
    gateway = of_kind("cluster", "NetworkPolicy")
    assert ways(gateway) == {
        ("namespaceSelector", 53),
        ("ipBlock", 443),
        ("podSelector", 8000),
        ("namespaceSelector", 6432),
    }
    blocks = [peer["ipBlock"] for rule in gateway["spec"]["egress"] for peer in rule["to"]
              if "ipBlock" in peer]  # fmt: skip
    assert "169.254.0.0/16" in blocks[0]["except"], "the cloud's metadata are no vendor"
    assert ways(of_kind("cluster", "NetworkPolicy", "shortstop-migrate")) == {
        ("namespaceSelector", 53),
        ("namespaceSelector", 6432),
    }
    engine = of_kind("cluster", "NetworkPolicy", "shortstop-vllm")["spec"]
    assert engine["egress"] == []
    assert engine["policyTypes"] == ["Ingress", "Egress"]
    (rule,) = engine["ingress"]
    (peer,) = rule["from"]
    assert peer["podSelector"]["matchLabels"]["app.kubernetes.io/component"] == "gateway"


def test_a_small_cluster_asks_vendors_and_names_alone() -> None:
    policy = of_kind("shortstop", "NetworkPolicy")
    assert ways(policy) == {("namespaceSelector", 53), ("ipBlock", 443)}
    assert "NetworkPolicy" not in kinds("openshift")


def test_a_volume_outlives_its_replica() -> None:
    for case in FILES:
        spec = of_kind(case, "StatefulSet")["spec"]
        assert set(spec["persistentVolumeClaimRetentionPolicy"].values()) == {"Retain"}
        mounts = {m["name"]: m["mountPath"] for m in container(case)["volumeMounts"]}
        assert mounts[spec["volumeClaimTemplates"][0]["metadata"]["name"]] == "/data"
        writable = [m for m in container(case)["volumeMounts"] if not m.get("readOnly")]
        assert [m["mountPath"] for m in writable] == ["/data"]


# ---------------------------------------------------------------- values and documents


def schema() -> dict[str, Any]:
    made: dict[str, Any] = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
    return made


def test_the_readme_has_every_value() -> None:
    text = README.read_text(encoding="utf-8")
    assert page(text) == text, "run `make chart`"


def test_the_schema_knows_every_value_and_no_other() -> None:
    def compare(part: dict[str, Any], values: Manifest, path: str) -> None:
        assert part["additionalProperties"] is False, path
        assert part["properties"].keys() - {"global"} == values.keys(), path
        for name, inner in part["properties"].items():
            assert inner["description"].endswith((".", ")")), f"{path}.{name}"
            if "properties" in inner:
                compare(inner, values[name], f"{path}.{name}")

    compare(schema(), yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8")), "")


@pytest.mark.parametrize("path", [CHART / "values.yaml", *(case.values for case in CASES)],
                         ids=lambda path: path.name)  # fmt: skip
def test_our_own_values_are_valid(path: Path) -> None:
    values = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert [e.message for e in jsonschema_rs.validator_for(schema()).iter_errors(values)] == []


@pytest.mark.parametrize(
    "values",
    [
        {"replicas": 0},
        {"server": {"drainSeconds": 0}},
        {"store": {"url": "mysql://host/db"}},
        {"secretEnv": {"KEY": "sk-in-plain-text"}},
        {"persistence": {"size": "ten"}},
        {"image": {"pullPolicy": "Sometimes"}},
        {"networkPolicy": {"vendorPorts": [70000]}},
    ],
    ids=lambda values: next(iter(values)),
)
def test_the_schema_refuses(values: Manifest) -> None:
    assert not jsonschema_rs.validator_for(schema()).is_valid(values)


def test_the_plain_manifests_are_nobodys_release() -> None:
    text = SMALL.golden.read_text(encoding="utf-8")
    assert "helm.sh" not in text
    assert "managed-by" not in text
    listed = yaml.safe_load((PLAIN / "kustomization.yaml").read_text(encoding="utf-8"))
    assert listed["resources"] == [SMALL.golden.name]
    optional = [v["valueFrom"]["secretKeyRef"]["optional"] for v in container("shortstop")["env"]]
    assert optional == [True, True], "a gateway without a vendor starts too"
