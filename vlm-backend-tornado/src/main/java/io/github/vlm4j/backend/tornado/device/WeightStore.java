package io.github.vlm4j.backend.tornado.device;

import io.github.vlm4j.backend.tornado.device.StoredMatrix.Format;
import io.github.vlm4j.core.BackendException;
import io.github.vlm4j.core.ModelException;
import io.github.vlm4j.core.graph.Graph;
import io.github.vlm4j.core.graph.Op;
import io.github.vlm4j.core.graph.Value;
import io.github.vlm4j.core.quant.BlockCodec;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.tensor.Tensor;
import io.github.vlm4j.core.weights.Weight;
import io.github.vlm4j.core.weights.WeightSource;
import java.lang.foreign.MemorySegment;
import java.lang.ref.ReferenceQueue;
import java.lang.ref.WeakReference;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The parameters of models on the device, each stored tensor once for all graphs. They stay until
 * nobody holds the source that they came from any more.
 */
final class WeightStore {

  /** How a tensor is wanted. */
  private enum Form {
    STORED,
    AS_FLOATS,
    TRANSPOSED,
    TRANSPOSED_FLOATS
  }

  private record Key(String name, Form form, long from, long rows) {}

  private record Stored(StoredMatrix matrix, List<Region> regions) {}

  /** The parameters of one source, which they do not keep from being collected. */
  private static final class OfSource extends WeakReference<WeightSource> {

    private final Map<Key, Stored> stored = new HashMap<>();
    private final int identity;

    OfSource(WeightSource source, ReferenceQueue<WeightSource> queue) {
      super(source, queue);
      this.identity = System.identityHashCode(source);
    }

    boolean is(WeightSource source) {
      return identity == System.identityHashCode(source) && refersTo(source);
    }
  }

  /** Says what a device reads otherwise than it is stored. */
  @FunctionalInterface
  interface Proof {
    @Nullable String misreading(DeviceMemory memory, StoredMatrix matrix, Tensor tensor);
  }

  private static final Logger LOG = LoggerFactory.getLogger(WeightStore.class);

  private final DeviceMemory memory;
  private final PowersOfTwo powers;
  private final Proof proof;
  private final ReferenceQueue<WeightSource> collected = new ReferenceQueue<>();
  private final Set<DType> tried = EnumSet.noneOf(DType.class);
  private final Set<DType> misread = EnumSet.noneOf(DType.class);
  private final List<OfSource> sources = new ArrayList<>();

  WeightStore(DeviceMemory memory, PowersOfTwo powers) {
    this(memory, powers, TypeProof::misreading);
  }

  WeightStore(DeviceMemory memory, PowersOfTwo powers, Proof proof) {
    this.memory = memory;
    this.powers = powers;
    this.proof = proof;
  }

  /**
   * Makes room for the parameters of a graph that are not on the device yet, so that what does not
   * fit is refused before any of it is sent, and a heap grows once.
   *
   * @throws BackendException if the device has not enough memory
   */
  void reserve(WeightSource source, Graph graph) {
    freeCollected();
    Set<String> known = new HashSet<>();
    of(source).stored.keySet().forEach(key -> known.add(key.name));
    Map<HeapKind, Long> counts = new EnumMap<>(HeapKind.class);
    for (Value value : graph.values()) {
      if (value.op() instanceof Op.Parameter(Weight weight) && known.add(weight.name())) {
        count(checked(source, weight), counts);
      }
    }
    counts.forEach(
        (kind, count) -> memory.release(memory.take(kind, count, "The model of this graph")));
  }

  private static void count(Tensor tensor, Map<HeapKind, Long> counts) {
    long count = tensor.shape().elements() + Heap.ALIGNMENT;
    DType dtype = tensor.dtype();
    if (dtype.isQuantised()) {
      long blocks = count / Blocks.size(dtype) + Heap.ALIGNMENT;
      counts.merge(HeapKind.BYTES, count, Long::sum);
      counts.merge(HeapKind.FLOATS, dtype == DType.Q4_K ? 2 * blocks : blocks, Long::sum);
    } else if (dtype == DType.F32 || tensor.shape().rank() < 2) {
      counts.merge(HeapKind.FLOATS, count, Long::sum);
    } else {
      counts.merge(HeapKind.SHORTS, count, Long::sum);
    }
  }

  /** Returns a parameter in the format that suits its type. */
  StoredMatrix matrix(WeightSource source, Weight weight) {
    return stored(source, weight, Form.STORED);
  }

  /**
   * Returns a parameter as f32.
   *
   * @throws BackendException if it is quantised
   */
  StoredMatrix floats(WeightSource source, Weight weight) {
    if (!weight.dtype().isFloat()) {
      throw new BackendException(
          "The tornado backend cannot compute with the weights "
              + weight
              + "; it takes F32, F16 and BF16, and as matrices also Q8_0, Q4_0, Q4_K and Q6_K.");
    }
    return stored(source, weight, weight.dtype() == DType.F32 ? Form.STORED : Form.AS_FLOATS);
  }

  /** Returns a matrix of any type as f32. */
  StoredMatrix decoded(WeightSource source, Weight weight) {
    return stored(source, weight, weight.dtype() == DType.F32 ? Form.STORED : Form.AS_FLOATS);
  }

  /** Returns a matrix with its rows and columns exchanged, as f32 if that is asked for. */
  StoredMatrix transposed(WeightSource source, Weight weight, boolean asFloats) {
    freeCollected();
    Form form = asFloats ? Form.TRANSPOSED_FLOATS : Form.TRANSPOSED;
    Key key = new Key(weight.name(), form, weight.firstRow(), weight.shape().dim(0));
    return of(source)
        .stored
        .computeIfAbsent(
            key,
            wanted -> {
              Tensor tensor = weight.of(checked(source, weight));
              String what = "The weights " + weight + ", transposed";
              return asFloats || tensor.dtype() == DType.F32 || misread.contains(tensor.dtype())
                  ? floats(exchanged(BlockCodec.floats(tensor), tensor), what)
                  : halves(tensor.dtype(), exchanged(patterns(tensor), tensor), what);
            })
        .matrix;
  }

  private static float[] exchanged(float[] values, Tensor tensor) {
    int rows = (int) tensor.shape().dim(0);
    int columns = (int) tensor.shape().dim(1);
    float[] result = new float[values.length];
    for (int i = 0; i < values.length; i++) {
      result[i % columns * rows + i / columns] = values[i];
    }
    return result;
  }

  private static short[] exchanged(short[] values, Tensor tensor) {
    int rows = (int) tensor.shape().dim(0);
    int columns = (int) tensor.shape().dim(1);
    short[] result = new short[values.length];
    for (int i = 0; i < values.length; i++) {
      result[i % columns * rows + i / columns] = values[i];
    }
    return result;
  }

  private static short[] patterns(Tensor tensor) {
    short[] patterns = new short[Math.toIntExact(tensor.shape().elements())];
    MemorySegment.copy(tensor.data(), Tensor.BITS16, 0, patterns, 0, patterns.length);
    return patterns;
  }

  private StoredMatrix stored(WeightSource source, Weight weight, Form form) {
    freeCollected();
    Map<Key, Stored> stored = of(source).stored;
    Key key = new Key(weight.name(), form, 0, 0);
    Stored found = stored.get(key);
    if (found == null) {
      Tensor tensor = checked(source, weight);
      String what = "The weights " + weight;
      found = store(tensor, misread.contains(tensor.dtype()) ? Form.AS_FLOATS : form, what);
      if (form == Form.STORED
          && tensor.dtype() != DType.F32
          && tried.add(tensor.dtype())
          && isMisread(tensor, found.matrix)) {
        found.regions.forEach(memory::release);
        found = store(tensor, Form.AS_FLOATS, what);
      }
      stored.put(key, found);
    }
    long row =
        weight.shape().rank() == 0
            ? 1
            : weight.shape().elements() / Math.max(1, weight.shape().dim(0));
    return found.matrix.from(weight.firstRow() * row);
  }

  private boolean isMisread(Tensor tensor, StoredMatrix matrix) {
    String misreading = proof.misreading(memory, matrix, tensor);
    if (misreading == null) {
      return false;
    }
    LOG.warn(
        "{} reads {}: weights of this type are kept as f32",
        memory.device().getPhysicalDevice().getDeviceName(),
        misreading);
    misread.add(tensor.dtype());
    return true;
  }

  private Stored store(Tensor tensor, Form form, String what) {
    int count = elements(tensor, what);
    DType dtype = tensor.dtype();
    if (dtype == DType.F32) {
      Region region = memory.take(HeapKind.FLOATS, count, what);
      memory.storeFloats(region.at(), tensor.data(), 0, count);
      return new Stored(new StoredMatrix(Format.FLOATS, region.at(), 0, 0, 0), List.of(region));
    }
    if (form == Form.AS_FLOATS) {
      return floats(BlockCodec.floats(tensor), what);
    }
    return switch (dtype) {
      case F16, BF16 -> halves(dtype, tensor.data(), count, what);
      case Q8_0, Q4_0, Q4_K, Q6_K -> blocks(Blocks.of(tensor), what);
      default ->
          throw new BackendException(
              "The tornado backend cannot compute with " + what + " of " + dtype + ".");
    };
  }

  private Stored floats(float[] values, String what) {
    Region region = memory.take(HeapKind.FLOATS, values.length, what);
    memory.storeFloats(region.at(), MemorySegment.ofArray(values), 0, values.length);
    return new Stored(new StoredMatrix(Format.FLOATS, region.at(), 0, 0, 0), List.of(region));
  }

  private Stored halves(DType dtype, short[] patterns, String what) {
    return halves(dtype, MemorySegment.ofArray(patterns), patterns.length, what);
  }

  private Stored halves(DType dtype, MemorySegment data, int count, String what) {
    Region region = memory.take(HeapKind.SHORTS, count, what);
    memory.storeShorts(region.at(), data, count);
    StoredMatrix matrix =
        new StoredMatrix(
            Format.HALVES, region.at(), powers.at(dtype), PowersOfTwo.mantissas(dtype), 0);
    return new Stored(matrix, List.of(region));
  }

  private Stored blocks(Blocks blocks, String what) {
    Region q = memory.take(HeapKind.BYTES, blocks.q().length, what);
    memory.storeBytes(q.at(), blocks.q());
    Region scales = memory.take(HeapKind.FLOATS, blocks.scales().length, what);
    memory.storeFloats(
        scales.at(), MemorySegment.ofArray(blocks.scales()), 0, blocks.scales().length);
    float[] values = blocks.minima();
    if (values == null) {
      return new Stored(
          new StoredMatrix(Format.BLOCKS, q.at(), scales.at(), -1, blocks.size()),
          List.of(q, scales));
    }
    Region minima = memory.take(HeapKind.FLOATS, values.length, what);
    memory.storeFloats(minima.at(), MemorySegment.ofArray(values), 0, values.length);
    return new Stored(
        new StoredMatrix(Format.BLOCKS, q.at(), scales.at(), minima.at(), blocks.size()),
        List.of(q, scales, minima));
  }

  private static Tensor checked(WeightSource source, Weight weight) {
    Tensor tensor = source.tensor(weight.name());
    long row =
        weight.shape().rank() == 0
            ? 1
            : weight.shape().elements() / Math.max(1, weight.shape().dim(0));
    long needed = weight.firstRow() * row + weight.shape().elements();
    if (tensor.dtype() != weight.dtype() || tensor.shape().elements() < needed) {
      throw new ModelException(
          "The weights of "
              + weight.name()
              + " are "
              + tensor
              + ", but the model was built for "
              + weight
              + ".");
    }
    return tensor;
  }

  private static int elements(Tensor tensor, String what) {
    long count = tensor.shape().elements();
    if (count > Integer.MAX_VALUE - 64) {
      throw new BackendException(
          what + " are too many numbers for the tornado backend: " + count + ".");
    }
    return (int) count;
  }

  private OfSource of(WeightSource source) {
    for (OfSource known : sources) {
      if (known.is(source)) {
        return known;
      }
    }
    OfSource added = new OfSource(source, collected);
    sources.add(added);
    return added;
  }

  private void freeCollected() {
    Object gone = collected.poll();
    while (gone != null) {
      if (gone instanceof OfSource ofSource && sources.remove(ofSource)) {
        ofSource.stored.values().forEach(stored -> stored.regions.forEach(memory::release));
      }
      gone = collected.poll();
    }
  }
}
