package io.github.vlm4j.cli;

import static io.github.vlm4j.models.runtime.ModelBenchmark.Result.median;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.vlm4j.models.runtime.EncoderBenchmark.Result;
import java.util.List;
import java.util.Optional;

/**
 * What was measured of a model that embeds, in words and as JSON.
 *
 * @param where it was measured
 * @param result the figures
 */
record EncoderReport(Surroundings where, Result result) implements BenchReport {

  @Override
  public String text() {
    StringBuilder text = new StringBuilder(where.backend()).append(System.lineSeparator());
    if (!result.imageMs().isEmpty()) {
      rate(text, "images", result.imageMs(), share());
    }
    if (!result.textMs().isEmpty()) {
      rate(text, "texts", result.textMs(), Optional.empty());
    }
    text.append(
        "%-20s %d%s%n"
            .formatted(
                "batch",
                result.batch(),
                result.textMs().isEmpty() ? "" : ", texts of " + result.textTokens() + " tokens"));
    return text.append(where.text()).toString();
  }

  private void rate(StringBuilder text, String what, List<Double> ms, Optional<Double> share) {
    double median = median(ms);
    String rate = "%.2f/s, %.1f ms".formatted(perSecond(median), median / result.batch());
    BenchReport.line(text, what, rate, ms, share, "peak arithmetic");
  }

  private double perSecond(double batchMs) {
    return 1000 * result.batch() / batchMs;
  }

  private Optional<Double> share() {
    return where.ofArithmetic(result.imageFlops() / (median(result.imageMs()) / 1000));
  }

  @Override
  public ObjectNode json() {
    ObjectNode node = where.json();
    node.put("batch", result.batch());
    if (!result.imageMs().isEmpty()) {
      ObjectNode images = node.putObject("images");
      rate(images, result.imageMs());
      images.put("flops", result.imageFlops() / result.batch());
      BenchReport.figures(images, result.imageMs(), share());
    }
    if (!result.textMs().isEmpty()) {
      ObjectNode texts = node.putObject("texts");
      rate(texts, result.textMs());
      texts.put("tokens", result.textTokens());
      BenchReport.figures(texts, result.textMs(), Optional.empty());
    }
    return node;
  }

  private void rate(ObjectNode node, List<Double> ms) {
    double median = median(ms);
    node.put("perSecond", perSecond(median));
    node.put("ms", median / result.batch());
  }
}
