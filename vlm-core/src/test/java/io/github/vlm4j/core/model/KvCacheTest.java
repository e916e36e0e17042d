package io.github.vlm4j.core.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.vlm4j.core.BackendException;
import io.github.vlm4j.core.InputException;
import io.github.vlm4j.core.backend.Backend;
import io.github.vlm4j.core.backend.Buffer;
import io.github.vlm4j.core.backend.Executable;
import io.github.vlm4j.core.conformance.OracleBackend;
import io.github.vlm4j.core.graph.Graph;
import io.github.vlm4j.core.graph.GraphBuilder;
import io.github.vlm4j.core.graph.Value;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.tensor.Shape;
import io.github.vlm4j.core.tensor.Tensor;
import io.github.vlm4j.core.weights.DeclaredWeights;
import io.github.vlm4j.core.weights.WeightSource;
import org.junit.jupiter.api.Test;

final class KvCacheTest {

  private static final DecoderGeometry GEOMETRY = new DecoderGeometry(10, 8, 2, 3, 4, 100);

  private final CountingBackend backend = new CountingBackend();

  /** Counts buffers and refuses those after a given number. */
  private static final class CountingBackend implements Backend {
    private final Backend oracle = new OracleBackend();
    private int open;
    private int left = Integer.MAX_VALUE;

    @Override
    public String name() {
      return "counting";
    }

    @Override
    public String description() {
      return "counts buffers";
    }

    @Override
    public Executable compile(Graph graph, WeightSource weights) {
      return oracle.compile(graph, weights);
    }

    @Override
    public Buffer allocate(DType dtype, Shape shape) {
      if (left-- == 0) {
        throw new BackendException("There is no memory for " + shape + ".");
      }
      open++;
      Buffer buffer = oracle.allocate(dtype, shape);
      return new Buffer() {
        @Override
        public DType dtype() {
          return buffer.dtype();
        }

        @Override
        public Shape shape() {
          return buffer.shape();
        }

        @Override
        public void copyRows(Buffer source, long rows) {
          Tensor copied =
              Tensor.ofFloats(
                  new float[(int) rows * 12], GEOMETRY.keyValueHeads(), rows, GEOMETRY.headDim());
          source.read(copied);
          copies += (int) rows;
        }

        @Override
        public void read(Tensor target) {
          buffer.read(target);
        }

        @Override
        public void close() {
          open--;
        }
      };
    }

    private int copies;

    @Override
    public void close() {}
  }

  @Test
  void itGrowsByAQuarterUpToTheContextAndBeyondOnlyIfAsked() {
    try (KvCache cache = new KvCache(backend, GEOMETRY)) {
      assertThat(cache.capacity()).isZero();
      cache.reserve(5);
      assertThat(cache.capacity()).isEqualTo(5);
      cache.reserve(5);
      cache.reserve(3);
      assertThat(cache.capacity()).isEqualTo(5);
      cache.reserve(6);
      assertThat(cache.capacity()).isEqualTo(6);
      cache.reserve(60);
      assertThat(cache.capacity()).isEqualTo(60);
      cache.reserve(61);
      assertThat(cache.capacity()).isEqualTo(75);
      cache.reserve(90);
      assertThat(cache.capacity()).isEqualTo(93);
      cache.reserve(94);
      assertThat(cache.capacity()).isEqualTo(100);
      cache.reserve(101);
      assertThat(cache.capacity()).isEqualTo(101);
      assertThat(backend.open).isEqualTo(4);
    }
    assertThat(backend.open).isZero();
  }

  @Test
  void growingKeepsWhatWasRead() {
    try (KvCache cache = new KvCache(backend, GEOMETRY)) {
      cache.reserve(4);
      cache.advance(3);
      cache.reserve(9);
      assertThat(cache.length()).isEqualTo(3);
      assertThat(backend.copies).isEqualTo(4 * 3);
    }
  }

  @Test
  void aFailureToGrowLosesNothing() {
    try (KvCache cache = new KvCache(backend, GEOMETRY)) {
      cache.reserve(4);
      cache.advance(4);
      backend.left = 2;
      assertThatThrownBy(() -> cache.reserve(5)).isInstanceOf(BackendException.class);
      assertThat(cache.capacity()).isEqualTo(4);
      assertThat(cache.length()).isEqualTo(4);
      assertThat(backend.open).isEqualTo(4);
    }
    assertThat(backend.open).isZero();
  }

  @Test
  void tokensCannotBeMoreThanThereIsRoomForNorLessThanNone() {
    try (KvCache cache = new KvCache(backend, GEOMETRY)) {
      cache.reserve(4);
      cache.advance(3);
      assertThatThrownBy(() -> cache.advance(2)).isInstanceOf(IllegalArgumentException.class);
      assertThatThrownBy(() -> cache.advance(-1)).isInstanceOf(IllegalArgumentException.class);
      assertThatThrownBy(() -> cache.advance(Integer.MAX_VALUE))
          .isInstanceOf(IllegalArgumentException.class);
      assertThatThrownBy(() -> cache.truncate(4)).isInstanceOf(IllegalArgumentException.class);
      assertThatThrownBy(() -> cache.truncate(-1)).isInstanceOf(IllegalArgumentException.class);
      cache.truncate(1);
      assertThat(cache.length()).isEqualTo(1);
      assertThat(cache.capacity()).isEqualTo(4);
    }
  }

  @Test
  void aClosedCacheIsEmptyAndCanBeUsedAgain() {
    KvCache cache = new KvCache(backend, GEOMETRY);
    cache.reserve(4);
    cache.advance(2);
    cache.close();
    cache.close();
    assertThat(backend.open).isZero();
    assertThat(cache.length()).isZero();
    cache.reserve(2);
    assertThat(cache.capacity()).isEqualTo(2);
    cache.close();
  }

  @Test
  void itKnowsTheBytesOfACapacity() {
    CacheLayout ten = CacheLayout.f32(10);
    assertThat(KvCache.bytes(GEOMETRY, ten)).isEqualTo(2 * 2 * 10 * 3 * 4 * 4);
    DecoderGeometry large = new DecoderGeometry(150_000, 5120, 64, 8, 128, 262_144);
    CacheLayout all = CacheLayout.f32(262_144);
    assertThat(KvCache.bytes(large, all)).isEqualTo(2L * 64 * 262_144 * 8 * 128 * 4);
    CacheLayout blocks = new CacheLayout(DType.Q8_0, 262_144);
    assertThat(KvCache.bytes(large, blocks)).isEqualTo(2L * 64 * 262_144 * 8 * 4 * 34);
  }

  @Test
  void everyLayersMemoryIsBoundToItsStates() {
    OracleBackend oracle = new OracleBackend();
    try (KvCache cache = new KvCache(oracle, GEOMETRY)) {
      cache.reserve(5);
      GraphBuilder g = new GraphBuilder();
      Value position = g.input("position", DType.I32, 1);
      Value rows = g.input("rows", DType.F32, 1, 3, 4);
      Shape shape = Shape.of(3, 5, 4);
      for (int layer = 0; layer < 2; layer++) {
        Value half = rows.times(rows.reshape(12).rows(layer, layer + 1).reshape());
        g.output(
            "keys " + layer, g.append(KvCache.keys(g, layer, DType.F32, shape), half, position));
        g.output(
            "values " + layer,
            g.append(KvCache.values(g, layer, DType.F32, shape), rows, position));
      }
      try (Executable first = oracle.compile(g.build(), new DeclaredWeights(DType.F32));
          Executable second = oracle.compile(g.build(), new DeclaredWeights(DType.F32))) {
        cache.bind(first);
        cache.bind(second);
        float[] twelve = {2, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2};
        first.input("rows").copyFrom(Tensor.ofFloats(twelve, 1, 3, 4));
        first.run();
        second.input("position").setInt(0, 1);
        second.run();
        assertThat(second.output("keys 0").rows(0, 1).toFloats()).startsWith(4, 6, 4);
        assertThat(second.output("keys 1").rows(0, 1).toFloats()).startsWith(6, 9, 6);
        assertThat(second.output("values 1").rows(0, 1).toFloats()).startsWith(2, 3).endsWith(0);
      }
    }
  }

  @Test
  void itIsKeptInTheTypeThatIsAskedFor() {
    DecoderGeometry geometry = new DecoderGeometry(10, 8, 1, 3, 64, 100);
    try (KvCache cache = new KvCache(new OracleBackend(), geometry, DType.Q8_0)) {
      cache.reserve(5);
      assertThat(cache.layout()).isEqualTo(new CacheLayout(DType.Q8_0, 5));
    }
    assertThatThrownBy(() -> new KvCache(backend, GEOMETRY, DType.Q8_0))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("multiple of 32")
        .hasMessageContaining("4");
    assertThatThrownBy(() -> new KvCache(backend, GEOMETRY, DType.I32))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("I32");
  }
}
