package io.github.vlm4j.text.template;

import io.github.vlm4j.text.template.Value.Dict;
import io.github.vlm4j.text.template.Value.Int;
import io.github.vlm4j.text.template.Value.Namespace;
import io.github.vlm4j.text.template.Value.Sequence;
import java.time.Clock;
import java.time.ZonedDateTime;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The functions every chat template can call. */
final class Globals {

  /** As in jinja2's sandbox. */
  private static final int MAX_RANGE = 100_000;

  private interface Body {
    Value call(Arguments arguments, Budget budget);
  }

  private record Function(String name, Body body) implements Value.Callable {
    @Override
    public Value call(Arguments arguments, Budget budget) {
      return body.call(arguments, budget);
    }
  }

  private Globals() {}

  static Scope scope(Clock clock) {
    Scope scope = new Scope(null);
    define(scope, "range", Globals::range);
    define(scope, "dict", (arguments, budget) -> new Dict(entries(arguments, budget)));
    define(scope, "namespace", Globals::namespace);
    define(
        scope,
        "raise_exception",
        (arguments, budget) -> {
          Value message = arguments.bind("raise_exception", "message").required("message");
          throw Failure.type(PythonText.str(message, budget).value());
        });
    define(
        scope,
        "strftime_now",
        (arguments, budget) -> {
          Text format = arguments.bind("strftime_now", "format").text("format");
          budget.chars(16L * format.length());
          return Text.trusted(Strftime.format(format.value(), ZonedDateTime.now(clock)));
        });
    return scope;
  }

  private static void define(Scope scope, String name, Body body) {
    scope.set(name, new Function(name, body));
  }

  private static Value range(Arguments arguments, Budget budget) {
    List<Value> given = arguments.positional();
    arguments.bind("range", "start", "stop", "step");
    if (given.isEmpty() || !arguments.named().isEmpty()) {
      throw Failure.type("range() needs one to three positional integers");
    }
    given.forEach(Operators::requireDefined);
    long start = given.size() == 1 ? 0 : Operators.integer(given.get(0));
    long stop = Operators.integer(given.get(given.size() == 1 ? 0 : 1));
    long step = given.size() == 3 ? Operators.integer(given.get(2)) : 1;
    if (step == 0) {
      throw Failure.type("range() arg 3 must not be zero");
    }
    List<Value> items = new ArrayList<>();
    long value = start;
    while (step > 0 ? value < stop : value > stop) {
      if (items.size() == MAX_RANGE) {
        throw Failure.limit("range() has more than %,d elements".formatted(MAX_RANGE));
      }
      items.add(new Int(value));
      long next = value + step;
      if (((value ^ next) & (step ^ next)) < 0) {
        break;
      }
      value = next;
    }
    budget.elements(items.size());
    String steps = step == 1 ? "" : ", " + step;
    return Sequence.range("range(%d, %d%s)".formatted(start, stop, steps), items);
  }

  private static Map<Value, Value> entries(Arguments arguments, Budget budget) {
    Map<Value, Value> entries = new LinkedHashMap<>();
    if (arguments.positional().size() > 1) {
      throw Failure.type("at most one positional argument is taken");
    }
    for (Value source : arguments.positional()) {
      SequenceFilters.copyEntries(source, entries, budget);
    }
    arguments.named().forEach((name, value) -> entries.put(Text.trusted(name), value));
    return entries;
  }

  private static Value namespace(Arguments arguments, Budget budget) {
    Namespace namespace = new Namespace();
    entries(arguments, budget)
        .forEach((key, value) -> {
          if (key instanceof Text name) {
            namespace.attributes().put(name.value(), value);
          }
        });
    return namespace;
  }
}
