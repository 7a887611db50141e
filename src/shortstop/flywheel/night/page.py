"""One page about a task's examination: self-contained, with plots."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path

from shortstop.flywheel.night.report import KindReport, TaskReport
from shortstop.private_files import make_folder, replace_file

FILE = "report.html"
WIDTH, HEIGHT = 560, 160
STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:52rem;margin:2rem auto;padding:0 1rem}"
    "table{border-collapse:collapse;width:100%}td,th{padding:.3rem .6rem;text-align:left;"
    "border-bottom:1px solid #ddd}svg{width:100%;background:#fafafa}.dim{color:#666}"
)


def page(task: TaskReport) -> str:
    """HTML. Holds counts and figures alone, nothing of what was asked."""
    kinds = "".join(map(_row, task.kinds))
    curves = "".join(_curve(kind) for kind in task.kinds if kind.losses)
    left = "".join(
        f"<tr><td>{escape(why)}</td><td>{count:,}</td></tr>"
        for why, count in sorted(task.left_out.items())
    )
    beside = "".join(
        f"<tr><td>{escape(name)}</td><td>{one.pairs:,}</td><td>{one.mean:.1%}</td></tr>"
        for name, one in sorted(task.beside.items())
    )
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{escape(task.task)}</title>"
        f"<style>{STYLE}</style><h1>{escape(task.task)}</h1><p>Tenant {escape(task.tenant)}:"
        f" {task.requests:,} requests, {task.trained:,} examples to learn from, {task.examined:,}"
        f" frozen to examine on. {escape(task.why)}</p><h2>Kinds, cheapest first</h2>"
        "<table><tr><th>specialist<th>state<th>sure of<th>pairs<th>mean loss<th>ms<th>why</tr>"
        f"{kinds}</table><p class=dim>Loss: the frontier's grade minus the specialist's, where both"
        " answered. Where nobody said whose answer is right, the frontier's counts as"
        f" right.</p>{curves}<h2>Others on this task</h2><table><tr><th>target<th>grades"
        f"<th>mean grade</tr>{beside}</table><h2>Left out</h2><table>{left}</table></html>"
    )


def write_page(folder: Path, task: TaskReport) -> Path:
    """Beside what nights remember of the task. Raises OSError."""
    make_folder(folder)
    replace_file(folder / FILE, page(task).encode("utf-8", "replace"))
    return folder / FILE


def _row(kind: KindReport) -> str:
    cells = (
        kind.name or kind.kind, kind.state or "refused", f"{kind.served:.0%}", f"{kind.pairs:,}",
        f"{kind.loss:+.1%}", f"{kind.milliseconds:.1f}", kind.why,
    )  # fmt: skip
    return f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in cells)}</tr>"


def _curve(kind: KindReport) -> str:
    """The task's mean loss after so many requests, with the line that it must stay below."""
    top = max(0.1, *(abs(loss) for loss in kind.losses))
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in _points(kind.losses, top))
    margin = _height(kind.margin, top)
    return (
        f"<h3>{escape(kind.name)}</h3><svg viewBox='0 0 {WIDTH} {HEIGHT}' role=img"
        f" aria-label='mean loss against requests'><line x1=0 x2={WIDTH} y1={margin:.1f}"
        f" y2={margin:.1f} stroke='#c33' stroke-dasharray=4 /><polyline points='{points}'"
        " fill=none stroke='#147' stroke-width=2 /></svg><p class=dim>Mean loss of the task"
        f" after ever more requests, {kind.pairs:,} of them answered; the line is the margin of"
        f" {kind.margin:.0%}.</p>"
    )


def _points(losses: Sequence[float], top: float) -> list[tuple[float, float]]:
    last = max(1, len(losses) - 1)
    return [(WIDTH * n / last, _height(loss, top)) for n, loss in enumerate(losses)]


def _height(loss: float, top: float) -> float:
    return HEIGHT / 2 * (1 - loss / top)
