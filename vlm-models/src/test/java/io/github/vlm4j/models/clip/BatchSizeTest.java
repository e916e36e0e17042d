package io.github.vlm4j.models.clip;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.vlm4j.core.backend.Backend;
import io.github.vlm4j.core.backend.BackendOptions;
import io.github.vlm4j.core.backend.Backends;
import io.github.vlm4j.core.backend.Executable;
import io.github.vlm4j.core.checkpoint.Checkpoint;
import io.github.vlm4j.core.model.PatchGrid;
import io.github.vlm4j.core.model.VisionEncoder;
import io.github.vlm4j.core.weights.CheckpointWeights;
import io.github.vlm4j.core.weights.WeightScope;
import io.github.vlm4j.models.runtime.PictureRuntime;
import java.util.Objects;
import org.junit.jupiter.api.Test;

class BatchSizeTest {

  private static final PatchGrid SMALL = new PatchGrid(1, 1, 1);
  private static final PatchGrid LARGE = new PatchGrid(1, 5, 6);

  @Test
  void asManyPicturesAreEncodedTogetherAsTheirActivationsFit() {
    try (ClipFixture fixture = ClipFixture.of("siglip2_naflex");
        Checkpoint checkpoint = Checkpoint.open(fixture.model());
        Backend backend = Backends.find().open(null, BackendOptions.DEFAULT)) {
      WeightScope scope = WeightScope.of(new CheckpointWeights(checkpoint));
      VisionEncoder encoder =
          Objects.requireNonNull(
              DualEncoderFormats.of(fixture.model(), checkpoint)
                  .orElseThrow()
                  .assemble(scope)
                  .vision());
      try (PictureRuntime runtime = new PictureRuntime(encoder, backend, scope.source())) {
        long large = bytes(backend, encoder, scope, LARGE);
        assertThat(runtime.batchWithin(5 * large, LARGE, 8)).isEqualTo(5);
        assertThat(runtime.batchWithin(100 * large, LARGE, 8)).isEqualTo(8);
        assertThat(runtime.batchWithin(large - 1, LARGE, 8)).isEqualTo(1);
        assertThat(runtime.batchWithin(large, SMALL, 8)).isGreaterThan(1);
        assertThat(runtime.batchWithin(2 * large, LARGE, 8)).isEqualTo(2);
      }
    }
  }

  private static long bytes(
      Backend backend, VisionEncoder encoder, WeightScope scope, PatchGrid grid) {
    try (Executable one =
        backend.compile(PictureRuntime.embedding(encoder, grid), scope.source())) {
      return one.activationBytes();
    }
  }
}
