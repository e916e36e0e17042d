"""The published code of the family, imported from where it was fetched to; nothing of it is here.

VLM-learning (https://github.com/WatchTower-Liu/VLM-learning) holds the multimodal model and the
later code of Qwen's first generation; Qwen-7B-Chat of August 2023 holds the earlier one. Both were
written for transformers 4, so a few names that transformers 5 has dropped are put back first.
"""

import importlib
import sys
from pathlib import Path
from types import ModuleType

try:  # only needed where torchvision's native library does not match torch
    import torchvision_shim  # noqa: F401
except ImportError:
    pass


def vlm_learning(folder: Path, name: str) -> ModuleType:
    """A module of VLM-learning, such as ``qwen.Mqwen``."""
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
    return importlib.import_module(name)
