package io.github.vlm4j.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.vlm4j.core.backend.DeviceLimits;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * Where something was measured, without which no figure means anything.
 *
 * @param backend what computed, with how many threads
 * @param limits of the machine, if they were measured
 * @param peakBytes the most memory the process had, if the system tells
 */
record Surroundings(String backend, Optional<DeviceLimits> limits, OptionalLong peakBytes) {

  /** Returns the peak of memory and the machine's limits, a line each. */
  String text() {
    StringBuilder text = new StringBuilder();
    peakBytes.ifPresent(bytes ->
        text.append("%-20s %s%n".formatted("memory", InspectCommand.bytes(bytes) + " peak")));
    limits.ifPresent(limit ->
        text.append(
            "%-20s %.1f GFLOP/s f32, %.1f GB/s read%n"
                .formatted("limits", limit.flopsPerSecond() / 1e9, limit.bytesPerSecond() / 1e9)));
    return text.toString();
  }

  /** Begins the document that the figures are put into. */
  ObjectNode json() {
    ObjectNode node = Json.object();
    node.put("backend", backend);
    Machine.cpuName().ifPresent(name -> node.put("cpu", name));
    Machine.cpuFeatures().forEach(node.putArray("cpuFeatures")::add);
    node.put("java", Runtime.version().toString());
    peakBytes.ifPresent(bytes -> node.put("peakMemoryBytes", bytes));
    limits.ifPresent(limit -> {
      ObjectNode of = node.putObject("limits");
      of.put("flopsPerSecond", limit.flopsPerSecond());
      of.put("bytesPerSecond", limit.bytesPerSecond());
    });
    return node;
  }

  /** Returns the share of the peak of arithmetic; empty if it was not measured. */
  Optional<Double> ofArithmetic(double flopsPerSecond) {
    return limits.map(limit -> flopsPerSecond / limit.flopsPerSecond());
  }

  /** Returns the share of the bandwidth of memory; empty if it was not measured. */
  Optional<Double> ofBandwidth(double bytesPerSecond) {
    return limits.map(limit -> bytesPerSecond / limit.bytesPerSecond());
  }
}
