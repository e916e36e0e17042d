package io.github.vlm4j.models.runtime;

import io.github.vlm4j.core.backend.Backend;
import io.github.vlm4j.core.backend.Executable;
import io.github.vlm4j.core.event.FlightRecording;
import io.github.vlm4j.core.event.ImageEncodeEvent;
import io.github.vlm4j.core.graph.Graph;
import io.github.vlm4j.core.graph.GraphBuilder;
import io.github.vlm4j.core.graph.Value;
import io.github.vlm4j.core.model.PatchGrid;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.tensor.Tensor;
import io.github.vlm4j.core.weights.WeightSource;
import io.github.vlm4j.models.family.PreparedVisual;
import io.github.vlm4j.models.family.VisualEmbeddings;
import io.github.vlm4j.models.family.VisualPath;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/** Runs encoder and connectors. Not safe for use by several threads at once. */
public final class VisualRuntime implements AutoCloseable {

  /** What can be computed of a picture beside what the decoder reads. */
  public enum Extra {
    /** The encoder's last hidden state. */
    LAST_HIDDEN_STATE,
    /** The embeddings and the output of every layer of the encoder. */
    HIDDEN_STATES,
    /** The attention weights of every layer of the encoder. */
    ATTENTIONS
  }

  private record Key(PatchGrid grid, Set<Extra> extras) {}

  private static final String PIXELS = "pixels";
  private static final String EMBEDDINGS = "connector";
  private static final int CACHED_GRIDS = 2;

  private final VisualPath path;
  private final Backend backend;
  private final WeightSource weights;
  private final ExecutableCache<Key> executables = new ExecutableCache<>(CACHED_GRIDS);

  /** Takes what to run and where. */
  public VisualRuntime(VisualPath path, Backend backend, WeightSource weights) {
    this.path = path;
    this.backend = backend;
    this.weights = weights;
  }

  /** Computes what the decoder reads. */
  public EncodedVisual encode(PreparedVisual visual) {
    Optional<ImageEncodeEvent> event = FlightRecording.begin(() -> new ImageEncodeEvent());
    Executable executable = run(visual, Set.of());
    Tensor embeddings = copy(executable.output(EMBEDDINGS));
    List<Tensor> deepstack = new ArrayList<>();
    for (int level = 0; level < path.deepstackLevels(); level++) {
      deepstack.add(copy(executable.output(deepstackName(level))));
    }
    event.ifPresent(encode -> {
      encode.patches = visual.grid().patches();
      encode.tokens = visual.rows().length;
      encode.commit();
    });
    return new EncodedVisual(embeddings, deepstack, visual.rows());
  }

  /**
   * Computes named features: {@code connector}, {@code deepstack.k}, and as asked {@code
   * last_hidden_state}, {@code hidden_states.k}, {@code attentions.k}.
   */
  public Map<String, Tensor> features(PreparedVisual visual, Set<Extra> extras) {
    Executable executable = run(visual, extras);
    Map<String, Tensor> features = new TreeMap<>();
    for (String name : executable.outputs()) {
      features.put(name, copy(executable.output(name)));
    }
    return features;
  }

  /** Returns the graph of what the decoder reads of a grid, for counting. */
  static Graph graph(VisualPath path, PatchGrid grid) {
    return build(path, new Key(grid, Set.of()));
  }

  private Executable run(PreparedVisual visual, Set<Extra> extras) {
    Key key = new Key(visual.grid(), extras.isEmpty() ? Set.of() : EnumSet.copyOf(extras));
    Executable executable =
        executables.get(key, wanted -> backend.compile(build(path, wanted), weights));
    long[] shape = path.pixelShape(visual.grid()).toArray();
    executable.input(PIXELS).copyFrom(Tensor.ofFloats(visual.pixels(), shape));
    executable.run();
    return executable;
  }

  private static Graph build(VisualPath path, Key key) {
    GraphBuilder g = new GraphBuilder();
    Value pixels = g.input(PIXELS, DType.F32, path.pixelShape(key.grid()).toArray());
    VisualEmbeddings visual = path.embedVisual(g, pixels, key.grid());
    g.output(EMBEDDINGS, visual.embeddings());
    for (int level = 0; level < visual.deepstack().size(); level++) {
      g.output(deepstackName(level), visual.deepstack().get(level));
    }
    if (key.extras().contains(Extra.LAST_HIDDEN_STATE)) {
      g.output("last_hidden_state", visual.features().lastHiddenState());
    }
    if (key.extras().contains(Extra.HIDDEN_STATES)) {
      outputs(g, "hidden_states.", visual.features().hiddenStates());
    }
    if (key.extras().contains(Extra.ATTENTIONS)) {
      outputs(g, "attentions.", visual.features().attentions());
    }
    return g.build();
  }

  private static void outputs(GraphBuilder g, String prefix, List<Value> values) {
    for (int i = 0; i < values.size(); i++) {
      g.output(prefix + i, values.get(i));
    }
  }

  private static String deepstackName(int level) {
    return "deepstack." + level;
  }

  private static Tensor copy(Tensor tensor) {
    return Tensor.ofFloats(tensor.toFloats(), tensor.shape().toArray());
  }

  @Override
  public void close() {
    executables.close();
  }
}
