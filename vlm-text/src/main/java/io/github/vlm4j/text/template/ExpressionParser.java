package io.github.vlm4j.text.template;

import io.github.vlm4j.text.template.Expr.CallArguments;
import io.github.vlm4j.text.template.Token.Kind;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Parses expressions with the precedence rules of jinja2, lowest first. */
final class ExpressionParser {

  private final TokenCursor tokens;

  ExpressionParser(TokenCursor tokens) {
    this.tokens = tokens;
  }

  /** An expression with an optional inline if. */
  Expr expression() {
    tokens.enter();
    Expr result = or();
    while (tokens.current().isName("if")) {
      int position = tokens.next().position();
      Expr condition = or();
      Expr otherwise = tokens.skipName("else") ? expression() : null;
      result = new Expr.Conditional(result, condition, otherwise, position);
    }
    tokens.leave();
    return result;
  }

  /** An expression without inline if, as after {@code in} of a for loop. */
  Expr iterable() {
    return tuple(this::or);
  }

  /** One expression, or several with commas between them as a tuple. */
  Expr tupleOrExpression() {
    return tuple(this::expression);
  }

  private Expr tuple(Supplier<Expr> element) {
    int position = tokens.position();
    Expr first = element.get();
    if (!tokens.current().isOperator(",")) {
      return first;
    }
    List<Expr> items = new ArrayList<>(List.of(first));
    while (tokens.skipOperator(",")) {
      if (endsTuple()) {
        break;
      }
      items.add(element.get());
    }
    return new Expr.TupleOf(items, position);
  }

  private boolean endsTuple() {
    Token token = tokens.current();
    return token.kind() == Kind.VARIABLE_END
        || token.kind() == Kind.BLOCK_END
        || token.isOperator(")")
        || token.isName("if");
  }

  private Expr or() {
    Expr left = and();
    while (tokens.current().isName("or")) {
      int position = tokens.next().position();
      left = new Expr.Logical(false, left, and(), position);
    }
    return left;
  }

  private Expr and() {
    Expr left = not();
    while (tokens.current().isName("and")) {
      int position = tokens.next().position();
      left = new Expr.Logical(true, left, not(), position);
    }
    return left;
  }

  private Expr not() {
    if (tokens.current().isName("not")) {
      int position = tokens.next().position();
      tokens.enter();
      Expr operand = not();
      tokens.leave();
      return new Expr.Unary("not", operand, position);
    }
    return comparison();
  }

  private Expr comparison() {
    int position = tokens.position();
    Expr first = sum();
    List<String> operators = new ArrayList<>();
    List<Expr> operands = new ArrayList<>();
    while (true) {
      Token token = tokens.current();
      String operator;
      if (token.kind() == Kind.OPERATOR && isComparison(token.text())) {
        operator = token.text();
      } else if (token.isName("in")) {
        operator = "in";
      } else if (token.isName("not") && tokens.ahead().isName("in")) {
        tokens.next();
        operator = "not in";
      } else {
        break;
      }
      tokens.next();
      operators.add(operator);
      operands.add(sum());
    }
    return operators.isEmpty() ? first : new Expr.Comparison(first, operators, operands, position);
  }

  private static boolean isComparison(String operator) {
    return switch (operator) {
      case "==", "!=", "<", "<=", ">", ">=" -> true;
      default -> false;
    };
  }

  private Expr sum() {
    Expr left = concat();
    while (tokens.current().isOperator("+") || tokens.current().isOperator("-")) {
      Token operator = tokens.next();
      left = new Expr.Binary(operator.text(), left, concat(), operator.position());
    }
    return left;
  }

  private Expr concat() {
    int position = tokens.position();
    Expr first = product();
    if (!tokens.current().isOperator("~")) {
      return first;
    }
    List<Expr> parts = new ArrayList<>(List.of(first));
    while (tokens.skipOperator("~")) {
      parts.add(product());
    }
    return new Expr.Concat(parts, position);
  }

  private Expr product() {
    Expr left = power();
    while (true) {
      Token token = tokens.current();
      boolean product =
          token.isOperator("*")
              || token.isOperator("/")
              || token.isOperator("//")
              || token.isOperator("%");
      if (!product) {
        return left;
      }
      tokens.next();
      left = new Expr.Binary(token.text(), left, power(), token.position());
    }
  }

  private Expr power() {
    Expr left = unary(true);
    while (tokens.current().isOperator("**")) {
      int position = tokens.next().position();
      left = new Expr.Binary("**", left, unary(true), position);
    }
    return left;
  }

  private Expr unary(boolean withFilters) {
    Token token = tokens.current();
    Expr result;
    if (token.isOperator("-") || token.isOperator("+")) {
      tokens.next();
      tokens.enter();
      result = new Expr.Unary(token.text(), unary(false), token.position());
      tokens.leave();
    } else {
      result = primary();
    }
    result = postfix(result);
    return withFilters ? filtersAndTests(result) : result;
  }

  private Expr primary() {
    Token token = tokens.current();
    int position = token.position();
    return switch (token.kind()) {
      case NAME -> {
        tokens.next();
        yield switch (token.text()) {
          case "true", "True" -> new Expr.Literal(Value.Bool.TRUE, position);
          case "false", "False" -> new Expr.Literal(Value.Bool.FALSE, position);
          case "none", "None" -> new Expr.Literal(Value.None.NONE, position);
          default -> new Expr.Name(token.text(), position);
        };
      }
      case STRING -> {
        StringBuilder literal = new StringBuilder(tokens.next().text());
        while (tokens.current().kind() == Kind.STRING) {
          literal.append(tokens.next().text());
        }
        yield new Expr.Literal(Text.trusted(literal.toString()), position);
      }
      case INTEGER -> new Expr.Literal(new Value.Int(integer(tokens.next())), position);
      case FLOAT ->
          new Expr.Literal(new Value.Real(Double.parseDouble(tokens.next().text())), position);
      case OPERATOR ->
          switch (token.text()) {
            case "(" -> parenthesised();
            case "[" -> new Expr.ListOf(items("[", "]"), position);
            case "{" -> dict();
            default -> throw tokens.unexpected("an expression");
          };
      default -> throw tokens.unexpected("an expression");
    };
  }

  private static long integer(Token token) {
    String text = token.text();
    int radix =
        switch (text.length() > 1 ? Character.toLowerCase(text.charAt(1)) : '0') {
          case 'x' -> 16;
          case 'o' -> 8;
          case 'b' -> 2;
          default -> 10;
        };
    try {
      return Long.parseLong(radix == 10 ? text : text.substring(2), radix);
    } catch (NumberFormatException e) {
      throw Failure.syntax("the number " + text + " does not fit into 64 bits", token.position());
    }
  }

  private Expr parenthesised() {
    int position = tokens.next().position();
    if (tokens.skipOperator(")")) {
      return new Expr.TupleOf(List.of(), position);
    }
    Expr inside = tupleOrExpression();
    tokens.expectOperator(")");
    return inside;
  }

  private List<Expr> items(String open, String close) {
    tokens.expectOperator(open);
    List<Expr> items = new ArrayList<>();
    while (!tokens.skipOperator(close)) {
      if (!items.isEmpty()) {
        tokens.expectOperator(",");
        if (tokens.skipOperator(close)) {
          break;
        }
      }
      items.add(expression());
    }
    return items;
  }

  private Expr dict() {
    int position = tokens.next().position();
    List<Expr> keys = new ArrayList<>();
    List<Expr> values = new ArrayList<>();
    while (!tokens.skipOperator("}")) {
      if (!keys.isEmpty()) {
        tokens.expectOperator(",");
        if (tokens.skipOperator("}")) {
          break;
        }
      }
      keys.add(expression());
      tokens.expectOperator(":");
      values.add(expression());
    }
    return new Expr.DictOf(keys, values, position);
  }

  private Expr postfix(Expr start) {
    Expr result = start;
    while (true) {
      Token token = tokens.current();
      if (token.isOperator(".")) {
        tokens.next();
        Token name = tokens.next();
        result =
            switch (name.kind()) {
              case NAME -> new Expr.Attribute(result, name.text(), name.position());
              case INTEGER ->
                  new Expr.Item(
                      result,
                      new Expr.Literal(new Value.Int(integer(name)), name.position()),
                      name.position());
              default ->
                  throw Failure.syntax(
                      "expected a name after '.', found " + name.described(), name.position());
            };
      } else if (token.isOperator("[")) {
        result = subscript(result);
      } else if (token.isOperator("(")) {
        result = new Expr.Call(result, arguments(), token.position());
      } else {
        return result;
      }
    }
  }

  private Expr subscript(Expr object) {
    int position = tokens.next().position();
    Expr start = tokens.current().isOperator(":") ? null : expression();
    Expr result;
    if (tokens.skipOperator(":")) {
      Expr stop = sliceBound();
      Expr step = tokens.skipOperator(":") ? sliceBound() : null;
      result = new Expr.Slice(object, start, stop, step, position);
    } else if (start != null) {
      result = new Expr.Item(object, start, position);
    } else {
      throw tokens.unexpected("an index");
    }
    tokens.expectOperator("]");
    return result;
  }

  private @Nullable Expr sliceBound() {
    Token token = tokens.current();
    return token.isOperator(":") || token.isOperator("]") ? null : expression();
  }

  private Expr filtersAndTests(Expr start) {
    Expr result = start;
    while (true) {
      Token token = tokens.current();
      if (token.isOperator("|")) {
        result = filter(result);
      } else if (token.isName("is")) {
        result = test(result);
      } else if (token.isOperator("(")) {
        result = new Expr.Call(result, arguments(), token.position());
      } else {
        return result;
      }
    }
  }

  /** Zero or more filters as they follow the keyword {@code filter} or {@code set x |}. */
  List<Expr.Filter> filters(Expr subject) {
    List<Expr.Filter> filters = new ArrayList<>();
    do {
      filters.add(filter(subject));
    } while (tokens.current().isOperator("|"));
    return filters;
  }

  private Expr.Filter filter(Expr subject) {
    int position = tokens.position();
    tokens.skipOperator("|");
    String name = dottedName("a filter's name");
    CallArguments arguments = tokens.current().isOperator("(") ? arguments() : CallArguments.NONE;
    return new Expr.Filter(subject, name, arguments, position);
  }

  private String dottedName(String what) {
    StringBuilder name = new StringBuilder(tokens.expect(Kind.NAME, what).text());
    while (tokens.skipOperator(".")) {
      name.append('.').append(tokens.expect(Kind.NAME, what).text());
    }
    return name.toString();
  }

  private Expr test(Expr subject) {
    int position = tokens.next().position();
    boolean negated = tokens.skipName("not");
    String name = dottedName("a test's name");
    CallArguments arguments = CallArguments.NONE;
    Token token = tokens.current();
    if (token.isOperator("(")) {
      arguments = arguments();
    } else if (startsTestArgument(token)) {
      tokens.enter();
      arguments = new CallArguments(List.of(postfix(primary())), List.of(), List.of(), null, null);
      tokens.leave();
    }
    Expr test = new Expr.Test(subject, name, arguments, position);
    return negated ? new Expr.Unary("not", test, position) : test;
  }

  private static boolean startsTestArgument(Token token) {
    return switch (token.kind()) {
      case STRING, INTEGER, FLOAT -> true;
      case OPERATOR -> token.text().equals("[") || token.text().equals("{");
      case NAME ->
          switch (token.text()) {
            case "else", "or", "and", "if", "in", "not", "is" -> false;
            default -> true;
          };
      default -> false;
    };
  }

  private CallArguments arguments() {
    tokens.expectOperator("(");
    List<Expr> positional = new ArrayList<>();
    List<String> names = new ArrayList<>();
    List<Expr> named = new ArrayList<>();
    Expr spread = null;
    Expr namedSpread = null;
    boolean first = true;
    while (!tokens.skipOperator(")")) {
      if (!first) {
        tokens.expectOperator(",");
        if (tokens.skipOperator(")")) {
          break;
        }
      }
      first = false;
      if (spread == null && namedSpread == null && tokens.skipOperator("*")) {
        spread = expression();
      } else if (namedSpread == null && tokens.skipOperator("**")) {
        namedSpread = expression();
      } else if (tokens.current().kind() == Kind.NAME && tokens.ahead().isOperator("=")) {
        names.add(tokens.next().text());
        tokens.next();
        named.add(expression());
      } else if (names.isEmpty() && spread == null && namedSpread == null) {
        positional.add(expression());
      } else {
        throw Failure.syntax("a positional argument follows a named one", tokens.position());
      }
    }
    return new CallArguments(positional, names, named, spread, namedSpread);
  }
}
