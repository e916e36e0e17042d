package io.github.vlm4j.backend.tornado.device;

import static io.github.vlm4j.backend.tornado.device.Program.elements;
import static io.github.vlm4j.backend.tornado.device.Program.extent;
import static io.github.vlm4j.backend.tornado.device.Program.fixed;
import static io.github.vlm4j.backend.tornado.device.Program.operand;
import static io.github.vlm4j.backend.tornado.device.Program.rows;

import io.github.vlm4j.backend.tornado.device.StoredMatrix.Format;
import io.github.vlm4j.backend.tornado.device.kernels.TiledKernels;
import io.github.vlm4j.core.graph.Value;
import io.github.vlm4j.core.tensor.Shape;
import java.util.function.IntSupplier;

/** Linear layers as launches, in the way that suits the device and the number of rows. */
final class LinearLowering {

  /** The weights that are made f32 at once for products of many rows. */
  private static final int MOST_DECODED = 1 << 23;

  private final Program program;
  private final LinearShapes shapes;
  private int decodedNumbers;
  private int decodedAt;

  LinearLowering(Program program, LinearShapes shapes) {
    this.program = program;
    this.shapes = shapes;
  }

  /** Adds the launches of a linear layer. */
  void add(Value y) {
    StoredMatrix weight = program.leaves().matrix(operand(y, 1));
    int rows = rows(y);
    switch (shapes.of(rows)) {
      case THREAD -> linearByThread(y, weight);
      case GROUP -> linearByGroup(y, weight, rows);
      case TILES -> linearByTiles(y, weight, rows);
    }
  }

  /** Takes memory for the weights that are made f32; to be called after the last layer. */
  void takeMemory() {
    if (decodedNumbers > 0) {
      decodedAt = program.leaves().take(HeapKind.FLOATS, decodedNumbers, "Weights made f32").at();
    }
  }

  private void linearByThread(Value y, StoredMatrix weight) {
    Kernel kernel =
        switch (weight.format()) {
          case FLOATS -> Kernel.LINEAR_FLOATS;
          case HALVES -> Kernel.LINEAR_HALVES;
          case BLOCKS -> Kernel.LINEAR_BLOCKS;
        };
    program.add(y, kernel, elements(y), linearParameters(y, weight));
  }

  private void linearByGroup(Value y, StoredMatrix weight, int rows) {
    Kernel kernel =
        switch (weight.format()) {
          case FLOATS -> Kernel.ROW_FLOATS;
          case HALVES -> Kernel.ROW_HALVES;
          case BLOCKS -> Kernel.ROW_BLOCKS;
        };
    int out = extent(operand(y, 1), 0);
    program.addGroups(y, kernel, rows * out, linearParameters(y, weight));
  }

  private IntSupplier[] linearParameters(Value y, StoredMatrix weight) {
    Shape shape = operand(y, 1).shape();
    return new IntSupplier[] {
      program.place(y, 0),
      program.place(y),
      bias(y),
      fixed((int) shape.dim(0)),
      fixed((int) shape.dim(1)),
      fixed(weight.at()),
      fixed(weight.first()),
      fixed(weight.second()),
      fixed(weight.third())
    };
  }

  /** Makes some rows of the weight f32, multiplies with them, and goes on with the next. */
  private void linearByTiles(Value y, StoredMatrix weight, int rows) {
    int out = extent(operand(y, 1), 0);
    int in = extent(operand(y, 1), 1);
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
          program.place(y, 0),
          program.place(y).plus(from),
          y.operands().size() > 2 ? program.place(y, 2).plus(from) : fixed(-1),
          fixed(columns),
          fixed(in),
          decoded,
          fixed(rows),
          fixed(out));
    }
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

  private IntSupplier bias(Value y) {
    return y.operands().size() > 2 ? program.place(y, 2) : fixed(-1);
  }
}
