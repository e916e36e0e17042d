package io.github.vlm4j.core.model;

import io.github.vlm4j.core.InputException;
import io.github.vlm4j.core.backend.Backend;
import io.github.vlm4j.core.backend.Buffer;
import io.github.vlm4j.core.backend.Executable;
import io.github.vlm4j.core.graph.GraphBuilder;
import io.github.vlm4j.core.graph.Value;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.tensor.Shape;
import java.util.ArrayList;
import java.util.List;

/**
 * The keys and values of the tokens that a decoder has read, {@code [kvHeads, capacity, headDim]}
 * per layer. It grows by a quarter, so that memory follows the conversation and not the longest one
 * possible.
 */
public final class KvCache implements AutoCloseable {

  private final Backend backend;
  private final DecoderGeometry geometry;
  private final DType dtype;
  private List<Buffer> keys = List.of();
  private List<Buffer> values = List.of();
  private int capacity;
  private int length;

  /** Creates an empty cache in f32 without memory. */
  public KvCache(Backend backend, DecoderGeometry geometry) {
    this(backend, geometry, DType.F32);
  }

  /**
   * Creates an empty cache without memory.
   *
   * @param dtype the type that keys and values are rounded to: F32, F16, BF16 or Q8_0
   * @throws InputException if it is another one, or heads are not a whole number of its blocks
   */
  public KvCache(Backend backend, DecoderGeometry geometry, DType dtype) {
    if (!dtype.isFloat() && dtype != DType.Q8_0) {
      throw new InputException(
          "A cache of keys and values is stored in F32, F16, BF16 or Q8_0, not in " + dtype + ".");
    }
    if (geometry.headDim() % dtype.blockElements() != 0) {
      throw new InputException(
          "A cache in "
              + dtype
              + " needs heads of a multiple of "
              + dtype.blockElements()
              + " numbers, but this model's have "
              + geometry.headDim()
              + "; choose F32, F16 or BF16.");
    }
    this.backend = backend;
    this.geometry = geometry;
    this.dtype = dtype;
  }

  /** Declares a layer's keys in a graph. */
  public static Value keys(GraphBuilder g, int layer, DType dtype, Shape shape) {
    return g.state("cache." + layer + ".keys", dtype, shape);
  }

  /** Declares a layer's values in a graph. */
  public static Value values(GraphBuilder g, int layer, DType dtype, Shape shape) {
    return g.state("cache." + layer + ".values", dtype, shape);
  }

  /** Returns the bytes that a layout takes in all layers. */
  public static long bytes(DecoderGeometry geometry, CacheLayout layout) {
    Shape shape = layout.shape(geometry.keyValueHeads(), geometry.headDim());
    return 2L * geometry.layers() * layout.dtype().bytes(shape.elements());
  }

  /** Returns how it is stored as of now. */
  public CacheLayout layout() {
    return new CacheLayout(dtype, capacity);
  }

  /** Returns the number of tokens read. */
  public int length() {
    return length;
  }

  /** Returns the number of tokens there is room for. */
  public int capacity() {
    return capacity;
  }

  /**
   * Makes room for a number of tokens; what was read is kept. Executables bound before must be
   * compiled for the new {@link #capacity} and bound again.
   *
   * @throws io.github.vlm4j.core.BackendException if there is not enough memory
   */
  public void reserve(int tokens) {
    if (tokens <= capacity) {
      return;
    }
    int wanted =
        (int)
            Math.min(
                Integer.MAX_VALUE,
                Math.max(tokens, Math.min(capacity + capacity / 4L, geometry.contextLength())));
    Shape shape =
        new CacheLayout(dtype, wanted).shape(geometry.keyValueHeads(), geometry.headDim());
    List<Buffer> grown = new ArrayList<>(2 * geometry.layers());
    try {
      for (int i = 0; i < 2 * geometry.layers(); i++) {
        grown.add(backend.allocate(dtype, shape));
        if (length > 0) {
          Buffer old = i < geometry.layers() ? keys.get(i) : values.get(i - geometry.layers());
          grown.get(i).copyRows(old, length);
        }
      }
    } catch (RuntimeException | Error failure) {
      grown.forEach(Buffer::close);
      throw failure;
    }
    release();
    keys = List.copyOf(grown.subList(0, geometry.layers()));
    values = List.copyOf(grown.subList(geometry.layers(), grown.size()));
    capacity = wanted;
  }

  /** Binds every layer's memory to a compiled graph that a decoder of this geometry is in. */
  public void bind(Executable executable) {
    for (int layer = 0; layer < geometry.layers(); layer++) {
      executable.bind("cache." + layer + ".keys", keys.get(layer));
      executable.bind("cache." + layer + ".values", values.get(layer));
    }
  }

  /** Says that a run has written the next tokens' keys and values. */
  public void advance(int tokens) {
    if (tokens < 0 || tokens > capacity - length) {
      throw new IllegalArgumentException(
          tokens + " more tokens than " + length + " do not fit a capacity of " + capacity);
    }
    length += tokens;
  }

  /** Forgets all tokens after the first ones; their memory is kept for others. */
  public void truncate(int tokens) {
    if (tokens < 0 || tokens > length) {
      throw new IllegalArgumentException("Cannot keep " + tokens + " of " + length + " tokens");
    }
    length = tokens;
  }

  /** Frees the memory. */
  @Override
  public void close() {
    release();
    keys = List.of();
    values = List.of();
    capacity = 0;
    length = 0;
  }

  private void release() {
    keys.forEach(Buffer::close);
    values.forEach(Buffer::close);
  }
}
