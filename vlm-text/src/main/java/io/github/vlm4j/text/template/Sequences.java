package io.github.vlm4j.text.template;

import io.github.vlm4j.text.template.Value.Dict;
import io.github.vlm4j.text.template.Value.Int;
import io.github.vlm4j.text.template.Value.None;
import io.github.vlm4j.text.template.Value.Sequence;
import java.util.ArrayList;
import java.util.List;

/** Walking, indexing and slicing. */
final class Sequences {

  private Sequences() {}

  /** What a for loop over the value walks through. */
  static List<Value> walk(Value value, Budget budget) {
    return switch (value) {
      case Sequence sequence -> sequence.drain();
      case Dict dict -> {
        budget.elements(dict.entries().size());
        yield new ArrayList<>(dict.entries().keySet());
      }
      case Text text -> characters(text, budget);
      case Value.Undefined _ -> List.of();
      default -> throw Failure.type("'%s' object is not iterable".formatted(Value.typeName(value)));
    };
  }

  private static List<Value> characters(Text text, Budget budget) {
    budget.elements(text.length());
    List<Value> characters = new ArrayList<>(text.length());
    int at = 0;
    while (at < text.length()) {
      int next = text.value().offsetByCodePoints(at, 1);
      characters.add(text.slice(at, next));
      at = next;
    }
    return characters;
  }

  static long length(Value value) {
    return switch (value) {
      case Text text -> text.codePoints();
      case Sequence sequence when sequence.kind() != Value.Kind.GENERATOR ->
          sequence.items().size();
      case Dict dict -> dict.entries().size();
      case Value.Undefined _ -> 0;
      default ->
          throw Failure.type("object of type '%s' has no length".formatted(Value.typeName(value)));
    };
  }

  static Value slice(Value value, Value start, Value stop, Value step, Budget budget) {
    Operators.requireDefined(value);
    long length = length(value);
    long stride = step == None.NONE ? 1 : Operators.integer(step);
    if (stride == 0) {
      throw Failure.type("slice step cannot be zero");
    }
    boolean forward = stride > 0;
    long first = bound(start, forward ? 0 : length - 1, length, forward);
    long last = bound(stop, forward ? length : -1, length, forward);
    if (value instanceof Text text) {
      return slice(text, first, last, stride, budget);
    }
    if (!(value instanceof Sequence sequence) || !sequence.indexable()) {
      throw Failure.type("'%s' object cannot be sliced".formatted(Value.typeName(value)));
    }
    List<Value> items = new ArrayList<>();
    for (long i = first; forward ? i < last : i > last; i += stride) {
      budget.elements(1);
      items.add(sequence.items().get((int) i));
    }
    return sequence.kind() == Value.Kind.TUPLE ? Sequence.tuple(items) : Sequence.list(items);
  }

  private static Text slice(Text text, long first, long last, long stride, Budget budget) {
    if (stride == 1) {
      budget.chars(text.length());
      return first >= last
          ? Text.EMPTY
          : text.slice(text.offset((int) first), text.offset((int) last));
    }
    List<Value> characters = characters(text, budget);
    Text.Builder out = new Text.Builder();
    for (long i = first; stride > 0 ? i < last : i > last; i += stride) {
      out.append((Text) characters.get((int) i));
    }
    return out.build();
  }

  /** A bound of a slice, clamped as Python does. */
  private static long bound(Value bound, long fallback, long length, boolean forward) {
    if (bound == None.NONE) {
      return fallback;
    }
    Operators.requireDefined(bound);
    long index = Operators.integer(bound);
    if (index < 0) {
      return Math.max(index + length, forward ? 0 : -1);
    }
    return Math.min(index, forward ? length : length - 1);
  }

  /** {@code value[index]}, or an undefined value. */
  static Value item(Value value, Value index) {
    Operators.requireDefined(value);
    switch (value) {
      case Dict dict -> {
        Value found = dict.get(index);
        if (found != null) {
          return found;
        }
      }
      case Text text when index instanceof Int || index instanceof Value.Bool -> {
        long at = wrapped(Operators.integer(index), text.codePoints());
        if (at >= 0) {
          int start = text.offset((int) at);
          return text.slice(start, text.value().offsetByCodePoints(start, 1));
        }
      }
      case Sequence sequence
          when sequence.indexable() && (index instanceof Int || index instanceof Value.Bool) -> {
        long at = wrapped(Operators.integer(index), sequence.items().size());
        if (at >= 0) {
          return sequence.items().get((int) at);
        }
      }
      default -> {}
    }
    if (index instanceof Text name) {
      Value attribute = Attributes.attribute(value, name.value());
      if (attribute != null) {
        return attribute;
      }
    }
    String shown =
        index instanceof Text name ? PythonText.quoted(name.value()) : PythonText.scalar(index);
    return new Value.Undefined(
        index instanceof Text
            ? "'%s object' has no attribute %s".formatted(Value.typeName(value), shown)
            : "%s object has no element %s".formatted(Value.typeName(value), shown));
  }

  private static long wrapped(long index, long length) {
    long at = index < 0 ? index + length : index;
    return at < length ? at : -1;
  }
}
