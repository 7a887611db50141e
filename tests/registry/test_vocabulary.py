"""Which tokens control a model, by its file, and how their names are spelled without them."""

from __future__ import annotations

from pathlib import Path

import pytest

from shortstop.errors import ModelFileError
from shortstop.registry.gguf import read_metadata
from shortstop.registry.vocabulary import BYTE_PAIRS, SENTENCEPIECE, read_vocabulary
from tests.registry.samples import gguf

ASCII = [chr(c) for c in range(33, 127)]
BYTES = [f"<0x{b:02X}>" for b in range(256)]


def file(
    path: Path,
    model: str,
    tokens: list[tuple[str, int]],
    template: str = "{{ x }}",
) -> Path:
    target = path / "model.gguf"
    keys = {
        "tokenizer.ggml.model": model,
        "tokenizer.ggml.tokens": [token for token, _ in tokens],
        "tokenizer.ggml.token_type": [kind for _, kind in tokens],
        "tokenizer.chat_template": template,
    }
    target.write_bytes(gguf(keys=keys))
    return target


def normal(*tokens: str) -> list[tuple[str, int]]:
    return [(token, 1) for token in tokens]


def test_control_tokens_are_known_by_their_kind(tmp_path: Path) -> None:
    tokens = [
        *normal(*ASCII, "im", "end"),
        ("<unk>", 2),
        ("<|im_end|>", 3),
        ("<reserved_7>", 3),
        ("<h1>", 4),
        ("   ", 4),
        ("<0x3C>", 6),
    ]
    found = read_vocabulary(file(tmp_path, BYTE_PAIRS, tokens))
    assert set(found.control) == {"<unk>", "<|im_end|>", "<reserved_7>"}
    assert found.spelled


def test_what_a_maker_added_controls_where_the_template_speaks_of_it(tmp_path: Path) -> None:
    tokens = [*normal(*ASCII), ("<tool_call>", 4), ("<h1>", 4), ("</think>", 4)]
    template = "{% if tools %}<tool_call>{% endif %}{{ content.split('</think>')[-1] }}"
    found = read_vocabulary(file(tmp_path, BYTE_PAIRS, tokens, template))
    assert set(found.control) == {"<tool_call>", "</think>"}
    assert found.thinks


def test_what_looks_like_one_is_one_whatever_the_file_calls_it(tmp_path: Path) -> None:
    """llama.cpp overrides the kind of such tokens when it loads the model."""
    tokens = normal(*ASCII, "<|eot_id|>", "</s>", "[INST]", "<end_of_turn>", "<a>")
    found = read_vocabulary(file(tmp_path, BYTE_PAIRS, tokens))
    assert set(found.control) == {"<|eot_id|>", "</s>", "[INST]", "<end_of_turn>"}
    numbers = {n for spelled in found.control.values() for n in spelled}
    assert max(numbers) < len(ASCII), "they are not spelled with themselves or each other"


def test_the_longest_tokens_that_fit_spell_a_name(tmp_path: Path) -> None:
    tokens = [*normal(*ASCII, "im", "end", "_end"), ("<|im_end|>", 3)]
    numbers = {token: n for n, (token, _) in enumerate(tokens)}
    found = read_vocabulary(file(tmp_path, BYTE_PAIRS, tokens))
    assert found.control["<|im_end|>"] == tuple(
        numbers[t] for t in ("<", "|", "im", "_end", "|", ">")
    )


def test_byte_pairs_spell_any_alphabet(tmp_path: Path) -> None:
    name = "<｜end▁of▁sentence｜>"
    alphabet = [*map(chr, range(33, 127)), *map(chr, range(161, 324))]
    found = read_vocabulary(file(tmp_path, BYTE_PAIRS, [*normal(*alphabet), (name, 3)]))
    assert len(found.control[name]) == len(name.encode())


def test_sentence_pieces_spell_by_pieces_and_bytes(tmp_path: Path) -> None:
    tokens = [("<unk>", 2), ("<s>", 3), *((b, 6) for b in BYTES)]
    tokens += [*normal("▁turn", "[", "]", "IN", "S", "T"), ("[INST]", 3), ("a turn☃", 3)]
    numbers = {token: n for n, (token, _) in enumerate(tokens)}
    found = read_vocabulary(file(tmp_path, SENTENCEPIECE, tokens)).control
    assert found["[INST]"] == tuple(numbers[t] for t in ("[", "IN", "S", "T", "]"))
    snow = [numbers[f"<0x{b:02X}>"] for b in "☃".encode()]
    assert found["a turn☃"] == (numbers["<0x61>"], numbers["▁turn"], *snow)


@pytest.mark.parametrize("model", ["t5", "rwkv", "bert", "unheard-of"])
def test_of_an_unknown_kind_the_names_are_known_and_not_the_spelling(
    tmp_path: Path, model: str
) -> None:
    found = read_vocabulary(file(tmp_path, model, [*normal(*ASCII), ("<|im_end|>", 3)]))
    assert found.control == {"<|im_end|>": ()}
    assert not found.spelled


def test_a_name_that_cannot_be_spelled_says_so(tmp_path: Path) -> None:
    found = read_vocabulary(file(tmp_path, BYTE_PAIRS, [("<|im_end|>", 3), *normal("a", "b")]))
    assert found.control == {"<|im_end|>": ()}


def test_a_file_without_a_vocabulary_has_no_names(tmp_path: Path) -> None:
    target = tmp_path / "model.gguf"
    names = ("tokens", "token_type", "model")
    target.write_bytes(gguf(keys={f"tokenizer.ggml.{name}": None for name in names}))
    assert read_vocabulary(target).control == {}


def test_only_the_arrays_that_are_asked_for_are_kept(tmp_path: Path) -> None:
    target = tmp_path / "model.gguf"
    target.write_bytes(gguf())
    key = "tokenizer.ggml.tokens"
    assert read_metadata(target, frozenset())[key] is None
    assert len(read_metadata(target, frozenset([key]))[key]) == 2000
    target.write_bytes(gguf()[:200])
    with pytest.raises(ModelFileError):
        read_metadata(target, frozenset([key]))
