"""Writes the fixtures of text decoders: tiny random checkpoints and what transformers makes of them.

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
from tokenizers import Tokenizer
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig

HERE = Path(__file__).resolve().parent
sys.path += [str(HERE.parent / "clip"), str(HERE.parent / "tokenizer")]

from cases import CASES, Case  # noqa: E402
from kinds import file_of  # noqa: E402
from weights import coarse  # noqa: E402

TEMPLATES = HERE.parents[2] / "vlm-text/src/test/resources/template"
NEW_TOKENS = 24
TOP = 5
LOGIT_ROWS = 6
# A greedy step counts only if the runner-up is at least this far away, in logits.
MIN_MARGIN = 0.02
# Nor may an expert be chosen by less than this, in probability.
MIN_ROUTING_MARGIN = 3e-4
MIN_DISTINCT = 10
# No recorded value may move by more than this when the reference runs in double precision.
MAX_NOISE = 2.5e-5
MAX_SEEDS = 400

BEGIN = {"llama2": "<s>", "metaspace": "<s>", "tekken": "<s>", "llama3": "<|begin_of_text|>"}
END = {
    "llama2": ["</s>"],
    "metaspace": ["</s>"],
    "tekken": ["</s>"],
    "llama3": ["<|end_of_text|>", "<|eot_id|>"],
    "qwen": ["<|im_end|>", "<|endoftext|>"],
}
CLASSES = {
    "llama2": "LlamaTokenizer",
    "metaspace": "LlamaTokenizer",
    "qwen": "Qwen2Tokenizer",
}


# --------------------------------------------------------------------------- checkpoint


def tokenizer_of(case: Case) -> Tokenizer:
    return Tokenizer.from_str(file_of(case.tokenizer))


def eos_of(case: Case) -> list[int]:
    return [tokenizer_of(case).token_to_id(token) for token in END[case.tokenizer]]


def config_of(case: Case) -> Any:
    tokenizer = tokenizer_of(case)
    begin = BEGIN.get(case.tokenizer)
    fields = dict(
        vocab_size=tokenizer.get_vocab_size() + 3,
        hidden_size=24,
        intermediate_size=40,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=256,
        bos_token_id=tokenizer.token_to_id(begin) if begin else None,
        eos_token_id=eos_of(case)[0],
        tie_word_embeddings=False,
        rope_parameters=dict(case.rope, rope_theta=case.theta),
    )
    fields |= case.config
    if fields.get("num_attention_heads") == 2:
        fields["num_key_value_heads"] = min(fields["num_key_value_heads"], 2)
    fields = {key: value for key, value in fields.items() if key == "sliding_window" or value is not None}
    return getattr(transformers, case.model + "Config")(**fields)


def randomise(model: torch.nn.Module, seed: int) -> None:
    """Weights that leave nothing neutral: no norm weight is 1, no bias 0, no attention uniform."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, weight in sorted(model.named_parameters()):
            noise = torch.randn(weight.shape, generator=generator)
            if name.endswith(("q_norm.weight", "k_norm.weight")):
                value = 1.5 + 0.3 * noise
            elif "norm" in name:
                value = 1 + 0.25 * noise
            elif name.endswith("bias"):
                value = 0.2 * noise
            elif "embed_tokens" in name:
                value = 0.5 * noise
            else:
                gain = 1.2
                if "q_proj" in name or "k_proj" in name:
                    gain = 1.8
                elif name.endswith("mlp.gate.weight"):  # chooses experts
                    gain = 1.8
                value = noise * gain / weight.shape[-1] ** 0.5
            weight.copy_(coarse(value))


def old_style(config: dict[str, Any], case: Case) -> dict[str, Any]:
    """config.json as transformers 4 wrote it."""
    rope = config.pop("rope_parameters")
    config["rope_theta"] = rope.pop("rope_theta")
    kind = rope.pop("rope_type")
    config["rope_scaling"] = None if kind == "default" else {case.rope_type_name: kind} | rope
    config["torch_dtype"] = config.pop("dtype")
    config.pop("layer_types", None)
    if config.get("head_dim") == config["hidden_size"] // config["num_attention_heads"]:
        config.pop("head_dim")
    if "num_local_experts" in config:
        config["num_experts"] = config.pop("num_local_experts")
    config["transformers_version"] = "4.45.0"
    return config


def write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def write_tokenizer(folder: Path, case: Case) -> None:
    (folder / "tokenizer.json").write_text(file_of(case.tokenizer), encoding="utf-8")
    begin = BEGIN.get(case.tokenizer)
    config: dict[str, Any] = {
        "add_bos_token": begin is not None,
        "bos_token": begin,
        "clean_up_tokenization_spaces": False,
        "eos_token": END[case.tokenizer][-1 if case.tokenizer == "llama3" else 0],
        "model_max_length": 256,
        "tokenizer_class": CLASSES.get(case.tokenizer, "PreTrainedTokenizerFast"),
    }
    if config["tokenizer_class"] == "LlamaTokenizer":
        config["legacy"] = case.tokenizer == "llama2"
    template = case.template
    if template is not None and template.endswith(".jinja"):
        template = (TEMPLATES / template).read_text(encoding="utf-8")
    if template is not None and case.template_file == "jinja":
        (folder / "chat_template.jinja").write_text(template, encoding="utf-8")
    elif template is not None:
        config["chat_template"] = template
    write_json(folder / "tokenizer_config.json", config)


def write_checkpoint(folder: Path, case: Case, seed: int) -> None:
    model = AutoModelForCausalLM.from_config(config_of(case), dtype=torch.float32)
    randomise(model, seed)
    model = model.to(getattr(torch, case.dtype))
    model.generation_config = GenerationConfig()
    for stale in folder.glob("model*.safetensors*"):
        stale.unlink()
    options = {} if case.shard_size is None else {"max_shard_size": case.shard_size}
    model.save_pretrained(folder, **options)
    if case.inv_freq:
        path = folder / "model.safetensors"
        tensors = load_file(path)
        for i in range(model.config.num_hidden_layers):
            tensors[f"model.layers.{i}.self_attn.rotary_emb.inv_freq"] = (
                model.model.rotary_emb.inv_freq.clone()
            )
        save_file(tensors, path, metadata={"format": "pt"})
    path = folder / "config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    write_json(path, old_style(config, case) if case.old_config else config)
    write_json(
        folder / "generation_config.json",
        {
            "bos_token_id": model.config.bos_token_id,
            "eos_token_id": eos_of(case) if len(eos_of(case)) > 1 else eos_of(case)[0],
            "do_sample": True,
            "temperature": 0.6,
            "top_p": 0.9,
        },
    )


# --------------------------------------------------------------------------- reference run


def prompt_of(folder: Path, case: Case) -> tuple[str, list[int]]:
    """The prompt as text and ids, on which tokenizer.json alone and transformers agree."""
    tokenizer = tokenizer_of(case)
    auto = AutoTokenizer.from_pretrained(folder)
    if case.template is None:
        text = case.messages[0]["content"]
        ids = tokenizer.encode(text).ids
        assert ids == auto(text)["input_ids"], (ids, auto(text)["input_ids"])
        return text, ids
    text = auto.apply_chat_template(case.messages, add_generation_prompt=True, tokenize=False)
    ids = auto(text, add_special_tokens=False)["input_ids"]
    assert ids == tokenizer.encode(text, add_special_tokens=False).ids
    return text, ids


def greedy(model: Any, ids: torch.Tensor, **options: Any) -> tuple[list[int], torch.Tensor]:
    """Greedy tokens and the raw logits of each step; no eos unless given."""
    model.generation_config = GenerationConfig(pad_token_id=0)
    out = model.generate(
        input_ids=ids,
        attention_mask=torch.ones_like(ids),
        do_sample=False,
        max_new_tokens=NEW_TOKENS,
        output_logits=True,
        return_dict_in_generate=True,
        **options,
    )
    return out.sequences[0, ids.shape[1] :].tolist(), torch.stack([step[0] for step in out.logits])


def margins(logits: torch.Tensor) -> torch.Tensor:
    top = logits.topk(2, dim=-1).values
    return top[:, 0] - top[:, 1]


def record(model: Any, ids: torch.Tensor) -> tuple[dict[str, torch.Tensor], float]:
    """Every hidden state, the final norm and the logits; and the narrowest choice of an expert."""
    found: dict[str, torch.Tensor] = {}
    routing = [1.0]
    handles = []
    decoder = model.model

    def on(module: torch.nn.Module, name: str) -> None:
        def hook(m: torch.nn.Module, args: Any, out: Any) -> None:
            found[name] = (out[0] if isinstance(out, tuple) else out)[0]

        handles.append(module.register_forward_hook(hook))

    def on_gate(module: torch.nn.Module) -> None:
        def hook(m: torch.nn.Module, args: Any, out: Any) -> None:
            best = out[0].softmax(-1).sort(dim=-1, descending=True).values
            if m.top_k < best.shape[-1]:
                routing.append(float((best[:, m.top_k - 1] - best[:, m.top_k]).min()))

        handles.append(module.register_forward_hook(hook))

    on(decoder.embed_tokens, "embed_tokens")
    for i, layer in enumerate(decoder.layers):
        on(layer, f"layer.{i}")
        if hasattr(layer.mlp, "gate"):
            on_gate(layer.mlp.gate)
    on(decoder.norm, "norm")
    logits = model(input_ids=ids, use_cache=False).logits[0]
    for handle in handles:
        handle.remove()
    found["logits"] = logits[logit_rows(ids.shape[1])]
    return found, min(routing)


def logit_rows(length: int) -> list[int]:
    return [i * (length - 1) // (LOGIT_ROWS - 1) for i in range(LOGIT_ROWS)]


def noise(model: Any, ids: torch.Tensor) -> float:
    """The largest difference that single precision makes to any recorded value."""
    single, _ = record(model, ids)
    double, _ = record(model.double(), ids)
    model.float()
    return max(float((single[name] - double[name]).abs().max()) for name in single)


def run_case(case: Case, out: Path) -> str:
    folder = out / case.name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    write_json(folder / "messages.json", case.messages)
    config_of(case).save_pretrained(folder)  # AutoTokenizer looks at it
    write_tokenizer(folder, case)
    prompt, prompt_ids = prompt_of(folder, case)
    ids = torch.tensor([prompt_ids])

    first = sum(case.name.encode()) * 1000
    for seed in range(first, first + MAX_SEEDS):
        write_checkpoint(folder, case, seed)
        model = AutoModelForCausalLM.from_pretrained(
            folder,
            dtype=torch.float32,
            attn_implementation="eager",
            experts_implementation="eager",
        ).eval()
        tokens, logits = greedy(model, ids)
        whole = torch.tensor([prompt_ids + tokens])
        if (
            margins(logits).min() > MIN_MARGIN
            and len(set(tokens)) >= MIN_DISTINCT
            and not set(tokens) & set(eos_of(case))
            and record(model, whole)[1] > MIN_ROUTING_MARGIN
            and noise(model, ids) < MAX_NOISE
        ):
            break
    else:
        raise RuntimeError(f"{case.name}: no seed gives a clear greedy path")

    tensors, _ = record(model, ids)
    tensors = {name: value.float().contiguous().clone() for name, value in sorted(tensors.items())}
    save_file(tensors, folder / "expected.safetensors")
    logprobs = torch.log_softmax(logits.double(), dim=-1)
    expected = {
        "transformers": transformers.__version__,
        "torch": torch.__version__.split("+")[0],
        "seed": seed,
        "prompt": prompt,
        "promptTokenIds": prompt_ids,
        "logitRows": logit_rows(len(prompt_ids)),
        "greedyTokens": tokens,
        "greedyText": tokenizer_of(case).decode(tokens, skip_special_tokens=True),
        "greedyLogprobs": [round(float(row[token]), 6) for token, row in zip(tokens, logprobs, strict=True)],
        "smallestMargin": round(float(margins(logits).min()), 4),
        "singlePrecisionNoise": float(f"{noise(model, ids):.1e}"),
    }
    (folder / "expected.json").write_text(
        "{\n" + ",\n".join(f"{json.dumps(k)}: {json.dumps(v, ensure_ascii=False)}" for k, v in expected.items()) + "\n}\n",
        encoding="utf-8",
    )
    for file in folder.iterdir():
        file.chmod(0o644)
    weights = sum(f.stat().st_size for f in folder.glob("model*.safetensors"))
    total = sum(f.stat().st_size for f in folder.iterdir())
    return (
        f"{case.name:20} seed {seed - first} margin {expected['smallestMargin']:.3f} prompt {len(prompt_ids)}"
        f" distinct {len(set(tokens))} noise {expected['singlePrecisionNoise']} weights {weights // 1024} KiB,"
        f" all {total // 1024} KiB"
    )


def main() -> None:
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    torch.set_grad_enabled(False)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--only", nargs="*")
    arguments = parser.parse_args()
    for case in CASES:
        if not arguments.only or case.name in arguments.only:
            print(run_case(case, arguments.out), flush=True)


if __name__ == "__main__":
    main()
