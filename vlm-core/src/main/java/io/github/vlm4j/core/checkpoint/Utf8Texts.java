package io.github.vlm4j.core.checkpoint;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.AbstractList;
import java.util.Arrays;
import java.util.List;
import java.util.RandomAccess;
import org.jspecify.annotations.Nullable;

/**
 * An immutable list of texts that stay in UTF-8 until they are asked for: a vocabulary has some
 * hundred thousand, of which few are ever looked at.
 */
public final class Utf8Texts extends AbstractList<String> implements RandomAccess {

  /** A test of a text's bytes. */
  @FunctionalInterface
  public interface BytesTest {

    /**
     * Tests a text.
     *
     * @param utf8 holds its bytes, which are not to be changed
     * @param from its first byte
     * @param to behind its last byte
     */
    boolean test(byte[] utf8, int from, int to);
  }

  private final byte[] utf8;
  private final int[] ends;

  /**
   * Takes texts.
   *
   * @param utf8 their bytes, one text after the other, each of them valid
   * @param ends where each ends
   */
  Utf8Texts(byte[] utf8, int[] ends) {
    this.utf8 = utf8;
    this.ends = ends;
  }

  /** Returns a list with the same texts, in which unpaired surrogates become question marks. */
  public static Utf8Texts of(List<String> texts) {
    if (texts instanceof Utf8Texts same) {
      return same;
    }
    ByteArrayOutputStream utf8 = new ByteArrayOutputStream();
    int[] ends = new int[texts.size()];
    for (int i = 0; i < ends.length; i++) {
      utf8.writeBytes(texts.get(i).getBytes(StandardCharsets.UTF_8));
      ends[i] = utf8.size();
    }
    return new Utf8Texts(utf8.toByteArray(), ends);
  }

  @Override
  public String get(int index) {
    int from = from(index);
    return new String(utf8, from, ends[index] - from, StandardCharsets.UTF_8);
  }

  @Override
  public int size() {
    return ends.length;
  }

  @Override
  public int indexOf(@Nullable Object text) {
    if (!(text instanceof String wanted)) {
      return -1;
    }
    byte[] bytes = wanted.getBytes(StandardCharsets.UTF_8);
    for (int i = 0; i < ends.length; i++) {
      int from = from(i);
      if (ends[i] - from == bytes.length
          && Arrays.equals(utf8, from, ends[i], bytes, 0, bytes.length)
          && get(i).equals(wanted)) {
        return i;
      }
    }
    return -1;
  }

  /**
   * Returns the places of the texts whose bytes pass a test, in ascending order. A loop, as this
   * runs once over a vocabulary at a start: of a stream, compilers would have several methods to
   * compile meanwhile.
   */
  public int[] where(BytesTest test) {
    int[] places = new int[64];
    int count = 0;
    int from = 0;
    for (int i = 0; i < ends.length; i++) {
      int to = ends[i];
      if (test.test(utf8, from, to)) {
        if (count == places.length) {
          places = Arrays.copyOf(places, 2 * count);
        }
        places[count++] = i;
      }
      from = to;
    }
    return Arrays.copyOf(places, count);
  }

  private int from(int index) {
    return index == 0 ? 0 : ends[index - 1];
  }
}
