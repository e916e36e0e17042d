package io.github.vlm4j.text.tokenizer;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.databind.JsonNode;
import io.github.vlm4j.core.CheckpointException;
import io.github.vlm4j.core.checkpoint.JsonTree;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The validated contents of a {@code tokenizer.json} with a byte-pair encoding or a unigram model.
 * The native library aborts the whole process on some malformed input, so it never sees the file
 * itself, only what {@link #json} writes.
 *
 * @param path where it was read from
 * @param vocabulary token to id, in the file's order
 * @param merges pairs of tokens, flattened, most important first
 * @param scores of a unigram model's tokens, by id; empty for byte-pair encoding
 * @param addedTokens in the file's order
 * @param model the scalar settings of the model
 * @param normalizer validated, or null
 * @param preTokenizer validated, or null
 * @param decoder validated, or null
 * @param postProcessor as in the file, not validated, or null
 */
record TokenizerFile(
    Path path,
    Map<String, Integer> vocabulary,
    List<String> merges,
    List<Double> scores,
    List<AddedToken> addedTokens,
    Model model,
    @Nullable JsonNode normalizer,
    @Nullable JsonNode preTokenizer,
    @Nullable JsonNode decoder,
    @Nullable JsonNode postProcessor) {

  /**
   * Settings of a model.
   *
   * @param unknownToken for byte-pair encoding
   * @param unknownId for a unigram model, -1 otherwise
   */
  record Model(
      @Nullable String unknownToken,
      int unknownId,
      @Nullable String endOfWordSuffix,
      boolean fuseUnknown,
      boolean byteFallback,
      boolean ignoreMerges) {}

  /**
   * Writes the file for the native library, without post-processor, truncation and padding.
   *
   * @param names new spellings of added tokens, by the old one; others keep theirs
   */
  String json(Map<String, String> names) {
    StringWriter out = new StringWriter();
    try (JsonGenerator json = new JsonFactory().createGenerator(out)) {
      json.writeStartObject();
      json.writeStringField("version", "1.0");
      json.writeNullField("truncation");
      json.writeNullField("padding");
      json.writeArrayFieldStart("added_tokens");
      for (AddedToken token : addedTokens) {
        json.writeStartObject();
        json.writeNumberField("id", token.id());
        json.writeStringField("content", renamed(names, token.content()));
        json.writeBooleanField("single_word", token.singleWord());
        json.writeBooleanField("lstrip", token.leftStrip());
        json.writeBooleanField("rstrip", token.rightStrip());
        json.writeBooleanField("normalized", token.normalized());
        json.writeBooleanField("special", token.special());
        json.writeEndObject();
      }
      json.writeEndArray();
      write(json, "normalizer", normalizer);
      write(json, "pre_tokenizer", preTokenizer);
      json.writeNullField("post_processor");
      write(json, "decoder", decoder);
      if (scores.isEmpty()) {
        writeBytePairs(json, names);
      } else {
        writeUnigram(json, names);
      }
      json.writeEndObject();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return out.toString();
  }

  private static String renamed(Map<String, String> names, String token) {
    return names.getOrDefault(token, token);
  }

  private static void write(JsonGenerator json, String field, @Nullable JsonNode node)
      throws IOException {
    json.writeFieldName(field);
    if (node == null) {
      json.writeNull();
    } else {
      JsonTree.write(node, json);
    }
  }

  private void writeUnigram(JsonGenerator json, Map<String, String> names) throws IOException {
    json.writeObjectFieldStart("model");
    json.writeStringField("type", "Unigram");
    json.writeNumberField("unk_id", model.unknownId());
    json.writeBooleanField("byte_fallback", model.byteFallback());
    json.writeArrayFieldStart("vocab");
    for (Map.Entry<String, Integer> entry : vocabulary.entrySet()) {
      json.writeStartArray();
      json.writeString(renamed(names, entry.getKey()));
      json.writeNumber(scores.get(entry.getValue()));
      json.writeEndArray();
    }
    json.writeEndArray();
    json.writeEndObject();
  }

  private void writeBytePairs(JsonGenerator json, Map<String, String> names) throws IOException {
    json.writeObjectFieldStart("model");
    json.writeStringField("type", "BPE");
    json.writeNullField("dropout");
    String unknown = model.unknownToken();
    json.writeStringField("unk_token", unknown == null ? null : renamed(names, unknown));
    json.writeNullField("continuing_subword_prefix");
    json.writeStringField("end_of_word_suffix", model.endOfWordSuffix());
    json.writeBooleanField("fuse_unk", model.fuseUnknown());
    json.writeBooleanField("byte_fallback", model.byteFallback());
    json.writeBooleanField("ignore_merges", model.ignoreMerges());
    json.writeObjectFieldStart("vocab");
    for (Map.Entry<String, Integer> entry : vocabulary.entrySet()) {
      json.writeNumberField(renamed(names, entry.getKey()), entry.getValue());
    }
    json.writeEndObject();
    json.writeArrayFieldStart("merges");
    for (int i = 0; i < merges.size(); i += 2) {
      json.writeStartArray();
      json.writeString(merges.get(i));
      json.writeString(merges.get(i + 1));
      json.writeEndArray();
    }
    json.writeEndArray();
    json.writeEndObject();
  }

  /** All tokens by id; an added token takes the place of the vocabulary's entry. */
  Map<Integer, String> byId() {
    Map<Integer, String> tokens = HashMap.newHashMap(vocabulary.size() + addedTokens.size());
    vocabulary.forEach((token, id) -> tokens.put(id, token));
    addedTokens.forEach(token -> tokens.put(token.id(), token.content()));
    return tokens;
  }

  /** The same file with other parts before the model. */
  TokenizerFile with(@Nullable JsonNode otherNormalizer, @Nullable JsonNode otherPreTokenizer) {
    return new TokenizerFile(
        path,
        vocabulary,
        merges,
        scores,
        addedTokens,
        model,
        otherNormalizer,
        otherPreTokenizer,
        decoder,
        postProcessor);
  }

  /** The same file with other added tokens. */
  TokenizerFile with(List<AddedToken> others) {
    return new TokenizerFile(
        path,
        vocabulary,
        merges,
        scores,
        List.copyOf(others),
        model,
        normalizer,
        preTokenizer,
        decoder,
        postProcessor);
  }

  boolean hasId(int id) {
    return vocabulary.containsValue(id) || addedTokens.stream().anyMatch(token -> token.id() == id);
  }

  CheckpointException broken(String problem) {
    return new CheckpointException("Tokenizer file " + path + ": " + problem);
  }
}
