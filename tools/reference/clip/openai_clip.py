"""CLIP state dicts in OpenAI's layout, built and computed by open_clip's own classes."""

import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import open_clip
import torch
from open_clip.loss import ClipLoss
from open_clip.model import CLIP, CLIPTextCfg, CLIPVisionCfg, build_model_from_openai_state_dict
from open_clip.model import convert_weights_to_fp16
from open_clip.openai import load_openai_model
from open_clip.tokenizer import SimpleTokenizer
from open_clip.transform import image_transform
from PIL import Image
from safetensors.torch import load_file, save_file
from torch.nn.functional import normalize

import clip_tokenizer_files as tokens
from expected import Tensors, record, write_expected
from pictures import as_palette, picture, with_alpha, write_png
from weights import randomise

VOCABULARY = len(tokens.vocabulary())

TEXTS = [
    "a photo of a red circle",
    "Two DOGS: it’s &lt;37&gt;!",
    "the picture shows a green triangle on the left of a big yellow circle and it is not the same",
]


@dataclass(frozen=True)
class OpenAiCase:
    name: str
    seed: int
    vision: CLIPVisionCfg
    text_layers: int = 1
    embed: int = 32
    half: bool = False
    file: str = "model.pt"
    pictures: tuple[str, ...] = ("photo.png", "cutout.png", "stamp.png")


def vit(width: int, layers: int, patch: int, image: int) -> CLIPVisionCfg:
    return CLIPVisionCfg(width=width, layers=layers, patch_size=patch, image_size=image)


def resnet(width: int, layers: tuple[int, ...], image: int) -> CLIPVisionCfg:
    return CLIPVisionCfg(width=width, layers=layers, patch_size=None, image_size=image)


RGB_AND_ALPHA = ("photo.png", "cutout.png")

CASES = [
    OpenAiCase("openai_vit_f32", 31, vit(64, 1, 8, 32)),
    OpenAiCase("openai_vit_f16", 32, vit(128, 1, 8, 24), half=True),
    OpenAiCase(
        "openai_vit_safetensors",
        33,
        vit(64, 2, 8, 24),
        embed=48,
        half=True,
        file="model.safetensors",
    ),
    OpenAiCase("openai_rn_f32", 34, resnet(4, (1, 1, 1, 1), 64), pictures=RGB_AND_ALPHA),
    OpenAiCase(
        "openai_rn_f16", 155, resnet(4, (1, 2, 2, 1), 64), half=True, pictures=RGB_AND_ALPHA
    ),
    OpenAiCase(
        "openai_rn_safetensors",
        366,
        resnet(6, (2, 1, 1, 1), 96),
        embed=40,
        half=True,
        file="model.safetensors",
        pictures=("cutout.png",),
    ),
    OpenAiCase("openai_training_checkpoint", 37, vit(64, 1, 8, 32), half=True, file="epoch_3.pt"),
    OpenAiCase("openai_torchscript", 38, vit(64, 1, 8, 24), half=True, file="ViT-T-8.pt"),
]


# --------------------------------------------------------------------------- checkpoint


def build(case: OpenAiCase) -> CLIP:
    text = CLIPTextCfg(
        context_length=tokens.CONTEXT,
        vocab_size=VOCABULARY,
        width=64,
        heads=1,
        layers=case.text_layers,
    )
    cast = torch.float16 if case.half else None
    model = CLIP(case.embed, case.vision, text, quick_gelu=True, cast_dtype=cast)
    randomise(model, case.seed)
    if case.half:
        convert_weights_to_fp16(model)
    return model.eval()


class OpenAiModule(torch.nn.Module):
    """CLIP with the three extra entries that OpenAI's archives carry."""

    def __init__(self, model: CLIP) -> None:
        super().__init__()
        self.visual = model.visual
        self.transformer = model.transformer
        self.token_embedding = model.token_embedding
        self.ln_final = model.ln_final
        self.positional_embedding = model.positional_embedding
        self.text_projection = model.text_projection
        self.logit_scale = model.logit_scale
        self.register_buffer("input_resolution", torch.tensor(model.visual.image_size[0]))
        self.register_buffer("context_length", torch.tensor(model.context_length))
        self.register_buffer("vocab_size", torch.tensor(model.vocab_size))
        self.model = [model]  # in a list, so that it is no submodule

    def forward(self, image: torch.Tensor, text: torch.Tensor) -> tuple[torch.Tensor, ...]:
        model = self.model[0]
        images = normalize(model.encode_image(image.to(torch.float16)), dim=-1)
        texts = normalize(model.encode_text(text), dim=-1)
        logits = self.logit_scale.exp() * images @ texts.t()
        return logits, logits.t()


def write_weights(folder: Path, case: OpenAiCase) -> None:
    model = build(case)
    state = model.state_dict()
    path = folder / case.file
    if case.file.endswith(".safetensors"):
        save_file({name: value.contiguous() for name, value in state.items()}, path)
    elif case.name == "openai_training_checkpoint":
        module = {f"module.{name}": value for name, value in state.items()}
        group = {"lr": 5e-4, "betas": (0.9, 0.98), "params": []}
        optimizer = {"state": {}, "param_groups": [group]}
        torch.save(
            {"epoch": 3, "name": "tiny", "state_dict": module, "optimizer": optimizer}, path
        )
    elif case.name == "openai_torchscript":
        size = case.vision.image_size
        example = (torch.ones(1, 3, size, size), torch.zeros(1, tokens.CONTEXT, dtype=torch.int64))
        with torch.no_grad():
            torch.jit.trace(OpenAiModule(model), example).save(path)
        drop_source_locations(path)
    else:
        torch.save(state, path)


def drop_source_locations(path: Path) -> None:
    """Rewrites the archive without its `.debug_pkl` entries; data stays aligned to 64 bytes."""
    with zipfile.ZipFile(path) as archive:
        entries = {info.filename: archive.read(info) for info in archive.infolist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, data in entries.items():
            if not name.endswith(".debug_pkl"):
                info = zipfile.ZipInfo(name)
                start = archive.fp.tell() + 30 + len(name.encode("utf-8")) + 4
                padding = -start % 64
                info.extra = b"FB" + padding.to_bytes(2, "little") + b"Z" * padding
                archive.writestr(info, data)


def load(path: Path) -> CLIP:
    """As open_clip reads a file of unknown architecture: inferred from names and shapes, in f32."""
    if path.suffix == ".safetensors":
        state = load_file(path)
        return build_model_from_openai_state_dict(state, cast_dtype=None).float()
    return load_openai_model(str(path), precision="fp32", device="cpu")


# --------------------------------------------------------------------------- reference run


def hooked(module: torch.nn.Module, sink: list[torch.Tensor], first_input: bool = False) -> None:
    if first_input:
        module.register_forward_pre_hook(lambda m, args: sink.append(args[0]))
    module.register_forward_hook(lambda m, args, out: sink.append(out))


def transformer_states(transformer: Any) -> list[torch.Tensor]:
    """The input of the first block and the output of each, filled by the next run."""
    states: list[torch.Tensor] = []
    for index, block in enumerate(transformer.resblocks):
        hooked(block, states, first_input=index == 0)
    return states


def run(model: CLIP, inputs: Tensors) -> Tensors:
    tensors: Tensors = {}
    images, ids = inputs["pixel_values"], inputs["input_ids"]
    is_vit = hasattr(model.visual, "transformer")
    if is_vit:
        states = transformer_states(model.visual.transformer)
    else:
        states = []
        visual = model.visual
        for part in (visual.avgpool, visual.layer1, visual.layer2, visual.layer3, visual.layer4):
            hooked(part, states)
    text_states = transformer_states(model.transformer)
    text_last: list[torch.Tensor] = []
    hooked(model.ln_final, text_last)
    tensors["image_features"] = model.encode_image(images)
    tensors["text_features"] = model.encode_text(ids)
    if is_vit:
        for k, state in enumerate(states):
            tensors[f"vision.hidden_states.{k}"] = state
        tensors["vision.last_hidden_state"] = states[-1]
        tensors["vision.pooled"] = model.visual.ln_post(states[-1])[:, 0]
    else:
        for k, state in enumerate(states):
            tensors[f"vision.stage.{k}"] = state.permute(0, 2, 3, 1)
        tensors["vision.last_hidden_state"] = states[-1].permute(0, 2, 3, 1)
    for k, state in enumerate(text_states):
        tensors[f"text.hidden_states.{k}"] = state
    tensors["text.last_hidden_state"] = text_last[0]
    tensors["text.pooled"] = text_last[0][torch.arange(len(ids)), ids.argmax(dim=1)]
    logits = model.get_logits(images, ids)[0]
    tensors["logits_per_image"] = logits
    tensors["probabilities"] = logits.softmax(dim=1)
    square = min(len(images), len(ids))
    if square > 1:
        loss = ClipLoss()(
            normalize(tensors["image_features"][:square], dim=-1),
            normalize(tensors["text_features"][:square], dim=-1),
            model.logit_scale.exp(),
        )
        tensors["loss.contrastive"] = loss.reshape(1)
    return tensors


def write_pictures(folder: Path, case: OpenAiCase) -> None:
    pictures = {
        "photo.png": picture(40, 43, case.seed),
        "cutout.png": with_alpha(picture(60, 51, case.seed + 1)),
        "stamp.png": as_palette(picture(33, 71, case.seed + 2)),
    }
    for name in case.pictures:
        write_png(pictures[name], folder / name)


def make(folder: Path, case: OpenAiCase) -> None:
    write_weights(folder, case)
    write_pictures(folder, case)
    tokens.write_gzip(folder)
    model = load(folder / case.file)
    check_inferred(model, case)
    size = case.vision.image_size
    transform = image_transform(size, is_train=False)
    tokenizer = SimpleTokenizer(
        bpe_path=str(folder / "bpe_simple_vocab_16e6.txt.gz"), context_length=tokens.CONTEXT
    )
    assert tokenizer.vocab_size == VOCABULARY
    images = [Image.open(folder / name) for name in case.pictures]
    inputs = {
        "pixel_values": torch.stack([transform(image) for image in images]),
        "input_ids": tokenizer(TEXTS),
    }
    tensors = record(model, inputs, run)
    tensors["pixel_values"] = inputs["pixel_values"]
    ids = inputs["input_ids"]
    facts: dict[str, Any] = {
        "reference": f"open_clip {open_clip.__version__} {type(model.visual).__name__}",
        "weights": case.file,
        "pictures": list(case.pictures),
        "pictureModes": [image.mode for image in images],
        "imageSize": size,
        "patchSize": case.vision.patch_size,
        "texts": TEXTS,
        "contextLength": tokens.CONTEXT,
        "inputIds": ids.tolist(),
        "pooledPositions": ids.argmax(dim=1).tolist(),
        "textLengths": (ids.argmax(dim=1) + 1).tolist(),
        "logitScale": model.logit_scale.exp().item(),
        "inferred": inferred(case),
    }
    write_expected(folder, tensors, facts)


def inferred(case: OpenAiCase) -> dict[str, Any]:
    """What the loader has to find out from names and shapes."""
    layers = case.vision.layers
    is_resnet = isinstance(layers, tuple)
    return {
        "visionWidth": case.vision.width,
        "visionLayers": list(layers) if is_resnet else layers,
        "visionHeads": case.vision.width * (32 if is_resnet else 1) // 64,
        "patchSize": case.vision.patch_size,
        "imageSize": case.vision.image_size,
        "embedDim": case.embed,
        "contextLength": tokens.CONTEXT,
        "vocabSize": VOCABULARY,
        "textWidth": 64,
        "textHeads": 1,
        "textLayers": case.text_layers,
    }


def check_inferred(model: CLIP, case: OpenAiCase) -> None:
    visual = model.visual
    size = visual.image_size[0] if isinstance(visual.image_size, tuple) else visual.image_size
    assert size == case.vision.image_size, size
    if hasattr(visual, "attnpool"):
        assert visual.attnpool.num_heads == case.vision.width * 32 // 64
    else:
        assert visual.transformer.resblocks[0].attn.num_heads == case.vision.width // 64
    original = build(case).float().state_dict()
    for name, value in model.state_dict().items():
        assert torch.equal(value, original[name]), name


def cases() -> dict[str, Callable[[Path], None]]:
    return {case.name: (lambda folder, case=case: make(folder, case)) for case in CASES}
