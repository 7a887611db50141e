"""Training a tool specialist, and what it would have said about what it had not seen."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from shortstop.flywheel.examples import Example
from shortstop.flywheel.head.fit import fit, sparse
from shortstop.flywheel.tools.align import Called, argument, by_label, slots
from shortstop.specialists.copy.forms import loose
from shortstop.specialists.copy.tokens import tokens
from shortstop.specialists.encoder import Encoder, Matrix
from shortstop.specialists.novelty import Slot, Wordings, masked
from shortstop.specialists.tools.arguments import Argument
from shortstop.specialists.tools.choice import NONE, SEVERAL, ToolHead
from shortstop.specialists.tools.slots import BEGIN, INSIDE, OUTSIDE, SlotTagger, features
from shortstop.specialists.tools.specialist import LearnedTool, ToolSpecialist, properties
from shortstop.specialists.words import WordTable
from shortstop.types import Tool

WORD_WEIGHT = 0.7
"""Of TF-IDF beside the embedding, both of unit length (measured on shop bots)."""
PENALTY, ITERATIONS = 20.0, 500
"""Inverse strength of the ridge, and steps at most."""
LEAST_ROWS = 5
"""Calls of a tool from which on it is learned."""


class TaggedExample(NamedTuple):
    """An example as the specialist learns it: `tool` is a name, NONE or SEVERAL; `slots` are the
    places of its arguments, None where they do not all stand in the text."""

    example: Example
    tool: str
    unit: NDArray[np.float32]
    slots: list[Slot] | None

    @property
    def wording(self) -> str:
        return masked(self.example.query.text, self.slots or ())


class TaggedCorpus(NamedTuple):
    """What is known of the tools before a model is trained."""

    rows: list[TaggedExample]
    tools: Mapping[str, LearnedTool]
    encoder: Encoder


def corpus(examples: Sequence[Example], encoder: Encoder) -> TaggedCorpus:
    """Reads how arguments are written and where they stand."""
    offered = {tool.name: tool for row in examples for tool in row.query.tools}
    named = [_label(row) for row in examples]
    counts = Counter(named)
    learned = [n for n in offered if counts[n] >= LEAST_ROWS]
    labels = _labels([offered[name] for name in learned])
    told: list[Example] = []
    calls: list[tuple[str, dict[str, Any]]] = []
    for row, tool in zip(examples, named, strict=True):
        if tool in labels and (arguments := _arguments(row)).keys() <= labels[tool].keys():
            told.append(row)
            calls.append((tool, arguments))
    called = [
        Called(row.query.text, row.query.today, values)
        for row, values in zip(told, by_label(calls, labels), strict=True)
    ]
    called_tools = [tool for tool, _ in calls]
    tools = _tools(offered, labels, called_tools, called)
    places = _places(tools, called_tools, called)
    slots_of = {row.id: place for row, place in zip(told, places, strict=True)}
    units = encoder.encode([row.query.text for row in examples])
    rows = [
        TaggedExample(row, tool, unit, slots_of.get(row.id, [] if tool == NONE else None))
        for row, tool, unit in zip(examples, named, units, strict=True)
    ]
    return TaggedCorpus(rows, tools, encoder)


def trained(corpus: TaggedCorpus, rows: Sequence[TaggedExample]) -> ToolSpecialist:
    """Of these rows of the corpus."""
    return ToolSpecialist(
        _head(rows),
        _tagger([row for row in rows if row.tool in corpus.tools]),
        _remembering(corpus.tools, rows),
        Wordings.of([row.wording for row in rows if row.tool in corpus.tools]),
        corpus.encoder,
    )


def _remembering(
    tools: Mapping[str, LearnedTool], rows: Sequence[TaggedExample]
) -> dict[str, LearnedTool]:
    """With the values of these rows alone."""
    met: dict[str, set[str]] = {}
    for row in rows:
        for slot in row.slots or ():
            span = row.example.query.text[slot.start : slot.end]
            met.setdefault(slot.name, set()).add(loose(span)[0])
    return {
        name: LearnedTool(
            tool.offered,
            {
                argument: replace(one, known=frozenset(met.get(one.label, ())))
                if one.known
                else one
                for argument, one in tool.arguments.items()
            },
        )
        for name, tool in tools.items()
    }


def _label(row: Example) -> str:
    if not row.calls:
        return NONE
    return row.calls[0].name if len(row.calls) == 1 else SEVERAL


def _arguments(row: Example) -> dict[str, Any]:
    """Of its only call; {} where they are no JSON object."""
    try:
        tree = msgspec.json.decode(row.calls[0].arguments or "{}")
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return {}
    return tree if isinstance(tree, dict) else {}


def _labels(tools: Sequence[Tool]) -> dict[str, dict[str, str]]:
    """The label of each argument by tool: its name alone, where all arguments of that name are of
    one type."""
    types: dict[str, set[str]] = {}
    for tool in tools:
        for name in properties(tool):
            types.setdefault(name, set()).add(_type(tool, name))
    return {
        tool.name: {
            name: name if len(types[name]) == 1 else f"{tool.name}.{name}"
            for name in properties(tool)
        }
        for tool in tools
    }


def _type(tool: Tool, name: str) -> str:
    about = tool.schema["properties"][name]
    if not isinstance(about, dict):
        return ""
    return repr([about.get(key) for key in ("type", "format", "enum", "items")])


def _tools(
    offered: Mapping[str, Tool],
    labels: Mapping[str, Mapping[str, str]],
    called_tools: Sequence[str],
    rows: Sequence[Called],
) -> dict[str, LearnedTool]:
    """A tool with an argument that cannot be read is not learned."""
    users: dict[str, set[str]] = {}
    kinds: dict[str, str] = {}
    for tool, names in labels.items():
        for name, label in names.items():
            users.setdefault(label, set()).add(tool)
            kinds[label] = _type(offered[tool], name)
    given = {label for row in rows for label in row.values}
    found: dict[str, Argument | None] = {}
    for label in given:
        about = _about(offered, labels, label)
        closed = "enum" in about or about.get("type") == "boolean"
        kin = [o for o in given if o == label or ("enum" in about and kinds[o] == kinds[label])]
        relevant = set().union(*(users[one] for one in kin))
        own = [r for r, t in zip(rows, called_tools, strict=True) if t in relevant]
        found[label] = argument(own, label, kin, closed, about.get("type") == "array")
    out = {}
    for tool, names in labels.items():
        used = {name: found[label] for name, label in names.items() if label in given}
        if all(one is not None for one in used.values()):
            arguments = {name: one for name, one in used.items() if one is not None}
            out[tool] = LearnedTool(tuple(names), arguments)
    return out


def _about(
    offered: Mapping[str, Tool], labels: Mapping[str, Mapping[str, str]], label: str
) -> dict[str, Any]:
    """The schema of the argument with this label."""
    for tool, names in labels.items():
        for name, one in names.items():
            about = offered[tool].schema["properties"][name]
            if one == label and isinstance(about, dict):
                return about
    return {}


def _places(
    tools: Mapping[str, LearnedTool], called_tools: Sequence[str], rows: Sequence[Called]
) -> list[list[Slot] | None]:
    arguments = {a.label: a for tool in tools.values() for a in tool.arguments.values()}
    usable = [
        i
        for i, (tool, row) in enumerate(zip(called_tools, rows, strict=True))
        if tool in tools and row.values.keys() <= arguments.keys()
    ]
    out: list[list[Slot] | None] = [None] * len(rows)
    for i, place in zip(usable, slots([rows[i] for i in usable], arguments), strict=True):
        out[i] = place
    return out


def _head(rows: Sequence[TaggedExample]) -> ToolHead:
    from scipy.sparse import csr_matrix, hstack

    texts = [row.example.query.text for row in rows]
    table = WordTable.of(texts)
    units: Matrix = np.stack([row.unit for row in rows])
    width = units.shape[1]
    labels = sorted({row.tool for row in rows})
    if len(labels) == 1:
        labels = [*labels, SEVERAL if labels[0] != SEVERAL else NONE]
        zero, bias = np.zeros((width, 2), np.float32), np.array([9.0, -9.0], np.float32)
        nothing = np.zeros((len(table.columns), 2), np.float32)
        return ToolHead(tuple(labels), table, zero, nothing, bias)
    both = hstack([csr_matrix(units), sparse(table, texts) * WORD_WEIGHT]).tocsr()
    y = np.array([labels.index(row.tool) for row in rows], np.int64)
    linear = fit(both, y, len(labels), PENALTY, ITERATIONS)
    return ToolHead(
        tuple(labels),
        table,
        linear.weights[:width],
        WORD_WEIGHT * linear.weights[width:],
        linear.bias,
    )


def _tagger(rows: Sequence[TaggedExample]) -> SlotTagger:
    """Each row twice: as it is, and with the words of its values hidden, so that what stands around
    them tells as well."""
    import pycrfsuite

    counts = Counter(t.word.lower() for row in rows for t in tokens(row.example.query.text))
    words = {word for word, count in counts.items() if count > 1}
    trainer: Any = pycrfsuite.Trainer(verbose=False)
    trainer.set_params(
        {"c1": 0.05, "c2": 0.05, "max_iterations": 60, "feature.possible_transitions": True}
    )
    for row in rows:
        if row.slots is None:
            continue
        text = row.example.query.text
        found = tokens(text)
        if not found:
            continue
        tags, inside = [OUTSIDE] * len(found), set()
        for slot in row.slots:
            places = [i for i, t in enumerate(found) if slot.start <= t.start < slot.end]
            inside.update(places)
            for i in places:
                tags[i] = (BEGIN if i == places[0] else INSIDE) + slot.name
        trainer.append(features(text, found, row.tool, words), tags)
        if inside:
            trainer.append(features(text, found, row.tool, words, inside), tags)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model"
        trainer.train(str(file))
        return SlotTagger(file.read_bytes(), words)
