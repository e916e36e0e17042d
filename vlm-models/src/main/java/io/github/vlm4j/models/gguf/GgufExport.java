package io.github.vlm4j.models.gguf;

import io.github.vlm4j.core.ModelException;
import io.github.vlm4j.core.checkpoint.Checkpoint;
import io.github.vlm4j.core.checkpoint.ConfigNode;
import io.github.vlm4j.core.checkpoint.GgufValue;
import io.github.vlm4j.core.checkpoint.GgufWriter;
import io.github.vlm4j.core.checkpoint.GgufWriter.TensorInfo;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.tensor.Shape;
import io.github.vlm4j.core.tensor.Tensor;
import io.github.vlm4j.text.decoder.GqaDecoderConfig;
import io.github.vlm4j.text.tokenizer.GgufVocabulary;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.function.Consumer;
import java.util.stream.Collectors;

/**
 * Writes a language model of a Hugging Face folder as a GGUF file that llama.cpp loads: Llama,
 * Mistral, Qwen2 and Qwen3 without experts.
 *
 * <pre>{@code
 * try (var export = GgufExport.open(Path.of("Qwen3-0.6B"))) {
 *   export.write(Path.of("qwen3.gguf"), GgufExport.Encoding.AS_STORED, name -> {});
 * }
 * }</pre>
 */
public final class GgufExport implements AutoCloseable {

  /** How the numbers of tensors are stored. */
  public interface Encoding {

    /** Every tensor in the type that it has in the folder. */
    Encoding AS_STORED =
        new Encoding() {
          @Override
          public DType type(String name, DType stored, Shape shape) {
            return stored;
          }

          @Override
          public void encode(String name, Tensor tensor, DType type, Consumer<MemorySegment> sink) {
            sink.accept(tensor.data());
          }
        };

    /**
     * Returns the type that a matrix is to be stored in. Norms and biases are f32 in any case.
     *
     * @param name its name in the GGUF file
     * @param stored its type in the folder
     * @param shape {@code [out, in]}
     */
    DType type(String name, DType stored, Shape shape);

    /**
     * Gives the bytes of a matrix in the type that {@link #type} returned.
     *
     * @param name its name in the GGUF file
     * @param tensor its numbers in the type of the folder
     * @param type the type to be
     * @param sink takes the bytes, in parts and in order
     */
    void encode(String name, Tensor tensor, DType type, Consumer<MemorySegment> sink);
  }

  private static final GgufNames NAMES = GgufNames.decoder("model.");
  private static final int QUANTISATION_VERSION = 2;

  /**
   * A tensor to be written.
   *
   * @param name in the GGUF file
   * @param source in the folder
   */
  private record Part(String name, String source) {}

  private final Checkpoint checkpoint;
  private final ConfigNode config;
  private final Path folder;
  private final GgufDecoderMetadata decoder;
  private final List<Part> parts;

  private GgufExport(Path folder, ConfigNode config, Checkpoint checkpoint) {
    this.folder = folder;
    this.config = config;
    this.checkpoint = checkpoint;
    this.decoder = new GgufDecoderMetadata(config);
    this.parts = parts();
  }

  /**
   * Opens a model folder; only headers are read.
   *
   * @param folder a checkpoint folder, as published
   * @throws io.github.vlm4j.core.CheckpointException if a file is missing or malformed
   * @throws ModelException if the model cannot be written as GGUF
   */
  public static GgufExport open(Path folder) {
    ConfigNode config = ConfigNode.read(folder.resolve("config.json"));
    Checkpoint checkpoint = Checkpoint.open(folder);
    try {
      return new GgufExport(folder, config, checkpoint);
    } catch (RuntimeException | Error failure) {
      checkpoint.close();
      throw failure;
    }
  }

  private List<Part> parts() {
    List<Part> found = new ArrayList<>();
    for (String source : checkpoint.names()) {
      if (source.endsWith("rotary_emb.inv_freq")) {
        continue;
      }
      String name =
          NAMES
              .stored(source)
              .orElseThrow(() ->
                  new ModelException(
                      checkpoint.describe(source)
                          + " is no tensor of a "
                          + config.string("model_type")
                          + " model, so that it cannot be written as GGUF."));
      if (decoder.decoder().tiedEmbeddings() && source.equals("lm_head.weight")) {
        continue;
      }
      found.add(new Part(name, source));
    }
    return found;
  }

  /** Returns the names that the tensors will have in the file. */
  public List<String> names() {
    return parts.stream().map(Part::name).toList();
  }

  /**
   * Writes the file.
   *
   * @param target the file, replaced if it exists when the new one is complete
   * @param encoding how matrices are stored
   * @param progress told the name of each tensor before it is written
   * @throws io.github.vlm4j.core.CheckpointException if a tensor cannot be read or the file not be
   *     written
   */
  public void write(Path target, Encoding encoding, Consumer<String> progress) {
    List<TensorInfo> infos = new ArrayList<>();
    Optional<Tensor> ropeFactors = decoder.ropeFactors();
    ropeFactors.ifPresent(factors ->
        infos.add(
            new TensorInfo(GgufDecoderConfig.ROPE_FACTORS, factors.dtype(), factors.shape())));
    for (Part part : parts) {
      DType stored = checkpoint.dtype(part.source);
      Shape shape = checkpoint.shape(part.source);
      DType type = shape.rank() < 2 ? DType.F32 : encoding.type(part.name, stored, shape);
      infos.add(new TensorInfo(part.name, type, shape));
    }
    try (GgufWriter writer = GgufWriter.create(target, metadata(infos), infos)) {
      ropeFactors.ifPresent(writer::append);
      int first = infos.size() - parts.size();
      for (int i = 0; i < parts.size(); i++) {
        Part part = parts.get(i);
        TensorInfo info = infos.get(first + i);
        progress.accept(part.name);
        Tensor tensor = inOrder(part, checkpoint.tensor(part.source));
        if (info.shape().rank() < 2) {
          writer.append(Tensor.ofFloats(tensor.toFloats(), info.shape().toArray()));
        } else {
          encoding.encode(part.name, tensor, info.dtype(), writer::append);
        }
      }
      writer.commit();
    }
  }

  private SequencedMap<String, GgufValue> metadata(List<TensorInfo> tensors) {
    SequencedMap<String, GgufValue> metadata = decoder.metadata();
    Path name = folder.toAbsolutePath().normalize().getFileName();
    if (name != null) {
      metadata.put("general.name", new GgufValue.Text(name.toString()));
    }
    metadata.put("general.file_type", GgufValue.uint32(fileType(tensors)));
    if (tensors.stream().anyMatch(info -> info.dtype().isQuantised())) {
      metadata.put("general.quantization_version", GgufValue.uint32(QUANTISATION_VERSION));
    }
    int[] ends = config.oneOrMoreInts("eos_token_id");
    metadata.putAll(
        GgufVocabulary.of(
            folder, decoder.decoder().vocabularySize(), Arrays.stream(ends).boxed().findFirst()));
    return metadata;
  }

  /** llama.cpp's number for the type that most bytes are in ({@code enum llama_ftype}). */
  private static int fileType(List<TensorInfo> tensors) {
    DType most =
        tensors.stream()
            .filter(info -> info.shape().rank() == 2)
            .collect(
                Collectors.groupingBy(TensorInfo::dtype, Collectors.summingLong(TensorInfo::bytes)))
            .entrySet()
            .stream()
            .max(Map.Entry.comparingByValue())
            .map(Map.Entry::getKey)
            .orElse(DType.F32);
    return switch (most) {
      case F16 -> 1;
      case Q4_0 -> 2;
      case Q8_0 -> 7;
      case Q4_K -> 15;
      case Q6_K -> 18;
      case BF16 -> 32;
      default -> 0;
    };
  }

  /**
   * Puts the two halves of each head's rows between each other, where llama.cpp turns neighbours:
   * {@code LlamaModel.permute} of its {@code conversion/llama.py}.
   */
  private Tensor inOrder(Part part, Tensor stored) {
    GqaDecoderConfig.Attention attention = decoder.decoder().attention();
    boolean query = part.name.contains(".attn_q.");
    if (!decoder.interleaves() || !query && !part.name.contains(".attn_k.")) {
      return stored;
    }
    int heads = query ? attention.heads() : attention.keyValueHeads();
    int headDim = attention.headDim();
    if (stored.shape().rank() == 0 || stored.shape().dim(0) != (long) heads * headDim) {
      throw new ModelException(
          checkpoint.describe(part.source) + " has not the rows of " + heads + " heads.");
    }
    long rowBytes = stored.data().byteSize() / stored.shape().dim(0);
    MemorySegment reordered = Arena.ofAuto().allocate(stored.data().byteSize(), 64);
    for (int row = 0; row < heads * headDim; row++) {
      int within = row % headDim;
      int to = row - within + within % (headDim / 2) * 2 + within / (headDim / 2);
      MemorySegment.copy(stored.data(), row * rowBytes, reordered, to * rowBytes, rowBytes);
    }
    return Tensor.of(stored.dtype(), stored.shape(), reordered);
  }

  /** Unmaps the folder's files. */
  @Override
  public void close() {
    checkpoint.close();
  }
}
