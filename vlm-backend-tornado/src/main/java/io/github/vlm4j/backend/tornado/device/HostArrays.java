package io.github.vlm4j.backend.tornado.device;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.EnumMap;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import uk.ac.manchester.tornado.api.types.arrays.ByteArray;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.arrays.ShortArray;
import uk.ac.manchester.tornado.api.types.arrays.TornadoNativeArray;

/**
 * The arrays by which TornadoVM knows what lies on the device: the heaps, which stay there, and
 * small ones that go there or come back with a launch. The heaps' memory on the host is freed with
 * their arenas, as it is too much to wait for the garbage collector.
 */
record HostArrays(
    FloatArray floats,
    ShortArray shorts,
    ByteArray bytes,
    IntArray ints,
    Staged staged,
    Map<HeapKind, Arena> arenas) {

  /** The elements of the small arrays. */
  static final int FEW = 1 << 12;

  static final int MANY = 1 << 20;

  /** Allocates zeroed heaps. */
  static HostArrays allocate(Map<HeapKind, Heap> heaps, Staged staged) {
    Map<HeapKind, Arena> arenas = new EnumMap<>(HeapKind.class);
    return new HostArrays(
        FloatArray.fromSegmentShallow(allocate(HeapKind.FLOATS, heaps, arenas)),
        ShortArray.fromSegmentShallow(allocate(HeapKind.SHORTS, heaps, arenas)),
        ByteArray.fromSegmentShallow(allocate(HeapKind.BYTES, heaps, arenas)),
        IntArray.fromSegmentShallow(allocate(HeapKind.INTS, heaps, arenas)),
        staged,
        arenas);
  }

  /** Returns these arrays with another in the place of one, which is copied to it and freed. */
  HostArrays grown(HeapKind kind, Map<HeapKind, Heap> heaps, boolean copied) {
    Map<HeapKind, Arena> kept = new EnumMap<>(arenas);
    MemorySegment larger = allocate(kind, heaps, kept);
    HostArrays after =
        new HostArrays(
            kind == HeapKind.FLOATS ? FloatArray.fromSegmentShallow(larger) : floats,
            kind == HeapKind.SHORTS ? ShortArray.fromSegmentShallow(larger) : shorts,
            kind == HeapKind.BYTES ? ByteArray.fromSegmentShallow(larger) : bytes,
            kind == HeapKind.INTS ? IntArray.fromSegmentShallow(larger) : ints,
            staged,
            kept);
    if (copied) {
      MemorySegment from = heap(kind);
      MemorySegment.copy(from, 0, after.heap(kind), 0, from.byteSize());
    }
    free(kind);
    return after;
  }

  /** Returns whether there are matrices for a library. */
  boolean hasLibrary() {
    return staged.product() != null;
  }

  /** Returns the matrices for a library. */
  LibraryProduct product() {
    return Objects.requireNonNull(staged.product());
  }

  /** Frees the heaps' memory on the host. */
  void free() {
    arenas.keySet().forEach(this::free);
  }

  private void free(HeapKind kind) {
    Arena arena = arenas.get(kind);
    if (arena != null) {
      arena.close();
    }
  }

  private MemorySegment heap(HeapKind kind) {
    return switch (kind) {
      case FLOATS -> floats.getSegment();
      case SHORTS -> shorts.getSegment();
      case BYTES -> bytes.getSegment();
      case INTS -> ints.getSegment();
    };
  }

  private static MemorySegment allocate(
      HeapKind kind, Map<HeapKind, Heap> heaps, Map<HeapKind, Arena> arenas) {
    Arena arena = Arena.ofShared();
    arenas.put(kind, arena);
    long bytes = (long) Objects.requireNonNull(heaps.get(kind)).capacity() * kind.bytes();
    return arena.allocate(bytes + TornadoNativeArray.ARRAY_HEADER, 64);
  }

  /**
   * Small arrays, of few or of many elements; those of results have one more, for the ticket of the
   * launch that wrote them. Beside them the matrices for a library, if there is one.
   */
  record Staged(
      FloatArray fewFloats,
      FloatArray manyFloats,
      ShortArray shorts,
      ByteArray bytes,
      IntArray fewInts,
      IntArray manyInts,
      FloatArray fewResults,
      FloatArray manyResults,
      @Nullable LibraryProduct product) {

    static Staged create(@Nullable LibraryProduct product) {
      return new Staged(
          new FloatArray(FEW),
          new FloatArray(MANY),
          new ShortArray(MANY),
          new ByteArray(MANY),
          new IntArray(FEW),
          new IntArray(MANY),
          new FloatArray(FEW + 1),
          new FloatArray(MANY + 1),
          product);
    }
  }
}
