package io.github.vlm4j.vision.image;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.vlm4j.core.InputException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Damaged files of every kind are either decoded or refused with a sentence, and quickly. */
class HostileImageTest {

  private static final int MUTATIONS = 60;

  /** Values that headers, lengths and offsets go wrong on. */
  private static final int[] EXTREMES = {
    0, 1, -1, Integer.MAX_VALUE, Integer.MIN_VALUE, 0xffff, 0x7fff, 0x10000, 0x00ffffff, 0x01000000
  };

  static List<String> pictures() {
    return ReferencePixelsTest.pictures();
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("pictures")
  void mutatedFileIsDecodedOrRefused(String file) {
    byte[] original = Fixtures.picture(file);
    Random random = new Random(file.hashCode());
    ImageLimits limits = ImageLimits.DEFAULT.withMaxPixels(4_000_000);
    List<String> messages = new ArrayList<>();
    Assertions.assertTimeoutPreemptively(
        Duration.ofSeconds(60),
        () -> {
          for (int i = 0; i < MUTATIONS; i++) {
            byte[] mutated = mutate(original, random);
            try {
              Image image = Image.of(mutated, limits);
              assertThat(image.pixels().byteSize()).isEqualTo(3L * image.width() * image.height());
            } catch (InputException e) {
              messages.add(e.getMessage());
            }
          }
        });
    assertThat(messages)
        .allMatch(m -> m.startsWith("image") && !m.contains("\n") && m.length() < 400);
  }

  private static byte[] mutate(byte[] original, Random random) {
    byte[] mutated = original.clone();
    int changes = 1 + random.nextInt(3);
    for (int i = 0; i < changes; i++) {
      // Headers are where damage matters most, so half of the changes go there.
      int range = random.nextBoolean() ? mutated.length : Math.min(mutated.length, 96);
      int at = random.nextInt(range);
      switch (random.nextInt(5)) {
        case 0 -> mutated[at] = (byte) random.nextInt(256);
        case 1 -> mutated[at] ^= (byte) (1 << random.nextInt(8));
        case 2 -> {
          int value = EXTREMES[random.nextInt(EXTREMES.length)];
          for (int b = 0; b < 4 && at + b < mutated.length; b++) {
            mutated[at + b] = (byte) (value >>> (8 * b));
          }
        }
        case 3 -> mutated = Arrays.copyOf(mutated, at + 1);
        default -> {
          int length = Math.min(random.nextInt(64), mutated.length - at);
          int from = random.nextInt(mutated.length - length + 1);
          System.arraycopy(original, Math.min(from, original.length - length), mutated, at, length);
        }
      }
    }
    return mutated;
  }
}
