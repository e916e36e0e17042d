package io.github.vlm4j.text.template;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** An expression of the syntax tree. {@code position} is its offset in the source. */
sealed interface Expr {

  int position();

  record Literal(Value value, int position) implements Expr {}

  record Name(String name, int position) implements Expr {}

  record ListOf(List<Expr> items, int position) implements Expr {}

  record TupleOf(List<Expr> items, int position) implements Expr {}

  record DictOf(List<Expr> keys, List<Expr> values, int position) implements Expr {}

  /** {@code object.name}. */
  record Attribute(Expr object, String name, int position) implements Expr {}

  /** {@code object[index]}. */
  record Item(Expr object, Expr index, int position) implements Expr {}

  /** {@code object[start:stop:step]}. */
  record Slice(
      Expr object, @Nullable Expr start, @Nullable Expr stop, @Nullable Expr step, int position)
      implements Expr {}

  record Call(Expr function, CallArguments arguments, int position) implements Expr {}

  record Filter(Expr subject, String name, CallArguments arguments, int position) implements Expr {}

  record Test(Expr subject, String name, CallArguments arguments, int position) implements Expr {}

  /** {@code not}, {@code -} or {@code +}. */
  record Unary(String operator, Expr operand, int position) implements Expr {}

  /** An arithmetic operator. */
  record Binary(String operator, Expr left, Expr right, int position) implements Expr {}

  /** {@code and} or {@code or}, which evaluate to one of their operands. */
  record Logical(boolean and, Expr left, Expr right, int position) implements Expr {}

  /** {@code a ~ b ~ c}. */
  record Concat(List<Expr> parts, int position) implements Expr {}

  /** A chain such as {@code a < b <= c}. */
  record Comparison(Expr first, List<String> operators, List<Expr> operands, int position)
      implements Expr {}

  /** {@code then if condition else otherwise}. */
  record Conditional(Expr then, Expr condition, @Nullable Expr otherwise, int position)
      implements Expr {}

  /**
   * Arguments as written.
   *
   * @param names the keywords of {@code named}
   * @param spread the list after {@code *}
   * @param namedSpread the dict after {@code **}
   */
  record CallArguments(
      List<Expr> positional,
      List<String> names,
      List<Expr> named,
      @Nullable Expr spread,
      @Nullable Expr namedSpread) {
    static final CallArguments NONE =
        new CallArguments(List.of(), List.of(), List.of(), null, null);
  }
}
