"""Loading PaliGemma and adding LoRA adapters to its language model.

The base is frozen. Adapters go by full path (`language_model. ... .q_proj`): by suffix they would also land in SigLIP's
q, k and v, where 45 % of the "attention" adapters would sit, and the image features could not be computed once.
"""

from __future__ import annotations

import contextlib
import io
import os
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from msgspec import Struct
from safetensors import SafetensorError

from planner.errors import MissingPartError
from trainer.quantize import compute_dtype, loading_options
from trainer.tokens import Tokenizer

TARGETS = {
    "attention": ("q_proj", "k_proj", "v_proj", "o_proj"),
    "all-linear": ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"),
}
PALIGEMMA = "google/paligemma-3b-pt-224"
REVISIONS = {PALIGEMMA: "35e4f46485b4d07967e7e9935bc3786aad50687c"}


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
    """

    network: Any
    tokenizer: Tokenizer
    name: str
    device: torch.device
    dtype: torch.dtype
    quantization: str

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

    def trainable(self) -> list[torch.nn.Parameter]:
        """Parameters that move."""
        return [parameter for parameter in self.network.parameters() if parameter.requires_grad]

    def trainable_named(self) -> dict[str, torch.nn.Parameter]:
        """The same, with names."""
        return {name: parameter for name, parameter in self.network.named_parameters() if parameter.requires_grad}


def choose_device(name: str | None = None) -> torch.device:
    """The named device, else CUDA where there is one, else the CPU.

    Raises:
        MissingPartError: CUDA was asked for and is not there.
    """
    if name is None:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if name.startswith("cuda") and not torch.cuda.is_available():
        raise MissingPartError("--device cuda, but PyTorch sees no NVIDIA GPU. Use --device cpu, or check the driver.")
    return torch.device(name)


def hush() -> None:
    """No progress bars and remarks of transformers; what matters is said by Plateau."""
    from transformers.utils import logging

    talk: Any = logging
    talk.set_verbosity_error()
    talk.disable_progress_bar()


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without the libraries' remarks on optional parts that are not used."""
    with (
        warnings.catch_warnings(),
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
    ):
        warnings.simplefilter("ignore")
        yield


def load_model(source: str, *, name: str, quantization: str, device: torch.device) -> LoadedModel:
    """Load weights and tokenizer from a folder or the local Hugging Face cache; nothing is downloaded.

    `source` is a folder or a hub name, `name` what the record calls it.

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
        with _quiet():
            tokenizer = AutoTokenizer.from_pretrained(source, **options)
            loaded: Any = PaliGemmaForConditionalGeneration.from_pretrained(
                source,
                use_safetensors=True,
                output_loading_info=True,
                **options,
                **loading_options(quantization, device),
            )
    except (OSError, ValueError, KeyError, SafetensorError) as problem:
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
    return LoadedModel(
        network=network,
        tokenizer=HubTokenizer(tokenizer),
        name=name,
        device=device,
        dtype=compute_dtype(quantization, device),
        quantization=quantization,
    )


def lora_pattern(targets: str) -> str:
    """Regular expression of the modules that get an adapter, all inside the language model."""
    return rf".*language_model\..*\.({'|'.join(TARGETS[targets])})"


def add_lora(network: Any, *, targets: str, rank: int, alpha: float, seed: int) -> Any:
    """Inject adapters in place (B = 0, so the network computes the same as before) and freeze everything else.

    Dropout is 0: in a calibration it costs 40 % activations and buys nothing.
    """
    with _quiet():
        from peft import LoraConfig, inject_adapter_in_model

    make: Any = LoraConfig
    config = make(r=rank, lora_alpha=alpha, lora_dropout=0.0, bias="none", target_modules=lora_pattern(targets))
    with torch.random.fork_rng(devices=[]), _quiet():
        torch.manual_seed(seed)
        network = inject_adapter_in_model(config, network)
    for name, parameter in network.named_parameters():
        parameter.requires_grad_("lora_" in name)
    return network


def reset_lora(model: LoadedModel, seed: int) -> None:
    """Adapters as at the start of a run: A drawn from the seed, B zero."""
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in model.trainable_named().items():
        if "lora_B" in name:
            torch.nn.init.zeros_(parameter)
        else:
            bound = (1.0 / parameter.shape[1]) ** 0.5
            drawn = torch.rand(parameter.shape, generator=generator) * 2 * bound - bound
            with torch.no_grad():
                parameter.copy_(drawn)


def parameter_counts(network: Any) -> tuple[int, int]:
    """(trainable, all) parameters; packed 4-bit weights count what they stand for."""
    trainable = sum(parameter.numel() for parameter in network.parameters() if parameter.requires_grad)
    total = 0
    for parameter in network.parameters():
        state = getattr(parameter, "quant_state", None)
        total += state.shape.numel() if state is not None else parameter.numel()
    return trainable, total
