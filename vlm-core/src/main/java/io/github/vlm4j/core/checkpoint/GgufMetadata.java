package io.github.vlm4j.core.checkpoint;

import io.github.vlm4j.core.CheckpointException;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The metadata of a GGUF file. Each getter checks the type and the range of what it returns and
 * otherwise throws a {@link CheckpointException} that names the file and the key, as in {@code
 * m.gguf: qwen3.block_count must be a whole number from 0 to 2147483647, got "abc"}. Where a getter
 * has a form that returns an {@link Optional}, it is empty for absent keys only.
 */
public final class GgufMetadata {

  private final String file;
  private final Map<String, GgufValue> values;

  GgufMetadata(String file, Map<String, GgufValue> values) {
    this.file = file;
    this.values = values;
  }

  /** Returns the file's name, for messages. */
  public String file() {
    return file;
  }

  /** Returns the keys, in the file's order. */
  public Set<String> keys() {
    return values.keySet();
  }

  /** Returns all values by key, in the file's order. */
  public Map<String, GgufValue> values() {
    return values;
  }

  /** Returns whether there is a value of that key. */
  public boolean has(String key) {
    return values.containsKey(key);
  }

  /** Returns a text. */
  public String text(String key) {
    return textIfPresent(key).orElseThrow(() -> missing(key, "a text"));
  }

  /** Returns a text, or empty if it is absent. */
  public Optional<String> textIfPresent(String key) {
    return value(key)
        .map(value -> {
          if (value instanceof GgufValue.Text(String text)) {
            return text;
          }
          throw invalid(key, "a text");
        });
  }

  /** Returns a whole number that is not negative and fits 32 bits. */
  public int count(String key) {
    return countIfPresent(key).orElseThrow(() -> missing(key, countOf()));
  }

  /** Returns a whole number that is not negative and fits 32 bits, or empty if it is absent. */
  public Optional<Integer> countIfPresent(String key) {
    return value(key)
        .map(value -> {
          if (value instanceof GgufValue.Whole(GgufValue.WholeType type, long number)
              && number >= 0
              && number <= Integer.MAX_VALUE) {
            return (int) number;
          }
          throw invalid(key, countOf());
        });
  }

  private static String countOf() {
    return "a whole number from 0 to " + Integer.MAX_VALUE;
  }

  /** Returns a finite number. */
  public double number(String key) {
    return numberIfPresent(key).orElseThrow(() -> missing(key, "a finite number"));
  }

  /** Returns a finite number, or empty if it is absent. */
  public Optional<Double> numberIfPresent(String key) {
    return value(key)
        .map(value -> {
          double number =
              switch (value) {
                case GgufValue.Real real -> real.value();
                case GgufValue.Whole whole -> whole.value();
                default -> Double.NaN;
              };
          if (!Double.isFinite(number)) {
            throw invalid(key, "a finite number");
          }
          return number;
        });
  }

  /** Returns a truth value, or empty if it is absent. */
  public Optional<Boolean> flagIfPresent(String key) {
    return value(key)
        .map(value -> {
          if (value instanceof GgufValue.Flag(boolean flag)) {
            return flag;
          }
          throw invalid(key, "true or false");
        });
  }

  /** Returns a list of texts. */
  public Utf8Texts texts(String key) {
    return switch (values.get(key)) {
      case GgufValue.Texts(List<String> texts) -> Utf8Texts.of(texts);
      case null -> throw missing(key, "a list of texts");
      default -> throw invalid(key, "a list of texts");
    };
  }

  /** Returns a list of whole numbers of 32 bits. */
  public int[] ints(String key) {
    String expected = "a list of whole numbers of 32 bits";
    return switch (values.get(key)) {
      case GgufValue.Wholes(GgufValue.WholeType type, long[] numbers) -> {
        int[] ints = new int[numbers.length];
        for (int i = 0; i < ints.length; i++) {
          ints[i] = (int) numbers[i];
          if (ints[i] != numbers[i]) {
            throw new CheckpointException(
                where(key) + " must be " + expected + ", but one is larger");
          }
        }
        yield ints;
      }
      case null -> throw missing(key, expected);
      default -> throw invalid(key, expected);
    };
  }

  /** Returns a list of finite numbers. */
  public double[] numbers(String key) {
    String expected = "a list of finite numbers";
    return switch (values.get(key)) {
      case GgufValue.Reals(GgufValue.RealType type, double[] numbers) -> {
        if (!Arrays.stream(numbers).allMatch(Double::isFinite)) {
          throw new CheckpointException(where(key) + " must be " + expected + ", but one is none");
        }
        yield numbers.clone();
      }
      case null -> throw missing(key, expected);
      default -> throw invalid(key, expected);
    };
  }

  /** Returns a list of truth values. */
  public List<Boolean> flags(String key) {
    return switch (values.get(key)) {
      case GgufValue.Flags(List<Boolean> flags) -> flags;
      case null -> throw missing(key, "a list of truth values");
      default -> throw invalid(key, "a list of truth values");
    };
  }

  /**
   * Returns the error that the getters throw, for a caller with a further condition.
   *
   * @param key of the value that is wrong
   * @param expected what it must be, as in "a multiple of 8"
   */
  public CheckpointException invalid(String key, String expected) {
    GgufValue value = values.get(key);
    return value == null
        ? missing(key, expected)
        : new CheckpointException(where(key) + " must be " + expected + ", got " + found(value));
  }

  private Optional<GgufValue> value(String key) {
    return Optional.ofNullable(values.get(key));
  }

  private CheckpointException missing(String key, String expected) {
    return new CheckpointException(where(key) + " is missing; it must be " + expected);
  }

  private String where(String key) {
    return file + ": " + Excerpt.of(key);
  }

  static String found(GgufValue value) {
    return switch (value) {
      case GgufValue.Whole whole -> Long.toString(whole.value());
      case GgufValue.Real real -> Double.toString(real.value());
      case GgufValue.Flag flag -> Boolean.toString(flag.value());
      case GgufValue.Text text -> Excerpt.quoted(text.value());
      case GgufValue.Wholes list -> "a list of " + list.values().length;
      case GgufValue.Reals list -> "a list of " + list.values().length;
      case GgufValue.Flags list -> "a list of " + list.values().size();
      case GgufValue.Texts list -> "a list of " + list.values().size();
    };
  }
}
