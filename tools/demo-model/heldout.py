"""Writes the held-out test scenes (PNG) and questions.json with the reference's greedy answers."""

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from PIL import Image

import questions
import scenes
from evaluate import fresh_scene, natural_picture
from reference_chat import ReferenceChat


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--model", type=Path, required=True)
    p.add_argument("--out", type=Path, required=True)
    p.add_argument("--scenes", type=int, default=64)
    p.add_argument("--seed", type=int, default=424242)
    args = p.parse_args()
    torch.set_num_threads(2)
    args.out.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(args.seed)
    kinds = [k for k in questions.KINDS if k != "caption"]
    chat = ReferenceChat(args.model)
    entries = []
    for number in range(args.scenes):
        scene = fresh_scene(rng)
        name = f"scene-{number:02}.png"
        natural_picture(rng, scene, largest=640 if number % 8 == 0 else 220).save(
            args.out / name, optimize=True)
        asked = [("caption", ("Describe the image.", questions.caption(scene)))]
        for i in range(4):
            kind = kinds[(number * 4 + i) % len(kinds)]
            pair = questions.question(rng, scene, kind)
            if pair is not None:
                asked.append((kind, pair))
        for kind, (text, expected) in asked:
            with Image.open(args.out / name) as picture:
                answer = chat.answers([[("user", text, picture.convert("RGB"))]])[0]
            entries.append({"image": name, "type": kind, "question": text, "expected": expected,
                            "reference": answer})
    (args.out / "questions.json").write_text(
        json.dumps(entries, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    wrong = [e for e in entries if e["expected"] != e["reference"]]
    for e in wrong:
        print(e)
    print(f"{len(entries)} questions about {args.scenes} scenes, {len(entries) - len(wrong)} right, "
          f"{sum(f.stat().st_size for f in args.out.iterdir()) / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
