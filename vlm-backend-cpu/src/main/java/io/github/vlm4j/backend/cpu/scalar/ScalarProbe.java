package io.github.vlm4j.backend.cpu.scalar;

import io.github.vlm4j.backend.cpu.kernel.Probe;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** The limits of plain Java loops. */
final class ScalarProbe implements Probe {

  private static final int SUMS = 4;

  @Override
  public long multiplyAndAdd(int rounds, float[] sink) {
    float b = sink[0] + 1e-6f;
    float s0 = b;
    float s1 = b + 1;
    float s2 = b + 2;
    float s3 = b + 3;
    for (int i = 0; i < rounds; i++) {
      s0 = s0 * 0.999f + b;
      s1 = s1 * 0.999f + b;
      s2 = s2 * 0.999f + b;
      s3 = s3 * 0.999f + b;
    }
    sink[0] = (s0 + s1 + s2 + s3) * 1e-9f;
    return 2L * SUMS * rounds;
  }

  @Override
  public int read(MemorySegment data) {
    long sum = 0;
    for (long at = 0; at < data.byteSize(); at += 8) {
      sum += data.get(ValueLayout.JAVA_LONG_UNALIGNED, at);
    }
    return (int) (sum ^ sum >>> 32);
  }
}
