"""The model that is trained: weights from the GGUF that the engine serves, a LoRA from PEFT on top.

Imports PyTorch: only the process that trains may import it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import peft
import torch
import transformers

from shortstop.flywheel.adapter.gguf_file import NAMES, Heads
from shortstop.flywheel.adapter.messages import AdapterJob, Scored, TaughtAnswer
from shortstop.flywheel.adapter.packing import NOTHING, PackedRows, Tokens, packed

FEATURES = ("amx_bf16", "avx512_bf16")
"""Processors with one of these compute faster in bf16 than in 32 bits."""
AT_ONCE = 512
"""Places at which the vocabulary's probabilities are computed together: each takes 200 kB."""


class LoraModel:
    """Raises ValueError, in a sentence, for a model that cannot be adapted."""

    def __init__(self, job: AdapterJob) -> None:
        path = Path(job.model)
        torch.manual_seed(job.seed)
        torch.set_num_threads(job.threads)
        cuda = torch.cuda.is_available()
        self.device = torch.device("cuda" if cuda else "cpu")
        where: dict[str, Any] = {"gguf_file": path.name, "local_files_only": True}
        self._tokenizer = transformers.AutoTokenizer.from_pretrained(path.parent, **where)
        base = transformers.AutoModelForCausalLM.from_pretrained(
            path.parent, **where, dtype=torch.bfloat16 if cuda else torch.float32
        )
        if not isinstance(base, transformers.LlamaForCausalLM):
            what = type(base).__name__
            raise ValueError(f"{what} is no model of the Llama architecture")  # noqa: TRY004
        base.config.use_cache = False
        heads = (base.config.num_attention_heads, base.config.num_key_value_heads)
        self.heads = Heads(*heads)
        self.alpha = 2.0 * job.rank
        settings = peft.LoraConfig(
            r=job.rank,
            lora_alpha=int(self.alpha),
            target_modules=[name.rsplit(".", 1)[1] for name in NAMES],
            task_type="CAUSAL_LM",
        )
        self._model: Any = peft.get_peft_model(base, settings).to(self.device)
        for weight in self.weights:
            weight.data = weight.data.float()
        self._bf16 = cuda or _fast_bf16()

    @property
    def weights(self) -> list[Any]:
        """What is trained."""
        return [one for one in self._model.parameters() if one.requires_grad]

    @property
    def device_name(self) -> str:
        if self.device.type == "cuda":
            return str(torch.cuda.get_device_name())
        return "cpu, bf16" if self._bf16 else "cpu"

    def tokens(self, pair: TaughtAnswer) -> Tokens:
        """As the engine renders and reads them."""
        turns = [{"role": "user", "content": pair.prompt}]
        rendered = self._tokenizer.apply_chat_template(
            turns, tokenize=False, add_generation_prompt=True
        )
        prompt = self._tokenizer(rendered, add_special_tokens=False).input_ids
        answer = self._tokenizer(pair.answer, add_special_tokens=False).input_ids
        return Tokens(prompt, [*answer, self._tokenizer.eos_token_id])

    def holds_control(self, pair: TaughtAnswer) -> bool:
        """Whether a control token's name stands in a text: the engine reads it as text."""
        return any(t in pair.prompt or t in pair.answer for t in self._tokenizer.all_special_tokens)

    def loss(self, row: PackedRows) -> Any:
        """The sum over the labels of one row, in nats, to be differentiated."""
        hidden, labels = self._foreseen(row)
        parts = zip(hidden.split(AT_ONCE), labels.split(AT_ONCE), strict=True)
        return sum(
            torch.nn.functional.cross_entropy(self._head(h).float(), y, reduction="sum")
            for h, y in parts
        )

    def scored(self, pairs: Sequence[TaughtAnswer]) -> Scored:
        """By the trained model, answer by answer, without the end of the turn."""
        logprobs, agreed = [], []
        self._model.eval()
        with torch.no_grad():
            for pair in pairs:
                told = self.tokens(pair)
                own = Tokens(told.prompt, told.answer[:-1])
                hidden, labels = self._foreseen(_alone(own))
                chances = self._head(hidden).float().log_softmax(-1)
                found = chances.gather(1, labels[:, None])[:, 0]
                logprobs.append(float(found.mean()))
                agreed.append(float((chances.argmax(-1) == labels).float().mean()))
        self._model.train()
        return Scored(logprobs, agreed)

    def state(self) -> dict[str, Any]:
        """The adapter's weights as arrays, by PEFT's names."""
        state = peft.get_peft_model_state_dict(self._model, save_embedding_layers=False)
        return {name: weight.float().cpu().numpy().copy() for name, weight in state.items()}

    def load(self, state: dict[str, Any]) -> None:
        peft.set_peft_model_state_dict(
            self._model, {name: torch.from_numpy(array) for name, array in state.items()}
        )

    def _foreseen(self, row: PackedRows) -> tuple[Any, Any]:
        """Hidden states where something is to be foreseen, (n, width), and what, (n,)."""
        token, label, position = (
            torch.from_numpy(column).to(self.device)
            for column in (row.token, row.label, row.position)
        )
        mask = torch.from_numpy(row.attends()).to(self.device)
        with self._precision():
            out = self._model.base_model.model.model(
                input_ids=token, position_ids=position, attention_mask=mask
            )
        told = label != NOTHING
        return out.last_hidden_state[told], label[told]

    def _head(self, hidden: Any) -> Any:
        with self._precision():
            return self._model.base_model.model.lm_head(hidden)

    def _precision(self) -> Any:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self._bf16)


def _alone(example: Tokens) -> PackedRows:
    return packed([example], example.size)


def _fast_bf16() -> bool:
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
            flags = next((line for line in file if line.startswith("flags")), "")
    except OSError:
        return False
    return any(feature in flags for feature in FEATURES)
