package io.github.vlm4j.text.tokenizer;

import java.util.Arrays;

/**
 * Decodes tokens as they arrive. Text is handed out as soon as no later token can change it, so
 * that half a character never appears. For use by one thread.
 */
public final class TokenStream {

  /** More tokens than any character is spread over; beyond, the bytes cannot become valid. */
  private static final int MAX_PENDING = 32;

  /** Tokens kept as context, as some decoders treat the first token differently. */
  private static final int CONTEXT = 4;

  private final Tokenizer tokenizer;
  private final boolean skipSpecial;

  private int[] window = new int[2 * MAX_PENDING + CONTEXT];
  private int size;

  /** Tokens at the start of the window whose text has been handed out. */
  private int settled;

  /** Characters of the window's text that have been handed out. */
  private int emitted;

  TokenStream(Tokenizer tokenizer, boolean skipSpecial) {
    this.tokenizer = tokenizer;
    this.skipSpecial = skipSpecial;
  }

  /**
   * Adds a token.
   *
   * @return the text that is now certain, often empty
   */
  public String add(int id) {
    if (size == window.length) {
      window = Arrays.copyOf(window, 2 * size);
    }
    window[size++] = id;
    String text = decoded();
    int end = text.length();
    while (end > 0 && text.charAt(end - 1) == '\uFFFD') {
      end--;
    }
    if (end == text.length()) {
      settled = size;
      String certain = take(text, end);
      slide(0);
      return certain;
    }
    if (size - settled <= MAX_PENDING) {
      return take(text, end);
    }
    // Long since no character: the bytes are garbage, but the last one may begin a character.
    String garbage = take(text, text.length() - 1);
    slide(1);
    return garbage;
  }

  /** The rest of the text; an unfinished character appears as U+FFFD. The stream is empty after. */
  public String finish() {
    String text = decoded();
    String rest = take(text, text.length());
    size = 0;
    settled = 0;
    emitted = 0;
    return rest;
  }

  private String decoded() {
    return tokenizer.decode(Arrays.copyOf(window, size), skipSpecial);
  }

  private String take(String text, int end) {
    if (end <= emitted) {
      return "";
    }
    String taken = text.substring(emitted, end);
    emitted = end;
    return taken;
  }

  /** Forgets all but the last tokens, whose text but for the given rest has been handed out. */
  private void slide(int rest) {
    if (size > MAX_PENDING) {
      System.arraycopy(window, size - CONTEXT, window, 0, CONTEXT);
      size = CONTEXT;
      settled = CONTEXT - rest;
      emitted = Math.max(0, decoded().length() - rest);
    }
  }
}
