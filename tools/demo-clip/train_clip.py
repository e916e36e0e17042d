"""Trains the demo CLIP. See README.md for the command and what to expect."""

import argparse
import json
import math
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import distributed, nn
from transformers import CLIPTokenizer
from transformers.image_utils import OPENAI_CLIP_MEAN, OPENAI_CLIP_STD

import captions
from captions import CLASSES, Caption, caption, class_prompt, scenes, truth
from clip_model import new_model
from train import Muon  # of the other demo model

_CLASS = {pair: i for i, pair in enumerate(CLASSES)}
CLASS_CAPTIONS = [Caption(class_prompt(*pair), frozenset([(None, *pair)]), None) for pair in CLASSES]


class Pool:
    """Training pictures: each is drawn once, seen a few times (mirrored or not), then replaced."""

    def __init__(self, rng, size, max_shapes):
        self.rng = rng
        self.size = size
        self.entries = [captions.training_picture(rng, max_shapes) for _ in range(size // 4)]
        self.oldest = 0

    def renew(self, count, max_shapes):
        for _ in range(count):
            entry = captions.training_picture(self.rng, max_shapes)
            if len(self.entries) < self.size:
                self.entries.append(entry)
            else:
                self.entries[self.oldest] = entry
                self.oldest = (self.oldest + 1) % self.size

    def draw(self, count):
        pixels, pictured, labels = [], [], []
        for i in self.rng.choice(len(self.entries), count, replace=False):
            p, scene, cells = self.entries[i]
            if self.rng.random() < 0.5:  # captions name no places, so a mirrored picture keeps them
                p, cells = p[:, ::-1], cells.reshape(p.shape[0] // captions.PATCH, -1)[:, ::-1].ravel()
            pixels.append(p)
            pictured.append(scene)
            labels.append(cells)
        return np.stack(pixels), pictured, labels


def normalised(pixels):
    """uint8 [n, h, w, 3] to the processor's pixel_values [n, 3, h, w]."""
    values = torch.from_numpy(pixels).float() / 255
    return ((values - torch.tensor(OPENAI_CLIP_MEAN)) / torch.tensor(OPENAI_CLIP_STD)).permute(0, 3, 1, 2)


def patch_targets(pictured, labels):
    """[n, patches, 5]: kind (0 none), colour, size, background, and which patch text is true; -100 unclear."""
    out = np.full((len(pictured), len(labels[0]), 5), -100)
    for row, scene, cells in zip(out, pictured, labels):
        background = scenes.COLOURS.index(scene.background)
        row[:, 3] = background
        row[cells == -1, 0] = 0
        row[cells == -1, 4] = len(CLASSES) + background
        for i, s in enumerate(scene.shapes):
            row[cells == i] = (scenes.SHAPES.index(s.kind) + 1, scenes.COLOURS.index(s.colour),
                               scenes.SIZES.index(s.size), background, _CLASS[s.colour, s.kind])
    return torch.from_numpy(out)


BACKGROUND_WEIGHT = 0.1
# What a patch shows in words: one of the classes, or a background.
PATCH_TEXTS = [class_prompt(*pair) for pair in CLASSES] + [f"a {c} background" if c != "orange"
                                                           else "an orange background" for c in scenes.COLOURS]


class PatchHeads(nn.Module):
    """What a patch shows, as linear classifiers; used in training only, never shipped."""

    WIDTHS = [len(scenes.SHAPES) + 1, len(scenes.COLOURS), len(scenes.SIZES), len(scenes.COLOURS)]

    def __init__(self, width):
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, sum(self.WIDTHS))
        self.scale = nn.Parameter(torch.tensor(math.log(10.0)))

    def forward(self, tokens, projected, texts, targets):
        parts = self.head(self.norm(tokens)).split(self.WIDTHS, -1)
        background = torch.full((self.WIDTHS[0],), 1.0)
        background[0] = BACKGROUND_WEIGHT  # most patches show none, and are the easy ones
        linear = sum(F.cross_entropy(part.flatten(0, 1), targets[..., i].flatten(), ignore_index=-100,
                                     weight=None if i else background) for i, part in enumerate(parts))
        logits = F.normalize(projected, dim=-1) @ texts.T * self.scale.exp().clamp(max=50)
        background = torch.full((len(texts),), 1.0)
        background[len(CLASSES):] = BACKGROUND_WEIGHT
        return linear, F.cross_entropy(logits.flatten(0, 1), targets[..., 4].flatten(), ignore_index=-100,
                                       weight=background)


def text_features(model, tokenizer, texts):
    ids = tokenizer(texts, padding=True, truncation=True, return_tensors="pt").input_ids
    return F.normalize(model.text_projection(model.text_model(input_ids=ids).pooler_output), dim=-1)


def one_way(logits, true):
    """How far each row's softmax is from even shares over what is true (Kullback-Leibler)."""
    target = true / true.sum(1, keepdim=True)
    return F.kl_div(F.log_softmax(logits, -1), target, reduction="batchmean")


def contrastive(logits, true):
    """The symmetric loss, where every true pair of the batch counts, not just the drawn ones."""
    return (one_way(logits, true) + one_way(logits.T, true.T)) / 2


def losses(model, heads, tokenizer, rng, pool, size, whole):
    """Of the patches (linear, spoken) and, if `whole`, of the pictures (match, named)."""
    pixels, pictured, labels = pool.draw(size)
    said = [caption(rng, scene) for scene in pictured for _ in range(2)] if whole else []
    said = list({c.text: c for c in said}.values())
    texts = text_features(model, tokenizer, PATCH_TEXTS + [c.text for c in said])
    prompts, texts = texts[:len(PATCH_TEXTS)], texts[len(PATCH_TEXTS):]
    hidden = model.vision_model(pixel_values=normalised(pixels)).last_hidden_state
    projected = model.visual_projection(model.vision_model.post_layernorm(hidden))
    linear, spoken = heads(hidden[:, 1:], projected[:, 1:], prompts, patch_targets(pictured, labels))
    if not whole:
        return linear, spoken
    images = F.normalize(projected[:, 0], dim=-1) * model.logit_scale.exp()
    match = contrastive(images @ texts.T, torch.from_numpy(truth(pictured, said)).float())
    present = torch.from_numpy(truth(pictured, CLASS_CAPTIONS)).float()
    filled = present.any(1)
    named = one_way(images[filled] @ prompts[:len(CLASSES)].T, present[filled])
    return linear, spoken, match, named


WEIGHTS = [0.3, 0.7, 1.0, 1.0]


@torch.no_grad()
def zero_shot(model, tokenizer, checked):
    """The share of (pixels, scene of one shape) whose class prompt is the nearest."""
    texts = text_features(model, tokenizer, [class_prompt(*pair) for pair in CLASSES])
    hidden = model.vision_model(pixel_values=normalised(np.stack([pixels for pixels, _ in checked]))).pooler_output
    wanted = torch.tensor([_CLASS[scene.shapes[0].colour, scene.shapes[0].kind] for _, scene in checked])
    return ((model.visual_projection(hidden) @ texts.T).argmax(-1) == wanted).float().mean().item()


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--tokenizer", type=Path, required=True)
    p.add_argument("--out", type=Path, required=True, help="folder for checkpoints")
    p.add_argument("--minutes", type=float, default=25, help="wall time; the schedule is stretched to fill it")
    p.add_argument("--steps", type=int, help="a fixed number of steps instead of --minutes")
    p.add_argument("--resume", type=Path, help="checkpoint to go on from, with a fresh schedule")
    p.add_argument("--easy", type=float, default=0.2, help="share of the run, at its start, with one shape at most")
    p.add_argument("--patch-part", type=float, default=0.3,
                   help="share of the run, at its start, that trains on the patch losses alone")
    p.add_argument("--seed", type=int, default=7)
    p.add_argument("--rate", type=float, default=2e-3, help="of AdamW")
    p.add_argument("--muon-rate", type=float, default=0.02)
    p.add_argument("--batch", type=int, default=64, help="pictures per step, of all workers together")
    p.add_argument("--workers", type=int, default=2, help="processes of one thread each")
    p.add_argument("--fresh", type=int, default=20, help="pictures drawn anew per step")
    p.add_argument("--warmup", type=int, default=60, help="steps")
    p.add_argument("--log", type=int, default=20)
    args = p.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    meeting = (args.out / "workers").absolute()
    meeting.unlink(missing_ok=True)
    torch.multiprocessing.spawn(work, (args, meeting.as_uri()), args.workers)


def work(rank, args, meeting):
    """One of the workers: each draws its own pictures, the gradients are averaged."""
    torch.set_num_threads(1)
    distributed.init_process_group("gloo", init_method=meeting, rank=rank, world_size=args.workers)
    tokenizer = CLIPTokenizer.from_pretrained(args.tokenizer)
    model = new_model(tokenizer, args.seed)
    heads = PatchHeads(model.config.vision_config.hidden_size)
    if args.resume:
        model.load_state_dict(load_file(args.resume))
        heads.load_state_dict(load_file(args.resume.with_name("heads.safetensors")))
    unseen = np.random.default_rng([args.seed, args.workers])
    checked = [captions.training_picture(unseen, 1) for _ in range(700 if rank == 0 else 0)]
    checked = [(pixels, scene) for pixels, scene, _ in checked if len(scene.shapes) == 1]

    # The matrices inside the layers take orthogonalised steps, everything else Adam's.
    shared = [*model.parameters(), *heads.parameters()]
    inner = [q for name, q in model.named_parameters() if q.dim() == 2 and ".layers." in name]
    known = {id(q) for q in inner}
    muon = Muon(inner)
    optimizer = torch.optim.AdamW([q for q in shared if id(q) not in known], lr=args.rate,
                                  betas=(0.9, 0.98), weight_decay=0, foreach=True)
    if rank == 0:
        print("parameters", sum(q.numel() for q in model.parameters()), flush=True)
    rng = np.random.default_rng([args.seed, rank])
    pool = Pool(rng, 12_000 // args.workers, 1 if args.easy else 3)
    begin = time.time()
    step, sums = 0, np.zeros(4)
    while True:
        clock = torch.tensor([step / args.steps if args.steps else (time.time() - begin) / (60 * args.minutes)])
        distributed.broadcast(clock, 0)
        part = clock.item()
        if part >= 1:
            break
        pool.renew(args.fresh // args.workers, 1 if part < args.easy else 3)
        scale = min(1, (step + 1) / args.warmup) * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * part)))
        for group in optimizer.param_groups:
            group["lr"] = args.rate * scale
        found = losses(model, heads, tokenizer, rng, pool, args.batch // args.workers, part >= args.patch_part)
        sum(w * loss for w, loss in zip(WEIGHTS, found)).backward()
        moved = [q for q in shared if q.grad is not None]
        gradients = torch.cat([q.grad.flatten() for q in moved])
        distributed.all_reduce(gradients)
        gradients /= args.workers
        gradients *= min(1.0, 1.0 / (gradients.norm().item() + 1e-6))
        for q, g in zip(moved, gradients.split([q.numel() for q in moved])):
            q.grad.copy_(g.view_as(q))
        muon.step(args.muon_rate * scale)
        optimizer.step()
        for q in shared:
            q.grad = None
        model.logit_scale.data.clamp_(max=math.log(100))
        step += 1
        sums[:len(found)] += [loss.item() for loss in found]
        if rank == 0 and step % args.log == 0:
            sums /= args.log
            spent = time.time() - begin
            right = f" right {zero_shot(model, tokenizer, checked):.4f}" if step % (5 * args.log) == 0 else ""
            print(f"step {step} {spent / 60:.1f} min linear {sums[0]:.3f} spoken {sums[1]:.3f} "
                  f"match {sums[2]:.4f} named {sums[3]:.4f} logit scale {model.logit_scale.exp().item():.1f} "
                  f"rate {scale:.4f} {spent / step:.2f} s/step{right}", flush=True)
            sums = np.zeros(4)
        if rank == 0 and step % 100 == 0:
            save(model, heads, args.out)
    if rank == 0:
        save(model, heads, args.out)
        (args.out / "run.json").write_text(json.dumps(dict(
            steps=step, batch=args.batch, seed=args.seed, minutes=round((time.time() - begin) / 60, 1))))
    distributed.destroy_process_group()


def save(model, heads, folder):
    for name, module in (("heads", heads), ("latest", model)):
        save_file({k: v.contiguous() for k, v in module.state_dict().items()}, folder / "part.tmp")
        (folder / "part.tmp").rename(folder / f"{name}.safetensors")


if __name__ == "__main__":
    main()
