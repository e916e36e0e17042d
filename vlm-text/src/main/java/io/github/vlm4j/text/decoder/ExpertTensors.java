package io.github.vlm4j.text.decoder;

import io.github.vlm4j.core.ModelException;
import io.github.vlm4j.core.tensor.Shape;
import io.github.vlm4j.core.weights.WeightScope;
import java.util.Optional;

/**
 * Says which field of a configuration a layer's tensors contradict, where it has experts or should
 * have: that a tensor is missing or of another shape would not tell.
 */
final class ExpertTensors {

  private final DecoderNames names;
  private final int hiddenSize;
  private final WeightScope mlp;

  private ExpertTensors(DecoderNames names, int hiddenSize, WeightScope mlp) {
    this.names = names;
    this.hiddenSize = hiddenSize;
    this.mlp = mlp;
  }

  /**
   * Checks a layer.
   *
   * @param hiddenSize the length of a row
   * @param experts what the configuration says of the layer; empty for an MLP
   * @param mlp the place of the MLP or the experts
   * @throws ModelException if its tensors are of the other kind, or of other numbers
   */
  static void requireFitting(
      DecoderNames names,
      int hiddenSize,
      Optional<GqaDecoderConfig.Experts> experts,
      WeightScope mlp) {
    var tensors = new ExpertTensors(names, hiddenSize, mlp);
    tensors.requireKind(experts.isPresent());
    experts.ifPresent(tensors::requireNumbers);
  }

  private void requireKind(boolean experts) {
    String router = names.experts().router() + ".weight";
    String gate = names.mlp().gate() + ".weight";
    if (experts ? mlp.has(gate) && !mlp.has(router) : mlp.has(router) && !mlp.has(gate)) {
      throw new ModelException(
          "The checkpoint has a tensor "
              + path(experts ? gate : router)
              + " and none "
              + path(experts ? router : gate)
              + " where mlp_only_layers, decoder_sparse_step and model_type of config.json call for"
              + " "
              + (experts ? "experts" : "an MLP without experts")
              + "; configuration and weights belong to different models.");
    }
  }

  private void requireNumbers(GqaDecoderConfig.Experts config) {
    String experts = names.experts().experts();
    String router = names.experts().router() + ".weight";
    require("num_experts", config.count(), router, (long) config.count() * hiddenSize);
    long middle = config.intermediateSize();
    if (names.experts().stacked()) {
      String down = experts + ".down_proj";
      require("moe_intermediate_size", middle, down, config.count() * (hiddenSize * middle));
    } else {
      String first = experts + ".0." + names.mlp().gate() + ".weight";
      require("moe_intermediate_size", middle, first, hiddenSize * middle);
    }
  }

  private void require(String field, long configured, String tensor, long elements) {
    if (mlp.has(tensor) && shape(tensor).elements() != elements) {
      throw new ModelException(
          "config.json says "
              + field
              + " "
              + configured
              + " but the tensor "
              + path(tensor)
              + " has the shape "
              + shape(tensor)
              + "; configuration and weights belong to different models.");
    }
  }

  private Shape shape(String tensor) {
    return mlp.source().tensor(path(tensor)).shape();
  }

  private String path(String tensor) {
    return mlp.path() + "." + tensor;
  }
}
