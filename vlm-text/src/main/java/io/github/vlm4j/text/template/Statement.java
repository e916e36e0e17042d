package io.github.vlm4j.text.template;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** A statement of the syntax tree. */
sealed interface Statement {

  /** Literal text of the template. */
  record Data(Text text) implements Statement {}

  /** {@code {{ expression }}}. */
  record Output(Expr expression) implements Statement {}

  /** Conditions and their bodies in order; {@code otherwise} is empty where there is no else. */
  record If(List<Expr> conditions, List<List<Statement>> bodies, List<Statement> otherwise)
      implements Statement {}

  record For(
      Target target,
      Expr iterable,
      @Nullable Expr condition,
      List<Statement> body,
      List<Statement> otherwise,
      int position)
      implements Statement {}

  record Assign(Target target, Expr value, int position) implements Statement {}

  /** {@code {% set x %}…{% endset %}}, optionally with filters. */
  record AssignBlock(Target target, List<Expr.Filter> filters, List<Statement> body, int position)
      implements Statement {}

  record Macro(String name, Signature signature, List<Statement> body, int position)
      implements Statement {}

  /** {@code {% call(args) macro() %}…{% endcall %}}. */
  record CallBlock(Signature signature, Expr.Call call, List<Statement> body, int position)
      implements Statement {}

  /** {@code {% filter name %}…{% endfilter %}}. */
  record FilterBlock(List<Expr.Filter> filters, List<Statement> body, int position)
      implements Statement {}

  /** {@code {% with a = b %}…{% endwith %}}. */
  record With(List<Target> targets, List<Expr> values, List<Statement> body, int position)
      implements Statement {}

  /** {@code {% generation %}}: marks what the assistant said; passes its content through. */
  record Generation(List<Statement> body) implements Statement {}

  record Break(int position) implements Statement {}

  record Continue(int position) implements Statement {}

  /** Parameters of a macro; the last {@code defaults.size()} of them have defaults. */
  record Signature(List<String> parameters, List<Expr> defaults) {
    static final Signature EMPTY = new Signature(List.of(), List.of());
  }

  /** What can be assigned to. */
  sealed interface Target {
    record Variable(String name) implements Target {}

    record NamespaceAttribute(String namespace, String attribute, int position) implements Target {}

    record Unpacking(List<Target> targets, int position) implements Target {}
  }
}
