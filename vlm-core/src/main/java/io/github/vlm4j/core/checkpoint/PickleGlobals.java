package io.github.vlm4j.core.checkpoint;

import io.github.vlm4j.core.checkpoint.PickleValue.Global;
import io.github.vlm4j.core.checkpoint.PickleValue.Global.Role;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The names of Python objects that a checkpoint may ask for. Nothing is looked up by them: each
 * stands for one of the few things in {@link Role} that the reader does itself.
 *
 * <p>Beside what state dicts consist of, they are what training checkpoints hold next to a state
 * dict: arguments, numpy scalars, counters, paths.
 */
final class PickleGlobals {

  private static final String SCRIPT_NAMESPACE = "__torch__";

  private static final Map<String, Global> ALLOWED = allowed();

  private PickleGlobals() {}

  /** Returns what a name stands for, or nothing if it must be refused. */
  static Optional<Global> find(String module, String name) {
    if (module.equals(SCRIPT_NAMESPACE) || module.startsWith(SCRIPT_NAMESPACE + ".")) {
      return Optional.of(new Global(module + "." + name, Role.SCRIPT_CLASS, null));
    }
    // Python 2's name, which protocol 2 writes to this day.
    String known = module.equals("__builtin__") ? "builtins" : module;
    return Optional.ofNullable(ALLOWED.get(known + "." + name));
  }

  private static Map<String, Global> allowed() {
    Map<String, Global> names = new HashMap<>();
    add(names, Role.DICTIONARY, "collections.OrderedDict", "builtins.dict");
    add(names, Role.DICTIONARY, "collections.defaultdict", "collections.Counter");
    add(names, Role.LIST, "collections.deque", "builtins.list");
    add(names, Role.REBUILD_TENSOR, "torch._utils._rebuild_tensor");
    add(names, Role.REBUILD_TENSOR_V2, "torch._utils._rebuild_tensor_v2");
    add(names, Role.REBUILD_TENSOR_V3, "torch._utils._rebuild_tensor_v3");
    add(names, Role.REBUILD_FROM_TYPE, "torch._tensor._rebuild_from_type_v2");
    add(
        names,
        Role.FIRST_ARGUMENT,
        "torch._utils._rebuild_parameter",
        "torch._utils._rebuild_parameter_with_state",
        "torch.Size",
        "torch.jit._pickle.build_boollist",
        "torch.jit._pickle.build_doublelist",
        "torch.jit._pickle.build_intlist",
        "torch.jit._pickle.build_tensorlist",
        "torch.jit._pickle.restore_type_tag");
    add(
        names,
        Role.INERT,
        "_codecs.encode",
        "argparse.Namespace",
        "builtins.bool",
        "builtins.bytearray",
        "builtins.bytes",
        "builtins.complex",
        "builtins.float",
        "builtins.frozenset",
        "builtins.int",
        "builtins.set",
        "builtins.slice",
        "builtins.str",
        "builtins.tuple",
        "numpy._core.multiarray._reconstruct",
        "numpy._core.multiarray.scalar",
        "numpy._core.numeric._frombuffer",
        "numpy.core.multiarray._reconstruct",
        "numpy.core.multiarray.scalar",
        "numpy.core.numeric._frombuffer",
        "numpy.dtype",
        "numpy.ndarray",
        "pathlib.PosixPath",
        "pathlib.PurePosixPath",
        "pathlib.PureWindowsPath",
        "pathlib.WindowsPath",
        "pathlib._local.PosixPath",
        "pathlib._local.WindowsPath",
        "torch.Tensor",
        "torch.device",
        "torch.nn.parameter.Buffer",
        "torch.nn.parameter.Parameter",
        "torch.serialization._get_layout");
    storage(names, "Float", StoredType.F32);
    storage(names, "Half", StoredType.F16);
    storage(names, "BFloat16", StoredType.BF16);
    storage(names, "Double", StoredType.F64);
    storage(names, "Long", StoredType.I64);
    storage(names, "Int", StoredType.I32);
    storage(names, "Short", StoredType.I16);
    storage(names, "Char", StoredType.I8);
    storage(names, "Byte", StoredType.U8);
    storage(names, "Bool", StoredType.BOOL);
    storage(names, "ComplexFloat", StoredType.C64);
    add(names, Role.UNTYPED_STORAGE, "torch.storage.UntypedStorage");
    dtype(names, "float32", StoredType.F32);
    dtype(names, "float16", StoredType.F16);
    dtype(names, "bfloat16", StoredType.BF16);
    dtype(names, "float64", StoredType.F64);
    dtype(names, "int64", StoredType.I64);
    dtype(names, "int32", StoredType.I32);
    dtype(names, "int16", StoredType.I16);
    dtype(names, "int8", StoredType.I8);
    dtype(names, "uint8", StoredType.U8);
    dtype(names, "uint16", StoredType.U16);
    dtype(names, "uint32", StoredType.U32);
    dtype(names, "uint64", StoredType.U64);
    dtype(names, "bool", StoredType.BOOL);
    dtype(names, "complex64", StoredType.C64);
    dtype(names, "float8_e4m3fn", StoredType.F8_E4M3);
    dtype(names, "float8_e4m3fnuz", StoredType.F8_E4M3FNUZ);
    dtype(names, "float8_e5m2", StoredType.F8_E5M2);
    dtype(names, "float8_e5m2fnuz", StoredType.F8_E5M2FNUZ);
    dtype(names, "float8_e8m0fnu", StoredType.F8_E8M0);
    return Map.copyOf(names);
  }

  private static void storage(Map<String, Global> names, String prefix, StoredType type) {
    add(names, "torch." + prefix + "Storage", Role.STORAGE, type);
  }

  private static void dtype(Map<String, Global> names, String dtype, StoredType type) {
    add(names, "torch." + dtype, Role.DTYPE, type);
  }

  private static void add(Map<String, Global> names, Role role, String... added) {
    for (String name : added) {
      add(names, name, role, null);
    }
  }

  private static void add(
      Map<String, Global> names, String name, Role role, @Nullable StoredType type) {
    names.put(name, new Global(name, role, type));
  }
}
