package io.github.vlm4j.core.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.github.vlm4j.core.graph.Activation;
import io.github.vlm4j.core.graph.Expert;
import io.github.vlm4j.core.graph.Graph;
import io.github.vlm4j.core.graph.GraphBuilder;
import io.github.vlm4j.core.graph.Op;
import io.github.vlm4j.core.graph.RopePairing;
import io.github.vlm4j.core.graph.ScatterMode;
import io.github.vlm4j.core.graph.TransposedExpert;
import io.github.vlm4j.core.graph.Value;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.tensor.Shape;
import io.github.vlm4j.core.tensor.Tensor;
import io.github.vlm4j.core.weights.Weight;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;

/** The oracle against numbers worked out by hand. */
final class GraphOracleTest {

  private final GraphBuilder g = new GraphBuilder();
  private final InMemoryWeights weights = new InMemoryWeights(InMemoryWeights.Placement.ALIGNED);

  @Test
  void linearMultipliesWithTheTransposedWeightAndAddsTheBias() {
    Value x = floats(new float[] {1, 2, 3, 4, 5, 6}, 2, 3);
    Weight w = weight("w", new float[] {1, 0, -1, 2, 2, 2}, 2, 3);
    Weight b = weight("b", new float[] {10, 20}, 2);
    assertThat(compute(g.linear(x, w, b))).containsExactly(8, 32, 8, 50);
    assertThat(compute(g.linear(x, w.rows(1, 2), b.rows(0, 1)))).containsExactly(22, 40);
  }

  @Test
  void convolutionMovesTheKernelOverThePaddedPicture() {
    Value x = floats(new float[] {1, 2, 3, 4, 5, 6, 7, 8, 9}, 1, 3, 3, 1);
    Weight w = weight("w", new float[] {1, 0, 0, 2, 0, 10, 0, 0}, 2, 2, 2, 1);
    Weight b = weight("b", new float[] {0, 1}, 2);
    assertThat(compute(g.convolve(x, w, b, 1, 0)))
        .containsExactly(1 + 2 * 5, 21, 2 + 2 * 6, 31, 4 + 2 * 8, 51, 5 + 2 * 9, 61);
    assertThat(compute(g.convolve(x, w, null, 2, 1)))
        .containsExactly(2, 0, 2 * 3, 0, 2 * 7, 40, 5 + 2 * 9, 60);
  }

  @Test
  void convolutionSumsOverChannels() {
    Value x = floats(new float[] {1, 2, 3, 4, 5, 6, 7, 8}, 2, 1, 2, 2);
    Weight w = weight("w", new float[] {1, 10, 100, 1000}, 1, 1, 2, 2);
    assertThat(compute(g.convolve(x, w, null, 1, 0))).containsExactly(4321, 8765);
  }

  @Test
  void poolingAveragesWindowsAndDropsTheRest() {
    Value x = floats(new float[] {1, 9, 2, 9, 3, 9, 4, 9, 5, 9, 6, 9}, 1, 2, 3, 2);
    assertThat(compute(g.averagePool(x, 2, 2))).containsExactly(3, 9);
    assertThat(compute(g.averagePool(x, 1, 3))).containsExactly(2, 9, 5, 9);
  }

  @Test
  void eachSegmentOfQueriesSeesItsOwnSegmentOfKeys() {
    Value q = floats(new float[] {0, 0}, 2, 1, 1);
    Value k = floats(new float[] {1, 2, 3}, 3, 1, 1);
    Value v = floats(new float[] {10, 20, 40}, 3, 1, 1);
    List<Integer> one = List.of(1, 1);
    assertThat(compute(g.crossAttention(q, k, v, 1, one, List.of(1, 2)))).containsExactly(10, 30);
    assertThat(compute(g.crossAttention(q, k, v, 1, one, List.of(2, 1)))).containsExactly(15, 40);
    assertThat(compute(g.crossAttentionWeights(q, k, 1, one, List.of(1, 2))))
        .containsExactly(1, 0, 0, 0, 0.5, 0.5);
  }

  @Test
  void operandsAreRepeatedAlongOuterDimensions() {
    Value a = floats(new float[] {1, 2, 3, 4}, 2, 2);
    assertThat(compute(a.plus(floats(new float[] {10, 20}, 2)))).containsExactly(11, 22, 13, 24);
    assertThat(compute(a.times(floats(new float[] {10, 20}, 2)))).containsExactly(10, 40, 30, 80);
  }

  @Test
  void activationsHaveTheirKnownValues() {
    double[][] known = {
      {0.8413447460685429, -0.15865525393145707},
      {0.8411919906082768, -0.15880800939172324},
      {0.8457957659328212, -0.15420423406717878},
      {0.7310585786300049, -0.2689414213699951},
      {1, 0}
    };
    for (Activation activation : Activation.values()) {
      Value y = g.activate(activation, floats(new float[] {1, -1}, 2));
      assertThat(compute(y)).containsExactly(known[activation.ordinal()], within(1e-12));
      Value gated = g.gate(activation, floats(new float[] {1}, 1), floats(new float[] {3}, 1));
      assertThat(compute(gated)[0]).isEqualTo(3 * known[activation.ordinal()][0], within(1e-12));
    }
  }

  @Test
  void normsDivideByTheRowsOwnSize() {
    Value x = floats(new float[] {3, 4, 0, 0}, 2, 2);
    Weight w = weight("w", new float[] {1, 10}, 2);
    Weight b = weight("b", new float[] {0, 7}, 2);
    double root = Math.sqrt(12.5 + 0.5);
    assertThat(compute(g.rmsNorm(x, w, 0.5f)))
        .containsExactly(new double[] {3 / root, 40 / root, 0, 0}, within(1e-12));
    double deviation = Math.sqrt(0.25 + 0.5);
    assertThat(compute(g.layerNorm(x, w, b, 0.5f)))
        .containsExactly(new double[] {-0.5 / deviation, 5 / deviation + 7, 0, 7}, within(1e-12));
  }

  @Test
  void ropeRotatesHalvesOrNeighboursAndLeavesTheRest() {
    Value x = floats(new float[] {1, 2, 3, 4, 5}, 1, 1, 5);
    Value cos = floats(new float[] {0, 1}, 1, 2);
    Value sin = floats(new float[] {1, 0}, 1, 2);
    assertThat(compute(g.rope(x, cos, sin, RopePairing.HALVES))).containsExactly(-3, 2, 1, 4, 5);
    assertThat(compute(g.rope(x, cos, sin, RopePairing.INTERLEAVED)))
        .containsExactly(-2, 1, 3, 4, 5);
  }

  @Test
  void attentionAveragesValuesByTheSoftmaxOfScaledScores() {
    // Scores 0 and ln 3 give weights of a quarter and three quarters.
    Value q = floats(new float[] {2, 2}, 2, 1, 1);
    Value k = floats(new float[] {0, (float) Math.log(3)}, 2, 1, 1);
    Value v = floats(new float[] {4, 8}, 2, 1, 1);
    assertThat(compute(g.attention(q, k, v, 0.5f, false)))
        .containsExactly(new double[] {7, 7}, within(1e-6));
    assertThat(compute(g.attention(q, k, v, 0.5f, true)))
        .containsExactly(new double[] {4, 7}, within(1e-6));
    assertThat(compute(g.attention(q, k, v, 0.5f, false, List.of(1, 1))))
        .containsExactly(new double[] {4, 8}, within(1e-6));
    assertThat(compute(g.attentionWeights(q, k, 0.5f, true, List.of(2))))
        .containsExactly(new double[] {1, 0, 0.25, 0.75}, within(1e-6));
    assertThat(compute(g.attentionWeights(q, k, 0.5f, false, List.of(1, 1))))
        .containsExactly(new double[] {1, 0, 0, 1}, within(1e-6));
  }

  @Test
  void neighbouringQueryHeadsShareAKeyHead() {
    Value q = floats(new float[] {0, 0, 0, 0}, 1, 4, 1);
    Value k = floats(new float[] {1, 1}, 1, 2, 1);
    Value v = floats(new float[] {5, 6}, 1, 2, 1);
    assertThat(compute(g.attention(q, k, v, 1, true))).containsExactly(5, 5, 6, 6);
  }

  @Test
  void cachedAttentionSeesWhatWasAppendedUpToItsOwnRow() {
    Value position = g.input("position", DType.I32, 1);
    Value q = floats(new float[] {0, 0}, 2, 1, 1);
    Value keys = g.append(g.state("keys", Shape.of(1, 4, 1)), q, position);
    Value values =
        g.append(
            g.state("values", Shape.of(1, 4, 1)), floats(new float[] {6, 9}, 2, 1, 1), position);
    Value y = g.cachedAttention(q, keys, values, position, 1);
    g.output("y", y);
    Map<String, double[]> states = new HashMap<>();
    states.put("keys", new double[] {0, 5, 5, 5});
    states.put("values", new double[] {3, 100, 100, 100});
    GraphOracle oracle = new GraphOracle(g.build(), weights);
    Map<Value, double[]> computed =
        oracle.run(Map.of("position", Tensor.ofInts(new int[] {1}, 1)), states);
    assertThat(computed.get(y)).containsExactly(new double[] {4.5, 6}, within(1e-12));
    assertThat(states.get("values")).containsExactly(3, 6, 9, 100);
  }

  @Test
  void aWindowHidesWhatLiesFurtherBack() {
    Value position = g.constant(Tensor.ofInts(new int[] {2}, 1));
    Value q = floats(new float[] {0, 0}, 2, 1, 1);
    Value keys = floats(new float[] {1, 1, 1, 1}, 1, 4, 1);
    Value values = floats(new float[] {100, 2, 4, 8}, 1, 4, 1);
    assertThat(compute(g.cachedAttention(q, keys, values, position, 1, 2)))
        .containsExactly(new double[] {3, 6}, within(1e-12));
    assertThat(compute(g.cachedAttention(q, keys, values, position, 1, 1))).containsExactly(4, 8);
    assertThat(compute(g.cachedAttention(q, keys, values, position, 1, 9)))
        .containsExactly(compute(g.cachedAttention(q, keys, values, position, 1)));
  }

  @Test
  void routingKeepsTheGreatestSharesAndTheFirstOfEqualOnes() {
    float log2 = (float) Math.log(2);
    Value logits = floats(new float[] {0, log2, 0, 2 * log2, 5, 5, 5, 5}, 2, 4);
    assertThat(compute(g.route(logits, 2, false)))
        .containsExactly(new double[] {0, 0.25, 0, 0.5, 0.25, 0.25, 0, 0}, within(1e-7));
    assertThat(compute(g.route(logits, 3, true)))
        .containsExactly(
            new double[] {1 / 7.0, 2 / 7.0, 0, 4 / 7.0, 1 / 3.0, 1 / 3.0, 1 / 3.0, 0},
            within(1e-7));
  }

  @Test
  void expertsAddTheirGatedNetworksByShare() {
    Value x = floats(new float[] {1, 2, 3, 4}, 2, 2);
    Value gates = floats(new float[] {0.5f, 0, 2, 10}, 2, 2);
    float nan = Float.NaN;
    // relu(x0 − x1) and relu(x1), times x0 and x0 + x1; then their sum and the second alone.
    Expert first =
        new Expert(
            weight("g0", new float[] {1, -1, 0, 1}, 2, 2),
            weight("u0", new float[] {1, 0, 1, 1}, 2, 2),
            weight("d0", new float[] {1, 1, 0, 1}, 2, 2));
    Expert second =
        new Expert(
            weight("g1", new float[] {0, 0, 1, 0}, 2, 2),
            weight("u1", new float[] {0, 0, 0, 1}, 2, 2),
            weight("d1", new float[] {0, 1, 0, 0}, 2, 2));
    assertThat(compute(g.experts(x, gates, List.of(first, second), Activation.RELU)))
        .containsExactly(0.5 * 6, 0.5 * 6, 2 * 28 + 10 * 12, 2 * 28);
    TransposedExpert turned =
        new TransposedExpert(
            weight("gu", new float[] {1, 0, 1, 1, -1, 1, 0, 1}, 2, 4),
            weight("d", new float[] {1, 0, 1, 1}, 2, 2));
    TransposedExpert unused =
        new TransposedExpert(
            weight("nanUp", new float[] {nan, nan, nan, nan, nan, nan, nan, nan}, 2, 4),
            weight("nanDown", new float[] {nan, nan, nan, nan}, 2, 2));
    Value one = floats(new float[] {0.5f, 0, 2, 0}, 2, 2);
    assertThat(compute(g.transposedExperts(x, one, List.of(turned, unused), Activation.RELU)))
        .containsExactly(0.5 * 6, 0.5 * 6, 2 * 28, 2 * 28);
  }

  @Test
  void movementsCopyTheRightRows() {
    Value x = floats(new float[] {1, 2, 3, 4, 5, 6}, 3, 2);
    Value ids = g.constant(Tensor.ofInts(new int[] {2, 0}, 2));
    Value y = floats(new float[] {10, 20, 30, 40}, 2, 2);
    assertThat(compute(x.rows(1, 3))).containsExactly(3, 4, 5, 6);
    assertThat(compute(x.reshape(2, 3))).containsExactly(1, 2, 3, 4, 5, 6);
    assertThat(compute(g.concat(y, x.rows(0, 1)))).containsExactly(10, 20, 30, 40, 1, 2);
    assertThat(compute(g.gather(x, ids))).containsExactly(5, 6, 1, 2);
    assertThat(compute(g.scatter(x, ids, y, ScatterMode.REPLACE)))
        .containsExactly(30, 40, 3, 4, 10, 20);
    assertThat(compute(g.scatter(x, ids, y, ScatterMode.ADD)))
        .containsExactly(31, 42, 3, 4, 15, 26);
    Value pairs = g.constant(Tensor.ofInts(new int[] {0, 2}, 1, 2));
    Weight table = weight("table", new float[] {1, 2, 3, 4, 5, 6}, 3, 2);
    assertThat(compute(g.weightedGather(table, pairs, floats(new float[] {0.5f, 2}, 1, 2))))
        .containsExactly(10.5, 13);
  }

  @Test
  void readingTokensAtOnceOrInPartsIsTheSame() {
    Scenario scenario = ModelCases.bothWays().scenario();
    Map<String, double[]> states = new HashMap<>();
    double[] once = {};
    double[] last = {};
    for (Scenario.Step step : scenario.steps()) {
      Graph graph = step.graph();
      for (Value value : graph.values()) {
        if (value.op() instanceof Op.State(String name)) {
          states.computeIfAbsent(name, _ -> new double[(int) value.shape().elements()]);
        }
      }
      Map<Value, double[]> computed =
          new GraphOracle(graph, scenario.weights()).run(step.inputs(), states);
      last = known(computed, known(graph.outputs(), "logits"));
      if (once.length == 0) {
        once = last;
      }
    }
    assertThat(scenario.steps()).hasSize(4);
    assertThat(last).containsExactly(once, within(1e-9));
  }

  private static <K, V> V known(Map<K, V> map, K key) {
    return Objects.requireNonNull(map.get(key));
  }

  private double[] compute(Value value) {
    GraphBuilder one = g.at("result " + value.id());
    one.output("result " + value.id(), value);
    return known(new GraphOracle(g.build(), weights).run(Map.of(), new HashMap<>()), value);
  }

  private Value floats(float[] values, long... dims) {
    return g.constant(Tensor.ofFloats(values, dims));
  }

  private Weight weight(String name, float[] values, long... dims) {
    return weights.add(name, DType.F32, Shape.of(dims), values);
  }
}
