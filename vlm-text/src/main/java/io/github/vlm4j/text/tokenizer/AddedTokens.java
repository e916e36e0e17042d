package io.github.vlm4j.text.tokenizer;

import io.github.vlm4j.text.template.RenderedPrompt;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Finds added tokens in the trusted parts of a prompt, from the left, the longest first. */
final class AddedTokens {

  private static final class Node {
    private final Map<Character, Node> next = new HashMap<>();
    private @Nullable AddedToken token;
  }

  /**
   * An occurrence of an added token.
   *
   * @param start first UTF-16 index
   * @param end index after the last one
   */
  record Match(AddedToken token, int start, int end) {}

  private final Node root = new Node();

  AddedTokens(List<AddedToken> tokens) {
    for (AddedToken token : tokens) {
      Node node = root;
      for (int i = 0; i < token.content().length(); i++) {
        node = node.next.computeIfAbsent(token.content().charAt(i), _ -> new Node());
      }
      node.token = token;
    }
  }

  List<Match> trustedMatches(String text, List<RenderedPrompt.Span> spans) {
    List<Match> matches = new ArrayList<>();
    for (RenderedPrompt.Span span : spans) {
      if (!span.trusted()) {
        continue;
      }
      int at = span.start();
      while (at < span.end()) {
        Match match = longest(text, at, span.end());
        if (match != null) {
          matches.add(match);
        }
        at = match != null ? match.end() : at + 1;
      }
    }
    return matches;
  }

  private @Nullable Match longest(String text, int start, int limit) {
    Match found = null;
    Node node = root;
    for (int at = start; at < limit; at++) {
      Node next = node.next.get(text.charAt(at));
      if (next == null) {
        break;
      }
      node = next;
      AddedToken token = node.token;
      if (token != null) {
        found = new Match(token, start, at + 1);
      }
    }
    return found;
  }
}
