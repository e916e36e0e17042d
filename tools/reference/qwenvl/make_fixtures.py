"""Writes the fixtures of Qwen2-VL, Qwen2.5-VL and Qwen3-VL-MoE: tiny random checkpoints and what
the reference makes of them.

Usage: python make_fixtures.py --out FOLDER [--only CASE ...]
"""

import argparse
import json
import shutil
import sys
from pathlib import Path
from typing import Any

try:  # only needed where torchvision's native library does not match torch
    import torchvision_shim  # noqa: F401
except ImportError:
    pass

import torch
import transformers
from safetensors.torch import load_file, save_file
from transformers import (
    AutoProcessor,
    GenerationConfig,
    Qwen2_5_VLConfig,
    Qwen2_5_VLForConditionalGeneration,
    Qwen2VLConfig,
    Qwen2VLForConditionalGeneration,
    Qwen3VLMoeConfig,
    Qwen3VLMoeForConditionalGeneration,
)
from transformers.vision_utils import get_vision_window_index

HERE = Path(__file__).resolve().parent
sys.path += [str(HERE.parent / "qwen3vl"), str(HERE.parent / "clip")]

from cases import CASES, QWEN2, QWEN2_5, QWEN3_MOE, VIDEO_FPS, Case  # noqa: E402
from runs import (  # noqa: E402
    Answer,
    default_eos,
    depends_on_pictures,
    describe,
    greedy,
    margins,
    positions_of,
    read_inputs,
    split_by_item,
    stands_firm,
    write_expected,
    write_generation_config,
    write_json,
    write_pictures,
)
from tokenizer_files import build_tokenizer, write_tokenizer  # noqa: E402
from weights import coarse  # noqa: E402

MODELS = {
    QWEN2: (Qwen2VLConfig, Qwen2VLForConditionalGeneration),
    QWEN2_5: (Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration),
    QWEN3_MOE: (Qwen3VLMoeConfig, Qwen3VLMoeForConditionalGeneration),
}
# A greedy step counts only if the runner-up is at least this far away, in logits.
MIN_MARGIN = 0.02
# A token's last chosen expert must be this much likelier than the first that is not.
MIN_ROUTER_MARGIN = 1e-3
MIN_DISTINCT = 10
# No recorded value may move by more than this when the reference runs in double precision: what
# remains of the tests' 1e-4 is for the implementation under test.
MAX_NOISE = 2.5e-5
MAX_SEEDS = 400

CLIP_MEAN = [0.48145466, 0.4578275, 0.40821073]
CLIP_STD = [0.26862954, 0.26130258, 0.27577711]


# --------------------------------------------------------------------------- checkpoint


def vision_config(case: Case) -> dict[str, Any]:
    v, t = case.vision, case.text
    shared = dict(
        depth=v.depth,
        num_heads=v.heads,
        patch_size=v.patch,
        spatial_merge_size=2,
        temporal_patch_size=2,
    )
    if case.family == QWEN2:
        return dict(embed_dim=v.hidden, hidden_size=t.hidden, mlp_ratio=v.ratio, **shared)
    shared.update(hidden_size=v.hidden, out_hidden_size=t.hidden, intermediate_size=v.intermediate)
    if case.family == QWEN2_5:
        return dict(
            hidden_act="silu",
            window_size=v.window,
            fullatt_block_indexes=list(v.full),
            tokens_per_second=v.tokens_per_second,
            **shared,
        )
    return dict(
        num_position_embeddings=v.positions,
        deepstack_visual_indexes=list(v.deepstack),
        **shared,
    )


def text_config(case: Case) -> dict[str, Any]:
    t = case.text
    token = build_tokenizer().token_to_id
    config = dict(
        vocab_size=t.vocabulary,
        hidden_size=t.hidden,
        intermediate_size=t.intermediate,
        num_hidden_layers=t.layers,
        num_attention_heads=t.heads,
        num_key_value_heads=t.kv_heads,
        hidden_act="silu",
        rms_norm_eps=t.eps,
        max_position_embeddings=1024,
        bos_token_id=token("<|endoftext|>"),
        eos_token_id=token("<|im_end|>"),
        tie_word_embeddings=case.tied,
        rope_parameters=dict(
            rope_type="default", rope_theta=t.theta, mrope_section=list(t.section)
        ),
    )
    if case.family == QWEN3_MOE:
        config["rope_parameters"]["mrope_interleaved"] = True
        config.update(
            head_dim=t.head_dim,
            num_experts=t.experts.count,
            num_experts_per_tok=t.experts.chosen,
            moe_intermediate_size=t.experts.intermediate,
            decoder_sparse_step=t.experts.sparse_step,
            mlp_only_layers=list(t.experts.dense_layers),
        )
    else:
        config.update(
            use_sliding_window=t.sliding_window > 0,
            sliding_window=t.sliding_window or 4096,
            max_window_layers=t.full_layers or t.layers,
        )
    return config


def config_of(case: Case) -> Any:
    token = build_tokenizer().token_to_id
    return MODELS[case.family][0](
        image_token_id=token("<|image_pad|>"),
        video_token_id=token("<|video_pad|>"),
        vision_start_token_id=token("<|vision_start|>"),
        vision_end_token_id=token("<|vision_end|>"),
        tie_word_embeddings=case.tied,
        vision_config=vision_config(case),
        text_config=text_config(case),
    )


def published(case: Case) -> dict[str, Any]:
    """config.json as on the hub: Qwen2 and Qwen2.5 keep the decoder's fields at the top."""
    text = text_config(case)
    rope = text.pop("rope_parameters")
    text["rope_theta"] = rope.pop("rope_theta")
    text["rope_scaling"] = rope
    vision = vision_config(case)
    common = {
        "architectures": [MODELS[case.family][1].__name__],
        "model_type": case.family,
        **{
            key: value
            for key, value in config_of(case).to_dict().items()
            if key in ("image_token_id", "video_token_id", "tie_word_embeddings")
            or key in ("vision_start_token_id", "vision_end_token_id")
        },
    }
    if case.family == QWEN3_MOE:
        text.update(norm_topk_prob=True, model_type="qwen3_vl_moe_text", dtype=case.dtype)
        vision["model_type"] = "qwen3_vl_moe"
        return {
            **common,
            "text_config": text,
            "transformers_version": "4.57.0.dev0",
            "vision_config": vision,
        }
    rope["type"] = rope.pop("rope_type").replace("default", "mrope")
    vision.update(in_chans=3, spatial_patch_size=case.vision.patch)
    return {
        **common,
        "attention_dropout": 0.0,
        **text,
        "vision_token_id": build_tokenizer().token_to_id("<|vision_pad|>"),
        "torch_dtype": case.dtype,
        "transformers_version": "4.41.2",
        "use_cache": True,
        "vision_config": vision,
    }


def randomise(model: torch.nn.Module, seed: int) -> None:
    """Weights that leave nothing neutral: no norm weight is 1, no bias 0, no attention uniform."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, weight in sorted(model.named_parameters()):
            noise = torch.randn(weight.shape, generator=generator)
            if name.endswith(("q_norm.weight", "k_norm.weight")):
                value = 1.5 + 0.3 * noise
            elif weight.ndim == 1 and name.endswith("weight"):
                value = 1 + 0.25 * noise
            elif name.endswith("bias"):
                value = 0.2 * noise
            elif "pos_embed" in name or "embed_tokens" in name:
                value = 0.5 * noise
            else:
                # Experts lie one behind the other: [experts, out, in].
                fan_in = weight.shape[-1] if "experts" in name else weight[0].numel()
                gain = 1.8 if name.endswith(("qkv.weight", "mlp.gate.weight")) else 1.2
                value = noise * gain / fan_in**0.5
            weight.copy_(coarse(value))


def stored_name(name: str, names: str) -> str:
    """A parameter's name in the file, from its name in the model."""
    if names == "published":
        return name.removeprefix("model.").replace("language_model.", "model.", 1)
    return name.removeprefix("model.") if names == "bare" else name


def stored(case: Case, name: str, weight: torch.Tensor) -> torch.Tensor:
    if ".experts." in name and not case.experts_transposed:
        return weight.transpose(1, 2).contiguous()
    return weight.contiguous()


def write_checkpoint(folder: Path, case: Case, seed: int) -> Any:
    model = MODELS[case.family][1](config_of(case))
    randomise(model, seed)
    model = model.to(getattr(torch, case.dtype))
    model.generation_config = GenerationConfig()
    tensors = {
        stored_name(name, case.names): stored(case, name, weight)
        for name, weight in model.named_parameters()
        if not (case.tied and name == "lm_head.weight")
    }
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    if case.config == "published":
        write_json(folder / "config.json", published(case))
    else:
        model.save_pretrained(folder / "saved")
        shutil.copy(folder / "saved" / "config.json", folder / "config.json")
        check_names(folder, case, tensors)
        shutil.rmtree(folder / "saved")
    write_generation_config(folder, default_eos())
    return load_model(folder, case, model)


def check_names(folder: Path, case: Case, tensors: dict[str, torch.Tensor]) -> None:
    """The names are those that transformers itself writes, where it writes them."""
    saved = load_file(folder / "saved" / "model.safetensors")
    if case.names == "published" or case.family == QWEN3_MOE:
        assert saved.keys() == tensors.keys(), saved.keys() ^ tensors.keys()


def load_model(folder: Path, case: Case, written: Any) -> Any:
    """The model as the reference reads it from its files: rotary frequencies in single precision,
    which converting the model that was written would have rounded."""
    model = MODELS[case.family][1].from_pretrained(
        folder, dtype=torch.float32, attn_implementation="eager"
    )
    for name, weight in written.state_dict().items():
        assert torch.equal(weight.float(), model.state_dict()[name]), name
    if case.family == QWEN3_MOE:
        model.set_experts_implementation("eager")  # the grouped one asks for rows of 16 bytes
    return model.eval()


# --------------------------------------------------------------------------- processor


def write_processor(folder: Path, case: Case) -> None:
    own = HERE if case.family != QWEN3_MOE else HERE.parent / "qwen3vl"
    template = (own / "chat_template.jinja").read_text(encoding="utf-8")
    write_tokenizer(folder, None)
    if case.template_file == "jinja":
        (folder / "chat_template.jinja").write_text(template, encoding="utf-8")
    else:
        write_json(folder / "chat_template.json", {"chat_template": template})
    limits = (
        {"min_pixels": case.min_pixels, "max_pixels": case.max_pixels}
        if case.processor_file == "published"
        else {"size": {"longest_edge": case.max_pixels, "shortest_edge": case.min_pixels}}
    )
    image = {
        **limits,
        "patch_size": case.vision.patch,
        "temporal_patch_size": 2,
        "merge_size": 2,
        "image_mean": [0.5] * 3 if case.family == QWEN3_MOE else CLIP_MEAN,
        "image_std": [0.5] * 3 if case.family == QWEN3_MOE else CLIP_STD,
        "image_processor_type": "Qwen2VLImageProcessor",
        "processor_class": {
            QWEN2: "Qwen2VLProcessor",
            QWEN2_5: "Qwen2_5_VLProcessor",
            QWEN3_MOE: "Qwen3VLProcessor",
        }[case.family],
    }
    write_json(folder / "preprocessor_config.json", image)
    if case.family == QWEN3_MOE:
        video = {key: value for key, value in image.items() if key != "image_processor_type"}
        video["size"] = {"longest_edge": 3 * case.max_pixels, "shortest_edge": case.min_pixels}
        video["video_processor_type"] = "Qwen3VLVideoProcessor"
        write_json(folder / "video_preprocessor_config.json", video)
    if case.processor_file == "processor":
        saved = folder / "saved"
        AutoProcessor.from_pretrained(folder).save_pretrained(saved)
        shutil.copy(saved / "processor_config.json", folder / "processor_config.json")
        shutil.rmtree(saved)
        (folder / "preprocessor_config.json").unlink()
        (folder / "video_preprocessor_config.json").unlink(missing_ok=True)


# --------------------------------------------------------------------------- reference run


class Recorder:
    """Collects the tensors of one prefill through forward hooks.

    Qwen2.5-VL computes its blocks in the order of its windows; what is recorded is put back into
    the order of the patches, in which the pixels come and the embeddings leave.
    """

    def __init__(self, model: Any, case: Case) -> None:
        self.case = case
        self.vision: list[dict[str, torch.Tensor]] = []
        self.text: dict[str, torch.Tensor] = {}
        self.back: torch.Tensor | None = None
        self.handles = []
        visual, language = model.model.visual, model.model.language_model
        depth = len(visual.blocks)
        self.handles.append(
            visual.register_forward_pre_hook(
                lambda m, args, kwargs: self.take_order(visual, kwargs["grid_thw"]),
                with_kwargs=True,
            )
        )
        self.on(visual.patch_embed, lambda out: self.vision.append({"patch_embed": out}))
        if case.family == QWEN3_MOE:
            self.before(visual.blocks[0], lambda x: self.note_vision("position_added", x))
            for k, index in enumerate(sorted(case.vision.deepstack)):
                merger = visual.deepstack_merger_list[case.vision.deepstack.index(index)]
                self.on(merger, lambda out, k=k: self.note_vision(f"deepstack.{k}", out))
        for b in range(depth):
            self.on(visual.blocks[b], lambda out, b=b: self.note_vision(f"block.{b}", out, 4))
        self.on(visual.merger, lambda out: self.note_vision("connector", out, 1))

        layers = language.layers
        self.before(layers[0], lambda x: self.note_text("inputs_embeds", x[0]))
        for i in range(1, len(layers)):
            self.before(layers[i], lambda x, i=i: self.note_text(f"layer.{i - 1}", x[0]))
        self.before(language.norm, lambda x: self.note_text(f"layer.{len(layers) - 1}", x[0]))
        self.on(language.norm, lambda out: self.note_text("norm", out[0]))

    def take_order(self, visual: Any, grids: torch.Tensor) -> None:
        if self.case.family == QWEN2_5:
            order, _ = get_vision_window_index(
                grids, visual.spatial_merge_size, visual.window_size, visual.patch_size
            )
            self.back = torch.argsort(order)

    def on(self, module: torch.nn.Module, use: Any) -> None:
        self.handles.append(module.register_forward_hook(lambda m, args, out: use(out)))

    def before(self, module: torch.nn.Module, use: Any) -> None:
        def hook(m: torch.nn.Module, args: tuple, kwargs: dict) -> None:
            use(args[0] if args else kwargs["hidden_states"])

        self.handles.append(module.register_forward_pre_hook(hook, with_kwargs=True))

    def note_vision(self, name: str, value: torch.Tensor, unit: int = 0) -> None:
        """`unit`: the rows that a window's order moves together, if it moves them at all."""
        if self.back is not None and unit:
            units = value.reshape(-1, unit, value.shape[-1])
            value = units[self.back].reshape(value.shape)
        self.vision[-1][name] = value

    def note_text(self, name: str, value: torch.Tensor) -> None:
        self.text[name] = value

    def close(self) -> None:
        for handle in self.handles:
            handle.remove()


def record(model: Any, case: Case, batch: dict[str, torch.Tensor]) -> tuple[Recorder, torch.Tensor]:
    recorder = Recorder(model, case)
    model.model.rope_deltas = None
    result = model(**batch, use_cache=False)
    recorder.close()
    return recorder, result.logits[0]


def noise(model: Any, case: Case, batch: dict[str, torch.Tensor]) -> float:
    """The largest difference that single precision makes to any recorded value."""
    single, logits = record(model, case, batch)
    double, logits_double = record(model.double(), case, batch)
    model.float()
    pairs = [(logits, logits_double)]
    pairs += [(single.text[name], double.text[name]) for name in single.text]
    for one, other in zip(single.vision, double.vision, strict=True):
        pairs += [(one[name], other[name]) for name in one]
    return max(float((a.double() - b.double()).abs().max()) for a, b in pairs)


class RouterMargins:
    """How clearly each token's experts were chosen, over all that runs while this is open."""

    def __init__(self, model: Any, case: Case) -> None:
        self.smallest = 1.0
        self.used: set[int] = set()
        self.chosen = case.text.experts.chosen
        self.handles = [
            module.register_forward_hook(lambda m, args, out: self.note(out[0], out[2]))
            for name, module in model.named_modules()
            if name.endswith("mlp.gate")
        ]
        assert (case.family == QWEN3_MOE) == bool(self.handles)

    def note(self, logits: torch.Tensor, chosen: torch.Tensor) -> None:
        likely = logits.softmax(-1).sort(-1, descending=True).values
        if self.chosen < likely.shape[-1]:
            gap = likely[:, self.chosen - 1] - likely[:, self.chosen]
            self.smallest = min(self.smallest, float(gap.min()))
        self.used |= set(chosen.flatten().tolist())

    def close(self) -> None:
        for handle in self.handles:
            handle.remove()


def run_case(case: Case, out: Path) -> str:
    folder = out / case.name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    write_pictures(folder, case)
    write_json(folder / "messages.json", case.messages)
    config_of(case).save_pretrained(folder)  # AutoProcessor looks at it
    write_processor(folder, case)
    inputs = read_inputs(folder, case, VIDEO_FPS)
    pillow = read_inputs(folder, case, VIDEO_FPS, pillow=True)

    first = sum(case.name.encode()) * 1000
    for seed in range(first, first + MAX_SEEDS):
        model = write_checkpoint(folder, case, seed)
        router = RouterMargins(model, case)
        tokens, logits = greedy(model, inputs.batch)
        router.close()
        good = (
            margins(logits).min() > MIN_MARGIN
            and router.smallest > MIN_ROUTER_MARGIN
            and (case.family != QWEN3_MOE or len(router.used) == case.text.experts.count)
            and len(set(tokens)) >= MIN_DISTINCT
            and not set(tokens) & set(default_eos())
            and depends_on_pictures(model, inputs, tokens)
            and noise(model, case, inputs.batch) < MAX_NOISE
            and stands_firm(model, inputs, tokens, pillow)
        )
        if good:
            break
    else:
        raise RuntimeError(f"{case.name}: no seed gives a clear greedy path")

    batch = inputs.batch
    eos = default_eos()
    stopped, _ = greedy(model, batch, eos_token_id=eos)
    recorder, all_logits = record(model, case, batch)
    tensors: dict[str, torch.Tensor] = {}
    kinds = [
        (prefix, batch[grid], batch[pixels])
        for prefix, grid, pixels in (
            ("image", "image_grid_thw", "pixel_values"),
            ("video", "video_grid_thw", "pixel_values_videos"),
        )
        if grid in batch
    ]
    for (prefix, grids, pixels), stages in zip(kinds, recorder.vision, strict=True):
        tensors.update(split_by_item(prefix, grids, pixels, stages))
    tensors.update({f"text.{name}": value for name, value in recorder.text.items()})
    tensors["logits.last"] = all_logits[-1]
    assert torch.allclose(all_logits[-1], logits[0], atol=1e-4)
    tensors = {name: value.float().contiguous().clone() for name, value in sorted(tensors.items())}
    save_file(tensors, folder / "expected.safetensors")

    expected = describe(
        folder,
        case,
        inputs,
        positions_of(model, batch),
        Answer(tokens, logits, eos, stopped),
        tensors,
        seed,
        noise(model, case, batch),
    )
    if "second_per_grid_ts" in batch:
        expected["secondPerGridTs"] = torch.as_tensor(batch["second_per_grid_ts"]).tolist()
    write_expected(folder / "expected.json", expected)

    for file in folder.iterdir():
        file.chmod(0o644)
    total = sum(f.stat().st_size for f in folder.iterdir())
    return (
        f"{case.name:24} seed {seed} margin {expected['smallestMargin']:.3f} prompt"
        f" {len(expected['promptTokenIds'])} distinct {len(set(tokens))} grids"
        f" {expected['imageGridThw']} {expected['videoGridThw']} router {router.smallest:.4f}"
        f" weights {(folder / 'model.safetensors').stat().st_size // 1024} KiB, expected"
        f" {(folder / 'expected.safetensors').stat().st_size // 1024} KiB, all {total // 1024} KiB"
    )


@torch.no_grad()
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--only", nargs="*", default=None)
    options = parser.parse_args()
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    options.out.mkdir(parents=True, exist_ok=True)
    for case in CASES:
        if options.only is None or case.name in options.only:
            print(run_case(case, options.out), flush=True)


if __name__ == "__main__":
    main()
