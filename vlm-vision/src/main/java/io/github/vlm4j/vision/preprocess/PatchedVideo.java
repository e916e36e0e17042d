package io.github.vlm4j.vision.preprocess;

import java.util.List;

/**
 * A video cut into patches.
 *
 * @param patches the frames; the grid has one frame per temporal patch
 * @param timestamps seconds from the start, one per temporal patch: the mean of its first and last
 *     frame
 */
public record PatchedVideo(PatchedImage patches, List<Double> timestamps) {

  /** Copies the list. */
  public PatchedVideo {
    timestamps = List.copyOf(timestamps);
  }
}
