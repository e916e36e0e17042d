package io.github.vlm4j.backend.tornado.device;

import io.github.vlm4j.backend.tornado.device.kernels.Parts;
import io.github.vlm4j.core.backend.OpProfile;
import io.github.vlm4j.core.graph.Op;
import io.github.vlm4j.core.graph.Value;
import java.util.List;
import java.util.function.IntSupplier;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * One launch of a kernel in every run of a graph.
 *
 * @param values what it computes, or takes part in computing
 * @param kernel what runs
 * @param ofGroups whether the units of its parts are work-groups, not threads
 * @param parts what it does side by side; one, of kernels that take no parts
 * @param reads what it reads of what is computed on the device
 * @param writes what it writes
 */
record Launch(
    List<Value> values,
    Kernel kernel,
    boolean ofGroups,
    List<Part> parts,
    List<Span> reads,
    List<Span> writes) {

  /**
   * A part.
   *
   * @param units how many threads, or how many work-groups
   * @param parameters what the kernel is told, but for the number of units
   */
  record Part(int units, IntSupplier[] parameters) {}

  /** The units of a launch are fewer than this. */
  private static final long MOST_UNITS = 1 << 30;

  /** Runs the kernel. */
  void run(DeviceMemory memory) {
    Part first = parts.getFirst();
    if (kernel.takesParts()) {
      int units = parts.stream().mapToInt(Part::units).sum();
      int groups = ofGroups ? units : Math.ceilDiv(units, kernel.groupSize());
      memory.launchGroups(kernel, groups, parametersOfParts());
    } else if (ofGroups) {
      memory.launchGroups(kernel, first.units, parameters(first));
    } else {
      memory.launch(kernel, first.units, parameters(first));
    }
  }

  /** Runs the kernel; of the time, each operation gets a share by the numbers it handles. */
  void run(DeviceMemory memory, OpProfile profile) {
    long start = System.nanoTime();
    run(memory);
    long nanos = System.nanoTime() - start;
    double all = values.stream().mapToDouble(Launch::numbers).sum();
    for (Value value : values) {
      profile.computed(value, Math.round(nanos * numbers(value) / all));
    }
  }

  private static double numbers(Value value) {
    Value largest = value.op() instanceof Op.Linear ? value.operands().get(1) : value;
    return 1 + largest.shape().elements();
  }

  private static int[] parameters(Part part) {
    int[] values = new int[part.parameters.length];
    for (int i = 0; i < values.length; i++) {
      values[i] = part.parameters[i].getAsInt();
    }
    return values;
  }

  private int[] parametersOfParts() {
    Part first = parts.getFirst();
    int[] values = new int[Parts.SIZE * Parts.MOST];
    for (int i = 0; i < Parts.MOST; i++) {
      boolean present = i < parts.size();
      // Threads to spare read the parameters of a part, too, and compilers let them divide by
      // those.
      Part part = present ? parts.get(i) : first;
      int[] own = parameters(part);
      System.arraycopy(own, 0, values, i * Parts.SIZE + (ofGroups ? 0 : 1), own.length);
      values[i * Parts.SIZE + (ofGroups ? Parts.GROUPS : Parts.THREADS)] = present ? part.units : 0;
    }
    return values;
  }

  /**
   * Returns one launch of this and of the next, if neither needs to wait for the other: the same
   * kernel, which does not read or write what this one writes, nor write what this one reads.
   */
  @Nullable Launch with(Launch next) {
    if (kernel != next.kernel
        || !kernel.takesParts()
        || parts.size() + next.parts.size() > Parts.MOST) {
      return null;
    }
    Launch both =
        new Launch(
            concat(values, next.values),
            kernel,
            ofGroups,
            concat(parts, next.parts),
            concat(reads, next.reads),
            concat(writes, next.writes));
    boolean waits =
        next.reads.stream().anyMatch(meetsAny(writes))
            || next.writes.stream().anyMatch(meetsAny(writes))
            || next.writes.stream().anyMatch(meetsAny(reads));
    return waits || both.parts.stream().mapToLong(Part::units).sum() >= MOST_UNITS ? null : both;
  }

  private static Predicate<Span> meetsAny(List<Span> others) {
    return span -> others.stream().anyMatch(span::meets);
  }

  private static <T> List<T> concat(List<T> a, List<T> b) {
    return Stream.concat(a.stream(), b.stream()).toList();
  }

  /**
   * Returns one launch of this, if it adds two values of the same shape, and of the next, if it
   * norms the rows of the sum, and no norm is written over what another row is added from.
   */
  @Nullable Launch normed(Launch next) {
    if (kernel != Kernel.PAIRWISE || !next.kernel.norms() || next.parts.size() != 1) {
      return null;
    }
    Value sum = values.getFirst();
    Value norm = next.values.getFirst();
    int count = Program.elements(sum);
    IntSupplier[] added = parts.getFirst().parameters;
    IntSupplier[] own = next.parts.getFirst().parameters;
    boolean follows =
        sum.op() instanceof Op.Add
            && sum.operands().get(1).shape().elements() == count
            && norm.shape().elements() == count
            && own[0].equals(added[3]);
    boolean apart =
        Program.rows(norm) == 1
            || Stream.of(added[0], added[1])
                .map(place -> new Span((Place) place, count))
                .allMatch(next.writes.getFirst()::isInPlaceOrApartFrom);
    if (!follows || !apart) {
      return null;
    }
    IntSupplier[] both = own.clone();
    both[0] = added[0];
    both[5] = added[1];
    both[6] = added[3];
    return new Launch(
        concat(values, next.values),
        next.kernel,
        next.ofGroups,
        List.of(new Part(next.parts.getFirst().units, both)),
        reads,
        concat(writes, next.writes));
  }
}
