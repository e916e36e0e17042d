package io.github.vlm4j.text.template;

/**
 * A problem found while parsing or rendering, on its way to the place that knows the template's
 * name and the position.
 */
final class Failure extends RuntimeException {

  private static final long serialVersionUID = 1L;

  /** Whom the problem is to be blamed on. */
  enum Blame {
    /** The template is malformed or exceeds a limit. */
    TEMPLATE,
    /** The template and the conversation do not fit each other. */
    CONVERSATION
  }

  private final Blame blame;
  private final int position;

  private Failure(Blame blame, String message, int position) {
    super(message, null, false, false);
    this.blame = blame;
    this.position = position;
  }

  /** A syntax error at an offset of the template's source. */
  static Failure syntax(String message, int position) {
    return new Failure(Blame.TEMPLATE, message, position);
  }

  /** A limit was exceeded. */
  static Failure limit(String message) {
    return new Failure(Blame.TEMPLATE, message, -1);
  }

  /** An operation does not fit its operands, or the template called raise_exception. */
  static Failure type(String message) {
    return new Failure(Blame.CONVERSATION, message, -1);
  }

  Blame blame() {
    return blame;
  }

  /** The offset in the source, or -1 where only the renderer knows it. */
  int position() {
    return position;
  }
}
