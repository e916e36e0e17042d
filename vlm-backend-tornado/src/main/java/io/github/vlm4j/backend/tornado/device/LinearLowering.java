package io.github.vlm4j.backend.tornado.device;

import static io.github.vlm4j.backend.tornado.device.Program.elements;
import static io.github.vlm4j.backend.tornado.device.Program.extent;
import static io.github.vlm4j.backend.tornado.device.Program.fixed;
import static io.github.vlm4j.backend.tornado.device.Program.operand;
import static io.github.vlm4j.backend.tornado.device.Program.rows;

import io.github.vlm4j.backend.tornado.device.LinearShapes.Unit;
import io.github.vlm4j.backend.tornado.device.StoredMatrix.Format;
import io.github.vlm4j.backend.tornado.device.kernels.TiledKernels;
import io.github.vlm4j.core.graph.Activation;
import io.github.vlm4j.core.graph.Op;
import io.github.vlm4j.core.graph.Value;
import io.github.vlm4j.core.tensor.Shape;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntSupplier;
import org.jspecify.annotations.Nullable;

/** Linear layers as launches, in the way that suits the device and the number of rows. */
final class LinearLowering {

  /** The weights that are made f32 at once for products of many rows. */
  private static final int MOST_DECODED = 1 << 23;

  /** The same, for products of a library. */
  private static final int MOST_DECODED_FOR_LIBRARY = 1 << 25;

  private final Program program;
  private final LinearShapes shapes;
  private final @Nullable LibraryProduct product;
  private int decodedNumbers;
  private int decodedAt;

  LinearLowering(Program program, LinearShapes shapes, @Nullable LibraryProduct product) {
    this.program = program;
    this.shapes = shapes;
    this.product = product;
  }

  /** Adds the launches of a linear layer. */
  void add(Value y) {
    StoredMatrix weight = program.leaves().matrix(operand(y, 1));
    switch (shapes.of(rows(y))) {
      case THREAD -> program.add(y, linearKernel(weight), elements(y), parameters(y, y, weight));
      case GROUP -> linearByGroup(y, y, weight, fixed(-1));
      case TILES -> {
        // A gate is activated where it is computed, as what it gates is multiplied by it.
        Activation activation =
            program.fusions().isGate(y)
                    && program.fusions().gated(y).op() instanceof Op.Gate(Activation of)
                ? of
                : null;
        linearByTiles(y, y, weight, null, activation);
      }
    }
  }

  /** Adds a sum of a value and of a linear layer that has no launch of its own. */
  void addWithSum(Value y) {
    int index = program.fusions().isPart(operand(y, 1)) ? 1 : 0;
    Value linear = operand(y, index);
    StoredMatrix weight = program.leaves().matrix(operand(linear, 1));
    linearByGroup(y, linear, weight, program.place(y, 1 - index));
  }

  /** Adds a gated activation with its linear layers. */
  void addGated(Value y, Activation activation) {
    Value gate = operand(y, 0);
    Value up = operand(y, 1);
    StoredMatrix upWeight = program.leaves().matrix(operand(up, 1));
    Unit unit = shapes.of(rows(y));
    if (unit == Unit.TILES) {
      linearByTiles(y, up, upWeight, program.place(gate), null);
      return;
    }
    StoredMatrix gateWeight = program.leaves().matrix(operand(gate, 1));
    List<IntSupplier> all = new ArrayList<>(List.of(parameters(y, gate, gateWeight)));
    all.add(fixed(activation.ordinal()));
    all.addAll(List.of(norm(gate)));
    all.add(bias(up));
    all.add(fixed(upWeight.at()));
    all.add(fixed(upWeight.first()));
    all.add(fixed(upWeight.second()));
    IntSupplier[] parameters = all.toArray(IntSupplier[]::new);
    if (unit == Unit.THREAD) {
      Kernel kernel =
          switch (gateWeight.format()) {
            case FLOATS -> Kernel.GATED_FLOATS;
            case HALVES -> Kernel.GATED_HALVES;
            case BLOCKS -> Kernel.GATED_BLOCKS;
          };
      program.add(y, kernel, elements(y), parameters);
    } else {
      Kernel kernel =
          switch (gateWeight.format()) {
            case FLOATS -> Kernel.GATED_ROW_FLOATS;
            case HALVES -> Kernel.GATED_ROW_HALVES;
            case BLOCKS -> Kernel.GATED_ROW_BLOCKS;
          };
      program.addGroups(y, kernel, elements(y), parameters);
    }
  }

  /** Takes memory for the weights that are made f32; to be called after the last layer. */
  void takeMemory() {
    if (decodedNumbers > 0) {
      decodedAt = program.leaves().take(HeapKind.FLOATS, decodedNumbers, "Weights made f32").at();
    }
  }

  private static Kernel linearKernel(StoredMatrix weight) {
    return switch (weight.format()) {
      case FLOATS -> Kernel.LINEAR_FLOATS;
      case HALVES -> Kernel.LINEAR_HALVES;
      case BLOCKS -> Kernel.LINEAR_BLOCKS;
    };
  }

  /**
   * Adds a linear layer by work-groups.
   *
   * @param y where the result goes
   * @param linear the layer, y itself if nothing is added
   * @param added what is added
   */
  private void linearByGroup(Value y, Value linear, StoredMatrix weight, IntSupplier added) {
    Kernel kernel =
        switch (weight.format()) {
          case FLOATS -> Kernel.ROW_FLOATS;
          case HALVES -> Kernel.ROW_HALVES;
          case BLOCKS -> Kernel.ROW_BLOCKS;
        };
    List<IntSupplier> all = new ArrayList<>(List.of(parameters(y, linear, weight)));
    all.add(added);
    all.addAll(List.of(norm(linear)));
    program.addGroups(y, kernel, elements(y), all.toArray(IntSupplier[]::new));
  }

  /** Returns what all kernels of linear layers are told. */
  private IntSupplier[] parameters(Value y, Value linear, StoredMatrix weight) {
    Shape shape = operand(linear, 1).shape();
    return new IntSupplier[] {
      input(linear),
      program.place(y),
      bias(linear),
      fixed((int) shape.dim(0)),
      fixed((int) shape.dim(1)),
      fixed(weight.at()),
      fixed(weight.first()),
      fixed(weight.second()),
      fixed(weight.third())
    };
  }

  /** Returns where the input lies, before a norm that has no launch of its own. */
  private Place input(Value linear) {
    Value x = operand(linear, 0);
    return program.fusions().isPart(x) ? program.place(x, 0) : program.place(x);
  }

  /** Returns weight and eps of a norm of the input that has no launch of its own. */
  private IntSupplier[] norm(Value linear) {
    Value x = operand(linear, 0);
    return program.fusions().isPart(x) && x.op() instanceof Op.RmsNorm(float eps)
        ? new IntSupplier[] {program.place(x, 1), program.leaves().number(eps)}
        : new IntSupplier[] {fixed(-1), fixed(-1)};
  }

  /**
   * Makes some rows of the weight f32, multiplies with them, and goes on with the next.
   *
   * @param y where the result goes
   * @param linear the layer
   * @param factor what the result is multiplied by, if anything
   * @param activation of the result, if any
   */
  private void linearByTiles(
      Value y,
      Value linear,
      StoredMatrix weight,
      @Nullable Place factor,
      @Nullable Activation activation) {
    int rows = rows(y);
    if (product != null && product.suits(rows)) {
      linearByLibrary(product, y, linear, weight, factor, activation);
      return;
    }
    int out = extent(operand(linear, 1), 0);
    int in = extent(operand(linear, 1), 1);
    boolean floats = weight.format() == Format.FLOATS;
    int atOnce = floats || in == 0 ? out : Math.min(out, Math.max(1, MOST_DECODED / in));
    for (int from = 0; from < out; from += atOnce) {
      int columns = Math.min(atOnce, out - from);
      IntSupplier decoded =
          floats ? fixed(weight.at()) : decode(y, weight.from((long) from * in), columns * in);
      program.addGroups(
          y,
          Kernel.MULTIPLY_TILES,
          Math.ceilDiv(rows, TiledKernels.TILE) * Math.ceilDiv(columns, TiledKernels.TILE),
          program.place(linear, 0),
          program.place(y).plus(from),
          linear.operands().size() > 2 ? program.place(linear, 2).plus(from) : fixed(-1),
          fixed(columns),
          fixed(in),
          decoded,
          fixed(rows),
          fixed(out),
          factor == null ? fixed(-1) : factor.plus(from),
          fixed(activation == null ? 0 : TiledKernels.NUMBERS_OF_THREAD),
          fixed(activation == null ? 0 : activation.ordinal()));
    }
  }

  /** Computes as {@link #linearByTiles} does, a block of a library's size after the other. */
  private void linearByLibrary(
      LibraryProduct by,
      Value y,
      Value linear,
      StoredMatrix weight,
      @Nullable Place factor,
      @Nullable Activation activation) {
    int rows = rows(y);
    int out = extent(operand(linear, 1), 0);
    int in = extent(operand(linear, 1), 1);
    Place x = program.place(linear, 0);
    boolean floats = weight.format() == Format.FLOATS;
    int atOnce = Math.min(by.columns(), Math.max(1, MOST_DECODED_FOR_LIBRARY / Math.max(1, in)));
    for (int from = 0; from < out; from += atOnce) {
      int columns = Math.min(atOnce, out - from);
      StoredMatrix band = weight.from((long) from * in);
      IntSupplier decoded = floats ? fixed(band.at()) : decode(y, band, columns * in);
      for (int row = 0; row < rows; row += by.rows()) {
        int count = Math.min(by.rows(), rows - row);
        program.add(y, Kernel.CLEAR_Y, by.rows() * by.columns());
        for (int k = 0; k < in; k += by.depth()) {
          if (row == 0 || in > by.depth()) {
            int column = k;
            IntSupplier w = () -> decoded.getAsInt() + column;
            fill(y, Kernel.FILL_W, by.columns(), by.depth(), w, columns, in, k);
          }
          fill(y, Kernel.FILL_X, by.rows(), by.depth(), x.plus((long) row * in + k), count, in, k);
          int groups = Math.ceilDiv(by.rows() * by.columns(), 64);
          program.addGroups(y, Kernel.MULTIPLY_BY_LIBRARY, groups);
        }
        long at = (long) row * out + from;
        program.add(
            y,
            Kernel.TAKE_Y,
            count * columns,
            program.place(y).plus(at),
            fixed(columns),
            fixed(out),
            fixed(by.columns()),
            linear.operands().size() > 2 ? program.place(linear, 2).plus(from) : fixed(-1),
            fixed(activation == null ? -1 : activation.ordinal()),
            factor == null ? fixed(-1) : factor.plus(at));
      }
    }
  }

  /** Adds a launch that copies some rows, from column k on, to a matrix that a library reads. */
  private void fill(
      Value y,
      Kernel kernel,
      int blockRows,
      int blockColumns,
      IntSupplier from,
      int rows,
      int columns,
      int k) {
    program.add(
        y,
        kernel,
        blockRows * blockColumns,
        from,
        fixed(rows),
        fixed(Math.min(blockColumns, columns - k)),
        fixed(columns),
        fixed(blockColumns));
  }

  /** Adds a launch that makes weights f32 in a place that the next weights are put to as well. */
  private IntSupplier decode(Value y, StoredMatrix weight, int count) {
    decodedNumbers = Math.max(decodedNumbers, count);
    if (weight.format() == Format.HALVES) {
      program.add(
          y,
          Kernel.DECODE_HALVES,
          count,
          fixed(weight.at()),
          this::decodedAt,
          fixed(weight.first()),
          fixed(weight.second()));
    } else {
      program.add(
          y,
          Kernel.DECODE_BLOCKS,
          count,
          fixed(weight.at()),
          this::decodedAt,
          fixed(weight.first()),
          fixed(weight.second()),
          fixed(weight.third()));
    }
    return this::decodedAt;
  }

  private int decodedAt() {
    return decodedAt;
  }

  private IntSupplier bias(Value linear) {
    return linear.operands().size() > 2 ? program.place(linear, 2) : fixed(-1);
  }
}
