package io.github.vlm4j.text.template;

import io.github.vlm4j.text.template.Value.Bool;
import io.github.vlm4j.text.template.Value.Dict;
import io.github.vlm4j.text.template.Value.None;
import io.github.vlm4j.text.template.Value.Sequence;
import io.github.vlm4j.text.template.Value.Undefined;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Evaluates expressions. */
final class Evaluator {

  private final Budget budget;

  /** Where the evaluation is, for messages. */
  private int position;

  Evaluator(Budget budget) {
    this.budget = budget;
  }

  int position() {
    return position;
  }

  void at(int newPosition) {
    position = newPosition;
  }

  Value evaluate(Expr expr, Scope scope) {
    budget.enter();
    position = expr.position();
    Value value =
        switch (expr) {
          case Expr.Literal literal -> literal.value();
          case Expr.Name name -> {
            Value found = scope.find(name.name());
            yield found != null ? found : new Undefined("'%s' is undefined".formatted(name.name()));
          }
          case Expr.ListOf list -> Sequence.list(all(list.items(), scope));
          case Expr.TupleOf tuple -> Sequence.tuple(all(tuple.items(), scope));
          case Expr.DictOf dict -> dict(dict, scope);
          case Expr.Attribute attribute -> {
            Value object = evaluate(attribute.object(), scope);
            position = attribute.position();
            yield Attributes.get(object, attribute.name());
          }
          case Expr.Item item -> {
            Value object = evaluate(item.object(), scope);
            Value index = evaluate(item.index(), scope);
            position = item.position();
            yield Sequences.item(object, index);
          }
          case Expr.Slice slice -> {
            Value object = evaluate(slice.object(), scope);
            Value start = orNone(slice.start(), scope);
            Value stop = orNone(slice.stop(), scope);
            Value step = orNone(slice.step(), scope);
            position = slice.position();
            yield Sequences.slice(object, start, stop, step, budget);
          }
          case Expr.Call call -> call(call, Map.of(), scope);
          case Expr.Filter filter -> filter(filter, evaluate(filter.subject(), scope), scope);
          case Expr.Test test -> {
            Value subject = evaluate(test.subject(), scope);
            Arguments arguments = arguments(test.arguments(), scope);
            position = test.position();
            yield Bool.of(Tests.apply(test.name(), subject, arguments, budget));
          }
          case Expr.Unary unary -> unary(unary, scope);
          case Expr.Binary binary -> {
            Value left = evaluate(binary.left(), scope);
            Value right = evaluate(binary.right(), scope);
            position = binary.position();
            yield Operators.arithmetic(binary.operator(), left, right, budget);
          }
          case Expr.Logical logical -> {
            Value left = evaluate(logical.left(), scope);
            yield Operators.truth(left) == logical.and() ? evaluate(logical.right(), scope) : left;
          }
          case Expr.Concat concat -> {
            List<Text> parts = new ArrayList<>(concat.parts().size());
            for (Expr part : concat.parts()) {
              parts.add(PythonText.str(evaluate(part, scope), budget));
            }
            yield PythonText.concat(parts, budget);
          }
          case Expr.Comparison comparison -> comparison(comparison, scope);
          case Expr.Conditional conditional -> {
            if (truth(conditional.condition(), scope)) {
              yield evaluate(conditional.then(), scope);
            }
            Expr otherwise = conditional.otherwise();
            yield otherwise != null
                ? evaluate(otherwise, scope)
                : new Undefined(
                    "the inline if-expression evaluated to false and no else section was defined");
          }
        };
    budget.leave();
    return value;
  }

  boolean truth(Expr condition, Scope scope) {
    return Operators.truth(evaluate(condition, scope));
  }

  private Value orNone(@Nullable Expr expr, Scope scope) {
    return expr == null ? None.NONE : evaluate(expr, scope);
  }

  private List<Value> all(List<Expr> exprs, Scope scope) {
    budget.elements(exprs.size());
    List<Value> values = new ArrayList<>(exprs.size());
    for (Expr expr : exprs) {
      values.add(evaluate(expr, scope));
    }
    return values;
  }

  private Value dict(Expr.DictOf dict, Scope scope) {
    budget.elements(dict.keys().size());
    Map<Value, Value> entries = new LinkedHashMap<>();
    for (int i = 0; i < dict.keys().size(); i++) {
      Value key = evaluate(dict.keys().get(i), scope);
      entries.put(Dict.normalised(key), evaluate(dict.values().get(i), scope));
    }
    return new Dict(entries);
  }

  private Value unary(Expr.Unary unary, Scope scope) {
    Value operand = evaluate(unary.operand(), scope);
    position = unary.position();
    return switch (unary.operator()) {
      case "not" -> Bool.of(!Operators.truth(operand));
      case "-" -> Operators.negate(operand);
      default -> Operators.negate(Operators.negate(operand));
    };
  }

  private Value comparison(Expr.Comparison comparison, Scope scope) {
    Value left = evaluate(comparison.first(), scope);
    for (int i = 0; i < comparison.operators().size(); i++) {
      Value right = evaluate(comparison.operands().get(i), scope);
      position = comparison.position();
      if (!holds(comparison.operators().get(i), left, right)) {
        return Bool.FALSE;
      }
      left = right;
    }
    return Bool.TRUE;
  }

  private boolean holds(String operator, Value left, Value right) {
    return switch (operator) {
      case "==" -> Operators.equal(left, right, budget);
      case "!=" -> !Operators.equal(left, right, budget);
      case "in" -> Operators.contains(right, left, budget);
      case "not in" -> !Operators.contains(right, left, budget);
      case "<" -> Operators.compare(operator, left, right, budget) < 0;
      case "<=" -> Operators.compare(operator, left, right, budget) <= 0;
      case ">" -> Operators.compare(operator, left, right, budget) > 0;
      default -> Operators.compare(operator, left, right, budget) >= 0;
    };
  }

  /** Applies a filter to an already evaluated subject. */
  Value filter(Expr.Filter filter, Value subject, Scope scope) {
    Arguments arguments = arguments(filter.arguments(), scope);
    position = filter.position();
    return Filters.apply(filter.name(), subject, arguments, budget);
  }

  /** Calls a function with additional named arguments. */
  Value call(Expr.Call call, Map<String, Value> additional, Scope scope) {
    Value function = evaluate(call.function(), scope);
    Arguments arguments = arguments(call.arguments(), scope);
    if (!additional.isEmpty()) {
      Map<String, Value> named = new HashMap<>(arguments.named());
      named.putAll(additional);
      arguments = new Arguments(arguments.positional(), named);
    }
    position = call.position();
    Operators.requireDefined(function);
    if (function instanceof Value.Callable callable) {
      return callable.call(arguments, budget);
    }
    throw Failure.type("'%s' object is not callable".formatted(Value.typeName(function)));
  }

  private Arguments arguments(Expr.CallArguments written, Scope scope) {
    Map<String, Value> named = LinkedHashMap.newLinkedHashMap(written.names().size());
    List<Value> positional = all(written.positional(), scope);
    for (int i = 0; i < written.names().size(); i++) {
      named.put(written.names().get(i), evaluate(written.named().get(i), scope));
    }
    Expr spread = written.spread();
    if (spread != null) {
      List<Value> more = Sequences.walk(evaluate(spread, scope), budget);
      budget.elements(more.size());
      positional.addAll(more);
    }
    Expr namedSpread = written.namedSpread();
    if (namedSpread != null) {
      spread(evaluate(namedSpread, scope), named);
    }
    return new Arguments(positional, named);
  }

  private void spread(Value mapping, Map<String, Value> named) {
    if (!(mapping instanceof Dict dict)) {
      throw Failure.type("argument after ** must be a mapping, not " + Value.typeName(mapping));
    }
    budget.elements(dict.entries().size());
    dict.entries()
        .forEach((key, value) -> {
          if (!(key instanceof Text name) || named.put(name.value(), value) != null) {
            throw Failure.type("argument after ** has a key that is no new name");
          }
        });
  }
}
