"""Writes the held-out test pictures (PNG) and labels.json with the reference's logits."""

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from captions import CLASSES, class_prompt
from evaluate import picture_of
from reference_clip import ReferenceClip


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--model", type=Path, required=True)
    p.add_argument("--out", type=Path, required=True)
    p.add_argument("--per-class", type=int, default=4)
    p.add_argument("--seed", type=int, default=424242)
    args = p.parse_args()
    torch.set_num_threads(2)
    args.out.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(args.seed)
    reference = ReferenceClip(args.model)
    texts = [class_prompt(*pair) for pair in CLASSES]
    names, truths = [], []
    for pair in CLASSES:
        for number in range(args.per_class):
            names.append(f"{'-'.join(pair)}-{number + 1}.png")
            truths.append(class_prompt(*pair))
            picture_of(rng, *pair, largest=160).save(args.out / names[-1], optimize=True)
    rows = reference.logits([Image.open(args.out / name) for name in names], texts)
    entries = []
    for i, (name, true, row) in enumerate(zip(names, truths, rows)):
        entry = {"image": name, "label": true, "reference": texts[int(row.argmax())]}
        if i % args.per_class == 0:
            entry["logits"] = [round(float(v), 5) for v in row]
        entries.append(entry)
    lines = ",\n".join("  " + json.dumps(e) for e in entries)
    (args.out / "labels.json").write_text(
        '{\n "labels": ' + json.dumps(texts) + ',\n "images": [\n' + lines + "\n ]\n}\n", encoding="utf-8")
    wrong = [e for e in entries if e["label"] != e["reference"]]
    for e in wrong:
        print(e)
    print(f"{len(entries)} pictures, {len(entries) - len(wrong)} right, "
          f"{sum(f.stat().st_size for f in args.out.iterdir()) / 1e3:.0f} KB")


if __name__ == "__main__":
    main()
