package io.github.vlm4j.text.template;

import io.github.vlm4j.text.template.Value.Bool;
import io.github.vlm4j.text.template.Value.Dict;
import io.github.vlm4j.text.template.Value.Int;
import io.github.vlm4j.text.template.Value.None;
import io.github.vlm4j.text.template.Value.Real;
import io.github.vlm4j.text.template.Value.Sequence;
import io.github.vlm4j.text.template.Value.Undefined;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Truth, equality, order and arithmetic as Python defines them. */
final class Operators {

  private Operators() {}

  static boolean truth(Value value) {
    return switch (value) {
      case Text text -> !text.isEmpty();
      case Int integer -> integer.value() != 0;
      case Real real -> real.value() != 0;
      case Bool bool -> bool.value();
      case None _, Undefined _ -> false;
      case Sequence sequence ->
          sequence.kind() == Value.Kind.GENERATOR || !sequence.items().isEmpty();
      case Dict dict -> !dict.entries().isEmpty();
      case Value.Namespace _, Value.Callable _, Value.Loop _ -> true;
    };
  }

  static boolean equal(Value left, Value right, Budget budget) {
    budget.enter();
    try {
      return equalWithin(left, right, budget);
    } finally {
      budget.leave();
    }
  }

  private static boolean equalWithin(Value left, Value right, Budget budget) {
    if (isSame(left, right)) {
      return true;
    }
    if (isNumber(left) && isNumber(right)) {
      return isReal(left) || isReal(right)
          ? real(left) == real(right)
          : integer(left) == integer(right);
    }
    return switch (left) {
      case Text text -> text.equals(right);
      case Undefined _ -> right instanceof Undefined;
      case Sequence mine ->
          right instanceof Sequence theirs
              && mine.kind() == theirs.kind()
              && mine.kind() != Value.Kind.GENERATOR
              && equalItems(mine.items(), theirs.items(), budget);
      case Dict mine -> right instanceof Dict theirs && equalEntries(mine, theirs, budget);
      default -> false;
    };
  }

  /** Python's {@code is}, which its comparisons of containers try first. */
  @SuppressWarnings("ReferenceEquality")
  static boolean isSame(Value left, Value right) {
    return left == right;
  }

  private static boolean equalItems(List<Value> mine, List<Value> theirs, Budget budget) {
    if (mine.size() != theirs.size()) {
      return false;
    }
    Iterator<Value> other = theirs.iterator();
    for (Value item : mine) {
      if (!equal(item, other.next(), budget)) {
        return false;
      }
    }
    return true;
  }

  private static boolean equalEntries(Dict mine, Dict theirs, Budget budget) {
    if (mine.entries().size() != theirs.entries().size()) {
      return false;
    }
    for (Map.Entry<Value, Value> entry : mine.entries().entrySet()) {
      Value other = theirs.entries().get(entry.getKey());
      if (other == null || !equal(entry.getValue(), other, budget)) {
        return false;
      }
    }
    return true;
  }

  /** Order of two values; fails where Python has none. */
  static int compare(String operator, Value left, Value right, Budget budget) {
    budget.enter();
    try {
      if (isNumber(left) && isNumber(right)) {
        return isReal(left) || isReal(right)
            ? Double.compare(real(left), real(right))
            : Long.compare(integer(left), integer(right));
      }
      if (left instanceof Text mine && right instanceof Text theirs) {
        return mine.compareTo(theirs);
      }
      if (left instanceof Sequence mine
          && right instanceof Sequence theirs
          && mine.kind() == theirs.kind()
          && mine.indexable()) {
        return compareItems(operator, mine.items(), theirs.items(), budget);
      }
      throw unsupported(operator, left, right);
    } finally {
      budget.leave();
    }
  }

  private static int compareItems(
      String operator, List<Value> mine, List<Value> theirs, Budget budget) {
    for (int i = 0; i < Math.min(mine.size(), theirs.size()); i++) {
      if (!equal(mine.get(i), theirs.get(i), budget)) {
        return compare(operator, mine.get(i), theirs.get(i), budget);
      }
    }
    return Integer.compare(mine.size(), theirs.size());
  }

  static boolean contains(Value container, Value item, Budget budget) {
    return switch (container) {
      case Text text when item instanceof Text part -> {
        budget.search(text, part);
        yield text.value().contains(part.value());
      }
      case Text _ ->
          throw Failure.type(
              "'in <string>' requires string as left operand, not " + Value.typeName(item));
      case Dict dict -> dict.get(item) != null;
      case Sequence sequence -> {
        for (Value candidate : sequence.drain()) {
          if (equal(item, candidate, budget)) {
            yield true;
          }
        }
        yield false;
      }
      case Undefined _ -> false;
      default ->
          throw Failure.type(
              "argument of type '%s' is not iterable".formatted(Value.typeName(container)));
    };
  }

  static Value arithmetic(String operator, Value left, Value right, Budget budget) {
    requireDefined(left);
    requireDefined(right);
    if (isNumber(left) && isNumber(right)) {
      boolean fraction = operator.equals("/") || (operator.equals("**") && real(right) < 0);
      return isReal(left) || isReal(right) || fraction
          ? realArithmetic(operator, left, right)
          : integerArithmetic(operator, integer(left), integer(right));
    }
    return switch (operator) {
      case "+" -> plus(left, right, budget);
      case "*" -> {
        if (left instanceof Int || left instanceof Bool) {
          yield times(right, left, budget);
        }
        yield times(left, right, budget);
      }
      case "%" -> {
        if (left instanceof Text format) {
          yield PythonFormat.percent(format, right, budget);
        }
        throw unsupported(operator, left, right);
      }
      default -> throw unsupported(operator, left, right);
    };
  }

  private static Value plus(Value left, Value right, Budget budget) {
    if (left instanceof Text mine && right instanceof Text theirs) {
      budget.chars((long) mine.length() + theirs.length());
      return new Text.Builder().append(mine).append(theirs).build();
    }
    if (left instanceof Sequence mine
        && right instanceof Sequence theirs
        && mine.kind() == theirs.kind()
        && mine.indexable()
        && mine.kind() != Value.Kind.RANGE) {
      budget.elements((long) mine.items().size() + theirs.items().size());
      List<Value> items = new ArrayList<>(mine.items());
      items.addAll(theirs.items());
      return mine.kind() == Value.Kind.LIST ? Sequence.list(items) : Sequence.tuple(items);
    }
    throw unsupported("+", left, right);
  }

  private static Value times(Value repeated, Value count, Budget budget) {
    if (count instanceof Int || count instanceof Bool) {
      long times = Math.max(0, integer(count));
      if (repeated instanceof Text text) {
        budget.chars(saturated(text.length(), times));
        Text.Builder builder = new Text.Builder();
        for (long i = 0; i < times && !text.isEmpty(); i++) {
          builder.append(text);
        }
        return builder.build();
      }
      if (repeated instanceof Sequence sequence
          && sequence.indexable()
          && sequence.kind() != Value.Kind.RANGE) {
        budget.elements(saturated(sequence.items().size(), times));
        List<Value> items = new ArrayList<>();
        for (long i = 0; i < times && !sequence.items().isEmpty(); i++) {
          items.addAll(sequence.items());
        }
        return sequence.kind() == Value.Kind.LIST ? Sequence.list(items) : Sequence.tuple(items);
      }
    }
    throw unsupported("*", repeated, count);
  }

  private static long saturated(long size, long times) {
    return size == 0 ? 0 : times > Long.MAX_VALUE / 4 / size ? Long.MAX_VALUE / 4 : size * times;
  }

  private static Value integerArithmetic(String operator, long left, long right) {
    try {
      return new Int(
          switch (operator) {
            case "+" -> Math.addExact(left, right);
            case "-" -> Math.subtractExact(left, right);
            case "*" -> Math.multiplyExact(left, right);
            case "//" -> {
              requireNonZero(right);
              yield Math.floorDivExact(left, right);
            }
            case "%" -> {
              requireNonZero(right);
              yield Math.floorMod(left, right);
            }
            case "**" -> power(left, right);

            default -> throw new IllegalStateException(operator);
          });
    } catch (ArithmeticException _) {
      throw Failure.type(
          "the result of %d %s %d does not fit into 64 bits".formatted(left, operator, right));
    }
  }

  private static long power(long base, long exponent) {
    if (base == 0 || base == 1 || exponent == 0) {
      return exponent == 0 ? 1 : base;
    }
    if (base == -1) {
      return exponent % 2 == 0 ? 1 : -1;
    }
    long result = 1;
    for (long i = 0; i < exponent; i++) {
      result = Math.multiplyExact(result, base);
    }
    return result;
  }

  private static void requireNonZero(long divisor) {
    if (divisor == 0) {
      throw Failure.type("division by zero");
    }
  }

  private static Value realArithmetic(String operator, Value leftValue, Value rightValue) {
    double left = real(leftValue);
    double right = real(rightValue);
    if (right == 0 && (operator.equals("/") || operator.equals("//") || operator.equals("%"))) {
      throw Failure.type("division by zero");
    }
    return new Real(
        switch (operator) {
          case "+" -> left + right;
          case "-" -> left - right;
          case "*" -> left * right;
          case "/" -> left / right;
          case "//" -> Math.floor(left / right);
          case "%" -> {
            double remainder = left % right;
            yield remainder != 0 && (remainder < 0) != (right < 0) ? remainder + right : remainder;
          }
          case "**" -> Math.pow(left, right);
          default -> throw new IllegalStateException(operator);
        });
  }

  static Value negate(Value value) {
    requireDefined(value);
    return switch (value) {
      case Real real -> new Real(-real.value());
      case Int _, Bool _ -> integerArithmetic("-", 0, integer(value));
      default ->
          throw Failure.type("bad operand type for unary -: '%s'".formatted(Value.typeName(value)));
    };
  }

  static boolean isNumber(Value value) {
    return value instanceof Int || value instanceof Real || value instanceof Bool;
  }

  private static boolean isReal(Value value) {
    return value instanceof Real;
  }

  static long integer(Value value) {
    return switch (value) {
      case Int integer -> integer.value();
      case Bool bool -> bool.value() ? 1 : 0;
      default ->
          throw Failure.type("an integer is needed, not '%s'".formatted(Value.typeName(value)));
    };
  }

  static double real(Value value) {
    return value instanceof Real real ? real.value() : integer(value);
  }

  static void requireDefined(@Nullable Value value) {
    if (value instanceof Undefined undefined) {
      throw Failure.type(undefined.problem());
    }
  }

  private static Failure unsupported(String operator, Value left, Value right) {
    requireDefined(left);
    requireDefined(right);
    return Failure.type(
        "unsupported operand types for %s: '%s' and '%s'"
            .formatted(operator, Value.typeName(left), Value.typeName(right)));
  }
}
