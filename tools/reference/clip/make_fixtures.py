"""Writes the CLIP and SigLIP fixtures: tiny random checkpoints and what the references compute.

Usage: python make_fixtures.py --out FOLDER [--only CASE ...]
"""

import argparse
import shutil
from pathlib import Path

try:  # only needed where torchvision's native library does not match torch
    import torchvision_shim  # noqa: F401
except ImportError:
    pass

import torch

import hf_clip
import open_clip_folder
import openai_clip
import siglip
import tutorial_resnet

CASES = {
    name: make
    for group in (hf_clip, openai_clip, open_clip_folder, tutorial_resnet, siglip)
    for name, make in group.cases().items()
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--only", nargs="*")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    for name, make in CASES.items():
        if arguments.only and name not in arguments.only:
            continue
        folder = arguments.out / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        make(folder)
        for file in folder.iterdir():
            file.chmod(0o644)
        size = sum(file.stat().st_size for file in folder.iterdir())
        print(f"{name}: {size / 1024:.0f} KiB")


if __name__ == "__main__":
    main()
