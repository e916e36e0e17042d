package io.github.vlm4j.models.gguf;

import io.github.vlm4j.core.ModelException;
import io.github.vlm4j.core.checkpoint.Checkpoint;
import io.github.vlm4j.core.checkpoint.GgufValue;
import io.github.vlm4j.core.tensor.Shape;
import io.github.vlm4j.core.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A vision encoder and its connector as they are written to an {@code mmproj} file: the other way
 * round than {@link GgufVision}.
 *
 * @param kind which it is
 * @param metadata the entries of its file but for the file's name and types
 * @param names what its tensors are called
 * @param blocks how many of its blocks are written
 */
record GgufTower(
    GgufVision.Kind kind, SequencedMap<String, GgufValue> metadata, GgufNames names, int blocks) {

  private static final String PATCHES = "patch_embed.proj.weight";
  private static final String QKV = ".attn.qkv.";
  private static final Pattern BLOCK = Pattern.compile("^v\\.blk\\.(\\d+)\\.");
  private static final int FRAMES = 2;

  /**
   * Returns what becomes of a tensor of the folder.
   *
   * @param source its name in the folder
   * @param name Hugging Face's name of it
   * @return one tensor or several, none if llama.cpp computes without it; empty if it is no tensor
   *     of such a model
   * @throws ModelException if its shape is not that of such a model
   */
  Optional<List<GgufTensor>> tensors(String source, String name, Checkpoint checkpoint) {
    boolean clip = kind == GgufVision.Kind.LLAVA;
    if (!clip && name.endsWith(PATCHES)) {
      return Optional.of(frames(source, name, checkpoint));
    }
    if (!clip && kind != GgufVision.Kind.QWEN3 && name.contains(QKV)) {
      return thirds(source, name, checkpoint);
    }
    return names
        .stored(name)
        .map(stored ->
            isRead(stored)
                ? List.of(GgufTensor.of(stored, source, checkpoint))
                : List.<GgufTensor>of());
  }

  /** LLaVA's projector reads hidden states from before the last blocks and the norm after them. */
  private boolean isRead(String stored) {
    Matcher block = BLOCK.matcher(stored);
    return kind != GgufVision.Kind.LLAVA
        || !stored.startsWith("v.post_ln.")
            && (!block.find() || Integer.parseInt(block.group(1)) < blocks);
  }

  /** A kernel over two frames becomes one for each: {@code modify_tensors} of qwenvl.py. */
  private List<GgufTensor> frames(String source, String name, Checkpoint checkpoint) {
    Shape shape = checkpoint.shape(source);
    if (shape.rank() != 5 || shape.dim(2) != FRAMES || shape.elements() == 0) {
      throw new ModelException(
          checkpoint.describe(source) + " must be [hidden, 3, 2, patch, patch].");
    }
    Shape one = Shape.of(shape.dim(0), shape.dim(1), shape.dim(3), shape.dim(4));
    List<GgufTensor> frames = new ArrayList<>();
    for (int frame = 0; frame < FRAMES; frame++) {
      int chosen = frame;
      String stored =
          names.stored(name.replace(".weight", ".frame." + frame + ".weight")).orElseThrow();
      frames.add(
          new GgufTensor(
              stored, source, checkpoint.dtype(source), one, kernel -> frame(kernel, chosen, one)));
    }
    return frames;
  }

  private static Tensor frame(Tensor kernel, int frame, Shape shape) {
    long pixels = kernel.data().byteSize() / (shape.dim(0) * shape.dim(1) * FRAMES);
    MemorySegment chosen = Arena.ofAuto().allocate(kernel.data().byteSize() / FRAMES, 64);
    for (long i = 0; i < shape.dim(0) * shape.dim(1); i++) {
      MemorySegment.copy(kernel.data(), (i * FRAMES + frame) * pixels, chosen, i * pixels, pixels);
    }
    return Tensor.of(kernel.dtype(), shape, chosen);
  }

  private Optional<List<GgufTensor>> thirds(String source, String name, Checkpoint checkpoint) {
    Shape shape = checkpoint.shape(source);
    if (shape.rank() == 0 || shape.dim(0) % 3 != 0) {
      throw new ModelException(
          checkpoint.describe(source) + " must hold the rows of queries, keys and values.");
    }
    long rows = shape.dim(0) / 3;
    List<GgufTensor> thirds = new ArrayList<>();
    for (String role : List.of("q", "k", "v")) {
      long from = thirds.size() * rows;
      Optional<String> stored = names.stored(name.replace(QKV, ".attn." + role + "."));
      if (stored.isEmpty()) {
        return Optional.empty();
      }
      thirds.add(
          new GgufTensor(
              stored.get(),
              source,
              checkpoint.dtype(source),
              shape.with(0, rows),
              all -> all.rows(from, from + rows)));
    }
    return Optional.of(thirds);
  }
}
