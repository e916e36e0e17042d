package io.github.vlm4j.vision.encoder;

/**
 * How pixels are cut into patches and patches joined into blocks.
 *
 * @param channels the colour channels
 * @param patchSize the side of a patch in pixels
 * @param temporalPatchSize the frames of a patch
 * @param mergeSize the side, in patches, of what the connector merges into one embedding
 */
public record PatchLayout(int channels, int patchSize, int temporalPatchSize, int mergeSize) {

  /** Returns the numbers of one patch: channels × frames × side × side. */
  public int elements() {
    return channels * temporalPatchSize * patchSize * patchSize;
  }

  /** Returns the side of a merge block in pixels. */
  public int blockSize() {
    return patchSize * mergeSize;
  }
}
