package io.github.vlm4j.text.template;

import java.util.ArrayList;
import java.util.List;

/**
 * A rendered chat template that remembers where its characters came from, so that only the
 * template's own control tokens, never what a user wrote, are tokenised as control tokens.
 *
 * @param text the whole prompt
 * @param spans its parts in order, without gaps or overlaps; neighbours differ in trust
 */
public record RenderedPrompt(String text, List<Span> spans) {

  /**
   * A range of one provenance.
   *
   * @param start first UTF-16 index
   * @param end index after the last one
   * @param trusted true for literals of the template and special tokens of the tokenizer's
   *     configuration, false for everything that came in with the conversation
   */
  public record Span(int start, int end, boolean trusted) {}

  /** Copies the spans. */
  public RenderedPrompt {
    spans = List.copyOf(spans);
    int at = 0;
    for (Span span : spans) {
      if (span.start() != at || span.end() <= at) {
        throw new IllegalArgumentException("spans must follow each other, found " + spans);
      }
      at = span.end();
    }
    if (at != text.length()) {
      throw new IllegalArgumentException(
          "spans end at " + at + " but the text has " + text.length() + " characters");
    }
  }

  /** A prompt whose control tokens are all meant as such. */
  public static RenderedPrompt trusted(String text) {
    return uniform(text, true);
  }

  /** A prompt in which nothing is a control token, whatever it looks like. */
  public static RenderedPrompt untrusted(String text) {
    return uniform(text, false);
  }

  /** Returns prompts one after the other. */
  public static RenderedPrompt join(List<RenderedPrompt> parts) {
    StringBuilder text = new StringBuilder();
    List<Span> spans = new ArrayList<>();
    for (RenderedPrompt part : parts) {
      for (Span span : part.spans()) {
        int start = text.length() + span.start();
        int end = text.length() + span.end();
        boolean continues = !spans.isEmpty() && spans.getLast().trusted() == span.trusted();
        Span joined =
            continues
                ? new Span(spans.removeLast().start(), end, span.trusted())
                : new Span(start, end, span.trusted());
        spans.add(joined);
      }
      text.append(part.text());
    }
    return new RenderedPrompt(text.toString(), spans);
  }

  private static RenderedPrompt uniform(String text, boolean trusted) {
    return new RenderedPrompt(
        text, text.isEmpty() ? List.of() : List.of(new Span(0, text.length(), trusted)));
  }

  static RenderedPrompt of(Text text) {
    List<Span> spans = new ArrayList<>();
    int[] untrusted = text.untrustedRanges();
    int at = 0;
    for (int i = 0; i < untrusted.length; i += 2) {
      if (untrusted[i] > at) {
        spans.add(new Span(at, untrusted[i], true));
      }
      spans.add(new Span(untrusted[i], untrusted[i + 1], false));
      at = untrusted[i + 1];
    }
    if (at < text.length()) {
      spans.add(new Span(at, text.length(), true));
    }
    return new RenderedPrompt(text.value(), spans);
  }
}
