package io.github.vlm4j.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.vlm4j.core.backend.DeviceLimits;
import io.github.vlm4j.models.runtime.ModelBenchmark.Result;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * What was measured of a model that writes, in words and as JSON.
 *
 * @param backend what was measured
 * @param result the figures
 * @param limits of the machine, if they were measured
 * @param peakBytes the most memory the process had, if the system tells
 */
record ModelReport(
    String backend, Result result, Optional<DeviceLimits> limits, OptionalLong peakBytes)
    implements BenchReport {

  private double prefill() {
    return Result.median(result.prefillTokensPerSecond());
  }

  private double decode() {
    return Result.median(result.decodeTokensPerSecond());
  }

  private double prefillFlopsPerSecond(int tokens) {
    return result.prefillFlops() / tokens * prefill();
  }

  @Override
  public String text() {
    StringBuilder text = new StringBuilder(backend).append('\n');
    BenchReport.line(
        text, "prefill", "%.1f tokens/s".formatted(prefill()), result.prefillTokensPerSecond());
    BenchReport.line(
        text, "decode", "%.2f tokens/s".formatted(decode()), result.decodeTokensPerSecond());
    if (!result.imageMs().isEmpty()) {
      BenchReport.line(
          text, "image", "%.0f ms".formatted(Result.median(result.imageMs())), result.imageMs());
    }
    peakBytes.ifPresent(bytes ->
        text.append("%-10s %s%n".formatted("memory", InspectCommand.bytes(bytes) + " peak")));
    limits.ifPresent(limit -> {
      text.append(
          "%-10s %.1f GFLOP/s f32, %.1f GB/s read%n"
              .formatted("limits", limit.flopsPerSecond() / 1e9, limit.bytesPerSecond() / 1e9));
      text.append(
          "%-10s prefill %.0f %% of peak arithmetic, decode %.0f %% of bandwidth%s%n"
              .formatted(
                  "reached",
                  100 * prefillFraction(limit),
                  100 * decodeFraction(limit),
                  result.imageMs().isEmpty()
                      ? ""
                      : ", image %.0f %% of peak arithmetic"
                          .formatted(100 * imageFraction(limit))));
    });
    return text.toString();
  }

  private double prefillFraction(DeviceLimits limit) {
    return prefillFlopsPerSecond(result.promptTokens()) / limit.flopsPerSecond();
  }

  private double decodeFraction(DeviceLimits limit) {
    return decode() * result.decodeBytes() / limit.bytesPerSecond();
  }

  private double imageFraction(DeviceLimits limit) {
    return result.imageFlops() / (Result.median(result.imageMs()) / 1000) / limit.flopsPerSecond();
  }

  @Override
  public ObjectNode json() {
    ObjectNode node = Json.object();
    node.put("backend", backend);
    node.put("prefillTokensPerSecond", prefill());
    node.put("decodeTokensPerSecond", decode());
    if (!result.imageMs().isEmpty()) {
      node.put("imageMs", Result.median(result.imageMs()));
    }
    peakBytes.ifPresent(bytes -> node.put("peakMemoryBytes", bytes));
    node.put("decodeBytesPerToken", result.decodeBytes());
    node.put("prefillFlops", result.prefillFlops());
    node.put("imageFlops", result.imageFlops());
    ObjectNode all = node.putObject("repetitions");
    result.prefillTokensPerSecond().forEach(all.putArray("prefillTokensPerSecond")::add);
    result.decodeTokensPerSecond().forEach(all.putArray("decodeTokensPerSecond")::add);
    result.imageMs().forEach(all.putArray("imageMs")::add);
    limits.ifPresent(limit -> {
      ObjectNode of = node.putObject("limits");
      of.put("flopsPerSecond", limit.flopsPerSecond());
      of.put("bytesPerSecond", limit.bytesPerSecond());
      of.put("prefillFraction", prefillFraction(limit));
      of.put("decodeFraction", decodeFraction(limit));
      if (!result.imageMs().isEmpty()) {
        of.put("imageFraction", imageFraction(limit));
      }
    });
    return node;
  }
}
