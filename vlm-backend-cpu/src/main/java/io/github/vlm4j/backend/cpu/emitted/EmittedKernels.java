package io.github.vlm4j.backend.cpu.emitted;

import io.github.vlm4j.backend.cpu.kernel.AttentionLoops;
import io.github.vlm4j.backend.cpu.kernel.ElementLoops;
import io.github.vlm4j.backend.cpu.kernel.FewRowsLoops;
import io.github.vlm4j.backend.cpu.kernel.Kernels;
import io.github.vlm4j.backend.cpu.kernel.Matrix;
import io.github.vlm4j.backend.cpu.kernel.RoundedLoops;
import io.github.vlm4j.backend.cpu.kernel.RowLoops;
import io.github.vlm4j.backend.cpu.kernel.RunLoops;
import io.github.vlm4j.core.tensor.DType;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The kernels that are emitted for this processor. Their code is freed when nobody refers to them
 * any more.
 */
public final class EmittedKernels {

  private static final Logger LOG = LoggerFactory.getLogger(EmittedKernels.class);

  /** The floats before the first line of a cache in an array, at most. */
  public static final int MOST_SKIPPED = CacheLines.MOST_SKIPPED;

  private final String name;
  private final Kernels kernels;
  private final List<RoundedLoops> rounded;
  private final @Nullable AttentionLoops attention;
  private final @Nullable FineProducts fine;
  private final List<RowLoops> rows;
  private final @Nullable FewRowsLoops fewRows;
  private final @Nullable FloatElements elements;
  private final @Nullable RunLoops runs;
  private final CacheLines lines;

  private EmittedKernels(
      String name,
      Kernels kernels,
      List<RoundedLoops> rounded,
      @Nullable AttentionLoops attention,
      @Nullable FineProducts fine,
      List<RowLoops> rows,
      @Nullable FewRowsLoops fewRows,
      @Nullable FloatElements elements,
      @Nullable RunLoops runs,
      CacheLines lines) {
    this.name = name;
    this.kernels = kernels;
    this.rounded = List.copyOf(rounded);
    this.attention = attention;
    this.fine = fine;
    this.rows = List.copyOf(rows);
    this.fewRows = fewRows;
    this.elements = elements;
    this.runs = runs;
    this.lines = lines;
  }

  /**
   * Makes the kernels.
   *
   * @param kernels what decodes quantised weights, lays those in f32 out and attends few queries
   * @param products what may be used; where tiles are, many inputs are not multiplied as bytes
   * @return nothing, after a line in the log at level debug, if the processor has not what they
   *     need, or if the system or the JVM does not let code be made
   */
  public static Optional<EmittedKernels> make(Kernels kernels, Set<Products> products) {
    String missing = missing();
    if (missing.isEmpty()) {
      try {
        CpuFeatures features = CpuFeatures.ask();
        boolean bytes = products.contains(Products.BYTES);
        if (features.bf16() && products.contains(Products.BF16)) {
          boolean tiles =
              products.contains(Products.TILES) && features.tiles() && TilePermission.ask();
          return Optional.of(
              make(kernels, features, tiles, bytes && features.vnni(), Arena.ofAuto()));
        }
        if (features.vnni() && bytes) {
          return Optional.of(ofVnni(kernels, features, Arena.ofAuto()));
        }
        if (features.avx2()) {
          return Optional.of(ofAvx2(kernels, features, products, Arena.ofAuto()));
        }
        missing = "the processor has neither avx512_bf16 nor avx2";
      } catch (ExecutableMemory.Refused e) {
        missing = String.valueOf(e.getMessage());
      }
    }
    LOG.debug("No kernels are emitted, because {}", missing);
    return Optional.empty();
  }

  /** For processors with AVX-512 and its products of bytes, but not of bf16. */
  private static EmittedKernels ofVnni(Kernels kernels, CpuFeatures features, Arena arena) {
    return new EmittedKernels(
        "emitted (avx512_vnni)",
        overEmitted(kernels, features, arena),
        List.of(bytes(arena)),
        null,
        null,
        List.of(new ByteRows(ByteCode::new, arena), new Bf16Rows(arena)),
        null,
        elements(kernels, features, arena),
        runs(kernels, features, arena),
        new CacheLines(arena));
  }

  private static RoundedLoops bytes(Arena arena) {
    return new Int8Loops(
        new BlockRowFunctions(ByteBlockCode::new, arena), new Int8Functions(arena));
  }

  private static EmittedKernels ofAvx2(
      Kernels kernels, CpuFeatures features, Set<Products> products, Arena arena) {
    boolean bytes = products.contains(Products.BYTES);
    CacheLines lines = new CacheLines(arena);
    // With AVX-512, f32 is as fast as words; bytes of four bits have not been measured there.
    Set<Products> rounded = features.avx512() ? Set.of() : products;
    return new EmittedKernels(
        "emitted (avx2)",
        overEmitted(kernels, features, arena),
        blockLoops(kernels, rounded, lines, arena),
        null,
        null,
        bytes
            ? List.of(new ByteRows(Avx2Code::new, arena), new Bf16Rows(arena))
            : List.of(new Bf16Rows(arena)),
        bytes ? new FourInputs(arena) : null,
        elements(kernels, features, arena),
        runs(kernels, features, arena),
        lines);
  }

  /** Weights of four bits are words only where they may not be multiplied as they are. */
  private static List<RoundedLoops> blockLoops(
      Kernels kernels, Set<Products> products, CacheLines lines, Arena arena) {
    List<RoundedLoops> loops = new ArrayList<>();
    if (products.contains(Products.BYTES)) {
      loops.add(new BlockLoops(new NibbleNumbers(arena), lines));
    }
    if (products.contains(Products.WORDS)) {
      loops.add(new BlockLoops(new WordNumbers(kernels, new FloatTranspose(arena), arena), lines));
    }
    return loops;
  }

  private static Kernels overEmitted(Kernels kernels, CpuFeatures features, Arena arena) {
    return FloatTile.of(kernels.inputTile(), features)
        .map(tile -> kernels.over(new FloatPanels(tile, arena)).over(new FewQueries(tile, arena)))
        .orElse(kernels);
  }

  private static @Nullable FloatElements elements(
      Kernels kernels, CpuFeatures features, Arena arena) {
    return FloatTile.of(kernels.inputTile(), features)
        .map(tile -> FloatElements.make(tile, kernels, arena))
        .orElse(null);
  }

  private static @Nullable RunLoops runs(Kernels kernels, CpuFeatures features, Arena arena) {
    return FloatTile.of(kernels.weightTile(), features)
        .map(tile -> new FloatLoops(tile, kernels, arena))
        .orElse(null);
  }

  private static EmittedKernels make(
      Kernels kernels, CpuFeatures features, boolean tiles, boolean bytes, Arena arena) {
    Bf16Products products = tiles ? new TileProducts(1, arena) : new DotProducts(arena);
    Bf16Functions functions = new Bf16Functions(products.layout(), arena);
    List<RoundedLoops> rounded = new ArrayList<>();
    List<String> parts = new ArrayList<>(List.of("avx512_bf16"));
    if (bytes) {
      parts.add("avx512_vnni");
    }
    if (tiles) {
      // Several times as fast as products of bytes, and more exact.
      parts.add("amx_bf16");
    } else if (bytes) {
      rounded.add(bytes(arena));
    }
    BlockRowFunctions blockRows = new BlockRowFunctions(Bf16BlockCode::new, arena);
    Bf16Winograd winograd = new Bf16Winograd(functions, products.layout(), arena);
    Kernels over = overEmitted(kernels, features, arena);
    FloatElements elements = elements(kernels, features, arena);
    ElementLoops decoder = elements == null ? kernels : elements;
    RoundedNumbers numbers = new RoundedNumbers(blockRows, functions);
    rounded.add(new Bf16Loops(numbers, functions, products, winograd));
    return new EmittedKernels(
        "emitted (" + String.join(", ", parts) + ")",
        over,
        rounded,
        new Bf16Attention(
            over,
            decoder,
            functions,
            new Bf16AttentionFunctions(products.layout(), arena),
            products),
        tiles ? new FineProducts(over, decoder, arena) : null,
        bytes
            ? List.of(new ByteRows(ByteCode::new, arena), new Bf16Rows(arena))
            : List.of(new Bf16Rows(arena)),
        null,
        elements,
        runs(kernels, features, arena),
        new CacheLines(arena));
  }

  /** Returns what is missing for code to be made at all, or nothing. */
  private static String missing() {
    String architecture = System.getProperty("os.arch", "");
    if (!architecture.equals("amd64") && !architecture.equals("x86_64")) {
      return "the processor is a " + architecture;
    }
    Module module = EmittedKernels.class.getModule();
    return module.isNativeAccessEnabled()
        ? ""
        : "Java was not started with --enable-native-access="
            + (module.isNamed() ? module.getName() : "ALL-UNNAMED");
  }

  /** Returns a short name for listings. */
  public String name() {
    return name;
  }

  /** Returns the kernels, with an innermost loop that is emitted if it fits them. */
  public Kernels kernels() {
    return kernels;
  }

  /** Returns the products of many inputs with weights of a type, or null if there are none. */
  public @Nullable RoundedLoops rounded(DType weights) {
    RoundedLoops found =
        rounded.stream().filter(loops -> loops.takes(weights)).findFirst().orElse(null);
    return found == null && fine != null ? fine.loops(weights) : found;
  }

  /** Returns products of single inputs with these weights, or null if there are none. */
  public @Nullable RowLoops rows(Matrix weights) {
    return rows.stream().filter(loops -> loops.takes(weights)).findFirst().orElse(null);
  }

  /** Returns products of a few inputs with these weights, or null if there are none. */
  public @Nullable FewRowsLoops fewRows(Matrix weights) {
    return fewRows != null && fewRows.takes(weights) ? fewRows : null;
  }

  /**
   * Returns operations by element or row.
   *
   * @param others what computes where there are no emitted ones, or too few elements for them
   */
  public ElementLoops elements(ElementLoops others) {
    return elements == null ? others : elements.over(others);
  }

  /** Returns products of many inputs in f32, or null if there are none for the kernels' tile. */
  public @Nullable RunLoops runs() {
    return runs;
  }

  /**
   * Returns the first place in an array that begins a line of a cache; what lies from there on is
   * read and written faster.
   */
  public int firstLine(float[] array) {
    return lines.next(array, 0);
  }

  /**
   * Returns attention whose products are of rounded numbers, or null if there is none.
   *
   * @param parts of how many each has to be, see {@link RoundedLoops#parts}
   */
  public @Nullable AttentionLoops attention(int parts) {
    return switch (parts) {
      case 1 -> attention;
      case 2 -> fine == null ? null : fine.attention();
      default -> null;
    };
  }
}
