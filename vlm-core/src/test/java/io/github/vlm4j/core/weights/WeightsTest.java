package io.github.vlm4j.core.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.vlm4j.core.ModelException;
import io.github.vlm4j.core.quant.BlockCodec;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.tensor.Shape;
import io.github.vlm4j.core.tensor.Tensor;
import org.junit.jupiter.api.Test;

final class WeightsTest {

  @Test
  void aScopeJoinsNamesAndRecordsWhatWasAsked() {
    WeightScope root = WeightScope.of(new DeclaredWeights(DType.BF16));
    WeightScope attn = root.at("layers.3").at("attn").named("Attention(2 heads)");
    Weight weight = attn.get("q.weight", 8, 4);
    root.get("norm", 4);
    assertThat(weight).isEqualTo(Weight.of("layers.3.attn.q.weight", DType.BF16, Shape.of(8, 4)));
    assertThat(attn.path()).isEqualTo("layers.3.attn");
    assertThat(root.path()).isEmpty();
    assertThat(attn.has("q.bias")).isFalse();
    ModuleTree tree = root.tree();
    assertThat(tree).isSameAs(attn.tree());
    assertThat(tree.weights().keySet()).containsExactly("layers.3.attn.q.weight", "norm");
    assertThat(tree.kind("layers.3.attn")).contains("Attention(2 heads)");
    assertThat(tree.kind("layers.3")).isEmpty();
    assertThat(tree.kinds()).containsOnlyKeys("layers.3.attn");
  }

  @Test
  void aParameterAskedForTwiceCountsOnce() {
    WeightScope root = WeightScope.of(new DeclaredWeights(DType.BF16));
    root.get("embed", 10, 4);
    root.get("embed", 10, 4);
    root.get("head", 3);
    assertThat(root.tree().parameterCount()).isEqualTo(43);
    assertThat(root.tree().byteSize()).isEqualTo(86);
  }

  @Test
  void sizesThatNoTensorHasAreReportedWithTheName() {
    WeightScope scope = WeightScope.of(new DeclaredWeights(DType.F32)).at("mlp");
    assertThatThrownBy(() -> scope.get("up", 1L << 40, 1L << 40))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("mlp.up")
        .hasMessageContaining("[1099511627776, 1099511627776]");
    assertThatThrownBy(() -> scope.get("up", -3, 2))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("[-3, 2]");
  }

  @Test
  void declaredWeightsHaveNoData() {
    assertThatThrownBy(() -> new DeclaredWeights(DType.BF16).tensor("norm.weight"))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("norm.weight")
        .hasMessageContaining("not loaded");
  }

  @Test
  void aWeightsRowsAreAViewOfTheStoredTensor() {
    Tensor stored = Tensor.ofFloats(new float[] {0, 1, 10, 11, 20, 21, 30, 31}, 4, 2);
    Weight whole = Weight.of("w", DType.F32, Shape.of(4, 2));
    assertThat(whole.of(stored).toFloats()).containsExactly(stored.toFloats());
    Weight inner = whole.rows(1, 4).rows(1, 2);
    assertThat(inner.shape()).isEqualTo(Shape.of(1, 2));
    assertThat(inner.of(stored).toFloats()).containsExactly(20, 21);
    assertThat(whole.rows(2, 2).of(stored).toFloats()).isEmpty();
    assertThat(whole.reshape(2, 4).rows(1, 2).of(stored).toFloats())
        .containsExactly(20, 21, 30, 31);
    Weight vector = Weight.of("b", DType.F32, Shape.of(8));
    assertThat(vector.rows(3, 5).of(stored.reshape(8)).toFloats()).containsExactly(11, 20);
  }

  @Test
  void rangesAndShapesThatDoNotFitAWeightAreRefused() {
    Weight weight = Weight.of("w", DType.F32, Shape.of(4, 2));
    assertThatThrownBy(() -> weight.rows(2, 5))
        .isInstanceOf(IndexOutOfBoundsException.class)
        .hasMessage("Rows 2 to 5 of w F32[4, 2]");
    assertThatThrownBy(() -> weight.rows(-1, 2)).isInstanceOf(IndexOutOfBoundsException.class);
    assertThatThrownBy(() -> weight.reshape(3, 3)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> weight.rows(1, 3).reshape(4))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void randomWeightsDependOnNothingButTheName() {
    try (RandomWeights first = new RandomWeights(DType.F32);
        RandomWeights second = new RandomWeights(DType.F32)) {
      second.require("b", Shape.of(7, 5));
      first.require("a", Shape.of(7, 5));
      second.require("a", Shape.of(7, 5));
      assertThat(first.tensor("a").toFloats()).containsExactly(second.tensor("a").toFloats());
      assertThat(first.tensor("a").toFloats()).isNotEqualTo(second.tensor("b").toFloats());
    }
  }

  @Test
  void randomWeightsFillTheWholeTensorWithSmallNumbers() {
    for (DType type : new DType[] {DType.F32, DType.F16, DType.BF16}) {
      try (RandomWeights weights = new RandomWeights(type)) {
        weights.require("matrix", Shape.of(300, 333));
        weights.require("norm.weight", Shape.of(100));
        float[] values = weights.tensor("matrix").toFloats();
        double squares = 0;
        int zeros = 0;
        for (float value : values) {
          squares += value * value;
          zeros += value == 0 ? 1 : 0;
        }
        assertThat(Math.sqrt(squares / values.length)).isEqualTo(0.02, within(0.001));
        assertThat(zeros).isLessThan(10);
        float[] norm = weights.tensor("norm.weight").toFloats();
        for (float value : norm) {
          assertThat(value).isEqualTo(1, within(0.2f));
        }
      }
    }
  }

  @Test
  void randomMatricesOfWholeBlocksAreStoredInBlocksAndAllElseInF32() {
    try (RandomWeights weights = new RandomWeights(DType.Q8_0)) {
      assertThat(weights.require("matrix", Shape.of(300, 64)).dtype()).isEqualTo(DType.Q8_0);
      assertThat(weights.require("narrow", Shape.of(300, 33)).dtype()).isEqualTo(DType.F32);
      assertThat(weights.require("norm.weight", Shape.of(64)).dtype()).isEqualTo(DType.F32);
      Tensor matrix = weights.tensor("matrix");
      float[] last = new float[32];
      BlockCodec.of(DType.Q8_0).decode(matrix.data(), matrix.data().byteSize() - 34, 1, last, 0);
      assertThat(last[0]).isBetween(-0.2f, 0.2f).isNotZero();
      assertThat(weights.tensor("narrow").dtype()).isEqualTo(DType.F32);
    }
  }

  @Test
  void randomWeightsAreFloatsThatALayerAskedFor() {
    assertThatThrownBy(() -> new RandomWeights(DType.I8))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("I8");
    try (RandomWeights weights = new RandomWeights(DType.BF16)) {
      assertThat(weights.contains("a")).isFalse();
      assertThatThrownBy(() -> weights.tensor("a"))
          .isInstanceOf(ModelException.class)
          .hasMessageContaining("a");
    }
  }
}
