package io.github.vlm4j.backend.cpu.vector;

import io.github.vlm4j.backend.cpu.kernel.Probe;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/** The limits of vector arithmetic and of reading memory by vectors. */
final class VectorProbe implements Probe {

  private static final VectorSpecies<Float> F = Lanes.F32;
  private static final VectorSpecies<Integer> I = Lanes.I32;
  private static final int L = Lanes.COUNT;
  private static final ByteOrder ORDER = ByteOrder.LITTLE_ENDIAN;

  /** As many sums as hide the latency of two units of four or five cycles. */
  private static final int SUMS = 10;

  @Override
  public long multiplyAndAdd(int rounds, float[] sink) {
    float[] sums = new float[SUMS * L];
    loop(rounds, sums);
    for (float sum : sums) {
      sink[0] += sum;
    }
    return 2L * SUMS * L * rounds;
  }

  /** Alone in its method, with sums from and to memory: otherwise C2 may spill one of them. */
  private static void loop(int rounds, float[] sums) {
    FloatVector a = FloatVector.broadcast(F, 1e-6f);
    FloatVector b = FloatVector.broadcast(F, 1e-3f);
    FloatVector s0 = FloatVector.fromArray(F, sums, 0 * L);
    FloatVector s1 = FloatVector.fromArray(F, sums, 1 * L);
    FloatVector s2 = FloatVector.fromArray(F, sums, 2 * L);
    FloatVector s3 = FloatVector.fromArray(F, sums, 3 * L);
    FloatVector s4 = FloatVector.fromArray(F, sums, 4 * L);
    FloatVector s5 = FloatVector.fromArray(F, sums, 5 * L);
    FloatVector s6 = FloatVector.fromArray(F, sums, 6 * L);
    FloatVector s7 = FloatVector.fromArray(F, sums, 7 * L);
    FloatVector s8 = FloatVector.fromArray(F, sums, 8 * L);
    FloatVector s9 = FloatVector.fromArray(F, sums, 9 * L);
    for (int i = 0; i < rounds; i++) {
      s0 = a.fma(b, s0);
      s1 = a.fma(b, s1);
      s2 = a.fma(b, s2);
      s3 = a.fma(b, s3);
      s4 = a.fma(b, s4);
      s5 = a.fma(b, s5);
      s6 = a.fma(b, s6);
      s7 = a.fma(b, s7);
      s8 = a.fma(b, s8);
      s9 = a.fma(b, s9);
    }
    s0.intoArray(sums, 0 * L);
    s1.intoArray(sums, 1 * L);
    s2.intoArray(sums, 2 * L);
    s3.intoArray(sums, 3 * L);
    s4.intoArray(sums, 4 * L);
    s5.intoArray(sums, 5 * L);
    s6.intoArray(sums, 6 * L);
    s7.intoArray(sums, 7 * L);
    s8.intoArray(sums, 8 * L);
    s9.intoArray(sums, 9 * L);
  }

  @Override
  public int read(MemorySegment data) {
    IntVector s0 = IntVector.zero(I);
    IntVector s1 = s0;
    IntVector s2 = s0;
    IntVector s3 = s0;
    int step = L * 4;
    for (long at = 0; at < data.byteSize(); at += 4L * step) {
      s0 = s0.add(IntVector.fromMemorySegment(I, data, at, ORDER));
      s1 = s1.add(IntVector.fromMemorySegment(I, data, at + step, ORDER));
      s2 = s2.add(IntVector.fromMemorySegment(I, data, at + 2L * step, ORDER));
      s3 = s3.add(IntVector.fromMemorySegment(I, data, at + 3L * step, ORDER));
    }
    return s0.add(s1).add(s2.add(s3)).reduceLanes(VectorOperators.ADD);
  }
}
