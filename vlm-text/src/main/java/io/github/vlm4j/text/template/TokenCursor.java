package io.github.vlm4j.text.template;

import io.github.vlm4j.text.template.Token.Kind;
import java.util.List;

/** A cursor over tokens, which also bounds how deep a parser may recurse. */
final class TokenCursor {

  private final List<Token> tokens;
  private final int maxDepth;
  private int at;
  private int depth;

  TokenCursor(List<Token> tokens, int maxDepth) {
    this.tokens = tokens;
    this.maxDepth = maxDepth;
  }

  Token current() {
    return tokens.get(at);
  }

  Token ahead() {
    return tokens.get(Math.min(at + 1, tokens.size() - 1));
  }

  int position() {
    return current().position();
  }

  Token next() {
    Token token = current();
    if (token.kind() != Kind.END) {
      at++;
    }
    return token;
  }

  boolean skipOperator(String operator) {
    return skip(current().isOperator(operator));
  }

  boolean skipName(String name) {
    return skip(current().isName(name));
  }

  private boolean skip(boolean matches) {
    if (matches) {
      at++;
    }
    return matches;
  }

  void expectOperator(String operator) {
    if (!skipOperator(operator)) {
      throw unexpected("'" + operator + "'");
    }
  }

  void expectName(String name) {
    if (!skipName(name)) {
      throw unexpected("'" + name + "'");
    }
  }

  Token expect(Kind kind, String what) {
    if (current().kind() != kind) {
      throw unexpected(what);
    }
    return next();
  }

  Failure unexpected(String expected) {
    return Failure.syntax("expected " + expected + ", found " + current().described(), position());
  }

  void enter() {
    if (++depth > maxDepth) {
      throw Failure.syntax("nested more than " + maxDepth + " levels deep", position());
    }
  }

  void leave() {
    depth--;
  }
}
