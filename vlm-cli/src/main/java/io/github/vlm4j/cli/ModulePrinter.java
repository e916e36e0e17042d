package io.github.vlm4j.cli;

import io.github.vlm4j.core.weights.ModuleTree;
import io.github.vlm4j.core.weights.Weight;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/** A tree of modules in words, in the manner of a printed PyTorch module. */
final class ModulePrinter {

  private record Line(String text, long parameters, String note) {}

  /** A module: what it is, its own parameters, and the modules in it. */
  private static final class Node {
    String kind = "";
    final Map<String, Weight> weights = new LinkedHashMap<>();
    final Map<String, Node> children = new LinkedHashMap<>();

    Node child(String path) {
      Node node = this;
      if (!path.isEmpty()) {
        for (String part : path.split("\\.", -1)) {
          node = node.children.computeIfAbsent(part, name -> new Node());
        }
      }
      return node;
    }

    long parameters() {
      long own = weights.values().stream().mapToLong(weight -> weight.shape().elements()).sum();
      return own + children.values().stream().mapToLong(Node::parameters).sum();
    }

    /** What makes two numbered modules the same but for their number. */
    String signature() {
      return kind
          + weights.entrySet().stream()
              .map(entry -> entry.getKey() + entry.getValue().dtype() + entry.getValue().shape())
              .collect(Collectors.joining(","))
          + children.entrySet().stream()
              .map(entry -> entry.getKey() + entry.getValue().signature())
              .collect(Collectors.joining(",", "{", "}"));
    }
  }

  private final Node root = new Node();
  private final List<Line> lines = new ArrayList<>();

  ModulePrinter(ModuleTree tree) {
    tree.kinds().forEach((path, kind) -> root.child(path).kind = kind);
    tree.weights()
        .forEach((name, weight) -> {
          int dot = name.lastIndexOf('.');
          root.child(dot < 0 ? "" : name.substring(0, dot))
              .weights
              .put(name.substring(dot + 1), weight);
        });
  }

  String print(String title) {
    print(title, root, 0, 1);
    int width = lines.stream().mapToInt(line -> line.text().length()).max().orElse(0);
    String format = "%-" + width + "s %,14d%s%n";
    return lines.stream()
        .map(
            line -> String.format(Locale.ROOT, format, line.text(), line.parameters(), line.note()))
        .collect(Collectors.joining());
  }

  private void print(String title, Node node, int depth, int copies) {
    String kind = node.kind.isEmpty() ? "" : ": " + node.kind;
    String weights =
        node.weights.entrySet().stream()
            .map(
                entry -> entry.getKey() + " " + entry.getValue().dtype() + entry.getValue().shape())
            .collect(Collectors.joining(", "));
    String left = "  ".repeat(depth) + title + kind + (weights.isEmpty() ? "" : "  " + weights);
    lines.add(new Line(left, node.parameters(), copies > 1 ? " each" : ""));
    List<Map.Entry<String, Node>> children = new ArrayList<>(node.children.entrySet());
    for (int i = 0; i < children.size(); ) {
      Node child = children.get(i).getValue();
      int last = i;
      while (last + 1 < children.size()
          && follows(children.get(last).getKey(), children.get(last + 1).getKey())
          && children.get(last + 1).getValue().signature().equals(child.signature())) {
        last++;
      }
      String name = children.get(i).getKey();
      print(
          last == i
              ? name
              : "(" + name + "-" + children.get(last).getKey() + "): " + (last - i + 1) + " ×",
          child,
          depth + 1,
          last - i + 1);
      i = last + 1;
    }
  }

  /** Layers of an activation between two others leave a gap in the numbers. */
  private static boolean follows(String name, String next) {
    return isNumber(name)
        && isNumber(next)
        && new BigInteger(next).subtract(new BigInteger(name)).equals(BigInteger.ONE);
  }

  private static boolean isNumber(String name) {
    return !name.isEmpty() && name.chars().allMatch(c -> c >= '0' && c <= '9');
  }
}
