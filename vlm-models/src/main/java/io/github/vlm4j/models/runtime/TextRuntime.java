package io.github.vlm4j.models.runtime;

import io.github.vlm4j.core.backend.Backend;
import io.github.vlm4j.core.backend.Executable;
import io.github.vlm4j.core.graph.Graph;
import io.github.vlm4j.core.graph.GraphBuilder;
import io.github.vlm4j.core.graph.Value;
import io.github.vlm4j.core.model.TextEncoder;
import io.github.vlm4j.core.model.TextFeatures;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.tensor.Tensor;
import io.github.vlm4j.core.weights.WeightSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Runs the encoder of texts, several of them at a time. Where tokens do not see those after them,
 * padding is not computed. Not safe for use by several threads at once.
 */
public final class TextRuntime implements AutoCloseable {

  private record Key(int texts, int length, boolean everything) {}

  private static final String IDS = "ids";
  private static final String POOLED = "pooled";
  private static final String EMBEDDING = "embedding";
  private static final int CACHED = 4;

  /** Lengths are rounded up to it, so that few graphs serve all texts. */
  private static final int LENGTH_STEP = 8;

  /** Enough rows for the matrix products to be worth their while. */
  private static final int MAX_ROWS = 512;

  private final TextEncoder encoder;
  private final Backend backend;
  private final WeightSource weights;
  private final ExecutableCache<Key> executables = new ExecutableCache<>(CACHED);

  /** Takes what to run and where. */
  public TextRuntime(TextEncoder encoder, Backend backend, WeightSource weights) {
    this.encoder = encoder;
    this.backend = backend;
    this.weights = weights;
  }

  /**
   * Computes the embeddings of texts, not normalised.
   *
   * @param texts the tokens of each, padded to the encoder's context
   */
  public List<float[]> embed(List<int[]> texts) {
    int length = texts.stream().mapToInt(this::needed).max().orElse(0);
    int step = Math.max(1, MAX_ROWS / Math.max(1, length));
    List<float[]> embeddings = new ArrayList<>();
    for (int from = 0; from < texts.size(); from += step) {
      List<int[]> part = texts.subList(from, Math.min(texts.size(), from + step));
      Executable executable = run(part, length, false);
      embeddings.addAll(PictureRuntime.rows(executable.output(EMBEDDING)));
    }
    return embeddings;
  }

  /**
   * Computes everything of one text by name: {@code embedding}, {@code pooled}, {@code
   * last_hidden_state}, {@code hidden_states.k} and {@code attentions.k}.
   *
   * @param text its tokens, padded to the encoder's context
   */
  public Map<String, Tensor> features(int[] text) {
    Executable executable = run(List.of(text), text.length, true);
    Map<String, Tensor> features = new TreeMap<>();
    for (String name : executable.outputs()) {
      Tensor tensor = executable.output(name);
      features.put(name, Tensor.ofFloats(tensor.toFloats(), tensor.shape().toArray()));
    }
    return features;
  }

  /** Returns how many tokens of a text have to be computed. */
  private int needed(int[] text) {
    if (encoder.seesAhead()) {
      return text.length;
    }
    int used = encoder.pooledToken(text) + 1;
    return Math.min(text.length, Math.ceilDiv(used, LENGTH_STEP) * LENGTH_STEP);
  }

  private Executable run(List<int[]> texts, int length, boolean everything) {
    Key key = new Key(texts.size(), length, everything);
    Executable executable = executables.get(key, wanted -> backend.compile(graph(wanted), weights));
    int[] ids = new int[texts.size() * length];
    int[] pooled = new int[texts.size()];
    for (int i = 0; i < pooled.length; i++) {
      System.arraycopy(texts.get(i), 0, ids, i * length, length);
      pooled[i] = i * length + encoder.pooledToken(texts.get(i));
    }
    executable.input(IDS).copyFrom(Tensor.ofInts(ids, ids.length));
    executable.input(POOLED).copyFrom(Tensor.ofInts(pooled, pooled.length));
    executable.run();
    return executable;
  }

  private Graph graph(Key key) {
    GraphBuilder g = new GraphBuilder();
    Value ids = g.input(IDS, DType.I32, (long) key.texts() * key.length());
    Value pooled = g.input(POOLED, DType.I32, key.texts());
    TextFeatures features = encoder.encode(g, ids, key.texts(), pooled);
    g.output(EMBEDDING, features.projected().orElse(features.pooled()));
    if (key.everything()) {
      g.output("pooled", features.pooled());
      g.output("last_hidden_state", features.lastHiddenState());
      PictureRuntime.number(g, "hidden_states.", features.hiddenStates());
      PictureRuntime.number(g, "attentions.", features.attentions());
    }
    return g.build();
  }

  @Override
  public void close() {
    executables.close();
  }
}
