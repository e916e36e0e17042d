package io.github.vlm4j.backend.tornado.device;

import static io.github.vlm4j.backend.tornado.device.Program.extent;
import static io.github.vlm4j.backend.tornado.device.Program.fixed;
import static io.github.vlm4j.backend.tornado.device.Program.operand;

import io.github.vlm4j.backend.tornado.device.StoredMatrix.Format;
import io.github.vlm4j.core.graph.Op;
import io.github.vlm4j.core.graph.Value;
import io.github.vlm4j.core.tensor.DType;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntSupplier;

/** Mixtures of experts as launches. */
final class ExpertLowering {

  /** The numbers that a mixture may hold between its two kernels. */
  private static final int MOST_INNER_NUMBERS = 1 << 22;

  private final Program program;

  ExpertLowering(Program program) {
    this.program = program;
  }

  /** Adds a mixture, as many rows at once as there is room for. */
  void add(Value y, Op.Experts op) {
    int experts = extent(operand(y, 1), 1);
    int hidden = extent(y, 1);
    List<Value> weights = y.operands().subList(2, y.operands().size());
    Value down = weights.getLast();
    int inner = (int) (down.shape().elements() / hidden);
    List<StoredMatrix> matrices = expertMatrices(weights, op.transposed(), inner, hidden);
    int[] table = new int[3 * matrices.size()];
    for (int i = 0; i < matrices.size(); i++) {
      table[3 * i] = matrices.get(i).at();
      table[3 * i + 1] = matrices.get(i).first();
      table[3 * i + 2] = matrices.get(i).second();
    }
    StoredMatrix any = matrices.getFirst();
    int atOnce = Math.max(1, MOST_INNER_NUMBERS / (experts * inner));
    int rows = extent(y, 0);
    Region between =
        program
            .leaves()
            .take(
                HeapKind.FLOATS,
                (long) Math.min(rows, atOnce) * experts * inner,
                "A mixture of experts");
    IntSupplier tableAt = fixed(program.leaves().table(table));
    IntSupplier third = fixed(any.format() == Format.BLOCKS ? any.third() : any.first());
    for (int row = 0; row < rows; row += atOnce) {
      int part = Math.min(atOnce, rows - row);
      program.add(
          y,
          switch (any.format()) {
            case FLOATS -> Kernel.HIDDEN_FLOATS;
            case HALVES -> Kernel.HIDDEN_HALVES;
            case BLOCKS -> Kernel.HIDDEN_BLOCKS;
          },
          part * experts * inner,
          program.place(y, 0).plus((long) row * hidden),
          program.place(y, 1).plus((long) row * experts),
          tableAt,
          fixed(between.at()),
          fixed(experts),
          fixed(inner),
          fixed(hidden),
          fixed(op.activation().ordinal()),
          third,
          fixed(any.second()));
      program.add(
          y,
          switch (any.format()) {
            case FLOATS -> Kernel.MIX_FLOATS;
            case HALVES -> Kernel.MIX_HALVES;
            case BLOCKS -> Kernel.MIX_BLOCKS;
          },
          part * hidden,
          fixed(between.at()),
          program.place(y, 1).plus((long) row * experts),
          tableAt,
          program.place(y).plus((long) row * hidden),
          fixed(experts),
          fixed(inner),
          fixed(hidden),
          fixed(0),
          third,
          fixed(any.second()));
    }
  }

  /** Returns gate, up and down of each expert, all in one format and with a row for each output. */
  private List<StoredMatrix> expertMatrices(
      List<Value> weights, boolean transposed, int inner, int hidden) {
    DType type = weights.getFirst().dtype();
    boolean asFloats =
        weights.stream().anyMatch(weight -> weight.dtype() != type)
            || transposed && type.isQuantised();
    if (!transposed) {
      return weights.stream()
          .map(weight ->
              asFloats ? program.leaves().decoded(weight) : program.leaves().matrix(weight))
          .toList();
    }
    List<StoredMatrix> matrices = new ArrayList<>();
    for (int i = 0; i < weights.size(); i += 2) {
      StoredMatrix gateUp = program.leaves().transposed(weights.get(i), asFloats);
      matrices.add(gateUp);
      matrices.add(gateUp.from((long) inner * hidden));
      matrices.add(program.leaves().transposed(weights.get(i + 1), asFloats));
    }
    return matrices;
  }
}
