package io.github.vlm4j.backend.cpu.emitted;

import io.github.vlm4j.backend.cpu.kernel.RoundedLoops;
import io.github.vlm4j.core.tensor.DType;
import java.lang.foreign.Arena;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Products of tiles with weights in f32 and f16, see {@link SplitNumbers}. Their code is made when
 * it is first asked for: models with other weights start sooner without it.
 */
final class FineProducts {

  private static final Logger LOG = LoggerFactory.getLogger(FineProducts.class);

  private final Arena arena;
  private @Nullable RoundedLoops loops;
  private boolean refused;

  /**
   * Creates what makes the code.
   *
   * @param arena how long the code lives
   */
  FineProducts(Arena arena) {
    this.arena = arena;
  }

  /** Returns products with weights of a type, or null if there are none. */
  @Nullable RoundedLoops loops(DType weights) {
    return SplitNumbers.knows(weights) ? loops() : null;
  }

  private synchronized @Nullable RoundedLoops loops() {
    if (loops == null && !refused) {
      try {
        Bf16Products products = new TileProducts(SplitNumbers.PARTS, arena);
        loops = new Bf16Loops(new SplitNumbers(products.layout(), arena), products, null);
      } catch (ExecutableMemory.Refused e) {
        refused = true;
        LOG.debug("Weights in f32 and f16 are not multiplied as tiles, because {}", e.getMessage());
      }
    }
    return loops;
  }
}
