package io.github.vlm4j.backend.cpu.vector;

import io.github.vlm4j.backend.cpu.kernel.AttentionTask;
import io.github.vlm4j.backend.cpu.kernel.FewQueriesLoops;
import io.github.vlm4j.backend.cpu.kernel.Kernels;
import io.github.vlm4j.backend.cpu.kernel.Matrix;
import io.github.vlm4j.backend.cpu.kernel.PanelLoops;
import io.github.vlm4j.backend.cpu.kernel.PreparedLoops;
import io.github.vlm4j.backend.cpu.kernel.Probe;
import io.github.vlm4j.backend.cpu.kernel.Runs;
import io.github.vlm4j.backend.cpu.kernel.Winograd;
import io.github.vlm4j.core.graph.Activation;
import io.github.vlm4j.core.graph.RopePairing;
import org.jspecify.annotations.Nullable;

/**
 * The kernels in terms of {@code jdk.incubator.vector}.
 *
 * <p>Vectors are as wide as the processor allows, or as the system property {@code
 * vlm.cpu.vector.bits} says: 128, 256 or 512. The width is fixed for the life of the process.
 */
public final class VectorKernels implements Kernels {

  private final String name;
  private final PanelLoops panels;
  private final @Nullable FewQueriesLoops fewQueries;

  /**
   * Creates the kernels.
   *
   * @throws io.github.vlm4j.core.BackendException if {@code vlm.cpu.vector.bits} is something else
   *     than 128, 256 or 512
   */
  public VectorKernels() {
    this(new TilePanels(), null);
  }

  private VectorKernels(PanelLoops panels, @Nullable FewQueriesLoops fewQueries) {
    this.name = title();
    this.panels = panels;
    this.fewQueries = fewQueries;
  }

  @Override
  public Kernels over(PanelLoops other) {
    return new VectorKernels(other, fewQueries);
  }

  @Override
  public Kernels over(FewQueriesLoops other) {
    return new VectorKernels(panels, other);
  }

  @Override
  public PreparedLoops prepared() {
    return new VectorTileMatMul();
  }

  /** Returns the name with the width, such as {@code vector-256}. */
  static String title() {
    return "vector-" + VectorWidth.bits();
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public void matVec(
      Matrix w,
      int fromRow,
      int toRow,
      float[] x,
      int xAt,
      float @Nullable [] bias,
      float[] y,
      int yAt,
      float[] scratch) {
    Weights.check(w.dtype());
    VectorMatVec.multiply(w, fromRow, toRow, x, xAt, bias, y, yAt, scratch);
  }

  @Override
  public int matVecScratch(int k) {
    return VectorMatVec.scratchFloats(k);
  }

  @Override
  public int packedFloats(int n, int k) {
    return VectorMatMul.packedFloats(n, k);
  }

  @Override
  public int inputTile() {
    return Tile.WIDTH;
  }

  @Override
  public void packInputs(
      float[] x, int xAt, int n, int k, float[] packed, int packedAt, int fromTile, int toTile) {
    VectorMatMul.pack(x, xAt, n, k, packed, packedAt, fromTile, toTile);
  }

  @Override
  public int matMulScratch(int k) {
    return VectorMatMul.scratchFloats();
  }

  @Override
  public int outputTile() {
    return Tile.HEIGHT;
  }

  @Override
  public void matMul(
      float[] packed,
      int packedAt,
      int n,
      Matrix w,
      int fromRow,
      int toRow,
      float @Nullable [] bias,
      float[] y,
      int yAt,
      int outputs,
      float[] scratch) {
    Weights.check(w.dtype());
    VectorMatMul.multiply(
        panels, packed, packedAt, n, w, fromRow, toRow, bias, y, yAt, outputs, scratch);
  }

  @Override
  public int runTile() {
    return Tile.HEIGHT;
  }

  @Override
  public int packedWeightFloats(int outputs, int k) {
    return VectorRunMatMul.packedFloats(outputs, k);
  }

  @Override
  public int weightTile() {
    return Tile.WIDTH;
  }

  @Override
  public void packWeights(
      Matrix w,
      float @Nullable [] bias,
      int fromRow,
      int toRow,
      float[] packed,
      int packedAt,
      float[] scratch) {
    Weights.check(w.dtype());
    VectorRunMatMul.pack(w, bias, fromRow, toRow, packed, packedAt, scratch);
  }

  @Override
  public void packColumns(Matrix w, int fromColumn, int toColumn, float[] packed, int packedAt) {
    Weights.check(w.dtype());
    VectorRunMatMul.packColumns(w, fromColumn, toColumn, packed, packedAt);
  }

  @Override
  public int runScratch() {
    return VectorRunMatMul.scratchFloats();
  }

  @Override
  public void multiplyRuns(
      float[] x,
      int xAt,
      Runs inputs,
      int fromInput,
      int toInput,
      float[] packed,
      int packedAt,
      int fromRow,
      int toRow,
      float[] y,
      int yAt,
      int outputs,
      float[] scratch) {
    VectorRunMatMul.multiply(
        x, xAt, inputs, fromInput, toInput, packed, packedAt, fromRow, toRow, y, yAt, outputs,
        scratch);
  }

  @Override
  public int attendScratch(int headDim, int valueDim) {
    return Math.max(
        VectorAttention.scratchFloats(headDim, valueDim),
        VectorFewQueries.scratchFloats(headDim, valueDim));
  }

  @Override
  public int queryTile() {
    return VectorAttention.queryTile();
  }

  @Override
  public void attend(AttentionTask task, int firstQuery, int lastQuery, float[] scratch) {
    if (lastQuery - firstQuery <= VectorFewQueries.QUERIES) {
      VectorFewQueries.attend(fewQueries, task, firstQuery, lastQuery, scratch);
    } else {
      VectorAttention.attend(panels, task, firstQuery, lastQuery, scratch);
    }
  }

  @Override
  public void decodeRows(Matrix table, int row, int rows, float[] y, int yAt) {
    Weights.check(table.dtype());
    Weights.read(table, row, 0, rows * table.columns(), y, yAt);
  }

  @Override
  public void addScaledRow(Matrix table, int row, float scale, float[] y, int yAt) {
    Weights.check(table.dtype());
    Weights.addScaled(table, row, scale, y, yAt);
  }

  @Override
  public void addScaledRows(
      Matrix w, int fromRow, int toRow, float[] x, int xAt, float[] y, int yAt) {
    Weights.check(w.dtype());
    VectorRowSums.add(w, fromRow, toRow, x, xAt, y, yAt);
  }

  @Override
  public void rmsNorm(
      float[] x, int xAt, float[] weight, float eps, float[] y, int yAt, int rows, int n) {
    VectorNorms.rms(x, xAt, weight, eps, y, yAt, rows, n);
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
    VectorNorms.layer(x, xAt, weight, bias, eps, y, yAt, rows, n);
  }

  @Override
  public void add(float[] a, int aAt, float[] b, int bAt, float[] y, int yAt, int n) {
    VectorElements.add(a, aAt, b, bAt, y, yAt, n);
  }

  @Override
  public void multiply(float[] a, int aAt, float[] b, int bAt, float[] y, int yAt, int n) {
    VectorElements.multiply(a, aAt, b, bAt, y, yAt, n);
  }

  @Override
  public void activate(Activation activation, float[] x, int xAt, float[] y, int yAt, int n) {
    VectorActivations.activate(activation, x, xAt, y, yAt, n);
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
    VectorActivations.gate(activation, gate, gateAt, up, upAt, y, yAt, n);
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
    switch (pairing) {
      case HALVES -> VectorRope.halves(x, xAt, cos, cosAt, sin, sinAt, r, y, yAt, heads, headDim);
      case INTERLEAVED ->
          VectorRope.interleaved(x, xAt, cos, cosAt, sin, sinAt, r, y, yAt, heads, headDim);
    }
  }

  @Override
  public void softmax(float[] x, int xAt, int n) {
    VectorElements.softmax(x, xAt, n);
  }

  @Override
  public float dot(float[] a, int aAt, float[] b, int bAt, int n) {
    return VectorElements.dot(a, aAt, b, bAt, n);
  }

  @Override
  public Winograd winograd() {
    return new VectorWinograd();
  }

  @Override
  public Probe probe() {
    return new VectorProbe();
  }
}
