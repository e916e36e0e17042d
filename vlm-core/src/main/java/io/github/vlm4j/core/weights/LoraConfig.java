package io.github.vlm4j.core.weights;

import io.github.vlm4j.core.CheckpointException;
import io.github.vlm4j.core.checkpoint.ConfigNode;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The {@code adapter_config.json} of a LoRA adapter as PEFT writes it (its {@code LoraConfig}, up
 * to version 0.21). What would make the adapter more than {@code W·x + scale·B·(A·x)} is refused.
 *
 * @param rank {@code r}, of the maps that {@code rank_pattern} does not name
 * @param alpha {@code lora_alpha}, of the maps that {@code alpha_pattern} does not name
 * @param rankStabilised whether alpha is divided by the root of the rank (Kalajdzievski, 2023)
 * @param ranks of {@code rank_pattern}
 * @param alphas of {@code alpha_pattern}
 * @param targets the names of {@code target_modules}, or null where it is a regular expression
 */
record LoraConfig(
    int rank,
    double alpha,
    boolean rankStabilised,
    Map<String, Integer> ranks,
    Map<String, Double> alphas,
    @Nullable List<String> targets) {

  /** Settings of variants that compute something else, or that touch more than linear maps. */
  private static final List<String> VARIANTS =
      List.of(
          "use_dora",
          "lora_bias",
          "fan_in_fan_out",
          "modules_to_save",
          "layer_replication",
          "target_parameters",
          "trainable_token_indices",
          "alora_invocation_tokens",
          "use_qalora",
          "use_bdlora",
          "arrow_config",
          "kasa_config",
          "velora_config",
          "monteclora_config");

  /** Ways to begin the training that leave the model's own weights as they are. */
  private static final Set<String> HARMLESS_STARTS = Set.of("gaussian", "eva", "orthogonal");

  /** A path in a pattern; a point is meant as itself, not as any character. */
  private static final Pattern PLAIN_PATH = Pattern.compile("\\^?[A-Za-z0-9_.-]+");

  static LoraConfig read(ConfigNode config) {
    if (!config.string("peft_type").equals("LORA")) {
      throw config.invalid("peft_type", "\"LORA\", the only kind of adapter that is read");
    }
    for (String variant : VARIANTS) {
      if (config.isSet(variant)) {
        throw config.invalid(variant, "unset, as only plain LoRA is read; merge the adapter first");
      }
    }
    if (!config.stringOr("bias", "none").equals("none")) {
      throw config.invalid("bias", "\"none\", as only plain LoRA is read; merge the adapter first");
    }
    if (config.isString("init_lora_weights")
        && !HARMLESS_STARTS.contains(config.string("init_lora_weights"))) {
      throw config.invalid(
          "init_lora_weights",
          "true or one of "
              + HARMLESS_STARTS.stream().sorted().toList()
              + ", as others change the model's own weights; merge the adapter first");
    }
    return new LoraConfig(
        config.positiveInt("r"),
        config.doubleValue("lora_alpha"),
        config.booleanOr("use_rslora", false),
        pattern(config, "rank_pattern", ConfigNode::positiveInt),
        pattern(config, "alpha_pattern", ConfigNode::doubleValue),
        config.isList("target_modules") ? config.strings("target_modules") : null);
  }

  private interface Getter<T> {
    T get(ConfigNode node, String field);
  }

  private static <T> Map<String, T> pattern(ConfigNode config, String field, Getter<T> getter) {
    Map<String, T> values = new LinkedHashMap<>();
    config
        .objectIfPresent(field)
        .ifPresent(node -> {
          for (String key : node.fields()) {
            if (!PLAIN_PATH.matcher(key).matches()) {
              throw new CheckpointException(
                  node.where()
                      + " has a key that is neither the name of a module nor the end of one; write"
                      + " an entry for each module instead of a regular expression.");
            }
            values.put(key, getter.get(node, key));
          }
        });
    return values;
  }

  /** Returns whether {@code target_modules} names a module, as far as it can be told. */
  boolean targets(String path) {
    return targets == null || targets.stream().anyMatch(name -> endsWith(path, name));
  }

  int rank(String path) {
    return valueOf(ranks, path, rank);
  }

  float scale(String path) {
    int r = rank(path);
    return (float) (valueOf(alphas, path, alpha) / (rankStabilised ? Math.sqrt(r) : r));
  }

  /** The first key wins that is the path or, without {@code ^}, its end. */
  private static <T> T valueOf(Map<String, T> pattern, String path, T otherwise) {
    for (Map.Entry<String, T> entry : pattern.entrySet()) {
      String key = entry.getKey();
      if (key.startsWith("^") ? path.equals(key.substring(1)) : endsWith(path, key)) {
        return entry.getValue();
      }
    }
    return otherwise;
  }

  private static boolean endsWith(String path, String name) {
    return path.equals(name) || path.endsWith("." + name);
  }
}
