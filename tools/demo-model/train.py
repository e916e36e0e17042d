"""Trains the demo model. See README.md for the command and what to expect."""

import argparse
import json
import math
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from torch import distributed, nn

import questions
import scenes
from shapes_model import CELL, decode, encode_images, new_model, patches

SYSTEM = "You are a helpful assistant."
# Grids of merged cells (rows, columns) that smart resize can give, and how often each is trained.
GRIDS = {(6, 6): 10, (5, 6): 3, (6, 5): 3, (5, 5): 2, (5, 7): 2, (7, 5): 2, (4, 7): 1, (7, 4): 1,
         (4, 8): 1.5, (8, 4): 1.5, (4, 9): 0.7, (9, 4): 0.7}
# Answers below this many tokens hang on one of them, so each of theirs counts more.
SHORT, SHORT_WEIGHT = 12, 4.0


class Packer:
    """Turns scenes into token rows: the picture first, then independent questions behind it."""

    def __init__(self, tokenizer):
        self.tokenizer = tokenizer
        self.cache = {}
        self.kinds = list(questions.KINDS)
        weights = np.array([questions.KINDS[k] for k in self.kinds])
        self.weights = weights / weights.sum()
        special = tokenizer.token_to_id
        self.image = special("<|image_pad|>")
        self.end = special("<|im_end|>")
        self.user = [special("<|im_start|>"), *self.ids("user\n")]
        self.to_answer = [self.end, *self.ids("\n"), special("<|im_start|>"), *self.ids("assistant\n")]
        self.next_turn = [*self.ids("\n"), *self.user]
        self.vision = special("<|vision_start|>"), special("<|vision_end|>")
        self.system = [special("<|im_start|>"), *self.ids("system\n" + SYSTEM), self.end, *self.ids("\n")]

    def ids(self, text):
        found = self.cache.get(text)
        if found is None:
            found = self.tokenizer.encode(text).ids
            if len(self.cache) < 200_000:
                self.cache[text] = found
        return found

    def turn(self, rng, scene, kind):
        pair = questions.question(rng, scene, kind)
        if pair is None:
            return None
        ask = self.ids(questions.as_typed(rng, pair[0])) + self.to_answer
        answer = self.ids(pair[1]) + [self.end]
        return ask + answer, [False] * len(ask) + [True] * len(answer)

    def segments(self, rng, scene, budget):
        """Lists of (tokens, is answer, sees picture) that fit into the budget of tokens."""
        found = []
        misses = 0
        while misses < 3:
            if rng.random() < 0.01:
                asked = questions.question(rng, scene, self.kinds[rng.choice(len(self.kinds), p=self.weights)])
                if asked is None:
                    continue
                ask = self.user + self.ids(questions.as_typed(rng, asked[0])) + self.to_answer
                answer = self.ids(questions.NO_PICTURE) + [self.end]
                part = ask + answer, [False] * len(ask) + [True] * len(answer)
                sees = False
            else:
                kind = self.kinds[rng.choice(len(self.kinds), p=self.weights)]
                part = self.turn(rng, scene, kind)
                sees = True
                if part and found and rng.random() < 0.15:  # a conversation: a second question follows
                    second = self.turn(rng, scene, self.kinds[rng.choice(len(self.kinds), p=self.weights)])
                    if second:
                        part = (part[0] + self.next_turn + second[0],
                                part[1] + [False] * len(self.next_turn) + second[1])
            if part is None:
                continue
            if len(part[0]) > budget:
                misses += 1
                continue
            budget -= len(part[0])
            found.append((*part, sees))
        return found

    def pictures(self, rng, size):
        """A batch for the helper losses alone, without questions."""
        rows, columns = self.grid(rng)
        found = [scenes.random_scene(rng, columns * CELL, rows * CELL) for _ in range(size)]
        images = np.stack([scenes.render_for_training(rng, scene) for scene in found])
        labels = np.stack([_cell_targets(scene) for scene in found])
        return dict(images=torch.from_numpy(images), labels=torch.from_numpy(labels),
                    rows=rows, columns=columns)

    def grid(self, rng):
        grids = list(GRIDS)
        p = np.array(list(GRIDS.values()))
        return grids[rng.choice(len(grids), p=p / p.sum())]

    def batch(self, rng, size, max_shapes, budget):
        rows, columns = self.grid(rng)
        prefix = (self.system if rng.random() < 0.1 else []) + self.user + [self.vision[0]]
        start = len(prefix)
        cells = rows * columns
        prefix = prefix + [self.image] * cells + [self.vision[1]]
        images, labels, packed = [], [], []
        for _ in range(size):
            scene = scenes.random_scene(rng, columns * CELL, rows * CELL, max_shapes)
            images.append(scenes.render_for_training(rng, scene))
            labels.append(_cell_targets(scene))
            packed.append(self.segments(rng, scene, budget))
        length = len(prefix) + max(sum(len(s[0]) for s in row) for row in packed)
        length += -length % 8
        ids = np.full((size, length), self.end)
        target = np.full((size, length), -100)
        segment = np.full((size, length), -1)
        weight = np.ones((size, length), dtype=np.float32)
        blind = np.zeros((size, length), dtype=bool)
        position = np.zeros((3, size, length), dtype=np.int64)
        ids[:, :len(prefix)] = prefix
        segment[:, :len(prefix)] = 0
        position[:, :, :start] = np.arange(start)
        cell = np.arange(cells)
        position[0, :, start:start + cells] = start
        position[1, :, start:start + cells] = start + cell // columns
        position[2, :, start:start + cells] = start + cell % columns
        after = start + max(rows, columns)
        position[:, :, start + cells] = after
        for i, row in enumerate(packed):
            at = len(prefix)
            for number, (tokens, is_answer, sees) in enumerate(row, 1):
                n = len(tokens)
                ids[i, at:at + n] = tokens
                segment[i, at:at + n] = number
                blind[i, at:at + n] = not sees
                position[:, i, at:at + n] = np.arange(n) + (after + 1 if sees else 0)
                wanted = np.where(is_answer, tokens, -100)
                target[i, at:at + n - 1] = wanted[1:]
                if sum(is_answer) < SHORT:
                    weight[i, at:at + n] = SHORT_WEIGHT
                at += n
        same = segment[:, :, None] == segment[:, None, :]
        picture = (segment == 0)[:, None, :] & ~blind[:, :, None]
        allowed = (same | picture) & np.tri(length, dtype=bool)
        mask = torch.zeros(size, 1, length, length).masked_fill_(~torch.from_numpy(allowed)[:, None], -1e9)
        return dict(images=torch.from_numpy(np.stack(images)), rows=rows, columns=columns,
                    labels=torch.from_numpy(np.stack(labels)), ids=torch.from_numpy(ids),
                    target=torch.from_numpy(target), weight=torch.from_numpy(weight),
                    position=torch.from_numpy(position),
                    mask=mask, start=start)


def _cell_targets(scene):
    """Per cell: shape, colour, size and place of what it shows, and the background's colour."""
    labels = scenes.cell_labels(scene)
    out = np.full((len(labels), 5), -100)
    out[:, 4] = scenes.COLOURS.index(scene.background)
    out[labels == -1, 0] = 0
    for i, s in enumerate(scene.shapes):
        out[labels == i, :4] = (scenes.SHAPES.index(s.kind) + 1, scenes.COLOURS.index(s.colour),
                                scenes.SIZES.index(s.size), s.row * 3 + s.column)
    return out


class CellHeads(nn.Module):
    """What a merged cell shows, as linear classifiers; used in training only, never shipped."""

    WIDTHS = [len(scenes.SHAPES) + 1, len(scenes.COLOURS), 2, 9, len(scenes.COLOURS)]

    def __init__(self):
        super().__init__()
        self.norm = nn.LayerNorm(128)
        self.head = nn.Linear(128, sum(self.WIDTHS))

    def forward(self, features, labels):
        parts = self.head(self.norm(features)).split(self.WIDTHS, -1)
        return sum(F.cross_entropy(part.flatten(0, 1), labels[..., i].flatten(), ignore_index=-100)
                   if (labels[..., i] >= 0).any() else 0.0 for i, part in enumerate(parts))


def loss_of(model, heads, batch):
    features, deep = encode_images(model.model.visual, patches(batch["images"]), batch["rows"], batch["columns"])
    cells = heads(features, batch["labels"])
    if "ids" not in batch:
        return torch.zeros(()), cells, 0.0
    language = model.model.language_model
    hidden = decode(language, batch["ids"], batch["position"], batch["mask"], features, deep, batch["start"])
    chosen = batch["target"] >= 0
    target = batch["target"][chosen]
    logits = F.linear(hidden[chosen], language.embed_tokens.weight)
    weight = batch["weight"][chosen]
    loss = (F.cross_entropy(logits, target, reduction="none") * weight).sum() / weight.sum()
    right = (logits.detach().argmax(-1) == target).float().mean().item()
    return loss, cells, right


class Muon:
    """Momentum steps made orthogonal by a Newton-Schulz iteration (Jordan et al., 2024)."""

    def __init__(self, matrices, momentum=0.95, decay=0.02):
        self.momentum, self.decay = momentum, decay
        self.groups = {}
        for m in matrices:
            self.groups.setdefault(tuple(m.shape), []).append(m)
        self.velocity = {id(m): torch.zeros_like(m) for m in matrices}

    @torch.no_grad()
    def step(self, rate):
        for shape, matrices in self.groups.items():
            group = [m for m in matrices if m.grad is not None]
            if not group:
                continue
            steps = []
            for m in group:
                v = self.velocity[id(m)]
                v.lerp_(m.grad, 1 - self.momentum)
                steps.append(m.grad.lerp(v, self.momentum))
            x = torch.stack(steps)
            wide = shape[0] <= shape[1]
            if not wide:
                x = x.mT
            x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
            for _ in range(5):
                a = x @ x.mT
                x = 3.4445 * x + (-4.7750 * a + 2.0315 * a @ a) @ x
            if not wide:
                x = x.mT
            for m, update in zip(group, x):
                m.mul_(1 - rate * self.decay).add_(update, alpha=-rate * max(1, shape[0] / shape[1]) ** 0.5)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--tokenizer", type=Path, required=True)
    p.add_argument("--out", type=Path, required=True, help="folder for checkpoints")
    p.add_argument("--minutes", type=float, default=55, help="wall time; the schedule is stretched to fill it")
    p.add_argument("--steps", type=int, help="a fixed number of steps instead of --minutes")
    p.add_argument("--resume", type=Path, help="checkpoint to go on from, with a fresh schedule")
    p.add_argument("--vision-part", type=float, default=0,
                   help="share of the run, at its start, that trains the vision tower alone")
    p.add_argument("--seed", type=int, default=7)
    p.add_argument("--rate", type=float, default=2e-3, help="of AdamW")
    p.add_argument("--muon-rate", type=float, default=0.02)
    p.add_argument("--batch", type=int, default=32, help="pictures per step, of all workers together")
    p.add_argument("--workers", type=int, default=2, help="processes of one thread each")
    p.add_argument("--warmup", type=int, default=100, help="steps")
    p.add_argument("--log", type=int, default=50)
    args = p.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    meeting = (args.out / "workers").absolute()
    meeting.unlink(missing_ok=True)
    torch.multiprocessing.spawn(work, (args, meeting.as_uri()), args.workers)


def work(rank, args, meeting):
    """One of the workers: each draws its own scenes, the gradients are averaged."""
    torch.set_num_threads(1)
    distributed.init_process_group("gloo", init_method=meeting, rank=rank, world_size=args.workers)
    tokenizer = Tokenizer.from_file(str(args.tokenizer))
    model = new_model(tokenizer, args.seed)
    heads = CellHeads()
    if args.resume:
        model.load_state_dict(load_file(args.resume), strict=False)
        if (kept := args.resume.with_name("heads.safetensors")).exists():
            heads.load_state_dict(load_file(kept))
    packer = Packer(tokenizer)
    rng = np.random.default_rng([args.seed, rank])
    shared = [*model.parameters(), *heads.parameters()]
    # The matrices inside the layers take orthogonalised steps, everything else Adam's.
    inner = [q for name, q in model.named_parameters()
             if q.dim() == 2 and ("layers." in name or "blocks." in name or "merger" in name)]
    muon = Muon(inner)
    known = {id(q) for q in inner}
    optimizer = torch.optim.AdamW([q for q in shared if id(q) not in known], lr=args.rate,
                                  betas=(0.9, 0.98), weight_decay=0, foreach=True)
    if rank == 0:
        print("parameters", sum(q.numel() for q in model.parameters()), flush=True)
    begin = time.time()
    step, sums = 0, np.zeros(3)
    while True:
        clock = torch.tensor([step / args.steps if args.steps else (time.time() - begin) / (60 * args.minutes)])
        distributed.broadcast(clock, 0)
        part = clock.item()
        if part >= 1:
            break
        easy = part < 0.1 and not args.resume
        size = args.batch // 2 if easy else args.batch * 3 // 4 if part < 0.6 else args.batch
        if part < args.vision_part:
            batch = packer.pictures(rng, 2 * args.batch // args.workers)
        else:
            batch = packer.batch(rng, size // args.workers, 2 if easy else 4, 104 if easy else 150)
        scale = min(1, (step + 1) / args.warmup) * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * part)))
        for group in optimizer.param_groups:
            group["lr"] = args.rate * scale
        loss, cells, right = loss_of(model, heads, batch)
        (loss + 0.5 * cells).backward()
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
        step += 1
        sums += loss.item(), cells.item(), right
        if rank == 0 and step % args.log == 0:
            sums /= args.log
            spent = time.time() - begin
            print(f"step {step} {spent / 60:.1f} min loss {sums[0]:.4f} cells {sums[1]:.3f} tokens "
                  f"{sums[2]:.4f} rate {scale:.4f} {spent / step:.2f} s/step", flush=True)
            sums = np.zeros(3)
        if rank == 0 and step % 250 == 0:
            save(model, heads, args.out)
    if rank == 0:
        save(model, heads, args.out)
        (args.out / "run.json").write_text(json.dumps(dict(
            steps=step, batch=args.batch, seed=args.seed, minutes=round((time.time() - begin) / 60, 1))))
    distributed.destroy_process_group()


def save(model, heads, folder):
    state = {k: v.contiguous() for k, v in model.state_dict().items() if k != "lm_head.weight"}
    for name, tensors in (("heads", heads.state_dict()), ("latest", state)):
        save_file(tensors, folder / "part.tmp")
        (folder / "part.tmp").rename(folder / f"{name}.safetensors")


if __name__ == "__main__":
    main()
