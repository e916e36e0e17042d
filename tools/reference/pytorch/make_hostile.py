"""Writes the hostile PyTorch files of vlm-core's tests, all into hostile.zip, and what must be said of
each when it is refused, into hostile.json.

    python tools/reference/pytorch/make_hostile.py

None of these files may ever be given to torch.load or pickle.load: what they ask for is run there.
All that any of them would do is to make an empty file of the name vlm4j-was-here.
"""

import builtins
import functools
import json
import os
import pickle
import runpy
import struct
import subprocess
import zipfile
import zlib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
OUT = ROOT / "vlm-core/src/test/resources/io/github/vlm4j/core/checkpoint/pytorch"
SHELL = "touch vlm4j-was-here"
CODE = "open('vlm4j-was-here', 'w')"

LOCAL, CENTRAL, END = 0x04034B50, 0x02014B50, 0x06054B50


class Calls:
    """Pickles as a call of a function, as the real attacks do."""

    def __init__(self, function, *arguments):
        self.call = (function, arguments)

    def __reduce__(self):
        return self.call


class Entry:
    """A file of a zip archive, of which every header field can be made to lie."""

    def __init__(self, name, content=b"", **lies):
        self.name = name.encode() if isinstance(name, str) else name
        self.content = content
        self.lies = lies

    def get(self, field, value):
        return self.lies.get(field, value)


def archive(entries, **lies) -> bytes:
    out, directory = bytearray(), bytearray()
    for entry in entries:
        offset = len(out)
        crc = zlib.crc32(entry.content)
        size = len(entry.content)
        method, flags = entry.get("method", 0), entry.get("flags", 0x800)
        name = entry.get("local_name", entry.name)
        if not entry.get("ghost", False):
            out += struct.pack(
                "<IHHHHHIIIHH",
                entry.get("signature", LOCAL),
                20,
                entry.get("local_flags", flags),
                entry.get("local_method", method),
                0,
                33,
                crc,
                entry.get("local_packed", entry.get("packed", size)),
                entry.get("local_size", entry.get("size", size)),
                len(name),
                entry.get("local_extra", 0),
            )
            out += name + entry.content
        extra = entry.get("extra", b"")
        directory += struct.pack(
            "<IHHHHHHIIIHHHHHII",
            entry.get("central_signature", CENTRAL),
            20,
            20,
            flags,
            method,
            0,
            33,
            crc,
            entry.get("packed", size),
            entry.get("size", size),
            entry.get("name_length", len(entry.name)),
            len(extra),
            0,
            entry.get("disk", 0),
            0,
            0,
            entry.get("offset", offset),
        )
        directory += entry.name + extra
    directory += lies.get("after_directory", b"")
    start = len(out)
    out += directory
    position = len(out)
    if "zip64" in lies:
        lie = {"count": len(entries), "bytes": len(directory), "start": start, "record": position}
        lie |= lies["zip64"]
        where = (lie["count"], lie["count"], lie["bytes"], lie["start"])
        out += struct.pack("<IQHHIIQQQQ", 0x06064B50, 44, 45, 45, 0, 0, *where)
        out += struct.pack("<IIQI", 0x07064B50, 0, lie["record"], 1)
    count = lies.get("count", len(entries))
    out += struct.pack(
        "<IHHHHIIH",
        END,
        lies.get("disk", 0),
        0,
        count,
        count,
        lies.get("directory_bytes", len(directory)),
        lies.get("directory_start", start),
        lies.get("comment_length", 0),
    )
    return bytes(out) + lies.get("after", b"")


def text(value: str) -> bytes:
    raw = value.encode()
    return b"X" + struct.pack("<I", len(raw)) + raw


def number(value: int) -> bytes:
    return pickle.dumps(value, 2)[2:-1]


def numbers(values) -> bytes:
    return b"(" + b"".join(map(number, values)) + b"t"


def name(module: str, attribute: str) -> bytes:
    return f"c{module}\n{attribute}\n".encode()


def storage(count=6, kind="FloatStorage", key="0") -> bytes:
    return (
        b"("
        + text("storage")
        + name("torch", kind)
        + text(key)
        + text("cpu")
        + number(count)
        + b"tQ"
    )


def tensor(dims=(2, 3), strides=(3, 1), offset=0, store=None) -> bytes:
    arguments = (
        (storage() if store is None else store) + number(offset) + numbers(dims) + numbers(strides)
    )
    hooks = b"\x89" + name("collections", "OrderedDict") + b")R"
    return name("torch._utils", "_rebuild_tensor_v2") + b"(" + arguments + hooks + b"tR"


def state_dict(value: bytes, key="w") -> bytes:
    return b"\x80\x02}" + text(key) + value + b"s."


DATA = bytes(range(24))
GOOD = state_dict(tensor())


def torch_file(pickled: bytes = GOOD, data: bytes = DATA, **lies) -> bytes:
    return archive([Entry("m/data.pkl", pickled), Entry("m/data/0", data)], **lies)


def attacks():
    """Pickles that ask for code."""
    asks = "asks for the Python object "
    functions = {
        "os_system": (Calls(os.system, SHELL), f"{os.system.__module__}.system"),
        "eval": (Calls(builtins.eval, CODE), "builtins.eval"),
        "exec": (Calls(builtins.exec, CODE), "builtins.exec"),
        "import": (Calls(builtins.__import__, "antigravity"), "builtins.__import__"),
        "getattr": (Calls(builtins.getattr, "", "join"), "builtins.getattr"),
        "open": (Calls(builtins.open, "vlm4j-was-here", "w"), "open"),
        "popen": (Calls(subprocess.Popen, SHELL), "subprocess.Popen"),
        "run_path": (Calls(runpy.run_path, "vlm4j-was-here"), "runpy."),
        "partial": (Calls(functools.partial, os.system, SHELL), "functools.partial"),
        "unlink": (Calls(os.unlink, "vlm4j-was-here"), f"{os.unlink.__module__}.unlink"),
    }
    for key, (value, asked) in functions.items():
        for protocol in (4, 2):
            pickled = pickle.dumps({"state_dict": value}, protocol)
            if protocol == 2:
                asked = asked.replace("builtins", "__builtin__").replace("subprocess", "commands")
            yield f"{key}_{protocol}", pickled, asked
    for module, attribute in [
        ("os", "system"),
        ("posix", "system"),
        ("nt", "system"),
        ("__builtin__", "exec"),
        ("builtins", "eval"),
        ("sys", "exit"),
        ("torch", "load"),
        ("torch.hub", "load"),
        ("torch._utils", "_rebuild_tensor_v2.__globals__"),
        ("torch.storage", "_load_from_bytes"),
        ("torch.jit.unsupported_tensor_ops", "execWrapper"),
        ("numpy.testing._private.utils", "runstring"),
        ("collections", "OrderedDict.__init__"),
        ("collections.OrderedDict", ""),
        ("", "collections.OrderedDict"),
        ("__torch_", "_.M"),
        ("__torchy__", "M"),
        ("pip", "main"),
        ("webbrowser", "open"),
        ("operator", "methodcaller"),
        ("types", "FunctionType"),
        ("marshal", "loads"),
        ("pickle", "loads"),
        ("ctypes", "CDLL"),
        ("java.lang", "Runtime"),
        ("java.lang.Runtime", "exec"),
        ("io.github.vlm4j.core.checkpoint", "SafetensorsWriter"),
    ]:
        call = name(module, attribute) + text(SHELL) + b"\x85R"
        stem = f"{module}_{attribute}".replace(".", "_")
        yield f"global_{stem}", state_dict(call), f"{asks}{module}.{attribute}, which is no part"
        stacked = text(module) + text(attribute) + b"\x93" + text(SHELL) + b"\x85R"
        yield f"stacked_{stem}", state_dict(
            stacked
        ), f"{asks}{module}.{attribute}, which is no part"
    yield "inst", state_dict(b"(" + text(SHELL) + b"ios\nsystem\n"), f"{asks}os.system"
    yield "obj", state_dict(b"(" + name("os", "system") + text(SHELL) + b"o"), f"{asks}os.system"
    yield "obj_of_known", state_dict(
        b"(" + name("torch", "device") + b"o"
    ), "asks for the opcode OBJ"
    yield "newobj", state_dict(name("os", "system") + text(SHELL) + b"\x85\x81"), f"{asks}os.system"
    ex = name("argparse", "Namespace") + b")}\x92"
    yield "newobj_ex", state_dict(ex), "asks for the opcode NEWOBJ_EX"
    for opcode, argument in (
        (b"\x82", b"\x01"),
        (b"\x83", b"\x01\x00"),
        (b"\x84", b"\x01\x00\x00\x00"),
    ):
        yield f"extension_{opcode.hex()}", state_dict(
            opcode + argument
        ), "registered in copyreg under 1"
    yield "persid", state_dict(b"Pos.system\n"), "asks for the persistent object os.system"
    for key, reference in {
        "text": text("os.system"),
        "none": b"N",
        "global": name("torch", "FloatStorage"),
        "short": b"(" + text("storage") + b"t",
        "module": b"("
        + text("module")
        + name("torch", "FloatStorage")
        + text("0")
        + text("cpu")
        + number(1)
        + b"t",
        "no_type": b"("
        + text("storage")
        + text("float")
        + text("0")
        + text("cpu")
        + number(1)
        + b"t",
        "function": b"("
        + text("storage")
        + name("torch._utils", "_rebuild_tensor")
        + text("0")
        + text("cpu")
        + number(1)
        + b"t",
        "negative": b"("
        + text("storage")
        + name("torch", "FloatStorage")
        + text("0")
        + text("cpu")
        + number(-1)
        + b"t",
        "huge": b"("
        + text("storage")
        + name("torch", "FloatStorage")
        + text("0")
        + text("cpu")
        + number(1 << 70)
        + b"t",
        "list": b"]("
        + text("storage")
        + name("torch", "FloatStorage")
        + text("0")
        + text("cpu")
        + number(1)
        + b"e",
    }.items():
        yield f"binpersid_{key}", state_dict(reference + b"Q"), "refers to "
    for key, foreign in {
        "tensor": tensor(),
        "text": text("a"),
        "tuple": b")",
        "list": b"]",
        "global": name("torch", "Tensor"),
        "storage": storage(),
        "number": number(1),
    }.items():
        yield f"build_{key}", state_dict(
            foreign + b"}" + text("__setstate__") + name("torch", "Tensor") + b"sb"
        ), "sets the state of "
    yield "build_script_tuple", b"\x80\x02" + name(
        "__torch__", "M"
    ) + b")\x81)b.", 'sets the state of an object of "__torch__.M"'
    yield "build_script_twice", b"\x80\x02" + name(
        "__torch__", "M"
    ) + b")\x81}b}b.", 'builds an object of "__torch__.M" twice'
    yield "script_with_arguments", b"\x80\x02" + name("__torch__", "M") + text(
        SHELL
    ) + b"\x85\x81.", "makes an object of "
    yield "script_called", b"\x80\x02" + name("__torch__", "M") + text(
        SHELL
    ) + b"\x85R.", 'calls the Python object "__torch__.M"'
    yield "calls_text", state_dict(
        text("os.system") + text(SHELL) + b"\x85R"
    ), 'calls the string "os.system"'
    yield "calls_dtype", state_dict(
        name("torch", "float32") + b")R"
    ), 'calls the Python object "torch.float32"'
    yield "calls_storage", state_dict(
        name("torch", "FloatStorage") + number(1 << 40) + b"\x85R"
    ), 'calls the Python object "torch.FloatStorage"'
    inner = name("torch._tensor", "_rebuild_from_type_v2")
    yield "from_type_of_text", state_dict(
        inner + b"(" + text("os.system") + name("torch", "Tensor") + text(SHELL) + b"\x85}tR"
    ), "with unexpected arguments"
    yield "from_type_of_itself", state_dict(
        inner + b"q\x00(h\x00" + name("torch", "Tensor") + b"(h\x00NNNt}tR"
    ), "with unexpected arguments"
    yield "terminal_escape", state_dict(b"cos\nsys\x1b[2Jtem\n"), "os.sys\\u001b[2Jtem"
    yield "long_name", state_dict(
        b"cos\n" + b"x" * 2000 + b"\n"
    ), "has a name of more than 1024 bytes"
    yield "name_not_utf8", state_dict(b"cos\n\xff\xfe\n"), "has a string that is not valid UTF-8"


def malformed():
    """Pickles that are broken, endless or far too big for what they hold."""
    yield "empty", b"", "does not begin as a pickle"
    yield "protocol_0", pickle.dumps(
        {"a": 1}, 0
    ), "does not begin as a pickle of protocol 2 or later does"
    yield "protocol_6", b"\x80\x06}.", "has pickle protocol 6, but 2 to 5 are read"
    yield "no_stop", GOOD[:-1], "ends without STOP"
    yield "two_pickles", GOOD + GOOD, "goes on after its end"
    yield "left_on_stack", b"\x80\x02NN.", "goes on after its end or leaves values behind"
    yield "left_mark", b"\x80\x02(N.", "goes on after its end or leaves values behind"
    yield "nothing", b"\x80\x02.", "takes a value from an empty stack"
    yield "below_mark", b"\x80\x02}(s.", "takes a value from an empty stack"
    yield "no_opcode", b"\x80\x02\xff.", "has the byte 0xff, which is no opcode"
    yield "second_proto", b"\x80\x02\x80\x02}.", "asks for the opcode PROTO"
    for opcode in (b"0", b"1", b"2", b"l", b"d"):
        yield f"opcode_{opcode.decode()}", b"\x80\x02}}(" + opcode + b".", "asks for the opcode "
    for key, argument in {
        "I": b"1",
        "L": b"1L",
        "F": b"1",
        "S": b"'a'",
        "V": b"a",
        "g": b"0",
        "p": b"0",
    }.items():
        yield f"line_{key}", b"\x80\x02N" + key.encode() + argument + b"\n.", "asks for the opcode "
    yield "next_buffer", b"\x80\x05\x97.", "asks for the opcode NEXT_BUFFER"
    yield "tuple_without_mark", b"\x80\x02Nt.", "ends a group that it did not begin"
    yield "marks", b"\x80\x02" + b"(" * 5000, "is nested more than 1000 deep"
    yield "memo_unset", b"\x80\x02h\x05.", "recalls value 5, which it did not remember"
    yield "memo_far", b"\x80\x02j\xff\xff\xff\xff.", "recalls value 4294967295"
    yield "memo_huge_index", b"\x80\x02Nr\xff\xff\xff\xff.", "remembers a value under number 4294967295"
    yield "memo_of_nothing", b"\x80\x02q\x00.", "takes a value from an empty stack"
    huge = 0x7FFFFFFFFFFFFFFF
    yield "long4_huge", b"\x80\x02\x8b\xff\xff\xff\x7f\x01.", "needs 2147483647 more bytes"
    yield "long4_negative", b"\x80\x02\x8b\xff\xff\xff\xff\x01.", "needs 18446744073709551615 more bytes"
    yield "binunicode8_huge", b"\x80\x04\x8d" + struct.pack(
        "<Q", huge
    ) + b"a.", "claims a string of 9223372036854775807 bytes"
    yield "binunicode8_negative", b"\x80\x04\x8d" + b"\xff" * 8 + b"a.", "claims a string of 18446744073709551615 bytes"
    yield "binunicode_long", b"\x80\x02X\xff\xff\xff\xffa.", "claims a string of 4294967295 bytes"
    yield "binunicode_short", b"\x80\x02X\x09\x00\x00\x00abc.", "needs 9 more bytes"
    yield "binstring_negative", b"\x80\x02T\xff\xff\xff\xffa.", "claims a string of "
    yield "binbytes8_huge", b"\x80\x04\x8e" + struct.pack(
        "<Q", huge
    ) + b"a.", "needs 9223372036854775807 more bytes"
    yield "bytearray8_negative", b"\x80\x05\x96" + b"\xff" * 8 + b"a.", "needs 18446744073709551615 more bytes"
    yield "frame_huge", b"\x80\x04\x95" + struct.pack(
        "<Q", huge
    ) + b"N.", "needs 9223372036854775807 more bytes"
    yield "frame_negative", b"\x80\x04\x95" + b"\xff" * 8 + b"N.", "needs 18446744073709551615 more bytes"
    yield "surrogate", state_dict(
        b"X\x03\x00\x00\x00\xed\xa0\x80"
    ), "has a string that is not valid UTF-8"
    yield "dict_odd", b"\x80\x02}(Nu.", "sets an item without a value"
    yield "dict_twice", b"\x80\x02}(" + text("a") + b"N" + text(
        "a"
    ) + b"Nu.", 'sets the entry "a" twice'
    yield "append_to_tuple", b"\x80\x02)Na.", "appends to a tuple"
    yield "append_to_dict", b"\x80\x02}Na.", "appends to a dictionary"
    yield "item_of_list", b"\x80\x02]NNs.", "sets an item of a list"
    yield "items_of_text", b"\x80\x04" + text("a") + b"(N\x90.", "adds 1 elements to the string"
    yield "reduce_list", b"\x80\x02" + name(
        "torch", "Size"
    ) + b"]R.", "passes a list as the arguments"
    yield "reduce_empty", b"\x80\x02" + name("torch", "Size") + b")R.", "with only 0 arguments"
    yield "dict_of_texts", b"\x80\x02" + name("collections", "OrderedDict") + b"](" + text(
        "a"
    ) + b"e\x85R.", "makes a dictionary of the string"
    yield "list_in_itself", b"\x80\x02]q\x00h\x00a.", "holds a list instead of a state dict"
    yield "dict_in_itself", b"\x80\x02}q\x00" + text(
        "state_dict"
    ) + b"h\x00s.", "holds no state dict"
    ring = name("__torch__", "M") + b")\x81q\x00}" + text("m") + b"h\x00sb"
    yield "module_in_itself", b"\x80\x02" + ring + b".", "modules are nested more than 64 deep, or in a ring"
    laughs = name("__torch__", "M") + b"q\x00)\x81}" + text("t") + tensor() + b"sbq\x01"
    for _ in range(40):
        laughs = b"h\x00)\x81}(" + text("a") + laughs + text("b") + b"h\x01ubq\x01"
    # The innermost module comes first, so it names the class for all that are around it.
    laughs = laughs.replace(b"h\x00", name("__torch__", "M"))
    yield "module_laughs", b"\x80\x02" + laughs + b".", "holds more than 262144 tensors"
    laughs = b"\x80\x02N\x85q\x00" + b"h\x00\x86q\x00" * 500
    yield "tuple_laughs", laughs + b".", "holds a tuple instead of a state dict"
    yield "number", b"\x80\x02K\x05.", "holds the number 5 instead of a state dict"
    yield "no_tensor", state_dict(b"N"), "holds no state dict: its dictionary has the entries w"


def tensors():
    """Tensors that reach outside their storage, or overflow."""
    big = 1 << 62
    outside = "of a storage of 6; the file is damaged"
    overflow = "has more elements than can be counted"
    yield "tensor_too_big", state_dict(tensor((3, 3))), outside
    yield "tensor_offset", state_dict(tensor(offset=1)), outside
    yield "tensor_stride", state_dict(tensor(strides=(4, 1))), outside
    yield "tensor_offset_huge", state_dict(tensor(offset=(1 << 63) - 1)), overflow
    yield "tensor_stride_huge", state_dict(tensor(strides=(big, 1))), overflow
    yield "tensor_strides_overflow", state_dict(tensor((4, 4), (big, big))), overflow
    yield "tensor_bytes_overflow", state_dict(tensor((1,), (1,), offset=big)), overflow
    yield "tensor_dims_overflow", state_dict(tensor((big, big), (0, 0))), overflow
    yield "tensor_expanded_overflow", state_dict(tensor((big,), (0,))), overflow
    yield "tensor_expanded", state_dict(
        tensor((1 << 40,), (0,))
    ), "an expanded or overlapping view far larger than the file"
    yield "tensor_windows", state_dict(
        tensor((1, 1 << 36, 2), (0, 0, 1))
    ), "an expanded or overlapping view far larger than the file"
    yield "tensor_negative_stride", state_dict(
        tensor(strides=(-3, 1))
    ), "has strides with the number -3"
    yield "tensor_negative_dim", state_dict(tensor((-2, 3))), "has a shape with the number -2"
    yield "tensor_negative_offset", state_dict(
        tensor(offset=-1)
    ), "has a storage offset with the number -1"
    yield "tensor_big_offset", state_dict(
        tensor(offset=1 << 64)
    ), "has a storage offset with an object of int of more than 64 bits"
    yield "tensor_rank", state_dict(tensor((1,) * 9, (1,) * 9)), "where at most 8 sizes must be"
    yield "tensor_ranks_differ", state_dict(
        tensor((2, 3), (1,))
    ), "has a tensor of 2 dimensions with 1 strides"
    yield "tensor_shape_text", state_dict(
        name("torch._utils", "_rebuild_tensor") + b"(" + storage() + number(0) + text("a") + b")tR"
    ), "has a shape that is the string"
    yield "tensor_of_tensor", state_dict(
        tensor(store=tensor())
    ), "makes a tensor of a tensor instead of a storage"
    yield "tensor_of_text", state_dict(
        tensor(store=text("m/data/0"))
    ), "makes a tensor of the string"
    yield "tensor_few_arguments", state_dict(
        name("torch._utils", "_rebuild_tensor_v2") + storage() + b"\x85R"
    ), "with only 1 arguments"
    v3 = (
        name("torch._utils", "_rebuild_tensor_v3")
        + b"("
        + storage()
        + number(0)
        + numbers((2,))
        + numbers((1,))
        + b"\x89N"
        + text("float32")
        + b"tR"
    )
    yield "tensor_type_text", state_dict(v3), "has a tensor whose type is the string"
    for count in (5, 7, 1 << 62, (1 << 63) - 1):
        yield f"storage_of_{count}", state_dict(tensor((1,), (1,), store=storage(count))), (
            overflow if count > 1 << 40 else 'but entry "m/data/0" has 24'
        )
    yield "storage_type", state_dict(
        tensor(store=storage(kind="DoubleStorage"))
    ), "has a storage of 48 bytes, but entry"
    for key in ("1", "../../other/data/0", "/etc/passwd", "", "0/", "."):
        stem = key.replace("/", "_").replace(".", "-")
        yield f"storage_key_{stem}", state_dict(
            tensor(store=storage(key=key))
        ), "which is missing; the file is damaged"
    copies = [text(f"w{i}") + tensor((1 << 22, 2), (0, 1)) for i in range(4)]
    yield "tensor_many_expanded", b"\x80\x02}(" + b"".join(
        copies
    ) + b"u.", "an expanded or overlapping view far larger than the file"


def archives():
    """Zip files whose headers lie."""
    good = Entry("m/data.pkl", GOOD)
    data = Entry("m/data/0", DATA)
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    bomb = deflate.compress(bytes(1 << 20)) + deflate.flush()
    yield "bomb_claimed", archive(
        [Entry("m/data.pkl", bomb, method=8, size=1 << 31), data]
    ), "claims 2147483648 bytes in "
    large = struct.pack("<HHQ", 1, 8, 10 << 30)
    yield "bomb_claimed_10_gb", archive(
        [
            Entry(
                "m/data.pkl",
                bomb,
                method=8,
                size=0xFFFFFFFF,
                flags=0x808,
                local_size=0,
                extra=large,
            ),
            data,
        ]
    ), "claims 10737418240 bytes in "
    yield "bomb_hidden", archive(
        [Entry("m/data.pkl", bomb, method=8, size=100), data]
    ), "does not inflate to the 100 bytes that it claims"
    yield "bomb_short", archive(
        [Entry("m/data.pkl", bomb, method=8, size=2 << 20), data]
    ), "does not inflate to the 2097152 bytes"
    yield "deflate_cut", archive(
        [Entry("m/data.pkl", bomb[:100], method=8, size=1 << 20), data]
    ), "does not inflate to"
    yield "deflate_garbage", archive(
        [Entry("m/data.pkl", b"\xff" * 50, method=8, size=50), data]
    ), "is not valid deflated data"
    yield "method_unknown", archive(
        [Entry("m/data.pkl", GOOD, method=14, size=9), data]
    ), "is compressed in a way that is not supported"
    fifield = [good, data] + [
        Entry(f"m/data/{i}", DATA, ghost=True, offset=len(GOOD) + 40) for i in range(1, 4)
    ]
    yield "overlap_names_differ", archive(fifield), "contradicts the zip directory"
    quoted = Entry(
        "m/a",
        struct.pack("<IHHHHHIIIHH", LOCAL, 20, 0x800, 0, 0, 33, 0, 4, 4, 3, 0) + b"m/b" + b"data",
    )
    body = archive([good, data, quoted])
    inside = body.index(b"m/a") + 3
    yield "overlap_quoted", archive(
        [good, data, quoted, Entry("m/b", b"data", ghost=True, offset=inside)]
    ), 'overlaps entry "m/a"'
    yield "duplicate", archive([good, data, good]), "is in the zip directory twice"
    yield "two_pickles", archive(
        [good, data, Entry("n/data.pkl", GOOD)]
    ), "is a zip file with 2 entries NAME/data.pkl"
    yield "no_pickle", archive([data]), "is a zip file with 0 entries NAME/data.pkl"
    yield "pickle_too_deep", archive(
        [Entry("a/b/data.pkl", GOOD)]
    ), "is a zip file with 0 entries NAME/data.pkl"
    yield "pickle_without_folder", archive(
        [Entry("data.pkl", GOOD)]
    ), "is a zip file with 0 entries NAME/data.pkl"
    names = ["../m/data/1", "/m/data/1", "m/../../x", "m//x", "./x", "C:/x", "m\\x", "m/\x00x"]
    for i, key in enumerate([*names, "m/..", "", "\n"]):
        yield f"name_{i}", archive(
            [good, data, Entry(key, b"")]
        ), "has a name that could lead out of its folder"
    yield "name_not_utf8", archive(
        [good, data, Entry(b"m/\xff", b"")]
    ), "whose name is not valid UTF-8"
    yield "name_length", archive(
        [good, Entry("m/data/0", DATA, name_length=0xFFFF)]
    ), "the zip directory is cut off"
    yield "encrypted", archive(
        [good, Entry("m/data/0", DATA, flags=0x801)]
    ), "is encrypted or in another file"
    yield "other_disk", archive(
        [good, Entry("m/data/0", DATA, disk=1)]
    ), "is encrypted or in another file"
    yield "offset_beyond", archive(
        [good, Entry("m/data/0", DATA, offset=0x7FFFFFFF)]
    ), "is said to begin at byte 2147483647"
    yield "offset_wrong", archive(
        [good, Entry("m/data/0", DATA, offset=5)]
    ), "does not begin where the zip directory says"
    minus = struct.pack("<HHQ", 1, 8, (1 << 64) - 1)
    yield "offset_negative", archive(
        [good, Entry("m/data/0", DATA, offset=0xFFFFFFFF, extra=minus)]
    ), "has 64-bit sizes that make no sense"
    yield "offset_64_missing", archive(
        [good, Entry("m/data/0", DATA, offset=0xFFFFFFFF)]
    ), "lacks the 64-bit sizes"
    far = struct.pack("<HHQ", 1, 8, (1 << 63) - 1)
    yield "offset_64_far", archive(
        [good, Entry("m/data/0", DATA, offset=0xFFFFFFFF, extra=far)]
    ), "is said to begin at byte 9223372036854775807"
    sizes = struct.pack("<HHQQ", 1, 16, (1 << 63) - 1, (1 << 63) - 1)
    saturated = {"size": 0xFFFFFFFF, "packed": 0xFFFFFFFF, "local_size": 24, "local_packed": 24}
    yield "size_64_huge", archive(
        [good, Entry("m/data/0", DATA, extra=sizes, **saturated)]
    ), "contradicts the zip directory"
    flagged = saturated | {"flags": 0x808, "local_size": 0, "local_packed": 0}
    yield "size_64_huge_after", archive(
        [good, Entry("m/data/0", DATA, extra=sizes, **flagged)]
    ), "claims 9223372036854775807 bytes from byte"
    yield "size_beyond", archive(
        [good, Entry("m/data/0", DATA, size=99999, packed=99999)]
    ), "claims 99999 bytes from byte"
    yield "size_into_directory", archive(
        [good, Entry("m/data/0", DATA, size=60, packed=60)]
    ), "claims 60 bytes from byte"
    yield "size_differs", archive(
        [good, Entry("m/data/0", DATA, size=48)]
    ), "is not compressed, but claims 24 bytes for its 48"
    yield "local_size_differs", archive(
        [good, Entry("m/data/0", DATA, local_size=4)]
    ), "contradicts the zip directory"
    yield "local_name_differs", archive(
        [good, Entry("m/data/0", DATA, local_name=b"m/data/1")]
    ), "contradicts the zip directory"
    yield "local_method_differs", archive(
        [good, Entry("m/data/0", DATA, local_method=8)]
    ), "contradicts the zip directory"
    yield "local_flags_differ", archive(
        [good, Entry("m/data/0", DATA, local_flags=1)]
    ), "contradicts the zip directory"
    yield "local_extra_beyond", archive(
        [good, Entry("m/data/0", DATA, local_extra=0xFFFF)]
    ), "claims 24 bytes from byte"
    yield "local_64_missing", archive(
        [good, Entry("m/data/0", DATA, local_size=0xFFFFFFFF)]
    ), "lacks the 64-bit sizes"
    yield "count_more", torch_file(count=3), "claims a zip directory of 3 entries"
    yield "central_signature", archive(
        [good, Entry("m/data/0", DATA, central_signature=1)]
    ), "does not hold the entries that it claims"
    yield "count_less", torch_file(count=1), "bytes more than its 1 entries"
    yield "count_huge", torch_file(count=0xFFFF), "claims a zip directory of 65535 entries"
    yield "directory_start", torch_file(directory_start=0), "the zip directory is said to take"
    yield "directory_start_beyond", torch_file(
        directory_start=0xFFFFFFFE
    ), "the zip directory is said to take"
    yield "directory_bytes", torch_file(
        directory_bytes=0xFFFFFFFE
    ), "the zip directory is said to take"
    yield "directory_gap", torch_file(after_directory=b"PK"), "bytes more than its 2 entries"
    yield "disks", torch_file(disk=1), "is one part of a zip file in several parts"
    yield "comment_cut", torch_file(comment_length=9), "has no zip directory at its end"
    yield "after_end", torch_file(after=b"\x00"), "has no zip directory at its end"
    yield "zip64_record", torch_file(zip64={"record": 3}), "contradict each other"
    yield "zip64_record_beyond", torch_file(
        zip64={"record": 1 << 62}
    ), "the zip64 record is not where its locator says"
    yield "zip64_record_negative", torch_file(
        zip64={"record": (1 << 64) - 8}
    ), "the zip64 record is not where its locator says"
    yield "zip64_count", torch_file(zip64={"count": 3}), "contradict each other"
    huge = {"count": 1 << 60, "bytes": 1 << 61}
    yield "zip64_huge", torch_file(
        zip64=huge, count=0xFFFF, directory_bytes=0xFFFFFFFF
    ), "the zip directory is said to take"
    yield "zip64_negative", torch_file(
        zip64={"start": (1 << 64) - 1}, directory_start=0xFFFFFFFF
    ), "the zip directory is said to take"
    yield "zip64_count_huge", torch_file(
        zip64={"count": 1 << 60}, count=0xFFFF
    ), "claims a zip directory of 1152921504606846976 entries"
    yield "big_endian", archive(
        [good, data, Entry("m/byteorder", b"big")]
    ), 'has the byte order "big", but only "little" is read'
    yield "byteorder_long", archive(
        [good, data, Entry("m/byteorder", b"little" * 9)]
    ), "claims 54 bytes"
    yield "storage_is_pickle", archive([good, data]).replace(
        b"m/data/0", b"m/data/2"
    ), "which is missing; the file is damaged"


def main() -> None:
    files = {"accepted.bin": torch_file()}
    refusals = {}

    def add(stem: str, content: bytes, refusal: str) -> None:
        assert f"{stem}.pt" not in files, stem
        files[f"{stem}.pt"] = content
        refusals[f"{stem}.pt"] = refusal

    for group in (attacks, malformed, tensors):
        for stem, pickled, refusal in group():
            add(f"{group.__name__}_{stem}", torch_file(pickled), refusal)
    for stem, content, refusal in archives():
        add(f"archives_{stem}", content, refusal)
    with zipfile.ZipFile(OUT / "hostile.zip", "w") as out:
        for file, content in files.items():
            out.writestr(zipfile.ZipInfo(file), content, zipfile.ZIP_DEFLATED, 9)
    (OUT / "hostile.json").write_text(json.dumps(refusals, indent=1) + "\n")


if __name__ == "__main__":
    main()
