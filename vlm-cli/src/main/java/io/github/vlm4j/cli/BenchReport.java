package io.github.vlm4j.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;

/** The measurements in words and as JSON. */
sealed interface BenchReport permits ModelReport, EncoderReport {

  /** Returns lines for reading. */
  String text();

  /** Returns the one document of {@code --json}. */
  ObjectNode json();

  static void line(StringBuilder text, String what, String median, List<Double> all) {
    double min = all.stream().mapToDouble(Double::doubleValue).min().orElse(0);
    double max = all.stream().mapToDouble(Double::doubleValue).max().orElse(0);
    text.append("%-10s %-18s (%.2f to %.2f)%n".formatted(what, median, min, max));
  }
}
