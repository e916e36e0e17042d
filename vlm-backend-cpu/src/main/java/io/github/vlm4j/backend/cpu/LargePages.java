package io.github.vlm4j.backend.cpu;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.github.vlm4j.core.graph.Graph;
import io.github.vlm4j.core.graph.Op;
import io.github.vlm4j.core.graph.Value;
import io.github.vlm4j.core.weights.Weight;
import io.github.vlm4j.core.weights.WeightSource;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * Asks Linux to read mapped weights from the disk in large pages (madvise(2), {@code
 * MADV_HUGEPAGE}). It reads 128 KiB ahead of its own accord, at a third of a fast disk's speed, and
 * what it has read so stays in small pages, each of which has to be found again by every process
 * that maps the file. What is in memory already stays as it is.
 */
final class LargePages {

  /** For less, linking a call of the system takes longer than what it saves. */
  private static final long LEAST_BYTES = 64L << 20;

  /** Small pages are of 4, 16 or 64 KiB, and a range has to begin with one. */
  private static final long SMALLEST_PAGE = 4 << 10;

  private static final long LARGEST_SMALL_PAGE = 64 << 10;

  private static final int MADV_HUGEPAGE = 14;

  /** The call of the system, which is linked when it is first asked for. */
  private static final class Linked {
    static final Optional<MethodHandle> MADVISE = madvise();
  }

  private LargePages() {}

  /** Asks for the weights of a graph, as far as they lie in mapped files. */
  static void askFor(Graph graph, WeightSource weights) {
    List<MemorySegment> mapped = new ArrayList<>();
    long bytes = 0;
    for (Value value : graph.values()) {
      if (value.op() instanceof Op.Parameter(Weight weight)) {
        MemorySegment data = weights.tensor(weight.name()).data();
        if (data.isMapped()) {
          mapped.add(data);
          bytes += data.byteSize();
        }
      }
    }
    if (bytes >= LEAST_BYTES) {
      mapped.sort(Comparator.comparingLong(MemorySegment::address));
      Linked.MADVISE.ifPresent(madvise -> askFor(mapped, madvise));
    }
  }

  /**
   * Asks for neighbours at once, and for what is between them, which may share a page with them.
   */
  private static void askFor(List<MemorySegment> sorted, MethodHandle madvise) {
    long from = sorted.getFirst().address();
    long to = from;
    for (MemorySegment data : sorted) {
      if (data.address() > to + LARGEST_SMALL_PAGE) {
        ask(madvise, from, to);
        from = data.address();
      }
      to = Math.max(to, data.address() + data.byteSize());
    }
    ask(madvise, from, to);
  }

  @SuppressWarnings("restricted") // the flag for native access is looked at first
  private static Optional<MethodHandle> madvise() {
    boolean linux = System.getProperty("os.name", "").toLowerCase(Locale.ROOT).equals("linux");
    if (!linux || !LargePages.class.getModule().isNativeAccessEnabled()) {
      return Optional.empty();
    }
    Linker linker = Linker.nativeLinker();
    FunctionDescriptor descriptor = FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT);
    return linker
        .defaultLookup()
        .find("madvise")
        .map(symbol -> linker.downcallHandle(symbol, descriptor));
  }

  /** Asks for a range; that it is refused is of no account. */
  private static void ask(MethodHandle madvise, long from, long to) {
    for (long page = SMALLEST_PAGE; page <= LARGEST_SMALL_PAGE; page *= 4) {
      long begin = from - from % page;
      if (accepted(madvise, begin, to - begin)) {
        return;
      }
    }
  }

  private static boolean accepted(MethodHandle madvise, long address, long bytes) {
    try {
      return (int) madvise.invokeExact(MemorySegment.ofAddress(address), bytes, MADV_HUGEPAGE) == 0;
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }
}
