"""The memory components equal what PyTorch allocates in a real step, storage by storage, on small models."""

from __future__ import annotations

import importlib.util
import weakref
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from planner.catalog import read_catalog
from planner.hardware.architecture import architecture_from_config
from planner.hardware.memory_components import MemoryMetric, memory_components
from planner.hardware.training_shape import Head, TrainingShape

if importlib.util.find_spec("peft") is None:
    pytest.skip("needs the [train] extra: PyTorch runs the steps", allow_module_level=True)

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

CATALOG = read_catalog()
# Counted, not learned: what the published runs moved is put back. Under autocast a logit takes 12 bytes, else 14, and
# an adapter keeps its input in 16 bits.
FACTORS = {row.name: row.value for row in CATALOG.parameters} | {
    "activation_bytes_norm": 4.0, "activation_bytes_query": 4.0, "activation_bytes_key_value": 4.0,
    "activation_bytes_mlp": 6.0, "adapter_input_bytes": 2.0, "checkpoint_bytes": 2.0, "logit_bytes": 12.0,
    "score_bytes": 12.5, "score_bytes_kept": 6.0, "backward_bytes_mlp": 6.0, "workspace_gib": 0.0,
}  # fmt: skip
BF16 = CATALOG.quantization("bf16")
SIZES = {
    "hidden_size": 256,
    "intermediate_size": 1024,
    "num_hidden_layers": 4,
    "num_attention_heads": 8,
    "num_key_value_heads": 8,
    "head_dim": 32,
}
TOKENS = 256


class Allocations(TorchDispatchMode):
    """Bytes of all storages that operations make, until they are freed."""

    def __init__(self, known: set[int]) -> None:
        super().__init__()
        self.known, self.now, self.peak = known, 0, 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        for value in tree_leaves(out):
            if isinstance(value, torch.Tensor):
                self._follow(value.untyped_storage())
        return out

    def _follow(self, storage: torch.UntypedStorage) -> None:
        key, size = storage._cdata, storage.nbytes()
        if key in self.known:
            return
        self.known.add(key)
        self.now += size
        self.peak = max(self.peak, self.now)
        weakref.finalize(storage, self._free, key, size)

    def _free(self, key: int, size: int) -> None:
        self.known.discard(key)
        self.now -= size


def peak_of(step: Callable[[], object], network: torch.nn.Module) -> int:
    """Peak bytes beside the network's own weights, in the second step."""
    step()
    weights = {value.untyped_storage()._cdata for value in (*network.parameters(), *network.buffers())}
    with Allocations(weights) as seen:
        step()
    return seen.peak


def peft_step(
    kind: str, targets: str, *, checkpointing: bool, eager: bool, vocabulary: int
) -> tuple[dict[str, Any], int]:
    """Configuration and peak of a LoRA step of transformers and peft under autocast."""
    from peft import LoraConfig, get_peft_model
    from transformers import CONFIG_MAPPING, AutoModelForCausalLM

    config = CONFIG_MAPPING[kind](**SIZES, vocab_size=vocabulary, pad_token_id=0, bos_token_id=1, eos_token_id=2)
    network = AutoModelForCausalLM.from_config(config, attn_implementation="eager" if eager else "sdpa")
    names = "all-linear" if targets == "all-linear" else ["q_proj", "k_proj", "v_proj", "o_proj"]
    adapted = get_peft_model(network.to(torch.bfloat16), LoraConfig(r=2, target_modules=names))
    adapted.train()
    if checkpointing:
        adapted.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    ids = torch.randint(3, 10, (1, TOKENS))

    def step() -> None:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss = adapted(input_ids=ids, labels=ids, use_cache=False).loss
        loss.backward()
        adapted.zero_grad()

    return config.to_dict(), peak_of(step, adapted)


def counted(config: dict[str, Any], shape: TrainingShape) -> float:
    """Bytes beside weights and optimizer."""
    model = architecture_from_config(config)
    parts = memory_components(model, BF16, shape, FACTORS, MemoryMetric.ALLOCATED)
    return sum(size for name, size in parts.items() if name not in ("weights", "adapters and optimizer"))


@pytest.mark.parametrize("vocabulary", [200, 16_000], ids=["layers", "logits"])
@pytest.mark.parametrize("checkpointing", [False, True], ids=["kept", "recomputed"])
@pytest.mark.parametrize("targets", ["attention", "all-linear"])
@pytest.mark.parametrize(("kind", "eager"), [("llama", False), ("llama", True), ("gemma2", True)])
def test_a_step_of_transformers_and_peft_holds_what_is_counted(
    kind: str, eager: bool, targets: str, checkpointing: bool, vocabulary: int
) -> None:
    config, measured = peft_step(kind, targets, checkpointing=checkpointing, eager=eager, vocabulary=vocabulary)
    adapted = ("q", "k", "v", "o") if targets == "attention" else ("q", "k", "v", "o", "gate", "up", "down")
    shape = TrainingShape(
        prompt_tokens=0,
        suffix_tokens=TOKENS,
        lora_parameters=0,
        adapted=adapted,
        copied_inputs=True,
        checkpointing=checkpointing,
        head=Head.PLAIN,
        head_on_all_tokens=True,
        eager_attention=eager,
    )
    assert counted(config, shape) == pytest.approx(measured, rel=0.2)


@pytest.mark.parametrize("checkpointing", [False, True], ids=["kept", "recomputed"])
@pytest.mark.parametrize("family", ["gemma", "gemma2"])
def test_a_step_of_the_own_trainer_holds_what_is_counted(family: str, checkpointing: bool, monkeypatch) -> None:
    from tests.trainer import models
    from trainer.made_up import made_up_examples, made_up_features
    from trainer.memory import set_checkpointing
    from trainer.optimizer import MasterAdamW
    from trainer.step import training_step

    monkeypatch.setattr(
        models, "SHAPE", msgspec.structs.replace(models.SHAPE, hidden=256, heads=4, intermediate=1024, layers=4)
    )
    model = models.random_model("all-linear", family, torch.bfloat16)
    set_checkpointing(model.network, checkpointing)
    model.network.train()
    examples, features = made_up_examples(model, 2, 16, 200), made_up_features(model, 2)
    optimizer = MasterAdamW(model.trainable_named(), learning_rate=0.0)
    measured = peak_of(
        lambda: training_step(model, optimizer, examples, lambda rows: features[rows], micro_batch_size=2),
        model.network,
    )
    shape = TrainingShape(
        prompt_tokens=16, suffix_tokens=200, lora_parameters=0, micro_batch_size=2, checkpointing=checkpointing
    )
    assert counted(model.network.config.to_dict(), shape) == pytest.approx(measured, rel=0.15)
