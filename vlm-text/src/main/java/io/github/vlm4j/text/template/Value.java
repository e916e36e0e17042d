package io.github.vlm4j.text.template;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a template expression can evaluate to. The set is closed: no Java object ever becomes
 * visible to a template.
 */
sealed interface Value
    permits Text,
        Value.Int,
        Value.Real,
        Value.Bool,
        Value.None,
        Value.Undefined,
        Value.Sequence,
        Value.Dict,
        Value.Namespace,
        Value.Callable,
        Value.Loop {

  /** Deeper data is refused: recursion over values must not exhaust the stack. */
  int MAX_DEPTH = 128;

  /** Longer roles are text like any other. */
  int MAX_ROLE_CHARS = 32;

  /** A Python integer; results beyond 64 bits are refused. */
  record Int(long value) implements Value {}

  /** A Python float. */
  record Real(double value) implements Value {}

  /** True or False. */
  record Bool(boolean value) implements Value {
    static final Bool TRUE = new Bool(true);
    static final Bool FALSE = new Bool(false);

    static Bool of(boolean value) {
      return value ? TRUE : FALSE;
    }
  }

  /** Python's None. */
  enum None implements Value {
    NONE
  }

  /**
   * A name, attribute or item that does not exist.
   *
   * @param problem the sentence to fail with when more is done with it than printing or testing
   */
  record Undefined(String problem) implements Value {}

  /** How a sequence prints and what may be done with it. */
  enum Kind {
    LIST,
    TUPLE,
    /** The lazy result of a filter: always true, has no length, can be walked once. */
    GENERATOR,
    /** {@code dict.keys()} and its like. */
    VIEW,
    RANGE
  }

  /** A list, tuple, view or generator. */
  final class Sequence implements Value {
    private List<Value> items;
    private final Kind kind;
    private final String label;

    private Sequence(List<Value> items, Kind kind, String label) {
      this.items = items;
      this.kind = kind;
      this.label = label;
    }

    static Sequence list(List<Value> items) {
      return new Sequence(items, Kind.LIST, "list");
    }

    static Sequence tuple(List<Value> items) {
      return new Sequence(items, Kind.TUPLE, "tuple");
    }

    static Sequence generator(List<Value> items) {
      return new Sequence(items, Kind.GENERATOR, "generator");
    }

    static Sequence view(String label, List<Value> items) {
      return new Sequence(items, Kind.VIEW, label);
    }

    Kind kind() {
      return kind;
    }

    /** The type's name, or for a range the call that makes it. */
    String label() {
      return label;
    }

    List<Value> items() {
      return items;
    }

    /** The items for one walk; a generator is empty afterwards. */
    List<Value> drain() {
      List<Value> drained = items;
      if (kind == Kind.GENERATOR) {
        items = List.of();
      }
      return drained;
    }

    static Sequence range(String label, List<Value> items) {
      return new Sequence(items, Kind.RANGE, label);
    }

    boolean indexable() {
      return kind == Kind.LIST || kind == Kind.TUPLE || kind == Kind.RANGE;
    }
  }

  /** A dict, in insertion order. */
  record Dict(Map<Value, Value> entries) implements Value {
    @Nullable Value get(Value key) {
      return entries.get(normalised(key));
    }

    static Value normalised(Value key) {
      return switch (key) {
        case Bool bool -> new Int(bool.value() ? 1 : 0);
        case Real real
            when real.value() == Math.rint(real.value()) && Math.abs(real.value()) < 1e15 ->
            new Int((long) real.value());
        case Dict _, Namespace _ ->
            throw Failure.type("unhashable type: '%s'".formatted(typeName(key)));
        case Sequence sequence when sequence.kind() != Kind.TUPLE ->
            throw Failure.type("unhashable type: '%s'".formatted(sequence.label()));
        case Sequence _ -> throw Failure.type("tuples cannot be keys of a dict in a chat template");
        default -> key;
      };
    }
  }

  /** The only mutable value: what {@code namespace()} returns. */
  final class Namespace implements Value {
    private final Map<String, Value> attributes = new LinkedHashMap<>();

    Map<String, Value> attributes() {
      return attributes;
    }
  }

  /** Something that can be called: a macro, a global function or a bound method. */
  non-sealed interface Callable extends Value {
    String name();

    Value call(Arguments arguments, Budget budget);
  }

  /** The variable {@code loop} of one pass through a for loop. */
  record Loop(List<Value> items, int index) implements Value {}

  /** The name Python gives the value's type, for messages. */
  static String typeName(Value value) {
    return switch (value) {
      case Text _ -> "str";
      case Int _ -> "int";
      case Real _ -> "float";
      case Bool _ -> "bool";
      case None _ -> "NoneType";
      case Undefined _ -> "Undefined";
      case Sequence sequence -> sequence.kind() == Kind.RANGE ? "range" : sequence.label();
      case Dict _ -> "dict";
      case Namespace _ -> "Namespace";
      case Callable _ -> "function";
      case Loop _ -> "LoopContext";
    };
  }

  /**
   * Brings a plain Java value into the template's world.
   *
   * @param value null, a String, Boolean, Number, List or Map with string keys
   * @param trusted whether its strings may spell control tokens
   * @param budget pays for every element
   */
  static Value of(@Nullable Object value, boolean trusted, Budget budget) {
    return of(value, trusted, budget, 0);
  }

  private static Value of(@Nullable Object value, boolean trusted, Budget budget, int depth) {
    if (depth > MAX_DEPTH) {
      throw Failure.type("a variable is nested more than %d levels deep".formatted(MAX_DEPTH));
    }
    return switch (value) {
      case null -> None.NONE;
      case RenderedPrompt prompt -> Text.of(prompt);
      case String string -> trusted ? Text.trusted(string) : Text.untrusted(string);
      case Boolean bool -> Bool.of(bool);
      case Integer integer -> new Int(integer);
      case Long integer -> new Int(integer);
      case Double real -> new Real(real);
      case Float real -> new Real(real);
      case List<?> list -> {
        budget.elements(list.size());
        List<Value> items = new ArrayList<>(list.size());
        for (Object item : list) {
          items.add(of(item, trusted, budget, depth + 1));
        }
        yield Sequence.list(items);
      }
      case Map<?, ?> map -> {
        budget.elements(map.size());
        Map<Value, Value> entries = LinkedHashMap.newLinkedHashMap(map.size());
        for (Map.Entry<?, ?> entry : map.entrySet()) {
          if (!(entry.getKey() instanceof String)) {
            throw Failure.type("a map among the variables has a key that is no string");
          }
          Value key = of(entry.getKey(), trusted, budget, depth + 1);
          boolean trustedValue = trusted || isRole(entry);
          entries.put(key, of(entry.getValue(), trustedValue, budget, depth + 1));
        }
        yield new Dict(entries);
      }
      default ->
          throw Failure.type(
              "a variable is of type %s; only strings, numbers, booleans, lists and maps can be"
                      .formatted(value.getClass().getName())
                  + " passed to a chat template");
    };
  }

  /**
   * Some templates build control tokens of roles, as {@code <|user|>}; a plain word harms nobody.
   */
  private static boolean isRole(Map.Entry<?, ?> entry) {
    return "role".equals(entry.getKey())
        && entry.getValue() instanceof String role
        && role.length() <= MAX_ROLE_CHARS
        && role.chars().allMatch(c -> (c >= 'a' && c <= 'z') || c == '_');
  }
}
