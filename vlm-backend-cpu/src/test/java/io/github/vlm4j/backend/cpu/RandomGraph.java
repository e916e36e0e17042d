package io.github.vlm4j.backend.cpu;

import io.github.vlm4j.core.graph.Activation;
import io.github.vlm4j.core.graph.Expert;
import io.github.vlm4j.core.graph.Graph;
import io.github.vlm4j.core.graph.GraphBuilder;
import io.github.vlm4j.core.graph.RopePairing;
import io.github.vlm4j.core.graph.ScatterMode;
import io.github.vlm4j.core.graph.TransposedExpert;
import io.github.vlm4j.core.graph.Value;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.tensor.Shape;
import io.github.vlm4j.core.tensor.Tensor;
import io.github.vlm4j.core.weights.RandomWeights;
import io.github.vlm4j.core.weights.Weight;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/**
 * A graph of random operations on {@code [rows, columns]} values of few shapes, so that operands,
 * views and in-place candidates meet in many ways.
 */
final class RandomGraph {

  private static final int[] ROWS = {1, 3, 6};
  private static final int[] COLUMNS = {4, 8};
  private static final int HEAD_DIM = 4;

  private final SplittableRandom random;
  private final RandomWeights weights;
  private final GraphBuilder g = new GraphBuilder();
  private final List<Value> values = new ArrayList<>();

  RandomGraph(long seed, RandomWeights weights, int operations) {
    this.random = new SplittableRandom(seed);
    this.weights = weights;
    for (int rows : ROWS) {
      for (int columns : COLUMNS) {
        values.add(g.input("in." + rows + "." + columns, DType.F32, rows, columns));
      }
    }
    for (int i = 0; i < operations; i++) {
      values.add(operation());
    }
  }

  /** Returns the graph of the last value and some others. */
  Graph someOutputs() {
    g.output("last", values.getLast());
    for (int i = 0; i < 2; i++) {
      int index = random.nextInt(values.size() - 1);
      g.output("some." + i, values.get(index));
    }
    return g.build();
  }

  /** Returns the same graph with every value as an output, so that no memory is used twice. */
  Graph allOutputs() {
    for (int i = 0; i < values.size(); i++) {
      g.output("all." + i, values.get(i));
    }
    return g.build();
  }

  private Value operation() {
    Value x = any();
    return switch (random.nextInt(19)) {
      case 0 -> g.linear(x, matrix(COLUMNS[random.nextInt(2)], (int) x.shape().dim(1)), null);
      case 1 -> x.plus(like(x));
      case 2 -> x.times(like(x));
      case 3 -> x.plus(g.parameter(vector(x)));
      case 4 -> x.plus(x);
      case 5 -> g.activate(Activation.SILU, x);
      case 6 -> g.gate(Activation.GELU_TANH, x, like(x));
      case 7 -> g.rmsNorm(x, vector(x), 1e-6f);
      case 8 -> g.layerNorm(x, vector(x), vector(x), 1e-5f);
      case 9 -> x.times(lastRow(like(x)));
      case 10 -> x.plus(lastRow(x));
      case 11 -> rope(x);
      case 12 -> attention(x, like(x), like(x));
      case 13 ->
          g.rows(g.concat(like(x), x), x.shape().dim(0) / 2, x.shape().dim(0) / 2 * 2 + 1)
              .plus(lastRow(x));
      case 14 -> g.gather(x, ids(random.ints(x.shape().dim(0), 0, (int) x.shape().dim(0))));
      case 15 -> convolution(x);
      case 16 -> crossAttention(x, like(x));
      case 17 -> experts(x, like(x));
      default -> scatter(x, like(x));
    };
  }

  private Value rope(Value x) {
    Value tables =
        g.constant(
            Tensor.ofFloats(
                new float[] {0.6f, 0.8f, -0.8f, 0.6f, 1, 0, 0, 1, 0.8f, 0.6f, -1, 0}, 6, 2));
    long rows = x.shape().dim(0);
    Value turned =
        g.rope(
            heads(x),
            g.rows(tables, 0, rows),
            g.rows(tables, 6 - rows, 6),
            random.nextBoolean() ? RopePairing.HALVES : RopePairing.INTERLEAVED);
    return turned.reshape(rows, -1);
  }

  private Value attention(Value q, Value k, Value v) {
    Value mixed = g.attention(heads(q), heads(k), heads(v), 0.5f, random.nextBoolean());
    return mixed.reshape(q.shape().dim(0), -1);
  }

  private Value crossAttention(Value k, Value v) {
    int rows = (int) k.shape().dim(0);
    Value q = heads(k.rows(rows - 1, rows));
    List<Integer> keys = List.of(rows);
    return g.crossAttention(q, heads(k), heads(v), 0.5f, List.of(1), keys).reshape(1, -1);
  }

  private Value convolution(Value x) {
    long rows = x.shape().dim(0);
    Weight kernel = weights.require("kernel", Shape.of(2, 1, 3, 2));
    Value y = g.convolve(x.reshape(rows, 1, -1, 2), kernel, null, 1, 1);
    return g.averagePool(y, 3, 1).reshape(rows, -1);
  }

  private Value experts(Value x, Value logits) {
    int experts = (int) x.shape().dim(1);
    int hidden = (int) x.shape().dim(1);
    Value gates = g.route(logits, 2, random.nextBoolean());
    return random.nextBoolean()
        ? g.experts(
            x,
            gates,
            Expert.unstack(
                weights.require("gateUp" + hidden, Shape.of(experts, 6, hidden)),
                weights.require("down" + hidden, Shape.of(experts, hidden, 3))),
            Activation.SILU)
        : g.transposedExperts(
            x,
            gates,
            TransposedExpert.unstack(
                weights.require("turnedGateUp" + hidden, Shape.of(experts, hidden, 6)),
                weights.require("turnedDown" + hidden, Shape.of(experts, 3, hidden))),
            Activation.SILU);
  }

  private Value scatter(Value x, Value y) {
    long count = Math.ceilDiv(x.shape().dim(0), 2L);
    Value ids = ids(IntStream.range(0, (int) count).map(i -> (int) x.shape().dim(0) - 1 - i));
    ScatterMode mode = random.nextBoolean() ? ScatterMode.ADD : ScatterMode.REPLACE;
    return g.scatter(x, ids, y.rows(0, count), mode);
  }

  private Value ids(IntStream ids) {
    int[] array = ids.toArray();
    return g.constant(Tensor.ofInts(array, array.length));
  }

  private Value heads(Value x) {
    return x.reshape(x.shape().dim(0), -1, HEAD_DIM);
  }

  private Value lastRow(Value x) {
    return x.rows(x.shape().dim(0) - 1, x.shape().dim(0)).reshape(-1);
  }

  private Value any() {
    // Mostly recent values, so that most of them die young, as in a real model.
    int span = random.nextInt(4) == 0 ? values.size() : Math.min(values.size(), 5);
    Value value = values.get(values.size() - 1 - random.nextInt(span));
    return IntStream.of(ROWS).anyMatch(rows -> rows == value.shape().dim(0))
        ? value
        : values.get(0);
  }

  private Value like(Value x) {
    List<Value> alike = values.stream().filter(value -> value.shape().equals(x.shape())).toList();
    return alike.get(random.nextBoolean() ? alike.size() - 1 : random.nextInt(alike.size()));
  }

  private Weight matrix(int rows, int columns) {
    return weights.require("w" + rows + "x" + columns, Shape.of(rows, columns));
  }

  private Weight vector(Value x) {
    long n = x.shape().last();
    return weights.require("v" + n + "." + random.nextInt(2) + ".weight", Shape.of(n));
  }
}
