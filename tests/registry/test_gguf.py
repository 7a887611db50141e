"""The header reader: tells the truth about a good file, refuses a bad one in words."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shortstop.errors import ModelFileError
from shortstop.registry import read_info
from shortstop.registry.gguf import TENSOR_TYPES
from tests.registry.samples import DATA, TENSORS, gguf, string, write


def test_a_header_is_read(tmp_path: Path) -> None:
    info = read_info(write(tmp_path / "m.gguf"))
    assert (info.architecture, info.name, info.context, info.layers) == ("llama", "Tiny", 4096, 3)
    assert info.chat_template
    assert info.parameters == 64 * 16 + 64
    assert info.quantisation == "Q8_0"
    assert info.kv_bytes == 3 * 2 * (16 + 16) * 2, "layers x KV heads x (key + value) x 16 bit"
    assert info.bytes == len(gguf())


def test_a_file_without_a_name_is_called_after_itself(tmp_path: Path) -> None:
    keys = {"general.name": None, "tokenizer.chat_template": None}
    info = read_info(write(tmp_path / "found.gguf", gguf(keys=keys)))
    assert info.name == "found"
    assert not info.chat_template


def test_heads_may_differ_from_layer_to_layer(tmp_path: Path) -> None:
    keys = {"llama.attention.head_count_kv": [2, 0, 4]}
    assert read_info(write(tmp_path / "m.gguf", gguf(keys=keys))).kv_bytes == 6 * 32 * 2


def test_a_tensor_type_from_the_future_is_left_to_the_engine(tmp_path: Path) -> None:
    content = gguf(tensors=[("new", (64, 16), 99, 0)])
    assert read_info(write(tmp_path / "m.gguf", content)).quantisation == "type 99"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (b"PK\x03\x04 a zip", "does not begin with GGUF"),
        (b"GGUF", "ends within its header"),
        (gguf(version=9), "version 9"),
        (b"GGUF" + struct.pack(">IQQ", 3, 1, 1), "big-endian"),
        (gguf(claim=10**9), "claims 1000000000 metadata keys"),
        (gguf(claim_tensors=2**60), "claims 1152921504606846976 tensors"),
        (gguf()[:40], "ends within its header"),
        (gguf(data=DATA[:1100]), "cut short: tensor 'output_norm.weight'"),
        (gguf(data=b""), "cut short: tensor 'token_embd.weight'"),
        (gguf(tensors=[("t", (2**40, 2**40), 0, 0)]), "cut short"),
        (gguf(tensors=[("t", (33,), 8, 0)]), "not whole blocks"),
        (gguf(tensors=[("t", (1, 1, 1, 1, 1), 0, 0)]), "5 dimensions"),
        (gguf(tensors=[]), "no tensors"),
        (gguf(keys={"general.type": "adapter"}), "'adapter' instead of a model"),
        (gguf(keys={"split.count": 3}), "one of 3 parts"),
        (gguf(keys={"general.architecture": None}), "architecture"),
        (gguf(keys={"general.alignment": 0}), "alignment is 0"),
        (gguf(keys={"general.alignment": 48}), "alignment is 48"),
        (gguf(keys={"llama.context_length": "long"}), "not a whole number"),
        (b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + struct.pack("<Q", 2**63), "implausibly long"),
        (
            b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + string("k") + struct.pack("<IIQ", 9, 4, 2**62),
            "ends within its header",
        ),
        (
            b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + string("k") + struct.pack("<IIQ", 9, 9, 1),
            "unknown type 9",
        ),
        (b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + string("k") + b"\x63\0\0\0", "unknown type 99"),
    ],
)
def test_a_broken_file_is_refused_in_words(tmp_path: Path, content: bytes, says: str) -> None:
    path = write(tmp_path / "m.gguf", content)
    with pytest.raises(ModelFileError, match=says) as caught:
        read_info(path)
    assert str(path) in caught.value.message
    assert caught.value.hint


def test_a_missing_file_is_told_apart(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="There is no model file"):
        read_info(tmp_path / "m.gguf")
    with pytest.raises(ModelFileError, match="Cannot read"):
        read_info(tmp_path)


@settings(max_examples=200, deadline=None)
@given(cut=st.integers(0, 6000), flips=st.dictionaries(st.integers(0, 600), st.integers(0, 255)))
def test_no_damage_is_more_than_a_clear_error(
    tmp_path_factory: pytest.TempPathFactory, cut: int, flips: dict[int, int]
) -> None:
    damaged = bytearray(gguf(keys={"tokenizer.ggml.tokens": None}))
    for place, byte in flips.items():
        damaged[place % len(damaged)] = byte
    path = tmp_path_factory.mktemp("x") / "m.gguf"
    path.write_bytes(bytes(damaged[: len(damaged) - cut % len(damaged)]))
    try:
        read_info(path)
    except ModelFileError as error:
        assert str(path) in str(error)


@given(cut=st.integers(1, len(DATA)))
def test_a_file_is_accepted_exactly_when_its_tensors_are_whole(
    tmp_path_factory: pytest.TempPathFactory, cut: int
) -> None:
    path = write(tmp_path_factory.mktemp("x") / "m.gguf", gguf(data=DATA[:-cut]))
    _, shape, _, offset = TENSORS[-1]
    if len(DATA) - cut >= offset + 4 * shape[0]:
        read_info(path)
    else:
        with pytest.raises(ModelFileError, match="cut short"):
            read_info(path)


def test_the_type_table_is_the_engines() -> None:
    xllamacpp = pytest.importorskip("xllamacpp")
    named = {kind.value: kind.name for kind in xllamacpp.ggml_type}
    for number, (name, _, _) in TENSOR_TYPES.items():
        assert named[number] == f"GGML_TYPE_{name}"
