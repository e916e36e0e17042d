package io.github.vlm4j.models.gguf;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What llama.cpp calls the tensors of a model, beside what Hugging Face does. In a line, {@code N}
 * is a layer's number; a name is that of a tensor or stands for those below it, {@code .weight} and
 * {@code .bias}. Reference: llama.cpp, {@code gguf-py/gguf/tensor_mapping.py} and {@code
 * conversion}.
 */
final class GgufNames {

  private static final String HEAD = "output.weight";
  private static final String DEEPSTACK = "deepstack_merger_list.";
  private static final Pattern LAYER = Pattern.compile("\\.(\\d{1,6})\\.");

  private static final Map<String, String> DECODER =
      table(
          """
          token_embd          embed_tokens
          blk.N.attn_norm     layers.N.input_layernorm
          blk.N.attn_q        layers.N.self_attn.q_proj
          blk.N.attn_k        layers.N.self_attn.k_proj
          blk.N.attn_v        layers.N.self_attn.v_proj
          blk.N.attn_q_norm   layers.N.self_attn.q_norm
          blk.N.attn_k_norm   layers.N.self_attn.k_norm
          blk.N.attn_output   layers.N.self_attn.o_proj
          blk.N.ffn_norm      layers.N.post_attention_layernorm
          blk.N.ffn_gate      layers.N.mlp.gate_proj
          blk.N.ffn_up        layers.N.mlp.up_proj
          blk.N.ffn_down      layers.N.mlp.down_proj
          output_norm         norm
          """);

  private static final Map<String, String> QWEN2_VISION =
      table(
          """
          v.patch_embd.weight    patch_embed.proj.frame.0.weight
          v.patch_embd.weight.1  patch_embed.proj.frame.1.weight
          v.patch_embd.bias      patch_embed.proj.bias
          v.blk.N.ln1         blocks.N.norm1
          v.blk.N.attn_q      blocks.N.attn.q
          v.blk.N.attn_k      blocks.N.attn.k
          v.blk.N.attn_v      blocks.N.attn.v
          v.blk.N.attn_qkv    blocks.N.attn.qkv
          v.blk.N.attn_out    blocks.N.attn.proj
          v.blk.N.ln2         blocks.N.norm2
          v.blk.N.ffn_up      blocks.N.mlp.fc1
          v.blk.N.ffn_down    blocks.N.mlp.fc2
          v.post_ln           merger.ln_q
          mm.0                merger.mlp.0
          mm.2                merger.mlp.2
          """);

  private static final Map<String, String> QWEN25_VISION =
      with(
          QWEN2_VISION,
          """
          v.blk.N.ffn_gate    blocks.N.mlp.gate_proj
          v.blk.N.ffn_up      blocks.N.mlp.up_proj
          v.blk.N.ffn_down    blocks.N.mlp.down_proj
          """);

  private static final Map<String, String> QWEN3_VISION =
      with(
          QWEN2_VISION,
          """
          v.position_embd     pos_embed
          v.blk.N.ffn_up      blocks.N.mlp.linear_fc1
          v.blk.N.ffn_down    blocks.N.mlp.linear_fc2
          v.post_ln           merger.norm
          mm.0                merger.linear_fc1
          mm.2                merger.linear_fc2
          v.deepstack.N.norm  deepstack_merger_list.N.norm
          v.deepstack.N.fc1   deepstack_merger_list.N.linear_fc1
          v.deepstack.N.fc2   deepstack_merger_list.N.linear_fc2
          """);

  private static final Map<String, String> LLAVA_VISION =
      table(
          """
          v.class_embd         vision_tower.vision_model.embeddings.class_embedding
          v.patch_embd         vision_tower.vision_model.embeddings.patch_embedding
          v.position_embd      vision_tower.vision_model.embeddings.position_embedding
          v.pre_ln             vision_tower.vision_model.pre_layrnorm
          v.blk.N.ln1          vision_tower.vision_model.encoder.layers.N.layer_norm1
          v.blk.N.attn_q       vision_tower.vision_model.encoder.layers.N.self_attn.q_proj
          v.blk.N.attn_k       vision_tower.vision_model.encoder.layers.N.self_attn.k_proj
          v.blk.N.attn_v       vision_tower.vision_model.encoder.layers.N.self_attn.v_proj
          v.blk.N.attn_out     vision_tower.vision_model.encoder.layers.N.self_attn.out_proj
          v.blk.N.ln2          vision_tower.vision_model.encoder.layers.N.layer_norm2
          v.blk.N.ffn_up       vision_tower.vision_model.encoder.layers.N.mlp.fc1
          v.blk.N.ffn_down     vision_tower.vision_model.encoder.layers.N.mlp.fc2
          v.post_ln            vision_tower.vision_model.post_layernorm
          mm.0                 multi_modal_projector.linear_1
          mm.2                 multi_modal_projector.linear_2
          """);

  private static final Map<String, String> EARLY_LLAVA_VISION =
      with(
          LLAVA_VISION,
          """
          v.blk.N.ffn_down     vision_tower.vision_model.encoder.layers.N.mlp.fc1
          v.blk.N.ffn_up       vision_tower.vision_model.encoder.layers.N.mlp.fc2
          """);

  private final Map<String, String> table;
  private final String prefix;
  private final List<Integer> deepstack;

  private GgufNames(Map<String, String> table, String prefix, List<Integer> deepstack) {
    this.table = table;
    this.prefix = prefix;
    this.deepstack = deepstack;
  }

  /**
   * Returns the names of a decoder and its head.
   *
   * @param prefix where the decoder stands in the model, such as {@code model.}
   */
  static GgufNames decoder(String prefix) {
    return new GgufNames(DECODER, prefix, List.of());
  }

  static GgufNames qwen2Vision() {
    return new GgufNames(QWEN2_VISION, "visual.", List.of());
  }

  static GgufNames qwen25Vision() {
    return new GgufNames(QWEN25_VISION, "visual.", List.of());
  }

  /**
   * Returns the names of Qwen3-VL's vision tower.
   *
   * @param deepstack the layers whose hidden states pass mergers of their own: llama.cpp numbers
   *     those by the layer, Hugging Face from 0
   */
  static GgufNames qwen3Vision(List<Integer> deepstack) {
    return new GgufNames(QWEN3_VISION, "model.visual.", deepstack);
  }

  /**
   * Returns the names of LLaVA's CLIP and projector.
   *
   * @param early whether the first of the MLP's layers is called the one down, as the converter of
   *     LLaVA does
   */
  static GgufNames llavaVision(boolean early) {
    return new GgufNames(early ? EARLY_LLAVA_VISION : LLAVA_VISION, "model.", List.of());
  }

  /** Returns how many layers' hidden states pass mergers of their own. */
  int deepstackLevels() {
    return deepstack.size();
  }

  /** Returns Hugging Face's name of a tensor, or empty if it is none of the table. */
  Optional<String> of(String stored) {
    if (table == DECODER && stored.equals(HEAD)) {
      return Optional.of("lm_head.weight");
    }
    if (table.containsKey(stored)) {
      return Optional.of(prefix + table.get(stored));
    }
    int end = stored.lastIndexOf('.');
    if (end < 0) {
      return Optional.empty();
    }
    String module = stored.substring(0, end);
    String number = number(module);
    String renamed = table.get(LAYER.matcher(module).replaceFirst(".N."));
    if (renamed == null) {
      return Optional.empty();
    }
    String here =
        module.startsWith("v.deepstack.")
            ? Integer.toString(deepstack.indexOf(Integer.parseInt(number)))
            : number;
    return Optional.of(prefix + renamed.replace(".N.", "." + here + ".") + stored.substring(end));
  }

  /** Returns a layer's number of few digits, or nothing. */
  private static String number(String module) {
    Matcher matcher = LAYER.matcher(module);
    return matcher.find() ? matcher.group(1) : "";
  }

  /** Returns llama.cpp's name of a tensor, or empty if it has none. */
  Optional<String> stored(String name) {
    if (table == DECODER && name.equals("lm_head.weight")) {
      return Optional.of(HEAD);
    }
    if (!name.startsWith(prefix)) {
      return Optional.empty();
    }
    String within = name.substring(prefix.length());
    int end = within.lastIndexOf('.');
    return key(within).or(() -> end < 0 ? Optional.empty() : below(within, end));
  }

  private Optional<String> below(String name, int end) {
    String module = name.substring(0, end);
    String number = number(module);
    if (!module.startsWith(DEEPSTACK)) {
      return numbered(module, number, name.substring(end));
    }
    int level = number.isEmpty() ? -1 : Integer.parseInt(number);
    return level < 0 || level >= deepstack.size()
        ? Optional.empty()
        : numbered(module, deepstack.get(level).toString(), name.substring(end));
  }

  private Optional<String> numbered(String module, String number, String parameter) {
    return key(LAYER.matcher(module).replaceFirst(".N."))
        .map(stored -> stored.replace(".N.", "." + number + ".") + parameter);
  }

  private Optional<String> key(String value) {
    return table.entrySet().stream()
        .filter(entry -> entry.getValue().equals(value))
        .map(Map.Entry::getKey)
        .findFirst();
  }

  private static Map<String, String> table(String lines) {
    Map<String, String> table = new LinkedHashMap<>();
    lines
        .lines()
        .map(line -> line.split(" +"))
        .forEach(columns -> table.put(columns[0], columns[1]));
    return Map.copyOf(table);
  }

  private static Map<String, String> with(Map<String, String> base, String lines) {
    Map<String, String> table = new LinkedHashMap<>(base);
    table.putAll(table(lines));
    return Map.copyOf(table);
  }
}
