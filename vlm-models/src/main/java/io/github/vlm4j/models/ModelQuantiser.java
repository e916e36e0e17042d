package io.github.vlm4j.models;

import io.github.vlm4j.core.CheckpointException;
import io.github.vlm4j.core.ModelException;
import io.github.vlm4j.core.checkpoint.Checkpoint;
import io.github.vlm4j.core.checkpoint.ResumableSafetensors;
import io.github.vlm4j.core.quant.QuantisationPlan;
import io.github.vlm4j.core.quant.QuantisationScheme;
import io.github.vlm4j.core.quant.RowQuantiser;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.tensor.Shape;
import io.github.vlm4j.core.tensor.Tensor;
import io.github.vlm4j.models.gguf.GgufExport;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;

/**
 * Writes a quantised copy of a model folder: the weights in one {@code model.safetensors}, and
 * beside it the configurations and the tokenizer as they are. Memory is bounded whatever the size
 * of the model. A run that was ended, even killed, is continued by the next one of the same model
 * and scheme.
 */
public final class ModelQuantiser {

  /** Told how far a run is. */
  @FunctionalInterface
  public interface Progress {

    /**
     * A tensor comes next.
     *
     * @param tensor its name
     * @param done how much is done, in bytes or in tensors
     * @param total how much there is
     */
    void next(String tensor, long done, long total);
  }

  /**
   * What was written.
   *
   * @param tensors how many tensors there are
   * @param quantised how many of them are quantised
   * @param bytesBefore what they took
   * @param bytesAfter what they take
   * @param continued how many an earlier run had left
   * @param files the files of weights, that of a vision encoder last
   */
  public record Summary(
      int tensors,
      int quantised,
      long bytesBefore,
      long bytesAfter,
      int continued,
      List<Path> files) {

    /** Keeps an immutable copy. */
    public Summary {
      files = List.copyOf(files);
    }
  }

  private static final Set<String> WEIGHTS =
      Set.of("safetensors", "bin", "pt", "pth", "gguf", "h5", "msgpack", "onnx");

  private final QuantisationScheme scheme;
  private final boolean withVision;
  private final Progress progress;

  /**
   * Creates a quantiser.
   *
   * @param withVision whether vision encoders and connectors are quantised, too, where their rows
   *     are whole blocks
   * @param progress told how far it is
   */
  public ModelQuantiser(QuantisationScheme scheme, boolean withVision, Progress progress) {
    this.scheme = scheme;
    this.withVision = withVision;
    this.progress = progress;
  }

  /**
   * Quantises a model.
   *
   * @param model a model folder, as published
   * @param target the folder to write, made if it is not there
   * @throws CheckpointException if a file is missing, malformed or not finite, or if writing fails
   * @throws ModelException if the target holds weights already, or nothing would be quantised
   */
  public Summary quantise(Path model, Path target) {
    requireFolders(model, target);
    try (Checkpoint checkpoint = Checkpoint.open(model)) {
      QuantisationPlan plan = QuantisationPlan.of(scheme, checkpoint.names(), withVision);
      List<String> names = ordered(checkpoint, plan);
      long quantised = names.stream().filter(name -> changes(checkpoint, plan, name)).count();
      if (quantised == 0) {
        throw new ModelException(
            "Nothing in "
                + model
                + " can be quantised to "
                + scheme.name().toLowerCase(Locale.ROOT)
                + ": it has no matrices of a language model in f32, f16 or bf16 whose rows are"
                + " whole blocks.");
      }
      copyOthers(model, target);
      return write(checkpoint, plan, names, (int) quantised, target);
    }
  }

  private static void requireFolders(Path model, Path target) {
    if (!Files.isDirectory(model)) {
      throw new ModelException(
          model + " is not a model folder; give the folder that holds config.json and weights.");
    }
    try {
      Files.createDirectories(target);
      if (Files.isSameFile(model, target)) {
        throw new ModelException(
            "The quantised model cannot take the place of the model "
                + model
                + "; give another folder to write to.");
      }
    } catch (IOException e) {
      throw new CheckpointException("Cannot make the folder " + target + ": " + e, e);
    }
    if (Checkpoint.isPresent(target)) {
      throw new ModelException(
          target + " holds weights already; remove them, or give another folder to write to.");
    }
  }

  /** Tensors of wide elements come first, so that all are aligned to their elements. */
  private static List<String> ordered(Checkpoint checkpoint, QuantisationPlan plan) {
    List<String> names = new ArrayList<>(checkpoint.names());
    names.sort(
        Comparator.comparingInt((String name) -> -alignment(type(checkpoint, plan, name)))
            .thenComparing(Comparator.naturalOrder()));
    return names;
  }

  private static int alignment(DType type) {
    return type.isQuantised() ? 1 : type.blockBytes();
  }

  private static DType type(Checkpoint checkpoint, QuantisationPlan plan, String name) {
    return plan.typeOf(name, checkpoint.dtype(name), checkpoint.shape(name));
  }

  private static boolean changes(Checkpoint checkpoint, QuantisationPlan plan, String name) {
    return type(checkpoint, plan, name) != checkpoint.dtype(name);
  }

  private Summary write(
      Checkpoint checkpoint,
      QuantisationPlan plan,
      List<String> names,
      int quantised,
      Path target) {
    ResumableSafetensors.Contents contents = new ResumableSafetensors.Contents(Map.of());
    long total = 0;
    for (String name : names) {
      DType type = type(checkpoint, plan, name);
      contents.add(name, type, checkpoint.shape(name));
      total += Tensor.byteSize(type, checkpoint.shape(name));
    }
    Path file = target.resolve(Checkpoint.SINGLE_FILE);
    try (ResumableSafetensors writer =
        ResumableSafetensors.open(file, contents, origin(checkpoint))) {
      long done = 0;
      for (int i = 0; i < names.size(); i++) {
        String name = names.get(i);
        DType type = type(checkpoint, plan, name);
        if (i >= writer.done()) {
          progress.next(name, done, total);
          encode(name, checkpoint.tensor(name), type, writer::append);
          writer.complete(i);
        }
        done += Tensor.byteSize(type, checkpoint.shape(name));
      }
      writer.commit();
      return new Summary(
          names.size(), quantised, checkpoint.totalBytes(), total, writer.done(), List.of(file));
    }
  }

  private static void encode(String name, Tensor stored, DType type, Consumer<MemorySegment> sink) {
    if (stored.dtype() == type) {
      sink.accept(stored.data());
      return;
    }
    RowQuantiser rows = new RowQuantiser(name, stored, type);
    long elements = stored.shape().elements();
    try (Arena arena = Arena.ofShared()) {
      MemorySegment blocks = arena.allocate(type.bytes(Math.min(RowQuantiser.PART, elements)));
      for (long from = 0; from < elements; from += RowQuantiser.PART) {
        int count = (int) Math.min(RowQuantiser.PART, elements - from);
        MemorySegment part = blocks.asSlice(0, type.bytes(count));
        rows.encode(from, count, part);
        sink.accept(part);
      }
    }
  }

  /**
   * Quantises a model to a GGUF file, which llama.cpp reads, too; the vision encoder of a model
   * that reads pictures comes into a file of its own beside it, called {@code mmproj-} and the name
   * of the first. They are written in one go: a run that was ended leaves nothing.
   *
   * @param model a model folder, as published
   * @param file the file to write
   * @throws CheckpointException if a file is missing, malformed or not finite, or if writing fails
   * @throws ModelException if a file is there already, or if the model cannot be written as GGUF
   */
  public Summary quantiseToGguf(Path model, Path file) {
    try (GgufExport export = GgufExport.open(model)) {
      for (Path target : export.files(file)) {
        if (Files.exists(target)) {
          throw new ModelException(target + " is there already; remove it, or give another file.");
        }
      }
      QuantisationPlan plan = QuantisationPlan.of(scheme, export.names(), withVision);
      Encoded encoded = new Encoded(plan);
      int[] next = {0};
      int count = export.names().size();
      export.write(file, encoded, name -> progress.next(name, next[0]++, count));
      return new Summary(
          count, encoded.quantised, encoded.before, encoded.after, 0, export.files(file));
    }
  }

  /** Encodes matrices as a plan says, and counts. */
  private static final class Encoded implements GgufExport.Encoding {

    private final QuantisationPlan plan;
    private int quantised;
    private long before;
    private long after;

    Encoded(QuantisationPlan plan) {
      this.plan = plan;
    }

    @Override
    public DType type(String name, DType stored, Shape shape) {
      return plan.typeOf(name, stored, shape);
    }

    @Override
    public void encode(String name, Tensor tensor, DType type, Consumer<MemorySegment> sink) {
      ModelQuantiser.encode(name, tensor, type, sink);
      quantised += type == tensor.dtype() ? 0 : 1;
      before += tensor.data().byteSize();
      after += Tensor.byteSize(type, tensor.shape());
    }
  }

  /** Says of the weights' files what changes when they do. */
  private static String origin(Checkpoint checkpoint) {
    StringBuilder origin = new StringBuilder();
    for (Path file : checkpoint.files()) {
      try {
        origin
            .append(file.getFileName())
            .append(' ')
            .append(Files.size(file))
            .append(' ')
            .append(Files.getLastModifiedTime(file).toMillis())
            .append('\n');
      } catch (IOException e) {
        throw new CheckpointException("Cannot read " + file + ": " + e, e);
      }
    }
    return origin.toString();
  }

  /** Copies what is not weights; a copy that was cut short is replaced by the next run. */
  private static void copyOthers(Path model, Path target) {
    try (DirectoryStream<Path> files = Files.newDirectoryStream(model)) {
      for (Path file : files) {
        String name = file.getFileName().toString();
        boolean weights =
            WEIGHTS.contains(name.substring(name.lastIndexOf('.') + 1))
                || name.endsWith(".index.json");
        if (Files.isRegularFile(file) && !weights && !name.startsWith(".")) {
          Files.copy(file, target.resolve(name), StandardCopyOption.REPLACE_EXISTING);
        }
      }
    } catch (IOException e) {
      throw new CheckpointException(
          "Cannot copy the configuration of " + model + " to " + target + ": " + e, e);
    }
  }
}
