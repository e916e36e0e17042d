package io.github.vlm4j.text.template;

import io.github.vlm4j.text.template.Value.Dict;
import io.github.vlm4j.text.template.Value.Int;
import io.github.vlm4j.text.template.Value.None;
import io.github.vlm4j.text.template.Value.Sequence;
import io.github.vlm4j.text.template.Value.Undefined;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Predicate;

/** Filters over lists, dicts and other things that can be walked through. */
final class SequenceFilters {

  private SequenceFilters() {}

  static Value apply(String name, Value subject, Arguments arguments, Budget budget) {
    return switch (name) {
      case "list" -> Sequence.list(List.copyOf(walk(subject, budget)));
      case "first" -> end(subject, true, budget);
      case "last" -> end(subject, false, budget);
      case "join" -> join(subject, arguments, budget);
      case "map" -> Sequence.generator(map(subject, arguments, budget));
      case "select", "reject" -> select(subject, arguments, name.equals("select"), budget);
      case "selectattr", "rejectattr" ->
          selectByAttribute(subject, arguments, name.equals("selectattr"), budget);
      case "reverse" -> reverse(subject, budget);
      case "sort" -> sort(subject, arguments, budget);
      case "unique" -> unique(subject, arguments, budget);
      case "dictsort" -> dictsort(subject, arguments, budget);
      case "sum" -> sum(subject, arguments, budget);
      case "min", "max" -> extreme(subject, arguments, name.equals("max"), budget);
      case "batch" -> batch(subject, arguments, budget);
      default -> throw Failure.type("No filter named '%s'.".formatted(name));
    };
  }

  private static List<Value> walk(Value subject, Budget budget) {
    List<Value> items = Sequences.walk(subject, budget);
    budget.elements(items.size());
    return items;
  }

  private static Value end(Value subject, boolean first, Budget budget) {
    if (!first && subject instanceof Sequence sequence && sequence.kind() == Value.Kind.GENERATOR) {
      throw Failure.type("'generator' object is not reversible");
    }
    List<Value> items = Sequences.walk(subject, budget);
    if (items.isEmpty()) {
      return new Undefined(
          first ? "No first item, sequence was empty." : "No last item, sequence was empty.");
    }
    return first ? items.getFirst() : items.getLast();
  }

  private static Value join(Value subject, Arguments arguments, Budget budget) {
    Arguments.Bound bound = arguments.bind("join", "d", "attribute");
    Text separator = PythonText.str(bound.or("d", Text.EMPTY), budget);
    Function<Value, Value> key = attribute(bound.or("attribute", None.NONE), budget);
    List<Text> parts = new ArrayList<>();
    for (Value item : walk(subject, budget)) {
      if (!parts.isEmpty()) {
        parts.add(separator);
      }
      parts.add(PythonText.str(key.apply(item), budget));
    }
    return PythonText.concat(parts, budget);
  }

  private static Function<Value, Value> attribute(Value path, Budget budget) {
    return attribute(path, None.NONE, budget);
  }

  /**
   * A function that follows a dotted attribute path; a path of None is the identity.
   *
   * @param fallback taken for each step that leads nowhere, unless None
   */
  private static Function<Value, Value> attribute(Value path, Value fallback, Budget budget) {
    return switch (path) {
      case None _ -> Function.identity();
      case Int index -> item -> orElse(Sequences.item(item, index), fallback);
      case Text text -> {
        List<Value> keys = new ArrayList<>();
        for (Value part : TextSplitter.split(text, Text.trusted("."), -1, budget).items()) {
          String key = ((Text) part).value();
          keys.add(key.matches("[0-9]{1,9}") ? new Int(Integer.parseInt(key)) : part);
        }
        yield item -> {
          Value value = item;
          for (Value key : keys) {
            budget.step();
            value = orElse(Sequences.item(value, key), fallback);
          }
          return value;
        };
      }
      default -> throw Failure.type("an attribute must be a name or an index");
    };
  }

  private static Value orElse(Value value, Value fallback) {
    return value instanceof Undefined && fallback != None.NONE ? fallback : value;
  }

  private static List<Value> map(Value subject, Arguments arguments, Budget budget) {
    Function<Value, Value> mapping;
    if (arguments.positional().isEmpty()) {
      Arguments.Bound bound = arguments.bind("map", "attribute", "default");
      mapping = attribute(bound.required("attribute"), bound.or("default", None.NONE), budget);
    } else {
      String filter = name(arguments, 0, "map");
      Arguments rest = rest(arguments, 1);
      mapping = item -> Filters.apply(filter, item, rest, budget);
    }
    List<Value> items = new ArrayList<>();
    for (Value item : walk(subject, budget)) {
      items.add(nested(() -> mapping.apply(item), budget));
    }
    return items;
  }

  private static Value nested(java.util.function.Supplier<Value> step, Budget budget) {
    budget.enter();
    Value result = step.get();
    budget.leave();
    return result;
  }

  private static Value select(Value subject, Arguments arguments, boolean keep, Budget budget) {
    return filtered(subject, test(arguments, 0, budget), keep, budget);
  }

  private static Value selectByAttribute(
      Value subject, Arguments arguments, boolean keep, Budget budget) {
    if (arguments.positional().isEmpty()) {
      throw Failure.type("Missing parameter for attribute name");
    }
    Function<Value, Value> key = attribute(arguments.positional().getFirst(), budget);
    Predicate<Value> test = test(arguments, 1, budget);
    return filtered(subject, item -> test.test(key.apply(item)), keep, budget);
  }

  private static Predicate<Value> test(Arguments arguments, int at, Budget budget) {
    if (arguments.positional().size() <= at) {
      return Operators::truth;
    }
    String test = name(arguments, at, "select");
    Arguments rest = rest(arguments, at + 1);
    return item -> Tests.apply(test, item, rest, budget);
  }

  private static String name(Arguments arguments, int at, String filter) {
    if (arguments.positional().get(at) instanceof Text text) {
      return text.value();
    }
    throw Failure.type(filter + "() needs the name of a filter or test");
  }

  private static Arguments rest(Arguments arguments, int from) {
    return new Arguments(
        arguments.positional().subList(from, arguments.positional().size()), arguments.named());
  }

  private static Value filtered(Value subject, Predicate<Value> test, boolean keep, Budget budget) {
    List<Value> items = new ArrayList<>();
    for (Value item : walk(subject, budget)) {
      budget.step();
      if (test.test(item) == keep) {
        items.add(item);
      }
    }
    return Sequence.generator(items);
  }

  private static Value reverse(Value subject, Budget budget) {
    List<Value> items = new ArrayList<>(walk(subject, budget));
    Collections.reverse(items);
    if (subject instanceof Text) {
      return PythonText.concat(items.stream().map(Text.class::cast).toList(), budget);
    }
    return Sequence.generator(items);
  }

  private static Value sort(Value subject, Arguments arguments, Budget budget) {
    Arguments.Bound bound = arguments.bind("sort", "reverse", "case_sensitive", "attribute");
    Function<Value, Value> key = attribute(bound.or("attribute", None.NONE), budget);
    Comparator<Value> order = order(key, bound.flag("case_sensitive", false), budget);
    List<Value> items = new ArrayList<>(walk(subject, budget));
    sort(items, bound.flag("reverse", false) ? order.reversed() : order, budget);
    return Sequence.list(items);
  }

  private static void sort(List<Value> items, Comparator<Value> order, Budget budget) {
    budget.elements(items.size());
    items.sort(order);
  }

  private static Comparator<Value> order(
      Function<Value, Value> key, boolean caseSensitive, Budget budget) {
    return (left, right) -> {
      Value mine = folded(key.apply(left), caseSensitive, budget);
      Value theirs = folded(key.apply(right), caseSensitive, budget);
      return Operators.compare("<", mine, theirs, budget);
    };
  }

  private static Value folded(Value value, boolean caseSensitive, Budget budget) {
    if (!caseSensitive && value instanceof Text text) {
      budget.chars(text.length());
      return StringMethods.lower(text);
    }
    return value;
  }

  private static Value unique(Value subject, Arguments arguments, Budget budget) {
    Arguments.Bound bound = arguments.bind("unique", "case_sensitive", "attribute");
    Function<Value, Value> key = attribute(bound.or("attribute", None.NONE), budget);
    boolean caseSensitive = bound.flag("case_sensitive", false);
    Set<Value> seen = new HashSet<>();
    List<Value> items = new ArrayList<>();
    for (Value item : walk(subject, budget)) {
      if (seen.add(Dict.normalised(folded(key.apply(item), caseSensitive, budget)))) {
        items.add(item);
      }
    }
    return Sequence.generator(items);
  }

  private static Value dictsort(Value subject, Arguments arguments, Budget budget) {
    Arguments.Bound bound = arguments.bind("dictsort", "case_sensitive", "by", "reverse");
    Operators.requireDefined(subject);
    if (!(subject instanceof Dict dict)) {
      throw Failure.type("dictsort needs a mapping, not " + Value.typeName(subject));
    }
    Text by = bound.textOrNull("by");
    int index =
        switch (by == null ? "key" : by.value()) {
          case "key" -> 0;
          case "value" -> 1;
          default -> throw Failure.type("You can only sort by either \"key\" or \"value\"");
        };
    Comparator<Value> order =
        order(
            pair -> ((Sequence) pair).items().get(index),
            bound.flag("case_sensitive", false),
            budget);
    List<Value> pairs = Attributes.pairs(dict);
    sort(pairs, bound.flag("reverse", false) ? order.reversed() : order, budget);
    return Sequence.list(pairs);
  }

  private static Value sum(Value subject, Arguments arguments, Budget budget) {
    Arguments.Bound bound = arguments.bind("sum", "attribute", "start");
    Function<Value, Value> key = attribute(bound.or("attribute", None.NONE), budget);
    Value total = bound.or("start", new Int(0));
    for (Value item : walk(subject, budget)) {
      total = Operators.arithmetic("+", total, key.apply(item), budget);
    }
    return total;
  }

  private static Value extreme(Value subject, Arguments arguments, boolean max, Budget budget) {
    Arguments.Bound bound = arguments.bind(max ? "max" : "min", "case_sensitive", "attribute");
    Function<Value, Value> key = attribute(bound.or("attribute", None.NONE), budget);
    Comparator<Value> order = order(key, bound.flag("case_sensitive", false), budget);
    List<Value> items = walk(subject, budget);
    if (items.isEmpty()) {
      return new Undefined("No aggregated item, sequence was empty.");
    }
    // Of equals Python takes the first, Collections.max the last.
    Value best = items.getFirst();
    for (Value item : items) {
      int comparison = order.compare(item, best);
      if (max ? comparison > 0 : comparison < 0) {
        best = item;
      }
    }
    return best;
  }

  private static Value batch(Value subject, Arguments arguments, Budget budget) {
    Arguments.Bound bound = arguments.bind("batch", "linecount", "fill_with");
    Value size = bound.required("linecount");
    int count = Math.clamp(Operators.integer(size), 1, Integer.MAX_VALUE);
    Value fill = bound.or("fill_with", None.NONE);
    List<Value> items = walk(subject, budget);
    List<Value> batches = new ArrayList<>();
    for (int start = 0; start < items.size(); start += count) {
      List<Value> batch =
          new ArrayList<>(items.subList(start, (int) Math.min(items.size(), (long) start + count)));
      if (fill != None.NONE) {
        budget.elements(count - batch.size());
        batch.addAll(Collections.nCopies(count - batch.size(), fill));
      }
      batches.add(Sequence.list(batch));
      if ((long) start + count > Integer.MAX_VALUE) {
        break;
      }
    }
    return Sequence.generator(batches);
  }

  /** Entries as a map of attribute values; kept here for {@code namespace} and {@code dict}. */
  static void copyEntries(Value source, Map<Value, Value> into, Budget budget) {
    if (source instanceof Dict dict) {
      budget.elements(dict.entries().size());
      into.putAll(dict.entries());
      return;
    }
    for (Value pair : walk(source, budget)) {
      List<Value> parts = walk(pair, budget);
      if (parts.size() != 2) {
        throw Failure.type("dict() needs pairs");
      }
      into.put(Dict.normalised(parts.get(0)), parts.get(1));
    }
  }
}
