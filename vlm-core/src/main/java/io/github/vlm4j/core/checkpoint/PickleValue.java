package io.github.vlm4j.core.checkpoint;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a pickle holds, as data. Values may contain themselves, so nothing here may walk down
 * without a bound; that is why containers have no equality of their own.
 */
sealed interface PickleValue {

  /** Returns what this is, for a sentence that says what was found. */
  String what();

  /** The three constants. */
  enum Constant implements PickleValue {
    NONE("None"),
    TRUE("True"),
    FALSE("False");

    private final String python;

    Constant(String python) {
      this.python = python;
    }

    @Override
    public String what() {
      return python;
    }
  }

  /** An integer of at most 64 bits. */
  record Whole(long value) implements PickleValue {
    @Override
    public String what() {
      return "the number " + value;
    }
  }

  /** A floating-point number. */
  record Real(double value) implements PickleValue {
    @Override
    public String what() {
      return "the number " + value;
    }
  }

  /** A string. */
  record Text(String value) implements PickleValue {
    @Override
    public String what() {
      return "the string " + Excerpt.quoted(value);
    }
  }

  /** What is known to be harmless and not needed, of which only the kind is kept. */
  record Opaque(String kind) implements PickleValue {
    @Override
    public String what() {
      return "an object of " + kind;
    }
  }

  /** The bytes behind tensors: an entry of the archive. */
  record Storage(StoredType type, String key, long elements) implements PickleValue {
    @Override
    public String what() {
      return "a storage";
    }
  }

  /**
   * A tensor as it was described, not yet held against its storage.
   *
   * @param type the element type, which need not be the storage's
   * @param offset in elements, from the beginning of the storage
   * @param strides in elements, one for each dimension
   */
  @SuppressWarnings("ArrayRecordComponent")
  record Strided(StoredType type, Storage storage, long offset, long[] dims, long[] strides)
      implements PickleValue {
    @Override
    public String what() {
      return "a tensor";
    }
  }

  /** A list, or a tuple if nothing can be added. */
  final class Sequence implements PickleValue {

    private final boolean tuple;
    private final List<PickleValue> elements;

    private Sequence(boolean tuple, List<PickleValue> elements) {
      this.tuple = tuple;
      this.elements = elements;
    }

    static Sequence tuple(List<PickleValue> elements) {
      return new Sequence(true, List.copyOf(elements));
    }

    static Sequence list() {
      return new Sequence(false, new ArrayList<>(0));
    }

    boolean isTuple() {
      return tuple;
    }

    List<PickleValue> elements() {
      return elements;
    }

    @Override
    public String what() {
      return tuple ? "a tuple" : "a list";
    }
  }

  /** A dictionary, of which only the entries with strings for keys are kept. */
  final class Mapping implements PickleValue {

    private Map<String, PickleValue> entries = Map.of();

    Map<String, PickleValue> entries() {
      return entries;
    }

    /** Adds an entry and returns whether the key is new. */
    boolean add(String key, PickleValue value) {
      if (entries.isEmpty()) {
        entries = new LinkedHashMap<>();
      }
      return entries.putIfAbsent(key, value) == null;
    }

    @Override
    public String what() {
      return "a dictionary";
    }
  }

  /** An object of a TorchScript class: its name and its attributes. */
  final class Instance implements PickleValue {

    private final String className;
    private @Nullable Mapping attributes;

    Instance(String className) {
      this.className = className;
    }

    /** Sets the attributes and returns whether there were none. */
    boolean build(Mapping state) {
      boolean first = attributes == null;
      attributes = state;
      return first;
    }

    Map<String, PickleValue> attributes() {
      return attributes == null ? Map.of() : attributes.entries();
    }

    @Override
    public String what() {
      return "an object of " + Excerpt.quoted(className);
    }
  }

  /** One of the names that a pickle may ask for, see {@link PickleGlobals}. */
  record Global(String name, Role role, @Nullable StoredType type) implements PickleValue {

    /** What the name stands for. */
    enum Role {
      DICTIONARY,
      LIST,
      STORAGE,
      UNTYPED_STORAGE,
      DTYPE,
      REBUILD_TENSOR,
      REBUILD_TENSOR_V2,
      REBUILD_TENSOR_V3,
      REBUILD_FROM_TYPE,
      /** A function whose result is taken to be its first argument. */
      FIRST_ARGUMENT,
      SCRIPT_CLASS,
      /** A class or function whose results are not needed. */
      INERT
    }

    @Override
    public String what() {
      return "the Python object " + Excerpt.quoted(name);
    }
  }
}
