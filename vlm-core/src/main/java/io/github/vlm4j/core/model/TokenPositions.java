package io.github.vlm4j.core.model;

import java.util.stream.IntStream;

/**
 * The rotary positions of a sequence on three axes, time, height and width, as multimodal rotary
 * embeddings use them (Qwen2-VL, Wang et al., 2024); on text all three agree. Beyond the tokens
 * that were given, positions go on by one each.
 */
public final class TokenPositions {

  private final int[] time;
  private final int[] height;
  private final int[] width;
  private final int next;

  /**
   * Takes the positions of the tokens known so far.
   *
   * @param time by token
   * @param height by token
   * @param width by token
   * @param next the position, on all axes, of the token after the last
   */
  public TokenPositions(int[] time, int[] height, int[] width, int next) {
    if (time.length != height.length || time.length != width.length) {
      throw new IllegalArgumentException("The axes have different numbers of tokens");
    }
    this.time = time.clone();
    this.height = height.clone();
    this.width = width.clone();
    this.next = next;
  }

  /** Returns the positions 0, 1, 2, … on all axes: text only, of a prompt not known yet. */
  public static TokenPositions sequential() {
    return new TokenPositions(new int[0], new int[0], new int[0], 0);
  }

  /**
   * Returns the positions 0, 1, 2, … on all axes of a prompt of text, and of what follows it.
   *
   * @param promptLength the prompt's tokens
   */
  public static TokenPositions sequential(int promptLength) {
    int[] axis = IntStream.range(0, promptLength).toArray();
    return new TokenPositions(axis, axis, axis, promptLength);
  }

  /**
   * Returns the number of tokens whose positions were given: the prompt's. Rotary embeddings that
   * stretch with the text (dynamic NTK) go by it.
   */
  public int promptLength() {
    return time.length;
  }

  /** Returns a token's position in time. */
  public int time(int token) {
    return at(time, token);
  }

  /** Returns a token's vertical position. */
  public int height(int token) {
    return at(height, token);
  }

  /** Returns a token's horizontal position. */
  public int width(int token) {
    return at(width, token);
  }

  private int at(int[] axis, int token) {
    return token < axis.length ? axis[token] : next + token - axis.length;
  }
}
