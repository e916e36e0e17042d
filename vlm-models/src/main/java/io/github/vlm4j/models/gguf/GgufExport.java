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
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Writes a model of a Hugging Face folder as GGUF that llama.cpp loads: the language models Llama,
 * Mistral, Qwen2 and Qwen3, and Qwen2-VL, Qwen2.5-VL, Qwen3-VL and LLaVA 1.5 in two files, of the
 * decoder and of the vision encoder. Models with experts are refused.
 *
 * <pre>{@code
 * try (var export = GgufExport.open(Path.of("Qwen3-VL-2B-Instruct"))) {
 *   export.write(Path.of("qwen3vl.gguf"), GgufExport.Encoding.AS_STORED, name -> {});
 * }                                                           // and mmproj-qwen3vl.gguf beside it
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
     * Returns the type that a matrix is to be stored in. Norms, biases and positions are f32 in any
     * case, and kernels of patches f16 or f32.
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

  private static final String MMPROJ = "mmproj-";
  private static final int QUANTISATION_VERSION = 2;

  private final Checkpoint checkpoint;
  private final ConfigNode config;
  private final Path folder;
  private final GgufLayout layout;
  private final List<GgufTensor> decoder = new ArrayList<>();
  private final List<GgufTensor> vision = new ArrayList<>();

  private GgufExport(Path folder, ConfigNode config, Checkpoint checkpoint) {
    this.folder = folder;
    this.config = config;
    this.checkpoint = checkpoint;
    this.layout = GgufLayout.read(folder, config);
    checkpoint.names().forEach(this::place);
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

  private void place(String source) {
    String name = layout.canonical(source);
    if (layout.leavesOut(name)) {
      return;
    }
    Optional<List<GgufTensor>> seeing =
        layout.tower().flatMap(tower -> tower.tensors(source, name, checkpoint));
    if (seeing.isPresent()) {
      vision.addAll(seeing.get());
      return;
    }
    String stored =
        layout
            .decoderNames()
            .stored(name)
            .orElseThrow(() ->
                new ModelException(
                    checkpoint.describe(source)
                        + " is no tensor of a "
                        + config.string("model_type")
                        + " model, so that it cannot be written as GGUF."));
    decoder.add(
        GgufTensor.of(stored, source, checkpoint).with(tensor -> inOrder(stored, source, tensor)));
  }

  /** Returns the names that the tensors will have, those of the vision encoder's file last. */
  public List<String> names() {
    return Stream.concat(decoder.stream(), vision.stream()).map(GgufTensor::name).toList();
  }

  /**
   * Returns the files that {@link #write} writes: the one given and, if the model reads pictures,
   * {@code mmproj-} and its name beside it.
   *
   * @param target the file of the decoder
   */
  public List<Path> files(Path target) {
    Path name = target.getFileName();
    return layout.tower().isEmpty() || name == null
        ? List.of(target)
        : List.of(target, target.resolveSibling(MMPROJ + name));
  }

  /**
   * Writes the file, and that of the vision encoder if there is one.
   *
   * @param target the file of the decoder; what {@link #files} names is replaced if it exists when
   *     all that is new is complete
   * @param encoding how matrices are stored
   * @param progress told the name of each tensor before it is written
   * @throws io.github.vlm4j.core.CheckpointException if a tensor cannot be read or a file not be
   *     written
   * @throws ModelException if the tokenizer is not that of such a model
   */
  public void write(Path target, Encoding encoding, Consumer<String> progress) {
    List<TensorInfo> infos = new ArrayList<>();
    Optional<Tensor> ropeFactors = layout.decoder().ropeFactors();
    ropeFactors.ifPresent(factors ->
        infos.add(
            new TensorInfo(GgufDecoderConfig.ROPE_FACTORS, factors.dtype(), factors.shape())));
    infos.addAll(infos(decoder, encoding));
    SequencedMap<String, GgufValue> metadata = layout.decoder().metadata();
    putGeneral(metadata, infos);
    putTokenizer(metadata);
    try (GgufWriter writer = GgufWriter.create(target, metadata, infos)) {
      ropeFactors.ifPresent(writer::append);
      append(decoder, encoding, progress, writer);
      if (layout.tower().isPresent()) {
        writeVision(files(target).getLast(), layout.tower().get(), encoding, progress);
      }
      writer.commit();
    }
  }

  private void writeVision(
      Path target, GgufTower tower, Encoding encoding, Consumer<String> progress) {
    List<TensorInfo> infos = infos(vision, encoding);
    SequencedMap<String, GgufValue> metadata = new LinkedHashMap<>(tower.metadata());
    putGeneral(metadata, infos);
    try (GgufWriter writer = GgufWriter.create(target, metadata, infos)) {
      append(vision, encoding, progress, writer);
      writer.commit();
    }
  }

  private List<TensorInfo> infos(List<GgufTensor> tensors, Encoding encoding) {
    return tensors.stream().map(tensor -> tensor.info(checkpoint, encoding)).toList();
  }

  private void append(
      List<GgufTensor> tensors, Encoding encoding, Consumer<String> progress, GgufWriter writer) {
    for (GgufTensor tensor : tensors) {
      progress.accept(tensor.name());
      tensor.append(checkpoint, encoding, writer);
    }
  }

  private void putGeneral(Map<String, GgufValue> metadata, List<TensorInfo> tensors) {
    Path name = folder.toAbsolutePath().normalize().getFileName();
    if (name != null) {
      metadata.put("general.name", new GgufValue.Text(name.toString()));
    }
    metadata.put("general.file_type", GgufValue.uint32(fileType(tensors)));
    if (tensors.stream().anyMatch(info -> info.dtype().isQuantised())) {
      metadata.put("general.quantization_version", GgufValue.uint32(QUANTISATION_VERSION));
    }
  }

  private void putTokenizer(Map<String, GgufValue> metadata) {
    int size = layout.decoder().decoder().vocabularySize();
    Optional<Integer> end = Arrays.stream(layout.decoder().ends()).boxed().findFirst();
    Map<String, GgufValue> tokenizer = GgufVocabulary.of(folder, size, end);
    layout.requirePlaceholders(config, tokenizer);
    metadata.putAll(tokenizer);
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
  private Tensor inOrder(String name, String source, Tensor stored) {
    GqaDecoderConfig.Attention attention = layout.decoder().decoder().attention();
    boolean query = name.contains(".attn_q.");
    if (!layout.decoder().interleaves() || !query && !name.contains(".attn_k.")) {
      return stored;
    }
    int heads = query ? attention.heads() : attention.keyValueHeads();
    int headDim = attention.headDim();
    if (stored.shape().rank() == 0 || stored.shape().dim(0) != (long) heads * headDim) {
      throw new ModelException(
          checkpoint.describe(source) + " has not the rows of " + heads + " heads.");
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
