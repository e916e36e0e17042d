package io.github.vlm4j.core.checkpoint;

import io.github.vlm4j.core.CheckpointException;
import io.github.vlm4j.core.checkpoint.PickleValue.Constant;
import io.github.vlm4j.core.checkpoint.PickleValue.Global;
import io.github.vlm4j.core.checkpoint.PickleValue.Global.Role;
import io.github.vlm4j.core.checkpoint.PickleValue.Instance;
import io.github.vlm4j.core.checkpoint.PickleValue.Mapping;
import io.github.vlm4j.core.checkpoint.PickleValue.Opaque;
import io.github.vlm4j.core.checkpoint.PickleValue.Sequence;
import io.github.vlm4j.core.checkpoint.PickleValue.Storage;
import io.github.vlm4j.core.checkpoint.PickleValue.Strided;
import io.github.vlm4j.core.checkpoint.PickleValue.Text;
import io.github.vlm4j.core.checkpoint.PickleValue.Whole;
import java.util.List;
import java.util.function.IntConsumer;

/**
 * What the opcodes for calls, objects and storages come to. The arguments are those of {@code
 * torch/_utils.py} and {@code torch/serialization.py}.
 */
final class PickleCalls {

  private final PickleBytes in;
  private final IntConsumer count;

  /**
   * Creates the calls of one pickle.
   *
   * @param count is told how many values a call makes beside its result, and may refuse
   */
  PickleCalls(PickleBytes in, IntConsumer count) {
    this.in = in;
    this.count = count;
  }

  Global global(String module, String name) {
    return PickleGlobals.find(module, name)
        .orElseThrow(() -> asksFor("the Python object", module + "." + name));
  }

  PickleValue reduce(PickleValue function, List<PickleValue> arguments) {
    if (!(function instanceof Global global)) {
      throw in.refused("calls " + function.what());
    }
    return switch (global.role()) {
      case DICTIONARY -> dictionary(arguments);
      case LIST ->
          !arguments.isEmpty() && arguments.getFirst() instanceof Sequence list && !list.isTuple()
              ? list
              : Sequence.list();
      case FIRST_ARGUMENT -> argument(global, arguments, 0);
      case REBUILD_TENSOR -> tensor(global, arguments, false, -1);
      case REBUILD_TENSOR_V2 -> tensor(global, arguments, false, 6);
      case REBUILD_TENSOR_V3 -> tensor(global, arguments, true, 7);
      case REBUILD_FROM_TYPE -> fromType(global, arguments);
      case INERT -> new Opaque(global.name());
      default -> throw in.refused("calls " + global.what());
    };
  }

  PickleValue newObject(PickleValue type, List<PickleValue> arguments) {
    if (type instanceof Global global) {
      if (global.role() == Role.SCRIPT_CLASS && arguments.isEmpty()) {
        return new Instance(global.name());
      }
      if (global.role() == Role.DICTIONARY) {
        return dictionary(arguments);
      }
      if (global.role() == Role.INERT) {
        return new Opaque(global.name());
      }
    }
    throw in.refused(
        "makes an object of " + type.what() + " from " + arguments.size() + " arguments");
  }

  /** Returns the storage that a persistent id stands for. */
  Storage storage(PickleValue id) {
    if (id instanceof Sequence tuple
        && tuple.isTuple()
        && tuple.elements().size() == 5
        && tuple.elements().get(0) instanceof Text(String kind)
        && kind.equals("storage")
        && tuple.elements().get(1) instanceof Global type
        && tuple.elements().get(2) instanceof Text(String key)
        && tuple.elements().get(4) instanceof Whole(long elements)
        && elements >= 0) {
      if (type.role() == Role.STORAGE && type.type() != null) {
        return new Storage(type.type(), key, elements);
      }
      if (type.role() == Role.UNTYPED_STORAGE) {
        return new Storage(StoredType.U8, key, elements);
      }
    }
    throw in.refused(
        "refers to "
            + (id instanceof Sequence ? "something" : id.what())
            + " that is not ('storage', type, key, place, elements)");
  }

  /** Adds an entry to a dictionary; one whose key is no string is dropped. */
  void add(Mapping mapping, PickleValue key, PickleValue value) {
    if (key instanceof Text(String name)) {
      count.accept(1);
      if (!mapping.add(name, value)) {
        throw in.refused("sets the entry " + Excerpt.quoted(name) + " twice");
      }
    }
  }

  /** Returns the refusal of what weights do not consist of. */
  CheckpointException asksFor(String kind, String name) {
    return in.refused(
        "asks for "
            + kind
            + " "
            + Excerpt.of(name)
            + ", which is no part of a state dict, and nothing of it was run; in Python, save the"
            + " model's state_dict() with torch.save or as safetensors");
  }

  private Mapping dictionary(List<PickleValue> arguments) {
    Mapping mapping = new Mapping();
    if (arguments.isEmpty() || !(arguments.getLast() instanceof Sequence pairs)) {
      return !arguments.isEmpty() && arguments.getLast() instanceof Mapping given ? given : mapping;
    }
    for (PickleValue pair : pairs.elements()) {
      if (!(pair instanceof Sequence entry) || entry.elements().size() != 2) {
        throw in.refused("makes a dictionary of " + pair.what());
      }
      add(mapping, entry.elements().get(0), entry.elements().get(1));
    }
    return mapping;
  }

  private PickleValue fromType(Global function, List<PickleValue> arguments) {
    if (argument(function, arguments, 0) instanceof Global rebuild
        && argument(function, arguments, 2) instanceof Sequence inner
        && rebuild.role() != Role.REBUILD_FROM_TYPE) {
      return reduce(rebuild, inner.elements());
    }
    throw in.refused("calls " + function.what() + " with unexpected arguments");
  }

  /**
   * Rebuilds a tensor from storage, offset, size and stride.
   *
   * @param typed whether the type is an argument, and not the storage's
   * @param metadata which argument says that the tensor is a negated or conjugated view
   */
  private Strided tensor(
      Global function, List<PickleValue> arguments, boolean typed, int metadata) {
    if (!(argument(function, arguments, 0) instanceof Storage storage)) {
      throw in.refused(
          "makes a tensor of " + arguments.getFirst().what() + " instead of a storage");
    }
    StoredType type = typed ? dtype(argument(function, arguments, 6)) : storage.type();
    if (metadata >= 0
        && arguments.size() > metadata
        && arguments.get(metadata) instanceof Mapping view
        && (view.entries().get("neg") == Constant.TRUE
            || view.entries().get("conj") == Constant.TRUE)) {
      throw in.refused(
          "has a tensor that is a negated or conjugated view; in Python, save its"
              + " resolve_neg().resolve_conj()");
    }
    long offset = whole(argument(function, arguments, 1), "a storage offset");
    long[] dims = wholes(argument(function, arguments, 2), "a shape");
    long[] strides = wholes(argument(function, arguments, 3), "strides");
    if (dims.length != strides.length) {
      throw in.refused(
          "has a tensor of " + dims.length + " dimensions with " + strides.length + " strides");
    }
    count.accept(dims.length);
    return new Strided(type, storage, offset, dims, strides);
  }

  private StoredType dtype(PickleValue value) {
    if (value instanceof Global global && global.role() == Role.DTYPE && global.type() != null) {
      return global.type();
    }
    throw in.refused("has a tensor whose type is " + value.what());
  }

  private long[] wholes(PickleValue value, String what) {
    if (!(value instanceof Sequence sequence)
        || sequence.elements().size() > SafetensorsHeader.MAX_RANK) {
      throw in.refused(
          "has "
              + what
              + " that is "
              + value.what()
              + " where at most "
              + SafetensorsHeader.MAX_RANK
              + " sizes must be");
    }
    return sequence.elements().stream().mapToLong(element -> whole(element, what)).toArray();
  }

  private long whole(PickleValue value, String what) {
    if (value instanceof Whole(long number) && number >= 0) {
      return number;
    }
    throw in.refused("has " + what + " with " + value.what() + " where a size must be");
  }

  private PickleValue argument(Global function, List<PickleValue> arguments, int index) {
    if (arguments.size() <= index) {
      throw in.refused(
          "calls " + function.what() + " with only " + arguments.size() + " arguments");
    }
    return arguments.get(index);
  }
}
