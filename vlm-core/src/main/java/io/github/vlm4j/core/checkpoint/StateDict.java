package io.github.vlm4j.core.checkpoint;

import io.github.vlm4j.core.CheckpointException;
import io.github.vlm4j.core.checkpoint.PickleValue.Constant;
import io.github.vlm4j.core.checkpoint.PickleValue.Instance;
import io.github.vlm4j.core.checkpoint.PickleValue.Mapping;
import io.github.vlm4j.core.checkpoint.PickleValue.Real;
import io.github.vlm4j.core.checkpoint.PickleValue.Strided;
import io.github.vlm4j.core.checkpoint.PickleValue.Text;
import io.github.vlm4j.core.checkpoint.PickleValue.Whole;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * The weights among what a PyTorch file holds.
 *
 * @param tensors the tensors by name, in their order
 * @param metadata numbers and strings beside them
 */
record StateDict(Map<String, Strided> tensors, Map<String, String> metadata) {

  /** Where training scripts put the state dict, in the order in which they are looked for. */
  private static final List<String> ENTRIES =
      List.of("state_dict", "model", "module", "model_state_dict");

  /** What {@code DataParallel} puts before each name. */
  private static final String DATA_PARALLEL = "module.";

  private static final int MAX_METADATA_CHARS = 1 << 16;
  private static final int MAX_DEPTH = 64;
  private static final int MAX_NODES = 1 << 20;
  private static final int MAX_NAME_CHARS = 64 << 20;
  private static final int MAX_ENTRIES_NAMED = 8;

  /**
   * Finds the weights in the value of a file's pickle: a dictionary of tensors, one of the entries
   * {@code state_dict}, {@code model}, {@code module}, {@code model_state_dict} of a dictionary, or
   * the object that a TorchScript archive holds.
   *
   * @param file the name for error messages
   * @throws CheckpointException if there are none
   */
  static StateDict find(String file, PickleValue root) {
    StateDict found = new StateDict(new LinkedHashMap<>(), new LinkedHashMap<>());
    switch (root) {
      case Instance module -> new Script(file, found).read(module);
      case Mapping top -> {
        found.addMetadata(top.entries());
        Mapping weights = weights(top);
        if (weights != top) {
          found.addMetadata(weights.entries());
        }
        found.addTensors(file, weights.entries());
      }
      default ->
          throw new CheckpointException(
              file + " holds " + root.what() + " instead of a state dict");
    }
    if (found.tensors.isEmpty()) {
      throw new CheckpointException(file + " holds no state dict: " + listed(root));
    }
    return found;
  }

  /** Returns these weights without the prefix of {@code DataParallel}, if all names have it. */
  StateDict withoutDataParallel() {
    boolean all =
        tensors.keySet().stream()
            .allMatch(
                name -> name.startsWith(DATA_PARALLEL) && name.length() > DATA_PARALLEL.length());
    if (!all) {
      return this;
    }
    Map<String, Strided> stripped = LinkedHashMap.newLinkedHashMap(tensors.size());
    tensors.forEach((name, tensor) -> stripped.put(name.substring(DATA_PARALLEL.length()), tensor));
    return new StateDict(stripped, metadata);
  }

  /** A named entry goes first, as a training checkpoint may have a stray tensor beside it. */
  private static Mapping weights(Mapping top) {
    for (String name : ENTRIES) {
      if (top.entries().get(name) instanceof Mapping entry
          && entry.entries().values().stream().anyMatch(Strided.class::isInstance)) {
        return entry;
      }
    }
    return top;
  }

  private static String listed(PickleValue root) {
    if (!(root instanceof Mapping top)) {
      return "the archived module has no tensors";
    }
    String names =
        top.entries().keySet().stream()
            .limit(MAX_ENTRIES_NAMED)
            .map(Excerpt::of)
            .collect(Collectors.joining(", "));
    return "its dictionary has "
        + (names.isEmpty() ? "no names" : "the entries " + names)
        + ", and none of "
        + String.join(", ", ENTRIES)
        + " maps names to tensors";
  }

  private void addTensors(String file, Map<String, PickleValue> entries) {
    entries.forEach((name, value) -> {
      if (value instanceof Strided tensor) {
        add(file, name, tensor);
      }
    });
  }

  private void add(String file, String name, Strided tensor) {
    if (tensors.size() == SafetensorsHeader.MAX_TENSORS) {
      throw new CheckpointException(
          file + " holds more than " + SafetensorsHeader.MAX_TENSORS + " tensors");
    }
    if (tensors.put(name, tensor) != null) {
      throw new CheckpointException(
          SafetensorsHeader.tensor(file, name) + " occurs twice in the archived module");
    }
  }

  private void addMetadata(Map<String, PickleValue> entries) {
    entries.forEach((name, value) -> {
      String text =
          switch (value) {
            case Whole(long number) -> Long.toString(number);
            case Real(double number) -> Double.toString(number);
            case Text(String string) -> string;
            case Constant flag when flag != Constant.NONE -> flag.what();
            default -> null;
          };
      if (text != null
          && text.length() <= MAX_METADATA_CHARS
          && metadata.size() < SafetensorsHeader.MAX_METADATA_ENTRIES) {
        metadata.put(name, text);
      }
    });
  }

  /** Walks the modules of a TorchScript archive, which may share modules but also form a ring. */
  private static final class Script {

    private final String file;
    private final StateDict found;
    private int nodes;
    private long chars;

    Script(String file, StateDict found) {
      this.file = file;
      this.found = found;
    }

    void read(Instance module) {
      found.addMetadata(module.attributes());
      walk(module, "", 0);
    }

    private void walk(Instance module, String prefix, int depth) {
      if (depth > MAX_DEPTH) {
        throw new CheckpointException(
            file + ": modules are nested more than " + MAX_DEPTH + " deep, or in a ring");
      }
      for (Map.Entry<String, PickleValue> attribute : module.attributes().entrySet()) {
        PickleValue value = attribute.getValue();
        if (++nodes > MAX_NODES) {
          throw new CheckpointException(
              file + ": the modules have more than " + MAX_NODES + " attributes");
        }
        if (!(value instanceof Strided) && !(value instanceof Instance)) {
          continue;
        }
        chars += prefix.length() + attribute.getKey().length() + 1L;
        if (chars > MAX_NAME_CHARS) {
          throw new CheckpointException(file + ": the names of the tensors are too long");
        }
        String name = prefix + attribute.getKey();
        if (value instanceof Instance child) {
          walk(child, name + ".", depth + 1);
        } else if (value instanceof Strided tensor) {
          found.add(file, name, tensor);
        }
      }
    }
  }
}
