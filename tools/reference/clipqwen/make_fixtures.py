"""Writes the fixtures of Qwen's first generation and of CLIP + Qwen (VLM-learning's recipe).

Usage: python make_fixtures.py --vlm-learning FOLDER --qwen-7b-chat FOLDER --out FOLDER
"""

import argparse
import json
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import published  # first: it prepares transformers and torchvision

import peft
import torch
import transformers
from PIL import Image
from safetensors.torch import save_file
from torch import nn
from transformers import (
    CLIPConfig,
    CLIPImageProcessor,
    SiglipConfig,
    SiglipImageProcessor,
    SiglipModel,
)

sys.path.insert(0, str(Path(__file__).parent.parent / "clip"))
import tiktoken_files  # noqa: E402
from cases import CASES, PICTURE, Case  # noqa: E402
from pictures import picture, write_png  # noqa: E402
from weights import coarse, randomise  # noqa: E402

HIDDEN, LAYERS, HEADS, KV_CHANNELS, INTERMEDIATE = 32, 2, 4, 8, 88
SEQ_LENGTH = 32
MERGES = 100
VISION_HIDDEN = 24
PATCHES = 16
NEW_TOKENS = 16
MIN_MARGIN = 0.02
MIN_DISTINCT = 7
MAX_NOISE = 2.5e-5
MAX_SEEDS = 1000
MAX_ADAPTER_SEEDS = 100
DTYPE = torch.bfloat16

Tensors = dict[str, torch.Tensor]


def write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


# ------------------------------------------------------------------------------------ files


def texts() -> list[str]:
    said = [c.system + c.query + "".join(a + b for a, b in c.history) for c in CASES]
    return said + ["<|im_start|>user\n", "<|im_start|>assistant\n", "<|im_start|>system\n"]


def qwen_config(tokens: int) -> dict[str, Any]:
    """As later checkpoints spell it; the published values where size does not forbid."""
    return {
        "architectures": ["QWenLMHeadModel"],
        "attn_dropout_prob": 0.0,
        "bf16": False,
        "emb_dropout_prob": 0.0,
        "fp16": False,
        "fp32": False,
        "hidden_size": HIDDEN,
        "intermediate_size": INTERMEDIATE,
        "initializer_range": 0.02,
        "kv_channels": KV_CHANNELS,
        "layer_norm_epsilon": 1e-06,
        "max_position_embeddings": 512,
        "model_type": "qwen",
        "no_bias": True,
        "num_attention_heads": HEADS,
        "num_hidden_layers": LAYERS,
        "onnx_safe": None,
        "rotary_emb_base": 10000,
        "rotary_pct": 1.0,
        "scale_attn_weights": True,
        "seq_length": SEQ_LENGTH,
        "tie_word_embeddings": False,
        "tokenizer_class": "QWenTokenizer",
        "use_cache": True,
        "use_dynamic_ntk": True,
        "use_flash_attn": "auto",
        "use_logn_attn": True,
        "vocab_size": (tokens + 15) // 16 * 16,
    }


def early_config(tokens: int) -> dict[str, Any]:
    """As the checkpoints of August 2023 spell it."""
    config = qwen_config(tokens)
    renamed = {
        "hidden_size": "n_embd",
        "num_hidden_layers": "n_layer",
        "num_attention_heads": "n_head",
        "max_position_embeddings": "n_positions",
        "intermediate_size": "ffn_hidden_size",
        "attn_dropout_prob": "attn_pdrop",
        "emb_dropout_prob": "embd_pdrop",
    }
    for new, old in renamed.items():
        config[old] = config.pop(new)
    return config | {
        "activation": "swiglu",
        "apply_residual_connection_post_layernorm": False,
        "bias_dropout_fusion": True,
        "padded_vocab_size": config["vocab_size"],
        "params_dtype": "torch.bfloat16",
        "pos_emb": "rotary",
        "resid_pdrop": 0.1,
        "rotary_emb_base": 5000,
        "tokenizer_type": "QWenTokenizer",
    }


def write_qwen(folder: Path, tokens: list[bytes], ids: dict[str, int], early: bool) -> None:
    folder.mkdir(parents=True)
    count = len(tokens) + len(ids)
    write_json(folder / "config.json", early_config(count) if early else qwen_config(count))
    end = ids["<|endoftext|>"]
    write_json(
        folder / "generation_config.json",
        {
            "chat_format": "chatml",
            "do_sample": True,
            "eos_token_id": end,
            "max_new_tokens": 512,
            "pad_token_id": end,
            "top_k": 0,
            "top_p": 0.8,
        }
        | ({"stop_words_ids": [[end]]} if early else {"repetition_penalty": 1.1}),
    )
    write_json(folder / "tokenizer_config.json", {"tokenizer_class": "QWenTokenizer"})
    tiktoken_files.write(folder / "qwen.tiktoken", tokens)


def random_qwen(model: nn.Module, seed: int, ordinary: int) -> None:
    """Random weights whose head hardly ever chooses one of the tokens after the ordinary ones."""
    generator = torch.Generator().manual_seed(seed)
    for name, weight in sorted(model.named_parameters()):
        noise = torch.randn(weight.shape, generator=generator)
        if name.endswith("bias"):
            value = 0.2 * noise
        elif weight.ndim == 1:
            value = 1 + 0.25 * noise
        elif name.endswith("wte.weight"):
            value = 0.7 * noise
        else:
            gain = 1.9 if "c_attn" in name or "lm_head" in name else 1.2
            value = gain * noise / weight.shape[1] ** 0.5
        weight.copy_(coarse(value))
        if name == "lm_head.weight":
            weight[ordinary:] /= 8


def save_qwen(model: nn.Module, folder: Path, early: bool) -> None:
    state = {name: w.to(DTYPE).contiguous() for name, w in model.state_dict().items()}
    if early:
        # Buffers that the earliest files hold and nothing reads.
        for i in range(LAYERS):
            state[f"transformer.h.{i}.attn.rotary_emb.inv_freq"] = torch.ones(KV_CHANNELS // 2)
            state[f"transformer.h.{i}.attn.masked_bias"] = torch.tensor(-1e4)
        torch.save(state, folder / "pytorch_model.bin")
        return
    names = sorted(state)
    shards = {"00001": names[: len(names) // 2], "00002": names[len(names) // 2 :]}
    index: dict[str, Any] = {"metadata": {"total_size": 0}, "weight_map": {}}
    for number, part in shards.items():
        file = f"model-{number}-of-00002.safetensors"
        save_file({name: state[name] for name in part}, folder / file, metadata={"format": "pt"})
        index["weight_map"] |= dict.fromkeys(part, file)
        index["metadata"]["total_size"] += sum(2 * state[name].numel() for name in part)
    write_json(folder / "model.safetensors.index.json", index)


VISION = {
    "hidden_size": VISION_HIDDEN,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 3,
    "image_size": 32,
    "patch_size": 8,
}
TEXT = {
    "hidden_size": 16,
    "intermediate_size": 24,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "vocab_size": 48,
    "max_position_embeddings": 8,
}


def write_vision(folder: Path, model: nn.Module, processor: Any, seed: int) -> None:
    randomise(model, seed)
    model.half().save_pretrained(folder)
    processor.save_pretrained(folder)
    model.float()


# -------------------------------------------------------------------------------- reference


@dataclass
class Reference:
    """One Qwen, the vision models, the projection, and the adapter, as VLM-learning holds them."""

    llm: nn.Module
    visions: dict[str, nn.Module]
    projection: nn.Sequential

    def features(self, case: Case, pixels: torch.Tensor) -> Tensors:
        vision = self.visions[case.vision]
        if case.vision == "clip":
            hidden = vision.get_image_features(pixel_values=pixels)
            kept = hidden[:, 1:, :]
        else:
            # Every token of SigLIP is a patch: there is no class token to leave out.
            hidden = kept = vision.vision_model(pixel_values=pixels).last_hidden_state
        return {"vision": hidden[0], "features": kept[0], "connector": self.projection(kept)[0]}


def greedy(llm: nn.Module, ids: list[int], images: torch.Tensor | None) -> tuple[list[int], torch.Tensor]:
    """As generate() calls the model: the prompt first, then token by token over the cache."""
    past, step, tokens, rows = None, torch.tensor([ids]), [], []
    for _ in range(NEW_TOKENS):
        options = {} if images is None else {"images": images}
        out = llm(step, past_key_values=past, use_cache=True, return_dict=True, **options)
        past, row = out.past_key_values, out.logits[0, -1]
        rows.append(row)
        tokens.append(int(row.argmax()))
        step = torch.tensor([[tokens[-1]]])
    return tokens, torch.stack(rows)


def stages(llm: nn.Module, ids: list[int], images: torch.Tensor | None) -> Tensors:
    found: Tensors = {}
    handles = [
        block.register_forward_pre_hook(
            lambda module, inputs, i=i: found.update({f"text.hidden_states.{i}": inputs[0][0]})
        )
        for i, block in enumerate(llm.transformer.h)
    ]
    norm = llm.transformer.ln_f
    handles.append(
        norm.register_forward_hook(lambda m, inputs, out: found.update({"text.norm": out[0]}))
    )
    options = {} if images is None else {"images": images}
    out = llm(torch.tensor([ids]), use_cache=False, return_dict=True, **options)
    for handle in handles:
        handle.remove()
    return found | {"logits.last": out.logits[0, -1]}


def run(reference: Reference, case: Case, ids: list[int], pixels: torch.Tensor | None) -> Any:
    found = {} if pixels is None else reference.features(case, pixels)
    images = found["connector"][None] if found else None
    tokens, logits = greedy(reference.llm, ids, images)
    return found | stages(reference.llm, ids, images), tokens, logits


def margin(logits: torch.Tensor) -> float:
    top = logits.topk(2, dim=-1).values
    return float((top[:, 0] - top[:, 1]).min())


def noise(reference: Reference, case: Case, ids: list[int], pixels: torch.Tensor | None) -> float:
    """The largest difference that single precision makes to any recorded value."""
    parts = [reference.llm, reference.projection, *reference.visions.values()]
    single, _, _ = run(reference, case, ids, pixels)
    for part in parts:
        part.double()
    double, _, _ = run(reference, case, ids, None if pixels is None else pixels.double())
    for part in parts:
        part.float()
    return max(float((single[name].double() - double[name]).abs().max()) for name in single)


class Fixtures:
    def __init__(self, options: argparse.Namespace) -> None:
        self.out = options.out
        load = lambda name: published.vlm_learning(options.vlm_learning, name)  # noqa: E731
        self.tokenization = load("qwen.tokenization_qwen")
        self.make_context = load("qwen.qwen_generation_utils").make_context
        self.later = load("qwen.Mqwen").MQWenLMHeadModel
        self.later_config = load("qwen.configuration_qwen").QWenConfig
        self.vision = load("visual.CLIP_VIT").visualModel
        self.model = load("model.model")
        early = published.qwen_7b_chat(options.qwen_7b_chat)
        self.early, self.early_config = early.QWenLMHeadModel, early.QWenConfig

    def write_folders(self) -> None:
        shutil.rmtree(self.out, ignore_errors=True)
        tokens = tiktoken_files.learn(texts(), MERGES)
        names = [name for _, name in self.tokenization.SPECIAL_TOKENS]
        # The published code knows its special tokens by number.
        self.tokenization.SPECIAL_TOKENS = tuple(enumerate(names, start=len(tokens)))
        ids = {name: i for i, name in self.tokenization.SPECIAL_TOKENS}
        write_qwen(self.out / "qwen", tokens, ids, early=False)
        write_qwen(self.out / "qwen-2023-08", tokens, ids, early=True)
        self.tokenizer = self.tokenization.QWenTokenizer(str(self.out / "qwen/qwen.tiktoken"))
        self.picture_id = ids[PICTURE]

        clip = self.vision(CLIPConfig(text_config=TEXT, vision_config=VISION, projection_dim=16))
        size = VISION["image_size"]
        write_vision(
            self.out / "clip",
            clip,
            CLIPImageProcessor(
                size={"shortest_edge": size}, crop_size={"height": size, "width": size}
            ),
            seed=21,
        )
        siglip = SiglipModel(SiglipConfig(text_config=TEXT, vision_config=VISION))
        write_vision(
            self.out / "siglip",
            siglip,
            SiglipImageProcessor(size={"height": size, "width": size}),
            seed=22,
        )
        self.visions = {"clip": clip.eval(), "siglip": siglip.eval()}
        write_png(picture(57, 40, 7), self.out / "wide.png")
        write_png(picture(33, 61, 8), self.out / "tall.png")

    def qwen(self, name: str) -> nn.Module:
        config = json.loads((self.out / name / "config.json").read_text())
        config["fp32"] = True
        if name == "qwen":
            known = {"replace_token_id": self.picture_id, "image_context_length": PATCHES}
            return self.later(self.later_config(**config), known).eval()
        return self.early(self.early_config(**config)).eval()

    def projection(self, seed: int) -> nn.Sequential:
        """What model.make_feature_proj makes, with other numbers."""
        holder = nn.Module()
        shape = argparse.Namespace(torch_dtype=torch.float32)
        self.model.MMultiModal.make_feature_proj(holder, VISION_HIDDEN, HIDDEN, shape)
        randomise(holder.feature_proj, seed)
        return holder.feature_proj

    def adapted(self, llm: nn.Module, seed: int) -> Any:
        """model.make_lora with VLM-learning's targets; A and B as far from 0 as training takes them."""
        arguments = argparse.Namespace(
            lora_rank=4, lora_dropout=0.1, target_modules="c_attn|w1|w2"
        )
        wrapped = self.model.make_lora(llm, arguments).eval()
        generator = torch.Generator().manual_seed(seed)
        for name, weight in sorted(wrapped.named_parameters()):
            if "lora_" in name:
                value = torch.randn(weight.shape, generator=generator)
                weight.copy_(coarse(value * (0.15 if "lora_A" in name else 0.06)))
        return wrapped

    def save_adapter(self, wrapped: Any, projection: nn.Module) -> None:
        """What trainer.save_model writes, but for the trainer's own arguments."""
        folder = self.out / "adapter"
        folder.mkdir(exist_ok=True)
        state = {k: v.to(DTYPE) for k, v in peft.get_peft_model_state_dict(wrapped).items()}
        torch.save(state, folder / "adapter_model.bin")
        state = {k: v.to(DTYPE) for k, v in projection.state_dict().items()}
        torch.save(state, folder / "other_params.bin")
        config = wrapped.peft_config["default"]
        config.inference_mode = True
        config.save_pretrained(folder, auto_mapping_dict=None)
        path = folder / "adapter_config.json"
        stored = json.loads(path.read_text())
        stored["target_modules"].sort()  # a set, in another order each time
        write_json(path, stored)

    def inputs(self, case: Case) -> tuple[str, list[int], torch.Tensor | None]:
        prompt, context = self.make_context(
            self.tokenizer, case.query, history=list(case.history), system=case.system
        )
        ids = self.tokenizer(prompt)["input_ids"]
        # Without a picture the two ways to encode agree.
        assert case.picture or ids == context
        assert ids.count(self.picture_id) == (1 if case.picture else 0)
        length = len(ids) + (PATCHES - 1 if case.picture else 0)
        print(f"{case.name}: {length / SEQ_LENGTH:.2f} x seq_length", flush=True)
        pixels = None
        if case.picture:
            image = Image.open(self.out / case.picture)
            kind = CLIPImageProcessor if case.vision == "clip" else SiglipImageProcessor
            processor = kind.from_pretrained(self.out / case.vision)
            pixels = processor(images=image, return_tensors="pt")["pixel_values"]
        return prompt, ids, pixels

    def good(self, case: Case, reference: Reference, ids: list[int], pixels: Any) -> bool:
        _, tokens, logits = run(reference, case, ids, pixels)
        if margin(logits) < MIN_MARGIN or len(set(tokens)) < MIN_DISTINCT:
            return False
        if set(tokens) & set(self.tokenizer.special_tokens.values()):
            return False
        if noise(reference, case, ids, pixels) > MAX_NOISE:
            return False
        # The scaled queries, the turned base and the picture must each decide something.
        for module, field in self.switches(reference.llm):
            setattr(module, field, False)
        other = run(reference, case, ids, pixels)[1]
        for module, field in self.switches(reference.llm):
            setattr(module, field, True)
        if other == tokens:
            return False
        if pixels is not None:
            generator = torch.Generator().manual_seed(5)
            if run(reference, case, ids, -pixels)[1] == tokens:
                return False
            for _ in range(3):  # some pixels one level off, as other resampling gives them
                chance = torch.rand(pixels.shape, generator=generator)
                sign = torch.randint(0, 2, pixels.shape, generator=generator) * 2 - 1
                shaken = pixels + sign * (chance < 0.05).float() / (255 * 0.27)
                if run(reference, case, ids, shaken)[1] != tokens:
                    return False
        return True

    def switches(self, llm: nn.Module) -> list[tuple[nn.Module, str]]:
        return [
            (module, field)
            for module in llm.modules()
            for field in ("use_dynamic_ntk", "use_logn_attn")
            if isinstance(getattr(module, field, None), bool)
        ]

    def write_cases(self, model: str) -> None:
        """Looks for weights with which every case of a checkpoint has a clear greedy path."""
        cases = [case for case in CASES if case.model == model]
        prepared = {case.name: self.inputs(case) for case in cases}
        for seed in range(1000, 1000 + MAX_SEEDS):
            bare = self.qwen(model)
            random_qwen(bare, seed, self.picture_id - 3)
            projection = self.projection(seed + 1)
            plain = Reference(bare, self.visions, projection)
            if not all(
                self.good(case, plain, *prepared[case.name][1:])
                for case in cases
                if not case.adapter
            ):
                continue
            save_qwen(bare, self.out / model, early=model != "qwen")
            for case in cases:
                if not case.adapter:
                    self.write(case, plain, seed, *prepared[case.name])
            break
        else:
            raise RuntimeError(f"{model}: no seed gives a clear greedy path")
        cases = [case for case in cases if case.adapter]
        if cases:
            self.write_adapter(model, seed, projection, cases, prepared)

    def write_adapter(
        self, model: str, seed: int, projection: nn.Module, cases: list[Case], prepared: Any
    ) -> None:
        for adapter_seed in range(MAX_ADAPTER_SEEDS):
            bare = self.qwen(model)
            random_qwen(bare, seed, self.picture_id - 3)
            wrapped = self.adapted(bare, adapter_seed)
            adapted = Reference(wrapped.base_model.model, self.visions, projection)
            if all(self.good(case, adapted, *prepared[case.name][1:]) for case in cases):
                break
        else:
            raise RuntimeError(f"{model}: no adapter gives a clear greedy path")
        self.save_adapter(wrapped, projection)
        for case in cases:
            self.write(case, adapted, seed, *prepared[case.name])
        merged = Reference(wrapped.merge_and_unload(), self.visions, projection)
        for case in cases:
            self.add_merged(case, merged, *prepared[case.name][1:])

    def write(
        self,
        case: Case,
        reference: Reference,
        seed: int,
        prompt: str,
        ids: list[int],
        pixels: torch.Tensor | None,
    ) -> None:
        found, tokens, logits = run(reference, case, ids, pixels)
        if pixels is not None:
            found["pixel_values"] = pixels[0]
        folder = self.out / "cases" / case.name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        self.save(folder, found)
        expected = {
            "case": case.name,
            "seed": seed,
            "torch": torch.__version__.split("+")[0],
            "transformers": transformers.__version__,
            "peft": peft.__version__,
            "model": case.model,
            "visionModel": case.vision,
            "adapter": case.adapter,
            "picture": case.picture,
            "system": case.system,
            "history": [list(turn) for turn in case.history],
            "query": case.query,
            "prompt": prompt,
            "promptTokenIds": ids,
            "pictureTokens": PATCHES if pixels is not None else 0,
            "greedyTokens": tokens,
            "smallestMargin": round(margin(logits), 4),
            "shapes": {name: list(value.shape) for name, value in sorted(found.items())},
        }
        lines = [f"  {json.dumps(k)}: {json.dumps(v, ensure_ascii=False)}" for k, v in expected.items()]
        text = "{\n" + ",\n".join(lines) + "\n}\n"
        (folder / "expected.json").write_text(text, encoding="utf-8")

    def add_merged(self, case: Case, merged: Reference, ids: list[int], pixels: Any) -> None:
        from safetensors.torch import load_file

        folder = self.out / "cases" / case.name
        found = load_file(folder / "expected.safetensors")
        other, tokens, _ = run(merged, case, ids, pixels)
        assert torch.allclose(other["logits.last"], found["logits.last"], atol=1e-4)
        assert tokens == json.loads((folder / "expected.json").read_text())["greedyTokens"]
        found["merged.text.norm"] = other["text.norm"]
        found["merged.logits.last"] = other["logits.last"]
        self.save(folder, found)

    def save(self, folder: Path, tensors: Tensors) -> None:
        stored = {name: t.float().contiguous().clone() for name, t in sorted(tensors.items())}
        save_file(stored, folder / "expected.safetensors")


@torch.no_grad()
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--vlm-learning", type=Path, required=True)
    parser.add_argument("--qwen-7b-chat", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    torch.set_num_threads(1)
    fixtures = Fixtures(options)
    fixtures.write_folders()
    for model in ("qwen", "qwen-2023-08"):
        fixtures.write_cases(model)
    for file in options.out.rglob("*"):
        if file.is_file():
            file.chmod(0o644)
    total = sum(file.stat().st_size for file in options.out.rglob("*") if file.is_file())
    print(f"{total // 1024} KiB in all")


if __name__ == "__main__":
    main()
