package io.github.vlm4j.text.template;

import io.github.vlm4j.text.template.Value.Bool;
import io.github.vlm4j.text.template.Value.Int;
import io.github.vlm4j.text.template.Value.Sequence;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.function.IntPredicate;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** The methods of Python's {@code str} that templates call. */
final class StringMethods {

  static final Set<String> NAMES =
      Set.of(
          "capitalize",
          "count",
          "endswith",
          "find",
          "format",
          "index",
          "isalnum",
          "isalpha",
          "isdigit",
          "islower",
          "isspace",
          "isupper",
          "join",
          "lower",
          "lstrip",
          "partition",
          "removeprefix",
          "removesuffix",
          "replace",
          "rfind",
          "rpartition",
          "rsplit",
          "rstrip",
          "split",
          "splitlines",
          "startswith",
          "strip",
          "title",
          "upper");

  private StringMethods() {}

  static Value call(String name, Text self, Arguments arguments, Budget budget) {
    budget.chars(self.length());
    return switch (name) {
      case "upper" -> upper(none(name, self, arguments));
      case "lower" -> lower(none(name, self, arguments));
      case "capitalize" -> capitalize(none(name, self, arguments));
      case "title" -> title(none(name, self, arguments));
      case "strip" -> strip(self, arguments.bind(name, "chars").textOrNull("chars"), true, true);
      case "lstrip" -> strip(self, arguments.bind(name, "chars").textOrNull("chars"), true, false);
      case "rstrip" -> strip(self, arguments.bind(name, "chars").textOrNull("chars"), false, true);
      case "startswith" -> Bool.of(matchesAny(name, arguments, self.value()::startsWith));
      case "endswith" -> Bool.of(matchesAny(name, arguments, self.value()::endsWith));
      case "removeprefix" -> {
        Text prefix = arguments.bind(name, "prefix").text("prefix");
        yield self.value().startsWith(prefix.value())
            ? self.slice(prefix.length(), self.length())
            : self;
      }
      case "removesuffix" -> {
        Text suffix = arguments.bind(name, "suffix").text("suffix");
        yield self.value().endsWith(suffix.value())
            ? self.slice(0, self.length() - suffix.length())
            : self;
      }
      case "replace" -> {
        Arguments.Bound bound = arguments.bind(name, "old", "new", "count");
        yield replace(
            self, bound.text("old"), bound.text("new"), bound.integer("count", -1), budget);
      }
      case "find" -> new Int(find(self, arguments.bind(name, "sub").text("sub"), false, budget));
      case "rfind" -> new Int(find(self, arguments.bind(name, "sub").text("sub"), true, budget));
      case "index" -> {
        int index = find(self, arguments.bind(name, "sub").text("sub"), false, budget);
        if (index < 0) {
          throw Failure.type("substring not found");
        }
        yield new Int(index);
      }
      case "count" -> new Int(count(self, arguments.bind(name, "sub").text("sub"), budget));
      case "join" ->
          join(
              self,
              Sequences.walk(arguments.bind(name, "iterable").required("iterable"), budget),
              budget);
      case "format" -> PythonFormat.braces(self, arguments, budget);
      case "split" -> {
        Arguments.Bound bound = arguments.bind(name, "sep", "maxsplit");
        yield TextSplitter.split(
            self, bound.textOrNull("sep"), bound.integer("maxsplit", -1), budget);
      }
      case "rsplit" -> {
        Arguments.Bound bound = arguments.bind(name, "sep", "maxsplit");
        yield TextSplitter.splitFromEnd(
            self, bound.textOrNull("sep"), bound.integer("maxsplit", -1), budget);
      }
      case "splitlines" ->
          TextSplitter.lines(
              self, arguments.bind(name, "keepends").flag("keepends", false), budget);
      case "partition", "rpartition" ->
          partition(self, arguments.bind(name, "sep").text("sep"), name.startsWith("r"), budget);
      case "isdigit" -> all(self, arguments, Character::isDigit);
      case "isalpha" -> all(self, arguments, Character::isLetter);
      case "isalnum" -> all(self, arguments, Character::isLetterOrDigit);
      case "isspace" -> all(self, arguments, c -> c <= 0xffff && PythonText.isSpace((char) c));
      case "isupper" -> cased(self, upper(self));
      case "islower" -> cased(self, lower(self));
      default -> throw new IllegalArgumentException(name);
    };
  }

  private static Text none(String name, Text self, Arguments arguments) {
    arguments.bind(name);
    return self;
  }

  static Text upper(Text text) {
    return text.map(part -> part.toUpperCase(Locale.ROOT));
  }

  static Text lower(Text text) {
    return text.map(part -> part.toLowerCase(Locale.ROOT));
  }

  static Text capitalize(Text text) {
    int first = text.isEmpty() ? 0 : text.offset(1);
    return new Text.Builder()
        .append(upper(text.slice(0, first)))
        .append(lower(text.slice(first, text.length())))
        .build();
  }

  private static Text title(Text text) {
    Text.Builder out = new Text.Builder();
    boolean wordStart = true;
    for (int at = 0; at < text.length(); ) {
      int next = text.value().offsetByCodePoints(at, 1);
      Text letter = text.slice(at, next);
      out.append(wordStart ? upper(letter) : lower(letter));
      wordStart = !Character.isLetter(text.value().codePointAt(at));
      at = next;
    }
    return out.build();
  }

  /** Removes whitespace, or the given characters, from the ends. */
  static Text strip(Text text, @Nullable Text chars, boolean left, boolean right) {
    IntPredicate removed;
    if (chars == null) {
      removed = c -> c <= 0xffff && PythonText.isSpace((char) c);
    } else {
      Set<Integer> set = chars.value().codePoints().boxed().collect(Collectors.toSet());
      removed = set::contains;
    }
    String value = text.value();
    int start = 0;
    int end = value.length();
    while (left && start < end && removed.test(value.codePointAt(start))) {
      start += Character.charCount(value.codePointAt(start));
    }
    while (right && end > start && removed.test(value.codePointBefore(end))) {
      end -= Character.charCount(value.codePointBefore(end));
    }
    return text.slice(start, end);
  }

  private static boolean matchesAny(String name, Arguments arguments, Predicate<String> matches) {
    Value affix = arguments.bind(name, "affix").required("affix");
    if (affix instanceof Text text) {
      return matches.test(text.value());
    }
    if (affix instanceof Sequence tuple && tuple.kind() == Value.Kind.TUPLE) {
      return tuple.items().stream()
          .anyMatch(item -> item instanceof Text text && matches.test(text.value()));
    }
    throw Failure.type(
        name + "() needs a string or a tuple of strings, not " + Value.typeName(affix));
  }

  static Text replace(Text text, Text old, Text replacement, long count, Budget budget) {
    budget.search(text, old);
    String value = text.value();
    Text.Builder out = new Text.Builder();
    long left = count < 0 ? Long.MAX_VALUE : count;
    int plain = 0;
    int from = 0;
    while (left-- > 0) {
      int found = value.indexOf(old.value(), from);
      if (found < 0 || from > value.length()) {
        break;
      }
      out.append(text, plain, found).append(replacement);
      budget.step();
      budget.fits(out.length());
      plain = found + old.length();
      // An empty pattern matches before every character and at the end.
      from = old.isEmpty() ? nextCodePoint(value, found) : plain;
      if (old.isEmpty() && found == value.length()) {
        break;
      }
    }
    out.append(text, plain, value.length());
    budget.chars(out.length());
    return out.build();
  }

  private static int nextCodePoint(String value, int at) {
    return at < value.length() ? value.offsetByCodePoints(at, 1) : at + 1;
  }

  private static int find(Text text, Text part, boolean last, Budget budget) {
    budget.search(text, part);
    int at = last ? text.value().lastIndexOf(part.value()) : text.value().indexOf(part.value());
    return at < 0 ? -1 : text.value().codePointCount(0, at);
  }

  private static int count(Text text, Text part, Budget budget) {
    budget.search(text, part);
    if (part.isEmpty()) {
      return text.codePoints() + 1;
    }
    int count = 0;
    int at = text.value().indexOf(part.value());
    while (at >= 0) {
      count++;
      at = text.value().indexOf(part.value(), at + part.length());
    }
    return count;
  }

  private static Text join(Text separator, List<Value> items, Budget budget) {
    List<Text> parts = new ArrayList<>(2 * items.size());
    for (Value item : items) {
      if (!(item instanceof Text part)) {
        throw Failure.type("join() needs strings, found " + Value.typeName(item));
      }
      if (!parts.isEmpty()) {
        parts.add(separator);
      }
      parts.add(part);
    }
    return PythonText.concat(parts, budget);
  }

  private static Value partition(Text text, Text separator, boolean last, Budget budget) {
    budget.search(text, separator);
    int at =
        last
            ? text.value().lastIndexOf(separator.value())
            : text.value().indexOf(separator.value());
    if (separator.isEmpty()) {
      throw Failure.type("empty separator");
    }
    if (at < 0) {
      return Sequence.tuple(
          last ? List.of(Text.EMPTY, Text.EMPTY, text) : List.of(text, Text.EMPTY, Text.EMPTY));
    }
    int end = at + separator.length();
    return Sequence.tuple(
        List.of(text.slice(0, at), text.slice(at, end), text.slice(end, text.length())));
  }

  private static Value all(Text text, Arguments arguments, IntPredicate property) {
    arguments.bind("is...");
    return Bool.of(!text.isEmpty() && text.value().codePoints().allMatch(property));
  }

  private static Value cased(Text text, Text mapped) {
    boolean hasCase =
        text.value()
            .codePoints()
            .anyMatch(c -> Character.isUpperCase(c) || Character.isLowerCase(c));
    return Bool.of(hasCase && text.equals(mapped));
  }
}
