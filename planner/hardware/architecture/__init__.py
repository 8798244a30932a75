"""Parameters, FLOPs and bytes of a model in closed form from its Hugging Face configuration.

Pure arithmetic without torch, shared by trainer and planner. `model` holds the numbers and counts parameters,
`configuration` and `vision` read them from a configuration, `flops` counts work and bytes.
"""

from planner.hardware.architecture.configuration import architecture_from_config
from planner.hardware.architecture.flops import (
    attention_flops,
    decode_flops_per_token,
    key_value_bytes_per_token,
    prefill_flops,
    training_flops_per_example,
    vision_flops,
)
from planner.hardware.architecture.model import LINEAR_OF_TARGETS, ModelArchitecture, architecture_from_numbers

__all__ = [
    "LINEAR_OF_TARGETS",
    "ModelArchitecture",
    "architecture_from_config",
    "architecture_from_numbers",
    "attention_flops",
    "decode_flops_per_token",
    "key_value_bytes_per_token",
    "prefill_flops",
    "training_flops_per_example",
    "vision_flops",
]
