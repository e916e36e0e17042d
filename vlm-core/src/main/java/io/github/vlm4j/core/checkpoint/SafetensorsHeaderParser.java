package io.github.vlm4j.core.checkpoint;

import static io.github.vlm4j.core.checkpoint.SafetensorsHeader.MAX_METADATA_ENTRIES;
import static io.github.vlm4j.core.checkpoint.SafetensorsHeader.MAX_RANK;
import static io.github.vlm4j.core.checkpoint.SafetensorsHeader.MAX_TENSORS;
import static io.github.vlm4j.core.checkpoint.SafetensorsHeader.METADATA;
import static io.github.vlm4j.core.checkpoint.SafetensorsHeader.tensor;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import io.github.vlm4j.core.CheckpointException;
import io.github.vlm4j.core.checkpoint.SafetensorsHeader.Entry;
import io.github.vlm4j.core.tensor.Shape;
import java.io.IOException;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Reads the JSON of a safetensors header token by token, so that only what is kept takes memory.
 */
final class SafetensorsHeaderParser {

  private final String file;
  private final Map<String, Entry> tensors = new LinkedHashMap<>();
  private final Map<String, String> metadata = new LinkedHashMap<>();
  private boolean metadataSeen;

  SafetensorsHeaderParser(String file) {
    this.file = file;
  }

  /**
   * Returns the tensors as they are listed: each is well-formed, but their bytes are not checked.
   */
  Map<String, Entry> tensors() {
    return tensors;
  }

  Map<String, String> metadata() {
    return metadata;
  }

  /**
   * Reads the whole document.
   *
   * @throws CheckpointException if a value is not what the format allows
   * @throws IOException if it is not JSON
   */
  void document(JsonParser parser) throws IOException {
    parser.nextToken();
    for (String name; (name = parser.nextFieldName()) != null; ) {
      parser.nextToken();
      if (name.equals(METADATA)) {
        metadata(parser);
      } else if (tensors.size() == MAX_TENSORS) {
        throw new CheckpointException(file + " holds more than " + MAX_TENSORS + " tensors");
      } else if (tensors.putIfAbsent(name, entry(parser, name)) != null) {
        throw new CheckpointException(tensor(file, name) + " is listed twice in the header");
      }
    }
    if (parser.nextToken() != null) {
      throw new CheckpointException(
          file + ": the header goes on after its closing brace with " + StrictJson.found(parser));
    }
  }

  private void metadata(JsonParser parser) throws IOException {
    if (metadataSeen) {
      throw new CheckpointException(file + ": " + METADATA + " occurs twice in the header");
    }
    metadataSeen = true;
    if (!parser.hasToken(JsonToken.START_OBJECT)) {
      throw new CheckpointException(
          file + ": " + METADATA + " must be an object, got " + StrictJson.found(parser));
    }
    for (String key; (key = parser.nextFieldName()) != null; ) {
      if (parser.nextToken() != JsonToken.VALUE_STRING) {
        throw new CheckpointException(
            file
                + ": "
                + METADATA
                + " must map strings to strings, but "
                + Excerpt.quoted(key)
                + " is "
                + StrictJson.found(parser));
      }
      String value = parser.getText();
      // Jackson refuses these in names, but not in values.
      if (!Excerpt.isUnicode(value)) {
        throw new CheckpointException(
            file + ": " + METADATA + " holds an unpaired surrogate in " + Excerpt.quoted(value));
      }
      if (metadata.size() == MAX_METADATA_ENTRIES) {
        throw new CheckpointException(
            file + ": " + METADATA + " has more than " + MAX_METADATA_ENTRIES + " entries");
      }
      if (metadata.putIfAbsent(key, value) != null) {
        throw new CheckpointException(
            file + ": " + Excerpt.quoted(key) + " occurs twice in " + METADATA);
      }
    }
  }

  private Entry entry(JsonParser parser, String name) throws IOException {
    if (!parser.hasToken(JsonToken.START_OBJECT)) {
      throw new CheckpointException(
          tensor(file, name) + " must be described by an object, got " + StrictJson.found(parser));
    }
    @Nullable StoredType type = null;
    @Nullable Shape shape = null;
    long @Nullable [] offsets = null;
    for (String field; (field = parser.nextFieldName()) != null; ) {
      boolean again =
          switch (field) {
            case "dtype" -> type != null;
            case "shape" -> shape != null;
            case "data_offsets" -> offsets != null;
            default ->
                throw new CheckpointException(
                    tensor(file, name) + " has the unknown field " + Excerpt.quoted(field));
          };
      if (again) {
        throw new CheckpointException(tensor(file, name) + " has two fields " + field);
      }
      parser.nextToken();
      switch (field) {
        case "dtype" -> type = type(parser, name);
        case "shape" -> shape = shape(parser, name);
        default -> offsets = offsets(parser, name);
      }
    }
    if (type == null || shape == null || offsets == null) {
      throw new CheckpointException(
          tensor(file, name)
              + " lacks the field "
              + (type == null ? "dtype" : shape == null ? "shape" : "data_offsets"));
    }
    return new Entry(name, type, shape, offsets[0], offsets[1]);
  }

  private StoredType type(JsonParser parser, String name) throws IOException {
    String found = StrictJson.found(parser);
    String text = parser.hasToken(JsonToken.VALUE_STRING) ? parser.getText() : "";
    return StoredType.named(text)
        .orElseThrow(() ->
            new CheckpointException(
                tensor(file, name)
                    + " has an unknown dtype, "
                    + found
                    + "; supported are "
                    + StoredType.supportedNames()));
  }

  private Shape shape(JsonParser parser, String name) throws IOException {
    long[] dims = integers(parser, name, "shape", MAX_RANK);
    try {
      return Shape.of(dims);
    } catch (ArithmeticException e) {
      throw new CheckpointException(
          tensor(file, name)
              + " of shape "
              + Arrays.toString(dims)
              + " has more elements than can be counted",
          e);
    }
  }

  private long[] offsets(JsonParser parser, String name) throws IOException {
    long[] offsets = integers(parser, name, "data_offsets", 2);
    if (offsets.length != 2) {
      throw new CheckpointException(
          tensor(file, name)
              + ": data_offsets must be two integers, got "
              + Arrays.toString(offsets));
    }
    if (offsets[1] < offsets[0]) {
      throw new CheckpointException(
          tensor(file, name)
              + ": data_offsets "
              + Arrays.toString(offsets)
              + " end before they begin");
    }
    return offsets;
  }

  private long[] integers(JsonParser parser, String name, String field, int most)
      throws IOException {
    if (!parser.hasToken(JsonToken.START_ARRAY)) {
      throw new CheckpointException(
          tensor(file, name)
              + ": "
              + field
              + " must be a list of integers, got "
              + StrictJson.found(parser));
    }
    long[] values = new long[most];
    int count = 0;
    while (parser.nextToken() != JsonToken.END_ARRAY) {
      if (count == most) {
        throw new CheckpointException(
            tensor(file, name) + ": " + field + " has more than " + most + " entries");
      }
      values[count++] = integer(parser, name, field);
    }
    return Arrays.copyOf(values, count);
  }

  private long integer(JsonParser parser, String name, String field) throws IOException {
    // The text decides, so that "-0", "1.0" and "1e3" are refused as the reference does.
    if (parser.hasToken(JsonToken.VALUE_NUMBER_INT) && !parser.getText().startsWith("-")) {
      try {
        return Long.parseLong(parser.getText());
      } catch (NumberFormatException _) {
        throw new CheckpointException(
            tensor(file, name)
                + ": "
                + field
                + " holds "
                + StrictJson.found(parser)
                + ", which exceeds 64 bits");
      }
    }
    throw new CheckpointException(
        tensor(file, name)
            + ": "
            + field
            + " must hold non-negative integers, got "
            + StrictJson.found(parser));
  }
}
