package io.github.vlm4j.backend.cpu.emitted;

import io.github.vlm4j.backend.cpu.kernel.AttentionLoops;
import io.github.vlm4j.backend.cpu.kernel.ElementLoops;
import io.github.vlm4j.backend.cpu.kernel.RoundedLoops;
import io.github.vlm4j.core.tensor.DType;
import java.lang.foreign.Arena;
import java.util.EnumMap;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Products of tiles with weights in f16 and f32, see {@link SplitNumbers}, and the attention that
 * goes with f16. Their code is made when it is first asked for: models with other weights start
 * sooner without it.
 */
final class FineProducts {

  private static final Logger LOG = LoggerFactory.getLogger(FineProducts.class);

  /** Attention is null where that of f32 is no slower. */
  private record Code(RoundedLoops loops, @Nullable AttentionLoops attention) {}

  private final AttentionLoops few;
  private final ElementLoops decoder;
  private final Arena arena;
  private final Map<DType, Optional<Code>> made = new EnumMap<>(DType.class);

  /**
   * Creates what makes the code.
   *
   * @param few what attends few queries
   * @param decoder what decodes keys and values that are not f32
   * @param arena how long the code lives
   */
  FineProducts(AttentionLoops few, ElementLoops decoder, Arena arena) {
    this.few = few;
    this.decoder = decoder;
    this.arena = arena;
  }

  /** Returns products with weights of a type, or null if there are none. */
  @Nullable RoundedLoops loops(DType weights) {
    return SplitNumbers.parts(weights) > 1 ? code(weights).map(Code::loops).orElse(null) : null;
  }

  /** Returns attention of two parts, or null if the system does not allow it. */
  @Nullable AttentionLoops attention() {
    return code(DType.F16).map(Code::attention).orElse(null);
  }

  private synchronized Optional<Code> code(DType weights) {
    return made.computeIfAbsent(weights, this::make);
  }

  private Optional<Code> make(DType weights) {
    try {
      Bf16Products products = new TileProducts(SplitNumbers.parts(weights), arena);
      PanelLayout layout = products.layout();
      Bf16Functions functions = new Bf16Functions(layout, arena);
      SplitNumbers numbers = new SplitNumbers(weights, functions, arena);
      AttentionLoops attention =
          layout.parts() > 2
              ? null
              : new Bf16Attention(
                  few, decoder, functions, new Bf16AttentionFunctions(layout, arena), products);
      return Optional.of(new Code(new Bf16Loops(numbers, functions, products, null), attention));
    } catch (ExecutableMemory.Refused e) {
      LOG.debug("Weights in {} are not multiplied as tiles, because {}", weights, e.getMessage());
      return Optional.empty();
    }
  }
}
