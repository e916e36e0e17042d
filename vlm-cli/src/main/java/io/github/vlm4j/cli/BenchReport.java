package io.github.vlm4j.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.Optional;

/** The measurements in words and as JSON. */
sealed interface BenchReport permits ModelReport, EncoderReport {

  /** Returns lines for reading. */
  String text();

  /** Returns the one document of {@code --json}. */
  ObjectNode json();

  /** Adds a line: what, the median, all of it from the least to the most, the share of a limit. */
  static void line(
      StringBuilder text,
      String what,
      String median,
      List<Double> all,
      Optional<Double> share,
      String limit) {
    double min = all.stream().mapToDouble(Double::doubleValue).min().orElse(0);
    double max = all.stream().mapToDouble(Double::doubleValue).max().orElse(0);
    text.append("%-20s %-18s (%.2f to %.2f)".formatted(what, median, min, max));
    share.ifPresent(of -> text.append("  %.0f %% of %s".formatted(100 * of, limit)));
    text.append(System.lineSeparator());
  }

  /** Adds all figures and the share of a limit to a part of the document. */
  static void figures(ObjectNode node, List<Double> all, Optional<Double> share) {
    all.forEach(node.putArray("repetitions")::add);
    share.ifPresent(of -> node.put("fraction", of));
  }
}
