"""Checks that llama.cpp loads a GGUF file that VLM4J wrote from a fixture's folder and finds transformers' tokens.

    python check_written.py --llama-cpp LLAMA_CPP FILE.gguf FOLDER      FOLDER such as .../resources/decoders/qwen3

With mmproj-FILE.gguf beside it, llama.cpp must say the same about a picture as from its own converter's files of the
type that the folder is in.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

from make_fixtures import convert, described, greedy_tool, ids, llava_vision, run

TYPES = {"float32": "f32", "float16": "f16", "bfloat16": "bf16"}


def same_tokens(llama_cpp: Path, file: Path, folder: Path, temporary: Path) -> bool:
    expected = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
    greedy = greedy_tool(llama_cpp, temporary)
    prompt = ",".join(map(str, expected["promptTokenIds"]))
    tokens = ids(run(greedy, file, len(expected["greedyTokens"]), prompt).split()[0])
    same = tokens == expected["greedyTokens"]
    print("the same tokens" if same else f"{tokens}, not {expected['greedyTokens']}")
    return same


def same_description(llama_cpp: Path, file: Path, mmproj: Path, folder: Path, temporary: Path) -> bool:
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    kind = TYPES[config.get("dtype") or config["torch_dtype"]]
    text, vision = temporary / "model.gguf", temporary / "mmproj-model.gguf"
    if config["model_type"] == "llava":
        convert(llama_cpp, folder, "default", kind, text)
        llava_vision(llama_cpp, folder, vision)
        options = ["--chat-template", "vicuna"]
    else:
        convert(llama_cpp, folder, "qwen2", kind, text)
        convert(llama_cpp, folder, "qwen2", kind, vision, "--mmproj")
        options = ["--jinja"]
    expected = described(llama_cpp, text, vision, *options)
    answer = described(llama_cpp, file, mmproj, *options)
    print("the same answer" if answer == expected else f"{answer!r}, not {expected!r}")
    return answer == expected


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--llama-cpp", type=Path, required=True)
    parser.add_argument("file", type=Path)
    parser.add_argument("folder", type=Path)
    arguments = parser.parse_args()
    mmproj = arguments.file.with_name("mmproj-" + arguments.file.name)
    with tempfile.TemporaryDirectory() as temporary:
        if mmproj.exists():
            same = same_description(arguments.llama_cpp, arguments.file, mmproj, arguments.folder, Path(temporary))
        else:
            same = same_tokens(arguments.llama_cpp, arguments.file, arguments.folder, Path(temporary))
    sys.exit(not same)


if __name__ == "__main__":
    main()
