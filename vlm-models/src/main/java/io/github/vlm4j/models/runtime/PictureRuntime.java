package io.github.vlm4j.models.runtime;

import io.github.vlm4j.core.backend.Backend;
import io.github.vlm4j.core.backend.Executable;
import io.github.vlm4j.core.event.FlightRecording;
import io.github.vlm4j.core.event.ImageEncodeEvent;
import io.github.vlm4j.core.graph.Graph;
import io.github.vlm4j.core.graph.GraphBuilder;
import io.github.vlm4j.core.graph.Value;
import io.github.vlm4j.core.model.PatchGrid;
import io.github.vlm4j.core.model.VisionEncoder;
import io.github.vlm4j.core.model.VisionFeatures;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.tensor.Tensor;
import io.github.vlm4j.core.weights.WeightSource;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Runs the encoder of pictures by itself, several pictures of one grid at a time. Not safe for use
 * by several threads at once.
 */
public final class PictureRuntime implements AutoCloseable {

  /** What can be computed of a picture. */
  public enum Output {
    /** {@code embedding}: projected, else pooled; {@code [pictures, dimension]}. */
    EMBEDDING,
    /** {@code pooled}: {@code [pictures, hidden]}. */
    POOLED,
    /** {@code last_hidden_state}: {@code [rows, hidden]}. */
    LAST_HIDDEN_STATE,
    /** {@code hidden_states.k}: the embeddings and the output of every layer. */
    HIDDEN_STATES,
    /** {@code attentions.k}: the attention weights of every layer. */
    ATTENTIONS,
    /** {@code patch_embeddings}: each patch alone, projected; {@code [patches, dimension]}. */
    PATCH_EMBEDDINGS
  }

  private record Key(PatchGrid grid, Set<Output> outputs) {}

  private static final String PIXELS = "pixels";
  private static final int CACHED = 3;

  private final VisionEncoder encoder;
  private final Backend backend;
  private final WeightSource weights;
  private final ExecutableCache<Key> executables = new ExecutableCache<>(CACHED);
  private @Nullable PatchGrid measured;
  private long bytesPerPicture;

  /** Takes what to run and where. */
  public PictureRuntime(VisionEncoder encoder, Backend backend, WeightSource weights) {
    this.encoder = encoder;
    this.backend = backend;
    this.weights = weights;
  }

  /**
   * Computes the embeddings of pictures, not normalised.
   *
   * @param pixels of each picture, as the encoder's {@code pixelShape} says
   * @param grid of each picture
   */
  public List<float[]> embed(List<float[]> pixels, PatchGrid grid) {
    Optional<ImageEncodeEvent> event = FlightRecording.begin(() -> new ImageEncodeEvent());
    Executable executable = run(pixels, grid, Set.of(Output.EMBEDDING));
    List<float[]> embeddings = rows(executable.output("embedding"));
    event.ifPresent(encode -> {
      encode.patches = grid.patches() * pixels.size();
      encode.tokens = embeddings.size();
      encode.commit();
    });
    return embeddings;
  }

  /**
   * Returns how many pictures may be encoded together.
   *
   * @param bytes the most that the activations may take
   * @param grid of each picture
   * @param most how many pictures there are
   * @return from 1 to {@code most}
   */
  public int batchWithin(long bytes, PatchGrid grid, int most) {
    if (!grid.equals(measured)) {
      bytesPerPicture = executable(1, grid, Set.of(Output.EMBEDDING)).activationBytes();
      measured = grid;
    }
    return Math.clamp(bytes / Math.max(1, bytesPerPicture), 1, most);
  }

  /** Computes what is asked for of one picture, by name. */
  public Map<String, Tensor> features(float[] pixels, PatchGrid grid, Set<Output> outputs) {
    Executable executable = run(List.of(pixels), grid, outputs);
    Map<String, Tensor> features = new TreeMap<>();
    for (String name : executable.outputs()) {
      Tensor tensor = executable.output(name);
      features.put(name, Tensor.ofFloats(tensor.toFloats(), tensor.shape().toArray()));
    }
    return features;
  }

  /** Returns the graph that embeds pictures, for looking at and for counting. */
  public static Graph embedding(VisionEncoder encoder, PatchGrid grid) {
    return graph(encoder, new Key(grid, Set.of(Output.EMBEDDING)));
  }

  private Executable run(List<float[]> pixels, PatchGrid grid, Set<Output> outputs) {
    Executable executable = executable(pixels.size(), grid, outputs);
    if (executable.outputs().isEmpty()) {
      // The encoder has nothing of what is asked for, and what nobody reads is not in the graph.
      return executable;
    }
    MemorySegment input = executable.input(PIXELS).data();
    long at = 0;
    for (float[] picture : pixels) {
      MemorySegment from = MemorySegment.ofArray(picture);
      MemorySegment.copy(from, 0, input, at, from.byteSize());
      at += from.byteSize();
    }
    executable.run();
    return executable;
  }

  private Executable executable(int pictures, PatchGrid grid, Set<Output> outputs) {
    PatchGrid batch = new PatchGrid(pictures, grid.height(), grid.width());
    Key key = new Key(batch, EnumSet.copyOf(outputs));
    return executables.get(key, wanted -> backend.compile(graph(encoder, wanted), weights));
  }

  private static Graph graph(VisionEncoder encoder, Key key) {
    GraphBuilder g = new GraphBuilder();
    Value pixels = g.input(PIXELS, DType.F32, encoder.pixelShape(key.grid()).toArray());
    VisionFeatures features = encoder.encode(g, pixels, key.grid());
    for (Output output : key.outputs()) {
      switch (output) {
        case EMBEDDING ->
            features.projected().or(features::pooled).ifPresent(v -> g.output("embedding", v));
        case POOLED -> features.pooled().ifPresent(v -> g.output("pooled", v));
        case LAST_HIDDEN_STATE -> g.output("last_hidden_state", features.lastHiddenState());
        case HIDDEN_STATES -> number(g, "hidden_states.", features.hiddenStates());
        case ATTENTIONS -> number(g, "attentions.", features.attentions());
        case PATCH_EMBEDDINGS ->
            features.patchEmbeddings().ifPresent(v -> g.output("patch_embeddings", v));
      }
    }
    return g.build();
  }

  /** Names a list of values one by one. */
  static void number(GraphBuilder g, String prefix, List<Value> values) {
    for (int i = 0; i < values.size(); i++) {
      g.output(prefix + i, values.get(i));
    }
  }

  /** Returns copies of a matrix's rows. */
  static List<float[]> rows(Tensor matrix) {
    float[] all = matrix.toFloats();
    int length = (int) matrix.shape().last();
    List<float[]> rows = new ArrayList<>();
    for (int at = 0; at < all.length; at += length) {
      float[] row = new float[length];
      System.arraycopy(all, at, row, 0, length);
      rows.add(row);
    }
    return rows;
  }

  @Override
  public void close() {
    executables.close();
  }
}
