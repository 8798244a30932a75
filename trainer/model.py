"""Loading a PaliGemma from this machine, as it is or with random weights of its shape."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from msgspec import Struct
from safetensors import SafetensorError

from planner.errors import InputError, MissingPartError, Mistake, shown_name
from trainer.float16 import widen
from trainer.last_layer import shorten_last_layer
from trainer.quantize import compute_dtype, keep_trainable, loading_options
from trainer.quiet import hush, quiet
from trainer.shape import PALIGEMMA, REVISIONS
from trainer.tokens import Tokenizer


class HubTokenizer:
    """A Hugging Face tokenizer behind the `Tokenizer` protocol."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self.pad_id: int = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else 0
        self.bos_id: int = tokenizer.bos_token_id
        self.eos_id: int = tokenizer.eos_token_id

    def encode(self, text: str) -> list[int]:
        """See `Tokenizer`."""
        ids: list[int] = self._tokenizer.encode(text, add_special_tokens=False)
        return ids

    def decode(self, ids: Sequence[int]) -> str:
        """See `Tokenizer`."""
        text: str = self._tokenizer.decode(list(ids), skip_special_tokens=True)
        return text

    def save(self, folder: Path) -> None:
        """Write its files."""
        self._tokenizer.save_pretrained(folder)


class LoadedModel(Struct, kw_only=True):
    """A network on its device with all that a batch must know of it.

    Attributes:
        network: `PaliGemmaForConditionalGeneration`, adapters injected in place.
        name: Hub name or `tiny`; never a path.
        dtype: Arithmetic of the step.
        short_last_layer: The last layer computes only the rows that predict a token (`trainer.last_layer`).
    """

    network: Any
    tokenizer: Tokenizer
    name: str
    device: torch.device
    dtype: torch.dtype
    quantization: str
    short_last_layer: bool = False

    @property
    def image_size_px(self) -> int:
        """Side of the square image."""
        return int(self.network.config.vision_config.image_size)

    @property
    def image_tokens(self) -> int:
        """Tokens an image takes."""
        vision = self.network.config.vision_config
        return int((vision.image_size // vision.patch_size) ** 2)

    @property
    def image_token_id(self) -> int:
        """Placeholder of the image in the ids."""
        return int(self.network.config.image_token_id)

    @property
    def vocabulary_size(self) -> int:
        """Columns of the head."""
        return int(self.network.config.get_text_config().vocab_size)

    @property
    def logit_cap(self) -> float | None:
        """Gemma 2's soft cap of the logits."""
        cap: float | None = getattr(self.network.config.get_text_config(), "final_logit_softcapping", None)
        return cap

    def trainable(self) -> list[torch.nn.Parameter]:
        """Parameters that move."""
        return [parameter for parameter in self.network.parameters() if parameter.requires_grad]

    def trainable_named(self) -> dict[str, torch.nn.Parameter]:
        """The same, with names."""
        return {name: parameter for name, parameter in self.network.named_parameters() if parameter.requires_grad}


def choose_device(name: str | None = None) -> torch.device:
    """The named device, else CUDA where there is one, else the CPU.

    Raises:
        InputError: Not the name of a device.
        MissingPartError: CUDA was asked for and is not there.
    """
    if name is None:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if name.startswith("cuda") and not torch.cuda.is_available():
        raise MissingPartError("--device cuda, but PyTorch sees no NVIDIA GPU. Use --device cpu, or check the driver.")
    try:
        device = torch.device(name)
    except RuntimeError:
        raise InputError(
            Mistake(
                file="calibrate run",
                field="--device",
                reason="not the name of a device",
                remedy="Write cpu, cuda, or cuda:1 for the second GPU",
            )
        ) from None
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise MissingPartError(
            f"--device {name}, but this machine has {torch.cuda.device_count()} GPUs, from cuda:0 on."
        )
    return device


def load_model(
    source: str, *, name: str, quantization: str, device: torch.device, tokenizer: Tokenizer | None = None
) -> LoadedModel:
    """Load weights and tokenizer from a folder or the local Hugging Face cache; nothing is downloaded.

    Args:
        source: A folder or a hub name.
        name: What the record calls it.
        quantization: How the weights of the language model are held.
        device: Where.
        tokenizer: In place of the model's own.

    Raises:
        MissingPartError: The weights are not on this machine.
    """
    os.environ["HF_HUB_OFFLINE"] = "1"
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    from transformers import AutoTokenizer, PaliGemmaForConditionalGeneration

    hush()
    options: dict[str, Any] = {"local_files_only": True}
    if source in REVISIONS:
        options["revision"] = REVISIONS[source]
    what = "this folder" if Path(source).exists() else source
    try:
        with quiet():
            found = tokenizer or HubTokenizer(AutoTokenizer.from_pretrained(source, **options))
            loaded: Any = PaliGemmaForConditionalGeneration.from_pretrained(
                source,
                use_safetensors=True,
                output_loading_info=True,
                **options,
                **loading_options(quantization, device),
            )
    except (OSError, ValueError, KeyError, SafetensorError) as problem:
        if source not in REVISIONS and not Path(source).exists():
            raise MissingPartError(
                f"There is no folder and no known model of the name {shown_name(Path(source))}. "
                f"Use --model tiny, {' or '.join(REVISIONS)}, or a folder with config.json, *.safetensors and "
                "tokenizer files."
            ) from None
        raise MissingPartError(
            f"The weights or the tokenizer of {what} are not complete on this machine ({type(problem).__name__}). "
            f"On a machine with internet: accept the licence at huggingface.co/{PALIGEMMA}, run `calibrate fetch`, "
            "and copy the cache; or give --model a folder with config.json, *.safetensors and tokenizer files."
        ) from None
    network, info = loaded
    if absent := info["missing_keys"]:
        raise MissingPartError(
            f"{len(absent)} weights of a PaliGemma are not in {what}; random ones would take their place. "
            f"Use --model tiny, {PALIGEMMA}, or a complete folder."
        )
    network.requires_grad_(False)
    keep_trainable(network)
    shorten_last_layer(network)
    dtype = compute_dtype(quantization, device)
    if dtype == torch.float16:
        widen(network)
    return LoadedModel(
        network=network,
        tokenizer=found,
        name=name,
        device=device,
        dtype=dtype,
        quantization=quantization,
        short_last_layer=True,
    )


def parameter_counts(network: Any) -> tuple[int, int]:
    """(trainable, all) parameters; packed 4-bit weights count what they stand for."""
    trainable = sum(parameter.numel() for parameter in network.parameters() if parameter.requires_grad)
    total = 0
    for parameter in network.parameters():
        state = getattr(parameter, "quant_state", None)
        total += state.shape.numel() if state is not None else parameter.numel()
    return trainable, total
