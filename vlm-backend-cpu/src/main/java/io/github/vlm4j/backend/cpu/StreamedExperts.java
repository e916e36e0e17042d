package io.github.vlm4j.backend.cpu;

import io.github.vlm4j.backend.cpu.kernel.ElementLoops;
import io.github.vlm4j.backend.cpu.kernel.Matrix;
import io.github.vlm4j.core.graph.Activation;
import java.util.Arrays;

/**
 * The experts of a mixture that few rows use, with weights that have a row for each input. Bound by
 * reading these, which is fast only in the order in which they lie. So a part of the work is a band
 * of inputs and not of outputs, and what the bands of a product come to is added afterwards.
 */
final class StreamedExperts {

  /**
   * The least parts that a layer of all experts is cut into. It must not depend on the threads, as
   * the rounding of sums depends on it.
   */
  private static final int PARTS = 32;

  /** Bands are a multiple of the rows that kernels add side by side. */
  private static final int MULTIPLE = 4;

  private final Team team;
  private final Activation activation;
  private final Span x;
  private final ExpertMatrices[] experts;
  private final ExpertRows used;
  private final Span y;
  private final int hidden;
  private final int inter;
  private final int gateUps;
  private final int downs;
  private final Bands outputs;
  private final int[] indices;
  private final int[] firstSums;
  private final Workers.Task multiplyGateUp = this::multiplyGateUp;
  private final Workers.Task multiplyDown = this::multiplyDown;
  private final Workers.Task add = this::add;
  private int count;
  private int gateUpBand;
  private int gateUpBands;
  private int downBand;
  private int downBands;

  /**
   * Makes room for the sums of bands.
   *
   * @param used which rows use which experts, as of this run
   * @param gated the floats between the layers, from the beginning of the memory for packed inputs
   * @param rows the rows of x
   */
  StreamedExperts(
      Team team,
      Activation activation,
      Span x,
      ExpertMatrices[] experts,
      ExpertRows used,
      Span y,
      long gated,
      int rows) {
    this.team = team;
    this.activation = activation;
    this.x = x;
    this.experts = experts;
    this.used = used;
    this.y = y;
    this.hidden = experts[0].down().columns();
    this.inter = experts[0].down().rows();
    this.outputs = Bands.of(hidden, Bands.LEAST_CHEAP / PARTS, 1, team.workers());
    this.indices = new int[experts.length];
    this.firstSums = new int[experts.length];
    // So many bands of so many rows are there at most, as more experts have fewer bands each.
    long sums = (long) Math.min(rows, Lowering.MOST_MAT_VEC_ROWS) * (PARTS + experts.length);
    this.gateUps = Math.toIntExact(gated);
    this.downs = Math.toIntExact(gated + sums * 2 * inter);
    team.packed().require(downs + sums * hidden);
    team.scratch().require(inter);
  }

  /** Returns whether an expert that so many rows use is computed here. */
  static boolean suits(int rows) {
    return rows <= Lowering.MOST_MAT_VEC_ROWS;
  }

  /**
   * Adds what the experts that few rows use make of them to the result.
   *
   * @return the number of these experts
   */
  int run() {
    count = 0;
    int sums = 0;
    for (int index = 0; index < used.active(); index++) {
      if (suits(used.count(index))) {
        firstSums[count] = sums;
        indices[count++] = index;
        sums += used.count(index);
      }
    }
    if (count > 0) {
      int bands = Math.ceilDiv(PARTS, count);
      gateUpBand = band(hidden, bands);
      gateUpBands = Math.ceilDiv(hidden, gateUpBand);
      downBand = band(inter, bands);
      downBands = Math.ceilDiv(inter, downBand);
      team.workers().run(count * gateUpBands, multiplyGateUp);
      team.workers().run(count * downBands, multiplyDown);
      team.workers().run(outputs.count(), add);
    }
    return count;
  }

  private static int band(int inputs, int bands) {
    return Math.ceilDiv(Math.ceilDiv(inputs, bands), MULTIPLE) * MULTIPLE;
  }

  private void multiplyGateUp(int part, int worker) {
    int i = part / gateUpBands;
    int band = part % gateUpBands;
    int from = band * gateUpBand;
    int to = Math.min(hidden, from + gateUpBand);
    Matrix gateUp = experts[used.expert(indices[i])].gate();
    multiply(
        i,
        gateUp,
        from,
        to,
        x.floats(),
        x.at(),
        used.inputs().starts(),
        gateUps,
        band,
        gateUpBands);
  }

  private void multiplyDown(int part, int worker) {
    int i = part / downBands;
    int band = part % downBands;
    int from = band * downBand;
    int to = Math.min(inter, from + downBand);
    for (int row = 0; row < used.count(indices[i]); row++) {
      gate(i, row, from, to, team.scratch().array(worker));
    }
    Matrix down = experts[used.expert(indices[i])].down();
    float[] gated = team.packed().array(0);
    multiply(i, down, from, to, gated, 0, used.gated().starts(), downs, band, downBands);
  }

  /** Adds up the bands of gate and up for some inputs of down, and gates them. */
  private void gate(int i, int row, int from, int to, float[] up) {
    ElementLoops elements = team.elements();
    float[] floats = team.packed().array(0);
    int n = to - from;
    int at = used.first(indices[i]) + row;
    int gate = used.gated().starts()[at] + from;
    int sum = gateUps + (firstSums[i] + row) * gateUpBands * 2 * inter + from;
    System.arraycopy(floats, sum, floats, gate, n);
    System.arraycopy(floats, sum + inter, up, 0, n);
    for (int band = 1; band < gateUpBands; band++) {
      sum += 2 * inter;
      elements.add(floats, gate, floats, sum, floats, gate, n);
      elements.add(up, 0, floats, sum + inter, up, 0, n);
    }
    used.gate(elements, activation, at, floats, gate, up, 0, n);
  }

  /** Multiplies an expert's rows with a band of a matrix, a cached part of it for all of them. */
  private void multiply(
      int i,
      Matrix w,
      int from,
      int to,
      float[] inputs,
      int inputsAt,
      int[] starts,
      int sums,
      int band,
      int bands) {
    float[] floats = team.packed().array(0);
    int first = used.first(indices[i]);
    int rows = used.count(indices[i]);
    int columns = w.columns();
    int apart = bands * columns;
    int sum = sums + firstSums[i] * apart + band * columns;
    for (int row = 0; row < rows; row++) {
      Arrays.fill(floats, sum + row * apart, sum + row * apart + columns, 0);
    }
    int atOnce = rows == 1 ? to - from : MatVecStep.cachedRows(w);
    for (int begin = from; begin < to; begin += atOnce) {
      int end = Math.min(to, begin + atOnce);
      for (int row = 0; row < rows; row++) {
        int start = inputsAt + starts[first + row];
        team.kernels().addScaledRows(w, begin, end, inputs, start, floats, sum + row * apart);
      }
    }
  }

  private void add(int part, int worker) {
    float[] floats = team.packed().array(0);
    int from = outputs.from(part);
    int n = outputs.to(part) - from;
    for (int i = 0; i < count; i++) {
      int first = used.first(indices[i]);
      int sum = downs + firstSums[i] * downBands * hidden + from;
      for (int row = 0; row < used.count(indices[i]); row++) {
        int to = y.at() + used.row(first + row) * hidden + from;
        for (int band = 0; band < downBands; band++, sum += hidden) {
          team.elements().add(y.floats(), to, floats, sum, y.floats(), to, n);
        }
      }
    }
  }
}
