package io.github.vlm4j.text.template;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Evaluated arguments of a call.
 *
 * @param positional in order
 * @param named by keyword
 */
record Arguments(List<Value> positional, Map<String, Value> named) {

  static final Arguments NONE = new Arguments(List.of(), Map.of());

  static Arguments of(Value... positional) {
    return new Arguments(List.of(positional), Map.of());
  }

  /** Assigns the arguments to parameters as Python does. */
  Bound bind(String function, String... parameters) {
    if (positional.size() > parameters.length) {
      throw Failure.type(
          "%s() takes at most %d arguments, %d given"
              .formatted(function, parameters.length, positional.size()));
    }
    Map<String, Value> values = HashMap.newHashMap(parameters.length);
    for (int i = 0; i < positional.size(); i++) {
      values.put(parameters[i], positional.get(i));
    }
    named.forEach((name, value) -> {
      if (!List.of(parameters).contains(name)) {
        throw Failure.type("%s() has no parameter '%s'".formatted(function, name));
      }
      if (values.put(name, value) != null) {
        throw Failure.type("%s() got two values for '%s'".formatted(function, name));
      }
    });
    return new Bound(function, values);
  }

  /** Arguments by parameter name. */
  record Bound(String function, Map<String, Value> values) {

    @Nullable Value orNull(String parameter) {
      return values.get(parameter);
    }

    Value or(String parameter, Value fallback) {
      return values.getOrDefault(parameter, fallback);
    }

    Value required(String parameter) {
      Value value = values.get(parameter);
      if (value == null) {
        throw Failure.type("%s() needs the argument '%s'".formatted(function, parameter));
      }
      return value;
    }

    Text text(String parameter) {
      if (required(parameter) instanceof Text text) {
        return text;
      }
      throw wrongType(parameter, "a string");
    }

    /** A string, or null where the argument is absent or None. */
    @Nullable Text textOrNull(String parameter) {
      Value value = values.get(parameter);
      return value == null || value == Value.None.NONE ? null : text(parameter);
    }

    long integer(String parameter, long fallback) {
      return switch (values.get(parameter)) {
        case null -> fallback;
        case Value.Int integer -> integer.value();
        case Value.Bool bool -> bool.value() ? 1 : 0;
        default -> throw wrongType(parameter, "an integer");
      };
    }

    boolean flag(String parameter, boolean fallback) {
      Value value = values.get(parameter);
      return value == null ? fallback : Operators.truth(value);
    }

    private Failure wrongType(String parameter, String expected) {
      return Failure.type(
          "argument '%s' of %s() must be %s, not %s"
              .formatted(parameter, function, expected, Value.typeName(required(parameter))));
    }
  }
}
