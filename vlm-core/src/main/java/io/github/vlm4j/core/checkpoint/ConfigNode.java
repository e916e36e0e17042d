package io.github.vlm4j.core.checkpoint;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.json.JsonReadFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.vlm4j.core.CheckpointException;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * A JSON object of a model folder's configuration, read strictly. Each getter checks the type and
 * the range of what it returns and otherwise throws a {@link CheckpointException} that names the
 * file and the path of the field, as in {@code config.json: text_config.hidden_size must be a
 * positive integer, got "abc"}.
 *
 * <p>A field that is {@code null} counts as absent, as it does for most fields of the reference's
 * configurations. Where a getter has a form with a default, the default is for absent fields only:
 * a value of the wrong type is an error in both.
 */
public final class ConfigNode {

  /** The size up to which {@link #read(Path)} reads a file. */
  public static final int DEFAULT_MAX_BYTES = 8 << 20;

  private static final int MIN_BYTES_PER_TOKEN = 16;
  private static final int MIN_TOKENS = 1 << 16;

  private final String file;
  private final String prefix;
  private final JsonNode json;

  private ConfigNode(String file, String prefix, JsonNode json) {
    this.file = file;
    this.prefix = prefix;
    this.json = json;
  }

  /**
   * Reads a file of at most {@link #DEFAULT_MAX_BYTES}.
   *
   * @throws CheckpointException if it is missing, too large, not UTF-8, not JSON, names a field
   *     twice, is nested too deeply, or holds something other than an object
   */
  public static ConfigNode read(Path path) {
    return read(path, DEFAULT_MAX_BYTES);
  }

  /**
   * Reads a file.
   *
   * @param maxBytes the most bytes it may have; the number of values is bounded in proportion, so
   *     that a hostile file cannot exhaust the heap
   * @throws CheckpointException as {@link #read(Path)}
   */
  public static ConfigNode read(Path path, int maxBytes) {
    String file = ModelFiles.name(path);
    return parse(file, bytes(path, file, maxBytes), maxBytes);
  }

  private static byte[] bytes(Path path, String file, int maxBytes) {
    ModelFiles.requireRegular(path);
    try (InputStream in = Files.newInputStream(path)) {
      byte[] bytes = in.readNBytes(maxBytes);
      if (in.read() >= 0) {
        throw new CheckpointException(
            file + " has " + Files.size(path) + " bytes, but at most " + maxBytes + " are read");
      }
      return bytes;
    } catch (IOException e) {
      throw new CheckpointException(file + " " + StrictJson.problem(e), e);
    }
  }

  /**
   * Parses text by the same rules as a file of at most {@link #DEFAULT_MAX_BYTES}.
   *
   * @param origin what messages call it instead of a file name
   * @throws CheckpointException as {@link #read(Path)}
   */
  public static ConfigNode parse(String origin, String json) {
    byte[] bytes = json.getBytes(StandardCharsets.UTF_8);
    if (bytes.length > DEFAULT_MAX_BYTES) {
      throw new CheckpointException(
          origin
              + " has "
              + bytes.length
              + " bytes, but at most "
              + DEFAULT_MAX_BYTES
              + " are read");
    }
    return parse(origin, bytes, DEFAULT_MAX_BYTES);
  }

  /**
   * Takes an object that is no file's.
   *
   * @param origin what messages call it instead of a file name
   */
  public static ConfigNode of(String origin, ObjectNode json) {
    return new ConfigNode(origin, "", json);
  }

  /**
   * Reads a file that holds a list of objects, such as the messages of a conversation.
   *
   * @param path the file, of at most {@link #DEFAULT_MAX_BYTES} bytes
   * @throws CheckpointException if it is missing, too large or malformed, or holds anything else
   */
  public static List<ConfigNode> readObjects(Path path) {
    String file = ModelFiles.name(path);
    byte[] bytes = bytes(path, file, DEFAULT_MAX_BYTES);
    JsonNode root =
        tree(file, bytes, DEFAULT_MAX_BYTES, "a JSON list of objects", JsonNode::isArray);
    List<ConfigNode> nodes = new ArrayList<>();
    for (JsonNode node : root) {
      String entry = "[" + nodes.size() + "]";
      if (!node.isObject()) {
        throw new CheckpointException(
            file + ": " + entry + " must be an object, got " + found(node));
      }
      nodes.add(new ConfigNode(file, entry + ".", node));
    }
    return List.copyOf(nodes);
  }

  private static ConfigNode parse(String file, byte[] bytes, int maxBytes) {
    return new ConfigNode(
        file, "", tree(file, bytes, maxBytes, "a JSON object", JsonNode::isObject));
  }

  private static JsonNode tree(
      String file, byte[] bytes, int maxBytes, String expected, Predicate<JsonNode> condition) {
    long maxTokens = Math.max(MIN_TOKENS, maxBytes / MIN_BYTES_PER_TOKEN);
    try (JsonParser parser =
        StrictJson.factory(maxTokens)
            .createParser(StrictJson.utf8(new ByteArrayInputStream(bytes)))) {
      parser.enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION.mappedFeature());
      // Python writes NaN and Infinity; the getters of numbers refuse them, other fields may be.
      parser.enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS.mappedFeature());
      @Nullable JsonNode root = JsonTree.read(parser);
      if (root == null || !condition.test(root)) {
        throw new CheckpointException(
            file
                + " must hold "
                + expected
                + ", but "
                + (root == null ? "is empty" : "holds " + found(root)));
      }
      if (parser.nextToken() != null) {
        throw new CheckpointException(
            file + " goes on after its closing brace with " + StrictJson.found(parser));
      }
      return root;
    } catch (IOException e) {
      throw new CheckpointException(file + " " + StrictJson.problem(e), e);
    }
  }

  /** Returns the file and the path of this object, as {@code config.json: text_config}. */
  public String where() {
    return prefix.isEmpty()
        ? file
        : file + ": " + Excerpt.of(prefix.substring(0, prefix.length() - 1));
  }

  /** Returns the names of all fields, in the file's order, those that are {@code null} included. */
  public Set<String> fields() {
    Set<String> names = new LinkedHashSet<>();
    json.fieldNames().forEachRemaining(names::add);
    return Collections.unmodifiableSet(names);
  }

  /** Returns whether the field is there and not {@code null}. */
  public boolean has(String field) {
    return json.hasNonNull(field);
  }

  /** Returns whether the field is an object. */
  public boolean isObject(String field) {
    return json.path(field).isObject();
  }

  /** Returns whether the field is a list. */
  public boolean isList(String field) {
    return json.path(field).isArray();
  }

  /** Returns whether the field is a string. */
  public boolean isString(String field) {
    return json.path(field).isTextual();
  }

  /** Returns whether the field is there and switches something off: {@code false} or 0. */
  public boolean isOff(String field) {
    JsonNode value = json.path(field);
    return value.isBoolean() ? !value.booleanValue() : value.isNumber() && value.asDouble() == 0;
  }

  /** Returns whether the field is there and is neither {@code null}, {@code false} nor empty. */
  public boolean isSet(String field) {
    JsonNode value = json.path(field);
    return value.isContainerNode()
        ? !value.isEmpty()
        : has(field) && !(value.isBoolean() && !value.booleanValue());
  }

  /** Returns the field, an object. */
  public ConfigNode object(String field) {
    JsonNode node = require(field, "an object", JsonNode::isObject);
    return new ConfigNode(file, prefix + field + ".", node);
  }

  /** Returns the field, an object, or empty if it is absent. */
  public Optional<ConfigNode> objectIfPresent(String field) {
    return has(field) ? Optional.of(object(field)) : Optional.empty();
  }

  /** Returns the field, a list of objects. */
  public List<ConfigNode> objects(String field) {
    List<ConfigNode> nodes = new ArrayList<>();
    for (JsonNode node : list(field, "a list of objects", JsonNode::isObject)) {
      nodes.add(new ConfigNode(file, prefix + field + "[" + nodes.size() + "].", node));
    }
    return List.copyOf(nodes);
  }

  /** Returns the field, an integer of at least 1. */
  public int positiveInt(String field) {
    return require(field, "a positive integer", node -> isInt(node) && node.intValue() > 0)
        .intValue();
  }

  /** Returns the field, an integer of at least 1, or the default if it is absent. */
  public int positiveIntOr(String field, int defaultValue) {
    return has(field) ? positiveInt(field) : defaultValue;
  }

  /** Returns the field, an integer of at least 0. */
  public int nonNegativeInt(String field) {
    return require(field, "a non-negative integer", node -> isInt(node) && node.intValue() >= 0)
        .intValue();
  }

  /** Returns the field, an integer of at least 0, or the default if it is absent. */
  public int nonNegativeIntOr(String field, int defaultValue) {
    return has(field) ? nonNegativeInt(field) : defaultValue;
  }

  /** Returns the field, an integer from {@code min} to {@code max} inclusive. */
  public int intBetween(String field, int min, int max) {
    return require(
            field,
            "an integer from " + min + " to " + max,
            node -> isInt(node) && node.intValue() >= min && node.intValue() <= max)
        .intValue();
  }

  /** Returns the field, an integer of 32 bits. */
  public int intValue(String field) {
    return require(field, "an integer", ConfigNode::isInt).intValue();
  }

  /** Returns the field, an integer of 32 bits, or the default if it is absent. */
  public int intOr(String field, int defaultValue) {
    return has(field) ? intValue(field) : defaultValue;
  }

  /** Returns the field, a finite number. */
  public double doubleValue(String field) {
    return require(field, "a finite number", ConfigNode::isFinite).doubleValue();
  }

  /** Returns the field, a finite number, or the default if it is absent. */
  public double doubleOr(String field, double defaultValue) {
    return has(field) ? doubleValue(field) : defaultValue;
  }

  /** Returns the field, a finite number above 0. */
  public double positiveDouble(String field) {
    return require(field, "a positive number", node -> isFinite(node) && node.doubleValue() > 0)
        .doubleValue();
  }

  /** Returns the field, a finite number above 0, or the default if it is absent. */
  public double positiveDoubleOr(String field, double defaultValue) {
    return has(field) ? positiveDouble(field) : defaultValue;
  }

  /** Returns the field, {@code true} or {@code false}. */
  public boolean booleanValue(String field) {
    return require(field, "true or false", JsonNode::isBoolean).booleanValue();
  }

  /** Returns the field, {@code true} or {@code false}, or the default if it is absent. */
  public boolean booleanOr(String field, boolean defaultValue) {
    return has(field) ? booleanValue(field) : defaultValue;
  }

  /** Returns the field, a string. */
  public String string(String field) {
    return require(field, "a string", JsonNode::isTextual).textValue();
  }

  /** Returns the field, a string, or the default if it is absent. */
  public String stringOr(String field, String defaultValue) {
    return has(field) ? string(field) : defaultValue;
  }

  /** Returns the field, a string, or empty if it is absent. */
  public Optional<String> stringIfPresent(String field) {
    return has(field) ? Optional.of(string(field)) : Optional.empty();
  }

  /** Returns the field, a list of integers of 32 bits. */
  public int[] ints(String field) {
    return list(field, "a list of integers", ConfigNode::isInt).stream()
        .mapToInt(JsonNode::intValue)
        .toArray();
  }

  /** Returns the field, a list of lists of integers of 32 bits. */
  public List<int[]> intLists(String field) {
    String expected = "a list of lists of integers";
    return list(
            field, expected, row -> row.isArray() && row.valueStream().allMatch(ConfigNode::isInt))
        .stream()
        .map(row -> row.valueStream().mapToInt(JsonNode::intValue).toArray())
        .toList();
  }

  /** Returns the field, a list of integers of 32 bits, or the default if it is absent. */
  public int[] intsOr(String field, int... defaultValue) {
    return has(field) ? ints(field) : defaultValue.clone();
  }

  /**
   * Returns the field, which is one integer or a list of them, as {@code eos_token_id} may be;
   * empty if it is absent.
   */
  public int[] oneOrMoreInts(String field) {
    if (!has(field)) {
      return new int[0];
    }
    return isInt(json.path(field)) ? new int[] {intValue(field)} : ints(field);
  }

  /** Returns the field, a list of finite numbers. */
  public double[] doubles(String field) {
    return list(field, "a list of finite numbers", ConfigNode::isFinite).stream()
        .mapToDouble(JsonNode::doubleValue)
        .toArray();
  }

  /** Returns the field, a list of finite numbers, or the default if it is absent. */
  public double[] doublesOr(String field, double... defaultValue) {
    return has(field) ? doubles(field) : defaultValue.clone();
  }

  /** Returns the field, a list of strings. */
  public List<String> strings(String field) {
    return list(field, "a list of strings", JsonNode::isTextual).stream()
        .map(JsonNode::textValue)
        .toList();
  }

  /**
   * Returns the error that the getters throw, for a caller with a further condition.
   *
   * @param field the field that is wrong
   * @param expected what it must be, as in "a multiple of 8"
   */
  public CheckpointException invalid(String field, String expected) {
    JsonNode node = json.path(field);
    String path = file + ": " + Excerpt.of(prefix + field);
    return new CheckpointException(
        node.isMissingNode()
            ? path + " is missing; it must be " + expected
            : path + " must be " + expected + ", got " + found(node));
  }

  private JsonNode require(String field, String expected, Predicate<JsonNode> condition) {
    JsonNode node = json.path(field);
    if (!condition.test(node)) {
      throw invalid(field, expected);
    }
    return node;
  }

  private List<JsonNode> list(String field, String expected, Predicate<JsonNode> condition) {
    List<JsonNode> elements = new ArrayList<>();
    for (JsonNode element : require(field, expected, JsonNode::isArray)) {
      if (!condition.test(element)) {
        throw new CheckpointException(
            file
                + ": "
                + Excerpt.of(prefix + field)
                + " must be "
                + expected
                + ", but entry "
                + elements.size()
                + " is "
                + found(element));
      }
      elements.add(element);
    }
    return elements;
  }

  private static boolean isInt(JsonNode node) {
    return node.isIntegralNumber() && node.canConvertToInt();
  }

  private static boolean isFinite(JsonNode node) {
    return node.isNumber() && Double.isFinite(node.doubleValue());
  }

  private static String found(JsonNode node) {
    return switch (node.getNodeType()) {
      case OBJECT -> "an object";
      case ARRAY -> "a list of " + node.size();
      case STRING -> Excerpt.quoted(node.textValue());
      default -> Excerpt.of(node.asText());
    };
  }
}
