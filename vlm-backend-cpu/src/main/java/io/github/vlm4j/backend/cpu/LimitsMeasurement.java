package io.github.vlm4j.backend.cpu;

import io.github.vlm4j.backend.cpu.kernel.Probe;
import io.github.vlm4j.core.backend.DeviceLimits;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/**
 * What the cores can do at best, all workers at once: the best of several short rounds, as whatever
 * else runs on the machine only ever makes a round slower.
 */
final class LimitsMeasurement {

  private static final int ROUNDS = 12;
  private static final int MULTIPLICATIONS = 2_000_000;

  /** Several times what the last-level cache of a large processor gives one core. */
  private static final long BYTES_PER_WORKER = 256L << 20;

  private LimitsMeasurement() {}

  static DeviceLimits measure(Probe probe, Workers workers) {
    return new DeviceLimits(arithmetic(probe, workers), bandwidth(probe, workers));
  }

  private static double arithmetic(Probe probe, Workers workers) {
    AtomicLong flops = new AtomicLong();
    Workers.Task task =
        (part, worker) -> flops.addAndGet(probe.multiplyAndAdd(MULTIPLICATIONS, new float[1]));
    return best(workers, task, flops);
  }

  private static double bandwidth(Probe probe, Workers workers) {
    try (Arena arena = Arena.ofShared()) {
      MemorySegment[] parts = new MemorySegment[workers.size()];
      for (int i = 0; i < parts.length; i++) {
        // Allocating zeroes the pages, so that each is memory of its own.
        parts[i] = arena.allocate(BYTES_PER_WORKER, 64);
      }
      AtomicLong bytes = new AtomicLong();
      AtomicInteger sink = new AtomicInteger();
      Workers.Task task =
          (part, worker) -> {
            sink.addAndGet(probe.read(parts[part]));
            bytes.addAndGet(BYTES_PER_WORKER);
          };
      return best(workers, task, bytes);
    }
  }

  private static double best(Workers workers, Workers.Task task, AtomicLong done) {
    double best = 0;
    for (int round = 0; round < ROUNDS; round++) {
      done.set(0);
      long started = System.nanoTime();
      workers.run(workers.size(), task);
      best = Math.max(best, done.get() * 1e9 / (System.nanoTime() - started));
    }
    return best;
  }
}
