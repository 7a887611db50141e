"""The parts of Kubernetes' JSON schemas that the chart's kinds need, for tests without a network.

`python -m scripts.chart.schemas`, in the environment of `make chart`: out of the package
kubernetes-validate, for the oldest version that Chart.yaml allows and the newest one.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import kubernetes_validate

from scripts.chart.cases import GOLDEN

VERSIONS = ("1.30", "1.37")
KINDS = {
    "ConfigMap": "configmap-v1",
    "Deployment": "deployment-apps-v1",
    "HorizontalPodAutoscaler": "horizontalpodautoscaler-autoscaling-v2",
    "Job": "job-batch-v1",
    "NetworkPolicy": "networkpolicy-networking-v1",
    "PodDisruptionBudget": "poddisruptionbudget-policy-v1",
    "Service": "service-v1",
    "ServiceAccount": "serviceaccount-v1",
    "StatefulSet": "statefulset-apps-v1",
}
DEFINITIONS = "_definitions.json"
PROSE = {"description", "$id", "$schema"}


def schemas(version: str) -> dict[str, Any]:
    """By kind, with the definitions that they need. Unknown fields are refused."""
    package = Path(kubernetes_validate.__file__).parent
    folder = package / "kubernetes-json-schema" / f"v{version}.0-local-strict"
    every = json.loads((folder / DEFINITIONS).read_text(encoding="utf-8"))["$defs"]
    kinds = {
        kind: stripped(json.loads((folder / f"{name}.json").read_text(encoding="utf-8")))
        for kind, name in KINDS.items()
    }
    needed: dict[str, Any] = {}
    todo = references(kinds)
    while todo:
        name = todo.pop()
        if name not in needed:
            needed[name] = stripped(every[name])
            todo |= references(needed[name])
    return {"kinds": kinds, "$defs": needed}


def stripped(schema: Any) -> Any:
    """Without prose, and with references into the same file."""
    if isinstance(schema, list):
        return [stripped(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {
        key: stripped(value)
        for key, value in schema.items()
        if not (key in PROSE and isinstance(value, str)) and not key.startswith("x-")
    }
    if isinstance(kept.get("$ref"), str):
        kept["$ref"] = "#" + kept["$ref"].rpartition("#")[2]
    return kept


def references(schema: Any) -> set[str]:
    if isinstance(schema, list):
        return set().union(*map(references, schema))
    if not isinstance(schema, dict):
        return set()
    own = schema.get("$ref")
    found = {own.rpartition("/")[2]} if isinstance(own, str) else set()
    return found.union(*map(references, schema.values()))


def main() -> None:
    for version in VERSIONS:
        path = GOLDEN / f"kubernetes-{version}.json"
        text = json.dumps(schemas(version), separators=(",", ":"), sort_keys=True)
        path.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
