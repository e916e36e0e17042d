package io.github.vlm4j.vision.image;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.InflaterInputStream;

/** Reads what `tools/reference/preprocess/make_fixtures.py` wrote. */
public final class Fixtures {

  private Fixtures() {}

  /** The rows of a table, as `/image/expected.json`. */
  public static List<JsonNode> table(String resource) {
    try (InputStream in = open(resource)) {
      List<JsonNode> rows = new ArrayList<>();
      new ObjectMapper().readTree(in).forEach(rows::add);
      return rows;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The bytes of a test picture. */
  public static byte[] picture(String file) {
    try (InputStream in = open("/image/pictures/" + file)) {
      return in.readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A compressed array, as `/image/data/0123.z`. */
  public static byte[] array(String folder, String name) {
    try (InputStream in = new InflaterInputStream(open(folder + "/data/" + name))) {
      return in.readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The largest difference between two arrays of levels. */
  public static int largestDifference(byte[] expected, byte[] actual) {
    int largest = 0;
    for (int i = 0; i < expected.length; i++) {
      largest = Math.max(largest, Math.abs((expected[i] & 0xff) - (actual[i] & 0xff)));
    }
    return largest;
  }

  private static InputStream open(String resource) {
    InputStream in = Fixtures.class.getResourceAsStream(resource);
    if (in == null) {
      throw new IllegalArgumentException("There is no test resource " + resource);
    }
    return in;
  }
}
