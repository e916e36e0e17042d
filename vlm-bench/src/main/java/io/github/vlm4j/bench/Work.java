package io.github.vlm4j.bench;

import org.openjdk.jmh.annotations.AuxCounters;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/**
 * What a benchmark did, counted so that JMH reports it per second: multiplications and additions,
 * and bytes that have to come from memory.
 */
@AuxCounters(AuxCounters.Type.OPERATIONS)
@State(Scope.Thread)
public class Work {

  /** The multiplications and additions so far. */
  public double flops;

  /** The bytes read so far. */
  public double bytes;

  /** Starts counting anew. */
  @Setup(Level.Iteration)
  public void reset() {
    flops = 0;
    bytes = 0;
  }
}
