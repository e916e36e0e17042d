package io.github.vlm4j.backend.cpu.emitted;

import io.github.vlm4j.backend.cpu.kernel.AttentionLoops;
import io.github.vlm4j.backend.cpu.kernel.Kernels;
import io.github.vlm4j.backend.cpu.kernel.RoundedLoops;
import io.github.vlm4j.core.tensor.DType;
import java.lang.foreign.Arena;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Products of tiles with weights in f16, see {@link SplitNumbers}, and the attention that goes with
 * them. Their code is made when it is first asked for: models with other weights start sooner
 * without it.
 */
final class FineProducts {

  private static final Logger LOG = LoggerFactory.getLogger(FineProducts.class);

  private record Code(RoundedLoops loops, AttentionLoops attention) {}

  private final Kernels few;
  private final Arena arena;
  private @Nullable Code code;
  private boolean refused;

  /**
   * Creates what makes the code.
   *
   * @param few what attends few queries
   * @param arena how long the code lives
   */
  FineProducts(Kernels few, Arena arena) {
    this.few = few;
    this.arena = arena;
  }

  /** Returns products with weights of a type, or null if there are none. */
  @Nullable RoundedLoops loops(DType weights) {
    Code made = weights == SplitNumbers.WEIGHTS ? code() : null;
    return made == null ? null : made.loops();
  }

  /** Returns attention as exact as the products, or null if the system does not allow it. */
  @Nullable AttentionLoops attention() {
    Code made = code();
    return made == null ? null : made.attention();
  }

  private synchronized @Nullable Code code() {
    if (code == null && !refused) {
      try {
        Bf16Products products = new TileProducts(2, arena);
        Bf16Functions functions = new Bf16Functions(products.layout(), arena);
        code =
            new Code(
                new Bf16Loops(new SplitNumbers(functions, arena), functions, products, null),
                new Bf16Attention(few, functions, products));
      } catch (ExecutableMemory.Refused e) {
        refused = true;
        LOG.debug("Weights in f16 are not multiplied as tiles, because {}", e.getMessage());
      }
    }
    return code;
  }
}
