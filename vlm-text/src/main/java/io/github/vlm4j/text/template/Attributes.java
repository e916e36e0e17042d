package io.github.vlm4j.text.template;

import io.github.vlm4j.text.template.Value.Bool;
import io.github.vlm4j.text.template.Value.Dict;
import io.github.vlm4j.text.template.Value.Int;
import io.github.vlm4j.text.template.Value.Loop;
import io.github.vlm4j.text.template.Value.Namespace;
import io.github.vlm4j.text.template.Value.None;
import io.github.vlm4j.text.template.Value.Sequence;
import io.github.vlm4j.text.template.Value.Undefined;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What {@code value.name} means. Methods of Python's types come before the keys of a dict, and the
 * methods that would change a list or dict do not exist, as in jinja2's immutable sandbox.
 */
final class Attributes {

  private static final Set<String> DICT_METHODS = Set.of("items", "keys", "values", "get", "copy");
  private static final Set<String> DICT_MUTATORS =
      Set.of("clear", "pop", "popitem", "setdefault", "update");
  private static final Set<String> LIST_MUTATORS =
      Set.of("append", "clear", "extend", "insert", "pop", "remove", "reverse", "sort");

  private Attributes() {}

  /**
   * A method that is yet to be called.
   *
   * @param self the value before the dot
   * @param name the method's name
   */
  record Method(Value self, String name) implements Value.Callable {
    @Override
    public Value call(Arguments arguments, Budget budget) {
      return switch (self) {
        case Text text -> StringMethods.call(name, text, arguments, budget);
        case Dict dict -> dictMethod(name, dict, arguments, budget);
        case Sequence sequence -> listMethod(name, sequence, arguments, budget);
        case Loop loop -> cycle(loop, arguments);
        default -> throw new IllegalStateException(name);
      };
    }
  }

  /** The attribute, or null where the value has none of that name. */
  static @Nullable Value attribute(Value value, String name) {
    return switch (value) {
      case Text text when StringMethods.NAMES.contains(name) -> new Method(text, name);
      case Dict dict when DICT_METHODS.contains(name) -> new Method(dict, name);
      case Dict _ when DICT_MUTATORS.contains(name) -> unsafe(name, "dict");
      case Sequence list when list.indexable() && (name.equals("index") || name.equals("count")) ->
          new Method(list, name);
      case Sequence list when list.kind() == Value.Kind.LIST && LIST_MUTATORS.contains(name) ->
          unsafe(name, "list");
      case Namespace namespace -> namespace.attributes().get(name);
      case Loop loop -> loopAttribute(loop, name);
      default -> null;
    };
  }

  private static Value unsafe(String name, String type) {
    return new Undefined(
        "access to attribute '%s' of '%s' object is unsafe.".formatted(name, type));
  }

  /** {@code value.name}: an attribute, else the item of that key, else undefined. */
  static Value get(Value value, String name) {
    Operators.requireDefined(value);
    Value attribute = attribute(value, name);
    if (attribute == null && value instanceof Dict dict) {
      attribute = dict.get(Text.trusted(name));
    }
    return attribute != null
        ? attribute
        : new Undefined("'%s object' has no attribute '%s'".formatted(Value.typeName(value), name));
  }

  private static @Nullable Value loopAttribute(Loop loop, String name) {
    int index = loop.index();
    int length = loop.items().size();
    return switch (name) {
      case "index" -> new Int(index + 1L);
      case "index0" -> new Int(index);
      case "revindex" -> new Int((long) length - index);
      case "revindex0" -> new Int(length - index - 1L);
      case "first" -> Bool.of(index == 0);
      case "last" -> Bool.of(index == length - 1);
      case "length" -> new Int(length);
      case "depth" -> new Int(1);
      case "depth0" -> new Int(0);
      case "previtem" ->
          index > 0 ? loop.items().get(index - 1) : new Undefined("there is no previous item");
      case "nextitem" ->
          index < length - 1 ? loop.items().get(index + 1) : new Undefined("there is no next item");
      case "cycle" -> new Method(loop, name);
      default -> null;
    };
  }

  private static Value cycle(Loop loop, Arguments arguments) {
    List<Value> values = arguments.positional();
    if (values.isEmpty()) {
      throw Failure.type("no items for cycling given");
    }
    return values.get(loop.index() % values.size());
  }

  private static Value dictMethod(String name, Dict dict, Arguments arguments, Budget budget) {
    budget.elements(dict.entries().size());
    return switch (name) {
      case "items" -> {
        arguments.bind(name);
        yield Sequence.view("dict_items", pairs(dict));
      }
      case "keys" -> {
        arguments.bind(name);
        yield Sequence.view("dict_keys", new ArrayList<>(dict.entries().keySet()));
      }
      case "values" -> {
        arguments.bind(name);
        yield Sequence.view("dict_values", new ArrayList<>(dict.entries().values()));
      }
      case "copy" -> {
        arguments.bind(name);
        yield dict;
      }
      default -> {
        Arguments.Bound bound = arguments.bind(name, "key", "default");
        Value found = dict.get(bound.required("key"));
        yield found != null ? found : bound.or("default", None.NONE);
      }
    };
  }

  /** The entries of a dict as tuples. */
  static List<Value> pairs(Dict dict) {
    List<Value> pairs = new ArrayList<>(dict.entries().size());
    for (Map.Entry<Value, Value> entry : dict.entries().entrySet()) {
      pairs.add(Sequence.tuple(List.of(entry.getKey(), entry.getValue())));
    }
    return pairs;
  }

  private static Value listMethod(String name, Sequence list, Arguments arguments, Budget budget) {
    Value wanted = arguments.bind(name, "value").required("value");
    int count = 0;
    for (int i = 0; i < list.items().size(); i++) {
      if (Operators.equal(list.items().get(i), wanted, budget)) {
        if (name.equals("index")) {
          return new Int(i);
        }
        count++;
      }
    }
    if (name.equals("index")) {
      throw Failure.type("the value is not in the list");
    }
    return new Int(count);
  }
}
