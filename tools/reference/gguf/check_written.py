"""Checks that llama.cpp loads a GGUF file that VLM4J wrote from a fixture's folder and finds transformers' tokens.

    python check_written.py --llama-cpp LLAMA_CPP FILE.gguf FOLDER      FOLDER such as .../resources/decoders/qwen3
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

from make_fixtures import greedy_tool, ids, run

parser = argparse.ArgumentParser()
parser.add_argument("--llama-cpp", type=Path, required=True)
parser.add_argument("file", type=Path)
parser.add_argument("folder", type=Path)
arguments = parser.parse_args()
expected = json.loads((arguments.folder / "expected.json").read_text(encoding="utf-8"))
with tempfile.TemporaryDirectory() as temporary:
    greedy = greedy_tool(arguments.llama_cpp, Path(temporary))
    prompt = ",".join(map(str, expected["promptTokenIds"]))
    tokens = ids(run(greedy, arguments.file, len(expected["greedyTokens"]), prompt).split()[0])
print("the same tokens" if tokens == expected["greedyTokens"] else f"{tokens}, not {expected['greedyTokens']}")
sys.exit(tokens != expected["greedyTokens"])
