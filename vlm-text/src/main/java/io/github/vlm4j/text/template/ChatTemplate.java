package io.github.vlm4j.text.template;

import io.github.vlm4j.core.CheckpointException;
import io.github.vlm4j.core.InputException;
import io.github.vlm4j.core.VlmException;
import java.time.Clock;
import java.time.ZoneId;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * A chat template: the Jinja program of a checkpoint that turns a conversation into a prompt.
 *
 * <p>Understands the part of Jinja that chat templates use, and renders it as {@code
 * apply_chat_template} of Hugging Face transformers does ({@code trim_blocks}, {@code
 * lstrip_blocks}, immutable sandbox, loop controls, {@code generation} blocks, {@code tojson},
 * {@code raise_exception}, {@code strftime_now}). Templates are hostile until proven otherwise:
 * they see plain values only, and nesting, loops, output and work are limited.
 *
 * <p>Immutable and safe for use by several threads.
 */
public final class ChatTemplate {

  private final String name;
  private final String source;
  private final List<Statement> statements;
  private final Map<String, Object> constants;
  private final Limits limits;
  private final Clock clock;

  private ChatTemplate(
      String name,
      String source,
      List<Statement> statements,
      Map<String, Object> constants,
      Limits limits,
      Clock clock) {
    this.name = name;
    this.source = source;
    this.statements = statements;
    this.constants = constants;
    this.limits = limits;
    this.clock = clock;
  }

  /**
   * Parses a template.
   *
   * @param source the template's text
   * @param sourceName where it comes from, for error messages
   * @throws CheckpointException if it is malformed, too large or nested too deeply; the message
   *     names the template, line and column
   */
  public static ChatTemplate parse(String source, String sourceName) {
    return parse(source, sourceName, Limits.DEFAULT);
  }

  static ChatTemplate parse(String source, String sourceName, Limits limits) {
    if (source.length() > limits.sourceChars()) {
      throw new CheckpointException(
          "Chat template %s has %,d characters, more than the %,d allowed."
              .formatted(sourceName, source.length(), limits.sourceChars()));
    }
    String normalised = Lexer.normalised(source);
    try {
      List<Statement> statements = Parser.parse(normalised, limits);
      return new ChatTemplate(
          sourceName,
          normalised,
          statements,
          Map.of(),
          limits,
          Clock.system(ZoneId.systemDefault()));
    } catch (Failure failure) {
      throw located(failure, sourceName, normalised, failure.position());
    }
  }

  /** The name given to {@link #parse}. */
  public String name() {
    return name;
  }

  /** The template's text, with its line breaks as it is rendered. */
  public String source() {
    return source;
  }

  /**
   * The same template with variables whose strings may spell control tokens, such as {@code
   * bos_token}. They are hidden by variables of the same name given to {@link #render}.
   */
  public ChatTemplate withConstants(Map<String, ?> newConstants) {
    return new ChatTemplate(name, source, statements, new HashMap<>(newConstants), limits, clock);
  }

  /** The same template with another clock for {@code strftime_now}. */
  public ChatTemplate withClock(Clock newClock) {
    return new ChatTemplate(name, source, statements, constants, limits, newClock);
  }

  /**
   * Renders a conversation.
   *
   * @param variables what the template sees: usually {@code messages}, {@code tools}, {@code
   *     add_generation_prompt}. Values are null, String, Boolean, Integer, Long, Float, Double,
   *     List and Map with string keys, and RenderedPrompt for a string whose parts differ in trust.
   *     All other strings count as untrusted, but for a {@code role} that is a single word of small
   *     letters
   * @return the prompt and the provenance of its characters
   * @throws InputException if the template rejects the conversation ({@code raise_exception}) or
   *     does not fit it; the message names the template, line and column
   * @throws CheckpointException if the template exceeds a limit
   */
  public RenderedPrompt render(Map<String, ?> variables) {
    Budget budget = new Budget(limits);
    Evaluator evaluator = new Evaluator(budget);
    try {
      Scope scope = new Scope(Globals.scope(clock));
      constants.forEach((key, value) -> scope.set(key, Value.of(value, true, budget)));
      variables.forEach((key, value) -> scope.set(key, Value.of(value, false, budget)));
      Text text = new Renderer(budget, evaluator).render(statements, new Scope(scope));
      return RenderedPrompt.of(text);
    } catch (Failure failure) {
      throw located(failure, name, source, evaluator.position());
    }
  }

  private static VlmException located(Failure failure, String name, String source, int position) {
    int end = Math.clamp(position, 0, source.length());
    int lineStart = end == 0 ? 0 : source.lastIndexOf('\n', end - 1) + 1;
    long line = 1 + source.substring(0, end).chars().filter(c -> c == '\n').count();
    String message =
        "Chat template %s, line %d, column %d: %s"
            .formatted(name, line, end - lineStart + 1, failure.getMessage());
    return failure.blame() == Failure.Blame.TEMPLATE
        ? new CheckpointException(message)
        : new InputException(message);
  }
}
