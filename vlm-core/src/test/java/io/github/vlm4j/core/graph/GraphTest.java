package io.github.vlm4j.core.graph;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.vlm4j.core.ModelException;
import io.github.vlm4j.core.tensor.DType;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;

final class GraphTest {

  private final GraphBuilder g = new GraphBuilder();
  private final Value x = g.input("x", DType.F32, 4);

  @Test
  void valuesComeAfterTheirOperands() {
    Value h = x;
    for (int i = 0; i < 50; i++) {
      h = g.activate(Activation.SILU, h).plus(x).plus(h);
    }
    g.output("late", h);
    g.output("early", x.plus(x));
    Set<Value> before = new HashSet<>();
    for (Value value : g.build().values()) {
      assertThat(before).containsAll(value.operands());
      assertThat(before.add(value)).isTrue();
    }
  }

  @Test
  void whatNoOutputNeedsIsLeftOut() {
    Value dead = g.activate(Activation.RELU, g.input("unused", DType.F32, 4));
    Value y = x.plus(x);
    y.times(dead);
    g.output("y", y);
    assertThat(g.build().values()).containsExactly(x, y);
  }

  @Test
  void aGraphDoesNotChangeWhenItsBuilderGoesOn() {
    g.output("y", x);
    Graph graph = g.build();
    g.output("z", x.plus(x));
    assertThat(graph.values()).containsExactly(x);
    assertThat(graph.outputs()).containsOnlyKeys("y");
    assertThat(g.build().outputs()).containsOnlyKeys("y", "z");
  }

  @Test
  void outputsKeepTheirOrder() {
    for (String name : new String[] {"b", "a", "d", "c"}) {
      g.output(name, x);
    }
    assertThat(g.build().outputs().keySet()).containsExactly("b", "a", "d", "c");
  }

  @Test
  void theDescriptionHasALineForEachValue() {
    g.output("y", g.at("block").add(x, x));
    assertThat(g.build().describe().lines())
        .satisfiesExactly(
            line -> assertThat(line).startsWith("%0 = input F32[4] ()"),
            line -> assertThat(line).startsWith("%1 = add F32[4] (%0, %0)").endsWith("block"));
  }

  @Test
  void activationsHaveTheNamesOfTransformers() {
    assertThat(Activation.named("gelu_pytorch_tanh", "here")).isEqualTo(Activation.GELU_TANH);
    assertThat(Activation.named("gelu", "here")).isEqualTo(Activation.GELU);
    assertThat(Activation.named("silu", "here")).isEqualTo(Activation.SILU);
    assertThat(Activation.named("quick_gelu", "here")).isEqualTo(Activation.QUICK_GELU);
    assertThatThrownBy(() -> Activation.named("mish", "config.json: hidden_act"))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("config.json: hidden_act")
        .hasMessageContaining("\"mish\"")
        .hasMessageContaining("silu");
  }
}
