"""MiniMind-V's own code and tokenizers, taken from a clone at the commit of each layout.

Nothing of it is part of this repository: it is written to a temporary folder and imported there.
"""

import importlib
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

# The last commit of each layout.
COMMITS = {
    "a": "26de815",  # 2025-04-10
    "b": "623a130",  # 2025-04-27
    "b2": "33db76f",  # 2026-02-05: another chat template, YaRN
    "c": "f74124f",  # 2026-04-04
    "d": "9c3343d",  # 2026-04-19
    "e": "9595617",  # 2026-06-28
}


@dataclass(frozen=True)
class Published:
    """One layout's code."""

    layout: str
    root: Path
    module: ModuleType
    config_class: Any

    @property
    def model_class(self) -> Any:
        return self.module.MiniMindVLM

    @property
    def tokenizer_folder(self) -> Path:
        return self.root / "model" / ("minimind_tokenizer" if self.layout == "a" else "")


def git(clone: Path, *arguments: str) -> bytes:
    command = ["git", "-C", str(clone), *arguments]
    return subprocess.run(command, check=True, capture_output=True).stdout


def extract(clone: Path, layout: str, root: Path) -> None:
    """Writes the Python files and tokenizers of a commit; pictures may be missing in a clone."""
    commit = COMMITS[layout]
    for name in git(clone, "ls-tree", "-r", "--name-only", commit, "model").decode().split("\n"):
        if name.endswith((".py", ".json")):
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(git(clone, "show", f"{commit}:{name}"))


def load(clone: Path, layout: str, into: Path) -> Published:
    root = into / layout
    if not root.exists():
        extract(clone, layout, root)
    for name in [n for n in sys.modules if n == "model" or n.startswith("model.")]:
        del sys.modules[name]
    sys.path.insert(0, str(root))
    try:
        module = importlib.import_module("model.model_vlm")
    finally:
        sys.path.remove(str(root))
    return Published(layout, root, module, module.VLMConfig)


def text_classes(published: Published) -> tuple[Any, Any]:
    """The decoder alone and its configuration."""
    module = published.module
    if published.layout == "a":
        return module.MiniMindLM, sys.modules[module.MiniMindLM.__module__].LMConfig
    return module.MiniMindForCausalLM, module.MiniMindConfig


def tokenizer(published: Published) -> tuple[dict[str, Any], dict[str, Any]]:
    """tokenizer.json and tokenizer_config.json."""
    folder = published.tokenizer_folder
    return tuple(
        json.loads((folder / name).read_text(encoding="utf-8"))
        for name in ("tokenizer.json", "tokenizer_config.json")
    )
