"""Writes the PyTorch fixtures of vlm-core's tests with torch itself.

    pip install torch safetensors numpy
    python tools/reference/pytorch/make_fixtures.py

Every file that must load has a twin: NAME.safetensors holds the same tensors, contiguous, as
torch.load (or torch.jit.load) reads them back; twins.json says which file has which twin. Two runs
give the same bytes, but for legacy.pt and scripted.pt, into which torch writes addresses.
"""

import argparse
import collections
import json
import pathlib
import struct
import zipfile
import zlib
from pathlib import Path

import numpy
import torch
from safetensors.torch import save_file

ROOT = Path(__file__).resolve().parents[3]
OUT = ROOT / "vlm-core/src/test/resources/io/github/vlm4j/core/checkpoint/pytorch"

TWINS: dict[str, str] = {}


def ramp(dtype: torch.dtype, *shape: int) -> torch.Tensor:
    index = torch.arange(torch.Size(shape).numel())
    if dtype.is_floating_point or dtype.is_complex:
        return (index.to(torch.float32) / 2 - 1).to(dtype).reshape(shape)
    signed = dtype not in (torch.uint8, torch.uint16, torch.bool)
    return (index - 1 if signed else index).to(dtype).reshape(shape)


def twin(name: str, tensors: dict[str, torch.Tensor]) -> None:
    copies = {key: value.detach().clone().contiguous() for key, value in tensors.items()}
    path = OUT / f"{name}.safetensors"
    save_file(copies, path)
    path.chmod(0o644)


def plain() -> dict[str, torch.Tensor]:
    return {
        "conv1.weight": ramp(torch.float32, 2, 3, 2),
        "ln.weight": ramp(torch.float16, 5),
        "ln.bias": ramp(torch.bfloat16, 5),
        "steps": torch.tensor(7),
    }


def types() -> dict[str, torch.Tensor]:
    names = "float32 float16 bfloat16 float64 int64 int32 int16 int8 uint8 bool uint16 complex64"
    names += " float8_e4m3fn float8_e5m2"
    all_types = {name: ramp(getattr(torch, name), 2, 3) for name in names.split()}
    return all_types | {
        "scalar": torch.tensor(2.5),
        "empty": torch.zeros(0, 4),
        '名前 "quoted"': ramp(torch.float32, 1),
    }


def views() -> dict[str, torch.Tensor]:
    base = ramp(torch.float32, 4, 6)
    half = ramp(torch.float16, 2, 3, 4)
    return {
        "base": base,
        "rows": base[1:3],
        "flat": base.view(24)[5:9],
        "element": base[2, 3],
        "none": base[4:],
        "transposed": base.t(),
        "columns": base[:, 2:5],
        "every_second": base[::2, ::3],
        "diagonal": base.diagonal(),
        "permuted": half.permute(2, 0, 1),
        "unit": base[:, 1:2].permute(1, 0),
        "expanded": base[0].expand(3, 6),
        "expanded_scalar": torch.tensor(1.5).expand(2, 2),
        "windows": base.view(24).unfold(0, 4, 2),
        "channels_last": ramp(torch.bfloat16, 1, 2, 3, 2).to(memory_format=torch.channels_last),
        "ints": ramp(torch.int64, 3, 2).t(),
        "bytes": ramp(torch.int8, 3, 2).t(),
        "tied": base,
    }


def parameters() -> dict[str, torch.Tensor]:
    marked = ramp(torch.float32, 3)
    marked.note = "kept by Python only"
    parameter = torch.nn.Parameter(ramp(torch.float32, 2, 2))
    noted = torch.nn.Parameter(ramp(torch.float32, 2))
    noted.note = 1
    buffer = torch.nn.Buffer(ramp(torch.float32, 3))
    return {"marked": marked, "parameter": parameter, "noted": noted, "buffer": buffer}


def training(weights: dict[str, torch.Tensor]) -> dict:
    layer = torch.nn.Linear(2, 2)
    optimizer = torch.optim.AdamW(layer.parameters(), lr=0.1)
    layer(torch.ones(1, 2)).sum().backward()
    optimizer.step()
    return {
        "epoch": 3,
        "name": "run",
        "best": torch.tensor(0.5),
        "loss": numpy.float64(0.25),
        "history": numpy.arange(3),
        "rates": [0.1, 0.01, 1e300],
        "args": argparse.Namespace(lr=0.1, out=pathlib.PurePosixPath("out/run"), pair=(1, "a")),
        "counts": collections.Counter("aab"),
        "groups": collections.defaultdict(list, {"a": [1]}),
        "seen": {1, 2},
        "frozen": frozenset([3]),
        "bytes": b"abc",
        "array": bytearray(b"xyz"),
        "seed": 1 << 100,
        "negative": -(1 << 40),
        "device": torch.device("cpu"),
        "dtype": torch.float32,
        "size": torch.Size([1, 2]),
        "optimizer": optimizer.state_dict(),
        "state_dict": weights,
        "rng": torch.arange(3, dtype=torch.uint8),
    }


class Block(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc = torch.nn.Linear(3, 3)
        self.norm = torch.nn.BatchNorm1d(3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.norm(self.fc(x))


class Tower(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.scale = torch.nn.Parameter(torch.tensor(2.0).half())
        self.register_buffer("input_resolution", torch.tensor(224))
        self.layers = torch.nn.Sequential(Block(), torch.nn.ReLU(), Block())
        self.width = 3
        self.label = "tower"
        self.sizes = [1, 2]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layers(x) * self.scale


def without_debug_records(path: Path) -> None:
    """Writes an archive again without the records that name the source files of this machine."""
    with zipfile.ZipFile(path) as archive:
        records = {name: archive.read(name) for name in archive.namelist()}
    path.unlink()
    writer = torch._C.PyTorchFileWriter(str(path))
    generated = (
        "version",
        "byteorder",
        ".data/serialization_id",
        ".format_version",
        ".storage_alignment",
    )
    for name, content in records.items():
        record = name.split("/", 1)[1]
        if not record.endswith(".debug_pkl") and record not in generated:
            writer.write_record(record, content, len(content))
    writer.write_end_of_file()


def repacked(source: Path, target: Path, compress=lambda name: False) -> None:
    with zipfile.ZipFile(source) as archive, zipfile.ZipFile(target, "w") as out:
        for name in archive.namelist():
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED if compress(name) else zipfile.ZIP_STORED
            out.writestr(info, archive.read(name))


def zip64_everywhere(source: Path, target: Path) -> None:
    """Packs an archive with 64-bit sizes and offsets in every record that can have them."""
    out = bytearray()
    directory = bytearray()
    with zipfile.ZipFile(source) as archive:
        names = archive.namelist()
        for name in names:
            content = archive.read(name)
            raw = name.encode()
            crc = zlib.crc32(content)
            offset = len(out)
            sizes = struct.pack("<HHQQ", 1, 16, len(content), len(content))
            large = 0xFFFFFFFF
            out += struct.pack(
                "<IHHHHHIIIHH",
                0x04034B50,
                45,
                0x800,
                0,
                0,
                33,
                crc,
                large,
                large,
                len(raw),
                len(sizes),
            )
            out += raw + sizes + content
            padding = struct.pack("<HH2s", 0x4246, 2, b"ZZ")
            extra = padding + struct.pack("<HHQQQ", 1, 24, len(content), len(content), offset)
            directory += struct.pack(
                "<IHHHHHHIIIHHHHHII",
                0x02014B50,
                45,
                45,
                0x800,
                0,
                0,
                33,
                crc,
                large,
                large,
                len(raw),
                len(extra),
                0,
                0,
                0,
                0,
                large,
            )
            directory += raw + extra
    start = len(out)
    out += directory
    record = len(out)
    out += struct.pack(
        "<IQHHIIQQQQ", 0x06064B50, 44, 45, 45, 0, 0, len(names), len(names), len(directory), start
    )
    out += struct.pack("<IIQI", 0x07064B50, 0, record, 1)
    out += struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    target.write_bytes(out)
    torch.load(target)


def save(
    name: str, value, tensors: dict[str, torch.Tensor] | None, twin_name: str = "", **options
) -> Path:
    path = OUT / name
    torch.save(value, path, **options)
    if tensors is not None:
        twin_name = twin_name or path.stem
        if twin_name not in TWINS.values():
            twin(twin_name, tensors)
        TWINS[name] = twin_name
    return path


def main() -> None:
    torch.manual_seed(1)
    OUT.mkdir(parents=True, exist_ok=True)
    weights = plain()
    for protocol in (2, 3, 4, 5):
        save(f"protocol{protocol}.pt", weights, weights, "plain", pickle_protocol=protocol)
    source = OUT / "protocol2.pt"
    zip64_everywhere(source, OUT / "zip64.pt")
    repacked(source, OUT / "repacked.pt")
    repacked(source, OUT / "deflated_pickle.pt", lambda name: name.endswith("data.pkl"))
    TWINS.update({"zip64.pt": "plain", "repacked.pt": "plain", "deflated_pickle.pt": "plain"})
    repacked(source, OUT / "deflated_storages.pt", lambda name: True)

    save("types.pt", types(), types())
    save("views.pt", views(), views())
    save("views5.pth", views(), views(), "views", pickle_protocol=5)
    save("parameters.pt", parameters(), parameters())
    save("training.pt", training(weights), weights, "plain")
    for protocol in (4, 5):
        save(
            f"training{protocol}.pt", training(weights), weights, "plain", pickle_protocol=protocol
        )
    save("model_entry.bin", {"model": weights, "note": "x"}, weights, "plain")
    parallel = collections.OrderedDict((f"module.{name}", value) for name, value in weights.items())
    save("data_parallel.pth", {"model_state_dict": parallel}, weights, "plain")
    layer = torch.nn.BatchNorm1d(3)
    save("module_state.pt", layer.state_dict(), layer.state_dict())

    tower = Tower().eval()
    torch.jit.script(tower).save(str(OUT / "scripted.pt"))
    torch.jit.trace(tower, torch.ones(2, 3)).save(str(OUT / "traced.pt"))
    twin("tower", tower.state_dict())
    for name in ("scripted.pt", "traced.pt"):
        without_debug_records(OUT / name)
        loaded = torch.jit.load(str(OUT / name)).state_dict()
        assert all(torch.equal(loaded[key], value) for key, value in tower.state_dict().items())
        TWINS[name] = "tower"

    save("legacy.pt", weights, None, _use_new_zipfile_serialization=False)
    save("module.pt", torch.nn.Linear(2, 2), None)
    save("sparse.pt", {"a": torch.eye(2).to_sparse()}, None)
    save("negated.pt", {"a": torch.ones(2, dtype=torch.complex64).conj().imag}, None)
    save("tensor.pt", torch.ones(2), None)
    save("no_tensors.pt", {"epoch": 1, "nets": {"a": weights}}, None)

    sharded = OUT / "sharded"
    sharded.mkdir(exist_ok=True)
    names = list(weights)
    shards = {
        "pytorch_model-00001-of-00002.bin": names[:2],
        "pytorch_model-00002-of-00002.bin": names[2:],
    }
    for shard, part in shards.items():
        torch.save({name: weights[name] for name in part}, sharded / shard)
    weight_map = {name: shard for shard, part in shards.items() for name in part}
    index = {"metadata": {"total_size": 1}, "weight_map": weight_map}
    (sharded / "pytorch_model.bin.index.json").write_text(json.dumps(index, indent=2) + "\n")

    (OUT / "twins.json").write_text(json.dumps(dict(sorted(TWINS.items())), indent=2) + "\n")


if __name__ == "__main__":
    main()
