package io.github.vlm4j.models.minimindv;

import io.github.vlm4j.core.checkpoint.ConfigNode;
import io.github.vlm4j.core.graph.RopePairing;
import io.github.vlm4j.models.family.ModelDescription;
import io.github.vlm4j.models.family.TensorShapes;
import io.github.vlm4j.models.minimindv.MiniMindLayout.Decoding;
import io.github.vlm4j.text.decoder.DecoderNames;
import io.github.vlm4j.text.decoder.GqaDecoderConfig;
import io.github.vlm4j.text.decoder.RotaryEmbedding;
import io.github.vlm4j.text.decoder.TextRotary;
import java.util.List;
import java.util.Optional;

/**
 * The sizes of a MiniMind-V. What a configuration says counts; what it leaves out, all of it where
 * there is none, is read off the tensors; and what no tensor tells is as in the published models: 8
 * heads where queries have no norm of a head's length, the base 1e6 of the rotary frequencies, the
 * eps of the norms, how many experts a token goes to.
 *
 * @param layout the layout of the tensors
 * @param config what the configuration says; empty where there is none
 * @param decoder the sizes of the decoder
 * @param names what the checkpoint calls its parts
 * @param rotary its angles
 */
record MiniMindConfig(
    MiniMindLayout layout,
    ConfigNode config,
    GqaDecoderConfig decoder,
    DecoderNames names,
    RotaryEmbedding rotary) {

  private static final int HEADS = 8;
  private static final double THETA = 1e6;

  // Far beyond any model, and small enough that no product of them leaves 64 bits.
  private static final int MAX_LAYERS = 1000;
  private static final int MAX_WIDTH = 1 << 20;
  private static final int MAX_HEADS = 1 << 12;
  private static final int MAX_VOCABULARY = 1 << 24;

  static MiniMindConfig read(ModelDescription model) {
    MiniMindLayout layout = MiniMindLayout.of(model);
    ConfigNode config =
        model
            .config()
            .orElseGet(() ->
                ConfigNode.parse("The model's configuration, which --model-config can give", "{}"));
    return new Reader(layout.decoder(), config, model.tensors()).read(layout);
  }

  /** Returns the id that stands for a picture's embeddings. */
  int imageId() {
    int[] ids = config.intsOr("image_ids", layout.decoder() == Decoding.QUERY_KEY_NORM ? 12 : 34);
    int last = decoder.vocabularySize() - 1;
    for (int id : ids) {
      if (id != ids[0] || id < 0 || id > last) {
        throw config.invalid("image_ids", "one id from 0 to " + last + ", or the same repeated");
      }
    }
    if (ids.length == 0) {
      throw config.invalid("image_ids", "the id that stands for a picture");
    }
    return ids[0];
  }

  /** Returns how many embeddings a picture has, where the configuration says it. */
  Optional<ImageTokens> imageTokens() {
    if (config.has("image_token_len")) {
      return Optional.of(new ImageTokens("image_token_len", config.positiveInt("image_token_len")));
    }
    return layout.decoder() != Decoding.QUERY_KEY_NORM && config.has("image_ids")
        ? Optional.of(new ImageTokens("image_ids", config.ints("image_ids").length))
        : Optional.empty();
  }

  /**
   * What a configuration says of the number of a picture's embeddings.
   *
   * @param field where it says so
   * @param count how many there are
   */
  record ImageTokens(String field, int count) {

    /** Returns how the field would say another number. */
    String saying(int other) {
      return field.equals("image_ids") ? "a list of " + other + " ids" : String.valueOf(other);
    }
  }

  /** Reads one configuration; fields have one name in the first layout and another since. */
  private record Reader(Decoding layout, ConfigNode config, Optional<TensorShapes> tensors) {

    MiniMindConfig read(MiniMindLayout whole) {
      int hidden = size("hidden_size", "dim", MAX_WIDTH, extent(layout.embedding(), 1, 768));
      GqaDecoderConfig.Attention attention = attention(hidden);
      MiniMindFeedForward feedForward = new MiniMindFeedForward(layout, config, tensors);
      GqaDecoderConfig.Mlp mlp = feedForward.mlp(hidden);
      boolean first = layout == Decoding.META;
      int context =
          first
              ? config.positiveIntOr("max_seq_len", 8192)
              : config.positiveIntOr("max_position_embeddings", 32_768);
      GqaDecoderConfig decoder =
          new GqaDecoderConfig(
              size("vocab_size", "vocab_size", MAX_VOCABULARY, extent(layout.embedding(), 0, 6400)),
              hidden,
              size("num_hidden_layers", "n_layers", MAX_LAYERS, layers()),
              attention,
              mlp,
              feedForward.experts(mlp.intermediateSize()),
              (float)
                  config.positiveDoubleOr(
                      first ? "norm_eps" : "rms_norm_eps",
                      layout == Decoding.QUERY_KEY_NORM ? 1e-6 : 1e-5),
              context,
              first || config.booleanOr("tie_word_embeddings", true));
      return new MiniMindConfig(
          whole, config, decoder, feedForward.names(), rotary(attention.headDim(), context));
    }

    private GqaDecoderConfig.Attention attention(int hidden) {
      boolean normed = layout == Decoding.QUERY_KEY_NORM;
      String headsField = name("num_attention_heads", "n_heads");
      String keysField = name("num_key_value_heads", "n_kv_heads");
      int normSize = normed ? extentOfNorm() : 0;
      int queryRows = extent(projection("query"), 0, 0);
      int heads =
          size(headsField, headsField, MAX_HEADS, normSize > 0 ? queryRows / normSize : HEADS);
      if (!normed && hidden % heads != 0) {
        throw config.invalid(headsField, "a divisor of the length of an embedding, " + hidden);
      }
      int headDim =
          normed
              ? size("head_dim", "head_dim", MAX_WIDTH, normSize > 0 ? normSize : hidden / heads)
              : hidden / heads;
      if (headDim < 2 || headDim % 2 != 0) {
        throw config.invalid(
            config.has("head_dim") ? "head_dim" : headsField,
            "such that a head has an even length, not " + headDim);
      }
      int keyRows = extent(projection("key"), 0, 0);
      int published = normed ? 4 : 2;
      int keyValueHeads =
          size(keysField, keysField, MAX_HEADS, keyRows > 0 ? keyRows / headDim : published);
      if (keyValueHeads < 1 || heads % keyValueHeads != 0) {
        throw config.invalid(keysField, "a divisor of the number of query heads, " + heads);
      }
      return new GqaDecoderConfig.Attention(
          heads,
          keyValueHeads,
          headDim,
          false,
          false,
          normed,
          layout == Decoding.META ? RopePairing.INTERLEAVED : RopePairing.HALVES,
          List.of());
    }

    /** Scaling is switched on by a field of its own; its settings are written in the code. */
    private RotaryEmbedding rotary(int headDim, int context) {
      double theta = config.positiveDoubleOr("rope_theta", THETA);
      if (layout != Decoding.META && config.booleanOr("inference_rope_scaling", false)) {
        return TextRotary.read(yarn(theta, context), headDim);
      }
      return TextRotary.of(headDim, theta);
    }

    private static ConfigNode yarn(double theta, int context) {
      return ConfigNode.parse(
          "MiniMind's YaRN",
          """
          {"rope_theta": %s, "max_position_embeddings": %d, "rope_scaling": {"type": "yarn",
          "factor": 16, "original_max_position_embeddings": 2048, "beta_fast": 32,
          "beta_slow": 1, "attention_factor": 1.0}}
          """
              .formatted(theta, context));
    }

    private String projection(String which) {
      String name =
          which.equals("query")
              ? layout.names().attention().query()
              : layout.names().attention().key();
      return layout.inFirstLayer(layout.names().attention().scope() + "." + name + ".weight");
    }

    private int extentOfNorm() {
      return tensors
          .map(shapes -> shapes.extent(layout.inFirstLayer("self_attn.q_norm.weight"), 1, 0))
          .orElse(0);
    }

    private int layers() {
      String prefix = layout.prefix() + layout.names().layers() + ".";
      int place = prefix.length() - prefix.replace(".", "").length();
      return tensors.map(shapes -> shapes.count(prefix, place)).orElse(8);
    }

    private int extent(String tensor, int axis, int otherwise) {
      return tensors.map(shapes -> shapes.extent(tensor, 2, axis)).orElse(otherwise);
    }

    private String name(String since, String first) {
      return layout == Decoding.META ? first : since;
    }

    private int size(String since, String first, int max, int otherwise) {
      String field = name(since, first);
      return config.has(field) ? config.intBetween(field, 1, max) : otherwise;
    }
  }
}
