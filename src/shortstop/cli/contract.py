"""`shortstop contract`."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

from shortstop.app.places import data_paths
from shortstop.cli.options import AsJson, ConfigFile
from shortstop.cli.output import print_json, say
from shortstop.config import Config, load
from shortstop.routing import ContractReport, OverallReport, PromiseReports, State, load_state
from shortstop.traces.keyfile import reading_seal
from shortstop.traces.sealed_state import unsealed_state


def contract_command(config: ConfigFile = None, as_json: AsJson = False) -> None:
    """What is promised per task, and how well it is supported."""
    settings = load(config, os.environ)
    paths = data_paths(settings, os.environ)
    file = paths.brain
    seal = reading_seal(settings.traces, os.environ, paths.content_key)
    data = unsealed_state(seal, file.read_bytes()) if file.exists() else None
    state = State() if data is None else load_state(data)
    promises = PromiseReports(state, settings)
    reports, overall = promises.contracts(), promises.overall()
    if as_json:
        print_json({"tasks": reports, "overall": overall})
        return
    for line in explained(reports, overall, settings):
        say(line)


def explained(
    reports: Mapping[str, ContractReport],
    overall: Mapping[str, OverallReport],
    config: Config,
) -> Iterable[str]:
    promise = config.contract
    yield (
        f"Promise: at most {promise.max_quality_loss:.1%} of quality lost against the frontier, "
        f"over {'all traffic' if promise.scope == 'traffic' else 'local answers'} of a task, "
        f"at {promise.confidence:.0%} confidence."
    )
    if promise.uncertified == "estimate":
        yield (
            "A task without a certificate is NOT under the promise: the router keeps local what it "
            f"believes good (score {config.routing.min_score:g} or more). "
            'Set contract.uncertified = "escalate" to keep nothing local before proof.'
        )
    else:
        yield "A task without a certificate goes to the frontier."
    if not reports:
        yield (
            "No evidence yet: nothing is certified. It comes while the gateway serves: some "
            "of the local model's answers are compared with the frontier's."
        )
    for name, report in reports.items():
        yield from _lines(name, report)
    if reports:
        pairs = sum(r.pairs for r in reports.values())
        share = sum(r.certified_share * r.pairs for r in reports.values()) / max(pairs, 1)
        yield f"all tasks: {share:.1%} of paired traffic certified local, {pairs} pairs"
    for tenant, whole in overall.items():
        whose = f" of {tenant!r}" if len(overall) > 1 else ""
        yield (
            f"overall{whose}: {whole.standing}, mean loss of what was served {whole.mean_loss:.4f} "
            f"in {whole.pairs} pairs ({whole.served_local} served local), evidence "
            f"{whole.evidence:.3g} of {whole.needed:.3g} needed"
        )


def _lines(name: str, report: ContractReport) -> Iterable[str]:
    yield (
        f"{name}: {report.standing}, {report.certified_share:.1%} certified local, "
        f"{report.pairs} pairs, mean loss of all-local {report.mean_loss:.3f}"
    )
    evidence = f"  evidence {report.evidence:.3g} of {report.needed:.3g} needed"
    if report.standing == "alarm":
        evidence += f", attempt {report.attempt} after {report.alarms} alarm(s)"
    yield evidence
    if report.must_escalate is not None and report.must_escalate_traffic is not None:
        yield (
            f"  whatever the router does, {report.must_escalate:.1%} must be escalated for local "
            f"answers within the limit, {report.must_escalate_traffic:.1%} for traffic within it"
        )
    if report.standing != "certified":
        if report.audits_needed is None:
            yield "  all of it cannot be certified at this loss; a part of it may be"
        else:
            yield f"  about {report.audits_needed} more pairs to certify all of it, if they go well"
