package io.github.vlm4j.models.runtime;

import io.github.vlm4j.models.family.PreparedPrompt;
import io.github.vlm4j.models.family.PreparedVisual;
import io.github.vlm4j.models.runtime.TokenSequence.Placed;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/**
 * Reads prompts: pictures through the encoder, tokens through the decoder. What was read for the
 * prompt before and begins this one, too, is not read again, and pictures whose features are still
 * known are not encoded again. Not safe for use by several threads at once.
 */
public final class PromptReader {

  /** Is told which picture has been encoded. */
  @FunctionalInterface
  public interface Encoding {

    /**
     * A picture passed the encoder.
     *
     * @param done how many so far
     * @param total how many there are to encode
     */
    void encoded(int done, int total);
  }

  /**
   * What there is to read of a prompt.
   *
   * @param readTokens how many of its first tokens have been read before
   * @param readPictures how many of its pictures need not be encoded
   * @param visuals the pictures whose placeholders are among the other tokens, in order
   */
  public record Beginning(int readTokens, int readPictures, List<EncodedVisual> visuals) {

    /** Keeps an immutable copy of the list. */
    public Beginning {
      visuals = List.copyOf(visuals);
    }
  }

  private final Optional<VisualRuntime> visual;
  private final DecoderRuntime decoder;
  private final FeatureCache features;
  private final boolean continuing;

  /**
   * Takes what does the work.
   *
   * @param visual empty for a model of text alone, whose prompts hold no pictures
   * @param features of pictures, to look into and to add to
   * @param continuing whether a prompt goes on from the one before it
   */
  public PromptReader(
      Optional<VisualRuntime> visual,
      DecoderRuntime decoder,
      FeatureCache features,
      boolean continuing) {
    this.visual = visual;
    this.decoder = decoder;
    this.features = features;
    this.continuing = continuing;
  }

  /** Returns what reads the tokens. */
  public DecoderRuntime decoder() {
    return decoder;
  }

  /**
   * Finds out what of a prompt there is to read, and encodes the pictures of that part.
   *
   * @param prompt the prompt
   * @param sequence its tokens, and more behind them if the decoder is to read more
   * @param most how many tokens may be taken as read
   * @param encoding told after each picture
   */
  public Beginning begin(
      PreparedPrompt prompt, TokenSequence sequence, int most, Encoding encoding) {
    if (!continuing) {
      decoder.reset();
    }
    int read = decoder.begin(sequence, most);
    Map<PictureKey, EncodedVisual> found = new HashMap<>();
    Map<PictureKey, PreparedVisual> missing = new LinkedHashMap<>();
    List<Placed> toRead = new ArrayList<>();
    for (int i = 0; i < sequence.pictures().size(); i++) {
      Placed picture = sequence.pictures().get(i);
      if (!picture.within(read)) {
        toRead.add(picture);
        EncodedVisual known = features.get(picture.key());
        if (known == null) {
          missing.put(picture.key(), prompt.visuals().get(i));
        } else {
          found.put(picture.key(), known);
        }
      }
    }
    int done = 0;
    for (Map.Entry<PictureKey, PreparedVisual> picture : missing.entrySet()) {
      EncodedVisual encoded = visual.orElseThrow().encode(picture.getValue());
      features.put(picture.getKey(), encoded);
      found.put(picture.getKey(), encoded);
      encoding.encoded(++done, missing.size());
    }
    return new Beginning(
        read,
        sequence.pictures().size() - missing.size(),
        toRead.stream()
            .map(picture -> Objects.requireNonNull(found.get(picture.key())).at(picture.rows()))
            .toList());
  }
}
