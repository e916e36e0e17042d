"""Writes the MiniMind-V fixtures: tiny random checkpoints and what the published code computes.

Usage: python make_fixtures.py --clone PATH --out FOLDER [--only CASE ...]

PATH is a clone of https://github.com/jingyaogong/minimind-v with its history; MINIMIND_V in the
environment does as well.
"""

import argparse
import json
import os
import sys
import tempfile
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
from transformers import AutoTokenizer

sys.path.append(str(Path(__file__).resolve().parent.parent / "clip"))

import tokenizer_files
import vision_models
from cases import CASES, Case
from pictures import picture, write_png
from published import COMMITS, Published, load, text_classes
from weights import coarse

NEW_TOKENS = 24
# A greedy step counts only if the runner-up is at least this far away, in logits.
MIN_MARGIN = 0.03
MIN_DISTINCT = 8
# Experts are chosen by probabilities; the last chosen must be this far ahead of the next.
MIN_ROUTING_GAP = 1e-4
MAX_SEEDS = 300
HIDDEN = 32
MERGED = vision_models.TOKENS // 4

# Layouts b to e in the words of layout a.
OLD_NAMES = {
    "hidden_size": "dim",
    "num_hidden_layers": "n_layers",
    "num_attention_heads": "n_heads",
    "num_key_value_heads": "n_kv_heads",
    "intermediate_size": "hidden_dim",
    "rms_norm_eps": "norm_eps",
}

Tensors = dict[str, torch.Tensor]


# --------------------------------------------------------------------------- checkpoint


def placeholders(case: Case) -> int:
    return MERGED if case.layout in "cd" else vision_models.TOKENS


def placeholder(case: Case) -> str:
    return ("@" if case.layout[0] in "ab" else "<|image_pad|>") * placeholders(case)


def config_of(case: Case, published: Published) -> Any:
    values: dict[str, Any] = {
        "hidden_size": HIDDEN,
        "num_hidden_layers": 2,
        "intermediate_size": 20 if case.config.get("use_moe") else 40,
        "vocab_size": tokenizer_files.CUT[case.layout],
    }
    if case.layout[0] in "ab":
        if not case.text_only:
            values["image_special_token"] = placeholder(case)
            values["image_ids"] = [34] * placeholders(case)
    elif not case.text_only:
        values["image_hidden_size"] = vision_models.WIDTH
        values["image_token_len"] = placeholders(case)
    values |= case.config
    if case.layout == "a":
        values = {OLD_NAMES.get(name, name): value for name, value in values.items()}
    cls = text_classes(published)[1] if case.text_only else published.config_class
    return cls(**values)


def adapt(case: Case, published: Published, vision: Path) -> None:
    """Sizes that the published code has as defaults of functions, and where the encoder is."""
    module = published.module
    if case.layout[0] in "ab":
        module.VisionProj.__init__.__defaults__ = (vision_models.WIDTH, HIDDEN)
        # Only its picture half is used, and the whole would ask for a vocabulary.
        module.CLIPProcessor = transformers.CLIPImageProcessor
        module.MiniMindVLM.get_vision_model.__defaults__ = (str(vision),)
    else:
        module.MMVisionProjector.__init__.__defaults__ = (vision_models.TOKENS, MERGED)


def build(case: Case, published: Published, vision: Path) -> torch.nn.Module:
    config = config_of(case, published)
    if case.text_only:
        return text_classes(published)[0](config).eval()
    adapt(case, published, vision)
    if case.layout == "a":
        model = published.model_class(config)
    else:
        model = published.model_class(config, vision_model_path=str(vision))
    model.vision_encoder.float()
    return model.eval()


def randomise(model: torch.nn.Module, seed: int) -> None:
    """Weights that leave nothing neutral: no norm weight is 1, no bias 0, no attention uniform."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, weight in sorted(model.named_parameters()):
            if name.startswith("vision_encoder."):
                continue
            noise = torch.randn(weight.shape, generator=generator)
            if name.endswith("bias"):
                value = 0.2 * noise
            elif weight.ndim == 1:
                value = 1 + 0.25 * noise
            elif name.endswith(("embeddings.weight", "embed_tokens.weight", "lm_head.weight")):
                value = 0.5 * noise
            elif name.endswith("output.weight"):
                value = 0.5 * noise
            else:
                sharp = name.endswith(("wq.weight", "wk.weight", "q_proj.weight", "k_proj.weight"))
                value = noise * (1.8 if sharp else 1.3) / weight.shape[-1] ** 0.5
            weight.copy_(coarse(value))


def own_state(model: torch.nn.Module) -> Tensors:
    """What the trainers save: everything but the vision encoder."""
    return {k: v for k, v in model.state_dict().items() if not k.startswith("vision_encoder.")}


def write_json(path: Path, value: Any) -> None:
    text = json.dumps(value, indent=1, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")


def published_config(model: Any, case: Case) -> dict[str, Any]:
    """config.json as scripts/convert_vlm.py leaves it."""
    config = json.loads(model.config.to_json_string())
    config["architectures"] = [type(model).__name__]
    config["torch_dtype"] = "bfloat16"
    config.pop("dtype", None)
    # What transformers 5 makes of the original field.
    config["rope_scaling"] = config.pop("rope_parameters", None) or None
    config["transformers_version"] = "4.57.6"
    if case.layout == "e":
        config["tie_word_embeddings"] = True
    return config


def write_checkpoint(folder: Path, model: Any, case: Case, tokenizer: Path) -> str:
    state = own_state(model)
    if case.form == "folder":
        name = "pytorch_model.bin"
        # Tied weights are written once, as older versions of transformers do in this format.
        torch.save({k: v for k, v in model.to(torch.bfloat16).state_dict().items() if k in state},
                   folder / name)
        model.float()
        write_json(folder / "config.json", published_config(model, case))
        for file in tokenizer.iterdir():
            (folder / file.name).write_bytes(file.read_bytes())
        return name
    kind = "llm" if case.text_only else "sft_vlm"
    name = f"{kind}_{HIDDEN}{'_moe' if case.config.get('use_moe') else ''}.pth"
    if case.layout != "a":
        state = {key: value.half().cpu() for key, value in state.items()}
    torch.save(state, folder / name)
    if case.configured:
        write_json(folder / "model-config.json", published_config(model, case))
    return name


# --------------------------------------------------------------------------- inputs


def read_pictures(folder: Path, case: Case, model: Any) -> Any:
    """Pictures as eval_vlm.py and lm_dataset.py hand them to the model."""
    if case.text_only:
        return None
    inputs = [
        model.image2tensor(Image.open(folder / name).convert("RGB"), model.processor)
        for name in case.pictures
    ]
    if case.layout[0] in "ab":
        return torch.cat(inputs).unsqueeze(0)
    if len(inputs) == 1:
        return dict(inputs[0])
    return {key: torch.cat([i[key] for i in inputs]).unsqueeze(0) for key in inputs[0]}


def prompt_of(case: Case, tokenizer: Any) -> str:
    content = "\n".join([placeholder(case)] * len(case.pictures) + [case.prompt])
    messages = [*system_message(case), {"role": "user", "content": content}]
    return tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)


def system_message(case: Case) -> list[dict[str, str]]:
    return [] if case.system is None else [{"role": "system", "content": case.system}]


# --------------------------------------------------------------------------- reference run


class Reference:
    """One model and its inputs."""

    def __init__(self, case: Case, model: Any, ids: torch.Tensor, pixels: Any) -> None:
        self.case = case
        self.model = model
        self.ids = ids
        self.pixels = pixels

    def logits(self, ids: torch.Tensor, pixels: Any) -> torch.Tensor:
        options: dict[str, Any] = {}
        if pixels is not None:
            options["pixel_tensors" if self.case.layout == "a" else "pixel_values"] = pixels
        return self.model(ids, use_cache=False, **options).logits[0]

    def greedy(self, pixels: Any) -> tuple[list[int], torch.Tensor]:
        ids, rows = self.ids, []
        for _ in range(NEW_TOKENS):
            rows.append(self.logits(ids, pixels)[-1].clone())
            ids = torch.cat([ids, rows[-1].argmax().reshape(1, 1)], dim=1)
        return ids[0, self.ids.shape[1] :].tolist(), torch.stack(rows)

    def layers(self) -> Any:
        return self.model.layers if hasattr(self.model, "layers") else self.model.model.layers

    def norm(self) -> Any:
        return self.model.norm if hasattr(self.model, "norm") else self.model.model.norm

    def record(self) -> tuple[Tensors, float]:
        """The tensors of one forward pass, and how near the experts came to another choice."""
        tensors: Tensors = {}
        gaps = [1.0]
        handles = []

        def after(module: torch.nn.Module, use: Any) -> None:
            handles.append(module.register_forward_hook(lambda m, args, out: use(out)))

        def note(name: str, value: torch.Tensor) -> None:
            tensors[name] = value.detach().clone().reshape(-1, value.shape[-1])

        encoded: list[torch.Tensor] = []
        if not self.case.text_only:
            clip = self.case.layout[0] in "ab"
            encoder = self.model.vision_encoder
            after(
                encoder.vision_model if clip else encoder,
                lambda out: encoded.extend(out.last_hidden_state[:, 1 if clip else 0 :]),
            )
            after(self.model.vision_proj, lambda out: note("connector", out))
        layers = self.layers()
        handles.append(
            layers[0].register_forward_pre_hook(lambda m, args: note("text.inputs_embeds", args[0]))
        )
        for i, layer in enumerate(layers):
            after(layer, lambda out, i=i: note(f"text.layer.{i}", out[0]))
        after(self.norm(), lambda out: note("text.norm", out))
        for name, module in self.model.named_modules():
            if name.endswith((".feed_forward", ".mlp")) and hasattr(module, "experts"):
                handles.append(module.register_forward_pre_hook(
                    lambda m, args: gaps.append(routing_gap(m, args[0]))
                ))
        note("logits.last", self.logits(self.ids, self.pixels)[-1:])
        for handle in handles:
            handle.remove()
        for i, features in enumerate(encoded):
            note(f"image.{i}.encoder", features)
        if encoded:
            rows = tensors.pop("connector").chunk(len(encoded))
            for i, embeddings in enumerate(rows):
                note(f"image.{i}.connector", embeddings)
        return tensors, min(gaps)


def routing_gap(mixture: Any, x: torch.Tensor) -> float:
    top = mixture.config.num_experts_per_tok
    scores = (x.reshape(-1, x.shape[-1]) @ mixture.gate.weight.T).softmax(-1)
    best = scores.topk(top + 1).values
    return float((best[:, top - 1] - best[:, top]).min())


def changed(pixels: Any, change: Any) -> Any:
    if isinstance(pixels, dict):
        return {k: change(v) if k == "pixel_values" else v for k, v in pixels.items()}
    return change(pixels)


def stands_firm(reference: Reference, tokens: list[int]) -> bool:
    """Whether the tokens depend on the pictures, but not on a level more or less here and there."""
    if reference.pixels is None:
        return True
    if reference.greedy(changed(reference.pixels, lambda v: -v))[0] == tokens:
        return False
    rng = torch.Generator().manual_seed(5)

    def noisy(values: torch.Tensor) -> torch.Tensor:
        chance = torch.rand(values.shape, generator=rng)
        sign = torch.randint(0, 2, values.shape, generator=rng) * 2 - 1
        return values + sign * ((chance < 0.05).float() + (chance < 0.01).float()) / 60

    return all(
        reference.greedy(changed(reference.pixels, noisy))[0] == tokens for _ in range(2)
    )


def search_seed(case: Case, reference: Reference) -> int:
    for seed in range(1, MAX_SEEDS):
        randomise(reference.model, seed)
        tokens, logits = reference.greedy(reference.pixels)
        top = logits.topk(2).values
        if float((top[:, 0] - top[:, 1]).min()) < MIN_MARGIN or len(set(tokens)) < MIN_DISTINCT:
            continue
        if reference.record()[1] >= MIN_ROUTING_GAP and stands_firm(reference, tokens):
            return seed
    raise ValueError(f"{case.name}: no seed makes tokens that can be relied on")


# --------------------------------------------------------------------------- writing


def write_messages(folder: Path, case: Case) -> None:
    parts = [{"type": "image", "image": name} for name in case.pictures]
    parts.append({"type": "text", "text": case.prompt})
    messages = [*system_message(case), {"role": "user", "content": parts}]
    write_json(folder / "messages.json", messages)


def pixel_tensors(pixels: Any, case: Case) -> tuple[Tensors, list[list[int]]]:
    side = vision_models.SIDE // vision_models.PATCH
    if pixels is None:
        return {}, []
    values = pixels["pixel_values"] if isinstance(pixels, dict) else pixels
    if case.layout == "c":
        height, width = pixels["spatial_shapes"][0].tolist()
        return {"image.0.pixel_values": values[0, : height * width]}, [[height, width]]
    pictures = values.reshape(-1, *values.shape[-3:])
    named = {f"image.{i}.pixel_values": value for i, value in enumerate(pictures)}
    return named, [[side, side]] * len(pictures)


def placeholder_rows(ids: list[int], case: Case) -> list[list[int]]:
    marker = 34 if case.layout[0] in "ab" else 12
    rows = [i for i, token in enumerate(ids) if token == marker]
    count = placeholders(case)
    return [rows[i * count : (i + 1) * count] for i in range(len(case.pictures))]


def make(case: Case, out: Path, clone: Path, temporary: Path) -> str:
    published = load(clone, case.layout, temporary)
    tokenizer_folder = tokenizer_files.write_cut(out, published)
    vision = out if case.text_only else vision_models.write(out, case.vision)
    folder = out / case.name
    folder.mkdir(exist_ok=True)
    for i, (name, size) in enumerate(case.pictures.items()):
        write_png(picture(*size, seed=500 + 17 * i + size[0]), folder / name)
    write_messages(folder, case)
    tokenizer = AutoTokenizer.from_pretrained(tokenizer_folder)
    prompt = prompt_of(case, tokenizer)
    ids = tokenizer(prompt).input_ids
    model = build(case, published, vision)
    pixels = read_pictures(folder, case, model)
    reference = Reference(case, model, torch.tensor([ids]), pixels)
    seed = search_seed(case, reference)
    weights = write_checkpoint(folder, model, case, tokenizer_folder)

    fresh = build(case, published, vision)
    state = torch.load(folder / weights, weights_only=True)
    missing = fresh.load_state_dict({k: v.float() for k, v in state.items()}, strict=False)
    assert not missing.unexpected_keys
    assert all(k.startswith("vision_encoder.") for k in missing.missing_keys)
    reference.model = fresh
    tensors, gap = reference.record()
    tokens, logits = reference.greedy(pixels)
    assert torch.allclose(tensors["logits.last"][0], logits[0], atol=1e-5)
    images, grids = pixel_tensors(pixels, case)
    tensors |= images
    tensors = {name: value.float().contiguous().clone() for name, value in sorted(tensors.items())}
    save_file(tensors, folder / "expected.safetensors")
    eos = tokenizer.eos_token_id
    stopped = tokens[: tokens.index(eos) + 1] if eos in tokens else tokens
    top = logits.topk(2).values
    margin = float((top[:, 0] - top[:, 1]).min())
    write_expected(folder / "expected.json", {
        "case": case.name,
        "commit": COMMITS[case.layout],
        "seed": seed,
        "weights": weights,
        "tokenizer": tokenizer_folder.name,
        "vision": None if case.text_only else vision.name,
        "modelConfig": "model-config.json" if case.configured else None,
        "prompt": prompt,
        "promptTokenIds": ids,
        "grids": grids,
        "imageRows": placeholder_rows(ids, case),
        "greedyTokens": tokens,
        "greedyText": tokenizer.decode(tokens, skip_special_tokens=True),
        "tokensUntilEos": stopped,
        "smallestMargin": round(margin, 4),
        "shapes": {name: list(value.shape) for name, value in tensors.items()},
    })
    total = sum(f.stat().st_size for f in folder.iterdir())
    return (
        f"{case.name:14} seed {seed:3} margin {margin:.3f} routing {gap:.1e} prompt {len(ids)}"
        f" distinct {len(set(tokens))} {total // 1024} KiB"
    )


def write_expected(path: Path, expected: dict[str, Any]) -> None:
    """One line per key."""
    lines = [f"  {json.dumps(k)}: {json.dumps(v, ensure_ascii=False)}" for k, v in expected.items()]
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


@torch.no_grad()
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clone", type=Path, default=os.environ.get("MINIMIND_V"))
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--only", nargs="*", default=None)
    options = parser.parse_args()
    if options.clone is None:
        parser.error("--clone, or MINIMIND_V in the environment, must name a clone of MiniMind-V")
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "NOTICE").write_text(tokenizer_files.NOTICE, encoding="utf-8")
    with tempfile.TemporaryDirectory() as temporary:
        if options.only is None:
            for layout in ("a", "e"):
                published = load(Path(options.clone), layout, Path(temporary))
                tokenizer_files.write_whole(options.out, published)
        for case in CASES:
            if options.only is None or case.name in options.only:
                line = make(case, options.out, Path(options.clone), Path(temporary))
                print(line, flush=True)


if __name__ == "__main__":
    main()
