package io.github.vlm4j.core.weights;

import io.github.vlm4j.core.CheckpointException;
import io.github.vlm4j.core.ModelException;
import io.github.vlm4j.core.checkpoint.Checkpoint;
import io.github.vlm4j.core.checkpoint.ConfigNode;
import io.github.vlm4j.core.tensor.Shape;
import io.github.vlm4j.core.tensor.Tensor;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A low-rank adapter of some of a model's linear maps (LoRA, Hu et al., 2021), as PEFT stores it:
 * {@code adapter_config.json} beside {@code adapter_model.safetensors} or {@code
 * adapter_model.bin}. Its tensors stay where they are mapped.
 */
public final class LoraAdapter implements AutoCloseable {

  private static final String CONFIG = "adapter_config.json";
  private static final String SAFETENSORS = "adapter_model.safetensors";
  private static final String PYTORCH = "adapter_model.bin";

  /** PEFT names the tensors after its wrapped model, and the file may name the adapter. */
  private static final Pattern NAME =
      Pattern.compile("base_model\\.model\\.(.+)\\.(lora_[AB])(?:\\.default)?\\.weight");

  private final Checkpoint checkpoint;
  private final String file;
  private final Map<String, String> stored = new LinkedHashMap<>();
  private final Map<String, LowRank> maps = new LinkedHashMap<>();

  private LoraAdapter(Path folder, Checkpoint checkpoint) {
    this.checkpoint = checkpoint;
    this.file = String.valueOf(checkpoint.path().getFileName());
    LoraConfig config = LoraConfig.read(ConfigNode.read(folder.resolve(CONFIG)));
    Set<String> paths = paths();
    for (String path : paths) {
      if (!config.targets(path)) {
        throw new CheckpointException(
            "%s: target_modules does not name %s, for which %s has tensors; the two files belong to"
                    .formatted(CONFIG, path, file)
                + " different adapters.");
      }
      maps.put(path, new LowRank(rank(config, path), config.scale(path)));
    }
  }

  /**
   * Opens an adapter.
   *
   * @param folder what PEFT's {@code save_pretrained} wrote
   * @throws CheckpointException if a file is missing or malformed, if the two contradict each
   *     other, or if the adapter is of a kind that is not read
   */
  public static LoraAdapter open(Path folder) {
    Path safetensors = folder.resolve(SAFETENSORS);
    Path weights =
        Files.exists(safetensors) || !Files.exists(folder.resolve(PYTORCH))
            ? safetensors
            : folder.resolve(PYTORCH);
    Checkpoint checkpoint = Checkpoint.open(weights);
    boolean opened = false;
    try {
      LoraAdapter adapter = new LoraAdapter(folder, checkpoint);
      opened = true;
      return adapter;
    } finally {
      if (!opened) {
        checkpoint.close();
      }
    }
  }

  /** Finds the two tensors of each map. */
  private Set<String> paths() {
    Set<String> paths = new LinkedHashSet<>();
    for (String name : checkpoint.names()) {
      Matcher matcher = NAME.matcher(name);
      if (!matcher.matches()) {
        throw new CheckpointException(
            checkpoint.describe(name)
                + " is no tensor of a plain LoRA adapter, whose names are"
                + " base_model.model.PATH.lora_A.weight and lora_B.weight; merge the adapter into"
                + " its model first.");
      }
      String known = matcher.group(1) + "." + matcher.group(2) + ".weight";
      if (stored.put(known, name) != null) {
        throw new CheckpointException("%s: there are two tensors for %s.".formatted(file, known));
      }
      paths.add(matcher.group(1));
    }
    if (paths.isEmpty()) {
      throw new CheckpointException(file + " holds no tensors; save the adapter again.");
    }
    return paths;
  }

  private int rank(LoraConfig config, String path) {
    int rank = config.rank(path);
    Shape a = shape(path + ".lora_A.weight");
    Shape b = shape(path + ".lora_B.weight");
    if (a.rank() != 2 || b.rank() != 2 || a.dim(0) != rank || b.dim(1) != rank) {
      throw new CheckpointException(
          "%s: lora_A and lora_B of %s have shapes %s and %s where %s calls for [%d, in] and [out, %d]"
                  .formatted(file, path, a, b, CONFIG, rank, rank)
              + " (r or rank_pattern); the two files belong to different adapters.");
    }
    return rank;
  }

  private Shape shape(String name) {
    String tensor = stored.get(name);
    if (tensor == null) {
      throw new CheckpointException(
          "%s has no %s, but what belongs to it; the file is incomplete.".formatted(file, name));
    }
    if (!checkpoint.dtype(tensor).isFloat()) {
      throw new CheckpointException(
          checkpoint.describe(tensor) + " must hold floating-point numbers.");
    }
    return checkpoint.shape(tensor);
  }

  /** Returns how the linear map at a path is changed, if it is. */
  Optional<LowRank> of(String path) {
    return Optional.ofNullable(maps.get(path));
  }

  boolean contains(String name) {
    return stored.containsKey(name);
  }

  Weight require(String name, Shape expected) {
    String tensor = storedName(name);
    Shape actual = checkpoint.shape(tensor);
    if (!actual.equals(expected)) {
      throw new ModelException(
          "%s has shape %s where the model calls for %s; the adapter was made for another model."
              .formatted(checkpoint.describe(tensor), actual, expected));
    }
    return Weight.of(name, checkpoint.dtype(tensor), expected);
  }

  Tensor tensor(String name) {
    return checkpoint.tensor(storedName(name));
  }

  private String storedName(String name) {
    String tensor = stored.get(name);
    if (tensor == null) {
      throw new ModelException("The adapter has no tensor " + name + ".");
    }
    return tensor;
  }

  /**
   * Checks that the model has a linear map for every one that the adapter changes.
   *
   * @param used what the model asked for
   * @throws ModelException naming one that it has not
   */
  public void requireAllUsed(ModuleTree used) {
    for (String path : maps.keySet()) {
      if (!used.weights().containsKey(path + ".lora_A.weight")) {
        throw new ModelException(
            "%s changes %s, which this model does not have as a linear map; the adapter was made for"
                    .formatted(file, path)
                + " another model.");
      }
    }
  }

  /** Returns the paths of the linear maps that are changed. */
  public Set<String> targets() {
    return Set.copyOf(maps.keySet());
  }

  /** Unmaps the file; a second call does nothing. */
  @Override
  public void close() {
    checkpoint.close();
  }
}
