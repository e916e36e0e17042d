package io.github.vlm4j.core.graph;

import io.github.vlm4j.core.tensor.Tensor;
import io.github.vlm4j.core.weights.Weight;
import java.util.List;

/**
 * The operations a backend has to know. Each is named as the field names it and carries only what
 * cannot be read off its operands. Values are f32 unless said otherwise; parameters keep the type
 * of the checkpoint. The operands, in order, are given in brackets.
 */
public sealed interface Op {

  /** What the caller fills in before each run; f32 or i32. [] */
  record Input(String name) implements Op {}

  /**
   * Memory that outlives a run, bound by the caller, such as the keys of a KV cache: f32, or f16,
   * bf16 or Q8_0 where it is only appended to and attended to. []
   */
  record State(String name) implements Op {}

  /** A parameter of the model, in its stored type. [] */
  record Parameter(Weight weight) implements Op {}

  /** Numbers known while the graph is built, such as rotary tables of an image's grid. [] */
  record Constant(Tensor tensor) implements Op {}

  /**
   * {@code y = x·Wᵀ + b}. [x {@code [.., in]}, W {@code [out, in]}, optionally b {@code [out]}] →
   * {@code [.., out]}
   */
  record Linear() implements Op {}

  /**
   * The convolution of pictures, channels last, as neural networks mean it (the kernel is not
   * flipped): {@code y[n, i, j, o] = b[o] + Σ x[n, i·stride + u − padding, j·stride + v − padding,
   * c] · W[o, u, v, c]} over u, v and c, with zeros outside the picture. [x {@code [n, h, w, in]},
   * W {@code [out, kh, kw, in]}, optionally b {@code [out]}] → {@code [n, oh, ow, out]} with {@code
   * oh = (h + 2·padding − kh) / stride + 1}, rounded down, and ow likewise
   *
   * @param stride the distance between neighbouring windows, in both directions
   * @param padding the zeros around each picture, on every side
   */
  record Convolve(int stride, int padding) implements Op {}

  /**
   * The means of windows of pictures that lie side by side, channels last; what is left over at the
   * right and at the bottom is dropped. [x {@code [n, h, w, c]}] → {@code [n, h / height, w /
   * width, c]}
   */
  record AveragePool(int height, int width) implements Op {}

  /** {@code a + b}; b may lack a's outer dimensions and is then repeated. [a, b] */
  record Add() implements Op {}

  /** {@code a · b} by element; b may lack a's outer dimensions and is then repeated. [a, b] */
  record Multiply() implements Op {}

  /** A non-linearity by element. [x] */
  record Activate(Activation activation) implements Op {}

  /** A gated linear unit's product, {@code activation(gate) · up}. [gate, up] */
  record Gate(Activation activation) implements Op {}

  /**
   * The choice of experts: of each row's softmax the greatest are kept, of equal ones those of
   * lower index, and the others become 0 (Shazeer et al., "Outrageously Large Neural Networks",
   * 2017). [logits {@code [n, experts]}] → {@code [n, experts]}
   *
   * @param chosen how many are kept
   * @param normalised whether those that are kept are divided by their sum
   */
  record Route(int chosen, boolean normalised) implements Op {}

  /**
   * A mixture of experts, each a gated feed-forward network: {@code y[i] = Σ gates[i, e] ·
   * down_e(activation(gate_e(x[i])) · up_e(x[i]))} over the experts e. One whose gate is 0 is not
   * computed, whatever its weights are. The operands are x {@code [n, hidden]}, gates {@code [n,
   * experts]} and then, for one expert after the other, either {@code gate} and {@code up} {@code
   * [inter, hidden]} and {@code down} {@code [hidden, inter]}, applied as {@code x·Wᵀ}, or, stored
   * the other way round and applied as {@code x·W}, {@code gateUp} {@code [hidden, 2·inter]}, the
   * columns of gate before those of up, and {@code down} {@code [inter, hidden]}. → {@code [n,
   * hidden]}
   *
   * @param activation what gates the products
   * @param transposed whether the weights are stored the other way round
   */
  record Experts(Activation activation, boolean transposed) implements Op {}

  /**
   * {@code x / √(mean(x²) + eps) · w} over the last dimension. [x {@code [.., n]}, w {@code [n]}]
   */
  record RmsNorm(float eps) implements Op {}

  /**
   * {@code (x − mean) / √(variance + eps) · w + b} over the last dimension. [x {@code [.., n]}, w
   * {@code [n]}, b {@code [n]}]
   */
  record LayerNorm(float eps) implements Op {}

  /**
   * Rotary position embedding of the first {@code 2·r} dimensions of each head, the rest unchanged.
   * [x {@code [n, heads, headDim]}, cos {@code [n, r]}, sin {@code [n, r]}]
   */
  record Rope(RopePairing pairing) implements Op {}

  /**
   * Scaled dot-product attention (Vaswani et al., 2017) of the i-th segment of queries to the i-th
   * segment of keys; query head h reads key/value head {@code h · kvHeads / heads}. [q {@code [n,
   * heads, d]}, k {@code [m, kvHeads, d]}, v {@code [m, kvHeads, dv]}] → {@code [n, heads, dv]}
   *
   * @param scale what the dot products are multiplied with
   * @param causal whether a row sees only itself and earlier rows of its segment; the segments of
   *     queries and keys are the same then
   * @param segments the lengths of consecutive runs of queries that see nothing of each other's
   *     keys; they add up to n
   * @param keySegments the lengths of as many runs of keys; they add up to m
   */
  record Attention(float scale, boolean causal, List<Integer> segments, List<Integer> keySegments)
      implements Op {

    /** Keeps an immutable copy of the segments. */
    public Attention {
      segments = List.copyOf(segments);
      keySegments = List.copyOf(keySegments);
      requireOwnKeys(causal, segments, keySegments);
    }
  }

  /**
   * The weights that {@link Attention} gives each key, for looking at. [q {@code [n, heads, d]}, k
   * {@code [m, kvHeads, d]}] → {@code [heads, n, m]}; 0 between segments
   */
  record AttentionWeights(
      float scale, boolean causal, List<Integer> segments, List<Integer> keySegments)
      implements Op {

    /** Keeps an immutable copy of the segments. */
    public AttentionWeights {
      segments = List.copyOf(segments);
      keySegments = List.copyOf(keySegments);
      requireOwnKeys(causal, segments, keySegments);
    }
  }

  private static void requireOwnKeys(
      boolean causal, List<Integer> segments, List<Integer> keySegments) {
    if (causal && !segments.equals(keySegments)) {
      throw new IllegalArgumentException(
          "Causal attention of segments " + segments + " to other segments " + keySegments);
    }
  }

  /**
   * Causal attention over a KV cache: row i, at position {@code p + i}, sees the cached rows up to
   * {@code p + i}, from 0 or, in a sliding window (Beltagy et al., "Longformer", 2020), from {@code
   * max(0, p + i − window + 1)} on. Keys and values are states of one type, read as f32. [q {@code
   * [n, heads, d]}, keys {@code [kvHeads, capacity, d]}, values {@code [kvHeads, capacity, dv]}, p:
   * i32 {@code [1]}] → {@code [n, heads, dv]}
   *
   * @param scale what the dot products are multiplied with
   * @param window how many rows a row sees at most, itself included; 0 for all
   */
  record CachedAttention(float scale, int window) implements Op {}

  /**
   * Writes rows into a state from a position on, each head's next to its earlier ones, rounded to
   * the state's type: f32; f16 or bf16, to the nearest, ties to even; Q8_0 as ggml does. The result
   * is the state after the write. [state {@code [heads, capacity, d]}, rows f32 {@code [n, heads,
   * d]}, position: i32 {@code [1]}]
   */
  record Append() implements Op {}

  /** A range of the outermost dimension. [x] */
  record Rows(long from, long to) implements Op {}

  /** The same elements under another shape. [x] */
  record Reshape() implements Op {}

  /** One after the other along the outermost dimension. [a, b, ..] */
  record Concat() implements Op {}

  /**
   * The rows of a table by index: an embedding. [table {@code [rows, n]} of any float or quantised
   * type, ids: i32 {@code [m]}] → {@code [m, n]}
   */
  record Gather() implements Op {}

  /**
   * The weighted sum of k rows of a table: an interpolated position embedding. [table {@code [rows,
   * n]} of any float type, ids: i32 {@code [m, k]}, weights: f32 {@code [m, k]}] → {@code [m, n]}
   */
  record WeightedGather() implements Op {}

  /**
   * x with some of its rows replaced by y's, or y's added to them. [x {@code [n, ..]}, ids: i32
   * {@code [m]}, each at most once, y {@code [m, ..]}] → {@code [n, ..]}
   */
  record Scatter(ScatterMode mode) implements Op {}

  /** Returns the operation's name, as {@code linear}. */
  default String label() {
    String name = getClass().getSimpleName();
    return Character.toLowerCase(name.charAt(0)) + name.substring(1);
  }
}
