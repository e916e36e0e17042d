package io.github.vlm4j.vision.image;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.StringTokenizer;

/** The long tables of RFC 6386, from a resource; flattened, the last dimension varying fastest. */
final class Vp8Constants {

  static final int COEFFICIENT_PROBABILITIES = 4 * 8 * 3 * 11;

  private static final String RESOURCE = "vp8-constants.txt";
  private static final int STEPS = 128;
  private static final int MODES = 10;

  /** `[128]`: dequantisation index to DC step. */
  static final int[] DC_STEPS;

  /** `[128]`: dequantisation index to AC step. */
  static final int[] AC_STEPS;

  /** `[above, left, 9]`. */
  static final int[] SUBBLOCK_MODES;

  /** `[type, band, context, 11]`. */
  static final int[] COEFFICIENT_UPDATES;

  /** `[type, band, context, 11]`. */
  static final int[] COEFFICIENTS;

  static {
    int[] all = load();
    int at = 0;
    DC_STEPS = Arrays.copyOfRange(all, at, at += STEPS);
    AC_STEPS = Arrays.copyOfRange(all, at, at += STEPS);
    SUBBLOCK_MODES = Arrays.copyOfRange(all, at, at += MODES * MODES * (MODES - 1));
    COEFFICIENT_UPDATES = Arrays.copyOfRange(all, at, at += COEFFICIENT_PROBABILITIES);
    COEFFICIENTS = Arrays.copyOfRange(all, at, at + COEFFICIENT_PROBABILITIES);
  }

  private Vp8Constants() {}

  private static int[] load() {
    int[] numbers =
        new int[2 * STEPS + MODES * MODES * (MODES - 1) + 2 * COEFFICIENT_PROBABILITIES];
    int count = 0;
    try (InputStream in = Vp8Constants.class.getResourceAsStream(RESOURCE)) {
      if (in == null) {
        throw new IllegalStateException("The resource " + RESOURCE + " is missing from the jar");
      }
      BufferedReader lines =
          new BufferedReader(new InputStreamReader(in, StandardCharsets.US_ASCII));
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        StringTokenizer tokens = new StringTokenizer(line.startsWith("#") ? "" : line);
        while (tokens.hasMoreTokens()) {
          numbers[count++] = Integer.parseInt(tokens.nextToken());
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    if (count != numbers.length) {
      throw new IllegalStateException(RESOURCE + " has " + count + " numbers");
    }
    return numbers;
  }
}
