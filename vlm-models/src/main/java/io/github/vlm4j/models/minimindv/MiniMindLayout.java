package io.github.vlm4j.models.minimindv;

import io.github.vlm4j.core.checkpoint.ConfigNode;
import io.github.vlm4j.models.family.ModelDescription;
import io.github.vlm4j.models.family.TensorShapes;
import io.github.vlm4j.text.decoder.DecoderNames;
import java.util.Optional;

/**
 * Which of MiniMind's published layouts a model has. Its files of weights have no version number,
 * so that the names of the tensors have to tell.
 *
 * @param decoder the layout of the decoder
 * @param connector the layout of the connector
 */
record MiniMindLayout(Decoding decoder, Connecting connector) {

  /** The layouts of the decoder. */
  enum Decoding {
    /** From February 2025: Meta's names, dimensions turned in neighbouring pairs. */
    META("", "2025-02", "tok_embeddings and layers.N.attention.wq"),
    /** From April 2025: Hugging Face's names. */
    HUGGING_FACE("model.", "2025-04", "model.embed_tokens without q_norm"),
    /** From March 2026: queries and keys are normalised. */
    QUERY_KEY_NORM("model.", "2026-03", "model.layers.N.self_attn.q_norm");

    private final String prefix;
    private final String since;
    private final String marks;

    Decoding(String prefix, String since, String marks) {
      this.prefix = prefix;
      this.since = since;
      this.marks = marks;
    }

    /** Returns what the tensors are called. */
    DecoderNames names() {
      return this == META ? DecoderNames.META : DecoderNames.HUGGING_FACE;
    }

    /** Returns the name of the embeddings and everything below, with its last dot; may be empty. */
    String prefix() {
      return prefix;
    }

    /** Returns the name of the embedding table. */
    String embedding() {
      return prefix + names().embedding() + ".weight";
    }

    /** Returns the name of a tensor of the first layer. */
    String inFirstLayer(String name) {
      return prefix + names().layers() + ".0." + name;
    }
  }

  /** The layouts of the connector. */
  enum Connecting {
    /** None: the decoder alone. */
    NONE,
    /** One matrix from CLIP's patches. */
    LINEAR,
    /** From March 2026: several consecutive patches of a SigLIP 2 for any grid, and an MLP. */
    MLP,
    /** From April 2026: patches of a SigLIP 2, or blocks of them, a norm and an MLP. */
    NORMED_MLP
  }

  static final String LINEAR = "vision_proj.vision_proj.0";
  static final String MLP = "vision_proj.mlp";

  /** The vocabulary of all published models; other decoders with these names have larger ones. */
  private static final int VOCABULARY = 6400;

  /** Returns the layout of a model that is known to be MiniMind's. */
  static MiniMindLayout of(ModelDescription model) {
    return model
        .tensors()
        .flatMap(MiniMindLayout::named)
        .orElseGet(() -> declared(model.requireConfig()));
  }

  /** Returns the layout that names of tensors tell, or nothing if they are not MiniMind's. */
  static Optional<MiniMindLayout> recognised(TensorShapes tensors) {
    return named(tensors)
        .filter(layout ->
            layout.connector != Connecting.NONE
                || tensors.extent(layout.decoder.embedding(), 2, 0) <= VOCABULARY);
  }

  private static Optional<MiniMindLayout> named(TensorShapes tensors) {
    Connecting connector = connector(tensors);
    if (tensors.contains(Decoding.META.embedding())) {
      return Optional.of(new MiniMindLayout(Decoding.META, connector));
    }
    if (!tensors.contains(Decoding.HUGGING_FACE.embedding())) {
      return Optional.empty();
    }
    boolean normed =
        tensors.contains(Decoding.QUERY_KEY_NORM.inFirstLayer("self_attn.q_norm.weight"));
    return Optional.of(
        new MiniMindLayout(normed ? Decoding.QUERY_KEY_NORM : Decoding.HUGGING_FACE, connector));
  }

  private static Connecting connector(TensorShapes tensors) {
    if (tensors.contains(LINEAR + ".weight")) {
      return Connecting.LINEAR;
    }
    if (!tensors.contains(MLP + ".0.weight")) {
      return Connecting.NONE;
    }
    boolean norm = tensors.checkpoint().shape(MLP + ".0.weight").rank() == 1;
    return norm ? Connecting.NORMED_MLP : Connecting.MLP;
  }

  /** Without tensors, the fields tell that a version had and others had not. */
  private static MiniMindLayout declared(ConfigNode config) {
    boolean pictures = config.stringOr("model_type", "").equals(MiniMindVFamily.WITH_PICTURES);
    Decoding decoder =
        config.has("dim")
            ? Decoding.META
            : config.has("n_routed_experts") ? Decoding.HUGGING_FACE : Decoding.QUERY_KEY_NORM;
    Connecting connector =
        decoder == Decoding.QUERY_KEY_NORM ? Connecting.NORMED_MLP : Connecting.LINEAR;
    return new MiniMindLayout(decoder, pictures ? connector : Connecting.NONE);
  }

  /** Returns the name of the tensor that tells the length of the connector's rows. */
  String rowTensor() {
    return (connector == Connecting.LINEAR ? LINEAR : MLP + ".0") + ".weight";
  }

  /** Returns the length of the connector's rows. */
  int rowSize(TensorShapes tensors) {
    return connector == Connecting.NORMED_MLP
        ? tensors.extent(rowTensor(), 1, 0)
        : tensors.extent(rowTensor(), 2, 1);
  }

  /** Returns what decided, in words. */
  String reason(TensorShapes tensors) {
    boolean experts =
        tensors.contains(decoder.inFirstLayer(decoder.names().mlp().scope() + ".gate.weight"));
    return "its tensors have the names of MiniMind's decoder since %s (%s, with%s experts) and %s"
        .formatted(decoder.since, decoder.marks, experts ? "" : "out", marks(tensors));
  }

  private String marks(TensorShapes tensors) {
    return switch (connector) {
      case NONE -> "no connector";
      case LINEAR -> LINEAR + ", one matrix";
      case MLP -> MLP + ", which begins with a matrix of rows of " + rowSize(tensors);
      case NORMED_MLP -> MLP + ", which begins with a norm of rows of " + rowSize(tensors);
    };
  }
}
