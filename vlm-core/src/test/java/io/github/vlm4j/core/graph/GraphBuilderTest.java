package io.github.vlm4j.core.graph;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.vlm4j.core.ModelException;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.tensor.Shape;
import io.github.vlm4j.core.tensor.Tensor;
import io.github.vlm4j.core.weights.Weight;
import java.lang.foreign.MemorySegment;
import java.util.Collections;
import java.util.List;
import java.util.function.BiFunction;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

final class GraphBuilderTest {

  /** Builds one operation that does not fit. */
  private interface Mistake extends BiFunction<GraphBuilder, Value, Object> {}

  private static Arguments mistake(String op, List<String> told, Mistake mistake) {
    return Arguments.of(op, told, mistake);
  }

  private static Weight weight(long... dims) {
    return Weight.of("w", DType.BF16, Shape.of(dims));
  }

  private static Weight indices(long... dims) {
    return Weight.of("w", DType.I64, Shape.of(dims));
  }

  private static Value f32(GraphBuilder g, String name, long... dims) {
    return g.input(name, DType.F32, dims);
  }

  private static Value i32(GraphBuilder g, String name, long... dims) {
    return g.input(name, DType.I32, dims);
  }

  private static List<Expert> experts(int count) {
    return Collections.nCopies(count, new Expert(weight(7, 12), weight(7, 12), weight(12, 7)));
  }

  /** Operations that do not fit x, {@code [5, 12]}, and what the message must say. */
  static Stream<Arguments> mistakes() {
    return Stream.of(
        mistake(
            "linear", List.of("[5, 12]", "[7, 13]"), (g, x) -> g.linear(x, weight(7, 13), null)),
        mistake("linear", List.of("[5, 12]", "[12]"), (g, x) -> g.linear(x, weight(12), null)),
        mistake(
            "linear", List.of("[8]", "[7, 12]"), (g, x) -> g.linear(x, weight(7, 12), weight(8))),
        mistake("linear", List.of("w is I64"), (g, x) -> g.linear(x, indices(7, 12), null)),
        mistake("linear", List.of("[]"), (g, x) -> g.linear(f32(g, "s"), weight(7, 1), null)),
        mistake(
            "convolve",
            List.of("[5, 12]", "[8, 3, 3, 12]"),
            (g, x) -> g.convolve(x, weight(8, 3, 3, 12), null, 1, 1)),
        mistake(
            "convolve",
            List.of("[5, 2, 2, 3]", "w [8, 3, 3, 4]", "[out, kh, kw, in]"),
            (g, x) -> g.convolve(x.reshape(5, 2, 2, 3), weight(8, 3, 3, 4), null, 1, 1)),
        mistake(
            "convolve",
            List.of("[5, 2, 2, 3]", "[8, 27]"),
            (g, x) -> g.convolve(x.reshape(5, 2, 2, 3), weight(8, 27), null, 1, 1)),
        mistake(
            "convolve",
            List.of("w is I64"),
            (g, x) -> g.convolve(x.reshape(5, 2, 2, 3), indices(8, 1, 1, 3), null, 1, 1)),
        mistake(
            "convolve",
            List.of("stride", "0"),
            (g, x) -> g.convolve(x.reshape(5, 2, 2, 3), weight(8, 1, 1, 3), null, 0, 0)),
        mistake(
            "convolve",
            List.of("padding", "-1"),
            (g, x) -> g.convolve(x.reshape(5, 2, 2, 3), weight(8, 1, 1, 3), null, 1, -1)),
        mistake(
            "convolve",
            List.of("w [8, 3, 5, 3] does not fit into input [5, 2, 2, 3] with a padding of 1"),
            (g, x) -> g.convolve(x.reshape(5, 2, 2, 3), weight(8, 3, 5, 3), null, 1, 1)),
        mistake(
            "convolve",
            List.of("does not fit into", "2147483647"),
            (g, x) ->
                g.convolve(
                    x.reshape(5, 2, 2, 3), weight(8, 1L << 40, 1, 3), null, 1, Integer.MAX_VALUE)),
        mistake(
            "convolve",
            List.of("bias w [7]", "[8, 1, 1, 3]"),
            (g, x) -> g.convolve(x.reshape(5, 2, 2, 3), weight(8, 1, 1, 3), weight(7), 1, 0)),
        mistake(
            "averagePool",
            List.of("[5, 2, 2, 3]", "3×1"),
            (g, x) -> g.averagePool(x.reshape(5, 2, 2, 3), 3, 1)),
        mistake(
            "averagePool",
            List.of("[5, 2, 2, 3]", "0×2"),
            (g, x) -> g.averagePool(x.reshape(5, 2, 2, 3), 0, 2)),
        mistake("averagePool", List.of("[5, 12]"), (g, x) -> g.averagePool(x, 1, 1)),
        mistake("add", List.of("[5, 12]", "[5]"), (g, x) -> x.plus(f32(g, "b", 5))),
        mistake("add", List.of("[12]", "[5, 12]"), (g, x) -> g.add(f32(g, "a", 12), x)),
        mistake("add", List.of("[5, 12]"), (g, x) -> x.plus(i32(g, "i", 12))),
        mistake("multiply", List.of("[5, 12]", "[5, 1]"), (g, x) -> x.times(f32(g, "b", 5, 1))),
        mistake("activate", List.of("I32"), (g, x) -> g.activate(Activation.RELU, i32(g, "i", 2))),
        mistake(
            "gate",
            List.of("[5, 12]", "[12]"),
            (g, x) -> g.gate(Activation.SILU, x, f32(g, "up", 12))),
        mistake("route", List.of("F32[60]"), (g, x) -> g.route(x.reshape(60), 1, true)),
        mistake("route", List.of("[5, 12]", "13"), (g, x) -> g.route(x, 13, true)),
        mistake("route", List.of("[5, 12]", "the 0"), (g, x) -> g.route(x, 0, true)),
        mistake("route", List.of("I32[5, 12]"), (g, x) -> g.route(i32(g, "i", 5, 12), 1, true)),
        mistake(
            "experts",
            List.of("[5, 12]", "[5, 3]", "2 experts"),
            (g, x) -> g.experts(x, f32(g, "gates", 5, 3), experts(2), Activation.SILU)),
        mistake(
            "experts",
            List.of("[5, 12]", "[4, 2]"),
            (g, x) -> g.experts(x, f32(g, "gates", 4, 2), experts(2), Activation.SILU)),
        mistake(
            "experts",
            List.of("0 experts"),
            (g, x) -> g.experts(x, f32(g, "gates", 5, 0), List.of(), Activation.SILU)),
        mistake(
            "experts",
            List.of("w [7, 13] must be [7, 12]"),
            (g, x) ->
                g.experts(
                    x,
                    f32(g, "gates", 5, 1),
                    List.of(new Expert(weight(7, 12), weight(7, 13), weight(12, 7))),
                    Activation.SILU)),
        mistake(
            "experts",
            List.of("w [7, 12] must be [12, 7]"),
            (g, x) ->
                g.experts(
                    x,
                    f32(g, "gates", 5, 1),
                    List.of(new Expert(weight(7, 12), weight(7, 12), weight(7, 12))),
                    Activation.SILU)),
        mistake(
            "experts",
            List.of("w is I64"),
            (g, x) ->
                g.experts(
                    x,
                    f32(g, "gates", 5, 1),
                    List.of(new Expert(weight(7, 12), indices(7, 12), weight(12, 7))),
                    Activation.SILU)),
        mistake(
            "transposedExperts",
            List.of("w [12, 13] must be [12, 14]"),
            (g, x) ->
                g.transposedExperts(
                    x,
                    f32(g, "gates", 5, 1),
                    List.of(new TransposedExpert(weight(12, 13), weight(7, 12))),
                    Activation.SILU)),
        mistake(
            "transposedExperts",
            List.of("w [8, 12] must be [7, 12]"),
            (g, x) ->
                g.transposedExperts(
                    x,
                    f32(g, "gates", 5, 2),
                    List.of(
                        new TransposedExpert(weight(12, 14), weight(7, 12)),
                        new TransposedExpert(weight(12, 14), weight(8, 12))),
                    Activation.SILU)),
        mistake("rmsNorm", List.of("[5, 12]", "[5]"), (g, x) -> g.rmsNorm(x, weight(5), 0)),
        mistake("rmsNorm", List.of("w is I64"), (g, x) -> g.rmsNorm(x, indices(12), 0)),
        mistake(
            "layerNorm",
            List.of("[5, 12]", "[13]"),
            (g, x) -> g.layerNorm(x, weight(12), weight(13), 0)),
        mistake(
            "rope",
            List.of("[5, 2, 6]", "[5, 4]"),
            (g, x) ->
                g.rope(
                    x.reshape(5, 2, 6),
                    f32(g, "cos", 5, 4),
                    f32(g, "sin", 5, 4),
                    RopePairing.HALVES)),
        mistake(
            "rope",
            List.of("[5, 2, 6]", "[4, 3]"),
            (g, x) ->
                g.rope(
                    x.reshape(5, 2, 6),
                    f32(g, "cos", 4, 3),
                    f32(g, "sin", 4, 3),
                    RopePairing.HALVES)),
        mistake(
            "attention",
            List.of("[5, 3, 4]", "[5, 2, 6]"),
            (g, x) ->
                g.attention(x.reshape(5, 3, 4), x.reshape(5, 2, 6), x.reshape(5, 2, 6), 1, true)),
        mistake("attention", List.of("[5, 12]"), (g, x) -> g.attention(x, x, x, 1, true)),
        mistake("attention", List.of("[]"), (g, x) -> g.attention(f32(g, "s"), x, x, 1, true)),
        mistake(
            "attention",
            List.of("segments of 4", "[5, 2, 6]"),
            (g, x) -> {
              Value h = x.reshape(5, 2, 6);
              return g.attention(h, h, h, 1, false, List.of(2, 2));
            }),
        mistake(
            "attention",
            List.of("segment of 0"),
            (g, x) -> {
              Value h = x.reshape(5, 2, 6);
              return g.attention(h, h, h, 1, false, List.of(5, 0));
            }),
        mistake(
            "attentionWeights",
            List.of("[5, 2, 6]", "[5, 3, 4]"),
            (g, x) ->
                g.attentionWeights(x.reshape(5, 2, 6), x.reshape(5, 3, 4), 1, false, List.of(5))),
        mistake(
            "crossAttention",
            List.of("[5, 2, 6]", "[3, 3, 6]"),
            (g, x) -> {
              Value k = f32(g, "k", 3, 3, 6);
              return g.crossAttention(x.reshape(5, 2, 6), k, k, 1, List.of(5), List.of(3));
            }),
        mistake(
            "crossAttention",
            List.of("2 segments of queries and 1 of keys"),
            (g, x) -> {
              Value k = f32(g, "k", 3, 2, 6);
              return g.crossAttention(x.reshape(5, 2, 6), k, k, 1, List.of(2, 3), List.of(3));
            }),
        mistake(
            "crossAttention",
            List.of("segments of 5 and 4 rows", "[3, 2, 6]"),
            (g, x) -> {
              Value k = f32(g, "k", 3, 2, 6);
              return g.crossAttention(x.reshape(5, 2, 6), k, k, 1, List.of(2, 3), List.of(3, 1));
            }),
        mistake(
            "crossAttentionWeights",
            List.of("segment of -1"),
            (g, x) -> {
              Value k = f32(g, "k", 3, 2, 6);
              return g.crossAttentionWeights(
                  x.reshape(5, 2, 6), k, 1, List.of(2, 3), List.of(4, -1));
            }),
        mistake(
            "cachedAttention",
            List.of("F32[5, 12]", "I32[1]"),
            (g, x) -> {
              Value cache = x.reshape(2, 5, 6);
              return g.cachedAttention(x.reshape(5, 2, 6), cache, cache, x, 1);
            }),
        mistake(
            "cachedAttention",
            List.of("[5, 2, 6]", "[5, 2, 6]", "[kvHeads, capacity, headDim]"),
            (g, x) -> {
              Value h = x.reshape(5, 2, 6);
              return g.cachedAttention(h, h, h, i32(g, "p", 1), 1);
            }),
        mistake(
            "cachedAttention",
            List.of("BF16[2, 9, 6]", "F16[2, 9, 6]", "one type"),
            (g, x) ->
                g.cachedAttention(
                    x.reshape(5, 2, 6),
                    g.state("k", DType.BF16, Shape.of(2, 9, 6)),
                    g.state("v", DType.F16, Shape.of(2, 9, 6)),
                    i32(g, "p", 1),
                    1)),
        mistake(
            "cachedAttention",
            List.of("window", "-1"),
            (g, x) -> {
              Value cache = x.reshape(2, 5, 6);
              Value q = x.reshape(5, 2, 6);
              return g.cachedAttention(q, cache, cache, i32(g, "p", 1), 1, -1);
            }),
        mistake(
            "append",
            List.of("[5, 12]", "[9, 11]"),
            (g, x) -> g.append(g.state("s", Shape.of(9, 11)), x, i32(g, "p", 1))),
        mistake(
            "append",
            List.of("[5, 12]", "[4, 12]"),
            (g, x) -> g.append(g.state("s", Shape.of(4, 12)), x, i32(g, "p", 1))),
        mistake("append", List.of("[5, 12]"), (g, x) -> g.append(x, x, i32(g, "p", 1))),
        mistake(
            "append",
            List.of("I32[2]", "I32[1]"),
            (g, x) ->
                g.append(g.state("s", Shape.of(2, 9, 6)), x.reshape(5, 2, 6), i32(g, "p", 2))),
        mistake(
            "append",
            List.of("[5, 2, 6]", "[2, 4, 6]"),
            (g, x) ->
                g.append(g.state("s", Shape.of(2, 4, 6)), x.reshape(5, 2, 6), i32(g, "p", 1))),
        mistake("state", List.of("s", "I32"), (g, x) -> g.state("s", DType.I32, Shape.of(2))),
        mistake(
            "state",
            List.of("Q8_0", "multiple of 32"),
            (g, x) -> g.state("s", DType.Q8_0, Shape.of(2, 4, 48))),
        mistake(
            "rows",
            List.of("state of BF16", "declare it as F32"),
            (g, x) -> g.state("s", DType.BF16, Shape.of(2, 4, 48)).rows(0, 1)),
        mistake("rows", List.of("3 to 6", "[5, 12]"), (g, x) -> x.rows(3, 6)),
        mistake("rows", List.of("-1 to 2", "[5, 12]"), (g, x) -> x.rows(-1, 2)),
        mistake("rows", List.of("3 to 2", "[5, 12]"), (g, x) -> x.rows(3, 2)),
        mistake("reshape", List.of("[5, 12]", "[7, 9]"), (g, x) -> x.reshape(7, 9)),
        mistake("reshape", List.of("[5, 12]", "[-1, 7]"), (g, x) -> x.reshape(-1, 7)),
        mistake("reshape", List.of("[5, 12]", "[-1, 0]"), (g, x) -> x.reshape(-1, 0)),
        mistake("reshape", List.of("only one"), (g, x) -> x.reshape(-1, -1)),
        mistake(
            "reshape", List.of("too large"), (g, x) -> x.reshape(Long.MAX_VALUE, Long.MAX_VALUE)),
        mistake("concat", List.of("[5, 11]", "[5, 12]"), (g, x) -> g.concat(x, f32(g, "b", 5, 11))),
        mistake("concat", List.of("at least one"), (g, x) -> g.concat()),
        mistake("gather", List.of("[5, 12]", "[3]"), (g, x) -> g.gather(x, f32(g, "ids", 3))),
        mistake(
            "gather", List.of("I64[5, 12]"), (g, x) -> g.embedding(indices(5, 12), i32(g, "i", 3))),
        mistake(
            "weightedGather",
            List.of("[3, 4]", "[3, 5]"),
            (g, x) -> g.weightedGather(weight(9, 2), i32(g, "i", 3, 4), f32(g, "p", 3, 5))),
        mistake(
            "scatter",
            List.of("[3, 12]", "[4]", "[5, 12]"),
            (g, x) -> g.scatter(x, i32(g, "i", 4), f32(g, "y", 3, 12), ScatterMode.ADD)),
        mistake("input", List.of("BF16"), (g, x) -> g.input("h", DType.BF16, 3)),
        mistake("input", List.of("x is declared twice"), (g, x) -> f32(g, "x", 3)),
        mistake("state", List.of("x is declared twice"), (g, x) -> g.state("x", Shape.of(1))));
  }

  @ParameterizedTest(name = "{0} {1}")
  @MethodSource("mistakes")
  void aMistakeNamesLayerOperationAndShapes(String op, List<String> told, Mistake mistake) {
    GraphBuilder g = new GraphBuilder().at("text").at("layers.3");
    Value x = f32(g, "x", 5, 12);
    assertThatThrownBy(() -> mistake.apply(g, x))
        .isInstanceOf(ModelException.class)
        .hasMessageStartingWith("text.layers.3: " + op + ": ")
        .satisfies(error -> assertThat(error.getMessage()).contains(told));
  }

  @Test
  void errorsAtTheRootSayGraph() {
    GraphBuilder g = new GraphBuilder();
    assertThatThrownBy(() -> f32(g, "x", 2).plus(f32(g, "y", 3)))
        .hasMessageStartingWith("graph: add: [2] and [3] do not fit");
  }

  @Test
  void aValueOfAnotherGraphIsRefused() {
    GraphBuilder other = new GraphBuilder();
    Value stranger = f32(other, "x", 2);
    GraphBuilder g = new GraphBuilder();
    Value own = f32(g, "x", 2);
    assertThatThrownBy(() -> g.add(own, stranger))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("another graph");
    assertThatThrownBy(() -> g.output("y", stranger))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("another graph");
  }

  @Test
  void outputsMustBeF32AndHaveDifferentNames() {
    GraphBuilder g = new GraphBuilder();
    Value x = f32(g, "x", 2);
    g.output("y", x);
    assertThatThrownBy(() -> g.output("y", x))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("y is already an output");
    assertThatThrownBy(() -> g.output("z", g.parameter(weight(2))))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("z must be F32, not BF16");
  }

  @Test
  void shapesFollowTheOperations() {
    GraphBuilder g = new GraphBuilder();
    Value x = f32(g, "x", 2, 5, 12);
    assertThat(g.linear(x, weight(7, 12), weight(7)).shape()).isEqualTo(Shape.of(2, 5, 7));
    assertThat(x.rows(1, 2).shape()).isEqualTo(Shape.of(1, 5, 12));
    assertThat(x.reshape(-1, 3).shape()).isEqualTo(Shape.of(40, 3));
    assertThat(x.reshape(4, -1, 3).shape()).isEqualTo(Shape.of(4, 10, 3));
    assertThat(g.concat(x, x, x.rows(0, 1)).shape()).isEqualTo(Shape.of(5, 5, 12));
    assertThat(g.embedding(weight(9, 4), i32(g, "ids", 6)).shape()).isEqualTo(Shape.of(6, 4));
    Value q = f32(g, "q", 5, 6, 8);
    Value k = f32(g, "k", 5, 2, 8);
    Value v = f32(g, "v", 5, 2, 3);
    assertThat(g.attention(q, k, v, 1, true).shape()).isEqualTo(Shape.of(5, 6, 3));
    assertThat(g.attentionWeights(q, k, 1, true, List.of(5)).shape()).isEqualTo(Shape.of(6, 5, 5));
    List<Integer> rows = List.of(2, 1);
    Value few = f32(g, "few", 3, 6, 8);
    assertThat(g.crossAttention(few, k, v, 1, rows, List.of(1, 4)).shape())
        .isEqualTo(Shape.of(3, 6, 3));
    assertThat(g.crossAttentionWeights(few, k, 1, rows, List.of(1, 4)).shape())
        .isEqualTo(Shape.of(6, 3, 5));
    Value pictures = f32(g, "pictures", 2, 30, 41, 3);
    assertThat(g.convolve(pictures, weight(7, 5, 4, 3), weight(7), 2, 1).shape())
        .isEqualTo(Shape.of(2, 14, 20, 7));
    assertThat(g.averagePool(pictures, 4, 7).shape()).isEqualTo(Shape.of(2, 7, 5, 3));
  }

  @Test
  void stackedExpertsAreRangesOfTheirTensors() {
    Weight gateUp = Weight.of("gate_up", DType.BF16, Shape.of(3, 14, 12));
    Weight down = Weight.of("down", DType.BF16, Shape.of(3, 12, 7));
    assertThat(Expert.unstack(gateUp, down))
        .hasSize(3)
        .endsWith(
            new Expert(
                new Weight("gate_up", DType.BF16, Shape.of(7, 12), 28),
                new Weight("gate_up", DType.BF16, Shape.of(7, 12), 35),
                new Weight("down", DType.BF16, Shape.of(12, 7), 24)));
    Weight turnedGateUp = Weight.of("gate_up", DType.BF16, Shape.of(3, 12, 14));
    Weight turnedDown = Weight.of("down", DType.BF16, Shape.of(3, 7, 12));
    assertThat(TransposedExpert.unstack(turnedGateUp, turnedDown))
        .hasSize(3)
        .endsWith(
            new TransposedExpert(
                new Weight("gate_up", DType.BF16, Shape.of(12, 14), 24),
                new Weight("down", DType.BF16, Shape.of(7, 12), 14)));
  }

  @Test
  void aMixtureHasTheShapeOfItsInput() {
    GraphBuilder g = new GraphBuilder();
    Value x = f32(g, "x", 5, 12);
    Value gates = g.route(f32(g, "logits", 5, 2), 1, true);
    assertThat(gates.shape()).isEqualTo(Shape.of(5, 2));
    Value y = g.experts(x, gates, experts(2), Activation.SILU);
    assertThat(y.shape()).isEqualTo(Shape.of(5, 12));
    assertThat(y.operands()).hasSize(2 + 3 * 2).startsWith(x, gates);
    assertThat(y.operands().getLast().shape()).isEqualTo(Shape.of(12, 7));
  }

  @Test
  void fluentMethodsBuildTheSameOperations() {
    GraphBuilder g = new GraphBuilder();
    Value x = f32(g, "x", 4, 3);
    assertThat(x.plus(x).op()).isEqualTo(new Op.Add());
    assertThat(x.times(x).op()).isEqualTo(new Op.Multiply());
    assertThat(x.rows(1, 3).op()).isEqualTo(new Op.Rows(1, 3));
    assertThat(x.reshape(12).op()).isEqualTo(new Op.Reshape());
    assertThat(x.plus(x).operands()).containsExactly(x, x);
  }

  @Test
  void causalAttentionToKeysOfOtherSegmentsCannotBe() {
    assertThatThrownBy(() -> new Op.Attention(1, true, List.of(2, 3), List.of(3, 2)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("[2, 3]");
    assertThatThrownBy(() -> new Op.AttentionWeights(1, true, List.of(5), List.of(4)))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void theSameWeightIsTheSameValue() {
    GraphBuilder g = new GraphBuilder();
    Value table = g.parameter(weight(9, 4));
    assertThat(g.at("head").parameter(weight(9, 4))).isSameAs(table);
    assertThat(g.parameter(weight(9, 4).rows(0, 4))).isNotSameAs(table);
    Value x = g.embedding(weight(9, 4), i32(g, "ids", 2));
    g.output("logits", g.linear(x, weight(9, 4), null));
    assertThat(g.build().values()).filteredOn(v -> v.op() instanceof Op.Parameter).hasSize(1);
  }

  @Test
  void aValueBelongsToTheLayerItWasBuiltIn() {
    GraphBuilder g = new GraphBuilder();
    Value x = f32(g.at("visual"), "x", 3);
    Value y = g.at("visual").at("blocks.2").at("attn").add(x, x);
    assertThat(g.layer()).isEmpty();
    assertThat(x.layer()).isEqualTo("visual");
    assertThat(y.layer()).isEqualTo("visual.blocks.2.attn");
    assertThat(y).hasToString("%1 = add F32[3]");
  }

  @Test
  void constantsAreF32OrI32() {
    GraphBuilder g = new GraphBuilder();
    assertThat(g.constant(Tensor.ofInts(new int[] {1}, 1)).dtype()).isEqualTo(DType.I32);
    Tensor half = Tensor.of(DType.F16, Shape.of(1), MemorySegment.ofArray(new byte[2]));
    assertThatThrownBy(() -> g.constant(half))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("F16");
  }
}
