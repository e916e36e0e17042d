"""Writes GGUF fixtures: tiny checkpoints of other fixtures as llama.cpp converts them, and what it makes of them.

    python make_fixtures.py --llama-cpp LLAMA_CPP --out ../../../vlm-models/src/test/resources/gguf [--only CASE ...]

LLAMA_CPP is a checkout that has been built into its folder build. Needs g++ and what convert_hf_to_gguf.py needs.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
MODELS = HERE.parents[2] / "vlm-models/src/test/resources"

# name, folder of the checkpoint, tokenizer.ggml.pre, type of the weights
TEXT = [
    ("qwen3", "decoders/qwen3", "qwen2", "bf16"),
    ("qwen2_yarn", "decoders/qwen25_yarn", "qwen2", "bf16"),
    ("llama2", "decoders/llama2", "default", "f16"),
    ("llama31", "decoders/llama31", "llama-bpe", "f16"),
]
# The same, and a picture: its sides are multiples of a block of patches, so that nothing is resized, which
# llama.cpp does a little otherwise than transformers.
PICTURE = "qwen3vl/f16_attention_bias/picture.png"
VISION = [
    ("qwen3vl", "qwen3vl/tied_one_image", "qwen2", "f32"),
    ("qwen2vl", "qwenvl/qwen2_one_image", "qwen2", "f16"),
    ("qwen25vl", "qwenvl/qwen2_5_one_image", "qwen2", "f16"),
]
# Qwen3 with rows of whole blocks: name, type for llama-quantize, width of all its layers.
QUANTISED = [("q8_0", "Q8_0", 64), ("q4_0", "Q4_0", 64)]
# Only on request, as it is large: --only q4_k_m.
LARGE = [("q4_k_m", "Q4_K_M", 256)]
# A greedy step must have a clearer winner than what llama.cpp loses by rounding activations to 8 bits.
MIN_MARGIN = 0.08
LLAVA = "llava/clip_llama_published"
QUESTION = "What is in the picture?"
NEW_TOKENS = 24
TEXTS = [
    "How many books are there?",
    "The old library stands at the end of the street, and its reading room is open until nine.",
    " two  blanks and  more   ",
    "a\n\n\nb\n c\n",
    "It's 12345 o'clock, I'LL say!!",
    "naïve Straße 図書館 🚂🚃",
    "x = f(a)[0] + 3.14;\t// done",
    "...",
    " ",
]


def run(*command: object, **options: object) -> str:
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, **options)
    if done.returncode:
        sys.exit(f"{command} failed:\n{done.stderr[-4000:]}")
    return done.stdout


def greedy_tool(llama_cpp: Path, folder: Path) -> Path:
    tool = folder / "greedy"
    libraries = llama_cpp / "build/bin"
    run(
        "g++", "-O1", "-std=c++17", "-I", llama_cpp / "include", "-I", llama_cpp / "ggml/include",
        HERE / "greedy.cpp", "-o", tool, "-L", libraries, "-lllama", "-lggml", "-lggml-base",
        f"-Wl,-rpath,{libraries}")
    return tool


def convert(llama_cpp: Path, source: Path, pre: str, kind: str, target: Path, *options: str) -> None:
    run(sys.executable, HERE / "convert.py", llama_cpp, pre, source, "--outtype", kind, "--outfile", target, *options)


def ids(line: str) -> list[int]:
    return [int(i) for i in line.strip().split(",")] if line.strip() else []


def record(greedy: Path, model: Path, prompt: list[int], count: int) -> dict:
    answer, margin = run(greedy, model, count, ",".join(map(str, prompt))).split()
    lines = "\n".join(text.replace("\n", "\\n") for text in TEXTS) + "\n"
    tokenized = [ids(line) for line in run(greedy, model, "tokenize", input=lines).split("\n")[:-1]]
    return {"greedyTokens": ids(answer), "margin": float(margin), "texts": TEXTS, "textTokens": tokenized}


def random_qwen3(folder: Path, width: int, seed: int) -> None:
    """Writes a checkpoint with the tokenizer of decoders/qwen3."""
    import torch
    import transformers

    sys.path[:0] = [str(HERE.parent / name) for name in ("decoders", "clip", "tokenizer")]
    import importlib.util

    spec = importlib.util.spec_from_file_location("decoder_fixtures", HERE.parent / "decoders/make_fixtures.py")
    decoders = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(decoders)
    source = MODELS / "decoders/qwen3"
    config = transformers.Qwen3Config(**json.loads((source / "config.json").read_text(encoding="utf-8")) | dict(
        hidden_size=width, intermediate_size=width, num_hidden_layers=1, layer_types=["full_attention"],
        num_attention_heads=4, num_key_value_heads=1, head_dim=width // 4))
    model = transformers.Qwen3ForCausalLM(config).to(torch.float32)
    decoders.randomise(model, seed)
    model.save_pretrained(folder)
    for name in "tokenizer.json", "tokenizer_config.json":
        shutil.copy(source / name, folder)


def quantised(llama_cpp: Path, greedy: Path, folder: Path, kind: str, width: int, target: Path) -> dict:
    reference = json.loads((MODELS / "decoders/qwen3/expected.json").read_text(encoding="utf-8"))
    for seed in range(100):
        random_qwen3(folder, width, seed)
        whole = folder / "whole.gguf"
        convert(llama_cpp, folder, "qwen2", "f32", whole)
        run(llama_cpp / "build/bin/llama-quantize", whole, target, kind, 1)
        expected = record(greedy, target, reference["promptTokenIds"], 12)
        if expected["margin"] >= MIN_MARGIN and len(set(expected["greedyTokens"])) > 4:
            return {"source": "decoders/qwen3", "seed": seed} | expected
    sys.exit(f"no seed of {kind} has clear winners")


def described(llama_cpp: Path, text: Path, vision: Path, *options: str) -> str:
    """Returns the greedy answer about the picture; bytes that are no text become U+FFFD."""
    done = subprocess.run(
        [llama_cpp / "build/bin/llama-mtmd-cli", "-m", text, "--mmproj", vision, "--image", MODELS / PICTURE,
         "-p", QUESTION, "--temp", "0", "-n", str(NEW_TOKENS), "-t", "1", "-fa", "off",
         "-ctk", "f32", "-ctv", "f32", *options],
        capture_output=True)
    if done.returncode:
        sys.exit(done.stderr[-4000:].decode(errors="replace"))
    return done.stdout.removeprefix(b"\n").removesuffix(b"\n\n").decode(errors="replace")


def llava_vision(llama_cpp: Path, source: Path, target: Path) -> None:
    """Writes what convert_image_encoder_to_gguf.py makes of LLaVA's CLIP and projector, which needs them apart."""
    sys.path.insert(0, str(llama_cpp / "gguf-py"))
    import gguf
    import torch
    from safetensors.torch import load_file

    config = json.loads((source / "config.json").read_text(encoding="utf-8"))
    vision = config["vision_config"]
    picture = json.loads((source / "preprocessor_config.json").read_text(encoding="utf-8"))
    blocks = vision["num_hidden_layers"] + config["vision_feature_layer"] + 1
    writer = gguf.GGUFWriter(target, "clip")
    writer.add_bool("clip.has_vision_encoder", True)
    writer.add_bool("clip.has_llava_projector", True)
    writer.add_string("clip.projector_type", "mlp")
    for key, value in {
        "image_size": vision["image_size"], "patch_size": vision["patch_size"],
        "embedding_length": vision["hidden_size"], "feed_forward_length": vision["intermediate_size"],
        "projection_dim": vision.get("projection_dim", 0), "attention.head_count": vision["num_attention_heads"],
        "block_count": blocks}.items():
        writer.add_uint32("clip.vision." + key, value)
    writer.add_float32("clip.vision.attention.layer_norm_epsilon", vision.get("layer_norm_eps", 1e-5))
    writer.add_array("clip.vision.feature_layer", [blocks])
    writer.add_array("clip.vision.image_mean", picture["image_mean"])
    writer.add_array("clip.vision.image_std", picture["image_std"])
    writer.add_bool("clip.use_gelu", vision.get("hidden_act", "quick_gelu") == "gelu")
    names = [
        ("vision_tower.vision_model.", "v."), ("multi_modal_projector.", "mm."), ("encoder.layers", "blk"),
        ("embeddings.", ""), ("linear_1", "0"), ("linear_2", "2"), ("_proj", ""), ("self_attn.", "attn_"),
        ("layer_norm", "ln"), ("mlp.fc1", "ffn_down"), ("mlp.fc2", "ffn_up"), ("embedding", "embd"),
        ("layrnorm", "ln")]
    for name, tensor in sorted(load_file(source / "model.safetensors").items()):
        parts = name.split(".")
        beyond = "layers" in parts and int(parts[parts.index("layers") + 1]) >= blocks
        if "language_model" in parts or "post_layernorm" in name or "position_ids" in name or beyond:
            continue
        for theirs, here in names:
            name = name.replace(theirs, here)
        kind = torch.float16 if tensor.ndim == 2 else torch.float32
        writer.add_tensor(name, tensor.to(kind).numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False) + "\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--llama-cpp", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--only", nargs="*")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        greedy = greedy_tool(arguments.llama_cpp, Path(temporary))
        for name, folder, pre, kind in TEXT:
            if arguments.only and name not in arguments.only:
                continue
            source = MODELS / folder
            target = arguments.out / f"{name}.gguf"
            convert(arguments.llama_cpp, source, pre, kind, target)
            reference = json.loads((source / "expected.json").read_text(encoding="utf-8"))
            expected = record(greedy, target, reference["promptTokenIds"], len(reference["greedyTokens"]))
            same = expected["greedyTokens"] == reference["greedyTokens"]
            print(name, target.stat().st_size, "as transformers" if same else "NOT as transformers", flush=True)
            if not same:
                print(" llama.cpp   ", expected["greedyTokens"], "\n transformers", reference["greedyTokens"])
            write_json(arguments.out / f"{name}.json", {"source": folder} | expected)

        if not arguments.only or "llava" in arguments.only:
            source = MODELS / LLAVA
            files = arguments.out / "llava"
            files.mkdir(exist_ok=True)
            text, vision = files / "model.gguf", files / "mmproj-model.gguf"
            convert(arguments.llama_cpp, source, "default", "f16", text)
            llava_vision(arguments.llama_cpp, source, vision)
            answer = described(arguments.llama_cpp, text, vision, "--chat-template", "vicuna")
            print("llava", text.stat().st_size, vision.stat().st_size, "llama.cpp loads it:", repr(answer), flush=True)
        wanted = [case for case in QUANTISED + LARGE if case[0] in arguments.only] if arguments.only else QUANTISED
        for name, kind, width in wanted:
            target = arguments.out / f"qwen3_{name}.gguf"
            expected = quantised(arguments.llama_cpp, greedy, Path(temporary), kind, width, target)
            print(name, target.stat().st_size, expected["seed"], expected["margin"], expected["greedyTokens"], flush=True)
            write_json(arguments.out / f"qwen3_{name}.json", expected)
        for name, folder, pre, kind in VISION:
            if arguments.only and name not in arguments.only:
                continue
            files = arguments.out / name
            files.mkdir(exist_ok=True)
            text, vision = files / "model.gguf", files / "mmproj-model.gguf"
            convert(arguments.llama_cpp, MODELS / folder, pre, kind, text)
            convert(arguments.llama_cpp, MODELS / folder, pre, kind, vision, "--mmproj")
            answer = described(arguments.llama_cpp, text, vision, "--jinja")
            print(name, text.stat().st_size, vision.stat().st_size, repr(answer), flush=True)
            write_json(files / "expected.json", {
                "source": folder, "picture": PICTURE, "question": QUESTION, "tokens": NEW_TOKENS, "text": answer})


if __name__ == "__main__":
    main()
