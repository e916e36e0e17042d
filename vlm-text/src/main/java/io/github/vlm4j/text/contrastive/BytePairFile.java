package io.github.vlm4j.text.contrastive;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.vlm4j.core.CheckpointException;
import io.github.vlm4j.core.checkpoint.ConfigNode;
import io.github.vlm4j.text.tokenizer.ByteAlphabet;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import java.util.zip.GZIPInputStream;
import org.jspecify.annotations.Nullable;

/**
 * CLIP's byte-pair vocabulary in the forms that precede {@code tokenizer.json}, rewritten in that
 * format.
 */
final class BytePairFile {

  /** How a word's last token ends in the vocabulary. */
  static final String WORD_END = "</w>";

  private static final int MAX_BYTES = 16 << 20;

  /** open_clip takes so many of the file's merges: 49152 - 256 - 2. */
  private static final int MAX_MERGES = 48894;

  private static final String WORDS =
      "'s|'t|'re|'ve|'m|'ll|'d|[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+";

  private BytePairFile() {}

  /**
   * The merges of a file as open_clip numbers them: the first line is a heading, every other line
   * of the first 48894 one merge.
   *
   * @param path gzipped or plain text
   */
  static List<String> merges(Path path) {
    String text = text(path);
    String[] lines = text.split("\n", -1);
    List<String> merges = new ArrayList<>();
    for (int i = 1; i < lines.length && i <= MAX_MERGES; i++) {
      String line = PythonText.singleBlanks(lines[i]);
      long words = line.isEmpty() ? 0 : 1 + line.chars().filter(c -> c == ' ').count();
      if (words != 2 && !(words == 0 && i == lines.length - 1)) {
        throw new CheckpointException(
            "%s: line %d does not hold two tokens; copy the file again.".formatted(path, i + 1));
      }
      merges.add(line);
    }
    return merges;
  }

  /**
   * The vocabulary of open_clip's tokenizer in the format of {@code tokenizer.json}: the bytes, the
   * bytes at a word's end, the merges, then, with no entries here, the two special tokens.
   */
  static String openClip(List<String> merges) {
    ObjectNode vocabulary = JsonNodeFactory.instance.objectNode();
    List<String> alphabet = alphabet();
    alphabet.forEach(token -> vocabulary.put(token, vocabulary.size()));
    alphabet.forEach(token -> vocabulary.put(token + WORD_END, vocabulary.size()));
    int id = vocabulary.size();
    ArrayNode pairs = JsonNodeFactory.instance.arrayNode();
    for (String merge : merges) {
      if (!merge.isEmpty()) {
        vocabulary.put(merge.replace(" ", ""), id);
        pairs.add(merge);
      }
      id++;
    }
    // Letters match whatever their case there, and the long s is an s.
    ObjectNode split = split(WORDS.replace("'s", "'[s\u017f]"));
    return file(vocabulary, pairs, null, split, false).toString();
  }

  /**
   * A Hugging Face folder's {@code vocab.json} and {@code merges.txt} in the format of {@code
   * tokenizer.json}, with the rules of transformers' {@code CLIPTokenizer}.
   */
  static String huggingFace(Path vocabJson, Path mergesTxt, SpecialTokens special) {
    ConfigNode node = ConfigNode.read(vocabJson);
    ObjectNode vocabulary = JsonNodeFactory.instance.objectNode();
    for (String token : node.fields()) {
      vocabulary.put(token, node.nonNegativeInt(token));
    }
    ArrayNode pairs = JsonNodeFactory.instance.arrayNode();
    for (String merge : text(mergesTxt).lines().toList()) {
      if (!merge.isBlank() && !merge.startsWith("#version")) {
        pairs.add(merge);
      }
    }
    ArrayNode normalizers = JsonNodeFactory.instance.arrayNode();
    normalizers.addObject().put("type", "NFC");
    ObjectNode blanks = normalizers.addObject().put("type", "Replace").put("content", " ");
    blanks.putObject("pattern").put("Regex", "\\s+");
    normalizers.addObject().put("type", "Lowercase");
    ObjectNode normalizer = JsonNodeFactory.instance.objectNode().put("type", "Sequence");
    normalizer.set("normalizers", normalizers);
    ObjectNode split = split("<\\|startoftext\\|>|<\\|endoftext\\|>|" + WORDS);
    ObjectNode file = file(vocabulary, pairs, normalizer, split, true);
    ArrayNode added = file.putArray("added_tokens");
    for (SpecialTokens.Token token : special.distinct()) {
      if (vocabulary.has(token.content())) {
        added
            .addObject()
            .put("id", vocabulary.get(token.content()).intValue())
            .put("content", token.content())
            .put("lstrip", token.leftStrip())
            .put("rstrip", token.rightStrip())
            .put("normalized", token.normalized())
            .put("special", true);
      }
    }
    String unknown = special.unknown().content();
    if (vocabulary.has(unknown)) {
      ((ObjectNode) file.get("model")).put("unk_token", unknown);
    }
    return file.toString();
  }

  private static ObjectNode file(
      ObjectNode vocabulary,
      ArrayNode merges,
      @Nullable ObjectNode normalizer,
      ObjectNode split,
      boolean splitAgain) {
    ObjectNode file = JsonNodeFactory.instance.objectNode();
    file.set("normalizer", normalizer);
    ObjectNode sequence = file.putObject("pre_tokenizer").put("type", "Sequence");
    sequence
        .putArray("pretokenizers")
        .add(split)
        .addObject()
        .put("type", "ByteLevel")
        .put("add_prefix_space", false)
        .put("use_regex", splitAgain);
    ObjectNode model = file.putObject("model").put("type", "BPE");
    model.put("end_of_word_suffix", WORD_END);
    model.set("vocab", vocabulary);
    model.set("merges", merges);
    return file;
  }

  private static ObjectNode split(String regex) {
    ObjectNode split = JsonNodeFactory.instance.objectNode().put("type", "Split");
    split.putObject("pattern").put("Regex", regex);
    return split.put("behavior", "Removed").put("invert", true);
  }

  /**
   * The printable stand-ins of the 256 bytes in open_clip's order: printable Latin-1 first, then
   * the other bytes as characters from U+0100 on.
   */
  private static List<String> alphabet() {
    return IntStream.range(0, 256)
        .mapToObj(b -> String.valueOf(ByteAlphabet.of((byte) b)))
        .sorted()
        .toList();
  }

  private static String text(Path path) {
    boolean zipped = path.toString().endsWith(".gz");
    try (InputStream file = Files.newInputStream(path);
        InputStream in = zipped ? new GZIPInputStream(file) : file) {
      byte[] bytes = in.readNBytes(MAX_BYTES + 1);
      if (bytes.length > MAX_BYTES) {
        throw new CheckpointException(
            "%s holds more than %d bytes, too many for CLIP's vocabulary; copy the file again."
                .formatted(path, MAX_BYTES));
      }
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
    } catch (CharacterCodingException e) {
      throw new CheckpointException(path + " is not UTF-8; copy the file again.", e);
    } catch (IOException e) {
      throw new CheckpointException(
          "%s cannot be read (%s); copy the file again.".formatted(path, e.getMessage()), e);
    }
  }
}
