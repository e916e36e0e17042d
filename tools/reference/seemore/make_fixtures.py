"""Writes the fixtures of the from-scratch tutorial model: tiny random state dicts of seemore
(https://github.com/AviSoori1x/seemore, MIT licence) and what its published code makes of them.

The code is imported from a clone and not part of this repository. Its `generate` adds the positions
again at every step and leaves out the last norm, so that it does not continue what was trained; greedy
tokens here are those of its `forward`, which training uses.

Usage: python make_fixtures.py --seemore CLONE --out FOLDER
"""

import argparse
import importlib
import json
import os
import sys
import types
from dataclasses import dataclass
from pathlib import Path
from typing import Any

try:  # only needed where torchvision's native library does not match torch
    import torchvision_shim  # noqa: F401
except ImportError:
    pass

import numpy as np
import torch
import torchvision.transforms as transforms
from PIL import Image
from safetensors.torch import save_file

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "qwen3vl"), str(HERE.parent / "clip")]

from pictures import picture, write_png  # noqa: E402
from weights import coarse  # noqa: E402

IGNORED = -100
NEW_TOKENS = 20
MIN_MARGIN = 0.02
MIN_DISTINCT = 6
# No recorded value may move by more than this when the reference runs in double precision.
MAX_NOISE = 2.5e-5
MAX_SEEDS = 300
MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]

# Has the 65 characters of the text that the tutorial takes its vocabulary from.
SIXTY_FIVE = """The quick brown fox jumps over the lazy dog; why not?
PACK MY BOX WITH FIVE DOZEN LIQUOR JUGS, 'twas said: 3 for $9 - & gone!
Vexed zebras. A jay, a kiwi... Quite fine.
""".replace("9", "3")
FEW = "a red box on a blue sea\n"


@dataclass(frozen=True)
class Case:
    name: str
    file: str
    text: str
    prompt: str
    answer: str
    embedding: int = 12
    vision: int = 16
    heads: int = 4
    layers: int = 3
    blocks: int = 2
    image: int = 96
    patch: int = 16
    half: bool = False
    mode: str = "RGB"


CASES = [
    Case("published_sizes", "seemore.pt", SIXTY_FIVE, "A car on ", "the road: 3 cars!"),
    Case(
        "half_checkpoint",
        "epoch_2.pth",
        FEW,
        "a box",
        " on a sea",
        embedding=15,
        vision=20,
        heads=5,
        layers=2,
        blocks=3,
        image=24,
        patch=8,
        half=True,
        mode="RGBA",
    ),
]


def published(clone: Path) -> types.ModuleType:
    """Imports seemore.py, which reads ./input.txt and wants pandas for its training data only."""
    sys.modules.setdefault("pandas", types.ModuleType("pandas"))
    sys.path.insert(0, str(clone))
    here = os.getcwd()
    os.chdir(clone)
    try:
        return importlib.import_module("seemore")
    finally:
        os.chdir(here)


def randomise(model: torch.nn.Module, seed: int) -> None:
    """Weights that leave nothing neutral: no norm is 1, no bias 0, no attention flat."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, weight in sorted(model.named_parameters()):
            noise = torch.randn(weight.shape, generator=generator)
            if name.endswith("bias"):
                value = 0.2 * noise
            elif ".ln" in name or "layer_norm" in name:
                value = 1 + 0.25 * noise
            elif "embedding_table" in name or name.endswith(("pos_embedding", "cls_token")):
                value = 0.6 * noise
            else:
                gain = 2.5 if name.endswith(("query.weight", "key.weight")) else 1.2
                value = noise * gain / weight[0].numel() ** 0.5
            weight.copy_(coarse(value))


def build(seemore: types.ModuleType, case: Case, vocabulary: int, seed: int) -> torch.nn.Module:
    model = seemore.VisionLanguageModel(
        case.embedding, case.vision, vocabulary, case.layers, case.image, case.patch, case.heads,
        case.blocks, 0.1, 0.1,
    )  # fmt: skip
    randomise(model, seed)
    return (model.half().float() if case.half else model).eval()


def greedy(model: Any, image: torch.Tensor | None, ids: list[int]) -> tuple[list[int], float]:
    tokens, margin = [], float("inf")
    features = None if image is None else model.vision_encoder(image)
    for _ in range(NEW_TOKENS):
        logits = model.decoder(torch.tensor([ids + tokens]), features)[0, -1]
        top = logits.topk(2)
        margin = min(margin, float(top.values[0] - top.values[1]))
        tokens.append(int(top.indices[0]))
    return tokens, margin


def record(model: Any, image: torch.Tensor, ids: list[int]) -> dict[str, torch.Tensor]:
    """The stages of one forward pass, by hooks."""
    tensors: dict[str, torch.Tensor] = {}
    handles = []

    def on(module: torch.nn.Module, name: str) -> None:
        handles.append(
            module.register_forward_hook(lambda m, args, out: tensors.update({name: out[0]}))
        )

    def before(module: torch.nn.Module, name: str) -> None:
        handles.append(
            module.register_forward_pre_hook(lambda m, args: tensors.update({name: args[0][0]}))
        )

    vision, decoder = model.vision_encoder, model.decoder
    on(vision.patch_embedding, "vision.patch_embeddings")
    before(vision.blocks[0], "vision.hidden_states.0")
    for i, block in enumerate(vision.blocks):
        on(block, f"vision.hidden_states.{i + 1}")
    handles.append(
        vision.register_forward_hook(lambda m, args, out: tensors.update({"vision.pooled": out}))
    )
    handles.append(
        decoder.image_projection.register_forward_hook(
            lambda m, args, out: tensors.update({"connector": out})
        )
    )
    before(decoder.blocks[0], "text.hidden_states.0")
    for i, block in enumerate(decoder.blocks):
        on(block, f"text.hidden_states.{i + 1}")
    on(decoder.ln_f, "text.last_hidden_state")
    logits = model(image, torch.tensor([ids]))
    tensors["logits"] = logits[0]
    for handle in handles:
        handle.remove()
    return {name: value.detach().contiguous() for name, value in tensors.items()}


def noise(model: Any, image: torch.Tensor, ids: list[int]) -> float:
    single = record(model, image, ids)
    double = record(model.double(), image.double(), ids)
    model.float()
    return max(float((single[name].double() - double[name]).abs().max()) for name in single)


def losses(model: Any, image: torch.Tensor, ids: list[int], answer: list[int]) -> dict[str, Any]:
    """The published loss: of the whole text but for some ignored targets, and of an answer."""
    targets = ids[1:] + [IGNORED]
    targets[len(targets) // 2] = IGNORED
    _, loss = model(image, torch.tensor([ids]), torch.tensor([targets]))
    whole = ids + answer
    only = [IGNORED] * (len(ids) - 1) + answer + [IGNORED]
    logits, of_answer = model(image, torch.tensor([whole]), torch.tensor([only]))
    rows = torch.log_softmax(logits[0, len(ids) : len(whole)].double(), dim=-1)
    chosen = rows.gather(1, torch.tensor([answer]).T)[:, 0]
    return {
        # One position more than tokens: the picture's comes first.
        "targets": [IGNORED] + targets,
        "loss": round(float(loss), 6),
        "answerLoss": round(float(of_answer), 6),
        "answerLogprobs": [round(float(value), 6) for value in chosen],
    }


def save(model: torch.nn.Module, case: Case, path: Path) -> None:
    state = model.half().state_dict() if case.half else model.state_dict()
    if case.half:  # as training scripts save it
        step = {"state": {}, "param_groups": [{"lr": 1e-3, "params": [0]}]}
        state = {"epoch": 2, "model_state_dict": state, "optimizer_state_dict": step, "loss": 1.5}
    torch.save(state, path)
    model.float()


def run_case(seemore: types.ModuleType, case: Case, out: Path) -> str:
    folder = out / case.name
    folder.mkdir(parents=True, exist_ok=True)
    characters = sorted(set(case.text))
    ids_of = {character: i for i, character in enumerate(characters)}
    if len(characters) == 65:
        assert characters == seemore.chars, set(characters) ^ set(seemore.chars)
    pad, vocabulary = len(characters), len(characters) + 1
    (folder / "input.txt").write_text(case.text, encoding="utf-8")

    drawn = picture(61, 47, seed=5 + case.patch)
    if case.mode == "RGBA":
        alpha = np.tile(np.linspace(0, 255, 61).astype(np.uint8), (47, 1))
        drawn.putalpha(Image.fromarray(alpha))
    write_png(drawn, folder / "picture.png")
    rgb = Image.open(folder / "picture.png").convert("RGB")
    resized = transforms.Resize((case.image, case.image))(rgb)
    tensor = transforms.Normalize(mean=MEAN, std=STD)(transforms.ToTensor()(resized))
    image = tensor.unsqueeze(0)

    ids = [ids_of[character] for character in case.prompt]
    answer = [ids_of[character] for character in case.answer]
    for seed in range(MAX_SEEDS):
        model = build(seemore, case, vocabulary, seed)
        tokens, margin = greedy(model, image, ids)
        plain, plain_margin = greedy(model, None, ids)
        if (
            min(margin, plain_margin) >= MIN_MARGIN
            and len(set(tokens)) >= MIN_DISTINCT
            and greedy(model, -image, ids)[0] != tokens
            and plain != tokens
            and noise(model, image, ids) <= MAX_NOISE
        ):
            break
    else:
        raise RuntimeError(f"{case.name}: no seed will do")

    save(model, case, folder / case.file)
    tensors = record(model, image, ids)
    # Levels before normalisation, 128 less so that they are signed bytes.
    levels = np.array(resized).astype(np.int16) - 128
    tensors["pixel_levels"] = torch.from_numpy(levels.astype(np.int8)).contiguous()
    save_file(tensors, folder / "expected.safetensors")
    until = tokens[: tokens.index(pad) + 1] if pad in tokens else tokens
    expected = {
        "case": case.name,
        "torch": torch.__version__.split("+")[0],
        "seed": seed,
        "file": case.file,
        "imageSize": case.image,
        "patchSize": case.patch,
        "visionHiddenSize": case.vision,
        "visionLayers": case.blocks,
        "hiddenSize": case.embedding,
        "layers": case.layers,
        "heads": case.heads,
        "vocabularySize": vocabulary,
        "padTokenId": pad,
        "prompt": case.prompt,
        "promptIds": ids,
        "answer": case.answer,
        "answerIds": answer,
        **losses(model, image, ids, answer),
        "greedyTokens": tokens,
        "greedyText": "".join("" if t == pad else characters[t] for t in tokens),
        "tokensUntilPad": until,
        "greedyTokensWithoutPicture": plain,
        "smallestMargin": round(min(margin, plain_margin), 4),
        "singlePrecisionNoise": float(f"{noise(model, image, ids):.1e}"),
    }
    lines = ",\n".join(
        f"  {json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}"
        for key, value in expected.items()
    )
    (folder / "expected.json").write_text("{\n" + lines + "\n}\n", encoding="utf-8")
    for file in folder.iterdir():
        file.chmod(0o644)
    total = sum(file.stat().st_size for file in folder.iterdir())
    return f"{case.name} seed {seed} margin {expected['smallestMargin']} {total // 1024} KiB"


@torch.no_grad()
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seemore", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    options.out.mkdir(parents=True, exist_ok=True)
    out = options.out.resolve()
    seemore = published(options.seemore.resolve())
    seemore.device = "cpu"
    for case in CASES:
        print(run_case(seemore, case, out), flush=True)


if __name__ == "__main__":
    main()
