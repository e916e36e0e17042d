package io.github.vlm4j.text.template;

import io.github.vlm4j.text.template.Value.Bool;
import io.github.vlm4j.text.template.Value.Dict;
import io.github.vlm4j.text.template.Value.Int;
import io.github.vlm4j.text.template.Value.Real;
import io.github.vlm4j.text.template.Value.Sequence;
import java.math.BigDecimal;
import java.util.List;
import java.util.Map;

/** How Python writes values: {@code str()} and {@code repr()}. */
final class PythonText {

  private PythonText() {}

  /** Python's idea of whitespace in {@code str.strip} and {@code str.split}. */
  static boolean isSpace(char c) {
    return switch (c) {
      case '\t',
          '\n',
          '\u000b',
          '\f',
          '\r',
          '\u001c',
          '\u001d',
          '\u001e',
          '\u001f',
          ' ',
          '\u0085',
          '\u00a0' ->
          true;
      case '\u1680', '\u2028', '\u2029', '\u202f', '\u205f', '\u3000' -> true;
      default -> c >= '\u2000' && c <= '\u200a';
    };
  }

  /** {@code str(value)}; an undefined value is the empty string. */
  static Text str(Value value, Budget budget) {
    return switch (value) {
      case Text text -> text;
      case Value.Undefined _ -> Text.EMPTY;
      case Int _, Real _, Bool _, Value.None _ -> Text.trusted(scalar(value));
      default -> repr(value, budget);
    };
  }

  static Text repr(Value value, Budget budget) {
    Text.Builder builder = new Text.Builder();
    repr(value, builder, budget);
    budget.chars(builder.length());
    return builder.build();
  }

  private static void repr(Value value, Text.Builder out, Budget budget) {
    budget.enter();
    switch (value) {
      case Text text -> quote(text, out);
      case Int _, Real _, Bool _, Value.None _ -> out.append(scalar(value));
      case Value.Undefined _ -> out.append("Undefined");
      case Sequence sequence -> sequence(sequence, out, budget);
      case Dict dict -> dict(dict.entries(), out, budget);
      case Value.Namespace namespace -> {
        out.append("<Namespace {");
        String separator = "";
        for (Map.Entry<String, Value> entry : namespace.attributes().entrySet()) {
          out.append(separator).append(quoted(entry.getKey())).append(": ");
          repr(entry.getValue(), out, budget);
          separator = ", ";
        }
        out.append("}>");
      }
      case Value.Callable callable -> out.append("<function " + callable.name() + ">");
      case Value.Loop loop ->
          out.append("<LoopContext " + (loop.index() + 1) + "/" + loop.items().size() + ">");
    }
    budget.fits(out.length());
    budget.leave();
  }

  private static void sequence(Sequence sequence, Text.Builder out, Budget budget) {
    String open = "[";
    String close = "]";
    switch (sequence.kind()) {
      case LIST -> {}
      case TUPLE -> {
        open = "(";
        close = sequence.items().size() == 1 ? ",)" : ")";
      }
      case GENERATOR -> {
        out.append("<generator>");
        return;
      }
      case RANGE -> {
        out.append(sequence.label());
        return;
      }
      case VIEW -> {
        open = sequence.label() + "([";
        close = "])";
      }
    }
    out.append(open);
    String separator = "";
    for (Value item : sequence.items()) {
      out.append(separator);
      repr(item, out, budget);
      separator = ", ";
    }
    out.append(close);
  }

  private static void dict(Map<Value, Value> entries, Text.Builder out, Budget budget) {
    out.append("{");
    String separator = "";
    for (Map.Entry<Value, Value> entry : entries.entrySet()) {
      out.append(separator);
      repr(entry.getKey(), out, budget);
      out.append(": ");
      repr(entry.getValue(), out, budget);
      separator = ", ";
    }
    out.append("}");
  }

  static String scalar(Value value) {
    return switch (value) {
      case Int integer -> Long.toString(integer.value());
      case Real real -> real(real.value());
      case Bool bool -> bool.value() ? "True" : "False";
      default -> "None";
    };
  }

  /** {@code repr(float)}: the shortest digits that read back, positional between 1e-4 and 1e16. */
  static String real(double value) {
    if (Double.isNaN(value)) {
      return "nan";
    }
    if (Double.isInfinite(value)) {
      return value > 0 ? "inf" : "-inf";
    }
    if (value == 0) {
      return 1 / value < 0 ? "-0.0" : "0.0";
    }
    BigDecimal shortest = new BigDecimal(Double.toString(Math.abs(value))).stripTrailingZeros();
    String digits = shortest.unscaledValue().toString();
    int exponent = digits.length() - shortest.scale() - 1;
    StringBuilder text = new StringBuilder(value < 0 ? "-" : "");
    if (exponent >= 16 || exponent < -4) {
      text.append(digits.charAt(0));
      if (digits.length() > 1) {
        text.append('.').append(digits, 1, digits.length());
      }
      text.append('e').append(exponent < 0 ? '-' : '+');
      return text.append(Math.abs(exponent) < 10 ? "0" : "").append(Math.abs(exponent)).toString();
    }
    String plain = shortest.toPlainString();
    return text.append(plain).append(plain.contains(".") ? "" : ".0").toString();
  }

  /** {@code repr} of a trusted string. */
  static String quoted(String text) {
    Text.Builder builder = new Text.Builder();
    quote(Text.trusted(text), builder);
    return builder.build().value();
  }

  private static void quote(Text text, Text.Builder out) {
    String value = text.value();
    char quote = value.indexOf('\'') >= 0 && value.indexOf('"') < 0 ? '"' : '\'';
    out.append(quote);
    int plain = 0;
    int at = 0;
    while (at < value.length()) {
      int c = value.codePointAt(at);
      int next = at + Character.charCount(c);
      String escape = escape(c, quote);
      if (!escape.isEmpty()) {
        out.append(text, plain, at);
        // Python's escapes hold no control token, but they stand for what the user wrote.
        out.append(
            text.slice(at, next).isTrusted() ? Text.trusted(escape) : Text.untrusted(escape));
        plain = next;
      }
      at = next;
    }
    out.append(text, plain, value.length());
    out.append(quote);
  }

  private static String escape(int c, char quote) {
    return switch (c) {
      case '\\' -> "\\\\";
      case '\n' -> "\\n";
      case '\r' -> "\\r";
      case '\t' -> "\\t";
      default -> {
        if (c == quote) {
          yield "\\" + quote;
        }
        if (isPrintable(c)) {
          yield "";
        }
        yield c <= 0xff
            ? "\\x%02x".formatted(c)
            : c <= 0xffff ? "\\u%04x".formatted(c) : "\\U%08x".formatted(c);
      }
    };
  }

  private static boolean isPrintable(int c) {
    return switch (Character.getType(c)) {
      case Character.CONTROL,
          Character.FORMAT,
          Character.SURROGATE,
          Character.PRIVATE_USE,
          Character.UNASSIGNED,
          Character.LINE_SEPARATOR,
          Character.PARAGRAPH_SEPARATOR ->
          false;
      case Character.SPACE_SEPARATOR -> c == ' ';
      default -> true;
    };
  }

  /** Concatenates, paying for the result. */
  static Text concat(List<Text> parts, Budget budget) {
    long length = 0;
    for (Text part : parts) {
      length += part.length();
    }
    budget.chars(length);
    Text.Builder builder = new Text.Builder();
    for (Text part : parts) {
      builder.append(part);
    }
    return builder.build();
  }
}
