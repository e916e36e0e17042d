package io.github.vlm4j.text.template;

import io.github.vlm4j.text.template.Statement.Signature;
import io.github.vlm4j.text.template.Statement.Target;
import io.github.vlm4j.text.template.Token.Kind;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** Parses a template into statements. */
final class Parser {

  private static final Set<String> RESERVED =
      Set.of("true", "false", "none", "True", "False", "None");

  private final TokenCursor tokens;
  private final ExpressionParser expressions;
  private int loops;

  private Parser(TokenCursor tokens) {
    this.tokens = tokens;
    this.expressions = new ExpressionParser(tokens);
  }

  /** Parses a normalised source. */
  static List<Statement> parse(String source, Limits limits) {
    TokenCursor tokens = new TokenCursor(Lexer.tokens(source), limits.parseDepth());
    Parser parser = new Parser(tokens);
    List<Statement> statements = parser.body(Set.of());
    if (tokens.current().kind() != Kind.END) {
      throw Failure.syntax("unexpected " + tokens.current().described(), tokens.position());
    }
    return statements;
  }

  /** Statements up to a block tag that starts with one of the names, which is left half read. */
  private List<Statement> body(Set<String> ends) {
    tokens.enter();
    List<Statement> statements = new ArrayList<>();
    while (true) {
      Token token = tokens.current();
      switch (token.kind()) {
        case DATA -> statements.add(new Statement.Data(Text.trusted(tokens.next().text())));
        case VARIABLE_BEGIN -> {
          tokens.next();
          statements.add(new Statement.Output(expressions.tupleOrExpression()));
          tokens.expect(Kind.VARIABLE_END, "'}}'");
        }
        case BLOCK_BEGIN -> {
          tokens.next();
          Token name = tokens.current();
          if (name.kind() == Kind.NAME && ends.contains(name.text())) {
            tokens.leave();
            return statements;
          }
          statements.add(statement());
          tokens.expect(Kind.BLOCK_END, "'%}'");
        }
        default -> {
          if (!ends.isEmpty()) {
            throw tokens.unexpected("'{% " + ends.stream().sorted().toList().getFirst() + " %}'");
          }
          tokens.leave();
          return statements;
        }
      }
    }
  }

  /** A statement from its keyword up to, not including, the closing of its last tag. */
  private Statement statement() {
    Token keyword = tokens.expect(Kind.NAME, "a statement");
    int position = keyword.position();
    return switch (keyword.text()) {
      case "if" -> conditional();
      case "for" -> loop(position);
      case "set" -> set(position);
      case "macro" -> macro(position);
      case "call" -> call(position);
      case "filter" -> {
        List<Expr.Filter> filters = expressions.filters(new Expr.Name("", position));
        yield new Statement.FilterBlock(filters, block("endfilter"), position);
      }
      case "with" -> with(position);
      case "generation" -> new Statement.Generation(block("endgeneration"));
      case "break" -> new Statement.Break(inLoop(keyword));
      case "continue" -> new Statement.Continue(inLoop(keyword));
      case "include", "import", "from", "extends", "block" ->
          throw Failure.syntax("a chat template cannot use '" + keyword.text() + "'", position);
      default -> throw Failure.syntax("unknown statement '" + keyword.text() + "'", position);
    };
  }

  private int inLoop(Token keyword) {
    if (loops == 0) {
      throw Failure.syntax("'" + keyword.text() + "' outside a loop", keyword.position());
    }
    return keyword.position();
  }

  /** Closes the current tag, reads statements up to the end tag and consumes its name. */
  private List<Statement> block(String end) {
    tokens.expect(Kind.BLOCK_END, "'%}'");
    List<Statement> body = body(Set.of(end));
    tokens.expectName(end);
    return body;
  }

  private Statement conditional() {
    List<Expr> conditions = new ArrayList<>();
    List<List<Statement>> bodies = new ArrayList<>();
    List<Statement> otherwise = List.of();
    do {
      conditions.add(expressions.tupleOrExpression());
      tokens.expect(Kind.BLOCK_END, "'%}'");
      bodies.add(body(Set.of("elif", "else", "endif")));
    } while (tokens.skipName("elif"));
    if (tokens.skipName("else")) {
      tokens.expect(Kind.BLOCK_END, "'%}'");
      otherwise = body(Set.of("endif"));
    }
    tokens.expectName("endif");
    return new Statement.If(conditions, bodies, otherwise);
  }

  private Statement loop(int position) {
    Target target = target(false);
    tokens.expectName("in");
    Expr iterable = expressions.iterable();
    Expr condition = tokens.skipName("if") ? expressions.expression() : null;
    if (tokens.current().isName("recursive")) {
      throw Failure.syntax("recursive loops are not supported", tokens.position());
    }
    tokens.expect(Kind.BLOCK_END, "'%}'");
    loops++;
    List<Statement> body = body(Set.of("endfor", "else"));
    loops--;
    List<Statement> otherwise = List.of();
    if (tokens.skipName("else")) {
      tokens.expect(Kind.BLOCK_END, "'%}'");
      otherwise = body(Set.of("endfor"));
    }
    tokens.expectName("endfor");
    return new Statement.For(target, iterable, condition, body, otherwise, position);
  }

  private Statement set(int position) {
    Target target = target(true);
    if (tokens.skipOperator("=")) {
      return new Statement.Assign(target, expressions.tupleOrExpression(), position);
    }
    List<Expr.Filter> filters =
        tokens.current().isOperator("|")
            ? expressions.filters(new Expr.Name("", position))
            : List.of();
    return new Statement.AssignBlock(target, filters, block("endset"), position);
  }

  private Target target(boolean namespaceAllowed) {
    int position = tokens.position();
    List<Target> targets = new ArrayList<>();
    boolean tuple = false;
    do {
      Token token = tokens.current();
      if (!targets.isEmpty() && token.kind() != Kind.NAME && !token.isOperator("(")) {
        break;
      }
      targets.add(singleTarget(namespaceAllowed));
      tuple |= tokens.current().isOperator(",");
    } while (tokens.skipOperator(","));
    return tuple ? new Target.Unpacking(targets, position) : targets.getFirst();
  }

  private Target singleTarget(boolean namespaceAllowed) {
    if (tokens.skipOperator("(")) {
      tokens.enter();
      Target inside = target(namespaceAllowed);
      tokens.leave();
      tokens.expectOperator(")");
      return inside;
    }
    Token name = tokens.expect(Kind.NAME, "a variable's name");
    if (RESERVED.contains(name.text())) {
      throw Failure.syntax("cannot assign to '" + name.text() + "'", name.position());
    }
    if (namespaceAllowed && tokens.skipOperator(".")) {
      Token attribute = tokens.expect(Kind.NAME, "an attribute's name");
      return new Target.NamespaceAttribute(name.text(), attribute.text(), name.position());
    }
    return new Target.Variable(name.text());
  }

  private Statement macro(int position) {
    String name = tokens.expect(Kind.NAME, "the macro's name").text();
    Signature signature = signature();
    return new Statement.Macro(name, signature, definition("endmacro"), position);
  }

  /** A body that a surrounding loop's break and continue do not reach into. */
  private List<Statement> definition(String end) {
    int outer = loops;
    loops = 0;
    List<Statement> body = block(end);
    loops = outer;
    return body;
  }

  private Statement call(int position) {
    Signature signature = tokens.current().isOperator("(") ? signature() : Signature.EMPTY;
    if (!(expressions.expression() instanceof Expr.Call call)) {
      throw Failure.syntax("'{% call %}' needs a macro call", position);
    }
    return new Statement.CallBlock(signature, call, definition("endcall"), position);
  }

  private Signature signature() {
    tokens.expectOperator("(");
    List<String> parameters = new ArrayList<>();
    List<Expr> defaults = new ArrayList<>();
    while (!tokens.skipOperator(")")) {
      if (!parameters.isEmpty()) {
        tokens.expectOperator(",");
      }
      Token name = tokens.expect(Kind.NAME, "a parameter's name");
      if (parameters.contains(name.text())) {
        throw Failure.syntax("parameter '" + name.text() + "' is declared twice", name.position());
      }
      parameters.add(name.text());
      if (tokens.skipOperator("=")) {
        defaults.add(expressions.expression());
      } else if (!defaults.isEmpty()) {
        throw Failure.syntax(
            "a parameter without default follows one with default", name.position());
      }
    }
    return new Signature(parameters, defaults);
  }

  private Statement with(int position) {
    List<Target> targets = new ArrayList<>();
    List<Expr> values = new ArrayList<>();
    while (tokens.current().kind() != Kind.BLOCK_END) {
      if (!targets.isEmpty()) {
        tokens.expectOperator(",");
      }
      targets.add(singleTarget(false));
      tokens.expectOperator("=");
      values.add(expressions.expression());
    }
    return new Statement.With(targets, values, block("endwith"), position);
  }
}
