package io.github.vlm4j.text.template;

import io.github.vlm4j.text.template.Value.Bool;
import io.github.vlm4j.text.template.Value.Dict;
import io.github.vlm4j.text.template.Value.Int;
import io.github.vlm4j.text.template.Value.None;
import io.github.vlm4j.text.template.Value.Real;
import io.github.vlm4j.text.template.Value.Sequence;
import io.github.vlm4j.text.template.Value.Undefined;
import java.util.List;

/**
 * The filters of jinja2 that chat templates use; those over sequences are in {@link
 * SequenceFilters}.
 */
final class Filters {

  private Filters() {}

  static Value apply(String name, Value subject, Arguments arguments, Budget budget) {
    return switch (name) {
      case "tojson" -> JsonText.write(subject, arguments, budget);
      case "trim" ->
          StringMethods.strip(
              text(subject, budget), arguments.bind(name, "chars").textOrNull("chars"), true, true);
      case "upper", "lower", "capitalize" ->
          StringMethods.call(name, text(subject, budget), arguments, budget);
      case "title" -> title(text(subject, budget), budget);
      case "string" -> text(subject, budget);
      // Autoescape is off in chat templates, so marking as safe changes nothing.
      case "safe" -> text(subject, budget);
      case "e", "escape", "forceescape" -> escape(text(subject, budget), budget);
      case "replace" -> {
        Arguments.Bound bound = arguments.bind(name, "old", "new", "count");
        yield StringMethods.replace(
            text(subject, budget),
            text(bound.required("old"), budget),
            text(bound.required("new"), budget),
            bound.or("count", None.NONE) == None.NONE ? -1 : bound.integer("count", -1),
            budget);
      }
      case "indent" -> indent(text(subject, budget), arguments, budget);
      case "format" -> PythonFormat.percent(text(subject, budget), arguments.positional(), budget);
      case "center" ->
          center(text(subject, budget), arguments.bind(name, "width").integer("width", 80), budget);
      case "wordcount" -> {
        budget.chars(text(subject, budget).length());
        yield new Int(TextSplitter.split(text(subject, budget), null, -1, budget).items().size());
      }
      case "default", "d" -> {
        Arguments.Bound bound = arguments.bind(name, "default_value", "boolean");
        boolean missing =
            subject instanceof Undefined
                || (bound.flag("boolean", false) && !Operators.truth(subject));
        yield missing ? bound.or("default_value", Text.EMPTY) : subject;
      }
      case "int" -> integer(subject, arguments.bind(name, "default", "base"));
      case "float" -> real(subject, arguments.bind(name, "default").or("default", new Real(0)));
      case "abs" -> {
        Operators.requireDefined(subject);
        boolean negative =
            subject instanceof Real real ? real.value() < 0 : Operators.integer(subject) < 0;
        yield negative ? Operators.negate(subject) : subject;
      }
      case "round" -> round(subject, arguments.bind(name, "precision", "method"));
      case "length", "count" -> new Int(Sequences.length(subject));
      case "items" ->
          switch (subject) {
            case Undefined _ -> Sequence.generator(List.of());
            case Dict dict -> {
              budget.elements(dict.entries().size());
              yield Sequence.generator(Attributes.pairs(dict));
            }
            default -> throw Failure.type("Can only get item pairs from a mapping.");
          };
      case "attr" -> {
        Text attribute = arguments.bind(name, "name").text("name");
        Value found = Attributes.attribute(subject, attribute.value());
        yield found != null
            ? found
            : new Undefined(
                "'%s object' has no attribute %s"
                    .formatted(Value.typeName(subject), PythonText.quoted(attribute.value())));
      }
      default -> SequenceFilters.apply(name, subject, arguments, budget);
    };
  }

  private static Text text(Value subject, Budget budget) {
    Text text = PythonText.str(subject, budget);
    budget.chars(text.length());
    return text;
  }

  /** jinja2's own title: words end at blanks, dashes and opening brackets. */
  private static Text title(Text text, Budget budget) {
    Text.Builder out = new Text.Builder();
    int wordStart = 0;
    for (int at = 0; at <= text.length(); at++) {
      if (at == text.length() || isWordBreak(text.value().charAt(at))) {
        out.append(StringMethods.capitalize(text.slice(wordStart, at)));
        if (at < text.length()) {
          out.append(text, at, at + 1);
        }
        wordStart = at + 1;
      }
    }
    budget.chars(out.length());
    return out.build();
  }

  private static boolean isWordBreak(char c) {
    return PythonText.isSpace(c) || "-({[<".indexOf(c) >= 0;
  }

  private static Text escape(Text text, Budget budget) {
    Text.Builder out = new Text.Builder();
    for (int at = 0; at < text.length(); at++) {
      switch (text.value().charAt(at)) {
        case '&' -> out.append("&amp;");
        case '<' -> out.append("&lt;");
        case '>' -> out.append("&gt;");
        case '\'' -> out.append("&#39;");
        case '"' -> out.append("&#34;");
        default -> out.append(text, at, at + 1);
      }
    }
    budget.chars(out.length());
    return out.build();
  }

  private static Text indent(Text text, Arguments arguments, Budget budget) {
    Arguments.Bound bound = arguments.bind("indent", "width", "first", "blank");
    Text indention;
    if (bound.orNull("width") instanceof Text given) {
      indention = given;
    } else {
      long width = Math.max(0, bound.integer("width", 4));
      budget.chars(width);
      indention = Text.trusted(" ".repeat((int) width));
    }
    boolean indentFirst = bound.flag("first", false);
    boolean indentBlank = bound.flag("blank", false);
    Text.Builder out = new Text.Builder();
    boolean first = true;
    // jinja2 appends a newline first, so that a trailing line end counts as a line.
    Text closed = new Text.Builder().append(text).append("\n").build();
    for (Value item : TextSplitter.lines(closed, false, budget).items()) {
      Text line = (Text) item;
      if (!first) {
        out.append("\n");
      }
      if (first ? indentFirst : indentBlank || !line.isEmpty()) {
        out.append(indention);
      }
      out.append(line);
      first = false;
      budget.fits(out.length());
    }
    budget.chars(out.length());
    return out.build();
  }

  private static Text center(Text text, long width, Budget budget) {
    budget.chars(Math.max(0, width));
    int missing = (int) Math.max(0, width - text.codePoints());
    int left = missing / 2 + (missing & (int) width & 1);
    return new Text.Builder()
        .append(" ".repeat(left))
        .append(text)
        .append(" ".repeat(missing - left))
        .build();
  }

  private static Value integer(Value subject, Arguments.Bound bound) {
    Value fallback = bound.or("default", new Int(0));
    Operators.requireDefined(subject);
    switch (subject) {
      case Int _, Bool _ -> {
        return new Int(Operators.integer(subject));
      }
      case Real real -> {
        return Double.isFinite(real.value()) && Math.abs(real.value()) < 0x1p63
            ? new Int((long) real.value())
            : fallback;
      }
      case Text text -> {
        String digits = text.value().strip().replace("_", "");
        try {
          return new Int(Long.parseLong(digits, Math.clamp(bound.integer("base", 10), 2, 36)));
        } catch (NumberFormatException _) {
          return real(text, fallback) instanceof Real real && Double.isFinite(real.value())
              ? new Int((long) real.value())
              : fallback;
        }
      }
      default -> {
        return fallback;
      }
    }
  }

  private static Value real(Value subject, Value fallback) {
    Operators.requireDefined(subject);
    if (Operators.isNumber(subject)) {
      return new Real(Operators.real(subject));
    }
    if (subject instanceof Text text
        && text.value().strip().matches("[-+]?([0-9]+\\.?[0-9]*|\\.[0-9]+)([eE][-+]?[0-9]+)?")) {
      return new Real(Double.parseDouble(text.value().strip()));
    }
    return fallback;
  }

  private static Value round(Value subject, Arguments.Bound bound) {
    Operators.requireDefined(subject);
    int precision = Math.clamp(bound.integer("precision", 0), -300, 300);
    Text method = bound.textOrNull("method");
    double value = Operators.real(subject);
    double scale = Math.pow(10, precision);
    double rounded =
        switch (method == null ? "common" : method.value()) {
          case "common" ->
              Double.isFinite(value)
                  ? new java.math.BigDecimal(value)
                      .setScale(precision, java.math.RoundingMode.HALF_EVEN)
                      .doubleValue()
                  : value;
          case "ceil" -> Math.ceil(value * scale) / scale;
          case "floor" -> Math.floor(value * scale) / scale;
          default -> throw Failure.type("method must be common, ceil or floor");
        };
    return new Real(rounded);
  }
}
