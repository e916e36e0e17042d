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

  /** The sizes of small pages that there are, at one of which a range has to begin. */
  private static final long[] SMALL_PAGES = {4 << 10, 16 << 10, 64 << 10};

  private static final int MADV_HUGEPAGE = 14;

  /** The call of the system, which is linked when it is first asked for. */
  private static final class Linked {
    static final Optional<MethodHandle> MADVISE = madvise();
  }

  private LargePages() {}

  /**
   * Asks for the weights of a graph, as far as they lie in mapped files. All of them are asked for,
   * as a small one between two others would leave the page that they share a small one.
   */
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
      Linked.MADVISE.ifPresent(madvise -> mapped.forEach(data -> ask(madvise, data)));
    }
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

  /** Asks for some weights; that it is refused is of no account. */
  private static void ask(MethodHandle madvise, MemorySegment weights) {
    for (long page : SMALL_PAGES) {
      long before = weights.address() % page;
      if (accepted(madvise, weights.address() - before, weights.byteSize() + before)) {
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
