package io.github.vlm4j.core.model;

import java.util.Optional;

/**
 * How a picture or a video is cut into patches.
 *
 * @param frames temporal patches, 1 for a still picture; encoders that know no time read them one
 *     by one, as a batch of pictures of one size
 * @param height rows of patches
 * @param width columns of patches
 * @param tiling how the frames make up one picture, if they are a copy of it and its tiles
 */
public record PatchGrid(int frames, int height, int width, Optional<Tiling> tiling) {

  /** Returns the grid of frames that are what they seem: pictures, or times of a video. */
  public PatchGrid(int frames, int height, int width) {
    this(frames, height, width, Optional.empty());
  }

  /** Checks that no extent is zero or negative and that the number of patches fits an int. */
  public PatchGrid {
    if (frames < 1 || height < 1 || width < 1) {
      throw new IllegalArgumentException("A patch grid of " + frames + "×" + height + "×" + width);
    }
    Math.multiplyExact(Math.multiplyExact(frames, height), width);
  }

  /** Returns the number of patches. */
  public int patches() {
    return frames * height * width;
  }
}
