package io.github.vlm4j.models.clip;

import io.github.vlm4j.core.InputException;
import io.github.vlm4j.core.tensor.Tensor;
import io.github.vlm4j.models.family.PreparedPicture;
import io.github.vlm4j.models.runtime.PictureRuntime.Output;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Ways to tell where in a picture a match comes from. */
public enum Explanation {
  /**
   * The cosine of each patch's own embedding with the text's (Zhou et al., "Extract Free Dense
   * Labels from CLIP", 2022).
   */
  SIMILARITY(Output.PATCH_EMBEDDINGS) {
    @Override
    float[] heat(Map<String, Tensor> features, float[] text) {
      Tensor patches = require(features.get("patch_embeddings"), this);
      int count = (int) patches.shape().dim(0);
      float[] all = patches.toFloats();
      float[] heat = new float[count];
      for (int i = 0; i < count; i++) {
        double dot = 0;
        double square = 0;
        for (int j = 0; j < text.length; j++) {
          float value = all[i * text.length + j];
          dot += (double) value * text[j];
          square += (double) value * value;
        }
        heat[i] = square == 0 ? 0 : (float) (dot / Math.sqrt(square));
      }
      return heat;
    }
  },
  /**
   * How much of each patch reaches the class token through all layers (Abnar and Zuidema,
   * "Quantifying Attention Flow in Transformers", 2020): what the encoder looks at, whatever the
   * text.
   */
  ROLLOUT(Output.ATTENTIONS) {
    @Override
    float[] heat(Map<String, Tensor> features, float[] text) {
      double[] flow = {};
      for (int layer = features.size() - 1; layer >= 0; layer--) {
        Tensor attention = features.get("attentions." + layer);
        if (attention != null) {
          flow = through(attention, flow);
        }
      }
      if (flow.length == 0) {
        require(null, this);
      }
      float[] heat = new float[flow.length - 1];
      for (int i = 0; i < heat.length; i++) {
        heat[i] = (float) flow[i + 1];
      }
      return heat;
    }
  };

  private final Output output;

  Explanation(Output output) {
    this.output = output;
  }

  /** Returns what has to be computed of the picture. */
  public Set<Output> outputs() {
    return Set.of(output);
  }

  /**
   * Returns a number for each patch.
   *
   * @param features {@link #outputs} of the picture
   * @param text the text's normalised embedding
   * @throws InputException if the encoder does not have what is needed
   */
  abstract float[] heat(Map<String, Tensor> features, float[] text);

  /** Returns the map of a picture whose features were computed. */
  public HeatMap map(Map<String, Tensor> features, float[] text, PreparedPicture picture) {
    float[] heat = heat(features, text);
    if (heat.length != picture.grid().patches()) {
      // Without a class token, one row less remains.
      require(null, this);
    }
    return new HeatMap(heat, picture.grid(), picture.seen());
  }

  private static Tensor require(@Nullable Tensor tensor, Explanation method) {
    if (tensor == null) {
      throw new InputException(
          "This model cannot be explained by "
              + method.name().toLowerCase(Locale.ROOT)
              + ": its encoder does not have what that needs; try another method.");
    }
    return tensor;
  }

  /** Multiplies the class token's flow with one layer's: half attention, half residual. */
  private static double[] through(Tensor attention, double[] flow) {
    int heads = (int) attention.shape().dim(0);
    int tokens = (int) attention.shape().dim(1);
    float[] weights = attention.toFloats();
    double[] from = flow.length == 0 ? firstToken(tokens) : flow;
    double[] to = new double[tokens];
    for (int i = 0; i < tokens; i++) {
      to[i] += from[i] / 2;
      if (from[i] == 0) {
        continue;
      }
      for (int head = 0; head < heads; head++) {
        for (int j = 0; j < tokens; j++) {
          to[j] += from[i] / 2 * weights[(head * tokens + i) * tokens + j] / heads;
        }
      }
    }
    return to;
  }

  private static double[] firstToken(int tokens) {
    double[] flow = new double[tokens];
    flow[0] = 1;
    return flow;
  }
}
