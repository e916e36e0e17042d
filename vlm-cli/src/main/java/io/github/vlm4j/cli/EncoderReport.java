package io.github.vlm4j.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.vlm4j.core.backend.DeviceLimits;
import io.github.vlm4j.models.runtime.EncoderBenchmark.Result;
import io.github.vlm4j.models.runtime.ModelBenchmark;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * What was measured of a model that embeds, in words and as JSON.
 *
 * @param backend what was measured
 * @param result the figures
 * @param limits of the machine, if they were measured
 * @param peakBytes the most memory the process had, if the system tells
 */
record EncoderReport(
    String backend, Result result, Optional<DeviceLimits> limits, OptionalLong peakBytes)
    implements BenchReport {

  @Override
  public String text() {
    StringBuilder text = new StringBuilder(backend).append('\n');
    if (!result.imageMs().isEmpty()) {
      rate(text, "images", result.imageMs());
    }
    if (!result.textMs().isEmpty()) {
      rate(text, "texts", result.textMs());
    }
    text.append(
        "%-10s %d%s%n"
            .formatted(
                "batch",
                result.batch(),
                result.textMs().isEmpty() ? "" : ", texts of " + result.textTokens() + " tokens"));
    peakBytes.ifPresent(bytes ->
        text.append("%-10s %s%n".formatted("memory", InspectCommand.bytes(bytes) + " peak")));
    limits.ifPresent(limit -> {
      text.append(
          "%-10s %.1f GFLOP/s f32, %.1f GB/s read%n"
              .formatted("limits", limit.flopsPerSecond() / 1e9, limit.bytesPerSecond() / 1e9));
      if (!result.imageMs().isEmpty()) {
        text.append(
            "%-10s images %.0f %% of peak arithmetic%n"
                .formatted("reached", 100 * imageFraction(limit)));
      }
    });
    return text.toString();
  }

  private void rate(StringBuilder text, String what, List<Double> ms) {
    double median = ModelBenchmark.Result.median(ms);
    BenchReport.line(
        text, what, "%.2f/s, %.1f ms".formatted(perSecond(median), median / result.batch()), ms);
  }

  private double perSecond(double batchMs) {
    return 1000 * result.batch() / batchMs;
  }

  private double imageFraction(DeviceLimits limit) {
    double seconds = ModelBenchmark.Result.median(result.imageMs()) / 1000;
    return result.imageFlops() / seconds / limit.flopsPerSecond();
  }

  @Override
  public ObjectNode json() {
    ObjectNode node = Json.object();
    node.put("backend", backend);
    node.put("batch", result.batch());
    if (!result.imageMs().isEmpty()) {
      double median = ModelBenchmark.Result.median(result.imageMs());
      node.put("imagesPerSecond", perSecond(median));
      node.put("imageMs", median / result.batch());
      node.put("imageFlops", result.imageFlops() / result.batch());
    }
    if (!result.textMs().isEmpty()) {
      double median = ModelBenchmark.Result.median(result.textMs());
      node.put("textsPerSecond", perSecond(median));
      node.put("textMs", median / result.batch());
      node.put("textTokens", result.textTokens());
    }
    peakBytes.ifPresent(bytes -> node.put("peakMemoryBytes", bytes));
    ObjectNode all = node.putObject("repetitions");
    result.imageMs().forEach(all.putArray("imageBatchMs")::add);
    result.textMs().forEach(all.putArray("textBatchMs")::add);
    limits.ifPresent(limit -> {
      ObjectNode of = node.putObject("limits");
      of.put("flopsPerSecond", limit.flopsPerSecond());
      of.put("bytesPerSecond", limit.bytesPerSecond());
      if (!result.imageMs().isEmpty()) {
        of.put("imageFraction", imageFraction(limit));
      }
    });
    return node;
  }
}
