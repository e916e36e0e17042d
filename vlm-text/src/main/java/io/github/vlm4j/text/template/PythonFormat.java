package io.github.vlm4j.text.template;

import io.github.vlm4j.text.template.Value.Sequence;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The common part of Python's {@code %} formatting and of {@code str.format}. */
final class PythonFormat {

  private static final int MAX_WIDTH = 1000;
  private static final Pattern PERCENT =
      Pattern.compile(
          "%(?<flags>[-0+ ]*)(?<width>[0-9]{0,4})(\\.(?<precision>[0-9]{1,2}))?(?<type>.)",
          Pattern.DOTALL);
  private static final Pattern BRACES = Pattern.compile("\\{\\{|\\}\\}|\\{(?<field>\\w*)\\}|[{}]");

  private PythonFormat() {}

  /** {@code format % value}. */
  static Text percent(Text format, Value value, Budget budget) {
    boolean tuple = value instanceof Sequence sequence && sequence.kind() == Value.Kind.TUPLE;
    return percent(format, tuple ? ((Sequence) value).items() : List.of(value), budget);
  }

  static Text percent(Text format, List<Value> values, Budget budget) {
    Text.Builder out = new Text.Builder();
    Matcher field = PERCENT.matcher(format.value());
    int plain = 0;
    int used = 0;
    while (field.find(plain)) {
      out.append(format, plain, field.start());
      plain = field.end();
      if (field.group("type").equals("%")) {
        out.append("%");
        continue;
      }
      if (used == values.size()) {
        throw Failure.type("not enough arguments for format string");
      }
      out.append(field(field, values.get(used++), budget));
      budget.fits(out.length());
    }
    if (used < values.size()) {
      throw Failure.type("not all arguments converted during string formatting");
    }
    if (format.value().indexOf('%', plain) >= 0) {
      throw Failure.type("incomplete format");
    }
    out.append(format, plain, format.length());
    budget.chars(out.length());
    return out.build();
  }

  private static Text field(Matcher field, Value value, Budget budget) {
    String flags = field.group("flags");
    String precision = field.group("precision");
    Text text =
        switch (field.group("type")) {
          case "s" -> cut(PythonText.str(value, budget), precision);
          case "r" -> cut(PythonText.repr(value, budget), precision);
          case "d", "i" -> signed(flags, Long.toString(truncated(value)));
          case "x" -> Text.trusted(Long.toString(Operators.integer(value), 16));
          case "f" -> {
            Operators.requireDefined(value);
            int digits = precision == null ? 6 : Integer.parseInt(precision);
            double real = Operators.real(value);
            if (Double.isNaN(real) || Double.isInfinite(real)) {
              yield Text.trusted(PythonText.real(real));
            }
            yield signed(
                flags,
                new BigDecimal(real).setScale(digits, RoundingMode.HALF_EVEN).toPlainString());
          }
          default -> throw Failure.type("the format " + field.group() + " is not supported");
        };
    int width = field.group("width").isEmpty() ? 0 : Integer.parseInt(field.group("width"));
    int missing = Math.min(width, MAX_WIDTH) - text.codePoints();
    if (missing <= 0) {
      return text;
    }
    Text.Builder padded = new Text.Builder();
    if (flags.contains("-")) {
      return padded.append(text).append(" ".repeat(missing)).build();
    }
    boolean zeros = flags.contains("0") && !field.group("type").equals("s");
    if (zeros && text.value().startsWith("-")) {
      return padded.append("-").append("0".repeat(missing)).append(text, 1, text.length()).build();
    }
    return padded.append((zeros ? "0" : " ").repeat(missing)).append(text).build();
  }

  private static long truncated(Value value) {
    Operators.requireDefined(value);
    return value instanceof Value.Real real ? (long) real.value() : Operators.integer(value);
  }

  private static Text signed(String flags, String number) {
    return Text.trusted(flags.contains("+") && !number.startsWith("-") ? "+" + number : number);
  }

  private static Text cut(Text text, @org.jspecify.annotations.Nullable String precision) {
    if (precision == null) {
      return text;
    }
    int length = Math.min(Integer.parseInt(precision), text.codePoints());
    return text.slice(0, text.offset(length));
  }

  /**
   * {@code format.format(arguments)} with plain fields: {@code {}}, {@code {0}}, {@code {name}}.
   */
  static Text braces(Text format, Arguments arguments, Budget budget) {
    Text.Builder out = new Text.Builder();
    Matcher matcher = BRACES.matcher(format.value());
    int plain = 0;
    int automatic = 0;
    while (matcher.find()) {
      out.append(format, plain, matcher.start());
      plain = matcher.end();
      String name = matcher.group("field");
      if (name == null) {
        if (matcher.group().length() == 1) {
          throw Failure.type("str.format() supports only plain fields such as {} or {name}");
        }
        out.append(format, matcher.start(), matcher.start() + 1);
        continue;
      }
      Value value;
      if (name.isEmpty() || name.matches("[0-9]{1,4}")) {
        int index = name.isEmpty() ? automatic++ : Integer.parseInt(name);
        if (index >= arguments.positional().size()) {
          throw Failure.type("str.format() has no argument " + index);
        }
        value = arguments.positional().get(index);
      } else {
        Value named = arguments.named().get(name);
        if (named == null) {
          throw Failure.type("str.format() has no argument '" + name + "'");
        }
        value = named;
      }
      out.append(PythonText.str(value, budget));
      budget.fits(out.length());
    }
    out.append(format, plain, format.length());
    budget.chars(out.length());
    return out.build();
  }
}
