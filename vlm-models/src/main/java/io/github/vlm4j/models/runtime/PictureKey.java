package io.github.vlm4j.models.runtime;

import io.github.vlm4j.core.model.PatchGrid;
import io.github.vlm4j.models.family.PreparedVisual;
import java.lang.foreign.MemorySegment;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/**
 * What an encoder is given, by its content: two pictures of one key have the same features. The
 * pixels are those after preprocessing, so that the processor's settings are in the key, too.
 *
 * @param digest SHA-256 of the pixels, as a picture may be made by whoever wants two to be confused
 * @param grid how they are cut into patches
 */
public record PictureKey(String digest, PatchGrid grid) {

  private static final int BLOCK = 1 << 16;

  static PictureKey of(PreparedVisual visual) {
    MessageDigest digest = sha256();
    MemorySegment pixels = MemorySegment.ofArray(visual.pixels());
    byte[] block = new byte[BLOCK];
    for (long at = 0; at < pixels.byteSize(); at += BLOCK) {
      int length = (int) Math.min(BLOCK, pixels.byteSize() - at);
      MemorySegment.copy(pixels, at, MemorySegment.ofArray(block), 0, length);
      digest.update(block, 0, length);
    }
    return new PictureKey(HexFormat.of().formatHex(digest.digest()), visual.grid());
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException impossible) {
      throw new IllegalStateException("Every Java platform has SHA-256", impossible);
    }
  }
}
