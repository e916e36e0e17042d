package io.github.vlm4j.models.qwenvl;

import io.github.vlm4j.core.CheckpointException;
import io.github.vlm4j.text.tokenizer.Tokenizer;
import java.math.BigDecimal;
import java.math.RoundingMode;

/** The tokens that stand for pictures, videos and the times of a video's frames. */
final class VisualTokens {

  private final Tokenizer tokenizer;
  private final int image;
  private final int video;

  VisualTokens(Tokenizer tokenizer, int image, int video) {
    this.tokenizer = tokenizer;
    this.image = image;
    this.video = video;
  }

  int image() {
    return image;
  }

  int video() {
    return video;
  }

  int visionStart() {
    return special("<|vision_start|>");
  }

  int visionEnd() {
    return special("<|vision_end|>");
  }

  /**
   * Returns the text that says when a frame was taken, with the exact value of the number rounded
   * to one decimal as Python does: 0.25 seconds is 0.2.
   */
  int[] timestamp(double seconds) {
    BigDecimal rounded = new BigDecimal(seconds).setScale(1, RoundingMode.HALF_EVEN);
    return tokenizer.encode("<" + rounded.toPlainString() + " seconds>");
  }

  private int special(String token) {
    return tokenizer
        .idOf(token)
        .orElseThrow(() ->
            new CheckpointException(
                "tokenizer.json has no token "
                    + token
                    + ", which Qwen3-VL needs around video frames."));
  }
}
