package io.github.vlm4j.bench;

import io.github.vlm4j.core.backend.Backend;
import io.github.vlm4j.core.backend.BackendOptions;
import io.github.vlm4j.core.backend.Backends;
import io.github.vlm4j.core.backend.DeviceLimits;
import java.util.Collection;
import java.util.Locale;
import java.util.Optional;
import org.openjdk.jmh.profile.GCProfiler;
import org.openjdk.jmh.results.Result;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.CommandLineOptionException;
import org.openjdk.jmh.runner.options.CommandLineOptions;
import org.openjdk.jmh.runner.options.OptionsBuilder;

/**
 * Runs benchmarks and prints each as a fraction of what the machine can do at best, which is
 * measured before and after in the same run, and what a run of it allocates on the heap. Takes
 * JMH's own arguments.
 */
public final class Figures {

  private Figures() {}

  /** Runs the benchmarks that the arguments choose, all without any. */
  public static void main(String[] args) throws RunnerException, CommandLineOptionException {
    Optional<DeviceLimits> before = measure();
    Collection<RunResult> results =
        new Runner(
                new OptionsBuilder()
                    .parent(new CommandLineOptions(args))
                    .addProfiler(GCProfiler.class)
                    .jvmArgsPrepend(
                        "--add-modules=jdk.incubator.vector", "--enable-native-access=ALL-UNNAMED")
                    .build())
            .run();
    Optional<DeviceLimits> limits =
        before.flatMap(first -> measure().map(second -> better(first, second)));
    limits.ifPresent(limit ->
        System.out.printf(
            Locale.ROOT,
            "%nlimits of the machine: %.1f GFLOP/s f32, %.1f GB/s read%n%n",
            limit.flopsPerSecond() / 1e9,
            limit.bytesPerSecond() / 1e9));
    for (RunResult result : results) {
      print(result, limits);
    }
  }

  private static Optional<DeviceLimits> measure() {
    try (Backend backend = Backends.find().open(null, BackendOptions.DEFAULT)) {
      return backend.measureLimits();
    }
  }

  private static DeviceLimits better(DeviceLimits a, DeviceLimits b) {
    return new DeviceLimits(
        Math.max(a.flopsPerSecond(), b.flopsPerSecond()),
        Math.max(a.bytesPerSecond(), b.bytesPerSecond()));
  }

  private static void print(RunResult run, Optional<DeviceLimits> limits) {
    StringBuilder name = new StringBuilder(run.getParams().getBenchmark());
    name.delete(0, name.lastIndexOf(".", name.lastIndexOf(".") - 1) + 1);
    run.getParams()
        .getParamsKeys()
        .forEach(key -> name.append(' ').append(run.getParams().getParam(key)));
    Result<?> primary = run.getPrimaryResult();
    System.out.printf(
        Locale.ROOT,
        "%-48s %12.1f %s%s%s%s%n",
        name,
        primary.getScore(),
        primary.getScoreUnit(),
        rate(run, "flops", "GFLOP/s", limits.map(DeviceLimits::flopsPerSecond)),
        rate(run, "bytes", "GB/s", limits.map(DeviceLimits::bytesPerSecond)),
        allocation(run));
  }

  private static String allocation(RunResult run) {
    Result<?> bytes = run.getSecondaryResults().get("gc.alloc.rate.norm");
    return bytes == null
        ? ""
        : String.format(Locale.ROOT, "  %,.0f bytes allocated a run", bytes.getScore());
  }

  /** Time per counted thing, as JMH gives it in its average mode, turned into things per second. */
  private static String rate(RunResult run, String counter, String unit, Optional<Double> limit) {
    Result<?> result = run.getSecondaryResults().get(counter);
    if (result == null || !(result.getScore() > 0) || Double.isInfinite(result.getScore())) {
      return "";
    }
    double unitsPerSecond = 1e9 / run.getParams().getTimeUnit().toNanos(1);
    double perSecond = unitsPerSecond / result.getScore();
    return String.format(Locale.ROOT, "  %8.1f %s", perSecond / 1e9, unit)
        + limit
            .map(most -> String.format(Locale.ROOT, " (%.0f %%)", 100 * perSecond / most))
            .orElse("");
  }
}
