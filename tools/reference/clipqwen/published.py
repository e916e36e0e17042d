"""The published code of the family, imported from where it was fetched to; nothing of it is here.

VLM-learning (https://github.com/WatchTower-Liu/VLM-learning) holds the multimodal model and the
later code of Qwen's first generation; Qwen-7B-Chat of August 2023 holds the earlier one. Both were
written for transformers 4, so a few names that transformers 5 has dropped are put back first.
"""

import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

try:  # only needed where torchvision's native library does not match torch
    import torchvision_shim  # noqa: F401
except ImportError:
    pass

import transformers
from transformers.models.clip import modeling_clip


def put_back() -> None:
    """What the published code imports or inherits, and transformers 5 no longer has."""
    modeling_clip.CLIP_VISION_INPUTS_DOCSTRING = ""
    transformers.PreTrainedModel.get_head_mask = lambda self, mask, layers: [None] * layers


def vlm_learning(folder: Path, name: str) -> ModuleType:
    """A module of VLM-learning, such as ``qwen.Mqwen``."""
    put_back()
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
    return importlib.import_module(name)


def qwen_7b_chat(folder: Path) -> ModuleType:
    """The model's code of Qwen-7B-Chat, whose files import one another as one package."""
    put_back()
    package = ModuleType("qwen_7b_chat")
    package.__path__ = [str(folder)]
    sys.modules["qwen_7b_chat"] = package
    return importlib.import_module("qwen_7b_chat.modeling_qwen")
