"""Writes GGUF fixtures: tiny checkpoints of other fixtures as llama.cpp converts them, and what it makes of them.

    python make_fixtures.py --llama-cpp LLAMA_CPP --out ../../../vlm-models/src/test/resources/gguf [--only CASE ...]

LLAMA_CPP is a checkout that has been built into its folder build. Needs g++ and what convert_hf_to_gguf.py needs.
"""

import argparse
import json
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
    ("llama_linear", "decoders/llama_linear", "default", "bf16"),
]
# The same, and a picture: its sides are multiples of a block of patches, so that nothing is resized, which
# llama.cpp does a little otherwise than transformers.
PICTURE = "qwen3vl/f16_attention_bias/picture.png"
VISION = [
    ("qwen3vl", "qwen3vl/tied_one_image", "qwen2", "f32"),
    ("qwen2vl", "qwenvl/qwen2_one_image", "qwen2", "f16"),
    ("qwen25vl", "qwenvl/qwen2_5_one_image", "qwen2", "f16"),
]
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
    answer = ids(run(greedy, model, count, ",".join(map(str, prompt))))
    lines = "\n".join(text.replace("\n", "\\n") for text in TEXTS) + "\n"
    tokenized = [ids(line) for line in run(greedy, model, "tokenize", input=lines).split("\n")[:-1]]
    return {"greedyTokens": answer, "texts": TEXTS, "textTokens": tokenized}


def described(llama_cpp: Path, text: Path, vision: Path) -> str:
    """Returns the greedy answer about the picture; bytes that are no text become U+FFFD."""
    done = subprocess.run(
        [llama_cpp / "build/bin/llama-mtmd-cli", "-m", text, "--mmproj", vision, "--image", MODELS / PICTURE,
         "-p", QUESTION, "--temp", "0", "-n", str(NEW_TOKENS), "-t", "1", "--jinja", "-fa", "off",
         "-ctk", "f32", "-ctv", "f32"],
        capture_output=True)
    if done.returncode:
        sys.exit(done.stderr[-4000:].decode(errors="replace"))
    return done.stdout.removeprefix(b"\n").removesuffix(b"\n\n").decode(errors="replace")


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

        for name, folder, pre, kind in VISION:
            if arguments.only and name not in arguments.only:
                continue
            files = arguments.out / name
            files.mkdir(exist_ok=True)
            text, vision = files / "model.gguf", files / "mmproj-model.gguf"
            convert(arguments.llama_cpp, MODELS / folder, pre, kind, text)
            convert(arguments.llama_cpp, MODELS / folder, pre, kind, vision, "--mmproj")
            answer = described(arguments.llama_cpp, text, vision)
            print(name, text.stat().st_size, vision.stat().st_size, repr(answer), flush=True)
            write_json(files / "expected.json", {
                "source": folder, "picture": PICTURE, "question": QUESTION, "tokens": NEW_TOKENS, "text": answer})


if __name__ == "__main__":
    main()
