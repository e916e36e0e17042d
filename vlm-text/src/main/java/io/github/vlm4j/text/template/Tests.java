package io.github.vlm4j.text.template;

import io.github.vlm4j.text.template.Value.Bool;
import io.github.vlm4j.text.template.Value.Int;
import io.github.vlm4j.text.template.Value.None;
import io.github.vlm4j.text.template.Value.Real;
import io.github.vlm4j.text.template.Value.Undefined;

/** The tests that follow {@code is}. */
final class Tests {

  private Tests() {}

  static boolean apply(String name, Value subject, Arguments arguments, Budget budget) {
    return switch (name) {
      case "defined" -> !(subject instanceof Undefined);
      case "undefined" -> subject instanceof Undefined;
      case "none" -> subject == None.NONE;
      case "string" -> subject instanceof Text;
      case "boolean" -> subject instanceof Bool;
      case "true" -> subject instanceof Bool bool && bool.value();
      case "false" -> subject instanceof Bool bool && !bool.value();
      case "integer" -> subject instanceof Int;
      case "float" -> subject instanceof Real;
      case "number" -> Operators.isNumber(subject);
      case "mapping" -> subject instanceof Value.Dict;
      case "callable" -> subject instanceof Value.Callable;
      case "sequence" ->
          switch (subject) {
            case Text _, Value.Dict _, Undefined _ -> true;
            case Value.Sequence sequence -> sequence.indexable();
            default -> false;
          };
      case "iterable" ->
          switch (subject) {
            case Text _, Value.Dict _, Undefined _, Value.Sequence _ -> true;
            default -> false;
          };
      case "escaped" -> false;
      case "odd" -> modulus(subject, 2) == 1;
      case "even" -> modulus(subject, 2) == 0;
      case "divisibleby" -> {
        long divisor = Operators.integer(argument(name, arguments));
        if (divisor == 0) {
          throw Failure.type("division by zero");
        }
        yield modulus(subject, divisor) == 0;
      }
      case "lower" ->
          Operators.truth(
              StringMethods.call("islower", text(subject, budget), Arguments.NONE, budget));
      case "upper" ->
          Operators.truth(
              StringMethods.call("isupper", text(subject, budget), Arguments.NONE, budget));
      case "in" -> Operators.contains(argument(name, arguments), subject, budget);
      case "sameas" -> same(subject, argument(name, arguments));
      case "eq", "equalto", "==" -> Operators.equal(subject, argument(name, arguments), budget);
      case "ne", "!=" -> !Operators.equal(subject, argument(name, arguments), budget);
      case "lt", "lessthan", "<" -> compare("<", subject, arguments, budget) < 0;
      case "le", "<=" -> compare("<=", subject, arguments, budget) <= 0;
      case "gt", "greaterthan", ">" -> compare(">", subject, arguments, budget) > 0;
      case "ge", ">=" -> compare(">=", subject, arguments, budget) >= 0;
      default -> throw Failure.type("No test named '%s'.".formatted(name));
    };
  }

  private static Value argument(String test, Arguments arguments) {
    return arguments.bind(test, "other").required("other");
  }

  private static int compare(String operator, Value subject, Arguments arguments, Budget budget) {
    return Operators.compare(operator, subject, argument(operator, arguments), budget);
  }

  private static long modulus(Value subject, long divisor) {
    Operators.requireDefined(subject);
    return Math.floorMod(Operators.integer(subject), divisor);
  }

  private static Text text(Value subject, Budget budget) {
    return PythonText.str(subject, budget);
  }

  private static boolean same(Value left, Value right) {
    return switch (left) {
      case Bool _, Int _, Text _ -> left.equals(right);
      default -> Operators.isSame(left, right);
    };
  }
}
