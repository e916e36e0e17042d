package io.github.vlm4j.text.template;

import io.github.vlm4j.text.template.Value.Bool;
import io.github.vlm4j.text.template.Value.Dict;
import io.github.vlm4j.text.template.Value.Int;
import io.github.vlm4j.text.template.Value.Real;
import io.github.vlm4j.text.template.Value.Sequence;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The {@code tojson} filter as transformers defines it: Python's {@code json.dumps}, with
 * characters beyond ASCII kept unless asked otherwise.
 */
final class JsonText {

  private final Text.Builder out = new Text.Builder();
  private final Budget budget;
  private final @Nullable Text indent;
  private final Text itemSeparator;
  private final Text keySeparator;
  private final boolean sortKeys;
  private final boolean asciiOnly;

  private JsonText(Arguments.Bound options, Budget budget) {
    this.budget = budget;
    this.sortKeys = options.flag("sort_keys", false);
    this.asciiOnly = options.flag("ensure_ascii", false);
    this.indent =
        switch (options.orNull("indent")) {
          case null -> null;
          case Value.None _ -> null;
          case Text text -> text;
          case Value width -> {
            long spaces = Math.max(0, Operators.integer(width));
            budget.chars(spaces);
            yield Text.trusted(" ".repeat((int) spaces));
          }
        };
    Value separators = options.or("separators", Value.None.NONE);
    if (separators instanceof Sequence pair
        && pair.items().size() == 2
        && pair.items().get(0) instanceof Text item
        && pair.items().get(1) instanceof Text key) {
      this.itemSeparator = item;
      this.keySeparator = key;
    } else if (separators == Value.None.NONE) {
      this.itemSeparator = Text.trusted(indent == null ? ", " : ",");
      this.keySeparator = Text.trusted(": ");
    } else {
      throw Failure.type("tojson() needs two strings as separators");
    }
  }

  static Text write(Value value, Arguments arguments, Budget budget) {
    JsonText json =
        new JsonText(
            arguments.bind("tojson", "ensure_ascii", "indent", "separators", "sort_keys"), budget);
    json.value(value, 0);
    budget.chars(json.out.length());
    return json.out.build();
  }

  private void value(Value value, int depth) {
    budget.enter();
    switch (value) {
      case Text text -> string(text);
      case Bool bool -> out.append(bool.value() ? "true" : "false");
      case Value.None _ -> out.append("null");
      case Int integer -> out.append(Long.toString(integer.value()));
      case Real real -> out.append(real(real.value()));
      case Sequence sequence
          when sequence.kind() == Value.Kind.LIST || sequence.kind() == Value.Kind.TUPLE ->
          list(sequence.items(), depth);
      case Dict dict -> dict(dict.entries(), depth);
      default ->
          throw Failure.type(
              "Object of type %s is not JSON serializable".formatted(Value.typeName(value)));
    }
    budget.fits(out.length());
    budget.leave();
  }

  private static String real(double value) {
    if (Double.isNaN(value)) {
      return "NaN";
    }
    if (Double.isInfinite(value)) {
      return value > 0 ? "Infinity" : "-Infinity";
    }
    return PythonText.real(value);
  }

  private void list(List<Value> items, int depth) {
    if (items.isEmpty()) {
      out.append("[]");
      return;
    }
    out.append("[");
    boolean first = true;
    for (Value item : items) {
      separate(first, depth + 1);
      first = false;
      value(item, depth + 1);
    }
    newLine(depth);
    out.append("]");
  }

  private void dict(Map<Value, Value> entries, int depth) {
    if (entries.isEmpty()) {
      out.append("{}");
      return;
    }
    List<Map.Entry<Value, Value>> ordered = new ArrayList<>(entries.entrySet());
    if (sortKeys) {
      budget.elements(ordered.size() * 4L);
      ordered.sort(Map.Entry.comparingByKey(order()));
    }
    out.append("{");
    boolean first = true;
    for (Map.Entry<Value, Value> entry : ordered) {
      separate(first, depth + 1);
      first = false;
      string(key(entry.getKey()));
      out.append(keySeparator);
      value(entry.getValue(), depth + 1);
    }
    newLine(depth);
    out.append("}");
  }

  private Comparator<Value> order() {
    return (left, right) -> Operators.compare("<", left, right, budget);
  }

  private static Text key(Value key) {
    return switch (key) {
      case Text text -> text;
      case Bool bool -> Text.trusted(bool.value() ? "true" : "false");
      case Value.None _ -> Text.trusted("null");
      case Int integer -> Text.trusted(Long.toString(integer.value()));
      case Real real -> Text.trusted(real(real.value()));
      default ->
          throw Failure.type(
              "a key of type %s cannot be written as JSON".formatted(Value.typeName(key)));
    };
  }

  private void separate(boolean first, int depth) {
    if (!first) {
      out.append(itemSeparator);
    }
    newLine(depth);
  }

  private void newLine(int depth) {
    if (indent != null) {
      out.append("\n");
      budget.fits(out.length() + (long) indent.length() * depth);
      for (int i = 0; i < depth; i++) {
        out.append(indent);
      }
    }
  }

  private void string(Text text) {
    String value = text.value();
    out.append("\"");
    int plain = 0;
    for (int at = 0; at < value.length(); at++) {
      String escape = escape(value.charAt(at));
      if (!escape.isEmpty()) {
        out.append(text, plain, at);
        boolean trusted = text.slice(at, at + 1).isTrusted();
        out.append(trusted ? Text.trusted(escape) : Text.untrusted(escape));
        plain = at + 1;
      }
    }
    out.append(text, plain, value.length());
    out.append("\"");
  }

  private String escape(char c) {
    return switch (c) {
      case '"' -> "\\\"";
      case '\\' -> "\\\\";
      case '\n' -> "\\n";
      case '\r' -> "\\r";
      case '\t' -> "\\t";
      case '\f' -> "\\f";
      case '\b' -> "\\b";
      default -> c < 0x20 || (asciiOnly && c > 0x7e) ? "\\u%04x".formatted((int) c) : "";
    };
  }
}
