"""The closed forms equal what transformers builds and what PyTorch's FLOP counter counts."""

from __future__ import annotations

import importlib.util

import pytest

from planner.catalog import read_catalog
from planner.errors import RecordError
from planner.hardware.architecture import (
    ModelArchitecture,
    architecture_from_config,
    architecture_from_numbers,
    decode_flops_per_token,
    key_value_bytes_per_token,
    prefill_flops,
    training_flops_per_example,
    vision_flops,
)
from planner.hardware.architecture.configuration import FAMILIES

TERA = 1e12
GEMMA_2B = {
    "model_type": "gemma",
    "hidden_size": 2048,
    "intermediate_size": 16384,
    "num_hidden_layers": 18,
    "num_attention_heads": 8,
    "num_key_value_heads": 1,
    "head_dim": 256,
    "vocab_size": 257216,
}
GEMMA2_2B = GEMMA_2B | {
    "model_type": "gemma2",
    "hidden_size": 2304,
    "intermediate_size": 9216,
    "num_hidden_layers": 26,
    "num_key_value_heads": 4,
}
SIGLIP = {
    "model_type": "siglip_vision_model",
    "hidden_size": 1152,
    "intermediate_size": 4304,
    "num_hidden_layers": 27,
    "num_attention_heads": 16,
    "image_size": 224,
    "patch_size": 14,
    "vision_use_head": False,
}
PALIGEMMA = {"text_config": GEMMA_2B, "vision_config": SIGLIP, "projection_dim": 2048}
PALIGEMMA_2 = {"text_config": GEMMA2_2B, "vision_config": SIGLIP, "projection_dim": 2304}
SMALL = {
    "model_type": "llama",
    "hidden_size": 256,
    "intermediate_size": 512,
    "num_hidden_layers": 3,
    "num_attention_heads": 8,
    "num_key_value_heads": 2,
    "vocab_size": 1000,
}
SMALL_TOWER = {
    "hidden_size": 96,
    "intermediate_size": 192,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "image_size": 56,
    "patch_size": 14,
}
QWEN_TOWER = {"depth": 2, "num_heads": 4, "patch_size": 14}
# (model_type, model_type of the text, tower, rest of the configuration, image tokens at 56 px)
VISION_LANGUAGE = [
    ("llava", "llama", SMALL_TOWER | {"model_type": "clip_vision_model"}, {}, 16),
    ("llava", "llama", SMALL_TOWER | {"model_type": "clip_vision_model"}, {"multimodal_projector_bias": False}, 16),
    ("idefics3", "llama", SMALL_TOWER, {}, 4),
    ("smolvlm", "llama", SMALL_TOWER, {"scale_factor": 4}, 1),
    ("gemma3", "gemma3_text", SMALL_TOWER | {"model_type": "siglip_vision_model"}, {"mm_tokens_per_image": 4}, 4),
    ("qwen2_vl", None, QWEN_TOWER | {"embed_dim": 96, "hidden_size": 256, "mlp_ratio": 4}, {}, 4),
    ("qwen2_5_vl", None, QWEN_TOWER | {"hidden_size": 96, "out_hidden_size": 256, "intermediate_size": 192}, {}, 4),
    ("qwen3_vl", None, QWEN_TOWER | {"hidden_size": 96, "out_hidden_size": 256, "intermediate_size": 192,
                                     "deepstack_visual_indexes": [0, 1]}, {}, 4),
]  # fmt: skip
SWITCHES = [
    {},
    {"attention_bias": True, "mlp_bias": True},
    {"use_bias": True, "use_qkv_bias": True},
    {"tie_word_embeddings": True},
    {"tie_word_embeddings": False},
]

needs_transformers = pytest.mark.skipif(
    importlib.util.find_spec("transformers") is None, reason="needs the [train] extra: transformers builds the model"
)


@pytest.mark.parametrize(
    ("config", "parameters", "language"),
    [(PALIGEMMA, 2_923_466_480, 2_508_662_784), (PALIGEMMA_2, 3_032_242_416, 2_617_143_552)],
)
def test_paligemma_1_and_2_have_their_published_parameter_counts(config, parameters, language) -> None:
    model = architecture_from_config(config)
    assert model.parameters == parameters
    assert model.language_parameters == language
    assert model.vision_parameters == 412_442_352


@pytest.mark.parametrize(
    ("config", "targets", "parameters"),
    [
        (PALIGEMMA, "attention", 1_843_200),
        (PALIGEMMA, "all-linear", 9_805_824),
        (PALIGEMMA_2, "attention", 3_194_880),
        (PALIGEMMA_2, "all-linear", 10_383_360),
    ],
)
def test_adapters_of_rank_8_have_their_published_parameter_counts(config, targets, parameters) -> None:
    assert architecture_from_config(config).lora_parameters(targets, 8) == parameters


@needs_transformers
@pytest.mark.parametrize("size", [224, 448])
@pytest.mark.parametrize("head", [False, True])
@pytest.mark.parametrize("config", [PALIGEMMA, PALIGEMMA_2], ids=["paligemma", "paligemma2"])
def test_parameter_counts_equal_the_model_on_the_meta_device(config, size: int, head: bool) -> None:
    import torch
    from transformers import PaliGemmaConfig, PaliGemmaForConditionalGeneration

    vision = config["vision_config"] | {"image_size": size, "vision_use_head": head}
    built = PaliGemmaConfig(**(config | {"vision_config": vision}))
    with torch.device("meta"):
        network = PaliGemmaForConditionalGeneration(built)
    assert architecture_from_config(built.to_dict()).parameters == sum(p.numel() for p in network.parameters())


@needs_transformers
@pytest.mark.parametrize("switch", SWITCHES, ids=lambda switch: "+".join(switch) or "default")
@pytest.mark.parametrize("kind", FAMILIES)
def test_parameter_counts_of_text_models_equal_the_model_on_the_meta_device(kind: str, switch) -> None:
    import torch
    from transformers import CONFIG_MAPPING, AutoModelForCausalLM

    sizes = {key: value for key, value in SMALL.items() if key != "model_type"}
    built = CONFIG_MAPPING[kind](**sizes, **switch, pad_token_id=0, bos_token_id=1, eos_token_id=2)
    with torch.device("meta"):
        network = AutoModelForCausalLM.from_config(built)
    assert architecture_from_config(built.to_dict()).parameters == sum(p.numel() for p in network.parameters())


@needs_transformers
@pytest.mark.parametrize(("kind", "text", "tower", "rest", "image_tokens"), VISION_LANGUAGE)
def test_parameter_counts_of_vision_language_models_equal_the_model_on_the_meta_device(
    kind, text, tower, rest, image_tokens
) -> None:
    import torch
    from transformers import CONFIG_MAPPING, AutoModelForImageTextToText

    decoder = {key: value for key, value in SMALL.items() if key != "model_type"}
    decoder |= {} if text is None else {"model_type": text}
    built = CONFIG_MAPPING[kind](text_config=decoder, vision_config=tower, **rest)
    with torch.device("meta"):
        network = AutoModelForImageTextToText.from_config(built)
    model = architecture_from_config(built.to_dict(), image_size_px=56)
    assert model.parameters == sum(p.numel() for p in network.parameters())
    assert model.image_tokens == image_tokens
    assert vision_flops(model) > 2 * model.vision_linear_parameters * 16


@needs_transformers
@pytest.mark.parametrize("full", [False, True], ids=["lora", "full"])
@pytest.mark.parametrize(
    ("kind", "within"), [("llama", 0.002), ("qwen3", 0.002), ("gemma2", 0.002), ("phi", 0.05), ("gpt_neox", 0.05)]
)
def test_flops_of_text_models_equal_the_flop_counter_of_pytorch(kind: str, within: float, full: bool) -> None:
    """Attention and MLP side by side (Phi, GPT-NeoX) spare an input gradient more in the first of 3 layers."""
    import torch
    from peft import LoraConfig, get_peft_model
    from torch.utils.flop_counter import FlopCounterMode
    from transformers import CONFIG_MAPPING, AutoModelForCausalLM

    sizes = {key: value for key, value in SMALL.items() if key != "model_type"}
    built = CONFIG_MAPPING[kind](**sizes, pad_token_id=0, bos_token_id=1, eos_token_id=2)
    network = AutoModelForCausalLM.from_config(built, attn_implementation="eager")
    if not full:
        names = "all-linear" if kind != "gpt_neox" else r".*(query_key_value|dense|dense_h_to_4h|dense_4h_to_h)"
        network = get_peft_model(network, LoraConfig(r=4, target_modules=names))
    trained = sum(p.numel() for p in network.parameters() if p.requires_grad)
    with FlopCounterMode(display=False) as counter:
        ids = torch.zeros(1, 64, dtype=torch.long)
        network(input_ids=ids, use_cache=False).logits.sum().backward()
    model = architecture_from_config(built.to_dict())
    adapters = 0 if full else trained
    closed = training_flops_per_example(model, tokens=64, lora_parameters=adapters, full=full)
    assert counter.get_total_flops() == pytest.approx(closed, rel=within)


@needs_transformers
@pytest.mark.parametrize("tokens", [336, 512])
def test_flops_of_lora_equal_the_flop_counter_of_pytorch(tokens: int) -> None:
    import torch
    from peft import LoraConfig, get_peft_model
    from torch.utils.flop_counter import FlopCounterMode
    from transformers import PaliGemmaConfig, PaliGemmaForConditionalGeneration

    built = PaliGemmaConfig(**PALIGEMMA)
    with torch.device("meta"):
        network = PaliGemmaForConditionalGeneration._from_config(built, attn_implementation="eager")
    names = "q_proj|k_proj|v_proj|o_proj|gate_proj|up_proj|down_proj"
    lora = get_peft_model(network, LoraConfig(r=8, target_modules=rf".*language_model.*\.({names})")).base_model.model
    with FlopCounterMode(display=False) as counter:
        patches = lora.model.vision_tower(torch.zeros(1, 3, 224, 224, device="meta")).last_hidden_state
        lora.model.multi_modal_projector(patches)
        states = lora.model.language_model(
            inputs_embeds=torch.zeros(1, tokens, 2048, device="meta"),
            attention_mask=torch.zeros(1, 1, tokens, tokens, device="meta"),
            use_cache=False,
        ).last_hidden_state
        lora.lm_head(states).sum().backward()
    model = architecture_from_config(built.to_dict())
    closed = training_flops_per_example(model, tokens=tokens, lora_parameters=model.lora_parameters("all-linear", 8))
    assert counter.get_total_flops() == pytest.approx(closed, rel=2e-5)


@pytest.mark.parametrize(
    ("tokens", "lora", "suffix_head", "checkpointed", "full"),
    [(336, 3.66, 3.08, 5.02, 5.77), (512, 5.50, 4.93, 7.58, 8.48), (768, 8.23, 7.65, 11.38, 12.48)],
)
def test_tflops_an_example_equal_the_published_table(tokens, lora, suffix_head, checkpointed, full) -> None:
    """The table's adapters are 9.8 to 11.3 M parameters; 0.01 TFLOP is the width between the two."""
    model = architecture_from_config(PALIGEMMA)
    adapters = model.lora_parameters("all-linear", 8)

    def tera(**options) -> float:
        return training_flops_per_example(model, tokens=tokens, **options) / TERA

    assert tera(lora_parameters=adapters) == pytest.approx(lora, abs=0.01)
    assert tera(lora_parameters=adapters, head_rows=tokens - 272) == pytest.approx(suffix_head, abs=0.01)
    assert tera(lora_parameters=adapters, checkpointing=True) == pytest.approx(checkpointed, abs=0.01)
    assert tera(full=True) == pytest.approx(full, abs=0.01)


def test_the_tower_costs_a_fifth_of_a_tflop_an_image_and_nothing_when_its_features_are_cached() -> None:
    model = architecture_from_config(PALIGEMMA)
    assert vision_flops(model) / TERA == pytest.approx(0.220, abs=0.0005)
    with_tower = training_flops_per_example(model, tokens=336)
    cached = training_flops_per_example(model, tokens=336, cached_features=True)
    assert with_tower - cached == pytest.approx(vision_flops(model))


def test_answering_reads_image_and_prompt_once_and_then_two_flops_a_weight_and_token() -> None:
    model = architecture_from_config(PALIGEMMA)
    body = 2 * (model.linear_parameters + model.embedding_parameters)
    assert decode_flops_per_token(model, 300) == pytest.approx(body, rel=0.02)
    assert prefill_flops(model, 20) > vision_flops(model) + 2 * model.linear_parameters * 276
    assert key_value_bytes_per_token(model, 2.0) == 2 * 18 * 256 * 2


def test_a_configuration_without_numbers_names_every_missing_one() -> None:
    with pytest.raises(RecordError) as caught:
        architecture_from_config({"model_type": "gpt2", "n_layer": 0})
    assert {mistake.field for mistake in caught.value.mistakes} == {
        "hidden_size",
        "intermediate_size",
        "num_hidden_layers",
        "num_attention_heads",
        "vocab_size",
    }


def test_a_text_model_has_no_image() -> None:
    model = architecture_from_config(SMALL)
    assert isinstance(model, ModelArchitecture)
    assert (model.image_tokens, model.vision_parameters, model.projector_parameters, vision_flops(model)) == (
        0,
        0,
        0,
        0,
    )


@pytest.mark.parametrize(
    ("changed", "field", "said"),
    [
        ({"model_type": "mixtral", "num_local_experts": 8}, "model_type", "mixture of experts"),
        ({"model_type": "deepseek_v3", "kv_lora_rank": 512}, "model_type", "compressed keys and values"),
        ({"model_type": "qwen3_next", "linear_num_value_heads": 32}, "model_type", "linear attention"),
        ({"model_type": "gemma4_text", "hidden_size_per_layer_input": 256}, "model_type", "every layer"),
        ({"model_type": "brand_new"}, "model_type", "'brand_new' is not among the families"),
        ({"model_type": None}, "model_type", "not stated"),
        ({"vision_config": {"model_type": "pixtral", "image_size": 56}}, "vision_config.model_type", "'pixtral'"),
        ({"vision_config": {"model_type": "qwen2_vl"}}, "image_size", "any size"),
        ({"vision_config": {"model_type": "siglip_vision_model", "image_size": 56}}, "vision_config.hidden_size", ""),
    ],
)
def test_what_has_no_closed_form_is_refused_with_its_reason(changed, field: str, said: str) -> None:
    with pytest.raises(RecordError) as caught:
        architecture_from_config(SMALL | changed)
    assert field in {mistake.field for mistake in caught.value.mistakes}
    assert said in str(caught.value)


def test_gemma_2_materialises_its_capped_scores_and_the_catalog_says_so() -> None:
    assert architecture_from_config(PALIGEMMA_2).softcapped_attention
    for row in read_catalog().architectures:
        assert architecture_from_numbers(row).softcapped_attention == ("paligemma2" in row.model)
