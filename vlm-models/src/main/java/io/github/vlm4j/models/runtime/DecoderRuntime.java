package io.github.vlm4j.models.runtime;

import io.github.vlm4j.core.backend.Backend;
import io.github.vlm4j.core.backend.Executable;
import io.github.vlm4j.core.graph.Graph;
import io.github.vlm4j.core.graph.GraphBuilder;
import io.github.vlm4j.core.graph.ScatterMode;
import io.github.vlm4j.core.graph.Value;
import io.github.vlm4j.core.model.AfterLayer;
import io.github.vlm4j.core.model.CacheLayout;
import io.github.vlm4j.core.model.Decoder;
import io.github.vlm4j.core.model.KvCache;
import io.github.vlm4j.core.model.TokenPositions;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.tensor.Tensor;
import io.github.vlm4j.core.weights.WeightSource;
import io.github.vlm4j.models.family.ModelArchitecture;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Runs the decoder over one sequence: prompts in chunks, then token by token. A step allocates
 * nothing. Not safe for use by several threads at once.
 */
public final class DecoderRuntime implements AutoCloseable {

  /**
   * What a graph is compiled for.
   *
   * @param tokens the rows
   * @param visualRows how many of them are embeddings of pictures
   * @param cache how keys and values are stored
   * @param logitRows how many of the last rows' logits are wanted
   */
  private record Key(int tokens, int visualRows, CacheLayout cache, int logitRows) {}

  /** Is told the logits after tokens of a sequence. */
  @FunctionalInterface
  public interface TokenLogits {

    /**
     * Takes the logits after a token.
     *
     * @param index the token's index in the sequence
     * @param logits {@code [vocabulary]}, valid until this returns
     */
    void accept(int index, float[] logits);
  }

  /**
   * Long enough to use each weight, once fetched, for hundreds of tokens; short enough for the
   * activations of a chunk to stay in the last-level cache.
   */
  private static final int CHUNK = 512;

  /** Keeps the logits of a chunk at 32 MiB: a row of them has up to a quarter of a million. */
  private static final int MAX_LOGITS = 1 << 23;

  /** A short question and its answer take no more memory than they need. */
  private static final int CAPACITY_STEP = 64;

  /** Keys and values of which nobody needs half the bytes. */
  private static final long LITTLE_MEMORY = 16L << 20;

  private static final int CACHED_GRAPHS = 4;
  private static final String IDS = "ids";
  private static final String ROWS = "visual.rows";
  private static final String EMBEDDINGS = "visual.embeddings";
  private static final String LOGITS = "logits";

  private final ModelArchitecture architecture;
  private final Decoder decoder;
  private final Backend backend;
  private final WeightSource weights;
  private final KvCache cache;
  private final ReadTokens read;
  private final ExecutableCache<Key> executables = new ExecutableCache<>(CACHED_GRAPHS);
  private final float[] logits;

  /** Made once, as a step must not allocate. */
  private final Function<Key, Executable> compile = this::compile;

  private Key oneToken;

  /** Takes what to run and where; keys and values are kept in f32. */
  public DecoderRuntime(ModelArchitecture architecture, Backend backend, WeightSource weights) {
    this(architecture, backend, weights, DType.F32);
  }

  /**
   * Takes what to run and where.
   *
   * @param cacheType the type that keys and values are kept in: F32, F16, BF16 or Q8_0; null for
   *     {@link #usualCacheType}
   * @throws io.github.vlm4j.core.InputException if it is another one or does not fit the model
   */
  public DecoderRuntime(
      ModelArchitecture architecture,
      Backend backend,
      WeightSource weights,
      @Nullable DType cacheType) {
    this.architecture = architecture;
    this.decoder = architecture.decoder();
    this.backend = backend;
    this.weights = weights;
    this.cache =
        new KvCache(
            backend,
            decoder.geometry(),
            cacheType == null ? usualCacheType(architecture) : cacheType);
    this.read = new ReadTokens(decoder);
    this.logits = new float[decoder.geometry().vocabularySize()];
    this.oneToken = new Key(1, 0, cache.layout(), 1);
  }

  /**
   * Returns the type that keys and values are kept in if nobody asks for another: F16, which rounds
   * less than weights that are stored in 16 bits or in blocks have been; but F32 beside weights in
   * F32, and where they take little memory even at the end of the context.
   */
  static DType usualCacheType(ModelArchitecture architecture) {
    Decoder decoder = architecture.decoder();
    CacheLayout whole = CacheLayout.f32(decoder.geometry().contextLength());
    if (KvCache.bytes(decoder.geometry(), whole) <= LITTLE_MEMORY) {
      return DType.F32;
    }
    GraphBuilder g = new GraphBuilder();
    Value hidden = g.input("hidden", DType.F32, 1, decoder.geometry().hiddenSize());
    g.output(LOGITS, decoder.logits(g.at("language_model"), hidden));
    return TokenTraffic.weightType(g.build()) == DType.F32 ? DType.F32 : DType.F16;
  }

  /** Forgets the sequence; memory is kept for the next one. */
  public void reset() {
    cache.truncate(0);
    read.forget();
  }

  /**
   * Begins a sequence, of which as much is taken as read as the sequence before it shares: the same
   * tokens in the same positions, and in the place of tokens the same pictures. After {@link
   * #reset} nothing is shared until the next call of this has been read.
   *
   * @param next the sequence, whose tokens from {@link #length} on are to be read
   * @param most how many tokens may be taken as read
   * @return how many are
   */
  public int begin(TokenSequence next, int most) {
    int shared = Math.min(most, read.shared(next, cache.length()));
    cache.truncate(shared);
    read.belongTo(next);
    return shared;
  }

  /** Returns the length of a row of logits. */
  public int vocabularySize() {
    return logits.length;
  }

  /** Returns the number of tokens read. */
  public int length() {
    return cache.length();
  }

  /**
   * Takes the next tokens as read, whatever the cache holds in their place: what a step costs
   * depends on how many tokens there are, not on which.
   *
   * @param tokens how many
   * @throws io.github.vlm4j.core.BackendException if there is not enough memory
   */
  void skip(int tokens) {
    reserve(cache.length() + tokens);
    cache.advance(tokens);
  }

  /**
   * Makes room for a sequence.
   *
   * @param tokens in all
   * @throws io.github.vlm4j.core.BackendException if there is not enough memory
   */
  public void reserve(int tokens) {
    if (tokens > cache.capacity()) {
      // Whatever was compiled for the old capacity is of no more use.
      executables.close();
      cache.reserve(Math.ceilDiv(tokens, CAPACITY_STEP) * CAPACITY_STEP);
      oneToken = new Key(1, 0, cache.layout(), 1);
      read.reserve(cache.capacity());
    }
  }

  /**
   * Reads a prompt, or what of it has not been read.
   *
   * @param ids its tokens
   * @param visuals the pictures whose placeholders are among those not read, in order
   * @param positions of the tokens
   * @param progress told after each chunk how many tokens have been read
   * @return the logits after the last token, {@code [vocabulary]}, valid until the next call
   */
  public float[] prefill(
      int[] ids, List<EncodedVisual> visuals, TokenPositions positions, IntConsumer progress) {
    read(ids, visuals, positions, ids.length - 1, (index, row) -> {}, progress);
    return logits;
  }

  /**
   * Reads a sequence from where it has been read to, in chunks as a prompt, and tells the logits
   * after each of its last tokens.
   *
   * @param ids its tokens
   * @param visuals the pictures whose placeholders are among those not read, in order
   * @param positions of the tokens
   * @param first the index of the first token after which the logits are wanted; it must not have
   *     been read
   * @param rows told the logits after that token and every later one, in order
   * @param progress told after each chunk how many tokens have been read
   */
  public void read(
      int[] ids,
      List<EncodedVisual> visuals,
      TokenPositions positions,
      int first,
      TokenLogits rows,
      IntConsumer progress) {
    reserve(ids.length);
    int logitRows = Math.clamp(MAX_LOGITS / logits.length, 1, CHUNK);
    int from = cache.length();
    while (from < ids.length) {
      int firstHere = Math.max(from, first);
      int to = Math.min(Math.min(from + CHUNK, firstHere + logitRows), ids.length);
      int wanted = Math.max(0, to - firstHere);
      Executable executable = run(ids, from, to, visuals, positions, wanted);
      for (int row = 0; row < wanted; row++) {
        rows.accept(firstHere + row, logits(executable, row));
      }
      progress.accept(to);
      from = to;
    }
  }

  /**
   * Reads one token more.
   *
   * @return the logits after it, {@code [vocabulary]}, valid until the next call
   */
  public float[] step(int token, TokenPositions positions) {
    reserve(cache.length() + 1);
    Executable executable = executable(oneToken);
    executable.input(IDS).setInt(0, token);
    decoder.setPositions(executable, positions, cache.length(), 1);
    executable.run();
    read.put(cache.length(), token);
    cache.advance(1);
    return logits(executable, 0);
  }

  private Executable run(
      int[] ids,
      int from,
      int to,
      List<EncodedVisual> visuals,
      TokenPositions positions,
      int logitRows) {
    int visualRows = 0;
    for (EncodedVisual visual : visuals) {
      visualRows += countIn(visual.rows(), from, to);
    }
    Executable executable = executable(new Key(to - from, visualRows, cache.layout(), logitRows));
    MemorySegment.copy(ids, from, executable.input(IDS).data(), Tensor.I32, 0, to - from);
    if (visualRows > 0) {
      fillVisuals(executable, visuals, from, to);
    }
    decoder.setPositions(executable, positions, from, to - from);
    executable.run();
    for (int i = from; i < to; i++) {
      read.put(i, ids[i]);
    }
    cache.advance(to - from);
    return executable;
  }

  private void fillVisuals(Executable executable, List<EncodedVisual> visuals, int from, int to) {
    Tensor rows = executable.input(ROWS);
    long filled = 0;
    for (EncodedVisual visual : visuals) {
      int first = countIn(visual.rows(), 0, from);
      int count = countIn(visual.rows(), from, to);
      for (int i = 0; i < count; i++) {
        rows.setInt(filled + i, visual.rows()[first + i] - from);
      }
      copyRows(visual.embeddings(), first, executable.input(EMBEDDINGS), filled, count);
      for (int level = 0; level < visual.deepstack().size(); level++) {
        copyRows(
            visual.deepstack().get(level),
            first,
            executable.input(deepstackName(level)),
            filled,
            count);
      }
      filled += count;
    }
  }

  private static void copyRows(Tensor from, long fromRow, Tensor to, long toRow, long count) {
    to.rows(toRow, toRow + count).copyFrom(from.rows(fromRow, fromRow + count));
  }

  private static int countIn(int[] ascending, int from, int to) {
    int count = 0;
    for (int row : ascending) {
      if (row >= from && row < to) {
        count++;
      }
    }
    return count;
  }

  private float[] logits(Executable executable, int row) {
    long offset = (long) row * logits.length * Float.BYTES;
    MemorySegment.copy(
        executable.output(LOGITS).data(), Tensor.F32, offset, logits, 0, logits.length);
    return logits;
  }

  private Executable executable(Key key) {
    return executables.get(key, compile);
  }

  private Executable compile(Key key) {
    Executable compiled = backend.compile(describe(architecture, key), weights);
    cache.bind(compiled);
    return compiled;
  }

  /** Returns the graph that reads some tokens of text and tells the last one's logits. */
  static Graph graph(ModelArchitecture architecture, int tokens) {
    return graph(architecture, tokens, CacheLayout.f32(tokens));
  }

  /** Returns the same graph for a cache of some layout. */
  static Graph graph(ModelArchitecture architecture, int tokens, CacheLayout cache) {
    return describe(architecture, new Key(tokens, 0, cache, 1));
  }

  private static Graph describe(ModelArchitecture architecture, Key key) {
    Decoder decoder = architecture.decoder();
    GraphBuilder g = new GraphBuilder();
    GraphBuilder text = g.at("language_model");
    int hidden = decoder.geometry().hiddenSize();
    Value embeddings = decoder.embed(text, g.input(IDS, DType.I32, key.tokens()));
    AfterLayer afterLayer = AfterLayer.NOTHING;
    if (key.visualRows() > 0) {
      Value rows = g.input(ROWS, DType.I32, key.visualRows());
      Value visual = g.input(EMBEDDINGS, DType.F32, key.visualRows(), hidden);
      embeddings = g.scatter(embeddings, rows, visual, ScatterMode.REPLACE);
      List<Value> deepstack = new ArrayList<>();
      for (int level = 0; level < architecture.deepstackLevels(); level++) {
        deepstack.add(g.input(deepstackName(level), DType.F32, key.visualRows(), hidden));
      }
      afterLayer =
          (layer, h) ->
              layer < deepstack.size()
                  ? g.scatter(h, rows, deepstack.get(layer), ScatterMode.ADD)
                  : h;
    }
    Value last =
        decoder
            .decode(text, embeddings, key.cache(), afterLayer)
            .lastHiddenState()
            .rows(key.tokens() - Math.max(1L, key.logitRows()), key.tokens());
    if (key.logitRows() > 0) {
      g.output(LOGITS, decoder.logits(g, last));
    } else {
      g.output("last_hidden_state", last);
    }
    return g.build();
  }

  private static String deepstackName(int level) {
    return "visual.deepstack." + level;
  }

  @Override
  public void close() {
    executables.close();
    cache.close();
  }
}
