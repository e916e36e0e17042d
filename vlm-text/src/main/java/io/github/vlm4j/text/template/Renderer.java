package io.github.vlm4j.text.template;

import io.github.vlm4j.text.template.Statement.Signature;
import io.github.vlm4j.text.template.Statement.Target;
import io.github.vlm4j.text.template.Value.Undefined;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Executes statements and collects their output. */
final class Renderer {

  /** How a sequence of statements ended. */
  private enum Flow {
    NORMAL,
    BREAK,
    CONTINUE
  }

  private final Budget budget;
  private final Evaluator evaluator;
  private Text.Builder out = new Text.Builder();

  Renderer(Budget budget, Evaluator evaluator) {
    this.budget = budget;
    this.evaluator = evaluator;
  }

  Text render(List<Statement> statements, Scope scope) {
    return captured(statements, scope);
  }

  private Text captured(List<Statement> statements, Scope scope) {
    Text.Builder outer = out;
    out = new Text.Builder();
    execute(statements, scope);
    Text result = out.build();
    out = outer;
    return result;
  }

  private Flow execute(List<Statement> statements, Scope scope) {
    for (Statement statement : statements) {
      budget.enter();
      Flow flow = execute(statement, scope);
      budget.leave();
      if (flow != Flow.NORMAL) {
        return flow;
      }
    }
    return Flow.NORMAL;
  }

  private Flow execute(Statement statement, Scope scope) {
    switch (statement) {
      case Statement.Data data -> emit(data.text());
      case Statement.Output output ->
          emit(PythonText.str(evaluator.evaluate(output.expression(), scope), budget));
      case Statement.If conditional -> {
        return conditional(conditional, scope);
      }
      case Statement.For loop -> {
        return loop(loop, scope);
      }
      case Statement.Generation generation -> {
        return execute(generation.body(), new Scope(scope));
      }
      case Statement.Assign assign -> {
        Value value = evaluator.evaluate(assign.value(), scope);
        assign(assign.target(), value, scope);
      }
      case Statement.AssignBlock block -> {
        Text body = captured(block.body(), new Scope(scope));
        assign(block.target(), filtered(block.filters(), body, scope), scope);
      }
      case Statement.Macro macro ->
          scope.set(macro.name(), macro(macro.name(), macro.signature(), macro.body(), scope));
      case Statement.CallBlock block -> {
        Value caller = macro("caller", block.signature(), block.body(), scope);
        emit(PythonText.str(evaluator.call(block.call(), Map.of("caller", caller), scope), budget));
      }
      case Statement.FilterBlock block -> {
        Text body = captured(block.body(), new Scope(scope));
        emit(PythonText.str(filtered(block.filters(), body, scope), budget));
      }
      case Statement.With with -> {
        Scope inner = new Scope(scope);
        for (int i = 0; i < with.targets().size(); i++) {
          assign(with.targets().get(i), evaluator.evaluate(with.values().get(i), scope), inner);
        }
        return execute(with.body(), inner);
      }
      case Statement.Break _ -> {
        return Flow.BREAK;
      }
      case Statement.Continue _ -> {
        return Flow.CONTINUE;
      }
    }
    return Flow.NORMAL;
  }

  private void emit(Text text) {
    budget.chars(text.length());
    out.append(text);
    budget.fits(out.length());
  }

  private Flow conditional(Statement.If conditional, Scope scope) {
    for (int i = 0; i < conditional.conditions().size(); i++) {
      if (evaluator.truth(conditional.conditions().get(i), scope)) {
        return execute(conditional.bodies().get(i), scope);
      }
    }
    return execute(conditional.otherwise(), scope);
  }

  private Flow loop(Statement.For loop, Scope scope) {
    List<Value> items = Sequences.walk(evaluator.evaluate(loop.iterable(), scope), budget);
    Expr condition = loop.condition();
    if (condition != null) {
      List<Value> kept = new ArrayList<>();
      for (Value item : items) {
        budget.iteration();
        Scope inner = new Scope(scope);
        assign(loop.target(), item, inner);
        if (evaluator.truth(condition, inner)) {
          kept.add(item);
        }
      }
      items = kept;
    }
    if (items.isEmpty()) {
      return execute(loop.otherwise(), scope);
    }
    for (int i = 0; i < items.size(); i++) {
      budget.iteration();
      Scope inner = new Scope(scope);
      inner.set("loop", new Value.Loop(items, i));
      evaluator.at(loop.position());
      assign(loop.target(), items.get(i), inner);
      if (execute(loop.body(), inner) == Flow.BREAK) {
        break;
      }
    }
    return Flow.NORMAL;
  }

  private Value filtered(List<Expr.Filter> filters, Text body, Scope scope) {
    Value value = body;
    for (Expr.Filter filter : filters) {
      value = evaluator.filter(filter, value, scope);
    }
    return value;
  }

  private void assign(Target target, Value value, Scope scope) {
    switch (target) {
      case Target.Variable variable -> scope.set(variable.name(), value);
      case Target.NamespaceAttribute attribute -> {
        evaluator.at(attribute.position());
        if (!(scope.find(attribute.namespace()) instanceof Value.Namespace namespace)) {
          throw Failure.type("cannot assign attribute on non-namespace object");
        }
        budget.elements(1);
        namespace.attributes().put(attribute.attribute(), value);
      }
      case Target.Unpacking unpacking -> {
        List<Value> items = Sequences.walk(value, budget);
        if (items.size() != unpacking.targets().size()) {
          throw Failure.type(
              "cannot unpack %d values into %d variables"
                  .formatted(items.size(), unpacking.targets().size()));
        }
        for (int i = 0; i < items.size(); i++) {
          assign(unpacking.targets().get(i), items.get(i), scope);
        }
      }
    }
  }

  private Value macro(String name, Signature signature, List<Statement> body, Scope definition) {
    return new Macro(this, name, signature, body, definition);
  }

  private record Macro(
      Renderer renderer, String name, Signature signature, List<Statement> body, Scope definition)
      implements Value.Callable {

    @Override
    public Value call(Arguments arguments, Budget budget) {
      Scope scope = new Scope(definition);
      List<String> parameters = signature.parameters();
      if (arguments.positional().size() > parameters.size()) {
        throw Failure.type(
            "macro '%s' takes not more than %d argument(s)".formatted(name, parameters.size()));
      }
      Map<String, Value> named = new HashMap<>(arguments.named());
      Value caller = named.remove("caller");
      if (caller != null) {
        scope.set("caller", caller);
      }
      Set<Integer> missing = new HashSet<>();
      for (int i = 0; i < parameters.size(); i++) {
        Value value = named.remove(parameters.get(i));
        if (i < arguments.positional().size()) {
          if (value != null) {
            throw Failure.type(
                "macro '%s' got two values for '%s'".formatted(name, parameters.get(i)));
          }
          value = arguments.positional().get(i);
        }
        if (value == null) {
          missing.add(i);
          value = new Undefined("parameter '%s' was not provided".formatted(parameters.get(i)));
        }
        scope.set(parameters.get(i), value);
      }
      if (!named.isEmpty()) {
        throw Failure.type(
            "macro '%s' takes no keyword argument '%s'"
                .formatted(name, named.keySet().iterator().next()));
      }
      int firstDefault = parameters.size() - signature.defaults().size();
      for (int i = firstDefault; i < parameters.size(); i++) {
        if (missing.contains(i)) {
          Expr fallback = signature.defaults().get(i - firstDefault);
          scope.set(parameters.get(i), renderer.evaluator.evaluate(fallback, scope));
        }
      }
      return renderer.captured(body, scope);
    }

    @Override
    public boolean equals(Object other) {
      return this == other;
    }

    @Override
    public int hashCode() {
      return System.identityHashCode(this);
    }
  }
}
