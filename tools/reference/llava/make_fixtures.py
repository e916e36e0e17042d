"""Writes the LLaVA fixtures: tiny random checkpoints and what transformers makes of them.

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
from PIL import Image
from safetensors.torch import save_file
from transformers import (
    AutoProcessor,
    AutoTokenizer,
    CLIPImageProcessor,
    GenerationConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaNextConfig,
    LlavaNextForConditionalGeneration,
    LlavaNextImageProcessor,
    LlavaNextProcessor,
    LlavaProcessor,
    SiglipImageProcessor,
)

from transformers.models.llava_next.modeling_llava_next import image_size_to_num_patches

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent / "clip"))

import tokenizer_files
from cases import CASES, Case
from pictures import picture, write_png
from weights import coarse, randomise

NEW_TOKENS = 24
# A greedy step counts only if the runner-up is at least this far away, in logits.
MIN_MARGIN = 0.02
MIN_DISTINCT = 8
# No recorded value may move by more than this when the reference runs in double precision: what
# remains of the tests' 1e-4 is for the implementation under test.
MAX_NOISE = 2.5e-5
MAX_SEEDS = 400

Tensors = dict[str, torch.Tensor]

CONFIG = {"llava": LlavaConfig, "llava_next": LlavaNextConfig}
MODEL = {
    "llava": LlavaForConditionalGeneration,
    "llava_next": LlavaNextForConditionalGeneration,
}
PROCESSOR = {"llava": LlavaProcessor, "llava_next": LlavaNextProcessor}


# --------------------------------------------------------------------------- checkpoint


def config_of(case: Case) -> Any:
    tokenizer = tokenizer_files.build(case.tokenizer)
    ends = {} if case.tokenizer == "llama" else {"eos_token_id": tokenizer.token_to_id("<|im_end|>")}
    return CONFIG[case.family](
        vision_config=dict(case.vision),
        text_config={**case.text, **ends},
        image_token_index=tokenizer.token_to_id(tokenizer_files.IMAGE),
        **case.top,
    )


def build(case: Case, seed: int) -> torch.nn.Module:
    model = MODEL[case.family](config_of(case))
    randomise(model, seed)
    embeddings = model.get_input_embeddings().weight
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        embeddings.copy_(coarse(0.5 * torch.randn(embeddings.shape, generator=generator)))
        if not model.config.tie_word_embeddings:
            model.lm_head.weight.mul_(2)
        if case.tokenizer == "llama":
            # Bytes are rare in what models write; most runs of random ones are no text at all.
            first = tokenizer_files.build("llama").token_to_id(tokenizer_files.BYTES[0])
            model.lm_head.weight[first : first + len(tokenizer_files.BYTES)].mul_(0.125)
    return model


def stored_name(name: str, style: str) -> str:
    """The name that a tensor of the model in memory has in files of a kind."""
    if style in ("published", "in_memory_4"):
        name = name.replace("model.vision_tower.", "model.vision_tower.vision_model.")
    if style in ("in_memory", "in_memory_4"):
        return name
    if name.startswith("lm_head"):
        return "language_model." + name
    if name.startswith("model.language_model."):
        return name.replace("model.language_model.", "language_model.model.")
    return name.removeprefix("model.")


def write_checkpoint(folder: Path, case: Case, seed: int) -> None:
    model = build(case, seed).to(getattr(torch, case.dtype))
    state = model.state_dict()
    if model.config.tie_word_embeddings:
        state.pop("lm_head.weight")
    tensors = {stored_name(name, case.names): value for name, value in state.items()}
    if case.names == "saved":
        check_names(folder / "saved", model, tensors)
    if case.names == "published":  # early files hold what is only counted
        count = len(tensors["vision_tower.vision_model.embeddings.position_embedding.weight"])
        ids = torch.arange(count).expand(1, -1).contiguous()
        tensors["vision_tower.vision_model.embeddings.position_ids"] = ids
    save_file(dict(sorted(tensors.items())), folder / "model.safetensors", {"format": "pt"})
    model.config.architectures = [MODEL[case.family].__name__]
    model.config.dtype = case.dtype
    model.config.save_pretrained(folder)
    if case.names == "published":
        write_json(folder / "config.json", published_config(case, model.config))
    write_generation_config(folder, case, default_eos(case))


def check_names(folder: Path, model: Any, tensors: Tensors) -> None:
    """Ours must be the names that save_pretrained writes."""
    model.generation_config = GenerationConfig()
    model.save_pretrained(folder)
    written = json.loads(header(folder / "model.safetensors"))
    shutil.rmtree(folder)
    written.pop("__metadata__", None)
    assert set(written) == set(tensors), set(written) ^ set(tensors)


def header(path: Path) -> str:
    data = path.read_bytes()
    return data[8 : 8 + int.from_bytes(data[:8], "little")].decode()


def published_config(case: Case, config: Any) -> dict[str, Any]:
    """Like llava-1.5-7b-hf's: little beyond what differs from the defaults."""
    return {
        "architectures": [MODEL[case.family].__name__],
        "ignore_index": -100,
        **case.top,
        "image_token_index": config.image_token_index,
        "model_type": case.family,
        "pad_token_id": config.image_token_index + 1,
        "projector_hidden_act": "gelu",
        "text_config": {**case.text, "torch_dtype": case.dtype},
        "tie_word_embeddings": False,
        "torch_dtype": case.dtype,
        "transformers_version": "4.36.0.dev0",
        "vision_config": case.vision,
        "vision_feature_layer": -2,
        "vision_feature_select_strategy": "default",
        "vocab_size": case.text["vocab_size"],
    }


def default_eos(case: Case) -> list[int]:
    end = tokenizer_files.END if case.tokenizer == "llama" else "<|im_end|>"
    return [tokenizer_files.build(case.tokenizer).token_to_id(end)]


def write_generation_config(folder: Path, case: Case, eos: list[int]) -> None:
    config: dict[str, Any] = {"_from_model_config": True}
    if case.tokenizer == "llama":
        config["bos_token_id"] = 1
    config["eos_token_id"] = eos[0] if len(eos) == 1 else eos
    config["transformers_version"] = transformers.__version__
    write_json(folder / "generation_config.json", config)


def write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


# --------------------------------------------------------------------------- inputs


def image_processor(case: Case) -> Any:
    side = case.vision["image_size"]
    if case.family == "llava_next":
        return LlavaNextImageProcessor(
            size={"shortest_edge": side},
            crop_size={"height": side, "width": side},
            image_grid_pinpoints=case.top["image_grid_pinpoints"],
        )
    if case.vision["model_type"].startswith("siglip"):
        return SiglipImageProcessor(size={"height": side, "width": side}, resample=3)
    return CLIPImageProcessor(
        size={"shortest_edge": side}, crop_size={"height": side, "width": side}
    )


def write_processor(folder: Path, case: Case) -> None:
    template = (HERE / "templates" / f"{case.template}.jinja").read_text(encoding="utf-8")
    template = template.removesuffix("\n")
    tokenizer_files.write(folder, case.tokenizer, {})
    config = CONFIG[case.family].from_pretrained(folder)
    processor = PROCESSOR[case.family](
        image_processor=image_processor(case),
        tokenizer=AutoTokenizer.from_pretrained(folder),
        patch_size=case.vision["patch_size"],
        vision_feature_select_strategy=config.vision_feature_select_strategy,
        num_additional_image_tokens=int(case.vision["model_type"].startswith("clip")),
        chat_template=template,
    )
    saved = folder / "saved"
    processor.save_pretrained(saved)
    whole = json.loads((saved / "processor_config.json").read_text(encoding="utf-8"))
    shutil.rmtree(saved)
    if case.processor == "joined":
        write_json(folder / "processor_config.json", whole)
        (folder / "chat_template.jinja").write_text(template, encoding="utf-8")
        return
    pictures = whole.pop("image_processor")
    write_json(folder / "preprocessor_config.json", {**pictures, "processor_class": PROCESSOR[case.family].__name__})
    write_json(folder / "processor_config.json", whole)
    write_json(folder / "chat_template.json", {"chat_template": template})


def read_inputs(folder: Path, case: Case) -> tuple[str, Tensors]:
    processor = AutoProcessor.from_pretrained(folder)
    messages = json.loads(json.dumps(case.messages))
    for message in messages:
        for part in message["content"]:
            if part["type"] == "image":
                part["image"] = Image.open(folder / part["image"])
    options = dict(add_generation_prompt=True)
    prompt = processor.apply_chat_template(messages, tokenize=False, **options)
    batch = processor.apply_chat_template(
        messages, tokenize=True, return_dict=True, return_tensors="pt", **options
    )
    names = ("input_ids", "pixel_values", "image_sizes", "attention_mask")
    return prompt, {name: batch[name] for name in names if name in batch}


def pixels_of(folder: Path, case: Case) -> Tensors:
    """All pictures of a case, whether the messages show them or not."""
    if not case.pictures:
        return {}
    images = [Image.open(folder / name) for name in case.pictures]
    processor = AutoProcessor.from_pretrained(folder).image_processor
    return dict(processor(images, return_tensors="pt"))


# --------------------------------------------------------------------------- reference run


def load_model(folder: Path, case: Case) -> Any:
    model, report = MODEL[case.family].from_pretrained(
        folder, dtype=torch.float32, attn_implementation="eager", output_loading_info=True
    )
    assert not report["missing_keys"], report
    return model.eval()


def greedy(model: Any, batch: Tensors, **options: Any) -> tuple[list[int], torch.Tensor]:
    """Greedy tokens and the raw logits of each step; no eos unless given."""
    model.generation_config = GenerationConfig(pad_token_id=0)
    out = model.generate(
        **batch,
        do_sample=False,
        max_new_tokens=NEW_TOKENS,
        output_logits=True,
        return_dict_in_generate=True,
        **options,
    )
    tokens = out.sequences[0, batch["input_ids"].shape[1] :].tolist()
    return tokens, torch.stack([step[0] for step in out.logits])


def margins(logits: torch.Tensor) -> torch.Tensor:
    top = logits.topk(2, dim=-1).values
    return top[:, 0] - top[:, 1]


def depends_on_pictures(model: Any, batch: Tensors, tokens: list[int]) -> bool:
    """Whether each picture by itself changes the answer."""
    for i in range(len(batch.get("pixel_values", []))):
        changed = batch["pixel_values"].clone()
        changed[i] *= -1
        if greedy(model, {**batch, "pixel_values": changed})[0] == tokens:
            return False
    return True


def record(model: Any, batch: Tensors, pixels: Tensors) -> Tensors:
    """Every stage of one prefill; `image.I.` are a picture's, without the batch dimension."""
    tensors: Tensors = {}
    selected: list[torch.Tensor] = []
    layers = model.model.language_model.layers
    hooks = [
        model.model.multi_modal_projector.register_forward_pre_hook(
            lambda module, args: selected.append(args[0])
        )
    ]
    for i, layer in enumerate(layers):
        hooks.append(
            layer.register_forward_hook(
                lambda module, args, out, i=i: tensors.update({f"text.layer.{i}": out[0]})
            )
        )
    hooks.append(
        layers[0].register_forward_pre_hook(
            lambda module, args: tensors.update({"text.inputs_embeds": args[0][0]})
        )
    )
    out = model.model(**batch, use_cache=False)
    tensors["text.norm"] = out.last_hidden_state[0]
    tensors["logits"] = model.lm_head(out.last_hidden_state[0])
    if pixels:
        # padded to the greatest number of tiles, and each picture's own number
        frames = pixels["pixel_values"]
        tiles = [1] * len(frames)
        if "image_sizes" in pixels:
            tiles = [
                image_size_to_num_patches(
                    size, model.config.image_grid_pinpoints, model.config.vision_config.image_size
                )
                for size in pixels["image_sizes"]
            ]
            frames = torch.cat([each[:count] for each, count in zip(frames, tiles, strict=True)])
        seen = model.model.vision_tower(frames, output_hidden_states=True)
        stages = {f"hidden_states.{k}": state for k, state in enumerate(seen.hidden_states)}
        stages["last_hidden_state"] = seen.last_hidden_state
        embeddings = model.get_image_features(**pixels).pooler_output
        stages["selected"] = selected[-1]
        stages["pixel_values"] = frames
        for name, value in stages.items():
            for i, part in enumerate(value.split(tiles)):
                tensors[f"image.{i}.{name}"] = part.squeeze(0)
        for i, part in enumerate(embeddings):
            tensors[f"image.{i}.connector"] = part
    for hook in hooks:
        hook.remove()
    return tensors


def in_double(tensors: Tensors) -> Tensors:
    return {k: v.double() if v.is_floating_point() else v for k, v in tensors.items()}


def noise(model: Any, batch: Tensors, pixels: Tensors) -> float:
    """The largest difference that single precision makes to any recorded value."""
    single = record(model, batch, pixels)
    double = record(model.double(), in_double(batch), in_double(pixels))
    model.float()
    return max(float((single[name].double() - double[name]).abs().max()) for name in single)


def run_case(case: Case, out: Path) -> str:
    folder = out / case.name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for index, (name, (width, height)) in enumerate(case.pictures.items()):
        write_png(picture(width, height, seed=500 + 31 * index + width), folder / name)
    write_json(folder / "messages.json", case.messages)
    config_of(case).save_pretrained(folder)  # AutoProcessor looks at it
    write_processor(folder, case)
    prompt, batch = read_inputs(folder, case)
    pixels = pixels_of(folder, case)
    if "pixel_values" in batch:
        assert torch.equal(batch["pixel_values"], pixels["pixel_values"])

    first = sum(case.name.encode()) * 1000
    for seed in range(first, first + MAX_SEEDS):
        write_checkpoint(folder, case, seed)
        model = load_model(folder, case)
        tokens, logits = greedy(model, batch)
        if (
            margins(logits).min() > MIN_MARGIN
            and len(set(tokens)) >= MIN_DISTINCT
            and not set(tokens) & {*default_eos(case), model.config.image_token_index}
            and depends_on_pictures(model, batch, tokens)
            and noise(model, batch, pixels) < MAX_NOISE
        ):
            break
    else:
        raise RuntimeError(f"{case.name}: no seed gives a clear greedy path")

    eos = default_eos(case)
    if case.eos_in_the_way:
        step = next(i for i in range(6, NEW_TOKENS) if tokens[i] not in tokens[:i])
        eos = [*eos, tokens[step]]
        write_generation_config(folder, case, eos)
    stopped, _ = greedy(model, batch, eos_token_id=eos)

    tensors = record(model, batch, pixels)
    assert torch.allclose(tensors["logits"][-1], logits[0], atol=1e-4)
    if "pixel_values" in batch:  # all rows say little more than the last, and take room
        tensors["logits"] = tensors["logits"][-1:]
    tensors = {name: value.float().contiguous().clone() for name, value in sorted(tensors.items())}
    save_file(tensors, folder / "expected.safetensors")
    tokenizer = AutoProcessor.from_pretrained(folder).tokenizer
    logprobs = torch.log_softmax(logits.double(), dim=-1)
    expected = {
        "case": case.name,
        "transformers": transformers.__version__,
        "torch": torch.__version__.split("+")[0],
        "seed": seed,
        "weights": case.dtype,
        "names": case.names,
        "prompt": prompt,
        "promptTokenIds": batch["input_ids"][0].tolist(),
        "imageTokenId": model.config.image_token_index,
        "pictures": list(case.pictures),
        "greedyTokens": tokens,
        "greedyText": tokenizer.decode(tokens, skip_special_tokens=True),
        "logprobs": [round(float(row[t]), 6) for t, row in zip(tokens, logprobs, strict=True)],
        "smallestMargin": round(float(margins(logits).min()), 4),
        "singlePrecisionNoise": float(f"{noise(model, batch, pixels):.1e}"),
        "eosTokenIds": eos,
        "tokensUntilEos": stopped,
        "finishReason": "stop" if stopped[-1] in eos else "length",
    }
    lines = [f"  {json.dumps(k)}: {json.dumps(v, ensure_ascii=False)}" for k, v in expected.items()]
    (folder / "expected.json").write_text(
        "{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8"
    )
    for file in folder.iterdir():
        file.chmod(0o644)
    total = sum(f.stat().st_size for f in folder.iterdir())
    return (
        f"{case.name:22} seed {seed} margin {expected['smallestMargin']:.3f} prompt"
        f" {len(expected['promptTokenIds'])} distinct {len(set(tokens))} noise"
        f" {expected['singlePrecisionNoise']} all {total // 1024} KiB"
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
