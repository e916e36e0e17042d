package io.github.vlm4j.backend.cpu.emitted;

import io.github.vlm4j.backend.cpu.kernel.ElementLoops;
import io.github.vlm4j.backend.cpu.kernel.Matrix;
import io.github.vlm4j.core.graph.Activation;
import io.github.vlm4j.core.graph.RopePairing;
import io.github.vlm4j.core.tensor.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.Arrays;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Objects;
import java.util.function.ToIntFunction;

/**
 * Operations by element or row with {@link ElementCode} and {@link NormCode}, where there are
 * enough elements for a call, and with other loops elsewhere. What the Vector API's form computes
 * they compute to the last bit, without having to be compiled first: the first picture and the
 * first long prompt of a process take little more than half the time.
 */
final class FloatElements implements ElementLoops {

  /**
   * Fewer elements take less time without a call, but for those that take dozens of instructions.
   */
  static final int LEAST = 1 << 10;

  /** The types of numbers that are read one by one, in the order of the functions for them. */
  private static final List<DType> STORED = List.of(DType.F32, DType.F16, DType.BF16);

  /** More arrays than an executable has are not kept. */
  private static final int MOST_KEPT = 1 << 12;

  private final Functions functions;
  private final ElementLoops others;
  private final int mostKept;

  /** The arrays that were given so far as native functions are given them; never changed. */
  private volatile IdentityHashMap<float[], MemorySegment> kept = new IdentityHashMap<>();

  private FloatElements(Functions functions, ElementLoops others, int mostKept) {
    this.functions = functions;
    this.others = others;
    this.mostKept = mostKept;
  }

  /**
   * Makes the code.
   *
   * @param tile says how long vectors are
   * @param others what computes where there are too few elements, or not whole vectors of them
   * @param arena how long it lives
   * @throws ExecutableMemory.Refused if the system does not allow that
   */
  static FloatElements make(FloatTile tile, ElementLoops others, Arena arena) {
    return new FloatElements(Functions.make(tile, arena), others, 0);
  }

  /**
   * Returns the same for one executable, which has few arrays: it holds on to those that it is
   * given, so that a call makes no new objects.
   *
   * @param loops what computes where there are too few elements, or not whole vectors of them
   */
  FloatElements over(ElementLoops loops) {
    return new FloatElements(functions, loops, MOST_KEPT);
  }

  /**
   * The functions, those of activations in the order of {@link Activation}.
   *
   * @param lanes the floats of a vector
   * @param constants what they read
   */
  private record Functions(
      int lanes,
      MemorySegment constants,
      MethodHandle add,
      MethodHandle multiply,
      List<MethodHandle> activate,
      List<MethodHandle> gate,
      List<MethodHandle> widen,
      List<MethodHandle> addScaled,
      MethodHandle rmsNorm,
      MethodHandle layerNorm,
      MethodHandle rope) {

    static Functions make(FloatTile tile, Arena arena) {
      Assembler assembler = new Assembler();
      CallingConvention convention = CallingConvention.ofThisSystem();
      ElementCode code = new ElementCode(assembler, convention, tile);
      NormCode norms = new NormCode(assembler, convention, tile);
      int add = code.pairs(FloatOp.ADD);
      int multiply = code.pairs(FloatOp.MULTIPLY);
      int rmsNorm = norms.rmsNorm();
      int layerNorm = norms.layerNorm();
      int rope = code.rope();
      List<Integer> activate = all(code::activate);
      List<Integer> gate = all(code::gate);
      List<Integer> widen = STORED.stream().map(code::widen).toList();
      List<Integer> addScaled = STORED.stream().map(code::addScaled).toList();
      ExecutableMemory memory = ExecutableMemory.of(assembler.code(), arena);
      return new Functions(
          tile.lanes(),
          ElementConstant.table(arena),
          function(memory, add),
          function(memory, multiply),
          functions(memory, activate),
          functions(memory, gate),
          functions(memory, widen),
          functions(memory, addScaled),
          function(memory, rmsNorm),
          function(memory, layerNorm),
          function(memory, rope));
    }

    private static List<Integer> all(ToIntFunction<Activation> code) {
      return Arrays.stream(Activation.values()).map(code::applyAsInt).toList();
    }

    private static MethodHandle function(ExecutableMemory memory, int at) {
      return memory.function(at, ElementFrame.ARGUMENTS);
    }

    private static List<MethodHandle> functions(ExecutableMemory memory, List<Integer> at) {
      return at.stream().map(begin -> function(memory, begin)).toList();
    }

    /** Returns whether rows are computed by a call. */
    boolean takes(int rows, int columns) {
      return columns % lanes == 0 && (long) rows * columns >= LEAST;
    }
  }

  @Override
  public void decodeRows(Matrix table, int row, int rows, float[] y, int yAt) {
    int n = Math.multiplyExact(rows, table.columns());
    int type = STORED.indexOf(table.dtype());
    if (type < 0 || !functions.takes(1, n)) {
      others.decodeRows(table, row, rows, y, yAt);
      return;
    }
    stored(functions.widen.get(type), table, row, n, 0, y, yAt);
  }

  @Override
  public void addScaledRow(Matrix table, int row, float scale, float[] y, int yAt) {
    int n = table.columns();
    int type = STORED.indexOf(table.dtype());
    if (type < 0 || !functions.takes(1, n)) {
      others.addScaledRow(table, row, scale, y, yAt);
      return;
    }
    long factor = Float.floatToRawIntBits(scale);
    stored(functions.addScaled.get(type), table, row, n, factor, y, yAt);
  }

  private void stored(
      MethodHandle function, Matrix table, int row, int n, long factor, float[] y, int yAt) {
    long at = table.rowOffset(row);
    Objects.checkFromIndexSize(at, table.dtype().bytes(n), table.data().byteSize());
    Objects.checkFromIndexSize(yAt, n, y.length);
    call(function, table.data(), at, y, 0, y, 0, y, yAt, n, 1, factor, 0);
  }

  @Override
  public void add(float[] a, int aAt, float[] b, int bAt, float[] y, int yAt, int n) {
    if (n < LEAST) {
      others.add(a, aAt, b, bAt, y, yAt, n);
      return;
    }
    elements(functions.add, a, aAt, b, bAt, y, yAt, n);
  }

  @Override
  public void multiply(float[] a, int aAt, float[] b, int bAt, float[] y, int yAt, int n) {
    if (n < LEAST) {
      others.multiply(a, aAt, b, bAt, y, yAt, n);
      return;
    }
    elements(functions.multiply, a, aAt, b, bAt, y, yAt, n);
  }

  @Override
  public void activate(Activation activation, float[] x, int xAt, float[] y, int yAt, int n) {
    elements(functions.activate.get(activation.ordinal()), x, xAt, x, xAt, y, yAt, n);
  }

  @Override
  public void gate(
      Activation activation,
      float[] gate,
      int gateAt,
      float[] up,
      int upAt,
      float[] y,
      int yAt,
      int n) {
    elements(functions.gate.get(activation.ordinal()), gate, gateAt, up, upAt, y, yAt, n);
  }

  private void elements(
      MethodHandle function, float[] a, int aAt, float[] b, int bAt, float[] y, int yAt, int n) {
    Objects.checkFromIndexSize(aAt, n, a.length);
    Objects.checkFromIndexSize(bAt, n, b.length);
    Objects.checkFromIndexSize(yAt, n, y.length);
    int rest = n % functions.lanes;
    long lanes = (1L << rest) - 1;
    call(function, segment(a), bytes(aAt), b, bAt, b, bAt, y, yAt, n - rest, 1, lanes, 0);
  }

  @Override
  public void rmsNorm(
      float[] x, int xAt, float[] weight, float eps, float[] y, int yAt, int rows, int n) {
    if (!functions.takes(rows, n)) {
      others.rmsNorm(x, xAt, weight, eps, y, yAt, rows, n);
      return;
    }
    norm(functions.rmsNorm, x, xAt, weight, weight, eps, y, yAt, rows, n);
  }

  @Override
  public void layerNorm(
      float[] x,
      int xAt,
      float[] weight,
      float[] bias,
      float eps,
      float[] y,
      int yAt,
      int rows,
      int n) {
    if (!functions.takes(rows, n)) {
      others.layerNorm(x, xAt, weight, bias, eps, y, yAt, rows, n);
      return;
    }
    norm(functions.layerNorm, x, xAt, weight, bias, eps, y, yAt, rows, n);
  }

  private void norm(
      MethodHandle function,
      float[] x,
      int xAt,
      float[] weight,
      float[] bias,
      float eps,
      float[] y,
      int yAt,
      int rows,
      int n) {
    int elements = Math.multiplyExact(rows, n);
    Objects.checkFromIndexSize(xAt, elements, x.length);
    Objects.checkFromIndexSize(yAt, elements, y.length);
    Objects.checkFromIndexSize(0, n, weight.length);
    Objects.checkFromIndexSize(0, n, bias.length);
    long divisor = Float.floatToRawIntBits(n);
    long added = Double.doubleToRawLongBits(eps);
    call(function, segment(x), bytes(xAt), weight, 0, bias, 0, y, yAt, n, rows, divisor, added);
  }

  @Override
  public void rope(
      RopePairing pairing,
      float[] x,
      int xAt,
      float[] cos,
      int cosAt,
      float[] sin,
      int sinAt,
      int r,
      float[] y,
      int yAt,
      int heads,
      int headDim) {
    if (pairing != RopePairing.HALVES || 2 * r != headDim || !functions.takes(2 * heads, r)) {
      others.rope(pairing, x, xAt, cos, cosAt, sin, sinAt, r, y, yAt, heads, headDim);
      return;
    }
    int elements = Math.multiplyExact(heads, headDim);
    Objects.checkFromIndexSize(xAt, elements, x.length);
    Objects.checkFromIndexSize(yAt, elements, y.length);
    Objects.checkFromIndexSize(cosAt, r, cos.length);
    Objects.checkFromIndexSize(sinAt, r, sin.length);
    call(functions.rope, segment(x), bytes(xAt), cos, cosAt, sin, sinAt, y, yAt, r, heads, 0, 0);
  }

  private void call(
      MethodHandle function,
      MemorySegment a,
      long aAt,
      float[] b,
      int bAt,
      float[] c,
      int cAt,
      float[] y,
      int yAt,
      int columns,
      int rows,
      long first,
      long second) {
    try {
      function.invokeExact(
          a,
          aAt,
          segment(b),
          bytes(bAt),
          segment(c),
          bytes(cAt),
          segment(y),
          bytes(yAt),
          bytes(columns),
          (long) rows,
          first,
          second,
          functions.constants);
    } catch (Throwable e) {
      throw Calls.failed(e);
    }
  }

  private MemorySegment segment(float[] array) {
    MemorySegment known = kept.get(array);
    return known == null ? keep(array) : known;
  }

  private synchronized MemorySegment keep(float[] array) {
    MemorySegment segment = MemorySegment.ofArray(array);
    if (kept.size() < mostKept) {
      IdentityHashMap<float[], MemorySegment> more = new IdentityHashMap<>(kept);
      more.put(array, segment);
      kept = more;
    }
    return segment;
  }

  private static long bytes(int floats) {
    return (long) Float.BYTES * floats;
  }
}
